# SPDX-License-Identifier: BSD-3-Clause
"""What a benchmark leaves in bench/out: its rows as CSV, its table as text, and the goals in it, which the summary
finds by their first word."""

import contextlib
import csv
import os

import servers

GOAL = "goal"


@contextlib.contextmanager
def rows(name, columns):
    """A function that writes a row of bench/out/NAME.csv, to be read while the benchmark still runs."""
    os.makedirs(servers.OUT, exist_ok=True)
    with open(os.path.join(servers.OUT, name + ".csv"), "w", newline="", encoding="ascii") as out:
        writer = csv.writer(out)
        writer.writerow(columns)

        def write(*row):
            writer.writerow(row)
            out.flush()

        yield write


def text(name, lines, quick=False):
    """Writes bench/out/NAME.txt, and prints it. What came of a short run says so."""
    said = "\n".join((["a short run (--quick)", ""] if quick else []) + lines) + "\n"
    with open(os.path.join(servers.OUT, name + ".txt"), "w", encoding="utf-8") as out:
        out.write(said)
    print(said)


def goal(what, measured, at_most, form="%.2f"):
    """The line that says whether a goal is met."""
    verdict = "met" if measured <= at_most else "missed, %.0f %% above" % ((measured / at_most - 1) * 100)
    return "%s: %s at most %s: %s, %s" % (GOAL, what, form % at_most, form % measured, verdict)


def goal_at_least(what, measured, at_least, form="%.2f"):
    """The same for what should be high."""
    verdict = "met" if measured >= at_least else "missed, %.0f %% below" % ((1 - measured / at_least) * 100)
    return "%s: %s at least %s: %s, %s" % (GOAL, what, form % at_least, form % measured, verdict)
