# SPDX-License-Identifier: BSD-3-Clause
"""What figures were taken on, as lines of text."""

import os
import platform
import re
import subprocess

import servers


def first_line(argv):
    """What a program says first, or that it says nothing."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except OSError:
        return "not installed"
    said = done.stdout.strip().splitlines()
    return said[0] if said and done.returncode == 0 else "unknown"


def cpu():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        models = re.findall(r"^model name\s*: (.*)$", info.read(), re.M)
    return "%d x %s" % (os.cpu_count(), models[0] if models else platform.machine())


def memory():
    with open("/proc/meminfo", encoding="ascii") as info:
        kb = int(re.search(r"^MemTotal:\s*(\d+)", info.read(), re.M)[1])
    return "%.1f GB" % (kb / (1 << 20))


def pmem():
    """The NVM that the pools of the benchmarks lie on."""
    real = [name for name in sorted(os.listdir("/dev")) if re.fullmatch(r"pmem\d+|dax\d+\.\d+", name)]
    found = "this machine has %s" % ", ".join(real) if real else "this machine has none"
    return "emulated: pools lie on tmpfs (DRAM), with trust-pmem for durability power; %s" % found


def hearth():
    version = first_line([os.path.join(servers.BUILD, "server", "hearthd"), "--version"])
    commit = first_line(["git", "-C", servers.TOP, "describe", "--always", "--dirty"])
    return "%s, commit %s when this page was made" % (version, commit)


def rows():
    """Pairs of a name and what there is of it."""
    with open("/etc/os-release", encoding="utf-8") as release:
        system = re.search(r'^PRETTY_NAME="?([^"\n]*)', release.read(), re.M)
    return [
        ("CPU", cpu()),
        ("memory", memory()),
        ("NVM", pmem()),
        ("kernel", platform.release()),
        ("system", system[1] if system else "?"),
        ("compiler", first_line(["gcc", "--version"])),
        ("Hearth", hearth()),
        ("memcached", first_line(["memcached", "-V"])),
        ("redis", first_line(["redis-server", "--version"])),
    ]
