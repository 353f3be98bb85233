# SPDX-License-Identifier: BSD-3-Clause
"""Many connections that do nothing."""

import contextlib
import resource
import socket
import struct

IP_BIND_ADDRESS_NO_PORT = 24  # the port is chosen by connect()
# Connections come from other addresses of loopback than 127.0.0.1 (below), which redis-server takes for strangers.
REDIS_OPTIONS = ("--protected-mode", "no")


def raise_open_files(wanted):
    """Lets this process and those that it starts have so many open files; raises when the system does not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    except (OSError, ValueError):
        raise RuntimeError("%d open files are needed, the limit is %d (ulimit -n)" % (wanted, hard)) from None


def connect(protocol, port, number):
    """A connection that has asked for something once. Its address depends on its number, so that ports are no bound."""
    conn = socket.socket()
    try:
        conn.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        conn.bind(("127.0.1.%d" % (number % 250 + 1), 0))
        conn.connect(("127.0.0.1", port))
        conn.sendall(b"version\r\n" if protocol == "memcache" else b"*1\r\n$4\r\nPING\r\n")
        if not conn.recv(64).startswith((b"VERSION", b"+PONG")):
            raise RuntimeError("no answer to a PING")
    except BaseException:
        conn.close()
        raise
    return conn


@contextlib.contextmanager
def idle_connections(protocol, port, count):
    """So many connections, each of which has asked once. They end by a reset, which leaves nothing in TIME_WAIT."""
    conns = []
    try:
        for number in range(count):
            conns.append(connect(protocol, port, number))
        yield
    finally:
        for conn in conns:
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            conn.close()
