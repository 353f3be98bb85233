/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counting what lives. One thread counts, so nothing here is a locked operation; atomics are for those who read.
 */
#include "persist/live.h"

#include <string.h>

_Static_assert(LIVE_CELL_BYTES / sizeof(struct pmd_record) <= UINT8_MAX, "a byte holds the records of a cell");

static void count(struct segment *segment, int64_t bytes, int32_t records)
{
    int64_t bytes_before = atomic_load_explicit(&segment->live_bytes, memory_order_relaxed);
    int32_t records_before = atomic_load_explicit(&segment->live_records, memory_order_relaxed);

    atomic_store_explicit(&segment->live_bytes, bytes_before + bytes, memory_order_relaxed);
    atomic_store_explicit(&segment->live_records, records_before + records, memory_order_relaxed);
}

void live_add(struct pool *pool, pm_loc loc, uint32_t bytes)
{
    count(pool_segment_at(pool, loc), bytes, 1);
    pool->live_cells[loc * PM_UNIT / LIVE_CELL_BYTES]++;
}

void live_drop(struct pool *pool, pm_loc loc, uint32_t bytes)
{
    struct segment *segment = pool_segment_at(pool, loc);

    count(segment, bytes <= pool->segment_bytes ? -(int64_t)bytes : 0, -1); /* a damaged header may say anything */
    pool->live_cells[loc * PM_UNIT / LIVE_CELL_BYTES]--;
}

void live_clear(struct pool *pool, uint32_t segment)
{
    struct segment *twin = &pool->segments[segment];

    atomic_store_explicit(&twin->live_bytes, 0, memory_order_relaxed);
    atomic_store_explicit(&twin->live_records, 0, memory_order_relaxed);
    atomic_store_explicit(&twin->older_bytes, 0, memory_order_relaxed);
    memset(pool->live_cells + pool_segment_off(pool, segment) / LIVE_CELL_BYTES, 0,
           pool->segment_bytes / LIVE_CELL_BYTES);
}

bool live_is_none_in(const struct pool *pool, uint32_t segment)
{
    const struct segment *twin = &pool->segments[segment];

    return atomic_load_explicit(&twin->live_records, memory_order_relaxed) == 0 &&
           atomic_load_explicit(&twin->sequence, memory_order_relaxed) != 0;
}

int64_t live_bytes(const struct pool *pool, uint32_t segment)
{
    const struct segment *twin = &pool->segments[segment];

    return atomic_load_explicit(&twin->live_bytes, memory_order_relaxed) +
           atomic_load_explicit(&twin->older_bytes, memory_order_relaxed);
}
