/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decimal integers to text and back.
 */
#include "proto/decimal.h"

#include <string.h>

#include "proto/scan.h"

/* "00" "01" ... "99". */
static const char PAIRS[200] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                               "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                               "8081828384858687888990919293949596979899";

static unsigned digits_of(uint64_t value)
{
    unsigned digits = 1;
    while (value >= 10000) {
        value /= 10000;
        digits += 4;
    }
    return digits + (value >= 10) + (value >= 100) + (value >= 1000);
}

size_t decimal_put_u64(char *out, uint64_t value)
{
    unsigned digits = digits_of(value);
    char *at = out + digits;
    while (value >= 100) {
        at -= 2;
        memcpy(at, PAIRS + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        memcpy(at - 2, PAIRS + value * 2, 2);
    } else {
        at[-1] = (char)('0' + value);
    }
    return digits;
}

size_t decimal_put_i64(char *out, int64_t value)
{
    if (value >= 0) {
        return decimal_put_u64(out, (uint64_t)value);
    }
    out[0] = '-';
    return 1 + decimal_put_u64(out + 1, 0 - (uint64_t)value);
}

/* Reads digits until something else; false if there is none or the value exceeds 64 bits. */
static bool get_digits(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
    const uint8_t *first = *at;
    uint64_t sum = 0;
    while (*at < end && scan_is_digit(**at)) {
        unsigned digit = *(*at)++ - '0';
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, digit, &sum)) {
            return false;
        }
    }
    *value = sum;
    return *at > first;
}

bool decimal_get_strict(const uint8_t *text, size_t len, int64_t *value)
{
    const uint8_t *at = text;
    const uint8_t *end = text + len;
    if (len == 1 && *text == '0') {
        *value = 0;
        return true;
    }
    bool negative = len > 0 && *at == '-';
    at += negative;
    uint64_t size;
    if (at == end || *at == '0' || !get_digits(&at, end, &size) || at != end) {
        return false;
    }
    if (size > (uint64_t)INT64_MAX + negative) {
        return false;
    }
    *value = (int64_t)(negative ? 0 - size : size);
    return true;
}

static bool is_white(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* White space, sign, digits, and an end that strtol's callers in memcached accept. */
static bool get_signed(const uint8_t *text, size_t len, bool *negative, uint64_t *size)
{
    const uint8_t *at = text;
    const uint8_t *end = text + len;
    while (at < end && is_white(*at)) {
        at++;
    }
    *negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) {
        at++;
    }
    return get_digits(&at, end, size) && (at == end || is_white(*at));
}

bool decimal_get_i64(const uint8_t *text, size_t len, int64_t *value)
{
    bool negative;
    uint64_t size;
    if (!get_signed(text, len, &negative, &size) || size > (uint64_t)INT64_MAX + negative) {
        return false;
    }
    *value = (int64_t)(negative ? 0 - size : size);
    return true;
}

bool decimal_get_u64(const uint8_t *text, size_t len, uint64_t *value)
{
    bool negative;
    uint64_t size;
    if (!get_signed(text, len, &negative, &size)) {
        return false;
    }
    if (negative) {
        size = 0 - size;
        if ((int64_t)size < 0) {
            return false;
        }
    }
    *value = size;
    return true;
}
