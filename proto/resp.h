/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RESP2, the protocol of Redis, requests: arrays of bulk strings, and commands typed by hand ("inline").
 *
 * IDEA
 *   resp_parse() looks at the bytes that have arrived on a connection and hands out the first whole command
 *   as an array of pointers into them. Nothing is allocated and nothing is copied, save that an inline
 *   command's quotes and escapes are undone in place.
 *
 *   The array of arguments belongs to the caller and may be shared by all connections of a thread: a command
 *   that has arrived in part is remembered as a position, not as arguments. A first look goes straight into
 *   the array, since most commands arrive whole. Where bytes are missing, later calls go on at that position,
 *   and once the last byte is there the arguments are collected in a second pass: twice the work at most,
 *   however the bytes are cut.
 *
 *   Everything is bounded, see struct resp_limits. A command with an argument that is too large for us,
 *   though not for Redis, is swallowed as it arrives and reported as RESP_TOO_LARGE, and the connection goes
 *   on.
 *
 * THREADS
 *   A parser belongs to one connection and has no lock.
 *
 * SOURCE
 *   The Redis protocol specification, and the behaviour of Redis 7.0.15 observed from outside where that text
 *   is silent.
 */
#ifndef HEARTH_PROTO_RESP_H
#define HEARTH_PROTO_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* An inline command and a count are refused when they have no end within so many bytes. */
#define RESP_INLINE_MAX_BYTES (64 * 1024)

/* More arguments than this are never accepted. */
#define RESP_ARGS_MAX (1024 * 1024)

/* What a client that has not authenticated yet may send. */
#define RESP_UNAUTHENTICATED_ARGS_MAX 10
#define RESP_UNAUTHENTICATED_BULK_MAX_BYTES 16384

/* One argument, in the bytes given to resp_parse(). Not terminated. */
struct resp_arg {
    const uint8_t *data;
    uint32_t len;
};

/* The bounds; one structure may serve all connections. */
struct resp_limits {
    uint32_t args_max;             /* arguments of a command; 10 to RESP_ARGS_MAX */
    uint32_t bulk_max_bytes;       /* a longer argument makes the command RESP_TOO_LARGE */
    uint64_t proto_max_bulk_bytes; /* a longer argument is a protocol error: Redis's proto-max-bulk-len, 512 MB */
    uint64_t request_max_bytes;    /* a longer command is RESP_TOO_LARGE: bounds the buffer */
};

enum resp_parse {
    RESP_OK = 0,    /* argv[0 .. argc - 1] is a command; argc is at least 1 */
    RESP_NEED_MORE, /* no whole command yet; *consumed may be above 0 even so, when bytes were swallowed */
    /* A whole command of `argc` arguments is there, more than argv holds: call again with a larger one. */
    RESP_NEED_ARGV,
    /* A command has been swallowed since it broke a bound of ours: answer an error; `argc` is its count. */
    RESP_TOO_LARGE,
    RESP_PROTOCOL_ERROR, /* write `error`, then close: nothing can be made of what follows */
};

/*
 * What is remembered of a command that has arrived in part. The fields are the parser's own, but for those
 * marked public.
 */
struct resp_parser {
    uint64_t at;            /* where in the command to go on: the arguments before it are there */
    uint64_t swallow_bytes; /* to drop before anything else */
    uint32_t args_total;    /* 0: the header has not been read */
    uint32_t args_left;     /* not yet seen whole */
    uint32_t scanned_bytes; /* of the line at `at`, known to hold no line end */
    bool swallowing;        /* the command is dropped as it arrives */
    bool authenticated;     /* public: false applies the bounds RESP_UNAUTHENTICATED_* */
    uint32_t argc;          /* public: set on RESP_OK, RESP_NEED_ARGV and RESP_TOO_LARGE */
    uint64_t need_bytes;    /* public: after RESP_NEED_MORE the bytes the command takes at least, or 0 */
    uint32_t error_len;     /* public: of `error` */
    char error[80];         /* public: a whole line as it is sent: "-ERR Protocol error: ...\r\n" */
};

/*
 * Makes `parser` ready for a new connection. `authenticated` is false while the client must still send AUTH.
 */
void resp_parser_init(struct resp_parser *parser, bool authenticated);

/*
 * Parses the first command of the `len` bytes at `data`, which follow the bytes consumed so far on this
 * connection without a gap: what a call leaves unconsumed must be given again, at any address, with what has
 * arrived since. The bytes of an inline command are changed in place. `argv` has room for `argv_capacity`
 * arguments, at least 1; its contents are good when RESP_OK is returned, as long as the bytes stay where they
 * are. Empty lines and empty arrays are passed over in silence, as Redis does.
 *
 * *consumed bytes are done with in every case and must not be given again.
 */
HEARTH_MUST_USE enum resp_parse resp_parse(struct resp_parser *parser, const struct resp_limits *limits, uint8_t *data,
                                           size_t len, struct resp_arg *argv, uint32_t argv_capacity, size_t *consumed);

#endif
