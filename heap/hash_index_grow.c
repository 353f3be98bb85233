/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Growing the hash index: linear hashing, one bucket at a time.
 *
 * IDEA: with n buckets at level L (2^L <= n < 2^(L+1)) the next to split is n - 2^L; its image is bucket n, and bit L
 * of the hash says who moves there. A split touches two chains, both under one stripe lock, and costs as much as a few
 * inserts; every insert is followed by a call here, so the load stays at its goal.
 *
 * THREADS: one splitter at a time, by trylock: whoever finds it taken leaves the work to it.
 *
 * SOURCE: Litwin, Linear Hashing: a new tool for file and table addressing, VLDB 1980.
 */
#include "heap/hash_index_private.h"

#include <errno.h>
#include <sys/mman.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static bool above_goal(const struct hash_index *index, uint64_t n)
{
    int64_t used = atomic_load_explicit(&index->used, memory_order_relaxed);

    return used > 0 && (uint64_t)used > n / 8 * GOAL_SLOTS_PER_8_BUCKETS && n < index->buckets_max;
}

/* Is a slot of this bit pattern to go to the image? */
static bool moves(uint64_t word, uint32_t level)
{
    return word >> (HASH_SLOT_TAG_SHIFT + level - HASH_INDEX_BASE_BITS) & 1;
}

/* Copies to the image what belongs there. False: no units; the image is empty again. */
static bool copy_to_image(struct hash_index *index, struct bucket *from, struct bucket *image, uint32_t level)
{
    struct chain_part part = chain_first(from);

    do {
        for (uint32_t i = 0; i < part.count; i++) {
            uint64_t word = word_load(&part.words[i]);

            if (word_is_slot(word) && moves(word, level) && !chain_add(index, image, word, false)) {
                chain_discard(index, image);
                return false;
            }
        }
    } while (chain_next(index, &part));
    return true;
}

static void clear_moved(struct hash_index *index, struct bucket *from, uint32_t level)
{
    struct chain_part part = chain_first(from);

    do {
        for (uint32_t i = 0; i < part.count; i++) {
            uint64_t word = word_load(&part.words[i]);

            if (word_is_slot(word) && moves(word, level))
                word_store(&part.words[i], 0);
        }
    } while (chain_next(index, &part));
}

/* By the one splitter. The order is H4's: image filled, state published, old places cleared. */
static bool split(struct hash_index *index, uint64_t n)
{
    uint32_t level = level_of(n);
    struct bucket *from = &index->buckets[n - (UINT64_C(1) << level)], *image = &index->buckets[n];
    uint32_t stripe = hash_index_stripe(n);
    bool done;

    word_store(&image->words[0], 0); /* a page fault here, not under the lock */
    hash_index_lock_stripe(index, stripe);
    done = copy_to_image(index, from, image, level);
    if (done) {
        atomic_fetch_add_explicit(&index->state, 1, memory_order_release);
        clear_moved(index, from, level);
        chain_shrink(index, from);
    }
    hash_index_unlock_stripe(index, stripe);
    return done;
}

/*
 * Buckets begin on small pages, and move to a huge one when they fill it, so that it costs no memory. Readers of these
 * wait for some 0.3 ms, once. Before Linux 6.1 the system cannot do that: then those behind begin on huge pages.
 */
static void make_huge(const struct hash_index *index, uint64_t n)
{
    uint64_t end = n * sizeof(struct bucket);
    uint8_t *buckets = (uint8_t *)index->buckets;

    if (end % HASH_INDEX_HUGE_PAGE != 0 ||
        madvise(buckets + end - HASH_INDEX_HUGE_PAGE, HASH_INDEX_HUGE_PAGE, MADV_COLLAPSE) == 0 || errno != EINVAL)
        return;
    (void)madvise(buckets + end, index->buckets_max * sizeof(struct bucket) - end, MADV_HUGEPAGE);
}

void hash_index_grow(struct hash_index *index)
{
    enum { SPLITS_A_CALL = 4 };
    uint64_t n = state_buckets(atomic_load_explicit(&index->state, memory_order_relaxed));

    if (HEARTH_LIKELY(!above_goal(index, n)) || !spin_try(&index->splitting))
        return;
    for (int i = 0; i < SPLITS_A_CALL; i++) {
        n = state_buckets(atomic_load_explicit(&index->state, memory_order_relaxed));
        if (!above_goal(index, n) || !split(index, n))
            break;
        make_huge(index, n + 1);
    }
    spin_unlock(&index->splitting);
}

bool hash_index_presize(struct hash_index *index)
{
    enum { SPLITS_A_CALL = 1024 };
    bool more = true;

    if (!spin_try(&index->splitting))
        return true;
    for (int i = 0; more && i < SPLITS_A_CALL; i++) {
        uint64_t n = state_buckets(atomic_load_explicit(&index->state, memory_order_relaxed));

        more = n < index->buckets_wanted && split(index, n);
    }
    spin_unlock(&index->splitting);
    return more;
}
