/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    The heap as its users see it: objects, transactions, flushes, a full pool, eviction, restarts.
 * METHOD  One thread drives workers and background steps over the simulated backing.
 */
#include "heap/heap.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "heap/hash_index_private.h"
#include "heap/heap_internal.h"
#include "persist/pm_sim.h"
#include "tests/support/heap_requests.h"
#include "tests/unit/check.h"

enum { SEGMENT_BITS = 16, NOW_MS = 1000000, SETTLE_STEPS = 3000 };

struct fixture {
    struct pm *pm;
    struct heap *heap;
    struct heap_options options;
    uint64_t now_us;
};

static void reopen(struct fixture *fixture)
{
    assert_int_equal(heap_open(&fixture->heap, &fixture->options), PM_OK);
    while (heap_fill_run_step(fixture->heap))
        ;
    for (int i = 0; i < 6; i++) /* segments are made ready */
        (void)heap_maintain_step(fixture->heap, fixture->now_us += 100);
}

/* Heaps of processes that died: reachable, for the leak checker's sake. */
struct heap *check_heap_dead[64];

/* The process dies. */
static void kill_it(struct fixture *fixture)
{
    static size_t dead_count;

    check_heap_dead[dead_count++ % 64] = fixture->heap;
    pm_sim_kill(fixture->pm);
}

static void begin(struct fixture *fixture, uint32_t segments, enum heap_eviction eviction, uint32_t workers)
{
    *fixture = (struct fixture){0};
    clock_test_set_wall_ms(NOW_MS);
    assert_int_equal(pm_sim_open(&fixture->pm, (size_t)segments << SEGMENT_BITS, PM_SIM_LINES), PM_OK);
    pm_sim_keep(fixture->pm);
    fixture->options = (struct heap_options){.pool_bytes = (uint64_t)segments << SEGMENT_BITS,
                                             .segment_bits = SEGMENT_BITS,
                                             .workers = workers,
                                             .durability = HEAP_DURABILITY_POWER,
                                             .eviction = eviction,
                                             .sync_interval_ms = 1,
                                             .tail_records = 400,
                                             .pm = fixture->pm};
    reopen(fixture);
}

static void end(struct fixture *fixture)
{
    heap_close(fixture->heap);
    pm_sim_free(fixture->pm);
}

static void settle(struct fixture *fixture)
{
    for (int i = 0; i < SETTLE_STEPS; i++)
        (void)heap_maintain_step(fixture->heap, fixture->now_us += 2000);
}

/* ---- one request a turn ---- */

static struct heap_worker *turn(struct fixture *fixture, uint32_t worker)
{
    struct heap_worker *it = heap_worker(fixture->heap, worker);

    heap_turn_begin(it, NOW_MS);
    return it;
}

static void done(struct heap_worker *worker)
{
    uint64_t wait_epoch;

    assert_int_equal(heap_turn_end(worker, &wait_epoch), PM_OK);
    assert_int_equal(wait_epoch, 0);
}

static void delete_key(struct heap_worker *worker, uint8_t db, const char *text)
{
    struct index_key key;
    struct heap_edit edit;

    assert_int_equal(heap_reserve(worker, heap_bytes((uint32_t)strlen(text), 0), 1, true), HEAP_RESERVED);
    heap_key(worker->heap, &key, db, text, strlen(text));
    heap_edit_begin(worker, &key, &edit);
    heap_edit_delete(&edit);
    heap_edit_end(&edit);
}

/* ---- tests ---- */

static void check_objects(void **state)
{
    struct fixture fixture;
    struct heap_worker *worker;
    uint64_t keys, expires;

    (void)state;
    begin(&fixture, 32, HEAP_EVICTION_NONE, 1);
    worker = turn(&fixture, 0);
    put(worker, 0, "a", "1", 1, 0);
    put(worker, 1, "a", "other", 5, 0);
    put(worker, 0, "soon", "x", 1, NOW_MS + 1);
    put(worker, 0, "past", "x", 1, NOW_MS - 1);
    assert_true(has(worker, 0, "a", "1"));
    assert_true(has(worker, 1, "a", "other"));
    assert_true(has(worker, 0, "soon", "x"));
    assert_false(has(worker, 0, "past", NULL));
    assert_int_equal(heap_why_missed(worker), HEAP_MISS_EXPIRED);
    assert_false(has(worker, 0, "none", NULL));
    assert_int_equal(heap_why_missed(worker), HEAP_MISS_ABSENT);
    put(worker, 0, "a", "2", 1, 0);
    assert_true(has(worker, 0, "a", "2"));
    delete_key(worker, 0, "a");
    assert_false(has(worker, 0, "a", NULL));
    assert_int_equal(heap_why_missed(worker), HEAP_MISS_ABSENT);
    heap_count(fixture.heap, 0, &keys, &expires);
    assert_int_equal(keys, 2);
    assert_int_equal(expires, 2);
    done(worker);
    settle(&fixture);
    worker = turn(&fixture, 0);
    assert_false(has(worker, 0, "a", NULL));
    assert_true(has(worker, 1, "a", "other"));
    done(worker);
    end(&fixture);
}

static void check_cas_grows_over_restarts(void **state)
{
    struct fixture fixture;
    struct object object;
    struct index_key key;
    uint64_t last = 0;

    (void)state;
    begin(&fixture, 32, HEAP_EVICTION_NONE, 1);
    for (int life = 0; life < 4; life++) {
        struct heap_worker *worker = turn(&fixture, 0);

        put(worker, 0, "k", "v", 1, 0);
        heap_key(fixture.heap, &key, 0, "k", 1);
        assert_true(heap_peek(worker, &key, &object));
        assert_true(object.cas > last);
        last = object.cas;
        done(worker);
        if (life % 2)
            heap_close(fixture.heap);
        else
            kill_it(&fixture);
        reopen(&fixture);
        worker = turn(&fixture, 0);
        assert_true(heap_peek(worker, &key, &object));
        assert_int_equal(object.cas, last);
        done(worker);
    }
    end(&fixture);
}

static void check_transaction(void **state)
{
    struct fixture fixture;
    struct heap_worker *worker;
    struct index_key keys[2];
    struct pm_counters before;

    (void)state;
    begin(&fixture, 32, HEAP_EVICTION_NONE, 1);
    worker = turn(&fixture, 0);
    put(worker, 0, "b", "old", 3, 0);
    done(worker);
    worker = turn(&fixture, 0);
    before = log_writer_context(worker->log)->counters;
    heap_key(fixture.heap, &keys[0], 0, "a", 1);
    heap_key(fixture.heap, &keys[1], 0, "b", 1);
    assert_int_equal(heap_reserve(worker, 3 * heap_bytes(1, 3), 3, false), HEAP_RESERVED);
    assert_true(heap_transaction_begin(worker, keys, 2));
    for (int i = 0; i < 2; i++) {
        struct log_part part = {"new", 3};
        struct heap_put what = {.parts = &part, .part_count = 1};
        struct heap_edit edit;

        heap_edit_begin(worker, &keys[i], &edit);
        assert_int_equal(edit.found, i == 1);
        heap_edit_put(&edit, &what);
        heap_edit_end(&edit);
    }
    assert_true(has(worker, 0, "a", "new"));
    assert_true(has(worker, 0, "b", "new"));
    {
        struct heap_edit edit; /* a member may be changed again, and what it changes is its own write */

        heap_edit_begin(worker, &keys[0], &edit);
        assert_true(edit.found);
        heap_edit_delete(&edit);
        heap_edit_end(&edit);
    }
    assert_false(has(worker, 0, "a", NULL));
    heap_transaction_commit(worker);
    assert_false(has(worker, 0, "a", NULL));
    assert_true(has(worker, 0, "b", "new"));
    done(worker);
    /* Budget: one fence for a transaction of N keys. */
    assert_int_equal(log_writer_context(worker->log)->counters.drains - before.drains, 1);
    end(&fixture);
}

/* More members than the notes of a transaction had room for before. */
static void check_large_transaction(void **state)
{
    enum { KEYS = 300 };
    static struct index_key keys[KEYS];
    static char texts[KEYS][8];
    struct fixture fixture;
    struct heap_worker *worker;

    (void)state;
    begin(&fixture, 32, HEAP_EVICTION_NONE, 1);
    for (int i = 0; i < KEYS; i++)
        heap_key(fixture.heap, &keys[i], 0, texts[i], (size_t)snprintf(texts[i], sizeof texts[i], "key%d", i));
    for (int count = 1; count <= KEYS; count = count * 3 + 1) {
        worker = turn(&fixture, 0);
        assert_int_equal(heap_reserve(worker, (uint64_t)count * heap_bytes(8, 8), (uint32_t)count, false),
                         HEAP_RESERVED);
        assert_true(heap_transaction_begin(worker, keys, (size_t)count));
        for (int i = 0; i < count; i++) {
            struct log_part part = {&count, sizeof count};
            struct heap_put what = {.parts = &part, .part_count = 1};
            struct heap_edit edit;

            heap_edit_begin(worker, &keys[i], &edit);
            heap_edit_put(&edit, &what);
            heap_edit_end(&edit);
        }
        heap_transaction_commit(worker);
        for (int i = 0; i < count; i++) {
            struct object object;

            assert_true(heap_get(worker, &keys[i], &object));
            assert_memory_equal(object.value, &count, sizeof count);
        }
        done(worker);
    }
    end(&fixture);
}

static void check_flush(void **state)
{
    struct fixture fixture;
    struct heap_worker *worker;
    uint64_t keys, expires;

    (void)state;
    begin(&fixture, 32, HEAP_EVICTION_NONE, 1);
    worker = turn(&fixture, 0);
    put(worker, 0, "a", "1", 1, 0);
    put(worker, 1, "a", "1", 1, 0);
    assert_int_equal(heap_reserve(worker, heap_flush_bytes(), 1, true), HEAP_RESERVED);
    assert_int_equal(heap_flush(worker, 1, 0), PM_OK);
    assert_false(has(worker, 0, "a", NULL));
    assert_true(has(worker, 1, "a", "1"));
    put(worker, 0, "b", "2", 1, 0);
    done(worker);
    settle(&fixture);
    for (int life = 0; life < 2; life++) {
        worker = turn(&fixture, 0);
        assert_false(has(worker, 0, "a", NULL));
        assert_true(has(worker, 0, "b", "2"));
        assert_true(has(worker, 1, "a", "1"));
        heap_count(fixture.heap, 0, &keys, &expires);
        assert_int_equal(keys, 1);
        done(worker);
        kill_it(&fixture);
        reopen(&fixture);
        settle(&fixture);
    }
    end(&fixture);
}

static void check_delayed_flush_survives_a_restart_and_happens_once(void **state)
{
    struct fixture fixture;
    struct heap_worker *worker;

    (void)state;
    begin(&fixture, 32, HEAP_EVICTION_NONE, 1);
    worker = turn(&fixture, 0);
    put(worker, 0, "a", "1", 1, 0);
    assert_int_equal(heap_flush(worker, 1, NOW_MS + 5000), PM_OK);
    assert_true(has(worker, 0, "a", "1"));
    done(worker);
    kill_it(&fixture);
    reopen(&fixture);
    worker = heap_worker(fixture.heap, 0);
    heap_turn_begin(worker, NOW_MS + 4999);
    assert_true(has(worker, 0, "a", "1"));
    done(worker);
    heap_turn_begin(worker, NOW_MS + 5000);
    assert_false(has(worker, 0, "a", NULL));
    put(worker, 0, "b", "2", 1, 0);
    done(worker);
    for (int life = 0; life < 2; life++) {
        kill_it(&fixture);
        reopen(&fixture);
        if (life)
            settle(&fixture);
        worker = heap_worker(fixture.heap, 0);
        heap_turn_begin(worker, NOW_MS + 6000);
        assert_true(has(worker, 0, "b", "2"));
        done(worker);
    }
    end(&fixture);
}

/* An immediate flush takes the place of a pending one, also over a restart. */
static void check_flush_replaces_a_delayed_one(void **state)
{
    struct fixture fixture;
    struct heap_worker *worker;

    (void)state;
    begin(&fixture, 32, HEAP_EVICTION_NONE, 1);
    worker = turn(&fixture, 0);
    assert_int_equal(heap_flush(worker, 1, NOW_MS + 5000), PM_OK);
    assert_int_equal(heap_reserve(worker, heap_flush_bytes(), 1, true), HEAP_RESERVED);
    assert_int_equal(heap_flush(worker, 1, 0), PM_OK);
    put(worker, 0, "a", "1", 1, 0);
    done(worker);
    for (int life = 0; life < 3; life++) {
        worker = heap_worker(fixture.heap, 0);
        heap_turn_begin(worker, NOW_MS + 6000);
        assert_true(has(worker, 0, "a", "1"));
        done(worker);
        if (life)
            settle(&fixture);
        kill_it(&fixture);
        reopen(&fixture);
    }
    end(&fixture);
}

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

/* Cache mode runs for ever in a small pool, and keeps what is read again. */
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

/* An object gains and loses its expiry: the ordered index counts what has one from the note of what was replaced. */
static void check_index_counts_expiries(void **state)
{
    struct fixture fixture;
    struct skiplist_counts counts;

    (void)state;
    begin(&fixture, 32, HEAP_EVICTION_NONE, 1);
    for (int round = 0; round < 6; round++) {
        struct heap_worker *worker = turn(&fixture, 0);

        assert_int_equal(put(worker, 0, "often", "v", 1, round % 2 == 0 ? NOW_MS + 1000000 : 0), HEAP_RESERVED);
        done(worker);
        settle(&fixture);
        skiplist_counts(fixture.heap->skiplist, &counts);
        assert_int_equal(counts.keys[0], 1);
        assert_int_equal(counts.expires[0], round % 2 == 0);
    }
    end(&fixture);
}

/* C2: a record of another worker's open turn is made durable by whoever reads it. */
static void check_foreign_record_is_durable_once_seen(void **state)
{
    struct fixture fixture;
    struct heap_worker *writer, *reader;

    (void)state;
    begin(&fixture, 32, HEAP_EVICTION_NONE, 2);
    writer = turn(&fixture, 0);
    put(writer, 0, "a", "1", 1, 0);
    reader = turn(&fixture, 1);
    assert_true(has(reader, 0, "a", "1"));
    done(reader); /* its reply leaves; the writer's turn is still open */
    kill_it(&fixture);
    pm_sim_crash(fixture.pm, PM_SIM_NONE, 0, 0);
    reopen(&fixture);
    reader = turn(&fixture, 1);
    assert_true(has(reader, 0, "a", "1"));
    done(reader);
    end(&fixture);
}

/* ---- dead segments ---- */

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
    struct segment *held;
    uint32_t generation;

    (void)state;
    begin(&fixture, SEGMENTS, HEAP_EVICTION_NONE, 1);
    overwrite(&fixture, ROUNDS); /* 24 segments' worth */
    pool_space_counts(fixture.heap->pool, &counts);
    assert_in_range(counts.log + counts.survivor, 1, 6);
    assert_true(cleaner_stats(fixture.heap->cleaner)->segments > 0);
    assert_int_equal(cleaner_stats(fixture.heap->cleaner)->copied_bytes, 0);

    held = &fixture.heap->pool->segments[segment_of(&fixture, "key0")];
    generation = held->generation;
    held->tombstones++;
    overwrite(&fixture, ROUNDS);
    assert_int_equal(held->generation, generation);
    held->tombstones--;
    overwrite(&fixture, ROUNDS);
    assert_int_not_equal(held->generation, generation);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_dead_segments),
        cmocka_unit_test(check_objects),
        cmocka_unit_test(check_cas_grows_over_restarts),
        cmocka_unit_test(check_transaction),
        cmocka_unit_test(check_large_transaction),
        cmocka_unit_test(check_flush),
        cmocka_unit_test(check_delayed_flush_survives_a_restart_and_happens_once),
        cmocka_unit_test(check_flush_replaces_a_delayed_one),
        cmocka_unit_test(check_full_pool),
        cmocka_unit_test(check_full_hash_index),
        cmocka_unit_test(check_eviction),
        cmocka_unit_test(check_eviction_without_room),
        cmocka_unit_test(check_expiry_is_collected),
        cmocka_unit_test(check_index_counts_expiries),
        cmocka_unit_test(check_foreign_record_is_durable_once_seen),
    };

    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
