/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: an overwrite by place switches its key's entry and nothing else; whatever its place is worth, the wrong entry is
 * never touched, and what was left undone is as it was for skiplist_apply().
 * Method: single overwrites whose place, location or generation is wrong in one way each, in leaves that are live, split,
 * dead, free, dropped or forged; then seeded random rounds against the model, with an oracle that reads the places off
 * level 0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "persist/skiplist_internal.h"
#include "tests/support/index_fixture.h"
#include "tests/unit/check.h"

enum { SEGMENT_BITS = 16, SEGMENTS = 400, KEYS_MAX = 4000, OPS_MAX = 12000, VERSIONS_MAX = 3, ROUNDS = 40 };

static struct index_op put_ops[OPS_MAX];
/* Given in any order; results by number: cts less the first one. */
static struct overwrite ops[OPS_MAX], scratch[OPS_MAX], results[OPS_MAX];

struct scene {
    struct fixture fixture;
    struct model model;
    uint32_t places[KEYS_MAX]; /* as last heard of, 0: never */
    uint64_t w, cts;
};

/* ---- the scene ---- */

static void apply_puts(struct scene *scene, size_t count)
{
    model_apply(&scene->model, &scene->fixture, put_ops, count, ++scene->w);
    for (size_t i = 0, key = 0; i < count; i++) {
        while (scene->model.keys[key].key.data != put_ops[i].key.data)
            key++;
        if (put_ops[i].place != 0)
            scene->places[key] = put_ops[i].place;
    }
}

/* PUT of the keys [from, to), without expiry. */
static void put_range(struct scene *scene, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct model_key *key = &scene->model.keys[i];

        key->loc = fixture_record(&scene->fixture, &key->key, false);
        key->expires = false;
        put_ops[i - from] = (struct index_op){.key = key->key, .kind = INDEX_PUT, .loc = key->loc};
    }
    apply_puts(scene, to - from);
}

static void forget_range(struct scene *scene, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        scene->model.keys[i].loc = 0;
        put_ops[i - from] = (struct index_op){.key = scene->model.keys[i].key, .kind = INDEX_FORGET};
    }
    apply_puts(scene, to - from);
}

static void begin(struct scene *scene, size_t keys, enum model_shape shape, uint64_t seed)
{
    memset(scene, 0, sizeof *scene);
    fixture_open_sim(&scene->fixture, SEGMENTS, SEGMENT_BITS, PM_SIM_LINES);
    scene->fixture.random = seed;
    scene->w = 1;
    scene->cts = 1000;
    model_init(&scene->model, &scene->fixture, keys, shape);
}

/* All keys are in, and their places known. */
static void begin_with_places(struct scene *scene, size_t keys)
{
    begin(scene, keys, MODEL_PLAIN, 1);
    put_range(scene, 0, scene->model.count);
    put_range(scene, 0, scene->model.count);
    for (size_t i = 0; i < scene->model.count; i++)
        assert_int_not_equal(scene->places[i], 0);
}

static void verify(struct scene *scene)
{
    assert_int_equal(skiplist_check(scene->fixture.skiplist), PM_OK);
    assert_true(model_matches(&scene->model, &scene->fixture));
}

static void end(struct scene *scene)
{
    verify(scene);
    model_free(&scene->model);
    fixture_close(&scene->fixture);
}

/* A newer record of the key, in place of `replaced`. The model does not know of it. */
static struct overwrite overwrite_of(struct scene *scene, size_t key, pm_loc replaced, bool replaced_expiry,
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

/* Of what the index names now. */
static struct overwrite overwrite_now(struct scene *scene, size_t key)
{
    const struct model_key *known = &scene->model.keys[key];

    return overwrite_of(scene, key, known->loc, known->expires, known->expires);
}

static void run(struct scene *scene, size_t count)
{
    uint64_t w = skiplist_durable_w(scene->fixture.skiplist), first = scene->cts;
    struct overwrite *out = ops;

    for (size_t i = 0; i < count; i++)
        first = ops[i].cts < first ? ops[i].cts : first;
    assert_int_equal(skiplist_overwrite(scene->fixture.skiplist, &scene->fixture.context, &out, scratch, count), PM_OK);
    assert_true(out == ops || out == scratch);
    assert_int_equal(skiplist_durable_w(scene->fixture.skiplist), w);
    memset(results, 0, count * sizeof *results);
    for (size_t i = 0; i < count; i++) {
        assert_in_range(out[i].cts - first, 0, count - 1);
        results[out[i].cts - first] = out[i];
    }
}

static uint64_t expires(const struct scene *scene)
{
    struct skiplist_counts counts;

    skiplist_counts(scene->fixture.skiplist, &counts);
    return counts.expires[0];
}

/* It is left undone, just as it was but for its place, and nothing was stored. */
static void expect_left(struct scene *scene, struct overwrite op)
{
    struct overwrite expected = op;
    uint64_t batch = journal_batch(scene->fixture.skiplist->journal);

    ops[0] = op;
    run(scene, 1);
    expected.place = 0;
    assert_memory_equal(&results[0], &expected, sizeof expected);
    assert_int_equal(journal_batch(scene->fixture.skiplist->journal), batch);
    verify(scene);
}

static void expect_done(struct scene *scene, size_t key, struct overwrite op)
{
    ops[0] = op;
    run(scene, 1);
    assert_memory_equal(&results[0], &op, sizeof op);
    scene->model.keys[key].loc = op.loc;
    scene->model.keys[key].expires = op.has_expiry;
    verify(scene);
}

/* ---- carried out ---- */

static void test_right_place(void **state)
{
    static const bool expiries[] = {true, true, false, false};
    struct scene scene;
    uint64_t w;

    (void)state;
    begin_with_places(&scene, 300);
    w = skiplist_durable_w(scene.fixture.skiplist);
    for (size_t key = 0; key < scene.model.count; key += 7) {
        for (size_t i = 0; i < sizeof expiries; i++) { /* gains, keeps, loses, has none */
            const struct model_key *known = &scene.model.keys[key];

            expect_done(&scene, key, overwrite_of(&scene, key, known->loc, known->expires, expiries[i]));
            assert_int_equal(expires(&scene), expiries[i]);
        }
    }
    assert_int_equal(skiplist_durable_w(scene.fixture.skiplist), w);
    end(&scene);
}

static void test_nothing_at_all(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene, 10, MODEL_PLAIN, 1);
    run(&scene, 0);
    end(&scene);
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
    begin_with_places(&scene, 200);
    replaced = scene.model.keys[50].loc;
    for (int i = 0; i < LENGTH; i++)
        chain[i] = overwrite_of(&scene, 50, i == 0 ? replaced : chain[i - 1].loc, i != 0 && i % 2 != 0, i % 2 == 0);
    for (int i = 0; i < LENGTH; i++)
        ops[i] = chain[order[i]];
    run(&scene, LENGTH);
    for (int i = 0; i < LENGTH; i++) {
        assert_int_equal(results[i].place, scene.places[50]);
        assert_int_equal(results[i].replaced, i == 0 ? replaced : 0);
        assert_int_equal(results[i].loc, i == LENGTH - 1 ? chain[i].loc : 0);
    }
    assert_int_equal(expires(&scene), 1);
    scene.model.keys[50].loc = chain[LENGTH - 1].loc;
    scene.model.keys[50].expires = true;
    end(&scene);
}

/* One key is all that a cut has, written by several writers, whose logs are read one behind the other. */
static void test_hot_key(void **state)
{
    enum { VERSIONS = OPS_MAX, WRITERS = 4 };
    static pm_loc locs[VERSIONS];
    struct scene scene;
    size_t at = 0;

    (void)state;
    begin_with_places(&scene, 200);
    for (size_t i = 0; i < VERSIONS; i++)
        locs[i] = fixture_record(&scene.fixture, &scene.model.keys[5].key, false);
    for (size_t writer = 0; writer < WRITERS; writer++)
        for (size_t i = writer; i < VERSIONS; i += WRITERS) {
            pm_loc replaced = i == 0 ? scene.model.keys[5].loc : locs[i - 1];

            ops[at++] = (struct overwrite){
                .loc = locs[i],
                .replaced = replaced,
                .generation = record_generation(scene.fixture.pool, replaced),
                .cts = i,
                .place = scene.places[5],
            };
        }
    run(&scene, VERSIONS);
    for (size_t i = 0; i < VERSIONS; i++) {
        assert_int_not_equal(results[i].place, 0);
        assert_int_equal(results[i].replaced, i == 0 ? scene.model.keys[5].loc : 0);
        assert_int_equal(results[i].loc, i + 1 == VERSIONS ? locs[i] : 0);
    }
    scene.model.keys[5].loc = locs[VERSIONS - 1];
    end(&scene);
}

/* A version whose predecessor is not in order is left, and so is what comes behind it; what came before is carried out. */
static void test_broken_chain(void **state)
{
    struct overwrite chain[4];
    struct scene scene;

    (void)state;
    begin_with_places(&scene, 200);
    for (int i = 0; i < 4; i++)
        chain[i] = overwrite_of(&scene, 9, i == 0 ? scene.model.keys[9].loc : chain[i - 1].loc, false, false);
    chain[2].generation++;
    for (int i = 0; i < 4; i++)
        ops[i] = chain[3 - i];
    run(&scene, 4);
    assert_true(results[0].place != 0 && results[0].loc == 0 && results[0].replaced == chain[0].replaced);
    assert_true(results[1].place != 0 && results[1].loc == chain[1].loc && results[1].replaced == 0);
    for (int i = 2; i < 4; i++) {
        chain[i].place = 0;
        assert_memory_equal(&results[i], &chain[i], sizeof chain[i]);
    }
    scene.model.keys[9].loc = chain[1].loc;
    end(&scene);
}

static void test_two_keys_claim_one_place(void **state)
{
    for (int first = 0; first < 2; first++) {
        struct scene scene;
        struct overwrite right, wrong;

        (void)state;
        begin_with_places(&scene, 200);
        if (first == 0)
            wrong = overwrite_now(&scene, 8);
        right = overwrite_now(&scene, 7);
        if (first != 0)
            wrong = overwrite_now(&scene, 8);
        wrong.place = right.place;
        ops[0] = wrong;
        ops[1] = right;
        run(&scene, 2);
        assert_memory_equal(&results[1 - first], &right, sizeof right);
        wrong.place = 0;
        assert_memory_equal(&results[first], &wrong, sizeof wrong);
        scene.model.keys[7].loc = right.loc;
        end(&scene);
    }
}

/* More than one journal batch holds, versions and expiries mixed in. */
static void test_more_than_a_batch(void **state)
{
    struct scene scene;
    size_t count = 0;
    uint64_t batch, expected = 0;

    (void)state;
    begin_with_places(&scene, KEYS_MAX);
    assert_true(scene.model.count * 16 > journal_capacity(scene.fixture.skiplist->journal));
    for (size_t i = scene.model.count; i-- > 0;) {
        ops[count] = overwrite_of(&scene, i, scene.model.keys[i].loc, false, i % 3 == 0);
        scene.model.keys[i].loc = ops[count++].loc;
        scene.model.keys[i].expires = i % 3 == 0;
        expected += i % 3 == 0;
    }
    batch = journal_batch(scene.fixture.skiplist->journal);
    run(&scene, count);
    assert_true(journal_batch(scene.fixture.skiplist->journal) - batch >= 2);
    for (size_t i = 0; i < count; i++)
        assert_true(results[i].place != 0 && results[i].loc != 0 && results[i].replaced != 0);
    assert_int_equal(expires(&scene), expected);
    end(&scene);
}

/* ---- left undone ---- */

static void test_wrong_record(void **state)
{
    struct scene scene;
    struct overwrite op;

    (void)state;
    begin_with_places(&scene, 200);
    op = overwrite_now(&scene, 5);
    op.replaced = scene.model.keys[6].loc; /* another key's */
    expect_left(&scene, op);
    op.replaced = op.loc;
    expect_left(&scene, op);
    op = overwrite_now(&scene, 5);
    op.generation--;
    expect_left(&scene, op);
    op.generation += 2;
    expect_left(&scene, op);
    op.generation--;
    expect_done(&scene, 5, op);
    end(&scene);
}

static void test_wrong_number(void **state)
{
    struct scene scene;
    struct overwrite op;
    uint32_t right, last;

    (void)state;
    begin_with_places(&scene, 200);
    op = overwrite_now(&scene, 5);
    right = op.place;
    last = (uint32_t)(scene.fixture.pm->bytes / PM_LEAF_BYTES);
    for (uint32_t slot = 0; slot < PM_PLACES; slot++) {
        op.place = right / PM_PLACES * PM_PLACES + slot;
        if (op.place != right)
            expect_left(&scene, op);
    }
    for (uint32_t leaf = 0; leaf < last + 3; leaf += 1 + leaf / 4) {
        op.place = leaf * PM_PLACES + right % PM_PLACES;
        if (op.place != right)
            expect_left(&scene, op);
    }
    op.place = (last - 1) * PM_PLACES;
    expect_left(&scene, op);
    op.place = UINT32_MAX;
    expect_left(&scene, op);
    op.place = UINT32_MAX / PM_PLACES * PM_PLACES + right % PM_PLACES;
    expect_left(&scene, op);
    op.place = right;
    expect_done(&scene, 5, op);
    end(&scene);
}

/* The bytes of a forgotten entry lie where they lay. */
static void test_entry_is_gone(void **state)
{
    struct scene scene;
    struct overwrite op;

    (void)state;
    begin_with_places(&scene, 200);
    op = overwrite_now(&scene, 5);
    forget_range(&scene, 5, 6);
    assert_int_equal(
        entry_loc(leaf_entry(media_leaf(scene.fixture.skiplist, op.place / PM_PLACES), op.place % PM_PLACES)),
        op.replaced);
    expect_left(&scene, op);
    end(&scene);
}

/* Slots that are none: prefix and fence lie there, and may say anything. */
static void test_slot_behind_the_last(void **state)
{
    struct scene scene;
    struct overwrite op;
    struct pmd_leaf *leaf;

    (void)state;
    begin_with_places(&scene, 200);
    op = overwrite_now(&scene, 5);
    leaf = media_leaf(scene.fixture.skiplist, op.place / PM_PLACES);
    for (uint32_t slot = leaf_capacity(leaf); slot < PM_PLACES; slot++) {
        op.place = op.place / PM_PLACES * PM_PLACES + slot;
        expect_left(&scene, op);
    }
    end(&scene);
}

/* A dead leaf still has the entries that were merged into another one: they name the right record. */
static void test_leaf_is_dead(void **state)
{
    uint32_t dead = 0, lived = 0;
    struct scene scene;

    (void)state;
    begin_with_places(&scene, 600);
    for (size_t i = 0; i < scene.model.count; i++) {
        struct model_key *key = &scene.model.keys[i];

        if (i % 5 == 0)
            continue;
        key->loc = 0;
        put_ops[lived++] = (struct index_op){.key = key->key, .kind = INDEX_FORGET};
    }
    { /* not through model_apply(): skiplist_step() stays away, so what is dead is in limbo */
        size_t applied;

        assert_int_equal(
            skiplist_apply(scene.fixture.skiplist, &scene.fixture.context, put_ops, lived, ++scene.w, &applied), PM_OK);
    }
    for (int freed = 0; freed < 2; freed++) {
        for (size_t i = 0; i < scene.model.count; i += 5) {
            struct overwrite op = overwrite_now(&scene, i);
            uint64_t leaf = op.place / PM_PLACES;

            if (media_leaf(scene.fixture.skiplist, leaf)->state == PMD_LEAF_LIVE)
                continue;
            assert_int_equal(leaf_space_is_used(scene.fixture.skiplist->space, leaf), !freed);
            expect_left(&scene, op);
            dead++;
        }
        while (skiplist_step(scene.fixture.skiplist, &scene.fixture.context))
            ;
    }
    assert_true(dead > 20);
    end(&scene);
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
    begin_with_places(&scene, 200);
    op = overwrite_now(&scene, 5);
    number = op.place / PM_PLACES;
    right = media_leaf(scene.fixture.skiplist, number);
    while (leaf_space_is_used(scene.fixture.skiplist->space, number))
        number++;
    for (int i = 0; i < 2; i++) {
        uint32_t place = op.place;

        forged = media_leaf(scene.fixture.skiplist, number);
        memcpy(forged, right, sizeof *forged);
        op.place = (uint32_t)number * PM_PLACES + place % PM_PLACES;
        expect_left(&scene, op);
        assert_memory_equal(forged, right, sizeof *forged);
        memset(forged, 0, sizeof *forged);
        number = (pool_segment_off(scene.fixture.pool, scene.fixture.record_segment + 1)) / PM_LEAF_BYTES - 1;
    }
    end(&scene);
}

/* What a header says that cannot be is not believed. */
static void test_leaf_is_not_sound(void **state)
{
    struct scene scene;
    struct overwrite op;
    struct pmd_leaf *leaf, whole;

    (void)state;
    begin_with_places(&scene, 200);
    op = overwrite_now(&scene, 5);
    leaf = media_leaf(scene.fixture.skiplist, op.place / PM_PLACES);
    whole = *leaf;
    for (int i = 0; i < 2; i++) {
        leaf->used |= i == 0 ? UINT64_C(1) << 63 : 0;
        leaf->prefix_len = i == 1 ? PM_LEAF_KEY_BYTES_MAX + 1 : leaf->prefix_len;
        ops[0] = op;
        run(&scene, 1);
        assert_int_equal(results[0].place, 0);
        *leaf = whole;
    }
    expect_done(&scene, 5, op);
    end(&scene);
}

/* A leaf that split: the entry lies elsewhere, and its old bytes, free or another key's, are not touched. */
static void test_leaf_has_split(void **state)
{
    uint32_t left = 0, done = 0;
    struct scene scene;

    (void)state;
    begin(&scene, 3000, MODEL_PLAIN, 3);
    for (int round = 0; round < 2; round++) {
        size_t count = 0;

        for (size_t i = 0; i < scene.model.count; i += 20) {
            struct model_key *key = &scene.model.keys[i];

            key->loc = fixture_record(&scene.fixture, &key->key, false);
            put_ops[count++] = (struct index_op){.key = key->key, .kind = INDEX_PUT, .loc = key->loc};
        }
        apply_puts(&scene, count);
    }
    for (size_t i = 0, count = 0; i < scene.model.count; i++) {
        struct model_key *key = &scene.model.keys[i];

        if (i % 20 != 0) {
            key->loc = fixture_record(&scene.fixture, &key->key, false);
            put_ops[count++] = (struct index_op){.key = key->key, .kind = INDEX_PUT, .loc = key->loc};
        }
        if (i + 1 == scene.model.count)
            apply_puts(&scene, count);
    }
    for (size_t i = 0; i < scene.model.count; i += 20) {
        struct overwrite op = overwrite_now(&scene, i);

        ops[0] = op;
        run(&scene, 1);
        left += results[0].place == 0;
        done += results[0].place != 0;
        scene.model.keys[i].loc = results[0].place != 0 ? op.loc : scene.model.keys[i].loc;
        verify(&scene);
    }
    print_message("%u left, %u done\n", left, done);
    assert_true(left > 50);
    end(&scene);
}

static void test_database_was_dropped(void **state)
{
    struct scene scene;
    struct overwrite dropped[40];

    (void)state;
    begin_with_places(&scene, 400);
    for (size_t i = 0; i < 40; i++)
        dropped[i] = overwrite_now(&scene, i * 9);
    model_drop(&scene.model, 1);
    assert_int_equal(skiplist_drop_databases(scene.fixture.skiplist, &scene.fixture.context, 1, ++scene.w), PM_OK);
    for (int freed = 0; freed < 2; freed++) {
        for (size_t i = 0; i < 40; i++)
            expect_left(&scene, dropped[i]);
        while (skiplist_step(scene.fixture.skiplist, &scene.fixture.context))
            ;
    }
    put_range(&scene, 0, scene.model.count); /* others lie there now */
    for (size_t i = 0; i < 40; i++)
        expect_left(&scene, dropped[i]);
    end(&scene);
}

/* ---- at random ---- */

struct named {
    pm_loc loc;
    uint32_t place;
};
static struct named named[KEYS_MAX + 1];
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

            assert_in_range(named_count, 0, KEYS_MAX);
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
static struct drawn drawn[KEYS_MAX];

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
        struct overwrite *op = &ops[(*count)++];

        *op = overwrite_of(scene, key, replaced, expiry, random & 1);
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
        struct overwrite op = ops[i - 1];

        ops[i - 1] = ops[other];
        ops[other] = op;
    }
}

static void check_versions(struct scene *scene, const struct drawn *draw)
{
    struct model_key *known = &scene->model.keys[draw->key];

    for (uint32_t i = 0; i < draw->count; i++) {
        const struct overwrite *result = &results[draw->first + i];
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
    const struct overwrite *oldest = &results[draw->first + draw->done];
    struct model_key *known = &scene->model.keys[draw->key];

    if (draw->done == draw->count)
        return;
    known->loc = draw->locs[draw->count - 1];
    known->expires = draw->expires[draw->count - 1];
    put_ops[(*count)++] = (struct index_op){
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
    run(scene, count);
    for (size_t i = 0; i < keys; i++)
        check_versions(scene, &drawn[i]);
    verify(scene);
    for (size_t i = 0; i < keys; i++) {
        *done += drawn[i].done;
        *left += drawn[i].count - drawn[i].done;
        put_left(scene, &drawn[i], &put);
    }
    apply_puts(scene, put);
    verify(scene);
}

static void live_a_life(enum model_shape shape, size_t keys, uint64_t seed)
{
    static const uint32_t shares[] = {256, 230, 200, 60, 230}; /* of PUT: grows, shrinks, grows */
    uint64_t done = 0, left = 0;
    struct scene scene;

    begin(&scene, keys, shape, seed);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        size_t count = model_draw(&scene.model, &scene.fixture, put_ops, scene.model.count / 3, 0, scene.model.count,
                                  shares[round / 8 % 5]);

        apply_puts(&scene, count);
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
    end(&scene);
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
        cmocka_unit_test(test_right_place),
        cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_hot_key),
        cmocka_unit_test(test_broken_chain),
        cmocka_unit_test(test_two_keys_claim_one_place),
        cmocka_unit_test(test_more_than_a_batch),
        cmocka_unit_test(test_wrong_record),
        cmocka_unit_test(test_wrong_number),
        cmocka_unit_test(test_entry_is_gone),
        cmocka_unit_test(test_slot_behind_the_last),
        cmocka_unit_test(test_leaf_is_dead),
        cmocka_unit_test(test_forged_leaf),
        cmocka_unit_test(test_leaf_is_not_sound),
        cmocka_unit_test(test_leaf_has_split),
        cmocka_unit_test(test_database_was_dropped),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
