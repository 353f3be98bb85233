# SPDX-License-Identifier: BSD-3-Clause
"""
Transcripts: conversations with a server, written down as they look on the wire, and the means to play them.

    # a comment
    === redis [NAME]       what follows is said on this connection, which is opened at its first mention
    === memcache [NAME]
    >>> SET key "a b"      redis: the words of one command (quotes and \\xNN as in redis-cli)
    >>> set key 0 0 3      memcache: a line; several lines in a row are sent together
    >>> abc
    <<< +OK                the lines of the reply, without their line ends; a byte that is no printable ASCII is \\xNN
    <<< /:[0-9]+/          a line that matches a regular expression as a whole
    <<< ...                any lines, up to the one that follows
    <<< <close>            the server closes the connection
    +++ keyspace_hits 1    a counter of INFO (or stats) has grown by so much over the request
    *** REASON             an intended difference: the peer's reply to this request is another one
    ~~~ 50                 let so many milliseconds pass (only where time itself is the matter)

A request without a `<<<` line expects no reply at all.
"""
import os
import re
import socket
import time


class Failed(Exception):
    pass


class Step:
    def __init__(self, line_number, protocol, name):
        self.line_number, self.protocol, self.name = line_number, protocol, name
        self.requests, self.replies, self.counters = [], [], []
        self.difference = None
        self.wait_ms = 0


def parse(path):
    """The steps of the transcript in the file at path."""
    steps, protocol, name, state = [], None, '', 'reply'
    for number, line in enumerate(open(path, encoding='ascii'), 1):
        line = line.rstrip('\n')
        mark, text = line[:3], line[4:]
        if not line or line.startswith('#'):
            continue
        if mark == '===':
            protocol, _, name = text.partition(' ')
            state = 'reply'
        elif mark == '>>>':
            if state != 'request' or protocol == 'redis':
                steps.append(Step(number, protocol, name))
            steps[-1].requests.append(text)
            state = 'request'
            continue
        elif mark == '<<<':
            steps[-1].replies.append(text)
        elif mark == '+++':
            field, growth = text.split()
            steps[-1].counters.append((field, int(growth)))
        elif mark == '***':
            steps[-1].difference = text
        elif mark == '~~~':
            steps[-1].wait_ms = int(text)
        else:
            raise Failed('%s:%d: what is "%s"?' % (path, number, line))
        state = 'reply'
    return steps


def unescape(text):
    return re.sub(r'\\x([0-9a-fA-F]{2})|\\(.)', lambda m: chr(int(m[1], 16)) if m[1] else
                  {'r': '\r', 'n': '\n', 't': '\t', '0': '\0'}.get(m[2], m[2]), text).encode('latin-1')


def escape(data):
    return ''.join(chr(b) if 32 <= b < 127 and b != 92 else '\\\\' if b == 92 else '\\x%02x' % b for b in data)


def words(line):
    """The words of a redis command line: plain, 'raw' or "with \\x41 escapes"; <WORD*COUNT> repeats a text."""
    found = []
    for match in re.finditer(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|<([^*<>]+)\*(\d+)>|(\S+)', line):
        quoted, raw, repeated, count, plain = match.groups()
        if quoted is not None:
            found.append(unescape(quoted))
        elif raw is not None:
            found.append(raw.encode())
        elif repeated is not None:
            found.append(repeated.encode() * int(count))
        else:
            found.append(plain.encode())
    return found


def resp_request(arguments):
    return b'*%d\r\n' % len(arguments) + b''.join(b'$%d\r\n%s\r\n' % (len(a), a) for a in arguments)


class Connection:
    """A connection to a server that collects replies line by line."""

    def __init__(self, protocol, port):
        self.protocol = protocol
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile('rb')

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        """One line without its end; None when the server has closed."""
        line = self.file.readline()
        if not line:
            return None
        if not line.endswith(b'\r\n') and self.protocol == 'memcache':
            return line
        return line[:-2]

    def resp_lines(self):
        """The lines of one RESP reply, as a list of bytes; [None] when the server has closed."""
        head = self.line()
        if head is None:
            return [None]
        lines, kind = [head], head[:1]
        if kind == b'$' and head != b'$-1':
            data = self.file.read(int(head[1:]) + 2)[:-2]
            lines.append(data)
        elif kind == b'*' and head != b'*-1':
            for _ in range(int(head[1:])):
                lines += self.resp_lines()
        return lines

    def memcache_lines(self, replies):
        """As many lines as expected, then whatever precedes the answer to a probe that asks for the version."""
        lines, count = [], len(replies)
        while len(lines) < count:
            line = self.line()
            lines.append(line)
            if line is None:
                return lines
            if '...' in replies:
                count = len(lines) + (0 if matches(replies[-1], line) else 1)
        try:
            self.send(b'version\r\n')
            while True:
                line = self.line()
                if line is None:
                    return lines + [None] if count == 0 else lines
                if line.startswith(b'VERSION '):
                    return lines
                lines.append(line)
        except OSError:
            return lines

    def call(self, *arguments):
        """One redis command; the reply as python values (lists, bytes, int, None); errors as bytes with their -."""
        self.send(resp_request([a if isinstance(a, bytes) else str(a).encode() for a in arguments]))
        return self.value()

    def value(self):
        head = self.line()
        if head is None:
            raise Failed('the server closed the connection')
        kind, rest = head[:1], head[1:]
        if kind == b':':
            return int(rest)
        if kind == b'$':
            return None if rest == b'-1' else self.file.read(int(rest) + 2)[:-2]
        if kind == b'*':
            return None if rest == b'-1' else [self.value() for _ in range(int(rest))]
        return rest if kind == b'+' else head

    def counters(self):
        """INFO or stats as a dictionary of texts."""
        if self.protocol == 'redis':
            text = self.call('INFO', 'everything').decode()
            return dict(line.split(':', 1) for line in text.split('\r\n') if ':' in line)
        found = {}
        self.send(b'stats\r\n')
        while True:
            line = self.line().decode()
            if line == 'END':
                return found
            _, field, value = line.split(' ', 2)
            found[field] = value

    def close(self):
        self.file.close()
        self.socket.close()


def matches(expected, line):
    if line is None:
        return expected == '<close>'
    if len(expected) > 1 and expected.startswith('/') and expected.endswith('/'):
        return re.fullmatch(expected[1:-1].encode(), line, re.S) is not None
    return unescape(expected) == line


def all_match(replies, lines):
    if '...' not in replies:
        return len(lines) == len(replies) and all(map(matches, replies, lines))
    rest = iter(lines)  # what is expected comes in this order, with anything between
    return all(any(matches(reply, line) for line in rest) for reply in replies if reply != '...')


def exchange(connection, step):
    """Sends the step's request and returns the lines of the reply."""
    if step.protocol == 'redis':
        connection.send(resp_request(words(step.requests[0])))
        if not step.replies:
            return []
        lines = connection.resp_lines()
        if step.replies[-1] == '<close>' and lines[-1] is not None:
            lines.append(connection.line())
        return lines
    connection.send(b''.join(unescape(request) + b'\r\n' for request in step.requests))
    return connection.memcache_lines(step.replies)


def compare(step, lines):
    if not all_match(step.replies, lines):
        got = '\n      '.join('<close>' if line is None else escape(line) for line in lines)
        raise Failed('line %d: %s\n  expected\n      %s\n  got\n      %s'
                     % (step.line_number, step.requests[0], '\n      '.join(step.replies), got))


def compare_counters(step, before, after):
    for field, growth in step.counters:
        got = int(after.get(field, 0)) - int(before.get(field, 0))
        if got != growth:
            raise Failed('line %d: %s: counter %s grew by %d instead of %d'
                         % (step.line_number, step.requests[0], field, got, growth))


def play(path, ports, peer):
    """
    Plays a transcript against the servers at ports ({'redis': port, 'memcache': port}). With `peer` the intended
    differences are not compared, nor the counters. Raises Failed.
    """
    connections = {}

    def connect(protocol, name):
        key = protocol, name
        if key not in connections:
            connections[key] = Connection(protocol, ports[protocol])
        return connections[key]

    try:
        for step in parse(path):
            connection = connect(step.protocol, step.name)
            counted = step.counters and not peer
            before = connect(step.protocol, 'counters').counters() if counted else None
            lines = exchange(connection, step)
            if not (peer and step.difference):
                compare(step, lines)
            if counted:
                compare_counters(step, before, connect(step.protocol, 'counters').counters())
            if None in lines:
                connections.pop((step.protocol, step.name)).close()
            time.sleep(step.wait_ms / 1000)
    except (OSError, ValueError) as error:
        raise Failed('line %d: %s: %s' % (step.line_number, step.requests[0], error)) from error
    finally:
        for connection in connections.values():
            connection.close()


class Report:
    """Lines as ./dev test reads them."""
    failed = 0

    def line(self, name, why=None):
        if why is None:
            print('ok ' + name, flush=True)
        else:
            self.failed += 1
            print('not ok %s - %s' % (name, why.split('\n')[0]), flush=True)
            print(why, flush=True)


def empty(ports):
    """Forgets all objects of the servers at ports."""
    connection = Connection('redis', ports['redis'])
    connection.call('FLUSHALL')
    connection.close()
    if ports.get('memcache_apart'):
        connection = Connection('memcache', ports['memcache'])
        connection.send(b'flush_all\r\n')
        connection.line()
        connection.close()


def play_all(report, paths, ports, label, peer):
    """Plays each transcript to empty servers and reports it as label/NAME."""
    for path in paths:
        name = '%s/%s' % (label, os.path.basename(path)[:-2])
        try:
            empty(ports)
            play(path, ports, peer)
            report.line(name)
        except (Failed, OSError) as error:
            report.line(name, str(error))
