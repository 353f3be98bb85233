/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The decimal fractions of INCRBYFLOAT: text to long double and back, as Redis reads and writes them.
 *
 * IDEA     A long double has 64 bits of mantissa on x86-64, so sums of short decimal fractions come out as people
 *          write them: 17 digits behind the point are printed, and the zeros at their end dropped.
 * SOURCE   Behaviour of INCRBYFLOAT in Redis 7.0, told from the outside.
 */
#ifndef HEARTH_SERVER_REDIS_FLOAT_H
#define HEARTH_SERVER_REDIS_FLOAT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

/* Enough for every long double: 4,933 digits, a sign, a point and 17 decimals. */
#define REDIS_FLOAT_TEXT_BYTES 5120

/*
 * Reads the whole of [text, text + len), which need not be terminated, in the C locale: decimal or hexadecimal, with
 * or without exponent, "inf" too. False, with *value untouched, for white space in front, anything behind, nan, an
 * empty or an endless text, and what lies beyond the range of a long double (too large, or too small to differ from 0).
 */
HEARTH_MUST_USE bool redis_float_parse(const void *text, size_t len, long double *value);

/*
 * Writes `value` (finite) in fixed notation at `out`, of REDIS_FLOAT_TEXT_BYTES, without an exponent and without zeros
 * at the end of the fraction. Not terminated by a rule. Returns the length.
 */
size_t redis_float_format(char *out, long double value);

#endif
