#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# SUITE_ASAN
"""Bad and unusual input over sockets: the right error, bounded memory, other clients unaffected; and common clients."""
import os
import select
import subprocess
import sys
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(TOP, 'tests', 'lib'))
sys.dont_write_bytecode = True

import suite  # noqa: E402
from servers import Hearth  # noqa: E402
from suite import Wire, equal, memory_bytes, resp, wait_until  # noqa: E402

MB = 1 << 20
SERVER = Hearth()
REDIS, MEMCACHE = SERVER.ports['redis'], SERVER.ports['memcache']
SANITIZED = 'asan' in os.environ.get('HEARTH_BUILD', '')


def still_fine():
    """The server serves others."""
    with Wire(REDIS) as redis, Wire(MEMCACHE) as memcache:
        redis.ask(resp('SET', 'fine', 'yes'), b'+OK\r\n')
        memcache.ask(b'get fine\r\n', b'VALUE fine 0 3\r\nyes\r\nEND\r\n')


def memory():
    return memory_bytes(SERVER.process.pid)


def bounded(before, limit):
    """Anonymous memory has not grown by more than `limit` bytes; ASan's quarantine is no measure."""
    grown = memory() - before
    if grown > limit and not SANITIZED:
        raise AssertionError('memory has grown by %d bytes, more than %d' % (grown, limit))


# ---- cut in pieces ----


def test_byte_by_byte():
    request = resp('SET', 'slow', 'abc') + resp('GET', 'slow') + b'ping\r\n'
    with Wire(REDIS) as wire:
        wire.socket.setsockopt(6, 1, 1)  # TCP_NODELAY
        for i in range(len(request)):
            wire.send(request[i:i + 1])
            time.sleep(0.0005)
        equal(wire.receive(5 + 9 + 7), b'+OK\r\n$3\r\nabc\r\n+PONG\r\n')
    request = b'set slow 5 0 4\r\nwxyz\r\nget slow\r\n'
    with Wire(MEMCACHE) as wire:
        for i in range(len(request)):
            wire.send(request[i:i + 1])
            time.sleep(0.0005)
        equal(wire.receive(35), b'STORED\r\nVALUE slow 5 4\r\nwxyz\r\nEND\r\n')


def test_half_a_request_then_close():
    for part in b'*3\r\n$3\r\nSET\r\n$1\r\n', b'*1', b'$', b'GET k':
        with Wire(REDIS) as wire:
            wire.send(part)
    for part in b'set k 0 0 100\r\nabc', b'get ', b'\r':
        with Wire(MEMCACHE) as wire:
            wire.send(part)
    still_fine()


def test_requests_before_the_end_are_answered():
    with Wire(REDIS) as wire:
        wire.send(resp('SET', 'end', '1') + resp('INCR', 'end') + b'*1\r\n$4\r\nPI')
        wire.socket.shutdown(1)
        equal(wire.receive(100), b'+OK\r\n:2\r\n')


def test_deep_pipeline():
    count = 100000
    with Wire(REDIS) as wire:
        wire.send(resp('DEL', 'n'))
        equal(wire.receive(1), b':')
        wire.receive(3)
        data = resp('INCR', 'n') * count
        wanted = b''.join(b':%d\r\n' % i for i in range(1, count + 1))
        sent, got = 0, bytearray()
        wire.socket.setblocking(False)
        while len(got) < len(wanted):
            readable, writable, _ = select.select([wire.socket], [wire.socket] if sent < len(data) else [], [], 20)
            if readable:
                got += wire.socket.recv(1 << 20)
            if writable:
                sent += wire.socket.send(data[sent:sent + 100000])
        equal(bytes(got) == wanted, True, 'replies in order')


# ---- large ----


def test_values_of_1_mb():
    value = os.urandom(MB)
    with Wire(REDIS) as redis, Wire(MEMCACHE) as memcache:
        for _ in range(5):
            redis.ask(resp('SET', 'big', value), b'+OK\r\n')
            redis.ask(resp('GET', 'big'), b'$%d\r\n%s\r\n' % (MB, value))
        memcache.ask(b'get big\r\n', b'VALUE big 0 %d\r\n%s\r\nEND\r\n' % (MB, value))
        memcache.ask(b'set big 1 0 %d\r\n%s\r\n' % (MB, value), b'STORED\r\n')
        redis.ask(resp('STRLEN', 'big'), b':%d\r\n' % MB)


def test_too_large_goes_on():
    value = b'x' * (MB + 1)
    with Wire(REDIS) as redis:
        redis.ask(resp('SET', 'kept', '1'), b'+OK\r\n')
        redis.send(resp('SET', 'kept', value) + resp('GET', 'kept'))
        reply = redis.receive(12)
        equal(reply[:5], b'-ERR ')
        while not reply.endswith(b'$1\r\n1\r\n'):
            part = redis.receive(1)
            equal(len(part), 1, 'bytes received')
            reply += part
        equal(reply.count(b'\r\n'), 3, 'lines')
        redis.send(resp('SET', b'k' * 65536, 'v') + resp('GET', 'kept'))
        reply = redis.receive(5)
        equal(reply, b'-ERR ')
    with Wire(MEMCACHE) as memcache:
        memcache.ask(b'set kept 0 0 %d\r\n%s\r\n' % (len(value), value), b'SERVER_ERROR object too large for cache\r\n')
        memcache.ask(b'get kept\r\n', b'END\r\n')
        memcache.ask(b'set %s 0 0 1\r\nv\r\n' % (b'k' * 251), b'CLIENT_ERROR bad command line format\r\n')
    still_fine()


def test_endless_requests():
    before = memory()
    with Wire(REDIS) as wire:
        send_until_closed(wire, b'x' * 65536, 4 * MB)
    with Wire(REDIS) as wire:
        send_until_closed(wire, b'*2\r\n$3\r\nGET\r\n$99999999999\r\n', 1000)
    with Wire(REDIS) as wire:
        send_until_closed(wire, b'*1048577\r\n', 1000)
    with Wire(MEMCACHE) as wire:
        send_until_closed(wire, b'y' * 65536, 4 * MB)
    with Wire(MEMCACHE) as wire:  # bad binary: not the text protocol
        wire.send(b'\x80\x0a' + bytes(22))
        wire.send(b'\r\n')
    with Wire(REDIS) as wire:  # a command of 100 MB in small pieces is refused, and the connection goes on
        wire.send(b'*200001\r\n$4\r\nMSET\r\n' + (b'$500\r\n' + b'z' * 500 + b'\r\n') * 200000 + resp('PING'))
        equal(wire.receive(5), b'-ERR ')
        wait_for(wire, b'+PONG\r\n')
    bounded(before, 96 * MB)
    still_fine()


def wait_for(wire, text):
    got = b''
    while not got.endswith(text):
        part = wire.receive(1)
        equal(len(part), 1, 'bytes received')
        got += part


def send_until_closed(wire, piece, most):
    """Sends pieces until the server closes; it must within `most` bytes."""
    sent = 0
    try:
        while sent < most:
            wire.send(piece)
            sent += len(piece)
            if select.select([wire.socket], [], [], 0)[0]:
                break
        while wire.receive(4096):
            pass
    except (BrokenPipeError, ConnectionResetError):
        return
    if sent >= most:
        raise AssertionError('%d bytes were taken' % sent)


def test_garbage():
    seed = 1
    for port in REDIS, MEMCACHE:
        for round_ in range(100):
            seed = (seed * 6364136223846793005 + 1442695040888963407) % (1 << 64)
            data = bytes((seed >> (i % 57)) * (i + round_) & 255 for i in range(round_ * 7))
            with Wire(port) as wire:
                try:
                    wire.send(data + b'\r\n')
                    wire.socket.shutdown(1)
                    while wire.receive(4096):
                        pass
                except OSError:
                    pass
    still_fine()


# ---- many, and slow ----


def test_idle_connections():
    with Wire(REDIS) as wire:
        wire.ask(resp('PING'), b'+PONG\r\n')
    before = memory()
    wires = [Wire(REDIS if i % 2 else MEMCACHE) for i in range(1000)]
    for i, wire in enumerate(wires):
        if i % 2:
            wire.ask(resp('PING'), b'+PONG\r\n')
        else:
            wire.ask(b'version\r\n', b'VERSION ')
            wire.receive(8)
    bounded(before, 1000 * 1024 + 512 * 1024)
    for i, wire in enumerate(wires):  # a little of a request each
        wire.send(b'*1\r\n$4' if i % 2 else b'get a')
    time.sleep(0.3)
    bounded(before, 1000 * 2048 + 512 * 1024)
    still_fine()
    for wire in wires:
        wire.close()
    wait_until(lambda: connections() <= 2, 'connections are gone')


def connections():
    with Wire(REDIS) as wire:
        wire.send(resp('INFO', 'clients'))
        text = wire.receive(60)
    return int(text.split(b'connected_clients:')[1].split(b'\r\n')[0])


def test_announced_and_never_sent():
    before = memory()
    wires = [Wire(REDIS) for _ in range(200)]
    for wire in wires:
        wire.send(b'*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048576\r\nabc')
    time.sleep(0.3)
    bounded(before, 4 * MB)
    for wire in wires:
        wire.close()
    still_fine()


def test_client_that_never_reads():
    value = b'v' * 100000
    with Wire(REDIS) as other:
        other.ask(resp('SET', 'large', value), b'+OK\r\n')
    before = memory()
    silent = [Wire(REDIS) for _ in range(4)] + [Wire(MEMCACHE) for _ in range(4)]
    for i, wire in enumerate(silent):
        wire.socket.setblocking(False)
        request = (resp('GET', 'large') if i < 4 else b'get large\r\n') * 2000
        try:
            wire.socket.send(request)
        except BlockingIOError:
            pass
    time.sleep(0.5)
    bounded(before, 8 * 8 * MB)
    still_fine()
    # What was held goes on once it reads: all replies, in order.
    wire = silent[0]
    wire.socket.setblocking(True)
    wire.socket.settimeout(20)
    one = b'$%d\r\n%s\r\n' % (len(value), value)
    for _ in range(500):
        equal(wire.receive(len(one)) == one, True, 'reply')
    for wire in silent:
        wire.close()


# ---- unmodified clients ----


def command(*words, says=None):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100)
    text = done.stdout.decode(errors='replace')
    if done.returncode != 0 or (says is not None and says not in text):
        raise AssertionError('%s: status %d, %s' % (words[0], done.returncode, text[-300:]))
    return text


def test_redis_cli():
    port = str(REDIS)
    equal(command('redis-cli', '-p', port, 'set', 'cli', 'x').strip(), 'OK')
    equal(command('redis-cli', '-p', port, '--scan', '--pattern', 'cl?').split(), ['cli'])
    command('redis-cli', '-p', port, 'info', says='redis_version')
    latency = subprocess.Popen(['redis-cli', '-p', port, '--latency', '--raw'], stdout=subprocess.PIPE)
    time.sleep(1.2)
    latency.terminate()
    equal(b' ' in latency.communicate()[0], True, 'latency figures')


def test_redis_benchmark():
    text = command('redis-benchmark', '-p', str(REDIS), '-t', 'ping,set,get,incr,mset', '-n', '5000', '-P', '8', '-q')
    for name in 'PING_MBULK', 'SET', 'GET', 'INCR', 'MSET':
        equal(name in text and 'Error' not in text, True, name)


def test_memccapable():
    command('memccapable', '-h', '127.0.0.1', '-p', str(MEMCACHE), '-a', says='All tests passed')


def test_memcstat():
    command('memcstat', '--servers=127.0.0.1:%d' % MEMCACHE, says='curr_items')


def test_python_redis():
    try:
        import redis
    except ImportError:
        print('python3-redis is missing')
        return
    client = redis.Redis(port=REDIS)
    equal(client.set('p', 'q', ex=100), True)
    equal(client.get('p'), b'q')
    with client.pipeline(transaction=True) as pipe:
        equal(pipe.set('a', 1).incr('a').get('a').execute(), [True, 2, b'2'])
    equal(client.mset({'x': 1, 'y': 2}), True)
    equal(client.mget('x', 'y', 'zz'), [b'1', b'2', None])
    equal(b'p' in list(client.scan_iter(count=100)), True)
    equal(client.config_get('maxclients')['maxclients'], '10000')
    equal(client.client_setname('me'), True)
    equal('me' in [each['name'] for each in client.client_list()], True)
    client.info()


def test_python_pymemcache():
    try:
        from pymemcache.client.base import Client
    except ImportError:
        print('python3-pymemcache is missing')
        return
    client = Client(('127.0.0.1', MEMCACHE), timeout=10)
    equal(client.set('m', 'v', noreply=False), True)
    equal(client.get_many(['m', 'none']), {'m': b'v'})
    value, unique = client.gets('m')
    equal(client.cas('m', 'w', unique, noreply=False), True)
    equal(client.cas('m', 'w', unique, noreply=False), False)
    client.set('n', '1')
    equal(client.incr('n', 5), 6)
    equal(b'curr_items' in client.stats(), True)
    client.close()


try:
    suite.run(globals())
finally:
    SERVER.__exit__()
