/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cleaner: gives segments back by moving what lives in them to a log head of its own, and, in cache mode when live
 * data fills the pool, by dropping what was not read again.
 *
 * IDEA: greedy: the segment with the least live bytes is emptied. Where even the best one is mostly live and eviction
 * is allowed, the oldest one is: objects read since they were written or last passed (frequency > 0) are kept, the
 * others dropped. Expired objects are dropped without a write.
 *
 * ORDER (R1-R3)  only segments wholly at or below the durable W; copy, flush, drain; the index switches or removes the
 * entries that still name the old place (journaled, durable); slots follow under their stripe locks; a grace period;
 * the segment's line says FREE, durably; only then it is used again.
 *
 * THREADS: the index writer's.
 *
 * DURABILITY: a crash anywhere leaves each object at the old or the new place, named by the index, and possibly copies
 * in a survivor segment that nobody names.
 */
#ifndef HEARTH_HEAP_CLEANER_H
#define HEARTH_HEAP_CLEANER_H

#include "heap/hash_index.h"
#include "persist/index_writer.h"

struct cleaner;
struct heap;

struct cleaner_stats {
    _Atomic uint64_t evicted, expired, segments, copied_bytes, freed_bytes, damaged;
};

bool cleaner_open(struct cleaner **out, struct heap *heap);
void cleaner_close(struct cleaner *cleaner);
/* A bounded piece of work, of cleaning or of the expiry sweep: true if something was done. now_us: monotonic; now_ms:
 * wall clock. */
bool cleaner_step(struct cleaner *cleaner, uint64_t now_us, uint64_t now_ms);
/* How far apart calls may lie for the expiry sweep: expire_pause_us(). */
uint64_t cleaner_pause_us(const struct cleaner *cleaner);
/* Less space is left than it should keep, or a segment is being emptied. */
bool cleaner_is_behind(const struct cleaner *cleaner);
/* Nothing is under way and nothing could be gained from any segment now. */
bool cleaner_is_stuck(const struct cleaner *cleaner);
const struct cleaner_stats *cleaner_stats(const struct cleaner *cleaner);

#endif
