# SPDX-License-Identifier: BSD-3-Clause
"""Flame graphs: stacks, each with how often it was seen, as one SVG. Who called whom goes upwards, widths are shares.

SOURCE: the form is Brendan Gregg's (The Flame Graph, CACM 59/6, 2016)."""

import html
import zlib

WIDTH, ROW, FONT = 1400, 17, 11
CHARACTER = 6.6  # of the font, wide
LEAST = 0.3  # pixels: what is narrower is left out


def tree_of(stacks):
    """stacks: {(outermost, ..., innermost): weight}. Nodes are [weight, {name: node}]."""
    root = [0, {}]
    for stack, weight in stacks.items():
        root[0] += weight
        node = root
        for name in stack:
            node = node[1].setdefault(name, [0, {}])
            node[0] += weight
    return root


def depth_of(node):
    return 1 + max((depth_of(child) for child in node[1].values()), default=0)


def color_of(name):
    """Warm, and the same for the same name; the kernel's are blue."""
    drawn = zlib.crc32(name.encode())
    if name.endswith("[k]"):
        return "rgb(%d,%d,225)" % (110 + drawn % 50, 150 + (drawn >> 8) % 50)
    return "rgb(%d,%d,60)" % (215 + drawn % 40, 90 + (drawn >> 8) % 120)


def draw(node, name, left, level, scale, height, whole, out):
    wide = node[0] * scale
    if wide < LEAST:
        return
    top = height - (level + 1) * ROW
    share = "%s: %.1f %%" % (name, 100 * node[0] / whole)
    out.append('<g><title>%s</title><rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>' %
               (html.escape(share), left, top, wide, ROW - 1, color_of(name)))
    fits = int((wide - 4) / CHARACTER)
    if fits >= 3:
        said = name if len(name) <= fits else name[: fits - 1] + "…"
        out.append('<text x="%.1f" y="%d">%s</text>' % (left + 2, top + ROW - 5, html.escape(said)))
    out.append("</g>")
    for child in sorted(node[1]):
        draw(node[1][child], child, left, level + 1, scale, height, whole, out)
        left += node[1][child][0] * scale


def svg(path, title, stacks):
    root = tree_of(stacks)
    height = (depth_of(root) + 2) * ROW
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="monospace" font-size="%d">' %
           (WIDTH, height, FONT),
           '<rect width="100%%" height="100%%" fill="white"/><text x="4" y="%d">%s</text>' % (ROW - 4, html.escape(title))]
    draw(root, "all", 0, 0, WIDTH / max(root[0], 1), height, max(root[0], 1), out)
    out.append("</svg>")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")
