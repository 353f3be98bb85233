/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    Sizes come in the proportions of their mix. A value passes its check under its own key in any cut, and under
 *         no other key, and not when a byte of it is changed, missing or too many.
 * METHOD  Draws with a fixed seed against the weights; values of all small and some large sizes, cut and damaged.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

#include "bench/load/sizes.h"
#include "bench/load/value.h"

#define DRAWS 1000000

static void a_mix_has_its_proportions(void **state)
{
    struct random random = random_open(1, 1);
    struct sizes sizes;
    int small = 0;
    int medium = 0;
    int large = 0;
    double sum = 0;

    (void)state;
    assert_null(sizes_parse(&sizes, "100:50,1024:30,4000-5000:20"));
    assert_int_equal(sizes.max, 5000);
    for (int i = 0; i < DRAWS; i++) {
        uint32_t size = sizes_next(&sizes, &random);
        small += size == 100;
        medium += size == 1024;
        large += size >= 4000 && size <= 5000;
        sum += size >= 4000 ? size : 0;
    }
    assert_int_equal(small + medium + large, DRAWS);
    assert_true(abs(small - DRAWS / 2) < 3000);
    assert_true(abs(medium - DRAWS * 3 / 10) < 3000);
    assert_true(fabs(sum / large - 4500) < 5);
}

static void a_range_has_both_ends(void **state)
{
    struct random random = random_open(1, 1);
    struct sizes sizes;
    int seen[4] = {0};

    (void)state;
    assert_null(sizes_parse(&sizes, "7-10"));
    for (int i = 0; i < 4000; i++)
        seen[sizes_next(&sizes, &random) - 7]++;
    for (int i = 0; i < 4; i++)
        assert_in_range(seen[i], 800, 1200);
    assert_null(sizes_parse(&sizes, "0"));
    assert_int_equal(sizes_next(&sizes, &random), 0);
}

static void bad_sizes_are_refused(void **state)
{
    static const char *const cases[] = {
        "",   "x",   "10-",         "10-5",
        "-5", "5:",  "5:0",         "5:x",
        "5,", "5;6", "99999999999", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"};
    struct sizes sizes;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_non_null(sizes_parse(&sizes, cases[i]));
}

/* Takes the value in pieces of `step` bytes. */
static bool check_in_steps(uint64_t key, const char *value, size_t len, size_t step)
{
    struct value_check check;

    value_check_begin(&check, key, len);
    for (size_t at = 0; at < len; at += step) {
        if (!value_check_take(&check, value + at, len - at < step ? len - at : step))
            return false;
    }
    return true;
}

static void values_prove_their_key(void **state)
{
    static char value[600];
    struct values values;

    (void)state;
    assert_true(values_init(&values, true, sizeof value, 1));
    for (size_t len = 1; len < 300; len++) {
        value_put(&values, value, 42, 7, len);
        for (size_t step = 1; step <= len; step++)
            assert_true(check_in_steps(42, value, len, step));
        if (len >= 8) /* a byte or two can be alike by chance */
            assert_false(check_in_steps(43, value, len, len));
        for (size_t at = 0; at < len; at++) {
            value[at] ^= 1;
            assert_false(check_in_steps(42, value, len, 13));
            value[at] ^= 1;
        }
    }
    /* Cut short, or with something behind it. */
    value_put(&values, value, 42, 7, 300);
    assert_true(check_in_steps(42, value, 300, 300));
    assert_false(check_in_steps(42, value, 299, 299));
    assert_false(check_in_steps(42, value, 301, 301));
    values_free(&values);
}

static void versions_differ(void **state)
{
    static char old[100];
    static char new[100];
    struct values values;

    (void)state;
    assert_true(values_init(&values, true, sizeof old, 1));
    value_put(&values, old, 1, 1, sizeof old);
    value_put(&values, new, 1, 2, sizeof new);
    assert_memory_not_equal(old, new, sizeof old);
    assert_true(check_in_steps(1, old, sizeof old, 7));
    assert_true(check_in_steps(1, new, sizeof new, 7));
    /* Half of one and half of the other was never written. */
    memcpy(old + 50, new + 50, 50);
    assert_false(check_in_steps(1, old, sizeof old, sizeof old));
    values_free(&values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mix_has_its_proportions), cmocka_unit_test(a_range_has_both_ends),
        cmocka_unit_test(bad_sizes_are_refused),     cmocka_unit_test(values_prove_their_key),
        cmocka_unit_test(versions_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
