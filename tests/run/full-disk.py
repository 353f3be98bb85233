#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A full disk is an answer, not a SIGBUS: the pool file is larger than the file system that it lies on (a tmpfs of
48 MB in a mount namespace of its own), and clients write more than that.

With eviction none: out of memory, while reads and deletes go on, deleting makes room, a restart keeps everything, and
space that the file system gets later is used. With eviction cache: every write is taken.

HEARTH_SEED is not needed: nothing here is random."""
# SUITE_TIMEOUT=300
import importlib.util
import os
import subprocess
import sys
import time

TOP = os.environ["HEARTH_TOP"]
FOLDER = os.path.join(os.environ["HEARTH_SHM"], "small")
INSIDE = "--inside"
VALUE_BYTES = 20000
DEADLINE_S = 30

spec = importlib.util.spec_from_file_location("kill", os.path.join(TOP, "tests", "run", "kill.py"))
kill = importlib.util.module_from_spec(spec)
spec.loader.exec_module(kill)


class Disk:
    """A tmpfs of its own size."""

    def __init__(self, megabytes):
        os.makedirs(FOLDER, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", FOLDER], check=True)

    def resize(self, megabytes):
        subprocess.run(["mount", "-o", f"remount,size={megabytes}m", FOLDER], check=True)

    def free_bytes(self):
        status = os.statvfs(FOLDER)
        return status.f_bavail * status.f_frsize

    def unmount(self):
        subprocess.run(["umount", FOLDER], check=True)


def value_of(i):
    return b"%d:" % i + b"x" * VALUE_BYTES


def fill(redis, first, count):
    """SETs; which keys were taken. Any answer but OK and OOM is a fault."""
    taken = []
    for i in range(first, first + count):
        reply = redis.call(b"SET", b"key:%d" % i, value_of(i))
        if reply == b"OK":
            taken.append(i)
        elif not (isinstance(reply, RuntimeError) and "OOM" in str(reply)):
            raise AssertionError(f"SET key:{i}: {reply!r}")
    return taken


def check_there(redis, keys):
    for i in keys:
        if redis.call(b"GET", b"key:%d" % i) != value_of(i):
            raise AssertionError(f"key:{i} is not what was acknowledged")


def wait_until_taken(redis, first, what):
    """The next key that is taken, within the deadline."""
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        if fill(redis, first, 1):
            return first
        time.sleep(0.02)
    raise AssertionError(f"no write is taken after {what}")


def check_none(server, disk):
    redis = kill.Redis(server.redis_port)
    taken = fill(redis, 0, 5000)
    assert 100 < len(taken) < 5000, f"{len(taken)} writes were taken"
    assert disk.free_bytes() < 4 << 20, "the disk is not even full"
    check_there(redis, taken)
    server.kill()
    server.start()
    redis = kill.Redis(server.redis_port)
    check_there(redis, taken)
    for i in taken[::2]:
        assert redis.call(b"DEL", b"key:%d" % i) == 1
    kept = taken[1::2]
    kept.append(wait_until_taken(redis, 10000, "deleting half of it"))
    check_there(redis, kept)
    kept += fill(redis, 20000, 5000)
    disk.resize(96)
    kept.append(wait_until_taken(redis, 30000, "the disk grew"))
    more = fill(redis, 40000, 1000)
    assert len(more) == 1000, f"{len(more)} writes were taken after the disk grew by 48 MB"
    check_there(redis, kept + more)


def check_cache(server, disk):
    redis = kill.Redis(server.redis_port)
    taken = fill(redis, 0, 10000)
    assert len(taken) == 10000, f"{10000 - len(taken)} of 10000 writes were refused"
    assert disk.free_bytes() < 4 << 20, "the disk is not even full"
    check_there(redis, taken[-1:])
    server.kill()
    server.start()
    redis = kill.Redis(server.redis_port)
    check_there(redis, taken[-1:])


def run_one(eviction, trust, durability, check):
    name = f"full-disk-{eviction}-{durability}"
    disk = Disk(48)
    server = kill.Server(name, FOLDER, durability, trust, eviction, "256mb")
    try:
        server.start()
        check(server, disk)
        status = server.terminate()
        assert status == 0, f"the server ended with status {status}"
        print(f"ok {name}", flush=True)
        return True
    except (AssertionError, OSError) as error:
        print(f"not ok {name} - {error!r}, server status {server.process.poll()}", flush=True)
        return False
    finally:
        if server.process.poll() is None:
            server.kill()
        disk.unmount()


def main():
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    if INSIDE not in sys.argv:
        if subprocess.run(namespace + ["true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
            print("ok full-disk # skipped: no mount namespaces here")
            return
        sys.exit(subprocess.run(namespace + [sys.executable, __file__, INSIDE], check=False).returncode)
    good = [run_one("none", "yes", "power", check_none), run_one("none", "no", "process", check_none),
            run_one("cache", "no", "process", check_cache), run_one("cache", "yes", "power", check_cache)]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
