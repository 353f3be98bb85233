# SPDX-License-Identifier: BSD-3-Clause
"""The anonymous memory of a process, now and once it stands still."""

import re
import time


def anonymous_bytes(pid):
    """Anonymous resident memory (RssAnon): what lies in a pool file or any other is not in it."""
    with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as status:
        return int(re.search(r"^RssAnon:\s*(\d+) kB", status.read(), re.M)[1]) * 1024


def settled_anonymous_bytes(pid, quiet_s=3.5, bound_s=30):
    """The same once it has not changed for quiet_s: what runs in the background is done, and buffers that rest are
    given back."""
    seen, since, end = anonymous_bytes(pid), time.monotonic(), time.monotonic() + bound_s
    while time.monotonic() < min(since + quiet_s, end):
        time.sleep(0.1)
        now = anonymous_bytes(pid)
        if now != seen:
            seen, since = now, time.monotonic()
    return seen
