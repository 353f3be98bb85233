/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Overwrites by place: the entry of a key that is in the index already names a newer version.
 *
 * IDEA: to find an entry by its key takes the key, the directory and a search in the leaf; but an entry stays where it is
 * until its leaf splits, merges or settles. So a record carries the place of its key's entry (struct pmd_record) from
 * version to version, as a hint. Overwrites are sorted by place, a number, and need neither keys nor directory: the
 * entry, the header with the checksum, and two words of journal.
 *
 * WHY A WRONG PLACE DOES NO HARM: an overwrite is carried out only if the entry at its place, in use in a leaf that is
 * live, names exactly the record that it replaces, in the use of its segment in which the writer saw it (generation). What
 * names a record is its key's entry. Nothing older of the key can be waiting in the same cut: it would lie between what
 * the entry names and this one, and be what this one replaces. Whatever does not fit is left to skiplist_apply().
 *
 * DURABILITY: as any batch, with the W of before: a crash leaves an index between the old cut and the new one.
 */
#include <stdlib.h>

#include "persist/skiplist_internal.h"

enum { DIGIT_BITS = 13, DIGITS = 1 << DIGIT_BITS, AHEAD = 16, IMAGE_BYTES = 16, FEW = 128 };

/* Entries of one leaf that change, by their first word. */
struct change {
    uint32_t count, checksum;
    struct {
        uint32_t slot;
        uint64_t word;
    } entries[PM_LEAF_ENTRIES_MAX];
};

/* ---- in order of their places ---- */

struct sort_item {
    uint32_t place, op;
};
_Static_assert(sizeof(struct overwrite) >= 2 * sizeof(struct sort_item), "items lie among overwrites");

static uint32_t leaf_of(const struct overwrite *op)
{
    return op->place / PM_PLACES;
}

static void sort_pass(const struct sort_item *from, struct sort_item *to, size_t count, uint32_t shift)
{
    uint32_t starts[DIGITS] = {0}, sum = 0;

    for (size_t i = 0; i < count; i++)
        starts[from[i].place >> shift & (DIGITS - 1)]++;
    for (uint32_t digit = 0; digit < DIGITS; digit++) {
        uint32_t here = starts[digit];

        starts[digit] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count; i++)
        to[starts[from[i].place >> shift & (DIGITS - 1)]++] = from[i];
}

static void sort_few(struct overwrite *ops, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct overwrite op = ops[i];
        size_t at = i;

        for (; at > 0 && ops[at - 1].place > op.place; at--)
            ops[at] = ops[at - 1];
        ops[at] = op;
    }
}

/*
 * Those of one place keep their order: by digits, the least significant first, and the overwrites follow once. As in
 * index_ops_sort_to(), items lie at the end of where those go to. The result lies in either array.
 */
static struct overwrite *sort_by_place(struct overwrite *ops, struct overwrite *scratch, size_t count)
{
    struct sort_item *last = (struct sort_item *)(scratch + count) - count, *items = last, *other = last - count;
    uint32_t differing = 0;

    if (count <= FEW) { /* the cleaner's: the digits' counts alone would take longer */
        sort_few(ops, count);
        return ops;
    }
    for (size_t i = 0; i < count; i++) {
        differing |= ops[i].place ^ ops[0].place;
        items[i] = (struct sort_item){.place = ops[i].place, .op = (uint32_t)i};
    }
    for (uint32_t shift = 0; shift < 32; shift += DIGIT_BITS) {
        struct sort_item *sorted = other;

        if ((differing >> shift & (DIGITS - 1)) == 0)
            continue;
        sort_pass(items, sorted, count, shift);
        other = items;
        items = sorted;
    }
    if (items != last)
        memcpy(last, items, count * sizeof *last);
    for (size_t i = 0; i < count; i++)
        scratch[i] = ops[last[i].op];
    return scratch;
}

static int compare_cts(const void *a, const void *b)
{
    uint64_t x = ((const struct overwrite *)a)->cts, y = ((const struct overwrite *)b)->cts;

    return (x > y) - (x < y);
}

/* Those of one place come from the logs of several writers, each in order: seldom mixed, but there may be many. */
static void sort_by_cts(struct overwrite *ops, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (ops[i - 1].cts > ops[i].cts) {
            qsort(ops, count, sizeof *ops, compare_cts);
            return;
        }
}

/* ---- one leaf ---- */

/* A place that no record has by right may be that of anything. */
static const struct pmd_leaf *live_leaf(const struct skiplist *skiplist, uint64_t number)
{
    const struct pmd_leaf *leaf = media_leaf(skiplist, number);

    return leaf_space_is_used(skiplist->space, number) && leaf->state == PMD_LEAF_LIVE && leaf_is_sound(leaf) ? leaf
                                                                                                              : NULL;
}

static bool replaces(const struct skiplist *skiplist, const struct overwrite *op, pm_loc named)
{
    return op->replaced == named && record_generation(skiplist->pool, named) == op->generation;
}

static void leave(struct overwrite *op)
{
    op->place = 0;
}

/* The overwrites of one place: each one that replaces what the entry names by then. */
static void stage_place(struct skiplist *skiplist, const struct pmd_leaf *leaf, struct overwrite *ops, size_t count,
                        struct change *change)
{
    uint32_t slot = ops[0].place % PM_PLACES;
    bool used = leaf != NULL && slot < PM_LEAF_ENTRIES_MAX && (leaf->used >> slot & 1) != 0;
    struct pmd_leaf_entry old = used ? leaf_entry(leaf, slot) : (struct pmd_leaf_entry){0}, entry = old;
    struct overwrite *last = NULL;

    sort_by_cts(ops, count);
    for (struct overwrite *op = ops; op < ops + count; op++) {
        if (!used || !replaces(skiplist, op, entry_loc(entry))) {
            leave(op);
            continue;
        }
        skiplist->staged_expires[op->db] += (uint64_t)op->has_expiry - op->replaced_expiry;
        if (last != NULL)
            last->loc = op->replaced = 0;
        entry.loc_hash = (entry.loc_hash & ~LEAF_LOC_MASK) | op->loc;
        last = op;
    }
    if (last == NULL)
        return;
    change->checksum += leaf_entry_term(entry, slot) - leaf_entry_term(old, slot);
    change->entries[change->count].slot = slot;
    change->entries[change->count++].word = entry.loc_hash;
}

/* The overwrites of one leaf; what changes is journaled, the header first, as lines follow each other. */
static void stage_leaf(struct skiplist *skiplist, struct overwrite *ops, size_t count)
{
    uint64_t number = leaf_of(ops), off = number * PM_LEAF_BYTES, word;
    const struct pmd_leaf *leaf = live_leaf(skiplist, number);
    struct change change;

    change.count = 0;
    change.checksum = leaf != NULL ? leaf->checksum : 0;
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && ops[end].place == ops[i].place; end++)
            ;
        stage_place(skiplist, leaf, ops + i, end - i, &change);
    }
    if (change.count == 0)
        return;
    memcpy(&word, leaf, sizeof word);
    word = (word & ~(uint64_t)UINT32_MAX) | change.checksum;
    must(journal_add(skiplist->journal, off, &word, 1));
    for (uint32_t i = 0; i < change.count; i++)
        must(journal_add(skiplist->journal,
                         off + offsetof(struct pmd_leaf, area) + change.entries[i].slot * sizeof(struct pmd_leaf_entry),
                         &change.entries[i].word, 1));
}

/* ---- all of them ---- */

static void fetch(const struct skiplist *skiplist, const struct overwrite *op)
{
    const struct pmd_leaf *leaf = media_leaf(skiplist, leaf_of(op));

    HEARTH_PREFETCH(leaf);
    HEARTH_PREFETCH(leaf->area + op->place % PM_PLACES * sizeof(struct pmd_leaf_entry));
}

static enum pm_status commit(struct skiplist *skiplist, struct pm_context *context)
{
    return batch_commit(skiplist, context, skiplist_durable_w(skiplist), skiplist->staged_keys,
                        skiplist->staged_expires);
}

static enum pm_status stage_all(struct skiplist *skiplist, struct pm_context *context, struct overwrite *ops,
                                size_t count)
{
    enum pm_status status = PM_OK;

    for (size_t i = 0; i < AHEAD && i < count; i++)
        fetch(skiplist, &ops[i]);
    for (size_t i = 0, end; i < count && status == PM_OK; i = end) {
        for (end = i; end < count && leaf_of(&ops[end]) == leaf_of(&ops[i]); end++)
            if (end + AHEAD < count)
                fetch(skiplist, &ops[end + AHEAD]);
        if (journal_room(skiplist->journal) < (PM_LEAF_ENTRIES_MAX + 1) * IMAGE_BYTES)
            status = commit(skiplist, context);
        if (status == PM_OK)
            stage_leaf(skiplist, ops + i, end - i);
    }
    return status == PM_OK ? commit(skiplist, context) : status;
}

enum pm_status skiplist_overwrite(struct skiplist *skiplist, struct pm_context *context, struct overwrite **ops,
                                  struct overwrite *scratch, size_t count)
{
    enum pm_status status = batch_need_directory(skiplist);

    if (status != PM_OK)
        return status;
    *ops = sort_by_place(*ops, scratch, count);
    return stage_all(skiplist, context, *ops, count);
}
