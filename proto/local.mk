# SPDX-License-Identifier: BSD-3-Clause
# proto/: bytes to requests and replies; no I/O, no storage.
# One file a line, headers too.
noinst_LIBRARIES += proto/libproto.a
proto_libproto_a_SOURCES =
