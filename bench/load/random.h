/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Seeded random numbers, fast enough to be drawn several times a request.
 *
 * THREADS  A generator belongs to one thread.
 * SOURCE   splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
 *          Numbers below a bound by multiplication: Lemire, "Fast random integer generation in an interval", 2019,
 *          without its last step: the bias is below bound / 2^64.
 */
#ifndef HEARTH_BENCH_RANDOM_H
#define HEARTH_BENCH_RANDOM_H

#include <stdint.h>

#define RANDOM_STEP UINT64_C(0x9e3779b97f4a7c15)

struct random {
    uint64_t state;
};

/* A bijection of 64-bit numbers under which neighbours have nothing in common. */
static inline uint64_t random_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* The generator of one of several users of a seed. */
static inline struct random random_open(uint64_t seed, uint64_t user)
{
    return (struct random){random_mix(seed ^ random_mix(user + 1))};
}

static inline uint64_t random_next(struct random *random)
{
    return random_mix(random->state += RANDOM_STEP);
}

/* Evenly in [0, bound). */
static inline uint64_t random_below(struct random *random, uint64_t bound)
{
    return (uint64_t)(((unsigned __int128)random_next(random) * bound) >> 64);
}

/* Evenly in [0, 1). */
static inline double random_unit(struct random *random)
{
    return (double)(random_next(random) >> 11) * 0x1p-53;
}

/* The limit below which random_next() falls with this probability. */
static inline uint64_t random_limit(double probability)
{
    return probability >= 1 ? UINT64_MAX : (uint64_t)(probability * 0x1p64);
}

#endif
