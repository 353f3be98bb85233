/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    A flush, at once or delayed, hides what was there, once, and over restarts.
 * METHOD  One thread drives workers and background steps over the simulated backing.
 */
#include "base/log.h"
#include "tests/support/heap_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_flush),
        cmocka_unit_test(check_delayed_flush_survives_a_restart_and_happens_once),
        cmocka_unit_test(check_flush_replaces_a_delayed_one),
    };

    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
