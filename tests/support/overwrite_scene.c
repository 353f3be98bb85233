/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/support/overwrite_scene.h"

#include <string.h>

#include "persist/skiplist_internal.h"
#include "tests/unit/check.h"

enum { SEGMENT_BITS = 16, SEGMENTS = 400 };

struct index_op scene_put_ops[SCENE_OPS_MAX];
struct overwrite scene_ops[SCENE_OPS_MAX], scene_results[SCENE_OPS_MAX];
static struct overwrite scratch[SCENE_OPS_MAX];

void scene_apply_puts(struct scene *scene, size_t count)
{
    model_apply(&scene->model, &scene->fixture, scene_put_ops, count, ++scene->w);
    for (size_t i = 0, key = 0; i < count; i++) {
        while (scene->model.keys[key].key.data != scene_put_ops[i].key.data)
            key++;
        if (scene_put_ops[i].place != 0)
            scene->places[key] = scene_put_ops[i].place;
    }
}

void scene_put_range(struct scene *scene, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct model_key *key = &scene->model.keys[i];

        key->loc = fixture_record(&scene->fixture, &key->key, false);
        key->expires = false;
        scene_put_ops[i - from] = (struct index_op){.key = key->key, .kind = INDEX_PUT, .loc = key->loc};
    }
    scene_apply_puts(scene, to - from);
}

void scene_forget_range(struct scene *scene, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        scene->model.keys[i].loc = 0;
        scene_put_ops[i - from] = (struct index_op){.key = scene->model.keys[i].key, .kind = INDEX_FORGET};
    }
    scene_apply_puts(scene, to - from);
}

void scene_begin(struct scene *scene, size_t keys, enum model_shape shape, uint64_t seed)
{
    memset(scene, 0, sizeof *scene);
    fixture_open_sim(&scene->fixture, SEGMENTS, SEGMENT_BITS, PM_SIM_LINES);
    scene->fixture.random = seed;
    scene->w = 1;
    scene->cts = 1000;
    model_init(&scene->model, &scene->fixture, keys, shape);
}

void scene_begin_with_places(struct scene *scene, size_t keys)
{
    scene_begin(scene, keys, MODEL_PLAIN, 1);
    scene_put_range(scene, 0, scene->model.count);
    scene_put_range(scene, 0, scene->model.count);
    for (size_t i = 0; i < scene->model.count; i++)
        assert_int_not_equal(scene->places[i], 0);
}

void scene_verify(struct scene *scene)
{
    assert_int_equal(skiplist_check(scene->fixture.skiplist), PM_OK);
    assert_true(model_matches(&scene->model, &scene->fixture));
}

void scene_end(struct scene *scene)
{
    scene_verify(scene);
    model_free(&scene->model);
    fixture_close(&scene->fixture);
}

struct overwrite scene_overwrite_of(struct scene *scene, size_t key, pm_loc replaced, bool replaced_expiry,
                                    bool has_expiry)
{
    const struct index_key *index_key = &scene->model.keys[key].key;
    struct overwrite op = {
        .loc = fixture_record(&scene->fixture, index_key, has_expiry),
        .units = 5,
        .db = index_key->db,
        .has_expiry = has_expiry,
        .replaced_expiry = replaced_expiry,
        .replaced = replaced,
        .generation = record_generation(scene->fixture.pool, replaced),
        .cts = scene->cts++,
        .place = scene->places[key],
        .replaced_bytes = 40,
    };

    assert_int_not_equal(op.loc, 0);
    return op;
}

struct overwrite scene_overwrite_now(struct scene *scene, size_t key)
{
    const struct model_key *known = &scene->model.keys[key];

    return scene_overwrite_of(scene, key, known->loc, known->expires, known->expires);
}

void scene_run(struct scene *scene, size_t count)
{
    uint64_t w = skiplist_durable_w(scene->fixture.skiplist), first = scene->cts;
    struct overwrite *out = scene_ops;

    for (size_t i = 0; i < count; i++)
        first = scene_ops[i].cts < first ? scene_ops[i].cts : first;
    assert_int_equal(skiplist_overwrite(scene->fixture.skiplist, &scene->fixture.context, &out, scratch, count), PM_OK);
    assert_true(out == scene_ops || out == scratch);
    assert_int_equal(skiplist_durable_w(scene->fixture.skiplist), w);
    memset(scene_results, 0, count * sizeof *scene_results);
    for (size_t i = 0; i < count; i++) {
        assert_in_range(out[i].cts - first, 0, count - 1);
        scene_results[out[i].cts - first] = out[i];
    }
}

uint64_t scene_expires(const struct scene *scene)
{
    struct skiplist_counts counts;

    skiplist_counts(scene->fixture.skiplist, &counts);
    return counts.expires[0];
}

void scene_expect_left(struct scene *scene, struct overwrite op)
{
    struct overwrite expected = op;
    uint64_t batch = journal_batch(scene->fixture.skiplist->journal);

    scene_ops[0] = op;
    scene_run(scene, 1);
    expected.place = 0;
    assert_memory_equal(&scene_results[0], &expected, sizeof expected);
    assert_int_equal(journal_batch(scene->fixture.skiplist->journal), batch);
    scene_verify(scene);
}

void scene_expect_done(struct scene *scene, size_t key, struct overwrite op)
{
    scene_ops[0] = op;
    scene_run(scene, 1);
    assert_memory_equal(&scene_results[0], &op, sizeof op);
    scene->model.keys[key].loc = op.loc;
    scene->model.keys[key].expires = op.has_expiry;
    scene_verify(scene);
}
