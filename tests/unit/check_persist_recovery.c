/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: a start gives back what counts, all of it and nothing else; tells a torn end from damage; honours seals.
 * Method: lives over the simulated domain, ended by a crash that keeps everything (unless a test says otherwise), then
 * single bytes are spoilt.
 */
#include "base/clock.h"
#include "persist/recovery.h"
#include "tests/support/recovery_fixture.h"
#include "tests/unit/check.h"

#include <stdlib.h>

static void spoil(pm_loc loc, uint32_t byte)
{
    *((uint8_t *)pm_at(life.pm, loc * PM_UNIT) + byte) ^= 0x10;
}

/* ---- restarts ---- */

static void check_restart_gives_all(void **state)
{
    const struct life_options *options = &life.options;
    struct life_options same = *options;

    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        life_put_turn(&life, 0, i, i * 900);
        life_make_ready(&life);
    }
    assert_true(log_sync_step(life.log, &life.context) != LOG_SYNC_FAILED);
    for (uint32_t round = 0; round < 3; round++) {
        assert_int_equal(restart(&same), PM_OK);
        assert_keys(0, 20);
        assert_int_equal(life.recovery.records, 20);
        assert_int_equal(count_state(PMD_SEGMENT_SEALED), 3);
        assert_int_equal(count_state(PMD_SEGMENT_LOG), 4); /* made ready anew; the old ones were freed */
    }
}

static void count_item(const struct log_item *item, void *context)
{
    (void)item;
    ++*(uint32_t *)context;
}

/* What was recovered is read by the index writer before anything new, and its segments are reported. */
static void check_recovered_is_read_first(void **state)
{
    uint32_t count = 0, segment, length;
    uint64_t records, bytes;

    (void)state;
    for (uint32_t i = 0; i < 10; i++)
        life_put_turn(&life, i % 2, i, 1000);
    assert_int_equal(restart(&turn_mode), PM_OK);
    log_tail(life.log, &records, &bytes);
    assert_int_equal(records, 10);
    life_put_turn(&life, 0, 100, 10);
    log_read(life.log, life.recovery.first_epoch - 1, count_item, &count);
    assert_int_equal(count, 10);
    log_tail(life.log, &records, &bytes);
    assert_int_equal(records, 1);
    assert_true(log_next_finished(life.log, life.recovery.first_epoch - 1, &segment, &length));
    assert_int_equal(atomic_load(&life.pool->segments[segment].length), length);
    assert_true(log_next_finished(life.log, life.recovery.first_epoch - 1, &segment, &length));
    assert_false(log_next_finished(life.log, life.recovery.first_epoch - 1, &segment, &length));
    log_read(life.log, epoch_advance(&life.epochs), count_item, &count);
    assert_int_equal(count, 11);
}

static void check_timestamps_grow_over_restarts(void **state)
{
    struct pm *pm = *state;
    uint64_t last = 0;

    for (uint32_t round = 0; round < 6; round++) {
        uint64_t cts;

        assert_int_equal(life.pool->superblock.epoch_lease, life.recovery.first_epoch + RECOVERY_LEASE_EPOCHS);
        cts = record_at(life.pool, life_put_turn(&life, round % 2, round, 10))->cts;
        assert_true(cts > last);
        last = cts;
        life_end(&life);
        if (round % 3 == 0)
            pm_sim_kill(pm);
        else
            pm_sim_crash(pm, PM_SIM_NONE, 0, 0);
        assert_int_equal(life_begin(&life, pm, &turn_mode), PM_OK);
        assert_keys(0, round + 1);
    }
}

static void check_threads_agree(void **state)
{
    struct life_options many = {.mode = PMD_COMMIT_TURN, .threads = 4, .read_only = true};
    uint64_t sum = 0;

    (void)state;
    for (uint32_t i = 0; i < 200; i++) {
        life_put_turn(&life, i % 2, i, 2000);
        life_make_ready(&life);
    }
    assert_int_equal(restart(&many), PM_OK);
    assert_int_equal(life.item_count, 200);
    for (uint32_t i = 0; i < 200; i++)
        sum += life.items[i].key;
    assert_int_equal(sum, 199 * 200 / 2);
    assert_true(life.recovery.segment_count >= 6);
}

static void check_read_only_changes_nothing(void **state)
{
    struct life_options options = {.mode = PMD_COMMIT_EPOCH, .read_only = true};
    struct pm *pm = *state;
    uint8_t *copy = malloc(pm->bytes);

    life_put_turn(&life, 0, 0, 100);
    life_end(&life);
    pm_sim_crash(pm, PM_SIM_ALL, 0, 0);
    memcpy(copy, pm->base, pm->bytes);
    assert_int_equal(life_begin(&life, pm, &options), PM_OK);
    assert_keys(0, 1);
    assert_memory_equal(copy, pm->base, pm->bytes);
    free(copy);
}

/* ---- W ---- */

static void set_w(struct pmd_superblock *superblock, void *argument)
{
    superblock->w = *(uint64_t *)argument;
}

static void check_nothing_up_to_w(void **state)
{
    uint64_t w;

    (void)state;
    for (uint32_t i = 0; i < 8; i++)
        life_put_turn(&life, 0, i, 20000);
    w = epoch_advance(&life.epochs);
    life_make_ready(&life);
    for (uint32_t i = 8; i < 12; i++)
        life_put_turn(&life, 0, i, 20000);
    assert_int_equal(pool_superblock_update(life.pool, &life.context, set_w, &w), PM_OK);
    assert_int_equal(restart(&turn_mode), PM_OK);
    assert_int_equal(life.recovery.w, w);
    assert_keys(8, 4);
    assert_int_equal(count_state(PMD_SEGMENT_INDEXED), 2);
    assert_int_equal(count_state(PMD_SEGMENT_SEALED), 2); /* one with records on both sides of W */
    assert_int_equal(life.pool->superblock.w, w);
    assert_int_equal(restart(&turn_mode), PM_OK);
    assert_keys(8, 4);
}

/* The predecessor was indexed, cleaned and freed, even used again, while its successor is still the open one. */
static void check_freed_predecessor(void **state)
{
    uint32_t segment, length, count = 0;
    uint64_t cut;

    (void)state;
    for (uint32_t i = 0; i < 6; i++)
        life_put_turn(&life, 0, i, 20000);
    cut = epoch_advance(&life.epochs);
    life_put_turn(&life, 0, 6, 20000);
    log_read(life.log, cut, count_item, &count);
    assert_int_equal(count, 6);
    assert_int_equal(pool_superblock_update(life.pool, &life.context, set_w, &cut), PM_OK);
    while (log_next_finished(life.log, cut, &segment, &length))
        assert_int_equal(pool_free_segment(life.pool, &life.context, segment), PM_OK);
    assert_int_equal(restart(&turn_mode), PM_OK);
    assert_keys(6, 1);
}

/* ---- torn ends and damage, TURN mode ---- */

/* The life ends in a power cut that everything survives but one byte. */
static void spoil_and_restart(pm_loc loc, uint32_t byte, enum pm_status expected)
{
    struct pm *pm = life.pm;

    life_end(&life);
    pm_sim_crash(pm, PM_SIM_ALL, 0, 0);
    life.pm = pm;
    spoil(loc, byte);
    assert_int_equal(life_begin(&life, pm, &turn_mode), expected);
}

static void check_torn_turn_ends_the_log(void **state)
{
    pm_loc locs[5];

    (void)state;
    life_put_turn(&life, 0, 0, 100);
    log_turn_begin(log_writer(life.log, 0));
    for (uint32_t i = 0; i < 5; i++)
        locs[i] = life_put(&life, 0, i + 1, 100);
    assert_int_equal(log_turn_close(log_writer(life.log, 0)), PM_OK);
    spoil_and_restart(locs[2], 60, PM_OK);
    assert_keys(0, 3); /* valid ones of the same turn behind it do not count */
}

static void check_damage_before_a_later_turn(void **state)
{
    pm_loc loc;

    (void)state;
    life_put_turn(&life, 0, 0, 100);
    loc = life_put_turn(&life, 0, 1, 100);
    life_put_turn(&life, 0, 2, 100);
    spoil_and_restart(loc, offsetof(struct pmd_record, kind), PM_DAMAGED);
}

static void check_damage_before_a_later_segment(void **state)
{
    pm_loc loc = 0;

    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        loc = life_put_turn(&life, 0, i, 20000);
    life_put_turn(&life, 0, 3, 20000); /* begins the next segment: no witness, it may be the same turn */
    life_put_turn(&life, 0, 4, 20000); /* a witness */
    spoil_and_restart(loc, 10000, PM_DAMAGED);
}

static void check_torn_turn_over_segments(void **state)
{
    pm_loc loc = 0;

    (void)state;
    life_put_turn(&life, 0, 0, 20000);
    log_turn_begin(log_writer(life.log, 0));
    life_put(&life, 0, 1, 20000);
    loc = life_put(&life, 0, 2, 20000);
    life_put(&life, 0, 3, 20000); /* in the next segment */
    assert_int_equal(log_turn_close(log_writer(life.log, 0)), PM_OK);
    spoil_and_restart(loc, 10000, PM_OK);
    assert_keys(0, 2);
    assert_int_equal(count_state(PMD_SEGMENT_SEALED), 1); /* the successor is freed */
    assert_int_equal(restart(&turn_mode), PM_OK);
    assert_keys(0, 2);
}

static void check_lost_link(void **state)
{
    pm_loc loc;

    (void)state;
    loc = life_put_turn(&life, 0, 0, 100);
    spoil_and_restart(loc / 4096 * 4096, 30, PM_OK); /* one turn: as if it had never reached the media */
    assert_keys(0, 0);
    loc = life_put_turn(&life, 0, 0, 40000);
    life_put_turn(&life, 0, 1, 100);
    spoil_and_restart(loc / 4096 * 4096, 30, PM_DAMAGED);
}

/* Behind a failed drain turns are written on, and acknowledged to nobody: holes among them are no damage. */
static void check_holes_behind_a_failed_drain(void **state)
{
    struct log_writer *writer = log_writer(life.log, 0);
    pm_loc loc, hole = 0;

    life_put_turn(&life, 0, 0, 100);
    pm_sim_fail_drain(*state, 1);
    for (uint32_t i = 1; i < 8; i++) {
        log_turn_begin(writer);
        loc = life_put(&life, 0, i, i == 5 ? 40000 : 1000);
        if (i == 2)
            hole = loc;
        if (i == 6)
            life_put(&life, 0, 100, 30000); /* in the next segment */
        assert_int_equal(log_turn_close(writer), PM_IO);
    }
    spoil_and_restart(hole, 40, PM_OK);
    assert_keys(0, 2);
}

static void check_damage_below_a_seal(void **state)
{
    pm_loc loc;

    (void)state;
    life_put_turn(&life, 0, 0, 100);
    loc = life_put_turn(&life, 0, 1, 100);
    assert_int_equal(restart(&turn_mode), PM_OK);
    spoil_and_restart(loc, 50, PM_DAMAGED);
}

/* ---- EPOCH mode ---- */

static void check_only_synced_epochs_survive(void **state)
{
    (void)state;
    life_put_turn(&life, 0, 0, 100);
    life_put_turn(&life, 0, 1, 100);
    assert_int_equal(log_sync_step(life.log, &life.context), LOG_SYNC_DONE);
    life_put_turn(&life, 0, 2, 100);
    life_put_turn(&life, 1, 3, 100);
    assert_int_equal(restart(&epoch_mode), PM_OK); /* it reached the media, but nobody knows what else did */
    assert_keys(0, 2);
    life_put_turn(&life, 1, 2, 100);
    assert_int_equal(log_sync_step(life.log, &life.context), LOG_SYNC_DONE);
    assert_int_equal(restart(&turn_mode), PM_OK); /* the mode of the last run counts */
    assert_keys(0, 3);
    life_put_turn(&life, 1, 3, 100);
    assert_int_equal(restart(&epoch_mode), PM_OK);
    assert_keys(0, 4);
}

static void check_killed_process_keeps_all(void **state)
{
    struct pm *pm = *state;

    life_put_turn(&life, 0, 0, 100);
    assert_int_equal(log_sync_step(life.log, &life.context), LOG_SYNC_DONE);
    life_put_turn(&life, 0, 1, 100);
    log_turn_begin(log_writer(life.log, 0));
    life_put(&life, 0, 2, 100);
    life_end(&life);
    pm_sim_kill(pm);
    assert_int_equal(life_begin(&life, pm, &epoch_mode), PM_OK);
    assert_keys(0, 3);
    life_end(&life);
    pm_sim_crash(pm, PM_SIM_NONE, 0, 0); /* what was accepted was made durable */
    assert_int_equal(life_begin(&life, pm, &epoch_mode), PM_OK);
    assert_keys(0, 3);
}

static void check_damage_below_e_sync(void **state)
{
    struct pm *pm = *state;
    pm_loc loc;

    life_put_turn(&life, 0, 0, 100);
    loc = life_put_turn(&life, 0, 1, 100);
    life_put_turn(&life, 0, 2, 100);
    assert_int_equal(log_sync_step(life.log, &life.context), LOG_SYNC_DONE);
    life_end(&life);
    pm_sim_crash(pm, PM_SIM_NONE, 0, 0);
    life.pm = pm;
    spoil(loc, 40);
    assert_int_equal(life_begin(&life, pm, &epoch_mode), PM_DAMAGED);
}

static void check_hole_above_e_sync(void **state)
{
    struct pm *pm = *state;
    pm_loc loc;

    life_put_turn(&life, 0, 0, 100);
    assert_int_equal(log_sync_step(life.log, &life.context), LOG_SYNC_DONE);
    loc = life_put_turn(&life, 0, 1, 100);
    life_put_turn(&life, 0, 2, 100);
    life_end(&life);
    pm_sim_crash(pm, PM_SIM_ALL, 0, 0);
    life.pm = pm;
    spoil(loc, 40);
    assert_int_equal(life_begin(&life, pm, &epoch_mode), PM_OK);
    assert_keys(0, 1);
}

/* ---- the clock ---- */

static void check_clock(void **state)
{
    const uint64_t day_ms = 86400000, now_ms = clock_wall_ms() + day_ms;
    struct life_options accept = {.mode = PMD_COMMIT_TURN, .accept_clock = true};

    (void)state;
    clock_test_set_wall_ms(now_ms + 10 * day_ms);
    assert_int_equal(restart(&turn_mode), PM_OK);
    assert_int_equal(life.recovery.now_ms, clock_wall_ms());
    clock_test_set_wall_ms(now_ms + 9 * day_ms + 1000);
    assert_int_equal(restart(&turn_mode), PM_OK);
    assert_int_equal(life.recovery.now_ms, now_ms + 10 * day_ms); /* never back */
    clock_test_set_wall_ms(now_ms);
    assert_int_equal(restart(&turn_mode), PM_CLOCK);
    assert_int_equal(life_begin(&life, *state, &accept), PM_OK);
    assert_int_equal(life.recovery.now_ms, now_ms);
    assert_int_equal(restart(&turn_mode), PM_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TURN_TEST(check_restart_gives_all),
        EPOCH_TEST(check_restart_gives_all),
        TURN_TEST(check_recovered_is_read_first),
        TURN_TEST(check_timestamps_grow_over_restarts),
        TURN_TEST(check_threads_agree),
        TURN_TEST(check_read_only_changes_nothing),
        TURN_TEST(check_nothing_up_to_w),
        TURN_TEST(check_freed_predecessor),
        TURN_TEST(check_torn_turn_ends_the_log),
        TURN_TEST(check_damage_before_a_later_turn),
        TURN_TEST(check_damage_before_a_later_segment),
        TURN_TEST(check_torn_turn_over_segments),
        TURN_TEST(check_lost_link),
        TURN_TEST(check_holes_behind_a_failed_drain),
        TURN_TEST(check_damage_below_a_seal),
        EPOCH_TEST(check_only_synced_epochs_survive),
        EPOCH_TEST(check_killed_process_keeps_all),
        EPOCH_TEST(check_damage_below_e_sync),
        EPOCH_TEST(check_hole_above_e_sync),
        TURN_TEST(check_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
