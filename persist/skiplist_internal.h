/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the ordered index share: its state, and the steps of a batch.
 */
#ifndef HEARTH_PERSIST_SKIPLIST_INTERNAL_H
#define HEARTH_PERSIST_SKIPLIST_INTERNAL_H

#include "base/assert.h"
#include "base/log.h"
#include "persist/journal.h"
#include "persist/skiplist.h"
#include "persist/skiplist_directory.h"
#include "persist/skiplist_leaf.h"
#include "persist/skiplist_space.h"

enum {
    SEQUENCES = 4096,
    VERIFIED = 8192,
    GROUP_OPS_MAX = 4096,                                   /* of one leaf that are staged at once */
    SPLIT_ITEMS_MAX = GROUP_OPS_MAX + PM_LEAF_ENTRIES_MAX,  /* entries and operations of one leaf */
    SPLIT_LEAVES_MAX = SPLIT_ITEMS_MAX / 16,                /* that they can become */
    GROUP_JOURNAL_BYTES = 4 * 1600 + 32 * SPLIT_LEAVES_MAX, /* of images that a group can add at most */
};

enum { SHADOW_HEADER = 1, SHADOW_AREA = (1 << PM_LEAF_LINES) - 1, SHADOW_ALL = (1 << (PM_LEAF_LINES + 1)) - 1 };

/*
 * A leaf as it will be once the batch in the making is applied. A line is taken from media when it is needed first: those
 * whose bit is set in `loaded` (bit 0 the header, bit i line i - 1 of the area). Those set in `dirty` may differ from
 * media; once all are, the checksum is made anew, before that it is kept up.
 */
struct shadow {
    uint64_t number; /* 0: none */
    uint32_t loaded, dirty;
    struct pmd_leaf leaf;
};

struct dead_leaf {
    uint64_t number;
    uint64_t word; /* its first word from now on */
};

struct skiplist {
    struct pool *pool;
    struct epochs *epochs;
    struct journal *journal;
    uint64_t head; /* leaf number of the head */
    _Atomic bool built;
    _Atomic uint64_t durable_w;
    _Atomic uint64_t keys[PM_DATABASES], expires[PM_DATABASES]; /* of the durable batch */
    _Atomic uint64_t leaves, segments;
    _Atomic uint32_t verified[VERIFIED];   /* leaves whose checksums held, until the directory is built */
    _Atomic uint32_t sequences[SEQUENCES]; /* odd while a leaf that hashes there is stored to */

    /* the writer's */
    struct directory *directory;
    enum pm_status directory_status; /* not PM_OK: it misses a leaf, and must be built again behind this batch */
    struct leaf_space *space;
    uint64_t random;
    uint64_t staged_keys[PM_DATABASES], staged_expires[PM_DATABASES];
    struct shadow shadows[2];
    struct shadow *previous,
        *current;           /* the last leaf of the batch, still open to its neighbour; the one being changed */
    struct dead_leaf *dead; /* unlinked by `previous`, whose images must come first */
    uint32_t dead_count, dead_capacity;
    uint64_t emitted;             /* the last leaf whose images this batch has, 0: none */
    bool was_empty;               /* when this call of skiplist_apply() began */
    uint64_t ascending;           /* the leaf made by the last split at a right edge */
    struct directory_place place; /* where the last group was found */
    struct fence fence;           /* scratch */
    struct index_op **inserts;    /* scratch: GROUP_OPS_MAX */
    struct split *split;          /* scratch of skiplist_split.c */
    uint64_t *towers;             /* leaves made and leaves unlinked by this batch that have towers */
    uint32_t tower_count, tower_capacity;
};

static inline struct pmd_leaf *media_leaf(const struct skiplist *skiplist, uint64_t number)
{
    return (struct pmd_leaf *)pool_at(skiplist->pool, number * PM_LEAF_BYTES);
}
static inline _Atomic uint32_t *sequence_of(struct skiplist *skiplist, uint64_t number)
{
    return &skiplist->sequences[number % SEQUENCES];
}
/*
 * Around stores to a leaf that readers may be copying. There is one writer, so no locked operation is needed, only that
 * the stores keep their order: on x86 the processor sees to that, the fence binds the compiler.
 */
static inline void sequence_begin(struct skiplist *skiplist, uint64_t number)
{
    _Atomic uint32_t *word = sequence_of(skiplist, number);
    uint32_t next = atomic_load_explicit(word, memory_order_relaxed) + 1;

#ifdef __x86_64__
    atomic_store_explicit(word, next, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
#else
    atomic_store_explicit(word, next, memory_order_seq_cst);
    atomic_thread_fence(memory_order_seq_cst);
#endif
}
static inline void sequence_end(struct skiplist *skiplist, uint64_t number)
{
    _Atomic uint32_t *word = sequence_of(skiplist, number);

    atomic_store_explicit(word, atomic_load_explicit(word, memory_order_relaxed) + 1, memory_order_release);
}
/* Can there be a leaf of this number: does it lie in an index segment? */
static inline bool leaf_number_is_valid(const struct skiplist *skiplist, uint64_t number)
{
    uint64_t segment = number * PM_LEAF_BYTES >> skiplist->pool->segment_bits;

    return segment < skiplist->pool->segment_count &&
           atomic_load_explicit(&skiplist->pool->segments[segment].state, memory_order_relaxed) == PMD_SEGMENT_INDEX;
}

/* An entry as struct pmd_record names it. Leaves behind the pool's first 64 GB have no such number. */
static inline uint32_t place_make(uint64_t leaf, uint32_t slot)
{
    return leaf <= UINT32_MAX / PM_PLACES ? (uint32_t)leaf * PM_PLACES + slot : 0;
}

/* ---- skiplist_read.c ---- */

/* A consistent copy of a leaf, or of its first line and its fence (unless that is spilled). Returns the sequence word it
 * was read under. */
uint32_t leaf_copy(struct skiplist *skiplist, uint64_t number, struct pmd_leaf *copy);
uint32_t leaf_copy_head(struct skiplist *skiplist, uint64_t number, struct pmd_leaf *copy);
/* The key against the low fence of a sound copy: below, at or above 0. Of a broken chain nothing is above. */
int leaf_compare_low(const struct skiplist *skiplist, const struct pmd_leaf *copy, const struct index_key *key);
/* One word of a leaf's tower; level 1 is the first. */
uint64_t tower_read(const struct skiplist *skiplist, uint64_t number, uint32_t level);
/*
 * Goes down the towers from the head: the last leaf they lead to that is LIVE with a low fence at or below the key (with
 * `below`: strictly below). From it level 0 leads to the right one. `before`, if given: the last such leaf of
 * each level, [0] is level 1.
 */
uint64_t tower_search(struct skiplist *skiplist, const struct index_key *key, bool below,
                      uint64_t before[PM_LEAF_TOWER]);

/* Copies a leaf and, with `verify`, its checksum is verified. *dead: it is unlinked, begin again. PM_DAMAGED. */
enum pm_status reader_copy(struct skiplist *skiplist, uint64_t number, bool verify, struct pmd_leaf *copy,
                           uint32_t *sequence, bool *dead) HEARTH_MUST_USE;
/* Copies the leaf that holds the key. */
enum pm_status reader_find(struct skiplist *skiplist, const struct index_key *key, struct pmd_leaf *copy,
                           uint64_t *number, uint32_t *sequence) HEARTH_MUST_USE;
/* Logs what is wrong with a leaf; PM_DAMAGED. */
enum pm_status reader_damage(uint64_t number, const char *what);
/* The slot of the key's entry in a leaf, or -1. Reads the records of entries with equal hash bits. */
int leaf_find(const struct skiplist *skiplist, const struct pmd_leaf *leaf, const struct index_key *key);

/* ---- skiplist_tower.c ---- */

/* Remembers a leaf made or unlinked by this batch, for tower_update(). */
void tower_note(struct skiplist *skiplist, const struct pmd_leaf *leaf, uint64_t number);
/* After a commit: links the towers of new leaves, takes unlinked ones out. */
void tower_update(struct skiplist *skiplist, struct pm_context *context);
/* Draws the height of a new leaf. */
uint8_t tower_height(struct skiplist *skiplist);
void tower_store(struct skiplist *skiplist, struct pm_context *context, uint64_t number, uint32_t level,
                 uint64_t target);

/* ---- skiplist_batch.c: staging ---- */

/* Makes a leaf skiplist->current, its header loaded. PM_DAMAGED: it is none. */
enum pm_status batch_load(struct skiplist *skiplist, uint64_t number) HEARTH_MUST_USE;
/* Lines of the area (a bit each) that are not loaded yet; all of them; those of prefix and fence; those in which a key of
 * this hash may have its entry. */
void shadow_load(const struct skiplist *skiplist, struct shadow *shadow, uint32_t lines);
static inline void shadow_load_all(const struct skiplist *skiplist, struct shadow *shadow)
{
    shadow_load(skiplist, shadow, SHADOW_AREA);
}
static inline void shadow_load_tail(const struct skiplist *skiplist, struct shadow *shadow)
{
    uint32_t tail = shadow->leaf.prefix_len + leaf_low_bytes(&shadow->leaf);

    shadow_load(skiplist, shadow, SHADOW_AREA & ~((1U << (PM_LEAF_AREA - tail) / PM_LINE) - 1));
}
static inline void shadow_load_probe(const struct skiplist *skiplist, struct shadow *shadow, uint64_t hash)
{
    shadow_load(skiplist, shadow, leaf_probe(&shadow->leaf, hash));
}
/* Changes an entry that is there; adds one, for which there is room; takes some away whose lines are loaded. */
void shadow_change(struct shadow *shadow, uint32_t slot, struct pmd_leaf_entry entry);
void shadow_add(const struct skiplist *skiplist, struct shadow *shadow, struct pmd_leaf_entry entry);
void shadow_remove(struct shadow *shadow, uint64_t slots);
void shadow_set_next(struct shadow *shadow, uint64_t next);
/* See leaf_settle(). */
void shadow_settle(const struct skiplist *skiplist, struct shadow *shadow);
/* Adds a shadow's differences to the journal; there is room. */
void batch_emit(struct skiplist *skiplist, struct shadow *shadow);
/* The current leaf becomes the previous one; what was that is emitted. */
void batch_move_on(struct skiplist *skiplist);
/* Marks a leaf that the previous one does not link any more dead, and buries its blocks. */
void batch_bury(struct skiplist *skiplist, const struct pmd_leaf *leaf, uint64_t number);
/* Commits all that is staged. `keys`, `expires`: the counts behind it. Does nothing when nothing changed. */
enum pm_status batch_commit(struct skiplist *skiplist, struct pm_context *context, uint64_t w, const uint64_t *keys,
                            const uint64_t *expires) HEARTH_MUST_USE;
/* Can the journal take a whole group more? If not, commits with the W of before. */
bool batch_has_room(const struct skiplist *skiplist);
enum pm_status batch_make_room(struct skiplist *skiplist, struct pm_context *context) HEARTH_MUST_USE;
/* A new leaf, written in place behind a journal that will make it LIVE. */
void batch_new_leaf(struct skiplist *skiplist, struct pm_context *context, struct pmd_leaf *leaf, uint64_t number);
enum pm_status batch_need_directory(struct skiplist *skiplist) HEARTH_MUST_USE;

/* ---- skiplist_group.c ---- */

/* Operations [begin, end) that fall into one leaf. */
struct group {
    uint64_t leaf;
    size_t begin, end;
    bool cut;       /* more of them follow for this leaf: the batch ends behind it, and they are looked up anew */
    bool join_left; /* the leaf before is small: merge into it if both fit */
};
/*
 * Stages a group. On an error nothing of it is staged. *next_joins: the leaf behind should be joined to this one, 0 if none.
 */
enum pm_status group_stage(struct skiplist *skiplist, struct pm_context *context, struct index_op *ops,
                           const struct group *group, uint64_t *next_joins) HEARTH_MUST_USE;

/* ---- skiplist_merge.c ---- */

/* Merges the current leaf into the one before it, if it is empty or both fit well: then there is no current leaf after.
 * `keys`, `expires`: the counts without the current group, should a commit be needed. */
enum pm_status merge_left(struct skiplist *skiplist, struct pm_context *context, const uint64_t *keys,
                          const uint64_t *expires) HEARTH_MUST_USE;

/* ---- skiplist_split.c ---- */

struct split *split_new(void);
void split_free(struct split *split);
/*
 * The current leaf cannot hold these new keys: spreads its entries and them over it and new leaves to the right. The leaf and
 * the new ones are emitted; there is no current leaf after. PM_FULL, PM_NO_MEMORY: nothing was changed.
 */
enum pm_status split_insert(struct skiplist *skiplist, struct pm_context *context, struct index_op *const *inserts,
                            uint32_t count) HEARTH_MUST_USE;

#endif
