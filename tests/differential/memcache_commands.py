# SPDX-License-Identifier: BSD-3-Clause
"""
Random memcached commands: every command of the classic text protocol with all its options, and bent ones.

A command is a list of parts: bytes, or ('cas', key) for a CAS unique, which differs between two servers; whoever sends
the command puts in what that server has told last.

Nothing here may expire by itself while the test runs: every lifetime is many hours, or over at once.
"""

KEYS = [b'key:%d' % i for i in range(20)] + [b'n%d' % i for i in range(6)] + [
    b'\x01\x02', b'\xff\xfe', b'a\tb', b'K' * 250, b'noreply', b'0', b'user:profile:000000001']
TOO_LONG = b'L' * 251

# In a stored number of 2^63 and above memcached looks for a minus sign beyond the value's end, so that whether it counts
# as a number is a matter of luck.
NUMBERS = [b'0', b'1', b'9', b'10', b'99', b'100', b'4294967295', b'4294967296', b'4611686018427387904', b'00012', b'1 ',
           b' 1', b'7\0x', b'\0007']
NOT_NUMBERS = [b'abc', b'', b'-1', b'1x', b'1.5', b'18446744073709551616', b'99999999999999999999999', b'0x10']
DELTAS = [b'1', b'0', b'5', b'10', b'100', b'4294967296', b'+3', b'007', b'-0']
HUGE_DELTAS = [b'18446744073709551615', b'9223372036854775808', b'-18446744073709551615']
NOT_DELTAS = [b'-1', b'x', b'1x', b'18446744073709551616', b'1.5']
FLAGS = [b'0', b'0', b'1', b'42', b'65535', b'65536', b'4294967295', b'4294967296', b'4294967303', b'+7', b'010']
NOT_FLAGS = [b'-1', b'x', b'1x', b'18446744073709551616', b'1.5']
# Seconds up to 30 days, moments far ahead and long ago, and at once. Beyond 2^31 memcached forgets the high bits.
EXPTIMES = [b'0', b'0', b'0', b'100000', b'2592000', b'2147483000', b'-1', b'-100', b'2592001', b'1000000000']
NOT_EXPTIMES = [b'x', b'1x', b'9223372036854775808', b'1.5']
JUNK = [b'x', b'0', b'1', b'-1', b'noreply', b'abc', b'\x01', b'K' * 300, b'9223372036854775808', b'+1', b'key:0']
# What a bent line may not have as a number of bytes, since it would wait for, or swallow, what follows.
STORES = (b'set', b'add', b'replace', b'append', b'prepend', b'cas')


class MemcacheCommands:
    def __init__(self, rng):
        self.rng = rng
        table = [(12, self.store), (3, self.cas), (12, self.get), (3, self.gat), (6, self.count), (4, self.delete),
                 (4, self.touch), (0.1, self.flush), (0.4, self.verbosity), (0.4, self.other), (0.6, self.bad_chunk)]
        self.makers = [maker for _, maker in table]
        self.weights = [weight for weight, _ in table]

    def key(self):
        rng = self.rng
        if rng.random() < 0.93:
            return KEYS[int(rng.random() ** 2 * len(KEYS))]
        return TOO_LONG if rng.random() < 0.2 else b'key:%d' % rng.randrange(200)

    def one_of(self, right, wrong, chance=0.06):
        return self.rng.choice(wrong if self.rng.random() < chance else right)

    def noreply(self):
        return [b'noreply'] if self.rng.random() < 0.2 else []

    def value(self):
        rng = self.rng
        draw = rng.random()
        if draw < 0.4:
            return rng.choice(NUMBERS)
        if draw < 0.5:
            return rng.choice(NOT_NUMBERS)
        if draw < 0.9:
            value = rng.randbytes(rng.randrange(0, 60))
            # No number by accident: a zero byte ends one in memcached, and in mere white space it reads on behind the
            # value's end.
            return b'v' + value if value.strip()[:1] in b'0123456789+-' else value
        if draw < 0.99:
            return b'v\r\n' * rng.randrange(1, 1000)
        return (rng.randbytes(499) + b'\n') * rng.choice([10, 40, 200])

    def store_line(self, name, value, unique):
        rng = self.rng
        return [name, self.key(), self.one_of(FLAGS, NOT_FLAGS, 0.02), self.one_of(EXPTIMES, NOT_EXPTIMES, 0.02),
                b'%d' % len(value), *unique, *self.noreply()]

    def store(self):
        name = self.rng.choice([b'set', b'set', b'set', b'add', b'replace', b'append', b'prepend'])
        value = self.value()
        if name in (b'append', b'prepend') and value:
            value = b'x' + value  # numbers do not grow by accident, see NUMBERS
        return self.store_line(name, value, []), value

    def cas(self):
        value = self.value()
        line = self.store_line(b'cas', value, [b''])
        line[5] = ('cas', line[1]) if self.rng.random() < 0.9 else self.rng.choice([b'1', b'0', b'x', b'-1'])
        return line, value

    def bad_chunk(self):
        """A value that is shorter or longer than it is said to be."""
        value = self.value()
        line = self.store_line(b'set', value, [])
        return line, value + b'x' * self.rng.randrange(1, 4)

    def get(self):
        rng = self.rng
        count = 1 if rng.random() < 0.6 else rng.randrange(0, 30)
        return [rng.choice([b'get', b'gets'])] + [self.key() for _ in range(count)], None

    def gat(self):
        rng = self.rng
        keys = [self.key() for _ in range(rng.randrange(0, 4))]
        if TOO_LONG in keys:
            keys = [TOO_LONG]
        return [rng.choice([b'gat', b'gats']), self.one_of(EXPTIMES, NOT_EXPTIMES)] + keys, None

    def count(self):
        return [self.rng.choice([b'incr', b'incr', b'decr']), self.key(), self.one_of(DELTAS, NOT_DELTAS + HUGE_DELTAS, 0.15),
                *self.noreply()], None

    def delete(self):
        return [b'delete', self.key(), *self.one_of([[], [], [b'0']], [[b'1'], [b'00'], [b'0', b'0']]),
                *self.noreply()], None

    def touch(self):
        return [b'touch', self.key(), self.one_of(EXPTIMES, NOT_EXPTIMES), *self.noreply()], None

    def flush(self):
        return [b'flush_all', *self.rng.choice([[], [b'0'], [b'x'], [b'0', b'x']]), *self.noreply()], None

    def verbosity(self):
        return [b'verbosity', *self.rng.choice([[], [b'0'], [b'0', b'0'], [b'0', b'0', b'0'], [b'x'], [b'-1']]),
                *self.noreply()], None

    def other(self):
        return self.rng.choice([[b''], [b' '], [b'foo'], [b'GET', b'key:0'], [b'get'], [b'gets'], [b'gat'], [b'g'],
                                [b'set'], [b'incr'], [b'touch'], [b'delete'], [b'gett', b'a'], [b'\xff'],
                                [b'stats', b'nothing-of-the-kind'], [b'stats', b'reset'], [b'shutdown'],
                                [b'foo', b'noreply']]), None

    def bend(self, line):
        """Drops, doubles, swaps or replaces words; None if that could wait for bytes that do not come."""
        rng, bent = self.rng, list(line)
        way, at = rng.randrange(5), rng.randrange(len(bent))
        if way == 0:
            del bent[at]
        elif way == 1:
            bent.insert(at, bent[at])
        elif way == 2:
            other = rng.randrange(len(bent))
            bent[at], bent[other] = bent[other], bent[at]
        elif way == 3:
            bent[at] = rng.choice(JUNK)
        else:
            bent.append(rng.choice(JUNK))
        if not bent or bent[0] in (b'flush_all', b'stats', b'quit'):
            return None
        if bent[0] in (b'gat', b'gats') and any(len(word) > 250 for word in bent):
            return None
        if bent[0] in STORES and len(bent) > 4:
            try:
                if not isinstance(bent[4], tuple) and int(bent[4]) > 3 and bent[4] != line[4]:
                    return None
            except ValueError:
                pass
            if isinstance(bent[4], tuple):
                return None
        at = 3 if bent[0] in STORES else {b'touch': 2, b'gat': 1, b'gats': 1}.get(bent[0], len(bent))
        if at < len(bent) and not self.calm(bent[at]):
            return None
        return bent

    @staticmethod
    def calm(word):
        """Whether the exptime `word` neither ends during the test nor is more than memcached holds."""
        try:
            number = int(word)
        except (TypeError, ValueError):
            return not isinstance(word, tuple)
        return number <= 0 or 100000 <= number < 2 ** 31 or number >= 2 ** 63

    def next(self):
        """One command or a few that belong together, each (words, bytes behind the line or None)."""
        line, value = self.rng.choices(self.makers, self.weights)[0]()
        if self.rng.random() < 0.06:
            line = self.bend(line) or line
        commands = [(line, value)]
        if line[0] in (b'incr', b'decr') and len(line) > 1:
            # What shrinks may be padded with spaces, or not, by memcached; so look at it once and store anew.
            fresh = self.rng.choice(NUMBERS)
            commands.insert(0, ([b'gets', line[1]], None))
            if line[2:] and line[2] in DELTAS:
                commands += [(line, None)] * self.rng.randrange(3)
            commands += [([b'gets', line[1]], None), ([b'set', line[1], b'0', b'0', b'%d' % len(fresh)], fresh)]
        return commands
