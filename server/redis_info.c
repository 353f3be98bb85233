/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * INFO: figures of the server in Redis's sections and under Redis's names, so that its exporters read them; and a
 * section `hearth` with those that Redis does not have.
 *
 * IDEA     A section is a row with a function. What Redis reports and Hearth has is given; of what Hearth does not do
 *          (saves, replicas, modules) those fields are given that tools insist on, with the value that is true here.
 *          Memory means the pool, where the objects are: used_memory against maxmemory is what an operator watches
 *          before eviction begins. The memory of the process itself is used_memory_rss.
 *          The usec of commandstats is an estimate: a worker times its first 256 calls of a command, and then one in 256,
 *          which counts for as many (stat_time_weight()). It is the time of the command itself, as in Redis: without
 *          the reading and writing of the socket, and without the fence that its turn ends with.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/redis_argument.h"
#include "server/redis_commands.h"
#include "server/redis_value.h"
#include "server/redis_version.h"
#include "server/server.h"

/* What the sections report from, collected once. */
struct info {
    struct client *client;
    struct server *server;
    struct stats stats;
    struct heap_stats heap;
};

#define TEXT(info, name, value) reply_printf((info)->client, "%s:%s\r\n", name, value)
#define NUMBER(info, name, value) reply_printf((info)->client, "%s:%" PRIu64 "\r\n", name, (uint64_t)(value))

static uint64_t counter(const struct info *info, enum stat_id which)
{
    return info->stats.value[which];
}

static void section_server(const struct info *info)
{
    uint64_t uptime_s = (clock_mono_us() - info->server->start_mono_us) / 1000000;
    const char *config = info->server->options->config_path;
    struct utsname system;

    TEXT(info, "redis_version", REDIS_VERSION_SPOKEN);
    TEXT(info, "hearth_version", HEARTH_VERSION_STRING);
    TEXT(info, "redis_mode", "standalone");
    if (uname(&system) == 0)
        reply_printf(info->client, "os:%s %s %s\r\n", system.sysname, system.release, system.machine);
    NUMBER(info, "arch_bits", 8 * sizeof(void *));
    TEXT(info, "monotonic_clock", "POSIX clock_gettime");
    TEXT(info, "multiplexing_api", "libevent");
    NUMBER(info, "process_id", getpid());
    TEXT(info, "run_id", info->server->run_id);
    NUMBER(info, "tcp_port", options_number(info->server->options, OPTION_REDIS_PORT));
    NUMBER(info, "memcache_port", options_number(info->server->options, OPTION_MEMCACHE_PORT));
    NUMBER(info, "server_time_usec", clock_wall_ms() * 1000);
    NUMBER(info, "uptime_in_seconds", uptime_s);
    NUMBER(info, "uptime_in_days", uptime_s / 86400);
    TEXT(info, "config_file", config != NULL ? config : "");
    NUMBER(info, "io_threads_active", info->server->worker_count > 1);
}

static void section_clients(const struct info *info)
{
    NUMBER(info, "connected_clients", counter(info, STAT_curr_connections));
    NUMBER(info, "cluster_connections", 0);
    NUMBER(info, "maxclients", options_number(info->server->options, OPTION_MAXCLIENTS));
    NUMBER(info, "blocked_clients", 0);
    NUMBER(info, "tracking_clients", 0);
}

/* Resident bytes of the process that are its own, without the pool, which the system can drop. */
static uint64_t anonymous_bytes(void)
{
    unsigned long size = 0, resident = 0, shared = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file == NULL)
        return 0;
    if (fscanf(file, "%lu %lu %lu", &size, &resident, &shared) != 3)
        resident = shared = 0;
    (void)fclose(file);
    return (uint64_t)(resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void human(const struct info *info, const char *name, uint64_t bytes)
{
    static const char units[] = "BKMGTP";
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1024 && unit + 2 < sizeof units) {
        value /= 1024;
        unit++;
    }
    reply_printf(info->client, unit == 0 ? "%s:%.0f%c\r\n" : "%s:%.2f%c\r\n", name, value, units[unit]);
}

static void section_memory(const struct info *info)
{
    uint64_t rss = anonymous_bytes();

    NUMBER(info, "used_memory", info->heap.pool_used_bytes);
    human(info, "used_memory_human", info->heap.pool_used_bytes);
    NUMBER(info, "used_memory_rss", rss);
    human(info, "used_memory_rss_human", rss);
    NUMBER(info, "used_memory_overhead", info->heap.pool_used_bytes - info->heap.live_bytes);
    NUMBER(info, "used_memory_dataset", info->heap.live_bytes);
    NUMBER(info, "total_system_memory", (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
    NUMBER(info, "maxmemory", info->heap.pool_bytes);
    human(info, "maxmemory_human", info->heap.pool_bytes);
    TEXT(info, "maxmemory_policy", config_maxmemory_policy(info->server->options));
    TEXT(info, "mem_allocator", "libc");
    NUMBER(info, "mem_hash_index", info->heap.hash_bytes);
    NUMBER(info, "active_defrag_running", 0);
}

/* There are no saves: everything is in the pool already. */
static void section_persistence(const struct info *info)
{
    NUMBER(info, "loading", 0);
    NUMBER(info, "async_loading", 0);
    NUMBER(info, "rdb_changes_since_last_save", 0);
    NUMBER(info, "rdb_bgsave_in_progress", 0);
    NUMBER(info, "rdb_last_save_time", clock_wall_ms() / 1000 - info->heap.persist_lag_ms / 1000);
    TEXT(info, "rdb_last_bgsave_status", info->heap.failed ? "err" : "ok");
    TEXT(info, "rdb_last_bgsave_time_sec", "-1");
    TEXT(info, "rdb_current_bgsave_time_sec", "-1");
    NUMBER(info, "rdb_last_cow_size", 0);
    NUMBER(info, "aof_enabled", 0);
    NUMBER(info, "aof_rewrite_in_progress", 0);
    NUMBER(info, "aof_rewrite_scheduled", 0);
    TEXT(info, "aof_last_bgrewrite_status", "ok");
    TEXT(info, "aof_last_write_status", info->heap.failed ? "err" : "ok");
}

static void section_stats(const struct info *info)
{
    NUMBER(info, "total_connections_received", counter(info, STAT_total_connections));
    NUMBER(info, "total_commands_processed", counter(info, STAT_commands));
    NUMBER(info, "total_net_input_bytes", counter(info, STAT_bytes_read));
    NUMBER(info, "total_net_output_bytes", counter(info, STAT_bytes_written));
    NUMBER(info, "rejected_connections", counter(info, STAT_rejected_connections));
    NUMBER(info, "sync_full", 0);
    NUMBER(info, "sync_partial_ok", 0);
    NUMBER(info, "sync_partial_err", 0);
    NUMBER(info, "expired_keys", info->heap.expired_collected);
    NUMBER(info, "evicted_keys", info->heap.evicted);
    NUMBER(info, "keyspace_hits", counter(info, STAT_keyspace_hits));
    NUMBER(info, "keyspace_misses", counter(info, STAT_keyspace_misses));
    NUMBER(info, "pubsub_channels", 0);
    NUMBER(info, "pubsub_patterns", 0);
    NUMBER(info, "latest_fork_usec", 0);
    NUMBER(info, "total_forks", 0);
    NUMBER(info, "total_error_replies", counter(info, STAT_error_replies));
}

static void section_replication(const struct info *info)
{
    TEXT(info, "role", "master");
    NUMBER(info, "connected_slaves", 0);
    TEXT(info, "master_failover_state", "no-failover");
    TEXT(info, "master_replid", info->server->run_id);
    NUMBER(info, "master_repl_offset", 0);
    NUMBER(info, "repl_backlog_active", 0);
}

static void cpu_time(const struct info *info, const char *name, const struct timeval *time)
{
    reply_printf(info->client, "%s:%ld.%06ld\r\n", name, (long)time->tv_sec, (long)time->tv_usec);
}

static void section_cpu(const struct info *info)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    cpu_time(info, "used_cpu_sys", &usage.ru_stime);
    cpu_time(info, "used_cpu_user", &usage.ru_utime);
    TEXT(info, "used_cpu_sys_children", "0.000000");
    TEXT(info, "used_cpu_user_children", "0.000000");
}

static void section_none(const struct info *info)
{
    (void)info;
}

static void section_commandstats(const struct info *info)
{
    for (uint32_t i = 0; i < command_count; i++) {
        uint64_t calls = info->stats.calls[i];
        uint64_t time_ns = info->stats.time_ns[i];
        if (calls + info->stats.rejected[i] + info->stats.failed[i] > 0)
            reply_printf(info->client,
                         "cmdstat_%s:calls=%" PRIu64 ",usec=%" PRIu64 ",usec_per_call=%.2f,rejected_calls=%" PRIu64
                         ",failed_calls=%" PRIu64 "\r\n",
                         command_table[i].name, calls, time_ns / 1000,
                         calls > 0 ? (double)time_ns / 1000 / (double)calls : 0.0, info->stats.rejected[i],
                         info->stats.failed[i]);
    }
}

static void section_errorstats(const struct info *info)
{
    for (size_t i = 0; i < STAT_ERROR_COUNT; i++) {
        if (info->stats.errors[i] > 0)
            reply_printf(info->client, "errorstat_%s:count=%" PRIu64 "\r\n", stat_error_codes[i],
                         info->stats.errors[i]);
    }
}

static void section_cluster(const struct info *info)
{
    NUMBER(info, "cluster_enabled", 0);
}

/* What a crash now would lose, and how the pool stands. */
static void section_hearth(const struct info *info)
{
    const struct heap_stats *heap = &info->heap;

    TEXT(info, "durability", server_durability(info->server));
    TEXT(info, "backing", heap->file_backing ? "file" : "dax");
    NUMBER(info, "emulated", heap->emulated);
    NUMBER(info, "writes_refused", atomic_load_explicit(&info->server->promise_broken, memory_order_relaxed));
    NUMBER(info, "persist_lag_bytes", heap->persist_lag_bytes);
    NUMBER(info, "persist_lag_ms", heap->persist_lag_ms);
    NUMBER(info, "pool_bytes", heap->pool_bytes);
    NUMBER(info, "pool_used_bytes", heap->pool_used_bytes);
    NUMBER(info, "pool_live_bytes", heap->live_bytes);
    NUMBER(info, "disk_full", heap->disk_full);
    NUMBER(info, "segments_total", heap->segments_total);
    NUMBER(info, "segments_free", heap->segments_free);
    NUMBER(info, "segments_log", heap->segments_log);
    NUMBER(info, "segments_survivor", heap->segments_survivor);
    NUMBER(info, "segments_index", heap->segments_index);
    NUMBER(info, "tail_records", heap->tail_records);
    NUMBER(info, "tail_bytes", heap->tail_bytes);
    NUMBER(info, "epoch", heap->epoch);
    NUMBER(info, "epoch_synced", heap->synced_epoch);
    NUMBER(info, "epoch_indexed", heap->w);
    NUMBER(info, "index_keys", heap->index_keys);
    NUMBER(info, "index_leaves", heap->index_leaves);
    NUMBER(info, "index_batches", heap->index_batches);
    NUMBER(info, "index_complete", heap->filled);
    NUMBER(info, "hash_buckets", heap->hash_buckets);
    NUMBER(info, "hash_slots", heap->hash_slots);
    NUMBER(info, "cleaned_segments", heap->cleaned_segments);
    NUMBER(info, "cleaned_bytes", heap->cleaned_bytes);
    NUMBER(info, "survivor_bytes", heap->survivor_bytes);
    NUMBER(info, "appended_records", heap->appended_records);
    NUMBER(info, "appended_bytes", heap->appended_bytes);
    NUMBER(info, "pm_drains", heap->drains);
    NUMBER(info, "pm_flush_lines", heap->flush_lines);
    NUMBER(info, "pm_store_bytes", heap->store_bytes);
    NUMBER(info, "recovery_us", heap->recovery_us);
    NUMBER(info, "recovered_records", heap->recovered_records);
    NUMBER(info, "fill_us", heap->fill_us);
    NUMBER(info, "damaged_records", heap->damaged_records);
    NUMBER(info, "scrubbed_bytes", heap->scrubbed_bytes);
    NUMBER(info, "scrub_passes", heap->scrub_passes);
    NUMBER(info, "turns", counter(info, STAT_turns));
    NUMBER(info, "parked", counter(info, STAT_parked));
    NUMBER(info, "sync_waits", counter(info, STAT_sync_waits));
}

static void section_keyspace(const struct info *info)
{
    uint64_t keys, expires;

    for (uint8_t db = 0; db < DATABASE_COUNT; db++) {
        heap_count(info->client->heap, db, &keys, &expires);
        if (keys > 0)
            reply_printf(info->client, "db%d:keys=%" PRIu64 ",expires=%" PRIu64 ",avg_ttl=0\r\n", db, keys, expires);
    }
}

static const struct {
    const char *name, *title;
    void (*report)(const struct info *info);
    bool standard; /* given when none is asked for */
} sections[] = {
    {"server", "Server", section_server, true},
    {"clients", "Clients", section_clients, true},
    {"memory", "Memory", section_memory, true},
    {"persistence", "Persistence", section_persistence, true},
    {"stats", "Stats", section_stats, true},
    {"replication", "Replication", section_replication, true},
    {"cpu", "CPU", section_cpu, true},
    {"modules", "Modules", section_none, true},
    {"commandstats", "Commandstats", section_commandstats, false},
    {"errorstats", "Errorstats", section_errorstats, true},
    {"cluster", "Cluster", section_cluster, true},
    {"hearth", "Hearth", section_hearth, true},
    {"keyspace", "Keyspace", section_keyspace, true},
};

/* The sections that the words from argv[1] on ask for, a bit each. */
static uint32_t wanted_sections(uint32_t argc, const struct resp_arg *argv)
{
    uint32_t wanted = 0;

    for (size_t s = 0; s < HEARTH_ARRAY_COUNT(sections); s++) {
        bool is_wanted = argc == 1 && sections[s].standard;
        for (uint32_t i = 1; i < argc; i++)
            is_wanted |= argument_is(&argv[i], sections[s].name) || argument_is(&argv[i], "all") ||
                         argument_is(&argv[i], "everything") ||
                         (argument_is(&argv[i], "default") && sections[s].standard);
        wanted |= (uint32_t)is_wanted << s;
    }
    return wanted;
}

enum command_status redis_info(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    uint32_t wanted = wanted_sections(argc, argv);
    struct info info = {.client = client, .server = client->server};
    size_t mark = reply_mark(client);
    bool first = true;

    stats_sum(client->server, &info.stats);
    heap_stats(client->heap, &info.heap);
    for (size_t s = 0; s < HEARTH_ARRAY_COUNT(sections); s++) {
        if ((wanted >> s & 1) == 0)
            continue;
        reply_printf(client, "%s# %s\r\n", first ? "" : "\r\n", sections[s].title);
        sections[s].report(&info);
        first = false;
    }
    reply_bulk_since(client, mark);
    return COMMAND_DONE;
}
