/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: what a turn appends is read back, durable when it must be, at exactly the budgeted cost; timestamps never
 * repeat; sync groups keep the order of epochs.
 * Method: single lives over the simulated domain, whose counters are the budgets.
 */
#include "persist/log.h"
#include "persist/log_internal.h"
#include "tests/support/life.h"
#include "tests/unit/check.h"

#include <stdlib.h>

static struct life life;
static const struct life_options turn_mode = {.mode = PMD_COMMIT_TURN};
static const struct life_options epoch_mode = {.mode = PMD_COMMIT_EPOCH};

static struct life_item read_items[LIFE_ITEMS_MAX];
static uint32_t read_count;

static int begin_turn_mode(void **state)
{
    *state = life_sim(PM_SIM_LINES);
    return life_begin(&life, *state, &turn_mode) == PM_OK ? 0 : -1;
}

static int begin_epoch_mode(void **state)
{
    *state = life_sim(PM_SIM_PAGES);
    return life_begin(&life, *state, &epoch_mode) == PM_OK ? 0 : -1;
}

static int end(void **state)
{
    life_end(&life);
    pm_sim_free(*state);
    return 0;
}

static void note(const struct log_item *item, void *context)
{
    (void)context;
    life_item_of(item, &read_items[read_count++]);
}

/* Ends the epoch and reads up to it. */
static uint64_t read_cut(void)
{
    uint64_t cut = epoch_advance(&life.epochs);

    assert_true(epoch_passed(&life.epochs, cut));
    read_count = 0;
    log_read(life.log, cut, note, NULL);
    return cut;
}

static struct pm_counters counters_of(uint32_t writer)
{
    return log_writer_context(log_writer(life.log, writer))->counters;
}

/* ---- reading ---- */

static void check_reads_what_was_closed(void **state)
{
    uint64_t records, bytes;

    (void)state;
    life_put_turn(&life, 0, 1, 100);
    life_put_turn(&life, 1, 2, 0);
    log_turn_begin(log_writer(life.log, 0));
    life_put(&life, 0, 3, 7);
    life_put(&life, 0, 4, 1000);
    assert_int_equal(log_turn_close(log_writer(life.log, 0)), PM_OK);
    log_tail(life.log, &records, &bytes);
    assert_int_equal(records, 4);
    assert_int_equal(bytes,
                     life_record_bytes(100) + life_record_bytes(0) + life_record_bytes(7) + life_record_bytes(1000));
    read_cut();
    assert_int_equal(read_count, 4);
    assert_int_equal(read_items[0].key, 1);
    assert_int_equal(read_items[1].key, 3);
    assert_int_equal(read_items[2].key, 4);
    assert_int_equal(read_items[3].key, 2);
    for (uint32_t i = 0; i < 4; i++)
        assert_true(read_items[i].sound);
    log_tail(life.log, &records, &bytes);
    assert_int_equal(records, 0);
    assert_int_equal(bytes, 0);
    read_cut();
    assert_int_equal(read_count, 0);
}

static void check_reading_stops_at_the_cut(void **state)
{
    uint64_t cut;

    (void)state;
    life_put_turn(&life, 0, 1, 8);
    cut = epoch_advance(&life.epochs);
    life_put_turn(&life, 0, 2, 8);
    life_put_turn(&life, 0, 3, 8);
    read_count = 0;
    log_read(life.log, cut, note, NULL);
    assert_int_equal(read_count, 1);
    read_cut();
    assert_int_equal(read_count, 2);
    assert_int_equal(read_items[1].key, 3);
}

static void check_optional_fields(void **state)
{
    struct log_writer *writer = log_writer(life.log, 0);
    struct log_part part = {"value", 5};
    struct log_record record = {
        .kind = PMD_RECORD_FULL,
        .db = 3,
        .expire_at_ms = 1234567890123,
        .client_flags = 77,
        .cas = 999,
        .key = (const uint8_t *)"k",
        .key_len = 1,
        .parts = &part,
        .part_count = 1,
    };
    struct record_view view;
    pm_off off;

    (void)state;
    log_turn_begin(writer);
    assert_int_equal(log_reserve(writer, SPACE_USER, 64, 1), PM_OK);
    record.cts = log_draw_cts(writer, 0);
    off = log_append(writer, &record) * PM_UNIT;
    assert_int_equal(log_turn_close(writer), PM_OK);
    assert_true(record_view(life.pool, off, off + 64, &view));
    assert_true(record_verify(life.pool, off, &view));
    assert_int_equal(view.expire_at_ms, record.expire_at_ms);
    assert_int_equal(view.client_flags, 77);
    assert_int_equal(view.cas, 999);
    assert_int_equal(view.header->db, 3);
    assert_memory_equal(view.key, "k", 1);
    assert_memory_equal(view.value, "value", 5);
}

/* Several segments: each is reported once, when W has passed it, and its successor stays. */
static void check_finished_segments(void **state)
{
    uint32_t segment, length, first_length, finished = 0;
    uint64_t cut;

    (void)state;
    for (uint32_t i = 0; i < 30; i++) {
        life_put_turn(&life, 0, i, 20000);
        life_make_ready(&life);
        assert_false(log_next_finished(life.log, UINT64_MAX, &segment, &length));
    }
    cut = read_cut();
    assert_int_equal(read_count, 30);
    assert_false(log_next_finished(life.log, cut - 1, &segment, &length));
    first_length = log_align_line(LOG_LINK_BYTES + life_record_bytes(20000));
    first_length = log_align_line(first_length + life_record_bytes(20000)) + life_record_bytes(20000);
    while (log_next_finished(life.log, cut, &segment, &length)) {
        assert_int_equal(length, first_length);
        assert_int_equal(life.pool->segments[segment].record_count, 3);
        finished++;
    }
    assert_int_equal(finished, 9);
}

/* ---- budgets ---- */

/* SET of up to 4 KB: each line of the record flushed once, one drain a turn, however many records. What is flushed ahead
 * goes by eight kilobytes. */
static void check_budget_of_turns(void **state)
{
    static const uint32_t sizes[] = {0, 1, 28, 29, 64, 100, 1000, 4096};
    struct pm_counters before, after;

    (void)state;
    life_put_turn(&life, 0, 1, 8); /* the segment has its LINK */
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(sizes); i++) {
        uint32_t bytes = life_record_bytes(sizes[i]);

        before = counters_of(0);
        life_put_turn(&life, 0, 2, sizes[i]);
        after = counters_of(0);
        assert_int_equal(after.drains - before.drains, 1);
        assert_int_equal(after.flushes - before.flushes, 1);
        assert_int_equal(after.flush_lines - before.flush_lines, (bytes + PM_LINE - 1) / PM_LINE);
    }
    for (uint32_t count = 50; count <= 250; count *= 5) {
        uint32_t bytes = count * life_record_bytes(100);

        before = counters_of(0);
        log_turn_begin(log_writer(life.log, 0));
        for (uint32_t i = 0; i < count; i++)
            life_put(&life, 0, i % 50, 100);
        assert_int_equal(log_turn_close(log_writer(life.log, 0)), PM_OK);
        after = counters_of(0);
        assert_int_equal(after.drains - before.drains, 1);
        assert_in_range(after.flushes - before.flushes, bytes / 8192 + (bytes < 8192), bytes / 8192 + 1);
        assert_int_equal(after.flush_lines - before.flush_lines, (bytes + PM_LINE - 1) / PM_LINE);
    }
    log_turn_begin(log_writer(life.log, 0));
    assert_int_equal(log_turn_close(log_writer(life.log, 0)), PM_OK);
    assert_int_equal(counters_of(0).drains, after.drains); /* nothing appended: nothing to wait for */
}

static void commit_of(uint32_t writer, uint32_t members, uint32_t value_bytes)
{
    struct log_writer *log = log_writer(life.log, writer);

    log_turn_begin(log);
    assert_int_equal(log_reserve(log, SPACE_USER, members * life_record_bytes(value_bytes), members), PM_OK);
    log_transaction_begin(log, members);
    for (uint32_t i = 0; i < members; i++) {
        struct life_item item = {.key = i, .value_bytes = value_bytes, .kind = PMD_RECORD_FULL};

        item.cts = log_draw_cts(log, 0);
        life_append(&life, writer, &item, true);
    }
    log_commit(log, members);
    assert_int_equal(log_turn_close(log), PM_OK);
}

static void check_budget_of_transactions(void **state)
{
    uint64_t records, bytes;
    struct pm_counters before;

    (void)state;
    for (uint32_t members = 1; members <= 64; members *= 2) {
        before = counters_of(0);
        log_read(life.log, epoch_advance(&life.epochs), note, NULL);
        commit_of(0, members, 100);
        log_tail(life.log, &records, &bytes);
        assert_int_equal(records, members);
        assert_true(bytes <= members * life_record_bytes(100) + 16);
        assert_int_equal(counters_of(0).drains - before.drains, 1);
        read_count = 0;
    }
}

static void check_budget_of_deletes(void **state)
{
    (void)state;
    for (uint32_t key_len = 1; key_len <= 250; key_len++)
        assert_true(record_bytes(PMD_LAST, key_len, 0) <= key_len + 48);
}

/* A turn that fills segments: one drain, and the reader goes on from one to the next. */
static void check_turn_over_segments(void **state)
{
    struct pm_counters before = counters_of(0);

    (void)state;
    log_turn_begin(log_writer(life.log, 0));
    for (uint32_t i = 0; i < 9; i++)
        life_put(&life, 0, i, 20000);
    assert_int_equal(log_turn_close(log_writer(life.log, 0)), PM_OK);
    assert_int_equal(counters_of(0).drains - before.drains, 1 + 4); /* odd keys are streamed: see life_append() */
    /* Ahead: one a record, and one more for the fourth, which is streamed and ends with its line. */
    assert_int_equal(counters_of(0).flushes - before.flushes, 9 + 1 + 3);
    read_cut();
    assert_int_equal(read_count, 9);
}

/* ---- space ---- */

/* A segment in which the turn under way has written nothing is passed, and freed, before that turn is closed. */
static void check_reader_overtakes_the_turn(void **state)
{
    struct log_writer *writer = log_writer(life.log, 0);
    uint32_t first, value = life.pool->segment_bytes / 2, segment, length;

    (void)state;
    life_put_turn(&life, 0, 1, value);
    first = writer->open->segment;
    log_turn_begin(writer);
    life_put(&life, 0, 2, value);
    assert_int_not_equal(writer->open->segment, first);
    assert_int_equal(life.pool->segments[first].closed_end, UINT32_MAX);
    read_count = 0;
    log_read(life.log, epoch_now(&life.epochs) - 1, note, NULL);
    log_read(life.log, epoch_now(&life.epochs), note, NULL);
    assert_int_equal(read_count, 1);
    assert_true(log_next_finished(life.log, UINT64_MAX, &segment, &length));
    assert_int_equal(segment, first);
    /* By now it may be somebody else's: closing the turn must not touch it. */
    life.pool->segments[first].closed_end = 77;
    assert_int_equal(log_turn_close(writer), PM_OK);
    assert_int_equal(life.pool->segments[first].closed_end, 77);
    read_cut();
    assert_int_equal(read_count, 1);
}

static void check_reserve(void **state)
{
    struct log_writer *writer = log_writer(life.log, 0);
    uint32_t segment_bytes = life.pool->segment_bytes;
    uint32_t taken = 0;

    (void)state;
    assert_int_equal(log_reserve(writer, SPACE_USER, segment_bytes, 1), PM_BAD_ARGUMENT);
    assert_int_equal(log_reserve(writer, SPACE_USER, 64 * segment_bytes, 1000), PM_FULL); /* not so many are ready */
    log_turn_begin(writer);
    while (log_reserve(writer, SPACE_USER, life_record_bytes(30000), 1) == PM_OK) {
        life_put(&life, 0, taken++, 30000);
        assert_true(taken < 100);
    }
    assert_true(taken >= 8);
    assert_int_equal(log_turn_close(writer), PM_OK);
    life_make_ready(&life);
    assert_int_equal(log_reserve(writer, SPACE_USER, life_record_bytes(30000), 1), PM_OK);
}

/* When users may take nothing more, deletes still find room, and users do not get at it. */
static void check_reserve_of_deletes(void **state)
{
    struct log_writer *writer = log_writer(life.log, 0);

    (void)state;
    while (log_reserve(writer, SPACE_USER, life_record_bytes(30000), 1) == PM_OK) {
        life_put_turn(&life, 0, 1, 30000);
        life_make_ready(&life);
    }
    assert_int_equal(pool_space_available(life.pool), 0);
    while (log_reserve(writer, SPACE_USER, life_record_bytes(1000), 1) == PM_OK)
        life_put_turn(&life, 0, 1, 1000);
    assert_int_equal(log_reserve(writer, SPACE_TOMBSTONE, 2048, 1), PM_OK);
    assert_int_equal(log_reserve(writer, SPACE_USER, 2048, 1), PM_FULL);
}

/* ---- others' records (C2) ---- */

static void check_foreign_durable(void **state)
{
    struct pm *pm = *state;
    pm_loc loc;

    life_put_turn(&life, 0, 1, 100);
    log_turn_begin(log_writer(life.log, 0));
    for (uint32_t i = 2; i < 8; i++) /* over two segments */
        loc = life_put(&life, 0, i, 20000);
    life_put(&life, 0, 9, 10);
    log_turn_begin(log_writer(life.log, 1));
    assert_false(log_is_durable(life.log, loc));
    assert_int_equal(log_make_durable(life.log, log_writer_context(log_writer(life.log, 1)), loc), PM_OK);
    assert_int_equal(counters_of(1).drains, 1);
    assert_false(log_is_durable(life.log, loc)); /* its owner has not closed it */
    life_end(&life);
    pm_sim_crash(pm, PM_SIM_NONE, 0, 0);
    assert_int_equal(life_begin(&life, pm, &turn_mode), PM_OK);
    assert_int_equal(life.item_count, 7);
    for (uint32_t i = 0; i < 7; i++)
        assert_int_equal(life.items[i].key, i + 1);
    assert_true(log_is_durable(life.log, life.items[6].loc));
}

static void check_own_close(void **state)
{
    pm_loc loc;

    (void)state;
    log_turn_begin(log_writer(life.log, 0));
    loc = life_put(&life, 0, 1, 10);
    assert_false(log_is_durable(life.log, loc));
    assert_int_equal(log_turn_close(log_writer(life.log, 0)), PM_OK);
    assert_true(log_is_durable(life.log, loc));
}

static void check_failed_drain(void **state)
{
    struct log_writer *writer = log_writer(life.log, 0);
    pm_loc loc;

    life_put_turn(&life, 0, 1, 10);
    log_turn_begin(writer);
    loc = life_put(&life, 0, 2, 10);
    pm_sim_fail_drain(*state, 1);
    assert_int_equal(log_turn_close(writer), PM_IO);
    assert_false(log_is_durable(life.log, loc));
    log_turn_begin(writer);
    life_put(&life, 0, 3, 10);
    assert_int_equal(log_turn_close(writer), PM_IO); /* R5: never again */
    read_cut();
    assert_int_equal(read_count, 1);
}

/* ---- timestamps ---- */

static int compare_cts(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void check_timestamps(void **state)
{
    enum { DRAWS = 300000 };
    uint64_t *drawn = malloc(DRAWS * sizeof(*drawn));
    uint64_t above = 0;

    (void)state;
    log_turn_begin(log_writer(life.log, 0));
    log_turn_begin(log_writer(life.log, 1));
    for (uint32_t i = 0; i < DRAWS; i++) {
        /* Now and then one replaces the other's version. */
        drawn[i] = log_draw_cts(log_writer(life.log, i % 3 == 0), i % 5 == 0 ? above : 0);
        if (i % 5 == 0)
            assert_true(drawn[i] > above);
        above = drawn[i];
    }
    qsort(drawn, DRAWS, sizeof(*drawn), compare_cts);
    for (uint32_t i = 1; i < DRAWS; i++)
        assert_true(drawn[i - 1] < drawn[i]);
    assert_true(cts_epoch(drawn[DRAWS - 1]) < life.recovery.first_epoch + 10);
    assert_true(cts_epoch(drawn[0]) >= life.recovery.first_epoch);
    assert_int_equal(log_highest_epoch(life.log), cts_epoch(drawn[DRAWS - 1]));
    free(drawn);
}

/* A transaction stays in the epoch in which it began, whatever goes on beside it and however large it is. */
static void check_transaction_has_one_epoch(void **state)
{
    static const uint32_t sizes[] = {2, 1000, 65535, 65536, LOG_TRANSACTION_RECORDS_MAX};
    struct log_writer *writer = log_writer(life.log, 0), *other = log_writer(life.log, 1);

    (void)state;
    log_turn_begin(writer);
    log_turn_begin(other);
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(sizes); i++) {
        uint64_t above = 0, first, cts = 0;

        for (uint32_t j = 0; j < 60000; j++)
            above = log_draw_cts(other, 0);
        (void)log_draw_cts(writer, above);
        log_transaction_begin(writer, sizes[i]);
        first = log_draw_cts(writer, above);
        assert_true(first > above);
        for (uint32_t j = 1; j < sizes[i]; j++) {
            cts = log_draw_cts(writer, j % 2 ? above : 0);
            if (j % 10000 == 0)
                epoch_advance(&life.epochs);
        }
        assert_int_equal(cts_epoch(cts), cts_epoch(first));
        log_commit(writer, 0);
        assert_true(log_draw_cts(other, cts) > cts);
    }
}

static void check_lease(void **state)
{
    uint64_t limit = atomic_load(&life.epochs.limit);
    uint64_t writes;

    (void)state;
    assert_int_equal(limit, life.recovery.first_epoch + RECOVERY_LEASE_EPOCHS);
    writes = life.context.counters.drains;
    assert_int_equal(log_renew_lease(life.log, &life.context), PM_OK);
    assert_int_equal(life.context.counters.drains, writes); /* long enough */
    for (uint32_t i = 0; i < RECOVERY_LEASE_EPOCHS / 2; i++)
        epoch_advance(&life.epochs);
    assert_int_equal(log_renew_lease(life.log, &life.context), PM_OK);
    assert_true(atomic_load(&life.epochs.limit) >= limit + RECOVERY_LEASE_EPOCHS / 2);
    assert_int_equal(atomic_load(&life.epochs.limit), life.pool->superblock.epoch_lease);
}

/* ---- sync groups ---- */

static void check_sync_group(void **state)
{
    struct log_writer *writer = log_writer(life.log, 0);
    uint64_t epoch;

    (void)state;
    assert_int_equal(log_sync_step(life.log, &life.context), LOG_SYNC_IDLE);
    life_put_turn(&life, 1, 1, 100);
    assert_int_equal(log_unsynced_bytes(life.log), life_record_bytes(100));
    log_turn_begin(writer);
    life_put(&life, 0, 2, 50);
    epoch = log_highest_epoch(life.log);
    assert_true(log_synced_epoch(life.log) < epoch);
    assert_int_equal(log_sync_step(life.log, &life.context), LOG_SYNC_WAIT);
    assert_int_equal(log_sync_step(life.log, &life.context), LOG_SYNC_WAIT);
    assert_int_equal(log_turn_close(writer), PM_OK);
    assert_int_equal(counters_of(0).drains, 0); /* turns wait for nothing in this mode */
    assert_int_equal(log_sync_step(life.log, &life.context), LOG_SYNC_DONE);
    assert_true(log_synced_epoch(life.log) >= epoch);
    assert_int_equal(life.pool->superblock.e_sync, log_synced_epoch(life.log));
    assert_int_equal(log_unsynced_bytes(life.log), 0);
    assert_int_equal(log_sync_step(life.log, &life.context), LOG_SYNC_IDLE);
}

/* A cut for which nothing is unsynced is passed without a write. */
static void check_empty_epochs_pass(void **state)
{
    uint64_t writes = life.context.counters.drains;
    uint64_t cut = epoch_advance(&life.epochs);

    (void)state;
    assert_true(log_synced_epoch(life.log) < cut);
    assert_int_equal(log_sync_step(life.log, &life.context), LOG_SYNC_IDLE);
    assert_true(log_synced_epoch(life.log) >= cut);
    assert_int_equal(life.context.counters.drains, writes);
}

static void check_failed_sync(void **state)
{
    uint64_t synced;

    life_put_turn(&life, 0, 1, 100);
    synced = log_synced_epoch(life.log);
    pm_sim_fail_drain(*state, 1);
    assert_int_equal(log_sync_step(life.log, &life.context), LOG_SYNC_FAILED);
    assert_int_equal(log_sync_step(life.log, &life.context), LOG_SYNC_FAILED);
    assert_int_equal(log_synced_epoch(life.log), synced);
}

/* The sync actor is slower than the reader: segments that it left behind are freed and used again meanwhile. */
static void check_sync_behind_reuse(void **state)
{
    uint32_t segment, length;

    (void)state;
    for (uint32_t round = 0; round < 40; round++) {
        uint64_t cut;

        for (uint32_t i = 0; i < 4; i++)
            life_put_turn(&life, round % LIFE_WRITERS, i, 20000);
        assert_int_equal(log_sync_step(life.log, &life.context), LOG_SYNC_DONE);
        cut = log_synced_epoch(life.log);
        life_put_turn(&life, round % LIFE_WRITERS, 5, 20000);
        read_count = 0;
        log_read(life.log, cut, note, NULL);
        while (log_next_finished(life.log, cut, &segment, &length))
            assert_int_equal(pool_free_segment(life.pool, &life.context, segment), PM_OK);
        life_make_ready(&life);
    }
    assert_int_equal(log_sync_step(life.log, &life.context), LOG_SYNC_DONE);
    assert_int_equal(log_unsynced_bytes(life.log), 0);
}

#define TURN_TEST(name) cmocka_unit_test_setup_teardown(name, begin_turn_mode, end)
#define EPOCH_TEST(name) cmocka_unit_test_setup_teardown(name, begin_epoch_mode, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TURN_TEST(check_reads_what_was_closed),
        EPOCH_TEST(check_reads_what_was_closed),
        TURN_TEST(check_reading_stops_at_the_cut),
        EPOCH_TEST(check_reading_stops_at_the_cut),
        TURN_TEST(check_optional_fields),
        TURN_TEST(check_finished_segments),
        TURN_TEST(check_budget_of_turns),
        TURN_TEST(check_budget_of_transactions),
        TURN_TEST(check_budget_of_deletes),
        TURN_TEST(check_turn_over_segments),
        TURN_TEST(check_reader_overtakes_the_turn),
        TURN_TEST(check_reserve),
        TURN_TEST(check_reserve_of_deletes),
        TURN_TEST(check_foreign_durable),
        TURN_TEST(check_own_close),
        TURN_TEST(check_failed_drain),
        TURN_TEST(check_timestamps),
        TURN_TEST(check_transaction_has_one_epoch),
        TURN_TEST(check_lease),
        EPOCH_TEST(check_sync_group),
        EPOCH_TEST(check_empty_epochs_pass),
        EPOCH_TEST(check_failed_sync),
        EPOCH_TEST(check_sync_behind_reuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
