/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: numbers are read exactly as each protocol reads them, and written as printf writes them.
 * Method: tables of texts at the borders of each form; each text is parsed at the end of a page whose
 * neighbour is unmapped, so that a byte read too far is a crash; formatting is compared with printf at
 * every power of two and ten and their neighbours.
 */
#include "base/number.h"
#include "tests/unit/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char *page_end;

/* A copy of the text that ends where the mapping ends. */
static const char *at_page_end(const char *text)
{
    return memcpy(page_end - strlen(text), text, strlen(text));
}

static int map_pages(void **state)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    if (pages == MAP_FAILED || mprotect(pages + page_bytes, page_bytes, PROT_NONE) != 0)
        return -1;
    page_end = pages + page_bytes;
    return 0;
}

struct signed_case {
    const char *text;
    bool strict;
    bool loose;
    int64_t value;
};

static void check_signed(void **state)
{
    static const struct signed_case cases[] = {
        {"0", true, true, 0},
        {"1", true, true, 1},
        {"-1", true, true, -1},
        {"9223372036854775807", true, true, INT64_MAX},
        {"-9223372036854775808", true, true, INT64_MIN},
        {"9223372036854775808", false, false, 0},
        {"-9223372036854775809", false, false, 0},
        {"99999999999999999999999999", false, false, 0},
        {"", false, false, 0},
        {"-", false, false, 0},
        {"+", false, false, 0},
        {" ", false, false, 0},
        {"-0", false, true, 0},
        {"+5", false, true, 5},
        {"007", false, true, 7},
        {"-007", false, true, -7},
        {"000000000000000000000000012", false, true, 12},
        {" 12", false, true, 12},
        {"\t12", false, true, 12},
        {"12 ", false, true, 12},
        {"12 x", false, true, 12},
        {"12x", false, false, 0},
        {"1-", false, false, 0},
        {"--1", false, false, 0},
        {"- 1", false, false, 0},
        {"0x10", false, false, 0},
        {"1.0", false, false, 0},
        {"1e3", false, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(cases); i++) {
        const struct signed_case *c = &cases[i];
        const char *text = at_page_end(c->text);
        int64_t value = 4711;

        if (number_parse_i64(text, strlen(c->text), &value) != c->strict || (value != (c->strict ? c->value : 4711)))
            fail_msg("strict '%s' gave %" PRId64, c->text, value);
        value = 4711;
        if (number_parse_i64_loose(text, strlen(c->text), &value) != c->loose ||
            (value != (c->loose ? c->value : 4711)))
            fail_msg("loose '%s' gave %" PRId64, c->text, value);
    }
}

struct unsigned_case {
    const char *text;
    bool strict;
    bool loose;
    uint64_t value;
};

static void check_unsigned(void **state)
{
    static const struct unsigned_case cases[] = {
        {"0", true, true, 0},
        {"10", true, true, 10},
        {"18446744073709551615", true, true, UINT64_MAX},
        {"18446744073709551616", false, false, 0},
        {"18446744073709551620", false, false, 0},
        {"28446744073709551615", false, false, 0},
        {"00", false, true, 0},
        {"-1", false, false, 0},
        {"-0", false, true, 0},
        {"-18446744073709551615", false, true, 1},
        {"-18446744073709551616", false, false, 0},
        {"+1", false, true, 1},
        {"", false, false, 0},
        {"a", false, false, 0},
        {"1\r\n", false, true, 1},
    };

    (void)state;
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(cases); i++) {
        const struct unsigned_case *c = &cases[i];
        const char *text = at_page_end(c->text);
        uint64_t value = 4711;

        if (number_parse_u64(text, strlen(c->text), &value) != c->strict || (value != (c->strict ? c->value : 4711)))
            fail_msg("strict '%s' gave %" PRIu64, c->text, value);
        value = 4711;
        if (number_parse_u64_loose(text, strlen(c->text), &value) != c->loose ||
            (value != (c->loose ? c->value : 4711)))
            fail_msg("loose '%s' gave %" PRIu64, c->text, value);
    }
}

/* memcached reads values as C strings. */
static void check_number_before_a_zero_byte(void **state)
{
    uint64_t value = 4711;
    int64_t as_signed = 4711;

    (void)state;
    assert_true(number_parse_u64_loose("6\0{x", 4, &value));
    assert_int_equal(value, 6);
    assert_true(number_parse_i64_loose("-6\0", 3, &as_signed));
    assert_int_equal(as_signed, -6);
    assert_false(number_parse_u64_loose("\0006", 2, &value));
    assert_false(number_parse_u64("6\0", 2, &value));
}

/* Formats and parses one number in both signs, with printf as the judge. */
static void check_round_trip(uint64_t number)
{
    char expected[32];
    char text[NUMBER_TEXT_BYTES_MAX + 1];
    int64_t as_signed = (int64_t)number;
    int64_t signed_back;
    uint64_t back;
    size_t len;

    snprintf(expected, sizeof expected, "%" PRIu64, number);
    len = number_format_u64(text, number);
    text[len] = '\0';
    assert_string_equal(text, expected);
    assert_int_equal(number_digits_u64(number), len);
    assert_true(number_parse_u64(text, len, &back));
    assert_true(back == number);

    snprintf(expected, sizeof expected, "%" PRId64, as_signed);
    len = number_format_i64(text, as_signed);
    assert_true(len <= NUMBER_TEXT_BYTES_MAX);
    text[len] = '\0';
    assert_string_equal(text, expected);
    assert_true(number_parse_i64(text, len, &signed_back));
    assert_true(signed_back == as_signed);
}

static void check_format(void **state)
{
    uint64_t power = 1;

    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t number = UINT64_C(1) << bit;

        check_round_trip(number - 1);
        check_round_trip(number);
        check_round_trip(number + 1);
        check_round_trip(0 - number);
    }
    for (unsigned digits = 0; digits < 20; digits++, power *= 10) {
        check_round_trip(power - 1);
        check_round_trip(power);
        check_round_trip(power + 1);
    }
    for (uint64_t number = 0; number < 20000; number++)
        check_round_trip(number);
    check_round_trip(UINT64_MAX);
}

static void check_size(void **state)
{
    static const struct {
        const char *text;
        bool valid;
        uint64_t bytes;
    } cases[] = {
        {"0", true, 0},
        {"100", true, 100},
        {"100b", true, 100},
        {"1k", true, 1000},
        {"1kb", true, 1024},
        {"64mb", true, 64 << 20},
        {"64MB", true, 64 << 20},
        {"1g", true, 1000000000},
        {"1gb", true, 1 << 30},
        {"2TB", true, UINT64_C(2) << 40},
        {"16777215tb", true, UINT64_C(16777215) << 40},
        {"16777216tb", false, 0},
        {"", false, 0},
        {"mb", false, 0},
        {"-1", false, 0},
        {"1 mb", false, 0},
        {"1mbx", false, 0},
        {"1q", false, 0},
        {"1.5g", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(cases); i++) {
        uint64_t bytes = 4711;
        bool valid = number_parse_size(at_page_end(cases[i].text), strlen(cases[i].text), &bytes);

        if (valid != cases[i].valid || bytes != (valid ? cases[i].bytes : 4711))
            fail_msg("'%s' gave %" PRIu64, cases[i].text, bytes);
    }
}

static void check_duration(void **state)
{
    static const struct {
        const char *text;
        bool valid;
        uint64_t ms;
    } cases[] = {
        {"0", true, 0},         {"5", true, 5000},
        {"5ms", true, 5},       {"5s", true, 5000},
        {"2m", true, 120000},   {"1h", true, 3600000},
        {"1d", true, 86400000}, {"1MS", true, 1},
        {"", false, 0},         {"s", false, 0},
        {"1 s", false, 0},      {"1w", false, 0},
        {"-1s", false, 0},      {"18446744073709551615s", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(cases); i++) {
        uint64_t ms = 4711;
        bool valid = number_parse_duration_ms(at_page_end(cases[i].text), strlen(cases[i].text), 1000, &ms);

        if (valid != cases[i].valid || ms != (valid ? cases[i].ms : 4711))
            fail_msg("'%s' gave %" PRIu64, cases[i].text, ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_signed),   cmocka_unit_test(check_unsigned),
        cmocka_unit_test(check_format),   cmocka_unit_test(check_size),
        cmocka_unit_test(check_duration), cmocka_unit_test(check_number_before_a_zero_byte),
    };

    return cmocka_run_group_tests_name("number", tests, map_pages, NULL);
}
