/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One command line of memcached's text protocol, taken apart: the rules of each verb. Private to proto/.
 */
#ifndef HEARTH_PROTO_MEMCACHE_LINE_H
#define HEARTH_PROTO_MEMCACHE_LINE_H

#include "proto/memcache.h"

enum memcache_line {
    MEMCACHE_LINE_WHOLE = 0, /* `out` is the request */
    MEMCACHE_LINE_VALUE,     /* the request but for its value, of which out->value_bytes bytes must follow */
    MEMCACHE_LINE_CLOSE,     /* MEMCACHE_CLOSE */
};

/* Parses a line without its line end. A line that makes no sense becomes a request MEMCACHE_INVALID. */
HEARTH_MUST_USE enum memcache_line memcache_line_parse(const uint8_t *line, size_t len, struct memcache_request *out);

/*
 * Makes [at, end) the keys of the retrieval `out`, or `out` a MEMCACHE_INVALID if one of them is too long.
 */
void memcache_line_keys(const uint8_t *at, const uint8_t *end, struct memcache_request *out);

/* Whether a line that begins with these bytes is a retrieval, which may be of any length. */
bool memcache_line_is_retrieval(const uint8_t *at, const uint8_t *end);

/*
 * Makes `out` a MEMCACHE_INVALID that is answered with the text `error`, or with nothing if it says noreply.
 */
void memcache_line_refuse(struct memcache_request *out, const char *error);

#define MEMCACHE_BAD_FORMAT "CLIENT_ERROR bad command line format\r\n"
#define MEMCACHE_BAD_DELETE "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n"
#define MEMCACHE_BAD_CHUNK "CLIENT_ERROR bad data chunk\r\n"
#define MEMCACHE_BAD_DELTA "CLIENT_ERROR invalid numeric delta argument\r\n"
#define MEMCACHE_BAD_EXPTIME "CLIENT_ERROR invalid exptime argument\r\n"
#define MEMCACHE_TOO_LARGE "SERVER_ERROR object too large for cache\r\n"
#define MEMCACHE_ERROR "ERROR\r\n"

#endif
