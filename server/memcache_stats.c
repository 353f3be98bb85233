/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stats: counters and settings under memcached's names, so that its exporters and tools read them.
 *
 * IDEA     What memcached reports and Hearth has is reported under memcached's name; what only memcached has (its slab
 *          mover, its LRU lists) is left out rather than invented. Since there are no slab classes, items and slabs
 *          show all objects as class 1.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/memcache_internal.h"
#include "server/options_parse.h"
#include "server/redis_version.h"
#include "server/server.h"

static void stat_number(struct client *client, const char *name, uint64_t value)
{
    reply_printf(client, "STAT %s %" PRIu64 "\r\n", name, value);
}

static void stat_text(struct client *client, const char *name, const char *value)
{
    reply_printf(client, "STAT %s %s\r\n", name, value);
}

static uint64_t option(const struct client *client, enum option which)
{
    return options_number(client->server->options, which);
}

static void stat_option(struct client *client, const char *name, enum option which)
{
    char text[1024];

    options_text(client->server->options, which, text, sizeof text);
    stat_text(client, name, text[0] != '\0' ? text : "NULL");
}

static uint64_t uptime_s(const struct server *server)
{
    return (clock_mono_us() - server->start_mono_us) / 1000000;
}

static void stat_time(struct client *client, const char *name, const struct timeval *time)
{
    reply_printf(client, "STAT %s %ld.%06ld\r\n", name, (long)time->tv_sec, (long)time->tv_usec);
}

/* Who and since when. */
static void general_process(struct client *client)
{
    struct rusage usage;

    stat_number(client, "pid", (uint64_t)getpid());
    stat_number(client, "uptime", uptime_s(client->server));
    stat_number(client, "time", clock_wall_ms() / 1000);
    stat_text(client, "version", MEMCACHE_VERSION_SPOKEN);
    stat_text(client, "hearth_version", HEARTH_VERSION_STRING);
    stat_number(client, "pointer_size", 8 * sizeof(void *));
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        stat_time(client, "rusage_user", &usage.ru_utime);
        stat_time(client, "rusage_system", &usage.ru_stime);
    }
    stat_number(client, "max_connections", option(client, OPTION_MAXCLIENTS));
}

/* The counters of stats.h, which bear memcached's names where it has one. */
static void general_counters(struct client *client, const struct stats *stats)
{
    for (int i = 0; i < STAT_COUNT; i++)
        stat_number(client, stat_table[i].name, stats->value[i]);
}

/* What the heap holds. */
static void general_heap(struct client *client)
{
    struct heap_stats heap;
    uint64_t keys, expires;

    heap_stats(client->heap, &heap);
    heap_count(client->heap, 0, &keys, &expires);
    stat_number(client, "limit_maxbytes", heap.pool_bytes);
    stat_number(client, "accepting_conns", 1);
    stat_number(client, "threads", client->server->worker_count);
    stat_number(client, "hash_bytes", heap.hash_bytes);
    stat_number(client, "bytes", heap.live_bytes);
    stat_number(client, "curr_items", keys);
    stat_number(client, "evictions", heap.evicted);
    stat_number(client, "reclaimed", heap.expired_collected);
    stat_number(client, "persist_lag_bytes", heap.persist_lag_bytes);
    stat_number(client, "persist_lag_ms", heap.persist_lag_ms);
    stat_text(client, "durability", server_durability(client->server));
    stat_number(client, "emulated", heap.emulated);
    stat_number(client, "index_complete", heap.filled);
    stat_number(client, "damaged_records", heap.damaged_records);
}

static void general(struct client *client)
{
    struct stats stats;

    stats_sum(client->server, &stats);
    general_process(client);
    general_counters(client, &stats);
    general_heap(client);
}

/* Anybody may ask over this protocol, so a secret is left out. */
static void each_setting(const char *name, const char *value, void *context)
{
    enum option which;

    if (option_find(name, &which) && option_table[which].type == OPTION_SECRET)
        return;
    reply_printf(context, "STAT %s %s\r\n", name, value[0] != '\0' ? value : "NULL");
}

/* memcached's names first, then every option of ours under its own. */
static void settings(struct client *client)
{
    struct heap_stats heap;

    heap_stats(client->heap, &heap);
    stat_number(client, "maxbytes", heap.pool_bytes);
    stat_number(client, "maxconns", option(client, OPTION_MAXCLIENTS));
    stat_option(client, "tcpport", OPTION_MEMCACHE_PORT);
    stat_number(client, "udpport", 0);
    stat_option(client, "inter", OPTION_BIND);
    stat_number(client, "verbosity", log_get_level() >= LOG_LEVEL_NOTICE ? 0 : LOG_LEVEL_NOTICE - log_get_level());
    stat_text(client, "evictions", option(client, OPTION_EVICTION) == HEAP_EVICTION_CACHE ? "on" : "off");
    stat_option(client, "domain_socket", OPTION_MEMCACHE_UNIXSOCKET);
    stat_option(client, "umask", OPTION_UNIXSOCKETPERM);
    stat_text(client, "shutdown_command", "no");
    stat_number(client, "num_threads", client->server->worker_count);
    stat_text(client, "cas_enabled", "yes");
    stat_option(client, "tcp_backlog", OPTION_TCP_BACKLOG);
    stat_text(client, "binding_protocol", "ascii");
    stat_text(client, "auth_enabled_sasl", "no");
    stat_text(client, "auth_enabled_ascii", "no");
    stat_number(client, "item_size_max", VALUE_BYTES_MAX);
    stat_text(client, "flush_enabled", "yes");
    stat_text(client, "dump_enabled", "no");
    stat_option(client, "memory_file", OPTION_POOL);
    config_match(client->server, "*", 1, each_setting, client);
}

static void items(struct client *client)
{
    struct heap_stats heap;
    uint64_t keys, expires;

    heap_stats(client->heap, &heap);
    heap_count(client->heap, 0, &keys, &expires);
    if (keys == 0)
        return;
    stat_number(client, "items:1:number", keys);
    stat_number(client, "items:1:evicted", heap.evicted);
    stat_number(client, "items:1:reclaimed", heap.expired_collected);
    stat_number(client, "items:1:mem_requested", heap.live_bytes);
}

/* Since all objects are of one class, so are all requests. */
static void slabs(struct client *client)
{
    static const enum stat_id counters[] = {STAT_get_hits,  STAT_cmd_set,  STAT_delete_hits, STAT_incr_hits,
                                            STAT_decr_hits, STAT_cas_hits, STAT_cas_badval,  STAT_touch_hits};
    struct heap_stats heap;
    struct stats stats;

    heap_stats(client->heap, &heap);
    stats_sum(client->server, &stats);
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(counters); i++)
        reply_printf(client, "STAT 1:%s %" PRIu64 "\r\n", stat_table[counters[i]].name, stats.value[counters[i]]);
    stat_number(client, "1:total_pages", heap.segments_total - heap.segments_free);
    stat_number(client, "1:mem_requested", heap.live_bytes);
    stat_number(client, "active_slabs", 1);
    stat_number(client, "total_malloced", heap.pool_used_bytes);
}

static void each_conn(const struct client_info *info, void *context)
{
    struct client *client = context;

    const char *transport = info->is_unix ? "unix" : "tcp";

    reply_printf(client, "STAT %d:addr %s:%s\r\n", info->fd, transport, info->address);
    reply_printf(client, "STAT %d:listen_addr %s:%s\r\n", info->fd, transport, info->local_address);
    reply_printf(client, "STAT %d:secs_since_last_cmd %" PRIu64 "\r\n", info->fd, info->idle_s);
}

static void conns(struct client *client)
{
    server_each_client(client->server, each_conn, client);
}

/* memcached's answer when it does not track sizes. */
static void sizes(struct client *client)
{
    stat_text(client, "sizes_status", "disabled");
}

void memcache_stats(struct client *client, const struct memcache_request *request)
{
    static const struct {
        const char *name;
        void (*report)(struct client *client);
    } sections[] = {{"settings", settings}, {"items", items}, {"slabs", slabs}, {"sizes", sizes}, {"conns", conns}};
    struct memcache_cursor cursor = memcache_keys(request);
    const uint8_t *name;
    uint32_t len;

    if (!memcache_next_key(&cursor, &name, &len)) {
        general(client);
        reply_literal(client, "END\r\n");
        return;
    }
    if (len == 5 && memcmp(name, "reset", 5) == 0) {
        stats_reset(client->server);
        reply_literal(client, "RESET\r\n");
        return;
    }
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(sections); i++) {
        if (len == strlen(sections[i].name) && memcmp(name, sections[i].name, len) == 0) {
            sections[i].report(client);
            reply_literal(client, "END\r\n");
            return;
        }
    }
    reply_literal(client, "ERROR\r\n");
}
