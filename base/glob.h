/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Glob patterns as Redis's KEYS, SCAN and CONFIG GET understand them.
 *
 *     *          any bytes, also none          [abc] [a-z]   one byte of a set or range
 *     ?          one byte                      [^abc]        one byte not in it
 *     \x         the byte x itself             (an open [ reaches to the end of the pattern)
 *
 * IDEA     Each element but `*` takes exactly one byte, so on a mismatch only the last `*` need be
 *          tried again, one byte later. No recursion; work is at most pattern_len * len steps.
 * SOURCE   Behaviour of Redis 7.0's KEYS, told from the outside, with its quirk that an empty key
 *          matches only the empty pattern and "*" alone.
 */
#ifndef HEARTH_BASE_GLOB_H
#define HEARTH_BASE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Does the whole of text match the pattern? Both are byte ranges and may hold any byte. */
bool glob_match(const void *pattern, size_t pattern_len, const void *text, size_t len);

/* The same without regard to the case of ASCII letters. */
bool glob_match_nocase(const void *pattern, size_t pattern_len, const void *text, size_t len);

#endif
