/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of memcached's commands share.
 */
#ifndef HEARTH_SERVER_MEMCACHE_INTERNAL_H
#define HEARTH_SERVER_MEMCACHE_INTERNAL_H

#include "server/client.h"

/* stats and its sections: memcache_stats.c. */
void memcache_stats(struct client *client, const struct memcache_request *request);

#endif
