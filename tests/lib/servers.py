# SPDX-License-Identifier: BSD-3-Clause
"""Servers for suites: hearthd and its peers on free ports of loopback, each ended by its own pid."""
import os
import shutil
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Server:
    """A process that serves `port`; a context manager that ends it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(dir=os.environ.get('HEARTH_TMP'))
        self.process = None
        self.log = open(os.path.join(self.folder, 'log'), 'ab')

    def start(self, arguments, port):
        self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        cwd=self.folder)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(('127.0.0.1', port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise RuntimeError('%s does not serve: see its log' % arguments[0]) from None
                time.sleep(0.02)

    def stop(self):
        """Ends the process by TERM, or KILL when that does not help; returns its exit status."""
        if self.process is None:
            return 0
        self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Hearth(Server):
    """hearthd on a pool of its own; `options` as on the command line."""

    def __init__(self, *options):
        super().__init__()
        self.ports = {'redis': free_port(), 'memcache': free_port()}
        self.options = options
        self.begin()

    def begin(self):
        program = os.environ.get('HEARTH_PROGRAM') or os.path.join(os.environ['HEARTH_BUILD'], 'server', 'hearthd')
        self.start([program, '--redis-port', str(self.ports['redis']), '--memcache-port',
                    str(self.ports['memcache']), '--bind', '127.0.0.1', '--threads', '2', '--pool-size', '256mb',
                    '--pool', os.path.join(self.folder, 'pool'), *self.options], self.ports['redis'])

    def restart(self):
        """A clean stop and a start on the same pool and ports."""
        self.stop()
        self.begin()


class Redis(Server):
    def __init__(self, *options):
        super().__init__()
        self.port = free_port()
        self.start(['redis-server', '--port', str(self.port), '--bind', '127.0.0.1', '--save', '',
                    '--enable-debug-command', 'yes', *options], self.port)


class Memcached(Server):
    def __init__(self, *options):
        super().__init__()
        self.port = free_port()
        user = ['-u', 'root'] if os.geteuid() == 0 else []
        # Without the threads that hold an object now and then, which makes an incr of it come out shorter.
        quiet = ['-o', 'no_lru_crawler,no_lru_maintainer']
        self.start(['memcached', '-l', '127.0.0.1', '-p', str(self.port), '-U', '0', *quiet, *user, *options], self.port)
