/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Figures of the heap, gathered when somebody asks. Nothing is counted for them on the path of a request that is not
 * counted in a thread's own lines.
 */
#include "heap/heap_internal.h"
#include "persist/live.h"

static void space_stats(const struct heap *heap, struct heap_stats *out)
{
    struct pool_space_counts space;

    pool_space_counts(heap->pool, &space);
    out->pool_bytes = heap->pool->segment_count << heap->pool->segment_bits;
    out->pool_used_bytes = (heap->pool->segment_count - space.free - space.ready) << heap->pool->segment_bits;
    out->live_bytes = live_bytes_of_pool(heap->pool);
    out->segments_free = space.free + space.ready;
    out->segments_log = space.log;
    out->segments_survivor = space.survivor;
    out->segments_index = space.index;
    out->segments_total = heap->pool->segment_count;
    out->disk_full = space.disk_full;
}

static void log_stats(struct heap *heap, struct heap_stats *out)
{
    log_tail(heap->log, &out->tail_records, &out->tail_bytes);
    log_appended(heap->log, &out->appended_records, &out->appended_bytes);
    out->w = index_writer_w(heap->index_writer);
    out->epoch = epoch_now(heap->epochs);
    out->synced_epoch = log_synced_epoch(heap->log);
    out->persist_lag_bytes = log_unsynced_bytes(heap->log);
    out->persist_lag_ms = out->persist_lag_bytes ? background_unsynced_ms(heap) : 0;
}

static void index_stats(const struct heap *heap, struct heap_stats *out)
{
    struct skiplist_counts index;
    struct hash_index_stats hash;

    skiplist_counts(heap->skiplist, &index);
    for (int db = 0; db < PM_DATABASES; db++)
        out->index_keys += index.keys[db];
    out->index_leaves = index.leaves;
    out->index_segments = index.segments;
    out->index_batches = index_writer_cuts(heap->index_writer);
    hash_index_stats(heap->index, &hash);
    out->hash_bytes = hash.bytes;
    out->hash_buckets = hash.buckets;
    out->hash_slots = hash.slots_used;
}

static void cleaner_figures(const struct heap *heap, struct heap_stats *out)
{
    const struct cleaner_stats *cleaner = cleaner_stats(heap->cleaner);

    out->evicted = atomic_load_explicit(&cleaner->evicted, memory_order_relaxed);
    out->expired_collected = atomic_load_explicit(&cleaner->expired, memory_order_relaxed);
    out->cleaned_segments = atomic_load_explicit(&cleaner->segments, memory_order_relaxed);
    out->cleaned_bytes = atomic_load_explicit(&cleaner->freed_bytes, memory_order_relaxed);
    out->damaged_records = atomic_load_explicit(&cleaner->damaged, memory_order_relaxed) +
                           atomic_load_explicit(&heap->damage.found, memory_order_relaxed);
    out->scrubbed_bytes = atomic_load_explicit(&heap->scrub.bytes, memory_order_relaxed);
    out->scrub_passes = atomic_load_explicit(&heap->scrub.passes, memory_order_relaxed);
    out->survivor_bytes = atomic_load_explicit(&cleaner->copied_bytes, memory_order_relaxed);
}

static void add_counters(struct heap_stats *out, const struct pm_context *context)
{
    out->drains += __atomic_load_n(&context->counters.drains, __ATOMIC_RELAXED);
    out->flush_lines += __atomic_load_n(&context->counters.flush_lines, __ATOMIC_RELAXED);
    out->store_bytes += __atomic_load_n(&context->counters.store_bytes, __ATOMIC_RELAXED);
}

void heap_stats(struct heap *heap, struct heap_stats *out)
{
    *out = (struct heap_stats){0};
    space_stats(heap, out);
    log_stats(heap, out);
    index_stats(heap, out);
    cleaner_figures(heap, out);
    for (uint32_t i = 0; i < heap->o.workers; i++)
        add_counters(out, log_writer_context(heap->workers[i].log));
    add_counters(out, index_writer_context(heap->index_writer));
    add_counters(out, &heap->sync_context);
    out->recovery_us = heap->recovery_us;
    out->recovered_records = atomic_load_explicit(&heap->recovered_records, memory_order_relaxed);
    out->fill_us = atomic_load_explicit(&heap->fill_us, memory_order_relaxed);
    out->filled = atomic_load_explicit(&heap->filled, memory_order_acquire);
    out->failed = pm_failed(heap->pm);
    out->power = heap->power;
    out->emulated = heap->pm->emulated;
    out->file_backing = heap->pm->backing == PM_BACKING_FILE;
}
