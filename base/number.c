/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parsing by digit with one overflow test a digit; formatting two digits at a time.
 */
#include "base/number.h"

#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* isspace() of the C locale, which is what memcached runs in. */
static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * Reads all the digits at text[*at], moving *at behind them. False when there is none or the number
 * does not fit 64 bits.
 */
static bool take_digits(const char *text, size_t len, size_t *at, uint64_t *value)
{
    uint64_t sum = 0;
    size_t begin = *at;
    size_t i;

    for (i = begin; i < len && is_digit(text[i]); i++) {
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, (uint64_t)(text[i] - '0'), &sum))
            return false;
    }
    *at = i;
    *value = sum;
    return i > begin;
}

/* Applies a sign to a magnitude. False when the result does not fit. */
static bool to_signed(bool negative, uint64_t magnitude, int64_t *value)
{
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    *value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool number_parse_u64(const void *text, size_t len, uint64_t *value)
{
    const char *digits = text;
    size_t at = 0;
    uint64_t parsed;

    if (len == 0 || len > NUMBER_TEXT_BYTES_MAX || (digits[0] == '0' && len > 1))
        return false;
    if (!take_digits(digits, len, &at, &parsed) || at != len)
        return false;
    *value = parsed;
    return true;
}

bool number_parse_i64(const void *text, size_t len, int64_t *value)
{
    const char *digits = text;
    bool negative = len > 0 && digits[0] == '-';
    uint64_t magnitude;

    if (negative) {
        digits++;
        len--;
    }
    if (!number_parse_u64(digits, len, &magnitude) || (negative && magnitude == 0))
        return false;
    return to_signed(negative, magnitude, value);
}

/* The common part of the loose forms: sign and magnitude. The number ends at a blank or, as a C string, at a zero byte;
 * what follows does not matter. */
static bool parse_loose(const char *text, size_t len, bool *negative, uint64_t *magnitude)
{
    size_t at = 0;

    while (at < len && is_space(text[at]))
        at++;
    *negative = at < len && text[at] == '-';
    if (at < len && (text[at] == '-' || text[at] == '+'))
        at++;
    return take_digits(text, len, &at, magnitude) && (at == len || text[at] == '\0' || is_space(text[at]));
}

bool number_parse_i64_loose(const void *text, size_t len, int64_t *value)
{
    bool negative;
    uint64_t magnitude;

    return parse_loose(text, len, &negative, &magnitude) && to_signed(negative, magnitude, value);
}

bool number_parse_u64_loose(const void *text, size_t len, uint64_t *value)
{
    bool negative;
    uint64_t magnitude;

    if (!parse_loose(text, len, &negative, &magnitude))
        return false;
    if (negative) {
        magnitude = 0 - magnitude;
        if (magnitude > INT64_MAX)
            return false;
    }
    *value = magnitude;
    return true;
}

unsigned number_digits_u64(uint64_t value)
{
    unsigned digits = 1;

    for (;;) {
        if (value < 10)
            return digits;
        if (value < 100)
            return digits + 1;
        if (value < 1000)
            return digits + 2;
        if (value < 10000)
            return digits + 3;
        value /= 10000;
        digits += 4;
    }
}

size_t number_format_u64(char *out, uint64_t value)
{
    static const char pairs[201] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                   "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                   "8081828384858687888990919293949596979899";
    size_t len = number_digits_u64(value);
    char *at = out + len;

    while (value >= 100) {
        at -= 2;
        memcpy(at, pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10)
        memcpy(out, pairs + 2 * value, 2);
    else
        out[0] = (char)('0' + value);
    return len;
}

size_t number_format_i64(char *out, int64_t value)
{
    if (value >= 0)
        return number_format_u64(out, (uint64_t)value);
    out[0] = '-';
    return 1 + number_format_u64(out + 1, 0 - (uint64_t)value);
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* Digits, then one of the units; "" stands for no unit at all. */
static bool parse_with_unit(const char *text, size_t len, const struct unit *units, size_t unit_count, uint64_t *value)
{
    size_t at = 0;
    uint64_t number;

    if (!take_digits(text, len, &at, &number))
        return false;
    for (size_t i = 0; i < unit_count; i++) {
        if (strlen(units[i].name) == len - at && strncasecmp(units[i].name, text + at, len - at) == 0)
            return !__builtin_mul_overflow(number, units[i].factor, value);
    }
    return false;
}

bool number_parse_size(const void *text, size_t len, uint64_t *bytes)
{
    static const struct unit units[] = {
        {"", 1},
        {"b", 1},
        {"k", 1000},
        {"kb", 1024},
        {"m", 1000 * 1000},
        {"mb", 1024 * 1024},
        {"g", 1000 * 1000 * 1000},
        {"gb", 1024 * 1024 * 1024},
        {"t", UINT64_C(1000) * 1000 * 1000 * 1000},
        {"tb", UINT64_C(1024) * 1024 * 1024 * 1024},
    };
    uint64_t parsed;

    if (!parse_with_unit(text, len, units, HEARTH_ARRAY_COUNT(units), &parsed))
        return false;
    *bytes = parsed;
    return true;
}

bool number_parse_duration_ms(const void *text, size_t len, uint64_t unit_ms, uint64_t *ms)
{
    const struct unit units[] = {
        {"", unit_ms}, {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", 24 * 3600 * 1000},
    };
    uint64_t parsed;

    if (!parse_with_unit(text, len, units, HEARTH_ARRAY_COUNT(units), &parsed))
        return false;
    *ms = parsed;
    return true;
}
