/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: after a crash a transaction is there as a whole or not at all; one that does not add up is damage.
 * Method: as in check_persist_recovery.c; for the crash in the middle of one, any subset and any prefix of its stores.
 */
#include "persist/recovery.h"
#include "tests/support/recovery_fixture.h"
#include "tests/unit/check.h"

/* Returns the place of its last member. */
static pm_loc put_transaction(uint32_t first_key, uint32_t members, uint32_t value_bytes, bool commit)
{
    struct log_writer *writer = log_writer(life.log, 0);
    pm_loc last = 0;

    while (log_reserve(writer, SPACE_USER, members * life_record_bytes(value_bytes), members) != PM_OK)
        life_make_ready(&life);
    log_transaction_begin(writer, members);
    for (uint32_t i = 0; i < members; i++) {
        struct life_item item = {.key = first_key + i, .value_bytes = value_bytes, .kind = PMD_RECORD_FULL};

        item.cts = log_draw_cts(writer, 0);
        last = life_append(&life, 0, &item, true);
    }
    if (commit)
        log_commit(writer, members);
    return last;
}

static void check_open_transaction_is_absent(void **state)
{
    struct pm *pm = *state;

    for (uint32_t members = 1; members <= 7; members += 3) {
        life_put_turn(&life, 0, 0, 10);
        life_make_ready(&life);
        log_turn_begin(log_writer(life.log, 0));
        life_put(&life, 0, 1, 10);
        put_transaction(2, members, 20000, false);
        life_end(&life);
        pm_sim_kill(pm);
        assert_int_equal(life_begin(&life, pm, &turn_mode), PM_OK);
        assert_keys(0, 2);
        assert_int_equal(restart(&turn_mode), PM_OK); /* sealed before it */
        assert_keys(0, 2);
        life_end(&life);
        pm_sim_free(pm);
        *state = pm = life_sim(PM_SIM_LINES);
        assert_int_equal(life_begin(&life, pm, &turn_mode), PM_OK);
    }
}

static void check_transaction_over_segments(void **state)
{
    (void)state;
    log_turn_begin(log_writer(life.log, 0));
    put_transaction(0, 7, 20000, true);
    assert_int_equal(log_turn_close(log_writer(life.log, 0)), PM_OK);
    assert_int_equal(restart(&turn_mode), PM_OK);
    assert_keys(0, 7);
    assert_int_equal(count_state(PMD_SEGMENT_SEALED), 3);
    assert_int_equal(restart(&turn_mode), PM_OK);
    assert_keys(0, 7);
}

/* Any subset and any prefix of the stores of a turn with a transaction between two records. */
static void check_transaction_is_whole_or_absent(void **state)
{
    struct pm *pm = *state;
    uint32_t counts[8] = {0};

    for (uint64_t seed = 1; seed <= 400; seed++) {
        log_turn_begin(log_writer(life.log, 0));
        life_put(&life, 0, 0, 100);
        put_transaction(1, 5, seed % 4 == 0 ? 20000 : 60, true);
        life_put(&life, 0, 6, 10);
        life_end(&life);
        if (seed % 2)
            pm_sim_crash(pm, PM_SIM_RANDOM, 0, seed);
        else
            pm_sim_crash(pm, PM_SIM_ALL_BUT, seed / 4, 0);
        assert_int_equal(life_begin(&life, pm, &turn_mode), PM_OK);
        assert_keys(0, life.item_count);
        counts[life.item_count]++;
        life_end(&life);
        pm_sim_free(pm);
        *state = pm = life_sim(PM_SIM_LINES);
        assert_int_equal(life_begin(&life, pm, &turn_mode), PM_OK);
    }
    for (uint32_t i = 2; i < 6; i++)
        assert_int_equal(counts[i], 0);
    assert_true(counts[0] > 0 && counts[1] > 0 && counts[6] > 0 && counts[7] > 0);
}

/* The first, second ... drain of a recovery fails, until one succeeds: each is an error, and the next start goes well. */
static void check_every_drain_may_fail(void **state)
{
    enum pm_status status = PM_IO;
    struct pm *pm = *state;
    uint64_t after = 0;

    for (uint32_t i = 0; i < 6; i++)
        life_put_turn(&life, i % 2, i, 20000);
    log_turn_begin(log_writer(life.log, 0));
    put_transaction(9, 2, 100, false); /* something to reject */
    life_end(&life);
    pm_sim_kill(pm);
    while (status != PM_OK) {
        pm_sim_fail_drain(pm, ++after);
        status = life_begin(&life, pm, &epoch_mode);
        if (status == PM_OK)
            break;
        assert_int_equal(status, PM_IO);
        pm_sim_kill(pm);
    }
    pm_sim_fail_drain(pm, 0);
    assert_true(after >= 4);
    assert_int_equal(life.item_count, 6);
}

/* Members that do not add up, each valid by itself: only damage, or a mistake of ours, makes that. */
static void check_wrong_trailer(void **state)
{
    struct pmd_record *record;
    struct record_view view;
    uint32_t count = 4;
    pm_off off;

    (void)state;
    log_turn_begin(log_writer(life.log, 0));
    off = put_transaction(0, 3, 100, true) * PM_UNIT;
    assert_int_equal(log_turn_close(log_writer(life.log, 0)), PM_OK);
    record = (struct pmd_record *)pool_at(life.pool, off);
    assert_true(record_view(life.pool, off, off + 4096, &view));
    memcpy((uint8_t *)record + (view.value - (uint8_t *)record) + record->value_len, &count, 4);
    record->checksum =
        record_checksum(life.pool, off, record, (uint32_t)(view.value + record->value_len + 8 - (uint8_t *)record), 0);
    assert_true(record_verify(life.pool, off, &view));
    life_end(&life);
    pm_sim_kill(*state);
    assert_int_equal(life_begin(&life, *state, &turn_mode), PM_DAMAGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TURN_TEST(check_open_transaction_is_absent),     TURN_TEST(check_transaction_over_segments),
        TURN_TEST(check_transaction_is_whole_or_absent), TURN_TEST(check_every_drain_may_fail),
        EPOCH_TEST(check_every_drain_may_fail),          TURN_TEST(check_wrong_trailer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
