/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of memcached's commands share.
 */
#ifndef HEARTH_SERVER_MEMCACHE_INTERNAL_H
#define HEARTH_SERVER_MEMCACHE_INTERNAL_H

#include "server/command.h"

/* A literal line with its line end, and its length: the last two arguments of memcache_reply(). */
#define LINE(text) (text "\r\n"), sizeof(text "\r\n") - 1

/* A reply that noreply silences. */
static inline void memcache_reply(struct client *client, const struct memcache_request *request, const char *line,
                                  size_t len)
{
    if (!request->noreply)
        reply_raw(client, line, len);
}

/* get, gets, gat, gats, touch: memcache_retrieve.c. */
enum command_status memcache_retrieve(struct client *client, const struct memcache_request *request);
enum command_status memcache_retrieve_and_touch(struct client *client, const struct memcache_request *request);
enum command_status memcache_touch(struct client *client, const struct memcache_request *request);

/* set, add, replace; cas; append, prepend; incr, decr: memcache_store.c. */
enum command_status memcache_store(struct client *client, const struct memcache_request *request);
enum command_status memcache_compare_and_store(struct client *client, const struct memcache_request *request);
enum command_status memcache_join(struct client *client, const struct memcache_request *request);
enum command_status memcache_count(struct client *client, const struct memcache_request *request);

/* Removes a key, for which room has been reserved. False: it does not exist. memcache_commands.c. */
bool memcache_delete(struct client *client, const uint8_t *name, uint32_t len);

/* stats and its sections: memcache_stats.c. */
void memcache_stats(struct client *client, const struct memcache_request *request);

#endif
