/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Splitting: the entries of a leaf and new keys that do not fit beside them, spread over it and new leaves to its right.
 *
 * IDEA: entries are ordered by their slices, which needs no record unless two are equal; the operations come sorted.
 * First everything is planned (where each leaf begins, its separator, its prefix), then blocks are reserved, so that a
 * full pool leaves all as it was; then the new leaves are written in place, and the old one keeps its place and loses the
 * bits of what moved. A leaf gets a longer prefix only where slices begin to be equal, or where that costs no
 * record: the records behind the entries are elsewhere and cold.
 *
 * Ascending keys fill leaves to nine tenths; otherwise two leaves get half each, and many leaves (a load into a small index)
 * get different shares, lest they all split again at the same time.
 */
#include <stdlib.h>

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

enum { FILL_PARTS = 9, FILL_OF = 10, HALF_MIN = 29, HALF_SPREAD = 7, HALF_OF = 64, GAIN_WORTH_READING = 4 };

struct split *split_new(void)
{
    return calloc(1, sizeof(struct split));
}
void split_free(struct split *split)
{
    free(split);
}

/* ---- items in order ---- */

static struct index_key item_key(const struct skiplist *skiplist, const struct item *item)
{
    return item->op != NULL ? item->op->key : index_key_of_record(record_at(skiplist->pool, item->loc));
}

static int compare_items(const struct skiplist *skiplist, const struct item *a, const struct item *b)
{
    struct index_key x, y;

    if (a->slice != b->slice)
        return a->slice < b->slice ? -1 : 1;
    x = item_key(skiplist, a);
    y = item_key(skiplist, b);
    return index_key_compare(&x, &y);
}

/* Sorts by slice, slot below; slots of equal slices are then put in order by their records. */
static uint32_t order_slots(const struct pmd_leaf *leaf, uint64_t sorted[PM_LEAF_ENTRIES_MAX])
{
    uint32_t count = 0;

    for (uint64_t left = leaf->used; left != 0; left &= left - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(left), at = count++;
        uint64_t slice_slot = entry_slice(leaf_entry(leaf, slot)) | slot;

        for (; at > 0 && sorted[at - 1] > slice_slot; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = slice_slot;
    }
    return count;
}

static void order_entries(struct skiplist *skiplist, struct split *split)
{
    const struct pmd_leaf *leaf = &skiplist->current->leaf;
    uint64_t sorted[PM_LEAF_ENTRIES_MAX];

    split->entry_count = order_slots(leaf, sorted);
    for (uint32_t i = 0; i < split->entry_count; i++) {
        uint32_t slot = sorted[i] & 0xff, at = i;
        struct pmd_leaf_entry entry = leaf_entry(leaf, slot);
        struct item item = {
            .slice = entry_slice(entry), .hash = entry_hash(entry), .loc = entry_loc(entry), .slot = slot};

        for (; at > 0 && split->entries[at - 1].slice == item.slice &&
               compare_items(skiplist, &split->entries[at - 1], &item) > 0;
             at--)
            split->entries[at] = split->entries[at - 1];
        split->entries[at] = item;
    }
}

static void merge_items(struct skiplist *skiplist, struct split *split, struct index_op *const *inserts, uint32_t count)
{
    uint32_t prefix_len = skiplist->current->leaf.prefix_len, entry = 0, insert = 0;
    bool ascending = true; /* no new key before an old one */

    split->item_count = 0;
    while (entry < split->entry_count || insert < count) {
        struct item *item = &split->items[split->item_count++];

        *item = (struct item){0};
        if (insert < count) {
            const struct index_op *op = inserts[insert];

            item->op = op;
            item->loc = op->loc;
            item->hash = op->key.hash & LEAF_HASH_MASK;
            item->slice = index_key_slice(&op->key, prefix_len) & LEAF_SLICE_MASK;
        }
        if (insert == count || (entry < split->entry_count && compare_items(skiplist, &split->entries[entry], item) < 0))
            *item = split->entries[entry++];
        else
            insert++;
        ascending = ascending && (insert == 0 || entry == split->entry_count);
        item->tie = split->item_count > 1 && item[-1].slice == item->slice;
    }
    split->ascending = ascending && entry != 0;
}

/* Bytes that the keys of two items share; reads them only if their slices are equal. */
static uint32_t shared_of(const struct skiplist *skiplist, const struct item *a, const struct item *b)
{
    struct index_key x, y;

    if (a->slice != b->slice)
        return skiplist->current->leaf.prefix_len + (uint32_t)__builtin_clzll(a->slice ^ b->slice) / 8;
    x = item_key(skiplist, a);
    y = item_key(skiplist, b);
    return index_key_shared(&x, &y);
}

/* ---- planning ---- */

/*
 * Bytes of prefix that the items first..last surely have. Where slices decide, zeros at the end of what they share may be
 * the padding of a shorter key ("a" beside "a\0\0b"), and do not count.
 */
static uint32_t prefix_of(const struct skiplist *skiplist, const struct item *first, const struct item *last)
{
    uint32_t base = skiplist->current->leaf.prefix_len, shared = shared_of(skiplist, first, last);

    if (first->slice != last->slice)
        while (shared > base && (first->slice << 8 * (shared - base - 1)) >> 56 == 0)
            shared--;
    return shared < PM_LEAF_KEY_BYTES_MAX ? shared : PM_LEAF_KEY_BYTES_MAX;
}

/* The prefix a leaf of these items should have: longer than what they have if slices are equal, or if no record needs
 * reading, or if so little of the slices is left that this will come soon. */
static uint32_t plan_prefix(const struct skiplist *skiplist, const struct split *split, uint32_t first, uint32_t count)
{
    uint32_t base = skiplist->current->leaf.prefix_len, shared;
    bool ties = false, records = false;

    if (count < 2)
        return base;
    shared = prefix_of(skiplist, &split->items[first], &split->items[first + count - 1]);
    for (uint32_t i = first; i < first + count; i++) {
        ties = ties || (i > first && split->items[i].tie);
        records = records || split->items[i].op == NULL;
    }
    if (ties || !records || shared >= base + GAIN_WORTH_READING)
        return shared;
    return base;
}

/* Cuts the part down to what fits. */
static void plan_fit(const struct skiplist *skiplist, const struct split *split, struct part *part, uint32_t low_bytes)
{
    uint32_t capacity;

    for (;;) {
        part->prefix_len = plan_prefix(skiplist, split, part->first, part->count);
        capacity = leaf_capacity_with(part->prefix_len, low_bytes);
        if (part->count <= capacity)
            return;
        part->count = capacity;
    }
}

/* A random part of 65,536, another one for each leaf of a split. */
static uint32_t draw(const struct skiplist *skiplist, uint32_t at)
{
    return (uint32_t)((skiplist->random + at * UINT64_C(0x9e3779b97f4a7c15)) >> 48);
}

static uint32_t share_ascending(const struct split *split, uint32_t at, uint32_t left, uint32_t full)
{
    if (at == 0 && split->entry_count > full)
        return split->entry_count;
    if (left > full)
        return full;
    return at == 0 ? left - 1 : left;
}

/*
 * How many of the items left a leaf should take. `at`: number of the leaf, 0 is the old one. Leaves that grow at random
 * and split in halves are found to have a share x of their room, x in [1/2, 1], with density 1 / x^2 (Yao 1978):
 * leaves made by the dozen begin with such shares, 1 / (2 - u), or they would all split at the same time again.
 */
static uint32_t plan_share(const struct skiplist *skiplist, const struct split *split, uint32_t at, uint32_t left,
                           uint32_t capacity)
{
    uint32_t full = capacity * FILL_PARTS / FILL_OF;

    if (split->ascending)
        return share_ascending(split, at, left, full);
    if (at != 0 && left <= full)
        return left;
    if (left <= 2 * full)
        return left * (HALF_MIN + draw(skiplist, at) % HALF_SPREAD) / HALF_OF;
    return (uint32_t)(((uint64_t)capacity << 16) / ((2 << 16) - draw(skiplist, at)));
}

static void plan_old(const struct skiplist *skiplist, struct split *split)
{
    const struct pmd_leaf *leaf = &skiplist->current->leaf;
    struct part *part = &split->parts[0];
    uint32_t low_bytes = leaf_low_bytes(leaf), wanted;
    bool ties = false;

    part->first = 0;
    part->count = plan_share(skiplist, split, 0, split->item_count, leaf_capacity(leaf));
    part->low_len = leaf_low_len(leaf);
    plan_fit(skiplist, split, part, low_bytes);
    for (uint32_t i = 1; i < part->count; i++)
        ties = ties || split->items[i].tie;
    wanted = part->prefix_len;
    if (!ties && split->entry_count != 0)
        part->prefix_len = leaf->prefix_len; /* rewriting it all would cost a whole leaf of journal */
    debug_check(wanted >= part->prefix_len);
    (void)wanted;
}

/* Plans all leaves; returns the blocks they need beside the old one. */
static uint32_t plan(const struct skiplist *skiplist, struct split *split)
{
    uint32_t blocks = 0, next;

    plan_old(skiplist, split);
    next = split->parts[0].count;
    for (split->part_count = 1; next < split->item_count; split->part_count++) {
        struct part *part = &split->parts[split->part_count];
        uint32_t low_bytes;

        must(split->part_count < SPLIT_LEAVES_MAX);
        part->first = next;
        part->low_len = shared_of(skiplist, &split->items[next - 1], &split->items[next]) + 1;
        low_bytes = part->low_len <= PM_LEAF_KEY_BYTES_MAX ? part->low_len : 0;
        part->count = plan_share(skiplist, split, split->part_count, split->item_count - next,
                                 leaf_capacity_with(skiplist->current->leaf.prefix_len, low_bytes));
        plan_fit(skiplist, split, part, low_bytes);
        next += part->count;
        blocks += 1 + fence_spill_blocks(part->low_len);
    }
    return blocks;
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
        struct index_key key = item_key(skiplist, item);

        index_key_copy(&key, bytes, to);
    }
}

/* Puts items into the slots of a leaf whose prefix is set and who has none. */
static void fill_leaf(const struct skiplist *skiplist, const struct split *split, const struct part *part,
                      struct pmd_leaf *leaf)
{
    bool same = part->prefix_len == skiplist->current->leaf.prefix_len;

    for (uint32_t i = 0; i < part->count && !same; i++)
        if (split->items[part->first + i].op == NULL)
            __builtin_prefetch(record_at(skiplist->pool, split->items[part->first + i].loc));
    leaf->used = 0;
    for (uint32_t i = 0; i < part->count; i++) {
        const struct item *item = &split->items[part->first + i];
        uint64_t slice = item->slice;

        if (!same) {
            struct index_key key = item_key(skiplist, item);

            slice = index_key_slice(&key, part->prefix_len);
        }
        leaf_set_entry(leaf, i, entry_make(item->loc, item->hash, slice));
        leaf->used |= UINT64_C(1) << i;
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
        uint32_t from = at * PM_LEAF_AREA, piece = part->low_len - from < PM_LEAF_AREA ? part->low_len - from : PM_LEAF_AREA;
        uint64_t number = leaf_space_take(skiplist->space);

        memset(block, 0, sizeof *block);
        block->state = PMD_LEAF_SPILL;
        block->next = next;
        block->used = piece;
        memcpy(block->area, split->low + from, piece);
        block->checksum = leaf_checksum(block, number);
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
    struct pmd_leaf leaf = {.next = next, .height = tower_height(skiplist)};
    const struct item *first = &split->items[part->first];

    copy_key(skiplist, first, part->low_len, split->low);
    if (part->low_len > PM_LEAF_KEY_BYTES_MAX) {
        write_spill(skiplist, split, context, part, &leaf);
    } else {
        leaf.low_len = (uint16_t)part->low_len;
        memcpy(leaf.area + PM_LEAF_AREA - part->low_len, split->low, part->low_len);
    }
    leaf.prefix_len = (uint8_t)part->prefix_len;
    copy_key(skiplist, first, part->prefix_len, (uint8_t *)(uintptr_t)leaf_prefix(&leaf));
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
        copy_key(skiplist, &split->items[0], part->prefix_len, (uint8_t *)(uintptr_t)leaf_prefix(&fresh));
        fill_leaf(skiplist, split, part, &fresh);
        old->leaf = fresh;
        old->dirty = UINT16_MAX;
        return;
    }
    for (uint32_t i = 0; i < part->count; i++)
        if (split->items[i].op == NULL)
            kept |= UINT64_C(1) << split->items[i].slot;
    old->leaf.used = kept;
    for (uint32_t i = 0; i < part->count; i++) {
        const struct item *item = &split->items[i];
        uint32_t slot;

        if (item->op == NULL)
            continue;
        slot = leaf_free_slot(&old->leaf);
        leaf_set_entry(&old->leaf, slot, entry_make(item->loc, item->hash, item->slice));
        old->leaf.used |= UINT64_C(1) << slot;
        old->dirty |= 1U << leaf_entry_line(slot);
    }
    old->dirty |= 1;
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
            status = directory_insert(skiplist->directory, &place, part->number, skiplist->fence.bytes,
                                      skiplist->fence.len);
    }
    return status;
}

static bool is_ascending(const struct skiplist *skiplist, const struct split *split, uint32_t inserts)
{
    const struct shadow *old = skiplist->current;

    return split->ascending && !skiplist->was_empty &&
           (old->leaf.next == 0 || inserts > 1 || old->number == skiplist->ascending);
}

enum pm_status split_insert(struct skiplist *skiplist, struct pm_context *context, struct index_op *const *inserts,
                            uint32_t count)
{
    struct split *split = skiplist->split;
    enum pm_status status;
    uint64_t next;

    order_entries(skiplist, split);
    merge_items(skiplist, split, inserts, count);
    split->ascending = is_ascending(skiplist, split, count);
    status = leaf_space_reserve(skiplist->space, context, plan(skiplist, split));
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
    skiplist->current->leaf.next = next;
    skiplist->ascending = split->ascending ? split->parts[split->part_count - 1].number : 0;
    batch_move_on(skiplist);
    batch_move_on(skiplist);
    skiplist->emitted = split->parts[split->part_count - 1].number;
    return PM_OK;
}
