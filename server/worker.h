/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker: one thread, one event loop, its share of the connections.
 *
 * IDEA
 *   The loop waits for events once, then runs turns over the connections that are ready (turn.c). Events only put
 *   connections into the ready queue. Other threads reach a worker through its mailbox and an eventfd: new connections,
 *   a finished sync, the end.
 *
 * THREADS  All fields belong to the worker's thread, but for: stats (see there), the mailbox (its lock), conns (changed
 *          under list_lock by the owner, read under it by others).
 */
#ifndef HEARTH_SERVER_WORKER_H
#define HEARTH_SERVER_WORKER_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>

#include "server/conn.h"
#include "server/loan.h"
#include "server/request.h"
#include "server/stats.h"

/* Free buffers that a worker keeps of each size. */
#define WORKER_BLOCKS_MAX 128
#define WORKER_LARGE_BLOCKS_MAX 64
#define WORKER_VALUE_BLOCKS_MAX 8

/* A connection on its way to a worker. */
struct arrival {
    int fd;
    uint8_t protocol;
};

struct worker {
    struct worker_stats stats;
    struct server *server;
    struct heap *heap;
    struct heap_worker *heap_worker;
    uint32_t number;
    pthread_t thread;
    bool thread_started;
    struct event_base *base;

    int wake_fd;
    struct event wake_event;
    struct event wait_timer;  /* tries again what waits for room */
    struct event check_timer; /* syncs that never come */
    bool wait_timer_set;

    struct conn_list ready;
    struct conn_list syncing;
    _Atomic uint32_t sync_waiters; /* length of it; the sync thread wakes whoever has some */
    struct conn_list waiting;
    struct batch batch;
    struct loans loans;

    struct block_pool {
        uint32_t count;
        uint8_t *blocks[WORKER_BLOCKS_MAX];
    } blocks, large_blocks, value_blocks;

    pthread_mutex_t list_lock;
    struct conn_list conns;
    _Atomic bool has_killed;     /* some of conns are: see conn.h */
    _Atomic uint32_t conn_count; /* arrivals included: who accepts gives to the worker with the fewest */

    pthread_mutex_t mailbox_lock;
    struct arrival *arrivals;
    uint32_t arrival_count, arrival_capacity;
};

/* NULL: no memory, or the system refuses; errno says why. */
struct worker *worker_new(struct server *server, uint32_t number);
/* Frees; the thread has ended or was never started. */
void worker_free(struct worker *worker);
/* Starts the thread; 0 or an errno value. */
int worker_start(struct worker *worker);

/* Any thread, async-signal-safe: makes the loop look at its mailbox, the synced epoch, and server->stopping. */
void worker_wake(struct worker *worker);
/* Any thread: hands over an accepted socket. False: no memory; the socket remains the caller's. */
bool worker_give(struct worker *worker, int fd, enum client_protocol protocol);

/* A pooled buffer of `bytes`: CONN_BLOCK_BYTES, CONN_LARGE_BLOCK_BYTES or CONN_VALUE_BLOCK_BYTES; from malloc(). NULL:
 * no memory. */
uint8_t *worker_take_block(struct worker *worker, size_t bytes);
/* Gives back a buffer of any size: those of other sizes are freed. */
void worker_give_block(struct worker *worker, uint8_t *block, size_t bytes);

#endif
