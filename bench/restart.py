#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Time from exec to the first hit, by number of objects, after a clean stop and after SIGKILL.

Each server is filled with objects of 100 bytes (keys `key:%012d`), stopped, started again on what it
left, and asked for keys until one is a hit. hearthd is stopped by TERM and by SIGKILL; memcached restarts
with -e (stopped by USR1, the only way it keeps its memory); redis-server with an RDB file and with an
append-only file. All files are on tmpfs: the disk's speed is no part of this.

For hearthd also: the time until the hash index is complete (DBSIZE answers then), and the throughput of
GETs, 16 deep on 32 connections, that begin at the first hit, beside the same run afterwards.

    ./dev bench restart [--sizes 100000,1000000] [--rounds N] [--only TEXT]

writes bench/out/restart.csv (every restart), restart.txt (the table) and restart.png (the plot).
"""

import argparse
import csv
import os
import random
import shutil
import signal
import socket
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import plot  # noqa: E402  (the path comes first)
import report  # noqa: E402
import servers  # noqa: E402

VALUE_BYTES = 100
WARM_GETS = 1000000


def key_of(number):
    return b"key:%012d" % number


def first_hit_ms(protocol, port, count, begin):
    """Asks for random keys on fresh connections until a value comes back; milliseconds since begin."""
    chosen = random.Random(count)
    while time.monotonic() - begin < 300:
        key = key_of(chosen.randrange(count))
        if protocol == "memcache":
            request, hit = b"get %s\r\n" % key, b"VALUE "
        else:
            request, hit = b"*2\r\n$3\r\nGET\r\n$16\r\n%s\r\n" % key, b"$%d\r\n" % VALUE_BYTES
        if servers.answers(port, request, hit):
            return (time.monotonic() - begin) * 1000
        time.sleep(0.0005)
    raise RuntimeError("no hit in 300 seconds")


def complete_ms(port, count, begin):
    """Until DBSIZE, which waits for the complete hash index, answers with the right number."""
    with socket.create_connection(("127.0.0.1", port), timeout=300) as conn:
        conn.sendall(b"*1\r\n$6\r\nDBSIZE\r\n")
        reply = conn.recv(64)
    if reply != b":%d\r\n" % count:
        raise RuntimeError("DBSIZE after the restart is %r, not %d" % (reply, count))
    return (time.monotonic() - begin) * 1000


class Subject:
    """A server that can be filled, stopped and started again on the same folder and ports."""

    protocol = "redis"

    def __init__(self, name, count):
        self.name = name
        self.count = count
        self.folder = servers.fresh_folder()
        self.memcache_port = servers.free_port()
        self.redis_port = servers.free_port()
        self.server = None
        self.begin = 0.0

    @property
    def port(self):
        return self.memcache_port if self.protocol == "memcache" else self.redis_port

    def argv(self):
        raise NotImplementedError

    def start(self):
        self.begin = time.monotonic()
        self.server = servers.Server(self.name, self.argv(), self.memcache_port, self.redis_port)
        if self.protocol == "memcache" and "hearth" not in self.name:
            self.server.redis_port = None
        if self.protocol == "redis" and "hearth" not in self.name:
            self.server.memcache_port = None

    def fill(self):
        self.start()
        self.server.wait_ready()
        servers.load(self.protocol, self.port, "set", self.count, 64, 8, VALUE_BYTES, self.count, "sequential")

    def stop(self):
        self.server.stop(signal.SIGTERM)

    def restart(self):
        """Returns the milliseconds to the first hit, and further figures by name."""
        self.start()
        return first_hit_ms(self.protocol, self.port, self.count, self.begin), {}

    def end(self):
        if self.server:
            self.server.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


class Hearth(Subject):
    stop_signal = signal.SIGTERM

    def argv(self):
        pool_mb = max(1024, self.count * 300 // (1 << 20))
        return [os.path.join(servers.BUILD, "server", "hearthd"), "--pool", os.path.join(self.folder, "pool"),
                "--pool-size", "%dmb" % pool_mb, "--threads", "2", "--bind", "127.0.0.1", "--durability", "process",
                "--memcache-port", str(self.memcache_port), "--redis-port", str(self.redis_port)]

    def stop(self):
        self.server.stop(self.stop_signal)

    def restart(self):
        hit_ms, more = super().restart()
        gets = threading.Thread(target=lambda: more.update(cold=self.gets()))
        gets.start()
        more["complete_ms"] = complete_ms(self.redis_port, self.count, self.begin)
        gets.join()
        warm = self.gets()
        return hit_ms, {"complete_ms": more["complete_ms"], "gets_at_once": more["cold"], "gets_later": warm}

    def gets(self):
        """GETs a second, every one of them a hit."""
        result = servers.load("redis", self.redis_port, "get", WARM_GETS, 16, 32, VALUE_BYTES, self.count)
        if result["misses"]:
            raise RuntimeError("%s: %d misses after the restart" % (self.name, result["misses"]))
        return result["requests"] / result["seconds"]


class HearthKilled(Hearth):
    stop_signal = signal.SIGKILL


class Memcached(Subject):
    protocol = "memcache"

    def argv(self):
        memory_mb = max(256, self.count * 260 // (1 << 20))
        argv = ["memcached", "-l", "127.0.0.1", "-p", str(self.memcache_port), "-U", "0", "-m", str(memory_mb)]
        if os.getuid() == 0:
            argv += ["-u", "root"]
        return argv + ["-e", os.path.join(self.folder, "memory")]

    def stop(self):
        # It throws its memory away when stop and start fall into one second.
        time.sleep(1.2)
        self.server.stop(signal.SIGUSR1)
        time.sleep(1.2)


class RedisRdb(Subject):
    def argv(self):
        return ["redis-server", "--bind", "127.0.0.1", "--port", str(self.redis_port), "--dir", self.folder,
                "--save", "3600 1", "--appendonly", "no", "--daemonize", "no"]

    def stop(self):
        self.server.process.send_signal(signal.SIGTERM)
        self.server.process.wait(300)
        self.server.stop()


class RedisAof(RedisRdb):
    def argv(self):
        argv = super().argv()
        argv[argv.index("--save") + 1] = ""
        argv[argv.index("--appendonly") + 1] = "yes"
        return argv + ["--appendfsync", "no", "--auto-aof-rewrite-percentage", "0"]


SUBJECTS = (
    ("hearth, TERM", Hearth),
    ("hearth, KILL", HearthKilled),
    ("memcached -e", Memcached),
    ("redis RDB", RedisRdb),
    ("redis AOF", RedisAof),
)


def measure(name, kind, count, rounds, writer):
    """All restarts of one server at one size: the list of (hit_ms, more)."""
    subject = kind(name, count)
    figures = []
    try:
        subject.fill()
        for turn in range(rounds):
            subject.stop()
            hit_ms, more = subject.restart()
            figures.append((hit_ms, more))
            row = [count, name, turn, "%.1f" % hit_ms]
            row += ["%.0f" % more[column] if column in more else "" for column in MORE]
            writer.writerow(row)
            print("# %d %s: %.1f ms %s" % (count, name, hit_ms, " ".join(row[4:])), file=sys.stderr, flush=True)
    finally:
        subject.end()
    return figures


MORE = ("complete_ms", "gets_at_once", "gets_later")


def table(results, sizes, names):
    lines = ["time from exec to the first hit, ms: median (worst)", ""]
    lines.append("%-22s" % "objects of 100 bytes" + "".join("%20d" % size for size in sizes))
    for name in names:
        line = "%-22s" % name
        for size in sizes:
            hits = [hit for hit, _ in results.get((name, size), [])]
            line += "%20s" % ("%.0f (%.0f)" % (statistics.median(hits), max(hits)) if hits else "-")
        lines.append(line)
    for column, text in zip(MORE, ("hash index complete, ms", "GET/s from the first hit", "GET/s afterwards")):
        for name in names:
            if not name.startswith("hearth"):
                continue
            line = "%-22s" % name
            for size in sizes:
                values = [more[column] for _, more in results.get((name, size), [])]
                line += "%20s" % ("%.0f" % statistics.median(values) if values else "-")
            lines.append(line + "   " + text)
    worst = [hit for (name, _), figures in results.items() if name.startswith("hearth") for hit, _ in figures]
    if worst:
        what = "hearth's worst first hit, at each size, after either stop,"
        lines += ["", report.goal(what, max(worst), 100, "%.0f ms")]
    return "\n".join(lines) + "\n"


def draw(results, sizes, names):
    """A line a server, both axes logarithmic."""
    series = {}
    for name in names:
        series[name] = [(size, statistics.median(hit for hit, _ in results[name, size])) for size in sizes]
    plot.lines("restart", "Time from exec to the first hit", "objects of %d bytes" % VALUE_BYTES, "ms", series, "xy")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="100000,1000000,5000000,10000000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="only servers whose name contains this")
    args = parser.parse_args()
    sizes = [int(size) for size in args.sizes.split(",")]
    subjects = [(name, kind) for name, kind in SUBJECTS if args.only in name]
    os.makedirs(servers.OUT, exist_ok=True)
    results = {}
    with open(os.path.join(servers.OUT, "restart.csv"), "w", newline="", encoding="ascii") as out:
        writer = csv.writer(out)
        writer.writerow(["objects", "server", "round", "first_hit_ms"] + list(MORE))
        for size in sizes:
            for name, kind in subjects:
                results[name, size] = measure(name, kind, size, args.rounds, writer)
    names = [name for name, _ in subjects]
    text = table(results, sizes, names)
    with open(os.path.join(servers.OUT, "restart.txt"), "w", encoding="utf-8") as out:
        out.write(text)
    print(text)
    draw(results, sizes, names)


if __name__ == "__main__":
    main()
