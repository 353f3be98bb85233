/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the hash index: what hash_index.c, hash_index_chain.c, hash_index_grow.c and hash_index_scan.c share.
 *
 * TERMS
 *   bucket  64 bytes, eight words, in the table; bucket number b holds the hashes whose low `depth` bits are b
 *   unit    32 bytes, four words, in the side table: what a bucket overflows into
 *   chain   a bucket and its units. The last word of a bucket or unit may be a link to the next unit
 *   word    0: empty; loc not 0: a slot; loc 0 but not 0: a link (bits 36..63 unit number + 1). A tier in DRAM, when
 *           it comes, keeps this by never using loc 0 either.
 *   state   bits 0..31 number of buckets n, bits 32..63 count of moves within chains (wraps)
 *
 * INVARIANTS
 *   H1  A slot's bucket is the one its hash says under the present n; its 37 hash bits are the bucket number's low
 *       14 bits and its tag, so splitting reads no record.
 *   H2  A chain has no more units than its slots need (but for a moment, under its lock). It has no bound of its own, or
 *       an insert could fail after its record was appended: hashes are seeded and secret, so that a chain beyond
 *       CHAIN_UNITS_MAX does not come about; a scan would give no more of it than that.
 *   H3  Chains change only under their stripe lock, frequencies and unverified bits excepted. All buckets that share
 *       their low 14 bits, hence a bucket and all its split images, have one stripe.
 *   H4  A slot that leaves its place for another (a split, a chain that shrinks) is in its new place first, then
 *       `state` changes, then the old place is cleared; each step is a release. Two more ways need a reader's help:
 *       a slot pushed from the last word of its bucket into a new unit is in the unit before the link takes its place,
 *       without a change of state; a slot pulled up into the place of the link to its unit (H2) takes it once a change
 *       of state has followed the copies of the other slots, and another change follows before the unit is cleared.
 *   H5  A unit is given to another chain only after the change of state that belongs to its leaving.
 *   H6  Units in use and units reserved are no more than there are. A reservation stands until its owner's next one:
 *       then each owner has taken no more since it last looked than what it reserved, and whoever looked last saw room
 *       for all of them. Takers without a reservation (splits, refills) leave alone what is reserved.
 *
 * WHY A READER NEVER MISSES A KEY that is there all the time. It reads `state` (acquire), walks the chain front to
 * back, each word with acquire, a part's last word once more after the others, and if it found nothing reads `state`
 * again: changed, it starts over. Suppose that it ends with an unchanged state s. All moves of H4 whose change of state
 * is in s are visible to it: their new places are. Of a move whose change is not in s it has seen no effect after that
 * change: to see a cleared word, an unlinked unit or a unit reused (H5) is to acquire what was stored after the change,
 * so that the second read of `state` would have shown it. Hence the old place was full when the reader looked. A half
 * cleared bucket is the same case: its clears come after the change. What is left are last words that change between a
 * slot and a link under the reader's eyes, with no change of state that it would see. Pushed down: it sees the slot, or
 * later the link and the slot behind it. Pulled up, between the two changes: it sees the link, then either the link
 * again, behind which the slot still is, or in its second look at the last word the slot itself.
 *
 * WHY A STALE SLOT IS HARMLESS. What a reader finds was in the table at some time since its find began; its pin keeps
 * the record (R2, R3). Both copies of a moving slot agree, since locations change under the lock only.
 */
#ifndef HEARTH_HEAP_HASH_INDEX_PRIVATE_H
#define HEARTH_HEAP_HASH_INDEX_PRIVATE_H

#include "base/assert.h"
#include "heap/hash_index.h"

enum {
    BUCKET_WORDS = 8,
    UNIT_WORDS = 4,
    CHAIN_UNITS_MAX = 340, /* that scans see */
    CHAIN_SLOTS_MAX = BUCKET_WORDS + CHAIN_UNITS_MAX * (UNIT_WORDS - 1),
    STRIPES = 1 << HASH_INDEX_STRIPE_BITS,
    BUCKETS_MIN = 1 << HASH_INDEX_BASE_BITS,
    BUCKETS_AT_OPEN =
        1 << 15, /* the tail of a restart touches no more than these: 2 MB to be zeroed before the first hit */
    TAG_BITS = 23,
    HASH_BITS = HASH_INDEX_BASE_BITS + TAG_BITS, /* that place and slot know together */
    GOAL_SLOTS_PER_8_BUCKETS = 54,               /* load at which buckets are split */
    RESERVE_MIN = 64,                            /* inserts that an owner always holds */
    UNITS_SPARE = 1024,                          /* for takers without a reservation that look at the same time */
    STRIPE_SLACK = 16,                           /* slots that a stripe counts before it tells the table */
    HASH_FREQUENCY_FILLED = 1,                   /* unknown after a restart means warm (DESIGN section 5) */
};
_Static_assert((int)HASH_INDEX_STRIPE_BITS <= (int)HASH_INDEX_BASE_BITS, "a bucket and its images share their stripe");
_Static_assert((int)HASH_BITS <= (int)INDEX_HASH_BITS, "the ordered index keeps enough hash bits for a refill");
_Static_assert(HASH_SLOT_UNVERIFIED == UINT64_C(1) << (HASH_SLOT_TAG_SHIFT + (int)TAG_BITS), "slot layout");
_Static_assert(HASH_SLOT_UNVERIFIED << 1 == UINT64_C(1) << HASH_SLOT_FREQUENCY_SHIFT, "slot layout");

#define BUCKETS_LIMIT (UINT64_C(1) << 31)
#define HASH_INDEX_HUGE_PAGE ((size_t)2 << 20)
#define UNITS_MIN (UINT64_C(1) << 18) /* addresses, not memory: the largest transactions of some workers */
#define UNITS_LIMIT ((UINT64_C(1) << 28) - 2)
#define TAG_MASK (((UINT64_C(1) << TAG_BITS) - 1) << HASH_SLOT_TAG_SHIFT)
#define STATE_MOVE (UINT64_C(1) << 32)

struct bucket {
    HEARTH_CACHE_ALIGNED _Atomic uint64_t words[BUCKET_WORDS];
};
struct unit {
    __attribute__((aligned(32))) _Atomic uint64_t words[UNIT_WORDS];
};

/* Four to a cache line: with many threads the lines move between cores anyway, with few the table stays in L1. */
struct stripe {
    _Alignas(16) _Atomic uint32_t locked;
    _Atomic int32_t used; /* slots not yet told to index->used; under the lock */
};

/* Units: fresh ones in order of address, then a stack of freed ones, linked through their first word. */
struct unit_pool {
    _Atomic uint32_t locked;
    uint64_t fresh; /* units below this were handed out once */
    uint64_t freed; /* unit number + 1, 0: none */
    _Atomic uint64_t in_use, touched;
    _Atomic uint64_t reserved; /* sum over the owners: H6 */
};

struct hash_index {
    const struct pool *pool;
    struct bucket *buckets;
    struct unit *units;
    uint64_t buckets_max, units_max;
    uint64_t buckets_wanted; /* for what was expected at open: hash_index_presize() */
    HEARTH_CACHE_ALIGNED _Atomic uint64_t state;
    HEARTH_CACHE_ALIGNED _Atomic int64_t used;
    HEARTH_CACHE_ALIGNED _Atomic uint32_t splitting; /* trylock of the one splitter */
    HEARTH_CACHE_ALIGNED struct unit_pool unit_pool;
    HEARTH_CACHE_ALIGNED struct stripe stripes[STRIPES];
};

/* ---- words ---- */

static inline bool word_is_slot(uint64_t word)
{
    return hash_slot_loc(word) != 0;
}
/* Only of the last word of a bucket or unit. */
static inline bool word_is_link(uint64_t word)
{
    return hash_slot_loc(word) == 0 && word != 0;
}
static inline uint64_t link_make(uint64_t unit)
{
    return (unit + 1) << HASH_SLOT_TAG_SHIFT;
}
static inline uint64_t link_unit(uint64_t word)
{
    return (word >> HASH_SLOT_TAG_SHIFT) - 1;
}
static inline uint64_t tag_of(uint64_t hash)
{
    return (hash >> HASH_INDEX_BASE_BITS << HASH_SLOT_TAG_SHIFT) & TAG_MASK;
}
static inline uint64_t word_make(uint64_t tag, pm_loc loc, uint32_t frequency, bool mark)
{
    return loc | tag | (uint64_t)frequency << HASH_SLOT_FREQUENCY_SHIFT | (mark ? HASH_SLOT_MARK : 0);
}
static inline uint64_t word_load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}
static inline void word_store(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_release);
}

/* ---- buckets ---- */

static inline uint64_t state_buckets(uint64_t state)
{
    return (uint32_t)state;
}
/* floor(log2 n): buckets below n - 2^level are split at this level, with their images; they have depth level + 1. */
static inline uint32_t level_of(uint64_t n)
{
    return 63 - (uint32_t)__builtin_clzll(n);
}
static inline uint64_t bucket_of(uint64_t n, uint64_t hash)
{
    uint32_t level = level_of(n);
    uint64_t bucket = hash & ((UINT64_C(2) << level) - 1);

    return bucket < n ? bucket : bucket & ((UINT64_C(1) << level) - 1);
}
static inline struct bucket *bucket_for(const struct hash_index *index, uint64_t hash)
{
    return &index->buckets[bucket_of(state_buckets(atomic_load_explicit(&index->state, memory_order_acquire)), hash)];
}

/* ---- chains: hash_index_chain.c ---- */

/* A place in a chain: `words` of the bucket or a unit. */
struct chain_part {
    _Atomic uint64_t *words;
    uint32_t count;
};
static inline struct chain_part chain_first(struct bucket *bucket)
{
    return (struct chain_part){bucket->words, BUCKET_WORDS};
}
static inline uint64_t chain_last_word(const struct chain_part *part)
{
    return word_load(&part->words[part->count - 1]);
}
/* To the part that a last word links to. False: it is not a link. */
static inline bool chain_follow(const struct hash_index *index, struct chain_part *part, uint64_t last)
{
    if (!word_is_link(last))
        return false;
    *part = (struct chain_part){index->units[link_unit(last)].words, UNIT_WORDS};
    return true;
}
/* False at the chain's end. Not for readers that must not miss a slot: they look at the last word again. */
static inline bool chain_next(const struct hash_index *index, struct chain_part *part)
{
    return chain_follow(index, part, chain_last_word(part));
}

/* All under the stripe lock (or on a bucket that nobody sees yet). */

/* Adds a slot. reserved: by the caller (H6). False: no unit to be had; nothing was changed. */
bool chain_add(struct hash_index *index, struct bucket *bucket, uint64_t word, bool reserved) HEARTH_MUST_USE;
/* Gives up units that the chain does not need any more. */
void chain_shrink(struct hash_index *index, struct bucket *bucket);
/* Copies the chain's slots, CHAIN_SLOTS_MAX at most. Returns how many. */
uint32_t chain_collect(const struct hash_index *index, struct bucket *bucket, uint64_t *slots);
/* Empties a bucket that nobody sees. */
void chain_discard(struct hash_index *index, struct bucket *bucket);

/* Slots were added or went; under the stripe lock of `hash`. */
void hash_index_count(struct hash_index *index, uint64_t hash, int32_t change);

/* ---- locks ---- */

static inline void cpu_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}
static inline bool spin_try(_Atomic uint32_t *locked)
{
    return atomic_exchange_explicit(locked, 1, memory_order_acquire) == 0;
}
void spin_wait(_Atomic uint32_t *locked);
static inline void spin_lock(_Atomic uint32_t *locked)
{
    if (HEARTH_UNLIKELY(!spin_try(locked)))
        spin_wait(locked);
}
static inline void spin_unlock(_Atomic uint32_t *locked)
{
    atomic_store_explicit(locked, 0, memory_order_release);
}

#endif
