/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the pool share; nobody else includes this.
 */
#ifndef HEARTH_PERSIST_POOL_INTERNAL_H
#define HEARTH_PERSIST_POOL_INTERNAL_H

#include "persist/pool.h"

/* A line's word: bits 0..3 state, 4..21 length / 16, 22..31 zero, 32..63 generation. */
static inline uint64_t segment_word(enum pmd_segment_state state, uint32_t length, uint32_t generation)
{
    return (uint64_t)state | (uint64_t)(length / PM_UNIT) << 4 | (uint64_t)generation << 32;
}
static inline uint32_t segment_word_state(uint64_t word)
{
    return word & 15;
}
static inline uint32_t segment_word_length(uint64_t word)
{
    return (uint32_t)(word >> 4 & 0x3ffff) * PM_UNIT;
}
static inline uint32_t segment_word_generation(uint64_t word)
{
    return (uint32_t)(word >> 32);
}
static inline bool segment_word_is_sound(uint64_t word, uint32_t segment_bytes)
{
    return (word >> 22 & 0x3ff) == 0 && segment_word_state(word) <= PMD_SEGMENT_FIXED &&
           segment_word_length(word) <= segment_bytes;
}

/* Offset of a segment's line in a pool of that geometry. */
static inline pm_off segment_line_off(uint32_t segment_bits, uint32_t segment)
{
    uint32_t lines = (UINT32_C(1) << segment_bits) / PM_LINE; /* in a chunk of the table */
    uint32_t chunk = segment / lines;
    uint64_t holder = chunk == 0 ? PM_SEGMENT_TABLE : (uint64_t)chunk * lines;

    return (holder << segment_bits) + (uint64_t)(segment % lines) * PM_LINE;
}
/* Does this segment hold superblock, table or journal? */
static inline bool segment_is_fixed(uint32_t segment_bits, uint32_t segment)
{
    uint32_t lines = (UINT32_C(1) << segment_bits) / PM_LINE;

    return segment < PM_SEGMENT_HEAD || segment % lines == 0;
}

/* Lays out a pool over the whole mapping, whatever was there. PM_FULL, PM_BAD_ARGUMENT, PM_IO, all logged. A crash
 * leaves an unfinished creation (superblock_read() knows it) or the whole pool. */
enum pm_status pool_lay_out(struct pm *pm, const struct pool_create *create) HEARTH_MUST_USE;

/* Lists and counts over pool->segments, as read from the table; lists are empty until pool_space_start(). */
enum pm_status pool_space_new(struct pool *pool) HEARTH_MUST_USE;
void pool_space_free(struct pool *pool);

#endif
