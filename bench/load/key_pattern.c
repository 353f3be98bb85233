/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys to text and back.
 */
#include "bench/load/key_pattern.h"

#include <string.h>

#include "base/number.h"

static const char digit_pairs[] = "0001020304050607080910111213141516171819"
                                  "2021222324252627282930313233343536373839"
                                  "4041424344454647484950515253545556575859"
                                  "6061626364656667686970717273747576777879"
                                  "8081828384858687888990919293949596979899";

/* The digits between % and d: *digits is how many to write, 0 for a plain %d. */
static const char *parse_place(const char *at, unsigned *digits)
{
    *digits = 0;
    if (*at == '0') {
        for (at++; *at >= '0' && *at <= '9' && *digits <= KEY_DIGITS_MAX; at++)
            *digits = *digits * 10 + (unsigned)(*at - '0');
        if (*digits == 0)
            return NULL;
    }
    return *at == 'd' ? at + 1 : NULL;
}

const char *key_pattern_parse(struct key_pattern *pattern, const char *text, uint64_t highest)
{
    const char *percent = strchr(text, '%');
    const char *suffix;

    if (percent == NULL)
        return "it has no place for a number, such as %012d";
    suffix = parse_place(percent + 1, &pattern->digits);
    if (suffix == NULL || strchr(suffix, '%') != NULL)
        return "its one % must be that of %d or %0Nd";
    if (pattern->digits > KEY_DIGITS_MAX)
        return "a number has at most 20 digits";
    if (pattern->digits != 0 && number_digits_u64(highest) > pattern->digits)
        return "it has too few digits for so many keys";
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || *at == 127)
            return "blanks and control characters are no part of a key";
    }
    pattern->prefix_len = (size_t)(percent - text);
    pattern->suffix_len = strlen(suffix);
    pattern->len_max = pattern->prefix_len + pattern->suffix_len +
                       (pattern->digits != 0 ? pattern->digits : number_digits_u64(highest));
    if (pattern->len_max > KEY_TEXT_MAX)
        return "a key has at most 250 bytes";
    memcpy(pattern->prefix, text, pattern->prefix_len);
    memcpy(pattern->suffix, suffix, pattern->suffix_len);
    return NULL;
}

size_t key_put(const struct key_pattern *pattern, char *out, uint64_t number)
{
    unsigned digits = pattern->digits != 0 ? pattern->digits : number_digits_u64(number);
    char *at = out + pattern->prefix_len + digits;

    memcpy(out, pattern->prefix, pattern->prefix_len);
    for (unsigned left = digits; left >= 2; left -= 2) {
        memcpy(at -= 2, digit_pairs + number % 100 * 2, 2);
        number /= 100;
    }
    if (digits % 2 == 1)
        at[-1] = (char)('0' + number % 10);
    at = out + pattern->prefix_len + digits;
    if (pattern->suffix_len > 0)
        memcpy(at, pattern->suffix, pattern->suffix_len);
    return (size_t)(at - out) + pattern->suffix_len;
}

/* Eight digits at once, each in its byte of a word (little-endian); false: one of them is none. */
static bool read_eight(const char *text, uint64_t *value)
{
    uint64_t word;

    memcpy(&word, text, sizeof word);
    if (((word & UINT64_C(0xf0f0f0f0f0f0f0f0)) |
         ((word + UINT64_C(0x0606060606060606)) & UINT64_C(0xf0f0f0f0f0f0f0f0)) >> 4) != UINT64_C(0x3333333333333333))
        return false;
    word = (word & UINT64_C(0x0f0f0f0f0f0f0f0f)) * 2561 >> 8;
    word = (word & UINT64_C(0x00ff00ff00ff00ff)) * 6553601 >> 16;
    word = (word & UINT64_C(0x0000ffff0000ffff)) * UINT64_C(42949672960001) >> 32;
    *value = word;
    return true;
}

static bool read_digits(const char *text, size_t digits, uint64_t *number)
{
    uint64_t value = 0;
    uint64_t eight;

    for (; digits >= 8; digits -= 8, text += 8) {
        if (!read_eight(text, &eight))
            return false;
        value = value * 100000000 + eight;
    }
    for (; digits > 0; digits--, text++) {
        unsigned digit = (unsigned)*text - '0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

bool key_read(const struct key_pattern *pattern, const char *text, size_t len, uint64_t *number)
{
    size_t around = pattern->prefix_len + pattern->suffix_len;
    size_t digits = len - around;

    if (len <= around || digits > KEY_DIGITS_MAX || (pattern->digits != 0 && digits != pattern->digits))
        return false;
    if (memcmp(text, pattern->prefix, pattern->prefix_len) != 0)
        return false;
    if (pattern->suffix_len > 0 && memcmp(text + len - pattern->suffix_len, pattern->suffix, pattern->suffix_len) != 0)
        return false;
    return read_digits(text + pattern->prefix_len, digits, number);
}
