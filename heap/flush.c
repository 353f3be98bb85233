/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FLUSH: everything in some databases is gone at once, whatever its size.
 *
 * IDEA (C6): all turns are closed, the epoch advances, one CONTROL record is written, durable, and published as the
 * lowest cts that is visible in those databases; then turns go on. The index drops the databases' leaves when its cut
 * comes to the record; the slots are swept in the background once W covers it (not before: the cleaner takes "no slot"
 * for "no entry").
 *
 * A delayed flush lies in the superblock until it is due; the CONTROL record that carries it out names its time, so
 * that a restart does not do it twice.
 *
 * DURABILITY: durable at the server's level when heap_flush() returns and, EPOCH mode at `power`, when the turn's
 * epoch is synced, like any write.
 */
#include <sched.h>

#include "base/assert.h"
#include "base/log.h"
#include "heap/heap_internal.h"

uint64_t heap_flush_bytes(void)
{
    return record_bytes(PMD_LAST, 0, sizeof(struct pmd_control));
}

static bool others_closed(struct heap_worker *worker)
{
    struct heap *heap = worker->heap;

    for (uint32_t i = 0; i < heap->o.workers; i++)
        if (i != worker->number &&
            atomic_load_explicit(&log_writer_pin(heap->workers[i].log)->pinned, memory_order_seq_cst) != 0)
            return false;
    return true;
}

enum pm_status heap_exclusive_begin(struct heap_worker *worker)
{
    struct heap *heap = worker->heap;
    enum pm_status status = log_turn_close(worker->log);
    uint32_t nobody = 0;

    must(!worker->exclusive);
    while (!atomic_compare_exchange_weak_explicit(&heap->exclusive, &nobody, worker->number + 1, memory_order_seq_cst,
                                                  memory_order_relaxed)) {
        nobody = 0;
        sched_yield();
    }
    while (!others_closed(worker)) /* turns are bounded and wait for nothing */
        sched_yield();
    worker->exclusive = true;
    epoch_advance(heap->epochs);
    log_turn_begin(worker->log);
    return status;
}

void heap_exclusive_end(struct heap_worker *worker)
{
    must(worker->exclusive);
    if (log_turn_close(worker->log)) /* final (R5): the next close of a turn says so to the server */
        log_error("heap", "a flush of the pool failed: nothing is acknowledged any more");
    epoch_advance(worker->heap->epochs); /* whoever comes next has a higher epoch than the CONTROL record */
    worker->exclusive = false;
    atomic_store_explicit(&worker->heap->exclusive, 0, memory_order_release);
    heap_turn_begin(worker, worker->now_ms);
}

/* From here on nothing older is visible; counts begin at zero. All other workers are held. */
static void publish(struct heap *heap, uint32_t databases, uint64_t cts)
{
    pthread_mutex_lock(&heap->count_lock);
    for (int db = 0; db < PM_DATABASES; db++) {
        uint64_t keys, expires;

        if (!(databases >> db & 1))
            continue;
        atomic_store_explicit(&heap->flush_cts[db], cts, memory_order_release);
        heap->tail_void[db] = true;
        heap_count_locked(heap, (uint8_t)db, &keys, &expires);
        heap->base_keys[db] -= (int64_t)keys;
        heap->base_expires[db] -= (int64_t)expires;
    }
    pthread_mutex_unlock(&heap->count_lock);
    atomic_store_explicit(&heap->sweep_request, cts_epoch(cts), memory_order_release);
    index_writer_request(heap->index_writer);
    background_wake(heap);
}

/* Appends the CONTROL record in an open turn, all other turns being closed, and publishes it. */
static void append(struct heap_worker *worker, uint32_t databases, uint64_t at_ms)
{
    struct pmd_control control = {PMD_CONTROL_FLUSH, databases, at_ms};
    struct log_part part = {&control, sizeof(control)};
    struct log_record record = {
        .kind = PMD_RECORD_CONTROL,
        .in_transaction = worker->transaction.active,
        .cts = log_draw_cts(worker->log, 0),
        .parts = &part,
        .part_count = 1,
    };

    if (worker->transaction.active)
        worker->transaction.records++;
    log_append(worker->log, &record);
    publish(worker->heap, databases, record.cts);
}

struct delayed {
    uint64_t at_ms, databases;
};

static void set_flush_at(struct pmd_superblock *superblock, void *argument)
{
    const struct delayed *delayed = argument;

    superblock->flush_at_ms = delayed->at_ms;
    superblock->flush_at_databases = delayed->databases;
}

/* Durable on return, at any level. A later delayed or immediate flush takes its place, as in memcached. */
static enum pm_status delay(struct heap_worker *worker, uint32_t databases, uint64_t at_ms)
{
    struct heap *heap = worker->heap;
    struct delayed delayed = {at_ms, databases};
    enum pm_status status = pool_superblock_update(heap->pool, log_writer_context(worker->log), set_flush_at, &delayed);

    if (status == PM_OK) {
        atomic_store_explicit(&heap->flush_at_databases, databases, memory_order_relaxed);
        atomic_store_explicit(&heap->flush_at_ms, at_ms, memory_order_relaxed);
    }
    return status;
}

/* A flush now: in an exclusive section of its own, or in the one that is open. */
static enum pm_status flush_now(struct heap_worker *worker, uint32_t databases, uint64_t at_ms)
{
    enum pm_status status;

    if (worker->exclusive) {
        append(worker, databases, at_ms);
        return PM_OK;
    }
    status = heap_exclusive_begin(worker);
    append(worker, databases, at_ms);
    heap_exclusive_end(worker);
    return status;
}

enum pm_status heap_flush(struct heap_worker *worker, uint32_t databases, uint64_t at_ms)
{
    struct heap *heap = worker->heap;

    if (at_ms > worker->now_ms)
        return delay(worker, databases, at_ms);
    /* A pending delayed flush counts as carried out by this record: no crash between both can lose either. */
    return flush_now(worker, databases, atomic_exchange_explicit(&heap->flush_at_ms, 0, memory_order_acq_rel));
}

enum pm_status heap_flush_if_due(struct heap_worker *worker)
{
    struct heap *heap = worker->heap;
    uint64_t at_ms = atomic_load_explicit(&heap->flush_at_ms, memory_order_relaxed);
    enum pm_status status;

    if (HEARTH_LIKELY(at_ms == 0) || at_ms > worker->now_ms)
        return PM_OK;
    if (heap_reserve(worker, heap_flush_bytes(), 1, true) != HEAP_RESERVED)
        return PM_OK; /* the next turn tries again */
    if (!atomic_compare_exchange_strong_explicit(&heap->flush_at_ms, &at_ms, 0, memory_order_acq_rel,
                                                 memory_order_relaxed))
        return PM_OK; /* another worker does it */
    status = flush_now(worker, atomic_load_explicit(&heap->flush_at_databases, memory_order_relaxed), at_ms);
    log_notice("heap", "the delayed flush that was due at unix ms %llu is done", (unsigned long long)at_ms);
    return status;
}

/* ---- sweeping the slots ---- */

static bool is_flushed(uint64_t word, void *context)
{
    const struct heap *heap = context;
    const struct pmd_record *record = record_at(heap->pool, hash_slot_loc(word));

    return record->cts < atomic_load_explicit(&heap->flush_cts[record->db & (PM_DATABASES - 1)], memory_order_relaxed);
}

bool heap_sweep_step(struct heap *heap)
{
    uint64_t request = atomic_load_explicit(&heap->sweep_request, memory_order_acquire);

    if (request > heap->sweep_after_epoch) { /* a new FLUSH: sweep from the start, once the index has dropped */
        heap->sweep_after_epoch = request;
        heap->sweep_bucket = 0;
        heap->sweeping = true;
    }
    if (!heap->sweeping || index_writer_w(heap->index_writer) < heap->sweep_after_epoch)
        return false;
    for (int i = 0; i < 64; i++) {
        heap->sweep_bucket = hash_index_sweep(heap->index, heap->sweep_bucket, is_flushed, heap);
        if (heap->sweep_bucket == 0) {
            heap->sweeping = false;
            break;
        }
    }
    return true;
}
