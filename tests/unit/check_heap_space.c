/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    A full pool and a full hash index refuse what they must; eviction, expiry and dead segments give room again.
 * METHOD  One thread drives workers and background steps over the simulated backing.
 */
#include <stdio.h>

#include "base/log.h"
#include "heap/hash_index_private.h"
#include "tests/support/heap_fixture.h"

/* With eviction none a full pool says so, serves reads and deletes, and takes writes again after deletes. */
static void check_full_pool(void **state)
{
    enum { VALUE = 8000, KEYS_MAX = 1000 };
    static char value[VALUE];
    struct fixture fixture;
    struct heap_worker *worker;
    enum heap_reserve result = HEAP_RESERVED;
    int stored = 0;
    char text[32];

    (void)state;
    begin(&fixture, 32, HEAP_EVICTION_NONE, 1);
    for (int tries = 0; tries < KEYS_MAX && result != HEAP_FULL; tries++) {
        worker = turn(&fixture, 0);
        snprintf(text, sizeof text, "key:%06d", stored);
        result = put(worker, 0, text, value, VALUE, 0);
        stored += result == HEAP_RESERVED;
        done(worker);
        for (int i = 0; i < 20; i++)
            (void)heap_maintain_step(fixture.heap, fixture.now_us += 2000);
    }
    assert_int_equal(result, HEAP_FULL);
    assert_true(stored > 100);
    worker = turn(&fixture, 0);
    for (int i = 0; i < stored; i++) {
        snprintf(text, sizeof text, "key:%06d", i);
        assert_true(has(worker, 0, text, NULL));
    }
    done(worker);
    for (int i = 0; i < stored; i += 2) {
        worker = turn(&fixture, 0);
        snprintf(text, sizeof text, "key:%06d", i);
        delete_key(worker, 0, text);
        done(worker);
        for (int j = 0; j < 10; j++)
            (void)heap_maintain_step(fixture.heap, fixture.now_us += 2000);
    }
    settle(&fixture);
    worker = turn(&fixture, 0);
    assert_int_equal(put(worker, 0, "again", value, VALUE, 0), HEAP_RESERVED);
    for (int i = 1; i < stored; i += 2) {
        snprintf(text, sizeof text, "key:%06d", i);
        assert_true(has(worker, 0, text, NULL));
    }
    done(worker);
    end(&fixture);
}

/* C7: what the hash index cannot take is refused before anything is written; deletes and overwritten keys need none. */
static void check_full_hash_index(void **state)
{
    struct fixture fixture;
    struct heap_worker *worker;
    struct heap_stats stats;
    uint64_t units, records;

    (void)state;
    begin(&fixture, 32, HEAP_EVICTION_NONE, 1);
    worker = turn(&fixture, 0);
    assert_int_equal(put(worker, 0, "a", "1", 1, 0), HEAP_RESERVED);
    units = fixture.heap->index->units_max;
    fixture.heap->index->units_max = UNITS_SPARE + RESERVE_MIN - 1;
    heap_stats(fixture.heap, &stats);
    records = stats.appended_records;
    assert_int_equal(put(worker, 0, "b", "1", 1, 0), HEAP_FULL);
    heap_stats(fixture.heap, &stats);
    assert_int_equal(stats.appended_records, records);
    delete_key(worker, 0, "a");
    assert_false(has(worker, 0, "a", NULL));
    fixture.heap->index->units_max = units;
    assert_int_equal(put(worker, 0, "b", "1", 1, 0), HEAP_RESERVED);
    done(worker);
    end(&fixture);
}

/* Cache mode runs for ever in a small pool, and keeps what is read again. */
static void check_eviction(void **state)
{
    enum { VALUE = 4000, ROUNDS = 3000, HOT = 8 };
    static char value[VALUE];
    struct fixture fixture;
    struct heap_stats stats;
    struct heap_worker *worker;
    char text[32];
    int hot = 0;

    (void)state;
    begin(&fixture, 32, HEAP_EVICTION_CACHE, 1);
    worker = turn(&fixture, 0);
    for (int i = 0; i < HOT; i++) {
        snprintf(text, sizeof text, "hot:%d", i);
        assert_int_equal(put(worker, 0, text, "h", 1, 0), HEAP_RESERVED);
    }
    done(worker);
    for (int i = 0; i < ROUNDS;) {
        worker = turn(&fixture, 0);
        snprintf(text, sizeof text, "key:%06d", i);
        i += put(worker, 0, text, value, VALUE, 0) == HEAP_RESERVED;
        for (int j = 0; j < HOT; j++) {
            snprintf(text, sizeof text, "hot:%d", j);
            (void)has(worker, 0, text, NULL);
        }
        done(worker);
        for (int j = 0; j < 4; j++)
            (void)heap_maintain_step(fixture.heap, fixture.now_us += 2000);
    }
    worker = turn(&fixture, 0);
    for (int j = 0; j < HOT; j++) {
        snprintf(text, sizeof text, "hot:%d", j);
        hot += has(worker, 0, text, "h");
    }
    done(worker);
    heap_stats(fixture.heap, &stats);
    assert_true(stats.evicted > ROUNDS / 2);
    assert_int_equal(hot, HOT);
    end(&fixture);
}

/* Not one segment is left to move survivors to: a cache drops them, and goes on. */
static void check_eviction_without_room(void **state)
{
    enum { VALUE = 4000, OBJECTS = 400, STEPS = 2000 };
    static char value[VALUE];
    struct fixture fixture;
    struct pm_context *context;
    uint32_t segment;
    bool took = false;
    char text[32];

    (void)state;
    begin(&fixture, 32, HEAP_EVICTION_CACHE, 1);
    context = index_writer_context(fixture.heap->index_writer);
    for (int i = 0; i < OBJECTS; i++) {
        struct heap_worker *worker = turn(&fixture, 0);

        snprintf(text, sizeof text, "key:%06d", i);
        (void)put(worker, 0, text, value, VALUE, 0);
        for (int j = 0; j <= HASH_FREQUENCY_MAX; j++) /* worth keeping */
            (void)has(worker, 0, text, NULL);
        done(worker);
        (void)heap_maintain_step(fixture.heap, fixture.now_us += 2000);
    }
    while (pool_take_free(fixture.heap->pool, context, SPACE_INDEX, PMD_SEGMENT_INDEX, &segment) == PM_OK)
        ;
    for (int i = 0; i < STEPS && !took; i++) {
        struct heap_worker *worker = turn(&fixture, 0);

        took = heap_reserve(worker, (uint64_t)VALUE * 20, 20, false) == HEAP_RESERVED;
        done(worker);
        (void)heap_maintain_step(fixture.heap, fixture.now_us += 2000);
    }
    assert_true(took);
    end(&fixture);
}

static void check_expiry_is_collected(void **state)
{
    struct fixture fixture;
    struct heap_stats stats;
    struct heap_worker *worker;
    uint64_t keys, expires;
    char text[32];

    (void)state;
    begin(&fixture, 32, HEAP_EVICTION_NONE, 1);
    worker = turn(&fixture, 0);
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "key:%06d", i);
        put(worker, 0, text, "v", 1, i % 2 ? NOW_MS + 10 : 0);
    }
    done(worker);
    settle(&fixture);
    clock_test_advance_ms(20);
    for (int i = 0; i < 20; i++) /* a pass of the sweep takes about 20 s of its clock */
        settle(&fixture);
    heap_count(fixture.heap, 0, &keys, &expires);
    heap_stats(fixture.heap, &stats);
    assert_int_equal(keys, 100);
    assert_int_equal(expires, 0);
    assert_true(stats.expired_collected >= 100);
    assert_int_equal(stats.index_keys, 100);
    end(&fixture);
}

static uint32_t segment_of(struct fixture *fixture, const char *text)
{
    struct hash_ref ref;
    struct index_key key;

    heap_key(fixture->heap, &key, 0, text, strlen(text));
    assert_true(hash_index_find(fixture->heap->index, &key, &ref));
    return pool_segment_of(fixture->heap->pool, hash_slot_loc(ref.word) * PM_UNIT);
}

static void overwrite(struct fixture *fixture, int rounds)
{
    static char value[1000];
    char text[16];

    for (int i = 0; i < rounds; i++) {
        struct heap_worker *worker = turn(fixture, 0);

        snprintf(text, sizeof text, "key%d", i % 8);
        snprintf(value, sizeof value, "%d", i);
        assert_int_equal(put(worker, 0, text, value, sizeof value, 0), HEAP_RESERVED);
        done(worker);
        for (int step = 0; step < 4; step++)
            (void)heap_maintain_step(fixture->heap, fixture->now_us += 2000);
    }
    for (int i = 0; i < 8; i++) {
        struct heap_worker *worker = turn(fixture, 0);

        snprintf(text, sizeof text, "key%d", i);
        assert_true(has(worker, 0, text, NULL));
        done(worker);
    }
}

/* What is dead as a whole is used again while most of the pool is fresh; but not while a slot names a tombstone in it. */
static void check_dead_segments(void **state)
{
    enum { SEGMENTS = 64, ROUNDS = 1500 };
    struct fixture fixture;
    struct pool_space_counts counts;
    struct pool *pool;
    uint32_t held, generation;

    (void)state;
    begin(&fixture, SEGMENTS, HEAP_EVICTION_NONE, 1);
    overwrite(&fixture, ROUNDS); /* 24 segments' worth */
    pool_space_counts(fixture.heap->pool, &counts);
    assert_in_range(counts.log + counts.survivor, 1, 6);
    assert_true(cleaner_stats(fixture.heap->cleaner)->segments > 0);
    assert_int_equal(cleaner_stats(fixture.heap->cleaner)->copied_bytes, 0);

    pool = fixture.heap->pool;
    held = segment_of(&fixture, "key0");
    generation = pool->generations[held];
    pool->segments[held].tombstones++;
    overwrite(&fixture, ROUNDS);
    assert_int_equal(pool->generations[held], generation);
    pool->segments[held].tombstones--;
    overwrite(&fixture, ROUNDS);
    assert_int_not_equal(pool->generations[held], generation);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_full_pool),
        cmocka_unit_test(check_full_hash_index),
        cmocka_unit_test(check_eviction),
        cmocka_unit_test(check_eviction_without_room),
        cmocka_unit_test(check_expiry_is_collected),
        cmocka_unit_test(check_dead_segments),
    };

    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
