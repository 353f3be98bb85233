/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plan of a split: a leaf's entries and new keys in order, and which leaf gets which.
 */
#ifndef HEARTH_PERSIST_SKIPLIST_PLAN_H
#define HEARTH_PERSIST_SKIPLIST_PLAN_H

#include "persist/skiplist_internal.h"

struct item {
    uint64_t slice; /* behind the leaf's prefix */
    uint64_t hash;
    pm_loc loc;
    const struct index_op *op; /* NULL: an entry of the leaf */
    uint32_t slot;             /* of that entry */
    bool tie;                  /* its slice is that of the item before */
};
struct part {
    uint32_t first, count;
    uint32_t low_len, prefix_len;
    uint64_t number;
};
struct split {
    uint32_t item_count, entry_count, part_count;
    bool ascending;
    struct item items[SPLIT_ITEMS_MAX], entries[PM_LEAF_ENTRIES_MAX];
    struct part parts[SPLIT_LEAVES_MAX];
    struct pmd_leaf block;
    uint8_t low[INDEX_KEY_BYTES_MAX];
};

/*
 * Plans how the entries of the current leaf and new keys (sorted, all with the leaf's prefix) are spread over it and new
 * leaves; parts[0] is the old leaf's. Returns the blocks that the new ones need. Changes nothing but `split`.
 */
uint32_t split_plan(const struct skiplist *skiplist, struct split *split, struct index_op *const *inserts,
                    uint32_t count);
/* The whole key of an item; reads its record if it is an entry. */
struct index_key split_item_key(const struct skiplist *skiplist, const struct item *item);

#endif
