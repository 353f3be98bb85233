/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small pool over the simulated backing.
 */
#ifndef HEARTH_TESTS_SUPPORT_POOL_FIXTURE_H
#define HEARTH_TESTS_SUPPORT_POOL_FIXTURE_H

#include "base/log.h"
#include "persist/pm_sim.h"
#include "persist/pool.h"
#include "tests/unit/check.h"

enum { SEGMENT_BITS = 16, SEGMENTS = 16, BYTES = SEGMENTS << SEGMENT_BITS };

static inline void format_head(struct pm_context *context, struct pmd_leaf *leaf, uint64_t leaf_number)
{
    struct pmd_leaf head = {.state = PMD_LEAF_LIVE, .checksum = (uint32_t)leaf_number};

    pm_store(context, leaf, &head, sizeof head);
}

static const struct pool_create create = {.bytes = BYTES, .segment_bits = SEGMENT_BITS, .format_head = format_head};
static const struct pool_create create_reset = {
    .bytes = BYTES, .segment_bits = SEGMENT_BITS, .format_head = format_head, .reset = true};

static inline struct pm *open_sim(void)
{
    struct pm *pm;

    assert_int_equal(pm_sim_open(&pm, BYTES, PM_SIM_LINES), PM_OK);
    pm_sim_keep(pm);
    return pm;
}

static inline struct pm *new_pool(void)
{
    struct pm *pm = open_sim();
    struct pool *pool;

    assert_int_equal(pool_open(&pool, pm, &create), PM_OK);
    pool_close(pool);
    return pm;
}

static inline struct pmd_superblock *copy_of(struct pm *pm, char which)
{
    return pm_at(pm, which == 'A' ? 0 : PM_PAGE);
}

static inline void set_w(struct pmd_superblock *superblock, void *argument)
{
    superblock->w = *(const uint64_t *)argument;
}

static inline int quiet(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR + 1); /* refusals are what is tested */
    return 0;
}

#endif
