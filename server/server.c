/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of the server: sockets are bound, the pool is opened, clients are served, everything is closed.
 *
 * COST   From exec to the first answer there is nothing slow here: what takes time is heap_open().
 */
#include "server/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "persist/pool.h"
#include "server/command.h"
#include "server/listener.h"
#include "server/process.h"
#include "server/server_run.h"
#include "server/worker.h"

void server_stop(struct server *server)
{
    (void)server;
    kill(getpid(), SIGTERM);
}

const char *server_durability(const struct server *server)
{
    struct heap_stats stats;

    heap_stats(server->heap, &stats);
    return stats.power ? "power" : "process";
}

static void fill_run_id(char run_id[41])
{
    uint8_t bytes[20];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        memset(bytes, 0, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(run_id + 2 * i, 3, "%02x", bytes[i]);
}

/* ---- opening ---- */

/* Called by the heap's sync thread. */
static void on_synced(void *context)
{
    struct server *server = context;

    if (!atomic_load_explicit(&server->serving, memory_order_acquire))
        return;
    for (uint32_t i = 0; i < server->worker_count; i++) {
        if (atomic_load(&server->workers[i]->sync_waiters) != 0)
            worker_wake(server->workers[i]);
    }
}

static bool open_heap(struct server *server)
{
    const struct options *options = server->options;
    const struct heap_options heap_options = {
        .path = options_fixed_text(options, OPTION_POOL),
        .pool_bytes = options_number(options, OPTION_POOL_SIZE),
        .workers = server->worker_count,
        .trust_pmem = options_number(options, OPTION_TRUST_PMEM) != 0,
        .accept_clock = options_number(options, OPTION_ACCEPT_CLOCK) != 0,
        .durability = (enum heap_durability)options_number(options, OPTION_DURABILITY),
        .sync_interval_ms = (uint32_t)options_number(options, OPTION_SYNC_INTERVAL),
        .tail_bytes = options_number(options, OPTION_RESTART_TAIL),
        .tail_records = SERVER_TAIL_RECORDS,
        .on_damage = (enum heap_on_damage)options_number(options, OPTION_ON_DAMAGE),
        .eviction = (enum heap_eviction)options_number(options, OPTION_EVICTION),
        .synced = on_synced,
        .synced_context = server,
    };
    enum pm_status status = heap_open(&server->heap, &heap_options);
    struct pool *pool;

    if (status != PM_OK) {
        /* The line that says why has been logged. */
        log_info("server", "cannot open the pool: %s pool=%s", pm_status_text(status), heap_options.path);
        return false;
    }
    pool = heap_pool(server->heap);
    if (pool != NULL)
        process_set_mapping(pool->pm->base, pool->pm->bytes, heap_options.path);
    return true;
}

static bool make_workers(struct server *server)
{
    server->workers = calloc(server->worker_count, sizeof(struct worker *));
    for (uint32_t i = 0; server->workers != NULL && i < server->worker_count; i++) {
        server->workers[i] = worker_new(server, i);
        if (server->workers[i] == NULL) {
            log_error("server", "cannot make a worker: %s", strerror(errno));
            return false;
        }
    }
    return server->workers != NULL;
}

bool server_open(struct server *server, struct options *options)
{
    memset(server, 0, sizeof *server);
    server->options = options;
    server->start_mono_us = clock_mono_us();
    server->start_wall_ms = clock_wall_ms();
    server->next_client_id = 1;
    server->worker_count = (uint32_t)options_number(options, OPTION_THREADS);
    fill_run_id(server->run_id);
    pthread_mutex_init(&server->stats_lock, NULL);
    server->stats_base = calloc(1, sizeof *server->stats_base);
    command_index_build();
    return server->stats_base != NULL && listeners_bind(&server->listeners, server);
}

/* ---- serving ---- */

static void log_ready(struct server *server)
{
    struct heap_stats stats;

    heap_stats(server->heap, &stats);
    log_notice("server",
               "ready version=%s pool=%s pool-bytes=%llu keys=%s durability=%s backing=%s%s threads=%u "
               "memcache-port=%llu redis-port=%llu start-ms=%llu",
               HEARTH_VERSION_STRING, options_fixed_text(server->options, OPTION_POOL),
               (unsigned long long)stats.pool_bytes, stats.filled ? "complete" : "being-indexed",
               stats.power ? "power" : "process", stats.file_backing ? "file" : "dax",
               stats.emulated ? " (emulated: trust-pmem)" : "", server->worker_count,
               (unsigned long long)options_number(server->options, OPTION_MEMCACHE_PORT),
               (unsigned long long)options_number(server->options, OPTION_REDIS_PORT),
               (unsigned long long)(clock_mono_us() - server->start_mono_us) / 1000);
}

static bool start_workers(struct server *server)
{
    for (uint32_t i = 0; i < server->worker_count; i++) {
        int error = worker_start(server->workers[i]);
        if (error != 0) {
            log_error("server", "cannot start a thread: %s", strerror(error));
            return false;
        }
    }
    return true;
}

bool server_start(struct server *server)
{
    enum pm_status status;

    if (!open_heap(server) || !make_workers(server) || !listeners_listen(server->listeners))
        return false;
    listeners_start(server->listeners, server->workers[0]);
    atomic_store_explicit(&server->serving, true, memory_order_release);
    if (!start_workers(server))
        return false;
    status = heap_start(server->heap);
    if (status != PM_OK) {
        log_error("server", "cannot start the pool's threads: %s", pm_status_text(status));
        return false;
    }
    log_ready(server);
    return true;
}

/* ---- closing ---- */

static void stop_workers(struct server *server)
{
    atomic_store(&server->stopping, true);
    for (uint32_t i = 0; server->workers != NULL && i < server->worker_count; i++) {
        if (server->workers[i] != NULL)
            worker_wake(server->workers[i]);
    }
    for (uint32_t i = 0; server->workers != NULL && i < server->worker_count; i++) {
        if (server->workers[i] != NULL && server->workers[i]->thread_started)
            pthread_join(server->workers[i]->thread, NULL);
    }
}

void server_close(struct server *server)
{
    stop_workers(server);
    if (server->listeners != NULL)
        listeners_stop(server->listeners);
    listeners_free(server->listeners);
    if (server->heap != NULL)
        heap_close(server->heap);
    atomic_store(&server->serving, false);
    for (uint32_t i = 0; server->workers != NULL && i < server->worker_count; i++) {
        if (server->workers[i] != NULL)
            worker_free(server->workers[i]);
    }
    free(server->workers);
    free(server->stats_base);
    pthread_mutex_destroy(&server->stats_lock);
}
