/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The classic text protocol of memcached: bytes to requests.
 *
 * IDEA
 *   memcache_parse() looks at the bytes that have arrived on a connection and hands out the first whole
 *   request as a structure of pointers into them. Nothing is copied or allocated, nothing is executed. Which
 *   error line memcached 1.6 would send is part of the request, so that whoever executes requests has only to
 *   write it.
 *
 *   Everything is bounded: a line of 16 KB, a value of `value_max_bytes`. What is larger is swallowed as
 *   it arrives. A get line has no bound at all: it is handed out in pieces.
 *
 * OPERATIONS
 *   parse   one pass over the command line; the bytes of a value are not looked at, save the line end behind
 *   them
 *
 * THREADS
 *   A parser belongs to one connection and has no lock.
 *
 * SOURCE
 *   memcached's doc/protocol.txt, and the behaviour of memcached 1.6.18 observed from outside where that text
 *   is silent.
 */
#ifndef HEARTH_PROTO_MEMCACHE_H
#define HEARTH_PROTO_MEMCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/number.h"

/* The longest key. */
#define MEMCACHE_KEY_MAX 250

/*
 * A command line that has no end within so many bytes closes the connection, unless it is a retrieval: those
 * are handed out in pieces of so many bytes, see memcache_request.more.
 */
#define MEMCACHE_LINE_MAX 16384

/*
 * The verbs: ROW(NAME, name, SHAPE, arguments, help). SHAPE tells which fields of the request mean something:
 *
 *   RETRIEVE    keys
 *   TOUCHING    keys, exptime                    (a retrieval that also touches)
 *   STORE       key, flags, exptime, value, noreply
 *   COMPARE     the same and cas
 *   COUNT       key, delta, noreply
 *   REMOVE      key, noreply
 *   EXPIRE      key, exptime, noreply
 *   FLUSH       exptime (the delay in seconds, 0 for now), noreply
 *   LEVEL       delta (the level), noreply
 *   PLAIN       args
 */
#define MEMCACHE_VERBS(ROW) \
    ROW(GET, get, RETRIEVE, "<key>*", "return the values of the keys that exist") \
    ROW(GETS, gets, RETRIEVE, "<key>*", "like get, with the CAS unique of each value") \
    ROW(GAT, gat, TOUCHING, "<exptime> <key>*", "like get, and set the expiration time") \
    ROW(GATS, gats, TOUCHING, "<exptime> <key>*", "like gets, and set the expiration time") \
    ROW(SET, set, STORE, "<key> <flags> <exptime> <bytes> [noreply]", "store a value") \
    ROW(ADD, add, STORE, "<key> <flags> <exptime> <bytes> [noreply]", "store a value if the key does not exist") \
    ROW(REPLACE, replace, STORE, "<key> <flags> <exptime> <bytes> [noreply]", "store a value if the key exists") \
    ROW(APPEND, append, STORE, "<key> <flags> <exptime> <bytes> [noreply]", "add data behind an existing value") \
    ROW(PREPEND, prepend, STORE, "<key> <flags> <exptime> <bytes> [noreply]", "add data before an existing value") \
    ROW(CAS, cas, COMPARE, "<key> <flags> <exptime> <bytes> <unique> [noreply]", \
        "store a value if nobody has changed it since") \
    ROW(INCR, incr, COUNT, "<key> <delta> [noreply]", "add to a decimal number, wrapping at 64 bits") \
    ROW(DECR, decr, COUNT, "<key> <delta> [noreply]", "subtract from a decimal number, stopping at 0") \
    ROW(DELETE, delete, REMOVE, "<key> [0] [noreply]", "remove a key") \
    ROW(TOUCH, touch, EXPIRE, "<key> <exptime> [noreply]", "set the expiration time of a key") \
    ROW(FLUSH_ALL, flush_all, FLUSH, "[delay] [noreply]", "forget everything stored so far, now or later") \
    ROW(VERBOSITY, verbosity, LEVEL, "<level> [noreply]", "set the level of the log") \
    ROW(STATS, stats, PLAIN, "[section]", "report counters") \
    ROW(VERSION, version, PLAIN, "", "report the version") \
    ROW(QUIT, quit, PLAIN, "", "close the connection") \
    ROW(SHUTDOWN, shutdown, PLAIN, "[graceful]", "stop the server, where that is allowed")

enum memcache_verb {
#define ROW(NAME, name, shape, arguments, help) MEMCACHE_##NAME,
    MEMCACHE_VERBS(ROW)
#undef ROW
    /*
     * Not a request that could be executed: write `error` (which is empty where noreply silences it) and go
     * on.
     */
    MEMCACHE_INVALID,
    /*
     * A store whose value is longer than value_max_bytes. Its bytes are swallowed by the calls that follow.
     * `attempted` is the verb and the key is valid: as memcached does, a refused `set` removes what is stored
     * under the key, so that no old value is served for a new one; every other store leaves it alone. Then
     * write `error`, as above.
     */
    MEMCACHE_OVERSIZE,
    MEMCACHE_VERB_COUNT = MEMCACHE_INVALID,
};

/*
 * One request. Pointers lead into the bytes given to memcache_parse() and are good as long as those stay
 * where they are.
 */
struct memcache_request {
    enum memcache_verb verb;
    enum memcache_verb attempted; /* MEMCACHE_OVERSIZE: the verb that was asked for */
    bool noreply;                 /* the client wants no answer */
    bool more;          /* retrievals: the line goes on in the next request, so leave out the END of this one */
    uint32_t key_len;   /* 1 to 250; retrievals: of the first key */
    const uint8_t *key; /* retrievals: the first key; NULL where there is none, whatever the verb */
    uint32_t key_count; /* retrievals: the keys in `args`, each at most 250 bytes */
    uint32_t flags;
    int64_t exptime_s; /* as sent: 0 never, negative at once, up to 30 days relative, else seconds since 1970 */
    const uint8_t *value;
    uint32_t value_bytes;
    uint32_t error_len;
    const char *error; /* a whole line with its line end, or an empty text; not terminated by a rule: use error_len */
    uint64_t cas;
    uint64_t delta;
    /* Retrievals: the range of the keys; stats: of the arguments; for memcache_next_key(). */
    const uint8_t *args;
    size_t args_len;
};

enum memcache_parse {
    MEMCACHE_OK = 0,    /* `out` is a request */
    MEMCACHE_NEED_MORE, /* no whole request yet; *consumed may be above 0 even so, when bytes were swallowed */
    MEMCACHE_CLOSE,     /* an endless line, or a web browser: close without an answer, as memcached does */
};

/*
 * What is remembered of a request that has arrived in part. The fields are the parser's own, but for those
 * marked public.
 */
struct memcache_parser {
    uint64_t swallow_bytes;   /* left of a refused value */
    uint32_t scanned_bytes;   /* of the line, known to hold no line end */
    uint8_t mode;             /* enum parser_mode of proto/memcache.c */
    uint8_t verb;             /* of the retrieval that is handed out in pieces */
    uint32_t value_max_bytes; /* public, set by memcache_parser_init(), may be changed between requests */
    int64_t exptime_s;        /* of the retrieval that is handed out in pieces */
    /* Public: after MEMCACHE_NEED_MORE the bytes that the whole request takes, 0 if not known yet. */
    size_t need_bytes;
};

/* Makes `parser` ready for a new connection whose values may have up to `value_max_bytes` bytes. */
void memcache_parser_init(struct memcache_parser *parser, uint32_t value_max_bytes);

/*
 * Parses the first request of the `len` bytes at `data`, which follow the bytes consumed so far on this
 * connection without a gap: what a call leaves unconsumed must be given again, at any address, with what has
 * arrived since. Calling with len 0 is fine.
 *
 * MEMCACHE_OK: `out` is filled, *consumed is what it takes including its value. Call again with the rest.
 * MEMCACHE_NEED_MORE: drop *consumed bytes, keep the rest and read on. The rest never grows beyond
 * memcache_request_max_bytes(). MEMCACHE_CLOSE: as the enum says.
 */
HEARTH_MUST_USE enum memcache_parse memcache_parse(struct memcache_parser *parser, const uint8_t *data, size_t len,
                                                   struct memcache_request *out, size_t *consumed);

/*
 * The largest buffer that a request can need: a command line or a piece of one, the largest value, and their
 * line ends.
 */
static inline size_t memcache_request_max_bytes(const struct memcache_parser *parser)
{
    return MEMCACHE_LINE_MAX + (size_t)parser->value_max_bytes + 2;
}

/* Where an iteration over the words of a range stands. */
struct memcache_cursor {
    const uint8_t *at;
    const uint8_t *end;
};

/* Begins an iteration over `args` of `request`: the keys of a retrieval, the arguments of stats. */
static inline struct memcache_cursor memcache_keys(const struct memcache_request *request)
{
    return (struct memcache_cursor){request->args, request->args + request->args_len};
}

/*
 * Takes the next word of the range. Returns false, and leaves the out-parameters alone, when there is none
 * left. The keys of a retrieval have been checked: none is longer than MEMCACHE_KEY_MAX.
 */
bool memcache_next_key(struct memcache_cursor *cursor, const uint8_t **key, uint32_t *key_len);

/* The verb's name as clients write it; "" for MEMCACHE_INVALID and MEMCACHE_OVERSIZE. */
const char *memcache_verb_name(enum memcache_verb verb);

/*
 * What memcache_put_value_line() writes at most: "VALUE ", key, flags, length, unique, three spaces and a
 * line end.
 */
#define MEMCACHE_VALUE_LINE_MAX (6 + MEMCACHE_KEY_MAX + 1 + 10 + 1 + 10 + 1 + NUMBER_TEXT_BYTES_MAX + 2)

/*
 * Writes "VALUE <key> <flags> <bytes>\r\n", with the CAS unique behind the length if `cas` is not NULL, at
 * `out`, where MEMCACHE_VALUE_LINE_MAX bytes are free for keys of up to MEMCACHE_KEY_MAX bytes (a longer key
 * takes as much more). Returns the number of bytes.
 */
size_t memcache_put_value_line(char *out, const uint8_t *key, uint32_t key_len, uint32_t flags, uint32_t value_bytes,
                               const uint64_t *cas);

#endif
