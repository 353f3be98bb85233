/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RESP2 replies, written into memory that the caller supplies.
 *
 * Each function writes at `out`, needs at most the number of bytes that stands beside it and returns how many
 * it wrote. Only the frame of a bulk string is written here: its bytes go behind it, and RESP_CRLF behind
 * them.
 */
#ifndef HEARTH_PROTO_RESP_REPLY_H
#define HEARTH_PROTO_RESP_REPLY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/number.h"

/* A type byte, a number, a line end: integers and the heads of bulk strings and arrays. */
#define RESP_HEAD_MAX (1 + NUMBER_TEXT_BYTES_MAX + 2)

/* Replies that never change; write them with sizeof - 1 bytes. */
#define RESP_REPLY_OK "+OK\r\n"
#define RESP_REPLY_PONG "+PONG\r\n"
#define RESP_REPLY_QUEUED "+QUEUED\r\n"
#define RESP_REPLY_NULL_BULK "$-1\r\n"
#define RESP_REPLY_NULL_ARRAY "*-1\r\n"
#define RESP_REPLY_EMPTY_BULK "$0\r\n\r\n"
#define RESP_REPLY_EMPTY_ARRAY "*0\r\n"
#define RESP_REPLY_ZERO ":0\r\n"
#define RESP_REPLY_ONE ":1\r\n"
#define RESP_CRLF "\r\n"

/* The type byte `type`, `value` and a line end. At most RESP_HEAD_MAX bytes. */
static inline size_t resp_put_head(char *out, char type, int64_t value)
{
    if (value >= 0 && value <= 9) { /* most heads: one store of four bytes */
        const char head[4] = {type, (char)('0' + value), '\r', '\n'};
        memcpy(out, head, 4);
        return 4;
    }
    out[0] = type;
    size_t n = 1 + number_format_i64(out + 1, value);
    out[n] = '\r';
    out[n + 1] = '\n';
    return n + 2;
}

/* ":<value>\r\n". At most RESP_HEAD_MAX bytes. */
static inline size_t resp_put_integer(char *out, int64_t value)
{
    return resp_put_head(out, ':', value);
}

/* "$<len>\r\n", before the `len` bytes of a bulk string and RESP_CRLF. At most RESP_HEAD_MAX bytes. */
static inline size_t resp_put_bulk_head(char *out, uint64_t len)
{
    return resp_put_head(out, '$', (int64_t)len);
}

/* "*<count>\r\n", before the `count` elements of an array. At most RESP_HEAD_MAX bytes. */
static inline size_t resp_put_array_head(char *out, uint64_t count)
{
    return resp_put_head(out, '*', (int64_t)count);
}

/* A whole bulk string: head, bytes, line end. At most RESP_HEAD_MAX + len + 2 bytes. */
static inline size_t resp_put_bulk(char *out, const void *data, size_t len)
{
    size_t n = resp_put_bulk_head(out, len);
    if (len > 0) {
        memcpy(out + n, data, len);
    }
    n += len;
    out[n] = '\r';
    out[n + 1] = '\n';
    return n + 2;
}

/* "+<text>\r\n": `text` must hold no line end. At most 1 + len + 2 bytes. */
size_t resp_put_simple(char *out, const char *text, size_t len);

/*
 * "-<text>\r\n", where `text` begins with the code ("ERR ..."). Line ends within the text, which may quote
 * what a client sent, become spaces, as Redis does. At most 1 + len + 2 bytes.
 */
size_t resp_put_error(char *out, const char *text, size_t len);

#endif
