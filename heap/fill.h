/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The filler: after a restart, brings every entry of the ordered index into the hash index, in the background.
 *
 * IDEA: walk the leaves in key order; an entry carries location and hash bits, so that no record is read. Each step
 * handles some leaves under one pin; each entry goes in under its stripe lock, and only if the leaf is still as it was
 * read (else the ordered index is asked again), so that nothing deleted, evicted or moved meanwhile comes back.
 *
 * It also estimates how much of each segment of the former run is live: an entry counts as the segment's mean record.
 * The estimate is a little high for records of the recovered tail (the index writer counts them too) and a little low
 * for those superseded before the filler came by; the cleaner learns the truth when it reads the segment.
 *
 * COST: 50 to 80 ns an entry, mostly the wait for buckets, which are asked for a leaf ahead of their use.
 *
 * THREADS: one at a time calls steps; everything else goes on meanwhile.
 */
#ifndef HEARTH_HEAP_FILL_H
#define HEARTH_HEAP_FILL_H

#include "heap/hash_index.h"

/* What the filler knows of a segment. */
struct fill_segment {
    uint32_t mean_bytes; /* of a record */
    uint32_t entries;    /* that name one in it, so far */
};

struct heap_fill {
    struct pool *pool;
    struct skiplist *skiplist;
    struct hash_index *index;
    struct epochs *epochs;
    struct epoch_pin *pin;
    struct skiplist_walk walk;     /* the leaf read last: its buckets are on their way */
    struct skiplist_walk held;     /* a copy of the one before: its entries go in meanwhile */
    struct fill_segment *segments; /* NULL: no memory for estimates */
    uint64_t visited;              /* entries */
    bool sized;                    /* the hash index has its size */
    bool started;
    bool done;             /* complete: every key of the ordered index is in the hash index */
    enum pm_status status; /* not PM_OK: it stopped, and never will be complete */
};

/* After recovery, before threads start: takes a pin for good and notes the segments' mean record sizes. */
void heap_fill_init(struct heap_fill *fill, struct pool *pool, struct skiplist *skiplist, struct hash_index *index,
                    struct epochs *epochs);
/* Handles up to 64 leaves. True while there is more to do; then look at done and status. PM_DAMAGED: a leaf's checksum
 * does not hold; PM_NO_MEMORY: the hash index took no more. */
bool heap_fill_step(struct heap_fill *fill);
/* Frees what it holds; for one that did not come to its end. */
void heap_fill_end(struct heap_fill *fill);

#endif
