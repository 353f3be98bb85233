/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The expiry sweep: finds objects whose time has come, so that they do not take up space until somebody asks for them.
 *
 * IDEA: walk the hash index with a scan cursor, paced: a pass takes about 20 seconds, less while it finds many, more
 * where the table is so large that it would take above a tenth of a processor. Records of a few buckets are asked for
 * before they are looked at. The slot does not say whether an object expires, so each record's head is read: the sweep
 * rests while the heap counts no object with an expiry.
 *
 * It changes nothing itself: it hands out requests for the index writer, as the cleaner makes them, so that the same
 * code carries them out: the ordered index removes what it still names (journaled, durable), then the slot goes under
 * its stripe lock (R3). Whoever writes such a key meanwhile wins: neither the index nor the slot names the old place
 * then. Only records at or below the durable W are given, for a replay would bring others back (they wait for the next
 * pass), and only undamaged ones (R4).
 *
 * THREADS: the index writer's, under its pin.
 *
 * USE   n = expire_collect(&expire, &tick, ops, cap);     in the pin
 *       index_ops_sort(ops, n), skiplist_apply(), account, slots: as for what the cleaner drops.
 */
#ifndef HEARTH_HEAP_EXPIRE_H
#define HEARTH_HEAP_EXPIRE_H

#include "heap/hash_index.h"

enum {
    EXPIRE_OPS_MIN = 64,   /* room for requests that a call needs at least */
    EXPIRE_TICK_US = 1000, /* calls that come sooner than that after another do nothing */
};

struct expire {
    const struct pool *pool;
    const struct hash_index *index;
    uint64_t cursor;
    uint64_t last_us; /* until then time was turned into buckets */
    uint64_t looked_at, found, passes;
    bool many;  /* of the last objects more than a quarter had expired */
    bool rests; /* at the last call nothing had an expiry */
};

struct expire_tick {
    uint64_t now_us;  /* monotonic: the pace */
    uint64_t now_ms;  /* wall clock: what has expired */
    uint64_t w;       /* durable horizon */
    uint64_t expires; /* objects with an expiry, all databases; 0: rest */
};

/* Cheap: is it worth while to find out how many objects have an expiry, and to call? */
static inline bool expire_is_due(const struct expire *expire, uint64_t now_us)
{
    return now_us - expire->last_us >= EXPIRE_TICK_US;
}
/* Calls may lie so far apart that what is due fits into one; UINT64_MAX: any time, nothing has an expiry. */
uint64_t expire_pause_us(const struct expire *expire);
void expire_init(struct expire *expire, const struct pool *pool, const struct hash_index *index);
/*
 * A bounded piece of the sweep, as much as is due. Fills INDEX_REMOVE_IF requests, one a key, into ops (cap at least
 * EXPIRE_OPS_MIN); returns how many. Their keys point into the records: valid within the pin.
 */
uint32_t expire_collect(struct expire *expire, const struct expire_tick *tick, struct index_op *ops, uint32_t cap);

#endif
