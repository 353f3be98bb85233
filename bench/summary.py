#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""BENCHMARKS.md, from what the benchmarks left in bench/out and what this machine is.

    ./dev bench summary

A benchmark that left no table is said not to be measured. The goals are the lines of tables that begin with `goal:`; why
some are missed stands in bench/levers.md.
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import machine  # noqa: E402  (the path comes first)
import report  # noqa: E402
import servers  # noqa: E402

TARGET = os.path.join(servers.TOP, "BENCHMARKS.md")
SECTIONS = (
    ("append", "Append engine", "What it costs to make a record durable, without network and index."),
    ("throughput", "CPU time a request", "Beside memcached, redis-server and a server that does nothing."),
    ("multiget", "Many keys at once", "CPU time a key."),
    ("values", "Longer values", "CPU time a request, 1 KB to 1 MB."),
    ("scale", "From 0.1 to 20 million objects", "CPU time a request of the same server, larger and larger."),
    ("latency", "Latency", "At a given load, beside memcached and redis-server."),
    ("restart", "Restart", "From exec to the first hit, after a clean stop and after SIGKILL."),
    ("memory", "Memory", "Anonymous memory of an object and of an idle connection."),
    ("connections", "Connections", "What 10,000 idle ones cost a GET, and what a connection storm costs."),
    ("hotspots", "Where the time goes", "CPU time by thread and function, as perf sees it; flame graphs lie beside it."),
)
# Written by hand: why goals are missed, and what would help.
LEVERS = os.path.join(servers.TOP, "bench", "levers.md")
HEAD = """# Benchmarks

Made by `./dev bench summary` from what `./dev bench NAME` measured; do not edit. `./dev bench all` measures everything
anew, and leaves each round as CSV and a plot in `bench/out`. The figures are CPU time of the server (user and system,
all threads) wherever they can be: that holds on a busy machine too. How each is measured stands at the head of
`bench/NAME.py`.

## The machine

"""


def said_by(name):
    """The table that a benchmark left and when, or None."""
    path = os.path.join(servers.OUT, name + ".txt")
    if not os.path.exists(path):
        return None, None
    with open(path, encoding="utf-8") as text:
        said = text.read().strip("\n")
    return said, time.strftime("%Y-%m-%d %H:%M", time.localtime(os.path.getmtime(path)))


def goals(found):
    """The goals of all tables, as a list."""
    lines = []
    for name, title, _ in SECTIONS:
        for line in (found[name][0] or "").splitlines():
            if line.startswith(report.GOAL + ":"):
                lines.append("- %s: %s" % (title, line[len(report.GOAL) + 1 :].strip()))
    return "\n".join(lines) if lines else "not measured"


def section(name, title, what, said, when):
    text = "## %s\n\n%s `./dev bench %s`" % (title, what, name)
    if said is None:
        return text + ": not measured.\n"
    return text + ", %s:\n\n```\n%s\n```\n" % (when, said)


def main():
    if len(sys.argv) > 1:
        print(__doc__)
        return
    found = {name: said_by(name) for name, _, _ in SECTIONS}
    text = HEAD + "| | |\n| --- | --- |\n" + "".join("| %s | %s |\n" % row for row in machine.rows())
    with open(LEVERS, encoding="utf-8") as levers:
        text += "\n## Goals\n\n%s\n\n%s\n" % (goals(found), levers.read())
    text += "\n".join(section(*row, *found[row[0]]) for row in SECTIONS)
    with open(TARGET, "w", encoding="utf-8") as out:
        out.write(text)
    print("%s: %s measured" % (TARGET, ", ".join(name for name in found if found[name][0]) or "nothing"))


if __name__ == "__main__":
    main()
