/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: a pool that is there is opened or refused with the right reason, unharmed; one that is not there is made; what
 * an update of its superblock says stays, unless the update failed.
 * Method: pools over the simulated backing, whose bytes are then damaged one by one.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "tests/support/pool_fixture.h"

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
    };

    return cmocka_run_group_tests_name("pool", tests, quiet, NULL);
}
