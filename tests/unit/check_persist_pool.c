/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: a pool that is there is opened or refused with the right reason, unharmed; one that is not there is made, and
 * a crash anywhere in that leaves nothing, something to be made anew, or the whole pool.
 * Method: pools over the simulated backing, whose bytes are then damaged one by one; every crash image of creation, of
 * superblock updates and of making a damaged pool anew; each flush and drain of them left out once.
 */
#include "persist/pool.h"
#include "tests/support/crash.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/log.h"

enum { SEGMENT_BITS = 16, SEGMENTS = 16, BYTES = SEGMENTS << SEGMENT_BITS };

static void format_head(struct pm_context *context, struct pmd_leaf *leaf, uint64_t leaf_number)
{
    struct pmd_leaf head = {.state = PMD_LEAF_LIVE, .checksum = (uint32_t)leaf_number};

    pm_store(context, leaf, &head, sizeof head);
}

static const struct pool_create create = {.bytes = BYTES, .segment_bits = SEGMENT_BITS, .format_head = format_head};
static const struct pool_create create_reset = {
    .bytes = BYTES, .segment_bits = SEGMENT_BITS, .format_head = format_head, .reset = true};

static struct pm *open_sim(void)
{
    struct pm *pm;

    assert_int_equal(pm_sim_open(&pm, BYTES, PM_SIM_LINES), PM_OK);
    pm_sim_keep(pm);
    return pm;
}

static struct pm *new_pool(void)
{
    struct pm *pm = open_sim();
    struct pool *pool;

    assert_int_equal(pool_open(&pool, pm, &create), PM_OK);
    pool_close(pool);
    return pm;
}

static struct pmd_superblock *copy_of(struct pm *pm, char which)
{
    return pm_at(pm, which == 'A' ? 0 : PM_PAGE);
}

static enum pm_status try_open(struct pm *pm, const struct pool_create *how)
{
    struct pool *pool;
    enum pm_status status = pool_open(&pool, pm, how);

    if (status == PM_OK)
        pool_close(pool);
    return status;
}

/* Changes both copies and makes their checksums right again. */
static void edit_both(struct pm *pm, void (*edit)(struct pmd_superblock *superblock))
{
    for (int i = 0; i < 2; i++) {
        struct pmd_superblock *copy = copy_of(pm, "AB"[i]);

        edit(copy);
        copy->checksum = XXH3_64bits(copy, offsetof(struct pmd_superblock, checksum));
    }
}

/* ---- a new pool ---- */

static void check_new_pool(void **state)
{
    struct pm *pm = open_sim();
    const struct pmd_leaf *head;
    struct pool *pool;

    (void)state;
    assert_int_equal(pool_open(&pool, pm, &create), PM_OK);
    assert_int_equal(pool->segment_bits, SEGMENT_BITS);
    assert_int_equal(pool->segment_bytes, 1 << SEGMENT_BITS);
    assert_int_equal(pool->segment_count, SEGMENTS);
    assert_true(pool->same_boot);
    assert_int_equal(pool->superblock.epoch_lease, 1);
    assert_int_equal(pool->superblock.sequence, 2);
    assert_int_equal(pool->segments[PM_SEGMENT_SUPERBLOCK].state, PMD_SEGMENT_FIXED);
    assert_int_equal(pool->segments[PM_SEGMENT_TABLE].state, PMD_SEGMENT_FIXED);
    assert_int_equal(pool->segments[PM_SEGMENT_JOURNAL].state, PMD_SEGMENT_FIXED);
    assert_int_equal(pool->segments[PM_SEGMENT_HEAD].state, PMD_SEGMENT_INDEX);
    assert_int_equal(pool->segments[PM_SEGMENT_FIRST_FREE].state, PMD_SEGMENT_FREE);
    head = (const struct pmd_leaf *)pool_at(pool, pool_segment_off(pool, PM_SEGMENT_HEAD));
    assert_int_equal(head->state, PMD_LEAF_LIVE);
    assert_int_equal(head->checksum, (PM_SEGMENT_HEAD << SEGMENT_BITS) / PM_LEAF_BYTES);
    assert_int_equal(pm_sim_outstanding(pm), 0);
    assert_int_equal(pm_sim_unexplained(pm), 0);
    pool_close(pool);
    assert_int_equal(try_open(pm, NULL), PM_OK);
    pm_sim_free(pm);
}

static void check_too_small(void **state)
{
    const struct pool_create big_segments = {.bytes = BYTES};
    const struct pool_create odd = {.bytes = BYTES, .segment_bits = 30};
    struct pm *pm = open_sim();

    (void)state;
    assert_int_equal(try_open(pm, &big_segments), PM_BAD_ARGUMENT);
    assert_int_equal(try_open(pm, &odd), PM_BAD_ARGUMENT);
    assert_true(pm_is_blank(pm));
    pm_sim_free(pm);
}

static void check_boot(void **state)
{
    struct pm *pm = new_pool();
    struct pool *pool;

    (void)state;
    pm_sim_kill(pm);
    assert_int_equal(pool_open(&pool, pm, NULL), PM_OK);
    assert_true(pool->same_boot);
    pool_close(pool);
    pm_sim_crash(pm, PM_SIM_NONE, 0, 0);
    assert_int_equal(pool_open(&pool, pm, NULL), PM_OK);
    assert_false(pool->same_boot);
    pool_close(pool);
    pm_sim_free(pm);
}

/* ---- refusals ---- */

static void edit_version(struct pmd_superblock *superblock)
{
    superblock->version = PM_VERSION + 1;
}

static void edit_incompat(struct pmd_superblock *superblock)
{
    superblock->feature_incompat |= UINT64_C(1) << 40;
}

static void edit_compat(struct pmd_superblock *superblock)
{
    superblock->feature_compat |= UINT64_C(1) << 40;
}

static void edit_count(struct pmd_superblock *superblock)
{
    superblock->segment_count = SEGMENTS + 1;
}

static void edit_bits(struct pmd_superblock *superblock)
{
    superblock->segment_bits = 60;
}

static void check_edited(void (*edit)(struct pmd_superblock *superblock), enum pm_status expected)
{
    struct pm *pm = new_pool();
    uint8_t before[512];

    edit_both(pm, edit);
    memcpy(before, pm->base, sizeof before);
    assert_int_equal(try_open(pm, &create), expected); /* asking for a new one makes no difference */
    assert_memory_equal(before, pm->base, sizeof before);
    pm_sim_free(pm);
}

static void check_version_features_geometry(void **state)
{
    (void)state;
    check_edited(edit_version, PM_VERSION_BAD);
    check_edited(edit_incompat, PM_VERSION_BAD);
    check_edited(edit_compat, PM_OK);
    check_edited(edit_count, PM_DAMAGED);
    check_edited(edit_bits, PM_DAMAGED);
}

static void check_not_a_pool(void **state)
{
    struct pm *pm = open_sim();

    (void)state;
    assert_int_equal(try_open(pm, NULL), PM_NOT_POOL); /* blank, and nobody asked for a new one */
    pm->base[BYTES - 1] = 'x';
    assert_int_equal(try_open(pm, &create), PM_NOT_POOL);
    assert_int_equal(try_open(pm, &create_reset), PM_NOT_POOL); /* a foreign file is never made a pool */
    pm->base[BYTES - 1] = 0;
    assert_int_equal(try_open(pm, &create), PM_OK);
    pm_sim_free(pm);
}

/* Any byte of a copy may go bad: the other one is used. Both: damaged, until a reset is asked for. */
static void check_damaged_copies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(struct pmd_superblock); i++) {
        struct pm *pm = new_pool();
        struct pool *pool;

        ((uint8_t *)copy_of(pm, 'A'))[i] ^= 0x10;
        assert_int_equal(pool_open(&pool, pm, NULL), PM_OK);
        assert_int_equal(pool->superblock.sequence, 1);
        pool_close(pool);
        ((uint8_t *)copy_of(pm, 'B'))[(i + 100) % 512] ^= 1;
        assert_int_equal(try_open(pm, &create), PM_DAMAGED);
        pm_sim_free(pm);
    }
}

/* What is said of damaged copies names the file, and warns when what was newest may be lost. */
static void expect_message(struct pm *pm, enum pm_status expected, const char *text)
{
    char path[] = "/tmp/hearth-check-XXXXXX", line[1024] = "";
    enum log_level level = log_get_level();
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(log_output_open(path), 0);
    log_set_level(LOG_LEVEL_NOTICE);
    assert_int_equal(try_open(pm, NULL), expected);
    log_set_level(level);
    log_output_close();
    assert_true(read(fd, line, sizeof line - 1) > 0);
    assert_non_null(strstr(line, "the.pool"));
    assert_non_null(strstr(line, text));
    close(fd);
    unlink(path);
}

static void check_messages_of_damaged_copies(void **state)
{
    char name[] = "the.pool";
    struct pm *pm = new_pool(); /* sequence 1 in B, 2 in A */

    (void)state;
    pm->path = name;
    copy_of(pm, 'B')->w ^= 1;
    expect_message(pm, PM_OK, "notice");
    copy_of(pm, 'B')->w ^= 1;
    copy_of(pm, 'A')->w ^= 1;
    expect_message(pm, PM_OK, "newest superblock copy, A");
    expect_message(pm, PM_OK, "warn");
    copy_of(pm, 'A')->sequence ^= 1 << 5;
    expect_message(pm, PM_OK, "warn");
    copy_of(pm, 'B')->w ^= 1;
    expect_message(pm, PM_DAMAGED, "neither superblock copy");
    pm->path = NULL;
    pm_sim_free(pm);
}

static void check_copy_in_the_wrong_place(void **state)
{
    struct pm *pm = new_pool();
    struct pool *pool;

    (void)state;
    memcpy(copy_of(pm, 'B'), copy_of(pm, 'A'), sizeof(struct pmd_superblock));
    copy_of(pm, 'A')->checksum++;
    assert_int_equal(pool_open(&pool, pm, NULL), PM_DAMAGED);
    pm_sim_free(pm);
}

static void check_damaged_table(void **state)
{
    static const struct {
        uint32_t segment;
        uint64_t word;
    } rows[] = {
        {5, 15},                                /* no such state */
        {5, 1 | UINT64_C(1) << 25},             /* a bit that is zero */
        {5, 1 | UINT64_C(4097) << 4},           /* longer than a segment */
        {5, PMD_SEGMENT_FIXED},                 /* not one of those */
        {PM_SEGMENT_JOURNAL, PMD_SEGMENT_FREE}, /* one of those */
        {PM_SEGMENT_HEAD, PMD_SEGMENT_LOG},
    };

    (void)state;
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(rows); i++) {
        struct pm *pm = new_pool();
        struct pool *pool;

        assert_int_equal(pool_open(&pool, pm, NULL), PM_OK);
        pool_segment_line(pool, rows[i].segment)->word = rows[i].word;
        pool_close(pool);
        assert_int_equal(try_open(pm, &create), PM_DAMAGED);
        assert_int_equal(try_open(pm, &create_reset), PM_OK);
        assert_int_equal(try_open(pm, NULL), PM_OK);
        pm_sim_free(pm);
    }
}

/* ---- updates ---- */

static void set_w(struct pmd_superblock *superblock, void *argument)
{
    superblock->w = *(const uint64_t *)argument;
}

static void set_lease(struct pmd_superblock *superblock, void *argument)
{
    superblock->epoch_lease = *(const uint64_t *)argument;
}

static void check_updates(void **state)
{
    struct pm *pm = new_pool();
    struct pm_context context;
    struct pool *pool;

    (void)state;
    assert_int_equal(pool_open(&pool, pm, NULL), PM_OK);
    pm_context_init(&context, pm);
    for (uint64_t w = 1; w <= 9; w++) {
        assert_int_equal(pool_superblock_update(pool, &context, set_w, &w), PM_OK);
        assert_int_equal(context.counters.drains, w);
        assert_int_equal(context.counters.flush_lines, 8 * w);
        pm_sim_crash(pm, PM_SIM_NONE, 0, 0);
        pool_close(pool);
        assert_int_equal(pool_open(&pool, pm, NULL), PM_OK);
        assert_int_equal(pool->superblock.w, w);
    }
    pool_close(pool);
    pm_sim_free(pm);
}

/* A lease must not fall back, whichever copy rots. */
static void check_lease_is_in_both(void **state)
{
    uint64_t lease = 77;

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pm *pm = new_pool();
        struct pm_context context;
        struct pool *pool;

        assert_int_equal(pool_open(&pool, pm, NULL), PM_OK);
        pm_context_init(&context, pm);
        assert_int_equal(pool_superblock_update(pool, &context, set_lease, &lease), PM_OK);
        pool_close(pool);
        copy_of(pm, "AB"[i])->uuid[3]++;
        assert_int_equal(pool_open(&pool, pm, NULL), PM_OK);
        assert_int_equal(pool->superblock.epoch_lease, lease);
        pool_close(pool);
        pm_sim_free(pm);
    }
}

static void check_failed_update(void **state)
{
    struct pm *pm = new_pool();
    struct pm_context context;
    struct pool *pool;
    uint64_t w = 5;

    (void)state;
    assert_int_equal(pool_open(&pool, pm, NULL), PM_OK);
    pm_context_init(&context, pm);
    pm_sim_fail_drain(pm, 1);
    assert_int_equal(pool_superblock_update(pool, &context, set_w, &w), PM_IO);
    assert_int_equal(pool->superblock.w, 0);
    pool_close(pool);
    pm_sim_free(pm);
}

/* ---- crashes ---- */

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

static int quiet(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR + 1); /* refusals are what is tested */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_new_pool),
        cmocka_unit_test(check_too_small),
        cmocka_unit_test(check_boot),
        cmocka_unit_test(check_version_features_geometry),
        cmocka_unit_test(check_not_a_pool),
        cmocka_unit_test(check_damaged_copies),
        cmocka_unit_test(check_messages_of_damaged_copies),
        cmocka_unit_test(check_copy_in_the_wrong_place),
        cmocka_unit_test(check_damaged_table),
        cmocka_unit_test(check_updates),
        cmocka_unit_test(check_lease_is_in_both),
        cmocka_unit_test(check_failed_update),
        cmocka_unit_test(check_creation_crashes),
        cmocka_unit_test(check_creation_over_remains),
        cmocka_unit_test(check_creation_mutants),
        cmocka_unit_test(check_reset_crashes),
        cmocka_unit_test(check_update_crashes),
    };

    return cmocka_run_group_tests_name("pool", tests, quiet, NULL);
}
