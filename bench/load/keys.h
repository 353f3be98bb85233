/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which key comes next: numbers of keys, drawn by a distribution.
 *
 * IDEA
 *   uniform      all alike
 *   zipf         the i-th hottest of n keys with a probability proportional to 1 / i^theta. The inverse of a continuous
 *                approximation costs one pow(); zeta(n, theta) is summed once
 *   hotset       a share of the keys gets a share of the requests
 *   sequential   one after the other, from the first again after the last; each worker walks a slice of its own
 *   latest       zipf, counted back from the newest key (for workloads that insert)
 *
 *   Hot keys are scattered over all keys: a rank becomes a key by a permutation, so that each has a key of its own.
 *
 * THREADS  struct keys is shared and does not change after keys_init(), but for the count of inserted keys, which is
 *          atomic. A cursor belongs to one thread.
 * SOURCE   Gray et al., "Quickly generating billion-record synthetic databases", SIGMOD 1994, section 3; YCSB's
 *          ZipfianGenerator and SkewedLatestGenerator (Cooper et al., SoCC 2010).
 */
#ifndef HEARTH_BENCH_KEYS_H
#define HEARTH_BENCH_KEYS_H

#include <stdatomic.h>
#include <stdint.h>

#include "bench/load/random.h"

/* In the order of the option's choices. */
enum keys_distribution { KEYS_UNIFORM, KEYS_ZIPF, KEYS_HOTSET, KEYS_SEQUENTIAL, KEYS_LATEST };

/* As the option calls it. */
const char *keys_distribution_name(enum keys_distribution distribution);

struct keys {
    enum keys_distribution distribution;
    uint64_t first;
    uint64_t count;
    uint64_t multiplier; /* of the permutation; prime to count */
    /* zipf */
    double zeta, alpha, eta, second;
    /* hotset */
    uint64_t hot_count, hot_limit;
    /* latest */
    _Atomic uint64_t inserted;
    uint64_t margin; /* inserts that may still be on their way */
};

struct key_cursor {
    struct random random;
    uint64_t at, begin, end; /* sequential: of [begin, end) */
};

/* Sum of 1 / i^theta for i in [1, n]; 0 < theta < 1. */
double keys_zeta(uint64_t n, double theta);

/*
 * `count` keys from `first` on, below 2^32 in number. `theta` is for zipf and latest (0 < theta < 1), the shares (0 to
 * 1) for hotset; `margin` for latest: how many inserts can be on their way at a time.
 */
void keys_init(struct keys *keys, enum keys_distribution distribution, uint64_t first, uint64_t count, double theta,
               double hot_keys, double hot_requests, uint64_t margin);

/* The cursor of worker `index` of `workers`. */
struct key_cursor keys_cursor(const struct keys *keys, uint64_t seed, unsigned index, unsigned workers);

/* The next key by the distribution. */
uint64_t keys_next(const struct keys *keys, struct key_cursor *cursor);
/* A key that nobody has had yet. */
uint64_t keys_insert(struct keys *keys);

#endif
