# SPDX-License-Identifier: BSD-3-Clause
"""
Random Redis commands: every command of Hearth with all its options, and bent ones.

A command is (argv, kind). The kind says how two replies are compared:
    exact    byte by byte
    seconds  a time that may differ by a few seconds       milliseconds  the same in ms
    set      an array whose order means nothing            integer       any two integers
    random   a key, to be found in the KEYS * that follows  keys          that KEYS *
    exec     the kinds of the commands queued in between

Nothing here may expire by itself while the test runs, else two right answers could differ: every lifetime is many hours
or already over. `hazardous` keeps bent commands from breaking that rule.
"""

FUTURE_S = 4102444800  # 2100

KEYS = [b'key:%d' % i for i in range(24)] + [b'counter:%d' % i for i in range(6)] + [
    b'', b'key with space', b'\x00\xff\r\n', b'h[a-c', b'back\\slash', b'K' * 300, b'user:profile:000000001',
    b'user:profile:000000002', b'*', b'\xc3\xa4']

INTEGERS = [b'0', b'1', b'-1', b'2', b'10', b'42', b'99', b'-100', b'1000000', b'9223372036854775807',
            b'9223372036854775806', b'-9223372036854775808', b'-9223372036854775807', b'4294967296', b'2147483648']
NOT_INTEGERS = [b'', b' 1', b'1 ', b'+1', b'01', b'-0', b'1.0', b'1e3', b'abc', b'9223372036854775808',
                b'-9223372036854775809', b'99999999999999999999', b'\x001', b'0x10', b'--1']
FLOATS = [b'0.1', b'-0.1', b'3.0', b'5.0e3', b'1e-10', b'10.5', b'3.14159265358979', b'1e17', b'-1.5e2', b'0.0000001',
          b'123456789.123456789', b'1e20', b'0x1p4', b'.5', b'5.', b'1e300', b'17179869184.25', b'-0']
NOT_FLOATS = [b'nan', b'inf', b'-inf', b'infinity', b' 1.5', b'1.5 ', b'abc', b'', b'1e5000', b'1.5x', b'1e', b'e1', b'+']

RELATIVE_S = [b'86400000', b'0', b'-1', b'-100000', b'9223372036854775807',
              b'-9223372036854775808', b'9223372036854775', b'92233720368547758']
RELATIVE_MS = [b'9000000000000', b'0', b'-1', b'9223372036854775807',
               b'-9223372036854775808', b'9223372035000000000']
ABSOLUTE_S = [b'%d' % FUTURE_S, b'%d' % (FUTURE_S + 100000), b'1', b'0', b'-1', b'1000000000', b'9223372036854775807',
              b'9223372036854775', b'9223372036854776']
ABSOLUTE_MS = [b'%d' % (FUTURE_S * 1000), b'%d' % (FUTURE_S * 1000 + 123456), b'1', b'0', b'-1', b'1000000000000',
               b'9223372036854775807']

PATTERNS = [b'*', b'key:*', b'key:?', b'key:1*', b'key:[1-3]', b'key:[^1-3]', b'k*:*2', b'?', b'', b'nothing*', b'\\*',
            b'h\\[a-c', b'h[[]a-c', b'[a-z]*', b'[z-a]*', b'*\xff*', b'key:[', b'key:[1', b'\\', b'**', b'*:*:*', b'K*',
            b'counter:[0-2]', b'[^k]*']

JUNK = INTEGERS + NOT_INTEGERS + FLOATS[:4] + [b'NX', b'XX', b'GT', b'LT', b'EX', b'PX', b'EXAT', b'PXAT', b'KEEPTTL',
                                               b'GET', b'REPLACE', b'DB', b'PERSIST', b'foo', b'a' * 200, b'\r\n']

KEYED = [[], [b'get', b'a'], [b'get'], [b'MSET', b'a', b'1', b'b', b'2'], [b'rename', b'a', b'b'], [b'ping', b'a'],
         [b'nothing-of-the-kind', b'a'], [b'copy', b'a', b'b', b'REPLACE'], [b'del', b'a', b'b', b'c'], [b'dbsize'],
         [b'getex', b'a'], [b'touch', b'a', b'a']]

TIMED = {b'expire', b'pexpire', b'setex', b'psetex', b'set', b'getex'}


def lifetime_in(argv, at, milliseconds):
    """Whether argv[at] is a lifetime that could end during the test."""
    try:
        value = int(argv[at])
    except (ValueError, IndexError):
        return False
    return 0 < value < (50000000 if milliseconds else 50000)


def hazardous(argv):
    name = argv[0].lower()
    if name not in TIMED:
        return False
    if name in (b'set', b'getex'):
        options = [arg.lower() for arg in argv]
        return any(lifetime_in(argv, i + 1, option == b'px')
                   for i, option in enumerate(options) if option in (b'ex', b'px'))
    return any(lifetime_in(argv, i, name[:1] == b'p') for i in range(2, len(argv)))


class RedisCommands:
    def __init__(self, rng):
        self.rng = rng
        self.table = []
        weights = []
        for weight, make in self.makers():
            self.table.append(make)
            weights.append(weight)
        self.weights = weights

    # --- parts ---
    def key(self):
        rng = self.rng
        if rng.random() < 0.9:
            return KEYS[int(rng.random() ** 2 * len(KEYS))]
        if rng.random() < 0.05:
            return rng.randbytes(rng.choice([1000, 5000, 20000]))
        return b'key:%d' % rng.randrange(200)

    def keys(self, most=5):
        return [self.key() for _ in range(self.rng.randint(1, most))]

    def value(self):
        rng = self.rng
        draw = rng.random()
        if draw < 0.35:
            return rng.choice(INTEGERS)
        if draw < 0.45:
            return rng.choice(NOT_INTEGERS)
        if draw < 0.55:
            return rng.choice(FLOATS)
        if draw < 0.6:
            return b''
        if draw < 0.9:
            return rng.randbytes(rng.randrange(1, 40))
        if draw < 0.99:
            return b'v' * rng.randrange(1, 3000)
        return rng.randbytes(rng.choice([10000, 30000, 60000]))

    def integer(self):
        return self.rng.choice(INTEGERS if self.rng.random() < 0.9 else NOT_INTEGERS)

    def small(self):
        return b'%d' % self.rng.randint(-20, 60)

    def float(self):
        return self.rng.choice(FLOATS if self.rng.random() < 0.8 else NOT_FLOATS + NOT_INTEGERS)

    def offset(self):
        rng = self.rng
        if rng.random() < 0.93:
            return b'%d' % rng.randint(0, 100)
        return rng.choice([b'1048575', b'1048576', b'1048570', b'536870911', b'536870912', b'2147483647', b'4294967296',
                           b'9223372036854775807', b'-1', b'-9223372036854775808', b'abc', b''])

    def moment(self, word):
        """
        A time for a command or an option: in seconds or, where it begins with P, milliseconds; from now on or, where it
        ends with AT, since 1970. No two lie close together, so that GT and LT have one answer.
        """
        rng, milliseconds, absolute = self.rng, word[:1] == b'P', word[-2:] == b'AT'
        if rng.random() < 0.6:
            seconds = 100000 + 20 * rng.randrange(1000000) + (FUTURE_S if absolute else 0)
            return b'%d' % (seconds * 1000 if milliseconds else seconds)
        values = (ABSOLUTE_MS if milliseconds else ABSOLUTE_S) if absolute else (
            RELATIVE_MS if milliseconds else RELATIVE_S)
        return rng.choice(values + NOT_INTEGERS)

    def expiry_option(self):
        """The words of one of EX, PX, EXAT, PXAT."""
        rng = self.rng
        word = rng.choice([b'EX', b'PX', b'EXAT', b'PXAT'])
        return [rng.choice([word, word.lower()]), self.moment(word)]

    def database(self):
        rng = self.rng
        if rng.random() < 0.9:
            return b'%d' % rng.choice([0, 0, 0, 0, 1, 2, 15])
        return rng.choice([b'16', b'-1', b'abc', b'', b'99999999999999999999', b'1.0'])

    # --- commands ---
    def set(self):
        rng, argv = self.rng, [b'SET', self.key(), self.value()]
        while rng.random() < 0.35:
            argv += rng.choice([[b'NX'], [b'XX'], [b'GET'], [b'KEEPTTL'], [b'get'], self.expiry_option(),
                                self.expiry_option()])
        return argv, 'exact'

    def getex(self):
        rng, argv = self.rng, [b'GETEX', self.key()]
        if rng.random() < 0.8:
            argv += rng.choice([[b'PERSIST'], self.expiry_option(), self.expiry_option()])
        return argv, 'exact'

    def expire(self):
        rng = self.rng
        word = rng.choice([b'EXPIRE', b'PEXPIRE', b'EXPIREAT', b'PEXPIREAT'])
        argv = [word, self.key(), self.moment(word)]
        while rng.random() < 0.4:
            argv.append(rng.choice([b'NX', b'XX', b'GT', b'LT', b'gt']))
        return argv, 'exact'

    def life(self):
        return self.rng.choice([([b'TTL', self.key()], 'seconds'), ([b'PTTL', self.key()], 'milliseconds'),
                                ([b'EXPIRETIME', self.key()], 'seconds'),
                                ([b'PEXPIRETIME', self.key()], 'milliseconds')])

    def copy(self):
        rng, argv = self.rng, [b'COPY', self.key(), self.key()]
        if rng.random() < 0.4:
            argv.append(b'REPLACE')
        if rng.random() < 0.3:
            argv += [b'DB', self.database()]
        return argv, 'exact'

    def mset(self):
        argv = [self.rng.choice([b'MSET', b'MSET', b'MSETNX'])]
        for key in self.keys():
            argv += [key, self.value()]
        return argv, 'exact'

    def setex(self):
        word = self.rng.choice([b'SETEX', b'PSETEX'])
        return [word, self.key(), self.moment(word), self.value()], 'exact'

    def flush(self):
        argv = [self.rng.choice([b'FLUSHDB', b'FLUSHDB', b'FLUSHALL'])]
        argv += self.rng.choice([[], [b'ASYNC'], [b'SYNC'], [b'sync'], [b'FOO'], [b'SYNC', b'ASYNC']])
        return argv, 'exact'

    def scan_error(self):
        return self.rng.choice([
            [b'SCAN'], [b'SCAN', b'abc'], [b'SCAN', b'-1x'], [b'SCAN', b'0', b'COUNT'], [b'SCAN', b'0', b'COUNT', b'0'],
            [b'SCAN', b'0', b'COUNT', b'-5'], [b'SCAN', b'0', b'COUNT', b'abc'], [b'SCAN', b'0', b'MATCH'],
            [b'SCAN', b'0', b'FOO'], [b'SCAN', b'0', b'FOO', b'BAR'], [b'SCAN', b'1.5'],
            [b'SCAN', b'99999999999999999999999']]), 'exact'

    def connection(self):
        rng = self.rng
        return rng.choice([
            ([b'PING'], 'exact'), ([b'PING', self.value()], 'exact'), ([b'PING', b'a', b'b'], 'exact'),
            ([b'ECHO', self.value()], 'exact'), ([b'ECHO'], 'exact'), ([b'SELECT', self.database()], 'exact'),
            ([b'CLIENT', b'GETNAME'], 'exact'), ([b'CLIENT', b'SETNAME', rng.choice([b'me', b'', b'a b', b'\xff'])],
                                                 'exact'),
            ([b'CLIENT', b'ID'], 'integer'), ([b'CLIENT'], 'exact'), ([b'CLIENT', b'FOO'], 'exact'),
            ([b'CLIENT', b'ID', b'x'], 'exact'), ([b'CONFIG', b'GET', b'nothing-of-the-kind'], 'exact'),
            ([b'CONFIG', b'GET'], 'exact'), ([b'CONFIG', b'FOO'], 'exact'), ([b'CONFIG', b'RESETSTAT'], 'exact'),
            ([b'CONFIG', b'SET', b'nothing-of-the-kind', b'1'], 'exact'), ([b'CONFIG', b'SET', b'x'], 'exact'),
            ([b'COMMAND', b'COUNT'], 'integer'), ([b'COMMAND', b'FOO'], 'exact'),
            ([b'COMMAND', b'INFO', b'nothing-of-the-kind'], 'exact'), ([b'DEBUG', b'SLEEP', b'0'], 'exact'),
            ([b'AUTH', b'x'], 'exact'), ([b'AUTH'], 'exact'), ([b'AUTH', b'nobody', b'x'], 'exact'),
            ([b'AUTH', b'a', b'b', b'c'], 'exact'), ([b'HELLO', b'4'], 'exact'), ([b'HELLO', b'abc'], 'exact'),
            ([b'HELLO', b'2', b'FOO'], 'exact'), ([b'HELLO', b'2', b'AUTH', b'a', b'b'], 'exact'),
            ([b'HELLO', b'2', b'SETNAME', b'a b'], 'exact'), ([b'TIME', b'x'], 'exact'), ([b'RESET', b'x'], 'exact'),
            ([b'COMMAND', b'GETKEYS', *rng.choice(KEYED)], 'exact'),
            ([b'COMMAND', b'GETKEYSANDFLAGS', *rng.choice(KEYED)], 'exact')])

    def unknown(self):
        rng = self.rng
        name = rng.choice([b'FOO', b'', b'GETT', b'SE T', b'\x00', b'get\r\n', b'x' * 300])
        return [name] + [self.value() for _ in range(rng.randrange(4))], 'exact'

    def makers(self):
        def plain(name, *parts, kind='exact'):
            return lambda: ([name] + [part() for part in parts], kind)

        def many(*names):
            return lambda: ([self.rng.choice(names)] + self.keys(), 'exact')

        key, value, integer = self.key, self.value, self.integer
        return [
            (10, self.set), (10, plain(b'GET', key)), (2, plain(b'GETSET', key, value)), (2, plain(b'GETDEL', key)),
            (4, self.getex), (3, plain(b'SETNX', key, value)), (3, self.setex), (4, self.mset), (4, many(b'MGET')),
            (3, plain(b'APPEND', key, value)), (3, plain(b'STRLEN', key)),
            (3, plain(b'SETRANGE', key, self.offset, value)), (3, plain(b'GETRANGE', key, self.small, self.small)),
            (1, plain(b'SUBSTR', key, integer, integer)), (3, plain(b'INCR', key)), (2, plain(b'DECR', key)),
            (3, plain(b'INCRBY', key, integer)), (3, plain(b'DECRBY', key, integer)),
            (5, plain(b'INCRBYFLOAT', key, self.float)), (2, plain(b'SET', key, self.float)),
            (4, many(b'DEL', b'UNLINK')), (3, many(b'EXISTS', b'TOUCH')), (8, self.expire), (6, self.life),
            (2, plain(b'PERSIST', key)), (2, plain(b'TYPE', key)), (4, self.copy), (3, plain(b'RENAME', key, key)),
            (3, plain(b'RENAMENX', key, key)), (1, plain(b'DBSIZE', kind='integer')), (0.15, self.flush), (1, self.scan_error),
            (1, lambda: ([b'KEYS', self.rng.choice(PATTERNS)], 'set')), (5, self.connection), (1, self.unknown),
            (3, plain(b'MULTI')), (3.5, plain(b'EXEC', kind='exec')), (0.6, plain(b'DISCARD')), (3, many(b'WATCH')),
            (0.5, plain(b'UNWATCH')), (0.2, plain(b'RESET')), (0.3, lambda: ([b'SELECT', b'0'], 'exact'))]

    # --- bent ---
    def bend(self, argv):
        rng, bent = self.rng, list(argv)
        for _ in range(rng.choice([1, 1, 2])):
            way, at = rng.randrange(6), rng.randrange(len(bent))
            if way == 0 and len(bent) > 1:
                del bent[max(1, at)]
            elif way == 1:
                bent.insert(max(1, at), bent[at])
            elif way == 2 and len(bent) > 2:
                other = rng.randrange(1, len(bent))
                at = max(1, at)
                bent[at], bent[other] = bent[other], bent[at]
            elif way == 3 and len(bent) > 1:
                bent[max(1, at)] = rng.choice(JUNK)
            elif way == 4:
                bent.append(rng.choice(JUNK))
            else:
                bent[0] = bytes(rng.choice([byte, byte ^ 0x20]) if 64 < byte < 123 else byte for byte in bent[0])
        return bent

    def next(self):
        make = self.rng.choices(self.table, self.weights)[0]
        argv, kind = make()
        if self.rng.random() < 0.08 and argv[0] not in (b'SCAN', b'KEYS', b'EXEC', b'', b'RANDOMKEY'):
            bent = self.bend(argv)
            # A bent command may become a right one of another kind only where its replies stay exact.
            if kind == 'exact' and not hazardous(bent) and bent[0].upper() not in (b'DEBUG', b'CONFIG', b'CLIENT', b'COMMAND',
                                                                                       b'HELLO', b'TIME'):
                return bent, kind
        return argv, kind
