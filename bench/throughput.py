#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Server CPU time per request, side by side with memcached, redis-server and a server that does nothing.

All servers of one setting run at the same time and are measured in turn, round after round, so that a
slow minute of the machine hits all of them; the table shows the median over the rounds. CPU time is user
and system time of all threads of the server, which is far steadier than throughput.

Each server of a protocol gets the same number of requests in a round: as many as take memcached, or redis, a second of
CPU time for GETs, three for SETs. Hearth and memcached owe work when they have answered a SET: Hearth to its ordered
index, for up to a second; memcached to its LRU, whose thread sleeps for up to a second before it looks, and of whose work
a round of one second saw two thirds. So SETs run for longer, and the CPU time of these two is read when they have come to
rest. GETs leave nothing behind; at depth 1, where nine tenths of their CPU time are the kernel's and the servers lie
close together, they get three times the rounds instead.

What is measured is the steady state of a cache: memcached and Hearth have room for four times the data, all
keys are stored, and each server has then got five times as many SETs in random order. So Hearth's log has been written
once from end to end, and each SET also pays for the cleaning behind it, and none for memory that is touched
for the first time; and memcached's LRUs hold what they will. With --fresh the servers are measured as they are
just after the keys were stored.

Ten times as many keys, which lie in no cache, are measured with memcached and Hearth at process alone, for memory's and
time's sake in room for two and a half times the data, with three times as many SETs.

    ./dev bench throughput [--quick] [--rounds N] [--connections N] [--keys N] [--fresh] [--only TEXT]

writes bench/out/throughput.csv (every round), throughput.txt (the table) and throughput.png (one thread).
"""

import argparse
import contextlib
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import machine  # noqa: E402  (the path comes first)
import plot  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402

# Header and key of a record on media, on the average.
RECORD_HEAD_BYTES = 48
# Room for so many times the data, and SETs a key before measuring: enough to write the log once from end to end.
ROOM, OVERWRITES = 4, 5
DEPTHS = (1, 16, 64)
# CPU seconds that a round takes the peer, about: all servers of the protocol get as many requests.
TARGET_S = {"get": 1.0, "set": 3.0}
# Rounds of GET at depth 1, in those of the others.
ROUNDS_ALONE = 3
OPS = ("get", "set")
# Threads, bytes of a value, and how many times the keys there are.
SETTINGS = ((1, 100, 1), (1, 1024, 1), (2, 100, 1), (2, 1024, 1), (1, 100, 10))
# Where there are more keys.
MANY_ROOM, MANY_OVERWRITES = 2.5, 3
MANY_SERVERS = ("memcached", "process", "null")
# Hearth's share of memcached's, by depth, for 100 B and one thread; elsewhere a tenth more is allowed.
GOALS = {"get": {1: 0.93, 16: 0.14, 64: 0.10}, "set": {1: 0.97, 16: 0.35, 64: 0.30}}
POWER_GOAL = 1.2

# Column, protocol, which server of the setting; of each protocol the peer first, whose cost says how many requests.
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
    """How many requests cost a server about target_s of CPU time: a short run asks it."""
    count = 20000
    cpu_us, _ = run(count)
    while cpu_us * count < 50000 and count < 1000000:
        count *= 4
        cpu_us, _ = run(count)
    return max(20000, min(int(target_s * 1e6 / max(cpu_us, 0.01)), 6000000))


def room_mb(size, keys, room=ROOM):
    return max(64, int(room * keys * (size + RECORD_HEAD_BYTES)) >> 20)


def store_all(server, size, keys, overwrites):
    """Stores all keys, and then so many times as many in random order."""
    protocol, port = server.protocol, server.port(server.protocol)
    servers.load(protocol, port, "set", keys, 64, 4, size, keys, "sequential")
    if overwrites:
        servers.load(protocol, port, "set", overwrites * keys, 64, 4, size, keys)


def start_all(stack, setting, args):
    """The servers of one setting, each holding all keys in the setting's size."""
    threads, size, times = setting
    running = {}
    keys = args.keys * times
    room = room_mb(size, keys, ROOM if times == 1 else MANY_ROOM)
    overwrites = 0 if args.fresh else OVERWRITES if times == 1 else MANY_OVERWRITES
    for which, make in (
        ("memcached", lambda: servers.memcached("memcached", threads, room)),
        ("redis", lambda: servers.redis("redis")),
        ("process", lambda: servers.hearth("hearth process", threads, "process", "%dmb" % room)),
        ("power", lambda: servers.hearth("hearth power", threads, "power", "%dmb" % room)),
        ("null", lambda: servers.null("null", threads, size)),
    ):
        if times == 1 or which in MANY_SERVERS:
            running[which] = stack.enter_context(make())
    for which, server in running.items():
        store_all(server, size, keys, 0 if which == "null" else overwrites)
    return running


def columns_of(times):
    """Those that are measured with so many times the keys."""
    return [column for column in COLUMNS if times == 1 or column[1] == "memcache" and column[2] in MANY_SERVERS]


def measure(server, protocol, op, depth, size, count, connections, keys, seed, rest_s):
    """CPU microseconds a request, with what is owed for it up to rest_s later, and requests a second."""
    before = server.cpu_seconds()
    result = servers.load(protocol, server.port(protocol), op, count, depth, connections, size, keys, "random", seed)
    time.sleep(rest_s)
    used = server.cpu_seconds() - before
    if op == "get" and result["misses"] > 0:
        raise RuntimeError("%s: %d of %d keys are missing" % (server.name, result["misses"], count))
    return used * 1e6 / count, count / result["seconds"]


def name_of(op, depth, setting):
    threads, size, times = setting
    name = "%s %d B, depth %d, %d thread%s" % (op, size, depth, threads, "s" if threads > 1 else "")
    return name if times == 1 else "%s, %dx keys" % (name, times)


def cells(only):
    for setting in SETTINGS:
        for op in OPS:
            for depth in DEPTHS:
                if only in name_of(op, depth, setting):
                    yield op, depth, setting


def run_setting(setting, args, write, results):
    """All cells of one setting: results[cell][column] is the CPU time of each round."""
    threads, size, times = setting
    wanted = [cell for cell in cells(args.only) if cell[2] == setting]
    if not wanted:
        return
    with contextlib.ExitStack() as stack:
        running = start_all(stack, setting, args)
        columns = columns_of(times)
        for op, depth, _ in wanted:
            seen = {column: [] for column, _, _ in columns}
            counts = {}
            for turn in range(args.rounds * (ROUNDS_ALONE if (op, depth) == ("get", 1) else 1)):
                for column, protocol, which in columns:
                    rest_s = running[which].rest_s if op == "set" else 0

                    def run(count, rest_s=0, server=running[which], protocol=protocol, seed=turn + 1):
                        return measure(
                            server, protocol, op, depth, size, count, args.connections, args.keys * times, seed, rest_s
                        )

                    if protocol not in counts:
                        counts[protocol] = requests_for(run, TARGET_S[op] * (0.3 if args.quick else 1))
                        time.sleep(rest_s)
                    figure = run(counts[protocol], rest_s)
                    seen[column].append(figure[0])
                    write(threads, size, times, op, depth, column, turn, "%.4f" % figure[0], "%.0f" % figure[1])
            results[op, depth, setting] = seen
            shown = ["%s %.2f" % (column, statistics.median(seen[column])) for column, _, _ in columns]
            print("# %s: %s" % (name_of(op, depth, setting), ", ".join(shown)), file=sys.stderr, flush=True)


def share(row, column, peer):
    """One column over another, the median of the rounds' ratios: what a slow minute does to both falls out."""
    return statistics.median(ours / max(theirs, 0.001) for ours, theirs in zip(row[column], row[peer]))


def table(results):
    """The medians, and Hearth's share of its peer's."""
    lines = ["server CPU time per request, microseconds (median); in brackets the share of the peer's", ""]
    lines.append("%-34s" % "" + "".join("%22s" % column for column, _, _ in COLUMNS))
    over = []
    for cell, row in results.items():
        line = "%-34s" % name_of(*cell)
        for column, protocol, _ in COLUMNS:
            if column not in row:
                line += "%22s" % "-"
                continue
            shown = "%.2f" % statistics.median(row[column])
            if column.startswith("hearth"):
                part = share(row, column, "memcached" if protocol == "memcache" else "redis")
                shown += " (%.2f)" % part
                if protocol == "memcache" and part > 1:
                    over.append("%s, %s" % (name_of(*cell), column))
            line += "%22s" % shown
        lines.append(line)
    return lines + ["", "cells where Hearth needs more than memcached: %s" % ("; ".join(over) or "none")]


def goals(results):
    """Whether the shares that Hearth aims at were reached."""
    lines = [""]
    for (op, depth, setting), row in results.items():
        name = name_of(op, depth, setting)
        at_most = GOALS[op][depth] * (1 if setting == SETTINGS[0] else 1.1)
        lines.append(report.goal("%s, over memcached" % name, share(row, "hearth process mc", "memcached"), at_most))
        if "hearth power mc" in row and op == "set":
            power = share(row, "hearth power mc", "hearth process mc")
            lines.append(report.goal("%s, power over process" % name, power, POWER_GOAL))
    return lines


def about(args):
    """What the figures were taken on, and with."""
    versions = [machine.first_line(argv) for argv in (["memcached", "-V"], ["redis-server", "--version"])]
    state = "just stored" if args.fresh else "then %d times as many SETs in random order" % OVERWRITES
    return [
        "; ".join([machine.cpu(), *versions, "pools on tmpfs, with trust-pmem at power"]),
        "%d keys, room for %d times the data, %s" % (args.keys, ROOM, state),
        "more keys: room for %.1f times the data, %d times as many SETs" % (MANY_ROOM, 0 if args.fresh else MANY_OVERWRITES),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a third of the requests, three rounds")
    parser.add_argument("--rounds", type=int, default=0, help="rounds a cell (5, with --quick 3; thrice that for GET at depth 1)")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--keys", type=int, default=0, help="how many (1000000, with --quick 100000)")
    parser.add_argument("--fresh", action="store_true", help="measure servers as they are just after the keys were stored")
    parser.add_argument("--only", default="", help="only cells whose name contains this, such as 'get 100 B'")
    args = parser.parse_args()
    args.rounds = args.rounds or (3 if args.quick else 5)
    args.keys = args.keys or (100000 if args.quick else 1000000)
    results = {}
    names = ["threads", "value_bytes", "times_keys", "op", "depth", "server", "round", "cpu_us", "requests_s"]
    with report.rows("throughput", names) as write:
        for setting in SETTINGS:
            run_setting(setting, args, write, results)
    report.text("throughput", about(args) + table(results) + goals(results), args.quick)
    shown = [cell for cell in results if cell[2][0] == 1 and cell[2][2] == 1]
    columns = {column: [statistics.median(results[cell][column]) for cell in shown] for column, _, _ in COLUMNS}
    plot.bars("throughput", "Server CPU time per request, one thread", "microseconds", [name_of(*cell) for cell in shown], columns)


if __name__ == "__main__":
    main()
