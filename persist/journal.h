/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The journal of the ordered index: a batch's after-images are made durable, then applied in place.
 *
 * IDEA: physical redo of 8-byte words. Two halves, batch n in half n % 2: while batch n is written its predecessor,
 * wholly applied and durable, stays readable, so the highest complete batch always exists and applying it again is
 * always right. W travels in the header.
 *
 * THREADS: the index writer only. DURABILITY: journal_commit() returns: durable and applied; a crash inside leaves
 * the index as before the batch or, after recovery, as behind it.
 */
#ifndef HEARTH_PERSIST_JOURNAL_H
#define HEARTH_PERSIST_JOURNAL_H

#include "persist/pool.h"

struct journal;

enum pm_status journal_open(struct journal **out, struct pool *pool, uint64_t last_batch) HEARTH_MUST_USE;
void journal_close(struct journal *journal);
/* Bytes of after-images one batch can hold, and how many of them are still free (an image costs 8 bytes beside its words). */
uint64_t journal_capacity(const struct journal *journal);
uint64_t journal_room(const struct journal *journal);
/* True when nothing was added since the last commit. */
bool journal_is_empty(const struct journal *journal);

/* Adds `count` words (at most 128) to be stored at `off`. False: it does not fit any more (commit what is there first).
 * Images are applied in the order in which they were added, and later ones win. */
bool journal_add(struct journal *journal, pm_off off, const uint64_t *words, uint32_t count) HEARTH_MUST_USE;
/* Says that the batch links the new leaf at `off`, which lies there already, with leaf_new_sum() `sum`. The same room as
 * an image of one word. */
bool journal_add_new_leaf(struct journal *journal, pm_off off, uint64_t sum) HEARTH_MUST_USE;
/*
 * Writes, flushes, drains, applies, flushes and drains. New leaves flushed before on the same context share the drain,
 * so they may be torn where the journal is whole: a batch is complete only if the sums of its new leaves hold too.
 * Returns with the batch applied, and ready for the next one. Around the words of each leaf, `before(leaf_number,
 * argument)` and `after(leaf_number, argument)` are called: readers' sequence words go odd for one leaf at a time, not
 * for as long as a batch takes.
 */
enum pm_status journal_commit(struct journal *journal, struct pm_context *context, uint64_t w,
                              const uint64_t keys[PM_DATABASES], const uint64_t expires[PM_DATABASES],
                              void (*before)(uint64_t leaf_number, void *argument),
                              void (*after)(uint64_t leaf_number, void *argument), void *argument) HEARTH_MUST_USE;
uint64_t journal_batch(const struct journal *journal);
/* The horizon that a complete batch carries; the superblock's if it carries a higher one, or if there is no such batch. */
uint64_t journal_w(const struct pool *pool, uint64_t batch);

struct journal_state {
    uint64_t batch; /* highest complete one, 0: none yet */
    uint64_t w;
    uint64_t keys[PM_DATABASES], expires[PM_DATABASES];
};
/* Recovery: finds the highest complete batch; applies it unless `applied` says it is, flushes and drains. With
 * read_only nothing is stored. */
enum pm_status journal_recover(struct pool *pool, struct pm_context *context, uint64_t applied, bool read_only,
                               struct journal_state *out) HEARTH_MUST_USE;

#endif
