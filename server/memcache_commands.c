/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands of memcached's text protocol, on database 0.
 *
 * IDEA     A value is the bytes that the client sent; flags and expiry stand beside it in the record, and the CAS unique
 *          is the record's commit timestamp, so that all three hold for Redis clients and over restarts too.
 * ERRORS   What the parser refuses comes as a request with the line to answer. `noreply` silences every reply.
 * SOURCE   memcached's doc/protocol.txt, and the behaviour of memcached 1.6.18 observed from outside.
 */
#include "base/assert.h"
#include "base/number.h"
#include "server/command.h"
#include "server/exptime.h"
#include "server/memcache_internal.h"
#include "server/object_type.h"
#include "server/redis_version.h"
#include "server/server.h"
#include "server/stats.h"

#define REPLY(text) (text "\r\n"), sizeof(text "\r\n") - 1

static void reply_line(struct client *client, const struct memcache_request *request, const char *line, size_t len)
{
    if (!request->noreply)
        reply_raw(client, line, len);
}

/* ---- retrievals ---- */

static void reply_value(struct client *client, const uint8_t *key, uint32_t key_len, const struct object *object,
                        bool with_cas)
{
    char *out = reply_room(client, MEMCACHE_VALUE_LINE_MAX + (size_t)object->value_len + 2);
    size_t n;

    if (out == NULL)
        return;
    n = memcache_put_value_line(out, key, key_len, object->client_flags, object->value_len,
                                with_cas ? &object->cas : NULL);
    if (object->value_len > 0)
        memcpy(out + n, object->value, object->value_len);
    n += object->value_len;
    out[n] = '\r';
    out[n + 1] = '\n';
    reply_advance(client, n + 2);
}

static enum command_status retrieve(struct client *client, const struct memcache_request *request)
{
    bool with_cas = request->verb == MEMCACHE_GETS;
    struct memcache_cursor cursor = memcache_keys(request);
    struct index_key key;
    struct object object;
    const uint8_t *name;
    uint32_t len;
    uint64_t hits = 0, keys = 0;

    while (memcache_next_key(&cursor, &name, &len)) {
        client_key(client, name, len, &key);
        keys++;
        if (heap_get(client->heap_worker, &key, &object)) {
            reply_value(client, name, len, &object, with_cas);
            hits++;
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
    const struct log_part part = {edit->old.value, edit->old.value_len};
    const struct heap_put put = {.parts = &part,
                                 .part_count = 1,
                                 .client_flags = edit->old.client_flags,
                                 .expire_at_ms = expire_at_ms,
                                 .keep_cas = true,
                                 .type = edit->old.type};

    if (!client_room_covers(client, key_len, edit->old.value_len))
        return false;
    if (expire_at_ms != 0 && expire_at_ms <= heap_now_ms(client->heap_worker))
        heap_edit_delete(edit);
    else if (expire_at_ms != edit->old.expire_at_ms)
        (void)heap_edit_put(edit, &put);
    return true;
}

/* gat and gats. What a repetition after COMMAND_RETRY touches again ends where it would have. */
static enum command_status retrieve_and_touch(struct client *client, const struct memcache_request *request)
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

static enum command_status touch(struct client *client, const struct memcache_request *request)
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
        reply_line(client, request, REPLY("TOUCHED"));
    } else {
        STAT_ADD(client->stats, touch_misses, 1);
        reply_line(client, request, REPLY("NOT_FOUND"));
    }
    return COMMAND_DONE;
}

/* ---- stores ---- */

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
static enum command_status store(struct client *client, const struct memcache_request *request)
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
        reply_line(client, request, REPLY("STORED"));
    else
        reply_line(client, request, REPLY("NOT_STORED"));
    return COMMAND_DONE;
}

static enum command_status compare_and_store(struct client *client, const struct memcache_request *request)
{
    struct heap_edit edit;
    struct index_key key;

    client_key(client, request->key, request->key_len, &key);
    heap_edit_begin(client->heap_worker, &key, &edit);
    if (!edit.found) {
        STAT_ADD(client->stats, cas_misses, 1);
        reply_line(client, request, REPLY("NOT_FOUND"));
    } else if (edit.old.cas != request->cas) {
        STAT_ADD(client->stats, cas_badval, 1);
        reply_line(client, request, REPLY("EXISTS"));
    } else {
        put_value(client, &edit, request);
        STAT_ADD(client->stats, cas_hits, 1);
        reply_line(client, request, REPLY("STORED"));
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
static enum command_status join(struct client *client, const struct memcache_request *request)
{
    enum command_status status = COMMAND_DONE;
    struct heap_edit edit;
    struct index_key key;
    uint64_t joined;

    client_key(client, request->key, request->key_len, &key);
    heap_edit_begin(client->heap_worker, &key, &edit);
    joined = edit.found ? (uint64_t)edit.old.value_len + request->value_bytes : 0;
    if (!edit.found) {
        reply_line(client, request, REPLY("NOT_STORED"));
    } else if (joined > VALUE_BYTES_MAX) {
        STAT_ADD(client->stats, store_too_large, 1);
        reply_line(client, request, REPLY("NOT_STORED")); /* memcached's words for a result that is too large */
    } else if (!client_room_covers(client, request->key_len, joined)) {
        status = COMMAND_RETRY;
    } else {
        put_joined(client, &edit, request);
        reply_line(client, request, REPLY("STORED"));
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
    SPACES_16 SPACES_16 SPACES_16 SPACES_16 SPACES_16 SPACES_16 SPACES_16 SPACES_16 \
    SPACES_16 SPACES_16 SPACES_16 SPACES_16 SPACES_16 SPACES_16 SPACES_16 SPACES_16

/*
 * The number as the value: as long as the old value at least, filled with spaces, as memcached leaves it. A long text
 * that begins with a number counts as one, so there may be much to fill: it is gathered from pieces.
 */
static void put_counter(struct heap_edit *edit, const char *digits, uint32_t len)
{
    static const char spaces[] = SPACES_256 SPACES_256 SPACES_256 SPACES_256 SPACES_256 SPACES_256 SPACES_256 SPACES_256;
    struct log_part parts[1 + VALUE_BYTES_MAX / (sizeof spaces - 1) + 1] = {{digits, len}};
    uint32_t fill = edit->old.value_len > len ? edit->old.value_len - len : 0;
    struct heap_put put = {.parts = parts,
                           .part_count = 1,
                           .client_flags = edit->old.client_flags,
                           .expire_at_ms = edit->old.expire_at_ms,
                           .type = fill > 0 ? OBJECT_FILLED_NUMBER : OBJECT_STRING};

    while (fill > 0) {
        uint32_t piece = fill < sizeof spaces - 1 ? fill : (uint32_t)(sizeof spaces - 1);
        parts[put.part_count++] = (struct log_part){spaces, piece};
        fill -= piece;
    }
    (void)heap_edit_put(edit, &put);
}

/* incr, wrapping at 64 bits, and decr, stopping at 0. */
static enum command_status change_counter(struct client *client, const struct memcache_request *request)
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
        reply_line(client, request, REPLY("NOT_FOUND"));
    } else if (!number_parse_u64_loose(edit.old.value, edit.old.value_len, &value)) {
        reply_line(client, request, REPLY("CLIENT_ERROR cannot increment or decrement non-numeric value"));
    } else if (!client_room_covers(client, request->key_len, edit.old.value_len)) {
        status = COMMAND_RETRY;
    } else {
        value = up ? value + request->delta : value > request->delta ? value - request->delta : 0;
        len = number_format_u64(digits, value);
        put_counter(&edit, digits, (uint32_t)len);
        memcpy(digits + len, "\r\n", 2);
        count_delta(client, up, true);
        reply_line(client, request, digits, len + 2);
    }
    heap_edit_end(&edit);
    return status;
}

/* ---- the rest ---- */

static void delete_key(struct client *client, const uint8_t *name, uint32_t len, bool *found)
{
    struct heap_edit edit;
    struct index_key key;

    client_key(client, name, len, &key);
    heap_edit_begin(client->heap_worker, &key, &edit);
    *found = edit.found;
    if (edit.found)
        heap_edit_delete(&edit);
    heap_edit_end(&edit);
}

static enum command_status remove_key(struct client *client, const struct memcache_request *request)
{
    bool found;

    delete_key(client, request->key, request->key_len, &found);
    if (found) {
        STAT_ADD(client->stats, delete_hits, 1);
        reply_line(client, request, REPLY("DELETED"));
    } else {
        STAT_ADD(client->stats, delete_misses, 1);
        reply_line(client, request, REPLY("NOT_FOUND"));
    }
    return COMMAND_DONE;
}

/* flush_all: database 0, now, after a delay, or at a moment told as an exptime. */
static enum command_status flush_all(struct client *client, const struct memcache_request *request)
{
    uint64_t now_ms = heap_now_ms(client->heap_worker);
    uint64_t at_ms = exptime_of_memcache(request->exptime_s, now_ms);

    STAT_ADD(client->stats, cmd_flush, 1);
    if (heap_flush(client->heap_worker, 1, at_ms > now_ms ? at_ms : 0) == PM_OK)
        reply_line(client, request, REPLY("OK"));
    else
        reply_line(client, request, REPLY("SERVER_ERROR the flush could not be written to the pool"));
    return COMMAND_DONE;
}

/* verbosity sets the level of the log, as -v does: 0 notice, 1 info, beyond that debug. */
static enum command_status verbosity(struct client *client, const struct memcache_request *request)
{
    const char *level = request->delta == 0 ? "notice" : request->delta == 1 ? "info" : "debug";
    const struct resp_arg pair[] = {{(const uint8_t *)"loglevel", 8},
                                    {(const uint8_t *)level, (uint32_t)strlen(level)}};
    char error[OPTION_ERROR_BYTES];

    if (config_set(client->server, pair, 1, error))
        reply_line(client, request, REPLY("OK"));
    else
        reply_line(client, request, REPLY("SERVER_ERROR the level of the log could not be set"));
    return COMMAND_DONE;
}

/* A request that the parser refused. A `set` that is too large leaves no old value behind for a new one. */
static enum command_status refuse(struct client *client, const struct memcache_request *request)
{
    bool found;

    if (request->verb == MEMCACHE_OVERSIZE) {
        STAT_ADD(client->stats, store_too_large, 1);
        if (request->attempted == MEMCACHE_SET)
            delete_key(client, request->key, request->key_len, &found);
    }
    reply_raw(client, request->error, request->error_len);
    return COMMAND_DONE;
}

enum command_status memcache_execute(struct client *client, const struct memcache_request *request)
{
    switch (request->verb) {
    case MEMCACHE_GET:
    case MEMCACHE_GETS:
        return retrieve(client, request);
    case MEMCACHE_GAT:
    case MEMCACHE_GATS:
        return retrieve_and_touch(client, request);
    case MEMCACHE_SET:
    case MEMCACHE_ADD:
    case MEMCACHE_REPLACE:
        return store(client, request);
    case MEMCACHE_APPEND:
    case MEMCACHE_PREPEND:
        return join(client, request);
    case MEMCACHE_CAS:
        return compare_and_store(client, request);
    case MEMCACHE_INCR:
    case MEMCACHE_DECR:
        return change_counter(client, request);
    case MEMCACHE_DELETE:
        return remove_key(client, request);
    case MEMCACHE_TOUCH:
        return touch(client, request);
    case MEMCACHE_FLUSH_ALL:
        return flush_all(client, request);
    case MEMCACHE_VERBOSITY:
        return verbosity(client, request);
    case MEMCACHE_STATS:
        memcache_stats(client, request);
        return COMMAND_DONE;
    case MEMCACHE_VERSION:
        reply_literal(client, "VERSION " MEMCACHE_VERSION_SPOKEN "\r\n");
        return COMMAND_DONE;
    case MEMCACHE_QUIT:
        return COMMAND_CLOSE;
    case MEMCACHE_SHUTDOWN: /* as memcached without -A */
        reply_literal(client, "ERROR: shutdown not enabled\r\n");
        return COMMAND_DONE;
    case MEMCACHE_INVALID:
    case MEMCACHE_OVERSIZE:
        return refuse(client, request);
    }
    never("the parser gives no other verb");
}
