#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Anonymous memory an object and an idle connection, side by side with memcached and redis-server.

RssAnon of /proc/PID/status, once it stands still: what lies in hearthd's pool is not in it, keys and values of its
peers are. Objects of 100 bytes (keys `key:%012d`) are added step by step over two doublings of the hash index, one of
about a million objects, where pages of 2 MB are felt, and one of about ten million. What is there once 100,000 of them
have been overwritten for a while is the fixed part, told apart: buffers of any load. The slope is that of the line of
least squares through the steps of a doubling.
Then, on fresh servers, 10,000 connections that have asked once and do nothing more.

    ./dev bench memory [--quick] [--connections N] [--only TEXT]

writes bench/out/memory.csv (every step), memory.txt (the table) and memory.png. About seven minutes and 4 GB of memory.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import idle  # noqa: E402  (the path comes first)
import plot  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402
from process_memory import settled_anonymous_bytes  # noqa: E402

DOUBLING = (1050000, 1250000, 1500000, 1750000, 2100000)
DOUBLINGS = (DOUBLING, tuple(8 * size for size in DOUBLING))
VALUE_BYTES = 100
PAYLOAD_BYTES = VALUE_BYTES + 16
FEW = 100000  # objects of the fixed part
OVERWRITES = 1000000
OBJECT_GOAL_BYTES = 12
DOORS = (("hearth", "memcache"), ("hearth", "redis"), ("memcached", "memcache"), ("redis", "redis"))
CONNECTION_GOAL_BYTES = 1024


def make(kind, name, clients):
    """A server of the kind, with room for so many clients."""
    if kind == "hearth":
        return servers.hearth(name, pool_size="4gb", options={"maxclients": clients})
    if kind == "memcached":
        return servers.memcached(name, memory_mb=6144, options=("-c", str(clients)))
    return servers.redis(name, ("--maxclients", str(clients), *idle.REDIS_OPTIONS))


def grow(kind, sizes, write):
    """Steps of (objects, anonymous bytes): the empty server, then the sizes, of which the first is the fixed part's."""
    with make(kind, kind, 1000) as server:
        protocol, port = server.protocol, server.port(server.protocol)
        steps = [(0, settled_anonymous_bytes(server.process.pid))]
        for size in sizes:
            have = steps[-1][0]
            sets = OVERWRITES if have == 0 else size - have
            servers.load(protocol, port, "set", sets, 64, 8, VALUE_BYTES, size - have, "sequential", first_key=have)
            steps.append((size, settled_anonymous_bytes(server.process.pid)))
            print("# %s, %d objects: %.1f MB" % (kind, size, steps[-1][1] / 1e6), file=sys.stderr, flush=True)
        for step in steps:
            write("objects", kind, *step)
    return steps


def doubling(steps, which):
    """The steps of one doubling."""
    return steps[2 + which * len(DOUBLING) : 2 + (which + 1) * len(DOUBLING)]


def slope(steps, which):
    """Bytes an object over a doubling, by least squares."""
    steps = doubling(steps, which)
    mean_x = sum(x for x, _ in steps) / len(steps)
    mean_y = sum(y for _, y in steps) / len(steps)
    return sum((x - mean_x) * (y - mean_y) for x, y in steps) / sum((x - mean_x) ** 2 for x, _ in steps)


def mean(steps, which):
    """Bytes an object above the fixed part, averaged over a doubling."""
    few, fixed = steps[1]
    return sum((anonymous - fixed) / (size - few) for size, anonymous in doubling(steps, which)) / len(DOUBLING)


def mean_of_all(steps, which):
    """The same with the fixed part."""
    return sum(anonymous / size for size, anonymous in doubling(steps, which)) / len(DOUBLING)


def range_of(steps, which):
    """A doubling by its ends."""
    found = doubling(steps, which)
    return "%.2f to %.1f M objects" % (found[0][0] / 1e6, found[-1][0] / 1e6)


def idle_bytes(kind, protocol, count, write):
    """Anonymous bytes an idle connection."""
    name = "%s %s" % (kind, protocol)
    with make(kind, name, count + 1000) as server:
        port = server.port(protocol)
        servers.load(protocol, port, "set", 200000, 16, 32, VALUE_BYTES, 10000)
        before = settled_anonymous_bytes(server.process.pid)
        with idle.idle_connections(protocol, port, count):
            after = settled_anonymous_bytes(server.process.pid)
    write("connections", name, 0, before)
    write("connections", name, count, after)
    return (after - before) / count


def object_table(grown):
    kinds = list(grown)
    lines = ["anonymous memory (RssAnon), objects of %d B with keys of 16 B" % VALUE_BYTES, ""]
    lines.append("%-34s" % "" + "".join("%12s" % kind for kind in kinds))

    def row(name, figure, form="%12.1f"):
        lines.append("%-34s" % name + "".join(form % figure(grown[kind]) for kind in kinds))

    row("empty, MB", lambda steps: steps[0][1] / 1e6)
    for i in range(1, len(grown[kinds[0]])):
        fixed = " (fixed part)" if i == 1 else ""
        row("%d objects%s, MB" % (grown[kinds[0]][i][0], fixed), lambda steps, at=i: steps[at][1] / 1e6)
    for which in range(len(DOUBLINGS)):
        lines += ["", "from %s" % range_of(grown[kinds[0]], which)]
        row("slope, B an object", lambda steps, which=which: slope(steps, which))
        row("mean above the fixed part, B", lambda steps, which=which: mean(steps, which))
        row("mean with the fixed part, B", lambda steps, which=which: mean_of_all(steps, which))
    lines += ["", "the %d B of key and value lie in hearth's pool, with its peers in anonymous memory" % PAYLOAD_BYTES]
    for which in range(len(DOUBLINGS) if "hearth" in grown else 0):
        for name, figure in (("mean", mean), ("slope", slope)):
            what = "anonymous memory an object, %s over %s" % (name, range_of(grown["hearth"], which))
            lines.append(report.goal(what, figure(grown["hearth"], which), OBJECT_GOAL_BYTES, "%.1f B"))
    return lines


def connection_table(idles, count):
    lines = ["", "anonymous memory of an idle connection, %d of them, bytes" % count, ""]
    for name, found in idles.items():
        lines.append("%-34s%12.0f" % (name, found))
    lines.append("")
    for name, found in idles.items():
        if name.startswith("hearth"):
            what = "anonymous memory of an idle connection, %s" % name
            lines.append(report.goal(what, found, CONNECTION_GOAL_BYTES, "%.0f B"))
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the objects and connections")
    parser.add_argument("--connections", type=int, default=10000, help="idle ones; 0 leaves them out")
    parser.add_argument("--only", default="", help="only servers whose name contains this")
    args = parser.parse_args()
    part = 10 if args.quick else 1
    sizes = [size // part for size in (FEW,) + sum(DOUBLINGS, ())]
    count = args.connections // part
    idle.raise_open_files(count + 1000)
    kinds = [kind for kind in ("hearth", "memcached", "redis") if args.only in kind]
    grown, idles = {}, {}
    with report.rows("memory", ["what", "server", "count", "anonymous_bytes"]) as write:
        for kind in kinds:
            grown[kind] = grow(kind, sizes, write)
        for kind, protocol in DOORS:
            if kind in kinds and count > 0:
                idles["%s %s" % (kind, protocol)] = idle_bytes(kind, protocol, count, write)
    report.text("memory", object_table(grown) + (connection_table(idles, count) if idles else []), args.quick)
    plot.lines("memory", "Anonymous memory by number of objects of %d B" % VALUE_BYTES, "objects, millions", "MB",
               {kind: [(size / 1e6, anonymous / 1e6) for size, anonymous in steps] for kind, steps in grown.items()})


if __name__ == "__main__":
    main()
