/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Planning a split.
 *
 * IDEA: entries are ordered by their slices, which needs no record unless two are equal; the operations come sorted. A leaf
 * gets a longer prefix only where slices begin to be equal, or where that costs no record: the records behind the entries
 * are elsewhere and cold.
 *
 * Ascending keys fill leaves to nine tenths; otherwise two leaves get half each, and many leaves (a load into a small index)
 * get different shares, lest they all split again at the same time.
 */
#include "persist/skiplist_plan.h"

enum { FILL_PARTS = 9, FILL_OF = 10, HALF_MIN = 29, HALF_SPREAD = 7, HALF_OF = 64, GAIN_WORTH_READING = 4 };

/* ---- items in order ---- */

struct index_key split_item_key(const struct skiplist *skiplist, const struct item *item)
{
    return item->op != NULL ? item->op->key : index_key_of_record(record_at(skiplist->pool, item->loc));
}

static int compare_items(const struct skiplist *skiplist, const struct item *a, const struct item *b)
{
    struct index_key x, y;

    if (a->slice != b->slice)
        return a->slice < b->slice ? -1 : 1;
    x = split_item_key(skiplist, a);
    y = split_item_key(skiplist, b);
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

static void order_entries(const struct skiplist *skiplist, struct split *split)
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

static void merge_items(const struct skiplist *skiplist, struct split *split, struct index_op *const *inserts,
                        uint32_t count)
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
        if (insert == count ||
            (entry < split->entry_count && compare_items(skiplist, &split->entries[entry], item) < 0))
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
    x = split_item_key(skiplist, a);
    y = split_item_key(skiplist, b);
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
static uint32_t plan_all(const struct skiplist *skiplist, struct split *split)
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

static bool is_ascending(const struct skiplist *skiplist, const struct split *split, uint32_t inserts)
{
    const struct shadow *old = skiplist->current;

    return split->ascending && !skiplist->was_empty &&
           (old->leaf.next == 0 || inserts > 1 || old->number == skiplist->ascending);
}

uint32_t split_plan(const struct skiplist *skiplist, struct split *split, struct index_op *const *inserts,
                    uint32_t count)
{
    order_entries(skiplist, split);
    merge_items(skiplist, split, inserts, count);
    split->ascending = is_ascending(skiplist, split, count);
    return plan_all(skiplist, split);
}
