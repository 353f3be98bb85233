/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much room in the log a memcached request needs, and what it is told when there is none.
 */
#include "base/number.h"
#include "server/command.h"
#include "server/memcache_internal.h"
#include "server/stats.h"

/* One record of the request's key with a value of so many bytes, at most of the largest: more is refused. */
static void room_for_one(const struct memcache_request *request, uint64_t value_bytes, struct command_room *room)
{
    room->value_bytes = value_bytes < VALUE_BYTES_MAX ? value_bytes : VALUE_BYTES_MAX;
    room->bytes = heap_bytes(request->key_len, room->value_bytes);
    room->records = 1;
}

static uint64_t old_value_bound(const struct client *client, const uint8_t *name, uint32_t len)
{
    struct index_key key;

    client_key(client, name, len, &key);
    return client_old_value_bound(client, &key);
}

/* A rewrite of each key of gat and gats. */
static void room_for_all(const struct client *client, const struct memcache_request *request, struct command_room *room)
{
    struct memcache_cursor cursor = memcache_keys(request);
    const uint8_t *name;
    uint32_t len;

    while (memcache_next_key(&cursor, &name, &len)) {
        room->bytes += heap_bytes(len, old_value_bound(client, name, len));
        room->records++;
    }
}

static void room_for_delete(const struct memcache_request *request, struct command_room *room)
{
    room_for_one(request, 0, room);
    room->deletes_only = true;
}

void memcache_room(struct client *client, const struct memcache_request *request, struct command_room *room)
{
    *room = (struct command_room){0};
    switch (request->verb) {
    case MEMCACHE_SET:
    case MEMCACHE_ADD:
    case MEMCACHE_REPLACE:
    case MEMCACHE_CAS:
        room_for_one(request, request->value_bytes, room);
        break;
    case MEMCACHE_APPEND:
    case MEMCACHE_PREPEND:
        room_for_one(request, old_value_bound(client, request->key, request->key_len) + request->value_bytes, room);
        break;
    case MEMCACHE_INCR:
    case MEMCACHE_DECR: { /* as long as before, or the longest number */
        uint64_t old = old_value_bound(client, request->key, request->key_len);
        room_for_one(request, old > NUMBER_TEXT_BYTES_MAX ? old : NUMBER_TEXT_BYTES_MAX, room);
        break;
    }
    case MEMCACHE_TOUCH:
        room_for_one(request, old_value_bound(client, request->key, request->key_len), room);
        break;
    case MEMCACHE_GAT:
    case MEMCACHE_GATS:
        room_for_all(client, request, room);
        break;
    case MEMCACHE_DELETE:
        room_for_delete(request, room);
        break;
    case MEMCACHE_FLUSH_ALL:
        *room = (struct command_room){.bytes = heap_flush_bytes(), .records = 1, .deletes_only = true};
        break;
    case MEMCACHE_OVERSIZE:
        if (request->attempted == MEMCACHE_SET)
            room_for_delete(request, room);
        break;
    case MEMCACHE_GET:
    case MEMCACHE_GETS:
    case MEMCACHE_VERBOSITY:
    case MEMCACHE_STATS:
    case MEMCACHE_VERSION:
    case MEMCACHE_QUIT:
    case MEMCACHE_SHUTDOWN:
    case MEMCACHE_INVALID:
        break;
    }
}

/* Removes what a refused `set` would have replaced, so that nobody gets the old value for the new one. */
static void drop_old(struct client *client, const struct memcache_request *request)
{
    struct heap_edit edit;
    struct index_key key;

    if (heap_reserve(client->heap_worker, heap_bytes(request->key_len, 0), 1, true) != HEAP_RESERVED)
        return;
    client_key(client, request->key, request->key_len, &key);
    heap_edit_begin(client->heap_worker, &key, &edit);
    if (edit.found)
        heap_edit_delete(&edit);
    heap_edit_end(&edit);
}

void memcache_refuse_full(struct client *client, const struct memcache_request *request)
{
    if (request->verb == MEMCACHE_SET)
        drop_old(client, request);
    if (request->verb == MEMCACHE_INCR)
        memcache_reply(client, request, LINE("SERVER_ERROR out of memory in incr"));
    else if (request->verb == MEMCACHE_DECR)
        memcache_reply(client, request, LINE("SERVER_ERROR out of memory in decr"));
    else
        memcache_reply(client, request, LINE("SERVER_ERROR out of memory storing object"));
}
