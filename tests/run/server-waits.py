#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# SUITE_ASAN
"""
What cannot be answered at once: no room for the moment, no complete index, replies that a sync has to cover, a sync that
fails. Requests keep their order, others go on. tests/support/slow_heap.c stands between server and heap.
"""
import os
import sys
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(TOP, 'tests', 'lib'))
sys.dont_write_bytecode = True

os.environ['HEARTH_PROGRAM'] = os.path.join(os.environ['HEARTH_BUILD'], 'tests', 'support', 'hearthd_slow')

import suite  # noqa: E402
from servers import Hearth  # noqa: E402
from suite import Wire, equal, memory_bytes, resp, wait_until  # noqa: E402


class Slow(Hearth):
    """hearthd with SLOW_HEAP_* settings."""

    def __init__(self, *options, **settings):
        self.settings = {'SLOW_HEAP_' + name.upper(): str(value) for name, value in settings.items()}
        super().__init__(*options)

    def begin(self):
        os.environ.update(self.settings)
        try:
            super().begin()
        finally:
            for name in self.settings:
                del os.environ[name]


def counter(server, name):
    with Wire(server.ports['memcache']) as wire:
        wire.send(b'stats\r\n')
        text = b''
        while not text.endswith(b'END\r\n'):
            text += wire.receive(1)
    return int(text.split(b'STAT %s ' % name.encode())[1].split(b'\r\n')[0])


def mixed(server):
    """Pipelines over both protocols; each reply in its place."""
    requests, replies = b'', b''
    for i in range(1, 300):
        requests += resp('INCR', 'n') + resp('GET', 'n') + resp('SET', 'k%d' % i, i) + b'PING\r\n' + resp('GET', 'k%d' % i)
        number = b'%d' % i
        bulk = b'$%d\r\n%s\r\n' % (len(number), number)
        replies += b':%d\r\n' % i + bulk + b'+OK\r\n+PONG\r\n' + bulk
    with Wire(server.ports['redis']) as redis, Wire(server.ports['memcache']) as memcache:
        redis.send(requests)
        for i in range(100):
            memcache.ask(b'set m%d 0 0 1\r\nx\r\nget m%d\r\n' % (i, i), b'STORED\r\nVALUE m%d 0 1\r\nx\r\nEND\r\n' % i)
        equal(redis.receive(len(replies)) == replies, True, 'replies in order')
        redis.ask(resp('MULTI') + resp('INCR', 'n') + resp('MSET', 'a', 1, 'b', 2) + resp('MGET', 'a', 'b') + resp('EXEC'),
                  b'+OK\r\n' + b'+QUEUED\r\n' * 3 + b'*3\r\n:300\r\n+OK\r\n*2\r\n$1\r\n1\r\n$1\r\n2\r\n')
        redis.ask(b'garbage\r\n' * 2 + resp('SET', 'last', 1) + b'*x\r\n',
                  b"-ERR unknown command 'garbage', with args beginning with: \r\n" * 2 +
                  b'+OK\r\n-ERR Protocol error: invalid multibulk length\r\n')
        redis.expect_close()


def test_no_room_for_a_moment():
    for every in 2, 7:
        with Slow(wait=every) as server:
            mixed(server)
            equal(counter(server, 'parked') > 10, True, 'requests have waited')


def test_sync_before_reply():
    with Slow('--durability', 'power') as server:
        mixed(server)
        equal(counter(server, 'sync_waits') > 10, True, 'replies have waited')


def test_no_room_and_sync():
    with Slow('--durability', 'power', wait=3) as server:
        mixed(server)


def test_index_not_complete():
    with Slow(fill=500) as server, Wire(server.ports['redis']) as waits, Wire(server.ports['redis']) as other:
        waits.send(resp('SET', 'k', 1) + resp('DBSIZE') + resp('GET', 'k') + resp('RANDOMKEY'))
        other.ask(resp('SET', 'o', 1), b'+OK\r\n')  # goes on
        equal(waits.receive(5 + 4 + 7), b'+OK\r\n:2\r\n$1\r\n1\r\n')
        equal(waits.receive(4), b'$1\r\n')


def test_index_is_damaged():
    """No waiting for an index that never will be complete; what can be read is served."""
    with Hearth() as server:
        with Wire(server.ports['redis']) as redis:
            redis.ask(resp('MSET', 'a', 1, 'b', 2), b'+OK\r\n')
        equal(server.stop(), 0, 'exit status')
        with open(os.path.join(server.folder, 'pool'), 'r+b') as pool:
            pool.seek((3 << 21) + 28)  # in the header of the first leaf (PM_SEGMENT_HEAD): the journal does not mend it
            byte = pool.read(1)[0]
            pool.seek(-1, os.SEEK_CUR)
            pool.write(bytes([byte ^ 1]))
        server.begin()
        with Wire(server.ports['redis']) as redis:
            for command in ('DBSIZE', ), ('KEYS', '*'), ('SCAN', '0'), ('RANDOMKEY', ):
                redis.send(resp(*command))
                equal(redis.receive(9), b'-MISCONF ')
                while redis.receive(1) != b'\n':
                    pass
            redis.ask(resp('SET', 'c', 3) + resp('GET', 'c'), b'+OK\r\n$1\r\n3\r\n')


def test_closing_while_waiting():
    with Slow(fill=1 << 40) as server:
        before = memory_bytes(server.process.pid)
        for _ in range(200):
            with Wire(server.ports['redis']) as wire:
                wire.send(resp('DBSIZE') + resp('SET', 'a', 1) * 50)
        with Wire(server.ports['redis']) as other:
            other.ask(resp('SET', 'o', 1), b'+OK\r\n')
        wires = [Wire(server.ports['redis']) for _ in range(20)]
        for wire in wires:
            wire.send(resp('DBSIZE') * 10)
        time.sleep(0.1)
        equal(memory_bytes(server.process.pid) - before < 64 << 20, True, 'bounded memory')
        equal(server.stop(), 0, 'exit status')  # a clean stop does not wait for them
        for wire in wires:
            wire.close()


def test_full():
    with Slow(full=1) as server, Wire(server.ports['redis']) as redis, Wire(server.ports['memcache']) as memcache:
        oom = b"OOM command not allowed when used memory > 'maxmemory'.\r\n"
        redis.ask(resp('SET', 'k', 1) + resp('GET', 'k') + resp('DEL', 'k'), b'-' + oom + b'$-1\r\n:0\r\n')
        redis.ask(resp('MULTI') + resp('SET', 'k', 1) + resp('EXEC') + resp('PING'),
                  b'+OK\r\n+QUEUED\r\n-EXECABORT Transaction discarded because of: ' + oom + b'+PONG\r\n')
        memcache.ask(b'set k 0 0 1\r\nx\r\nget k\r\ndelete k\r\n',
                     b'SERVER_ERROR out of memory storing object\r\nEND\r\nNOT_FOUND\r\n')
        equal(counter(server, 'store_no_memory'), 3, 'refusals counted, each once')


def test_sync_fails():
    with Slow(fail=3) as server, Wire(server.ports['memcache']) as memcache:
        for _ in range(2):
            with Wire(server.ports['redis']) as wire:
                wire.ask(resp('SET', 'k', 1), b'+OK\r\n')
        with Wire(server.ports['redis']) as wire:
            wire.send(resp('SET', 'k', 2))
            wire.expect_close()  # not acknowledged
        with Wire(server.ports['redis']) as wire:
            wire.send(resp('SET', 'k', 3))
            equal(wire.receive(9), b'-MISCONF ')
        memcache.ask(b'set k 0 0 1\r\nx\r\n', b'SERVER_ERROR writes could not be made durable and are refused\r\n')
        memcache.ask(b'get none\r\n', b'END\r\n')
        with open(os.path.join(server.folder, 'log'), encoding='utf-8') as log:
            equal(log.read().count('could not be made durable'), 1, 'lines in the log')
        wait_until(lambda: server.stop() == 0, 'a clean stop')


suite.run(globals())
