/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: the clocks tell the time, and a test can move it.
 * Method: comparison with the system's clocks, then with what the overrides say.
 */
#include "base/clock.h"
#include "tests/unit/check.h"

#include <time.h>

static int reset(void **state)
{
    (void)state;
    clock_test_reset();
    return 0;
}

static void check_real(void **state)
{
    uint64_t before_ms = (uint64_t)time(NULL) * 1000;
    uint64_t wall_ms = clock_wall_ms();
    uint64_t mono_us = clock_mono_us();

    (void)state;
    assert_in_range(wall_ms, before_ms, before_ms + 60 * 1000);
    assert_true(clock_mono_us() >= mono_us);
    assert_true(clock_mono_ns() / 1000 >= mono_us);
}

static void check_fixed(void **state)
{
    (void)state;
    clock_test_set_wall_ms(1000);
    assert_int_equal(clock_wall_ms(), 1000);
    clock_test_advance_ms(500);
    assert_int_equal(clock_wall_ms(), 1500);
    clock_test_set_wall_ms(7);
    assert_int_equal(clock_wall_ms(), 7);
    clock_test_reset();
    assert_true(clock_wall_ms() > UINT64_C(1700000000000));
}

static void check_shift(void **state)
{
    uint64_t wall_ms = clock_wall_ms();
    uint64_t mono_us = clock_mono_us();

    (void)state;
    clock_test_advance_ms(3600 * 1000);
    assert_true(clock_wall_ms() >= wall_ms + 3600 * 1000);
    assert_true(clock_mono_us() >= mono_us + UINT64_C(3600) * 1000 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(check_real, reset, reset),
        cmocka_unit_test_setup_teardown(check_fixed, reset, reset),
        cmocka_unit_test_setup_teardown(check_shift, reset, reset),
    };

    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
