/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What reads: get, gets, gat, gats; and touch, which shares its write with gat.
 *
 * IDEA     touch and gat write the object anew under another expiry and the same CAS unique.
 */
#include "server/exptime.h"
#include "server/loan.h"
#include "server/memcache_internal.h"
#include "server/stats.h"

enum { KEYS_TOGETHER = 32 };

static HEARTH_INLINE void reply_value(struct client *client, const uint8_t *key, uint32_t key_len,
                                      const struct object *object, bool with_cas)
{
    bool large = object->value_len >= LOAN_BYTES_MIN;
    char *out = reply_room(client, MEMCACHE_VALUE_LINE_MAX + (large ? 0 : (size_t)object->value_len) + 2);
    size_t n;

    if (out == NULL)
        return;
    n = memcache_put_value_line(out, key, key_len, object->client_flags, object->value_len,
                                with_cas ? &object->cas : NULL);
    if (HEARTH_UNLIKELY(large)) {
        reply_advance(client, n);
        reply_stored(client, object->value, object->value_len);
        reply_literal(client, "\r\n");
        return;
    }
    if (object->value_len > 0)
        memcpy(out + n, object->value, object->value_len);
    n += object->value_len;
    out[n] = '\r';
    out[n + 1] = '\n';
    reply_advance(client, n + 2);
}

/* What a miss was, for those who wonder where their objects went. */
static void count_miss(struct client *client)
{
    switch (heap_why_missed(client->heap_worker)) {
    case HEAP_MISS_ABSENT:
        break;
    case HEAP_MISS_EXPIRED:
        STAT_ADD(client->stats, get_expired, 1);
        break;
    case HEAP_MISS_FLUSHED:
        STAT_ADD(client->stats, get_flushed, 1);
        break;
    }
}

/* The next keys, as many as wait for memory together. */
static uint32_t next_keys(struct client *client, struct memcache_cursor *cursor, struct index_key keys[KEYS_TOGETHER])
{
    uint32_t count = 0, len;
    const uint8_t *name;

    while (count < KEYS_TOGETHER && memcache_next_key(cursor, &name, &len))
        client_key(client, name, len, &keys[count++]);
    if (count > 1)
        heap_prefetch_all(client->heap_worker, keys, count);
    return count;
}

/* True: a hit, and answered. */
static HEARTH_INLINE bool retrieve_key(struct client *client, const struct index_key *key, bool with_cas)
{
    struct object object;

    if (HEARTH_LIKELY(heap_get(client->heap_worker, key, &object))) {
        reply_value(client, key->data, key->len, &object, with_cas);
        return true;
    }
    count_miss(client);
    return false;
}

enum command_status memcache_retrieve(struct client *client, const struct memcache_request *request)
{
    bool with_cas = request->verb == MEMCACHE_GETS;
    struct memcache_cursor cursor = memcache_keys(request);
    struct index_key list[KEYS_TOGETHER];
    uint64_t hits = 0, keys = 0;
    uint32_t count;

    if (HEARTH_LIKELY(request->key_count == 1)) {
        client_key(client, request->key, request->key_len, &list[0]);
        hits = retrieve_key(client, &list[0], with_cas);
        keys = 1;
    } else {
        while ((count = next_keys(client, &cursor, list)) != 0) {
            for (uint32_t i = 0; i < count; i++)
                hits += retrieve_key(client, &list[i], with_cas);
            keys += count;
        }
    }
    STAT_ADD(client->stats, cmd_get, keys);
    STAT_ADD(client->stats, get_hits, hits);
    STAT_ADD(client->stats, get_misses, keys - hits);
    if (!request->more)
        reply_literal(client, "END\r\n");
    return COMMAND_DONE;
}

/* The object under another expiry, with its unique; one that has passed deletes it. False: more room is needed. */
static bool touch_object(struct client *client, struct heap_edit *edit, uint32_t key_len, int64_t exptime_s)
{
    uint64_t expire_at_ms = exptime_of_memcache(exptime_s, heap_now_ms(client->heap_worker));

    if (!client_room_covers(client, key_len, edit->old.value_len))
        return false;
    if (expire_at_ms != edit->old.expire_at_ms)
        client_rewrite(client, edit, expire_at_ms, true);
    return true;
}

/* gat and gats. What a repetition after COMMAND_RETRY touches again ends where it would have. */
enum command_status memcache_retrieve_and_touch(struct client *client, const struct memcache_request *request)
{
    struct memcache_cursor cursor = memcache_keys(request);
    enum command_status status = COMMAND_DONE;
    struct heap_edit edit;
    struct index_key key;
    const uint8_t *name;
    uint32_t len;
    uint64_t hits = 0, keys = 0;

    while (status == COMMAND_DONE && memcache_next_key(&cursor, &name, &len)) {
        client_key(client, name, len, &key);
        heap_edit_begin(client->heap_worker, &key, &edit);
        keys++;
        if (edit.found && touch_object(client, &edit, len, request->exptime_s)) {
            reply_value(client, name, len, &edit.old, request->verb == MEMCACHE_GATS);
            hits++;
        } else if (edit.found) {
            status = COMMAND_RETRY;
        }
        heap_edit_end(&edit);
    }
    if (status == COMMAND_RETRY)
        return status;
    STAT_ADD(client->stats, cmd_get, keys);
    STAT_ADD(client->stats, cmd_touch, keys);
    STAT_ADD(client->stats, touch_hits, hits);
    STAT_ADD(client->stats, touch_misses, keys - hits);
    if (!request->more)
        reply_literal(client, "END\r\n");
    return COMMAND_DONE;
}

enum command_status memcache_touch(struct client *client, const struct memcache_request *request)
{
    struct heap_edit edit;
    struct index_key key;
    bool found;

    client_key(client, request->key, request->key_len, &key);
    heap_edit_begin(client->heap_worker, &key, &edit);
    found = edit.found;
    if (found && !touch_object(client, &edit, request->key_len, request->exptime_s)) {
        heap_edit_end(&edit);
        return COMMAND_RETRY;
    }
    heap_edit_end(&edit);
    STAT_ADD(client->stats, cmd_touch, 1);
    if (found) {
        STAT_ADD(client->stats, touch_hits, 1);
        memcache_reply(client, request, LINE("TOUCHED"));
    } else {
        STAT_ADD(client->stats, touch_misses, 1);
        memcache_reply(client, request, LINE("NOT_FOUND"));
    }
    return COMMAND_DONE;
}
