/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is stored, and whether what is read was stored under its key.
 *
 * IDEA
 *   Without --verify every value is the beginning of one filler. With it, a value of at least 32 bytes is
 *
 *       OFFSET  SIZE  FIELD
 *            0    16  version, in hexadecimal
 *           16    16  mark: a hash of key, version and length, in hexadecimal
 *           32        words of 8 bytes, each a hash of the mark and its place; the last may be cut
 *
 *   so that a value tells by itself whether it was ever written for that key in that length, whoever wrote it and when.
 *   A shorter one has no room for a version: it is the beginning of the mark of version 0.
 *
 * THREADS  struct values is read only after values_init().
 */
#ifndef HEARTH_BENCH_VALUE_H
#define HEARTH_BENCH_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define VALUE_HEAD_BYTES 32

struct values {
    bool verify;
    char *filler;
};

/* Values of up to `bytes_max`. False: no memory. */
HEARTH_MUST_USE bool values_init(struct values *values, bool verify, size_t bytes_max, uint64_t seed);
void values_free(struct values *values);

/* Writes a value of `len` bytes. */
void value_put(const struct values *values, char *out, uint64_t key, uint64_t version, size_t len);

/* The check of a value that arrives in pieces. */
struct value_check {
    uint64_t key;
    uint64_t mark;
    size_t len;
    size_t seen;
    char head[VALUE_HEAD_BYTES];
};

void value_check_begin(struct value_check *check, uint64_t key, size_t len);
/* The next piece. False: this value was not written for the key. */
HEARTH_MUST_USE bool value_check_take(struct value_check *check, const char *at, size_t len);

#endif
