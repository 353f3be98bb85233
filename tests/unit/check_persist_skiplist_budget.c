/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: what a batch may cost: two drains; a key at most 3 line flushes when it is overwritten, by its key or by its place,
 * and 5 when it is new, the journal included, in batches of 64; at most 28 bytes of index a key.
 * Method: an index loaded in random order, for three families of keys; then batches of 64, by the counters of pm_context.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/index_fixture.h"
#include "tests/unit/check.h"

enum { KEYS = 120000, CUT = 4000, BATCH = 64, BATCHES = 200, KEY_BYTES = 32, POOL_BYTES = 256 << 20 };

struct budget {
    struct fixture fixture;
    uint64_t w;
    int family;
    uint8_t texts[CUT][KEY_BYTES];
    struct index_op ops[CUT];
};

static uint32_t make_key(const struct budget *budget, uint64_t number, uint8_t *to)
{
    uint64_t mixed = number * UINT64_C(0x9e3779b97f4a7c15);

    if (budget->family == 0)
        return (uint32_t)snprintf((char *)to, KEY_BYTES, "key:%012u", (unsigned)number);
    if (budget->family == 1)
        return (uint32_t)snprintf((char *)to, KEY_BYTES, "user:profile:%09u", (unsigned)number);
    mixed ^= mixed >> 29;
    memcpy(to, &mixed, 8);
    memcpy(to + 8, &number, 8);
    return 16;
}

/* Numbers first..: a permutation of all there are, so that keys come in random order. */
static void put(struct budget *budget, uint64_t first, uint32_t count)
{
    struct fixture *fixture = &budget->fixture;
    size_t applied;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = (first + i) * UINT64_C(7368787) % (KEYS + BATCH * BATCHES);
        struct index_op *op = &budget->ops[i];

        *op = (struct index_op){.kind = INDEX_PUT, .key = {.data = budget->texts[i]}};
        op->key.len = make_key(budget, number, budget->texts[i]);
        op->key.hash = key_hash(fixture->pool->hash_seed, 0, op->key.data, op->key.len);
        op->loc = fixture_record(fixture, &op->key, false);
    }
    index_ops_sort(budget->ops, count);
    assert_int_equal(skiplist_apply(fixture->skiplist, &fixture->context, budget->ops, count, ++budget->w, &applied),
                     PM_OK);
}

/* Mean line flushes a key of batches of new or known keys. */
static double run_batches(struct budget *budget, uint64_t first, uint64_t stride)
{
    struct fixture *fixture = &budget->fixture;
    uint64_t lines = 0;

    for (uint32_t i = 0; i < BATCHES; i++) {
        struct pm_counters before;

        while (skiplist_step(fixture->skiplist, &fixture->context))
            ;
        before = fixture->context.counters;
        put(budget, first + i * stride, BATCH);
        lines += fixture->context.counters.flush_lines - before.flush_lines;
        assert_int_equal(fixture->context.counters.drains - before.drains, 2);
    }
    return (double)lines / (BATCH * BATCHES);
}

/* The last batch of put() once more, by the places that it told. */
static void overwrite(struct budget *budget)
{
    struct fixture *fixture = &budget->fixture;
    struct overwrite overwrites[BATCH], scratch[BATCH], *out = overwrites;

    for (uint32_t i = 0; i < BATCH; i++) {
        const struct index_op *op = &budget->ops[i];

        overwrites[i] = (struct overwrite){
            .loc = fixture_record(fixture, &op->key, false),
            .replaced = op->loc,
            .generation = record_generation(fixture->pool, op->loc),
            .cts = i,
            .place = op->place,
        };
    }
    assert_int_equal(skiplist_overwrite(fixture->skiplist, &fixture->context, &out, scratch, BATCH), PM_OK);
    for (uint32_t i = 0; i < BATCH; i++)
        assert_int_not_equal(out[i].place, 0);
}

/* Mean line flushes a key of batches of known keys by their places. */
static double run_overwrites(struct budget *budget)
{
    struct fixture *fixture = &budget->fixture;
    uint64_t lines = 0;

    for (uint32_t i = 0; i < BATCHES; i++) {
        struct pm_counters before;

        put(budget, i * BATCH, BATCH);
        before = fixture->context.counters;
        overwrite(budget);
        lines += fixture->context.counters.flush_lines - before.flush_lines;
        assert_int_equal(fixture->context.counters.drains - before.drains, 2);
    }
    return (double)lines / (BATCH * BATCHES);
}

static void check_family(int family)
{
    struct budget *budget = calloc(1, sizeof *budget);
    struct skiplist_counts counts;
    double fresh, known, by_place, bytes;

    assert_non_null(budget);
    budget->family = family;
    fixture_open_mapped(&budget->fixture, POOL_BYTES);
    for (uint32_t at = 0; at < KEYS; at += CUT)
        put(budget, at, CUT);
    fresh = run_batches(budget, KEYS, BATCH);
    known = run_batches(budget, 0, BATCH);
    by_place = run_overwrites(budget);
    skiplist_counts(budget->fixture.skiplist, &counts);
    bytes = (double)(counts.leaves * PM_LEAF_BYTES) / (double)counts.keys[0];
    print_message("new %.2f lines a key, known %.2f, by place %.2f, %.2f bytes\n", fresh, known, by_place, bytes);
    assert_int_equal(counts.keys[0], KEYS + BATCH * BATCHES);
    assert_true(fresh <= 5.0);
    assert_true(known <= 3.0);
    assert_true(by_place <= 3.0);
    assert_true(bytes <= 28.0);
    assert_int_equal(skiplist_check(budget->fixture.skiplist), PM_OK);
    fixture_close(&budget->fixture);
    free(budget);
}

static void test_numbered_keys(void **state)
{
    (void)state;
    check_family(0);
}
static void test_profile_keys(void **state)
{
    (void)state;
    check_family(1);
}
static void test_random_keys(void **state)
{
    (void)state;
    check_family(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbered_keys),
        cmocka_unit_test(test_profile_keys),
        cmocka_unit_test(test_random_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
