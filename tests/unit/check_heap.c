/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    The heap as its users see it: objects, transactions, counts, restarts.
 * METHOD  One thread drives workers and background steps over the simulated backing.
 */
#include <stdio.h>

#include "base/log.h"
#include "tests/support/heap_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_objects),
        cmocka_unit_test(check_cas_grows_over_restarts),
        cmocka_unit_test(check_transaction),
        cmocka_unit_test(check_large_transaction),
        cmocka_unit_test(check_index_counts_expiries),
        cmocka_unit_test(check_foreign_record_is_durable_once_seen),
    };

    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
