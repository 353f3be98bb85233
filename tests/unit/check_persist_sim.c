/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: the simulated domain allows every image that the hardware allows, and no other.
 * Method: small scenes with a few stores, all their images compared with what may be there; a random walk against a
 * model that keeps each line's history; the crash driver on a toy log with and without its flush.
 */
#include "persist/pm_sim.h"
#include "tests/support/crash.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>

#define SITE PM_SITE_TURN_FLUSH
#define DRAIN PM_SITE_TURN_DRAIN

enum { BYTES = 256 * 1024 };

static struct pm *open_sim(enum pm_sim_mode mode, struct pm_context *context)
{
    struct pm *pm;

    assert_int_equal(pm_sim_open(&pm, BYTES, mode), PM_OK);
    assert_int_equal(pm_allocate(pm, 0, BYTES), PM_OK);
    pm_context_init(context, pm);
    return pm;
}

static uint64_t *word_at(struct pm *pm, pm_off off)
{
    return pm_at(pm, off);
}

static void put(struct pm_context *context, pm_off off, uint64_t value)
{
    pm_store_word(context, word_at(context->pm, off), value);
}

static void make_durable(struct pm_context *context, pm_off off, size_t bytes)
{
    pm_flush(context, SITE, pm_at(context->pm, off), bytes);
    assert_int_equal(pm_drain(context, DRAIN), PM_OK);
}

/* ---- what a drain promises ---- */

static void check_only_drained_is_durable(void **state)
{
    struct pm_context context;

    (void)state;
    for (int mode = PM_SIM_LINES; mode <= PM_SIM_PAGES; mode++) {
        struct pm *pm = open_sim((enum pm_sim_mode)mode, &context);

        put(&context, 0, 1);
        make_durable(&context, 0, 8);
        put(&context, 8192, 2);
        pm_flush(&context, SITE, pm_at(pm, 8192), 8);
        put(&context, 16384, 3);
        assert_int_equal(pm_sim_outstanding(pm), 2);
        assert_int_equal(pm_sim_unexplained(pm), 0);
        pm_sim_crash(pm, PM_SIM_NONE, 0, 0);
        assert_int_equal(*word_at(pm, 0), 1);
        assert_int_equal(*word_at(pm, 8192), 0); /* flushed is not drained */
        assert_int_equal(*word_at(pm, 16384), 0);
        assert_int_equal(pm_sim_outstanding(pm), 0);
        pm_close(pm);
    }
}

static void check_store_after_flush_is_not_promised(void **state)
{
    struct pm_context context;
    struct pm *pm = open_sim(PM_SIM_LINES, &context);

    (void)state;
    put(&context, 64, 1);
    pm_flush(&context, SITE, pm_at(pm, 64), 8);
    put(&context, 64, 2);
    assert_int_equal(pm_drain(&context, DRAIN), PM_OK);
    assert_int_equal(pm_sim_outstanding(pm), 1);
    pm_sim_crash(pm, PM_SIM_NONE, 0, 0);
    assert_int_equal(*word_at(pm, 64), 1);
    pm_close(pm);
}

static void check_drain_of_another_context_promises_nothing(void **state)
{
    struct pm_context context, other;
    struct pm *pm = open_sim(PM_SIM_LINES, &context);

    (void)state;
    pm_context_init(&other, pm);
    put(&context, 64, 1);
    pm_flush(&context, SITE, pm_at(pm, 64), 8);
    assert_int_equal(pm_drain(&other, DRAIN), PM_OK);
    pm_context_init(&context, pm); /* its flushes are forgotten with it */
    assert_int_equal(pm_drain(&context, DRAIN), PM_OK);
    assert_int_equal(pm_sim_outstanding(pm), 1);
    pm_close(pm);
}

static void check_kill_keeps_what_is_visible(void **state)
{
    struct pm_context context;
    struct pm *pm = open_sim(PM_SIM_LINES, &context);
    uint64_t boot = pm_sim_boot(pm);

    (void)state;
    put(&context, 64, 1);
    pm_flush(&context, SITE, pm_at(pm, 64), 8);
    pm_sim_kill(pm);
    assert_int_equal(*word_at(pm, 64), 1);
    assert_int_equal(pm_sim_boot(pm), boot);
    assert_int_equal(pm_drain(&context, DRAIN), PM_OK); /* the flush died with the process */
    assert_int_equal(pm_sim_outstanding(pm), 1);
    pm_sim_crash(pm, PM_SIM_NONE, 0, 0);
    assert_int_equal(*word_at(pm, 64), 0);
    assert_true(pm_sim_boot(pm) > boot);
    pm_close(pm);
}

/* ---- which images there are ---- */

static void check_prefixes_of_a_line(void **state)
{
    bool seen[4] = {false, false, false, false};
    struct pm_context context;

    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct pm *pm = open_sim(PM_SIM_LINES, &context);
        uint64_t a, b;

        put(&context, 64, 1);
        put(&context, 72, 1);
        put(&context, 64, 2);
        pm_sim_crash(pm, PM_SIM_RANDOM, 0, seed);
        a = *word_at(pm, 64);
        b = *word_at(pm, 72);
        /* In the order of the stores: a=1, then b=1, then a=2. */
        assert_true((a == 0 && b == 0) || (a == 1 && b == 0) || (a == 1 && b == 1) || (a == 2 && b == 1));
        seen[a + b] = true;
        pm_close(pm);
    }
    for (int i = 0; i < 4; i++)
        assert_true(seen[i]);
}

static void check_stores_tear_at_words(void **state)
{
    static const uint8_t ones[40] = {[0 ... 39] = 1};
    bool torn = false;
    struct pm_context context;

    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct pm *pm = open_sim(PM_SIM_LINES, &context);
        const uint8_t *line = pm_at(pm, 128);
        size_t reached = 0;

        pm_store(&context, pm_at(pm, 132), ones, sizeof ones);
        pm_sim_crash(pm, PM_SIM_RANDOM, 0, seed);
        while (reached < sizeof ones && line[4 + reached] == 1)
            reached++;
        for (size_t i = reached; i < sizeof ones; i++)
            assert_int_equal(line[4 + i], 0);
        assert_true(reached == 0 || reached == sizeof ones || (4 + reached) % 8 == 0);
        torn = torn || (reached != 0 && reached != sizeof ones);
        pm_close(pm);
    }
    assert_true(torn);
}

static void check_only_and_all_but(void **state)
{
    struct pm_context context;

    (void)state;
    for (int mode = PM_SIM_LINES; mode <= PM_SIM_PAGES; mode++) {
        for (size_t which = 0; which < 3; which++) {
            struct pm *pm = open_sim((enum pm_sim_mode)mode, &context);
            uint64_t sum = 0;

            for (pm_off i = 0; i < 3; i++)
                put(&context, 4096 * i, 1);
            pm_sim_crash(pm, which % 2 ? PM_SIM_ONLY : PM_SIM_ALL_BUT, which, 0);
            for (pm_off i = 0; i < 3; i++)
                sum += *word_at(pm, 4096 * i);
            assert_int_equal(sum, which % 2 ? 1 : 2);
            assert_int_equal(*word_at(pm, 4096 * which), which % 2);
            pm_close(pm);
        }
    }
}

static void check_page_is_one_unit(void **state)
{
    struct pm_context context;
    struct pm *pm = open_sim(PM_SIM_PAGES, &context);

    (void)state;
    put(&context, 4096, 1);
    put(&context, 8184, 2);
    assert_int_equal(pm_sim_outstanding(pm), 1);
    make_durable(&context, 4096, 8); /* takes the whole page along */
    assert_int_equal(pm_sim_outstanding(pm), 0);
    pm_sim_crash(pm, PM_SIM_NONE, 0, 0);
    assert_int_equal(*word_at(pm, 8184), 2);
    pm_close(pm);
}

/* ---- against a model ---- */

enum { MODEL_WORDS = 64, HISTORY_MAX = 4096 };

/* Each word has a line of its own. `durable` is the position in its history that is promised. */
struct model {
    uint64_t history[MODEL_WORDS][HISTORY_MAX];
    uint32_t now[MODEL_WORDS], flushed[MODEL_WORDS], durable[MODEL_WORDS];
};

static void check_random_walk(void **state)
{
    static struct model model;
    struct pm_context context;
    unsigned seed = 7;

    (void)state;
    for (int life = 0; life < 200; life++) {
        struct pm *pm = open_sim(life % 2 ? PM_SIM_LINES : PM_SIM_PAGES, &context);
        pm_off stride = life % 2 ? 64 : 4096;

        memset(&model, 0, sizeof model);
        for (int step = 0; step < 300; step++) {
            uint32_t word = (uint32_t)rand_r(&seed) % MODEL_WORDS;

            switch (rand_r(&seed) % 8) {
            case 0:
                assert_int_equal(pm_drain(&context, DRAIN), PM_OK);
                for (int i = 0; i < MODEL_WORDS; i++)
                    if (model.flushed[i] > model.durable[i])
                        model.durable[i] = model.flushed[i];
                break;
            case 1:
            case 2:
                pm_flush(&context, SITE, pm_at(pm, word * stride), 8);
                model.flushed[word] = model.now[word];
                break;
            default:
                model.history[word][++model.now[word]] = (uint64_t)step + 1;
                put(&context, word * stride, (uint64_t)step + 1);
            }
        }
        assert_int_equal(pm_sim_unexplained(pm), 0);
        pm_sim_crash(pm, PM_SIM_RANDOM, 0, (uint64_t)life);
        for (uint32_t i = 0; i < MODEL_WORDS; i++) {
            uint64_t value = *word_at(pm, i * stride);
            bool allowed = false;

            for (uint32_t j = model.durable[i]; j <= model.now[i]; j++)
                allowed = allowed || model.history[i][j] == value;
            assert_true(allowed);
        }
        pm_close(pm);
    }
}

/* ---- switches ---- */

static void check_skip_fail_and_counts(void **state)
{
    struct pm_context context;
    struct pm *pm = open_sim(PM_SIM_LINES, &context);

    (void)state;
    pm_sim_skip_site(pm, PM_SITE_TURN_FLUSH);
    put(&context, 0, 1);
    make_durable(&context, 0, 8);
    assert_int_equal(pm_sim_outstanding(pm), 1);
    pm_sim_skip_site(pm, PM_SITE_COUNT);
    make_durable(&context, 0, 8);
    assert_int_equal(pm_sim_outstanding(pm), 0);
    assert_int_equal(pm_sim_site_counts(pm)[PM_SITE_TURN_FLUSH], 2);
    assert_int_equal(pm_sim_site_counts(pm)[PM_SITE_TURN_DRAIN], 2);
    pm_sim_fail_drain(pm, 2);
    put(&context, 0, 2);
    make_durable(&context, 0, 8);
    pm_flush(&context, SITE, pm_at(pm, 0), 8);
    assert_int_equal(pm_drain(&context, DRAIN), PM_IO);
    assert_true(pm_failed(pm));
    assert_int_equal(pm_drain(&context, DRAIN), PM_IO); /* R5: for ever */
    pm_close(pm);
}

static void check_disk(void **state)
{
    struct pm *pm;

    (void)state;
    assert_int_equal(pm_sim_open(&pm, BYTES, PM_SIM_LINES), PM_OK);
    pm_sim_set_disk(pm, 65536);
    assert_int_equal(pm_allocate(pm, 0, 131072), PM_FULL);
    assert_int_equal(pm_allocate(pm, 65536, 65536), PM_OK);
    assert_int_equal(pm_allocate(pm, 65536, 65536), PM_OK);
    assert_int_equal(pm_allocate(pm, 0, 65536), PM_FULL);
    pm_close(pm);
}

static void check_unexplained(void **state)
{
    struct pm_context context;
    struct pm *pm = open_sim(PM_SIM_LINES, &context);

    (void)state;
    put(&context, 0, 1);
    *word_at(pm, 8) = 5; /* past pm_store() */
    assert_int_equal(pm_sim_unexplained(pm), 1);
    pm_close(pm);
}

/* ---- the crash driver ---- */

/* A toy: values 1, 2, 3 ... go to lines, each durable before the counter names it. */
struct toy {
    uint64_t acknowledged;
};

static bool toy_recover(struct pm *pm, void *argument)
{
    const struct toy *toy = argument;
    uint64_t count = *word_at(pm, 0);
    struct pm_context context;

    if (count != toy->acknowledged && count != toy->acknowledged + 1)
        return false;
    for (uint64_t i = 1; i <= count; i++)
        if (*word_at(pm, 64 * i) != i)
            return false;
    pm_context_init(&context, pm); /* a recovery that writes, so that it can be interrupted */
    put(&context, 64 * (count + 1), 0);
    pm_flush(&context, PM_SITE_ACCEPTED_FLUSH, word_at(pm, 64 * (count + 1)), 8);
    return pm_drain(&context, PM_SITE_ACCEPTED_DRAIN) == PM_OK;
}

static uint64_t run_toy(enum pm_sim_mode mode, enum pm_site skip, struct crash_run *run)
{
    struct toy toy = {0};
    struct crash_plan plan = {.seed = 1, .nested = true, .quiet = true, .recover = toy_recover, .context = &toy};
    struct pm_context context;
    struct pm *pm = open_sim(mode, &context);
    uint64_t failures;

    pm_sim_skip_site(pm, skip);
    crash_begin(run, pm, &plan);
    for (uint64_t i = 1; i <= 10; i++) {
        put(&context, 64 * i, i);
        pm_flush(&context, PM_SITE_TURN_FLUSH, word_at(pm, 64 * i), 8);
        assert_int_equal(pm_drain(&context, PM_SITE_TURN_DRAIN), PM_OK);
        put(&context, 0, i);
        pm_flush(&context, PM_SITE_JOURNAL_FLUSH, word_at(pm, 0), 8);
        assert_int_equal(pm_drain(&context, PM_SITE_JOURNAL_DRAIN), PM_OK);
        toy.acknowledged = i;
        crash_here(run);
    }
    failures = crash_end(run);
    pm_close(pm);
    return failures;
}

static void check_driver(void **state)
{
    static const enum pm_site sites[] = {PM_SITE_TURN_FLUSH, PM_SITE_TURN_DRAIN, PM_SITE_JOURNAL_FLUSH,
                                         PM_SITE_JOURNAL_DRAIN};
    struct crash_run run;

    (void)state;
    assert_int_equal(run_toy(PM_SIM_LINES, PM_SITE_COUNT, &run), 0);
    assert_int_equal(run.points, 50);
    assert_true(run.images > 100 / CRASH_THIN / 2);
    if (CRASH_THIN > 1)
        skip();
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(sites); i++)
        assert_true(run_toy(PM_SIM_LINES, sites[i], &run) > 0);
    /* The counter shares a page with the values: over pages order needs no drain of its own. */
    assert_int_equal(run_toy(PM_SIM_PAGES, PM_SITE_COUNT, &run), 0);
    assert_true(run_toy(PM_SIM_PAGES, PM_SITE_JOURNAL_FLUSH, &run) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_only_drained_is_durable),
        cmocka_unit_test(check_store_after_flush_is_not_promised),
        cmocka_unit_test(check_drain_of_another_context_promises_nothing),
        cmocka_unit_test(check_kill_keeps_what_is_visible),
        cmocka_unit_test(check_prefixes_of_a_line),
        cmocka_unit_test(check_stores_tear_at_words),
        cmocka_unit_test(check_only_and_all_but),
        cmocka_unit_test(check_page_is_one_unit),
        cmocka_unit_test(check_random_walk),
        cmocka_unit_test(check_skip_fail_and_counts),
        cmocka_unit_test(check_disk),
        cmocka_unit_test(check_unexplained),
        cmocka_unit_test(check_driver),
    };

    return cmocka_run_group_tests_name("pm_sim", tests, NULL, NULL);
}
