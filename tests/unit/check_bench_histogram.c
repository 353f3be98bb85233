/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    A quantile is never more than a thousandth away from the truth, whatever the values; sums and differences of
 *         histograms are those of their values.
 * METHOD  Values over twelve orders of magnitude are recorded, and sorted beside; each quantile is compared.
 */
#include <math.h>
#include <stdlib.h>

#include "tests/unit/check.h"

#include "bench/load/histogram.h"
#include "bench/load/random.h"

#define VALUES 20000

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

/* Evenly in the logarithm: from 1 to 10^12. */
static uint64_t any_value(struct random *random)
{
    return (uint64_t)pow(10, 12 * random_unit(random));
}

static void each_bucket_is_narrow(void **state)
{
    struct random random = random_open(1, 1);
    struct histogram *one = histogram_new();

    (void)state;
    for (int i = 0; i < 2000; i++) {
        uint64_t value = i < 1000 ? (uint64_t)i * 5 : any_value(&random);
        histogram_clear(one);
        histogram_record(one, value);
        histogram_record(one, HISTOGRAM_VALUE_MAX); /* so that the maximum does not help */
        uint64_t told = histogram_quantile(one, 0.5);
        assert_true(told >= value);
        assert_true((double)(told - value) <= (double)value / 1000);
    }
    free(one);
}

static void buckets_follow_one_another(void **state)
{
    uint32_t last = 0;

    (void)state;
    for (uint64_t value = 1; value < 1 << 20; value++) {
        uint32_t bucket = histogram_bucket(value);
        assert_true(bucket == last || bucket == last + 1);
        last = bucket;
    }
    assert_int_equal(histogram_bucket(0), 0);
    assert_int_equal(histogram_bucket(HISTOGRAM_VALUE_MAX), HISTOGRAM_BUCKET_COUNT - 1);
}

static void quantiles_are_those_of_the_sorted_values(void **state)
{
    static const double quantiles[] = {0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};
    static uint64_t values[VALUES];
    struct random random = random_open(2, 1);
    struct histogram *all = histogram_new();
    double sum = 0;

    (void)state;
    for (int i = 0; i < VALUES; i++) {
        values[i] = any_value(&random);
        sum += (double)values[i];
        histogram_record(all, values[i]);
    }
    qsort(values, VALUES, sizeof *values, compare);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        double wanted = (double)values[(size_t)ceil(quantiles[i] * VALUES) - 1];
        double told = (double)histogram_quantile(all, quantiles[i]);
        assert_true(told >= wanted && told <= wanted * 1.001);
    }
    assert_int_equal(histogram_count(all), VALUES);
    assert_true(fabs(histogram_mean(all) - sum / VALUES) < 1);
    assert_int_equal(histogram_quantile(all, 1), values[VALUES - 1]);
    free(all);
}

static void sums_and_differences(void **state)
{
    struct random random = random_open(3, 1);
    struct histogram *early = histogram_new();
    struct histogram *late = histogram_new();
    struct histogram *sum = histogram_new();

    (void)state;
    for (int i = 0; i < VALUES; i++) {
        histogram_record(early, any_value(&random));
        histogram_record(late, 1000 + random_below(&random, 1000));
    }
    histogram_add(sum, early);
    histogram_add(sum, late);
    assert_int_equal(histogram_count(sum), 2 * VALUES);
    assert_int_equal(sum->max, early->max);
    histogram_subtract(sum, early);
    assert_int_equal(histogram_count(sum), VALUES);
    assert_true(histogram_mean(sum) == histogram_mean(late));
    assert_int_equal(histogram_quantile(sum, 0.5), histogram_quantile(late, 0.5));
    /* Of the difference the highest bucket is known, not the value. */
    assert_true(sum->max >= late->max && sum->max <= late->max + 2);
    free(early);
    free(late);
    free(sum);
}

static void what_is_beyond_counts_as_the_longest(void **state)
{
    struct histogram *one = histogram_new();

    (void)state;
    assert_int_equal(histogram_quantile(one, 0.99), 0);
    assert_true(histogram_mean(one) == 0);
    histogram_record(one, UINT64_MAX);
    assert_int_equal(histogram_quantile(one, 0.5), HISTOGRAM_VALUE_MAX);
    free(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bucket_is_narrow),
        cmocka_unit_test(buckets_follow_one_another),
        cmocka_unit_test(quantiles_are_those_of_the_sorted_values),
        cmocka_unit_test(sums_and_differences),
        cmocka_unit_test(what_is_beyond_counts_as_the_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
