/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What writes a value: set, add, replace, cas, append, prepend, incr, decr.
 */
#include "base/number.h"
#include "server/exptime.h"
#include "server/memcache_internal.h"
#include "server/object_type.h"
#include "server/stats.h"

/* The request's value under its key; an expiry that has passed stores nothing and removes what is there. */
static void put_value(struct client *client, struct heap_edit *edit, const struct memcache_request *request)
{
    uint64_t now_ms = heap_now_ms(client->heap_worker);
    const struct log_part part = {request->value, request->value_bytes};
    const struct heap_put put = {.parts = &part,
                                 .part_count = 1,
                                 .client_flags = request->flags,
                                 .expire_at_ms = exptime_of_memcache(request->exptime_s, now_ms)};

    if (put.expire_at_ms != 0 && put.expire_at_ms <= now_ms)
        heap_edit_delete(edit);
    else
        (void)heap_edit_put(edit, &put);
    STAT_ADD(client->stats, total_items, 1);
}

/* set, add, replace. */
enum command_status memcache_store(struct client *client, const struct memcache_request *request)
{
    struct heap_edit edit;
    struct index_key key;
    bool stores;

    client_key(client, request->key, request->key_len, &key);
    heap_edit_begin(client->heap_worker, &key, &edit);
    stores = request->verb == MEMCACHE_SET || edit.found == (request->verb == MEMCACHE_REPLACE);
    if (stores)
        put_value(client, &edit, request);
    heap_edit_end(&edit);
    STAT_ADD(client->stats, cmd_set, 1);
    if (stores)
        memcache_reply(client, request, LINE("STORED"));
    else
        memcache_reply(client, request, LINE("NOT_STORED"));
    return COMMAND_DONE;
}

enum command_status memcache_compare_and_store(struct client *client, const struct memcache_request *request)
{
    struct heap_edit edit;
    struct index_key key;

    client_key(client, request->key, request->key_len, &key);
    heap_edit_begin(client->heap_worker, &key, &edit);
    if (!edit.found) {
        STAT_ADD(client->stats, cas_misses, 1);
        memcache_reply(client, request, LINE("NOT_FOUND"));
    } else if (edit.old.cas != request->cas) {
        STAT_ADD(client->stats, cas_badval, 1);
        memcache_reply(client, request, LINE("EXISTS"));
    } else {
        put_value(client, &edit, request);
        STAT_ADD(client->stats, cas_hits, 1);
        memcache_reply(client, request, LINE("STORED"));
    }
    heap_edit_end(&edit);
    STAT_ADD(client->stats, cmd_set, 1);
    return COMMAND_DONE;
}

/* The old value and the new bytes, in the order of the verb; flags and expiry stay the old ones. */
static void put_joined(struct client *client, struct heap_edit *edit, const struct memcache_request *request)
{
    bool behind = request->verb == MEMCACHE_APPEND;
    const struct log_part old = {edit->old.value, edit->old.value_len};
    const struct log_part added = {request->value, request->value_bytes};
    const struct log_part parts[] = {behind ? old : added, behind ? added : old};
    const struct heap_put put = {.parts = parts,
                                 .part_count = 2,
                                 .client_flags = edit->old.client_flags,
                                 .expire_at_ms = edit->old.expire_at_ms};

    (void)heap_edit_put(edit, &put);
    STAT_ADD(client->stats, total_items, 1);
}

/* append and prepend. */
enum command_status memcache_join(struct client *client, const struct memcache_request *request)
{
    enum command_status status = COMMAND_DONE;
    struct heap_edit edit;
    struct index_key key;
    uint64_t joined;

    client_key(client, request->key, request->key_len, &key);
    heap_edit_begin(client->heap_worker, &key, &edit);
    joined = edit.found ? (uint64_t)edit.old.value_len + request->value_bytes : 0;
    if (!edit.found) {
        memcache_reply(client, request, LINE("NOT_STORED"));
    } else if (joined > VALUE_BYTES_MAX) {
        STAT_ADD(client->stats, store_too_large, 1);
        memcache_reply(client, request, LINE("NOT_STORED")); /* memcached's words for a result that is too large */
    } else if (!client_room_covers(client, request->key_len, joined)) {
        status = COMMAND_RETRY;
    } else {
        put_joined(client, &edit, request);
        memcache_reply(client, request, LINE("STORED"));
    }
    heap_edit_end(&edit);
    if (status == COMMAND_DONE)
        STAT_ADD(client->stats, cmd_set, 1);
    return status;
}

/* ---- counters ---- */

static void count_delta(struct client *client, bool up, bool found)
{
    if (up && found)
        STAT_ADD(client->stats, incr_hits, 1);
    else if (up)
        STAT_ADD(client->stats, incr_misses, 1);
    else if (found)
        STAT_ADD(client->stats, decr_hits, 1);
    else
        STAT_ADD(client->stats, decr_misses, 1);
}

#define SPACES_16 "                "
#define SPACES_256 \
    SPACES_16 SPACES_16 SPACES_16 SPACES_16 SPACES_16 SPACES_16 SPACES_16 SPACES_16 SPACES_16 SPACES_16 SPACES_16 \
        SPACES_16 SPACES_16 SPACES_16 SPACES_16 SPACES_16

/*
 * The number as the value: as long as the old value at least, filled with spaces, as memcached leaves it. A long text
 * that begins with a number counts as one, so there may be much to fill: it is gathered from pieces.
 */
static void put_counter(struct heap_edit *edit, const char *digits, uint32_t len)
{
    static const char spaces[] =
        SPACES_256 SPACES_256 SPACES_256 SPACES_256 SPACES_256 SPACES_256 SPACES_256 SPACES_256;
    struct log_part parts[1 + VALUE_BYTES_MAX / (sizeof spaces - 1) + 1]; /* not cleared: it is 8 KB */
    uint32_t fill = edit->old.value_len > len ? edit->old.value_len - len : 0;
    struct heap_put put = {.parts = parts,
                           .part_count = 1,
                           .client_flags = edit->old.client_flags,
                           .expire_at_ms = edit->old.expire_at_ms,
                           .type = fill > 0 ? OBJECT_FILLED_NUMBER : OBJECT_STRING};

    parts[0] = (struct log_part){digits, len};
    while (fill > 0) {
        uint32_t piece = fill < sizeof spaces - 1 ? fill : (uint32_t)(sizeof spaces - 1);
        parts[put.part_count++] = (struct log_part){spaces, piece};
        fill -= piece;
    }
    (void)heap_edit_put(edit, &put);
}

/* incr, wrapping at 64 bits, and decr, stopping at 0. */
enum command_status memcache_count(struct client *client, const struct memcache_request *request)
{
    bool up = request->verb == MEMCACHE_INCR;
    enum command_status status = COMMAND_DONE;
    char digits[NUMBER_TEXT_BYTES_MAX + 2];
    struct heap_edit edit;
    struct index_key key;
    uint64_t value;
    size_t len;

    client_key(client, request->key, request->key_len, &key);
    heap_edit_begin(client->heap_worker, &key, &edit);
    if (!edit.found) {
        count_delta(client, up, false);
        memcache_reply(client, request, LINE("NOT_FOUND"));
    } else if (!number_parse_u64_loose(edit.old.value, edit.old.value_len, &value)) {
        memcache_reply(client, request, LINE("CLIENT_ERROR cannot increment or decrement non-numeric value"));
    } else if (!client_room_covers(client, request->key_len, edit.old.value_len)) {
        status = COMMAND_RETRY;
    } else {
        value = up ? value + request->delta : value > request->delta ? value - request->delta : 0;
        len = number_format_u64(digits, value);
        put_counter(&edit, digits, (uint32_t)len);
        memcpy(digits + len, "\r\n", 2);
        count_delta(client, up, true);
        memcache_reply(client, request, digits, len + 2);
    }
    heap_edit_end(&edit);
    return status;
}
