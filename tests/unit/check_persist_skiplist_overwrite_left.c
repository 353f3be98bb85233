/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: whatever the place of an overwrite is worth, the wrong entry is never touched, and what was left undone is as it
 * was for skiplist_apply().
 * Method: single overwrites whose place, location or generation is wrong in one way each, in leaves that are live, split,
 * dead, free, dropped or forged.
 */
#include <string.h>

#include "persist/skiplist_internal.h"
#include "tests/support/overwrite_scene.h"
#include "tests/unit/check.h"

static void test_wrong_record(void **state)
{
    struct scene scene;
    struct overwrite op;

    (void)state;
    scene_begin_with_places(&scene, 200);
    op = scene_overwrite_now(&scene, 5);
    op.replaced = scene.model.keys[6].loc; /* another key's */
    scene_expect_left(&scene, op);
    op.replaced = op.loc;
    scene_expect_left(&scene, op);
    op = scene_overwrite_now(&scene, 5);
    op.generation--;
    scene_expect_left(&scene, op);
    op.generation += 2;
    scene_expect_left(&scene, op);
    op.generation--;
    scene_expect_done(&scene, 5, op);
    scene_end(&scene);
}

static void test_wrong_number(void **state)
{
    struct scene scene;
    struct overwrite op;
    uint32_t right, last;

    (void)state;
    scene_begin_with_places(&scene, 200);
    op = scene_overwrite_now(&scene, 5);
    right = op.place;
    last = (uint32_t)(scene.fixture.pm->bytes / PM_LEAF_BYTES);
    for (uint32_t slot = 0; slot < PM_PLACES; slot++) {
        op.place = right / PM_PLACES * PM_PLACES + slot;
        if (op.place != right)
            scene_expect_left(&scene, op);
    }
    for (uint32_t leaf = 0; leaf < last + 3; leaf += 1 + leaf / 4) {
        op.place = leaf * PM_PLACES + right % PM_PLACES;
        if (op.place != right)
            scene_expect_left(&scene, op);
    }
    op.place = (last - 1) * PM_PLACES;
    scene_expect_left(&scene, op);
    op.place = UINT32_MAX;
    scene_expect_left(&scene, op);
    op.place = UINT32_MAX / PM_PLACES * PM_PLACES + right % PM_PLACES;
    scene_expect_left(&scene, op);
    op.place = right;
    scene_expect_done(&scene, 5, op);
    scene_end(&scene);
}

/* The bytes of a forgotten entry lie where they lay. */
static void test_entry_is_gone(void **state)
{
    struct scene scene;
    struct overwrite op;

    (void)state;
    scene_begin_with_places(&scene, 200);
    op = scene_overwrite_now(&scene, 5);
    scene_forget_range(&scene, 5, 6);
    assert_int_equal(
        entry_loc(leaf_entry(media_leaf(scene.fixture.skiplist, op.place / PM_PLACES), op.place % PM_PLACES)),
        op.replaced);
    scene_expect_left(&scene, op);
    scene_end(&scene);
}

/* Slots that are none: prefix and fence lie there, and may say anything. */
static void test_slot_behind_the_last(void **state)
{
    struct scene scene;
    struct overwrite op;
    struct pmd_leaf *leaf;

    (void)state;
    scene_begin_with_places(&scene, 200);
    op = scene_overwrite_now(&scene, 5);
    leaf = media_leaf(scene.fixture.skiplist, op.place / PM_PLACES);
    for (uint32_t slot = leaf_capacity(leaf); slot < PM_PLACES; slot++) {
        op.place = op.place / PM_PLACES * PM_PLACES + slot;
        scene_expect_left(&scene, op);
    }
    scene_end(&scene);
}

/* A dead leaf still has the entries that were merged into another one: they name the right record. */
static void test_leaf_is_dead(void **state)
{
    uint32_t dead = 0, lived = 0;
    struct scene scene;

    (void)state;
    scene_begin_with_places(&scene, 600);
    for (size_t i = 0; i < scene.model.count; i++) {
        struct model_key *key = &scene.model.keys[i];

        if (i % 5 == 0)
            continue;
        key->loc = 0;
        scene_put_ops[lived++] = (struct index_op){.key = key->key, .kind = INDEX_FORGET};
    }
    { /* not through model_apply(): skiplist_step() stays away, so what is dead is in limbo */
        size_t applied;

        assert_int_equal(
            skiplist_apply(scene.fixture.skiplist, &scene.fixture.context, scene_put_ops, lived, ++scene.w, &applied),
            PM_OK);
    }
    for (int freed = 0; freed < 2; freed++) {
        for (size_t i = 0; i < scene.model.count; i += 5) {
            struct overwrite op = scene_overwrite_now(&scene, i);
            uint64_t leaf = op.place / PM_PLACES;

            if (media_leaf(scene.fixture.skiplist, leaf)->state == PMD_LEAF_LIVE)
                continue;
            assert_int_equal(leaf_space_is_used(scene.fixture.skiplist->space, leaf), !freed);
            scene_expect_left(&scene, op);
            dead++;
        }
        while (skiplist_step(scene.fixture.skiplist, &scene.fixture.context))
            ;
    }
    assert_true(dead > 20);
    scene_end(&scene);
}

/* What looks like the right leaf, but is a free block of the index, or lies among records. */
static void test_forged_leaf(void **state)
{
    struct scene scene;
    struct overwrite op;
    const struct pmd_leaf *right;
    struct pmd_leaf *forged;
    uint64_t number;

    (void)state;
    scene_begin_with_places(&scene, 200);
    op = scene_overwrite_now(&scene, 5);
    number = op.place / PM_PLACES;
    right = media_leaf(scene.fixture.skiplist, number);
    while (leaf_space_is_used(scene.fixture.skiplist->space, number))
        number++;
    for (int i = 0; i < 2; i++) {
        uint32_t place = op.place;

        forged = media_leaf(scene.fixture.skiplist, number);
        memcpy(forged, right, sizeof *forged);
        op.place = (uint32_t)number * PM_PLACES + place % PM_PLACES;
        scene_expect_left(&scene, op);
        assert_memory_equal(forged, right, sizeof *forged);
        memset(forged, 0, sizeof *forged);
        number = (pool_segment_off(scene.fixture.pool, scene.fixture.record_segment + 1)) / PM_LEAF_BYTES - 1;
    }
    scene_end(&scene);
}

/* What a header says that cannot be is not believed. */
static void test_leaf_is_not_sound(void **state)
{
    struct scene scene;
    struct overwrite op;
    struct pmd_leaf *leaf, whole;

    (void)state;
    scene_begin_with_places(&scene, 200);
    op = scene_overwrite_now(&scene, 5);
    leaf = media_leaf(scene.fixture.skiplist, op.place / PM_PLACES);
    whole = *leaf;
    for (int i = 0; i < 2; i++) {
        leaf->used |= i == 0 ? UINT64_C(1) << 63 : 0;
        leaf->prefix_len = i == 1 ? PM_LEAF_KEY_BYTES_MAX + 1 : leaf->prefix_len;
        scene_ops[0] = op;
        scene_run(&scene, 1);
        assert_int_equal(scene_results[0].place, 0);
        *leaf = whole;
    }
    scene_expect_done(&scene, 5, op);
    scene_end(&scene);
}

/* A leaf that split: the entry lies elsewhere, and its old bytes, free or another key's, are not touched. */
static void test_leaf_has_split(void **state)
{
    uint32_t left = 0, done = 0;
    struct scene scene;

    (void)state;
    scene_begin(&scene, 3000, MODEL_PLAIN, 3);
    for (int round = 0; round < 2; round++) {
        size_t count = 0;

        for (size_t i = 0; i < scene.model.count; i += 20) {
            struct model_key *key = &scene.model.keys[i];

            key->loc = fixture_record(&scene.fixture, &key->key, false);
            scene_put_ops[count++] = (struct index_op){.key = key->key, .kind = INDEX_PUT, .loc = key->loc};
        }
        scene_apply_puts(&scene, count);
    }
    for (size_t i = 0, count = 0; i < scene.model.count; i++) {
        struct model_key *key = &scene.model.keys[i];

        if (i % 20 != 0) {
            key->loc = fixture_record(&scene.fixture, &key->key, false);
            scene_put_ops[count++] = (struct index_op){.key = key->key, .kind = INDEX_PUT, .loc = key->loc};
        }
        if (i + 1 == scene.model.count)
            scene_apply_puts(&scene, count);
    }
    for (size_t i = 0; i < scene.model.count; i += 20) {
        struct overwrite op = scene_overwrite_now(&scene, i);

        scene_ops[0] = op;
        scene_run(&scene, 1);
        left += scene_results[0].place == 0;
        done += scene_results[0].place != 0;
        scene.model.keys[i].loc = scene_results[0].place != 0 ? op.loc : scene.model.keys[i].loc;
        scene_verify(&scene);
    }
    print_message("%u left, %u done\n", left, done);
    assert_true(left > 50);
    scene_end(&scene);
}

static void test_database_was_dropped(void **state)
{
    struct scene scene;
    struct overwrite dropped[40];

    (void)state;
    scene_begin_with_places(&scene, 400);
    for (size_t i = 0; i < 40; i++)
        dropped[i] = scene_overwrite_now(&scene, i * 9);
    model_drop(&scene.model, 1);
    assert_int_equal(skiplist_drop_databases(scene.fixture.skiplist, &scene.fixture.context, 1, ++scene.w), PM_OK);
    for (int freed = 0; freed < 2; freed++) {
        for (size_t i = 0; i < 40; i++)
            scene_expect_left(&scene, dropped[i]);
        while (skiplist_step(scene.fixture.skiplist, &scene.fixture.context))
            ;
    }
    scene_put_range(&scene, 0, scene.model.count); /* others lie there now */
    for (size_t i = 0; i < 40; i++)
        scene_expect_left(&scene, dropped[i]);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_record),         cmocka_unit_test(test_wrong_number),
        cmocka_unit_test(test_entry_is_gone),        cmocka_unit_test(test_slot_behind_the_last),
        cmocka_unit_test(test_leaf_is_dead),         cmocka_unit_test(test_forged_leaf),
        cmocka_unit_test(test_leaf_is_not_sound),    cmocka_unit_test(test_leaf_has_split),
        cmocka_unit_test(test_database_was_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
