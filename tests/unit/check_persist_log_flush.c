/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: of a stretch each line is flushed that did not go past the caches, once, and no other; a large value costs the
 * lines that it shares and no more, at either durability.
 * Method: a stretch of random streamed ranges over a backing that notes which lines it is asked for; then single lives
 * over the simulated domain, whose counters are the budgets and whose crash without any outstanding line is the proof.
 */
#include <stdlib.h>

#include "persist/log.h"
#include "persist/log_internal.h"
#include "tests/support/life.h"
#include "tests/unit/check.h"

/* ---- which lines ---- */

enum { LINES = 1024, SEGMENT_BYTES = LINES * PM_LINE, SEED = 20261122, ROUNDS = 3000 };

static uint32_t flushed[LINES];

static void note_lines(struct pm_context *context, enum pm_site site, const void *from, size_t bytes)
{
    pm_off off = pm_off_of(context->pm, from) - SEGMENT_BYTES;

    assert_int_equal(site, PM_SITE_SYNC_LOG_FLUSH);
    for (pm_off line = off / PM_LINE; line <= (off + bytes - 1) / PM_LINE; line++)
        flushed[line]++;
}

static void check_lines(void **state)
{
    static const struct pm_ops ops = {.flush = note_lines};
    struct pm pm = {
        .ops = &ops, .base = aligned_alloc(PM_PAGE, 2 * SEGMENT_BYTES), .bytes = 2 * SEGMENT_BYTES, .streams = true};
    struct pool pool = {.pm = &pm, .segment_bits = 16, .segment_bytes = SEGMENT_BYTES};
    struct log_stretch *stretch = calloc(1, log_stretch_bytes(&pool));
    struct pm_context context;

    (void)state;
    assert_int_equal(1 << 16, SEGMENT_BYTES);
    pm_context_init(&context, &pm);
    srand(SEED);
    for (int round = 0; round < ROUNDS; round++) {
        bool streamed[LINES] = {false};
        uint32_t from = (uint32_t)rand() % (SEGMENT_BYTES - 1);
        uint32_t to = from + 1 + (uint32_t)rand() % (SEGMENT_BYTES - from - 1);

        memset(stretch, 0, log_stretch_bytes(&pool));
        memset(flushed, 0, sizeof flushed);
        stretch->segment = 1;
        for (int range = rand() % 12; range > 0; range--) {
            uint32_t first = (uint32_t)rand() % LINES, end = first + (uint32_t)rand() % 200;

            end = end < LINES ? end : LINES;
            log_stretch_streamed(stretch, first * PM_LINE, end * PM_LINE);
            for (uint32_t line = first; line < end; line++)
                streamed[line] = true;
        }
        log_stretch_flush(stretch, &pool, &context, PM_SITE_SYNC_LOG_FLUSH, from, to);
        for (uint32_t line = 0; line < LINES; line++) {
            bool wanted = line >= from / PM_LINE && line <= (to - 1) / PM_LINE && !streamed[line];

            if (flushed[line] != wanted)
                fail_msg("seed %d round %d line %u [%u, %u)", SEED, round, line, from, to);
        }
    }
    free(stretch);
    free(pm.base);
}

/* ---- what a large value costs ---- */

enum { VALUE_BYTES = 20000, VALUE_LINES = VALUE_BYTES / PM_LINE, IN_ONE_PIECE = 1, IN_TWO_PIECES = 2 };

static struct life life;

static uint64_t lines_of_turn(uint32_t key)
{
    const struct pm_counters *counters = &log_writer_context(log_writer(life.log, 0))->counters;
    uint64_t before = counters->flush_lines;

    life_put_turn(&life, 0, key, VALUE_BYTES);
    return counters->flush_lines - before;
}

static void begin(enum pm_sim_mode mode, enum pmd_commit_mode commit)
{
    struct life_options options = {.mode = commit};

    assert_int_equal(life_begin(&life, life_sim(mode), &options), PM_OK);
    life_put_turn(&life, 0, IN_ONE_PIECE, 10); /* so that none of them begins a segment */
}

/* The power fails now, with nothing written that was not asked for; the key's value is there. */
static void cut_and_find(uint32_t key)
{
    struct life_options options = life.options;
    struct pm *pm = life.pm;
    bool found = false;

    life_end(&life);
    pm_sim_crash(pm, PM_SIM_NONE, 0, 0);
    assert_int_equal(life_begin(&life, pm, &options), PM_OK);
    for (uint32_t i = 0; i < life.item_count; i++) {
        assert_true(life.items[i].sound);
        found |= life.items[i].key == key && life.items[i].value_bytes == VALUE_BYTES;
    }
    assert_true(found);
    life_end(&life);
    pm_sim_free(pm);
}

static void check_turn(void **state)
{
    (void)state;
    begin(PM_SIM_LINES, PMD_COMMIT_TURN);
    assert_in_range(lines_of_turn(IN_TWO_PIECES), VALUE_LINES, VALUE_LINES + 3);
    assert_in_range(lines_of_turn(IN_ONE_PIECE), 2, 3);
    cut_and_find(IN_ONE_PIECE);
}

/* Without those of the superblock. */
static uint64_t lines_of_sync(void)
{
    uint64_t before = life.context.counters.flush_lines;
    enum log_sync step;

    do
        step = log_sync_step(life.log, &life.context);
    while (step == LOG_SYNC_WAIT);
    assert_int_equal(step, LOG_SYNC_DONE);
    return life.context.counters.flush_lines - before - sizeof(struct pmd_superblock) / PM_LINE;
}

static void check_epoch(void **state)
{
    (void)state;
    begin(PM_SIM_LINES, PMD_COMMIT_EPOCH);
    lines_of_sync();
    assert_int_equal(lines_of_turn(IN_TWO_PIECES), 0);
    assert_in_range(lines_of_sync(), VALUE_LINES, VALUE_LINES + 3);
    assert_int_equal(lines_of_turn(IN_ONE_PIECE), 0);
    assert_in_range(lines_of_sync(), 2, 3);
    cut_and_find(IN_ONE_PIECE);
}

/* Pages of a file: there is nothing to go past. */
static void check_file(void **state)
{
    (void)state;
    begin(PM_SIM_PAGES, PMD_COMMIT_EPOCH);
    lines_of_sync();
    lines_of_turn(IN_ONE_PIECE);
    assert_in_range(lines_of_sync(), VALUE_LINES, VALUE_LINES + 3);
    cut_and_find(IN_ONE_PIECE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_lines),
        cmocka_unit_test(check_turn),
        cmocka_unit_test(check_epoch),
        cmocka_unit_test(check_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
