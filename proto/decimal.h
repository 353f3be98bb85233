/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decimal integers to text, into memory that the caller supplies.
 *
 * Both protocols write lengths, counts and counters on every reply. printf costs some 60 ns for that; two
 * digits at a time out of a table of a hundred pairs cost two to five.
 */
#ifndef HEARTH_PROTO_DECIMAL_H
#define HEARTH_PROTO_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

/* The most that decimal_put_u64 and decimal_put_i64 write. */
#define DECIMAL_BYTES_MAX 20

/*
 * Writes `value` in decimal at `out` (DECIMAL_BYTES_MAX bytes are enough) without a terminator. Returns the
 * number of bytes written.
 */
size_t decimal_put_u64(char *out, uint64_t value);

/* The same for a signed value: a minus sign comes first where it is needed. */
size_t decimal_put_i64(char *out, int64_t value);

#endif
