#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""CPU time a request by the length of the value, 1 KB to 1 MB, one request at a time on each of 8 connections.

All servers run at the same time and are measured in turn, round after round; the ratio to the peer of the same
protocol is the median of the rounds' ratios. Each holds 256 MB of values and has room for four times that. A round has as
many requests for each server of a protocol as take the peer a second of CPU time; of SETs the time is read when servers
have done what they owe for them (bench/throughput.py). Hearth's log has been written from end to end before, by small
values that were flushed: large ones die by whole segments, which are used again before others are touched, so that the
pool would go on growing, and with it the cost of new memory, for very long.

    ./dev bench values [--quick] [--rounds N]

writes bench/out/values.csv (every round), values.txt (the table) and values.png. About ten minutes.
"""

import argparse
import contextlib
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import plot  # noqa: E402  (the path comes first)
import report  # noqa: E402
import servers  # noqa: E402
import throughput  # noqa: E402

SIZES = (1000, 10000, 100000, 1000000)
OPS = ("get", "set")
CONNECTIONS = 8
HELD_BYTES = 256 << 20
ROOM = 4
TURN_S = 1.0  # of the peer's CPU time
SMALL = 1000  # bytes of the values that the log is written through with


def load(server, protocol, op, size, requests, order="random", seed=1):
    keys = HELD_BYTES // size
    figures = servers.load(protocol, server.port(protocol), op, requests, 1, CONNECTIONS, size, keys, order, seed)
    if op == "get" and figures["misses"]:
        raise RuntimeError("%s: %d keys are missing" % (server.name, figures["misses"]))


def start_all(stack, size):
    running = {}
    room_mb = ROOM * HELD_BYTES >> 20
    for which, make in (
        ("memcached", lambda: servers.memcached("memcached", memory_mb=room_mb)),
        ("redis", lambda: servers.redis("redis")),
        ("hearth", lambda: servers.hearth("hearth", pool_size="%dmb" % room_mb)),
    ):
        server = running[which] = stack.enter_context(make())
        if which == "hearth":
            write_log_through(server)
        load(server, server.protocol, "set", size, HELD_BYTES // size, "sequential")
    return running


def write_log_through(server):
    for order in ("sequential", *["random"] * throughput.OVERWRITES):
        load(server, "memcache", "set", SMALL, HELD_BYTES // SMALL, order)
    if not servers.answers(server.memcache_port, b"flush_all\r\n", b"OK"):
        raise RuntimeError("%s: flush_all failed" % server.name)


def cpu_us(server, protocol, op, size, requests, seed):
    """CPU microseconds a request, with what is owed for it."""
    before = server.cpu_seconds()
    load(server, protocol, op, size, requests, seed=seed)
    if op == "set":
        time.sleep(server.rest_s)
    return (server.cpu_seconds() - before) * 1e6 / requests


def measure(args, write):
    """A list of figures by (column, op, size)."""
    seen, counts = {}, {}
    for size in SIZES:
        with contextlib.ExitStack() as stack:
            running = start_all(stack, size)
            for turn in range(args.rounds):
                for op in OPS:
                    for name, protocol, which in servers.COLUMNS:
                        server, like = running[which], (protocol, op, size)
                        if like not in counts:
                            counts[like] = max(200, int(TURN_S * 1e6 / cpu_us(server, protocol, op, size, 500, 0)))
                        figure = cpu_us(server, protocol, op, size, counts[like], turn)
                        seen.setdefault((name, op, size), []).append(figure)
                        write(size, op, name, turn, "%.3f" % figure)
    return seen


def table(seen):
    lines = ["server CPU time per request, microseconds (median); in brackets the share of the peer's", ""]
    lines.append("%-22s" % "" + "".join("%22s" % name for name, _, _ in servers.COLUMNS))
    for op in OPS:
        for size in SIZES:
            line = "%-22s" % ("%s %d B" % (op, size))
            for name, _, _ in servers.COLUMNS:
                shown = "%.2f" % statistics.median(seen[name, op, size])
                if name in servers.PEERS:
                    pairs = zip(seen[name, op, size], seen[servers.PEERS[name], op, size])
                    shown += " (%.2f)" % statistics.median(ours / peer for ours, peer in pairs)
                line += "%22s" % shown
            lines.append(line)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--rounds", type=int, default=0, help="rounds (5, with --quick 2)")
    args = parser.parse_args()
    args.rounds = args.rounds or (2 if args.quick else 5)
    with report.rows("values", ["value_bytes", "op", "server", "round", "cpu_us"]) as write:
        seen = measure(args, write)
    report.text("values", table(seen), args.quick)
    series = {
        "%s %s" % (name, op): [(size, statistics.median(seen[name, op, size])) for size in SIZES]
        for op in OPS
        for name, _, _ in servers.COLUMNS
    }
    plot.lines("values", "Server CPU time by the length of the value", "bytes", "microseconds", series, "xy")


if __name__ == "__main__":
    main()
