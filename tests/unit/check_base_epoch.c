/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: a cut is never declared complete while somebody is inside it, and a grace period really protects readers.
 * Method: the rules one by one; then threads that read a shared cell inside a pin while another one retires cells and
 * poisons them after the grace period (ThreadSanitizer watches the same program).
 */
#include "base/epoch.h"
#include "tests/unit/check.h"

#include <pthread.h>
#include <stdlib.h>

enum { READERS = 3, CELLS = 64, ROUNDS = 3000, ALIVE = 1, DEAD = 2 };

static void check_advance_and_limit(void **state)
{
    static struct epochs epochs;

    (void)state;
    epochs_init(&epochs, 5, 8);
    assert_int_equal(epoch_now(&epochs), 5);
    assert_int_equal(epoch_advance(&epochs), 5);
    assert_int_equal(epoch_advance(&epochs), 6);
    assert_int_equal(epoch_advance(&epochs), 0); /* 8 was never leased */
    assert_int_equal(epoch_now(&epochs), 7);
    epoch_set_limit(&epochs, 100);
    assert_int_equal(epoch_advance(&epochs), 7);
}

static void check_passed(void **state)
{
    static struct epochs epochs;
    struct epoch_pin *one, *two;

    (void)state;
    epochs_init(&epochs, 1, 1000);
    one = epoch_pin_new(&epochs);
    two = epoch_pin_new(&epochs);
    assert_false(epoch_passed(&epochs, 1)); /* it has not even ended */
    assert_int_equal(epoch_enter(&epochs, one), 1);
    assert_int_equal(epoch_advance(&epochs), 1);
    assert_int_equal(epoch_enter(&epochs, two), 2);
    assert_false(epoch_passed(&epochs, 1));
    epoch_leave(one);
    assert_true(epoch_passed(&epochs, 1)); /* two is above */
    assert_int_equal(epoch_advance(&epochs), 2);
    assert_false(epoch_passed(&epochs, 2));
    epoch_leave(two);
    assert_true(epoch_passed(&epochs, 2));
    assert_false(epoch_passed(&epochs, 3));
}

static void check_pins_run_out(void **state)
{
    static struct epochs epochs;

    (void)state;
    epochs_init(&epochs, 1, 1000);
    for (int i = 0; i < EPOCH_PINS_MAX; i++)
        assert_non_null(epoch_pin_new(&epochs));
    assert_null(epoch_pin_new(&epochs));
    assert_int_equal(epoch_advance(&epochs), 1);
    assert_true(epoch_passed(&epochs, 1));
}

/* ---- readers against a reclaimer ---- */

struct shared {
    struct epochs epochs;
    _Atomic uint32_t current; /* cell that readers may use */
    _Atomic uint32_t cells[CELLS];
    _Atomic bool stop;
    _Atomic uint64_t reads, bad;
};

static void *read_cells(void *argument)
{
    struct shared *shared = argument;
    struct epoch_pin *pin = epoch_pin_new(&shared->epochs);

    while (!atomic_load(&shared->stop)) {
        uint32_t cell;

        (void)epoch_enter(&shared->epochs, pin);
        cell = atomic_load(&shared->current);
        for (int i = 0; i < 20; i++)
            if (atomic_load_explicit(&shared->cells[cell], memory_order_relaxed) != ALIVE)
                atomic_fetch_add(&shared->bad, 1);
        epoch_leave(pin);
        atomic_fetch_add(&shared->reads, 1);
    }
    return NULL;
}

/* Retires the current cell, waits for the grace period, and only then kills it. */
static void replace_cell(struct shared *shared)
{
    uint32_t old = atomic_load(&shared->current), next = (old + 1) % CELLS;
    uint64_t ended;

    atomic_store(&shared->cells[next], ALIVE);
    atomic_store(&shared->current, next);
    ended = epoch_advance(&shared->epochs);
    while (!epoch_passed(&shared->epochs, ended))
        sched_yield();
    atomic_store(&shared->cells[old], DEAD);
}

static void check_grace_period(void **state)
{
    static struct shared shared;
    pthread_t threads[READERS];

    (void)state;
    epochs_init(&shared.epochs, 1, UINT64_MAX);
    shared.cells[0] = ALIVE;
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_cells, &shared), 0);
    for (int i = 0; i < ROUNDS || atomic_load(&shared.reads) < ROUNDS; i++)
        replace_cell(&shared);
    atomic_store(&shared.stop, true);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(shared.bad, 0);
    assert_true(shared.reads >= ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_advance_and_limit),
        cmocka_unit_test(check_passed),
        cmocka_unit_test(check_pins_run_out),
        cmocka_unit_test(check_grace_period),
    };

    return cmocka_run_group_tests_name("epoch", tests, NULL, NULL);
}
