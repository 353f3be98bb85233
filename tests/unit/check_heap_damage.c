/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    R4: a record that was damaged while the pool was closed is found at its first touch and never shown; its key
 *         may be written and deleted like any other; then it is gone for good.
 * METHOD  Objects over the simulated backing, a clean stop, a flipped bit in some values, another start; with the filler
 *         run to its end before the first request, and not at all.
 */
#include "base/log.h"
#include "tests/support/object_fixture.h"

/* ---- tests ---- */

static void test_first_touch_verifies(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, true);
    begin_turn(&fixture);
    assert_true(is_unverified(&fixture, 0));
    assert_true(has(&fixture, 0, "value"));
    assert_false(is_unverified(&fixture, 0));
    assert_true(has(&fixture, 0, "value"));
    reserve(&fixture, 1);
    assert_true(is_unverified(&fixture, 1));
    assert_true(edit_put(&fixture, 1, "new"));
    assert_false(is_unverified(&fixture, 1));
    assert_true(has(&fixture, 1, "new"));
    end_turn(&fixture);
    assert_int_equal(damaged_count(&fixture), 0);
    end(&fixture);
}

/* A miss, told once; dropped for good by the next steps of the cleaner, index first. */
static void damaged_is_a_miss(bool fill)
{
    struct fixture fixture;

    begin(&fixture, fill);
    damage(&fixture, 1);
    begin_turn(&fixture);
    for (int i = 0; i < 3; i++)
        assert_false(has(&fixture, 1, "value"));
    assert_true(has(&fixture, 2, "value"));
    assert_int_equal(damaged_count(&fixture), 1);
    end_turn(&fixture);
    settle(&fixture);
    assert_int_equal(indexed_loc(&fixture, 1), 0);
    assert_int_equal(key_count(&fixture), OBJECTS - 1);
    reopen(&fixture);
    begin_turn(&fixture);
    assert_false(has(&fixture, 1, "value"));
    end_turn(&fixture);
    assert_int_equal(damaged_count(&fixture), 0);
    end(&fixture);
}

static void test_damaged_is_a_miss(void **state)
{
    (void)state;
    damaged_is_a_miss(true);
}

static void test_damaged_is_a_miss_before_the_filler(void **state)
{
    (void)state;
    damaged_is_a_miss(false);
}

/* Overwritten or deleted, in whatever order with the drop, and counted right; over the next start too. */
static void damaged_can_be_written(bool fill)
{
    struct fixture fixture;

    begin(&fixture, fill);
    for (int i = 1; i <= 4; i++)
        damage(&fixture, i);
    begin_turn(&fixture);
    reserve(&fixture, 1);
    assert_false(edit_put(&fixture, 1, "new"));
    reserve(&fixture, 1);
    assert_false(edit_delete(&fixture, 2));
    assert_false(has(&fixture, 3, "value"));
    assert_false(has(&fixture, 4, "value"));
    end_turn(&fixture);
    settle(&fixture);
    begin_turn(&fixture);
    reserve(&fixture, 1);
    assert_false(edit_put(&fixture, 3, "new"));
    reserve(&fixture, 1);
    assert_false(edit_delete(&fixture, 4));
    end_turn(&fixture);
    for (int life = 0; life < 2; life++) {
        settle(&fixture);
        assert_int_equal(key_count(&fixture), OBJECTS - 2);
        begin_turn(&fixture);
        assert_true(has(&fixture, 1, "new"));
        assert_false(has(&fixture, 2, "value"));
        assert_true(has(&fixture, 3, "new"));
        assert_false(has(&fixture, 4, "value"));
        assert_true(has(&fixture, 5, "value"));
        end_turn(&fixture);
        reopen(&fixture);
    }
    end(&fixture);
}

static void test_damaged_can_be_written(void **state)
{
    (void)state;
    damaged_can_be_written(true);
}

static void test_damaged_can_be_written_before_the_filler(void **state)
{
    (void)state;
    damaged_can_be_written(false);
}

/* What healed in between: deleted is deleted. */
static void test_deleted_stays_deleted(void **state)
{
    struct fixture fixture;
    pm_loc loc;

    (void)state;
    begin(&fixture, true);
    loc = indexed_loc(&fixture, 1);
    damage(&fixture, 1);
    begin_turn(&fixture);
    reserve(&fixture, 1);
    assert_false(edit_delete(&fixture, 1));
    end_turn(&fixture);
    damage(&fixture, 1); /* the same bit again */
    assert_true(record_is_whole(fixture.heap->pool, loc));
    reopen(&fixture);
    begin_turn(&fixture);
    assert_false(has(&fixture, 1, "value"));
    end_turn(&fixture);
    end(&fixture);
}

static void test_transaction(void **state)
{
    struct fixture fixture;
    struct index_key keys[2];

    (void)state;
    begin(&fixture, true);
    damage(&fixture, 1);
    keys[0] = key_of(&fixture, 1);
    keys[1] = key_of(&fixture, 2);
    begin_turn(&fixture);
    reserve(&fixture, 2);
    assert_true(heap_transaction_begin(fixture.worker, keys, 2));
    assert_false(has(&fixture, 1, "value"));
    assert_true(has(&fixture, 2, "value"));
    assert_false(edit_put(&fixture, 1, "new"));
    assert_true(edit_put(&fixture, 2, "new"));
    assert_true(has(&fixture, 1, "new"));
    heap_transaction_commit(fixture.worker);
    assert_true(has(&fixture, 1, "new"));
    assert_true(has(&fixture, 2, "new"));
    end_turn(&fixture);
    assert_int_equal(key_count(&fixture), OBJECTS);
    end(&fixture);
}

static void count_item(const struct heap_scan_item *item, void *context)
{
    int *seen = context;

    assert_int_equal(item->key_len, 2);
    seen[item->key[1] - '0']++;
}

static void test_scan(void **state)
{
    int seen[OBJECTS] = {0};
    struct fixture fixture;
    uint64_t cursor = 0;

    (void)state;
    begin(&fixture, true);
    damage(&fixture, 1);
    begin_turn(&fixture);
    do
        cursor = heap_scan(fixture.worker, 0, cursor, 1000, count_item, seen);
    while (cursor);
    for (int i = 0; i < OBJECTS; i++) {
        assert_int_equal(seen[i], i != 1);
        assert_int_equal(is_unverified(&fixture, i), i == 1);
    }
    end_turn(&fixture);
    settle(&fixture);
    assert_int_equal(indexed_loc(&fixture, 1), 0);
    end(&fixture);
}

/* ---- the scrubber ---- */

/* Damaged after it was verified: found without anybody asking for it. */
static void test_scrub(void **state)
{
    struct fixture fixture;
    struct heap_stats stats;

    (void)state;
    begin(&fixture, true);
    begin_turn(&fixture);
    for (int i = 0; i < OBJECTS - 1; i++)
        assert_true(has(&fixture, i, "value"));
    end_turn(&fixture);
    damage(&fixture, 1);
    settle(&fixture);
    heap_stats(fixture.heap, &stats);
    assert_int_equal(stats.scrub_passes, 1); /* and it rests */
    assert_int_equal(stats.damaged_records, 1);
    assert_int_equal(indexed_loc(&fixture, 1), 0);
    assert_int_equal(key_count(&fixture), OBJECTS - 1);
    begin_turn(&fixture);
    assert_false(has(&fixture, 1, "value"));
    assert_false(is_unverified(&fixture, OBJECTS - 1));
    for (int i = 2; i < OBJECTS; i++)
        assert_true(has(&fixture, i, "value"));
    end_turn(&fixture);
    end(&fixture);
}

/* From the scrubber's find on the key is a miss, before anything is dropped. */
static void test_scrub_hides(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, true);
    begin_turn(&fixture);
    assert_true(has(&fixture, 1, "value"));
    assert_true(has(&fixture, 2, "value"));
    end_turn(&fixture);
    damage(&fixture, 1);
    damage_header(&fixture, 2);
    while (fixture.heap->scrub.passes == 0)
        scrub_step(&fixture.heap->scrub, fixture.now_us += 10000);
    assert_true(is_unverified(&fixture, 1));
    assert_true(is_unverified(&fixture, 2));
    begin_turn(&fixture);
    assert_false(has(&fixture, 1, "value"));
    assert_false(has(&fixture, 2, "value"));
    end_turn(&fixture);
    settle(&fixture);
    assert_int_equal(indexed_loc(&fixture, 1), 0);
    assert_int_equal(indexed_loc(&fixture, 2), 0);
    end(&fixture);
}

static void test_scrub_pace(void **state)
{
    struct fixture fixture;
    struct scrub *scrub;
    uint64_t ticks = 0, bytes;

    (void)state;
    begin(&fixture, true);
    scrub = &fixture.heap->scrub;
    bytes = OBJECTS * record_bytes(PMD_LAST, 2, 5);
    scrub->bytes_a_second = scrub->bytes_a_second_max = 100; /* one byte a tick */
    while (scrub->passes == 0 && ticks++ < 10 * bytes) {
        scrub_step(scrub, fixture.now_us += 10000);
        scrub_step(scrub, fixture.now_us += 100); /* too soon */
        assert_true(scrub->bytes <= ticks + record_bytes(PMD_LAST, 2, 5) * 3);
    }
    assert_int_equal(scrub->bytes, bytes);
    end(&fixture);
}

/* A pass takes ten minutes, as far as what is read in a second is neither next to nothing nor a burden. */
static void test_scrub_pace_by_size(void **state)
{
    enum { MB = 1 << 20 };
    static const struct {
        uint64_t live, bytes_a_second;
    } cases[] = {{0, MB}, {100 * MB, MB}, {UINT64_C(3000) * MB, 5 * MB}, {UINT64_C(100000) * MB, 16 * MB}};
    struct fixture fixture;
    struct pool *pool;
    struct scrub *scrub;

    (void)state;
    begin(&fixture, true);
    settle(&fixture);
    pool = fixture.heap->pool;
    scrub = &fixture.heap->scrub;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t passes = scrub->passes;
        int64_t before = pool->segments[PM_SEGMENT_FIRST_FREE].live_bytes;

        pool->segments[PM_SEGMENT_FIRST_FREE].live_bytes = (int64_t)cases[i].live;
        fixture.now_us += UINT64_C(600) * 1000000;
        while (scrub->passes == passes)
            scrub_step(scrub, fixture.now_us += 10000);
        pool->segments[PM_SEGMENT_FIRST_FREE].live_bytes = before;
        assert_in_range(scrub->bytes_a_second, cases[i].bytes_a_second, cases[i].bytes_a_second * 101 / 100);
    }
    end(&fixture);
}

/* A leaf is damaged while the pool is closed. */
static void begin_with_damaged_leaf(struct fixture *fixture)
{
    struct pmd_leaf *head;

    begin(fixture, false);
    head = (struct pmd_leaf *)pool_at(fixture->heap->pool, pool_segment_off(fixture->heap->pool, PM_SEGMENT_HEAD));
    heap_close(fixture->heap);
    head->used ^= 1;
    open_heap(fixture, false);
}

/* Nobody is to wait for an index that will never be complete. */
static void test_leaf(void **state)
{
    struct fixture fixture;

    (void)state;
    begin_with_damaged_leaf(&fixture);
    fixture.heap->index_failed = false; /* the filler is the first that meets it */
    assert_false(heap_is_filled(fixture.heap));
    assert_false(heap_cannot_fill(fixture.heap));
    while (heap_fill_run_step(fixture.heap))
        ;
    assert_false(heap_is_filled(fixture.heap));
    assert_true(heap_cannot_fill(fixture.heap));
    end(&fixture);
}

/* Its cut fails, and from the tail's bound on writes are refused. */
static void test_leaf_stops_the_index_writer(void **state)
{
    enum heap_reserve reserved = HEAP_RESERVED;
    struct fixture fixture;

    (void)state;
    begin_with_damaged_leaf(&fixture);
    for (int i = 0; i < 10 * TAIL_RECORDS && reserved == HEAP_RESERVED; i++) {
        begin_turn(&fixture);
        reserved = heap_reserve(fixture.worker, heap_bytes(2, 16), 1, false);
        if (reserved == HEAP_RESERVED)
            edit_put(&fixture, 1, "new");
        end_turn(&fixture);
        (void)heap_maintain_step(fixture.heap, fixture.now_us += 2000);
    }
    assert_int_equal(reserved, HEAP_FULL);
    assert_true(heap_cannot_fill(fixture.heap));
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_touch_verifies),
        cmocka_unit_test(test_damaged_is_a_miss),
        cmocka_unit_test(test_damaged_is_a_miss_before_the_filler),
        cmocka_unit_test(test_damaged_can_be_written),
        cmocka_unit_test(test_damaged_can_be_written_before_the_filler),
        cmocka_unit_test(test_deleted_stays_deleted),
        cmocka_unit_test(test_transaction),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_scrub),
        cmocka_unit_test(test_scrub_hides),
        cmocka_unit_test(test_scrub_pace),
        cmocka_unit_test(test_scrub_pace_by_size),
        cmocka_unit_test(test_leaf),
        cmocka_unit_test(test_leaf_stops_the_index_writer),
    };

    (void)!log_output_open("/dev/null"); /* errors are what is asked for */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
