#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Instructions a request, counted by callgrind, against the budget in instructions.budget with 5 % slack.

GET and SET of 100 bytes in both protocols, one request at a time and 16 in one write, over one connection: the worker
thread's instructions, without the kernel's. And what the index writer executes for each SET of a key that is there, once
keys have been overwritten before, and of a new one. The requests are seeded, a warm-up comes before each count, and cuts
of the index writer are made by bytes, not by time, so that runs agree within 1 %.

    tests/run/instructions.py --update      after `./dev build`: writes what is measured into the budget

The budget is for Debian 12's compiler and libraries on a machine with AVX2. It is changed knowingly: a commit that
raises a line says what the instructions are for."""
import argparse
import os
import random
import shutil
import sys
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
sys.path.insert(0, os.path.join(TOP, 'tests', 'lib'))
sys.dont_write_bytecode = True
os.environ.setdefault('HEARTH_BUILD', os.path.join(TOP, 'build', 'opt'))
os.environ['HEARTH_TMP'] = os.environ.get('HEARTH_SHM', '/dev/shm')  # the pool lies on tmpfs

from callgrind import CallgrindHearth  # noqa: E402
from suite import Wire, resp, wait_until  # noqa: E402
from transcript import Connection  # noqa: E402

BUDGET = os.path.join(TOP, 'tests', 'run', 'instructions.budget')
SLACK = 0.05
KEYS = 2000
REQUESTS = 4000  # counted, and half as many before
SETTLING = 30000  # overwrites, several cuts of them, before anything is counted: places of entries get known by them
NEW_KEYS = 20000
VALUE = b'v' * 100
DEPTHS = (1, 16)
# The index writer makes a cut at half of restart-tail, and for the time that passes not within a run.
OPTIONS = ('--threads', '1', '--durability', 'process', '--restart-tail', '2mb', '--sync-interval', '3600s')
CUT_BYTES = 1024 * 1024
STILL = 4  # looks at an index writer that has done nothing: a cut that was read is not in the tail before it is applied


class Memcache:
    name = 'memcache'

    @staticmethod
    def get(key):
        return b'get %s\r\n' % key, b'VALUE %s 0 %d\r\n%s\r\nEND\r\n' % (key, len(VALUE), VALUE)

    @staticmethod
    def set(key):
        return b'set %s 0 0 %d\r\n%s\r\n' % (key, len(VALUE), VALUE), b'STORED\r\n'


class Redis:
    name = 'redis'

    @staticmethod
    def get(key):
        return resp(b'GET', key), b'$%d\r\n%s\r\n' % (len(VALUE), VALUE)

    @staticmethod
    def set(key):
        return resp(b'SET', key, VALUE), b'+OK\r\n'


def key_of(number):
    return b'key:%012d' % number


def ask(wire, make, keys, depth):
    """A request a key, depth of them in one write; the next when all are answered."""
    for i in range(0, len(keys), depth):
        pairs = [make(key) for key in keys[i:i + depth]]
        wire.ask(b''.join(request for request, _ in pairs), b''.join(reply for _, reply in pairs))


def tail(server):
    """Records that the index writer has still to take, once it does nothing. What one figure writes fits behind them:
    nobody waits for the index writer while it is counted."""
    seen = []

    def is_settled():
        info = Connection('redis', server.ports['redis'])
        seen.append(info.counters())
        info.close()
        time.sleep(0.05)
        return len(seen) > STILL and int(seen[-1]['tail_bytes']) < CUT_BYTES and \
            seen[-1]['index_batches'] == seen[-1 - STILL]['index_batches']

    wait_until(is_settled, 'an idle index writer')
    return int(seen[-1]['tail_records'])


def worker_figure(server, protocol, kind, depth):
    """Instructions of the worker for one request."""
    drawn = random.Random('%s %s %d' % (protocol.name, kind, depth))
    make = getattr(protocol, kind)
    tail(server)
    with Wire(server.ports[protocol.name]) as wire:
        ask(wire, make, [key_of(drawn.randrange(KEYS)) for _ in range(REQUESTS // 2)], depth)
        before = server.count()
        ask(wire, make, [key_of(drawn.randrange(KEYS)) for _ in range(REQUESTS)], depth)
        counted = server.count()
    return counted.of_threads_in('turn_pass') / REQUESTS, [before, counted]


def idle_step(server):
    """Instructions of an index writer's step that finds nothing to do."""
    server.count()
    time.sleep(0.5)
    calls, instructions = server.count().of_calls('index_writer_step')
    return instructions / calls if calls else 0


def index_writer_figure(server, counted, records):
    """Instructions of the index writer for one record, without its looking whether there is any."""
    steps = [counts.of_calls('index_writer_step') for counts in counted]
    idle = idle_step(server)
    return sum(instructions - calls * idle for calls, instructions in steps) / records


def measure():
    """All figures by name, in the order of the budget's lines."""
    figures, counted, sets = {}, [], 0
    drawn = random.Random('settling')
    with CallgrindHearth(*OPTIONS) as server:
        with Wire(server.ports['memcache']) as wire:
            ask(wire, Memcache.set, [key_of(number) for number in range(KEYS)], 16)
            tail(server)
            ask(wire, Memcache.set, [key_of(drawn.randrange(KEYS)) for _ in range(SETTLING)], 16)
        begin = tail(server)
        server.count()
        for kind in 'get', 'set':
            for protocol in Memcache, Redis:
                for depth in DEPTHS:
                    name = '%s-%s-depth-%d' % (protocol.name, kind, depth)
                    figures[name], more = worker_figure(server, protocol, kind, depth)
                    counted += more
                    sets += REQUESTS // 2 + REQUESTS if kind == 'set' else 0
        end = tail(server)
        counted.append(server.count())
        figures['index-writer-a-set'] = index_writer_figure(server, counted, begin + sets - end)
        with Wire(server.ports['memcache']) as wire:
            ask(wire, Memcache.set, [key_of(KEYS + number) for number in range(NEW_KEYS)], 16)
        begin, end = end, tail(server)
        figures['index-writer-a-new-key'] = index_writer_figure(server, [server.count()], begin + NEW_KEYS - end)
    for name, figure in figures.items():
        if figure <= 0:
            raise RuntimeError('%s is %.0f: have turn_pass() and index_writer_step() new names?' % (name, figure))
    return figures


def read_budget():
    with open(BUDGET, encoding='ascii') as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith('#')]
    return {name: int(instructions) for name, instructions in lines}


def write_budget(figures):
    with open(BUDGET, 'w', encoding='ascii') as file:
        file.write('# Instructions a request. tests/run/instructions.py --update writes this file and explains it.\n')
        for name, figure in figures.items():
            file.write('%-24s %d\n' % (name, round(figure)))


def judge(name, figure, budget):
    """Prints the result; true unless the figure is above its budget."""
    if budget is None:
        print('not ok %s - no budget for it; it takes %.0f' % (name, figure))
        return False
    said = '%.0f instructions, budget %d: %+.1f %%' % (figure, budget, (figure / budget - 1) * 100)
    if figure > budget * (1 + SLACK):
        print('not ok %s - %s; if it must be, update the budget knowingly (tests/run/instructions.py --update)' %
              (name, said))
        return False
    if figure < budget * (1 - SLACK):
        said += '; far below: update the budget knowingly'
    print('ok %s (%s)' % (name, said))
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--update', action='store_true', help='write what is measured into the budget')
    parser.add_argument('--show', action='store_true', help='print what is measured, and judge nothing')
    args = parser.parse_args()
    if shutil.which('valgrind') is None:
        print('not ok valgrind - it is not installed')
        sys.exit(1)
    figures = measure()
    if args.update:
        write_budget(figures)
    if args.update or args.show:
        for name, figure in figures.items():
            print('%-24s %.1f' % (name, figure))
        return
    budget = read_budget()
    judged = [judge(name, figure, budget.pop(name, None)) for name, figure in figures.items()]
    for name in budget:
        print('not ok %s - in the budget, but not measured' % name)
    sys.exit(0 if all(judged) and not budget else 1)


if __name__ == '__main__':
    main()
