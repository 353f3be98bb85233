/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The writer's directory: all leaves in key order, in DRAM, with eight bytes of each low fence.
 *
 * IDEA: two levels of sorted arrays. A chunk keeps the prefix that its fences share, but for the first one's, and of each
 * fence the slice behind that prefix; a search compares slices, and only equal ones make it read a fence from its leaf.
 * The first fence of a chunk is kept whole. About half a byte of DRAM a key.
 *
 * OPERATIONS: find: from a place, galloping forward: a sorted batch costs a few comparisons a key. Insert and remove:
 * moving at most 3 KB, and now and then the array of chunks.
 *
 * THREADS: the index writer's alone. Fences are read from media, so a leaf must have been written before it is inserted.
 */
#ifndef HEARTH_PERSIST_SKIPLIST_DIRECTORY_H
#define HEARTH_PERSIST_SKIPLIST_DIRECTORY_H

#include "persist/skiplist_leaf.h"

struct directory;

/* Where a leaf stands; any value is a valid hint for directory_find(). Inserting and removing invalidate places. */
struct directory_place {
    uint32_t chunk, slot;
};

struct directory *directory_new(const struct pool *pool);
void directory_free(struct directory *directory);
/* Adds a leaf behind all others. `low` is its low fence; the first leaf's is empty. */
enum pm_status directory_append(struct directory *directory, uint64_t number, const uint8_t *low,
                                uint32_t low_len) HEARTH_MUST_USE;
/* The leaf that holds the key, 0 if a fence could not be read. `place` is where to begin, then where the leaf stands. */
uint64_t directory_find(struct directory *directory, const struct index_key *key, struct directory_place *place);
/* The leaf before the one at `place`, 0 if that is the first. Moves the place. */
uint64_t directory_back(const struct directory *directory, struct directory_place *place);
/* Inserts a leaf behind `place`, which then names the new leaf. On an error the directory is of no use any more. */
enum pm_status directory_insert(struct directory *directory, struct directory_place *place, uint64_t number,
                                const uint8_t *low, uint32_t low_len) HEARTH_MUST_USE;
/* Removes the leaf at `place`, which is not the first of all. */
enum pm_status directory_remove(struct directory *directory, struct directory_place *place) HEARTH_MUST_USE;
uint64_t directory_leaves(const struct directory *directory);
/* Calls `each` for all leaves in order until it returns false; for checks. */
void directory_each(const struct directory *directory, bool (*each)(uint64_t number, void *argument), void *argument);

#endif
