#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""CPU time a key of requests for many keys at once: memcached's `get k1 ... kN`, Redis's MGET.

All servers run at the same time and are measured in turn, round after round; the ratio to the peer of the same
protocol is the median of the rounds' ratios. CPU time is user and system time of all threads of the server.

    ./dev bench multiget [--quick] [--rounds N]

writes bench/out/multiget.csv (every round), multiget.txt (the table) and multiget.png. About two minutes.
"""

import argparse
import contextlib
import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import plot  # noqa: E402  (the path comes first)
import report  # noqa: E402
import servers  # noqa: E402

KEYS = 1000000
VALUE_BYTES = 100
SIZES = (16, 64)
GOAL = 0.5
TURN_S = 0.25  # of the server's CPU time


def start_all(stack):
    running = {}
    for which, make in (
        ("memcached", lambda: servers.memcached("memcached")),
        ("redis", lambda: servers.redis("redis")),
        ("hearth", lambda: servers.hearth("hearth")),
    ):
        server = running[which] = stack.enter_context(make())
        servers.load(server.protocol, server.port(server.protocol), "set", KEYS, 64, 4, VALUE_BYTES, KEYS, "sequential")
    return running


def cpu_us(server, protocol, keys, requests, seed):
    """CPU microseconds a key."""
    before = server.cpu_seconds()
    figures = servers.load(protocol, server.port(protocol), "get", requests, 1, 4, VALUE_BYTES, KEYS, "random", seed,
                           options=("--multi-get", str(keys)))
    used = server.cpu_seconds() - before
    if figures["misses"]:
        raise RuntimeError("%s: %d keys are missing" % (server.name, figures["misses"]))
    return used * 1e6 / (requests * keys)


def measure(args, write):
    """A list of figures by (column, keys)."""
    seen = {}
    with contextlib.ExitStack() as stack:
        running = start_all(stack)
        counts = {}
        for turn in range(args.rounds):
            for keys in SIZES:
                for name, protocol, which in servers.COLUMNS:
                    server = running[which]
                    if (name, keys) not in counts:
                        cpu_us(server, protocol, keys, 500, 0)
                        counts[name, keys] = max(500, int(TURN_S * 1e6 / keys / cpu_us(server, protocol, keys, 2000, 0)))
                    seen.setdefault((name, keys), []).append(cpu_us(server, protocol, keys, counts[name, keys], turn))
                    write(keys, name, turn, "%.4f" % seen[name, keys][-1])
    return seen


def table(seen):
    lines = ["server CPU time per key of a multi-get, %d B values, %d keys stored, microseconds" % (VALUE_BYTES, KEYS), ""]
    lines.append("%-20s" % "" + "".join("%14s" % ("%d keys" % keys) for keys in SIZES))
    goals = [""]
    for name, _, _ in servers.COLUMNS:
        line = "%-20s" % name
        for keys in SIZES:
            line += "%14.3f" % statistics.median(seen[name, keys])
        lines.append(line)
        for keys in SIZES if name in servers.PEERS else ():
            ratios = [figure / peer for figure, peer in zip(seen[name, keys], seen[servers.PEERS[name], keys])]
            what = "CPU a key of a multi-get of %d over %s's, %s," % (keys, servers.PEERS[name], name)
            if servers.PEERS[name] == "memcached":
                goals.append(report.goal(what, statistics.median(ratios), GOAL))
            else:
                goals.append("%s %.2f" % (what, statistics.median(ratios)))
    return lines + goals


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--rounds", type=int, default=0, help="rounds (7, with --quick 2)")
    args = parser.parse_args()
    args.rounds = args.rounds or (2 if args.quick else 7)
    with report.rows("multiget", ["keys", "server", "round", "cpu_us"]) as write:
        seen = measure(args, write)
    report.text("multiget", table(seen), args.quick)
    names = [name for name, _, _ in servers.COLUMNS]
    series = {"%d keys" % keys: [statistics.median(seen[name, keys]) for name in names] for keys in SIZES}
    plot.bars("multiget", "Server CPU time a key of a multi-get", "microseconds", names, series)


if __name__ == "__main__":
    main()
