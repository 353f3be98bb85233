/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening and closing the heap; the maintenance step; figures.
 *
 * A START (any stop before it): map and lock the pool; size the hash index by the journal's counts; recover (journal,
 * tail into the hash index, seal, superblock); serve. In the background: the ordered index gives the hash index the
 * rest, the index writer takes the recovered tail. Nothing on the way to the first hit depends on the number of objects.
 */
#include "heap/heap.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "heap/heap_internal.h"
#include "persist/journal.h"

enum { READY_SEGMENTS = 2, TAIL_RECORDS_DEFAULT = 200000, TAIL_BYTES_DEFAULT = 32 << 20, RECOVERY_THREADS = 2 };

static void tail_flush(struct heap *heap, const struct log_item *item)
{
    struct pmd_control control;
    uint64_t cts = item->view.header->cts;

    if (item->view.header->value_len != sizeof(control))
        return;
    memcpy(&control, item->view.value, sizeof(control));
    for (int db = 0; db < PM_DATABASES; db++) {
        uint64_t old = atomic_load(&heap->flush_cts[db]);

        while ((control.databases >> db & 1) && old < cts &&
               !atomic_compare_exchange_weak(&heap->flush_cts[db], &old, cts))
            ;
    }
    if (control.at_ms && control.at_ms == heap->pool->superblock.flush_at_ms)
        atomic_store(&heap->flush_at_ms, 0); /* it was carried out before the stop */
}

/* A record above W: the newest of each key stays in the hash index. From several threads. The insert has nobody beside
 * it and needs no reservation: the hash index has addresses for twice the records that the pool can hold. */
static void tail_record(const struct log_item *item, void *context)
{
    struct heap *heap = context;
    const struct pmd_record *record = item->view.header;
    struct index_key key;
    struct hash_ref ref;

    atomic_fetch_add_explicit(&heap->recovered_records, 1, memory_order_relaxed);
    if (record->kind == PMD_RECORD_CONTROL) {
        tail_flush(heap, item);
        return;
    }
    heap_key(heap, &key, record->db, item->view.key, record->key_len);
    hash_index_lock(heap->index, key.hash);
    if (!hash_index_find(heap->index, &key, &ref))
        must(hash_index_insert(heap->index, key.hash, item->loc, 1, false));
    else if (record_at(heap->pool, hash_slot_loc(ref.word))->cts < record->cts)
        hash_index_set(heap->index, &ref, item->loc, 1, false);
    hash_index_unlock(heap->index, key.hash);
    hash_index_grow(heap->index);
}

static void forget_slot(void *context, uint64_t hash, pm_loc tombstone)
{
    struct heap *heap = context;
    struct hash_ref ref;

    hash_index_lock(heap->index, hash);
    if (hash_index_find_loc(heap->index, hash, tombstone, &ref))
        hash_index_remove(heap->index, hash, &ref);
    hash_index_unlock(heap->index, hash);
}

/* ---- opening ---- */

static enum pm_status open_pool(struct heap *heap, bool reset)
{
    const struct heap_options *o = &heap->o;
    struct pool_create how = {
        .bytes = o->pool_bytes,
        .segment_bits = o->segment_bits,
        .reset = reset,
        .hash_seed = o->hash_seed,
        .format_head = skiplist_format_head,
    };
    enum pm_status status = PM_OK;

    heap->pm = o->pm;
    if (!o->pm)
        status = pm_open(&heap->pm, o->path, o->pool_bytes, o->trust_pmem);
    if (status)
        return status;
    status = pool_open(&heap->pool, heap->pm, &how);
    if (status && !o->pm)
        pm_close(heap->pm);
    return status;
}

static void decide_mode(struct heap *heap)
{
    bool dax = heap->pm->backing != PM_BACKING_FILE;

    heap->power = heap->o.durability == HEAP_DURABILITY_POWER ||
                  (heap->o.durability == HEAP_DURABILITY_DEFAULT && dax && !heap->pm->emulated);
    heap->mode = heap->power && dax ? PMD_COMMIT_TURN : PMD_COMMIT_EPOCH;
    heap->check_foreign = heap->mode == PMD_COMMIT_TURN && heap->o.workers > 1;
}

/* Sized by what the journal says is in the index, so that the refill splits nothing. */
static enum pm_status open_hash_index(struct heap *heap)
{
    struct journal_state state;
    uint64_t expected = 0;
    enum pm_status status =
        journal_recover(heap->pool, &heap->context, heap->pool->superblock.journal_applied, true, &state);

    if (status)
        return status;
    for (int db = 0; db < PM_DATABASES; db++)
        expected += state.keys[db];
    if (!hash_index_open(&heap->index, heap->pool, expected, heap->pm->bytes / 32))
        return PM_NO_MEMORY;
    return PM_OK;
}

static enum pm_status recover(struct heap *heap, struct recovery *recovery)
{
    struct recovery_options options = {
        .mode = heap->mode,
        .threads = heap->o.pm ? 1 : RECOVERY_THREADS,
        .accept_clock = heap->o.accept_clock,
    };
    enum pm_status status = open_hash_index(heap);

    if (status)
        return status;
    atomic_store(&heap->flush_at_ms, heap->pool->superblock.flush_at_ms);
    atomic_store(&heap->flush_at_databases, (uint32_t)heap->pool->superblock.flush_at_databases);
    status = recovery_run(heap->pool, &options, tail_record, heap, recovery);
    if (status)
        return status;
    for (int db = 0; db < PM_DATABASES; db++) {
        heap->base_keys[db] = (int64_t)recovery->keys[db];
        heap->base_expires[db] = (int64_t)recovery->expires[db];
    }
    heap->clock_floor_ms = recovery->now_ms < clock_wall_ms() ? 0 : recovery->now_ms;
    return PM_OK;
}

static enum pm_status open_logs(struct heap *heap, const struct recovery *recovery)
{
    struct log_options log_options = {.mode = heap->mode, .writers = heap->o.workers};
    struct index_writer_options options = {
        .pool = heap->pool,
        .epochs = heap->epochs,
        .mode = heap->mode,
        .w = recovery->w,
        .first_epoch = recovery->first_epoch,
        .tail_bytes = heap->o.tail_bytes,
        .tail_records = heap->o.tail_records,
        .interval_ms = heap->o.sync_interval_ms,
        .forgotten = forget_slot,
        .want_sync = background_want_sync,
        .context = heap,
    };
    enum pm_status status;

    epochs_init(heap->epochs, recovery->first_epoch, recovery->first_epoch + RECOVERY_LEASE_EPOCHS);
    if ((status = pool_space_start(heap->pool)) ||
        (status = log_open(&heap->log, heap->pool, heap->epochs, &log_options)) ||
        (status = skiplist_open(&heap->skiplist, heap->pool, heap->epochs, recovery->journal_batch, recovery->keys,
                                recovery->expires)))
        return status;
    for (uint32_t i = 0; i < recovery->segment_count; i++)
        log_add_recovered(heap->log, recovery->segments[i].segment, recovery->segments[i].from,
                          recovery->segments[i].to);
    options.log = heap->log;
    options.skiplist = heap->skiplist;
    return index_writer_open(&heap->index_writer, &options);
}

static enum pm_status open_workers(struct heap *heap)
{
    heap->workers = aligned_alloc(64, heap->o.workers * sizeof(*heap->workers));
    if (!heap->workers)
        return PM_NO_MEMORY;
    memset(heap->workers, 0, heap->o.workers * sizeof(*heap->workers));
    for (uint32_t i = 0; i < heap->o.workers; i++) {
        heap->workers[i].heap = heap;
        heap->workers[i].number = i;
        heap->workers[i].log = log_writer(heap->log, i);
    }
    return PM_OK;
}

/* The rest of the tail's bound: at most an eighth of the pool (DESIGN section 5). */
static void bound_tail(struct heap *heap)
{
    struct heap_options *o = &heap->o;

    if (!o->tail_bytes)
        o->tail_bytes = TAIL_BYTES_DEFAULT;
    if (!o->tail_records)
        o->tail_records = TAIL_RECORDS_DEFAULT;
    if (o->tail_bytes > heap->pm->bytes / 8)
        o->tail_bytes = heap->pm->bytes / 8;
    if (!o->sync_interval_ms)
        o->sync_interval_ms = 1000;
    atomic_store(&heap->sync_interval_ms, o->sync_interval_ms);
    atomic_store(&heap->eviction, o->eviction);
}

static enum pm_status open_all(struct heap *heap, bool reset)
{
    struct recovery recovery = {0};
    enum pm_status status = open_pool(heap, reset);

    if (status)
        return status;
    pm_context_init(&heap->context, heap->pm);
    pm_context_init(&heap->sync_context, heap->pm);
    bound_tail(heap);
    decide_mode(heap);
    if ((status = recover(heap, &recovery)) == PM_OK && (status = open_logs(heap, &recovery)) == PM_OK)
        status = open_workers(heap);
    if (status == PM_OK) {
        heap_fill_init(&heap->fill, heap->pool, heap->skiplist, heap->index, heap->epochs);
        if (!cleaner_open(&heap->cleaner, heap) || !scrub_open(&heap->scrub, heap))
            status = PM_NO_MEMORY;
    }
    recovery_free(&recovery);
    return status;
}

/* Gives back what was opened, in reverse order. */
static void release(struct heap *heap)
{
    cleaner_close(heap->cleaner);
    heap_fill_end(&heap->fill);
    for (uint32_t i = 0; heap->workers && i < heap->o.workers; i++) {
        free(heap->workers[i].transaction.staged);
        free(heap->workers[i].transaction.table);
    }
    free(heap->workers);
    index_writer_close(heap->index_writer);
    if (heap->skiplist)
        skiplist_close(heap->skiplist);
    if (heap->log)
        log_close(heap->log);
    if (heap->index)
        hash_index_close(heap->index);
    if (heap->pool)
        pool_close(heap->pool);
    damage_close(&heap->damage);
    pthread_mutex_destroy(&heap->count_lock);
    free(heap->epochs);
    free(heap);
}

static enum pm_status open_once(struct heap **out, const struct heap_options *options, bool reset)
{
    struct heap *heap = aligned_alloc(64, (sizeof(*heap) + 63) & ~(size_t)63);
    enum pm_status status = PM_NO_MEMORY;

    if (!heap)
        return PM_NO_MEMORY;
    memset(heap, 0, sizeof(*heap));
    pthread_mutex_init(&heap->count_lock, NULL);
    damage_init(&heap->damage);
    heap->o = *options;
    if (heap->o.workers == 0)
        heap->o.workers = 1;
    heap->epochs = aligned_alloc(64, sizeof(*heap->epochs));
    if (heap->epochs)
        status = open_all(heap, reset);
    if (status) {
        release(heap);
        return status;
    }
    *out = heap;
    return PM_OK;
}

enum pm_status heap_open(struct heap **out, const struct heap_options *options)
{
    uint64_t began_us = clock_mono_us();
    enum pm_status status = open_once(out, options, false);

    if (status == PM_DAMAGED && options->on_damage == HEAP_DAMAGE_RESET && !options->pm) {
        log_error("heap", "%s: the pool is damaged and on-damage is reset: what was in it is thrown away",
                  options->path);
        status = open_once(out, options, true);
    }
    if (status)
        return status;
    (*out)->recovery_us = clock_mono_us() - began_us;
    log_notice("heap", "pool open backing=%s%s durability=%s recovered_records=%llu us=%llu",
               (*out)->pm->backing == PM_BACKING_FILE ? "file" : "dax", (*out)->pm->emulated ? " (emulated)" : "",
               (*out)->power ? "power" : "process", (unsigned long long)(*out)->recovered_records,
               (unsigned long long)(*out)->recovery_us);
    return PM_OK;
}

/* ---- closing ---- */

static void set_clean(struct pmd_superblock *superblock, void *argument)
{
    superblock->clean = 1;
    if (superblock->clock_high_ms < *(uint64_t *)argument)
        superblock->clock_high_ms = *(uint64_t *)argument;
}

/* Everything that was acknowledged becomes durable, the tail goes into the index: the next start has little to do. */
static void settle(struct heap *heap)
{
    enum { STEPS_MAX = 1000000 };
    bool settled = false;

    index_writer_request(heap->index_writer);
    for (int i = 0; i < STEPS_MAX && !settled && !pm_failed(heap->pm); i++) {
        enum index_writer_step step;
        uint64_t records, bytes;

        if (heap->mode == PMD_COMMIT_EPOCH)
            (void)log_sync_step(heap->log, &heap->sync_context);
        step = index_writer_step(heap->index_writer, clock_mono_us());
        if (step == INDEX_WRITER_FULL || step == INDEX_WRITER_FAILED)
            break;
        log_tail(heap->log, &records, &bytes);
        settled = records == 0 && step == INDEX_WRITER_IDLE; /* what was read of the tail is applied, too */
        if (records && step == INDEX_WRITER_IDLE)
            index_writer_request(heap->index_writer);
    }
    while (heap->mode == PMD_COMMIT_EPOCH) {
        enum log_sync step = log_sync_step(heap->log, &heap->sync_context);
        if (step == LOG_SYNC_IDLE || step == LOG_SYNC_FAILED)
            break;
    }
}

void heap_close(struct heap *heap)
{
    uint64_t now_ms = clock_wall_ms();

    if (!heap)
        return;
    background_stop(heap);
    settle(heap);
    if (pool_superblock_update(heap->pool, &heap->context, set_clean, &now_ms))
        log_error("heap", "%s: the pool could not be marked clean; the next start recovers all the same",
                  heap->o.path ? heap->o.path : "pool");
    release(heap);
}

struct heap_worker *heap_worker(struct heap *heap, uint32_t number)
{
    must(number < heap->o.workers);
    return &heap->workers[number];
}

struct pool *heap_pool(struct heap *heap)
{
    return heap->pool;
}

void heap_set_eviction(struct heap *heap, enum heap_eviction eviction)
{
    atomic_store(&heap->eviction, eviction);
    background_wake(heap);
}

void heap_set_sync_interval_ms(struct heap *heap, uint32_t sync_interval_ms)
{
    atomic_store(&heap->sync_interval_ms, sync_interval_ms);
}

/* ---- background steps ---- */

bool heap_fill_run_step(struct heap *heap)
{
    if (heap_fill_step(&heap->fill))
        return true;
    if (!heap->fill.done) {
        if (heap->fill.status)
            log_error(
                "heap",
                "%s: the hash index cannot be completed: %s; what can be read is served, commands over all keys are "
                "refused; restore the pool, or remove it and start with an empty one",
                heap->o.path ? heap->o.path : "pool", pm_status_text(heap->fill.status));
        atomic_store_explicit(&heap->fill_failed, heap->fill.status != PM_OK, memory_order_relaxed);
        return false;
    }
    atomic_store_explicit(&heap->filled, true, memory_order_release);
    return false;
}

bool heap_maintain_step(struct heap *heap, uint64_t now_us)
{
    struct pm_context *context = index_writer_context(heap->index_writer);
    enum index_writer_step step;
    bool busy = pool_space_step(heap->pool, context, READY_SEGMENTS + heap->o.workers);

    step = index_writer_step(heap->index_writer, now_us);
    busy |= step == INDEX_WRITER_BUSY;
    if (HEARTH_UNLIKELY(step == INDEX_WRITER_FAILED))
        atomic_store_explicit(&heap->index_failed, true, memory_order_relaxed);
    busy |= cleaner_step(heap->cleaner, now_us, clock_wall_ms());
    busy |= skiplist_step(heap->skiplist, context);
    busy |= heap_sweep_step(heap);
    if (!busy && atomic_load_explicit(&heap->filled, memory_order_acquire) && !cleaner_is_behind(heap->cleaner))
        scrub_step(&heap->scrub, now_us);
    atomic_store_explicit(&heap->exhausted,
                          !busy && step != INDEX_WRITER_WAITING && pool_space_available(heap->pool) == 0 &&
                              cleaner_is_stuck(heap->cleaner),
                          memory_order_relaxed);
    return busy;
}
