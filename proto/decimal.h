/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decimal integers: to text in memory that the caller supplies, and from text under the rules of either
 * protocol.
 *
 * Both protocols write lengths, counts and counters on every reply. printf costs some 60 ns for that; two
 * digits at a time out of a table of a hundred pairs cost two to five.
 */
#ifndef HEARTH_PROTO_DECIMAL_H
#define HEARTH_PROTO_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* The most that decimal_put_u64 and decimal_put_i64 write. */
#define DECIMAL_BYTES_MAX 20

/*
 * Writes `value` in decimal at `out` (DECIMAL_BYTES_MAX bytes are enough) without a terminator. Returns the
 * number of bytes written.
 */
size_t decimal_put_u64(char *out, uint64_t value);

/* The same for a signed value: a minus sign comes first where it is needed. */
size_t decimal_put_i64(char *out, int64_t value);

/*
 * Redis's rule: [text, text + len) is exactly what decimal_put_i64 would write. No plus sign, no space, no
 * leading zero, no "-0", nothing beyond 64 bits. False leaves *value alone.
 */
HEARTH_MUST_USE bool decimal_get_strict(const uint8_t *text, size_t len, int64_t *value);

/*
 * memcached's rule, that of strtoll: white space and a sign may come first; digits up to the end or to a
 * white space, behind which anything may follow. False on no digits, other characters, or a value beyond 64
 * bits.
 */
HEARTH_MUST_USE bool decimal_get_i64(const uint8_t *text, size_t len, int64_t *value);

/*
 * The same, that of strtoull: a negative number is taken modulo 2^64, and refused if the result has its
 * highest bit set ("-1" is refused, "-0" is 0).
 */
HEARTH_MUST_USE bool decimal_get_u64(const uint8_t *text, size_t len, uint64_t *value);

#endif
