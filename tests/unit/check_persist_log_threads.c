/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: the log's writers, its reader and its sync actor do not disturb each other.
 * Method: two writers, which read each other's records, the reader and the sync actor as real threads over a file, for
 * ThreadSanitizer. Each record is read once.
 */
#include "base/assert.h"
#include "persist/log.h"
#include "persist/log_internal.h"
#include "tests/support/life.h"
#include "tests/unit/check.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static struct life life;

enum { THREAD_TURNS = 3000 };

static _Atomic bool stop;
static _Atomic(pm_loc) shared_loc;

static void *write_much(void *number)
{
    uint32_t writer = (uint32_t)(uintptr_t)number;
    struct log_writer *log = log_writer(life.log, writer);
    uint64_t last = 0;

    for (uint32_t turn = 0; turn < THREAD_TURNS; turn++) {
        pm_loc seen;

        while (log_reserve(log, SPACE_USER, 4 * life_record_bytes(200), 4) != PM_OK)
            ;
        log_turn_begin(log);
        seen = atomic_load_explicit(&shared_loc, memory_order_acquire);
        if (seen && !log_is_durable(life.log, seen))
            must(log_make_durable(life.log, log_writer_context(log), seen) == PM_OK);
        if (seen)
            last = record_at(life.pool, seen)->cts;
        for (uint32_t i = 0; i < 1 + turn % 3; i++) {
            struct log_record record = {.kind = PMD_RECORD_FULL, .key = (const uint8_t *)"key:00000001", .key_len = 12};

            record.cts = log_draw_cts(log, last);
            atomic_store_explicit(&shared_loc, log_append(log, &record), memory_order_release);
        }
        must(log_turn_close(log) == PM_OK);
    }
    return NULL;
}

static void *sync_much(void *argument)
{
    struct pm_context context;

    (void)argument;
    pm_context_init(&context, life.pm);
    while (!atomic_load(&stop))
        (void)log_sync_step(life.log, &context);
    while (log_sync_step(life.log, &context) == LOG_SYNC_WAIT)
        ;
    return NULL;
}

static void count_one(const struct log_item *item, void *context)
{
    (void)item;
    ++*(uint64_t *)context;
}

/* The index writer's part: cuts, reading, reporting. Segments are not freed: writers read each other's records without
 * a grace period here. */
static uint64_t read_some(void)
{
    uint64_t cut = epoch_advance(&life.epochs), count = 0, records, bytes;
    uint32_t segment, length;

    while (!epoch_passed(&life.epochs, cut))
        ;
    log_tail(life.log, &records, &bytes);
    log_read(life.log, cut, count_one, &count);
    while (log_next_finished(life.log, cut, &segment, &length))
        pool_set_segment(life.pool, &life.context, segment, PMD_SEGMENT_INDEXED, length, PM_SITE_SEGMENT_INDEXED_FLUSH);
    life_make_ready(&life);
    return count;
}

static void run_threads(enum pmd_commit_mode mode)
{
    char path[] = "/tmp/hearth-check-log-XXXXXX";
    struct life_options options = {.mode = mode, .ready = 6};
    pthread_t writers[LIFE_WRITERS], sync;
    uint64_t count = 0, expected = 0;
    struct pm *pm;

    close(mkstemp(path));
    assert_int_equal(pm_open(&pm, path, 128u << PM_SEGMENT_BITS_MIN, true), PM_OK);
    assert_int_equal(life_begin(&life, pm, &options), PM_OK);
    atomic_store(&stop, false);
    atomic_store(&shared_loc, 0);
    pthread_create(&sync, NULL, sync_much, NULL);
    for (uintptr_t i = 0; i < LIFE_WRITERS; i++)
        pthread_create(&writers[i], NULL, write_much, (void *)i);
    for (uint32_t turn = 0; turn < THREAD_TURNS; turn++)
        expected += LIFE_WRITERS * (1 + turn % 3);
    while (count < expected)
        count += read_some();
    for (uint32_t i = 0; i < LIFE_WRITERS; i++)
        pthread_join(writers[i], NULL);
    atomic_store(&stop, true);
    pthread_join(sync, NULL);
    assert_int_equal(count + read_some(), expected);
    assert_int_equal(log_unsynced_bytes(life.log), 0);
    life_end(&life);
    unlink(path);
}

static void check_threads_turn_mode(void **state)
{
    (void)state;
    run_threads(PMD_COMMIT_TURN);
}

static void check_threads_epoch_mode(void **state)
{
    (void)state;
    run_threads(PMD_COMMIT_EPOCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_threads_turn_mode),
        cmocka_unit_test(check_threads_epoch_mode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
