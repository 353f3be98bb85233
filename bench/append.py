#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The append engine, one thread, on tmpfs; and accepting a tail of 32 MB at a start.

    ./dev bench append [POOL]

writes bench/out/append.csv, append.txt (what bench_append prints) and append.png. About a minute.
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import plot  # noqa: E402  (the path comes first)
import report  # noqa: E402
import servers  # noqa: E402

MODES = ("turn", "epoch")
COLUMNS = ("mode", "bytes", "turn", "m_s", "wall_ns", "cpu_ns", "gb_s")


def run(arguments):
    """All lines of bench_append, each shown as it comes."""
    argv = [os.path.join(servers.BUILD, "bench", "bench_append")] + arguments
    lines = []
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as program:
        for line in program.stdout:
            lines.append(line)
            print("# " + line.rstrip("\n"), file=sys.stderr, flush=True)
    if program.returncode != 0:
        raise SystemExit("bench_append ended with %d" % program.returncode)
    return lines


def main():
    if sys.argv[1:] in (["-h"], ["--help"]):
        print(__doc__)
        return
    lines = run(sys.argv[1:])
    rows = [line.split() for line in lines if line.split()[:1] and line.split()[0] in MODES]
    with report.rows("append", COLUMNS) as write:
        for row in rows:
            write(*row)
    report.text("append", [line.rstrip("\n") for line in lines])
    series = {}
    for mode, size, turn, _, _, cpu_ns, _ in rows:
        series.setdefault("%s, %s a turn" % (mode, turn), []).append((int(size), float(cpu_ns)))
    plot.lines("append", "Append engine: CPU time of a record", "bytes of a record", "ns", series, "x")


if __name__ == "__main__":
    main()
