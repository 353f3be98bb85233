/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A protocol as a client speaks it: how requests are written, how replies are read.
 *
 * IDEA
 *   One table of functions a protocol. A reply is read from whatever has arrived, in any cut: what is not whole stays
 *   with the caller (less than a line), or is remembered in struct reply (how much of a value has gone by). Everything
 *   that the protocol fixes is checked: a reply that does not answer the request is wrong, and ends the run. Values
 *   are looked at only when they are to be verified.
 *
 * THREADS  struct wire is read only; struct reply belongs to one connection.
 * SOURCE   memcached's doc/protocol.txt; the Redis serialization protocol, RESP2.
 */
#ifndef HEARTH_BENCH_PROTOCOL_H
#define HEARTH_BENCH_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "bench/load/key_pattern.h"
#include "bench/load/value.h"

/* A reply's line that is longer is wrong. */
#define REPLY_LINE_MAX 1024
/* Room for what stands around the keys and the value of a request. */
#define REQUEST_FRAME_BYTES 160
/* A password fits in the frame. */
#define PASSWORD_LEN_MAX 100
/* The same for each key of a multi-get. */
#define REQUEST_KEY_FRAME_BYTES 16

/* How keys and values look. */
struct wire {
    struct key_pattern pattern;
    struct values values;
};

enum request_kind { REQUEST_GET, REQUEST_SET, REQUEST_AUTH };

struct request {
    enum request_kind kind;
    uint32_t key_count; /* GET: 1 or more; SET: 1 */
    const uint64_t *keys;
    uint32_t value_bytes;
    uint32_t ttl_s; /* 0: for ever */
    uint64_t version;
};

enum reply_result {
    REPLY_MORE,    /* the rest has yet to arrive */
    REPLY_WHOLE,   /* hits says how many keys of a GET had values */
    REPLY_REFUSED, /* an error reply: text */
    REPLY_WRONG    /* no answer to this request: why, text */
};

enum reply_phase { REPLY_LINE, REPLY_VALUE, REPLY_VALUE_END };

struct reply {
    enum reply_phase phase;
    bool begun;         /* the head of an array has been seen */
    uint32_t key_index; /* the next key that a value can be for */
    uint32_t hits;
    uint64_t value_left;
    struct value_check check;
    /* Of the last result; valid until the bytes that were given to reply_take() go. */
    const char *text;
    size_t text_len;
    const char *why;
};

struct protocol {
    const char *name;
    uint16_t port;
    bool ends_with_value; /* no line follows the value of the last key */
    /* Writes a request, returns its length. Not AUTH. */
    size_t (*put)(const struct wire *wire, char *out, const struct request *request);
    /* Reads a line, without its end. REPLY_MORE: a value follows when reply->phase says so, else another line. */
    enum reply_result (*take_line)(const struct wire *wire, const struct request *request, struct reply *reply,
                                   const char *line, size_t len);
};

extern const struct protocol protocol_memcache;
extern const struct protocol protocol_redis;

/* Redis's AUTH, of any password of at most PASSWORD_LEN_MAX; its reply is that of REQUEST_AUTH. */
size_t redis_put_auth(char *out, const char *password);

/* The most that a request can take. */
size_t request_bytes_max(const struct wire *wire, uint32_t key_count, size_t value_bytes);

/*
 * Reads on in the reply to `request`; *used bytes of the `len` at `at` are done with, the others have to be given
 * again, with more behind them. After any result but REPLY_MORE the next reply begins.
 */
enum reply_result reply_take(const struct protocol *protocol, const struct wire *wire, const struct request *request,
                             struct reply *reply, const char *at, size_t len, size_t *used);

/* For take_line(): a value of so many bytes for the key at reply->key_index follows. */
enum reply_result reply_begin_value(const struct wire *wire, const struct request *request, struct reply *reply,
                                    uint64_t bytes);
/*
 * For take_line(): the decimal number at `at`, in its one canonical form, of at most 18 digits. Returns the position
 * behind it, NULL: there is none.
 */
static inline const char *reply_number(const char *at, const char *end, uint64_t *number)
{
    const char *begin = at;
    uint64_t value = 0;

    for (; at < end && (unsigned)*at - '0' <= 9; at++)
        value = value * 10 + ((unsigned)*at - '0');
    *number = value;
    return at == begin || at - begin > 18 || (*begin == '0' && at - begin > 1) ? NULL : at;
}
/* For take_line(): the line is wrong. */
enum reply_result reply_wrong(struct reply *reply, const char *why, const char *text, size_t len);

/* Copies a constant without its terminator, returns the position behind it. */
#define PUT_TEXT(at, text) ((char *)memcpy(at, text, sizeof(text) - 1) + sizeof(text) - 1)

#endif
