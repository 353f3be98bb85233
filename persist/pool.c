/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening a pool: superblock, geometry, segment table.
 */
#include "persist/pool_internal.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/log.h"
#include "persist/live.h"
#include "persist/superblock.h"

_Static_assert(sizeof(struct segment) == 64, "a segment's twin is one line");

struct pmd_segment_line *pool_segment_line(const struct pool *pool, uint32_t segment)
{
    return pm_at(pool->pm, segment_line_off(pool->segment_bits, segment));
}

void pool_identify(const struct pool *pool, struct pmd_superblock *superblock)
{
    superblock_identify(pool->pm, superblock);
}

/* ---- superblock ---- */

/* Finds the superblock of a pool that is there, or makes a pool where that is asked for and nothing is lost by it. */
static enum pm_status find_or_make(struct pm *pm, const struct pool_create *create, struct pmd_superblock *superblock)
{
    enum superblock_found found = superblock_read(pm, superblock);
    bool make = create != NULL && create->bytes != 0;
    enum pm_status status;

    if (make && create->reset && found != SUPERBLOCK_FOREIGN) {
        log_warn("pool", "path=%s: the pool is made anew, as on-damage reset asks for: all that was in it is gone",
                 pm_name(pm));
    } else if (found == SUPERBLOCK_FOUND) {
        return superblock_check(pm, superblock);
    } else if (found == SUPERBLOCK_BROKEN) {
        log_error("pool", "path=%s: neither superblock copy is whole; restore the file, or start with on-damage reset",
                  pm_name(pm));
        return PM_DAMAGED;
    } else if (found == SUPERBLOCK_FOREIGN && !(make && pm_is_blank(pm))) {
        log_error("pool", "path=%s is no pool and is left as it is; name another file, or remove this one",
                  pm_name(pm));
        return PM_NOT_POOL;
    } else if (!make) {
        log_error("pool", "path=%s: the pool was never finished; start with pool-size to make it", pm_name(pm));
        return PM_NOT_POOL;
    }
    status = pool_lay_out(pm, create);
    if (status != PM_OK)
        return status;
    must(superblock_read(pm, superblock) == SUPERBLOCK_FOUND);
    return superblock_check(pm, superblock);
}

static bool is_same_boot(const struct pool *pool)
{
    static const uint8_t unknown[sizeof pool->superblock.boot_id];
    struct pmd_superblock now;

    superblock_identify(pool->pm, &now);
    return memcmp(now.boot_id, unknown, sizeof unknown) != 0 &&
           memcmp(now.boot_id, pool->superblock.boot_id, sizeof unknown) == 0 &&
           now.device == pool->superblock.device && now.inode == pool->superblock.inode;
}

enum pm_status pool_superblock_update(struct pool *pool, struct pm_context *context,
                                      void (*change)(struct pmd_superblock *superblock, void *argument), void *argument)
{
    struct pmd_superblock next;
    enum pm_status status;

    pthread_mutex_lock(&pool->superblock_lock);
    next = pool->superblock;
    change(&next, argument);
    /* A lease that was handed out must hold even if the newest copy rots (C5). It changes rarely. */
    if (next.epoch_lease != pool->superblock.epoch_lease)
        status = superblock_write_both(context, &next);
    else
        status = superblock_write(context, &next);
    if (status == PM_OK)
        pool->superblock = next;
    pthread_mutex_unlock(&pool->superblock_lock);
    return status;
}

/* ---- segment table ---- */

static enum pm_status read_line(struct pool *pool, uint32_t index)
{
    const struct pmd_segment_line *line = pool_segment_line(pool, index);
    struct segment *segment = &pool->segments[index];
    bool fixed = segment_is_fixed(pool->segment_bits, index);

    if (!segment_word_is_sound(line->word, pool->segment_bytes) ||
        fixed != (segment_word_state(line->word) == PMD_SEGMENT_FIXED) ||
        (index == PM_SEGMENT_HEAD && segment_word_state(line->word) != PMD_SEGMENT_INDEX)) {
        log_error("pool", "segment=%u has table word=%#llx: damaged; restore the file, or start with on-damage reset",
                  index, (unsigned long long)line->word);
        return PM_DAMAGED;
    }
    atomic_init(&segment->state, (uint8_t)segment_word_state(line->word));
    atomic_init(&segment->length, segment_word_length(line->word));
    atomic_init(&segment->closed_end, segment_word_length(line->word));
    atomic_init(&pool->generations[index], segment_word_generation(line->word));
    segment->record_count = line->record_count;
    return PM_OK;
}

static enum pm_status read_table(struct pool *pool)
{
    for (uint32_t index = 0; index < pool->segment_count; index++) {
        enum pm_status status = read_line(pool, index);

        if (status != PM_OK)
            return status;
    }
    return PM_OK;
}

/* ---- life ---- */

static enum pm_status settle(struct pm *pm)
{
    struct pm_context context;

    pm_context_init(&context, pm);
    return superblock_settle(&context);
}

static enum pm_status load(struct pool *pool)
{
    enum pm_status status;

    pool->segment_bits = pool->superblock.segment_bits;
    pool->segment_bytes = UINT32_C(1) << pool->segment_bits;
    pool->segment_count = pool->superblock.segment_count;
    pool->hash_seed = pool->superblock.hash_seed;
    pool->previous_mode = (enum pmd_commit_mode)pool->superblock.commit_mode;
    pool->same_boot = is_same_boot(pool);
    pool->segments = aligned_alloc(sizeof *pool->segments, pool->segment_count * sizeof *pool->segments);
    pool->generations = calloc(pool->segment_count, sizeof *pool->generations);
    pool->live_cells = calloc(pool->segment_count, live_cells_bytes(pool->segment_bytes));
    if (pool->segments == NULL || pool->generations == NULL || pool->live_cells == NULL)
        return PM_NO_MEMORY;
    memset(pool->segments, 0, pool->segment_count * sizeof *pool->segments);
    status = read_table(pool);
    if (status == PM_OK)
        status = pool_space_new(pool);
    return status == PM_OK ? settle(pool->pm) : status;
}

enum pm_status pool_open(struct pool **out, struct pm *pm, const struct pool_create *create)
{
    struct pool *pool = calloc(1, sizeof *pool);
    enum pm_status status;

    if (pool == NULL)
        return PM_NO_MEMORY;
    pool->pm = pm;
    pthread_mutex_init(&pool->superblock_lock, NULL);
    status = find_or_make(pm, create, &pool->superblock);
    if (status == PM_OK)
        status = load(pool);
    if (status != PM_OK) {
        pool->pm = NULL;
        pool_close(pool);
        return status;
    }
    *out = pool;
    return PM_OK;
}

void pool_close(struct pool *pool)
{
    if (pool == NULL)
        return;
    pool_space_free(pool);
    free(pool->live_cells);
    free((void *)pool->generations);
    free(pool->segments);
    pthread_mutex_destroy(&pool->superblock_lock);
    pm_close(pool->pm);
    free(pool);
}
