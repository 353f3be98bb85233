/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life that a test of recovery spoils, in either commit mode, and what it finds afterwards.
 */
#ifndef HEARTH_TESTS_SUPPORT_RECOVERY_FIXTURE_H
#define HEARTH_TESTS_SUPPORT_RECOVERY_FIXTURE_H

#include "base/clock.h"
#include "tests/support/life.h"
#include "tests/unit/check.h"

static struct life life;
static const struct life_options turn_mode = {.mode = PMD_COMMIT_TURN};
static const struct life_options epoch_mode = {.mode = PMD_COMMIT_EPOCH};

static inline int begin_turn_mode(void **state)
{
    *state = life_sim(PM_SIM_LINES);
    return life_begin(&life, *state, &turn_mode) == PM_OK ? 0 : -1;
}

static inline int begin_epoch_mode(void **state)
{
    *state = life_sim(PM_SIM_PAGES);
    return life_begin(&life, *state, &epoch_mode) == PM_OK ? 0 : -1;
}

static inline int end(void **state)
{
    if (life.pool)
        life_end(&life);
    pm_sim_free(*state);
    clock_test_reset();
    return 0;
}

/* A power cut that everything survives; the next life. */
static inline enum pm_status restart(const struct life_options *options)
{
    struct pm *pm = life.pm;

    life_end(&life);
    pm_sim_crash(pm, PM_SIM_ALL, 0, 0);
    return life_begin(&life, pm, options);
}

/* Recovery gave the keys from `first` on, so many, each sound. */
static inline void assert_keys(uint32_t first, uint32_t count)
{
    assert_int_equal(life.item_count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(life.items[i].key, first + i);
        assert_true(life.items[i].sound);
    }
}

static inline uint32_t count_state(enum pmd_segment_state state)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < life.pool->segment_count; i++)
        count += atomic_load(&life.pool->segments[i].state) == state;
    return count;
}

#define TURN_TEST(name) cmocka_unit_test_setup_teardown(name, begin_turn_mode, end)
#define EPOCH_TEST(name) cmocka_unit_test_setup_teardown(name, begin_epoch_mode, end)

#endif
