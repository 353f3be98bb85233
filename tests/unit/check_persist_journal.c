/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: a batch is applied whole or not at all, whatever a crash leaves of it; recovery takes the highest complete one and
 * refuses to store where no leaf can be.
 * Method: batches of random words over the head segment against a model; every crash image of a few batches; halves
 * damaged by hand.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "persist/journal.h"
#include "persist/skiplist.h"
#include "tests/support/crash.h"
#include "tests/unit/check.h"

enum { SEGMENT_BITS = 16, SEGMENTS = 16, WORDS = 256, BATCHES = 12 };

static const uint64_t no_counts[PM_DATABASES];

struct test {
    struct pm *pm;
    struct pool *pool;
    struct pm_context context;
    struct journal *journal;
    uint64_t before[WORDS], after[WORDS]; /* of the leaves behind the head, around the batch in the making */
    uint64_t batch;                       /* complete before it */
    uint64_t random;
    uint32_t inside, calls;
};

static uint64_t draw(struct test *test)
{
    test->random = test->random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return test->random >> 20;
}

static pm_off word_off(const struct pool *pool, uint32_t word)
{
    return pool_segment_off(pool, PM_SEGMENT_HEAD) + PM_LEAF_BYTES + 8 * word;
}

static void begin(struct test *test)
{
    const struct pool_create create = {.bytes = 1, .segment_bits = SEGMENT_BITS, .format_head = skiplist_format_head};

    memset(test, 0, sizeof *test);
    assert_int_equal(pm_sim_open(&test->pm, SEGMENTS << SEGMENT_BITS, PM_SIM_LINES), PM_OK);
    assert_int_equal(pool_open(&test->pool, test->pm, &create), PM_OK);
    pm_context_init(&test->context, test->pm);
    assert_int_equal(journal_open(&test->journal, test->pool, 0), PM_OK);
}

static void end(struct test *test)
{
    journal_close(test->journal);
    pool_close(test->pool);
}

static void before_leaf(uint64_t leaf_number, void *argument)
{
    struct test *test = argument;

    assert_int_equal(test->inside++, 0);
    test->calls += leaf_number != 0;
}
static void after_leaf(uint64_t leaf_number, void *argument)
{
    struct test *test = argument;

    assert_int_equal(--test->inside, 0);
    test->calls += leaf_number != 0;
}

static void commit(struct test *test, uint64_t w)
{
    assert_int_equal(
        journal_commit(test->journal, &test->context, w, no_counts, no_counts, before_leaf, after_leaf, test), PM_OK);
}

/* A few runs of words, which may overlap: the later one wins. */
static void make_batch(struct test *test)
{
    memcpy(test->before, test->after, sizeof test->before);
    for (uint32_t run = 0; run < 6; run++) {
        uint32_t first = (uint32_t)(draw(test) % (WORDS - 8)), count = 1 + (uint32_t)(draw(test) % 8);

        if (first / 128 != (first + count - 1) / 128) /* a run lies in one leaf */
            count = 1;
        for (uint32_t i = 0; i < count; i++)
            test->after[first + i] = draw(test);
        assert_true(journal_add(test->journal, word_off(test->pool, first), test->after + first, count));
    }
}

static bool words_are(const struct pool *pool, const uint64_t *words)
{
    return memcmp(pool_at(pool, word_off(pool, 0)), words, WORDS * 8) == 0;
}

static bool recover(struct pm *pm, void *context)
{
    struct test *test = context;
    const struct pool_create existing = {0};
    struct journal_state state;
    struct pm_context own;
    struct pool *pool;

    pm_context_init(&own, pm);
    if (pool_open(&pool, pm, &existing) != PM_OK || journal_recover(pool, &own, 0, false, &state) != PM_OK)
        return false;
    if (state.batch != state.w)
        return false;
    if (state.batch == test->batch)
        return words_are(pool, test->before);
    return state.batch == test->batch + 1 && words_are(pool, test->after);
}

static void test_every_crash(void **state)
{
    struct test test;
    struct crash_plan plan = {.seed = 3, .nested = true, .killed = true, .recover = recover, .context = &test};
    struct crash_run run;

    (void)state;
    begin(&test);
    crash_begin(&run, test.pm, &plan);
    for (uint64_t i = 0; i < BATCHES; i++) {
        make_batch(&test);
        commit(&test, i + 1);
        memcpy(test.before, test.after, sizeof test.before);
        test.batch = i + 1;
    }
    assert_int_equal(crash_end(&run), 0);
    assert_true(words_are(test.pool, test.after));
    assert_int_equal(test.inside, 0);
    end(&test);
}

static void test_two_drains_and_capacity(void **state)
{
    struct test test;
    uint64_t words[128] = {0}, added = 0;
    struct journal_state found;

    (void)state;
    begin(&test);
    assert_int_equal(journal_capacity(test.journal), (1 << SEGMENT_BITS) / 2 - PM_JOURNAL_HEADER_BYTES);
    assert_true(journal_is_empty(test.journal));
    while (journal_room(test.journal) >= 8 + sizeof words) {
        assert_true(journal_add(test.journal, word_off(test.pool, 0), words, 128));
        added++;
    }
    assert_false(journal_add(test.journal, word_off(test.pool, 0), words, 128));
    assert_int_equal(added, journal_capacity(test.journal) / (8 + sizeof words));
    memset(&test.context.counters, 0, sizeof test.context.counters);
    commit(&test, 9);
    assert_int_equal(test.context.counters.drains, 2);
    commit(&test, 10); /* W alone: nothing to apply */
    assert_int_equal(test.context.counters.drains, 3);
    assert_int_equal(journal_batch(test.journal), 2);
    assert_int_equal(journal_w(test.pool, 2), 10);
    assert_int_equal(journal_recover(test.pool, &test.context, 0, false, &found), PM_OK);
    assert_int_equal(found.batch, 2);
    assert_int_equal(found.w, 10);
    end(&test);
}

static void test_damage(void **state)
{
    struct test test;
    uint64_t word = 1;
    struct journal_state found;
    uint8_t *halves;

    (void)state;
    begin(&test);
    assert_int_equal(journal_recover(test.pool, &test.context, 0, false, &found), PM_OK);
    assert_int_equal(found.batch, 0);
    for (uint64_t i = 1; i <= 2; i++) {
        assert_true(journal_add(test.journal, word_off(test.pool, 3), &word, 1));
        commit(&test, i);
    }
    halves = pool_at(test.pool, pool_segment_off(test.pool, PM_SEGMENT_JOURNAL));
    halves[PM_JOURNAL_HEADER_BYTES + 9] ^= 1; /* batch 2 lies in half 0 */
    assert_int_equal(journal_recover(test.pool, &test.context, 0, true, &found), PM_OK);
    assert_int_equal(found.batch, 1);
    halves[PM_JOURNAL_HEADER_BYTES + 9] ^= 1;
    /* No leaf lies at the end of the segment table. */
    assert_true(journal_add(test.journal, pool_segment_off(test.pool, PM_SEGMENT_TABLE + 1) - 8, &word, 1));
    commit(&test, 3);
    log_set_level(LOG_LEVEL_ERROR + 1);
    assert_int_equal(journal_recover(test.pool, &test.context, 0, false, &found), PM_DAMAGED);
    assert_int_equal(journal_recover(test.pool, &test.context, 3, false, &found), PM_OK); /* applied long ago */
    log_set_level(LOG_LEVEL_NOTICE);
    end(&test);
}

/* A failed drain is final: nothing is applied. */
static void test_failed_drain(void **state)
{
    struct test test;
    uint64_t word = 77;

    (void)state;
    begin(&test);
    assert_true(journal_add(test.journal, word_off(test.pool, 3), &word, 1));
    pm_sim_fail_drain(test.pm, 1);
    assert_int_equal(
        journal_commit(test.journal, &test.context, 1, no_counts, no_counts, before_leaf, after_leaf, &test), PM_IO);
    assert_int_equal(test.calls, 0);
    assert_int_equal(journal_batch(test.journal), 0);
    end(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_crash),
        cmocka_unit_test(test_two_drains_and_capacity),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_failed_drain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
