/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: rounds of overwrites by place, right and wrong ones mixed, do what an oracle says.
 * Method: seeded rounds against the model, of keys of each shape; the oracle reads the places off level 0.
 */
#include <stdlib.h>

#include "persist/skiplist_internal.h"
#include "tests/support/overwrite_scene.h"
#include "tests/unit/check.h"

enum { VERSIONS_MAX = 3, ROUNDS = 40 };

struct named {
    pm_loc loc;
    uint32_t place;
};
static struct named named[SCENE_KEYS_MAX + 1];
static size_t named_count;

static int compare_named(const void *a, const void *b)
{
    pm_loc left = ((const struct named *)a)->loc, right = ((const struct named *)b)->loc;

    return (left > right) - (left < right);
}

/* What each entry names and where it lies, from level 0. */
static void read_places(const struct scene *scene)
{
    const struct skiplist *skiplist = scene->fixture.skiplist;

    named_count = 0;
    for (uint64_t number = skiplist->head; number != 0; number = media_leaf(skiplist, number)->next) {
        const struct pmd_leaf *leaf = media_leaf(skiplist, number);

        for (uint64_t left = leaf->used; left != 0; left &= left - 1) {
            uint32_t slot = (uint32_t)__builtin_ctzll(left);

            assert_in_range(named_count, 0, SCENE_KEYS_MAX);
            named[named_count++] =
                (struct named){entry_loc(leaf_entry(leaf, slot)), (uint32_t)number * PM_PLACES + slot};
        }
    }
    qsort(named, named_count, sizeof *named, compare_named);
}

static uint32_t place_of(pm_loc loc)
{
    const struct named key = {.loc = loc};
    const struct named *found = bsearch(&key, named, named_count, sizeof *named, compare_named);

    return found != NULL ? found->place : 0;
}

static uint32_t some_place(struct scene *scene, size_t key)
{
    uint64_t random = fixture_random(&scene->fixture);
    uint32_t leaf = (uint32_t)(random >> 16) % (uint32_t)(scene->fixture.pm->bytes / PM_LEAF_BYTES);

    switch (random % 16) {
    case 0:
        return (uint32_t)(random >> 32) | 1;
    case 1:
        return leaf * PM_PLACES + (uint32_t)(random >> 58) + 1;
    case 2:
        return scene->places[random / 16 % scene->model.count] | 1;
    default:
        return scene->places[key];
    }
}

struct drawn {
    uint32_t key, first, count; /* versions: results first, first + 1, ... */
    uint32_t done;              /* of them that must be carried out */
    pm_loc locs[VERSIONS_MAX];
    bool expires[VERSIONS_MAX];
};
static struct drawn drawn[SCENE_KEYS_MAX];

/* What is carried out: versions from the first on, as long as each one is in order and names the right place. */
static void draw_versions(struct scene *scene, struct drawn *draw, size_t key, size_t *count)
{
    const struct model_key *known = &scene->model.keys[key];
    pm_loc replaced = known->loc;
    bool expiry = known->expires, in_order = true;
    uint32_t right = place_of(known->loc);

    *draw = (struct drawn){.key = (uint32_t)key, .first = (uint32_t)*count};
    draw->count = 1 + (uint32_t)(fixture_random(&scene->fixture) % VERSIONS_MAX);
    for (uint32_t i = 0; i < draw->count; i++) {
        uint64_t random = fixture_random(&scene->fixture);
        struct overwrite *op = &scene_ops[(*count)++];

        *op = scene_overwrite_of(scene, key, replaced, expiry, random & 1);
        op->place = some_place(scene, key);
        op->generation -= (random >> 8) % 32 == 0;
        in_order = in_order && op->place == right && op->generation == record_generation(scene->fixture.pool, replaced);
        draw->done += in_order;
        draw->locs[i] = replaced = op->loc;
        draw->expires[i] = expiry = op->has_expiry;
    }
}

static void shuffle(struct scene *scene, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = fixture_random(&scene->fixture) % i;
        struct overwrite op = scene_ops[i - 1];

        scene_ops[i - 1] = scene_ops[other];
        scene_ops[other] = op;
    }
}

static void check_versions(struct scene *scene, const struct drawn *draw)
{
    struct model_key *known = &scene->model.keys[draw->key];

    for (uint32_t i = 0; i < draw->count; i++) {
        const struct overwrite *result = &scene_results[draw->first + i];
        bool done = i < draw->done;

        assert_int_equal(result->place != 0, done);
        assert_int_equal(result->loc, done && i + 1 < draw->done ? 0 : draw->locs[i]);
        assert_int_equal(result->replaced, i == 0 ? known->loc : done ? 0 : draw->locs[i - 1]);
    }
    if (draw->done != 0) {
        known->loc = draw->locs[draw->done - 1];
        known->expires = draw->expires[draw->done - 1];
    }
}

/* The newest of those left, as the index writer makes an operation of them. */
static void put_left(struct scene *scene, const struct drawn *draw, size_t *count)
{
    const struct overwrite *oldest = &scene_results[draw->first + draw->done];
    struct model_key *known = &scene->model.keys[draw->key];

    if (draw->done == draw->count)
        return;
    known->loc = draw->locs[draw->count - 1];
    known->expires = draw->expires[draw->count - 1];
    scene_put_ops[(*count)++] = (struct index_op){
        .key = known->key,
        .kind = INDEX_PUT,
        .has_expiry = known->expires,
        .loc = known->loc,
        .hint = {.loc = oldest->replaced, .generation = oldest->generation, .has_expiry = oldest->replaced_expiry},
    };
}

static void overwrite_some(struct scene *scene, uint64_t *done, uint64_t *left)
{
    size_t keys = 0, count = 0, put = 0;

    read_places(scene);
    for (size_t i = 0; i < scene->model.count; i++)
        if (scene->model.keys[i].loc != 0 && fixture_random(&scene->fixture) % 3 == 0)
            draw_versions(scene, &drawn[keys++], i, &count);
    shuffle(scene, count);
    scene_run(scene, count);
    for (size_t i = 0; i < keys; i++)
        check_versions(scene, &drawn[i]);
    scene_verify(scene);
    for (size_t i = 0; i < keys; i++) {
        *done += drawn[i].done;
        *left += drawn[i].count - drawn[i].done;
        put_left(scene, &drawn[i], &put);
    }
    scene_apply_puts(scene, put);
    scene_verify(scene);
}

static void live_a_life(enum model_shape shape, size_t keys, uint64_t seed)
{
    static const uint32_t shares[] = {256, 230, 200, 60, 230}; /* of PUT: grows, shrinks, grows */
    uint64_t done = 0, left = 0;
    struct scene scene;

    scene_begin(&scene, keys, shape, seed);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        size_t count = model_draw(&scene.model, &scene.fixture, scene_put_ops, scene.model.count / 3, 0,
                                  scene.model.count, shares[round / 8 % 5]);

        scene_apply_puts(&scene, count);
        overwrite_some(&scene, &done, &left);
        overwrite_some(&scene, &done, &left);
        if (round == ROUNDS / 2) {
            model_drop(&scene.model, 2);
            assert_int_equal(skiplist_drop_databases(scene.fixture.skiplist, &scene.fixture.context, 2, ++scene.w),
                             PM_OK);
        }
    }
    print_message("seed %llu: %llu overwrites by place, %llu left\n", (unsigned long long)seed,
                  (unsigned long long)done, (unsigned long long)left);
    assert_true(done > (done + left) / 3);
    assert_true(left > (done + left) / 20);
    scene_end(&scene);
}

static void test_random(void **state)
{
    (void)state;
    live_a_life(MODEL_PLAIN, 3000, 1);
    live_a_life(MODEL_FAMILIES, 1200, 2);
    live_a_life(MODEL_ZEROS, 600, 3);
    live_a_life(MODEL_LONG, 200, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
