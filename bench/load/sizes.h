/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sizes of values: one, a range, or a mix of both by weight.
 *
 * IDEA     "100", "10-1000" (evenly), "100:50,1024:30,4096-8192:20" (weights behind the colons).
 * COST     A fixed size draws no random number.
 * THREADS  Read only after sizes_parse().
 */
#ifndef HEARTH_BENCH_SIZES_H
#define HEARTH_BENCH_SIZES_H

#include <stdint.h>

#include "base/compiler.h"
#include "bench/load/random.h"

#define SIZES_MAX 32
#define SIZE_BYTES_MAX (64u * 1024 * 1024)

struct sizes {
    uint32_t count;
    uint32_t max; /* the largest size of all */
    struct size_share {
        uint32_t low, high;
        uint64_t limit; /* a random number at most this, and above the one before, draws this share */
    } shares[SIZES_MAX];
};

/* NULL when `text` is understood, else what is wrong with it. */
HEARTH_MUST_USE const char *sizes_parse(struct sizes *sizes, const char *text);

uint32_t sizes_next(const struct sizes *sizes, struct random *random);

#endif
