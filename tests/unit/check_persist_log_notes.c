/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: a note reaches the record that it was put with, or nobody.
 * Method: the ring alone, with a reader that falls behind by more than the ring holds, and catches up.
 */
#include "persist/log_notes.h"

#include "tests/unit/check.h"

static struct overwrite made(uint64_t number)
{
    return (struct overwrite){
        .loc = number + 1,
        .units = number % 1000 + 1,
        .db = number % PM_DATABASES,
        .has_expiry = number & 1,
        .replaced_expiry = number >> 1 & 1,
        .replaced = 1000000 + number,
        .generation = number * 7,
        .cts = number * 11,
        .place = (uint32_t)number * 13,
        .replaced_bytes = (uint32_t)(number % 999 + 1) * PM_UNIT,
    };
}

static void put(struct log_notes *notes, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        struct overwrite overwrite = made(i);

        log_note_put(notes, &overwrite);
    }
}

/* Takes the notes of records [from, to); those in [told, to) are known to be missing. */
static void take(struct log_notes *notes, uint64_t from, uint64_t to, uint64_t told)
{
    for (uint64_t i = from; i < to; i++) {
        const struct overwrite *got = log_note_look(notes);
        struct overwrite wanted = made(i);

        assert_int_equal(got != NULL, i < told);
        if (i < told)
            assert_memory_equal(got, &wanted, sizeof wanted);
        log_note_pass(notes);
    }
    log_notes_taken(notes);
}

static void test_laps(void **state)
{
    struct log_notes notes;

    (void)state;
    assert_true(log_notes_init(&notes));
    for (uint64_t i = 0; i < 5 * LOG_NOTES; i += LOG_NOTES / 2 + 1) {
        put(&notes, i, i + LOG_NOTES / 2 + 1);
        assert_int_equal(log_note_ahead(&notes, 3), i + 4);
        take(&notes, i, i + LOG_NOTES / 2 + 1, UINT64_MAX);
    }
    log_notes_drop(&notes);
}

static void test_reader_behind(void **state)
{
    struct log_notes notes;

    (void)state;
    assert_true(log_notes_init(&notes));
    put(&notes, 0, 3 * LOG_NOTES + 5);
    take(&notes, 0, 3 * LOG_NOTES + 5, LOG_NOTES);
    put(&notes, 3 * LOG_NOTES + 5, 3 * LOG_NOTES + 100);
    take(&notes, 3 * LOG_NOTES + 5, 3 * LOG_NOTES + 100, UINT64_MAX);
    log_notes_drop(&notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_laps),
        cmocka_unit_test(test_reader_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
