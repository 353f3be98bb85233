/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: an overwrite by place switches its key's entry and nothing else.
 * Method: single ones, chains and batches of them beside the model.
 */
#include "persist/skiplist_internal.h"
#include "tests/support/overwrite_scene.h"
#include "tests/unit/check.h"

static void test_right_place(void **state)
{
    static const bool expiries[] = {true, true, false, false};
    struct scene scene;
    uint64_t w;

    (void)state;
    scene_begin_with_places(&scene, 300);
    w = skiplist_durable_w(scene.fixture.skiplist);
    for (size_t key = 0; key < scene.model.count; key += 7) {
        for (size_t i = 0; i < sizeof expiries; i++) { /* gains, keeps, loses, has none */
            const struct model_key *known = &scene.model.keys[key];

            scene_expect_done(&scene, key, scene_overwrite_of(&scene, key, known->loc, known->expires, expiries[i]));
            assert_int_equal(scene_expires(&scene), expiries[i]);
        }
    }
    assert_int_equal(skiplist_durable_w(scene.fixture.skiplist), w);
    scene_end(&scene);
}

static void test_nothing_at_all(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene, 10, MODEL_PLAIN, 1);
    scene_run(&scene, 0);
    scene_end(&scene);
}

/* Versions of one key in one call: the last is named, those between were never. */
static void test_chain(void **state)
{
    enum { LENGTH = 5 };
    static const uint32_t order[LENGTH] = {3, 0, 4, 2, 1};
    struct overwrite chain[LENGTH];
    struct scene scene;
    pm_loc replaced;

    (void)state;
    scene_begin_with_places(&scene, 200);
    replaced = scene.model.keys[50].loc;
    for (int i = 0; i < LENGTH; i++)
        chain[i] =
            scene_overwrite_of(&scene, 50, i == 0 ? replaced : chain[i - 1].loc, i != 0 && i % 2 != 0, i % 2 == 0);
    for (int i = 0; i < LENGTH; i++)
        scene_ops[i] = chain[order[i]];
    scene_run(&scene, LENGTH);
    for (int i = 0; i < LENGTH; i++) {
        assert_int_equal(scene_results[i].place, scene.places[50]);
        assert_int_equal(scene_results[i].replaced, i == 0 ? replaced : 0);
        assert_int_equal(scene_results[i].loc, i == LENGTH - 1 ? chain[i].loc : 0);
    }
    assert_int_equal(scene_expires(&scene), 1);
    scene.model.keys[50].loc = chain[LENGTH - 1].loc;
    scene.model.keys[50].expires = true;
    scene_end(&scene);
}

/* One key is all that a cut has, written by several writers, whose logs are read one behind the other. */
static void test_hot_key(void **state)
{
    enum { VERSIONS = SCENE_OPS_MAX, WRITERS = 4 };
    static pm_loc locs[VERSIONS];
    struct scene scene;
    size_t at = 0;

    (void)state;
    scene_begin_with_places(&scene, 200);
    for (size_t i = 0; i < VERSIONS; i++)
        locs[i] = fixture_record(&scene.fixture, &scene.model.keys[5].key, false);
    for (size_t writer = 0; writer < WRITERS; writer++)
        for (size_t i = writer; i < VERSIONS; i += WRITERS) {
            pm_loc replaced = i == 0 ? scene.model.keys[5].loc : locs[i - 1];

            scene_ops[at++] = (struct overwrite){
                .loc = locs[i],
                .replaced = replaced,
                .generation = record_generation(scene.fixture.pool, replaced),
                .cts = i,
                .place = scene.places[5],
            };
        }
    scene_run(&scene, VERSIONS);
    for (size_t i = 0; i < VERSIONS; i++) {
        assert_int_not_equal(scene_results[i].place, 0);
        assert_int_equal(scene_results[i].replaced, i == 0 ? scene.model.keys[5].loc : 0);
        assert_int_equal(scene_results[i].loc, i + 1 == VERSIONS ? locs[i] : 0);
    }
    scene.model.keys[5].loc = locs[VERSIONS - 1];
    scene_end(&scene);
}

/* A version whose predecessor is not in order is left, and so is what comes behind it; what came before is carried out. */
static void test_broken_chain(void **state)
{
    struct overwrite chain[4];
    struct scene scene;

    (void)state;
    scene_begin_with_places(&scene, 200);
    for (int i = 0; i < 4; i++)
        chain[i] = scene_overwrite_of(&scene, 9, i == 0 ? scene.model.keys[9].loc : chain[i - 1].loc, false, false);
    chain[2].generation++;
    for (int i = 0; i < 4; i++)
        scene_ops[i] = chain[3 - i];
    scene_run(&scene, 4);
    assert_true(scene_results[0].place != 0 && scene_results[0].loc == 0 &&
                scene_results[0].replaced == chain[0].replaced);
    assert_true(scene_results[1].place != 0 && scene_results[1].loc == chain[1].loc && scene_results[1].replaced == 0);
    for (int i = 2; i < 4; i++) {
        chain[i].place = 0;
        assert_memory_equal(&scene_results[i], &chain[i], sizeof chain[i]);
    }
    scene.model.keys[9].loc = chain[1].loc;
    scene_end(&scene);
}

static void test_two_keys_claim_one_place(void **state)
{
    for (int first = 0; first < 2; first++) {
        struct scene scene;
        struct overwrite right, wrong;

        (void)state;
        scene_begin_with_places(&scene, 200);
        if (first == 0)
            wrong = scene_overwrite_now(&scene, 8);
        right = scene_overwrite_now(&scene, 7);
        if (first != 0)
            wrong = scene_overwrite_now(&scene, 8);
        wrong.place = right.place;
        scene_ops[0] = wrong;
        scene_ops[1] = right;
        scene_run(&scene, 2);
        assert_memory_equal(&scene_results[1 - first], &right, sizeof right);
        wrong.place = 0;
        assert_memory_equal(&scene_results[first], &wrong, sizeof wrong);
        scene.model.keys[7].loc = right.loc;
        scene_end(&scene);
    }
}

/* More than one journal batch holds, versions and expiries mixed in. */
static void test_more_than_a_batch(void **state)
{
    struct scene scene;
    size_t count = 0;
    uint64_t batch, expected = 0;

    (void)state;
    scene_begin_with_places(&scene, SCENE_KEYS_MAX);
    assert_true(scene.model.count * 16 > journal_capacity(scene.fixture.skiplist->journal));
    for (size_t i = scene.model.count; i-- > 0;) {
        scene_ops[count] = scene_overwrite_of(&scene, i, scene.model.keys[i].loc, false, i % 3 == 0);
        scene.model.keys[i].loc = scene_ops[count++].loc;
        scene.model.keys[i].expires = i % 3 == 0;
        expected += i % 3 == 0;
    }
    batch = journal_batch(scene.fixture.skiplist->journal);
    scene_run(&scene, count);
    assert_true(journal_batch(scene.fixture.skiplist->journal) - batch >= 2);
    for (size_t i = 0; i < count; i++)
        assert_true(scene_results[i].place != 0 && scene_results[i].loc != 0 && scene_results[i].replaced != 0);
    assert_int_equal(scene_expires(&scene), expected);
    scene_end(&scene);
}

/* So few leaves that one digit sorts them: versions of a key come together all the same. */
static void test_places_of_one_digit(void **state)
{
    enum { KEYS = 100, VERSIONS = 3 };
    struct scene scene;

    (void)state;
    scene_begin_with_places(&scene, KEYS);
    for (size_t i = 0; i < VERSIONS * KEYS; i++) {
        size_t key = i % KEYS;

        scene_ops[i] = scene_overwrite_of(&scene, key, i < KEYS ? scene.model.keys[key].loc : scene_ops[i - KEYS].loc,
                                          false, false);
        assert_int_equal(scene_ops[i].place >> 13, scene_ops[0].place >> 13);
    }
    scene_run(&scene, VERSIONS * KEYS);
    for (size_t i = 0; i < VERSIONS * KEYS; i++) {
        assert_int_not_equal(scene_results[i].place, 0);
        if (i < (VERSIONS - 1) * KEYS)
            assert_int_equal(scene_results[i].loc, 0);
        else
            scene.model.keys[i % KEYS].loc = scene_results[i].loc;
    }
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_of_one_digit),
        cmocka_unit_test(test_right_place),
        cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_hot_key),
        cmocka_unit_test(test_broken_chain),
        cmocka_unit_test(test_two_keys_claim_one_place),
        cmocka_unit_test(test_more_than_a_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
