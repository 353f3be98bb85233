/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: a crash anywhere in making a pool leaves nothing, something to be made anew, or the whole pool; in an update of its
 * superblock the old or the new one; in making a damaged pool anew the old pool or a whole new one.
 * Method: every crash image of each of them; each flush and drain left out once.
 */
#include <string.h>

#include "tests/support/crash.h"
#include "tests/support/pool_fixture.h"

/* Is this a whole new pool? */
static bool is_sound(struct pool *pool)
{
    const struct pmd_leaf *head = (const struct pmd_leaf *)pool_at(pool, pool_segment_off(pool, PM_SEGMENT_HEAD));
    const uint8_t *journal = pool_at(pool, pool_segment_off(pool, PM_SEGMENT_JOURNAL));
    uint64_t free_count = 0;

    for (uint64_t i = 0; i < pool->segment_count; i++)
        free_count += pool->segments[i].state == PMD_SEGMENT_FREE;
    for (uint32_t i = 0; i < pool->segment_bytes; i++)
        if (journal[i] != 0)
            return false;
    return pool->segment_count == SEGMENTS && free_count == SEGMENTS - 4 && head->state == PMD_LEAF_LIVE &&
           head->checksum == (PM_SEGMENT_HEAD << SEGMENT_BITS) / PM_LEAF_BYTES && pool->superblock.epoch_lease == 1;
}

/* After any crash in creation the next start has a whole pool, and the start after it the same. */
static bool recover_creation(struct pm *pm, void *context)
{
    struct pool *pool;

    (void)context;
    if (pool_open(&pool, pm, &create) != PM_OK || !is_sound(pool))
        return false;
    return pool_open(&pool, pm, NULL) == PM_OK && is_sound(pool) && pm_sim_outstanding(pm) == 0;
}

/* Makes a pool over what `pm` holds and returns how many crash images of it were not allowed. */
static uint64_t crash_creation(struct pm *pm, const struct pool_create *how, bool quiet, struct crash_run *run)
{
    struct crash_plan plan = {.seed = 1,
                              .nested = true,
                              .killed = true,
                              .quiet = quiet,
                              .stop_at_first = quiet,
                              .images_a_point = 30,
                              .recover = recover_creation};
    struct pool *pool;
    enum pm_status status;
    uint64_t failures;

    crash_begin(run, pm, &plan);
    status = pool_open(&pool, pm, how);
    if (status == PM_OK)
        crash_here(run);
    failures = crash_end(run);
    assert_int_equal(status, PM_OK);
    pool_close(pool);
    return failures;
}

static void check_creation_crashes(void **state)
{
    struct crash_run run;

    (void)state;
    for (int mode = PM_SIM_LINES; mode <= PM_SIM_PAGES; mode++) {
        struct pm *pm;

        assert_int_equal(pm_sim_open(&pm, BYTES, (enum pm_sim_mode)mode), PM_OK);
        pm_sim_keep(pm);
        assert_int_equal(crash_creation(pm, &create, false, &run), 0);
        assert_true(run.images > 50 / CRASH_THIN / 2);
        pm_sim_free(pm);
    }
}

/* What an older pool may have left everywhere, in a file whose superblocks say that it was never finished. */
static struct pm *scribbled(enum pm_sim_mode mode)
{
    uint64_t creating = PM_CREATING;
    uint8_t junk[PM_LINE];
    struct pm_context context;
    struct pm *pm;

    assert_int_equal(pm_sim_open(&pm, BYTES, mode), PM_OK);
    pm_sim_keep(pm);
    assert_int_equal(pm_allocate(pm, 0, BYTES), PM_OK);
    pm_context_init(&context, pm);
    memset(junk, 0x5a, sizeof junk);
    for (pm_off off = 0; off < BYTES; off += 192)
        pm_store(&context, pm_at(pm, off), junk, off + PM_LINE > BYTES ? BYTES - off : PM_LINE);
    pm_store_word(&context, pm_at(pm, 0), creating);
    pm_flush(&context, PM_SITE_CREATE_FLUSH, pm->base, BYTES);
    assert_int_equal(pm_drain(&context, PM_SITE_CREATE_DRAIN), PM_OK);
    return pm;
}

static void check_creation_over_remains(void **state)
{
    struct crash_run run;

    (void)state;
    for (int mode = PM_SIM_LINES; mode <= PM_SIM_PAGES; mode++) {
        struct pm *pm = scribbled((enum pm_sim_mode)mode);

        assert_int_equal(crash_creation(pm, &create, false, &run), 0);
        assert_true(run.images > 100 / CRASH_THIN / 2);
        pm_sim_free(pm);
    }
}

/* Each flush and drain of creation is needed: leaving it out is noticed. */
static void check_creation_mutants(void **state)
{
    static const enum pm_site sites[] = {PM_SITE_CREATE_FLUSH, PM_SITE_CREATE_DRAIN, PM_SITE_SUPERBLOCK_FLUSH,
                                         PM_SITE_SUPERBLOCK_DRAIN};
    struct crash_run run;

    (void)state;
    if (CRASH_THIN > 1)
        skip();
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(sites); i++) {
        struct pm *pm = scribbled(PM_SIM_LINES);

        pm_sim_skip_site(pm, sites[i]);
        assert_true(crash_creation(pm, &create, true, &run) > 0);
        pm_sim_free(pm);
    }
}

/* A reset of a used pool: until the mark is durable it is the old pool, then a new one. */
struct reset_scene {
    uint64_t old_w;
};

static bool recover_reset(struct pm *pm, void *argument)
{
    const struct reset_scene *scene = argument;
    struct pool *pool;

    if (pool_open(&pool, pm, &create) != PM_OK)
        return false;
    if (pool->superblock.w == scene->old_w)
        return pool->segments[9].state == PMD_SEGMENT_LOG;
    return is_sound(pool);
}

static void check_reset_crashes(void **state)
{
    struct reset_scene scene = {.old_w = 99};
    struct crash_plan plan = {
        .seed = 1, .nested = true, .images_a_point = 60, .recover = recover_reset, .context = &scene};
    struct pm *pm = new_pool();
    struct pm_context context;
    struct crash_run run;
    struct pool *pool;

    (void)state;
    assert_int_equal(pool_open(&pool, pm, NULL), PM_OK);
    pm_context_init(&context, pm);
    pool_set_segment(pool, &context, 9, PMD_SEGMENT_LOG, 64, PM_SITE_SEGMENT_FLUSH);
    assert_int_equal(pool_superblock_update(pool, &context, set_w, &scene.old_w), PM_OK);
    pool_close(pool);
    crash_begin(&run, pm, &plan);
    assert_int_equal(pool_open(&pool, pm, &create_reset), PM_OK);
    assert_int_equal(crash_end(&run), 0);
    assert_true(is_sound(pool));
    pool_close(pool);
    pm_sim_free(pm);
}

/* An update is there once it was acknowledged; before, it is there or not; never anything else. */
struct update_scene {
    uint64_t acknowledged;
};

static bool recover_update(struct pm *pm, void *argument)
{
    const struct update_scene *scene = argument;
    struct pm_context context;
    struct pool *pool;
    uint64_t w;

    if (pool_open(&pool, pm, NULL) != PM_OK)
        return false;
    w = pool->superblock.w;
    if (w != scene->acknowledged && w != scene->acknowledged + 1)
        return false;
    pm_context_init(&context, pm);
    return pool_superblock_update(pool, &context, set_w, &w) == PM_OK && pool_open(&pool, pm, NULL) == PM_OK &&
           pool->superblock.w == w;
}

/* Several images of each point: the order in which three writes reach the medium decides. */
static uint64_t crash_updates(uint64_t seed, enum pm_site skip)
{
    struct update_scene scene = {0};
    struct crash_plan plan = {.seed = seed,
                              .nested = true,
                              .killed = true,
                              .quiet = skip != PM_SITE_COUNT,
                              .recover = recover_update,
                              .context = &scene};
    struct pm *pm = new_pool();
    struct pm_context context;
    struct crash_run run;
    struct pool *pool;
    uint64_t failures;

    assert_int_equal(pool_open(&pool, pm, NULL), PM_OK);
    pm_context_init(&context, pm);
    pm_sim_skip_site(pm, skip);
    crash_begin(&run, pm, &plan);
    for (uint64_t w = 1; w <= 6; w++) {
        assert_int_equal(pool_superblock_update(pool, &context, set_w, &w), PM_OK);
        scene.acknowledged = w;
        crash_here(&run);
    }
    failures = crash_end(&run);
    pool_close(pool);
    pm_sim_free(pm);
    return failures;
}

static void check_update_crashes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++)
        assert_int_equal(crash_updates(seed, PM_SITE_COUNT), 0);
    if (CRASH_THIN > 1)
        skip();
    assert_true(crash_updates(1, PM_SITE_SUPERBLOCK_FLUSH) > 0);
    assert_true(crash_updates(1, PM_SITE_SUPERBLOCK_DRAIN) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_creation_crashes), cmocka_unit_test(check_creation_over_remains),
        cmocka_unit_test(check_creation_mutants), cmocka_unit_test(check_reset_crashes),
        cmocka_unit_test(check_update_crashes),
    };

    return cmocka_run_group_tests_name("pool crash", tests, quiet, NULL);
}
