#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# SUITE_ASAN
"""Starting, stopping and telling what is wrong: options, signals, sockets, files, exit statuses."""
import os
import pwd
import signal
import stat
import subprocess
import sys
import tempfile
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(TOP, 'tests', 'lib'))
sys.dont_write_bytecode = True

import suite  # noqa: E402
from servers import Hearth, free_port  # noqa: E402
from suite import Wire, equal, hearthd, resp, wait_until  # noqa: E402

FOLDER = tempfile.mkdtemp(dir=os.environ.get('HEARTH_TMP'))


def path(name):
    return os.path.join(FOLDER, name)


def read(name):
    with open(name, encoding='utf-8', errors='replace') as file:
        return file.read()


def log_of(server):
    return read(os.path.join(server.folder, 'log'))


def refused(*arguments, says):
    """hearthd refuses to start: status 1, one line with all of `says`, and no pool is made."""
    pool = path('never.pool')
    status, text = hearthd(*arguments, '--pool', pool)
    equal(status, 1, 'exit status (%s)' % text)
    lines = text.strip().splitlines()
    equal(len(lines), 1, 'number of lines in %r' % text)
    for word in says:
        if word not in text:
            raise AssertionError('%r lacks %r' % (text, word))
    equal(os.path.exists(pool), False, 'a pool is there')


# ---- options ----


def test_version_and_help():
    for flag in '-V', '--version':
        status, text = hearthd(flag)
        equal(status, 0, 'exit status')
        equal(text.split()[0], 'hearthd')
    for flag in '-h', '--help':
        status, text = hearthd(flag)
        equal(status, 0, 'exit status')
        for word in 'memcache-port', 'pool-size', '-l ADDRESS':
            equal(word in text, True, word)


def test_configuration_file_is_the_table():
    status, text = hearthd('--print-conf')
    equal(status, 0, 'exit status')
    equal(read(os.path.join(TOP, 'conf', 'hearth.conf')), text, 'conf/hearth.conf (hearthd --print-conf)')


def test_bad_options():
    refused('--treads', '2', says=['--treads', 'unknown directive'])
    refused('--threads', '0', says=['--threads', "'0'", 'from 1 to'])
    refused('--threads', 'many', says=['--threads', "'many'"])
    refused('--pool-size', '5x', says=['--pool-size', '1gb'])
    refused('--durability', 'forever', says=['default|power|process'])
    refused('--daemonize', 'maybe', says=['yes or no'])
    refused('--unixsocketperm', '999', says=['octal'])
    refused('--redis-port', '65536', says=['--redis-port', '65535'])
    refused('--threads', says=['--threads'])
    refused('-t', 'x', says=['-t', "'x'"])
    refused('-Z', says=['-Z', 'unknown flag'])
    refused('--requirepass=' + 'x' * 1024, says=['--requirepass', 'too long'])
    refused('-l', 'a,' * 400, '-l', 'b,' * 400, says=['-l', 'too many addresses'])


def test_bad_configuration_file():
    cases = [
        ('threads 2\n\nno-such thing\n', ':3: unknown directive'),
        ('# fine\nthreads\n', ':2: '),
        ('requirepass "abc\n', ':1: unbalanced'),
        ('requirepass "a\\x00b"\n', ':1: unbalanced quotes, a zero byte'),
        ('pool-size 1kb\n', ':1: pool-size'),
        ('include %s\n' % path('missing.conf'), 'missing.conf'),
        ('include %s\n' % path('bad.conf'), 'deeper'),
    ]
    for text, says in cases:
        with open(path('bad.conf'), 'w') as file:
            file.write(text)
        refused(path('bad.conf'), says=[says])
    refused(path('missing.conf'), says=['missing.conf', 'No such file'])


def test_configuration_file_and_command_line():
    config = path('good.conf')
    with open(config, 'w') as file:
        file.write('# comment\nmaxclients 77\n  loglevel "warning"\nrequirepass \'a b\'\ninclude %s\n' % path('more.conf'))
    with open(path('more.conf'), 'w') as file:
        file.write('EVICTION none\nsync-interval 2s\n')
    ports = [str(free_port()), str(free_port())]
    process = subprocess.Popen([suite.program(), config, '--maxclients', '99', '--redis-port=' + ports[0],
                                '--memcache-port', ports[1], '--pool', path('config.pool'), '--pool-size', '64mb'],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: can_connect(int(ports[0])), 'serving')
        with Wire(int(ports[0])) as wire:
            wire.ask(resp('PING'), b'-NOAUTH Authentication required.\r\n')
            wire.ask(resp('AUTH', 'a b'), b'+OK\r\n')
            for name, value in ('maxclients', '99'), ('eviction', 'none'), ('sync-interval', '2000'), \
                    ('loglevel', 'warning'), ('port', ports[0]), ('save', ''), ('appendonly', 'no'):
                wire.ask(resp('CONFIG', 'GET', name), b'*2\r\n' + resp(name, value).split(b'\r\n', 1)[1])
    finally:
        process.terminate()
    equal(process.wait(20), 0, 'exit status')


def can_connect(address):
    try:
        Wire(address, 2).close()
        return True
    except OSError:
        return False


def test_config_set():
    with Hearth() as server, Wire(server.ports['redis']) as wire:
        wire.ask(resp('CONFIG', 'SET', 'maxclients', '55', 'eviction', 'none'), b'+OK\r\n')
        wire.ask(resp('CONFIG', 'GET', 'maxclients'), b'*2\r\n$10\r\nmaxclients\r\n$2\r\n55\r\n')
        wire.ask(resp('CONFIG', 'SET', 'maxclients', '56', 'threads', '3'),
                 b"-ERR CONFIG SET failed (possibly related to argument 'threads') - can't set immutable config\r\n")
        wire.ask(resp('CONFIG', 'GET', 'maxclients'), b'*2\r\n$10\r\nmaxclients\r\n$2\r\n55\r\n')
        wire.ask(resp('CONFIG', 'SET', 'nothing', '1'),
                 b"-ERR Unknown option or number of arguments for CONFIG SET - 'nothing'\r\n")
        wire.ask(resp('CONFIG', 'SET', 'save', ''),
                 b"-ERR CONFIG SET failed (possibly related to argument 'save') - can't set immutable config\r\n")
        wire.ask(resp('CONFIG', 'SET', 'requirepass', b'a\0b'),
                 b"-ERR CONFIG SET failed (possibly related to argument 'requirepass') - argument must not hold a zero "
                 b"byte\r\n")
        wire.ask(resp('CONFIG', 'SET', b'maxclients\0', '9'),
                 b"-ERR Unknown option or number of arguments for CONFIG SET - 'maxclients'\r\n")
        wire.ask(resp('CONFIG', 'GET', 'maxclients'), b'*2\r\n$10\r\nmaxclients\r\n$2\r\n55\r\n')
        wire.send(resp('CONFIG', 'SET', 'loglevel', 'loud'))
        equal(b'must be one of debug|' in wire.receive(100), True, 'the reason')


def test_maxmemory_is_the_size_of_the_pool():
    with Hearth() as server:
        server.stop()
        server.options = ['--pool-size', '512mb']  # a pool that exists keeps its size
        server.begin()
        with Wire(server.ports['redis']) as wire:
            wire.ask(resp('CONFIG', 'GET', 'maxmemory'), b'*2\r\n$9\r\nmaxmemory\r\n$9\r\n268435456\r\n')
            wire.ask(resp('CONFIG', 'GET', 'maxmemory-policy'),
                     b'*2\r\n$16\r\nmaxmemory-policy\r\n$11\r\nallkeys-lru\r\n')
            equal('\r\nmaxmemory:268435456\r\n' in info(wire, 'memory'), True, 'the same in INFO')
            equal('\r\nmaxmemory_policy:allkeys-lru\r\n' in info(wire, 'memory'), True, 'the same policy in INFO')


def info(wire, section):
    wire.send(resp('INFO', section))
    head = b''
    while not head.endswith(b'\r\n'):
        head += wire.receive(1)
    return wire.receive(int(head[1:]) + 2).decode()


def stats(server, section=''):
    with Wire(server.ports['memcache']) as wire:
        wire.send(('stats %s\r\n' % section).encode())
        text = b''
        while not text.endswith(b'END\r\n'):
            text += wire.receive(1)
    return text.decode()


# ---- passwords ----


def test_password_is_not_told():
    with Hearth('--requirepass', 'very-secret') as server:
        text = stats(server, 'settings')
        equal('STAT maxclients' in text, True, 'settings')
        equal('requirepass' in text or 'very-secret' in text, False, 'anybody learns the password')


def test_password_taken_away():
    with Hearth('--requirepass', 'x') as server:
        with Wire(server.ports['redis']) as knows, Wire(server.ports['redis']) as stranger:
            stranger.ask(resp('PING'), b'-NOAUTH Authentication required.\r\n')
            knows.ask(resp('AUTH', 'x') + resp('CONFIG', 'SET', 'requirepass', ''), b'+OK\r\n+OK\r\n')
            stranger.ask(resp('PING'), b'+PONG\r\n')
            stranger.send(resp('HELLO', '2'))
            equal(stranger.receive(3), b'*14', 'HELLO')
            knows.ask(resp('CONFIG', 'SET', 'requirepass', 'y') + resp('PING'), b'+OK\r\n+PONG\r\n')
        with Wire(server.ports['redis']) as stranger:
            stranger.ask(resp('PING'), b'-NOAUTH Authentication required.\r\n')


# ---- counters ----


def test_errors_by_code():
    with Hearth('--requirepass', 'x') as server, Wire(server.ports['redis']) as wire:
        for words in ('PING',), ('AUTH', 'y'), ('AUTH', 'x'), ('nosuch',), ('GET',), ('HELLO', '3'):
            wire.send(resp(*words))
            wire.receive(5)
            time.sleep(0.01)
        with Wire(server.ports['redis']) as other:
            other.ask(b'AUTH x\r\n', b'+OK\r\n')
            text = info(other, 'errorstats')
            for line in 'NOAUTH:count=1', 'WRONGPASS:count=1', 'ERR:count=2', 'NOPROTO:count=1':
                equal('\r\nerrorstat_%s\r\n' % line in text, True, '%s in %r' % (line, text))
            other.ask(resp('CONFIG', 'RESETSTAT'), b'+OK\r\n')
            equal(info(other, 'errorstats'), '# Errorstats\r\n\r\n', 'after a reset')


def usec_of(wire, command):
    return float(info(wire, 'commandstats').split('cmdstat_%s:' % command)[1].split('usec_per_call=')[1].split(',')[0])


def test_commands_are_timed():
    with Hearth() as server, Wire(server.ports['redis']) as wire:
        for _ in range(200):
            wire.send(resp('SET', 'key', 'x' * 100000) * 10)
            equal(wire.receive(50), b'+OK\r\n' * 10)
        wire.ask(resp('MULTI') + resp('STRLEN', 'key') + resp('EXEC'), b'+OK\r\n+QUEUED\r\n*1\r\n:100000\r\n')
        for command in 'set', 'strlen', 'exec':
            equal(0 < usec_of(wire, command) < 100000, True, 'the time of %s' % command)
        wire.ask(resp('CONFIG', 'RESETSTAT'), b'+OK\r\n')
        equal('cmdstat_set' in info(wire, 'commandstats'), False, 'after a reset')


def test_misses_of_expired_objects():
    with Hearth() as server, Wire(server.ports['redis']) as redis, Wire(server.ports['memcache']) as memcache:
        def expired():
            redis.ask(resp('SET', 'k', 'v', 'PX', '1'), b'+OK\r\n')
            time.sleep(0.01)
            memcache.ask(b'get k\r\n', b'END\r\n')
            return 'STAT get_expired 0\r\n' not in stats(server)
        memcache.ask(b'get none\r\n', b'END\r\n')
        equal('STAT get_expired 0\r\nSTAT get_flushed 0\r\n' in stats(server), True, 'a miss of what never was')
        wait_until(expired, 'an expired object met')


# ---- CLIENT KILL ----


def test_kill_clients():
    with Hearth() as server, Wire(server.ports['redis']) as wire:
        others = [Wire(server.ports['redis']) for _ in range(4)]  # of both workers
        for other in others:
            other.ask(resp('CLIENT', 'SETNAME', 'x'), b'+OK\r\n')
        memcache = Wire(server.ports['memcache'])
        memcache.ask(b'get k\r\n', b'END\r\n')
        addresses = ['127.0.0.1:%d' % other.socket.getsockname()[1] for other in others + [memcache]]
        wire.ask(resp('CLIENT', 'KILL', addresses[0]), b'+OK\r\n')
        others[0].expect_close()
        wire.ask(resp('CLIENT', 'KILL', addresses[0]), b'-ERR No such client\r\n')
        others[1].send(resp('DEBUG', 'SLEEP', '100'))  # held
        time.sleep(0.05)
        wire.ask(resp('CLIENT', 'KILL', 'ADDR', addresses[1], 'USER', 'default'), b':1\r\n')
        others[1].expect_close()
        wire.ask(resp('CLIENT', 'KILL', 'ADDR', addresses[4], 'TYPE', 'normal'), b':1\r\n')
        memcache.expect_close()
        wire.ask(resp('CLIENT', 'KILL', 'TYPE', 'pubsub'), b':0\r\n')
        laddr = '127.0.0.1:%d' % server.ports['redis']
        wire.ask(resp('CLIENT', 'KILL', 'LADDR', laddr) + resp('PING'), b':2\r\n+PONG\r\n')
        for other in others[2:]:
            other.expect_close()
        wire.ask(resp('CLIENT', 'KILL', 'LADDR', laddr, 'SKIPME', 'no') + resp('PING'), b':1\r\n')
        wire.expect_close()
        for other in others + [memcache]:
            other.close()
        with Wire(server.ports['redis']) as again:
            own = '127.0.0.1:%d' % again.socket.getsockname()[1]
            again.ask(resp('MULTI') + resp('CLIENT', 'KILL', own) + resp('EXEC') + resp('PING'),
                      b'+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n')
            again.expect_close()


# ---- stopping ----


def stop_by(number):
    with Hearth() as server, Wire(server.ports['redis']) as wire:
        wire.ask(resp('SET', 'k', 'v%d' % number), b'+OK\r\n')
        server.process.send_signal(number)
        equal(server.process.wait(20), 0, 'exit status')
        wire.expect_close()
        equal('stopped' in log_of(server), True, 'the log says so')
        server.begin()
        with Wire(server.ports['redis']) as again:
            value = b'v%d' % number
            again.ask(resp('GET', 'k'), b'$%d\r\n%s\r\n' % (len(value), value))


def test_stop_by_term():
    stop_by(signal.SIGTERM)


def test_stop_by_int():
    stop_by(signal.SIGINT)


def test_stop_by_usr1():
    stop_by(signal.SIGUSR1)


def test_stop_by_command():
    with Hearth() as server, Wire(server.ports['redis']) as wire:
        wire.send(resp('SHUTDOWN'))
        wire.expect_close()
        equal(server.process.wait(20), 0, 'exit status')


def test_killed():
    with Hearth() as server, Wire(server.ports['memcache']) as wire:
        wire.ask(b'set k 7 0 5\r\nhello\r\n', b'STORED\r\n')
        server.process.kill()
        server.process.wait()
        server.begin()
        with Wire(server.ports['memcache']) as again:
            again.ask(b'get k\r\n', b'VALUE k 7 5\r\nhello\r\nEND\r\n')


def cut_and_use(server):
    """Cuts the pool short and writes; the server may not have noticed since it has just made the file longer."""
    os.truncate(os.path.join(server.folder, 'pool'), 0)
    try:
        with Wire(server.ports['redis'], 2) as wire:
            wire.send(resp('SET', 'k', 'v') + resp('GET', 'k'))
            wire.receive(100)
    except OSError:
        pass
    return server.process.poll() is not None


def test_bus_error_speaks():
    with Hearth() as server:
        wait_until(lambda: cut_and_use(server), 'the server has died')
        equal(server.process.returncode, -signal.SIGBUS, 'exit status')
        text = log_of(server)
        equal('SIGBUS in the mapping of the pool' in text and 'offset=' in text, True, 'last words: ' + text)


# ---- pools ----


def test_locked_pool():
    with Hearth() as server:
        status, text = hearthd('--redis-port', str(free_port()), '--memcache-port', '0', '--pool',
                               os.path.join(server.folder, 'pool'))
        equal(status, 1, 'exit status')
        equal('in use by another process' in text and os.path.join(server.folder, 'pool') in text, True, text)
        equal(len(text.strip().splitlines()), 1, 'number of lines in %r' % text)
        with Wire(server.ports['redis']) as wire:
            wire.ask(resp('PING'), b'+PONG\r\n')


def test_not_a_pool():
    for name, content in ('text.pool', b'this is no pool\n' * 500000), ('short.pool', b'x'), ('zero.pool', bytes(1 << 23)):
        with open(path(name), 'wb') as file:
            file.write(content)
        status, text = hearthd('--redis-port', str(free_port()), '--memcache-port', '0', '--pool', path(name))
        if name == 'zero.pool':
            equal(status in (0, 1), True, 'exit status')
            continue
        equal(status, 1, 'exit status: ' + text)
        equal('is no pool' in text, True, text)
        equal(len(text.strip().splitlines()), 1, 'number of lines in %r' % text)
        with open(path(name), 'rb') as file:
            equal(file.read() == content, True, 'untouched')


def test_port_in_use():
    with Hearth() as server:
        refused('--redis-port', str(server.ports['redis']), '--memcache-port', '0', '--bind', '127.0.0.1',
                says=['port %d' % server.ports['redis'], 'in use', 'redis-port'])


def test_nothing_to_listen_on():
    refused('--redis-port', '0', '--memcache-port', '0', says=['nothing to listen on'])


# ---- sockets and files ----


def test_unix_sockets():
    redis_path, memcache_path = path('redis.sock'), path('memcache.sock')
    options = ['--unixsocket', redis_path, '--memcache-unixsocket', memcache_path, '--unixsocketperm', '770']
    with Hearth(*options) as server:
        for name in redis_path, memcache_path:
            equal(stat.S_IMODE(os.stat(name).st_mode), 0o770, 'mode')
        with Wire(redis_path) as redis, Wire(memcache_path) as memcache:
            redis.ask(resp('SET', 'k', 'v'), b'+OK\r\n')
            memcache.ask(b'get k\r\n', b'VALUE k 0 1\r\nv\r\nEND\r\n')
            redis.send(resp('CLIENT', 'INFO'))
            equal(redis_path.encode() in redis.receive(150), True, 'address in CLIENT INFO')
            equal(':addr unix:%s:0\r\n' % redis_path in stats(server, 'conns'), True, 'address in stats conns')
        server.process.kill()
        server.process.wait()
        equal(os.path.exists(redis_path), True, 'socket left behind')
        server.begin()
        with Wire(redis_path) as redis:
            redis.ask(resp('GET', 'k'), b'$1\r\nv\r\n')
        equal(server.stop(), 0, 'exit status')
        equal(os.path.exists(redis_path), False, 'socket is there still')


def test_short_flags():
    name = path('short.sock')
    process = subprocess.Popen([suite.program(), '-s', name, '-t1', '-c', '10', '-vv', '-P', path('short.pid'), '--pool',
                                path('short-flags.pool'), '--pool-size', '64mb'],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: can_connect(name), 'serving')
        with Wire(name) as wire:
            wire.send(b'stats\r\n')
            equal(b'STAT pid %d\r\n' % process.pid in wire.receive(100), True, 'stats')
        equal(read(path('short.pid')), '%d\n' % process.pid, 'pid file')
    finally:
        process.terminate()
    equal(process.wait(20), 0, 'exit status')
    equal(os.path.exists(path('short.pid')), False, 'pid file is there still')


def test_daemonize():
    port = free_port()
    arguments = ['-d', '-p', '0', '--redis-port', str(port), '--pidfile', path('daemon.pid'), '--pool', path('daemon.pool'),
                 '--pool-size', '64mb', '--logfile', path('daemon.log')]
    status, text = hearthd(*arguments)
    equal(status, 0, 'exit status (%s)' % text)
    pid = int(read(path('daemon.pid')))
    with Wire(port) as wire:  # it serves by the time that the command has returned
        wire.ask(resp('PING'), b'+PONG\r\n')
    status, text = hearthd('-d', '-p', '0', '--redis-port', str(free_port()), '--pool', path('daemon.pool'))
    equal(status, 1, 'exit status of a second one')
    os.rename(path('daemon.log'), path('daemon.log.1'))
    os.kill(pid, signal.SIGHUP)
    wait_until(lambda: os.path.exists(path('daemon.log')), 'log file opened again')
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not os.path.exists(path('daemon.pid')), 'pid file gone')
    wait_until(lambda: 'stopped' in read(path('daemon.log')), 'stopped')


def test_user():
    """What root has made is the user's to use: sockets, pid file, log file."""
    if os.geteuid() != 0:
        return
    nobody = pwd.getpwnam('nobody')
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        names = {name: os.path.join(folder, name) for name in ('redis.sock', 'memcache.sock', 'pid', 'log', 'pool')}
        process = subprocess.Popen(['prlimit', '--nofile=2000:2000', suite.program(), '-u', 'nobody', '-p', '0',
                                    '--redis-port', '0', '--maxclients', '1000', '--unixsocket', names['redis.sock'],
                                    '--memcache-unixsocket', names['memcache.sock'], '-P', names['pid'], '--logfile',
                                    names['log'], '--pool', names['pool'], '--pool-size', '64mb'],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: can_connect(names['redis.sock']), 'serving')
            for name, file in names.items():
                equal(os.stat(file).st_uid, nobody.pw_uid, 'owner of ' + name)
            os.rename(names['log'], names['log'] + '.1')
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: os.path.exists(names['log']), 'log file opened again')
            with Wire(names['redis.sock']) as wire:  # one who is not root cannot raise the limit of open files
                wire.ask(resp('CONFIG', 'SET', 'maxclients', '10000'),
                         b"-ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is "
                         b'not able to handle the specified number of clients, try with 1744\r\n')
                wire.ask(resp('CONFIG', 'SET', 'maxclients', '1744'), b'+OK\r\n')
        finally:
            process.terminate()
        equal(process.wait(20), 0, 'exit status')
        for name in 'redis.sock', 'memcache.sock', 'pid':
            equal(os.path.exists(names[name]), False, name + ' is there still')


def test_user_is_given_no_link():
    if os.geteuid() != 0:
        return
    with open(path('of-root'), 'w'):
        pass
    os.symlink(path('of-root'), path('log-link'))
    hearthd('-u', 'nobody', '-p', '0', '--redis-port', str(free_port()), '--logfile', path('log-link'), '--pool',
            '/proc/none/pool')
    equal(os.stat(path('of-root')).st_uid, 0, 'owner of what the link leads to')


def test_many_addresses():
    """As many as there may be, and unix sockets beside them."""
    addresses = ['127.0.0.%d' % i for i in range(1, 33)]
    ports = [str(free_port()), str(free_port())]
    process = subprocess.Popen([suite.program(), '--bind', *addresses, '-p', ports[0], '--redis-port', ports[1],
                                '--unixsocket', path('many.sock'), '--memcache-unixsocket', path('many-m.sock'),
                                '--pool', path('many.pool'), '--pool-size', '64mb'],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: can_connect(path('many-m.sock')), 'serving')
        with Wire(path('many.sock')) as redis, Wire(path('many-m.sock')) as memcache:
            redis.ask(resp('SET', 'k', 'v'), b'+OK\r\n')
            memcache.ask(b'get k\r\n', b'VALUE k 0 1\r\nv\r\nEND\r\n')
    finally:
        process.terminate()
    equal(process.wait(20), 0, 'exit status')


def test_maxclients():
    with Hearth('--maxclients', '3') as server:
        held = []
        wait_until(lambda: hold(server, held, 3), 'a server without the connection that looked whether it serves')
        with Wire(server.ports['redis']) as wire:
            equal(wire.receive(100), b'-ERR max number of clients reached\r\n')
        with Wire(server.ports['memcache']) as wire:
            equal(wire.receive(100), b'ERROR Too many open connections\r\n')
        held.pop().close()
        wait_until(lambda: admitted(server), 'a place is free again')
        for wire in held:
            wire.close()


def is_admitted(wire):
    try:
        wire.send(resp('PING'))
        return wire.receive(7) == b'+PONG\r\n'
    except OSError:
        return False


def admitted(server):
    with Wire(server.ports['redis']) as wire:
        return is_admitted(wire)


def hold(server, held, count):
    """Leaves so many admitted connections in `held`, or none, and says which."""
    held[:] = [Wire(server.ports['redis']) for _ in range(count)]
    if all([is_admitted(wire) for wire in held]):
        return True
    while held:
        held.pop().close()
    return False


def wakes_in_a_second(server):
    """How often its threads have begun to sleep."""
    tasks = '/proc/%d/task' % server.process.pid

    def sleeps():
        return sum(int(read(os.path.join(tasks, thread, 'status')).split('voluntary_ctxt_switches:')[1].split()[0])
                   for thread in os.listdir(tasks))

    before = sleeps()
    time.sleep(1)
    return sleeps() - before


def wakes_after_a_write(server, wire):
    wire.ask(resp('SET', 'k', 'v'), b'+OK\r\n')
    return wakes_in_a_second(server)


def test_idle_server_sleeps():
    """It looks ten times a second for what there is to do; more often after a write."""
    with Hearth() as server, Wire(server.ports['redis']) as wire:
        wait_until(lambda: wakes_in_a_second(server) < 30, 'an idle server')
        wait_until(lambda: wakes_after_a_write(server, wire) > 50, 'the maintenance thread looks more often')
        wait_until(lambda: '\r\ntail_records:0\r\n' in info(wire, 'hearth'), 'indexed')
        wait_until(lambda: wakes_in_a_second(server) < 30, 'idle again')


suite.run(globals())
