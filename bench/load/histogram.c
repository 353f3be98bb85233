/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is asked of a histogram after it has been recorded.
 */
#include "bench/load/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(HISTOGRAM_BUCKET_COUNT ==
                   (HISTOGRAM_VALUE_BITS - 1 - HISTOGRAM_HALF_BITS) * HISTOGRAM_HALF + 2 * HISTOGRAM_HALF,
               "the highest value lies in the last bucket");

struct histogram *histogram_new(void)
{
    return calloc(1, sizeof(struct histogram));
}

void histogram_clear(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}

/* The highest value that a bucket holds. */
static uint64_t bucket_top(uint32_t bucket)
{
    unsigned shift = bucket < 2 * HISTOGRAM_HALF ? 0 : bucket / HISTOGRAM_HALF - 1;
    uint64_t mantissa = bucket - shift * HISTOGRAM_HALF;

    return ((mantissa + 1) << shift) - 1;
}

void histogram_add(struct histogram *to, const struct histogram *from)
{
    uint64_t max = counter_read(&from->max);

    for (uint32_t i = 0; i < HISTOGRAM_BUCKET_COUNT; i++) {
        uint64_t count = counter_read(&from->counts[i]);
        if (count > 0)
            counter_add(&to->counts[i], count);
    }
    counter_add(&to->sum, counter_read(&from->sum));
    if (max > counter_read(&to->max))
        atomic_store(&to->max, max);
}

void histogram_subtract(struct histogram *from, const struct histogram *earlier)
{
    uint64_t max = 0;

    for (uint32_t i = 0; i < HISTOGRAM_BUCKET_COUNT; i++) {
        uint64_t count = counter_read(&from->counts[i]) - counter_read(&earlier->counts[i]);
        atomic_store_explicit(&from->counts[i], count, memory_order_relaxed);
        if (count > 0)
            max = bucket_top(i);
    }
    atomic_store(&from->sum, counter_read(&from->sum) - counter_read(&earlier->sum));
    if (max < counter_read(&from->max))
        atomic_store(&from->max, max);
}

uint64_t histogram_count(const struct histogram *histogram)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < HISTOGRAM_BUCKET_COUNT; i++)
        total += counter_read(&histogram->counts[i]);
    return total;
}

double histogram_mean(const struct histogram *histogram)
{
    uint64_t count = histogram_count(histogram);

    return count == 0 ? 0 : (double)counter_read(&histogram->sum) / (double)count;
}

uint64_t histogram_quantile(const struct histogram *histogram, double quantile)
{
    uint64_t wanted = (uint64_t)ceil(quantile * (double)histogram_count(histogram));
    uint64_t max = counter_read(&histogram->max);
    uint64_t seen = 0;

    for (uint32_t i = 0; i < HISTOGRAM_BUCKET_COUNT; i++) {
        seen += counter_read(&histogram->counts[i]);
        if (seen > 0 && seen >= wanted)
            return bucket_top(i) < max ? bucket_top(i) : max;
    }
    return max;
}
