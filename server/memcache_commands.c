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
#include "server/command.h"
#include "server/exptime.h"
#include "server/loan.h"
#include "server/memcache_internal.h"
#include "server/redis_version.h"
#include "server/server.h"
#include "server/stats.h"

bool memcache_delete(struct client *client, const uint8_t *name, uint32_t len)
{
    struct heap_edit edit;
    struct index_key key;

    client_key(client, name, len, &key);
    heap_edit_begin(client->heap_worker, &key, &edit);
    heap_edit_delete(&edit); /* of what is damaged too */
    heap_edit_end(&edit);
    return edit.found;
}

static enum command_status remove_key(struct client *client, const struct memcache_request *request)
{
    if (memcache_delete(client, request->key, request->key_len)) {
        STAT_ADD(client->stats, delete_hits, 1);
        memcache_reply(client, request, LINE("DELETED"));
    } else {
        STAT_ADD(client->stats, delete_misses, 1);
        memcache_reply(client, request, LINE("NOT_FOUND"));
    }
    return COMMAND_DONE;
}

/* flush_all: database 0, now, after a delay, or at a moment told as an exptime. */
static enum command_status flush_all(struct client *client, const struct memcache_request *request)
{
    uint64_t now_ms = heap_now_ms(client->heap_worker);
    uint64_t at_ms = exptime_of_memcache(request->exptime_s, now_ms);

    STAT_ADD(client->stats, cmd_flush, 1);
    loans_repay_all(client->worker);
    if (heap_flush(client->heap_worker, 1, at_ms > now_ms ? at_ms : 0) == PM_OK)
        memcache_reply(client, request, LINE("OK"));
    else
        memcache_reply(client, request, LINE("SERVER_ERROR the flush could not be written to the pool"));
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
        memcache_reply(client, request, LINE("OK"));
    else
        memcache_reply(client, request, LINE("SERVER_ERROR the level of the log could not be set"));
    return COMMAND_DONE;
}

/* A request that the parser refused. A `set` that is too large leaves no old value behind for a new one. */
static enum command_status refuse(struct client *client, const struct memcache_request *request)
{
    if (request->verb == MEMCACHE_OVERSIZE) {
        STAT_ADD(client->stats, store_too_large, 1);
        if (request->attempted == MEMCACHE_SET)
            (void)memcache_delete(client, request->key, request->key_len);
    }
    reply_raw(client, request->error, request->error_len);
    return COMMAND_DONE;
}

enum command_status memcache_execute(struct client *client, const struct memcache_request *request)
{
    switch (request->verb) {
    case MEMCACHE_GET:
    case MEMCACHE_GETS:
        return memcache_retrieve(client, request);
    case MEMCACHE_GAT:
    case MEMCACHE_GATS:
        return memcache_retrieve_and_touch(client, request);
    case MEMCACHE_SET:
    case MEMCACHE_ADD:
    case MEMCACHE_REPLACE:
        return memcache_store(client, request);
    case MEMCACHE_APPEND:
    case MEMCACHE_PREPEND:
        return memcache_join(client, request);
    case MEMCACHE_CAS:
        return memcache_compare_and_store(client, request);
    case MEMCACHE_INCR:
    case MEMCACHE_DECR:
        return memcache_count(client, request);
    case MEMCACHE_DELETE:
        return remove_key(client, request);
    case MEMCACHE_TOUCH:
        return memcache_touch(client, request);
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
