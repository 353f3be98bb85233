# SPDX-License-Identifier: BSD-3-Clause
"""A connection that speaks RESP2 and keeps the replies as the bytes they are."""
from peers import connect


def encode(argv):
    parts = [b'*%d\r\n' % len(argv)]
    for arg in argv:
        parts.append(b'$%d\r\n%b\r\n' % (len(arg), arg))
    return b''.join(parts)


def reply_end(data, at):
    """The position behind the reply that begins at `at`, or -1 if it is not whole."""
    line_end = data.find(b'\r\n', at)
    if line_end < 0:
        return -1
    kind = data[at]
    if kind == 36:  # $
        size = int(data[at + 1:line_end])
        end = line_end + 2 + (size + 2 if size >= 0 else 0)
        return end if end <= len(data) else -1
    at, line_end = line_end + 2, data[at + 1:line_end]
    if kind == 42:  # *
        for _ in range(max(0, int(line_end))):
            at = reply_end(data, at)
            if at < 0:
                return -1
    return at


def decode(reply, at=0):
    """(value, end): bytes, int, list, None, or a tuple for a status or an error."""
    line_end = reply.index(b'\r\n', at)
    kind, line, after = reply[at:at + 1], reply[at + 1:line_end], line_end + 2
    if kind == b':':
        return int(line), after
    if kind == b'$':
        size = int(line)
        return (None, after) if size < 0 else (reply[after:after + size], after + size + 2)
    if kind == b'*':
        if int(line) < 0:
            return None, after
        items = []
        for _ in range(int(line)):
            item, after = decode(reply, after)
            items.append(item)
        return items, after
    return (kind, line), after


def elements(reply):
    """The raw replies within the array `reply`; None if it is something else."""
    if reply[:1] != b'*' or reply[:3] == b'*-1':
        return None
    at = reply.index(b'\r\n') + 2
    found = []
    while at < len(reply):
        end = reply_end(reply, at)
        found.append(reply[at:end])
        at = end
    return found


class Closed(Exception):
    pass


class RespConnection:
    def __init__(self, server):
        self.server = server
        self.sock = connect(server.port)
        self.buffer = b''

    def send(self, data):
        self.sock.sendall(data)

    def replies(self, count):
        """The next `count` replies, each as raw bytes."""
        found, at = [], 0
        while len(found) < count:
            end = reply_end(self.buffer, at) if at < len(self.buffer) else -1
            if end >= 0:
                found.append(self.buffer[at:end])
                at = end
                continue
            data = self.sock.recv(1 << 20)
            if not data:
                raise Closed(f'{self.server.name} closed the connection after {len(found)} of {count} replies')
            self.buffer = self.buffer[at:] + data
            at = 0
        self.buffer = self.buffer[at:]
        return found

    def ask(self, *argv):
        self.send(encode(argv))
        return self.replies(1)[0]

    def rest(self):
        """Everything up to the end of the connection."""
        data, self.buffer = self.buffer, b''
        while True:
            try:
                more = self.sock.recv(1 << 20)
            except ConnectionError:
                more = b''
            if not more:
                return data
            data += more

    def close(self):
        self.sock.close()
