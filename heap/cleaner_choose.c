/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is cleaned next, and when.
 *
 * WHEN: space is low. And segments that are dead as a whole go as soon as fresh ones are being taken: pages that were
 * touched before are cheaper than new ones, and the pool stays as small as its data. Nothing of a dead one is read.
 */
#include "heap/cleaner_internal.h"
#include "persist/live.h"

enum {
    /* Cleaning a segment that is fuller than this costs more than it gains: permille of live bytes. */
    WORTH_CACHE = 750, /* in cache mode: rather drop the coldest */
    WORTH_STORE = 970, /* with eviction none there is no other way */
    LOW_DIVISOR = 32,  /* keep a 32nd of the segments available, */
    LOW_MIN = 3,
    LOW_MAX = 64,
};

static uint64_t low_watermark(const struct pool *pool)
{
    uint64_t low = pool->segment_count / LOW_DIVISOR;

    return low < LOW_MIN ? LOW_MIN : low > LOW_MAX ? LOW_MAX : low;
}

bool cleaner_is_behind(const struct cleaner *cleaner)
{
    const struct pool *pool = cleaner->heap->pool;

    return cleaner->active || pool_space_available(pool) < low_watermark(pool);
}

static bool is_candidate(const struct cleaner *cleaner, uint32_t segment)
{
    const struct pool *pool = cleaner->heap->pool;

    if (!cleaner_is_below_w(pool, segment))
        return false;
    if (segment == cleaner->out_segment || pool->segments[segment].damaged)
        return false;
    for (uint32_t i = 0; i < cleaner->condemned_count; i++)
        if (cleaner->condemned[i].segment == segment)
            return false;
    return true;
}

/* The segment with the least live bytes, and the oldest one; 0: none. */
static void find_candidates(const struct cleaner *cleaner, uint32_t *emptiest, int64_t *live, uint32_t *oldest)
{
    const struct pool *pool = cleaner->heap->pool;
    uint64_t oldest_sequence = UINT64_MAX;

    *emptiest = *oldest = 0;
    *live = INT64_MAX;
    for (uint32_t i = PM_SEGMENT_FIRST_FREE; i < pool->segment_count; i++) {
        const struct segment *segment = &pool->segments[i];
        int64_t bytes = live_bytes(pool, i);
        uint64_t sequence = atomic_load_explicit(&segment->sequence, memory_order_relaxed);

        if (!is_candidate(cleaner, i))
            continue;
        if (bytes < *live) {
            *live = bytes;
            *emptiest = i;
        }
        if (sequence < oldest_sequence) {
            oldest_sequence = sequence;
            *oldest = i;
        }
    }
}

/*
 * Neither the index nor a slot names anything in it. Its live records are exact, since it was filled in this run; all of
 * it is at or below W, so a slot that named a record of it would name what the index names, or a tombstone that is to
 * be forgotten, or what a FLUSH covers, and that still counts as live.
 */
static bool is_dead(const struct cleaner *cleaner, uint32_t segment)
{
    const struct pool *pool = cleaner->heap->pool;

    return live_is_none_in(pool, segment) && pool->segments[segment].tombstones == 0 && is_candidate(cleaner, segment);
}

static bool condemn_dead(struct cleaner *cleaner)
{
    const struct pool *pool = cleaner->heap->pool;
    uint32_t before = cleaner->condemned_count;
    uint64_t epoch = 0;

    for (uint32_t i = PM_SEGMENT_FIRST_FREE; i < pool->segment_count; i++) {
        if (!is_dead(cleaner, i))
            continue;
        if (cleaner->condemned_count == CONDEMNED_MAX)
            break;
        if (epoch == 0)
            epoch = epoch_advance(cleaner->heap->epochs);
        cleaner_condemn(cleaner, i, epoch);
    }
    return cleaner->condemned_count != before;
}

bool cleaner_choose(struct cleaner *cleaner, uint32_t *victim, bool *evicting)
{
    struct heap *heap = cleaner->heap;
    bool may_evict = atomic_load_explicit(&heap->eviction, memory_order_relaxed) == HEAP_EVICTION_CACHE;
    uint32_t emptiest, oldest;
    uint64_t fresh;
    int64_t live;
    bool low, full;

    if (!atomic_load_explicit(&heap->filled, memory_order_acquire) || cleaner->condemned_count == CONDEMNED_MAX)
        return false;
    low = pool_space_available(heap->pool) < low_watermark(heap->pool);
    fresh = pool_space_fresh(heap->pool);
    if (low || fresh != cleaner->fresh) {
        cleaner->fresh = fresh;
        if (condemn_dead(cleaner))
            return false;
    }
    if (!low)
        return false;
    find_candidates(cleaner, &emptiest, &live, &oldest);
    cleaner->stuck = true;
    if (!emptiest)
        return false;
    full = live * 1000 > (int64_t)heap->pool->segment_bytes * (may_evict ? WORTH_CACHE : WORTH_STORE);
    if (full && !may_evict)
        return false;
    *evicting = full;
    *victim = full ? oldest : emptiest;
    cleaner->stuck = false;
    return true;
}
