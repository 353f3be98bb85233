/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A histogram of durations that keeps three significant digits, however long they are.
 *
 * IDEA     Log-linear buckets: values below 2048 have one each; above, every power of two is divided into 1024, so that
 *          a bucket is never wider than a thousandth of what it holds.
 * COST     Recording: a few instructions and one counter. 264 KB, of which only the touched pages exist.
 * THREADS  One thread records; any may read meanwhile, and sees each counter some moment ago. The others want the
 *          histogram for themselves.
 * SOURCE   The layout of HdrHistogram (Gil Tene).
 */
#ifndef HEARTH_BENCH_HISTOGRAM_H
#define HEARTH_BENCH_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

/* Longer ones (73 minutes in nanoseconds) count as this. */
#define HISTOGRAM_VALUE_BITS 42
#define HISTOGRAM_VALUE_MAX ((UINT64_C(1) << HISTOGRAM_VALUE_BITS) - 1)
#define HISTOGRAM_HALF_BITS 10
#define HISTOGRAM_HALF (1u << HISTOGRAM_HALF_BITS)
#define HISTOGRAM_BUCKET_COUNT ((HISTOGRAM_VALUE_BITS - HISTOGRAM_HALF_BITS + 1) * HISTOGRAM_HALF)

struct histogram {
    _Atomic uint64_t sum;
    _Atomic uint64_t max; /* the true one */
    _Atomic uint64_t counts[HISTOGRAM_BUCKET_COUNT];
};

/* Which bucket holds a value of at most HISTOGRAM_VALUE_MAX. */
static inline uint32_t histogram_bucket(uint64_t value)
{
    unsigned top = 63 - (unsigned)__builtin_clzll(value | 1);
    unsigned shift = top > HISTOGRAM_HALF_BITS ? top - HISTOGRAM_HALF_BITS : 0;

    return shift * HISTOGRAM_HALF + (uint32_t)(value >> shift);
}

/* One writer: a load and a store, no locked instruction. */
static inline void counter_add(_Atomic uint64_t *counter, uint64_t added)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + added, memory_order_relaxed);
}

static inline uint64_t counter_read(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void histogram_record(struct histogram *histogram, uint64_t value)
{
    if (value > HISTOGRAM_VALUE_MAX)
        value = HISTOGRAM_VALUE_MAX;
    counter_add(&histogram->counts[histogram_bucket(value)], 1);
    counter_add(&histogram->sum, value);
    if (value > counter_read(&histogram->max))
        atomic_store_explicit(&histogram->max, value, memory_order_relaxed);
}

/* An empty histogram, to be freed with free(); NULL: no memory. */
struct histogram *histogram_new(void);
void histogram_clear(struct histogram *histogram);

/* Adds what another holds. */
void histogram_add(struct histogram *to, const struct histogram *from);
/* Takes away what an earlier state of the same histogram held. The maximum is then that of the highest bucket left. */
void histogram_subtract(struct histogram *from, const struct histogram *earlier);

uint64_t histogram_count(const struct histogram *histogram);
/* 0 when it is empty. */
double histogram_mean(const struct histogram *histogram);
/*
 * The value that a share `quantile` (0 to 1) of the values does not exceed: the upper end of its bucket, at most the
 * maximum. 0 when it is empty.
 */
uint64_t histogram_quantile(const struct histogram *histogram, double quantile);

#endif
