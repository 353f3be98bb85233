/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walking the records of a closed segment.
 */
#include "persist/segment_walk.h"

#include "persist/log_internal.h"

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
    return true;
}
