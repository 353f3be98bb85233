/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One leaf of the ordered index, as bytes: entries, bitmap, prefix, fence, checksum.
 *
 * IDEA: these functions work on a leaf in DRAM, a copy that a reader took or a shadow that the writer changes; nothing
 * here stores to media but leaf_write(). The area holds entries from its front; at its end lie the prefix, then the low
 * fence. An entry keeps six bytes of its key behind the prefix, so the prefix can be shortened without reading records.
 */
#ifndef HEARTH_PERSIST_SKIPLIST_LEAF_H
#define HEARTH_PERSIST_SKIPLIST_LEAF_H

#include "persist/index_key.h"

enum { LEAF_LOW_SPILLED = UINT16_MAX, LEAF_SLICE_BYTES = 6, LEAF_HASH_LOW_BITS = 28 };

#define LEAF_SLICE_MASK (~UINT64_C(0) << 16)
#define LEAF_LOC_MASK ((UINT64_C(1) << PM_LOC_BITS) - 1)
#define LEAF_HASH_MASK ((UINT64_C(1) << INDEX_HASH_BITS) - 1)

static inline uint32_t leaf_low_bytes(const struct pmd_leaf *leaf)
{
    return leaf->low_len == LEAF_LOW_SPILLED ? 0 : leaf->low_len;
}
static inline uint32_t leaf_low_len(const struct pmd_leaf *leaf)
{
    if (leaf->low_len != LEAF_LOW_SPILLED)
        return leaf->low_len;
    return leaf->low_full_len != 0 ? leaf->low_full_len : INDEX_KEY_BYTES_MAX; /* 65,536 does not fit its field */
}
/* How many entries fit with a prefix and a fence in the leaf of these lengths. */
static inline uint32_t leaf_capacity_with(uint32_t prefix_len, uint32_t low_bytes)
{
    uint32_t room = (PM_LEAF_AREA - prefix_len - low_bytes) / (uint32_t)sizeof(struct pmd_leaf_entry);

    return room < PM_LEAF_ENTRIES_MAX ? room : PM_LEAF_ENTRIES_MAX;
}
static inline uint32_t leaf_capacity(const struct pmd_leaf *leaf)
{
    return leaf_capacity_with(leaf->prefix_len, leaf_low_bytes(leaf));
}
static inline uint32_t leaf_count(const struct pmd_leaf *leaf)
{
    return (uint32_t)__builtin_popcountll(leaf->used);
}
static inline const uint8_t *leaf_low(const struct pmd_leaf *leaf)
{
    return leaf->area + PM_LEAF_AREA - leaf_low_bytes(leaf);
}
static inline const uint8_t *leaf_prefix(const struct pmd_leaf *leaf)
{
    return leaf_low(leaf) - leaf->prefix_len;
}
static inline struct pmd_leaf_entry leaf_entry(const struct pmd_leaf *leaf, uint32_t slot)
{
    struct pmd_leaf_entry entry;

    memcpy(&entry, leaf->area + slot * sizeof entry, sizeof entry);
    return entry;
}
static inline void leaf_set_entry(struct pmd_leaf *leaf, uint32_t slot, struct pmd_leaf_entry entry)
{
    memcpy(leaf->area + slot * sizeof entry, &entry, sizeof entry);
}
/* The line of the leaf in which an entry lies. */
static inline uint32_t leaf_entry_line(uint32_t slot)
{
    return 1 + slot * (uint32_t)sizeof(struct pmd_leaf_entry) / PM_LINE;
}

static inline struct pmd_leaf_entry entry_make(pm_loc loc, uint64_t hash, uint64_t slice)
{
    return (struct pmd_leaf_entry){
        .loc_hash = loc | hash << PM_LOC_BITS,
        .hash_key = (hash & LEAF_HASH_MASK) >> LEAF_HASH_LOW_BITS | (slice & LEAF_SLICE_MASK),
    };
}
static inline pm_loc entry_loc(struct pmd_leaf_entry entry)
{
    return entry.loc_hash & LEAF_LOC_MASK;
}
static inline uint64_t entry_hash(struct pmd_leaf_entry entry)
{
    return entry.loc_hash >> PM_LOC_BITS | (entry.hash_key & 0xfff) << LEAF_HASH_LOW_BITS;
}
static inline uint64_t entry_slice(struct pmd_leaf_entry entry)
{
    return entry.hash_key & LEAF_SLICE_MASK;
}

/* False when the header's lengths cannot be: damage, or no leaf at all. */
bool leaf_is_sound(const struct pmd_leaf *leaf);
/* Checksum of a copy in DRAM, whose tower words it uses as scratch. */
uint32_t leaf_checksum(struct pmd_leaf *copy, uint64_t number);

/* Slots in use whose 40 hash bits are those of `hash`. */
uint64_t leaf_match(const struct pmd_leaf *leaf, uint64_t hash);
/* A slot not in use; the leaf has room. */
uint32_t leaf_free_slot(const struct pmd_leaf *leaf);
/* Length of what the key shares with the leaf's prefix. */
static inline uint32_t leaf_prefix_shared(const struct pmd_leaf *leaf, const struct index_key *key)
{
    return index_key_shared_bytes(key, leaf_prefix(leaf), leaf->prefix_len);
}
/* The slice of an entry of this leaf if the prefix had only `prefix_len` bytes. */
uint64_t leaf_slice_widened(const struct pmd_leaf *leaf, uint64_t slice, uint32_t prefix_len);
/* Shortens the prefix; every entry is rewritten. Reads no record. */
void leaf_shorten_prefix(struct pmd_leaf *leaf, uint32_t prefix_len);
/* Makes `bytes` the prefix of a leaf without entries. */
void leaf_set_prefix(struct pmd_leaf *leaf, const struct index_key *key, uint32_t prefix_len);
/* The database of an entry: the first byte of prefix or slice. */
uint8_t leaf_entry_db(const struct pmd_leaf *leaf, struct pmd_leaf_entry entry);

/*
 * Stores a whole block to media, a leaf that nothing links yet or a spill block, and starts to flush it: the next drain
 * makes it durable. By words, because a stale hint may lead a reader here.
 */
void leaf_write(struct pm_context *context, struct pmd_leaf *to, const struct pmd_leaf *from);

/* ---- fences ---- */

/* Fences beyond PM_LEAF_KEY_BYTES_MAX need a place to be put together. Owned by one thread. */
struct fence {
    const uint8_t *bytes;
    uint32_t len;
    uint8_t *heap; /* INDEX_KEY_BYTES_MAX, once needed */
    uint8_t small[PM_LEAF_KEY_BYTES_MAX];
};
/* Reads the low fence of a sound leaf copy into `out`; valid until the next call with it. PM_DAMAGED: its chain of spill
 * blocks is broken. */
enum pm_status fence_read(const struct pool *pool, const struct pmd_leaf *leaf, struct fence *out) HEARTH_MUST_USE;
void fence_free(struct fence *fence);
/* Spill blocks that a fence of this length needs. */
/*
 * A sum over a new leaf as it lies in the pool, and the spill blocks of its fence: all but what changes once it is
 * linked (first word, towers). False: its spill blocks lead nowhere.
 */
bool leaf_new_sum(const struct pool *pool, uint64_t number, uint64_t *sum);

static inline uint32_t fence_spill_blocks(uint32_t len)
{
    return len <= PM_LEAF_KEY_BYTES_MAX ? 0 : (len + PM_LEAF_AREA - 1) / PM_LEAF_AREA;
}

/* A word of whatever structure lies there. */
typedef uint64_t __attribute__((may_alias)) media_word;

/* Copies `bytes` (a multiple of 8) from media by atomic words, as readers do beside the writer. */
static inline void media_copy(void *to, const void *from, size_t bytes)
{
    media_word *words = to;
    const media_word *media = from;

    for (size_t i = 0; i < bytes / 8; i++)
        words[i] = __atomic_load_n(&media[i], __ATOMIC_ACQUIRE);
}

#endif
