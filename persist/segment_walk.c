/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walking the records of a closed segment.
 */
#include "persist/segment_walk.h"

#include "persist/log_internal.h"

/* Heads that are fetched ahead: records of one size follow each other often, and each length is known only when the
 * head before it has come in. */
enum { HEADS_AHEAD = 8 };

static void fetch_ahead(const struct segment_walk *walk, uint32_t bytes)
{
    uint64_t pos = walk->pos + (uint64_t)HEADS_AHEAD * bytes;

    if (pos < walk->end)
        record_prefetch_head(pool_at(walk->pool, pool_segment_off(walk->pool, walk->segment) + pos));
}

void segment_walk_start(struct segment_walk *walk, const struct pool *pool, uint32_t segment)
{
    uint32_t length = atomic_load_explicit(&pool->segments[segment].length, memory_order_relaxed);

    *walk = (struct segment_walk){
        .pool = pool, .segment = segment, .end = length ? length : pool->segment_bytes, .verify = length == 0};
}

bool segment_walk_next(struct segment_walk *walk, pm_off *off, struct record_view *out)
{
    pm_off base = pool_segment_off(walk->pool, walk->segment);

    if (walk->pos + sizeof(struct pmd_record) > walk->end)
        return false;
    walk->pos = log_skip_padding(walk->pool, walk->segment, walk->pos);
    *off = base + walk->pos;
    if (walk->pos >= walk->end || !record_view(walk->pool, *off, base + walk->end, out) ||
        (walk->verify && !record_verify(walk->pool, *off, out))) {
        walk->damaged = walk->pos < walk->end && !walk->verify;
        walk->pos = walk->end;
        return false;
    }
    walk->pos += out->bytes;
    fetch_ahead(walk, out->bytes);
    return true;
}
