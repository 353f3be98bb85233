# SPDX-License-Identifier: BSD-3-Clause
"""
The servers that are compared: Debian's redis-server and memcached, and hearthd. Each runs on a free loopback port and
is stopped, by its own pid, when the `with` block ends.
"""
import os
import socket
import subprocess
import time

START_SECONDS = 30
REPLY_SECONDS = 20
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def connect(port):
    sock = socket.create_connection(('127.0.0.1', port), timeout=REPLY_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def send_in_cuts(sock, data, rng):
    """Sends data, one time in twenty with a pause at a random byte, so that requests arrive in part."""
    if len(data) > 1 and rng.random() < 0.05:
        cut = rng.randrange(1, len(data))
        sock.sendall(data[:cut])
        time.sleep(0.0005)
        data = data[cut:]
    sock.sendall(data)


class Server:
    """A process and the port it listens on."""

    def __init__(self, name, command, port, log_path, pool=None):
        self.name, self.port, self.log_path, self.pool = name, port, log_path, pool
        self.command = command
        self.process = None

    def __enter__(self):
        with open(self.log_path, 'wb') as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                self.__exit__()
                raise RuntimeError(f'{self.name} has ended: {self.log_tail()}')
            try:
                connect(self.port).close()
                return self
            except OSError:
                time.sleep(0.02)
        self.__exit__()
        raise RuntimeError(f'{self.name} does not listen on port {self.port}: {self.log_tail()}')

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.pool and os.path.exists(self.pool):
            os.unlink(self.pool)

    def log_tail(self):
        with open(self.log_path, 'rb') as log:
            return log.read()[-800:].decode(errors='replace')


def scratch():
    return os.environ.get('HEARTH_TMP') or '/tmp'


def redis_server(name='redis', more=()):
    port = free_port()
    # The same bound on values as Hearth's, so that the errors about it can be compared; DEBUG is off by default.
    options = ['--bind', '127.0.0.1', '--port', str(port), '--save', '', '--appendonly', 'no', '--dir', scratch(),
               '--proto-max-bulk-len', '1mb', '--enable-debug-command', 'yes', *more]
    return Server(name, ['redis-server', *options], port, os.path.join(scratch(), f'{name}-{port}.log'))


def memcached(name='memcached'):
    port = free_port()
    command = ['memcached', '-l', '127.0.0.1', '-p', str(port), '-U', '0', '-m', '1024', '-t', '2']
    if os.getuid() == 0:
        command += ['-u', 'nobody']
    return Server(name, command, port, os.path.join(scratch(), f'{name}-{port}.log'))


def hearthd(protocol, more=()):
    """hearthd, listening for `protocol` ('redis' or 'memcache')."""
    port = free_port()
    build = os.environ.get('HEARTH_BUILD') or os.path.join(TOP, 'build', 'opt')
    program = os.path.join(build, 'server', 'hearthd')
    pool = os.path.join(os.environ.get('HEARTH_SHM') or scratch(), f'differential-{protocol}-{port}.pool')
    ports = {'redis': '0', 'memcache': '0', protocol: str(port)}
    command = [program, '--pool', pool, '--pool-size', '1gb', '--bind', '127.0.0.1', '--threads', '2',
               '--redis-port', ports['redis'], '--memcache-port', ports['memcache'], *more]
    return Server('hearthd', command, port, os.path.join(scratch(), f'hearthd-{protocol}.log'), pool)


def subject(protocol, more=()):
    """What is tested. HEARTH_SUBJECT=peer tests the peer against itself, which tests the harness."""
    if os.environ.get('HEARTH_SUBJECT') == 'peer':
        if '--requirepass' in more:
            return redis_server('subject', more)
        return redis_server('subject') if protocol == 'redis' else memcached('subject')
    return hearthd(protocol, more)


def settings():
    """(seed, number of commands), from HEARTH_SEED and HEARTH_LONG."""
    seed = int(os.environ.get('HEARTH_SEED') or int.from_bytes(os.urandom(4), 'big'))
    count = int(os.environ.get('HEARTH_COMMANDS') or (1000000 if os.environ.get('HEARTH_LONG') == '1' else 20000))
    return seed, count
