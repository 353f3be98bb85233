#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Server CPU time per request, side by side with memcached, redis-server and a server that does nothing.

All servers of one setting run at the same time and are measured in turn, round after round, so that a
slow minute of the machine hits all of them; the table shows the median over the rounds. CPU time is user
and system time of all threads of the server (/proc/PID/stat), which is far steadier than throughput.

    ./dev bench throughput [--quick] [--rounds N] [--connections N] [--only TEXT]

writes bench/out/throughput.csv (every round), throughput.txt (the table) and throughput.png (one thread).
"""

import argparse
import contextlib
import csv
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import plot  # noqa: E402  (the path comes first)
import servers  # noqa: E402

KEYS = 100000
DEPTHS = (1, 16, 64)
OPS = ("get", "set")
SIZES = (100, 1024)
THREADS = (1, 2)

# Column, protocol, which server of the setting.
COLUMNS = (
    ("memcached", "memcache", "memcached"),
    ("hearth process mc", "memcache", "process"),
    ("hearth power mc", "memcache", "power"),
    ("null mc", "memcache", "null"),
    ("redis", "redis", "redis"),
    ("hearth process redis", "redis", "process"),
    ("hearth power redis", "redis", "power"),
    ("null redis", "redis", "null"),
)


def requests_for(run, target_s):
    """How many requests cost a server about target_s of CPU time: a short run asks it, and warms it up.
    The clock's grain is 10 ms, so that a target of half a second is good for two percent."""
    count = 20000
    cpu_us, _ = run(count)
    while cpu_us * count < 50000 and count < 1000000:
        count *= 4
        cpu_us, _ = run(count)
    return max(20000, min(int(target_s * 1e6 / max(cpu_us, 0.01)), 6000000))


def start_all(stack, threads, size):
    """The servers of one setting, each holding all keys in the setting's size."""
    running = {}
    for which, make in (
        ("memcached", lambda: servers.memcached("memcached", threads)),
        ("redis", lambda: servers.redis("redis")),
        ("process", lambda: servers.hearth("hearth process", threads, "process")),
        ("power", lambda: servers.hearth("hearth power", threads, "power")),
        ("null", lambda: servers.null("null", threads, size)),
    ):
        running[which] = stack.enter_context(make())
    for server in running.values():
        protocol, port = ("memcache", server.memcache_port) if server.memcache_port else ("redis", server.redis_port)
        servers.load(protocol, port, "set", KEYS, 64, 4, size, KEYS, "sequential")
    return running


def measure(server, protocol, op, depth, size, count, connections, seed):
    """CPU microseconds a request, and requests a second."""
    port = server.memcache_port if protocol == "memcache" else server.redis_port
    before = server.cpu_seconds()
    result = servers.load(protocol, port, op, count, depth, connections, size, KEYS, "random", seed)
    used = server.cpu_seconds() - before
    if op == "get" and result["misses"] > 0:
        raise RuntimeError("%s: %d of %d keys are missing" % (server.name, result["misses"], count))
    return used * 1e6 / count, count / result["seconds"]


def cells(only):
    for threads in THREADS:
        for size in SIZES:
            for op in OPS:
                for depth in DEPTHS:
                    name = "%s %d B, depth %d, %d thread%s" % (op, size, depth, threads, "s" if threads > 1 else "")
                    if only in name:
                        yield name, threads, size, op, depth


def run_setting(setting, args, writer, medians):
    """All cells of one number of threads and one size."""
    threads, size = setting
    wanted = [cell for cell in cells(args.only) if cell[1:3] == setting]
    if not wanted:
        return
    with contextlib.ExitStack() as stack:
        running = start_all(stack, threads, size)
        for name, _, _, op, depth in wanted:
            seen = {column: [] for column, _, _ in COLUMNS}
            counts = {}
            for turn in range(args.rounds):
                for column, protocol, which in COLUMNS:

                    def run(count, server=running[which], protocol=protocol, seed=turn + 1):
                        return measure(server, protocol, op, depth, size, count, args.connections, seed)

                    if column not in counts:
                        counts[column] = requests_for(run, 0.15 if args.quick else 0.5)
                    figure = run(counts[column])
                    seen[column].append(figure)
                    writer.writerow([threads, size, op, depth, column, turn, "%.4f" % figure[0], "%.0f" % figure[1]])
            medians[name] = {column: statistics.median(cpu for cpu, _ in figures) for column, figures in seen.items()}
            shown = ["%s %.2f" % (column, medians[name][column]) for column, _, _ in COLUMNS]
            print("# %s: %s" % (name, ", ".join(shown)), file=sys.stderr, flush=True)


def table(medians):
    """The medians, and Hearth's share of its peer's."""
    lines = ["server CPU time per request, microseconds (median); in brackets the share of the peer's", ""]
    lines.append("%-34s" % "" + "".join("%22s" % column for column, _, _ in COLUMNS))
    for name, row in medians.items():
        line = "%-34s" % name
        for column, protocol, _ in COLUMNS:
            peer = row["memcached" if protocol == "memcache" else "redis"]
            share = " (%.2f)" % (row[column] / peer) if column.startswith("hearth") and peer > 0 else ""
            line += "%22s" % ("%.2f%s" % (row[column], share))
        lines.append(line)
    over = [name for name, row in medians.items() if max(row["hearth process mc"], row["hearth power mc"]) > row["memcached"]]
    lines += ["", "cells where Hearth needs more than memcached: %s" % ("; ".join(over) or "none")]
    slow = [
        name
        for name, row in medians.items()
        if name.startswith("get") and "depth 1," not in name and row["hearth process mc"] > 0.25 * row["memcached"]
    ]
    lines += ["GET cells at depth 16 and 64 above 0.25 of memcached: %s" % ("; ".join(slow) or "none")]
    return "\n".join(lines) + "\n"


def machine():
    """What the figures were taken on."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        models = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    versions = [
        subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
        for argv in (["memcached", "-V"], ["redis-server", "--version"])
    ]
    return "%d x %s; %s; pools on tmpfs with trust-pmem\n" % (os.cpu_count(), (models or ["?"])[0], "; ".join(versions))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a third of the requests, three rounds")
    parser.add_argument("--rounds", type=int, default=0, help="rounds a cell (5, with --quick 3)")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--only", default="", help="only cells whose name contains this, such as 'get 100 B'")
    args = parser.parse_args()
    args.rounds = args.rounds or (3 if args.quick else 5)
    os.makedirs(servers.OUT, exist_ok=True)
    medians = {}
    with open(os.path.join(servers.OUT, "throughput.csv"), "w", newline="", encoding="ascii") as out:
        writer = csv.writer(out)
        writer.writerow(["threads", "value_bytes", "op", "depth", "server", "round", "cpu_us", "requests_s"])
        for setting in ((threads, size) for threads in THREADS for size in SIZES):
            run_setting(setting, args, writer, medians)
    text = machine() + table(medians)
    with open(os.path.join(servers.OUT, "throughput.txt"), "w", encoding="utf-8") as out:
        out.write(text)
    print(text)
    shown = [name for name in medians if name.endswith("1 thread")]
    plot.bars("throughput", "Server CPU time per request, one thread", "microseconds", shown,
              {column: [medians[name][column] for name in shown] for column, _, _ in COLUMNS})


if __name__ == "__main__":
    main()
