/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The few steps that all handlers of Redis commands share: looking up a value and counting it, storing one.
 *
 * IDEA     Redis counts a hit or a miss for each lookup of a command that reads, whether or not it counts as an access
 *          for eviction; commands that write count none.
 */
#ifndef HEARTH_SERVER_REDIS_VALUE_H
#define HEARTH_SERVER_REDIS_VALUE_H

#include "server/client.h"
#include "server/loan.h"
#include "server/stats.h"

/* The object under an argument, taken as an access: GET and its kind. */
static inline bool value_read(struct client *client, const struct resp_arg *arg, struct object *object)
{
    struct index_key key;

    client_key(client, arg->data, arg->len, &key);
    if (HEARTH_LIKELY(heap_get(client->heap_worker, &key, object))) {
        STAT_ADD(client->stats, keyspace_hits, 1);
        return true;
    }
    STAT_ADD(client->stats, keyspace_misses, 1);
    return false;
}

/* The same, not taken as an access: TTL, TYPE, EXISTS. */
static inline bool value_peek(struct client *client, const struct resp_arg *arg, struct object *object)
{
    struct index_key key;

    client_key(client, arg->data, arg->len, &key);
    if (heap_peek(client->heap_worker, &key, object)) {
        STAT_ADD(client->stats, keyspace_hits, 1);
        return true;
    }
    STAT_ADD(client->stats, keyspace_misses, 1);
    return false;
}

/* A hit or a miss of a command that reads under the lock of an edit. */
static inline void value_count(struct client *client, bool found)
{
    if (found)
        STAT_ADD(client->stats, keyspace_hits, 1);
    else
        STAT_ADD(client->stats, keyspace_misses, 1);
}

static inline void value_edit(struct client *client, const struct resp_arg *arg, struct heap_edit *edit,
                              struct index_key *key)
{
    client_key(client, arg->data, arg->len, key);
    heap_edit_begin(client->heap_worker, key, edit);
}

/*
 * Stores a value in one piece as a string. An expiry that has passed already deletes instead, as Redis does. The edit
 * stays open.
 */
static inline void value_put(struct client *client, struct heap_edit *edit, const void *data, uint32_t len,
                             uint32_t client_flags, uint64_t expire_at_ms)
{
    const struct log_part part = {data, len};
    const struct heap_put put = {
        .parts = &part, .part_count = 1, .client_flags = client_flags, .expire_at_ms = expire_at_ms};

    if (HEARTH_UNLIKELY(expire_at_ms != 0 && expire_at_ms <= heap_now_ms(client->heap_worker))) {
        heap_edit_delete(edit);
        return;
    }
    (void)heap_edit_put(edit, &put);
    STAT_ADD(client->stats, total_items, 1);
}

/* A bulk string of bytes that were got from the heap. */
static inline void reply_bulk_stored(struct client *client, const uint8_t *data, uint32_t len)
{
    char head[RESP_HEAD_MAX];

    if (HEARTH_LIKELY(len < LOAN_BYTES_MIN)) {
        reply_bulk(client, data, len);
        return;
    }
    reply_raw(client, head, resp_put_bulk_head(head, len));
    reply_stored(client, data, len);
    reply_literal(client, RESP_CRLF);
}

/* A bulk string of the object's value. */
static inline void reply_object(struct client *client, const struct object *object)
{
    reply_bulk_stored(client, object->value, object->value_len);
}

/* What has been written since `mark` becomes one bulk string. */
static inline void reply_bulk_since(struct client *client, size_t mark)
{
    char head[RESP_HEAD_MAX];
    size_t len = resp_put_bulk_head(head, reply_mark(client) - mark);

    reply_insert(client, mark, head, len);
    reply_literal(client, RESP_CRLF);
}

#endif
