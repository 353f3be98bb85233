# SPDX-License-Identifier: BSD-3-Clause
"""
The same memcached commands to memcached and to hearthd, and everything that comes back compared.

METHOD  Commands are random, from a seed that is printed (HEARTH_SEED replays it). They are sent in bursts of up to 20
        in one write on one of two connections. Behind each burst a marker is stored and fetched, so that the end of the
        answers is known, however many lines a bent command has brought about. After a difference the test ends.
        CAS uniques differ between two servers. They must be the same pair again as long as a key is not changed, and
        change on both sides at once; `cas` is sent with each server's own.

INTENDED DIFFERENCES
        exptimes of 2^31 and above are moments in the future for Hearth; memcached keeps their low 32 bits, as a signed
        number, so that what should live beyond 2038 is gone at once;
        numbers of bytes of 2^32 and above are refused by Hearth; memcached keeps their low 32 bits;
        a value of up to 1,048,576 bytes fits Hearth; in memcached key and header count as well;
        a command line (but for retrievals) ends the connection in Hearth when it has no end within 16 KB; in
        memcached within 2 KB, or more, as the bytes happen to arrive;
        a stored number of 2^63 and above may count as none for incr and decr in memcached, depending on what lies
        behind it in memory;
        a value of digits and a zero byte counts as a number in memcached, whatever follows;
        a number that becomes shorter by incr or decr may be padded with spaces in memcached, depending on who else
        looks at the item; Hearth always does;
        a retrieval of a key that is too long makes memcached forget answers to earlier commands that it has not sent
        yet, so such a one is the first of its burst;
        a gat with a key that is too long touches the keys before that one in memcached, none in Hearth;
        gat and gats with a key that is too long touch nothing in Hearth; memcached has touched the keys before it by
        then; so here the key that is too long comes first;
        a delayed flush_all cancels an earlier one in memcached, so that what is gone may come back;
        what stats and version tell about the server itself;
        the meta, bget, slabs, lru, watch and other commands that Hearth does not have are ERROR there.
"""
import random
import sys
import time

import peers
from memcache_commands import KEYS, MemcacheCommands
from report import Difference, report, show

CONNECTIONS = 2
BURST_MAX = 20
RETRIEVALS = (b'get', b'gets', b'gat', b'gats')


def items_of(stream):
    """The answers: a line as bytes, a value as (key, flags, data, unique or None)."""
    found, at = [], 0
    while at < len(stream):
        end = stream.index(b'\r\n', at)
        line, at = stream[at:end], end + 2
        words = line.split(b' ')
        if words[0] == b'VALUE' and len(words) in (4, 5):
            size = int(words[3])
            found.append((words[1], words[2], stream[at:at + size], words[4] if len(words) == 5 else None))
            at += size + 2
        else:
            found.append(line)
    return found


def equal_values(left, right):
    if left[:2] != right[:2] or (left[3] is None) != (right[3] is None):
        return False
    # A number that has become shorter.
    return left[2] == right[2] or (left[2].rstrip(b' ') == right[2].rstrip(b' ') and left[2].rstrip(b' ').isdigit())


def bursts(commands):
    """Cuts before each retrieval of a key that is too long, see INTENDED DIFFERENCES."""
    begin = 0
    for at, (words, _) in enumerate(commands):
        if words[0] in (b'gat', b'gats'):
            words[2:] = sorted(words[2:], key=lambda word: len(word) <= 250)
        if at > begin and words[0] in RETRIEVALS and any(len(word) > 250 for word in words[1:]):
            yield commands[begin:at]
            begin = at
    yield commands[begin:]


class Side:
    """A connection to one of the two servers."""

    def __init__(self, server):
        self.server = server
        self.sock = peers.connect(server.port)

    def ask(self, request, end, cuts):
        """What comes back up to `end`."""
        peers.send_in_cuts(self.sock, request, cuts)
        parts, tail = [], b''
        while not tail.endswith(end):
            try:
                data = self.sock.recv(1 << 20)
            except TimeoutError:
                data = b''
            if not data:
                raise Difference(f'{self.server.name} has closed or does not answer; the last was {show(tail[-200:])}')
            parts.append(data)
            tail = (tail + data)[-len(end) - 200:]
        return b''.join(parts)[:-len(end)]


class Comparison:
    def __init__(self, servers, seed):
        self.seed = seed
        self.rng = random.Random(seed)
        self.cuts = random.Random(seed + 1)
        self.commands = MemcacheCommands(self.rng)
        self.pairs = [[Side(server) for server in servers] for _ in range(CONNECTIONS)]
        self.uniques = {}
        self.count = 0
        self.history = []

    def close(self):
        for pair in self.pairs:
            for side in pair:
                side.sock.close()

    def differ(self, what):
        lines = [f'seed {self.seed}, command {self.count}: {what}', '  the commands:']
        lines += ['    ' + line[:1000] for line in self.history[-BURST_MAX - 8:]]
        raise Difference('\n'.join(lines))

    def unique(self, key, side):
        # One that neither has given: memcached counts from 1.
        return self.uniques.get(key, (b'999999999999', b'999999999999'))[side]

    def request_of(self, command, side):
        words, value = command
        line = b' '.join(self.unique(word[1], side) if isinstance(word, tuple) else word for word in words) + b'\r\n'
        return line if value is None else line + value + b'\r\n'

    def ask_both(self, pair, commands):
        marker = b'<marker-%08x>' % self.count
        marking = b'\r\n\r\nset marker 0 0 %d\r\n%b\r\nget marker\r\n' % (len(marker), marker)
        end = b'STORED\r\nVALUE marker 0 %d\r\n%b\r\nEND\r\n' % (len(marker), marker)
        answers = []
        for side, connection in enumerate(pair):
            request = b''.join(self.request_of(command, side) for command in commands)
            answers.append(items_of(connection.ask(request + marking, end, self.cuts)))
        return answers

    def learn(self, left, right):
        """Compares two values of the same key that come with uniques."""
        known = self.uniques.get(left[0])
        pair = (left[3], right[3])
        if known is not None and (known[0] == pair[0]) != (known[1] == pair[1]):
            self.differ(f'the unique of {show(left[0])} changed on one side only: {known} became {pair}')
        self.uniques[left[0]] = pair

    def compare(self, expected, found):
        for index, (left, right) in enumerate(zip(expected, found)):
            if isinstance(left, tuple) and isinstance(right, tuple) and equal_values(left, right):
                if left[3] is not None:
                    self.learn(left, right)
                continue
            if left != right:
                self.differ(f'answer {index} of the last ones\n  peer    {show(left)}\n  hearthd {show(right)}\n  before it'
                            f' {[show(item, 60) for item in expected[max(0, index - 3):index]]}')
        if len(expected) != len(found):
            self.differ(f'{len(expected)} answers from the peer, {len(found)} from hearthd')

    def burst(self, pair, commands):
        for words, value in commands:
            line = ' '.join(show(word, 60) for word in words)
            self.history.append(line if value is None else f'{line} = {show(value, 60)}')
        del self.history[:-60]
        try:
            expected, found = self.ask_both(pair, commands)
        except Difference as difference:
            self.differ(str(difference))
        self.compare(expected, found)
        self.count += len(commands)

    def run(self, count):
        rng = self.rng
        while self.count < count:
            pair = self.pairs[rng.randrange(CONNECTIONS)]
            commands = [command for _ in range(rng.randint(1, BURST_MAX)) for command in self.commands.next()]
            for part in bursts(commands):
                self.burst(pair, part)
            if rng.random() < 0.01:
                # Fresh uniques, and everything that is stored.
                self.burst(pair, [([b'gets', *KEYS], None)])


def value_of(size):
    return b'v' * size


def compare_sizes(servers, seed):
    """Large values, and values that are too large; the line is bounded, the value is swallowed."""
    comparison = Comparison(servers, seed)
    names = [b'set', b'add', b'replace', b'append', b'prepend']
    cases = [[([name, b'big', b'0', b'0', b'%d' % size, *noreply], value_of(size)), ([b'get', b'big'], None)]
             for name in names for size in (500000, 1048000, 1048577, 1100000, 3000000) for noreply in ([], [b'noreply'])]
    cases += [[([b'append', b'big', b'0', b'0', b'400000'], value_of(400000)) for _ in range(4)],
              [([b'cas', b'big', b'0', b'0', b'1048577', b'1'], value_of(1048577)), ([b'gets', b'big'], None)],
              [([b'get'] + [b'key:%d' % i for i in range(5000)], None)],
              [([b'gets'] + [b'big', b'none'] * 3 + [b'none'] * 20000, None)],
              [([b'get'] + [b'none'] * 3000 + [b'L' * 251], None)]]
    for case in cases:
        for part in bursts([([b'set', b'big', b'7', b'0', b'3'], b'old'), *case]):
            comparison.burst(comparison.pairs[0], part)
    comparison.close()
    return len(cases)


def compare_time(servers, seed):
    """Lifetimes that do end, and a flush in the future: nothing is asked while they could go either way."""
    comparison = Comparison(servers, seed)
    pair = comparison.pairs[0]
    store = [([b'set', key, b'0', exptime, b'1'], b'x') for key, exptime in
             ((b'a', b'1'), (b'b', b'2'), (b'c', b'0'), (b'd', b'0'), (b'e', b'1000'))]
    comparison.burst(pair, store + [([b'touch', b'd', b'1'], None), ([b'gat', b'2', b'e'], None)])
    time.sleep(3.1)
    ask = [([b'gets', b'a', b'b', b'c', b'd', b'e'], None), ([b'add', b'a', b'0', b'0', b'1'], b'y'),
           ([b'append', b'b', b'0', b'0', b'1'], b'y'), ([b'replace', b'd', b'0', b'0', b'1'], b'y'),
           ([b'incr', b'e', b'1'], None), ([b'delete', b'e'], None), ([b'touch', b'd', b'0'], None),
           ([b'get', b'a', b'b', b'c', b'd', b'e'], None)]
    comparison.burst(pair, ask)
    # A second of its own between a store and the flush that must hit it, since memcached counts in seconds.
    comparison.burst(pair, store + [([b'flush_all', b'2'], None), ([b'get', b'c'], None)])
    time.sleep(4.1)
    comparison.burst(pair, [([b'get', b'a', b'b', b'c', b'd', b'e'], None), *store[2:], ([b'get', b'c', b'd'], None)])
    comparison.close()
    return 1


def compare_ends(servers):
    """What closes the connection, and with which last words."""
    cases = [b'quit\r\n', b'quit now\r\n', b'GET / HTTP/1.1\r\n', b'set a 0 0 1\r\nx\r\nquit\r\nget a\r\n', b'quit\n',
             b'POST /x HTTP/1.0\r\n\r\n']
    for case in cases:
        found = []
        for server in servers:
            with peers.connect(server.port) as sock:
                sock.sendall(case)
                data = b''
                while True:
                    try:
                        more = sock.recv(65536)
                    except ConnectionError:
                        more = b''
                    if not more:
                        break
                    data += more
                found.append(data)
        if found[0] != found[1]:
            raise Difference(f'{show(case)}\n  peer    {show(found[0])}\n  hearthd {show(found[1])}')
    return len(cases)


def compare_commands(servers, seed, count):
    comparison = Comparison(servers, seed)
    try:
        comparison.run(count)
    finally:
        comparison.close()
    return comparison.count


def main():
    seed, count = peers.settings()
    print(f'HEARTH_SEED={seed}', flush=True)
    with peers.memcached() as peer, peers.subject('memcache') as subject:
        servers = (peer, subject)
        good = report('ends of connections', compare_ends, servers)
        good &= report('large values and lines', compare_sizes, servers, seed)
        good &= report('lifetimes that end', compare_time, servers, seed)
        good &= report(f'{count} random commands, seed {seed}', compare_commands, servers, seed, count)
    options = ['--durability', 'power', '--threads', '1']
    with peers.memcached() as peer, peers.subject('memcache', options) as subject:
        count //= 4
        good &= report(f'{count} random commands, seed {seed}, durability power', compare_commands, (peer, subject), seed,
                       count)
    sys.exit(0 if good else 1)
