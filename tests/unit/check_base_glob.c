/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: a pattern matches exactly the keys that it matches in Redis 7.0, in bounded work.
 * Method: a table whose expectations were asked of redis-server 7.0.15 (KEYS, SCAN MATCH, CONFIG GET); all
 * short patterns over a small alphabet against a plain recursive matcher; the classic exponential pattern.
 */
#include "base/glob.h"
#include "tests/unit/check.h"

#include "base/clock.h"
#include "base/compiler.h"

#include <string.h>

static void check_table(void **state)
{
    static const struct {
        const char *pattern;
        const char *text;
        bool matches;
    } cases[] = {
        {"*", "", true},
        {"", "", true},
        {"**", "", false},
        {"", "a", false},
        {"*", "abc", true},
        {"**", "abc", true},
        {"a*", "a", true},
        {"a**", "a", true},
        {"a*", "b", false},
        {"*c", "abc", true},
        {"a*c", "abbbc", true},
        {"a*c", "abbbd", false},
        {"a*b*c", "a1b2c", true},
        {"a*b*c", "a1c2b", false},
        {"*abc", "ababc", true},
        {"h?llo", "hello", true},
        {"h?llo", "hllo", false},
        {"?", "", false},
        {"??", "a", false},
        {"h[ae]llo", "hallo", true},
        {"h[ae]llo", "hillo", false},
        {"h[^e]llo", "hallo", true},
        {"h[^e]llo", "hello", false},
        {"h[a-c]llo", "hbllo", true},
        {"h[c-a]llo", "hbllo", true},
        {"h[a-c]llo", "hdllo", false},
        {"[a-]", "a", true},
        {"[a-]]", "a", true},
        {"[-a]", "-", true},
        {"[]]", "]", false},
        {"[]", "a", false},
        {"[^]", "a", true},
        {"[", "[", false},
        {"[^", "x", true},
        {"[abc", "b", true},
        {"[abc", "d", false},
        {"[a-", "a", true},
        {"[a-", "-", true},
        {"[\\]]", "]", true},
        {"[a\\-z]", "-", true},
        {"[a\\-z]", "b", false},
        {"[\\", "\\", true},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"\\?", "?", true},
        {"\\a", "a", true},
        {"a\\", "a\\", true},
        {"\\", "\\", true},
        {"\\\\", "\\", true},
        {"[!a]", "b", false},
        {"[!a]", "!", true},
        {"user:*:name", "user:1000:name", true},
        {"user:*:name", "user:1000:nam", false},
        {"A", "a", false},
    };

    (void)state;
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(cases); i++) {
        const char *pattern = cases[i].pattern;
        const char *text = cases[i].text;

        if (glob_match(pattern, strlen(pattern), text, strlen(text)) != cases[i].matches)
            fail_msg("'%s' against '%s'", pattern, text);
    }
}

static void check_bytes(void **state)
{
    (void)state;
    assert_true(glob_match("a\0*", 3, "a\0b", 3));
    assert_false(glob_match("a\0c", 3, "a\0b", 3));
    assert_true(glob_match("\xff?", 2, "\xff\x80", 2));
    /* Ranges compare signed bytes: 0xff is -1 and 0x01 is 1, so 0x00 lies between them. */
    assert_true(glob_match("[\xff-\x01]", 5, "\0", 1));
    assert_false(glob_match("[\xff-\x01]", 5, "\x7f", 1));
}

static void check_nocase(void **state)
{
    static const struct {
        const char *pattern;
        const char *text;
        bool matches;
    } cases[] = {
        {"MaxMemory", "maxmemory", true}, {"MAX*", "maxmemory", true},    {"[M]ax*", "maxmemory", true},
        {"[A-N]ax*", "maxmemory", true},  {"[\\M]*", "maxmemory", false}, {"\\M*", "maxmemory", true},
        {"x*", "maxmemory", false},
    };

    (void)state;
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(cases); i++) {
        const char *pattern = cases[i].pattern;
        const char *text = cases[i].text;

        if (glob_match_nocase(pattern, strlen(pattern), text, strlen(text)) != cases[i].matches)
            fail_msg("'%s' against '%s'", pattern, text);
    }
}

/* The plain definition, exponential and obviously right, for patterns of letters, * and ?. */
static bool model(const char *pattern, const char *text)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '*')
        return model(pattern + 1, text) || (*text != '\0' && model(pattern, text + 1));
    return *text != '\0' && (*pattern == '?' || *pattern == *text) && model(pattern + 1, text + 1);
}

/* Writes the number's digits in base `strlen(alphabet)` as a text of `len` letters. */
static void spell(char *out, size_t len, const char *alphabet, unsigned number)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = alphabet[number % strlen(alphabet)];
        number /= (unsigned)strlen(alphabet);
    }
    out[len] = '\0';
}

static void check_all_short_ones(void **state)
{
    char pattern[6];
    char text[7];

    (void)state;
    for (unsigned p = 0; p < 4 * 4 * 4 * 4 * 4; p++) {
        spell(pattern, 5, "ab*?", p);
        for (unsigned len = 1; len <= 6; len++) {
            for (unsigned t = 0; t < 1u << len; t++) {
                spell(text, len, "ab", t);
                if (glob_match(pattern, 5, text, len) != model(pattern, text))
                    fail_msg("'%s' against '%s'", pattern, text);
            }
        }
    }
}

static void check_work_is_bounded(void **state)
{
    char pattern[200];
    char text[5000];
    uint64_t begin_us = clock_thread_cpu_us();

    (void)state;
    for (size_t i = 0; i < sizeof pattern; i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[sizeof pattern - 1] = 'b';
    memset(text, 'a', sizeof text);
    assert_false(glob_match(pattern, sizeof pattern, text, sizeof text));
    /* Some 10,000 steps; a matcher that backs up over every star would never end. */
    assert_true(clock_thread_cpu_us() - begin_us < 1000 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_table),          cmocka_unit_test(check_bytes),           cmocka_unit_test(check_nocase),
        cmocka_unit_test(check_all_short_ones), cmocka_unit_test(check_work_is_bounded),
    };

    return cmocka_run_group_tests_name("glob", tests, NULL, NULL);
}
