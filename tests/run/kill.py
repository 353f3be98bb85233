#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Nothing acknowledged is ever lost: clients of both protocols write and remember each acknowledged value, the server
is killed with SIGKILL at a random moment and started again, and everything is checked.

Each client owns its keys, so that what may be there is known exactly: the last acknowledged value, or one of those
that were on their way when the server died. With eviction a key may be missing, never old. Counters, CAS uniques,
TTLs, deletions, flushes and transactions are checked too.

30 rounds, 500 with HEARTH_LONG=1; HEARTH_SEED repeats a run; HEARTH_ROUNDS says how many."""
# SUITE_TIMEOUT=600
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

TOP = os.environ["HEARTH_TOP"]
BUILD = os.environ["HEARTH_BUILD"]
DISK = os.environ["HEARTH_TMP"]
SHM = os.environ["HEARTH_SHM"]
LONG = os.environ.get("HEARTH_LONG", "0") == "1"
ROUNDS = int(os.environ.get("HEARTH_ROUNDS", "500" if LONG else "30"))
SEED = int(os.environ.get("HEARTH_SEED", str(int(time.time()))))

ABSENT = None
KEYS = 400  # of each client
DEADLINE_S = 30


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One pool, started and killed again and again."""

    def __init__(self, name, folder, durability, trust, eviction, pool_size):
        self.name = name
        self.pool = os.path.join(folder, name + ".pool")
        self.redis_port, self.memcache_port = free_port(), free_port()
        self.eviction = eviction
        self.arguments = [
            os.path.join(BUILD, "server", "hearthd"), "--pool", self.pool, "--pool-size", pool_size,
            "--threads", "2", "--durability", durability, "--trust-pmem", trust, "--eviction", eviction,
            "--redis-port", str(self.redis_port), "--memcache-port", str(self.memcache_port),
            "--bind", "127.0.0.1", "--loglevel", "warn", "--logfile", os.path.join(DISK, name + ".log")]
        self.process = None
        self.evicted = 0  # keys that were missing, and may be

    def start(self):
        began = time.monotonic()
        self.process = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL)
        while True:
            if self.process.poll() is not None:
                raise SystemExit(f"not ok {self.name} - the server ended with status {self.process.returncode}: "
                                 + open(os.path.join(DISK, self.name + ".log")).read()[-2000:])
            try:
                Redis(self.redis_port).call(b"PING")
                return time.monotonic() - began
            except OSError:
                if time.monotonic() - began > DEADLINE_S:
                    self.kill()
                    raise SystemExit(f"not ok {self.name} - no answer {DEADLINE_S} s after the start")
                time.sleep(0.005)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        status = self.process.wait()
        if status != -signal.SIGKILL:  # a crash of its own is no kill
            raise SystemExit(f"not ok kill-{self.name} - the server ended by itself with status {status}")

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


class Line:
    """A connection with buffered reading."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def fill(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("closed")
        self.buffer += data

    def line(self):
        while b"\r\n" not in self.buffer:
            self.fill()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def exactly(self, count):
        while len(self.buffer) < count + 2:
            self.fill()
        data, self.buffer = self.buffer[:count], self.buffer[count + 2:]
        return data


def encode(*words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


class Redis(Line):
    def reply(self):
        line = self.line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if kind == b"-":
            return RuntimeError(rest.decode())
        if kind == b"$":
            return None if rest == b"-1" else self.exactly(int(rest))
        if kind == b"*":
            return None if rest == b"-1" else [self.reply() for _ in range(int(rest))]
        raise AssertionError(f"not RESP: {line!r}")

    def call(self, *words):
        self.send(encode(*words))
        return self.reply()


class Memcache(Line):
    def gets(self, keys):
        """{key: (value, flags, cas)}"""
        self.send(b"gets " + b" ".join(keys) + b"\r\n")
        found = {}
        while True:
            line = self.line()
            if line == b"END":
                return found
            word, key, flags, count, cas = line.split(b" ")
            assert word == b"VALUE", line
            found[key] = (self.exactly(int(count)), int(flags), int(cas))


class Client(threading.Thread):
    """Writes pipelines over its own keys until the connection breaks."""

    def __init__(self, server, number, seed):
        super().__init__(daemon=True)
        self.server, self.number, self.seed = server, number, seed
        self.prefix = (b"user:profile:%d:" if number % 2 else b"key:%d:") % number
        self.acknowledged = {}  # key -> value; missing: never written
        self.pending = {}       # key -> values on their way, in order
        self.counter = 0        # writes, for values that never repeat
        self.refused = 0
        self.error = None

    def key(self, rng):
        return self.prefix + b"%06d" % rng.randrange(KEYS)

    def value(self, rng):
        self.counter += 1
        head = b"%d:%d:" % (self.number, self.counter)
        if self.server.eviction == "cache":  # more than the pool holds
            return head + b"x" * rng.randrange(100000)
        return head + b"x" * (rng.randrange(100) if rng.random() < 0.95 else rng.randrange(20000))

    def run(self):
        rng = random.Random(self.seed)
        try:
            self.connect()
            while True:
                self.round(rng)
        except OSError:
            return
        except Exception as error:  # told by the main thread
            self.error = error

    def on_the_way(self, key, value):
        self.pending.setdefault(key, []).append(value)

    def done(self, key, value, took):
        self.pending[key].pop(0)
        if not self.pending[key]:
            del self.pending[key]
        if took:
            self.acknowledged[key] = value


class RedisClient(Client):
    def connect(self):
        self.line = Redis(self.server.redis_port)

    def round(self, rng):
        batch, out = [], []
        for _ in range(rng.randrange(1, 40)):
            what = rng.random()
            key = self.key(rng)
            if what < 0.6:
                value = self.value(rng)
                words = [b"SET", key, value]
                if rng.random() < 0.2:
                    words += [b"EX", b"100000"]
                out.append(encode(*words))
                batch.append((0, [(key, value)]))
            elif what < 0.75:
                out.append(encode(b"DEL", key))
                batch.append((0, [(key, ABSENT)]))
            elif what < 0.9:
                pairs = {self.key(rng): self.value(rng) for _ in range(rng.randrange(2, 6))}
                queue = [encode(b"SET", k, v) for k, v in pairs.items()]
                if rng.random() < 0.3:  # what holds all other workers is whole or absent, too
                    queue.insert(rng.randrange(len(queue)), encode(b"DBSIZE"))
                out += [encode(b"MULTI"), *queue, encode(b"EXEC")]
                batch.append((len(queue) + 1, list(pairs.items())))
            else:
                pairs = {self.key(rng): self.value(rng) for _ in range(rng.randrange(2, 6))}
                out.append(encode(b"MSET", *[word for pair in pairs.items() for word in pair]))
                batch.append((0, list(pairs.items())))
            for k, v in batch[-1][1]:
                self.on_the_way(k, v)
        self.line.send(b"".join(out))
        for before, pairs in batch:  # so many replies come before the one that counts
            for _ in range(before):
                self.line.reply()
            reply = self.line.reply()
            took = not isinstance(reply, RuntimeError)
            if not took:
                self.refused += 1
                assert "OOM" in str(reply), reply
            for k, v in pairs:
                self.done(k, v, took)


class MemcacheClient(Client):
    def __init__(self, server, number, seed):
        super().__init__(server, number, seed)
        self.highest_cas = 0

    def connect(self):
        self.line = Memcache(self.server.memcache_port)

    def round(self, rng):
        batch, out = [], []
        for _ in range(rng.randrange(1, 40)):
            key = self.key(rng)
            if rng.random() < 0.8:
                value = self.value(rng)
                out.append(b"set %s %d %d %d\r\n%s\r\n" % (key, len(value), 0 if rng.random() < 0.8 else 100000,
                                                           len(value), value))
                batch.append((key, value))
            else:
                out.append(b"delete %s\r\n" % key)
                batch.append((key, ABSENT))
            self.on_the_way(key, batch[-1][1])
        self.line.send(b"".join(out))
        for key, value in batch:
            reply = self.line.line()
            took = reply in (b"STORED", b"DELETED", b"NOT_FOUND")
            if not took:
                self.refused += 1
                assert b"out of memory" in reply, reply
                if value is not ABSENT:  # as memcached: a refused set removes what was there
                    self.done(key, ABSENT, True)
                    continue
            self.done(key, value, took)
        for key, (value, flags, cas) in self.line.gets([self.key(rng) for _ in range(5)]).items():
            assert flags == len(value), (key, flags, len(value))
            self.highest_cas = max(self.highest_cas, cas)


def check_client(server, client, redis):
    """Every key is what was acknowledged last, or something that was on its way."""
    wrong = []
    keys = [client.prefix + b"%06d" % i for i in range(KEYS)]
    redis.send(encode(b"MGET", *keys))
    for key, value in zip(keys, redis.reply()):
        allowed = [client.acknowledged.get(key, ABSENT)] + client.pending.get(key, [])
        if value is ABSENT and ABSENT not in allowed and server.eviction == "cache":
            server.evicted += 1
        elif value not in allowed:
            wrong.append((key, value and value[:40], [a and a[:40] for a in allowed]))
        # From here on this is what is there.
        client.acknowledged[key] = value
    client.pending.clear()
    return wrong


def check_fixed(server, redis, memcache, state):
    """TTLs hold, what expired stays away, deleted keys stay deleted, counters count, CAS uniques grow."""
    wrong = []
    now = time.time()
    if server.eviction == "none":
        left = redis.call(b"PTTL", b"ttl:long")
        expected = (state["ttl_until"] - now) * 1000
        if not isinstance(left, int) or abs(left - expected) > 2000:
            wrong.append(("ttl:long", left, expected))
        count = int(redis.call(b"GET", b"counter") or 0)
        if not state["counter"] <= count <= state["counter"] + 1:
            wrong.append(("counter", count, state["counter"]))
    if redis.call(b"GET", b"ttl:gone") is not None:
        wrong.append(("ttl:gone", "is back"))
    if redis.call(b"GET", b"deleted") is not None:
        wrong.append(("deleted", "is back"))
    memcache.send(b"set cas:probe 0 0 1\r\nx\r\n")
    if memcache.line() == b"STORED":
        cas = memcache.gets([b"cas:probe"])[b"cas:probe"][2]
        if cas <= state["highest_cas"]:
            wrong.append(("cas", cas, "not above", state["highest_cas"]))
        state["highest_cas"] = max(state["highest_cas"], cas)
    return wrong


def prepare(redis, state):
    redis.call(b"SET", b"ttl:long", b"v", b"EX", b"5000")
    state["ttl_until"] = time.time() + 5000
    redis.call(b"SET", b"ttl:gone", b"v", b"PX", b"1")
    redis.call(b"SET", b"deleted", b"v")
    redis.call(b"DEL", b"deleted")
    reply = redis.call(b"INCR", b"counter")
    if isinstance(reply, int):
        state["counter"] = reply
    elif redis.call(b"GET", b"counter") is None:
        state["counter"] = 0


def rounds(server, count, rng):
    """The rounds of one configuration; returns what was wrong."""
    clients, state = [], {"highest_cas": 0, "counter": 0}
    slowest = server.start()
    acknowledged = 0
    for number in range(4):
        kind = RedisClient if number % 2 == 0 else MemcacheClient
        clients.append(kind(server, number, rng.randrange(1 << 30)))
    for n in range(count):
        redis = Redis(server.redis_port)
        prepare(redis, state)
        for client in clients:
            client.start()
        time.sleep(rng.uniform(0.02, 0.5))
        server.kill()
        for client in clients:
            client.join(timeout=DEADLINE_S)
            if client.is_alive() or client.error:
                return [("client", client.error or "does not end")], n, acknowledged, slowest
            acknowledged += client.counter
        slowest = max(slowest, server.start())
        redis, memcache = Redis(server.redis_port), Memcache(server.memcache_port)
        state["highest_cas"] = max([state["highest_cas"]] + [c.highest_cas for c in clients if hasattr(c, "highest_cas")])
        wrong = check_fixed(server, redis, memcache, state)
        for client in clients:
            wrong += check_client(server, client, redis)
        if wrong:
            return wrong, n, acknowledged, slowest
        fresh = []
        for client in clients:
            successor = type(client)(server, client.number, rng.randrange(1 << 30))
            successor.acknowledged, successor.counter = client.acknowledged, client.counter + 1000
            fresh.append(successor)
        clients = fresh
    return [], count, acknowledged, slowest


def main():
    rng = random.Random(SEED)
    print(f"seed {SEED}", flush=True)
    configurations = [
        ("tmpfs-process", SHM, "process", "yes", "none", "256mb"),
        ("tmpfs-power", SHM, "power", "yes", "none", "256mb"),
        ("ext4-process", DISK, "process", "no", "none", "256mb"),
        ("ext4-power", DISK, "power", "no", "none", "256mb"),
        ("tmpfs-power-evicting", SHM, "power", "yes", "cache", "64mb"),
        ("ext4-process-evicting", DISK, "process", "no", "cache", "64mb"),
    ]
    failed = False
    for i, configuration in enumerate(configurations):
        share = ROUNDS // len(configurations) + (i < ROUNDS % len(configurations))
        server = Server(*configuration)
        try:
            wrong, played, acknowledged, slowest = rounds(server, share, rng)
        finally:
            if server.process and server.process.poll() is None:
                server.kill()
        if os.path.exists(server.pool):
            os.unlink(server.pool)
        if wrong:
            failed = True
            print(f"not ok kill-{server.name} - round {played}: {len(wrong)} wrong, first {wrong[:3]} (HEARTH_SEED={SEED})")
        else:
            print(f"ok kill-{server.name} ({played} rounds, {acknowledged} writes sent, {server.evicted} keys evicted, "
                  f"slowest start {slowest * 1000:.0f} ms)", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
