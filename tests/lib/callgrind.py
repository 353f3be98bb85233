# SPDX-License-Identifier: BSD-3-Clause
"""hearthd under callgrind: instructions by thread and function, between one moment and another.

Each count() gives what was executed since the one before, so a server is warmed up once and measured many times. Only
the program's own instructions are counted; the kernel's are not.
"""
import glob
import os
import subprocess

from servers import Hearth


class Profile:
    """What one thread executed: instructions in all, the functions it was in, and its calls."""

    def __init__(self, path):
        self.total = 0
        self.functions = set()
        self.calls = {}  # function: [calls, instructions with all that it called]
        with open(path, encoding='utf-8', errors='replace') as file:
            self.read(file)

    def read(self, file):
        called = None
        for line in file:
            if line.startswith('fn='):
                self.functions.add(line[3:].rstrip())
            elif line.startswith('cfn='):
                called = self.calls.setdefault(line[4:].rstrip(), [0, 0])
            elif line.startswith('calls='):
                called[0] += int(line[6:].split()[0])
                called[1] += int(next(file).split()[1])  # the line behind says what they cost
            elif line.startswith('totals:'):
                self.total = int(line[7:])


class Counts:
    """The threads of one count()."""

    def __init__(self, profiles):
        self.profiles = profiles

    def of_threads_in(self, function):
        """Instructions of all threads that were in this function."""
        return sum(profile.total for profile in self.profiles if function in profile.functions)

    def of_calls(self, function):
        """Calls of this function, and their instructions with all that they called."""
        found = [profile.calls.get(function, (0, 0)) for profile in self.profiles]
        return sum(calls for calls, _ in found), sum(instructions for _, instructions in found)


class CallgrindHearth(Hearth):
    """hearthd in valgrind. Threads run one at a time there, in turn."""

    def start(self, arguments, port):
        self.out = os.path.join(self.folder, 'callgrind')
        self.prefix = os.path.join(self.folder, 'vgdb')
        self.seen = set()
        super().start(['valgrind', '--tool=callgrind', '--quiet', '--separate-threads=yes', '--fair-sched=try',
                       '--compress-strings=no', '--compress-pos=no', '--callgrind-out-file=' + self.out,
                       '--vgdb=yes', '--vgdb-prefix=' + self.prefix, *arguments], port)

    def count(self):
        """What was executed since the last count(), or the start."""
        done = subprocess.run(['vgdb', '--vgdb-prefix=' + self.prefix, '--pid=%d' % self.process.pid, 'dump'],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        files = set(glob.glob(self.out + '.*')) - self.seen
        if done.returncode != 0 or not files:
            raise RuntimeError('callgrind gives no counts: ' + done.stdout.decode(errors='replace').strip())
        self.seen |= files
        return Counts([Profile(path) for path in files])
