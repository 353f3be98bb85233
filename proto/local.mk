# SPDX-License-Identifier: BSD-3-Clause
# proto/: bytes to requests and replies; no I/O, no storage.
# One file a line, headers too.
noinst_LIBRARIES += proto/libproto.a
proto_libproto_a_SOURCES = \
	proto/memcache.c \
	proto/memcache.h \
	proto/memcache_line.c \
	proto/memcache_line.h \
	proto/resp.c \
	proto/resp.h \
	proto/resp_inline.c \
	proto/resp_inline.h \
	proto/resp_reply.c \
	proto/resp_reply.h \
	proto/scan.h
