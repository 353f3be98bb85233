/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Damaged records: found before they are served, then dropped (R4).
 *
 * IDEA: a slot that came from the ordered index, or whose record the scrubber found damaged, is unverified. Whoever
 * meets one, to show its record or to build on it, compares the record with its checksum first and clears the bit. A
 * damaged record's slot keeps the bit, so that every later one turns away as well: the key is a miss, and can be written
 * anew like one that never was there. The record is noted here, and the cleaner drops it the way it drops what has
 * expired: the ordered index, then the slot.
 *
 * COST: a record is read whole once after a start; from then on the test for a mark (heap.h) is all there is.
 *
 * THREADS: any, with a pin; damage_take() the index writer's.
 *
 * DURABILITY: nothing is stored here. A crash before the key is dropped leaves the index naming a damaged record, which
 * is found again.
 */
#ifndef HEARTH_HEAP_DAMAGE_H
#define HEARTH_HEAP_DAMAGE_H

#include <pthread.h>

#include "heap/hash_index.h"

struct heap;

/* A damaged record and the hash of the key that leads to it. */
struct damaged {
    uint64_t hash;
    pm_loc loc;
};

enum { DAMAGE_NOTED_MAX = 64 }; /* what does not fit is met again */

struct damage {
    pthread_mutex_t lock; /* taken last of all */
    struct damaged noted[DAMAGE_NOTED_MAX];
    _Atomic uint32_t count;
    _Atomic uint64_t found; /* records, since the start */
};

void damage_init(struct damage *damage);
void damage_close(struct damage *damage);

/* An unverified, unmarked slot of the key with this hash: true when its record is whole (the slot is no longer
 * unverified then). False: it is damaged, logged once, and not to be shown. Under the stripe lock or without. */
bool damage_verify(struct heap *heap, uint64_t hash, struct hash_ref *ref);
/* The same for a word that a scan gave. A slot that was verified, and is damaged all the same, becomes unverified: for
 * the scrubber, without a stripe lock. */
bool damage_verify_word(struct heap *heap, uint64_t word);
/* The key that the record claims to have, with its hash: false when it would lie beyond the segment. Whether it leads
 * back to loc says whether it is the true one. Points into the record. */
bool damage_key(const struct heap *heap, pm_loc loc, struct index_key *key);
/* Hands out what is noted, DAMAGE_NOTED_MAX at most; returns how many. Each is handed out once. */
uint32_t damage_take(struct damage *damage, struct damaged *out);

#endif
