/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An ordered index whose keys' places are known, and overwrites by place beside its model.
 *
 * THREADS  One.
 */
#ifndef HEARTH_TESTS_SUPPORT_OVERWRITE_SCENE_H
#define HEARTH_TESTS_SUPPORT_OVERWRITE_SCENE_H

#include "persist/overwrite.h"
#include "tests/support/index_fixture.h"

enum { SCENE_KEYS_MAX = 4000, SCENE_OPS_MAX = 12000 };

struct scene {
    struct fixture fixture;
    struct model model;
    uint32_t places[SCENE_KEYS_MAX]; /* as last heard of, 0: never */
    uint64_t w, cts;
};

/* What is to be done, set by the test. */
extern struct index_op scene_put_ops[SCENE_OPS_MAX];
/* The same by place, in any order; results by number: cts less the first one. */
extern struct overwrite scene_ops[SCENE_OPS_MAX], scene_results[SCENE_OPS_MAX];

/* Carries out the first `count` of scene_put_ops, in index and model. */
void scene_apply_puts(struct scene *scene, size_t count);
/* PUT of the keys [from, to), without expiry. */
void scene_put_range(struct scene *scene, size_t from, size_t to);
/* They are gone, without a record that says so. */
void scene_forget_range(struct scene *scene, size_t from, size_t to);
/* Keys of one shape, none of them in. */
void scene_begin(struct scene *scene, size_t keys, enum model_shape shape, uint64_t seed);
/* All keys are in, and their places known. */
void scene_begin_with_places(struct scene *scene, size_t keys);
/* The index is sound, and what the model says. */
void scene_verify(struct scene *scene);
/* scene_verify(), then all is closed. */
void scene_end(struct scene *scene);
/* A newer record of the key, in place of `replaced`. The model does not know of it. */
struct overwrite scene_overwrite_of(struct scene *scene, size_t key, pm_loc replaced, bool replaced_expiry,
                                    bool has_expiry);
/* Of what the index names now. */
struct overwrite scene_overwrite_now(struct scene *scene, size_t key);
/* Carries out the first `count` of scene_ops. */
void scene_run(struct scene *scene, size_t count);
/* Entries of database 0 that expire, as the index counts them. */
uint64_t scene_expires(const struct scene *scene);
/* Of one overwrite: it is left undone, just as it was but for its place, and nothing was stored. */
void scene_expect_left(struct scene *scene, struct overwrite op);
/* It is carried out; the model learns of it. */
void scene_expect_done(struct scene *scene, size_t key, struct overwrite op);

#endif
