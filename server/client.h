/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client as command handlers see it: who it is, what it may do, and the reply that is being written for it.
 *
 * IDEA
 *   struct client is the first member of a connection (conn.h). Replies are appended to one buffer and leave in one
 *   write after the turn. The buffer is bounded: an append that does not fit sets `out_failed`, later appends do
 *   nothing, and the connection is closed at the end of the turn. So handlers need not check appends.
 *
 * THREADS  A client belongs to its worker's thread. Fields marked "list" are also read by CLIENT LIST on other threads:
 *          change them through client_set_*().
 */
#ifndef HEARTH_SERVER_CLIENT_H
#define HEARTH_SERVER_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "heap/heap.h"
#include "proto/memcache.h"
#include "proto/resp.h"
#include "proto/resp_reply.h"

/* The largest value of an object. */
#define VALUE_BYTES_MAX (1024 * 1024)
/* The longest key over Redis's protocol; memcached's is MEMCACHE_KEY_MAX. */
#define KEY_BYTES_MAX 65535
#define DATABASE_COUNT 16

struct server;
struct worker;
struct worker_stats;
struct command;
struct transaction;

enum client_protocol { CLIENT_REDIS, CLIENT_MEMCACHE };

struct client {
    /* Fixed for the connection's life. */
    uint64_t id;
    struct server *server;
    struct worker *worker;
    struct heap *heap;
    struct heap_worker *heap_worker;
    struct worker_stats *stats; /* of this worker: STAT_ADD() of stats.h */
    uint8_t protocol;           /* enum client_protocol */

    /* Session. */
    bool authenticated;              /* change through client_set_authenticated() */
    bool in_multi;                   /* between MULTI and EXEC or DISCARD: client_set_multi() */
    bool multi_failed;               /* a command could not be queued: EXEC answers EXECABORT */
    _Atomic uint8_t db;              /* list; SELECT: client_set_db(). memcached is always 0 */
    uint32_t multi_flags;            /* COMMAND_* of all that is queued */
    _Atomic int32_t queued_count;    /* list; commands queued since MULTI, -1 outside */
    struct transaction *transaction; /* queue and watches, transaction.c; NULL: none */
    char *name;                      /* list; CLIENT SETNAME: client_set_name(); NULL: none */

    /* The present command. */
    const struct command *command; /* its row; NULL over memcache */
    bool in_transaction;           /* a heap transaction is open over its keys */
    uint8_t attempt;               /* how often it has returned COMMAND_RETRY */
    uint64_t room_bytes;           /* what was reserved for it */
    uint64_t wait_state;           /* 0 on the first call; kept over COMMAND_WAIT */
    struct index_key request_key;  /* its first key, hashed and prefetched already */

    /* The reply. */
    bool out_failed;
    struct buf out;
    size_t lent_bytes; /* of the reply that are not in it: loan.h */
};

/* ---- keys ---- */

/*
 * The index key of an argument in the client's database. The first key of a request has been hashed already, when it
 * was prefetched.
 */
static inline void client_key(const struct client *client, const void *data, uint32_t len, struct index_key *key)
{
    uint8_t db = atomic_load_explicit(&client->db, memory_order_relaxed);

    if (client->request_key.data == data && client->request_key.len == len && client->request_key.db == db)
        *key = client->request_key;
    else
        heap_key(client->heap, key, db, data, len);
}

/* ---- session ---- */

void client_set_db(struct client *client, uint8_t db);
/* A copy is kept; len 0 removes the name. False: no memory. The caller has checked the bytes. */
bool client_set_name(struct client *client, const void *name, size_t len);
void client_set_authenticated(struct client *client, bool authenticated);
/* Enters MULTI or leaves it. */
void client_set_multi(struct client *client, bool in_multi);

/* A client as CLIENT LIST and CLIENT INFO show it. Strings are good during the callback only. */
struct client_info {
    uint64_t id;
    const char *address; /* "127.0.0.1:4711", "/path/of/socket:0" */
    const char *local_address;
    const char *name;    /* "" for none */
    const char *command; /* name of the last command, "NULL" for none */
    int fd;
    uint64_t age_s, idle_s;
    uint8_t db;
    bool is_unix;         /* the connection's socket is no TCP one */
    int32_t queued_count; /* commands queued since MULTI, -1 outside */
};
void client_describe(const struct client *client, void (*each)(const struct client_info *info, void *context),
                     void *context);
/* All clients of all workers, in no order; each() must not block. */
void server_each_client(struct server *server, void (*each)(const struct client_info *info, void *context),
                        void *context);

/*
 * Has all connections closed that `chooses` says true of, each by its own worker and in a moment; chooses() must not
 * block. Returns their number.
 */
uint32_t server_kill_clients(struct server *server, bool (*chooses)(const struct client_info *info, void *context),
                             void *context);

/* ---- replies: raw ---- */

/* Room for `bytes` at the end of the reply, to be followed by reply_advance(); NULL when the reply has failed. */
char *reply_room_slow(struct client *client, size_t bytes);
static inline char *reply_room(struct client *client, size_t bytes)
{
    if (HEARTH_LIKELY(buf_room(&client->out) >= bytes))
        return (char *)buf_tail(&client->out);
    return reply_room_slow(client, bytes);
}
static inline void reply_advance(struct client *client, size_t bytes)
{
    client->out.end += bytes;
}

static inline void reply_raw(struct client *client, const void *bytes, size_t len)
{
    char *out = reply_room(client, len);

    if (HEARTH_LIKELY(out != NULL)) {
        memcpy(out, bytes, len);
        reply_advance(client, len);
    }
}
/* A string literal, as it is. */
#define reply_literal(client, text) reply_raw((client), (text), sizeof(text) - 1)

/* printf as it is; not for the hot path. */
void reply_printf(struct client *client, const char *fmt, ...) HEARTH_PRINTF(2, 3);

/* Where the reply stands, to undo it or to insert before what follows. */
static inline size_t reply_mark(const struct client *client)
{
    return buf_len(&client->out);
}
void reply_undo(struct client *client, size_t mark);
/* Inserts bytes at a mark: the head of an array whose count is known last. Moves what follows. */
void reply_insert(struct client *client, size_t mark, const void *bytes, size_t len);

/* ---- replies: RESP ---- */

static inline void reply_integer(struct client *client, int64_t value)
{
    char *out = reply_room(client, RESP_HEAD_MAX);

    if (HEARTH_LIKELY(out != NULL))
        reply_advance(client, resp_put_integer(out, value));
}
static inline void reply_bulk(struct client *client, const void *data, size_t len)
{
    char *out = reply_room(client, RESP_HEAD_MAX + len + 2);

    if (HEARTH_LIKELY(out != NULL))
        reply_advance(client, resp_put_bulk(out, data, len));
}
static inline void reply_bulk_text(struct client *client, const char *text)
{
    reply_bulk(client, text, strlen(text));
}
static inline void reply_array(struct client *client, uint64_t count)
{
    char *out = reply_room(client, RESP_HEAD_MAX);

    if (HEARTH_LIKELY(out != NULL))
        reply_advance(client, resp_put_array_head(out, count));
}
/* An array of `count` elements that have been written since `mark`. */
void reply_array_at(struct client *client, size_t mark, uint64_t count);
static inline void reply_null(struct client *client)
{
    reply_literal(client, RESP_REPLY_NULL_BULK);
}
static inline void reply_ok(struct client *client)
{
    reply_literal(client, RESP_REPLY_OK);
}
/* "+text". */
void reply_simple(struct client *client, const char *text);
/* "-text": text begins with its code, "ERR syntax error". Counted as an error. */
void reply_error(struct client *client, const char *text);
void reply_errorf(struct client *client, const char *fmt, ...) HEARTH_PRINTF(2, 3);
/* "-ERR wrong number of arguments for 'name' command"; for handlers with rules beyond the arity. */
void reply_arity_error(struct client *client);

#endif
