#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What connections cost a server's CPU, side by side with memcached and redis-server.

Two questions. Does a GET cost more while 10,000 connections do nothing? Each round measures a server without them,
opens them, measures again, closes them. And a connection storm: connect, one GET, close, 64 of them at a time; the
null server is the floor. CPU time is user and system time of all threads of the server, medians over the rounds, in
which all servers are measured in turn.

    ./dev bench connections [--quick] [--rounds N] [--idle N] [--threads N]

writes bench/out/connections.csv (every round), connections.txt (the tables) and connections.png. About three minutes.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
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
IDLE_GOAL = 1.05

# Column, protocol, which server.
COLUMNS = (
    ("memcached", "memcache", "memcached"),
    ("hearth mc", "memcache", "hearth"),
    ("redis", "redis", "redis"),
    ("hearth redis", "redis", "hearth"),
)
NULL_COLUMNS = (("null mc", "memcache", "null"), ("null redis", "redis", "null"))


def start_all(stack, threads, clients):
    """The servers, each holding all keys."""
    running = {}
    for which, make in (
        ("memcached", lambda: servers.memcached("memcached", threads, options=("-c", str(clients)))),
        ("redis", lambda: servers.redis("redis", ("--maxclients", str(clients)))),
        ("hearth", lambda: servers.hearth("hearth", threads, options={"maxclients": clients})),
        ("null", lambda: servers.null("null", threads, VALUE_BYTES)),
    ):
        running[which] = stack.enter_context(make())
    for server in running.values():
        protocol = "memcache" if server.memcache_port else "redis"
        servers.load(protocol, port_of(server, protocol), "set", KEYS, 64, 4, VALUE_BYTES, KEYS, "sequential")
    return running


def port_of(server, protocol):
    return server.memcache_port if protocol == "memcache" else server.redis_port


def storm(protocol, port, requests):
    """Runs bench_storm; the number of misses."""
    argv = [os.path.join(servers.BUILD, "bench", "bench_storm"), "--protocol", protocol, "--port", str(port)]
    argv += ["--connections", str(STORM_AT_ONCE), "--requests", str(requests), "--keys", str(KEYS)]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(argv), done.stderr.strip()))
    return float(dict(word.split("=") for word in done.stdout.split())["misses"])


def cpu_us(server, protocol, depth, count, seed):
    """CPU microseconds a request; depth 0 is a storm."""
    port = port_of(server, protocol)
    before = server.cpu_seconds()
    if depth == 0:
        misses = storm(protocol, port, count)
    else:
        misses = servers.load(protocol, port, "get", count, depth, ACTIVE, VALUE_BYTES, KEYS, "random", seed)["misses"]
    used = server.cpu_seconds() - before
    if misses:
        raise RuntimeError("%s: %d of %d keys are missing" % (server.name, misses, count))
    return used * 1e6 / count


def count_for(server, protocol, depth, target_s):
    """How many requests cost the server about target_s of CPU time. A short run asks it, and warms it up."""
    count = 2000 if depth == 0 else 20000
    cost = cpu_us(server, protocol, depth, count, 0)
    while cost * count < 50000 and count < 1000000:
        count *= 4
        cost = cpu_us(server, protocol, depth, count, 0)
    return max(count, min(int(target_s * 1e6 / max(cost, 0.01)), 3000000))


def measure_idle(running, args, target_s, write):
    """CPU a GET: by column and depth, a list of (without, with) idle connections."""
    seen = {(column, depth): [] for column, _, _ in COLUMNS for depth in DEPTHS}
    counts = {(column, depth): count_for(running[which], protocol, depth, target_s)
              for column, protocol, which in COLUMNS for depth in DEPTHS}
    for turn in range(args.rounds):
        for column, protocol, which in COLUMNS:
            server = running[which]

            def both_depths(server=server, protocol=protocol, column=column, turn=turn):
                return [cpu_us(server, protocol, depth, counts[column, depth], turn + 1) for depth in DEPTHS]

            without = both_depths()
            with idle.idle_connections(protocol, port_of(server, protocol), args.idle):
                beside = both_depths()
            for depth, pair in zip(DEPTHS, zip(without, beside)):
                seen[column, depth].append(pair)
                write("get", depth, 0, column, turn, "%.4f" % pair[0])
                write("get", depth, args.idle, column, turn, "%.4f" % pair[1])
            print("# round %d, %s: %s, with idle ones %s" % (turn, column, short(without), short(beside)),
                  file=sys.stderr, flush=True)
    return seen


def short(figures):
    return " / ".join("%.2f" % figure for figure in figures)


def measure_storm(running, args, target_s, write):
    """CPU a storm's request: a list by column."""
    columns = COLUMNS + NULL_COLUMNS
    seen = {column: [] for column, _, _ in columns}
    counts = {column: count_for(running[which], protocol, 0, target_s) for column, protocol, which in columns}
    for turn in range(args.rounds):
        for column, protocol, which in columns:
            seen[column].append(cpu_us(running[which], protocol, 0, counts[column], turn + 1))
            write("storm", 1, 0, column, turn, "%.4f" % seen[column][-1])
        print("# storm, round %d: %s" % (turn, ", ".join("%s %.1f" % (column, seen[column][-1]) for column in seen)),
              file=sys.stderr, flush=True)
    return seen


def idle_table(seen, args):
    """Medians of both, and the median of the rounds' ratios."""
    lines = ["server CPU time per GET of %d B, microseconds (median), %d connections" % (VALUE_BYTES, ACTIVE), ""]
    lines.append("%-24s%12s%12s%12s%24s" % ("", "alone", "with idle", "ratio", "ratios of the rounds"))
    goals = [""]
    for (column, depth), pairs in seen.items():
        ratios = sorted(beside / without for without, beside in pairs)
        ratio = statistics.median(ratios)
        lines.append("%-24s%12.2f%12.2f%12.3f%24s" % (
            "%s, depth %d" % (column, depth), statistics.median(without for without, _ in pairs),
            statistics.median(beside for _, beside in pairs), ratio, "%.3f to %.3f" % (ratios[0], ratios[-1])))
        if column.startswith("hearth"):
            what = "CPU per GET with %d idle connections over that without, %s, depth %d" % (args.idle, column, depth)
            goals.append(report.goal(what, ratio, IDLE_GOAL, "%.3f"))
    return lines + goals


def storm_table(seen):
    """Medians, and what of them is the peer's."""
    medians = {column: statistics.median(figures) for column, figures in seen.items()}
    what = "connection storm (connect, one GET, close; %d at a time): server CPU time each, microseconds"
    lines = ["", what % STORM_AT_ONCE, ""]
    lines.append("%-24s%12s%20s%24s" % ("", "median", "over memcached's", "lowest to highest"))
    for column, figures in seen.items():
        lines.append("%-24s%12.1f%20.2f%24s" % (column, medians[column], medians[column] / medians["memcached"],
                                                "%.1f to %.1f" % (min(figures), max(figures))))
    lines.append("")
    for column in seen:
        if column.startswith("hearth"):
            what = "CPU of a storm's connection over memcached's, %s" % column
            lines.append(report.goal(what, medians[column] / medians["memcached"], 1.0))
    return lines


def draw(idles, storms):
    """A bar a server: GETs alone and beside idle connections, and the storm."""
    names = [column for column, _, _ in COLUMNS]
    series = {}
    for depth in DEPTHS:
        for i, label in enumerate(("GET, depth %d", "GET, depth %d, beside idle connections")):
            series[label % depth] = [statistics.median(pair[i] for pair in idles[name, depth]) for name in names]
    series["connect, GET, close"] = [statistics.median(storms[name]) for name in names]
    plot.bars("connections", "Server CPU time", "microseconds", names, series)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer requests, two rounds, 1000 idle connections")
    parser.add_argument("--rounds", type=int, default=0, help="rounds (5, with --quick 2)")
    parser.add_argument("--idle", type=int, default=0, help="idle connections (10000, with --quick 1000)")
    parser.add_argument("--threads", type=int, default=1, help="worker threads, of all but redis-server (1)")
    args = parser.parse_args()
    args.rounds = args.rounds or (2 if args.quick else 5)
    args.idle = args.idle or (1000 if args.quick else 10000)
    target_s = 0.15 if args.quick else 0.5
    idle.raise_open_files(args.idle + 1000)
    columns = ["what", "depth", "idle", "server", "round", "cpu_us"]
    with report.rows("connections", columns) as write, contextlib.ExitStack() as stack:
        running = start_all(stack, args.threads, args.idle + 1000)
        storms = measure_storm(running, args, target_s, write)
        idles = measure_idle(running, args, target_s, write)
    report.text("connections", "\n".join(idle_table(idles, args) + storm_table(storms)) + "\n")
    draw(idles, storms)


if __name__ == "__main__":
    main()
