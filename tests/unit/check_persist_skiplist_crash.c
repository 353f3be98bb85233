/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: a crash at any flush or drain of the index writer leaves, after recovery, the index before a batch or behind it;
 * so does a second crash during that recovery, and the death of the process alone before a power cut.
 * Method: a life of inserts, splits, merges, drops and segments given back over the simulated backing; at its crash
 * points images are recovered in children and compared with the model before and after the batch in the making. Then
 * each flush and drain is left out in turn: the suite must notice those that are needed, and those alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/crash.h"
#include "tests/support/index_fixture.h"
#include "tests/unit/check.h"

enum { SEGMENT_BITS = 16, SEGMENTS = 160, KEYS = 700, OPS_MAX = 2048, ONE_BATCH_OPS = 100 };

static struct index_op ops[OPS_MAX];

/* What the judge needs to know: the model before the batch in the making and behind it. */
struct life {
    struct fixture fixture;
    struct model model; /* as after the batch */
    pm_loc before[KEYS];
    uint64_t w_before, w_after;
    bool whole;    /* the batch is one journal batch: all or nothing */
    bool going_on; /* a second crash comes after the survivor has gone on */
};

static bool say(const char *what)
{
    fprintf(stderr, "%s\n", what);
    return false;
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

static uint64_t run(enum pm_sim_mode mode, const struct crash_plan *wanted, enum pm_site skipped, uint32_t rounds,
                    enum model_shape shape)
{
    static struct life life;
    struct crash_plan plan = *wanted;
    struct crash_run crash;
    uint64_t failures;

    memset(&life, 0, sizeof life);
    fixture_open_sim(&life.fixture, SEGMENTS, SEGMENT_BITS, mode);
    life.fixture.random = plan.seed;
    model_init(&life.model, &life.fixture, KEYS, shape);
    plan.recover = recover;
    plan.context = &life;
    pm_sim_skip_site(life.fixture.pm, skipped);
    crash_begin(&crash, life.fixture.pm, &plan);
    live(&life, rounds, &crash);
    failures = crash_end(&crash);
    if (!plan.quiet)
        print_message("%llu points, %llu images\n", (unsigned long long)crash.points, (unsigned long long)crash.images);
    model_free(&life.model);
    fixture_close(&life.fixture);
    return failures;
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

static void test_each_site_is_needed(void **state)
{
    static const enum pm_site sites[] = {
        PM_SITE_NEW_LEAF_FLUSH, PM_SITE_JOURNAL_FLUSH,        PM_SITE_JOURNAL_DRAIN,        PM_SITE_APPLY_FLUSH,
        PM_SITE_APPLY_DRAIN,    PM_SITE_RECOVERY_APPLY_FLUSH, PM_SITE_RECOVERY_APPLY_DRAIN,
    };
    struct crash_plan plan = {
        .seed = 14, .images_a_point = 6, .nested = true, .killed = true, .quiet = true, .stop_at_first = true};

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_each_site_is_needed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
