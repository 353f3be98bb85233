/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The writer's side of the towers.
 *
 * IDEA: a tower is linked after the batch that made its leaf is complete, and mended after the batch that unlinked it:
 * at every moment each hint names a leaf that is LIVE, or one that readers see is not. Nothing waits for their being
 * durable; skiplist_build_directory() repairs what a crash left.
 */
#include <stdlib.h>

#include "persist/skiplist_internal.h"

enum { TOWER_SHIFT = 3, MEND_STEPS_MAX = 1 << 24 }; /* a level has an eighth of the leaves of the one below */

uint8_t tower_height(struct skiplist *skiplist)
{
    uint64_t bits;
    uint8_t height = 0;

    skiplist->random ^= skiplist->random << 13;
    skiplist->random ^= skiplist->random >> 7;
    skiplist->random ^= skiplist->random << 17;
    bits = skiplist->random >> 20;
    while (height < PM_LEAF_TOWER && bits % (1 << TOWER_SHIFT) == 0) {
        height++;
        bits >>= TOWER_SHIFT;
    }
    return height;
}

/* Without memory to remember it the leaf stays without a tower: slower to find, no more. */
void tower_note(struct skiplist *skiplist, const struct pmd_leaf *leaf, uint64_t number)
{
    if (leaf->height == 0)
        return;
    if (skiplist->tower_count == skiplist->tower_capacity) {
        uint32_t capacity = skiplist->tower_capacity != 0 ? 2 * skiplist->tower_capacity : 256;
        uint64_t *towers = realloc(skiplist->towers, capacity * sizeof *towers);

        if (towers == NULL)
            return;
        skiplist->towers = towers;
        skiplist->tower_capacity = capacity;
    }
    skiplist->towers[skiplist->tower_count++] = number;
}

void tower_store(struct skiplist *skiplist, struct pm_context *context, uint64_t number, uint32_t level,
                 uint64_t target)
{
    uint32_t first = (level - 1) & ~1U;
    uint64_t low = tower_read(skiplist, number, first + 1), high = tower_read(skiplist, number, first + 2);
    uint64_t *word = (uint64_t *)(void *)&media_leaf(skiplist, number)->tower[first];

    if (level - 1 == first)
        low = target;
    else
        high = target;
    pm_store_word(context, word, low | high << 32);
    pm_flush(context, PM_SITE_TOWER_FLUSH, word, sizeof *word);
}

/* The last leaf of each level before this one; false if its fence cannot be read or it is the head. */
static bool find_before(struct skiplist *skiplist, const struct pmd_leaf *leaf, uint64_t before[PM_LEAF_TOWER])
{
    struct index_key key;

    if (fence_read(skiplist->pool, leaf, &skiplist->fence) != PM_OK || skiplist->fence.len == 0)
        return false;
    key = index_key_of_bytes(skiplist->fence.bytes, skiplist->fence.len);
    tower_search(skiplist, &key, true, before);
    return true;
}

static void link_tower(struct skiplist *skiplist, struct pm_context *context, uint64_t number)
{
    const struct pmd_leaf *leaf = media_leaf(skiplist, number);
    uint64_t before[PM_LEAF_TOWER];

    if (!find_before(skiplist, leaf, before))
        return;
    for (uint32_t level = 1; level <= leaf->height; level++) {
        uint64_t next = tower_read(skiplist, before[level - 1], level);

        if (next == number)
            continue;
        tower_store(skiplist, context, number, level, next);
        tower_store(skiplist, context, before[level - 1], level, number);
    }
}

static void unlink_tower(struct skiplist *skiplist, struct pm_context *context, uint64_t number)
{
    const struct pmd_leaf *leaf = media_leaf(skiplist, number);
    uint64_t before[PM_LEAF_TOWER];

    if (!find_before(skiplist, leaf, before))
        return;
    for (uint32_t level = 1; level <= leaf->height; level++) {
        uint64_t first = tower_read(skiplist, before[level - 1], level), next = first;

        for (uint32_t steps = 0; steps < MEND_STEPS_MAX; steps++) {
            if (next == 0 || !leaf_number_is_valid(skiplist, next) ||
                media_leaf(skiplist, next)->state != PMD_LEAF_DEAD)
                break;
            next = tower_read(skiplist, next, level);
        }
        if (next != first)
            tower_store(skiplist, context, before[level - 1], level, next);
    }
}

void tower_update(struct skiplist *skiplist, struct pm_context *context)
{
    for (uint32_t i = 0; i < skiplist->tower_count; i++)
        if (media_leaf(skiplist, skiplist->towers[i])->state == PMD_LEAF_DEAD)
            unlink_tower(skiplist, context, skiplist->towers[i]);
    for (uint32_t i = 0; i < skiplist->tower_count; i++)
        if (media_leaf(skiplist, skiplist->towers[i])->state == PMD_LEAF_LIVE)
            link_tower(skiplist, context, skiplist->towers[i]);
    skiplist->tower_count = 0;
}
