/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Staging a batch: shadows of leaves, their differences to media, and the commit.
 *
 * IDEA: leaves are changed in key order, each in DRAM, in as many of its lines as that takes; what differs from media
 * becomes journal images, a run of words a changed stretch. The last leaf stays open until the next one is known not to
 * merge into it. A commit always finds whole groups staged, so every batch leaves a sound index with exact counts.
 *
 * DURABILITY: nothing a reader or a restart may see changes before journal_commit(): new leaves are written in place but
 * are not LIVE, and nothing links them.
 */
#include <stdlib.h>

#include "persist/skiplist_internal.h"

enum { LINE_WORDS = PM_LINE / 8, HEADER_WORDS = 4 };

static uint64_t word_of(const struct pmd_leaf *leaf, uint32_t word)
{
    uint64_t value;

    memcpy(&value, (const uint8_t *)leaf + 8 * word, 8);
    return value;
}

enum pm_status batch_load(struct skiplist *skiplist, uint64_t number)
{
    struct shadow *shadow = skiplist->previous == &skiplist->shadows[0] ? &skiplist->shadows[1] : &skiplist->shadows[0];

    memcpy(&shadow->leaf, media_leaf(skiplist, number), PM_LINE);
    if (shadow->leaf.state != PMD_LEAF_LIVE || !leaf_is_sound(&shadow->leaf)) {
        log_error("skiplist", "the ordered index is damaged: no leaf where one is linked leaf=%llu",
                  (unsigned long long)number);
        return PM_DAMAGED;
    }
    shadow->number = number;
    shadow->loaded = SHADOW_HEADER;
    shadow->dirty = 0;
    skiplist->current = shadow;
    return PM_OK;
}

/* ---- shadows ---- */

void shadow_load(const struct skiplist *skiplist, struct shadow *shadow, uint32_t lines)
{
    const struct pmd_leaf *media = media_leaf(skiplist, shadow->number);

    for (uint32_t left = lines & ~(shadow->loaded >> 1); left != 0; left &= left - 1) {
        uint32_t at = (uint32_t)__builtin_ctz(left) * PM_LINE;

        memcpy(shadow->leaf.area + at, media->area + at, PM_LINE);
    }
    shadow->loaded |= lines << 1;
}

static void mark(struct shadow *shadow, uint32_t lines)
{
    debug_check((lines << 1 & ~shadow->loaded) == 0);
    shadow->dirty |= SHADOW_HEADER | lines << 1;
}

void shadow_change(struct shadow *shadow, uint32_t slot, struct pmd_leaf_entry entry)
{
    leaf_set_entry(&shadow->leaf, slot, entry);
    mark(shadow, 1U << leaf_slot_line(slot));
}

void shadow_add(const struct skiplist *skiplist, struct shadow *shadow, struct pmd_leaf_entry entry)
{
    uint32_t slot = leaf_place(&shadow->leaf, entry_hash(entry));

    shadow_load(skiplist, shadow, 1U << leaf_slot_line(slot));
    shadow_change(shadow, slot, entry);
}

void shadow_remove(struct shadow *shadow, uint64_t slots)
{
    leaf_remove(&shadow->leaf, slots);
    mark(shadow, 0);
}

void shadow_set_next(struct shadow *shadow, uint64_t next)
{
    leaf_set_next(&shadow->leaf, next);
    mark(shadow, 0);
}

void shadow_settle(const struct skiplist *skiplist, struct shadow *shadow)
{
    shadow_load_all(skiplist, shadow);
    mark(shadow, leaf_settle(&shadow->leaf));
}

/* ---- emitting ---- */

static void add_images(struct skiplist *skiplist, uint64_t number, const struct pmd_leaf *leaf, uint32_t from,
                       uint32_t to)
{
    uint64_t words[PM_LEAF_BYTES / 8];

    memcpy(words, (const uint8_t *)leaf + 8 * from, 8 * (to - from));
    must(journal_add(skiplist->journal, number * PM_LEAF_BYTES + 8 * from, words, to - from));
}

/* Runs of changed words; two runs with one word between them are cheaper as one. Towers are not journaled. */
static void add_differences(struct skiplist *skiplist, const struct shadow *shadow)
{
    const struct pmd_leaf *media = media_leaf(skiplist, shadow->number);
    uint32_t from = 0, to = 0;

    for (uint32_t dirty = shadow->dirty; dirty != 0; dirty &= dirty - 1) {
        uint32_t first = (uint32_t)__builtin_ctz(dirty) * LINE_WORDS;

        for (uint32_t word = first; word < first + (first == 0 ? HEADER_WORDS : LINE_WORDS); word++) {
            if (word_of(&shadow->leaf, word) == word_of(media, word))
                continue;
            if (to != 0 && word - to > 1) {
                add_images(skiplist, shadow->number, &shadow->leaf, from, to);
                to = 0;
            }
            if (to == 0)
                from = word;
            to = word + 1;
        }
    }
    if (to != 0)
        add_images(skiplist, shadow->number, &shadow->leaf, from, to);
}

void batch_emit(struct skiplist *skiplist, struct shadow *shadow)
{
    if (shadow->dirty != 0) {
        if (shadow->dirty == SHADOW_ALL)
            shadow->leaf.checksum = leaf_checksum(&shadow->leaf, shadow->number);
        add_differences(skiplist, shadow);
        skiplist->emitted = shadow->number;
    }
    shadow->number = 0;
}

/* A reader that finds a leaf dead must find the one before it without the link, so that one comes first. */
static void close_previous(struct skiplist *skiplist)
{
    if (skiplist->previous != NULL)
        batch_emit(skiplist, skiplist->previous);
    skiplist->previous = NULL;
    for (uint32_t i = 0; i < skiplist->dead_count; i++)
        must(journal_add(skiplist->journal, skiplist->dead[i].number * PM_LEAF_BYTES, &skiplist->dead[i].word, 1));
    skiplist->dead_count = 0;
}

void batch_move_on(struct skiplist *skiplist)
{
    close_previous(skiplist);
    skiplist->previous = skiplist->current;
    skiplist->current = NULL;
}

/* Without memory for the list the image comes too early: readers then begin again until the batch is applied. */
static void mark_dead(struct skiplist *skiplist, uint64_t number, uint64_t word)
{
    if (skiplist->dead_count == skiplist->dead_capacity) {
        uint32_t capacity = skiplist->dead_capacity != 0 ? 2 * skiplist->dead_capacity : 64;
        struct dead_leaf *dead = realloc(skiplist->dead, capacity * sizeof *dead);

        if (dead == NULL) {
            must(journal_add(skiplist->journal, number * PM_LEAF_BYTES, &word, 1));
            return;
        }
        skiplist->dead = dead;
        skiplist->dead_capacity = capacity;
    }
    skiplist->dead[skiplist->dead_count++] = (struct dead_leaf){number, word};
}

/* The dead leaf keeps its lengths: its fence is read once more, to take it out of the towers. */
void batch_bury(struct skiplist *skiplist, const struct pmd_leaf *leaf, uint64_t number)
{
    struct pmd_leaf dead = {.state = PMD_LEAF_DEAD, .prefix_len = leaf->prefix_len, .low_len = leaf->low_len};
    uint64_t spill = leaf->low_len == LEAF_LOW_SPILLED ? leaf->low_spill : 0;

    mark_dead(skiplist, number, word_of(&dead, 0));
    tower_note(skiplist, leaf, number);
    leaf_space_bury(skiplist->space, number);
    for (uint32_t left = fence_spill_blocks(leaf_low_len(leaf)); left != 0 && leaf_number_is_valid(skiplist, spill);
         left--) {
        leaf_space_bury(skiplist->space, spill);
        spill = media_leaf(skiplist, spill)->next;
    }
}

void batch_new_leaf(struct skiplist *skiplist, struct pm_context *context, struct pmd_leaf *leaf, uint64_t number)
{
    uint64_t sum;

    leaf->state = PMD_LEAF_LIVE;
    leaf->checksum = leaf_checksum(leaf, number);
    memset(leaf->tower, 0, sizeof leaf->tower);
    add_images(skiplist, number, leaf, 0, 1);
    leaf->state = PMD_LEAF_FREE;
    sequence_begin(skiplist, number);
    leaf_write(context, media_leaf(skiplist, number), leaf);
    sequence_end(skiplist, number);
    must(leaf_new_sum(skiplist->pool, number, &sum));
    must(journal_add_new_leaf(skiplist->journal, number * PM_LEAF_BYTES, sum));
    tower_note(skiplist, leaf, number);
}

/* ---- commit ---- */

static void before_apply(uint64_t number, void *argument)
{
    sequence_begin(argument, number);
}
static void after_apply(uint64_t number, void *argument)
{
    sequence_end(argument, number);
}

static void publish_counts(struct skiplist *skiplist, const uint64_t *keys, const uint64_t *expires)
{
    for (uint32_t db = 0; db < PM_DATABASES; db++) {
        atomic_store_explicit(&skiplist->keys[db], keys[db], memory_order_relaxed);
        atomic_store_explicit(&skiplist->expires[db], expires[db], memory_order_relaxed);
    }
    atomic_store_explicit(&skiplist->leaves, directory_leaves(skiplist->directory), memory_order_relaxed);
    atomic_store_explicit(&skiplist->segments, leaf_space_segments(skiplist->space), memory_order_relaxed);
}

enum pm_status batch_commit(struct skiplist *skiplist, struct pm_context *context, uint64_t w, const uint64_t *keys,
                            const uint64_t *expires)
{
    enum pm_status status;

    close_previous(skiplist);
    skiplist->emitted = 0;
    if (w < skiplist_durable_w(skiplist)) /* W never goes back: what it covers is in the index */
        w = skiplist_durable_w(skiplist);
    if (journal_is_empty(skiplist->journal) && w == skiplist_durable_w(skiplist))
        return PM_OK;
    status = journal_commit(skiplist->journal, context, w, keys, expires, before_apply, after_apply, skiplist);
    if (status != PM_OK)
        return status;
    atomic_store_explicit(&skiplist->durable_w, w, memory_order_release);
    publish_counts(skiplist, keys, expires);
    tower_update(skiplist, context);
    leaf_space_committed(skiplist->space);
    return PM_OK;
}

bool batch_has_room(const struct skiplist *skiplist)
{
    return journal_room(skiplist->journal) >= GROUP_JOURNAL_BYTES + UINT64_C(16) * skiplist->dead_count;
}

enum pm_status batch_make_room(struct skiplist *skiplist, struct pm_context *context)
{
    if (batch_has_room(skiplist))
        return PM_OK;
    return batch_commit(skiplist, context, skiplist_durable_w(skiplist), skiplist->staged_keys,
                        skiplist->staged_expires);
}
