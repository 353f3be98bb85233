#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What connections cost a server's CPU, side by side with memcached and redis-server.

Two questions. Does a GET cost more while 10,000 connections do nothing? Two servers of a kind are measured in turn, one
of them with the idle connections; then they change roles. And a connection storm: connect, one GET, close, 64 of them
at a time, all servers in turn; the null server is the floor.
CPU time is user and system time of all threads of the server. A turn is short and what is compared stands beside each
other in it, so that a slow minute of the machine hits both; the ratio is the median of the turns' ratios.

    ./dev bench connections [--quick] [--turns N] [--idle N] [--threads N]

writes bench/out/connections.csv (every turn), connections.txt (the tables) and connections.png. About three minutes.
"""

import argparse
import contextlib
import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import idle  # noqa: E402  (the path comes first)
import plot  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402

KEYS = 100000
VALUE_BYTES = 100
DEPTHS = (1, 16)
ACTIVE = 32
STORM_AT_ONCE = 64
TURN_S = 0.12  # of the server's CPU time
IDLE_GOAL = 1.05

# Column, protocol, which server.
NULL_COLUMNS = (("null mc", "memcache", "null"), ("null redis", "redis", "null"))


def make(which, threads, clients):
    if which == "memcached":
        return servers.memcached("memcached", threads, options=("-c", str(clients)))
    if which == "redis":
        return servers.redis("redis", ("--maxclients", str(clients), *idle.REDIS_OPTIONS))
    if which == "hearth":
        return servers.hearth("hearth", threads, options={"maxclients": clients})
    return servers.null("null", threads, VALUE_BYTES)


def start(stack, which, args):
    """A server that holds all keys."""
    server = stack.enter_context(make(which, args.threads, args.idle + 1000))
    servers.load(server.protocol, server.port(server.protocol), "set", KEYS, 64, 4, VALUE_BYTES, KEYS, "sequential")
    return server


def cpu_us(server, protocol, depth, count, seed):
    """CPU microseconds a request; depth 0 is a storm."""
    port = server.port(protocol)
    before = server.cpu_seconds()
    if depth == 0:
        figures = servers.load(protocol, port, "get", count, 1, STORM_AT_ONCE, VALUE_BYTES, KEYS, "random", seed,
                               options=("--storm",))
    else:
        figures = servers.load(protocol, port, "get", count, depth, ACTIVE, VALUE_BYTES, KEYS, "random", seed)
    used = server.cpu_seconds() - before
    if figures["misses"]:
        raise RuntimeError("%s: %d of %d keys are missing" % (server.name, figures["misses"], count))
    return used * 1e6 / count


def count_for(server, protocol, depth):
    """How many requests cost the server about TURN_S of CPU time. A short run warms it up, another asks."""
    count = 2000 if depth == 0 else 20000
    cpu_us(server, protocol, depth, count, 0)
    return max(1000, int(TURN_S * 1e6 / cpu_us(server, protocol, depth, count, 0)))


def measure_idle(column, args, write):
    """CPU a GET of one server: by depth, a list of (without, with) idle connections."""
    name, protocol, which = column
    seen = {depth: [] for depth in DEPTHS}
    with contextlib.ExitStack() as stack:
        pair = [start(stack, which, args) for _ in range(2)]
        counts = {depth: count_for(server, protocol, depth) for server in pair for depth in DEPTHS}
        for alone, beside in (pair, pair[::-1]):
            with idle.idle_connections(protocol, beside.port(protocol), args.idle):
                for turn in range(args.turns):
                    for depth in DEPTHS:
                        figures = []
                        for server, idle_count in ((alone, 0), (beside, args.idle)):
                            figures.append(cpu_us(server, protocol, depth, counts[depth], turn + 1))
                            write("get", depth, idle_count, name, turn, "%.4f" % figures[-1])
                        seen[depth].append(figures)
    for depth, pairs in seen.items():
        said = "# %s, depth %d: %.2f, with idle ones %.2f" % (name, depth, *medians_of(pairs))
        print(said, file=sys.stderr, flush=True)
    return seen


def medians_of(pairs):
    return tuple(statistics.median(figures) for figures in zip(*pairs))


def measure_storm(args, write):
    """CPU a storm's request: a list by column."""
    columns = servers.COLUMNS + NULL_COLUMNS
    seen = {name: [] for name, _, _ in columns}
    with contextlib.ExitStack() as stack:
        running = {which: start(stack, which, args) for which in ("memcached", "redis", "hearth", "null")}
        counts = {name: count_for(running[which], protocol, 0) for name, protocol, which in columns}
        for turn in range(2 * args.turns):
            for name, protocol, which in columns:
                seen[name].append(cpu_us(running[which], protocol, 0, counts[name], turn + 1))
                write("storm", 1, 0, name, turn, "%.4f" % seen[name][-1])
    print("# storm: %s" % ", ".join("%s %.1f" % (name, statistics.median(seen[name])) for name in seen),
          file=sys.stderr, flush=True)
    return seen


def quartiles(figures):
    low, _, high = statistics.quantiles(figures, n=4)
    return "%.2f to %.2f" % (low, high)


def idle_table(seen, args):
    """Medians of both, and the median of the turns' ratios."""
    lines = ["server CPU time per GET of %d B, microseconds (median), %d connections" % (VALUE_BYTES, ACTIVE), ""]
    lines.append("%-24s%12s%12s%12s%20s" % ("", "alone", "with idle", "ratio", "half the ratios"))
    goals = [""]
    for name, by_depth in seen.items():
        for depth, pairs in by_depth.items():
            ratios = [beside / alone for alone, beside in pairs]
            ratio = statistics.median(ratios)
            where = "%s, depth %d" % (name, depth)
            lines.append("%-24s%12.2f%12.2f%12.3f%20s" % (where, *medians_of(pairs), ratio, quartiles(ratios)))
            if name.startswith("hearth"):
                what = "CPU per GET with %d idle connections over that without, %s," % (args.idle, where)
                goals.append(report.goal(what, ratio, IDLE_GOAL, "%.3f"))
    return lines + goals


def storm_table(seen):
    """Medians, and the median of the turns' ratios to memcached's."""
    what = "connection storm (connect, one GET, close; %d at a time): server CPU time each, microseconds"
    lines = ["", what % STORM_AT_ONCE, ""]
    lines.append("%-24s%12s%20s%20s" % ("", "median", "over memcached's", "half the ratios"))
    goals = [""]
    for name, figures in seen.items():
        ratios = [figure / peer for figure, peer in zip(figures, seen["memcached"])]
        ratio = statistics.median(ratios)
        lines.append("%-24s%12.1f%20.3f%20s" % (name, statistics.median(figures), ratio, quartiles(ratios)))
        if name.startswith("hearth"):
            goals.append(report.goal("CPU of a storm's connection over memcached's, %s," % name, ratio, 1.0, "%.3f"))
    return lines + goals


def draw(idles, storms):
    """A bar a server: GETs alone and beside idle connections, and the storm."""
    names = list(idles)
    series = {}
    for depth in DEPTHS:
        for i, label in enumerate(("GET, depth %d", "GET, depth %d, beside idle connections")):
            series[label % depth] = [medians_of(idles[name][depth])[i] for name in names]
    series["connect, GET, close"] = [statistics.median(storms[name]) for name in names]
    plot.bars("connections", "Server CPU time", "microseconds", names, series)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer turns, 1000 idle connections")
    parser.add_argument("--turns", type=int, default=0, help="turns (10, with --quick 3; a storm has twice as many)")
    parser.add_argument("--idle", type=int, default=0, help="idle connections (10000, with --quick 1000)")
    parser.add_argument("--threads", type=int, default=1, help="worker threads, of all but redis-server (1)")
    args = parser.parse_args()
    args.turns = args.turns or (3 if args.quick else 10)
    args.idle = args.idle or (1000 if args.quick else 10000)
    idle.raise_open_files(args.idle + 1000)
    with report.rows("connections", ["what", "depth", "idle", "server", "turn", "cpu_us"]) as write:
        storms = measure_storm(args, write)
        idles = {column[0]: measure_idle(column, args, write) for column in servers.COLUMNS}
    report.text("connections", idle_table(idles, args) + storm_table(storms), args.quick)
    draw(idles, storms)


if __name__ == "__main__":
    main()
