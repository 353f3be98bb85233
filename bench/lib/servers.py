# SPDX-License-Identifier: BSD-3-Clause
"""Servers under measurement: started on free loopback ports, asked whether they answer, timed, ended by pid."""

import itertools
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TOP = os.environ.get("HEARTH_TOP") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("HEARTH_BUILD") or os.path.join(TOP, "build", "opt")
OUT = os.path.join(TOP, "bench", "out")

# Both peers beside a Hearth that speaks both protocols: column, protocol, which server; and whose peer is whose.
COLUMNS = (
    ("memcached", "memcache", "memcached"),
    ("hearth mc", "memcache", "hearth"),
    ("redis", "redis", "redis"),
    ("hearth redis", "redis", "hearth"),
)
PEERS = {"hearth mc": "memcached", "hearth redis": "redis"}
# Seconds after which servers have done what they owe for SETs: their LRU, their index (bench/throughput.py).
REST_S = 1.2
HANDED_OUT = set()
LOADS = itertools.count()


def free_port():
    """A loopback port that nobody uses now, below those that the kernel gives to outgoing connections."""
    while True:
        port = random.randrange(12000, 32000)
        if port in HANDED_OUT:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        HANDED_OUT.add(port)
        return port


def answers(port, request, begin):
    """Does the server at the port answer the request with something that begins so?"""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as conn:
            conn.sendall(request)
            return conn.recv(64).startswith(begin)
    except OSError:
        return False


def fresh_folder(on_tmpfs=True):
    """A folder of our own, on tmpfs or on disk; the caller removes it."""
    return tempfile.mkdtemp(prefix="hearth-bench-", dir="/dev/shm" if on_tmpfs else "/var/tmp")


class Server:
    """A process with a memcache port, a redis port, or both. Use it with `with`."""

    def __init__(self, name, argv, memcache_port=None, redis_port=None, folder=None, rest_s=0):
        self.name = name
        self.rest_s = rest_s  # after SETs, until it has done what it owes for them
        self.memcache_port = memcache_port
        self.redis_port = redis_port
        self.folder = folder
        self.argv = argv
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd=folder or "/", start_new_session=True
        )

    def __enter__(self):
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *unused):
        self.stop()

    def ready(self):
        if self.memcache_port and not answers(self.memcache_port, b"version\r\n", (b"VERSION", b"ERROR")):
            return False
        return not self.redis_port or answers(self.redis_port, b"*1\r\n$4\r\nPING\r\n", b"+PONG")

    def said(self):
        """The last lines that the server wrote."""
        self.log.seek(0)
        return self.log.read()[-2000:].decode(errors="replace")

    def wait_ready(self, seconds=30):
        end = time.monotonic() + seconds
        while not self.ready():
            if self.process.poll() is not None:
                raise RuntimeError("%s ended with %s: %s" % (self.name, self.process.returncode, self.said()))
            if time.monotonic() > end:
                raise RuntimeError("%s does not answer: %s" % (self.name, self.said()))
            time.sleep(0.005)

    @property
    def protocol(self):
        """One that it speaks."""
        return "memcache" if self.memcache_port else "redis"

    def port(self, protocol):
        return self.memcache_port if protocol == "memcache" else self.redis_port

    def cpu_by_thread(self):
        """User and system seconds by name of thread, to the nanosecond: the ticks of /proc/PID/stat are 10 ms, too
        coarse for short turns. For differences, while no thread ends."""
        used = {}
        tasks = "/proc/%d/task" % self.process.pid
        for thread in os.listdir(tasks):
            with open("%s/%s/comm" % (tasks, thread), encoding="ascii") as comm:
                name = comm.read().strip()
            with open("%s/%s/schedstat" % (tasks, thread), encoding="ascii") as schedstat:
                used[name] = used.get(name, 0) + int(schedstat.read().split()[0]) / 1e9
        return used

    def cpu_seconds(self):
        """The same of all threads together."""
        return sum(self.cpu_by_thread().values())

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def hearth(name, threads=1, durability="process", pool_size="2gb", options=(), on_tmpfs=True):
    """hearthd on a fresh pool of its own."""
    folder = fresh_folder(on_tmpfs)
    memcache_port, redis_port = free_port(), free_port()
    argv = [os.path.join(BUILD, "server", "hearthd")]
    directives = {
        "pool": os.path.join(folder, "pool"),
        "pool-size": pool_size,
        "threads": threads,
        "durability": durability,
        "bind": "127.0.0.1",
        "memcache-port": memcache_port,
        "redis-port": redis_port,
    }
    if on_tmpfs and durability == "power":
        directives["trust-pmem"] = "yes"
    directives.update(options)
    for directive, value in directives.items():
        argv += ["--" + directive, str(value)]
    return Server(name, argv, memcache_port, redis_port, folder, REST_S)


def memcached(name, threads=1, memory_mb=2048, options=()):
    port = free_port()
    argv = ["memcached", "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-t", str(threads), "-m", str(memory_mb)]
    if os.getuid() == 0:
        argv += ["-u", "root"]
    return Server(name, argv + list(options), memcache_port=port, rest_s=REST_S)


def redis(name, options=()):
    """redis-server without persistence, unless the options say otherwise."""
    port = free_port()
    folder = fresh_folder()
    argv = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", folder]
    argv += ["--save", "", "--appendonly", "no", "--daemonize", "no"]
    return Server(name, argv + list(options), redis_port=port, folder=folder)


def null(name, threads=1, value_bytes=100):
    memcache_port, redis_port = free_port(), free_port()
    argv = [os.path.join(BUILD, "bench", "null_server"), "--threads", str(threads)]
    argv += ["--memcache-port", str(memcache_port), "--redis-port", str(redis_port), "--value-bytes", str(value_bytes)]
    return Server(name, argv, memcache_port, redis_port)


def fresh_seed(seed):
    """One that no other load of this run has had: keys that are asked for in an order in which they were written before
    lie in that order in a log, and cost less than they should."""
    return seed * 1000000 + next(LOADS)


def load(protocol, port, op, requests, depth=1, connections=32, value_bytes=100, keys=100000, order="random", seed=1,
         first_key=0, options=()):
    """Runs hearth-bench and returns its figures as a dictionary of numbers. An error reply is an error."""
    argv = [os.path.join(BUILD, "bench", "hearth-bench"), "--protocol", protocol, "--port", str(port), "--json", "-"]
    argv += ["--ratio", "1:0" if op == "get" else "0:1", "--requests", str(requests), "--pipeline", str(depth)]
    argv += ["--connections", str(connections), "--value-size", str(value_bytes), "--keys", str(keys)]
    argv += ["--distribution", "uniform" if order == "random" else order, "--seed", str(fresh_seed(seed))]
    argv += ["--first-key", str(first_key), *options]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(argv), done.stderr.strip()))
    run = json.loads(done.stdout)["run"]
    if run["errors"] > 0:
        raise RuntimeError("%s: error replies: %s" % (" ".join(argv), run["error_kinds"]))
    figures = {name: float(run[name]) for name in ("requests", "seconds", "hits", "misses", "cpu_seconds")}
    figures.update({name + "_us": run["latency_us"]["all"][name] for name in ("p50", "p99", "max")})
    return figures
