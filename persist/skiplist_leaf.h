/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One leaf of the ordered index, as bytes: entries, bitmap, prefix, fence, checksum.
 *
 * IDEA: these functions work on a leaf in DRAM, a copy that a reader took or a shadow that the writer changes; nothing
 * here stores to media but leaf_write(). The area holds entries from its front; at its end lie the prefix, then the low
 * fence. An entry keeps six bytes of its key behind the prefix, so the prefix can be shortened without reading records.
 *
 * An index is larger than any cache, and a batch finds most leaves cold. So a leaf is a hash table whose buckets are the
 * lines of its area, and its checksum is a sum of terms that is kept up as they change: to find, change or add an
 * entry takes the header and mostly one line more, not all sixteen.
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
/* The line of the area in which the entry at a slot lies. */
static inline uint32_t leaf_slot_line(uint32_t slot)
{
    return slot / PM_LEAF_LINE_ENTRIES;
}
/* The line of the area to which an entry of this hash belongs. */
static inline uint32_t leaf_home(uint64_t hash)
{
    return (uint32_t)((hash & ((UINT64_C(1) << LEAF_HASH_LOW_BITS) - 1)) * PM_LEAF_LINES >> LEAF_HASH_LOW_BITS);
}
static inline uint32_t leaf_line_behind(uint32_t line)
{
    return line + 1 < PM_LEAF_LINES ? line + 1 : 0;
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
/*
 * The checksum of a leaf: the sum of a term for each entry in use, one for `next`, one for `passed`, and a hash of the
 * rest (lengths, height, prefix, fence), seeded with the leaf's number. Free slots and towers are in none. Of any
 * bytes: of what is not sound it is a hash as well.
 */
uint32_t leaf_checksum(const struct pmd_leaf *leaf, uint64_t number);
/* The term of an entry in use. */
uint32_t leaf_entry_term(struct pmd_leaf_entry entry, uint32_t slot);
/* Checksum of a spill block: a hash of all but checksum and towers, which it uses as scratch. */
uint32_t spill_checksum(struct pmd_leaf *copy, uint64_t number);

/* ---- changes that keep the checksum true: what did not hold before does not hold behind them ---- */

void leaf_set_next(struct pmd_leaf *leaf, uint64_t next);
/* Puts an entry into a slot, in use or not, that leaf_place() gave or that holds its key. */
void leaf_set_entry(struct pmd_leaf *leaf, uint32_t slot, struct pmd_leaf_entry entry);
/* Slots in use become free. */
void leaf_remove(struct pmd_leaf *leaf, uint64_t slots);
/* A free slot for an entry of this hash; the leaf has room. Reads the header alone. */
uint32_t leaf_place(struct pmd_leaf *leaf, uint64_t hash);
/* Of a leaf that has lost entries: moves those that lie behind their line to it where there is room now, and forgets
 * what no entry has passed any more. Returns the lines of the area that changed, a bit each. */
uint32_t leaf_settle(struct pmd_leaf *leaf);

/* The lines of the area in which an entry of this hash may lie, a bit each: its own, and those behind it as far as
 * entries have passed. Reads the header alone. */
static inline uint32_t leaf_probe(const struct pmd_leaf *leaf, uint64_t hash)
{
    uint32_t line = leaf_home(hash), lines = 1U << line;

    while ((leaf->passed >> line & 1) != 0) {
        line = leaf_line_behind(line);
        if ((lines >> line & 1) != 0)
            break;
        lines |= 1U << line;
    }
    return lines;
}
/* Slots in use whose 40 hash bits are those of `hash`. Reads the header and the lines of leaf_probe(). */
uint64_t leaf_match(const struct pmd_leaf *leaf, uint64_t hash);
/* Length of what the key shares with the leaf's prefix. */
static inline uint32_t leaf_prefix_shared(const struct pmd_leaf *leaf, const struct index_key *key)
{
    return index_key_shared_bytes(key, leaf_prefix(leaf), leaf->prefix_len);
}
/* The slice of an entry of this leaf if the prefix had only `prefix_len` bytes. */
uint64_t leaf_slice_widened(const struct pmd_leaf *leaf, uint64_t slice, uint32_t prefix_len);
/* Shortens the prefix; every entry is rewritten. Reads no record. Leaves the checksum behind, as leaf_set_prefix(). */
void leaf_shorten_prefix(struct pmd_leaf *leaf, uint32_t prefix_len);
/* Makes the first bytes of the key the prefix of a leaf without entries. */
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
/*
 * A sum over a new leaf as it lies in the pool, and the spill blocks of its fence: all but what changes once it is
 * linked (first word, towers). False: its spill blocks lead nowhere.
 */
bool leaf_new_sum(const struct pool *pool, uint64_t number, uint64_t *sum);

/* Spill blocks that a fence of this length needs. */
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
