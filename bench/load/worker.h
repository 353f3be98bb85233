/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker: one thread, its event loop, and when the next requests are sent.
 *
 * IDEA
 *   Closed loop: each connection sends a batch, waits for its last reply, sends the next; one read of the clock serves
 *   the end of one batch and the beginning of the next. Open loop: request i is due at begin + i / rate, whatever has
 *   become of the others; a precise timer sends all that are due to whichever connections have room, and what finds no
 *   room is sent when there is, late, and its latency counts from the time it was due. Nothing is allocated while
 *   requests run.
 *
 * THREADS  All of it belongs to the worker's thread, but `stats` (see stats.h) and what `phase` says is shared.
 */
#ifndef HEARTH_BENCH_WORKER_H
#define HEARTH_BENCH_WORKER_H

#include <event2/event_struct.h>
#include <pthread.h>
#include <stdatomic.h>

#include "bench/load/plan.h"
#include "bench/load/stats.h"

/* Where all connections of a worker read. */
#define WORKER_IN_BYTES (256 * 1024)

struct conn;

/* What the workers of a phase share. */
struct phase {
    struct plan *plan;
    pthread_barrier_t barrier; /* all connections stand; the times are known */
    uint64_t begin_ns, measure_ns, end_ns;
    atomic_bool stop;
    atomic_uint ended;
};

struct worker {
    struct phase *phase;
    const struct plan *plan;
    unsigned index;
    pthread_t thread;
    struct event_base *base;
    struct event tick;  /* looks for a stall, the end, a stop */
    struct event timer; /* open loop: the next request is due */
    struct conn *conns;
    unsigned conn_count;
    unsigned opened_count; /* of conns, before the run begins */
    unsigned ready_count;
    unsigned next_conn;    /* open loop: whose turn it is */
    struct conn **written; /* open loop: conns that have something to send */
    unsigned written_count;
    bool running;
    struct key_cursor cursor;
    struct random random; /* of operations, sizes, TTLs */
    uint64_t version;
    uint64_t left;           /* requests that may yet be drawn */
    uint64_t busy;           /* drawn, and not yet over */
    uint64_t due_index;      /* open loop: of the next request */
    uint64_t due_ns;         /* the same as a time */
    uint64_t armed_ns;       /* what the timer is set to; 0: nothing */
    uint64_t heard_ns;       /* when the server said something last */
    uint64_t last_answer_ns; /* when the last measured request was answered */
    uint64_t cpu_us;         /* of this thread, while it ran */
    char *in;
    struct stats stats;
};

/* ---- for phase.c ---- */

void worker_init(struct worker *worker, struct phase *phase, unsigned index);
void worker_free(struct worker *worker);
/* The thread, of the worker in `context`: opens connections, waits at the barrier, runs to the end. */
void *worker_run(void *context);

/* ---- for conn.c ---- */

/* Takes up to `wanted` of the requests left, to begin at `due_ns`; returns how many. Each ends by worker_over(). */
uint32_t worker_claim(struct worker *worker, uint32_t wanted, uint64_t due_ns);
/* A claimed request is over: answered, refused or lost. */
void worker_over(struct worker *worker);
/* Whether a request that begins then is part of the figures. */
static inline bool worker_measures(const struct worker *worker, uint64_t due_ns)
{
    return due_ns >= worker->phase->measure_ns;
}
static inline void worker_record(struct worker *worker, enum kind kind, uint64_t begin_ns, uint64_t end_ns)
{
    histogram_record(worker->stats.latency_ns[kind], end_ns > begin_ns ? end_ns - begin_ns : 0);
}
/* Draws the next operation, and its keys. */
enum operation worker_draw(struct worker *worker, uint64_t *keys);
/* A connection is ready to be used, or has room again. */
void worker_conn_ready(struct worker *worker, uint64_t now_ns);
/* Open loop: sends what is due. */
void worker_send_due(struct worker *worker, uint64_t now_ns);
/* To be called at the end of whatever an event has caused: ends the loop when nothing is left to do. */
void worker_check_end(struct worker *worker, uint64_t now_ns);

#endif
