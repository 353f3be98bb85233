/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A heap of any number of workers over the simulated backing, whose background steps the test runs.
 */
#ifndef HEARTH_TESTS_SUPPORT_HEAP_FIXTURE_H
#define HEARTH_TESTS_SUPPORT_HEAP_FIXTURE_H

#include "base/clock.h"
#include "heap/heap_internal.h"
#include "persist/pm_sim.h"
#include "tests/support/heap_requests.h"
#include "tests/unit/check.h"

enum { SEGMENT_BITS = 16, NOW_MS = 1000000, SETTLE_STEPS = 3000 };

struct fixture {
    struct pm *pm;
    struct heap *heap;
    struct heap_options options;
    uint64_t now_us;
};

static inline void reopen(struct fixture *fixture)
{
    assert_int_equal(heap_open(&fixture->heap, &fixture->options), PM_OK);
    while (heap_fill_run_step(fixture->heap))
        ;
    for (int i = 0; i < 6; i++) /* segments are made ready */
        (void)heap_maintain_step(fixture->heap, fixture->now_us += 100);
}

/* Heaps of processes that died: reachable, for the leak checker's sake; volatile, as nobody reads it. */
static struct heap *volatile heap_dead[64];

/* The process dies. */
static inline void kill_it(struct fixture *fixture)
{
    static size_t dead_count;

    heap_dead[dead_count++ % 64] = fixture->heap;
    pm_sim_kill(fixture->pm);
}

static inline void begin(struct fixture *fixture, uint32_t segments, enum heap_eviction eviction, uint32_t workers)
{
    *fixture = (struct fixture){0};
    clock_test_set_wall_ms(NOW_MS);
    assert_int_equal(pm_sim_open(&fixture->pm, (size_t)segments << SEGMENT_BITS, PM_SIM_LINES), PM_OK);
    pm_sim_keep(fixture->pm);
    fixture->options = (struct heap_options){.pool_bytes = (uint64_t)segments << SEGMENT_BITS,
                                             .segment_bits = SEGMENT_BITS,
                                             .workers = workers,
                                             .durability = HEAP_DURABILITY_POWER,
                                             .eviction = eviction,
                                             .sync_interval_ms = 1,
                                             .tail_records = 400,
                                             .pm = fixture->pm};
    reopen(fixture);
}

static inline void end(struct fixture *fixture)
{
    heap_close(fixture->heap);
    pm_sim_free(fixture->pm);
}

static inline void settle(struct fixture *fixture)
{
    for (int i = 0; i < SETTLE_STEPS; i++)
        (void)heap_maintain_step(fixture->heap, fixture->now_us += 2000);
}

/* ---- one request a turn ---- */

static inline struct heap_worker *turn(struct fixture *fixture, uint32_t worker)
{
    struct heap_worker *it = heap_worker(fixture->heap, worker);

    heap_turn_begin(it, NOW_MS);
    return it;
}

static inline void done(struct heap_worker *worker)
{
    uint64_t wait_epoch;

    assert_int_equal(heap_turn_end(worker, &wait_epoch), PM_OK);
    assert_int_equal(wait_epoch, 0);
}

static inline void delete_key(struct heap_worker *worker, uint8_t db, const char *text)
{
    struct index_key key;
    struct heap_edit edit;

    assert_int_equal(heap_reserve(worker, heap_bytes((uint32_t)strlen(text), 0), 1, true), HEAP_RESERVED);
    heap_key(worker->heap, &key, db, text, strlen(text));
    heap_edit_begin(worker, &key, &edit);
    heap_edit_delete(&edit);
    heap_edit_end(&edit);
}

#endif
