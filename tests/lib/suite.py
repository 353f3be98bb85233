# SPDX-License-Identifier: BSD-3-Clause
"""A suite in Python: functions named test_*, each printed as `ok NAME` or `not ok NAME - why`."""
import os
import socket
import subprocess
import sys
import time
import traceback


def program():
    return os.environ.get('HEARTH_PROGRAM') or os.path.join(os.environ['HEARTH_BUILD'], 'server', 'hearthd')


def run(tests):
    """Runs the test_* functions of a module's globals, in order; only those whose name holds an argument, if any."""
    failed = 0
    wanted = sys.argv[1:]
    for name, test in list(tests.items()):
        if not name.startswith('test_') or (wanted and not any(word in name for word in wanted)):
            continue
        label = name[len('test_'):].replace('_', '-')
        try:
            test()
            print('ok ' + label, flush=True)
        except Exception as error:  # a test fails by any of them
            failed += 1
            traceback.print_exc(file=sys.stdout)
            print('not ok %s - %s' % (label, (str(error) or repr(error)).splitlines()[0]), flush=True)
    sys.exit(1 if failed else 0)


def equal(got, wanted, what=''):
    if got != wanted:
        raise AssertionError('%s is %.200r, not %.200r' % (what or 'answer', got, wanted))


def wait_until(condition, what, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError('not within %d s: %s' % (seconds, what))
        time.sleep(0.01)


def hearthd(*arguments, cwd=None, seconds=30):
    """Runs hearthd to its end; returns exit status and all that it said."""
    done = subprocess.run([program(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, cwd=cwd, timeout=seconds)
    return done.returncode, done.stdout.decode()


class Wire:
    """A connection that sends and receives bytes."""

    def __init__(self, address, seconds=20):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(seconds)
        self.socket.connect(address if family == socket.AF_UNIX else ('127.0.0.1', address))

    def send(self, data):
        self.socket.sendall(data)

    def receive(self, length):
        """So many bytes, or fewer when the other side closes."""
        data = bytearray()
        while len(data) < length:
            part = self.socket.recv(min(length - len(data), 1 << 20))
            if not part:
                break
            data += part
        return bytes(data)

    def ask(self, request, wanted):
        """Sends and expects exactly `wanted`."""
        self.send(request)
        equal(self.receive(len(wanted)), wanted, 'answer to %.60r' % request)

    def expect_close(self):
        equal(self.receive(1), b'', 'what follows')

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def resp(*words):
    """A command of Redis's protocol."""
    out = b'*%d\r\n' % len(words)
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        out += b'$%d\r\n%s\r\n' % (len(word), word)
    return out


def memory_bytes(pid):
    """Anonymous resident memory of a process."""
    with open('/proc/%d/status' % pid) as status:
        for line in status:
            if line.startswith('RssAnon:'):
                return int(line.split()[1]) * 1024
    raise AssertionError('no RssAnon')
