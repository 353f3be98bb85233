/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: the ordered index holds exactly what it was told, whatever the keys look like and in whatever order they come.
 * Method: seeded random batches over a universe of awkward keys against a model; every invariant after each batch.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/index_fixture.h"
#include "tests/unit/check.h"

enum { SEGMENT_BITS = 16, OPS_MAX = 20000 };

static struct index_op ops[OPS_MAX];

static void verify(const struct model *model, struct fixture *fixture)
{
    assert_int_equal(skiplist_check(fixture->skiplist), PM_OK);
    assert_true(model_matches(model, fixture));
}

/* Fills, churns, empties; `shape` of keys. */
static void live_a_life(enum model_shape shape, size_t keys, size_t batch, uint64_t seed)
{
    struct fixture fixture;
    struct model model;
    uint64_t w = 1;
    struct skiplist_counts counts;

    fixture_open_sim(&fixture, 2000, SEGMENT_BITS, PM_SIM_LINES);
    fixture.random = seed;
    model_init(&model, &fixture, keys, shape);
    for (uint32_t puts = 256; puts + 64 >= 64; puts -= 32) {
        for (int i = 0; i < 4; i++) {
            size_t from = fixture_random(&fixture) % 2 ? 0 : fixture_random(&fixture) % model.count;
            size_t count = model_draw(&model, &fixture, ops, batch, from, model.count, puts);

            model_apply(&model, &fixture, ops, count, ++w);
            verify(&model, &fixture);
        }
        if (puts == 0)
            break;
    }
    for (int i = 0; i < 24; i++) { /* forget everything */
        size_t count = model_draw(&model, &fixture, ops, model.count, 0, model.count, 0);

        model_apply(&model, &fixture, ops, count, ++w);
        verify(&model, &fixture);
    }
    skiplist_counts(fixture.skiplist, &counts);
    print_message("leaves left: %llu\n", (unsigned long long)counts.leaves);
    assert_true(counts.leaves <= 4);
    model_free(&model);
    fixture_close(&fixture);
}

static void test_plain_keys(void **state)
{
    (void)state;
    live_a_life(MODEL_PLAIN, 5000, 700, 1);
    live_a_life(MODEL_PLAIN, 20000, 12000, 2);
    live_a_life(MODEL_PLAIN, 300, 3, 3);
}

static void test_families(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++)
        live_a_life(MODEL_FAMILIES, 4000, seed % 2 ? 900 : 60, seed);
}

static void test_long_keys(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++)
        live_a_life(MODEL_LONG, 1500, 250, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_keys),
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_long_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
