/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much room in the log a memcached request needs, and what it is told when there is none.
 */
#include "base/number.h"
#include "server/command.h"
#include "server/memcache_internal.h"
#include "server/stats.h"

/* A rewrite of each key of gat and gats. */
static void room_for_all(const struct client *client, const struct memcache_request *request, struct command_room *room)
{
    struct memcache_cursor cursor = memcache_keys(request);
    const uint8_t *name;
    uint32_t len;

    while (memcache_next_key(&cursor, &name, &len)) {
        room->bytes += heap_bytes(len, client_old_bound_of(client, name, len));
        room->records++;
    }
}

static void room_for_delete(const struct memcache_request *request, struct command_room *room)
{
    command_room_for_one(request->key_len, 0, room);
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
        command_room_for_one(request->key_len, request->value_bytes, room);
        break;
    case MEMCACHE_APPEND:
    case MEMCACHE_PREPEND:
        command_room_for_one(
            request->key_len,
            (uint64_t)client_old_bound_of(client, request->key, request->key_len) + request->value_bytes, room);
        break;
    case MEMCACHE_INCR:
    case MEMCACHE_DECR: { /* as long as before, or the longest number */
        uint64_t old = client_old_bound_of(client, request->key, request->key_len);
        command_room_for_one(request->key_len, old > NUMBER_TEXT_BYTES_MAX ? old : NUMBER_TEXT_BYTES_MAX, room);
        break;
    }
    case MEMCACHE_TOUCH:
        command_room_for_one(request->key_len, client_old_bound_of(client, request->key, request->key_len), room);
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

enum command_status memcache_refuse_full(struct client *client, const struct memcache_request *request)
{
    /* What a refused `set` would have replaced goes, so that nobody gets the old value for the new one. */
    if (request->verb == MEMCACHE_SET) {
        switch (heap_reserve(client->heap_worker, heap_bytes(request->key_len, 0), 1, true)) {
        case HEAP_RESERVED:
            (void)memcache_delete(client, request->key, request->key_len);
            break;
        case HEAP_WAIT:
            return COMMAND_WAIT;
        case HEAP_FULL: /* not even a delete fits */
            break;
        }
    }
    STAT_ADD(client->stats, store_no_memory, 1);
    if (request->verb == MEMCACHE_INCR)
        memcache_reply(client, request, LINE("SERVER_ERROR out of memory in incr"));
    else if (request->verb == MEMCACHE_DECR)
        memcache_reply(client, request, LINE("SERVER_ERROR out of memory in decr"));
    else
        memcache_reply(client, request, LINE("SERVER_ERROR out of memory storing object"));
    return COMMAND_DONE;
}
