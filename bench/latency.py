#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Latency at a given load: requests are sent at fixed times, and counted from when they were due (no coordinated
omission), at 70 % of the peak that memcached, or for Redis's protocol redis-server, reaches on this machine.

The same rate for both servers of a protocol, measured in turn, round after round, each in an order of its own: in one
order the same server at the same load came out several times slower in one place than in another. Rounds are short and
many, and the table shows their lower quartile: a virtual machine stands still for tens of milliseconds now and then,
whichever server is measured, and more than half of the rounds have seen that. The load generator shares the machine: what
the figures say is the ratio, not the microseconds.

    ./dev bench latency [--quick] [--rounds N] [--seconds S]

writes bench/out/latency.csv (every round), latency.txt (the table) and latency.png. About six minutes.
"""

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import plot  # noqa: E402  (the path comes first)
import report  # noqa: E402
import servers  # noqa: E402

KEYS = 100000
VALUE_BYTES = 100
CONNECTIONS = 16
SHARE_OF_PEAK = 0.7
RATIOS = ("1:0", "90:10")
QUANTILES = ("p50", "p99", "p99.9")
ORDER_SEED = 1

# Protocol, the peer, Hearth as this protocol's column.
PAIRS = (("memcache", "memcached", "hearth mc"), ("redis", "redis", "hearth redis"))


def run(server, protocol, ratio, options, seed):
    port = server.port(protocol)
    argv = [os.path.join(servers.BUILD, "bench", "hearth-bench"), "--protocol", protocol, "--port", str(port)]
    argv += ["--json", "-", "--ratio", ratio, "--connections", str(CONNECTIONS), "--value-size", str(VALUE_BYTES)]
    argv += ["--keys", str(KEYS), "--seed", str(servers.fresh_seed(seed)), *options]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(argv), done.stderr.strip()))
    return json.loads(done.stdout)["run"]


def start_all(stack):
    running = {
        "memcached": stack.enter_context(servers.memcached("memcached")),
        "redis": stack.enter_context(servers.redis("redis")),
    }
    running["hearth mc"] = running["hearth redis"] = stack.enter_context(servers.hearth("hearth"))
    for server in (running["memcached"], running["redis"], running["hearth mc"]):
        servers.load(server.protocol, server.port(server.protocol), "set", KEYS, 64, 4, VALUE_BYTES, KEYS, "sequential")
    return running


def measure(args, write):
    """Rates by (protocol, ratio), and lists of quantiles by (column, ratio)."""
    rates, seen = {}, {}
    timed = ("--duration", "%dms" % (1000 * args.seconds), "--warmup", "300ms")
    with contextlib.ExitStack() as stack:
        running = start_all(stack)
        for protocol, peer, _ in PAIRS:
            for ratio in RATIOS:
                peak = run(running[peer], protocol, ratio, ("--duration", "2s", "--warmup", "1s"), 0)
                rates[protocol, ratio] = int(SHARE_OF_PEAK * peak["requests"] / peak["seconds"])
        cells = [(protocol, name, ratio) for protocol, *names in PAIRS for name in names for ratio in RATIOS]
        shuffled = random.Random(ORDER_SEED)
        for turn in range(args.rounds):
            shuffled.shuffle(cells)
            for protocol, name, ratio in cells:
                options = ("--rate", str(rates[protocol, ratio]), *timed)
                figures = run(running[name], protocol, ratio, options, turn + 1)["latency_us"]["all"]
                quantiles = [figures[quantile] for quantile in QUANTILES]
                seen.setdefault((name, ratio), []).append(quantiles)
                write(name, ratio, rates[protocol, ratio], turn, *quantiles)
    return rates, seen


def undisturbed(seen, name, ratio, quantile):
    """The lower quartile of the rounds."""
    at = QUANTILES.index(quantile)
    return statistics.quantiles((figures[at] for figures in seen[name, ratio]), n=4)[0]


def table(rates, seen):
    lines = ["latency at %d %% of the peer's peak, microseconds (lower quartile of the rounds)" % (100 * SHARE_OF_PEAK), ""]
    lines.append("%-32s%10s" % ("", "rate") + "".join("%12s" % quantile for quantile in QUANTILES))
    goals = [""]
    for protocol, peer, ours in PAIRS:
        for ratio in RATIOS:
            for name in (peer, ours):
                line = "%-32s%10d" % ("%s, reads:writes %s" % (name, ratio), rates[protocol, ratio])
                lines.append(line + "".join("%12.0f" % undisturbed(seen, name, ratio, q) for q in QUANTILES))
            for quantile in ("p99", "p99.9"):
                over = undisturbed(seen, ours, ratio, quantile) / undisturbed(seen, peer, ratio, quantile)
                goals.append(report.goal("%s over %s's, %s, reads:writes %s," % (quantile, peer, ours, ratio), over, 1.0))
    return lines + goals


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--rounds", type=int, default=0, help="rounds (40, with --quick 4)")
    parser.add_argument("--seconds", type=float, default=0, help="length of one measurement (0.7)")
    args = parser.parse_args()
    args.rounds = args.rounds or (4 if args.quick else 40)
    args.seconds = args.seconds or 0.7
    with report.rows("latency", ["server", "ratio", "rate", "round", *QUANTILES]) as write:
        rates, seen = measure(args, write)
    report.text("latency", table(rates, seen), args.quick)
    names = [name for _, peer, ours in PAIRS for name in (peer, ours)]
    series = {
        "%s, %s" % (quantile, ratio): [undisturbed(seen, name, ratio, quantile) for name in names]
        for ratio in RATIOS
        for quantile in ("p99", "p99.9")
    }
    plot.bars("latency", "Latency at 70 % of the peer's peak", "microseconds", names, series)


if __name__ == "__main__":
    main()
