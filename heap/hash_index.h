/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hash index: DRAM, key hash to the location of the key's newest record. The hot path of every request.
 *
 * IDEA: buckets of one cache line with eight 8-byte slots; linear hashing over a reserved range of addresses, so that
 * the table grows bucket by bucket, without a pause, a doubling peak or moving anything but one bucket's slots; what
 * overflows goes to chained half buckets in a side table. 23 hash bits in a slot are the address bits above the
 * smallest table and the tag at once: growing reads no record. The stripe of a key is made of its lowest hash bits, so
 * that a bucket and the one it splits into share their stripe.
 *
 * SLOT  bits 0..35 loc (pm_loc), 36..58 hash bits 14..36, 59 unverified, 60..61 frequency, 62 mark, 63 tier (0: pool).
 * 0 is empty; a word with loc 0 that is not 0 is a link to the side table (so a tier in DRAM must not use loc 0 either).
 * Unverified: the ordered index gave the location, and nobody has compared the record with its checksum since the pool
 * was opened (R4). It costs a hash bit rather than the tier or a frequency: with 10 million objects 16 tag bits still
 * tell a bucket's slots apart, one find in 10,000 reads a record for nothing.
 *
 * THREADS: reads are lock-free (a reader that misses looks again if slots moved meanwhile) and hold an epoch pin.
 * Inserts, removals, location changes and splits happen under the key's stripe lock and store whole words; readers
 * count in the frequency and clear the unverified bit by a CAS (one that a store overtakes is lost).
 *
 * COST: a find reads one line of the table (one more for each six objects or so, in the side table) and the record's
 * head. Mean over a doubling at most 12 B an object with the side table (DESIGN section 10).
 */
#ifndef HEARTH_HEAP_HASH_INDEX_H
#define HEARTH_HEAP_HASH_INDEX_H

#include <stdatomic.h>

#include "persist/skiplist.h"

struct hash_index;

enum { HASH_INDEX_BASE_BITS = 14, HASH_INDEX_STRIPE_BITS = 10, HASH_FREQUENCY_MAX = 3 };

#define HASH_SLOT_LOC_MASK ((UINT64_C(1) << PM_LOC_BITS) - 1)
#define HASH_SLOT_TAG_SHIFT 36
#define HASH_SLOT_UNVERIFIED (UINT64_C(1) << 59)
#define HASH_SLOT_FREQUENCY_SHIFT 60
#define HASH_SLOT_MARK (UINT64_C(1) << 62)

static inline pm_loc hash_slot_loc(uint64_t word)
{
    return word & HASH_SLOT_LOC_MASK;
}
static inline uint32_t hash_slot_frequency(uint64_t word)
{
    return (uint32_t)(word >> HASH_SLOT_FREQUENCY_SHIFT) & 3;
}

/* expected: objects that a refill will bring: hash_index_presize() sizes the table for them, in the background, since
 * zeroing memory for them all would stand before the first hit; it grows from there. max: objects it may ever hold
 * (reserves addresses, not memory). False: no memory. */
bool hash_index_open(struct hash_index **out, const struct pool *pool, uint64_t expected, uint64_t max);
void hash_index_close(struct hash_index *index);

/* Asks for the bucket's cache line ahead of a find. */
void hash_index_prefetch(const struct hash_index *index, uint64_t hash);
/* One step further, once the buckets of a batch should be here: asks for the record of the first slot that fits, and the
 * start of its value if that will be read. Returns where it lies, 0: nothing fits. HASH_INDEX_OVERFLOW: nothing in the
 * bucket does, and what it overflows into has been asked for, which takes another step with `overflow`. */
pm_loc hash_index_prefetch_record(const struct hash_index *index, uint64_t hash, bool value, bool overflow);
#define HASH_INDEX_OVERFLOW UINT64_MAX
/* The same step where a key's whole chain will be read: asks for what its bucket overflows into. */
void hash_index_prefetch_overflow(const struct hash_index *index, uint64_t hash);

struct hash_ref {
    _Atomic uint64_t *slot;
    uint64_t word; /* as it was read */
};
/* Finds the slot whose record has this key (whole key compared with the record's). Lock-free, or under the stripe
 * lock, where slot and word then are exact. A marked slot: see heap.h. */
bool hash_index_find(const struct hash_index *index, const struct index_key *key, struct hash_ref *ref);
/* The words of all slots that the hash alone does not tell from the key's (one find in 10,000 has more than one), the
 * key's among them if it is there all the time. One that changes meanwhile may be given twice. No record is read; lock-free.
 * Returns how many there are, of which `max` are given. */
uint32_t hash_index_words(const struct hash_index *index, uint64_t hash, uint64_t *words, uint32_t max);
/* Counts a hit: frequency + 1, skipped when saturated. A lost race loses the count, no more. */
static inline void hash_index_touch(const struct hash_ref *ref)
{
    uint64_t word = ref->word;

    if (((word >> HASH_SLOT_FREQUENCY_SHIFT) & 3) != HASH_FREQUENCY_MAX)
        atomic_compare_exchange_weak_explicit(ref->slot, &word, word + (UINT64_C(1) << HASH_SLOT_FREQUENCY_SHIFT),
                                              memory_order_relaxed, memory_order_relaxed);
}
/* The record that ref's word names was compared with its checksum. A lost race loses it: the next one compares again. */
static inline void hash_index_set_verified(struct hash_ref *ref)
{
    uint64_t word = ref->word, verified = word & ~HASH_SLOT_UNVERIFIED;

    if (atomic_compare_exchange_strong_explicit(ref->slot, &word, verified, memory_order_relaxed, memory_order_relaxed))
        ref->word = verified;
}

/* ---- under the stripe lock ---- */

uint32_t hash_index_stripe(uint64_t hash);
void hash_index_lock(struct hash_index *index, uint64_t hash);
void hash_index_unlock(struct hash_index *index, uint64_t hash);
/* By stripe number, for transactions: ascending order, each once. */
void hash_index_lock_stripe(struct hash_index *index, uint32_t stripe);
void hash_index_unlock_stripe(struct hash_index *index, uint32_t stripe);

/* The key is not there. Only the low 40 bits of the hash are used. mark: insert it marked. Whoever reserved (below) is
 * never refused. False: table full; nothing was changed. */
bool hash_index_insert(struct hash_index *index, uint64_t hash, pm_loc loc, uint32_t frequency,
                       bool mark) HEARTH_MUST_USE;
/* New location (release order: the record's bytes are visible before), of a record whose bytes are known to be right;
 * frequency as given, mark as given. */
void hash_index_set(struct hash_index *index, const struct hash_ref *ref, pm_loc loc, uint32_t frequency, bool mark);
void hash_index_set_mark(struct hash_index *index, const struct hash_ref *ref, bool mark);
/* The record that it names is damaged: nobody is to be shown it. */
void hash_index_set_unverified(struct hash_index *index, const struct hash_ref *ref);
/* The stripe's other refs end here (slots of the bucket may move); inserts they outlive. hash: the key's. */
void hash_index_remove(struct hash_index *index, uint64_t hash, const struct hash_ref *ref);
/* Finds by location instead of by key: the slot that names loc, if any (for cleaner and evictor). Without the lock it
 * may miss one that is moving. */
bool hash_index_find_loc(const struct hash_index *index, uint64_t hash, pm_loc loc, struct hash_ref *ref);
/* Refill from an index entry: inserts, unverified, with frequency 1, unless a slot for the same key is there. Records
 * are read only where an equal tag is in the bucket already. reserved: by the caller; else what others reserved is left
 * to them. Result: inserted or not. False in *ok: table full. */
bool hash_index_fill(struct hash_index *index, uint64_t hash_bits, pm_loc loc, bool reserved, bool *ok);

/* ---- without a lock ---- */

/*
 * Room for `inserts` inserts by the caller until it reserves again (C7): what the table refuses, it refuses here, before
 * anything was written. *held: what the caller holds, 0 at first, kept between calls, so that a call for a few inserts
 * is two loads; each owner has its own. False: no room.
 */
bool hash_index_reserve(struct hash_index *index, uint32_t *held, uint32_t inserts) HEARTH_MUST_USE;

/* Splits buckets while the load is above the goal; bounded work; cheap when there is nothing to do. Called after the
 * stripe lock was let go. */
void hash_index_grow(struct hash_index *index);
/* A bounded piece of sizing the table for what was expected at open. False: done. The filler's, before it fills. */
bool hash_index_presize(struct hash_index *index);

/*
 * One step of a scan (Redis SCAN's guarantee: what is there from start to end is given at least once, however the
 * table grows between calls, over a restart too): gives all words of the bucket at the cursor, returns the next
 * cursor, 0 at the end. Starts with 0.
 */
uint64_t hash_index_scan(const struct hash_index *index, uint64_t cursor, void (*each)(uint64_t word, void *context),
                         void *context);
/* A word of a bucket chosen by `random`, 0 if that bucket is empty. */
uint64_t hash_index_random(const struct hash_index *index, uint64_t random);
/* Sweeps bucket number `bucket` under its stripe lock: `drop` says which words go. Returns the next bucket, 0 when all
 * were swept (buckets that were made meanwhile included). */
uint64_t hash_index_sweep(struct hash_index *index, uint64_t bucket, bool (*drop)(uint64_t word, void *context),
                          void *context);

struct hash_index_stats {
    uint64_t slots_used, buckets, overflow_buckets, bytes;
};
void hash_index_stats(const struct hash_index *index, struct hash_index_stats *out);

#endif
