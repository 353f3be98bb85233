#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
What commands promise beyond one reply: passwords, SCAN's guarantee, atomicity among threads, what survives a restart,
what tools and client libraries read.
"""
import os
import random
import re
import shutil
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.environ['HEARTH_TOP'], 'tests', 'lib'))
import servers  # noqa: E402
from transcript import Connection, Failed, Report, resp_request  # noqa: E402

LONG = os.environ.get('HEARTH_LONG') == '1'


def redis(server):
    return Connection('redis', server.ports['redis'])


def memcache(server):
    return Connection('memcache', server.ports['memcache'])


def expect(found, expected, what):
    if found != expected:
        raise Failed('%s: expected %r, got %r' % (what, expected, found))


# ---- passwords: the same conversation with redis-server ----

AUTH_TALK = [
    ('PING',), ('GET', 'a'), ('NOSUCH',), ('GET',), ('MULTI',), ('AUTH', 'wrong'), ('PING',), ('AUTH', 'default', 'wrong'),
    ('AUTH', 'nobody', 'secret'), ('HELLO', '2'), ('HELLO', '2', 'AUTH', 'default', 'wrong'), ('AUTH', 'secret'), ('PING',),
    ('AUTH', 'wrong'), ('PING',), ('RESET',), ('PING',), ('AUTH', 'default', 'secret'), ('PING',), ('MULTI',),
    ('AUTH', 'secret'), ('EXEC',), ('RESET',), ('HELLO', '2', 'AUTH', 'default', 'secret', 'SETNAME', 'me'),
    ('CLIENT', 'GETNAME'),
]


def talk(port):
    connection = Connection('redis', port)
    replies = []
    for words in AUTH_TALK:
        connection.send(resp_request([word.encode() for word in words]))
        lines = connection.resp_lines()
        if words[0] == 'HELLO' and lines[0].startswith(b'*'):
            lines = [line for line in lines if not line.startswith(b':')]  # the number of the client
        replies.append(lines)
    connection.close()
    return replies


def test_passwords():
    with servers.Hearth('--requirepass', 'secret') as hearth, servers.Redis('--requirepass', 'secret') as peer:
        for words, left, right in zip(AUTH_TALK, talk(peer.port), talk(hearth.ports['redis'])):
            expect(right, left, ' '.join(words))


# ---- SCAN ----

def scan_all(connection, *options):
    cursor, found = b'0', []
    while True:
        cursor, some = connection.call('SCAN', cursor, *options)
        found += some
        if cursor == b'0':
            return found


def test_scan_finds_what_stays():
    """Keys come and go and the index grows meanwhile; what is there all the time is given, what never was is not."""
    with servers.Hearth() as hearth:
        connection, other = redis(hearth), redis(hearth)
        stay = {b'stay:%d' % i for i in range(20000)}
        for key in stay:
            connection.send(resp_request([b'SET', key, b'x']))
        for key in stay:
            connection.line()
        for options in ((), ('COUNT', '7'), ('COUNT', '1000')):
            cursor, found, n = b'0', set(), 0
            while True:
                cursor, some = connection.call('SCAN', cursor, *options)
                found.update(some)
                for _ in range(20):
                    other.call('SET', 'go:%s:%d' % (len(options), n), 'x')
                    other.call('DEL', 'go:%s:%d' % (len(options), n - 50))
                    n += 1
                if cursor == b'0':
                    break
            expect(stay - found, set(), 'keys that SCAN has missed')
            expect({key for key in found if not key.startswith((b'stay:', b'go:'))}, set(), 'keys that never were')
        expect(len(set(scan_all(connection, 'MATCH', 'stay:1*'))), 11111, 'SCAN MATCH')


def test_scan_over_a_restart():
    with servers.Hearth() as hearth:
        connection = redis(hearth)
        keys = {b'key:%d' % i for i in range(5000)}
        for key in keys:
            connection.call('SET', key, 'x')
        cursor, found = connection.call('SCAN', '0', 'COUNT', '500')
        found = set(found)
        hearth.restart()
        connection = redis(hearth)
        while cursor != b'0':
            cursor, some = connection.call('SCAN', cursor, 'COUNT', '500')
            found.update(some)
        expect(keys - found, set(), 'keys that a SCAN over a restart has missed')


# ---- restart ----

def test_restart_keeps_everything():
    with servers.Hearth() as hearth:
        connection = redis(hearth)
        for db in range(16):
            connection.call('SELECT', db)
            for i in range(50):
                connection.call('SET', 'key:%d' % i, 'value' * i, *(['PX', 10 ** 9] if i % 3 == 0 else []))
        cache = memcache(hearth)
        cache.send(b'set flags 77 0 1\r\nx\r\ngets flags\r\n')
        before = [cache.line() for _ in range(4)]
        digest = connection.call('DEBUG', 'DIGEST')
        hearth.restart()
        expect(redis(hearth).call('DEBUG', 'DIGEST'), digest, 'the digest after a restart')
        cache = memcache(hearth)
        cache.send(b'gets flags\r\n')
        expect([cache.line() for _ in range(3)], before[1:], 'flags and unique after a restart')


def test_digest_tells_differences():
    with servers.Hearth() as hearth:
        connection = redis(hearth)
        seen = {connection.call('DEBUG', 'DIGEST')}
        for words in (('SET', 'a', '1'), ('SET', 'a', '2'), ('SET', 'b', '2'), ('PEXPIREAT', 'a', 33177117420000),
                      ('SELECT', '1'), ('SET', 'a', '2')):
            connection.call(*words)
            digest = connection.call('DEBUG', 'DIGEST')
            if words[0] != 'SELECT' and digest in seen:
                raise Failed('%s did not change the digest' % (words,))
            seen.add(digest)
        connection.call('DEL', 'a')
        expect(connection.call('DEBUG', 'DIGEST') in seen, True, 'the digest comes back with the state')


# ---- atomicity among threads ----

def in_threads(*bodies):
    errors = []

    def run(body):
        try:
            body()
        except (Failed, OSError, ValueError, AttributeError, TypeError) as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise Failed(str(errors[0]))


def test_counter_of_two_protocols():
    rounds = 20000 if LONG else 1500
    with servers.Hearth('--threads', '3') as hearth:
        redis(hearth).call('SET', 'n', '0')

        def over_redis():
            connection = redis(hearth)
            for _ in range(rounds):
                connection.call('INCR', 'n')

        def over_memcache():
            connection = memcache(hearth)
            for _ in range(rounds):
                connection.send(b'incr n 1\r\n')
                connection.line()

        in_threads(over_redis, over_redis, over_memcache, over_memcache)
        expect(redis(hearth).call('GET', 'n'), b'%d' % (4 * rounds), 'the counter')


def test_append_by_many():
    """Values that grow under each other's hands: room is computed anew, no byte is lost."""
    rounds = 3000 if LONG else 600  # 900 KB in the end: below the largest value
    with servers.Hearth('--threads', '3') as hearth:
        def append(letter):
            connection = redis(hearth)
            for i in range(rounds):
                if i % 4 == 3:
                    connection.call('MULTI')
                    connection.call('APPEND', 'text', letter * 50)
                    connection.call('APPEND', 'text', letter * 50)
                    expect(len(connection.call('EXEC')), 2, 'EXEC')
                else:
                    connection.call('APPEND', 'text', letter * 100)

        in_threads(lambda: append('a'), lambda: append('b'), lambda: append('c'))
        text = redis(hearth).call('GET', 'text')
        for letter in (b'a', b'b', b'c'):
            expect(text.count(letter), rounds * 100, 'the letters %r' % letter)


def test_transfers():
    """Money moves between accounts by WATCH and EXEC; whoever looks by MGET or EXEC always sees the same sum."""
    rounds = 3000 if LONG else 300
    names = ['account:%d' % i for i in range(8)]
    with servers.Hearth('--threads', '3') as hearth:
        redis(hearth).call('MSET', *[word for name in names for word in (name, '100')])
        done = threading.Event()

        def move(seed):
            rng, connection = random.Random(seed), redis(hearth)
            for _ in range(rounds):
                source, target = rng.sample(names, 2)
                connection.call('WATCH', source)
                amount = rng.randint(0, int(connection.call('GET', source)))
                connection.call('MULTI')
                connection.call('DECRBY', source, amount)
                connection.call('INCRBY', target, amount)
                connection.call('EXEC')

        def movers():
            try:
                in_threads(lambda: move(1), lambda: move(2), lambda: move(3))
            finally:
                done.set()

        def look():
            connection = redis(hearth)
            while not done.is_set():
                values = [int(value) for value in connection.call('MGET', *names)]
                expect(sum(values), 800, 'the sum that MGET sees')
                expect(min(values) >= 0, True, 'no account below 0, thanks to WATCH')
                connection.call('MULTI')
                for name in names:
                    connection.call('GET', name)
                expect(sum(int(value) for value in connection.call('EXEC')), 800, 'the sum that EXEC sees')

        in_threads(movers, look)


def any_command(rng):
    key, other = b'k%d' % rng.randint(0, 30), b'k%d' % rng.randint(0, 30)
    return rng.choice([
        ('SET', key, b'x' * rng.randint(0, 3000)), ('APPEND', key, b'y' * rng.randint(0, 500)), ('KEYS', 'k*'), ('DBSIZE',),
        ('FLUSHDB',) if rng.random() < 0.1 else ('GET', key), ('RENAMENX', key, other),
        ('COPY', key, other, 'DB', rng.randint(0, 2)), ('SELECT', rng.randint(0, 1)), ('MSET', key, '1', other, '2'),
        ('SETRANGE', key, rng.randint(0, 4000), 'zz'), ('EXPIRE', key, 100), ('DEL', key), ('RANDOMKEY',),
        ('SCAN', '0'), ('MGET', key, other)])


def test_any_transaction():
    """Random transactions by several at once, with commands on single keys, on many and on the whole keyspace."""
    rounds = 5000 if LONG else 200
    with servers.Hearth('--threads', '3') as hearth:
        def run(seed):
            rng, connection = random.Random(seed), redis(hearth)
            for _ in range(rounds):
                connection.call('MULTI')
                count = rng.randint(1, 8)
                for _ in range(count):
                    expect(connection.call(*any_command(rng)), b'QUEUED', 'queueing')
                expect(len(connection.call('EXEC')), count, 'replies of EXEC')

        in_threads(*[lambda seed=seed: run(seed) for seed in range(6)])


def test_huge_transaction():
    """One that cannot be reserved is refused as a whole; the connection and its neighbours go on."""
    with servers.Hearth('--eviction', 'none', '--pool-size', '64mb') as hearth:
        connection = redis(hearth)
        connection.call('MULTI')
        for i in range(60):
            connection.call('SET', 'big:%d' % i, 'x' * 1000000)
        reply = connection.call('EXEC')
        if not (isinstance(reply, bytes) and reply.startswith(b'-')):
            raise Failed('EXEC of 60 MB in a pool of 64 MB was not refused')
        expect(connection.call('EXISTS', *['big:%d' % i for i in range(60)]), 0, 'nothing of it was stored')
        expect(connection.call('SET', 'small', '1'), b'OK', 'SET afterwards')
        expect(connection.call('EXEC'), b'-ERR EXEC without MULTI', 'MULTI has ended')


def test_queue_is_bounded():
    with servers.Hearth() as hearth:
        connection = redis(hearth)
        connection.call('MULTI')
        replies = {connection.call('SET', 'key', 'x' * 1000000)[:7] for _ in range(70)}
        expect(replies >= {b'QUEUED', b'-ERR th'}, True, 'queueing ends with an error')
        expect(connection.call('EXEC')[:10], b'-EXECABORT', 'EXEC then')


def test_watches_are_bounded():
    with servers.Hearth() as hearth:
        connection = redis(hearth)
        key = 'k' * 65000
        replies = [connection.call('WATCH', *['%s%d' % (key, i) for i in range(j, j + 100)]) for j in range(0, 1100, 100)]
        expect([reply[:23] for reply in replies], [b'OK'] * 10 + [b'-ERR too many watched k'], 'WATCH of 71 MB of keys')
        expect(connection.call('UNWATCH'), b'OK', 'UNWATCH')
        expect(connection.call('WATCH', key), b'OK', 'WATCH then')


# ---- tools and libraries ----

INFO_FIELDS = {
    'server': 'redis_version redis_mode os arch_bits process_id run_id tcp_port uptime_in_seconds config_file',
    'clients': 'connected_clients blocked_clients maxclients',
    'memory': 'used_memory used_memory_rss used_memory_human used_memory_dataset maxmemory maxmemory_policy '
              'mem_allocator',
    'persistence': 'loading async_loading rdb_changes_since_last_save rdb_bgsave_in_progress rdb_last_save_time '
                   'rdb_last_bgsave_status rdb_last_bgsave_time_sec rdb_last_cow_size aof_enabled '
                   'aof_last_write_status',
    'stats': 'total_connections_received total_commands_processed total_net_input_bytes total_net_output_bytes '
             'rejected_connections expired_keys evicted_keys keyspace_hits keyspace_misses total_error_replies',
    'replication': 'role connected_slaves master_replid master_repl_offset',
    'cpu': 'used_cpu_sys used_cpu_user',
    'commandstats': 'cmdstat_set cmdstat_command|info',
    'cluster': 'cluster_enabled',
    'hearth': 'durability backing emulated persist_lag_bytes persist_lag_ms tail_bytes tail_records pool_bytes '
              'pool_used_bytes index_complete',
    'keyspace': 'db0',
}


def test_info_fields():
    with servers.Hearth() as hearth:
        connection = redis(hearth)
        connection.call('SET', 'a', '1')
        connection.call('COMMAND', 'INFO', 'get')
        for section, fields in INFO_FIELDS.items():
            text = connection.call('INFO', section).decode()
            expect(text.split('\r\n')[0].lower(), '# ' + section, 'the title of section')
            expect([field for field in fields.split() if not re.search('^%s:' % re.escape(field), text, re.M)], [],
                   'fields that section %s lacks' % section)
        text = connection.call('INFO').decode()
        expect(re.findall('^# (.*)\r$', text, re.M), 'Server Clients Memory Persistence Stats Replication CPU Modules '
               'Errorstats Cluster Hearth Keyspace'.split(), 'the sections of INFO')


LIBRARIES = r"""
import sys, redis, pymemcache.client.base
r = redis.Redis(port=int(sys.argv[1]), decode_responses=True)
assert r.set('a', '1', ex=100) and r.get('a') == '1' and 90 < r.ttl('a') <= 100
assert r.mset({'b': '2', 'c': '3'}) and r.mget('a', 'b', 'c', 'd') == ['1', '2', '3', None]
with r.pipeline() as p:
    p.watch('a'); p.multi(); p.incr('a'); p.append('b', 'x')
    assert p.execute() == [2, 2]
assert sorted(r.scan_iter()) == ['a', 'b', 'c'] and r.dbsize() == 3
assert r.info()['role'] == 'master' and r.config_get('maxclients') and r.client_id() > 0
assert r.client_setname('me') and r.client_getname() == 'me' and r.client_list()[0]['db'] == '0'
assert r.command_count() > 50 and r.command()['get']['arity'] == 2
m = pymemcache.client.base.Client(('127.0.0.1', int(sys.argv[2])))
assert m.get('a') == b'2' and m.set('k', 'v', expire=100, noreply=False) and m.get('k') == b'v'
value, cas = m.gets('k')
assert m.cas('k', 'w', cas) and not m.cas('k', 'x', cas)
assert m.incr('a', 3) == 5 and r.get('a') == '5'
assert m.get_many(['a', 'k', 'none']) == {'a': b'5', 'k': b'w'} and m.touch('k', 10, noreply=False)
assert m.delete('k', noreply=False) and m.stats()[b'curr_items'] == 3 and m.version()
assert m.flush_all(noreply=False) and r.dbsize() == 0
"""


def run_tool(*arguments):
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=120, check=False)
    text = done.stdout.decode(errors='replace')
    if done.returncode != 0:
        raise Failed('%s: status %d: %s' % (arguments[0], done.returncode, text[-800:]))
    return text


def test_client_libraries():
    """Debian's python3 has the libraries; the python that runs this may be another."""
    with servers.Hearth() as hearth:
        run_tool('/usr/bin/python3', '-c', LIBRARIES, str(hearth.ports['redis']), str(hearth.ports['memcache']))


def test_tools():
    with servers.Hearth() as hearth:
        port, cache = str(hearth.ports['redis']), str(hearth.ports['memcache'])
        text = run_tool('redis-benchmark', '-p', port, '-n', '2000', '-q', '-t', 'ping,set,get,incr,mset', '-P', '8')
        expect('rror' in text, False, 'an error in what redis-benchmark says: ' + text)
        redis(hearth).call('SET', 'found', '1')
        expect('found' in run_tool('redis-cli', '-p', port, '--scan').split(), True, 'redis-cli --scan')
        if shutil.which('memccapable'):
            text = run_tool('memccapable', '-h', '127.0.0.1', '-p', cache, '-a')
            expect('[FAIL]' in text, False, 'a failure of memccapable: ' + text)
        if shutil.which('memcstat'):
            expect('curr_items' in run_tool('memcstat', '--servers=127.0.0.1:' + cache), True, 'memcstat')


def main():
    report = Report()
    for name, body in list(globals().items()):
        if name.startswith('test_') and (len(sys.argv) < 2 or sys.argv[1] in name):
            try:
                body()
                report.line(name[5:])
            except (Failed, OSError, RuntimeError, subprocess.SubprocessError) as error:
                report.line(name[5:], str(error))
    return 1 if report.failed else 0


if __name__ == '__main__':
    sys.exit(main())
