/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Turns of the workers, and room for what they write.
 */
#include <sched.h>

#include "base/assert.h"
#include "heap/heap_internal.h"

/* While another worker holds the exclusive section nobody begins a turn. Pin first, then look: the holder sets the flag
 * first, then looks at the pins, so one of both sees the other. */
static void begin(struct heap_worker *worker)
{
    struct heap *heap = worker->heap;

    for (;;) {
        uint32_t holder;

        log_turn_begin(worker->log);
        holder = atomic_load_explicit(&heap->exclusive, memory_order_seq_cst);
        if (HEARTH_LIKELY(holder == 0 || holder == worker->number + 1))
            return;
        (void)!log_turn_close(worker->log); /* empty; a mapping that has failed shows at the turn's end */
        while (atomic_load_explicit(&heap->exclusive, memory_order_acquire) != 0)
            sched_yield();
    }
}

void heap_turn_begin(struct heap_worker *worker, uint64_t now_ms)
{
    worker->now_ms = HEARTH_LIKELY(now_ms > worker->heap->clock_floor_ms) ? now_ms : worker->heap->clock_floor_ms;
    begin(worker);
    if (HEARTH_UNLIKELY(atomic_load_explicit(&worker->heap->flush_at_ms, memory_order_relaxed) != 0))
        (void)!heap_flush_if_due(worker); /* a failure shows at the turn's end */
}

enum pm_status heap_turn_close(struct heap_worker *worker, uint64_t *wait_epoch)
{
    struct heap *heap = worker->heap;
    enum pm_status status = log_turn_publish(worker->log);

    *wait_epoch = 0;
    if (HEARTH_UNLIKELY(status || pm_failed(heap->pm)))
        return PM_IO;
    if (heap->power && heap->mode == PMD_COMMIT_EPOCH) {
        uint64_t highest = log_highest_epoch(heap->log);

        if (highest > log_synced_epoch(heap->log)) {
            *wait_epoch = highest;
            background_want_sync(heap, highest);
        }
    }
    return PM_OK;
}

void heap_turn_leave(struct heap_worker *worker)
{
    log_turn_leave(worker->log);
}

enum pm_status heap_turn_end(struct heap_worker *worker, uint64_t *wait_epoch)
{
    enum pm_status status = heap_turn_close(worker, wait_epoch);

    heap_turn_leave(worker);
    return status;
}

uint64_t heap_turn_number(const struct heap_worker *worker)
{
    return log_turn_number(worker->log);
}

uint64_t heap_synced_epoch(const struct heap *heap)
{
    return log_synced_epoch(heap->log);
}

uint64_t heap_now_ms(const struct heap_worker *worker)
{
    return worker->now_ms;
}

uint64_t heap_bytes(uint32_t key_len, uint64_t value_len)
{
    return record_bytes(PMD_LAST | PMD_HAS_TXN | PMD_HAS_EXPIRY | PMD_HAS_CLIENT_FLAGS | PMD_HAS_CAS, key_len,
                        value_len);
}

/* The index writer is behind: the maintenance thread is to see to it. */
static HEARTH_COLD enum heap_reserve refuse_for_index(struct heap *heap)
{
    background_wake(heap);
    return atomic_load_explicit(&heap->index_failed, memory_order_relaxed) ? HEAP_FULL : HEAP_WAIT;
}

/* The log has no segment for it: the maintenance thread is to gain some. */
static HEARTH_COLD enum heap_reserve refuse_for_space(struct heap *heap, enum space_class class)
{
    background_wake(heap);
    return atomic_load_explicit(&heap->exhausted, memory_order_relaxed) && !pool_space_can(heap->pool, class)
               ? HEAP_FULL
               : HEAP_WAIT;
}

enum heap_reserve heap_reserve(struct heap_worker *worker, uint64_t bytes, uint32_t records, bool deletes_only)
{
    enum space_class class = deletes_only ? SPACE_TOMBSTONE : SPACE_USER;
    struct heap *heap = worker->heap;

    worker->reserved_records = records;
    if (HEARTH_UNLIKELY(index_writer_throttled(heap->index_writer)))
        return refuse_for_index(heap);
    /* Deletes need no slots once all keys have theirs. */
    if (HEARTH_UNLIKELY(!hash_index_reserve(heap->index, &worker->reserved_slots, records)) &&
        !(deletes_only && atomic_load_explicit(&heap->filled, memory_order_relaxed)))
        return HEAP_FULL;
    if (HEARTH_LIKELY(log_reserve(worker->log, class, bytes, records) == PM_OK))
        return HEAP_RESERVED;
    return refuse_for_space(heap, class);
}
