/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counting what lives. One thread counts, so nothing here is a locked operation; atomics are for those who read.
 */
#include "persist/live.h"

#include <string.h>

_Static_assert(8 % LIVE_CELL_BITS == 0, "no count crosses a byte");

static void count(struct segment *segment, int64_t bytes, int32_t records)
{
    int64_t bytes_before = atomic_load_explicit(&segment->live_bytes, memory_order_relaxed);
    int32_t records_before = atomic_load_explicit(&segment->live_records, memory_order_relaxed);

    atomic_store_explicit(&segment->live_bytes, bytes_before + bytes, memory_order_relaxed);
    atomic_store_explicit(&segment->live_records, records_before + records, memory_order_relaxed);
}

static void count_in_cell(struct pool *pool, pm_loc loc, bool add)
{
    uint32_t before = live_cell_count(pool, loc), one = 1U << live_cell_shift(loc);
    uint8_t *byte = &pool->live_cells[live_cell_byte(loc)];

    if (before == LIVE_CELL_MAX)
        return;
    if (add)
        *byte = (uint8_t)(*byte + one);
    else if (before > 0) /* or it was counted by an earlier run */
        *byte = (uint8_t)(*byte - one);
}

void live_add(struct pool *pool, pm_loc loc, uint32_t bytes)
{
    count(pool_segment_at(pool, loc), bytes, 1);
    count_in_cell(pool, loc, true);
}

void live_drop(struct pool *pool, pm_loc loc, uint32_t bytes)
{
    struct segment *segment = pool_segment_at(pool, loc);

    count(segment, bytes <= pool->segment_bytes ? -(int64_t)bytes : 0, -1); /* a damaged header may say anything */
    count_in_cell(pool, loc, false);
}

void live_clear(struct pool *pool, uint32_t segment)
{
    struct segment *twin = &pool->segments[segment];

    atomic_store_explicit(&twin->live_bytes, 0, memory_order_relaxed);
    atomic_store_explicit(&twin->live_records, 0, memory_order_relaxed);
    atomic_store_explicit(&twin->older_bytes, 0, memory_order_relaxed);
    memset(pool->live_cells + live_cells_bytes(pool_segment_off(pool, segment)), 0,
           live_cells_bytes(pool->segment_bytes));
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

uint64_t live_bytes_of_pool(const struct pool *pool)
{
    int64_t bytes = 0;

    for (uint32_t i = 0; i < pool->segment_count; i++)
        bytes += live_bytes(pool, i);
    return bytes > 0 ? (uint64_t)bytes : 0;
}
