/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk of all leaves in key order, for whoever fills the hash index.
 *
 * IDEA: a step copies one leaf and notes the fence of the next one. A leaf that dies in between is looked for again by
 * that fence: what it held lies in the leaf before by then, so entries may come twice, but none is missed.
 */
#include <stdlib.h>

#include "persist/skiplist_internal.h"

void skiplist_walk_start(struct skiplist *skiplist, struct skiplist_walk *walk)
{
    memset(walk, 0, sizeof *walk);
    walk->leaf = skiplist->head;
}

void skiplist_walk_end(struct skiplist_walk *walk)
{
    free(walk->fence);
    walk->fence = NULL;
    walk->fence_len = walk->fence_cap = 0;
}

static enum pm_status keep_fence(struct skiplist_walk *walk, const struct fence *fence)
{
    if (fence->len > walk->fence_cap) {
        uint8_t *bytes = realloc(walk->fence, fence->len);

        if (bytes == NULL)
            return PM_NO_MEMORY;
        walk->fence = bytes;
        walk->fence_cap = fence->len;
    }
    if (fence->len != 0)
        memcpy(walk->fence, fence->bytes, fence->len);
    walk->fence_len = fence->len;
    return PM_OK;
}

/* Moves to the next leaf and keeps its fence. *dead: it has been unlinked since the copy was taken. */
static enum pm_status walk_on(struct skiplist *skiplist, struct skiplist_walk *walk, uint64_t next, bool *dead)
{
    struct pmd_leaf head;
    struct fence fence = {0};
    enum pm_status status;

    *dead = false;
    if (next == 0) {
        walk->done = true;
        return PM_OK;
    }
    if (!leaf_number_is_valid(skiplist, next))
        return reader_damage(next, "a link leads outside of its segments");
    leaf_copy_head(skiplist, next, &head);
    *dead = head.state != PMD_LEAF_LIVE;
    if (*dead)
        return PM_OK;
    if (!leaf_is_sound(&head))
        return reader_damage(next, "a header cannot be");
    status = fence_read(skiplist->pool, &head, &fence);
    if (status == PM_OK)
        status = keep_fence(walk, &fence);
    fence_free(&fence);
    walk->leaf = next;
    return status;
}

static void take_entries(struct skiplist_walk *walk, const struct pmd_leaf *leaf)
{
    walk->count = 0;
    for (uint64_t left = leaf->used; left != 0; left &= left - 1) {
        struct pmd_leaf_entry entry = leaf_entry(leaf, (uint32_t)__builtin_ctzll(left));

        walk->entries[walk->count++] = (struct skiplist_entry){entry_loc(entry), entry_hash(entry)};
    }
}

enum pm_status skiplist_walk_step(struct skiplist *skiplist, struct skiplist_walk *walk)
{
    struct pmd_leaf copy;
    enum pm_status status;
    bool dead;

    walk->count = 0;
    if (walk->done)
        return PM_OK;
    for (;;) {
        status = reader_copy(skiplist, walk->leaf, true, &copy, &walk->sequence, &dead);
        if (status == PM_OK && !dead) {
            walk->leaf_of_entries = walk->leaf;
            status = walk_on(skiplist, walk, copy.next, &dead);
        }
        if (status != PM_OK)
            return status;
        if (!dead)
            break;
        status = skiplist_walk_resume(skiplist, walk);
        if (status != PM_OK)
            return status;
    }
    take_entries(walk, &copy);
    return PM_OK;
}

enum pm_status skiplist_walk_resume(struct skiplist *skiplist, struct skiplist_walk *walk)
{
    struct index_key key;
    struct pmd_leaf copy;
    uint32_t sequence;

    if (walk->done)
        return PM_OK;
    if (walk->fence_len == 0) {
        walk->leaf = skiplist->head;
        return PM_OK;
    }
    key = index_key_of_bytes(walk->fence, walk->fence_len);
    return reader_find(skiplist, &key, &copy, &walk->leaf, &sequence);
}

bool skiplist_walk_valid(struct skiplist *skiplist, const struct skiplist_walk *walk)
{
    return atomic_load_explicit(sequence_of(skiplist, walk->leaf_of_entries), memory_order_acquire) == walk->sequence;
}
