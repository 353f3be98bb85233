/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walks over the hash index: cursor scans, random picks, sweeps, figures.
 *
 * IDEA of the cursor: read a hash's bits from the lowest up, as a binary fraction. A bucket of depth d holds the hashes
 * that share their d lowest bits, in that order one interval; the buckets cut the whole range into intervals, and a
 * split cuts one in two. So a cursor is simply a point in that order: all before it was given. It says nothing of
 * n and so holds over growth and over a restart with another n (where a bucket may be given once more).
 */
#include "heap/hash_index_private.h"

static uint64_t reverse(uint64_t bits, uint32_t count)
{
    bits = (bits >> 1 & UINT64_C(0x5555555555555555)) | (bits & UINT64_C(0x5555555555555555)) << 1;
    bits = (bits >> 2 & UINT64_C(0x3333333333333333)) | (bits & UINT64_C(0x3333333333333333)) << 2;
    bits = (bits >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f)) | (bits & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4;
    return __builtin_bswap64(bits) >> (64 - count);
}

/* Hash bits that the hashes of this bucket have in common. */
static uint32_t depth_of(uint64_t n, uint64_t bucket)
{
    uint32_t level = level_of(n);
    uint64_t image_bit = UINT64_C(1) << level;

    return bucket >= image_bit || bucket < n - image_bit ? level + 1 : level;
}

uint64_t hash_index_scan(const struct hash_index *index, uint64_t cursor, void (*each)(uint64_t word, void *context),
                         void *context)
{
    uint64_t slots[CHAIN_SLOTS_MAX], n, bucket, hash;
    struct hash_index *locks = (struct hash_index *)index; /* scans change nothing but the lock */
    uint32_t count, depth;

    if (cursor >> HASH_BITS)
        return 0; /* none of ours */
    hash = reverse(cursor, HASH_BITS);
    hash_index_lock(locks, hash); /* the bucket stays as it is, though n may grow */
    n = state_buckets(atomic_load_explicit(&index->state, memory_order_acquire));
    bucket = bucket_of(n, hash);
    depth = depth_of(n, bucket);
    count = chain_collect(index, &index->buckets[bucket], slots);
    hash_index_unlock(locks, hash);

    for (uint32_t i = 0; i < count; i++)
        HEARTH_PREFETCH(record_at(index->pool, hash_slot_loc(slots[i])));
    for (uint32_t i = 0; i < count; i++)
        each(slots[i], context);
    cursor = ((cursor >> (HASH_BITS - depth)) + 1) << (HASH_BITS - depth);
    return cursor >> HASH_BITS ? 0 : cursor;
}

uint64_t hash_index_random(const struct hash_index *index, uint64_t random)
{
    uint64_t slots[CHAIN_SLOTS_MAX], mixed = (random ^ random >> 29) * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t n = state_buckets(atomic_load_explicit(&index->state, memory_order_acquire));
    uint64_t bucket = (mixed >> 32) * n >> 32;
    struct hash_index *locks = (struct hash_index *)index;
    uint32_t count;

    hash_index_lock(locks, bucket);
    count = chain_collect(index, &index->buckets[bucket], slots);
    hash_index_unlock(locks, bucket);
    return count ? slots[(mixed * UINT64_C(0xd1342543de82ef95) >> 32) * count >> 32] : 0;
}

uint64_t hash_index_sweep(struct hash_index *index, uint64_t bucket, bool (*drop)(uint64_t word, void *context),
                          void *context)
{
    struct chain_part part = chain_first(&index->buckets[bucket]);
    int32_t dropped = 0;

    must(bucket < state_buckets(atomic_load_explicit(&index->state, memory_order_acquire)));
    hash_index_lock(index, bucket);
    do {
        for (uint32_t i = 0; i < part.count; i++) {
            uint64_t word = word_load(&part.words[i]);

            if (word_is_slot(word) && drop(word, context)) {
                word_store(&part.words[i], 0);
                dropped++;
            }
        }
    } while (chain_next(index, &part));
    if (dropped) {
        chain_shrink(index, &index->buckets[bucket]);
        hash_index_count(index, bucket, -dropped);
    }
    hash_index_unlock(index, bucket);
    bucket++;
    return bucket < state_buckets(atomic_load_explicit(&index->state, memory_order_acquire)) ? bucket : 0;
}

void hash_index_stats(const struct hash_index *index, struct hash_index_stats *out)
{
    int64_t used = atomic_load_explicit(&index->used, memory_order_relaxed);

    for (uint32_t i = 0; i < STRIPES; i++)
        used += atomic_load_explicit(&index->stripes[i].used, memory_order_relaxed);
    out->slots_used = used > 0 ? (uint64_t)used : 0;
    out->buckets = state_buckets(atomic_load_explicit(&index->state, memory_order_relaxed));
    out->overflow_buckets = atomic_load_explicit(&index->unit_pool.in_use, memory_order_relaxed);
    out->bytes = sizeof *index + out->buckets * sizeof(struct bucket) +
                 atomic_load_explicit(&index->unit_pool.touched, memory_order_relaxed) * sizeof(struct unit);
}
