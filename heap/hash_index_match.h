/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looking at all words of a bucket or unit at once.
 *
 * With SSE2 a tag, in the upper half of each word, is compared four words at a time. ThreadSanitizer gets the portable
 * loop, whose loads it can see. Results are hints: words change, so whoever acts on one loads it again.
 */
#ifndef HEARTH_HEAP_HASH_INDEX_MATCH_H
#define HEARTH_HEAP_HASH_INDEX_MATCH_H

#include "heap/hash_index_private.h"

#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
#include <emmintrin.h>

static inline __m128i match_halves(const _Atomic uint64_t *words, bool upper)
{
    const __m128i *pairs = (const __m128i *)(const void *)words;
    __m128 first = _mm_castsi128_ps(_mm_load_si128(pairs)), second = _mm_castsi128_ps(_mm_load_si128(pairs + 1));

    return _mm_castps_si128(upper ? _mm_shuffle_ps(first, second, _MM_SHUFFLE(3, 1, 3, 1))
                                  : _mm_shuffle_ps(first, second, _MM_SHUFFLE(2, 0, 2, 0)));
}
static inline uint32_t match_mask(__m128i lanes)
{
    return (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(lanes));
}
static inline uint32_t match_tag_of_four(const _Atomic uint64_t *words, uint64_t tag)
{
    __m128i tags = _mm_and_si128(match_halves(words, true), _mm_set1_epi32((int)(TAG_MASK >> 32)));

    return match_mask(_mm_cmpeq_epi32(tags, _mm_set1_epi32((int)(tag >> 32))));
}
static inline uint32_t match_empty_of_four(const _Atomic uint64_t *words)
{
    __m128i both = _mm_or_si128(match_halves(words, true), match_halves(words, false));

    return match_mask(_mm_cmpeq_epi32(both, _mm_setzero_si128()));
}
/* x86 keeps loads in order: what is left is to keep the compiler from moving them. */
static inline void match_done(void)
{
    atomic_signal_fence(memory_order_acquire);
}
#else
static inline uint32_t match_tag_of_four(const _Atomic uint64_t *words, uint64_t tag)
{
    uint32_t match = 0;

    for (uint32_t i = 0; i < 4; i++)
        match |= (uint32_t)(((word_load(&words[i]) ^ tag) & TAG_MASK) == 0) << i;
    return match;
}
static inline uint32_t match_empty_of_four(const _Atomic uint64_t *words)
{
    uint32_t match = 0;

    for (uint32_t i = 0; i < 4; i++)
        match |= (uint32_t)(word_load(&words[i]) == 0) << i;
    return match;
}
static inline void match_done(void)
{
}
#endif

/* Bit i: word i has this tag. */
static inline uint32_t part_match(const struct chain_part *part, uint64_t tag)
{
    uint32_t match = match_tag_of_four(part->words, tag);

    if (part->count == BUCKET_WORDS)
        match |= match_tag_of_four(part->words + 4, tag) << 4;
    match_done();
    return match;
}
/* The first empty word, or NULL. */
static inline _Atomic uint64_t *part_empty_word(const struct chain_part *part)
{
    uint32_t match = match_empty_of_four(part->words);

    if (part->count == BUCKET_WORDS)
        match |= match_empty_of_four(part->words + 4) << 4;
    match_done();
    return match ? &part->words[__builtin_ctz(match)] : NULL;
}
_Static_assert(BUCKET_WORDS == 8 && UNIT_WORDS == 4, "a part is one or two times four words");

#endif
