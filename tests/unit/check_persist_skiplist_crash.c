/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: a crash at any flush or drain of the index writer leaves, after recovery, the index before a batch or behind it;
 * so does a second crash during that recovery, and the death of the process alone before a power cut.
 * Method: a life of inserts, splits, merges, drops and segments given back, and one of overwrites by place, over the
 * simulated backing; at its crash points images are recovered in children and compared with the model before and after
 * the batch in the making. Then each flush and drain is left out in turn: the suite must notice those that are needed, and
 * those alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/crash.h"
#include "tests/support/index_fixture.h"
#include "tests/unit/check.h"

enum { SEGMENT_BITS = 16, SEGMENTS = 160, KEYS = 700, KEYS_MANY = 2800, OPS_MAX = KEYS_MANY, ONE_BATCH_OPS = 100 };

static struct index_op ops[OPS_MAX];

/* What the judge needs to know: the model before the batch in the making and behind it. */
struct life {
    struct fixture fixture;
    struct model model; /* as after the batch */
    pm_loc before[KEYS_MANY];
    uint64_t turns[KEYS_MANY]; /* overwrites by place: leaves become durable in this order; 0: not one of them */
    uint32_t places[KEYS_MANY];
    uint64_t w_before, w_after;
    bool whole;    /* the batch is one journal batch: all or nothing */
    bool going_on; /* a second crash comes after the survivor has gone on */
};

static bool say(const char *what)
{
    fprintf(stderr, "%s\n", what);
    return false;
}

/* Overwrites by place: leaf by leaf, so nothing that comes before what is done is undone. */
static bool order_is_kept(const struct life *life, struct fixture *found)
{
    uint64_t done = 0, undone = UINT64_MAX;

    for (size_t i = 0; i < life->model.count; i++) {
        uint64_t turn = life->turns[i];
        pm_loc loc;

        if (turn == 0 || skiplist_lookup(found->skiplist, &life->model.keys[i].key, &loc) != PM_OK)
            continue;
        if (loc == life->before[i])
            undone = turn < undone ? turn : undone;
        else
            done = turn > done ? turn : done;
    }
    return done < undone ? true : say("overwrites out of order");
}

/* Every key as before or as behind, together with W. */
static bool state_is_allowed(struct life *life, struct fixture *found)
{
    uint64_t w = skiplist_durable_w(found->skiplist);
    bool is_before = true, is_after = true;

    if (w < life->w_before || w > life->w_after + life->going_on)
        return say("a W that never was");
    for (size_t i = 0; i < life->model.count; i++) {
        const struct model_key *key = &life->model.keys[i];
        pm_loc loc;

        if (skiplist_lookup(found->skiplist, &key->key, &loc) != PM_OK)
            return say("a lookup fails");
        is_before = is_before && loc == life->before[i];
        is_after = is_after && loc == key->loc;
        if (loc != life->before[i] && loc != key->loc)
            return say("a key is neither as before nor as behind");
    }
    if (w >= life->w_after && w != life->w_before && !is_after)
        return say("W says behind, a key says before");
    if (!life->going_on && !order_is_kept(life, found))
        return false;
    return !life->whole || life->going_on || is_before || is_after ? true : say("half a batch");
}

/* The survivor goes on: the batch comes again, and then more. */
static bool goes_on(struct life *life, struct fixture *found)
{
    size_t applied, count = 0;

    life->going_on = true;
    for (size_t i = 0; i < life->model.count; i++) {
        const struct model_key *key = &life->model.keys[i];

        ops[count++] = (struct index_op){.key = key->key,
                                         .kind = key->loc != 0 ? INDEX_PUT : INDEX_FORGET,
                                         .has_expiry = key->expires,
                                         .loc = key->loc};
    }
    if (skiplist_apply(found->skiplist, &found->context, ops, count, life->w_after + 1, &applied) != PM_OK)
        return say("the batch does not go in again");
    if (skiplist_check(found->skiplist) != PM_OK || !model_matches(&life->model, found))
        return say("after the batch was applied again the index is wrong");
    return true;
}

static bool recover(struct pm *pm, void *context)
{
    struct life *life = context;
    struct fixture found;

    if (!fixture_recover(&found, pm))
        return false;
    if (skiplist_check(found.skiplist) != PM_OK)
        return say("the recovered index breaks an invariant");
    return state_is_allowed(life, &found) && goes_on(life, &found);
}

static void note_before(struct life *life)
{
    for (size_t i = 0; i < life->model.count; i++)
        life->before[i] = life->model.keys[i].loc;
    memset(life->turns, 0, sizeof life->turns);
    life->w_before = life->w_after;
}

/* Drawn together, so that no other drain comes between the slices' batches, which would stand in for a missing one. */
static void live_batch(struct life *life, size_t wanted, uint32_t slices, uint32_t puts)
{
    struct fixture *fixture = &life->fixture;
    size_t count, applied;

    note_before(life);
    count = model_draw(&life->model, fixture, ops, wanted, 0, life->model.count, puts);
    life->whole = slices == 1 && count <= ONE_BATCH_OPS;
    life->w_after += slices;
    for (uint32_t i = 0; i < slices; i++) {
        size_t from = count * i / slices, to = count * (i + 1) / slices;

        assert_int_equal(skiplist_apply(fixture->skiplist, &fixture->context, ops + from, to - from,
                                        life->w_after - slices + i + 1, &applied),
                         PM_OK);
    }
    note_before(life);
    while (skiplist_step(fixture->skiplist, &fixture->context))
        ;
}

static void live_drop(struct life *life, uint32_t databases)
{
    note_before(life);
    model_drop(&life->model, databases);
    life->whole = false;
    life->w_after++;
    assert_int_equal(skiplist_drop_databases(life->fixture.skiplist, &life->fixture.context, databases, life->w_after),
                     PM_OK);
    note_before(life);
}

/* A mutant's life ends with the first failure. */
static void live(struct life *life, uint32_t rounds, const struct crash_run *crash)
{
    for (uint32_t round = 0; round < rounds; round++) {
        if (crash->plan.stop_at_first && crash->failures != 0)
            return;
        live_batch(life, round % 3 == 0 ? 400 : 60, 1, 230);
        live_batch(life, 30, 3, 200);
        live_batch(life, 300, 4, 40);
        live_batch(life, 80, 1, 0);
        if (round % 3 == 1)
            live_drop(life, round % 2 != 0 ? 0x1 : 0xfffe);
    }
    for (int i = 0; i < 6; i++)
        live_batch(life, KEYS, 1, 0);
}

/* ---- overwrites by place ---- */

/* All keys are in, with their places. */
static void learn_places(struct life *life)
{
    struct fixture *fixture = &life->fixture;
    size_t applied;

    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < life->model.count; i++) {
            struct model_key *key = &life->model.keys[i];

            key->loc = fixture_record(fixture, &key->key, false);
            ops[i] = (struct index_op){.key = key->key, .kind = INDEX_PUT, .loc = key->loc};
        }
        assert_int_equal(
            skiplist_apply(fixture->skiplist, &fixture->context, ops, life->model.count, ++life->w_after, &applied),
            PM_OK);
    }
    for (size_t i = 0; i < life->model.count; i++)
        life->places[i] = ops[i].place;
    note_before(life);
}

/* Calls of skiplist_overwrite(), in groups. They are drawn, and their records written, before the first crash point. */
enum { CALLS_MAX = 64, OVERWRITES_MAX = 16384 };
static struct overwrite overwrites[OVERWRITES_MAX], overwrites_scratch[OVERWRITES_MAX];
static uint32_t overwritten[OVERWRITES_MAX]; /* keys */
static struct call {
    size_t from, to;
    uint32_t slices; /* of the group that begins here, itself included; 0: it goes on */
} calls[CALLS_MAX];
static size_t call_count;

/* A newer version of the key. The model is ahead until all are drawn. */
static void draw_overwrite(struct life *life, size_t i, size_t at)
{
    struct model_key *key = &life->model.keys[i];
    bool expires = fixture_random(&life->fixture) % 2;

    overwrites[at] = (struct overwrite){
        .loc = fixture_record(&life->fixture, &key->key, expires),
        .db = key->key.db,
        .has_expiry = expires,
        .replaced_expiry = key->expires,
        .replaced = key->loc,
        .generation = record_generation(life->fixture.pool, key->loc),
        .cts = at,
        .place = life->places[i],
    };
    key->loc = overwrites[at].loc;
    key->expires = expires;
    overwritten[at] = (uint32_t)i;
}

/* One key in `share`, some of them twice; each slice of the group has keys of its own. */
static void draw_group(struct life *life, uint32_t slices, uint32_t share)
{
    for (uint32_t slice = 0; slice < slices; slice++) {
        size_t from = call_count == 0 ? 0 : calls[call_count - 1].to, at = from;

        for (size_t i = slice; i < life->model.count; i += slices) {
            uint64_t random = fixture_random(&life->fixture);

            for (uint32_t version = 0; random % share == 0 && version <= (random >> 16) % 2; version++)
                draw_overwrite(life, i, at++);
        }
        assert_in_range(at, 0, OVERWRITES_MAX);
        assert_in_range(call_count, 0, CALLS_MAX - 1);
        calls[call_count++] = (struct call){from, at, slice == 0 ? slices : 0};
    }
}

static void draw_overwrites(struct life *life, uint32_t rounds)
{
    learn_places(life);
    call_count = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        draw_group(life, 1, 20);
        draw_group(life, 4, 2);
        draw_group(life, 1, 1);
    }
    for (size_t i = 0; i < life->model.count; i++) {
        life->model.keys[i].loc = life->before[i];
        life->model.keys[i].expires = false;
    }
}

static void live_group(struct life *life, const struct call *group)
{
    note_before(life);
    for (const struct call *call = group; call < group + group->slices; call++)
        for (size_t at = call->from; at < call->to; at++) {
            struct model_key *key = &life->model.keys[overwritten[at]];

            key->loc = overwrites[at].loc;
            key->expires = overwrites[at].has_expiry;
            life->turns[overwritten[at]] = (uint64_t)(call - group + 1) << 32 | overwrites[at].place / PM_PLACES;
        }
    life->whole = group->slices == 1 && group->to - group->from <= ONE_BATCH_OPS;
    for (const struct call *call = group; call < group + group->slices; call++) {
        struct overwrite *out = overwrites + call->from;
        size_t count = call->to - call->from;

        assert_int_equal(
            skiplist_overwrite(life->fixture.skiplist, &life->fixture.context, &out, overwrites_scratch, count), PM_OK);
        for (size_t i = 0; i < count; i++)
            assert_int_not_equal(out[i].place, 0);
    }
    note_before(life);
}

/* A mutant's life ends with the first failure. */
static void live_by_place(struct life *life, const struct crash_run *crash)
{
    for (size_t i = 0; i < call_count; i += calls[i].slices) {
        if (crash->plan.stop_at_first && crash->failures != 0)
            return;
        live_group(life, &calls[i]);
    }
}

enum life_kind { LIFE_BATCHES, LIFE_OVERWRITES, LIFE_MANY_OVERWRITES };

static uint64_t run_life(enum life_kind kind, enum pm_sim_mode mode, const struct crash_plan *wanted,
                         enum pm_site skipped, uint32_t rounds, enum model_shape shape)
{
    static struct life life;
    struct crash_plan plan = *wanted;
    struct crash_run crash;
    uint64_t failures;

    memset(&life, 0, sizeof life);
    fixture_open_sim(&life.fixture, SEGMENTS, SEGMENT_BITS, mode);
    life.fixture.random = plan.seed;
    model_init(&life.model, &life.fixture, kind == LIFE_MANY_OVERWRITES ? KEYS_MANY : KEYS, shape);
    if (kind != LIFE_BATCHES)
        draw_overwrites(&life, rounds);
    plan.recover = recover;
    plan.context = &life;
    pm_sim_skip_site(life.fixture.pm, skipped);
    crash_begin(&crash, life.fixture.pm, &plan);
    if (kind == LIFE_BATCHES)
        live(&life, rounds, &crash);
    else
        live_by_place(&life, &crash);
    failures = crash_end(&crash);
    if (!plan.quiet)
        print_message("%llu points, %llu images\n", (unsigned long long)crash.points, (unsigned long long)crash.images);
    model_free(&life.model);
    fixture_close(&life.fixture);
    return failures;
}

static uint64_t run(enum pm_sim_mode mode, const struct crash_plan *plan, enum pm_site skipped, uint32_t rounds,
                    enum model_shape shape)
{
    return run_life(LIFE_BATCHES, mode, plan, skipped, rounds, shape);
}

static void test_lines(void **state)
{
    const struct crash_plan plan = {.seed = 11, .images_a_point = 4, .every = 40, .nested = true};

    (void)state;
    assert_int_equal(run(PM_SIM_LINES, &plan, PM_SITE_COUNT, 3, MODEL_FAMILIES), 0);
}

static void test_pages(void **state)
{
    const struct crash_plan plan = {.seed = 12, .images_a_point = 4, .every = 50, .nested = true};

    (void)state;
    assert_int_equal(run(PM_SIM_PAGES, &plan, PM_SITE_COUNT, 3, MODEL_FAMILIES), 0);
}

static void test_killed(void **state)
{
    const struct crash_plan plan = {.seed = 13, .images_a_point = 1, .every = 40, .nested = true, .killed = true};

    (void)state;
    assert_int_equal(run(PM_SIM_LINES, &plan, PM_SITE_COUNT, 3, MODEL_LONG), 0);
}

/* One point in 32, drains one in four: with all of them it takes five times as long until an image fails. */
static struct crash_plan plan_of_mutant(uint64_t seed)
{
    return (struct crash_plan){.seed = seed,
                               .images_a_point = 6,
                               .every = 32,
                               .nested = true,
                               .killed = true,
                               .quiet = true,
                               .stop_at_first = true};
}

static void test_each_site_is_needed(void **state)
{
    static const enum pm_site sites[] = {
        PM_SITE_NEW_LEAF_FLUSH, PM_SITE_JOURNAL_FLUSH,        PM_SITE_JOURNAL_DRAIN,        PM_SITE_APPLY_FLUSH,
        PM_SITE_APPLY_DRAIN,    PM_SITE_RECOVERY_APPLY_FLUSH, PM_SITE_RECOVERY_APPLY_DRAIN,
    };
    struct crash_plan plan = plan_of_mutant(14);

    (void)state;
    if (CRASH_THIN > 1)
        skip();
    for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
        print_message("without site %d\n", (int)sites[i]);
        assert_int_not_equal(run(PM_SIM_LINES, &plan, sites[i], 6, MODEL_FAMILIES), 0);
    }
    plan.images_max = 300;
    plan.every = 20;
    assert_int_equal(run(PM_SIM_LINES, &plan, PM_SITE_TOWER_FLUSH, 3, MODEL_FAMILIES), 0);
}

static void test_overwrites(void **state)
{
    const struct crash_plan plan = {.seed = 15, .images_a_point = 4, .every = 30, .nested = true};
    const struct crash_plan killed = {.seed = 16, .images_a_point = 1, .every = 20, .nested = true, .killed = true};

    (void)state;
    assert_int_equal(run_life(LIFE_OVERWRITES, PM_SIM_LINES, &plan, PM_SITE_COUNT, 3, MODEL_FAMILIES), 0);
    assert_int_equal(run_life(LIFE_OVERWRITES, PM_SIM_PAGES, &plan, PM_SITE_COUNT, 3, MODEL_FAMILIES), 0);
    assert_int_equal(run_life(LIFE_OVERWRITES, PM_SIM_LINES, &killed, PM_SITE_COUNT, 3, MODEL_FAMILIES), 0);
}

/* A call of several journal batches. */
static void test_many_overwrites(void **state)
{
    const struct crash_plan plan = {.seed = 17, .images_a_point = 4, .every = 60, .nested = true};

    (void)state;
    assert_int_equal(run_life(LIFE_MANY_OVERWRITES, PM_SIM_LINES, &plan, PM_SITE_COUNT, 1, MODEL_PLAIN), 0);
}

/* Those of recovery are needed by any batch. */
static void test_each_site_is_needed_by_overwrites(void **state)
{
    static const enum pm_site sites[] = {PM_SITE_JOURNAL_FLUSH, PM_SITE_JOURNAL_DRAIN, PM_SITE_APPLY_FLUSH,
                                         PM_SITE_APPLY_DRAIN};
    const struct crash_plan plan = plan_of_mutant(18);

    (void)state;
    if (CRASH_THIN > 1)
        skip();
    for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
        print_message("without site %d\n", (int)sites[i]);
        assert_int_not_equal(run_life(LIFE_OVERWRITES, PM_SIM_LINES, &plan, sites[i], 6, MODEL_FAMILIES), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_each_site_is_needed),
        cmocka_unit_test(test_overwrites),
        cmocka_unit_test(test_many_overwrites),
        cmocka_unit_test(test_each_site_is_needed_by_overwrites),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
