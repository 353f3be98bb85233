/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Chains of the hash index: what a bucket cannot hold, in units of the side table.
 *
 * IDEA: a unit is half a cache line, since most overflow is a slot or two. The last word of a full bucket or unit is
 * pushed down into a new unit and the link takes its place: no room is spent on links where nothing overflows. A chain
 * gives units back as soon as its slots fit without them, or years of churn would leave each bucket the units of its
 * worst day.
 *
 * THREADS: the chain's stripe lock; the units' own lock inside. Readers: see hash_index_private.h, H4 and H5.
 */
#include "heap/hash_index_match.h"

/* ---- units ---- */

bool hash_index_reserve(struct hash_index *index, uint32_t *held, uint32_t inserts)
{
    struct unit_pool *pool = &index->unit_pool;
    uint32_t wanted = inserts > RESERVE_MIN ? inserts : RESERVE_MIN;

    /* Added first, then looked at, as in unit_take(): of two at once one sees the other. */
    if (HEARTH_UNLIKELY(wanted != *held)) {
        atomic_fetch_add(&pool->reserved, (uint64_t)wanted - *held);
        *held = wanted;
    }
    if (HEARTH_LIKELY(atomic_load(&pool->in_use) + atomic_load(&pool->reserved) + UNITS_SPARE <= index->units_max))
        return true;
    atomic_fetch_sub(&pool->reserved, *held);
    *held = 0;
    return false;
}

/* An empty unit, or false. */
static bool unit_take(struct hash_index *index, uint64_t *unit, bool reserved)
{
    struct unit_pool *pool = &index->unit_pool;
    bool taken;

    spin_lock(&pool->locked);
    taken = (reserved || atomic_load(&pool->in_use) + atomic_load(&pool->reserved) + UNITS_SPARE < index->units_max) &&
            (pool->freed || pool->fresh < index->units_max);
    if (taken && pool->freed) {
        *unit = pool->freed - 1;
        /* Links of free units lie in their first word, which no reader takes for a link. */
        pool->freed = word_load(&index->units[*unit].words[0]) >> HASH_SLOT_TAG_SHIFT;
        word_store(&index->units[*unit].words[0], 0);
    } else if (taken) {
        *unit = pool->fresh++;
        atomic_store_explicit(&pool->touched, pool->fresh, memory_order_relaxed);
    }
    if (taken)
        atomic_fetch_add(&pool->in_use, 1);
    spin_unlock(&pool->locked);
    return taken;
}

static void unit_give(struct hash_index *index, uint64_t unit)
{
    struct unit_pool *pool = &index->unit_pool;

    for (uint32_t i = 0; i < UNIT_WORDS; i++)
        word_store(&index->units[unit].words[i], 0);
    spin_lock(&pool->locked);
    word_store(&index->units[unit].words[0], pool->freed << HASH_SLOT_TAG_SHIFT);
    pool->freed = unit + 1;
    atomic_fetch_sub_explicit(&pool->in_use, 1, memory_order_relaxed);
    spin_unlock(&pool->locked);
}

/* Gives back the unit that `link` names and all behind it. */
static void units_give(struct hash_index *index, uint64_t link)
{
    while (word_is_link(link)) {
        uint64_t unit = link_unit(link);

        link = word_load(&index->units[unit].words[UNIT_WORDS - 1]);
        unit_give(index, unit);
    }
}

/* ---- chains ---- */

bool chain_add(struct hash_index *index, struct bucket *bucket, uint64_t word, bool reserved)
{
    struct chain_part part = chain_first(bucket);
    _Atomic uint64_t *last, *empty;
    uint64_t unit;

    while (!(empty = part_empty_word(&part)) && chain_next(index, &part))
        ;
    if (empty) {
        word_store(empty, word);
        return true;
    }
    if (!unit_take(index, &unit, reserved))
        return false;
    last = &part.words[part.count - 1];
    word_store(&index->units[unit].words[0], word_load(last));
    word_store(&index->units[unit].words[1], word);
    word_store(last, link_make(unit));
    return true;
}

uint32_t chain_collect(const struct hash_index *index, struct bucket *bucket, uint64_t *slots)
{
    struct chain_part part = chain_first(bucket);
    uint32_t count = 0;

    do {
        for (uint32_t i = 0; i < part.count; i++) {
            uint64_t word = word_load(&part.words[i]);

            if (word_is_slot(word) && count < CHAIN_SLOTS_MAX)
                slots[count++] = word;
        }
    } while (chain_next(index, &part));
    return count;
}

void chain_discard(struct hash_index *index, struct bucket *bucket)
{
    units_give(index, word_load(&bucket->words[BUCKET_WORDS - 1]));
    for (uint32_t i = 0; i < BUCKET_WORDS; i++)
        word_store(&bucket->words[i], 0);
}

static void chain_count(const struct hash_index *index, struct bucket *bucket, uint32_t *slots, uint32_t *units)
{
    struct chain_part part = chain_first(bucket);

    *slots = *units = 0;
    for (;;) {
        for (uint32_t i = 0; i < part.count; i++)
            *slots += word_is_slot(word_load(&part.words[i]));
        if (!chain_next(index, &part))
            return;
        ++*units;
    }
}

/* Copies a slot to an empty word of the first `parts` parts; false when they are full. */
static bool copy_up(const struct hash_index *index, struct bucket *bucket, uint32_t parts, uint64_t word)
{
    struct chain_part part = chain_first(bucket);

    for (;;) {
        _Atomic uint64_t *empty = part_empty_word(&part);

        if (empty) {
            word_store(empty, word);
            return true;
        }
        if (--parts == 0)
            return false;
        chain_next(index, &part);
    }
}

void chain_shrink(struct hash_index *index, struct bucket *bucket)
{
    struct chain_part part = chain_first(bucket), kept;
    uint32_t slots, units, needed;
    uint64_t link, left = 0;

    if (HEARTH_LIKELY(!word_is_link(word_load(&bucket->words[BUCKET_WORDS - 1]))))
        return;
    chain_count(index, bucket, &slots, &units);
    needed = slots <= BUCKET_WORDS ? 0 : (slots - BUCKET_WORDS + UNIT_WORDS - 2) / (UNIT_WORDS - 1);
    if (needed == units)
        return;

    for (uint32_t i = 0; i < needed; i++)
        chain_next(index, &part);
    kept = part; /* the last part that stays: its link goes, and one slot may take the link's place */
    link = word_load(&kept.words[kept.count - 1]);
    while (chain_next(index, &part))
        for (uint32_t i = 0; i < part.count; i++) {
            uint64_t word = word_load(&part.words[i]);

            if (word_is_slot(word) && !copy_up(index, bucket, needed + 1, word))
                left = word;
        }
    atomic_fetch_add_explicit(&index->state, STATE_MOVE, memory_order_release);
    word_store(&kept.words[kept.count - 1], left);
    if (left) /* H4: it has taken the link's place */
        atomic_fetch_add_explicit(&index->state, STATE_MOVE, memory_order_release);
    units_give(index, link);
}
