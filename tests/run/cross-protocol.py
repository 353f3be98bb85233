#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
What one protocol does to the other's objects: plays tests/transcripts/cross-*.t, one a row of
server/CROSS_PROTOCOL.md, and looks that every row has its transcript and every transcript its row.
"""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ['HEARTH_TOP'], 'tests', 'lib'))
import servers  # noqa: E402
from transcript import play_all, Report  # noqa: E402

TOP = os.environ['HEARTH_TOP']


def check_rows(report, names):
    with open(os.path.join(TOP, 'server', 'CROSS_PROTOCOL.md'), encoding='utf-8') as page:
        rows = re.findall(r'\| `(cross-[a-z-]+)` \|$', page.read(), re.M)
    for name in sorted(set(rows) | set(names)):
        why = None
        if name not in names:
            why = 'a row of CROSS_PROTOCOL.md without a transcript'
        elif name not in rows:
            why = 'a transcript without a row in CROSS_PROTOCOL.md'
        report.line('row/' + name, why)


def main():
    report = Report()
    paths = sorted(glob.glob(os.path.join(TOP, 'tests', 'transcripts', 'cross-*.t')))
    check_rows(report, [os.path.basename(path)[:-2] for path in paths])
    with servers.Hearth() as hearth:
        play_all(report, paths, hearth.ports, 'hearth', False)
    return 1 if report.failed else 0


if __name__ == '__main__':
    sys.exit(main())
