#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# SUITE_ASAN
"""
Values of 16 KB to 1 MB, which leave from the pool without a copy: each reply is whole and in its place, whatever
happens to the objects meanwhile. Every value tells its key and its version and repeats them to its end, so that a
piece of another, or of nothing, is seen. The pool is so small that it is cleaned all the time.
"""
import os
import random
import sys
import threading
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(TOP, 'tests', 'lib'))
sys.dont_write_bytecode = True

import suite  # noqa: E402
from servers import Hearth  # noqa: E402
from suite import Wire, equal, resp  # noqa: E402

LONG = os.environ.get('HEARTH_LONG') == '1'
SEED = int(os.environ.get('HEARTH_SEED') or time.time())
KEYS = 12
MB = 1 << 20


def value(key, version, length):
    unit = b'<%s %d %d>' % (key, version, length)
    return (unit * (length // len(unit) + 1))[:length]


def check(key, data):
    """It is what one write has stored under the key."""
    name, version, length = data[1:data.index(b'>')].split(b' ')
    equal(name, key, 'the key that a value tells')
    equal(data == value(key, int(version), int(length)), True, 'a value is whole, key %s' % key.decode())


class Lines(Wire):
    """Replies of unknown length."""

    def __init__(self, address):
        super().__init__(address, seconds=60)
        self.file = self.socket.makefile('rb', 1 << 16)

    def line(self):
        line = self.file.readline()
        equal(line.endswith(b'\r\n'), True, 'a whole line')
        return line[:-2]

    def bulk(self):
        line = self.line()
        equal(line[:1], b'$', 'a bulk reply')
        if line == b'$-1':
            return None
        data = self.file.read(int(line[1:]))
        equal(self.file.read(2), b'\r\n', 'what follows a bulk')
        return data

    def memcache_values(self):
        while True:
            line = self.line()
            if line == b'END':
                return
            word, key, _, length = line.split(b' ')
            equal(word, b'VALUE', 'a value line')
            check(key, self.file.read(int(length)))
            equal(self.file.read(2), b'\r\n', 'what follows a value')


def random_length(rng):
    return rng.choice((100, 16383, 16384, 20000, 70000, 200000, MB - 100))


def write(server, rng, until):
    """Overwrites, deletes and now and then flushes, until the readers are done."""
    version = rng.randrange(1 << 30)
    with Lines(server.ports['redis']) as wire:
        while not until.is_set():
            requests = []
            for _ in range(rng.randrange(1, 6)):
                key = b'key%d' % rng.randrange(KEYS)
                version += 1
                what = rng.random()
                if what < 0.93:
                    requests.append(resp('SET', key, value(key, version, random_length(rng))))
                elif what < 0.98:
                    requests.append(resp('GETDEL', key))
                else:
                    requests.append(resp('FLUSHALL'))
            wire.send(b''.join(requests))
            for _ in requests:
                line = wire.line()
                if line[:1] == b'$' and line != b'$-1':
                    wire.file.read(int(line[1:]) + 2)
                equal(line[:1] in b'+$', True, 'no error: %r' % line)


def read_redis(wire, rng):
    expected = []
    requests = []
    for _ in range(rng.randrange(1, 30)):
        keys = [b'key%d' % rng.randrange(KEYS) for _ in range(rng.randrange(1, 4))]
        what = rng.random()
        if what < 0.5:
            requests.append(resp('GET', keys[0]))
            expected.append(('get', keys[:1]))
        elif what < 0.7:
            requests.append(resp('MGET', *keys))
            expected.append(('mget', keys))
        elif what < 0.8:
            requests.append(resp('GETRANGE', keys[0], 0, -1))
            expected.append(('get', keys[:1]))
        elif what < 0.9:
            requests.append(resp('MULTI') + b''.join(resp('GET', key) for key in keys) + resp('DBSIZE') + resp('EXEC'))
            expected.append(('exec', keys))
        elif what < 0.97:
            requests.append(resp('ECHO', b'x' * rng.randrange(1, 40000)))
            expected.append(('echo', []))
        else:
            requests.append(resp('FLUSHDB'))
            expected.append(('flush', []))
    threading.Thread(target=wire.send, args=(b''.join(requests),), daemon=True).start()
    for what, keys in expected:
        if what == 'exec':
            for _ in range(len(keys) + 2):
                wire.line()
        if what in ('mget', 'exec'):
            equal(wire.line(), b'*%d' % (len(keys) + (what == 'exec')), 'length of an array')
        for key in keys:
            data = wire.bulk()
            if data:
                check(key, data)
        if what == 'exec':
            equal(wire.line()[:1], b':', 'a number')
        if what == 'echo':
            equal(set(wire.bulk()), {ord('x')}, 'an echo')
        if what == 'flush':
            equal(wire.line(), b'+OK', 'a flush')


def read_memcache(wire, rng):
    requests, count = b'', rng.randrange(1, 30)
    for _ in range(count):
        requests += b'get ' + b' '.join(b'key%d' % rng.randrange(KEYS) for _ in range(rng.randrange(1, 4))) + b'\r\n'
    wire.send(requests + (b'flush_all\r\n' if count == 1 else b''))
    for _ in range(count):
        wire.memcache_values()
    if count == 1:
        equal(wire.line(), b'OK', 'a flush')


def campaign(*options):
    rounds = 400 if LONG else 40
    rng = random.Random(SEED)
    errors = []
    done = threading.Event()

    def guard(what, *arguments):
        try:
            what(*arguments)
        except Exception as error:  # shown by the test
            errors.append(error)
            done.set()

    with Hearth('--pool-size', '64mb', '--threads', '2', *options) as server:
        writers = []
        for _ in range(2):
            writers.append(threading.Thread(target=guard, args=(write, server, random.Random(rng.random()), done)))
            writers[-1].start()
        with Lines(server.ports['redis']) as redis, Lines(server.ports['memcache']) as memcache:
            for _ in range(rounds):
                guard(read_redis, redis, rng)
                guard(read_memcache, memcache, rng)
                if errors:
                    break
        done.set()
        for writer in writers:
            writer.join(60)
    if errors:
        raise AssertionError('seed %d: %s' % (SEED, errors[0]))


def test_values_in_flight():
    campaign()


def test_values_in_flight_at_power():
    """Replies are held for a sync: what was lent is copied."""
    campaign('--durability', 'power')


def test_reader_that_stops():
    """The socket takes a part; the rest is what the object was when it was read."""
    with Hearth('--pool-size', '64mb') as server, Lines(server.ports['redis']) as slow, \
            Lines(server.ports['redis']) as other:
        first = value(b'key0', 1, MB - 100)
        other.ask(resp('SET', 'key0', first), b'+OK\r\n')
        slow.send(resp('GET', 'key0') * 30)
        equal(slow.bulk() == first, True, 'the first reply')
        for version in range(2, 120):  # the pool goes round twice
            other.ask(resp('SET', 'key0', value(b'key0', version, MB - 100)), b'+OK\r\n')
        for _ in range(29):
            check(b'key0', slow.bulk())


if __name__ == '__main__':
    suite.run(globals())
