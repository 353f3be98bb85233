/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    Whoever walks over the hash index meets what was there all the time: scans over growth and restarts, sweeps
 *         over growth; random picks reach everything.
 * METHOD  Objects come between the calls, and the table is made anew with another number of buckets, as a restart does.
 */
#include <stdlib.h>

#include "tests/support/hash_fixture.h"

struct seen {
    const struct fixture *fixture;
    uint8_t *times;
};

static void see(uint64_t word, void *context)
{
    struct seen *seen = context;

    seen->times[fake_object(&seen->fixture->fake, hash_slot_loc(word))]++;
}

static void test_scan_without_growth_gives_each_once(void **state)
{
    enum { OBJECTS = 30000 };
    struct fixture fixture;
    struct seen seen = {&fixture, calloc(OBJECTS, 1)};
    uint64_t cursor = 0;

    (void)state;
    open_fixture(&fixture, OBJECTS, OBJECTS * 5 / 2, fake_mix);
    for (uint64_t i = 0; i < OBJECTS; i++)
        assert_true(insert(&fixture, i));
    do
        cursor = hash_index_scan(fixture.index, cursor, see, &seen);
    while (cursor);
    for (uint64_t i = 0; i < OBJECTS; i++)
        assert_int_equal(seen.times[i], 1);
    assert_int_equal(hash_index_scan(fixture.index, UINT64_MAX, see, &seen), 0); /* no cursor of ours */
    free(seen.times);
    close_fixture(&fixture);
}

/* Objects 0 to FIRST - 1 are there all the time; others come between the calls, and the table is rebuilt twice with
 * another number of buckets, as a restart does. */
static void test_scan_guarantee_over_growth_and_restart(void **state)
{
    enum { FIRST = 150000, ALL = 900000, STEPS_A_REBUILD = 12000 };
    struct fixture fixture;
    struct seen seen = {&fixture, calloc(ALL, 1)};
    uint64_t cursor = 0, steps = 0, next = FIRST;

    (void)state;
    open_fixture(&fixture, ALL, 0, fake_mix);
    for (uint64_t i = 0; i < FIRST; i++)
        assert_true(insert(&fixture, i));
    do {
        cursor = hash_index_scan(fixture.index, cursor, see, &seen);
        for (int i = 0; i < 20 && next < ALL; i++)
            assert_true(insert(&fixture, next++));
        if (++steps % STEPS_A_REBUILD == 0 && steps <= 2 * STEPS_A_REBUILD) {
            hash_index_close(fixture.index);
            assert_true(hash_index_open(&fixture.index, &fixture.fake.pool, steps == STEPS_A_REBUILD ? 0 : ALL, ALL));
            for (uint64_t i = 0; i < next; i++)
                assert_true(insert(&fixture, i));
        }
    } while (cursor);
    assert_true(steps > 2 * STEPS_A_REBUILD);
    for (uint64_t i = 0; i < FIRST; i++)
        assert_true(seen.times[i] >= 1);
    free(seen.times);
    close_fixture(&fixture);
}

static bool drop_odd(uint64_t word, void *context)
{
    const struct fixture *fixture = context;

    return fake_object(&fixture->fake, hash_slot_loc(word)) & 1;
}

static void test_sweep(void **state)
{
    enum { OBJECTS = 300000 };
    struct fixture fixture;
    struct hash_ref ref;
    uint64_t bucket = 0;

    (void)state;
    open_fixture(&fixture, OBJECTS, 0, fake_mix);
    for (uint64_t i = 0; i < OBJECTS; i++) {
        assert_true(insert(&fixture, i));
        if (i > OBJECTS / 2 && i % 8 == 0)
            bucket = hash_index_sweep(fixture.index, bucket, drop_odd, &fixture);
    }
    assert_int_not_equal(bucket, 0);
    while (bucket)
        bucket = hash_index_sweep(fixture.index, bucket, drop_odd, &fixture);
    /* What came behind the first sweep's back is left; a second one has no such excuse. */
    do
        bucket = hash_index_sweep(fixture.index, bucket, drop_odd, &fixture);
    while (bucket);
    check_invariants(&fixture);
    assert_int_equal(stats_of(&fixture).slots_used, OBJECTS / 2);
    for (uint64_t i = 0; i < OBJECTS; i++)
        assert_int_equal(find(&fixture, i, &ref), !(i & 1));
    close_fixture(&fixture);
}

static void test_random_reaches_all(void **state)
{
    enum { OBJECTS = 2000 };
    struct fixture fixture;
    uint8_t *seen = calloc(OBJECTS, 1);
    uint64_t random = 1, distinct = 0;

    (void)state;
    open_fixture(&fixture, OBJECTS, 0, fake_mix);
    for (uint64_t i = 0; i < OBJECTS; i++)
        assert_true(insert(&fixture, i));
    for (uint64_t i = 0; i < 2000000 && distinct < OBJECTS; i++) {
        uint64_t word = hash_index_random(fixture.index, random = fake_mix(random + i));

        if (!word)
            continue;
        distinct += !seen[fake_object(&fixture.fake, hash_slot_loc(word))];
        seen[fake_object(&fixture.fake, hash_slot_loc(word))] = 1;
    }
    assert_int_equal(distinct, OBJECTS);
    free(seen);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan_without_growth_gives_each_once),
        cmocka_unit_test(test_scan_guarantee_over_growth_and_restart),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_random_reaches_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
