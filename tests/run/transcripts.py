#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Plays every transcript of tests/transcripts to hearthd, and, except where one is marked as an intended difference, to
redis-server and memcached as well, so that the transcripts themselves are held to the peers. Then looks that every
command of the table, which the server tells by COMMAND, and every verb of memcached is in some transcript.
"""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ['HEARTH_TOP'], 'tests', 'lib'))
import servers  # noqa: E402
import transcript  # noqa: E402
from transcript import play_all, Report  # noqa: E402

TOP = os.environ['HEARTH_TOP']


def said(paths):
    """What is said in the transcripts: words and pairs of words, lower case, by protocol."""
    found = set()
    for path in paths:
        for step in transcript.parse(path):
            for request in step.requests:
                parts = request.lower().split()
                if parts:
                    found.add((step.protocol, parts[0]))
                if len(parts) > 1:
                    found.add((step.protocol, parts[0] + '|' + parts[1]))
    return found


def check_coverage(report, paths, port):
    found = said(paths)
    connection = transcript.Connection('redis', port)
    for row in connection.call('COMMAND'):
        for name in [row[0]] + [sub[0] for sub in row[9]]:
            name = name.decode()
            report.line('covered/redis/' + name, None if ('redis', name) in found else 'no transcript says ' + name)
    connection.close()
    with open(os.path.join(TOP, 'proto', 'memcache.h'), encoding='utf-8') as header:
        for verb in re.findall(r'    ROW\([A-Z_]+, (\w+), [A-Z]+,', header.read()):
            report.line('covered/memcache/' + verb,
                        None if ('memcache', verb) in found else 'no transcript says ' + verb)


def main():
    report = Report()
    paths = sorted(glob.glob(os.path.join(TOP, 'tests', 'transcripts', '*.t')))
    crossing = [path for path in paths if os.path.basename(path).startswith('cross-')]
    single = [path for path in paths if path not in crossing]
    with servers.Hearth() as hearth:
        play_all(report, single, hearth.ports, 'hearth', False)
        check_coverage(report, paths, hearth.ports['redis'])
    with servers.Redis() as redis, servers.Memcached() as memcached:
        ports = {'redis': redis.port, 'memcache': memcached.port, 'memcache_apart': True}
        play_all(report, single, ports, 'peer', True)
    return 1 if report.failed else 0


if __name__ == '__main__':
    sys.exit(main())
