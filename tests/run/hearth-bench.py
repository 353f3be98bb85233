#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""hearth-bench against hearthd, redis-server and memcached: each way of loading them, for a moment, with its counts
held against what the server itself has counted; and how a run ends when something is wrong."""
# SUITE_ASAN
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ['HEARTH_TOP'], 'tests', 'lib'))
from servers import Hearth, Memcached, Redis, free_port  # noqa: E402
from suite import equal, resp, run, Wire  # noqa: E402

BENCH = os.path.join(os.environ['HEARTH_BUILD'], 'bench', 'hearth-bench')
SCRATCH = os.environ['HEARTH_TMP']


def bench(*options, env=None, seconds=60):
    """Runs it to its end; returns exit status, standard output and standard error."""
    done = subprocess.run([BENCH, *map(str, options)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=seconds, env=dict(os.environ, **(env or {})))
    return done.returncode, done.stdout, done.stderr


def report(*options, **more):
    """The JSON of a run that must be fine."""
    status, out, err = bench('--json', '-', *options, **more)
    equal((status, err), (0, ''), 'end of hearth-bench')
    return json.loads(out)


def figures(*options, **more):
    """What the JSON says of the run itself."""
    return report(*options, **more)['run']


def true(condition, what):
    if not condition:
        raise AssertionError(what)


def info(port, section, name):
    """A number of Redis's INFO."""
    with Wire(port) as wire:
        wire.send(resp('INFO', section))
        text = wire.socket.recv(65536).decode()
    for line in text.splitlines():
        if line.startswith(name + ':'):
            return int(line.split(':')[1])
    raise AssertionError('INFO has no ' + name)


def stats(port, name):
    """A number of memcached's stats."""
    with Wire(port) as wire:
        wire.send(b'stats\r\n')
        text = b''
        while not text.endswith(b'END\r\n'):
            text += wire.socket.recv(65536)
    for line in text.decode().splitlines():
        if line.startswith('STAT %s ' % name):
            return int(line.split()[2])
    raise AssertionError('stats has no ' + name)


class Both:
    """A server's two ports, or its one."""

    def __init__(self, server, ports):
        self.server = server
        self.ports = ports

    def __enter__(self):
        return self.ports

    def __exit__(self, *_):
        self.server.__exit__()


def each_server():
    """All servers, each with the ports of the protocols it speaks."""
    for make in (lambda: Hearth(), lambda: Redis(), lambda: Memcached()):
        server = make()
        ports = getattr(server, 'ports', None) or {'redis' if isinstance(server, Redis) else 'memcache': server.port}
        with Both(server, ports):
            for protocol, port in ports.items():
                yield protocol, port, ('--protocol', protocol, '--port', port)


def test_every_server_answers_what_is_counted():
    for protocol, port, where in each_server():
        loaded = report(*where, '--load-only', '--keys', 3001, '--threads', 2, '--connections', 5)
        equal(loaded['load']['requests'], 3001, 'keys loaded')
        true('run' not in loaded, 'a load is no run')
        got = figures(*where, '--keys', 3001, '--ratio', '1:0', '--requests', 3001, '--distribution', 'sequential',
                      '--threads', 3, '--connections', 7, '--pipeline', 10)
        equal((got['requests'], got['hits'], got['misses'], got['errors']), (3001, 3001, 0, 0), 'every key once')
        got = figures(*where, '--keys', 6002, '--ratio', '1:0', '--requests', 6002, '--distribution', 'sequential')
        equal((got['hits'], got['misses']), (3001, 3001), 'half of the keys')
        got = figures(*where, '--keys', 3001, '--ratio', '3:1', '--requests', 5000, '--pipeline', 16)
        latency = got['latency_us']
        equal(latency['get']['count'] + latency['set']['count'], 5000, 'gets and sets')
        equal(got['hits'] + got['misses'], latency['get']['count'], 'hits and misses of gets')
        true(abs(latency['get']['count'] - 3750) < 200, 'three quarters are gets')
        true(latency['all']['p50'] <= latency['all']['p99'] <= latency['all']['max'], 'quantiles rise')


def test_the_server_has_counted_the_same():
    with Redis() as server:
        before = info(server.port, 'stats', 'total_commands_processed')
        figures('--protocol', 'redis', '--port', server.port, '--requests', 2345, '--ratio', '1:1', '--pipeline', 7)
        # Two INFO, of which the first is counted before it ends.
        equal(info(server.port, 'stats', 'total_commands_processed') - before, 2346, 'commands')
    with Memcached() as server:
        got = figures('--port', server.port, '--requests', 2345, '--ratio', '1:1', '--pipeline', 7, '--threads', 2)
        equal(stats(server.port, 'cmd_get'), got['latency_us']['get']['count'], 'gets')
        equal(stats(server.port, 'cmd_set'), got['latency_us']['set']['count'], 'sets')
        equal(stats(server.port, 'get_hits'), got['hits'], 'hits')


def test_multi_get():
    for protocol, port, where in each_server():
        report(*where, '--load-only', '--keys', 1000)
        got = figures(*where, '--keys', 2000, '--ratio', '1:0', '--requests', 100, '--multi-get', 20, '--pipeline', 3,
                      '--distribution', 'sequential', '--connections', 1)
        equal((got['requests'], got['hits'], got['misses']), (100, 1000, 1000), '%s: 100 gets of 20 keys' % protocol)


def test_sizes_are_those_that_were_asked_for():
    with Hearth() as server:
        for protocol, port in server.ports.items():
            where = ('--protocol', protocol, '--port', port)
            got = report(*where, '--load-only', '--keys', 3000, '--value-size', '10:1,2000:1')['load']
            per_key = got['sent_bytes'] / 3000
            true(1005 + 20 < per_key < 1005 + 60 + 40, '%.0f bytes a key' % per_key)
            got = figures(*where, '--keys', 3000, '--requests', 3000, '--ratio', '1:0', '--distribution', 'sequential')
            true(abs(got['received_bytes'] / 3000 - per_key) < 40, 'what was written is read')
        # One that is larger than any buffer.
        got = figures(*where, '--keys', 20, '--value-size', 900000, '--workload', 'a', '--load', '--requests', 200,
                      '--pipeline', 5, '--connections', 3, '--verify')
        equal((got['requests'], got['misses']), (200, 0), 'large values')


def test_ttl():
    with Redis() as server:
        where = ('--protocol', 'redis', '--port', server.port)
        report(*where, '--load-only', '--keys', 50, '--ttl', '100-200')
        with Wire(server.port) as wire:
            seen = set()
            for key in range(50):
                wire.send(resp('TTL', 'key:%012d' % key))
                seen.add(int(wire.socket.recv(64)[1:]))
        true(95 <= min(seen) and max(seen) <= 200 and len(seen) > 20, 'TTLs are %s' % sorted(seen))


def test_ycsb():
    shares = {'a': ('set', 0.5), 'b': ('set', 0.05), 'c': ('set', 0), 'd': ('insert', 0.05)}
    for protocol, port, where in each_server():
        for letter, (kind, wanted) in shares.items():
            got = figures(*where, '--load', '--keys', 1000, '--workload', letter, '--requests', 4000, '--connections',
                          4, '--pipeline', 4)
            count = got['latency_us'].get(kind, {'count': 0})['count']
            true(abs(count / 4000 - wanted) < 0.03, 'workload %s: %d of 4000 are %ss' % (letter, count, kind))
            equal((got['requests'], got['errors']), (4000, 0), 'requests')
            # Of the latest keys, some can still be on their way.
            true(got['misses'] <= (40 if letter == 'd' else 0), '%d misses of workload %s' % (got['misses'], letter))
        for rate in (0, 20000):
            got = figures(*where, '--load', '--keys', 1000, '--workload', 'f', '--requests', 4000, '--pipeline', 4,
                          '--connections', 4, '--rate', rate)
            latency = got['latency_us']
            equal(latency['get']['count'], 4000, 'reads of workload f')
            equal(latency['read-modify-write']['count'], latency['set']['count'], 'each write has its read')
            equal(got['requests'], 4000 + latency['set']['count'], 'requests of workload f')
            true(abs(latency['set']['count'] - 2000) < 150, 'half of them write')
            true(latency['read-modify-write']['mean'] > latency['set']['mean'], 'the whole takes longer than its half')


def test_what_was_read_is_written_again():
    """Workload f over keys that come once each: as many keys as writes then have the new size."""
    with Redis() as server:
        where = ('--protocol', 'redis', '--port', server.port, '--keys', 200)
        report(*where, '--load-only', '--value-size', 10)
        got = figures(*where, '--value-size', 20, '--workload', 'f', '--distribution', 'sequential', '--requests', 200,
                      '--connections', 3, '--pipeline', 4)
        with Wire(server.port) as wire:
            written = 0
            for key in range(200):
                wire.send(resp('STRLEN', 'key:%012d' % key))
                written += wire.socket.recv(64) == b':20\r\n'
        equal(written, got['latency_us']['set']['count'], 'keys written')


def test_inserts_are_new_keys():
    with Redis() as server:
        where = ('--protocol', 'redis', '--port', server.port)
        got = figures(*where, '--load', '--keys', 1000, '--workload', 'd', '--requests', 5000, '--threads', 2)
        with Wire(server.port) as wire:
            wire.send(resp('DBSIZE'))
            size = int(wire.socket.recv(64)[1:])
        equal(size, 1000 + got['latency_us']['insert']['count'], 'keys')


def test_storm():
    for protocol, port, where in each_server():
        got = figures(*where, '--load', '--keys', 100, '--storm', '--requests', 500, '--connections', 8)
        equal((got['requests'], got['connections_made'], got['errors']), (500, 500, 0), 'requests and connections')
        equal(got['latency_us']['connect']['count'], 500, 'connects measured')
        equal(got['misses'], 0, 'misses')
    with Memcached('-t', '1') as server:  # with more threads it counts connections in any order
        before = stats(server.port, 'total_connections')
        got = figures('--port', server.port, '--storm', '--requests', 300, '--rate', 1000, '--threads', 2)
        # The asking connections are one each.
        equal(stats(server.port, 'total_connections') - before, 301, 'connections that the server saw')
        true(0.25 < got['seconds'] < 5, '300 at 1000 a second took %.3f s' % got['seconds'])


def test_an_open_loop_keeps_its_rate():
    for protocol, port, where in each_server():
        report(*where, '--load-only', '--keys', 1000)
        for threads in (1, 2):
            got = figures(*where, '--keys', 1000, '--rate', 5000, '--duration', '1s', '--threads', threads)
            true(abs(got['requests'] - 5000) <= 5, '%d requests at 5000 a second' % got['requests'])
            equal(got['latency_us']['sent late']['count'], got['requests'], 'requests whose lateness is known')


def test_an_open_loop_that_asks_too_much_says_so():
    """A million a second over one connection, one at a time: most of it is never sent, and the run ends."""
    with Redis() as server:
        got = figures('--protocol', 'redis', '--port', server.port, '--rate', 1000000, '--duration', '400ms',
                      '--connections', 1)
    true(got['unsent'] > 200000, '%d unsent' % got['unsent'])
    true(abs(got['requests'] + got['unsent'] - 400000) <= 1, 'each of 400000 was answered or not sent')
    true(0.8 < got['seconds'] < 3, 'the backlog took %.3f s' % got['seconds'])
    true(got['latency_us']['all']['max'] > 300000, 'latency counts from when it was due')


def test_a_stall_counts_for_all_that_were_due():
    """The server stands still for half a second; a closed loop sees a few slow requests, clients would see hundreds."""
    def run_with_stall(*options):
        with Redis() as server:
            stall = threading.Timer(0.5, server.process.send_signal, [signal.SIGSTOP])
            go_on = threading.Timer(1.0, server.process.send_signal, [signal.SIGCONT])
            stall.start()
            go_on.start()
            try:
                return figures('--protocol', 'redis', '--port', server.port, '--connections', 2, *options)
            finally:
                go_on.join()
    got = run_with_stall('--rate', 1000, '--duration', '2s')
    equal(got['requests'], 2000, 'requests')
    # A quarter of the time nobody was answered: the mean wait then is a quarter of a second.
    true(got['latency_us']['all']['p90'] > 200000, 'p90 is %.0f us' % got['latency_us']['all']['p90'])
    true(got['latency_us']['all']['p50'] < 100000, 'p50 is %.0f us' % got['latency_us']['all']['p50'])
    got = run_with_stall('--duration', '2s')
    true(got['latency_us']['all']['max'] > 350000, 'the stall was seen')
    true(got['latency_us']['all']['p90'] < 100000, 'a closed loop hides it')


def test_warmup_is_left_out():
    with Memcached() as server:
        got = figures('--port', server.port, '--requests', 1000, '--warmup', '300ms', '--connections', 4)
        equal(got['requests'], 1000, 'requests measured')
        true(stats(server.port, 'cmd_get') + stats(server.port, 'cmd_set') > 1500, 'more were sent')
        got = figures('--port', server.port, '--duration', '500ms', '--warmup', '300ms', '--rate', 1000)
        equal(got['requests'], 500, 'requests measured')
        true(0.5 <= got['seconds'] < 0.75, 'measured %.3f s' % got['seconds'])


def test_duration_ends_a_run():
    with Memcached() as server:
        begin = time.monotonic()
        got = figures('--port', server.port, '--duration', '500ms', '--pipeline', 4)
        true(0.5 <= got['seconds'] < 0.95, 'measured %.3f s' % got['seconds'])
        true(time.monotonic() - begin < 2, 'it ended')


def test_an_interrupt_reports_what_there_is():
    with Memcached() as server:
        process = subprocess.Popen([BENCH, '--port', str(server.port), '--json', '-', '--progress', '--interval',
                                    '100ms'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        process.stderr.readline()  # it runs
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=10)
        equal(process.returncode, 0, 'exit status')
        got = json.loads(out)['run']
        true(got['interrupted'] and got['requests'] > 0 and got['seconds'] < 5, 'it was interrupted')


def test_unix_sockets_and_passwords():
    path = os.path.join(SCRATCH, 'r.sock')
    with Redis('--unixsocket', path, '--requirepass', 'secret') as server:
        where = ('--protocol', 'redis', '--socket', path, '--requests', 100)
        equal(figures(*where, '--password', 'secret')['requests'], 100, 'requests over a unix socket')
        equal(figures(*where, env={'REDISCLI_AUTH': 'secret'})['requests'], 100, 'requests')
        got = figures(*where, '--storm', '--password', 'secret')
        equal((got['requests'], got['connections_made']), (100, 100), 'a storm with a password')
        status, _, err = bench(*where, '--password', 'wrong')
        true(status == 1 and 'refuses the password: WRONGPASS' in err, err)
        got = figures('--protocol', 'redis', '--port', server.port, '--requests', 50)
        equal((got['requests'], got['errors']), (0, 50), 'without a password')
        equal(got['error_kinds']['NOAUTH']['count'], 50, 'errors by kind')
        true('secret' not in bench(*where, '--password', 'secret', '--json', '-')[1], 'the password is not shown')


def test_error_replies_are_counted():
    with Redis('--maxmemory', '1mb', '--maxmemory-policy', 'noeviction') as server:
        where = ('--protocol', 'redis', '--port', server.port, '--value-size', 100, '--requests', 1000)
        got = figures(*where, '--ratio', '1:1')
        latency = got['latency_us']
        true(got['errors'] > 300 and got['error_kinds']['OOM']['count'] == got['errors'], 'OOM is counted')
        equal(got['requests'] + got['errors'], 1000, 'answers')
        true('set' not in latency, 'a refused write has no latency')
        out = bench(*where)[1]
        true('OOM command not allowed' in out, 'the summary shows an example')
    with Memcached() as server:
        got = figures('--port', server.port, '--requests', 20, '--ratio', '0:1', '--value-size', 1100000)
        equal((got['requests'], got['errors']), (0, 20), 'too large')
        equal(got['error_kinds']['SERVER_ERROR']['count'], 20, 'errors by kind')


def test_verify_notices_what_another_has_written():
    for protocol, port, where in each_server():
        for options in ((), ('--threads', '2', '--pipeline', '8'), ('--multi-get', '10')):
            for size in ('100', '8-200', '12', '40000'):
                got = figures(*where, '--load', '--keys', 200, '--verify', '--ratio', '1:1', '--requests', 1000,
                              '--value-size', size, *options)
                equal((got['requests'], got['misses']), (1000, 0), 'verified')
        again = ('--keys', 200, '--verify', '--ratio', '1:0', '--requests', 200, '--distribution', 'sequential',
                 '--value-size', 100)
        report(*where, '--load-only', '--keys', 200, '--verify')
        figures(*where, *again, '--seed', 99)  # what another run has written is fine
        with Wire(port) as wire:  # another key's value, by its own client
            if protocol == 'redis':
                wire.send(resp('GET', 'key:000000000076'))
                value = wire.receive(6 + 100 + 2)[6:-2]
                wire.ask(resp('SET', 'key:000000000077', value), b'+OK\r\n')
            else:
                wire.send(b'get key:000000000076\r\n')
                value = wire.receive(30 + 100 + 7)[30:-7]
                wire.ask(b'set key:000000000077 0 0 100\r\n%s\r\n' % value, b'STORED\r\n')
        status, out, err = bench(*where, *again)
        equal(status, 1, 'exit status')
        true('get of key:000000000077: the value is none that was written for this key' in err, err)
        equal(err.count('\n'), 1, 'lines of the message')


class Liar:
    """A server that answers whatever it is asked with the same bytes."""

    def __init__(self, answer, close_after=None):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.answer = answer
        self.close_after = close_after
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        try:
            while True:
                conn = self.listener.accept()[0]
                threading.Thread(target=self.talk, args=(conn,), daemon=True).start()
        except OSError:
            pass

    def talk(self, conn):
        asked = 0
        with conn:
            while conn.recv(65536):
                asked += 1
                if self.close_after is not None and asked > self.close_after:
                    return
                conn.sendall(self.answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def test_wrong_answers_end_the_run():
    cases = (
        ('memcache', '1:0', b'STORED\r\n', 'no reply to this request'),
        ('memcache', '0:1', b'END\r\n', 'no reply to this request'),
        ('memcache', '1:0', b'VALUE key:x 0 0\r\n\r\nEND\r\n', 'a value of a key that was not asked for'),
        ('memcache', '1:0', b'END\r\nEND\r\n', 'says more than it was asked'),
        ('redis', '1:0', b'+OK\r\n', 'no reply to this request'),
        ('redis', '1:0', b'$3\r\nabcde\r\n', 'a value is longer than announced'),
        ('redis', '0:1', b':1\r\n', 'no reply to this request'),
    )
    for protocol, ratio, answer, wanted in cases:
        with Liar(answer) as liar:
            status, out, err = bench('--protocol', protocol, '--port', liar.port, '--ratio', ratio, '--requests', 10,
                                     '--connections', 1)
            equal(status, 1, 'exit status')
            true(wanted in err and err.count('\n') == 1, '%r: %r' % (answer, err))


def test_a_server_that_goes_away():
    with Liar(b'END\r\n', close_after=3) as liar:
        status, _, err = bench('--port', liar.port, '--ratio', '1:0', '--requests', 100, '--connections', 1)
        true(status == 1 and 'lost with 1 requests unanswered: closed by the server' in err, err)
    with Liar(b'END\r\n', close_after=0) as liar:
        got = figures('--port', liar.port, '--ratio', '1:0', '--requests', 5, '--storm', '--connections', 5)
        equal((got['requests'], got['errors']), (0, 5), 'connections that a storm has lost')
        got = figures('--port', liar.port, '--ratio', '1:0', '--requests', 50, '--storm', '--connections', 2, '--rate',
                      1000)
        equal((got['requests'], got['errors']), (0, 50), 'connections that a storm at a rate has lost')
    with Liar(b'') as liar:
        status, _, err = bench('--port', liar.port, '--requests', 100, '--timeout', '300ms')
        true(status == 1 and 'no answer from 127.0.0.1' in err, err)
    status, _, err = bench('--port', free_port(), '--requests', 1)
    true(status == 1 and 'cannot connect to 127.0.0.1 port' in err and 'refused' in err, err)


def test_csv_and_progress():
    path = os.path.join(SCRATCH, 'run.csv')
    saved = os.path.join(SCRATCH, 'run.json')
    with Memcached() as server:
        status, out, err = bench('--port', server.port, '--rate', 2000, '--duration', '1s', '--interval', '200ms',
                                 '--csv', path, '--progress', '--json', saved)
        equal(status, 0, 'exit status')
    with open(path, newline='') as file:
        rows = list(csv.DictReader(file))
    true(5 <= len(rows) <= 7, '%d intervals' % len(rows))
    equal(sum(int(row['requests']) for row in rows), 2000, 'requests of all intervals')
    true(all(float(row['p50_us']) <= float(row['p99.99_us']) for row in rows), 'quantiles rise')
    true(max(float(row['max_us']) for row in rows) > 0, 'latencies')
    equal(len(err.splitlines()), len(rows), 'lines of progress')
    true('requests/s' in err and 'p99' in err, err)
    with open(saved) as file:
        equal(json.load(file)['run']['requests'], 2000, 'requests in the JSON')
    true('2,000 in 1.0' in out and 'seed 1' in out and 'open loop at 2000 requests/s' in out, out)
    with Memcached() as server:
        equal(bench('--port', server.port, '--requests', '10')[2], '', 'progress without a terminal')


def test_a_seed_repeats_a_run():
    with Redis() as server:
        where = ('--protocol', 'redis', '--port', server.port, '--requests', 2000, '--distribution', 'zipf',
                 '--connections', 1, '--value-size', '10-500')
        sums = []
        for seed in (1, 1, 2):
            with Wire(server.port) as wire:
                wire.ask(resp('FLUSHALL'), b'+OK\r\n')
            got = figures(*where, '--seed', seed)
            sums.append((got['sent_bytes'], got['received_bytes'], got['hits']))
        equal(sums[0], sums[1], 'the same seed')
        true(sums[0] != sums[2], 'another seed')


def test_bad_options_are_named():
    cases = (
        (['--pipline', '3'], "'--pipline' is no option; --help lists them"),
        (['3'], "'3' is no option; --help lists them"),
        (['--pipeline'], '--pipeline: a value is missing'),
        (['--pipeline', '0'], "--pipeline '0' is not valid: it must be a whole number from 1 to 100000"),
        (['--pipeline=x'], "--pipeline 'x' is not valid: it must be a whole number from 1 to 100000"),
        (['--protocol', 'http'], "--protocol 'http' is not valid: it must be one of memcache|redis"),
        (['--duration', '5 s'], "--duration '5 s' is not valid: it must be a time from"),
        (['--theta', '1'], "--theta '1' is not valid: it must be a number from 0.01 to 0.999"),
        (['--ratio', '0:0'], "--ratio '0:0' is not valid: it must be reads and writes, like 90:10"),
        (['--ratio', '1:1', '--workload', 'a'], "--ratio is for workload ratio, not for YCSB's a"),
        (['--value-size', '9-1'], "--value-size '9-1' is not valid: a size is"),
        (['--ttl', '9-1'], "--ttl '9-1' is not valid: it must be seconds"),
        (['--key-pattern', 'k'], "--key-pattern 'k' is not valid: it has no place for a number"),
        (['--keys', '1000', '--key-pattern', '%02d'], "--key-pattern '%02d' is not valid: it has too few digits"),
        (['--threads', '4', '--connections', '3'], '--connections 3 is below --threads 4'),
        (['--storm', '--pipeline', '2'], '--storm asks once on each connection: it goes with --pipeline 1 only'),
        (['--storm', '--workload', 'f'], '--storm asks once on each connection: workload f'),
        (['--storm=yes'], '--storm takes no value'),
        (['--multi-get', '2', '--workload', 'f'], '--multi-get does not go with workload f'),
        (['--password', 'x'], '--password is for protocol redis'),
        (['--json', '/nowhere/x'], '--json /nowhere/x: No such file or directory'),
    )
    for words, wanted in cases:
        status, out, err = bench(*words)
        equal((status, out), (1, ''), 'end of %s' % words)
        true(err.startswith('hearth-bench: ' + wanted) and err.count('\n') == 1, '%s: %r' % (words, err))


def test_help_and_manual_name_every_option():
    status, out, _ = bench('--help')
    equal(status, 0, 'exit status')
    names = [line.split()[0] for line in out.splitlines() if line.startswith('    --')]
    true(len(names) > 30 and '--pipeline' in names, names)
    manual = bench('--print-man-options')[1].replace('\\', '')
    for name in names:
        true('fB%sfR' % name in manual or name in ('--help,', '--version'), name + ' is not in the manual')
    true(bench('--version')[1].startswith('hearth-bench '), 'version')


if __name__ == '__main__':
    run(globals())
