#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""CPU time a request by the number of objects, 0.1 to 20 million of 100 B: caches stop helping, prefetching must.

One hearthd for each number, all at the same time, measured in turn, round after round; the ratio to the smallest is the
median of the rounds' ratios. What neighbours on the machine take of its memory the largest server feels most (its GET in
depth 64 came out 1.4 and 2.7 times the smallest's within ten minutes), so that there are many rounds, and the table also
says how each server's best rounds compare. CPU time is user and system time of all threads of the server, for SETs with
the index work that they leave behind; they run for longer, since what the server does by the clock (its scrubber) counts
too.

All of them are measured in the same state, the log written once from end to end, with each key overwritten before: a
key's first overwrite costs more (its entry in the ordered index is found by the key), and of 20 million keys the rounds
would see no other, of 0.1 million hardly one. What first overwrites cost stands in a row of its own.

    ./dev bench scale [--quick] [--rounds N]

writes bench/out/scale.csv (every round), scale.txt (the table) and scale.png. About ten minutes and 10 GB of memory.
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

VALUE_BYTES = 100
COUNTS = (100000, 1000000, 5000000, 20000000)
QUICK_COUNTS = (100000, 1000000)
CELLS = (("get", 1), ("get", 64), ("set", 1), ("set", 64))
FIRST = ("first set", 64)
FIRST_REQUESTS = 50000  # of the smallest number not many are a key's second
GOALS = {1: 1.5, 64: 1.2}
ROOM = 2.5
TURN_S = {"get": 0.4, "set": 1.0}  # of each server's own CPU time
ROUNDS, QUICK_ROUNDS = 15, 2


def pool_mb(count):
    """Room for so many times the data at each size, but for the least pool that has the full restart-tail: a fuller one
    is cleaned more, which says nothing of how many objects there are."""
    return max(256, int(ROOM * count * (VALUE_BYTES + throughput.RECORD_HEAD_BYTES)) >> 20)


def start(stack, count):
    server = stack.enter_context(servers.hearth("hearth %d" % count, pool_size="%dmb" % pool_mb(count)))
    store_all(server, count)
    return server


def store_all(server, count):
    throughput.store_all(server, VALUE_BYTES, count, 0)
    time.sleep(servers.REST_S)


def write_log_through(server, count):
    """As many SETs as the whole pool has room for: from here on nothing is touched for the first time."""
    requests = (pool_mb(count) << 20) // (VALUE_BYTES + throughput.RECORD_HEAD_BYTES)
    servers.load("memcache", server.memcache_port, "set", requests, 64, 4, VALUE_BYTES, count)
    time.sleep(servers.REST_S)


def cpu_us(server, count, cell, requests, seed):
    op, depth = cell
    before = server.cpu_seconds()
    figures = servers.load("memcache", server.memcache_port, op, requests, depth, 4, VALUE_BYTES, count, "random", seed)
    if op == "set":
        time.sleep(servers.REST_S)
    used = server.cpu_seconds() - before
    if figures["misses"]:
        raise RuntimeError("%s: %d keys are missing" % (server.name, figures["misses"]))
    return used * 1e6 / requests


def measure(counts, args, write):
    """A list of figures by (count, cell)."""
    seen, requests = {}, {}
    with contextlib.ExitStack() as stack:
        running = {count: start(stack, count) for count in counts}
        for count, server in running.items():
            seen[count, FIRST] = [cpu_us(server, count, ("set", FIRST[1]), FIRST_REQUESTS, 0)]
            write(FIRST[0], FIRST[1], count, 0, "%.4f" % seen[count, FIRST][0])
            store_all(server, count)
            write_log_through(server, count)
        for turn in range(args.rounds):
            for cell in CELLS:
                for count, server in running.items():
                    if (count, cell) not in requests:
                        cpu_us(server, count, cell, 20000, 0)
                        cost = cpu_us(server, count, cell, 50000, 0)
                        requests[count, cell] = max(20000, int(TURN_S[cell[0]] * 1e6 / cost))
                    figure = cpu_us(server, count, cell, requests[count, cell], turn + 1)
                    seen.setdefault((count, cell), []).append(figure)
                    write(cell[0], cell[1], count, turn, "%.4f" % figure)
    return seen


def ratio(seen, counts, count, cell):
    return statistics.median(figure / small for figure, small in zip(seen[count, cell], seen[counts[0], cell]))


def table(seen, counts):
    lines = ["server CPU time per request by the number of objects of %d B, microseconds (median);" % VALUE_BYTES]
    lines += ["in brackets the ratio to the smallest number", ""]
    lines.append("%-20s" % "" + "".join("%18d" % count for count in counts))
    goals = [""]
    for cell in (*CELLS, FIRST):
        line = "%-20s" % ("%s, depth %d" % cell)
        for count in counts:
            line += "%18s" % ("%.2f (%.2f)" % (statistics.median(seen[count, cell]), ratio(seen, counts, count, cell)))
        lines.append(line)
        if cell == FIRST:
            continue
        what = "CPU per %s at depth %d, %d objects over %d," % (cell[0].upper(), cell[1], counts[-1], counts[0])
        goals.append(report.goal(what, ratio(seen, counts, counts[-1], cell), GOALS[cell[1]]))
        best = min(seen[counts[-1], cell]) / min(seen[counts[0], cell])
        goals.append("      (best round over best round: %.2f)" % best)
    return lines + goals


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, at most a million objects")
    parser.add_argument("--rounds", type=int, default=0, help="rounds (%d, with --quick %d)" % (ROUNDS, QUICK_ROUNDS))
    args = parser.parse_args()
    args.rounds = args.rounds or (QUICK_ROUNDS if args.quick else ROUNDS)
    counts = QUICK_COUNTS if args.quick else COUNTS
    with report.rows("scale", ["op", "depth", "objects", "round", "cpu_us"]) as write:
        seen = measure(counts, args, write)
    report.text("scale", table(seen, counts), args.quick)
    series = {
        "%s, depth %d" % cell: [(count, statistics.median(seen[count, cell])) for count in counts] for cell in CELLS
    }
    plot.lines("scale", "CPU time a request", "objects", "microseconds", series, "x")


if __name__ == "__main__":
    main()
