/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pool is made: everything else is durable before the superblock is.
 *
 * DURABILITY  The steps, and what a crash in each leaves:
 *             1 file space of the fixed segments       a blank file
 *             2 the mark in place of copy A, drained   a blank file, or the mark: "not finished"
 *             3 table, journal, head leaf, drained     the mark: next time all of it is written again
 *             4 copy B, drained                        the mark (copy B may be torn), or the whole pool
 *             5 copy A over the mark, drained          the whole pool: copy B is there
 *             While the mark stands and copy B is not whole nothing of value can be in the file: the pool was never
 *             opened. Making a damaged pool anew goes the same way: the mark first, then the copies' bytes away.
 */
#include "persist/pool_internal.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "persist/superblock.h"

/* As far as a record's location reaches: 1 TB. */
#define LOC_REACH_BYTES ((uint64_t)PM_UNIT << PM_LOC_BITS)

struct layout {
    struct pm *pm;
    struct pm_context context;
    uint32_t segment_bits;
    uint64_t segment_count;
    bool blank; /* nothing but zeros in the file, on the medium too */
};

static pm_off segment_at(const struct layout *layout, uint64_t segment)
{
    return segment << layout->segment_bits;
}

static enum pm_status allocate_segment(struct layout *layout, uint64_t segment)
{
    enum pm_status status = pm_allocate(layout->pm, segment_at(layout, segment), (size_t)1 << layout->segment_bits);

    if (status == PM_FULL)
        log_error("pool", "the file system has no space for the first segments of a new pool; free some or move it");
    return status;
}

/* Superblock, table chunks, journal, head: what is stored to before the pool can make segments ready. */
static enum pm_status allocate_fixed(struct layout *layout)
{
    for (uint32_t segment = 0; segment < layout->segment_count; segment++) {
        enum pm_status status;

        if (segment != PM_SEGMENT_HEAD && !segment_is_fixed(layout->segment_bits, segment))
            continue;
        status = allocate_segment(layout, segment);
        if (status != PM_OK)
            return status;
    }
    return PM_OK;
}

/*
 * The mark, durable first; then nothing of older copies: their bytes behind a magic that a torn write brings back would
 * be an old superblock, whole again.
 */
static enum pm_status mark(struct layout *layout)
{
    static const uint8_t zeros[sizeof(struct pmd_superblock)];
    uint64_t *magic = pm_at(layout->pm, 0);
    void *rest = magic + 1, *copy_b = pm_at(layout->pm, PM_PAGE);

    pm_store_word(&layout->context, magic, PM_CREATING);
    pm_flush(&layout->context, PM_SITE_CREATE_FLUSH, magic, sizeof *magic);
    if (pm_drain(&layout->context, PM_SITE_CREATE_DRAIN) != PM_OK)
        return PM_IO;
    if (layout->blank)
        return PM_OK;
    pm_store(&layout->context, rest, zeros, sizeof zeros - sizeof *magic);
    pm_flush(&layout->context, PM_SITE_CREATE_FLUSH, rest, sizeof zeros - sizeof *magic);
    pm_store(&layout->context, copy_b, zeros, sizeof zeros);
    pm_flush(&layout->context, PM_SITE_CREATE_FLUSH, copy_b, sizeof zeros);
    return pm_drain(&layout->context, PM_SITE_CREATE_DRAIN);
}

/*
 * Zeros over what an older pool or an unfinished creation left. Stored even where zeros are to be seen: a process that
 * was killed may have stored them and not made them durable.
 */
static void store_zeros(struct layout *layout, pm_off off, size_t bytes)
{
    static const uint8_t zeros[PM_PAGE];

    if (layout->blank)
        return;
    for (size_t i = 0; i < bytes; i += PM_PAGE)
        pm_store(&layout->context, pm_at(layout->pm, off + i), zeros, PM_PAGE);
    pm_flush(&layout->context, PM_SITE_CREATE_FLUSH, pm_at(layout->pm, off), bytes);
}

static void store_line(struct layout *layout, uint32_t segment, enum pmd_segment_state state)
{
    struct pmd_segment_line *line = pm_at(layout->pm, segment_line_off(layout->segment_bits, segment));
    struct pmd_segment_line new_line = {.word = segment_word(state, 0, 1), .allocated = 1};

    pm_store(&layout->context, line, &new_line, sizeof new_line);
    pm_flush(&layout->context, PM_SITE_CREATE_FLUSH, line, sizeof *line);
}

/* All lines zero, which is FREE, but those of the segments that are in use from the start. */
static void store_table(struct layout *layout)
{
    size_t chunk_bytes = (size_t)1 << layout->segment_bits;

    store_zeros(layout, segment_at(layout, PM_SEGMENT_TABLE), chunk_bytes);
    for (uint32_t segment = 0; segment < layout->segment_count; segment++) {
        if (segment == PM_SEGMENT_HEAD)
            store_line(layout, segment, PMD_SEGMENT_INDEX);
        if (!segment_is_fixed(layout->segment_bits, segment))
            continue;
        if (segment > PM_SEGMENT_HEAD)
            store_zeros(layout, segment_at(layout, segment), chunk_bytes);
        store_line(layout, segment, PMD_SEGMENT_FIXED);
    }
}

static void store_head(struct layout *layout, const struct pool_create *create)
{
    pm_off off = segment_at(layout, PM_SEGMENT_HEAD);
    struct pmd_leaf *head = pm_at(layout->pm, off);

    if (create->format_head == NULL)
        return;
    create->format_head(&layout->context, head, off / PM_LEAF_BYTES);
    pm_flush(&layout->context, PM_SITE_CREATE_FLUSH, head, sizeof *head);
}

static uint64_t random_u64(void)
{
    uint64_t value = 0;

    while (value == 0)
        if (getrandom(&value, sizeof value, 0) != sizeof value)
            value = 0;
    return value;
}

static void fill_superblock(const struct layout *layout, const struct pool_create *create,
                            struct pmd_superblock *superblock)
{
    bool sim = layout->pm->backing == PM_BACKING_SIM; /* repeatable */
    uint64_t uuid[2] = {sim ? 1 : random_u64(), sim ? 1 : random_u64()};

    memset(superblock, 0, sizeof *superblock);
    superblock->magic = PM_MAGIC;
    superblock->version = PM_VERSION;
    superblock->segment_bits = layout->segment_bits;
    superblock->segment_count = layout->segment_count;
    memcpy(superblock->uuid, uuid, sizeof superblock->uuid);
    superblock->hash_seed = create->hash_seed != 0 ? create->hash_seed
                            : sim                  ? UINT64_C(0x5eed5eed5eed5eed)
                                                   : random_u64();
    superblock->created_ms = clock_wall_ms();
    superblock->clock_high_ms = superblock->created_ms;
    superblock->epoch_lease = 1;
    superblock->commit_mode = PMD_COMMIT_TURN;
    superblock->clean = 1;
    superblock_identify(layout->pm, superblock);
}

static enum pm_status choose_geometry(struct layout *layout, const struct pool_create *create)
{
    layout->segment_bits = create->segment_bits != 0 ? create->segment_bits : PM_SEGMENT_BITS_DEFAULT;
    if (layout->segment_bits < PM_SEGMENT_BITS_MIN || layout->segment_bits > PM_SEGMENT_BITS_MAX)
        return PM_BAD_ARGUMENT;
    layout->segment_count = layout->pm->bytes >> layout->segment_bits;
    if (layout->segment_count < POOL_SEGMENTS_MIN) {
        log_error("pool", "bytes=%zu is too small for a pool; pool-size must be at least %llu", layout->pm->bytes,
                  (unsigned long long)POOL_SEGMENTS_MIN << layout->segment_bits);
        return PM_BAD_ARGUMENT;
    }
    if (layout->segment_count > LOC_REACH_BYTES >> layout->segment_bits)
        layout->segment_count = LOC_REACH_BYTES >> layout->segment_bits;
    return PM_OK;
}

static enum pm_status lay_out(struct layout *layout, const struct pool_create *create)
{
    struct pmd_superblock superblock;
    enum pm_status status = choose_geometry(layout, create);

    if (status == PM_OK)
        status = allocate_fixed(layout);
    if (status == PM_OK)
        status = mark(layout);
    if (status != PM_OK)
        return status;
    store_table(layout);
    store_zeros(layout, segment_at(layout, PM_SEGMENT_JOURNAL), (size_t)1 << layout->segment_bits);
    store_head(layout, create);
    status = pm_drain(&layout->context, PM_SITE_CREATE_DRAIN);
    if (status != PM_OK)
        return status;
    fill_superblock(layout, create, &superblock);
    return superblock_write_both(&layout->context, &superblock); /* sequence 1 is copy B, 2 is copy A */
}

enum pm_status pool_lay_out(struct pm *pm, const struct pool_create *create)
{
    struct layout layout = {.pm = pm, .blank = pm_is_blank(pm)};

    pm_context_init(&layout.context, pm);
    return lay_out(&layout, create);
}
