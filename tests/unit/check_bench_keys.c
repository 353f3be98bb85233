/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    Keys come with the frequencies that their distribution promises; each rank has its own key; workers share
 *         sequential keys without gap or overlap; a key's text is its number's and nobody else's.
 * METHOD  Two million draws with a fixed seed, sorted by how often a key came, against the theory.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

#include "bench/load/key_pattern.h"
#include "bench/load/keys.h"

#define KEYS 10000
#define DRAWS 2000000

static uint32_t counts[KEYS];

static int more_first(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;

    return a > b ? -1 : a < b;
}

static void draw(struct keys *keys, uint64_t first)
{
    struct key_cursor cursor = keys_cursor(keys, 7, 0, 1);

    memset(counts, 0, sizeof counts);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t key = keys_next(keys, &cursor);
        assert_in_range(key, first, first + KEYS - 1);
        counts[key - first]++;
    }
}

/* How many draws the `n` most frequent keys had, as a share of all. */
static double share_of_hottest(int n)
{
    uint64_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += counts[i];
    return (double)sum / DRAWS;
}

static void uniform_keys_are_alike(void **state)
{
    struct keys keys;
    double chi = 0;

    (void)state;
    keys_init(&keys, KEYS_UNIFORM, 500, KEYS, 0, 0, 0, 0);
    draw(&keys, 500);
    for (int i = 0; i < KEYS; i++)
        chi += pow(counts[i] - (double)DRAWS / KEYS, 2) / ((double)DRAWS / KEYS);
    /* Mean KEYS, standard deviation sqrt(2 KEYS) = 141. */
    assert_true(fabs(chi - KEYS) < 700);
}

static void zeta_is_the_sum(void **state)
{
    double sum = 0;

    (void)state;
    for (int i = 1; i <= 300000; i++)
        sum += pow(i, -0.99);
    assert_true(fabs(keys_zeta(300000, 0.99) - sum) < 1e-9);
    assert_true(fabs(keys_zeta(2, 0.5) - (1 + 1 / sqrt(2))) < 1e-12);
}

static void check_zipf(double theta)
{
    double zeta = keys_zeta(KEYS, theta);
    struct keys keys;

    keys_init(&keys, KEYS_ZIPF, 0, KEYS, theta, 0, 0, 0);
    draw(&keys, 0);
    qsort(counts, KEYS, sizeof *counts, more_first);
    /* The method is exact for the two hottest keys: only chance is left, six standard deviations of it. */
    for (int rank = 1; rank <= 2; rank++) {
        double p = pow(rank, -theta) / zeta;
        assert_true(fabs(counts[rank - 1] - DRAWS * p) < 6 * sqrt(DRAWS * p));
    }
    /* Beyond it is an approximation. */
    for (int n = 10; n <= KEYS; n *= 10)
        assert_true(fabs(share_of_hottest(n) - keys_zeta((uint64_t)n, theta) / zeta) < 0.02);
}

static void zipf_keys_follow_the_law(void **state)
{
    (void)state;
    check_zipf(0.5);
    check_zipf(0.99);
}

static void hot_keys_are_scattered(void **state)
{
    struct keys keys;
    int hottest = 0;

    (void)state;
    keys_init(&keys, KEYS_ZIPF, 0, KEYS, 0.99, 0, 0, 0);
    draw(&keys, 0);
    /* The hundred hottest keys are not neighbours: each tenth of the keys has some. */
    for (int tenth = 0; tenth < 10; tenth++) {
        int seen = 0;
        for (int i = tenth * KEYS / 10; i < (tenth + 1) * KEYS / 10; i++)
            seen += counts[i] > 1900;
        assert_true(seen > 0);
        hottest += seen;
    }
    assert_in_range(hottest, 50, 200);
}

static void a_hot_set_gets_its_share(void **state)
{
    struct keys keys;

    (void)state;
    keys_init(&keys, KEYS_HOTSET, 0, KEYS, 0, 0.2, 0.8, 0);
    draw(&keys, 0);
    qsort(counts, KEYS, sizeof *counts, more_first);
    assert_true(fabs(share_of_hottest(KEYS / 5) - 0.8) < 0.002);
    /* 800 draws a hot key, 50 a cold one: nothing between. */
    assert_true(counts[KEYS / 5 - 1] > 600);
    assert_true(counts[KEYS / 5] < 120);
    assert_true(counts[KEYS - 1] > 10);
}

static void each_rank_has_its_key(void **state)
{
    static const uint64_t sizes[] = {1, 2, 3, 10, 4096, 9999, KEYS};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct keys keys;
        uint64_t missing = 0;
        keys_init(&keys, KEYS_HOTSET, 0, sizes[i], 0, 1, 1, 0);
        draw(&keys, 0);
        for (uint64_t key = 0; key < sizes[i]; key++)
            missing += counts[key] == 0;
        assert_int_equal(missing, 0);
    }
}

static void workers_walk_every_key_once(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 7; workers++) {
        struct keys keys;
        keys_init(&keys, KEYS_SEQUENTIAL, 3, 100, 0, 0, 0, 0);
        memset(counts, 0, sizeof counts);
        for (unsigned i = 0; i < workers; i++) {
            struct key_cursor cursor = keys_cursor(&keys, 1, i, workers);
            unsigned share = 100 / workers + (i < 100 % workers);
            for (unsigned drawn = 0; drawn < share; drawn++)
                counts[keys_next(&keys, &cursor) - 3]++;
        }
        for (int key = 0; key < 100; key++)
            assert_int_equal(counts[key], 1);
    }
}

static void the_latest_keys_are_hot(void **state)
{
    struct key_cursor cursor;
    struct keys keys;
    int latest = 0;

    (void)state;
    keys_init(&keys, KEYS_LATEST, 0, KEYS, 0.99, 0, 0, 10);
    cursor = keys_cursor(&keys, 1, 0, 1);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(keys_insert(&keys), KEYS + i);
    for (int i = 0; i < 100000; i++) {
        uint64_t key = keys_next(&keys, &cursor);
        assert_true(key < KEYS + 990); /* the last ten may be on their way */
        latest += key == KEYS + 989;
    }
    assert_true(fabs(latest - 100000 / keys_zeta(KEYS, 0.99)) < 600);
}

static void the_same_seed_draws_the_same(void **state)
{
    struct keys keys;

    (void)state;
    keys_init(&keys, KEYS_ZIPF, 0, KEYS, 0.99, 0, 0, 0);
    struct key_cursor one = keys_cursor(&keys, 5, 1, 2);
    struct key_cursor same = keys_cursor(&keys, 5, 1, 2);
    struct key_cursor other = keys_cursor(&keys, 6, 1, 2);
    int differ = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t key = keys_next(&keys, &one);
        assert_int_equal(keys_next(&keys, &same), key);
        differ += keys_next(&keys, &other) != key;
    }
    assert_true(differ > 500);
}

static void patterns_write_and_read(void **state)
{
    static const struct {
        const char *pattern;
        uint64_t number;
        const char *text;
    } cases[] = {
        {"key:%012d", 0, "key:000000000000"},
        {"key:%012d", 123456789012, "key:123456789012"},
        {"%d", 0, "0"},
        {"%d", 90071, "90071"},
        {"user:%07d:name", 42, "user:0000042:name"},
    };
    char out[KEY_TEXT_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct key_pattern pattern;
        uint64_t number = 1;
        memset(&pattern, 0, sizeof pattern);
        assert_null(key_pattern_parse(&pattern, cases[i].pattern, cases[i].number));
        size_t len = key_put(&pattern, out, cases[i].number);
        out[len] = '\0';
        assert_string_equal(out, cases[i].text);
        assert_true(key_read(&pattern, out, len, &number));
        assert_int_equal(number, cases[i].number);
        out[0] ^= 64;
        assert_false(key_read(&pattern, out, len, &number));
    }
}

/* Each byte that is no digit, at each place of a number. */
static void only_digits_are_read(void **state)
{
    struct key_pattern pattern;
    char text[16];
    uint64_t number;

    (void)state;
    memset(&pattern, 0, sizeof pattern);
    assert_null(key_pattern_parse(&pattern, "%012d", 0));
    for (size_t place = 0; place < 12; place++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, "987654321098", 12);
            text[place] = (char)byte;
            assert_true(key_read(&pattern, text, 12, &number) == (byte >= '0' && byte <= '9'));
        }
    }
}

static void bad_patterns_are_refused(void **state)
{
    static const char *const cases[] = {"key", "%", "%s", "%0d", "%12d", "%021d", "%d%d", "a b%d", "%03d", "\n%d"};
    struct key_pattern pattern;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_non_null(key_pattern_parse(&pattern, cases[i], 12345));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uniform_keys_are_alike),       cmocka_unit_test(zeta_is_the_sum),
        cmocka_unit_test(zipf_keys_follow_the_law),     cmocka_unit_test(hot_keys_are_scattered),
        cmocka_unit_test(a_hot_set_gets_its_share),     cmocka_unit_test(each_rank_has_its_key),
        cmocka_unit_test(workers_walk_every_key_once),  cmocka_unit_test(the_latest_keys_are_hot),
        cmocka_unit_test(the_same_seed_draws_the_same), cmocka_unit_test(patterns_write_and_read),
        cmocka_unit_test(only_digits_are_read),         cmocka_unit_test(bad_patterns_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
