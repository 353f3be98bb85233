/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Splitting: the entries of a leaf and new keys that do not fit beside them, spread over it and new leaves to its right.
 *
 * IDEA: first everything is planned (where each leaf begins, its separator, its prefix), then blocks are reserved, so that
 * a full pool leaves all as it was; then the new leaves are written in place, and the old one keeps its place and loses
 * the bits of what moved.
 *
 * DURABILITY: the new leaves are flushed, and durable with the batch's first drain; until the batch is complete
 * nothing names them, and a crash leaves them free blocks.
 */
#include <stdlib.h>

#include "persist/skiplist_plan.h"

struct split *split_new(void)
{
    return calloc(1, sizeof(struct split));
}
void split_free(struct split *split)
{
    free(split);
}

/* ---- writing ---- */

/* The first bytes of an item's key, out of prefix and slice if they suffice. */
static void copy_key(const struct skiplist *skiplist, const struct item *item, uint32_t bytes, uint8_t *to)
{
    const struct pmd_leaf *leaf = &skiplist->current->leaf;

    if (bytes <= (uint32_t)leaf->prefix_len + LEAF_SLICE_BYTES) {
        uint64_t slice = __builtin_bswap64(item->slice);

        memcpy(to, leaf_prefix(leaf), bytes < leaf->prefix_len ? bytes : leaf->prefix_len);
        if (bytes > leaf->prefix_len)
            memcpy(to + leaf->prefix_len, &slice, bytes - leaf->prefix_len);
    } else {
        struct index_key key = split_item_key(skiplist, item);

        index_key_copy(&key, bytes, to);
    }
}

/* Puts items into a leaf whose prefix is set and that has no others. */
static void fill_leaf(const struct skiplist *skiplist, const struct split *split, const struct part *part,
                      struct pmd_leaf *leaf)
{
    bool same = part->prefix_len == skiplist->current->leaf.prefix_len;

    for (uint32_t i = 0; i < part->count && !same; i++)
        if (split->items[part->first + i].op == NULL)
            HEARTH_PREFETCH(record_at(skiplist->pool, split->items[part->first + i].loc));
    leaf->used = 0;
    leaf->passed = 0;
    for (uint32_t i = 0; i < part->count; i++) {
        const struct item *item = &split->items[part->first + i];
        uint64_t slice = item->slice;

        if (!same) {
            struct index_key key = split_item_key(skiplist, item);

            slice = index_key_slice(&key, part->prefix_len);
        }
        leaf_set_entry(leaf, leaf_place(leaf, item->hash), entry_make(item->loc, item->hash, slice));
    }
}

/* Writes the low fence of a part, which is in split->low, into spill blocks. */
static void write_spill(struct skiplist *skiplist, struct split *split, struct pm_context *context,
                        const struct part *part, struct pmd_leaf *leaf)
{
    uint32_t blocks = fence_spill_blocks(part->low_len), at = blocks;
    uint64_t next = 0;

    while (at-- != 0) {
        struct pmd_leaf *block = &split->block;
        uint32_t from = at * PM_LEAF_AREA,
                 piece = part->low_len - from < PM_LEAF_AREA ? part->low_len - from : PM_LEAF_AREA;
        uint64_t number = leaf_space_take(skiplist->space);

        memset(block, 0, sizeof *block);
        block->state = PMD_LEAF_SPILL;
        block->next = (uint32_t)next;
        block->used = piece;
        memcpy(block->area, split->low + from, piece);
        block->checksum = spill_checksum(block, number);
        memset(block->tower, 0, sizeof block->tower);
        leaf_write(context, media_leaf(skiplist, number), block);
        next = number;
    }
    leaf->low_len = LEAF_LOW_SPILLED;
    leaf->low_spill = (uint32_t)next;
    leaf->low_full_len = (uint16_t)part->low_len;
}

static void write_part(struct skiplist *skiplist, struct split *split, struct pm_context *context,
                       const struct part *part, uint64_t next)
{
    struct pmd_leaf leaf = {.next = (uint32_t)next, .height = tower_height(skiplist)};
    const struct item *first = &split->items[part->first];

    copy_key(skiplist, first, part->low_len, split->low);
    if (part->low_len > PM_LEAF_KEY_BYTES_MAX) {
        write_spill(skiplist, split, context, part, &leaf);
    } else {
        leaf.low_len = (uint16_t)part->low_len;
        memcpy(leaf.area + PM_LEAF_AREA - part->low_len, split->low, part->low_len);
    }
    leaf.prefix_len = (uint8_t)part->prefix_len;
    copy_key(skiplist, first, part->prefix_len, leaf.area + (leaf_prefix(&leaf) - leaf.area));
    fill_leaf(skiplist, split, part, &leaf);
    batch_new_leaf(skiplist, context, &leaf, part->number);
}

/* The old leaf: what moved away goes, new keys of its share come. */
static void shrink_old(struct skiplist *skiplist, struct split *split)
{
    const struct part *part = &split->parts[0];
    struct shadow *old = skiplist->current;
    uint64_t kept = 0;

    if (part->prefix_len != old->leaf.prefix_len) {
        struct pmd_leaf fresh = old->leaf;

        fresh.prefix_len = (uint8_t)part->prefix_len;
        copy_key(skiplist, &split->items[0], part->prefix_len, fresh.area + (leaf_prefix(&fresh) - fresh.area));
        fill_leaf(skiplist, split, part, &fresh);
        old->leaf = fresh;
        old->dirty = SHADOW_ALL;
        return;
    }
    for (uint32_t i = 0; i < part->count; i++)
        if (split->items[i].op == NULL)
            kept |= UINT64_C(1) << split->items[i].slot;
    shadow_remove(old, old->leaf.used & ~kept);
    shadow_settle(skiplist, old);
    for (uint32_t i = 0; i < part->count; i++) {
        const struct item *item = &split->items[i];

        if (item->op != NULL)
            shadow_add(skiplist, old, entry_make(item->loc, item->hash, item->slice));
    }
}

/* The new leaves are on media, not LIVE yet, but their fences can be read. */
static enum pm_status enter_directory(struct skiplist *skiplist, struct split *split)
{
    struct directory_place place = {0, 0};
    enum pm_status status = fence_read(skiplist->pool, &skiplist->current->leaf, &skiplist->fence);

    if (status == PM_OK && skiplist->fence.len != 0) {
        struct index_key key = index_key_of_bytes(skiplist->fence.bytes, skiplist->fence.len);

        if (directory_find(skiplist->directory, &key, &place) != skiplist->current->number)
            return PM_DAMAGED;
    }
    for (uint32_t i = 1; i < split->part_count && status == PM_OK; i++) {
        const struct part *part = &split->parts[i];

        status = fence_read(skiplist->pool, media_leaf(skiplist, part->number), &skiplist->fence);
        if (status == PM_OK)
            status =
                directory_insert(skiplist->directory, &place, part->number, skiplist->fence.bytes, skiplist->fence.len);
    }
    return status;
}

enum pm_status split_insert(struct skiplist *skiplist, struct pm_context *context, struct index_op *const *inserts,
                            uint32_t count)
{
    struct split *split = skiplist->split;
    enum pm_status status;
    uint64_t next;

    shadow_load_all(skiplist, skiplist->current);
    status = leaf_space_reserve(skiplist->space, context, split_plan(skiplist, split, inserts, count));
    if (status != PM_OK)
        return status;
    for (uint32_t i = 1; i < split->part_count; i++)
        split->parts[i].number = leaf_space_take(skiplist->space);
    next = skiplist->current->leaf.next;
    for (uint32_t i = split->part_count - 1; i >= 1; i--) {
        write_part(skiplist, split, context, &split->parts[i], next);
        next = split->parts[i].number;
    }
    skiplist->directory_status = enter_directory(skiplist, split);
    shrink_old(skiplist, split);
    shadow_set_next(skiplist->current, next);
    skiplist->ascending = split->ascending ? split->parts[split->part_count - 1].number : 0;
    batch_move_on(skiplist);
    batch_move_on(skiplist);
    skiplist->emitted = split->parts[split->part_count - 1].number;
    return PM_OK;
}
