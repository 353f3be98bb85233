/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: a segment is never in two hands, never used before its line is durable, never used again under an old
 * generation; and the last ones stay for those who keep a full pool alive.
 * Method: small pools over the simulated backing, taken to their ends by each class; a disk that fills up and has
 * space again; a random walk with crashes against what the pool was told; threads that take what one makes ready.
 */
#include "persist/pm_sim.h"
#include "persist/pool.h"
#include "tests/support/crash.h"
#include "tests/unit/check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum { SEGMENT_BITS = 16, SEGMENT_BYTES = 1 << SEGMENT_BITS, SEGMENTS = 16, USABLE = SEGMENTS - 4, SEGMENTS_MAX = 128 };

static const struct pool_create create = {.bytes = 1, .segment_bits = SEGMENT_BITS};

static struct pool *open_pool_of(uint64_t segments, struct pm_context *context)
{
    struct pool *pool;
    struct pm *pm;

    assert_int_equal(pm_sim_open(&pm, segments << SEGMENT_BITS, PM_SIM_LINES), PM_OK);
    pm_sim_keep(pm);
    assert_int_equal(pool_open(&pool, pm, &create), PM_OK);
    assert_int_equal(pool_space_start(pool), PM_OK);
    pm_context_init(context, pm);
    return pool;
}

static void end(struct pool *pool)
{
    struct pm *pm = pool->pm;

    pool_close(pool);
    pm_sim_free(pm);
}

static void work(struct pool *pool, struct pm_context *context, uint32_t goal)
{
    while (pool_space_step(pool, context, goal)) {
    }
}

/* Takes as many as the class may have. */
static uint64_t take_all(struct pool *pool, struct pm_context *context, enum space_class class)
{
    uint64_t count = 0;
    uint32_t segment;

    work(pool, context, 2);
    while (pool_take_ready(pool, class, &segment) == PM_OK) {
        count++;
        work(pool, context, 2);
    }
    return count;
}

/* ---- classes ---- */

static void check_reserves(void **state)
{
    struct pm_context context;
    struct pool *pool = open_pool_of(SEGMENTS, &context);
    struct pool_space_counts counts;

    (void)state;
    assert_int_equal(pool_space_available(pool), USABLE - 5);
    assert_int_equal(take_all(pool, &context, SPACE_USER), USABLE - 5);
    assert_int_equal(pool_space_available(pool), 0);
    assert_int_equal(take_all(pool, &context, SPACE_TOMBSTONE), 1);
    assert_int_equal(take_all(pool, &context, SPACE_CLEANER), 2);
    assert_int_equal(take_all(pool, &context, SPACE_INDEX), 2);
    pool_space_counts(pool, &counts);
    assert_int_equal(counts.free + counts.ready, 0);
    assert_int_equal(counts.log, USABLE);
    assert_int_equal(counts.index, 1);
    assert_int_equal(counts.fixed, 3);
    end(pool);
}

/* What was made ready for users comes back when the index has nothing else. */
static void check_ready_is_taken_back(void **state)
{
    struct pm_context context;
    struct pool *pool = open_pool_of(SEGMENTS, &context);
    uint32_t segment;

    (void)state;
    work(pool, &context, SEGMENTS);
    for (int i = 0; i < USABLE; i++)
        assert_int_equal(pool_take_free(pool, &context, SPACE_INDEX, PMD_SEGMENT_INDEX, &segment), PM_OK);
    assert_int_equal(pool_take_free(pool, &context, SPACE_INDEX, PMD_SEGMENT_INDEX, &segment), PM_FULL);
    assert_int_equal(pool_take_ready(pool, SPACE_INDEX, &segment), PM_FULL);
    end(pool);
}

static void check_class_of_take_free(void **state)
{
    struct pm_context context;
    struct pool *pool = open_pool_of(SEGMENTS, &context);
    uint32_t segment;
    int count = 0;

    (void)state;
    while (pool_take_free(pool, &context, SPACE_CLEANER, PMD_SEGMENT_SURVIVOR, &segment) == PM_OK)
        count++;
    assert_int_equal(count, USABLE - 2);
    assert_int_equal(pool_take_free(pool, &context, SPACE_INDEX, PMD_SEGMENT_INDEX, &segment), PM_OK);
    end(pool);
}

/* ---- lines and generations ---- */

static void check_ready_is_durable(void **state)
{
    struct pm_context context;
    struct pool *pool = open_pool_of(SEGMENTS, &context);
    struct pm *pm = pool->pm;
    uint32_t segment;

    (void)state;
    work(pool, &context, 1);
    assert_int_equal(pool_take_ready(pool, SPACE_USER, &segment), PM_OK);
    assert_true(segment >= PM_SEGMENT_FIRST_FREE);
    assert_int_equal(pool->generations[segment], 1);
    assert_int_equal(pool->segments[segment].sequence, 1);
    assert_int_equal(pm_sim_outstanding(pm), 0);
    pm_sim_crash(pm, PM_SIM_NONE, 0, 0);
    pool_close(pool);
    assert_int_equal(pool_open(&pool, pm, NULL), PM_OK);
    assert_int_equal(pool->segments[segment].state, PMD_SEGMENT_LOG);
    assert_int_equal(pool->generations[segment], 1);
    assert_int_equal(pool->segments[segment].length, 0);
    end(pool);
}

static void check_set_segment(void **state)
{
    struct pm_context context;
    struct pool *pool = open_pool_of(SEGMENTS, &context);
    struct pm *pm = pool->pm;
    uint32_t segment;

    (void)state;
    work(pool, &context, 1);
    assert_int_equal(pool_take_ready(pool, SPACE_USER, &segment), PM_OK);
    pool->segments[segment].record_count = 12;
    pool_set_segment(pool, &context, segment, PMD_SEGMENT_SEALED, SEGMENT_BYTES, PM_SITE_SEGMENT_FLUSH);
    assert_int_equal(pm_sim_outstanding(pm), 1); /* the drain is the caller's */
    assert_int_equal(pm_drain(&context, PM_SITE_SEGMENT_DRAIN), PM_OK);
    assert_int_equal(pm_sim_outstanding(pm), 0);
    pool_close(pool);
    assert_int_equal(pool_open(&pool, pm, NULL), PM_OK);
    assert_int_equal(pool->segments[segment].state, PMD_SEGMENT_SEALED);
    assert_int_equal(pool->segments[segment].length, SEGMENT_BYTES);
    assert_int_equal(pool->segments[segment].closed_end, SEGMENT_BYTES);
    assert_int_equal(pool->segments[segment].record_count, 12);
    end(pool);
}

/* One line and one fence for each change of hands. */
static void check_costs(void **state)
{
    struct pm_context context;
    struct pool *pool = open_pool_of(SEGMENTS, &context);
    uint32_t segment;

    (void)state;
    assert_true(pool_space_step(pool, &context, 1));
    assert_int_equal(context.counters.flush_lines, 1);
    assert_int_equal(context.counters.drains, 1);
    assert_int_equal(pool_take_ready(pool, SPACE_USER, &segment), PM_OK);
    assert_int_equal(context.counters.drains, 1);
    assert_int_equal(pool_free_segment(pool, &context, segment), PM_OK);
    assert_int_equal(context.counters.flush_lines, 2);
    assert_int_equal(context.counters.drains, 2);
    end(pool);
}

static void check_generation_grows(void **state)
{
    struct pm_context context;
    struct pool *pool = open_pool_of(SEGMENTS, &context);
    uint32_t last[SEGMENTS] = {0}, segment;

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct pm *pm = pool->pm;

        assert_int_equal(pool_take_free(pool, &context, SPACE_INDEX, PMD_SEGMENT_INDEX, &segment), PM_OK);
        assert_int_equal(pool->generations[segment], last[segment] + 1);
        last[segment]++;
        assert_int_equal(pool_free_segment(pool, &context, segment), PM_OK);
        if (i % 7 != 0)
            continue;
        pm_sim_crash(pm, PM_SIM_NONE, 0, 0);
        pool_close(pool);
        assert_int_equal(pool_open(&pool, pm, NULL), PM_OK);
        assert_int_equal(pool_space_start(pool), PM_OK);
        pm_context_init(&context, pm);
    }
    end(pool);
}

/* ---- the disk ---- */

static void check_full_disk(void **state)
{
    struct pm_context context;
    struct pool *pool = open_pool_of(SEGMENTS, &context);
    struct pool_space_counts counts;
    uint32_t segment;

    (void)state;
    pm_sim_set_disk(pool->pm, 8 * SEGMENT_BYTES); /* of the twelve */
    assert_int_equal(take_all(pool, &context, SPACE_USER), 8 - 5);
    pool_space_counts(pool, &counts);
    assert_true(counts.disk_full);
    assert_int_equal(pool_space_available(pool), 0);
    /* The reserves have their space, as in a full pool. */
    assert_int_equal(take_all(pool, &context, SPACE_TOMBSTONE), 1);
    assert_int_equal(pool_take_free(pool, &context, SPACE_CLEANER, PMD_SEGMENT_SURVIVOR, &segment), PM_OK);
    /* What is freed can be used again although the disk is full. */
    assert_int_equal(pool_free_segment(pool, &context, segment), PM_OK);
    assert_int_equal(pool_take_free(pool, &context, SPACE_CLEANER, PMD_SEGMENT_SURVIVOR, &segment), PM_OK);
    /* Space again: not asked for at once, but soon. */
    pm_sim_set_disk(pool->pm, 100 * SEGMENT_BYTES);
    assert_false(pool_space_step(pool, &context, 8) && pool_space_available(pool) > 0);
    clock_test_advance_ms(1001);
    assert_int_equal(take_all(pool, &context, SPACE_USER), 12 - 3 - 1 - 1 - 5);
    pool_space_counts(pool, &counts);
    assert_false(counts.disk_full);
    clock_test_reset();
    end(pool);
}

static void check_failed_drain(void **state)
{
    struct pm_context context;
    struct pool *pool = open_pool_of(SEGMENTS, &context);
    uint32_t segment;

    (void)state;
    pm_sim_fail_drain(pool->pm, 1);
    (void)pool_space_step(pool, &context, 1); /* it may still have put a segment in stock */
    assert_false(pool_space_step(pool, &context, 1));
    assert_int_equal(pool_take_ready(pool, SPACE_INDEX, &segment), PM_FULL);
    assert_int_equal(pool_take_free(pool, &context, SPACE_INDEX, PMD_SEGMENT_INDEX, &segment), PM_IO);
    end(pool);
}

/* ---- a random life with crashes ---- */

struct walk {
    struct pool *pool;
    struct pm *pm;
    struct pm_context context;
    unsigned seed;
    uint8_t state[SEGMENTS_MAX]; /* as the pool was told, durably */
    uint32_t generation[SEGMENTS_MAX];
};

static void check_twin(struct walk *walk, uint32_t segment)
{
    assert_int_equal(walk->pool->segments[segment].state, walk->state[segment]);
    assert_int_equal(walk->pool->generations[segment], walk->generation[segment]);
}

static void walk_take(struct walk *walk, bool ready)
{
    enum pmd_segment_state state = ready ? PMD_SEGMENT_LOG : PMD_SEGMENT_SURVIVOR;
    enum pm_status status;
    uint32_t segment;

    if (ready)
        status = pool_take_ready(walk->pool, SPACE_USER, &segment);
    else
        status = pool_take_free(walk->pool, &walk->context, SPACE_CLEANER, state, &segment);
    if (status != PM_OK)
        return;
    assert_int_equal(walk->state[segment], PMD_SEGMENT_FREE); /* in nobody's hand */
    assert_true(walk->pool->generations[segment] > walk->generation[segment]);
    walk->state[segment] = (uint8_t)state;
    walk->generation[segment] = walk->pool->generations[segment];
    check_twin(walk, segment);
}

static void walk_free(struct walk *walk)
{
    uint32_t segment = (uint32_t)rand_r(&walk->seed) % SEGMENTS_MAX;

    if (walk->state[segment] != PMD_SEGMENT_LOG && walk->state[segment] != PMD_SEGMENT_SURVIVOR)
        return;
    assert_int_equal(pool_free_segment(walk->pool, &walk->context, segment), PM_OK);
    walk->state[segment] = PMD_SEGMENT_FREE;
    check_twin(walk, segment);
}

/* Everything was durable when the call returned, so the image without any outstanding line has it. */
static void walk_crash(struct walk *walk)
{
    pm_sim_crash(walk->pm, rand_r(&walk->seed) % 2 ? PM_SIM_NONE : PM_SIM_RANDOM, 0, (uint64_t)walk->seed);
    pool_close(walk->pool);
    assert_int_equal(pool_open(&walk->pool, walk->pm, NULL), PM_OK);
    pm_context_init(&walk->context, walk->pm);
    for (uint32_t i = PM_SEGMENT_FIRST_FREE; i < SEGMENTS_MAX; i++) {
        struct segment *twin = &walk->pool->segments[i];

        if (walk->state[i] != PMD_SEGMENT_FREE) {
            check_twin(walk, i);
        } else if (twin->state == PMD_SEGMENT_LOG) { /* was ready: recovery frees it */
            pool_set_segment(walk->pool, &walk->context, i, PMD_SEGMENT_FREE, 0, PM_SITE_SEGMENT_SEAL_FLUSH);
            assert_int_equal(pm_drain(&walk->context, PM_SITE_SEGMENT_SEAL_DRAIN), PM_OK);
        } else {
            assert_int_equal(twin->state, PMD_SEGMENT_FREE);
        }
        assert_true(walk->pool->generations[i] >= walk->generation[i]);
        walk->generation[i] = walk->pool->generations[i];
    }
    assert_int_equal(pool_space_start(walk->pool), PM_OK);
}

static void check_random_walk(void **state)
{
    static struct walk walk;

    (void)state;
    walk.seed = 5;
    walk.pool = open_pool_of(SEGMENTS_MAX, &walk.context);
    walk.pm = walk.pool->pm;
    for (int step = 0; step < 20000; step++) {
        int dice = rand_r(&walk.seed) % 100;

        if (dice < 30)
            (void)pool_space_step(walk.pool, &walk.context, 4);
        else if (dice < 50)
            walk_take(&walk, true);
        else if (dice < 65)
            walk_take(&walk, false);
        else if (dice < 99)
            walk_free(&walk);
        else
            walk_crash(&walk);
    }
    assert_int_equal(pm_sim_unexplained(walk.pm), 0);
    end(walk.pool);
}

/* ---- every crash image of taking and freeing ---- */

/* What was told, and what the call under way may make of it. */
struct scene {
    struct pm *pm;
    struct pool *pool;
    struct pm_context context;
    uint32_t segment; /* that is being freed, or 0 */
    uint8_t state[SEGMENTS];
    uint32_t generation[SEGMENTS];
};

/* A segment is as it was told; one that was free may be in its next use by now; the one being freed may be free. */
static bool is_allowed(const struct scene *scene, uint32_t i, uint32_t state, uint32_t generation)
{
    if (scene->state[i] == PMD_SEGMENT_FREE)
        return state == PMD_SEGMENT_FREE ? generation == scene->generation[i] : generation > scene->generation[i];
    return generation == scene->generation[i] &&
           (state == scene->state[i] || (i == scene->segment && state == PMD_SEGMENT_FREE));
}

static bool recover_scene(struct pm *pm, void *argument)
{
    const struct scene *scene = argument;
    struct pool *pool;

    if (pool_open(&pool, pm, NULL) != PM_OK)
        return false;
    for (uint32_t i = PM_SEGMENT_FIRST_FREE; i < SEGMENTS; i++) {
        if (!is_allowed(scene, i, atomic_load(&pool->segments[i].state), atomic_load(&pool->generations[i])))
            return false;
    }
    return pool_space_start(pool) == PM_OK;
}

static void note_told(struct scene *scene, struct crash_run *run, uint32_t segment)
{
    scene->state[segment] = atomic_load(&scene->pool->segments[segment].state);
    scene->generation[segment] = atomic_load(&scene->pool->generations[segment]);
    scene->segment = 0;
    crash_here(run);
}

static void play(struct scene *scene, struct crash_run *run)
{
    uint32_t segment;

    for (int i = 0; i < 6; i++) {
        work(scene->pool, &scene->context, 1);
        assert_int_equal(pool_take_ready(scene->pool, SPACE_USER, &segment), PM_OK);
        note_told(scene, run, segment);
        assert_int_equal(pool_take_free(scene->pool, &scene->context, SPACE_INDEX, PMD_SEGMENT_INDEX, &segment), PM_OK);
        note_told(scene, run, segment);
        scene->segment = segment;
        assert_int_equal(pool_free_segment(scene->pool, &scene->context, segment), PM_OK);
        note_told(scene, run, segment);
    }
}

static uint64_t crash_space(enum pm_sim_mode mode, enum pm_site skip)
{
    static struct scene scene;
    static struct crash_run run;
    struct crash_plan plan = {
        .seed = 1, .nested = true, .quiet = skip != PM_SITE_COUNT, .recover = recover_scene, .context = &scene};
    uint64_t failures;

    memset(&scene, 0, sizeof scene);
    assert_int_equal(pm_sim_open(&scene.pm, SEGMENTS << SEGMENT_BITS, mode), PM_OK);
    pm_sim_keep(scene.pm);
    assert_int_equal(pool_open(&scene.pool, scene.pm, &create), PM_OK);
    assert_int_equal(pool_space_start(scene.pool), PM_OK);
    pm_context_init(&scene.context, scene.pm);
    pm_sim_skip_site(scene.pm, skip);
    crash_begin(&run, scene.pm, &plan);
    play(&scene, &run);
    failures = crash_end(&run);
    end(scene.pool);
    return failures;
}

static void check_crashes(void **state)
{
    (void)state;
    assert_int_equal(crash_space(PM_SIM_LINES, PM_SITE_COUNT), 0);
    assert_int_equal(crash_space(PM_SIM_PAGES, PM_SITE_COUNT), 0);
    if (CRASH_THIN > 1)
        skip();
    assert_true(crash_space(PM_SIM_LINES, PM_SITE_SEGMENT_FLUSH) > 0);
    assert_true(crash_space(PM_SIM_LINES, PM_SITE_SEGMENT_DRAIN) > 0);
}

/* ---- threads ---- */

enum { TAKERS = 3, THREAD_SEGMENTS = 1000 };

struct taker {
    struct pool *pool;
    uint32_t taken[THREAD_SEGMENTS];
    uint32_t count;
    _Atomic bool *stop;
};

static void *take(void *argument)
{
    struct taker *taker = argument;

    while (!atomic_load(taker->stop)) {
        uint32_t segment;

        if (pool_take_ready(taker->pool, SPACE_USER, &segment) == PM_OK)
            taker->taken[taker->count++] = segment;
        else
            sched_yield();
    }
    return NULL;
}

static void check_threads(void **state)
{
    static struct taker takers[TAKERS];
    static bool seen[THREAD_SEGMENTS];
    pthread_t threads[TAKERS];
    struct pm_context context;
    struct pool *pool = open_pool_of(THREAD_SEGMENTS, &context);
    _Atomic bool stop = false;
    uint64_t count = 0;

    (void)state;
    for (int i = 0; i < TAKERS; i++) {
        takers[i] = (struct taker){.pool = pool, .stop = &stop};
        assert_int_equal(pthread_create(&threads[i], NULL, take, &takers[i]), 0);
    }
    while (pool_space_available(pool) > 0)
        (void)pool_space_step(pool, &context, 4);
    atomic_store(&stop, true);
    for (int i = 0; i < TAKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        count += takers[i].count;
        for (uint32_t j = 0; j < takers[i].count; j++) {
            assert_false(seen[takers[i].taken[j]]);
            seen[takers[i].taken[j]] = true;
        }
    }
    assert_int_equal(count, THREAD_SEGMENTS - 4 - (2 + 10) - 2 - 2);
    end(pool);
}

static int quiet(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR + 1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_reserves),
        cmocka_unit_test(check_ready_is_taken_back),
        cmocka_unit_test(check_class_of_take_free),
        cmocka_unit_test(check_ready_is_durable),
        cmocka_unit_test(check_set_segment),
        cmocka_unit_test(check_costs),
        cmocka_unit_test(check_generation_grows),
        cmocka_unit_test(check_full_disk),
        cmocka_unit_test(check_failed_drain),
        cmocka_unit_test(check_random_walk),
        cmocka_unit_test(check_crashes),
        cmocka_unit_test(check_threads),
    };

    return cmocka_run_group_tests_name("space", tests, quiet, NULL);
}
