/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    A key that is overwritten again and again is soon overwritten by its place; and whatever comes between, in the
 *         same cut or since the place was learned (a FLUSH, a delete, expiry, the cleaner, a restart, a power cut), lookups,
 *         counts, the ordered index and what lives in each segment are right.
 * METHOD  One worker over the simulated backing. A cut takes one journal batch, and one more if anything in it went by
 *         place: so batches tell.
 */
#include <stdlib.h>

#include "base/log.h"
#include "persist/live.h"
#include "persist/skiplist_internal.h"
#include "tests/support/object_fixture.h"

enum { CHAIN = 5, EXPIRES_AT_MS = NOW_MS + 5000 };

static const struct pmd_record *indexed_record(const struct fixture *fixture, int object)
{
    assert_int_not_equal(indexed_loc(fixture, object), 0);
    return record_at(fixture->heap->pool, indexed_loc(fixture, object));
}

static uint32_t place_of(const struct fixture *fixture, int object)
{
    return record_place(indexed_record(fixture, object));
}

static void set_expiring(struct fixture *fixture, int object, const char *value, uint64_t expire_at_ms)
{
    struct log_part part = {value, strlen(value)};
    struct heap_put what = {.parts = &part, .part_count = 1, .expire_at_ms = expire_at_ms};
    struct index_key key = key_of(fixture, object);
    struct heap_edit edit;

    begin_turn(fixture);
    reserve(fixture, 1);
    heap_edit_begin(fixture->worker, &key, &edit);
    heap_edit_put(&edit, &what);
    heap_edit_end(&edit);
    end_turn(fixture);
}

static void set(struct fixture *fixture, int object, const char *value)
{
    set_expiring(fixture, object, value, 0);
}

static void del(struct fixture *fixture, int object)
{
    begin_turn(fixture);
    reserve(fixture, 1);
    assert_true(edit_delete(fixture, object));
    end_turn(fixture);
}

static void flush(struct fixture *fixture)
{
    begin_turn(fixture);
    assert_int_equal(heap_reserve(fixture->worker, heap_flush_bytes(), 1, true), HEAP_RESERVED);
    assert_int_equal(heap_flush(fixture->worker, 1, 0), PM_OK);
    end_turn(fixture);
}

/* ---- what must hold ---- */

/* What is counted as live in the segments of this run is what the index names there, and so many records besides that
 * FLUSHes cover. */
static void expect_live(const struct fixture *fixture, int64_t covered)
{
    struct pool *pool = fixture->heap->pool;
    static int64_t bytes[SEGMENTS], records[SEGMENTS];
    struct skiplist_walk walk;
    int64_t surplus = 0;

    memset(bytes, 0, sizeof bytes);
    memset(records, 0, sizeof records);
    skiplist_walk_start(fixture->heap->skiplist, &walk);
    while (!walk.done) {
        assert_int_equal(skiplist_walk_step(fixture->heap->skiplist, &walk), PM_OK);
        for (uint32_t i = 0; i < walk.count; i++) {
            const struct pmd_record *record = record_at(pool, walk.entries[i].loc);
            uint32_t segment = pool_segment_of(pool, walk.entries[i].loc * PM_UNIT);

            bytes[segment] += (int64_t)record_bytes(record->flags, record->key_len, record->value_len);
            records[segment]++;
        }
    }
    skiplist_walk_end(&walk);
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        const struct segment *segment = &pool->segments[i];

        if (segment->sequence == 0)
            continue; /* older than this run */
        if (covered == 0)
            assert_int_equal(segment->live_bytes, bytes[i]);
        assert_true(segment->live_records >= records[i]);
        surplus += segment->live_records - records[i];
    }
    assert_int_equal(surplus, covered);
}

/* values[i]: of object i, NULL: it is not there. */
static void expect_covered(struct fixture *fixture, const char *const values[OBJECTS], int64_t covered)
{
    uint64_t there = 0;

    settle(fixture);
    begin_turn(fixture);
    for (int i = 0; i < OBJECTS; i++) {
        if (values[i] != NULL) {
            assert_true(has(fixture, i, values[i]));
            assert_true(record_is_whole(fixture->heap->pool, indexed_loc(fixture, i)));
            there++;
        } else {
            assert_int_equal(indexed_loc(fixture, i), 0);
        }
    }
    end_turn(fixture);
    assert_int_equal(key_count(fixture), there);
    assert_int_equal(skiplist_check(fixture->heap->skiplist), PM_OK);
    expect_live(fixture, covered);
}

static void expect(struct fixture *fixture, const char *const values[OBJECTS])
{
    expect_covered(fixture, values, 0);
}

static void expect_again(struct fixture *fixture, const char *const values[OBJECTS])
{
    expect(fixture, values);
    reopen(fixture);
    expect(fixture, values);
}

static void all(const char *values[OBJECTS], const char *value)
{
    for (int i = 0; i < OBJECTS; i++)
        values[i] = value;
}

static uint64_t expiring_count(const struct fixture *fixture)
{
    uint64_t keys, expires;

    heap_count(fixture->heap, 0, &keys, &expires);
    return expires;
}

/* Settles. Journal batches that this took. */
static uint64_t cut(struct fixture *fixture)
{
    const struct journal *journal = fixture->heap->skiplist->journal;
    uint64_t before = journal_batch(journal);

    settle(fixture);
    return journal_batch(journal) - before;
}

/* Every object has a place, and the value "placed". */
static void learn(struct fixture *fixture)
{
    settle(fixture);
    for (int i = 0; i < OBJECTS; i++)
        set(fixture, i, "placed");
    assert_int_equal(cut(fixture), 1);
    for (int i = 0; i < OBJECTS; i++)
        assert_int_not_equal(place_of(fixture, i), 0);
}

/* ---- tests ---- */

static void test_places_are_learned(void **state)
{
    const char *values[OBJECTS];
    struct fixture fixture;
    uint32_t place;

    (void)state;
    begin(&fixture, true);
    settle(&fixture);
    assert_int_equal(place_of(&fixture, 1), 0);
    learn(&fixture);
    place = place_of(&fixture, 1);
    assert_true(record_is_whole(fixture.heap->pool, indexed_loc(&fixture, 1)));
    for (int i = 0; i < 3; i++) {
        set(&fixture, 1, "again");
        assert_int_equal(cut(&fixture), 2);
        assert_int_equal(place_of(&fixture, 1), place);
    }
    /* One without a place goes the slow way, and has it from then on. */
    record_set_place(fixture.heap->pool, index_writer_context(fixture.heap->index_writer), indexed_loc(&fixture, 1), 0);
    set(&fixture, 1, "again");
    assert_int_equal(cut(&fixture), 1);
    assert_int_equal(place_of(&fixture, 1), place);
    /* So does one with another one's. */
    record_set_place(fixture.heap->pool, index_writer_context(fixture.heap->index_writer), indexed_loc(&fixture, 1),
                     place_of(&fixture, 2));
    set(&fixture, 1, "again");
    assert_int_equal(cut(&fixture), 1);
    assert_int_equal(place_of(&fixture, 1), place);
    all(values, "placed");
    values[1] = "again";
    expect_again(&fixture, values);
    end(&fixture);
}

/* The index writer stores a place when the key has newer versions already, without one: each takes its predecessor's. */
static void test_place_comes_late(void **state)
{
    const char *values[OBJECTS];
    struct fixture fixture;
    uint32_t place;
    pm_loc loc;

    (void)state;
    begin(&fixture, true);
    learn(&fixture);
    place = place_of(&fixture, 1);
    loc = indexed_loc(&fixture, 1);
    record_set_place(fixture.heap->pool, index_writer_context(fixture.heap->index_writer), loc, 0);
    for (int i = 0; i < CHAIN; i++)
        set(&fixture, 1, "late");
    record_set_place(fixture.heap->pool, index_writer_context(fixture.heap->index_writer), loc, place);
    assert_int_equal(cut(&fixture), 2);
    assert_int_not_equal(indexed_loc(&fixture, 1), loc);
    assert_int_equal(place_of(&fixture, 1), place);
    all(values, "placed");
    values[1] = "late";
    expect_again(&fixture, values);
    end(&fixture);
}

/* Versions in one cut, with expiries that come and go. */
static void test_versions_in_one_cut(void **state)
{
    const char *values[OBJECTS];
    struct fixture fixture;

    (void)state;
    begin(&fixture, true);
    learn(&fixture);
    for (int i = 0; i < CHAIN; i++) {
        set_expiring(&fixture, 1, "odd", i % 2 ? EXPIRES_AT_MS : 0);
        set_expiring(&fixture, 2, "even", i % 2 ? 0 : EXPIRES_AT_MS);
    }
    assert_int_equal(cut(&fixture), 2);
    assert_int_equal(expiring_count(&fixture), 1);
    all(values, "placed");
    values[1] = "odd";
    values[2] = "even";
    expect(&fixture, values);
    set(&fixture, 2, "even");
    assert_int_equal(cut(&fixture), 2);
    assert_int_equal(expiring_count(&fixture), 0);
    expect_again(&fixture, values);
    end(&fixture);
}

/* What is older than a FLUSH goes, what is newer stays. */
static void test_flush_between(void **state)
{
    const char *values[OBJECTS] = {0};
    struct fixture fixture;

    (void)state;
    begin(&fixture, true);
    learn(&fixture);
    for (int i = 0; i < 4; i++)
        set(&fixture, i, "older");
    flush(&fixture);
    for (int i = 2; i < 6; i++)
        set(&fixture, i, "newer");
    for (int i = 2; i < 6; i++)
        values[i] = "newer";
    expect_covered(&fixture, values, OBJECTS);
    reopen(&fixture);
    expect(&fixture, values);
    end(&fixture);
}

/* A FLUSH in an earlier cut: the places are those of entries that are gone, or of others by now. */
static void test_flush_before(void **state)
{
    const char *values[OBJECTS] = {0};
    struct fixture fixture;

    (void)state;
    begin(&fixture, true);
    learn(&fixture);
    flush(&fixture);
    settle(&fixture);
    for (int i = OBJECTS - 1; i >= 3; i--)
        set(&fixture, i, "newer");
    settle(&fixture);
    for (int i = 3; i < OBJECTS; i++)
        values[i] = "newer";
    expect_covered(&fixture, values, OBJECTS);
    for (int i = 0; i < 3; i++)
        set(&fixture, i, values[i] = "newest");
    expect_covered(&fixture, values, OBJECTS);
    reopen(&fixture);
    expect(&fixture, values);
    end(&fixture);
}

static void test_delete_between(void **state)
{
    const char *values[OBJECTS];
    struct fixture fixture;

    (void)state;
    begin(&fixture, true);
    learn(&fixture);
    all(values, "placed");
    del(&fixture, 1); /* in one cut: gone and back */
    set(&fixture, 1, values[1] = "back");
    set(&fixture, 2, "older"); /* by place, then gone */
    del(&fixture, 2);
    values[2] = NULL;
    set(&fixture, 3, "older"); /* and back */
    del(&fixture, 3);
    set(&fixture, 3, "back");
    set(&fixture, 3, values[3] = "again");
    set(&fixture, 4, values[4] = "newer");
    expect(&fixture, values);
    del(&fixture, 4); /* in two cuts */
    settle(&fixture);
    set(&fixture, 4, values[4] = "back");
    set(&fixture, 2, values[2] = "back");
    expect_again(&fixture, values);
    end(&fixture);
}

static void test_expiry_between(void **state)
{
    const char *values[OBJECTS];
    struct fixture fixture;

    (void)state;
    begin(&fixture, true);
    learn(&fixture);
    for (int i = 0; i < 4; i++)
        set_expiring(&fixture, i, "soon", EXPIRES_AT_MS);
    assert_int_equal(cut(&fixture), 2);
    assert_int_equal(expiring_count(&fixture), 4);
    set(&fixture, 0, "kept"); /* not in the index when the other one expires */
    clock_test_set_wall_ms(EXPIRES_AT_MS + 1);
    settle(&fixture);
    set(&fixture, 1, "back");
    set_expiring(&fixture, 2, "back", EXPIRES_AT_MS + 50000);
    settle(&fixture);
    assert_int_equal(expiring_count(&fixture), 1);
    all(values, "placed");
    values[0] = "kept";
    values[1] = values[2] = "back";
    values[3] = NULL;
    expect_again(&fixture, values);
    end(&fixture);
}

/* A restart keeps what was flushed of the places; either way the keys go on. */
static void test_restart_between(void **state)
{
    const char *values[OBJECTS];

    (void)state;
    for (enum pm_sim_image image = PM_SIM_NONE; image <= PM_SIM_RANDOM + 1; image++) { /* the last: no power cut */
        struct fixture fixture;

        begin(&fixture, true);
        learn(&fixture);
        heap_close(fixture.heap);
        if (image <= PM_SIM_RANDOM)
            pm_sim_crash(fixture.pm, image, 0, 3);
        open_heap(&fixture, true);
        all(values, "placed");
        expect(&fixture, values);
        for (int i = 0; i < 6; i++)
            set(&fixture, i, values[i] = "newer");
        expect(&fixture, values);
        for (int i = 0; i < 6; i++)
            assert_int_not_equal(place_of(&fixture, i), 0);
        set(&fixture, 1, values[1] = "newest");
        assert_int_equal(cut(&fixture), 2);
        expect_again(&fixture, values);
        end(&fixture);
    }
}

/* Heaps of processes that died: reachable, for the leak checker's sake. */
struct heap *check_heap_overwrite_dead[4];

/* What is above W when the power fails has places of entries that are there, and nobody knows what it replaced. */
static void test_power_cut_above_w(void **state)
{
    const char *values[OBJECTS];
    struct fixture fixture;

    (void)state;
    begin(&fixture, true);
    learn(&fixture);
    all(values, "placed");
    for (int i = 0; i < 5; i++)
        set(&fixture, i, values[i] = "newer");
    check_heap_overwrite_dead[0] = fixture.heap;
    pm_sim_crash(fixture.pm, PM_SIM_NONE, 0, 1);
    open_heap(&fixture, true);
    expect(&fixture, values);
    for (int i = 0; i < OBJECTS; i++)
        set(&fixture, i, values[i] = "newest");
    expect_again(&fixture, values);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place_comes_late),    cmocka_unit_test(test_places_are_learned),
        cmocka_unit_test(test_versions_in_one_cut), cmocka_unit_test(test_flush_between),
        cmocka_unit_test(test_flush_before),        cmocka_unit_test(test_delete_between),
        cmocka_unit_test(test_expiry_between),      cmocka_unit_test(test_restart_between),
        cmocka_unit_test(test_power_cut_above_w),
    };

    (void)!log_output_open("/dev/null");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
