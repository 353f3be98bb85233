/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The filler's step: leaves, their entries, and what becomes of one whose leaf has changed.
 *
 * WHY NOTHING STALE GETS IN. Under the stripe lock the leaf is unchanged, so the ordered index names this location now.
 * Whoever takes a slot away for good (evictor, cleaner) first changes the ordered index, then the slot, under this
 * lock: so it comes later and finds the filler's slot, or it came before and the leaf shows it. A deleted key's slot
 * stays until a grace period after the index forgot the key; the filler's pin is older than that.
 */
#include "heap/fill.h"

#include <stdlib.h>

#include "base/assert.h"

enum { LEAVES_A_STEP = 64, ENTRIES_A_GROW = 16 /* a call splits enough for more than that */ };

static uint32_t mean_record_bytes(const struct segment *segment)
{
    switch ((enum pmd_segment_state)atomic_load_explicit(&segment->state, memory_order_relaxed)) {
    case PMD_SEGMENT_SEALED:
    case PMD_SEGMENT_INDEXED:
    case PMD_SEGMENT_SURVIVOR:
        return segment->record_count
                   ? atomic_load_explicit(&segment->length, memory_order_relaxed) / segment->record_count
                   : 0;
    case PMD_SEGMENT_FREE:
    case PMD_SEGMENT_LOG:
    case PMD_SEGMENT_INDEX:
    case PMD_SEGMENT_FIXED:
        break;
    }
    return 0;
}

void heap_fill_init(struct heap_fill *fill, struct pool *pool, struct skiplist *skiplist, struct hash_index *index,
                    struct epochs *epochs)
{
    *fill = (struct heap_fill){.pool = pool, .skiplist = skiplist, .index = index, .epochs = epochs};
    fill->pin = epoch_pin_new(epochs);
    must(fill->pin);
    /* Noted now, while no segment is freed or written anew. */
    fill->segments = calloc(pool->segment_count, sizeof *fill->segments);
    for (uint64_t i = 0; fill->segments && i < pool->segment_count; i++)
        fill->segments[i].mean_bytes = mean_record_bytes(&pool->segments[i]);
}

void heap_fill_end(struct heap_fill *fill)
{
    if (fill->started)
        skiplist_walk_end(&fill->walk);
    fill->started = false;
    free(fill->segments);
    fill->segments = NULL;
}

static void count_entry(struct heap_fill *fill, pm_loc loc)
{
    uint32_t segment = pool_segment_of(fill->pool, loc * PM_UNIT);

    if (fill->segments && segment < fill->pool->segment_count)
        fill->segments[segment].entries++;
}

static void estimate_older(struct heap_fill *fill)
{
    for (uint64_t i = 0; fill->segments && i < fill->pool->segment_count; i++)
        atomic_store_explicit(&fill->pool->segments[i].older_bytes,
                              (int64_t)fill->segments[i].entries * fill->segments[i].mean_bytes, memory_order_relaxed);
}

/* The leaf has changed: where is this key now? The pin keeps the record that the leaf named. 0: gone. */
static pm_loc look_again(struct heap_fill *fill, const struct skiplist_entry *entry, enum pm_status *status)
{
    const struct pmd_record *record = record_at(fill->pool, entry->loc);
    struct index_key key = {.db = record->db, .data = record_key(record), .len = record->key_len};
    pm_loc loc = 0;

    key.hash = key_hash(fill->pool->hash_seed, key.db, key.data, key.len);
    *status = skiplist_lookup(fill->skiplist, &key, &loc);
    return loc;
}

static enum pm_status fill_entry(struct heap_fill *fill, const struct skiplist_entry *entry)
{
    enum pm_status status = PM_OK;
    pm_loc loc = entry->loc;
    bool ok = true;

    hash_index_lock(fill->index, entry->hash_bits);
    if (HEARTH_UNLIKELY(!skiplist_walk_valid(fill->skiplist, &fill->held)))
        loc = look_again(fill, entry, &status);
    if (HEARTH_LIKELY(loc))
        hash_index_fill(fill->index, entry->hash_bits, loc, false, &ok);
    hash_index_unlock(fill->index, entry->hash_bits);
    count_entry(fill, entry->loc);
    return status ? status : ok ? PM_OK : PM_NO_MEMORY;
}

/* Brings in the held leaf and asks for the buckets of the next, in turns, so that the waits overlap. */
static enum pm_status fill_held(struct heap_fill *fill)
{
    uint32_t ahead = 0;

    for (uint32_t i = 0; i < fill->held.count; i++) {
        enum pm_status status = fill_entry(fill, &fill->held.entries[i]);

        if (status)
            return status;
        if (ahead < fill->walk.count)
            hash_index_prefetch(fill->index, fill->walk.entries[ahead++].hash_bits);
        if (i % ENTRIES_A_GROW == 0)
            hash_index_grow(fill->index);
    }
    while (ahead < fill->walk.count)
        hash_index_prefetch(fill->index, fill->walk.entries[ahead++].hash_bits);
    fill->visited += fill->held.count;
    return PM_OK;
}

static enum pm_status fill_leaf(struct heap_fill *fill)
{
    enum pm_status status = fill_held(fill);

    fill->held = fill->walk;
    fill->walk.count = 0;
    return status;
}

/* Under the pin; holds no leaf when it returns. */
static enum pm_status fill_leaves(struct heap_fill *fill)
{
    enum pm_status status = PM_OK;

    if (fill->started)
        status = skiplist_walk_resume(fill->skiplist, &fill->walk);
    else
        skiplist_walk_start(fill->skiplist, &fill->walk);
    fill->started = true;
    for (int i = 0; !status && i < LEAVES_A_STEP && !fill->walk.done; i++) {
        status = skiplist_walk_step(fill->skiplist, &fill->walk);
        if (!status)
            status = fill_leaf(fill);
    }
    return status ? status : fill_leaf(fill);
}

bool heap_fill_step(struct heap_fill *fill)
{
    if (fill->done || fill->status)
        return false;
    if (!fill->sized) {
        fill->sized = !hash_index_presize(fill->index);
        return true;
    }
    epoch_enter(fill->epochs, fill->pin);
    fill->status = fill_leaves(fill);
    epoch_leave(fill->pin);
    fill->done = !fill->status && fill->walk.done;
    if (!fill->done && !fill->status)
        return true;
    if (fill->done)
        estimate_older(fill);
    heap_fill_end(fill);
    return false;
}
