/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The background threads: maintenance (index writer, cleaner, space, sweep), sync (EPOCH mode), filler (until the hash
 * index is complete). Each runs a step function that crash tests run by a scheduler instead.
 *
 * They ask the scheduler for short slices: where there are fewer processors than threads that want one, a worker that wakes
 * need not wait until some milliseconds of a cut have passed.
 *
 * THREADS: background_wake() and background_want_sync() from any; they cost one load while the thread is awake.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "heap/heap_internal.h"

enum {
    /* How long it sleeps when little happens; who needs it sooner wakes it. */
    MAINTENANCE_IDLE_US = 10000,
    /* At most, when nothing has for a second, which is a hundred such sleeps. */
    MAINTENANCE_REST_US = 100000,
    IDLE_SLEEPS_MAX = 100,
    /* While a cut waits for turns or a sync, and while the tail grows fast. */
    MAINTENANCE_WAIT_US = 1000,
    /* It has grown fast when it holds one of so many parts of its bound; a cut is due at half. */
    TAIL_PARTS = 8,
};

struct sleeper {
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    _Atomic bool asleep, poked;
};

struct background {
    _Atomic bool stop;
    struct sleeper maintenance, sync, fill;
    _Atomic uint64_t synced_us;  /* monotonic: when the last sync group was done */
    _Atomic uint64_t want_epoch; /* make epochs up to this one durable */
};

static bool sleeper_init(struct sleeper *sleeper)
{
    pthread_condattr_t attributes;
    bool ok;

    if (pthread_condattr_init(&attributes))
        return false;
    ok = !pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) && !pthread_cond_init(&sleeper->wake, &attributes) &&
         !pthread_mutex_init(&sleeper->lock, NULL);
    pthread_condattr_destroy(&attributes);
    return ok;
}

static void sleeper_sleep(struct sleeper *sleeper, uint64_t us)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(us % 1000000) * 1000;
    until.tv_sec += (time_t)(us / 1000000) + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&sleeper->lock);
    atomic_store(&sleeper->asleep, true);
    while (!atomic_load(&sleeper->poked) && pthread_cond_timedwait(&sleeper->wake, &sleeper->lock, &until) != ETIMEDOUT)
        ;
    atomic_store(&sleeper->asleep, false);
    atomic_store(&sleeper->poked, false);
    pthread_mutex_unlock(&sleeper->lock);
}

/* poked is set first and read last by the sleeper, so a poke is never lost; the lock is taken only to wake a sleeper. */
static void sleeper_poke(struct sleeper *sleeper)
{
    if (atomic_load_explicit(&sleeper->poked, memory_order_relaxed))
        return;
    atomic_store(&sleeper->poked, true);
    if (!atomic_load(&sleeper->asleep))
        return;
    pthread_mutex_lock(&sleeper->lock);
    pthread_cond_signal(&sleeper->wake);
    pthread_mutex_unlock(&sleeper->lock);
}

/* idle_sleeps: so many in a row found nothing in the tail. */
static uint64_t maintenance_pause_us(const struct heap *heap, uint32_t *idle_sleeps)
{
    uint64_t records, bytes, pause_us;

    log_tail(heap->log, &records, &bytes);
    *idle_sleeps = records > 0 || cleaner_is_behind(heap->cleaner) ? 0 : *idle_sleeps + 1;
    if (index_writer_is_cutting(heap->index_writer) || records >= heap->o.tail_records / TAIL_PARTS ||
        bytes >= heap->o.tail_bytes / TAIL_PARTS)
        return MAINTENANCE_WAIT_US;
    if (*idle_sleeps <= IDLE_SLEEPS_MAX)
        return MAINTENANCE_IDLE_US;
    pause_us = cleaner_pause_us(heap->cleaner);
    if (pause_us < MAINTENANCE_IDLE_US)
        return MAINTENANCE_IDLE_US;
    return pause_us < MAINTENANCE_REST_US ? pause_us : MAINTENANCE_REST_US;
}

static void *maintenance_main(void *argument)
{
    struct heap *heap = argument;
    struct background *background = heap->background;
    uint32_t idle_sleeps = 0;

    slice_ask_for_short();
    while (!atomic_load_explicit(&background->stop, memory_order_relaxed)) {
        if (heap_maintain_step(heap, clock_mono_us()))
            idle_sleeps = 0;
        else
            sleeper_sleep(&background->maintenance, maintenance_pause_us(heap, &idle_sleeps));
    }
    return NULL;
}

static void sync_group(struct heap *heap)
{
    for (;;) {
        switch (log_sync_step(heap->log, &heap->sync_context)) {
        case LOG_SYNC_IDLE:
            return;
        case LOG_SYNC_WAIT:
            sched_yield();
            break;
        case LOG_SYNC_DONE:
            atomic_store_explicit(&heap->background->synced_us, clock_mono_us(), memory_order_relaxed);
            if (heap->o.synced)
                heap->o.synced(heap->o.synced_context);
            if (log_synced_epoch(heap->log) >= atomic_load(&heap->background->want_epoch))
                return;
            break;
        case LOG_SYNC_FAILED:
            if (heap->o.synced)
                heap->o.synced(heap->o.synced_context); /* parked replies must learn it: heap_stats().failed */
            return;
        }
    }
}

static void *sync_main(void *argument)
{
    struct heap *heap = argument;
    struct background *background = heap->background;

    slice_ask_for_short();
    while (!atomic_load_explicit(&background->stop, memory_order_relaxed)) {
        uint64_t interval_ms = atomic_load_explicit(&heap->sync_interval_ms, memory_order_relaxed);

        if (log_synced_epoch(heap->log) >= atomic_load(&background->want_epoch) || pm_failed(heap->pm))
            sleeper_sleep(&background->sync, interval_ms * 1000);
        sync_group(heap);
    }
    return NULL;
}

static void *fill_main(void *argument)
{
    struct heap *heap = argument;
    uint64_t began_us = clock_mono_us();

    slice_ask_for_short();
    while (!atomic_load_explicit(&heap->background->stop, memory_order_relaxed) && heap_fill_run_step(heap))
        ;
    atomic_store_explicit(&heap->fill_us, clock_mono_us() - began_us, memory_order_relaxed);
    return NULL;
}

void background_wake(struct heap *heap)
{
    struct background *background = atomic_load_explicit(&heap->background, memory_order_acquire);

    if (background)
        sleeper_poke(&background->maintenance);
}

void background_want_sync(void *argument, uint64_t epoch)
{
    struct heap *heap = argument;
    struct background *background = atomic_load_explicit(&heap->background, memory_order_acquire);
    uint64_t wanted;

    if (!background)
        return;
    wanted = atomic_load_explicit(&background->want_epoch, memory_order_relaxed);
    while (wanted < epoch && !atomic_compare_exchange_weak(&background->want_epoch, &wanted, epoch))
        ;
    sleeper_poke(&background->sync);
}

uint64_t background_unsynced_ms(const struct heap *heap)
{
    if (!heap->background)
        return 0;
    return (clock_mono_us() - atomic_load_explicit(&heap->background->synced_us, memory_order_relaxed)) / 1000;
}

static bool start(struct sleeper *sleeper, const char *name, void *(*main)(void *), struct heap *heap)
{
    sleeper->started = pthread_create(&sleeper->thread, NULL, main, heap) == 0;
    if (sleeper->started)
        (void)pthread_setname_np(sleeper->thread, name);
    return sleeper->started;
}

enum pm_status heap_start(struct heap *heap)
{
    struct background *background = calloc(1, sizeof(*background));

    if (!background)
        return PM_NO_MEMORY;
    if (!sleeper_init(&background->maintenance) || !sleeper_init(&background->sync) ||
        !sleeper_init(&background->fill)) {
        free(background);
        return PM_NO_MEMORY;
    }
    background->synced_us = clock_mono_us();
    heap->background = background;
    if (!start(&background->maintenance, "maintenance", maintenance_main, heap) ||
        (heap->mode == PMD_COMMIT_EPOCH && !start(&background->sync, "sync", sync_main, heap)) ||
        (!atomic_load(&heap->filled) && !start(&background->fill, "fill", fill_main, heap))) {
        log_error("heap", "cannot start a background thread: %s", strerror(errno));
        background_stop(heap);
        return PM_NO_MEMORY;
    }
    return PM_OK;
}

static void stop(struct sleeper *sleeper)
{
    if (!sleeper->started)
        return;
    sleeper_poke(sleeper);
    pthread_join(sleeper->thread, NULL);
    sleeper->started = false;
}

void background_stop(struct heap *heap)
{
    struct background *background = heap->background;

    if (!background)
        return;
    atomic_store(&background->stop, true);
    stop(&background->fill);
    stop(&background->maintenance);
    stop(&background->sync);
    heap->background = NULL;
    free(background);
}
