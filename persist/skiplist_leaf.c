/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One leaf of the ordered index, as bytes.
 */
#include "persist/skiplist_leaf.h"

#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/assert.h"
#include "base/log.h"
#include "persist/hash64.h"

enum { HEADER_SUMMED_FROM = 4, HEADER_SUMMED_BYTES = 28, HEADER_SUMMED_TO = PM_LINE - HEADER_SUMMED_BYTES };
_Static_assert(offsetof(struct pmd_leaf, tower) == HEADER_SUMMED_FROM + HEADER_SUMMED_BYTES, "summed header");

bool leaf_is_sound(const struct pmd_leaf *leaf)
{
    if (leaf->prefix_len > PM_LEAF_KEY_BYTES_MAX || leaf->height > PM_LEAF_TOWER)
        return false;
    if (leaf->low_len == LEAF_LOW_SPILLED ? leaf->low_full_len <= PM_LEAF_KEY_BYTES_MAX && leaf->low_full_len != 0
                                          : leaf->low_len > PM_LEAF_KEY_BYTES_MAX)
        return false;
    return leaf->used == 0 || 64 - (uint32_t)__builtin_clzll(leaf->used) <= leaf_capacity(leaf);
}

/* The summed bytes become one stretch: those of the header move over the towers, up against the area. */
uint32_t leaf_checksum(struct pmd_leaf *copy, uint64_t number)
{
    uint8_t *bytes = (uint8_t *)copy;

    memcpy(bytes + HEADER_SUMMED_TO, bytes + HEADER_SUMMED_FROM, HEADER_SUMMED_BYTES);
    return (uint32_t)hash64(bytes + HEADER_SUMMED_TO, HEADER_SUMMED_BYTES + PM_LEAF_AREA, number);
}

/* Slots below `end` (a multiple of 4) whose first 28 hash bits, the highest of their first word, are `low`. */
#ifdef __SSE2__
static uint64_t match_low(const struct pmd_leaf *leaf, uint64_t low, uint32_t end)
{
    const float *words = (const float *)(const void *)leaf->area; /* four an entry */
    const __m128i wanted = _mm_set1_epi32((int)low);
    uint64_t found = 0;

    for (uint32_t i = 0; i < end; i += 4, words += 16) {
        __m128 first = _mm_shuffle_ps(_mm_loadu_ps(words), _mm_loadu_ps(words + 4), _MM_SHUFFLE(1, 1, 1, 1));
        __m128 second = _mm_shuffle_ps(_mm_loadu_ps(words + 8), _mm_loadu_ps(words + 12), _MM_SHUFFLE(1, 1, 1, 1));
        __m128i four = _mm_castps_si128(_mm_shuffle_ps(first, second, _MM_SHUFFLE(2, 0, 2, 0)));
        __m128i equal = _mm_cmpeq_epi32(_mm_srli_epi32(four, PM_LOC_BITS - 32), wanted);

        found |= (uint64_t)_mm_movemask_ps(_mm_castsi128_ps(equal)) << i;
    }
    return found;
}
#else
static uint64_t match_low(const struct pmd_leaf *leaf, uint64_t low, uint32_t end)
{
    uint64_t found = 0;

    for (uint32_t i = 0; i < end; i++)
        found |= (uint64_t)(leaf_entry(leaf, i).loc_hash >> PM_LOC_BITS == low) << i;
    return found;
}
#endif

uint64_t leaf_match(const struct pmd_leaf *leaf, uint64_t hash)
{
    uint64_t low = hash & ((UINT64_C(1) << LEAF_HASH_LOW_BITS) - 1),
             high = (hash & LEAF_HASH_MASK) >> LEAF_HASH_LOW_BITS;
    uint64_t candidates, found = 0;
    uint32_t end = leaf->used == 0 ? 0 : 64 - (uint32_t)__builtin_clzll(leaf->used);

    for (candidates = match_low(leaf, low, (end + 3) & ~3U) & leaf->used; candidates != 0;
         candidates &= candidates - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(candidates);

        if ((leaf_entry(leaf, slot).hash_key & 0xfff) == high)
            found |= UINT64_C(1) << slot;
    }
    return found;
}

uint32_t leaf_free_slot(const struct pmd_leaf *leaf)
{
    debug_check(leaf_count(leaf) < leaf_capacity(leaf));
    return (uint32_t)__builtin_ctzll(~leaf->used);
}

uint64_t leaf_slice_widened(const struct pmd_leaf *leaf, uint64_t slice, uint32_t prefix_len)
{
    uint32_t gap = leaf->prefix_len - prefix_len;
    uint64_t front = bytes_slice(leaf_prefix(leaf) + prefix_len, gap);

    if (gap >= LEAF_SLICE_BYTES)
        return front & LEAF_SLICE_MASK;
    return (front | slice >> 8 * gap) & LEAF_SLICE_MASK;
}

void leaf_shorten_prefix(struct pmd_leaf *leaf, uint32_t prefix_len)
{
    const uint8_t *prefix = leaf_prefix(leaf);

    must(prefix_len <= leaf->prefix_len);
    if (prefix_len == leaf->prefix_len)
        return;
    for (uint64_t left = leaf->used; left != 0; left &= left - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(left);
        struct pmd_leaf_entry entry = leaf_entry(leaf, slot);

        leaf_set_entry(
            leaf, slot,
            entry_make(entry_loc(entry), entry_hash(entry), leaf_slice_widened(leaf, entry_slice(entry), prefix_len)));
    }
    memmove(leaf->area + PM_LEAF_AREA - leaf_low_bytes(leaf) - prefix_len, prefix, prefix_len);
    leaf->prefix_len = (uint8_t)prefix_len;
}

void leaf_set_prefix(struct pmd_leaf *leaf, const struct index_key *key, uint32_t prefix_len)
{
    must(prefix_len <= PM_LEAF_KEY_BYTES_MAX);
    leaf->prefix_len = (uint8_t)prefix_len;
    index_key_copy(key, prefix_len, leaf->area + PM_LEAF_AREA - leaf_low_bytes(leaf) - prefix_len);
}

uint8_t leaf_entry_db(const struct pmd_leaf *leaf, struct pmd_leaf_entry entry)
{
    return leaf->prefix_len != 0 ? leaf_prefix(leaf)[0] : (uint8_t)(entry.hash_key >> 56);
}

void leaf_write(struct pm_context *context, struct pmd_leaf *to, const struct pmd_leaf *from)
{
    const uint8_t *bytes = (const uint8_t *)from;

    for (size_t i = 0; i < PM_LEAF_BYTES / 8; i++) {
        uint64_t word;

        memcpy(&word, bytes + 8 * i, 8);
        pm_store_word(context, (uint64_t *)to + i, word);
    }
    pm_flush(context, PM_SITE_NEW_LEAF_FLUSH, to, PM_LEAF_BYTES);
}

static bool add_to_sum(const struct pool *pool, uint64_t number, struct pmd_leaf *copy, uint64_t *sum)
{
    const uint8_t *bytes = (const uint8_t *)copy;

    if (number == 0 || number >= pool->pm->bytes / PM_LEAF_BYTES)
        return false;
    media_copy(copy, pool_at(pool, number * PM_LEAF_BYTES), sizeof *copy);
    *sum = hash64(bytes + sizeof(uint64_t), offsetof(struct pmd_leaf, tower) - sizeof(uint64_t), *sum);
    *sum = hash64(copy->area, sizeof copy->area, *sum);
    return true;
}

bool leaf_new_sum(const struct pool *pool, uint64_t number, uint64_t *sum)
{
    struct pmd_leaf leaf, block;
    uint64_t next;

    *sum = number;
    if (!add_to_sum(pool, number, &leaf, sum))
        return false;
    if (leaf.low_spill == 0)
        return true;
    next = leaf.low_spill;
    for (uint32_t left = leaf.low_full_len != 0 ? leaf.low_full_len : INDEX_KEY_BYTES_MAX; left != 0;
         left -= left < PM_LEAF_AREA ? left : PM_LEAF_AREA, next = block.next)
        if (!add_to_sum(pool, next, &block, sum))
            return false;
    return true;
}

/* ---- fences ---- */

static enum pm_status fence_read_spilled(const struct pool *pool, const struct pmd_leaf *leaf, struct fence *out)
{
    uint64_t number = leaf->low_spill;
    uint32_t full = leaf_low_len(leaf);

    if (out->heap == NULL)
        out->heap = malloc(INDEX_KEY_BYTES_MAX);
    if (out->heap == NULL)
        return PM_NO_MEMORY;
    for (out->len = 0; out->len < full;) {
        struct pmd_leaf block;
        uint32_t piece = full - out->len < PM_LEAF_AREA ? full - out->len : PM_LEAF_AREA;

        if (number == 0 || number >= pool->pm->bytes / PM_LEAF_BYTES)
            return PM_DAMAGED;
        media_copy(&block, pool_at(pool, number * PM_LEAF_BYTES), sizeof block);
        if (block.state != PMD_LEAF_SPILL || block.used != piece)
            return PM_DAMAGED;
        memcpy(out->heap + out->len, block.area, piece);
        out->len += piece;
        number = block.next;
    }
    out->bytes = out->heap;
    return PM_OK;
}

enum pm_status fence_read(const struct pool *pool, const struct pmd_leaf *leaf, struct fence *out)
{
    if (leaf->low_len == LEAF_LOW_SPILLED)
        return fence_read_spilled(pool, leaf, out);
    out->len = leaf->low_len;
    memcpy(out->small, leaf_low(leaf), out->len);
    out->bytes = out->small;
    return PM_OK;
}

void fence_free(struct fence *fence)
{
    free(fence->heap);
    fence->heap = NULL;
}
