/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop of a worker, its mailbox, and the timers of what waits.
 */
#include "server/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "persist/pool.h"
#include "server/listener.h"
#include "server/server.h"
#include "server/turn.h"

/* How often requests that wait for room are tried again. */
#define WAIT_RETRY_US 1000
/* How often to look whether the sync that replies wait for has failed. */
#define CHECK_INTERVAL_US 100000
/* At the end, replies that wait for a sync get this long. */
#define STOP_SYNC_WAIT_US 2000000

/* ---- buffers ---- */

/* The pool of buffers of a size, and how many it keeps; NULL: none does. */
static struct block_pool *pool_of(struct worker *worker, size_t bytes, uint32_t *max)
{
    switch (bytes) {
    case CONN_BLOCK_BYTES:
        *max = WORKER_BLOCKS_MAX;
        return &worker->blocks;
    case CONN_LARGE_BLOCK_BYTES:
        *max = WORKER_LARGE_BLOCKS_MAX;
        return &worker->large_blocks;
    case CONN_VALUE_BLOCK_BYTES:
        *max = WORKER_VALUE_BLOCKS_MAX;
        return &worker->value_blocks;
    }
    return NULL;
}

uint8_t *worker_take_block(struct worker *worker, size_t bytes)
{
    uint32_t max;
    struct block_pool *pool = pool_of(worker, bytes, &max);

    if (pool != NULL && pool->count > 0)
        return pool->blocks[--pool->count];
    return malloc(bytes);
}

void worker_give_block(struct worker *worker, uint8_t *block, size_t bytes)
{
    uint32_t max;
    struct block_pool *pool = pool_of(worker, bytes, &max);

    if (pool != NULL && pool->count < max)
        pool->blocks[pool->count++] = block;
    else
        free(block);
}

static void free_blocks(struct block_pool *pool)
{
    while (pool->count > 0)
        free(pool->blocks[--pool->count]);
}

/* ---- mailbox ---- */

void worker_wake(struct worker *worker)
{
    int saved_errno = errno;
    uint64_t one = 1;

    /* It fails only when the counter is full: then the loop is awake. */
    if (write(worker->wake_fd, &one, sizeof one) < 0)
        errno = saved_errno;
}

static bool grow_arrivals(struct worker *worker)
{
    uint32_t capacity = worker->arrival_capacity == 0 ? 64 : worker->arrival_capacity * 2;
    struct arrival *arrivals = realloc(worker->arrivals, capacity * sizeof *arrivals);

    if (arrivals == NULL)
        return false;
    worker->arrivals = arrivals;
    worker->arrival_capacity = capacity;
    return true;
}

bool worker_give(struct worker *worker, int fd, enum client_protocol protocol)
{
    bool fine;

    pthread_mutex_lock(&worker->mailbox_lock);
    fine = worker->arrival_count < worker->arrival_capacity || grow_arrivals(worker);
    if (fine) {
        worker->arrivals[worker->arrival_count++] = (struct arrival){.fd = fd, .protocol = (uint8_t)protocol};
        atomic_fetch_add(&worker->conn_count, 1);
    }
    pthread_mutex_unlock(&worker->mailbox_lock);
    if (fine)
        worker_wake(worker);
    return fine;
}

static void take_arrivals(struct worker *worker)
{
    struct arrival *arrivals;
    uint32_t count;

    pthread_mutex_lock(&worker->mailbox_lock);
    arrivals = worker->arrivals;
    count = worker->arrival_count;
    worker->arrivals = NULL;
    worker->arrival_count = 0;
    worker->arrival_capacity = 0;
    pthread_mutex_unlock(&worker->mailbox_lock);
    for (uint32_t i = 0; i < count; i++) {
        if (!conn_open(worker, arrivals[i].fd, (enum client_protocol)arrivals[i].protocol))
            log_warn("client", "a connection was closed: no memory for it");
    }
    free(arrivals);
}

/* ---- what waits ---- */

static bool sync_failed(const struct worker *worker)
{
    struct pool *pool = heap_pool(worker->heap);

    return pool != NULL && atomic_load_explicit(&pool->pm->failed, memory_order_relaxed);
}

/* Lets replies go that the last sync covers; drops connections whose sync will never come (R5). */
static void release_synced(struct worker *worker)
{
    uint64_t synced = heap_synced_epoch(worker->heap);
    bool failed = sync_failed(worker);
    struct conn *conn;
    struct conn *next;

    for (conn = TAILQ_FIRST(&worker->syncing); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, sync_link);
        if (conn->wait_epoch > synced && !failed)
            continue;
        conn_release(conn, CONN_HOLD_SYNC);
        if (conn->wait_epoch > synced)
            conn->broken = true;
        else if (buf_len(&conn->client.out) > 0)
            conn_write(conn);
        conn_settle(conn);
    }
    if (failed)
        atomic_store(&worker->server->promise_broken, true);
}

/* Closes the connections that another client has killed. */
static void close_killed(struct worker *worker)
{
    struct conn *conn;
    struct conn *next;

    if (!atomic_exchange(&worker->has_killed, false))
        return;
    for (conn = TAILQ_FIRST(&worker->conns); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, all_link);
        if (atomic_load_explicit(&conn->killed, memory_order_relaxed))
            conn_close(conn);
    }
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    struct worker *worker = context;
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof count) < 0)
        return;
    take_arrivals(worker);
    close_killed(worker);
    release_synced(worker);
}

static void on_check(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    release_synced(context);
}

static void on_wait_timer(evutil_socket_t fd, short what, void *context)
{
    struct worker *worker = context;
    struct conn *conn;

    (void)fd;
    (void)what;
    worker->wait_timer_set = false;
    while ((conn = TAILQ_FIRST(&worker->waiting)) != NULL) {
        conn_release(conn, CONN_HOLD_ROOM);
        conn_settle(conn);
    }
}

static void arm_timers(struct worker *worker)
{
    const struct timeval retry = {0, WAIT_RETRY_US};
    const struct timeval check = {0, CHECK_INTERVAL_US};

    if (!TAILQ_EMPTY(&worker->waiting) && !worker->wait_timer_set) {
        worker->wait_timer_set = true;
        event_add(&worker->wait_timer, &retry);
    }
    if (!TAILQ_EMPTY(&worker->syncing) && !event_pending(&worker->check_timer, EV_TIMEOUT, NULL))
        event_add(&worker->check_timer, &check);
}

/* ---- the loop ---- */

static bool is_stopping(struct worker *worker, uint64_t *deadline_us)
{
    if (!atomic_load_explicit(&worker->server->stopping, memory_order_relaxed))
        return false;
    if (*deadline_us == 0) {
        *deadline_us = clock_mono_us() + STOP_SYNC_WAIT_US;
        if (worker->number == 0) /* it accepts */
            listeners_stop(worker->server->listeners);
    }
    return TAILQ_EMPTY(&worker->syncing) || clock_mono_us() >= *deadline_us;
}

static void close_all(struct worker *worker)
{
    struct conn *conn;

    take_arrivals(worker);
    while ((conn = TAILQ_FIRST(&worker->conns)) != NULL)
        conn_close(conn);
}

static void *run(void *context)
{
    struct worker *worker = context;
    uint64_t deadline_us = 0;
    char name[16];

    snprintf(name, sizeof name, "worker%u", worker->number);
    pthread_setname_np(pthread_self(), name);
    while (!is_stopping(worker, &deadline_us)) {
        arm_timers(worker);
        if (event_base_loop(worker->base, EVLOOP_ONCE | (TAILQ_EMPTY(&worker->ready) ? 0 : EVLOOP_NONBLOCK)) < 0) {
            log_error("worker", "the event loop failed; the server stops errno=%d", errno);
            server_stop(worker->server);
            break;
        }
        if (deadline_us == 0)
            turn_pass(worker);
    }
    close_all(worker);
    return NULL;
}

/* ---- making and ending ---- */

static bool make_base(struct worker *worker)
{
    struct event_config *config = event_config_new();

    if (config == NULL)
        return false;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_require_features(config, EV_FEATURE_O1);
    worker->base = event_base_new_with_config(config);
    event_config_free(config);
    return worker->base != NULL;
}

static bool make_events(struct worker *worker)
{
    worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (worker->wake_fd < 0)
        return false;
    event_assign(&worker->wake_event, worker->base, worker->wake_fd, EV_READ | EV_PERSIST, on_wake, worker);
    event_assign(&worker->wait_timer, worker->base, -1, 0, on_wait_timer, worker);
    event_assign(&worker->check_timer, worker->base, -1, 0, on_check, worker);
    return event_add(&worker->wake_event, NULL) == 0;
}

static bool make_batch(struct batch *batch)
{
    batch->arguments = malloc(BATCH_ARGUMENTS * sizeof *batch->arguments);
    batch->argument_capacity = BATCH_ARGUMENTS;
    return batch->arguments != NULL;
}

struct worker *worker_new(struct server *server, uint32_t number)
{
    struct worker *worker = aligned_alloc(HEARTH_CACHE_LINE_BYTES, sizeof *worker);

    if (worker == NULL)
        return NULL;
    memset(worker, 0, sizeof *worker);
    worker->server = server;
    worker->heap = server->heap;
    worker->heap_worker = heap_worker(server->heap, number);
    worker->number = number;
    worker->wake_fd = -1;
    TAILQ_INIT(&worker->ready);
    TAILQ_INIT(&worker->syncing);
    TAILQ_INIT(&worker->waiting);
    TAILQ_INIT(&worker->conns);
    pthread_mutex_init(&worker->list_lock, NULL);
    pthread_mutex_init(&worker->mailbox_lock, NULL);
    if (!make_base(worker) || !make_events(worker) || !make_batch(&worker->batch)) {
        worker_free(worker);
        return NULL;
    }
    return worker;
}

void worker_free(struct worker *worker)
{
    must(TAILQ_EMPTY(&worker->conns));
    if (worker->wake_fd >= 0) {
        event_del(&worker->wake_event);
        event_del(&worker->wait_timer);
        event_del(&worker->check_timer);
        close(worker->wake_fd);
    }
    if (worker->base != NULL)
        event_base_free(worker->base);
    free_blocks(&worker->blocks);
    free_blocks(&worker->large_blocks);
    free_blocks(&worker->value_blocks);
    free(worker->batch.arguments);
    for (uint32_t i = 0; i < worker->arrival_count; i++)
        close(worker->arrivals[i].fd);
    free(worker->arrivals);
    pthread_mutex_destroy(&worker->list_lock);
    pthread_mutex_destroy(&worker->mailbox_lock);
    free(worker);
}

/* Signals are the main thread's. */
int worker_start(struct worker *worker)
{
    sigset_t all;
    sigset_t before;
    int error;

    sigfillset(&all);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    error = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    worker->thread_started = error == 0;
    return error;
}
