# SPDX-License-Identifier: BSD-3-Clause
"""PNG plots by gnuplot: lines over numbers, bars over names. Without gnuplot there are none."""

import os
import shutil
import subprocess
import sys

import servers

SIZE = "900,640"
HEAD = """
    set terminal pngcairo size %s background "white"
    set output "%s"
    set title "%s"
    set grid
    set key tmargin center horizontal
    set ylabel "%s"
    set yrange [%s:*]
"""


def quoted(text):
    return str(text).replace("\\", "").replace('"', "'").replace("_", " ")


def run(name, title, ylabel, script, y_from="0"):
    """Draws bench/out/NAME.png."""
    if shutil.which("gnuplot") is None:
        print("# no gnuplot, no %s.png" % name, file=sys.stderr)
        return
    head = HEAD % (SIZE, os.path.join(servers.OUT, name + ".png"), quoted(title), quoted(ylabel), y_from)
    subprocess.run(["gnuplot"], input=head + script, text=True, check=True)


def blocks(series):
    """gnuplot's data blocks: $d0 for the first of the series, and so on."""
    text = ""
    for i, points in enumerate(series):
        text += "$d%d << EOD\n" % i + "".join("%s %s\n" % (x, "?" if y is None else "%.9g" % y) for x, y in points)
        text += "EOD\n"
    return "set datafile missing '?'\n" + text


def lines(name, title, xlabel, ylabel, series, logscale=""):
    """A line for each name of series, a dictionary of lists of (x, y). logscale: "", "x", "y" or "xy"."""
    series = {label: points for label, points in series.items() if points}
    if not series:
        return
    script = blocks(series.values()) + 'set xlabel "%s"\n' % quoted(xlabel)
    if logscale:
        script += "set logscale %s\n" % logscale
    drawn = ['$d%d using 1:2 with linespoints title "%s"' % (i, quoted(label)) for i, label in enumerate(series)]
    run(name, title, ylabel, script + "plot " + ", ".join(drawn) + "\n", "*" if "y" in logscale else "0")


def bars(name, title, ylabel, groups, series):
    """A group of bars for each name of groups, one of each series: a dictionary of lists as long as groups.
    None leaves a bar out."""
    if not groups or not series:
        return
    rows = [list(zip(range(len(groups)), values)) for values in series.values()]
    script = blocks(rows) + "set style data histograms\nset style fill solid 0.7\nset xtics rotate by -30\n"
    script += "set xtics (" + ", ".join('"%s" %d' % (quoted(group), i) for i, group in enumerate(groups)) + ")\n"
    drawn = ['$d%d using 2 title "%s"' % (i, quoted(label)) for i, label in enumerate(series)]
    run(name, title, ylabel, script + "plot " + ", ".join(drawn) + "\n")
