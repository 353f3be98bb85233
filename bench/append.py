#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The append engine, one thread, on tmpfs; accepting a tail of 32 MB at a start; and sustained inserts, which go at the
pace of the index writer.

    ./dev bench append [--quick]

writes bench/out/append.csv, append.txt (what bench_append and bench_insert print, and whether the goals are met) and
append.png. About four minutes; with --quick the inserts end after 10 seconds instead of 60.
"""

import argparse
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import plot  # noqa: E402  (the path comes first)
import report  # noqa: E402
import servers  # noqa: E402

MODES = ("turn", "epoch")
COLUMNS = ("mode", "bytes", "turn", "m_s", "wall_ns", "cpu_ns", "gb_s")


# Millions a second: records of up to 256 B and of 1 KB, the best turn of each; new keys, 10 M there.
SMALL_GOAL, KILOBYTE_GOAL, INSERT_GOAL = 3, 2, 0.7


def run(program, *arguments):
    """All lines of a program, each shown as it comes."""
    argv = [os.path.join(servers.BUILD, "bench", program), *arguments]
    lines = []
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout:
            lines.append(line)
            print("# " + line.rstrip("\n"), file=sys.stderr, flush=True)
    if running.returncode != 0:
        raise SystemExit("%s ended with %d" % (program, running.returncode))
    return lines


def goals(rows, inserts):
    """rows: of bench_append, in COLUMNS; inserts: bench_insert's lines."""
    lines = [""]
    for size in dict.fromkeys(row[1] for row in rows):
        best = max(float(row[3]) for row in rows if row[0] == "turn" and row[1] == size)
        if int(size) <= 256 or size == "1024":
            what = "records of %s B, durable in turns, M/s" % size
            lines.append(report.goal_at_least(what, best, SMALL_GOAL if int(size) <= 256 else KILOBYTE_GOAL))
    family, around = None, False
    for line in inserts:
        if around:
            what = "sustained inserts of new keys, 5 to 15 M of them there, %s, M/s" % family
            lines.append(report.goal_at_least(what, float(line.split()[5]), INSERT_GOAL))
        elif not line.startswith(" "):
            family = line.strip()
        around = line.strip().startswith("around")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a shorter run of inserts")
    args = parser.parse_args()
    lines = run("bench_append")
    inserts = run("bench_insert", "10" if args.quick else "60")
    rows = [line.split() for line in lines if line.split()[:1] and line.split()[0] in MODES]
    with report.rows("append", COLUMNS) as write:
        for row in rows:
            write(*row)
    shown = lines + ["", "sustained inserts of new keys with values of 32 B, one thread, level power"] + inserts
    report.text("append", [line.rstrip("\n") for line in shown] + goals(rows, inserts), args.quick)
    series = {}
    for mode, size, turn, _, _, cpu_ns, _ in rows:
        series.setdefault("%s, %s a turn" % (mode, turn), []).append((int(size), float(cpu_ns)))
    plot.lines("append", "Append engine: CPU time of a record", "bytes of a record", "ns", series, "x")


if __name__ == "__main__":
    main()
