/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL     The arithmetic behind commands: decimal fractions, ranges of bytes, expiry of both protocols.
 * METHOD   Rows of an argument and its result, chosen at the edges; the results were taken from redis-server 7.0 and
 *          memcached 1.6.
 */
#include "check.h"

#include <string.h>

#include "server/exptime.h"
#include "server/redis_float.h"
#include "server/redis_range.h"

static void fractions_are_read(void **state)
{
    static const char *const good[] = {"0",   "-0",   "1.5",  ".5", "5.",       "1e3",   "-1E-3",
                                       "inf", "0x10", "1e30", "+1", "infinity", "000.1", "1e4932"};
    static const char *const bad[] = {"", " 1", "1 ", "1x", "nan", "e3", "--1", "1e5000", "1e-5000", "1,5", "0x", "."};
    long double value;

    (void)state;
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(good); i++)
        assert_true(redis_float_parse(good[i], strlen(good[i]), &value));
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(bad); i++)
        assert_false(redis_float_parse(bad[i], strlen(bad[i]), &value));
    assert_false(redis_float_parse("1\0", 2, &value));
}

static void fractions_need_no_terminator(void **state)
{
    long double value = 0;

    (void)state;
    assert_true(redis_float_parse("12345", 2, &value));
    assert_true(value == 12);
}

static void endless_fractions_are_refused(void **state)
{
    static char digits[REDIS_FLOAT_TEXT_BYTES + 1];
    long double value;

    (void)state;
    memset(digits, '0', sizeof digits);
    assert_true(redis_float_parse(digits, REDIS_FLOAT_TEXT_BYTES - 1, &value));
    assert_false(redis_float_parse(digits, REDIS_FLOAT_TEXT_BYTES, &value));
}

static void fractions_are_written(void **state)
{
    static const struct {
        const char *text, *written;
    } rows[] = {
        {"10.5", "10.5"},
        {"10.10", "10.1"},
        {"5.0e3", "5000"},
        {"0", "0"},
        {"-0", "0"},
        {"-0.000000000000000000001", "0"},
        {"3.0000", "3"},
        {"100", "100"},
        {"-1.25", "-1.25"},
        {"0.00000000000000001", "0.00000000000000001"},
        {"1e20", "100000000000000000000"},
    };
    static char out[REDIS_FLOAT_TEXT_BYTES];
    long double value;

    (void)state;
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(rows); i++) {
        assert_true(redis_float_parse(rows[i].text, strlen(rows[i].text), &value));
        size_t len = redis_float_format(out, value);
        assert_int_equal(len, strlen(rows[i].written));
        assert_memory_equal(out, rows[i].written, len);
    }
    assert_true(redis_float_parse("1.18e4932", 9, &value));
    assert_true(redis_float_format(out, value) == 4933); /* the longest fits */
}

static void ranges_are_clamped(void **state)
{
    static const struct {
        int64_t start, end;
        uint32_t len, offset, count;
    } rows[] = {
        {0, 3, 16, 0, 4},
        {0, -1, 16, 0, 16},
        {-3, -1, 16, 13, 3},
        {10, 100, 16, 10, 6},
        {5, 3, 16, 0, 0},
        {-1, -5, 16, 0, 0},
        {-100, 2, 16, 0, 3},
        {100, 200, 16, 0, 0},
        {0, 0, 0, 0, 0},
        {0, -1, 0, 0, 0},
        {0, -100, 16, 0, 1},
        {-200, -100, 16, 0, 1},
        {INT64_MIN, INT64_MAX, 16, 0, 16},
        {INT64_MAX, INT64_MIN, 16, 0, 0},
        {15, 15, 16, 15, 1},
        {16, 16, 16, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(rows); i++) {
        struct byte_range range = range_clamp(rows[i].start, rows[i].end, rows[i].len);
        assert_int_equal(range.len, rows[i].count);
        if (range.len > 0)
            assert_int_equal(range.offset, rows[i].offset);
    }
}

static void exptimes_of_memcached(void **state)
{
    const uint64_t now_ms = UINT64_C(1700000000123);

    (void)state;
    assert_int_equal(exptime_of_memcache(0, now_ms), 0);
    assert_int_equal(exptime_of_memcache(-1, now_ms), EXPTIME_PAST_MS);
    assert_int_equal(exptime_of_memcache(INT64_MIN, now_ms), EXPTIME_PAST_MS);
    assert_int_equal(exptime_of_memcache(1, now_ms), now_ms + 1000);
    assert_int_equal(exptime_of_memcache(MEMCACHE_RELATIVE_S_MAX, now_ms), now_ms + MEMCACHE_RELATIVE_S_MAX * 1000ULL);
    assert_int_equal(exptime_of_memcache(MEMCACHE_RELATIVE_S_MAX + 1, now_ms), (MEMCACHE_RELATIVE_S_MAX + 1) * 1000ULL);
    assert_int_equal(exptime_of_memcache(1800000000, now_ms), UINT64_C(1800000000000));
    assert_int_equal(exptime_of_memcache(INT64_MAX, now_ms), INT64_MAX);
}

static void expiries_of_redis(void **state)
{
    uint64_t at_ms = 7;

    (void)state;
    assert_true(exptime_of_redis(10, 1000, 5, &at_ms));
    assert_int_equal(at_ms, 10005);
    assert_true(exptime_of_redis(10, 1, 0, &at_ms));
    assert_int_equal(at_ms, 10);
    assert_true(exptime_of_redis(-10, 1000, 5, &at_ms));
    assert_int_equal(at_ms, EXPTIME_PAST_MS);
    assert_true(exptime_of_redis(INT64_MAX, 1, 0, &at_ms));
    assert_int_equal(at_ms, INT64_MAX);
    at_ms = 7;
    assert_false(exptime_of_redis(INT64_MAX, 1, 1, &at_ms));
    assert_false(exptime_of_redis(INT64_MAX / 1000 + 1, 1000, 0, &at_ms));
    assert_false(exptime_of_redis(INT64_MIN / 1000 - 1, 1000, 0, &at_ms));
    assert_int_equal(at_ms, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fractions_are_read),
        cmocka_unit_test(fractions_need_no_terminator),
        cmocka_unit_test(endless_fractions_are_refused),
        cmocka_unit_test(fractions_are_written),
        cmocka_unit_test(ranges_are_clamped),
        cmocka_unit_test(exptimes_of_memcached),
        cmocka_unit_test(expiries_of_redis),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
