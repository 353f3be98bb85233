/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server: options, heap, workers and listeners of one process, and what INFO and `stats` ask of it.
 *
 * THREADS  Made and ended by main's thread; the fields set at start are read by all.
 */
#ifndef HEARTH_SERVER_SERVER_H
#define HEARTH_SERVER_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "heap/heap.h"
#include "server/options.h"
#include "server/stats.h"

struct listeners;
struct worker;

struct server {
    struct options *options;
    struct heap *heap;
    struct worker **workers;
    uint32_t worker_count;
    struct listeners *listeners;

    uint64_t start_mono_us;
    uint64_t start_wall_ms;
    char run_id[41]; /* 40 hex digits, random a start; INFO's run_id */

    _Atomic uint64_t next_client_id;
    _Atomic uint32_t client_count;
    _Atomic bool promise_broken; /* R5: a sync has failed, writes are refused */
    _Atomic bool stopping;
    _Atomic bool serving; /* the workers exist */

    pthread_mutex_t stats_lock;
    struct stats *stats_base; /* sums at the last reset */
};

/*
 * Asks for a clean stop: the same as SIGTERM. Returns at once. Any thread; async-signal-safe.
 */
void server_stop(struct server *server);
/* "power" or "process": what acknowledged writes survive, after the default has been resolved. */
const char *server_durability(const struct server *server);

#endif
