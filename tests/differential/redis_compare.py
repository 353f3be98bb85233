# SPDX-License-Identifier: BSD-3-Clause
"""
The same Redis commands to redis-server and to hearthd, and every reply compared.

METHOD  Commands are random, from a seed that is printed (HEARTH_SEED replays it). They are sent in bursts of up to 30
        in one write on one of three connections, so that transactions and WATCH meet changes by others. After a
        difference the test ends: the states of the two may have parted.

INTENDED DIFFERENCES
        what INFO, COMMAND, CONFIG GET and CLIENT LIST tell about the server itself is not compared;
        integers that name a client or count commands are compared for being integers;
        lengths of time left are compared within ten seconds;
        DBSIZE may count what has expired and has not been dropped, on either side, so it is compared behind a SCAN;
        keys above 65,535 bytes and values above 1 MB are refused by Hearth (redis-server runs with that bound on
        values, by proto-max-bulk-len; arguments longer than that, which end the connection there, are not sent);
        a key that did not exist at WATCH and does not exist at EXEC counts as unchanged in Hearth, whatever happened
        to it between; so keys are made before they are watched;
        a zero byte within the line of an inline command or of a count ends it, where Redis waits for ever.
"""
import random
import sys
import time

import peers
from redis_commands import KEYS, PATTERNS, RedisCommands
from report import Difference, report, show
from resp_client import Closed, RespConnection, decode, elements, encode

CONNECTIONS = 3


class Pair:
    """One connection to each server, and what MULTI has queued on it."""

    def __init__(self, servers):
        self.servers = servers
        self.open()

    def open(self):
        self.both = [RespConnection(server) for server in self.servers]
        self.queued = []
        self.random = None

    def close(self):
        for connection in self.both:
            connection.close()

    def in_multi(self):
        """Asks the peer, which must not change anything: DBSIZE is queued within a transaction."""
        replies = self.ask(b'DBSIZE')
        if replies[0] == b'+QUEUED\r\n':
            self.queued.append('integer')
            return True
        return False

    def ask(self, *argv):
        request = encode(argv)
        for connection in self.both:
            connection.send(request)
        return [connection.replies(1)[0] for connection in self.both]


def equal_time(expected, found, slack):
    if expected[:1] != b':' or found[:1] != b':':
        return False
    left, right = int(expected[1:]), int(found[1:])
    return left > 1000 and right > 1000 and abs(left - right) <= slack


def equal_sets(expected, found):
    expected, found = elements(expected), elements(found)
    return expected is not None and found is not None and sorted(expected) == sorted(found)


def equal(pair, kind, expected, found):
    if expected == found and kind not in ('exec', 'random', 'keys'):
        return True
    if kind == 'seconds':
        return equal_time(expected, found, 10)
    if kind == 'milliseconds':
        return equal_time(expected, found, 10000)
    if kind == 'integer':
        return expected[:1] == found[:1] == b':'
    if kind == 'set':
        return equal_sets(expected, found)
    if kind == 'random':
        pair.random = (expected, found)
        return (expected == b'$-1\r\n') == (found == b'$-1\r\n')
    if kind == 'keys':
        expected_keys, found_keys = elements(expected), elements(found)
        if not equal_sets(expected, found):
            return False
        key, other = pair.random
        return key == b'$-1\r\n' or (key in expected_keys and other in found_keys)
    if kind == 'exec':
        return equal_exec(pair, expected, found)
    return False


def equal_exec(pair, expected, found):
    queued, pair.queued = pair.queued, []
    expected_items = elements(expected)
    if expected_items is None:
        return expected == found
    found_items = elements(found)
    if found_items is None or len(found_items) != len(expected_items) or len(queued) != len(expected_items):
        return False
    return all(equal(pair, *item) for item in zip(queued, expected_items, found_items))


class Comparison:
    def __init__(self, servers, seed):
        self.seed = seed
        self.rng = random.Random(seed)
        self.cuts = random.Random(seed + 1)
        self.commands = RedisCommands(self.rng)
        self.pairs = [Pair(servers) for _ in range(CONNECTIONS)]
        self.count = 0
        self.history = []

    def close(self):
        for pair in self.pairs:
            pair.close()

    def differ(self, what, expected, found):
        lines = [f'seed {self.seed}, command {self.count}: {what}', f'  peer    {show(expected)}',
                 f'  hearthd {show(found)}', '  before it:']
        lines += [f'    {line}' for line in self.history[-12:]]
        raise Difference('\n'.join(lines))

    def note(self, index, argv):
        self.history.append(f'[{index}] ' + ' '.join(show(arg, 80) for arg in argv))
        if len(self.history) > 40:
            del self.history[:20]

    def burst(self, index, items):
        pair = self.pairs[index]
        request = b''.join(encode(argv) for argv, _ in items)
        for connection in pair.both:
            peers.send_in_cuts(connection.sock, request, self.cuts)
        try:
            expected = pair.both[0].replies(len(items))
            found = pair.both[1].replies(len(items))
        except (Closed, OSError) as error:
            for argv, _ in items:
                self.note(index, argv)
            self.differ('the last commands', str(error).encode(), b'')
        for (argv, kind), left, right in zip(items, expected, found):
            self.count += 1
            queued = left == b'+QUEUED\r\n'
            if queued:
                pair.queued.append(kind)
            elif argv[0].upper() in (b'DISCARD', b'RESET'):
                pair.queued = []
            if left != right or kind in ('exec', 'random', 'keys'):
                if not equal(pair, 'exact' if queued else kind, left, right):
                    self.differ(f'[{index}] ' + ' '.join(show(arg) for arg in argv), left, right)
            self.note(index, argv)

    def scan(self, pair):
        """A full SCAN with random options: the same set of keys from both."""
        rng = self.rng
        options = []
        if rng.random() < 0.5:
            options += [b'MATCH', rng.choice(PATTERNS)]
        if rng.random() < 0.7:
            options += [b'COUNT', b'%d' % rng.choice([1, 2, 7, 100, 1000])]
        if rng.random() < 0.3:
            options += [b'TYPE', rng.choice([b'string', b'STRING', b'list', b'nothing'])]
        found = []
        for connection in pair.both:
            keys, cursor, rounds = set(), b'0', 0
            while True:
                (cursor, some), _ = decode(connection.ask(b'SCAN', cursor, *options))
                keys.update(some)
                rounds += 1
                if cursor == b'0':
                    break
                if rounds > 100000:
                    self.differ('SCAN does not end', b'', cursor)
            found.append(sorted(keys))
        self.count += 1
        if found[0] != found[1]:
            self.differ('SCAN ' + show(options), repr(found[0]).encode(), repr(found[1]).encode())
        if not options:  # redis-server has now dropped what had expired
            sizes = pair.ask(b'DBSIZE')
            if sizes[0] != sizes[1]:
                self.differ('DBSIZE', *sizes)

    def quit(self, pair):
        for connection in pair.both:
            connection.send(encode([b'QUIT']))
        replies = [connection.rest() for connection in pair.both]
        self.count += 1
        if replies[0] != replies[1]:
            self.differ('QUIT', *replies)
        pair.close()
        pair.open()

    def random_key(self, index):
        self.burst(index, [([b'RANDOMKEY'], 'random'), ([b'KEYS', b'*'], 'keys')])

    def check_state(self):
        """Everything that is stored, in all databases."""
        pair = self.pairs[0]
        self.burst(0, [([b'DISCARD'], 'exact')])
        for database in range(16):
            self.burst(0, [([b'SELECT', b'%d' % database], 'exact'), ([b'KEYS', b'*'], 'set')])
            keys = decode(pair.ask(b'KEYS', b'*')[0])[0]
            for key in keys:
                self.burst(0, [([b'GET', key], 'exact'), ([b'PTTL', key], 'milliseconds')])

    def run(self, count):
        rng = self.rng
        while self.count < count:
            index = rng.randrange(CONNECTIONS)
            pair = self.pairs[index]
            items = []
            for argv, kind in (self.commands.next() for _ in range(rng.randint(1, 30))):
                if argv[0].upper() == b'WATCH':
                    items += [([b'SETNX', key, b'watched'], 'exact') for key in argv[1:]]
                items.append((argv, kind))
            self.burst(index, items)
            draw = rng.random()
            if draw < 0.06 and not pair.in_multi():
                if draw < 0.03:
                    self.scan(pair)
                elif draw < 0.055:
                    self.random_key(index)
                else:
                    self.quit(pair)
        self.check_state()


MALFORMED = [
    b'*x\r\n', b'*\r\n', b'*1x\r\n', b'* 1\r\n', b'*+1\r\n', b'*01\r\n', b'*-0\r\n', b'*99999999999999999999\r\n',
    b'*2147483648\r\n', b'*1\r\nx4\r\n', b'*1\r\n:4\r\n', b'*1\r\n\r\n', b'*1\r\n$\r\n', b'*1\r\n$-1\r\n', b'*1\r\n$x\r\n',
    b'*1\r\n$04\r\n', b'*1\r\n$536870913\r\n', b'*1\r\n$99999999999999999999\r\n', b'*2\r\n$4\r\nECHO\r\nx\r\n',
    b'*1' + b'1' * 70000, b'*1\r\n$' + b'1' * 70000, b'*1\r\n' + b'x' * 70000, b'x' * 70000, b'SET a "b\r\n',
    b'SET a "b"c\r\n', b"SET a 'b\r\n", b"SET a 'b'c\r\n", b'SET a "b\\\r\n', b'"\r\n', b'PING\r\n*3\r\n$3\r\nGET\r\nx\r\n']

HARMLESS = [
    b'PING\n', b'\r\n\n  \r\nPING\r\n', b'*0\r\n*-1\r\n*-10\r\nPING\r\n', b' PING \r\n', b'PING\r\r\n', b'ECHO\ta\r\n',
    b'ECHO "a b"\r\n', b"ECHO 'a b'\r\n", b'ECHO ""\r\n', b'ECHO "\\x41\\x4a\\n\\r\\t\\b\\a\\z\\""\r\n', b'ECHO "\\xzz\\x4"\r\n',
    b"ECHO '\\'b\\n'\r\n", b'ECHO a"b"\r\n', b"ECHO a'b'\r\n", b'ECHO \xff\xe9\r\n', b'ECHO a\vb\r\n', b'ECHO a\rb\r\n',
    b'*1\rx$4\rxPINGxx', b'*1\r\n$0\r\n\r\n', b'*2\r\n$0\r\n\r\n$0\r\n\r\n', b'foo bar\r\n',
    b'set inline:k v\r\nget inline:k\r\nDEL inline:k\r\n', b'*1\r\n$4\r\nping\r\nping\r\n*1\r\n$4\r\nPiNg\r\n']

WEB = [b'POST / HTTP/1.1\r\nx\r\n', b'Host: localhost\r\n']


def random_inline(rng):
    words = [b'ECHO']
    pieces = [b'a', b'"', b"'", b'\\', b' ', b'\\x4', b'\\x41', b'\\n', b'b', b'\t', b'\xff', b'""', b"''", b'x"y"']
    words.append(b''.join(rng.choice(pieces) for _ in range(rng.randint(1, 8))))
    return b' '.join(words) + b'\r\n'


def compare_streams(servers, seed):
    """Raw bytes on a fresh connection each, which they or a QUIT behind them end; the same must come back."""
    rng = random.Random(seed)
    cases = MALFORMED + HARMLESS + WEB + [random_inline(rng) for _ in range(300)]
    for case in cases:
        found = []
        for server in servers:
            connection = RespConnection(server)
            try:
                connection.send(case if case in MALFORMED else case + b'QUIT\r\n')
            except ConnectionError:
                pass
            found.append(connection.rest())
            connection.close()
        if found[0] != found[1]:
            raise Difference(f'seed {seed}: {show(case)}\n  peer    {show(found[0])}\n  hearthd {show(found[1])}')
    return len(cases)


def compare_expiry(servers):
    """Lifetimes that do end: nothing is asked while they could."""
    pair = Pair(servers)
    makers = [
        [b'SET', b'%b', b'v', b'PX', b'30'], [b'PSETEX', b'%b', b'30', b'v'], [b'SET', b'%b', b'v', b'EX', b'1'],
        [b'SETEX', b'%b', b'1', b'v']]
    for round_number in range(3):
        names = [b'short:%d:%d' % (round_number, i) for i in range(len(makers) + 2)]
        for maker, name in zip(makers, names):
            pair.ask(*[name if word == b'%b' else word for word in maker])
        for name in names[len(makers):]:
            pair.ask(b'SET', name, b'v')
        pair.ask(b'PEXPIRE', names[-2], b'30')
        pair.ask(b'GETEX', names[-1], b'PX', b'30')
        pair.ask(b'WATCH', names[0])
        time.sleep(1.2)
        questions = [[b'MULTI'], [b'EXEC'], [b'MGET', *names], [b'EXISTS', *names], [b'TTL', names[0]],
                     [b'KEYS', b'short:*'], [b'TYPE', names[1]], [b'PERSIST', names[0]], [b'EXPIRE', names[1], b'100'],
                     [b'RENAME', names[2], b'x'], [b'COPY', names[3], b'x'], [b'GETDEL', names[0]],
                     [b'SET', names[0], b'v', b'XX'], [b'SETNX', names[0], b'w'], [b'APPEND', names[1], b'w'],
                     [b'INCR', names[2]], [b'SET', names[3], b'v', b'GET'], [b'TTL', names[0]], [b'TTL', names[1]],
                     [b'TTL', names[2]], [b'TTL', names[3]], [b'FLUSHALL']]
        for question in questions:
            expected, found = pair.ask(*question)
            if expected != found:
                raise Difference(f'{question}\n  peer    {show(expected)}\n  hearthd {show(found)}')
    pair.close()
    return 3 * len(questions)


def without_notes(item):
    """A description of a command without the notes on its keys, and with subcommands in order."""
    if not isinstance(item, list):
        return item
    if len(item) > 2 and item[0] == b'notes':
        item = item[2:]
    return [without_notes(part) for part in item]


def compare_table(servers):
    """What COMMAND tells of each command that Hearth has; of containers, what it tells of each subcommand."""
    pair = Pair(servers)
    names = decode(pair.both[1].ask(b'COMMAND', b'LIST'))[0]
    count = 0
    for name in names:
        expected, found = [decode(reply)[0][0] for reply in pair.ask(b'COMMAND', b'INFO', name)]
        if expected is None:
            raise Difference(f'{show(name)} is no command of redis-server')
        known = {command[0]: command for command in expected[9]}
        pairs = [(expected[:9], found[:9])]
        pairs += [(known.get(command[0]), command) for command in found[9]]
        for left, right in pairs:
            count += 1
            if without_notes(left) != without_notes(right):
                raise Difference(f'COMMAND INFO {show(name)}\n  peer    {left}\n  hearthd {right}')
    pair.close()
    return count


PASSWORD = b'correct horse'
STRANGER = [
    [[b'GET', b'a']], [[b'PING']], [[b'nothing-of-the-kind']], [[b'GET']], [[b'MULTI']], [[b'QUIT', b'x']], [[b'RESET']],
    [[b'AUTH', b'wrong'], [b'GET', b'a']], [[b'AUTH', PASSWORD], [b'GET', b'a']], [[b'AUTH', b'default', PASSWORD], [b'GET', b'a']],
    [[b'AUTH', b'nobody', PASSWORD], [b'GET', b'a']], [[b'AUTH'], [b'AUTH', b'a', b'b', b'c']], [[b'HELLO', b'4']],
    [[b'HELLO', b'2', b'AUTH', b'default', b'wrong'], [b'GET', b'a']], [[b'AUTH', PASSWORD], [b'RESET'], [b'GET', b'a']],
    [[b'HELLO', b'2']], [[b'AUTH', PASSWORD], [b'AUTH', b'wrong'], [b'GET', b'a']], [[b'AUTH', b'x' * 16384]],
    [[b'AUTH', b'x' * 16385]], [[b'a'] * 10], [[b'a'] * 11], [[b'AUTH', PASSWORD], [b'ECHO', b'x' * 20000]],
    [[b'AUTH', PASSWORD], [b'DEL'] + [b'a'] * 50], [[b'INFO']], [[b'COMMAND', b'COUNT']], [[b'CLIENT', b'ID']], [[b'EXEC']]]


def compare_password():
    """Before AUTH: who may say what, and how much."""
    options = ['--requirepass', PASSWORD.decode()]
    with peers.redis_server('redis', options) as peer, peers.subject('redis', options) as subject:
        for commands in STRANGER:
            found = []
            for server in (peer, subject):
                connection = RespConnection(server)
                connection.send(b''.join(encode(argv) for argv in commands))
                if len(commands[-1]) <= 10 and len(commands[-1][-1]) <= 16384 or commands[0][1:] == [PASSWORD]:
                    connection.send(b'QUIT\r\n')
                found.append(connection.rest())
                connection.close()
            if found[0] != found[1]:
                raise Difference(f'{show(commands)}\n  peer    {show(found[0])}\n  hearthd {show(found[1])}')
    return len(STRANGER)


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
    with peers.redis_server() as peer, peers.subject('redis') as subject:
        servers = (peer, subject)
        good = report('raw requests', compare_streams, servers, seed)
        good &= report('what COMMAND tells', compare_table, servers)
        good &= report('lifetimes that end', compare_expiry, servers)
        good &= report(f'{count} random commands, seed {seed}', compare_commands, servers, seed, count)
    good &= report('before AUTH', compare_password)
    options = ['--durability', 'power', '--threads', '1']
    with peers.redis_server() as peer, peers.subject('redis', options) as subject:
        count //= 4
        good &= report(f'{count} random commands, seed {seed}, durability power', compare_commands, (peer, subject), seed,
                       count)
    sys.exit(0 if good else 1)


assert len(set(KEYS)) == len(KEYS)
