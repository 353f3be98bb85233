#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Real DAX: hearthd in a virtual machine on a virtual NVDIMM (ext4 -o dax, MAP_SYNC). Clients write over forwarded
TCP and remember each acknowledged value as in kill.py, the machine loses its power, boots again, and everything is
checked.

8 rounds; HEARTH_SEED repeats a run, HEARTH_ROUNDS says how many. Not part of a short run: each boot takes seconds."""
# SUITE_LONG
# SUITE_TIMEOUT=1200
import importlib.util
import os
import random
import sys
import time

TOP = os.environ["HEARTH_TOP"]
BUILD = os.environ["HEARTH_BUILD"]
FOLDER = os.path.join(os.environ["HEARTH_SHM"], "vm")
ROUNDS = int(os.environ.get("HEARTH_ROUNDS", "8"))
SEED = int(os.environ.get("HEARTH_SEED", str(int(time.time()))))
BOOT_S = 120


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


kill = load("kill", os.path.join(TOP, "tests", "run", "kill.py"))
guest = load("guest", os.path.join(TOP, "tests", "vm", "guest.py"))


class Server:
    """What kill.py's rounds need: the machine instead of the process."""

    def __init__(self, name):
        self.name, self.eviction, self.evicted = name, "none", 0
        self.redis_port, self.memcache_port = kill.free_port(), kill.free_port()
        arguments = ["--pool", "/pmem/hearth.pool", "--pool-size", "256mb", "--threads", "2", "--durability", "power",
                     "--bind", "0.0.0.0", "--redis-port", "6379", "--memcache-port", "11211", "--loglevel", "notice"]
        self.guest = guest.Guest(FOLDER, os.path.join(BUILD, "server", "hearthd"), arguments,
                                 {6379: self.redis_port, 11211: self.memcache_port})
        self.guest.setup(BOOT_S)

    def start(self):
        began = time.monotonic()
        self.guest.boot("serve")
        while True:
            if not self.guest.alive():
                raise RuntimeError("the guest has ended:\n" + self.guest.output()[-3000:])
            try:
                kill.Redis(self.redis_port).call(b"PING")
                return time.monotonic() - began
            except OSError:
                if time.monotonic() - began > BOOT_S:
                    raise RuntimeError("no answer:\n" + self.guest.output()[-3000:]) from None
                time.sleep(0.05)

    def kill(self):
        self.guest.power_cut()


def check_mapping(console):
    """The pool must have been mapped as DAX, by MAP_SYNC and not by the operator's word, and promise what was asked."""
    return "backing=dax" in console and "emulated" not in console and "durability=process" not in console


def clean_stop(server):
    """SHUTDOWN, then a boot: the data is there, and ext4 was unmounted."""
    server.start()
    redis = kill.Redis(server.redis_port)
    redis.call(b"SET", b"last", b"words")
    redis.send(kill.encode(b"SHUTDOWN"))
    if not server.guest.wait_for_end(BOOT_S):
        return "the guest does not power off after SHUTDOWN"
    server.start()
    found = kill.Redis(server.redis_port).call(b"GET", b"last")
    server.kill()
    return "" if found == b"words" else f"GET last: {found!r}"


def report(name, wrong, detail=""):
    print(f"not ok {name} - {wrong}" if wrong else f"ok {name}{detail}", flush=True)
    return bool(wrong)


def main():
    print(f"seed {SEED}", flush=True)
    failed = False
    try:
        server = Server("vm")
    except guest.Unavailable as missing:
        sys.exit(report("vm", str(missing)))
    try:
        wrong, played, written, slowest = kill.rounds(server, ROUNDS, random.Random(SEED))
        failed |= report("vm-power-cut", wrong and f"round {played}: {wrong[:3]} (HEARTH_SEED={SEED})",
                         f" ({played} rounds, {written} writes sent, slowest boot to answer {slowest:.1f} s)")
        server.kill()
        failed |= report("vm-mapping", "" if check_mapping(server.guest.output()) else "not a true DAX mapping: "
                         + server.guest.output()[-1000:])
        failed |= report("vm-clean-stop", clean_stop(server))
    finally:
        if server.guest.process is not None:
            server.kill()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
