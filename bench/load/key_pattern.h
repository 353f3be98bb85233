/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the number of a key is written: a text with one %d or %0Nd, such as key:%012d.
 *
 * COST     Digits two at a time; no printf.
 * THREADS  Read only after key_pattern_parse().
 */
#ifndef HEARTH_BENCH_KEY_PATTERN_H
#define HEARTH_BENCH_KEY_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define KEY_TEXT_MAX 250
#define KEY_DIGITS_MAX 20

struct key_pattern {
    char prefix[KEY_TEXT_MAX + 1];
    char suffix[KEY_TEXT_MAX + 1];
    size_t prefix_len;
    size_t suffix_len;
    unsigned digits; /* 0: as many as the number has */
    size_t len_max;  /* of a key */
};

/* NULL when `text` is a pattern that can write `highest`, else what is wrong with it. */
HEARTH_MUST_USE const char *key_pattern_parse(struct key_pattern *pattern, const char *text, uint64_t highest);

/* Writes a key without terminator, returns its length. `out` has room for len_max bytes. */
size_t key_put(const struct key_pattern *pattern, char *out, uint64_t number);

/* The number of a key; false: no such key is ever written. */
HEARTH_MUST_USE bool key_read(const struct key_pattern *pattern, const char *text, size_t len, uint64_t *number);

#endif
