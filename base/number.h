/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers as text: strict and loose parsing from a byte range, fast formatting.
 *
 * IDEA     The two protocols disagree on what a number is. Redis takes the one canonical form only
 *          (strict here); memcached takes what strtoull takes (loose here). The range need not be
 *          terminated, and is never read beyond its length.
 * SOURCE   Behaviour of string2ll() in Redis 7.0 and of safe_strtoull(), safe_strtoll() in
 *          memcached 1.6, told from the outside.
 */
#ifndef HEARTH_BASE_NUMBER_H
#define HEARTH_BASE_NUMBER_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough for any formatted 64-bit number, without a terminator. */
#define NUMBER_TEXT_BYTES_MAX 20

/*
 * Strict: `-` at most, digits, no leading zero, no `-0`, no space, nothing behind. Each returns false, with
 * *value untouched, for another form or a number that does not fit.
 */
HEARTH_MUST_USE bool number_parse_i64(const void *text, size_t len, int64_t *value);
HEARTH_MUST_USE bool number_parse_u64(const void *text, size_t len, uint64_t *value);

/*
 * Loose, as memcached reads: spaces before, a sign, leading zeros; the number ends at the end of the
 * range, at a space or at a zero byte, and what follows that is not looked at. Unsigned: a negative one
 * counts modulo 2^64 when it then is below 2^63, as there. False, with *value untouched, for another form
 * or overflow.
 */
HEARTH_MUST_USE bool number_parse_i64_loose(const void *text, size_t len, int64_t *value);
HEARTH_MUST_USE bool number_parse_u64_loose(const void *text, size_t len, uint64_t *value);

/* Decimal text into out (at least NUMBER_TEXT_BYTES_MAX), without a terminator; returns its length. */
size_t number_format_u64(char *out, uint64_t value);
size_t number_format_i64(char *out, int64_t value);

/* How many digits number_format_u64 would write. */
unsigned number_digits_u64(uint64_t value);

/*
 * A size as in Redis's configuration: digits, then nothing or b, k (1000), kb (1024), m, mb, g, gb, t, tb in
 * any case. False for another form or overflow.
 */
HEARTH_MUST_USE bool number_parse_size(const void *text, size_t len, uint64_t *bytes);

/*
 * A duration: digits, then ms, s, m, h or d in any case; with no unit it counts in unit_ms. False for another
 * form or overflow.
 */
HEARTH_MUST_USE bool number_parse_duration_ms(const void *text, size_t len, uint64_t unit_ms, uint64_t *ms);

#endif
