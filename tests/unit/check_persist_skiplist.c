/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: the ordered index holds exactly what it was told, whatever the keys look like and in whatever order they come.
 * Method: seeded random batches over a universe of awkward keys against a model; every invariant after each batch.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "persist/skiplist_leaf.h"
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
    assert_in_range(counts.leaves, 1, 4);
    assert_in_range(counts.segments, 1, 3); /* the others were given back */
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
    for (uint64_t seed = 1; seed <= 3; seed++)
        live_a_life(MODEL_FAMILIES, 4000, seed % 2 ? 900 : 60, seed);
}

static void test_zeros(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        live_a_life(MODEL_ZEROS, 3000, seed % 2 ? 400 : 60, seed);
}

static void test_long_keys(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++)
        live_a_life(MODEL_LONG, 1500, 250, seed);
}

/* ---- single ideas ---- */

static size_t put_all(struct model *model, struct fixture *fixture, uint64_t w)
{
    size_t count = 0;

    for (size_t i = 0; i < model->count; i++) {
        struct model_key *key = &model->keys[i];

        key->loc = fixture_record(fixture, &key->key, false);
        ops[count++] = (struct index_op){.key = key->key, .kind = INDEX_PUT, .loc = key->loc};
    }
    model_apply(model, fixture, ops, count, w);
    return count;
}

/* All keys have the same hash: every lookup must tell them apart by their records. */
static void test_equal_hash_bits(void **state)
{
    struct fixture fixture;
    struct model model;
    struct index_key absent = {.data = (const uint8_t *)"absent", .len = 6, .hash = 7};
    pm_loc loc;

    (void)state;
    fixture_open_sim(&fixture, 100, SEGMENT_BITS, PM_SIM_LINES);
    model_init(&model, &fixture, 500, MODEL_FAMILIES);
    for (size_t i = 0; i < model.count; i++)
        model.keys[i].key.hash = 7;
    put_all(&model, &fixture, 1);
    for (size_t i = 0; i < model.count; i++) {
        assert_int_equal(skiplist_lookup(fixture.skiplist, &model.keys[i].key, &loc), PM_OK);
        assert_int_equal(loc, model.keys[i].loc);
        if (i % 3 == 0)
            ops[i / 3] = (struct index_op){.key = model.keys[i].key, .kind = INDEX_FORGET};
    }
    model_apply(&model, &fixture, ops, (model.count + 2) / 3, 2);
    for (size_t i = 0; i < model.count; i++) {
        assert_int_equal(skiplist_lookup(fixture.skiplist, &model.keys[i].key, &loc), PM_OK);
        assert_int_equal(loc, i % 3 == 0 ? 0 : model.keys[i].loc);
        if (i % 3 == 0)
            assert_int_equal(ops[i / 3].old_loc, model.keys[i].loc);
    }
    assert_int_equal(skiplist_lookup(fixture.skiplist, &absent, &loc), PM_OK);
    assert_int_equal(loc, 0);
    model_free(&model);
    fixture_close(&fixture);
}

/* A hint saves reading the entry's record, and is void once its segment has been used again. */
static void test_hints(void **state)
{
    struct fixture fixture;
    struct index_key left = {.data = (const uint8_t *)"left", .len = 4, .hash = 7};
    struct index_key right = {.data = (const uint8_t *)"right", .len = 5, .hash = 7};
    struct index_op put[2] = {{.key = left, .kind = INDEX_PUT}, {.key = right, .kind = INDEX_PUT}};
    struct record_replaced hint = {.bytes = 48};
    struct skiplist_counts counts;
    pm_loc new_loc, loc;
    size_t applied;

    (void)state;
    fixture_open_sim(&fixture, 16, SEGMENT_BITS, PM_SIM_LINES);
    put[0].loc = fixture_record(&fixture, &left, false);
    put[1].loc = fixture_record(&fixture, &right, false);
    new_loc = fixture_record(&fixture, &right, true);
    assert_int_equal(skiplist_apply(fixture.skiplist, &fixture.context, put, 2, 5, &applied), PM_OK);
    /* The other key's record, from when its place was this key's. */
    hint.loc = put[0].loc;
    hint.generation = record_generation(fixture.pool, hint.loc) - 1;
    put[1].loc = new_loc;
    put[1].has_expiry = true;
    put[1].hint = hint;
    assert_int_equal(skiplist_apply(fixture.skiplist, &fixture.context, &put[1], 1, 6, &applied), PM_OK);
    assert_int_equal(skiplist_lookup(fixture.skiplist, &left, &loc), PM_OK);
    assert_int_equal(loc, put[0].loc);
    assert_int_equal(skiplist_lookup(fixture.skiplist, &right, &loc), PM_OK);
    assert_int_equal(loc, new_loc);
    /* A true one is believed, down to what it says of the expiry. */
    put[1].hint = (struct record_replaced){
        .loc = new_loc, .generation = record_generation(fixture.pool, new_loc), .bytes = 48, .has_expiry = true};
    put[1].loc = fixture_record(&fixture, &right, false);
    put[1].has_expiry = false;
    assert_int_equal(skiplist_apply(fixture.skiplist, &fixture.context, &put[1], 1, 7, &applied), PM_OK);
    assert_int_equal(put[1].old_loc, new_loc);
    skiplist_counts(fixture.skiplist, &counts);
    assert_true(counts.keys[0] == 2 && counts.expires[0] == 0);
    fixture_close(&fixture);
}

static void test_results_of_operations(void **state)
{
    struct fixture fixture;
    struct index_key key = {.data = (const uint8_t *)"k", .len = 1};
    struct index_op op = {.kind = INDEX_PUT, .has_expiry = true};
    struct skiplist_counts counts;
    pm_loc first, second;
    size_t applied;

    (void)state;
    fixture_open_sim(&fixture, 16, SEGMENT_BITS, PM_SIM_LINES);
    key.hash = key_hash(fixture.pool->hash_seed, 0, key.data, key.len);
    op.key = key;
    op.loc = first = fixture_record(&fixture, &key, true);
    second = fixture_record(&fixture, &key, false);
    assert_int_equal(skiplist_apply(fixture.skiplist, &fixture.context, &op, 1, 5, &applied), PM_OK);
    assert_true(op.done && op.old_loc == 0);
    skiplist_counts(fixture.skiplist, &counts);
    assert_true(counts.keys[0] == 1 && counts.expires[0] == 1);
    op = (struct index_op){.key = key, .kind = INDEX_SWITCH_IF, .old_loc = second, .loc = second};
    assert_int_equal(skiplist_apply(fixture.skiplist, &fixture.context, &op, 1, 6, &applied), PM_OK);
    assert_false(op.done);
    op = (struct index_op){.key = key, .kind = INDEX_PUT, .loc = second};
    assert_int_equal(skiplist_apply(fixture.skiplist, &fixture.context, &op, 1, 7, &applied), PM_OK);
    assert_true(op.done && op.old_loc == first);
    skiplist_counts(fixture.skiplist, &counts);
    assert_true(counts.keys[0] == 1 && counts.expires[0] == 0);
    assert_int_equal(skiplist_apply(fixture.skiplist, &fixture.context, &op, 1, 8, &applied), PM_OK);
    assert_true(op.done && op.old_loc == second);
    op = (struct index_op){.key = key, .kind = INDEX_REMOVE_IF, .old_loc = first};
    assert_int_equal(skiplist_apply(fixture.skiplist, &fixture.context, &op, 1, 9, &applied), PM_OK);
    assert_false(op.done);
    op = (struct index_op){.key = key, .kind = INDEX_REMOVE_IF, .old_loc = second};
    assert_int_equal(skiplist_apply(fixture.skiplist, &fixture.context, &op, 1, 10, &applied), PM_OK);
    assert_true(op.done);
    op = (struct index_op){.key = key, .kind = INDEX_FORGET};
    assert_int_equal(skiplist_apply(fixture.skiplist, &fixture.context, &op, 1, 11, &applied), PM_OK);
    assert_true(!op.done && op.old_loc == 0);
    skiplist_counts(fixture.skiplist, &counts);
    assert_int_equal(counts.keys[0], 0);
    assert_int_equal(skiplist_durable_w(fixture.skiplist), 11);
    fixture_close(&fixture);
}

/* A full pool stops a batch between two leaves; with space the rest goes in. */
static void test_full_pool(void **state)
{
    struct fixture fixture;
    struct model model;
    uint32_t taken[64], segment_count = 0;
    size_t applied, count = 0;

    (void)state;
    fixture_open_sim(&fixture, 48, SEGMENT_BITS, PM_SIM_LINES);
    model_init(&model, &fixture, 6000, MODEL_PLAIN);
    for (size_t i = 0; i < model.count; i++) {
        model.keys[i].loc = fixture_record(&fixture, &model.keys[i].key, false);
        assert_int_not_equal(model.keys[i].loc, 0);
        ops[count++] = (struct index_op){.key = model.keys[i].key, .kind = INDEX_PUT, .loc = model.keys[i].loc};
    }
    while (pool_take_free(fixture.pool, &fixture.record_context, SPACE_INDEX, PMD_SEGMENT_SURVIVOR,
                          &taken[segment_count]) == PM_OK)
        segment_count++;
    assert_int_equal(skiplist_apply(fixture.skiplist, &fixture.context, ops, count, 3, &applied), PM_FULL);
    assert_in_range(applied, 0, count - 1);
    assert_int_equal(skiplist_durable_w(fixture.skiplist), 0);
    assert_int_equal(skiplist_check(fixture.skiplist), PM_OK);
    for (size_t i = 0; i < count; i++) {
        pm_loc loc;

        assert_int_equal(skiplist_lookup(fixture.skiplist, &ops[i].key, &loc), PM_OK);
        assert_int_equal(loc, i < applied ? ops[i].loc : 0);
        assert_int_equal(ops[i].done, i < applied);
    }
    while (segment_count-- != 0)
        assert_int_equal(pool_free_segment(fixture.pool, &fixture.record_context, taken[segment_count]), PM_OK);
    model_apply(&model, &fixture, ops + applied, count - applied, 3);
    verify(&model, &fixture);
    model_free(&model);
    fixture_close(&fixture);
}

/* The n-th drain fails, for each n: the answer is PM_IO, and what was durable can still be read. */
static void test_failed_drains(void **state)
{
    enum pm_status status = PM_IO;

    (void)state;
    log_set_level(LOG_LEVEL_ERROR + 1);
    for (uint64_t drain = 1; status == PM_IO; drain++) {
        struct fixture fixture;
        struct model model;
        size_t count, applied;
        pm_loc loc;

        fixture_open_sim(&fixture, 100, SEGMENT_BITS, PM_SIM_LINES);
        model_init(&model, &fixture, 3000, MODEL_FAMILIES);
        count = model_draw(&model, &fixture, ops, 2500, 0, model.count, 256);
        pm_sim_fail_drain(fixture.pm, drain);
        status = skiplist_apply(fixture.skiplist, &fixture.context, ops, count, 2, &applied);
        assert_true(status == PM_IO || status == PM_OK);
        assert_int_equal(applied, status == PM_OK ? count : 0);
        for (size_t i = 0; i < count && status == PM_OK; i++)
            assert_true(skiplist_lookup(fixture.skiplist, &ops[i].key, &loc) == PM_OK && loc == ops[i].loc);
        model_free(&model);
        fixture_close(&fixture);
        assert_in_range(drain, 1, 100);
    }
    log_set_level(LOG_LEVEL_NOTICE);
}

static uint64_t leaf_of(struct fixture *fixture, int which)
{
    uint64_t number = pool_segment_off(fixture->pool, PM_SEGMENT_HEAD) / PM_LEAF_BYTES;

    while (which-- != 0)
        number = ((struct pmd_leaf *)pool_at(fixture->pool, number * PM_LEAF_BYTES))->next;
    return number;
}

/* What a leaf's checksum covers: all but free slots, and what lies between the last one and the prefix. */
static bool byte_counts(const struct pmd_leaf *leaf, size_t byte)
{
    size_t at = byte - offsetof(struct pmd_leaf, area), tail = leaf->prefix_len + leaf_low_bytes(leaf);

    return byte < offsetof(struct pmd_leaf, area) || at >= PM_LEAF_AREA - tail ||
           (leaf->used >> at / sizeof(struct pmd_leaf_entry) & 1) != 0;
}

/* A changed bit in anything that counts in a leaf is found at the first touch, by walk and by directory. */
static void test_damage(void **state)
{
    struct fixture fixture;
    struct model model;
    const uint64_t none[PM_DATABASES] = {0};

    (void)state;
    fixture_open_sim(&fixture, 64, SEGMENT_BITS, PM_SIM_LINES);
    model_init(&model, &fixture, 1500, MODEL_PLAIN);
    put_all(&model, &fixture, 1);
    for (size_t byte = 4; byte < PM_LEAF_BYTES; byte = byte == 31 ? 64 : byte + 1) {
        uint8_t *damaged = pool_at(fixture.pool, leaf_of(&fixture, 7) * PM_LEAF_BYTES) + byte;
        struct skiplist_walk walk;
        struct skiplist *skiplist;
        enum pm_status status = PM_OK;

        if (!byte_counts((const struct pmd_leaf *)(damaged - byte), byte))
            continue;
        *damaged ^= 0x10;
        log_set_level(LOG_LEVEL_ERROR + 1);
        assert_int_equal(skiplist_open(&skiplist, fixture.pool, &fixture.epochs, 0, none, none), PM_OK);
        for (size_t i = 0; i < model.count && status == PM_OK; i++) {
            pm_loc loc;

            status = skiplist_lookup(skiplist, &model.keys[i].key, &loc);
            assert_true(status != PM_OK || loc == model.keys[i].loc);
        }
        assert_int_equal(status, PM_DAMAGED);
        skiplist_walk_start(skiplist, &walk);
        for (status = PM_OK; status == PM_OK && !walk.done;)
            status = skiplist_walk_step(skiplist, &walk);
        assert_int_equal(status, PM_DAMAGED);
        skiplist_walk_end(&walk);
        assert_int_equal(skiplist_build_directory(skiplist), PM_DAMAGED);
        skiplist_close(skiplist);
        log_set_level(LOG_LEVEL_NOTICE);
        *damaged ^= 0x10;
    }
    verify(&model, &fixture);
    model_free(&model);
    fixture_close(&fixture);
}

static void test_drop_databases(void **state)
{
    struct fixture fixture;
    struct model model;
    uint64_t w = 1;

    (void)state;
    fixture_open_sim(&fixture, 400, SEGMENT_BITS, PM_SIM_LINES);
    model_init(&model, &fixture, 6000, MODEL_FAMILIES);
    for (uint32_t round = 0; round < 24; round++) {
        uint32_t databases = round % 4 == 0 ? 0xffff : round % 4 == 1 ? 1 : (uint32_t)fixture_random(&fixture) & 0xffff;
        size_t count = model_draw(&model, &fixture, ops, 3000, 0, model.count, 256);

        model_apply(&model, &fixture, ops, count, ++w);
        model_drop(&model, databases);
        assert_int_equal(skiplist_drop_databases(fixture.skiplist, &fixture.context, databases, ++w), PM_OK);
        assert_int_equal(skiplist_durable_w(fixture.skiplist), w);
        verify(&model, &fixture);
        while (skiplist_step(fixture.skiplist, &fixture.context))
            ;
    }
    model_free(&model);
    fixture_close(&fixture);
}

/* The same media, opened again in the middle of its life: lookups before and after the directory is built. */
static void test_reopen(void **state)
{
    struct fixture fixture;
    struct model model;
    uint64_t w = 1;

    (void)state;
    fixture_open_sim(&fixture, 800, SEGMENT_BITS, PM_SIM_LINES);
    model_init(&model, &fixture, 3000, MODEL_FAMILIES);
    for (uint32_t round = 0; round < 10; round++) {
        struct skiplist_counts counts;
        uint64_t batch;
        size_t count = model_draw(&model, &fixture, ops, 1500, 0, model.count, round % 2 ? 60 : 220);
        struct journal_state journal;

        model_apply(&model, &fixture, ops, count, ++w);
        skiplist_counts(fixture.skiplist, &counts);
        skiplist_close(fixture.skiplist);
        assert_int_equal(journal_recover(fixture.pool, &fixture.context, 0, false, &journal), PM_OK);
        batch = journal.batch;
        assert_int_equal(journal.w, w);
        assert_memory_equal(journal.keys, counts.keys, sizeof counts.keys);
        assert_memory_equal(journal.expires, counts.expires, sizeof counts.expires);
        assert_int_equal(
            skiplist_open(&fixture.skiplist, fixture.pool, &fixture.epochs, batch, journal.keys, journal.expires),
            PM_OK);
        assert_int_equal(skiplist_durable_w(fixture.skiplist), w);
        verify(&model, &fixture);
        assert_int_equal(skiplist_build_directory(fixture.skiplist), PM_OK);
        verify(&model, &fixture);
    }
    model_free(&model);
    fixture_close(&fixture);
}

/* Ascending keys leave full leaves behind them. */
static void test_ascending_keys_fill_leaves(void **state)
{
    enum { ROUNDS = 40, A_ROUND = 500 };
    static char texts[ROUNDS * A_ROUND][24];
    struct fixture fixture;
    struct skiplist_counts counts;

    (void)state;
    fixture_open_sim(&fixture, 400, SEGMENT_BITS, PM_SIM_LINES);
    for (uint32_t i = 0; i < ROUNDS * A_ROUND; i++) {
        struct index_op *op = &ops[i % A_ROUND];
        size_t applied;

        *op = (struct index_op){.kind = INDEX_PUT, .key = {.data = (const uint8_t *)texts[i]}};
        op->key.len = (uint32_t)snprintf(texts[i], sizeof texts[i], "key:%012u", i);
        op->key.hash = key_hash(fixture.pool->hash_seed, 0, texts[i], op->key.len);
        op->loc = fixture_record(&fixture, &op->key, false);
        if (i % A_ROUND == A_ROUND - 1)
            assert_int_equal(skiplist_apply(fixture.skiplist, &fixture.context, ops, A_ROUND, i, &applied), PM_OK);
    }
    skiplist_counts(fixture.skiplist, &counts);
    assert_int_equal(skiplist_check(fixture.skiplist), PM_OK);
    assert_in_range(counts.leaves * PM_LEAF_BYTES / counts.keys[0], 16, 21);
    fixture_close(&fixture);
}

/* The longest keys, with a fence of 65,536 bytes, over a real mapping. */
static void test_longest_keys(void **state)
{
    enum { KEYS = 200 };
    static uint8_t bytes[KEYS][RECORD_KEY_MAX];
    struct fixture fixture;

    (void)state;
    fixture_open_mapped(&fixture, 128 << 20);
    for (uint32_t round = 0; round < 4; round++) {
        size_t applied;

        for (uint32_t i = 0; i < KEYS; i++) {
            struct index_op *op = &ops[i];

            memset(bytes[i], 'l', RECORD_KEY_MAX);
            bytes[i][RECORD_KEY_MAX - 1] = (uint8_t)i;
            *op = (struct index_op){.kind = round % 2 ? INDEX_FORGET : INDEX_PUT};
            op->key = (struct index_key){.data = bytes[i], .len = RECORD_KEY_MAX};
            op->key.hash = key_hash(fixture.pool->hash_seed, 0, bytes[i], RECORD_KEY_MAX);
            op->loc = fixture_record(&fixture, &op->key, false);
        }
        assert_int_equal(skiplist_apply(fixture.skiplist, &fixture.context, ops, KEYS, round + 1, &applied), PM_OK);
        assert_int_equal(skiplist_check(fixture.skiplist), PM_OK);
        for (uint32_t i = 0; i < KEYS; i++) {
            pm_loc loc;

            assert_int_equal(skiplist_lookup(fixture.skiplist, &ops[i].key, &loc), PM_OK);
            assert_int_equal(loc, round % 2 ? 0 : ops[i].loc);
        }
        while (skiplist_step(fixture.skiplist, &fixture.context))
            ;
    }
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_keys),      cmocka_unit_test(test_families),
        cmocka_unit_test(test_zeros),           cmocka_unit_test(test_long_keys),
        cmocka_unit_test(test_equal_hash_bits), cmocka_unit_test(test_results_of_operations),
        cmocka_unit_test(test_full_pool),       cmocka_unit_test(test_failed_drains),
        cmocka_unit_test(test_damage),          cmocka_unit_test(test_drop_databases),
        cmocka_unit_test(test_reopen),          cmocka_unit_test(test_ascending_keys_fill_leaves),
        cmocka_unit_test(test_longest_keys),    cmocka_unit_test(test_hints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
