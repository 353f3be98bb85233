/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ordered index: a persistent skip list of fat leaves over the pool's records.
 *
 * IDEA: level 0 (leaf.next) is the truth; towers in NVM are validated hints (a leaf reached through one is a right
 * place to go on from if it is LIVE and its low fence is <= the key), so that a restart finds its first key in
 * O(log n) without building anything. The one writer keeps a directory of low fences in DRAM for speed, built at
 * start by walking level 0. The writer stages a batch on DRAM copies of the leaves it touches, then journal.c makes
 * the differences durable and applies them in place (two drains a batch).
 *
 * Keys are index keys: one byte database, then the user's key, memcmp order, shorter first.
 *
 * THREADS: one writer. Readers are lock-free: they copy a leaf (relaxed atomic words) under a sequence word that lies in a
 * DRAM table, and start again when it moved; they hold an epoch pin. A freed leaf is reused only after a grace period
 * and the durable journal behind the one that freed it.
 *
 * DURABILITY: skiplist_apply() returns: the batch is durable and applied.
 */
#ifndef HEARTH_PERSIST_SKIPLIST_H
#define HEARTH_PERSIST_SKIPLIST_H

#include "base/epoch.h"
#include "persist/overwrite.h"

struct skiplist;

struct index_key {
    const uint8_t *data;
    uint64_t hash; /* full hash of (db, key): key_hash() */
    uint32_t len;  /* of the user's key */
    uint8_t db;
};
/* XXH3_64 of the key with a seed made of the pool's seed and the database. */
uint64_t key_hash(uint64_t pool_seed, uint8_t db, const void *key, size_t len);

enum { INDEX_HASH_BITS = 40 }; /* low bits of the hash kept in a leaf entry */

struct skiplist_counts {
    uint64_t keys[PM_DATABASES], expires[PM_DATABASES];
    uint64_t leaves, segments;
};

/* batch: highest complete journal batch (recovery). */
enum pm_status skiplist_open(struct skiplist **out, struct pool *pool, struct epochs *epochs, uint64_t batch,
                             const uint64_t keys[PM_DATABASES], const uint64_t expires[PM_DATABASES]) HEARTH_MUST_USE;
void skiplist_close(struct skiplist *skiplist);
/* The head leaf of a new pool. */
void skiplist_format_head(struct pm_context *context, struct pmd_leaf *leaf, uint64_t leaf_number);

/* ---- readers, any thread with an epoch pin ---- */

/* The location the index names for this key, 0 if none. Reads the record to compare the whole key. PM_DAMAGED: a
 * leaf's checksum does not hold. */
enum pm_status skiplist_lookup(struct skiplist *skiplist, const struct index_key *key, pm_loc *loc) HEARTH_MUST_USE;
/* The writer's lookup, by its directory. Writer's thread. */
enum pm_status skiplist_writer_lookup(struct skiplist *skiplist, const struct index_key *key,
                                      pm_loc *loc) HEARTH_MUST_USE;

/* Walks the leaves in key order without reading records, for refilling the hash index. position 0: the head; moves
 * on; 0 at the end. `hash_bits`: the low INDEX_HASH_BITS of the hash. One leaf a call; the pin may be renewed between
 * calls only through skiplist_walk_resume() (which finds the place again by its fence). */
struct skiplist_entry {
    pm_loc loc;
    uint64_t hash_bits;
};
struct skiplist_walk {
    uint64_t leaf;  /* current leaf number */
    uint32_t count; /* entries of the last step */
    struct skiplist_entry entries[PM_LEAF_ENTRIES_MAX];
    uint64_t leaf_of_entries; /* that leaf, and */
    uint32_t sequence;        /* its sequence word: skiplist_walk_valid() */
    bool done;
    uint8_t *fence; /* owned: low fence of `leaf` as found, for resuming */
    uint32_t fence_len, fence_cap;
};
void skiplist_walk_start(struct skiplist *skiplist, struct skiplist_walk *walk);
enum pm_status skiplist_walk_step(struct skiplist *skiplist, struct skiplist_walk *walk) HEARTH_MUST_USE;
/* After the pin was left and entered again. */
enum pm_status skiplist_walk_resume(struct skiplist *skiplist, struct skiplist_walk *walk) HEARTH_MUST_USE;
/* Does the index still hold the last step's leaf as it was read? (A caller under the stripe lock asks before it inserts
 * an entry into the hash index; if not, skiplist_lookup() decides.) */
bool skiplist_walk_valid(struct skiplist *skiplist, const struct skiplist_walk *walk);
void skiplist_walk_end(struct skiplist_walk *walk);

/* ---- the writer ---- */

/* Builds the directory and finds the free leaves by walking level 0, verifying checksums and fence order. Until it was
 * run the writer uses the towers and takes no old leaves. */
enum pm_status skiplist_build_directory(struct skiplist *skiplist) HEARTH_MUST_USE;

enum index_op_kind {
    INDEX_PUT,       /* loc is the newest version of the key */
    INDEX_FORGET,    /* the newest version is a tombstone: no entry */
    INDEX_SWITCH_IF, /* if the entry names old_loc it names loc from now on (moving) */
    INDEX_REMOVE_IF, /* if the entry names old_loc it goes (evicting) */
};
struct index_op {
    struct index_key key;
    pm_loc loc;     /* new location; PUT, SWITCH_IF */
    pm_loc old_loc; /* SWITCH_IF, REMOVE_IF: expected; result of PUT and FORGET: what the entry named before, or 0 */
    struct record_replaced hint; /* PUT, FORGET: a record of the same key for sure; where the entry names it, it is not
                                  * read to see whose it is */
    uint64_t cts;                /* the caller's: of the record at loc, so that it need not be read again */
    uint32_t bytes : 28;         /* the caller's, likewise */
    uint32_t kind : 2;           /* enum index_op_kind */
    uint32_t has_expiry : 1;     /* PUT: the new record has an expiry */
    uint32_t done : 1;           /* result: the index was changed (or, PUT, already named loc) */
    uint32_t place;              /* result of a PUT that found an entry: its place, 0 if that has no number */
};
/* Sorts by key, ascending; ops on one key keep their order. Fast on long common prefixes. */
void index_ops_sort(struct index_op *ops, size_t count);
/* The same into another array, which saves a copy. */
void index_ops_sort_to(struct index_op *from, struct index_op *to, size_t count);
/*
 * Applies sorted ops (at most one a key), in as many journal batches as they need; the last one carries `w_after`.
 * On return they are durable and applied, results filled. new leaves that are needed come from recycled ones or from
 * SPACE_INDEX segments: PM_FULL leaves ops from *applied on undone (those before it are durable).
 */
enum pm_status skiplist_apply(struct skiplist *skiplist, struct pm_context *context, struct index_op *ops, size_t count,
                              uint64_t w_after, size_t *applied) HEARTH_MUST_USE;
/*
 * Carries out those overwrites that can be found by their places alone, in as many journal batches as they need; W stays.
 * Those left undone have place 0 then, and are for skiplist_apply(), to be called behind it. Of several of one key the
 * last keeps `loc`, the first `replaced`, the others' are 0. The results, in another order, lie in *ops, which is the array
 * given or `scratch`.
 */
enum pm_status skiplist_overwrite(struct skiplist *skiplist, struct pm_context *context, struct overwrite **ops,
                                  struct overwrite *scratch, size_t count) HEARTH_MUST_USE;
/* Unlinks all entries of these databases (bit a database), as one journal batch each: FLUSH. The leaves between are
 * freed by skiplist_step(). */
enum pm_status skiplist_drop_databases(struct skiplist *skiplist, struct pm_context *context, uint32_t databases,
                                       uint64_t w_after) HEARTH_MUST_USE;
/* Background: frees unlinked leaves after their grace, keeps free leaves in stock, gives wholly free index segments back.
 * True if something was done. */
bool skiplist_step(struct skiplist *skiplist, struct pm_context *context);
/* The horizon that the highest durable journal batch carries. */
uint64_t skiplist_durable_w(const struct skiplist *skiplist);
void skiplist_counts(const struct skiplist *skiplist, struct skiplist_counts *out);
/* Checks every invariant of the index (order, fences, bitmap, prefix, tower heights); debug and tests. */
enum pm_status skiplist_check(struct skiplist *skiplist) HEARTH_MUST_USE;

#endif
