/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What lives where: the records that the ordered index names (R1), counted by segment and by cell.
 *
 * IDEA: a cell is 256 bytes of a segment, and its count two bits in DRAM. Segments are cleaned when most of what is in them
 * is dead; whole cells of dead records are then passed over, and no bucket of the hash index is read to learn that each is
 * dead. Counts begin at 0 when a segment is taken, so they are exact in what was filled in this run, and say nothing of what
 * is older. A count that has been at its highest stays there: of so small records it is not known any more.
 *
 * COST: 1 KB of DRAM for 1 MB of the pool that is in use.
 *
 * THREADS: maintenance's; live_bytes() any.
 */
#ifndef HEARTH_PERSIST_LIVE_H
#define HEARTH_PERSIST_LIVE_H

#include "persist/pool.h"

enum { LIVE_CELL_BYTES = 256, LIVE_CELL_BITS = 2, LIVE_CELL_MAX = (1 << LIVE_CELL_BITS) - 1 };

/* Bytes for the cells of so many bytes of the pool. */
static inline size_t live_cells_bytes(uint64_t pool_bytes)
{
    return pool_bytes / LIVE_CELL_BYTES * LIVE_CELL_BITS / 8;
}

/* The record of these bytes at loc became live, or dead. */
void live_add(struct pool *pool, pm_loc loc, uint32_t bytes);
void live_drop(struct pool *pool, pm_loc loc, uint32_t bytes);
/* Nothing lives in the segment: it begins a new use. */
void live_clear(struct pool *pool, uint32_t segment);

/* Does the segment hold nothing that lives? False also where that is not known. */
bool live_is_none_in(const struct pool *pool, uint32_t segment);
/* Of the cell in which a record begins: the byte of its count, the bits of that, and what it counts. */
static inline size_t live_cell_byte(pm_loc loc)
{
    return live_cells_bytes(loc * PM_UNIT);
}
static inline uint32_t live_cell_shift(pm_loc loc)
{
    return loc * PM_UNIT / LIVE_CELL_BYTES * LIVE_CELL_BITS % 8;
}
static inline uint32_t live_cell_count(const struct pool *pool, pm_loc loc)
{
    return pool->live_cells[live_cell_byte(loc)] >> live_cell_shift(loc) & LIVE_CELL_MAX;
}
/* Asks for the count of the cell, which is about to change; loc may be 0. */
static inline void live_prefetch(const struct pool *pool, pm_loc loc)
{
    HEARTH_PREFETCH_WRITE(&pool->live_cells[live_cell_byte(loc)]);
}
/* Does nothing live in the cell in which the record at loc begins? False also where that is not known. */
static inline bool live_is_none_at(const struct pool *pool, pm_loc loc)
{
    const struct segment *segment = &pool->segments[pool_segment_of(pool, loc * PM_UNIT)];

    return atomic_load_explicit(&segment->sequence, memory_order_relaxed) != 0 && live_cell_count(pool, loc) == 0;
}
/* Bytes of the segment's live records, in part an estimate where it is older than this run. May be below 0. */
int64_t live_bytes(const struct pool *pool, uint32_t segment);
/* The same of all segments; not below 0. */
uint64_t live_bytes_of_pool(const struct pool *pool);

#endif
