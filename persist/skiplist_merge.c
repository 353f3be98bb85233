/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Merging: a leaf that is empty, or fits well into the one before it, goes.
 *
 * DURABILITY: the leaf before gets the entries and the link in the same batch that marks this one dead.
 */
#include "persist/skiplist_internal.h"

enum { FIT_PERCENT = 60 };

/* The current leaf's place in the directory. */
static enum pm_status find_place(struct skiplist *skiplist, struct directory_place *place)
{
    struct index_key key;
    enum pm_status status = fence_read(skiplist->pool, &skiplist->current->leaf, &skiplist->fence);

    if (status != PM_OK)
        return status;
    if (skiplist->fence.len == 0)
        return PM_DAMAGED;
    key = index_key_of_bytes(skiplist->fence.bytes, skiplist->fence.len);
    *place = (struct directory_place){0, 0};
    return directory_find(skiplist->directory, &key, place) == skiplist->current->number ? PM_OK : PM_DAMAGED;
}

/* Makes the leaf before the current one the previous one of the batch. */
static enum pm_status open_left(struct skiplist *skiplist, struct pm_context *context, uint64_t left,
                                const uint64_t *keys, const uint64_t *expires)
{
    struct shadow *current = skiplist->current;
    enum pm_status status = PM_OK;

    if (skiplist->previous != NULL && skiplist->previous->number == left)
        return PM_OK;
    must(skiplist->previous == NULL);
    if (left == skiplist->emitted) /* its images are in the batch: media is behind */
        status = batch_commit(skiplist, context, skiplist_durable_w(skiplist), keys, expires);
    if (status != PM_OK)
        return status;
    skiplist->previous = current; /* so that the load takes the other shadow */
    status = batch_load(skiplist, left);
    skiplist->previous = skiplist->current;
    skiplist->current = current;
    if (status != PM_OK)
        skiplist->previous = NULL;
    return status;
}

static uint32_t merged_prefix(const struct pmd_leaf *left, const struct pmd_leaf *right)
{
    uint32_t limit = left->prefix_len < right->prefix_len ? left->prefix_len : right->prefix_len;

    if (left->used == 0)
        return right->prefix_len;
    if (right->used == 0)
        return left->prefix_len;
    return bytes_shared(leaf_prefix(left), leaf_prefix(right), limit);
}

static bool fits(const struct pmd_leaf *left, const struct pmd_leaf *right, uint32_t prefix_len)
{
    uint32_t capacity = leaf_capacity_with(prefix_len, leaf_low_bytes(left));

    return right->used == 0 || (leaf_count(left) + leaf_count(right)) * 100 <= capacity * FIT_PERCENT;
}

static void take_entries(struct shadow *left, const struct pmd_leaf *right, uint32_t prefix_len)
{
    if (right->used == 0)
        return;
    if (left->leaf.used == 0) {
        left->leaf.passed = 0;
        left->leaf.prefix_len = (uint8_t)prefix_len;
        memcpy(left->leaf.area + PM_LEAF_AREA - leaf_low_bytes(&left->leaf) - prefix_len, leaf_prefix(right),
               prefix_len);
    } else {
        leaf_shorten_prefix(&left->leaf, prefix_len);
        (void)leaf_settle(&left->leaf);
    }
    for (uint64_t rest = right->used; rest != 0; rest &= rest - 1) {
        struct pmd_leaf_entry entry = leaf_entry(right, (uint32_t)__builtin_ctzll(rest));
        uint64_t hash = entry_hash(entry);

        leaf_set_entry(&left->leaf, leaf_place(&left->leaf, hash),
                       entry_make(entry_loc(entry), hash, leaf_slice_widened(right, entry_slice(entry), prefix_len)));
    }
    left->dirty = SHADOW_ALL;
}

enum pm_status merge_left(struct skiplist *skiplist, struct pm_context *context, const uint64_t *keys,
                          const uint64_t *expires)
{
    struct directory_place place, left_place;
    struct shadow *current = skiplist->current;
    uint32_t prefix_len;
    uint64_t left;
    enum pm_status status;

    if (current->number == skiplist->head)
        return PM_OK;
    shadow_load_all(skiplist, current);
    status = find_place(skiplist, &place);
    if (status != PM_OK)
        return status;
    left_place = place;
    left = directory_back(skiplist->directory, &left_place);
    status = open_left(skiplist, context, left, keys, expires);
    if (status != PM_OK)
        return status;
    shadow_load_all(skiplist, skiplist->previous);
    prefix_len = merged_prefix(&skiplist->previous->leaf, &current->leaf);
    if (!fits(&skiplist->previous->leaf, &current->leaf, prefix_len))
        return PM_OK;
    if (skiplist->previous->leaf.next != current->number)
        return PM_DAMAGED;
    take_entries(skiplist->previous, &current->leaf, prefix_len);
    shadow_set_next(skiplist->previous, current->leaf.next);
    batch_bury(skiplist, &current->leaf, current->number);
    skiplist->directory_status = directory_remove(skiplist->directory, &place);
    skiplist->current = NULL;
    return PM_OK;
}
