#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Where the server's CPU time goes, by thread and function, for the requests whose goals are the hardest.

The server is in the steady state that ./dev bench throughput measures, one worker, level process. Its CPU time a request is
measured first; then `perf record` samples it under the same load, and the shares of the samples are given in microseconds
a request. Inlined functions count for the one that they are in.

    ./dev bench hotspots [--keys N]

writes bench/out/hotspots.txt (the tables), hotspots.csv (all functions) and a flame graph for each kind of request,
hotspots-OP-SIZE-DEPTH.svg. About two minutes; needs perf and the rights to use it.
"""

import argparse
import collections
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import flame  # noqa: E402  (the path comes first)
import report  # noqa: E402
import servers  # noqa: E402
import throughput  # noqa: E402

# Operation, bytes, depth.
CELLS = (("set", 100, 16), ("set", 100, 64), ("set", 1024, 16), ("set", 1024, 64), ("get", 1024, 64))
CONNECTIONS = 32
MEASURED_S, SAMPLED_S = 1.0, 3.0  # of the server's CPU time, about
SAMPLES_A_SECOND = 1500
STACK_BYTES = 2048  # of each sample, for its callers
TOP = 14  # functions of a thread that the table shows


def load(server, op, size, depth, count, args):
    servers.load("memcache", server.memcache_port, op, count, depth, CONNECTIONS, size, args.keys)


def measure(server, op, size, depth, count, args):
    """CPU microseconds a request, by thread."""
    before = server.cpu_by_thread()
    load(server, op, size, depth, count, args)
    time.sleep(servers.REST_S)
    after = server.cpu_by_thread()
    return {name: (after[name] - before[name]) * 1e6 / count for name in after}


def sample(server, op, size, depth, count, args):
    """Stacks under the load: {(thread, outermost, ..., innermost): samples}."""
    data = os.path.join(server.folder, "perf.data")
    perf = subprocess.Popen(
        ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(SAMPLES_A_SECOND), "--call-graph", "dwarf,%d" % STACK_BYTES,
         "-p", str(server.process.pid), "-o", data],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        load(server, op, size, depth, count, args)
    finally:
        perf.terminate()
        said = perf.communicate(timeout=60)[1].decode(errors="replace").strip()
    if not os.path.exists(data):
        raise RuntimeError("perf: %s" % said)
    script = subprocess.run(["perf", "script", "-i", data, "--no-inline", "-F", "comm,ip,sym,dso"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace", check=True)
    os.unlink(data)
    return stacks_of(script.stdout.splitlines())


def frame_of(line):
    """The function of a line of `perf script`: ADDRESS SYMBOL (FILE)."""
    symbol, _, file = line.strip().partition(" ")[2].rpartition(" (")
    file = os.path.basename(file.rstrip(")"))
    kernel = file.startswith("[") and file != "[vdso]"
    if symbol == "[unknown]":
        return "[%s]" % file.strip("[]").split(".")[0]
    return symbol.split(".")[0].split("@")[0] + (" [k]" if kernel else "")


def stacks_of(lines):
    stacks = collections.Counter()
    thread, frames = None, []
    for line in [*lines, ""]:
        if not line.strip():
            if thread and frames:
                stacks[(thread, *reversed(frames))] += 1
            thread, frames = None, []
        elif thread is None:
            thread = line.strip()
        else:
            frames.append(frame_of(line))
    return stacks


def by_function(stacks):
    """{thread: {function: its own share of the thread}}."""
    seen = {}
    for stack, count in stacks.items():
        seen.setdefault(stack[0], collections.Counter())[stack[-1]] += count
    return {thread: {name: count / sum(own.values()) for name, count in own.items()} for thread, own in seen.items()}


def table(title, used, shares, write):
    """used: microseconds a request by thread."""
    lines = ["", "%s: %.2f us a request" % (title, sum(used.values()))]
    for thread in sorted(used, key=used.get, reverse=True):
        own = shares.get(thread)
        if own is None or used[thread] < 0.01:
            continue
        kernel = sum(share for name, share in own.items() if name.endswith("[k]"))
        lines.append("  %s %.2f us, %.2f of them in the kernel" % (thread, used[thread], used[thread] * kernel))
        named = sorted(own, key=own.get, reverse=True)
        for name in named:
            write(title, thread, name, "%.4f" % own[name], "%.4f" % (used[thread] * own[name]))
        ours = [name for name in named if not name.endswith("[k]")][:TOP]
        for name in ours:
            lines.append("    %6.3f us  %4.1f %%  %s" % (used[thread] * own[name], 100 * own[name], name))
    return lines


def start(size, args):
    return servers.hearth("hearth", 1, "process", "%dmb" % throughput.room_mb(size, args.keys))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=1000000)
    args = parser.parse_args()
    if shutil.which("perf") is None:
        sys.exit("hotspots: perf is not installed")
    lines = ["level process, %d keys, one worker; the functions' own time, inlined ones counted with where they are" % args.keys]
    with report.rows("hotspots", ["request", "thread", "function", "share", "us"]) as write:
        for size in sorted({cell[1] for cell in CELLS}):
            with start(size, args) as server:
                throughput.store_all(server, size, args.keys, throughput.OVERWRITES)
                for op, _, depth in [cell for cell in CELLS if cell[1] == size]:
                    title = throughput.name_of(op, depth, (1, size, 1))
                    guess = sum(measure(server, op, size, depth, 100000, args).values())
                    used = measure(server, op, size, depth, int(MEASURED_S * 1e6 / guess), args)
                    stacks = sample(server, op, size, depth, int(SAMPLED_S * 1e6 / guess), args)
                    lines += table(title, used, by_function(stacks), write)
                    flame.svg(os.path.join(servers.OUT, "hotspots-%s-%d-%d.svg" % (op, size, depth)), title, stacks)
    report.text("hotspots", lines)


if __name__ == "__main__":
    main()
