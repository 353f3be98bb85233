/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: readers that hold an epoch pin find every key that stays, at its newest or its former place, while the writer
 * splits, merges, frees and reuses leaves; walks deliver all that stays.
 * Method: half of the keys is there for good and changes place only, the other half comes and goes; threads look up and
 * walk all the time. Under ThreadSanitizer this also shows that no byte is raced for.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/index_fixture.h"
#include "tests/unit/check.h"

enum { POOL_BYTES = 64 << 20, KEYS = 3000, ROUNDS = 120, READERS = 2, OPS_MAX = KEYS };

struct test {
    struct fixture fixture;
    struct model model;
    _Atomic bool stop;
    _Atomic uint64_t lookups, walks, failures;
};

/* Keys with even numbers stay. */
static void look_up(struct test *test, uint64_t random)
{
    const struct model_key *key = &test->model.keys[random % test->model.count & ~UINT64_C(1)];
    pm_loc loc;

    if (skiplist_lookup(test->fixture.skiplist, &key->key, &loc) != PM_OK || loc == 0)
        atomic_fetch_add(&test->failures, 1);
    atomic_fetch_add(&test->lookups, 1);
}

static void walk_all(struct test *test, struct epoch_pin *pin)
{
    struct skiplist_walk walk;
    uint64_t found = 0;

    epoch_enter(&test->fixture.epochs, pin);
    skiplist_walk_start(test->fixture.skiplist, &walk);
    while (!walk.done) {
        if (skiplist_walk_step(test->fixture.skiplist, &walk) != PM_OK)
            atomic_fetch_add(&test->failures, 1);
        found += walk.count;
        (void)skiplist_walk_valid(test->fixture.skiplist, &walk);
        epoch_leave(pin); /* leaves may be reused now */
        epoch_enter(&test->fixture.epochs, pin);
        if (skiplist_walk_resume(test->fixture.skiplist, &walk) != PM_OK)
            atomic_fetch_add(&test->failures, 1);
    }
    skiplist_walk_end(&walk);
    epoch_leave(pin);
    if (found < test->model.count / 2)
        atomic_fetch_add(&test->failures, 1);
    atomic_fetch_add(&test->walks, 1);
}

static void *read_all_the_time(void *argument)
{
    struct test *test = argument;
    struct epoch_pin *pin = epoch_pin_new(&test->fixture.epochs);
    uint64_t random = (uint64_t)(uintptr_t)pin;

    while (!atomic_load(&test->stop)) {
        for (int i = 0; i < 200; i++) {
            epoch_enter(&test->fixture.epochs, pin);
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            look_up(test, random >> 33);
            epoch_leave(pin);
        }
        walk_all(test, pin);
    }
    return NULL;
}

/* One batch: those that stay get new records now and then, the others come (even rounds) or go. */
static void change(struct test *test, struct index_op *ops, uint32_t round)
{
    struct fixture *fixture = &test->fixture;
    size_t count = 0, applied;

    for (size_t i = 0; i < test->model.count; i++) {
        struct model_key *key = &test->model.keys[i];
        bool stays = i % 2 == 0;

        if (fixture_random(fixture) % 3 == 0)
            continue;
        if (stays && round != 0 && fixture_random(fixture) % 8 != 0)
            continue;
        if (key->loc == 0)
            key->loc = fixture_record(fixture, &key->key, false);
        ops[count++] = (struct index_op){
            .key = key->key, .kind = stays || round % 2 == 0 ? INDEX_PUT : INDEX_FORGET, .loc = key->loc};
    }
    assert_int_equal(skiplist_apply(fixture->skiplist, &fixture->context, ops, count, round + 2, &applied), PM_OK);
    while (skiplist_step(fixture->skiplist, &fixture->context))
        ;
}

static void put_all_that_stay(struct test *test, struct index_op *ops)
{
    struct fixture *fixture = &test->fixture;
    size_t count = 0, applied;

    for (size_t i = 0; i < test->model.count; i += 2) {
        struct model_key *key = &test->model.keys[i];

        key->loc = fixture_record(fixture, &key->key, false);
        ops[count++] = (struct index_op){.key = key->key, .kind = INDEX_PUT, .loc = key->loc};
    }
    assert_int_equal(skiplist_apply(fixture->skiplist, &fixture->context, ops, count, 1, &applied), PM_OK);
}

static void test_readers_beside_the_writer(void **state)
{
    static struct test test;
    static struct index_op ops[OPS_MAX];
    pthread_t readers[READERS];

    (void)state;
    fixture_open_mapped(&test.fixture, POOL_BYTES);
    model_init(&test.model, &test.fixture, KEYS, MODEL_FAMILIES);
    put_all_that_stay(&test, ops);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_all_the_time, &test), 0);
    for (uint32_t round = 0; round < ROUNDS || atomic_load(&test.walks) < 10; round++)
        change(&test, ops, round);
    atomic_store(&test.stop, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    print_message("%llu lookups, %llu walks\n", (unsigned long long)test.lookups, (unsigned long long)test.walks);
    assert_int_equal(test.failures, 0);
    assert_int_equal(skiplist_check(test.fixture.skiplist), PM_OK);
    model_free(&test.model);
    fixture_close(&test.fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_readers_beside_the_writer)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
