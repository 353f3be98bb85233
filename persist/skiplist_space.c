/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocks for leaves.
 */
#include "persist/skiplist_space.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/log.h"

enum { STOCK_PART = 8 }; /* of a segment's blocks are kept free */

struct index_segment {
    uint32_t segment;
    uint32_t free_count;
    uint64_t free[]; /* bitmap */
};
struct buried {
    uint64_t epoch; /* grace ends when it has passed; 0: its batch is not complete yet */
    uint64_t number;
};
struct leaf_space {
    struct pool *pool;
    struct epochs *epochs;
    uint32_t blocks; /* a segment */
    struct index_segment **segments;
    uint32_t segment_count, segment_capacity;
    uint32_t *places; /* a pool segment's number in `segments`, + 1 */
    uint32_t current; /* where blocks are taken from */
    uint64_t free_count;
    struct buried *limbo;
    size_t limbo_head, limbo_count, limbo_capacity;
};

static struct index_segment *segment_of(const struct leaf_space *space, uint64_t number)
{
    uint64_t segment = number / space->blocks;
    uint32_t place = segment < space->pool->segment_count ? space->places[segment] : 0;

    return place != 0 ? space->segments[place - 1] : NULL;
}

bool leaf_space_is_used(const struct leaf_space *space, uint64_t number)
{
    const struct index_segment *segment = segment_of(space, number);
    uint64_t block = number % space->blocks;

    return segment != NULL && (segment->free[block / 64] >> block % 64 & 1) == 0;
}

static bool add_segment(struct leaf_space *space, uint32_t number)
{
    uint32_t words = (space->blocks + 63) / 64;
    struct index_segment *segment = malloc(sizeof *segment + words * sizeof *segment->free);

    if (segment == NULL)
        return false;
    if (space->segment_count == space->segment_capacity) {
        uint32_t capacity = space->segment_capacity != 0 ? 2 * space->segment_capacity : 16;
        struct index_segment **segments = realloc(space->segments, capacity * sizeof(struct index_segment *));

        if (segments == NULL) {
            free(segment);
            return false;
        }
        space->segments = segments;
        space->segment_capacity = capacity;
    }
    segment->segment = number;
    segment->free_count = space->blocks;
    for (uint32_t i = 0; i < words; i++)
        segment->free[i] = ~UINT64_C(0);
    space->segments[space->segment_count++] = segment;
    space->places[number] = space->segment_count;
    space->free_count += space->blocks;
    return true;
}

struct leaf_space *leaf_space_new(struct pool *pool, struct epochs *epochs)
{
    struct leaf_space *space = calloc(1, sizeof *space);

    if (space == NULL)
        return NULL;
    space->pool = pool;
    space->epochs = epochs;
    space->blocks = pool->segment_bytes / PM_LEAF_BYTES;
    space->places = calloc(pool->segment_count, sizeof *space->places);
    if (space->places == NULL)
        goto failed;
    for (uint32_t i = 0; i < pool->segment_count; i++)
        if (atomic_load(&pool->segments[i].state) == PMD_SEGMENT_INDEX && !add_segment(space, i))
            goto failed;
    return space;
failed:
    leaf_space_free(space);
    return NULL;
}

void leaf_space_free(struct leaf_space *space)
{
    if (space == NULL)
        return;
    for (uint32_t i = 0; i < space->segment_count; i++)
        free(space->segments[i]);
    free(space->segments);
    free(space->places);
    free(space->limbo);
    free(space);
}

bool leaf_space_use(struct leaf_space *space, uint64_t number)
{
    struct index_segment *segment = segment_of(space, number);
    uint64_t block = number % space->blocks;

    if (segment == NULL || leaf_space_is_used(space, number))
        return false;
    segment->free[block / 64] &= ~(UINT64_C(1) << block % 64);
    segment->free_count--;
    space->free_count--;
    return true;
}

enum pm_status leaf_space_reserve(struct leaf_space *space, struct pm_context *context, uint64_t count)
{
    if (space->free_count < count)
        leaf_space_poll(space);
    while (space->free_count < count) {
        uint32_t segment;
        enum pm_status status = pool_take_free(space->pool, context, SPACE_INDEX, PMD_SEGMENT_INDEX, &segment);

        if (status != PM_OK)
            return status;
        if (!add_segment(space, segment)) {
            status = pool_free_segment(space->pool, context, segment);
            return status != PM_OK ? status : PM_NO_MEMORY;
        }
    }
    return PM_OK;
}

bool leaf_space_stock(struct leaf_space *space, struct pm_context *context)
{
    if (space->free_count >= space->blocks / STOCK_PART)
        return false;
    return leaf_space_reserve(space, context, space->blocks / STOCK_PART) == PM_OK;
}

uint64_t leaf_space_take(struct leaf_space *space)
{
    must(space->free_count != 0);
    if (space->current >= space->segment_count)
        space->current = 0;
    while (space->segments[space->current]->free_count == 0)
        space->current = (space->current + 1) % space->segment_count;
    for (uint32_t word = 0;; word++) {
        struct index_segment *segment = space->segments[space->current];

        if (segment->free[word] != 0) {
            uint64_t block = 64 * word + (uint32_t)__builtin_ctzll(segment->free[word]);

            segment->free[word] &= segment->free[word] - 1;
            segment->free_count--;
            space->free_count--;
            return (uint64_t)segment->segment * space->blocks + block;
        }
    }
}

void leaf_space_give(struct leaf_space *space, uint64_t number)
{
    struct index_segment *segment = segment_of(space, number);
    uint64_t block = number % space->blocks;

    must(segment != NULL);
    must((segment->free[block / 64] >> block % 64 & 1) == 0);
    segment->free[block / 64] |= UINT64_C(1) << block % 64;
    segment->free_count++;
    space->free_count++;
}

/* ---- limbo ---- */

void leaf_space_bury(struct leaf_space *space, uint64_t number)
{
    if (space->limbo_head + space->limbo_count == space->limbo_capacity &&
        space->limbo_head > space->limbo_capacity / 2) {
        memmove(space->limbo, space->limbo + space->limbo_head, space->limbo_count * sizeof *space->limbo);
        space->limbo_head = 0;
    }
    if (space->limbo_head + space->limbo_count == space->limbo_capacity) {
        size_t capacity = space->limbo_capacity != 0 ? 2 * space->limbo_capacity : 1024;
        struct buried *limbo = realloc(space->limbo, capacity * sizeof *limbo);

        if (limbo == NULL) {
            log_warn("skiplist", "out of memory: a free leaf is lost until the next start leaf=%llu",
                     (unsigned long long)number);
            return;
        }
        space->limbo = limbo;
        space->limbo_capacity = capacity;
    }
    space->limbo[space->limbo_head + space->limbo_count++] = (struct buried){.number = number};
}

/* At the end of the epochs' lease nothing moves, and the next call tries again. */
void leaf_space_committed(struct leaf_space *space)
{
    size_t first = space->limbo_head + space->limbo_count;
    uint64_t epoch;

    while (first > space->limbo_head && space->limbo[first - 1].epoch == 0)
        first--;
    if (first == space->limbo_head + space->limbo_count)
        return;
    epoch = epoch_advance(space->epochs);
    for (; first < space->limbo_head + space->limbo_count; first++)
        space->limbo[first].epoch = epoch;
}

bool leaf_space_poll(struct leaf_space *space)
{
    bool freed = false;

    while (space->limbo_count != 0) {
        const struct buried *oldest = &space->limbo[space->limbo_head];

        if (oldest->epoch == 0 || !epoch_passed(space->epochs, oldest->epoch))
            break;
        leaf_space_give(space, oldest->number);
        space->limbo_head++;
        space->limbo_count--;
        freed = true;
    }
    if (space->limbo_count == 0)
        space->limbo_head = 0;
    return freed;
}

uint64_t leaf_space_limbo(const struct leaf_space *space)
{
    return space->limbo_count;
}

/* ---- giving back ---- */

static void mark_applied(struct pmd_superblock *superblock, void *argument)
{
    uint64_t batch = *(const uint64_t *)argument;

    if (superblock->journal_applied < batch)
        superblock->journal_applied = batch;
}

bool leaf_space_shrink(struct leaf_space *space, struct pm_context *context, uint64_t batch)
{
    uint32_t at = 0;
    struct index_segment *segment;

    if (space->free_count < 2 * (uint64_t)space->blocks)
        return false;
    while (at < space->segment_count && space->segments[at]->free_count != space->blocks)
        at++;
    if (at == space->segment_count)
        return false;
    segment = space->segments[at];
    if (pool_superblock_update(space->pool, context, mark_applied, &batch) != PM_OK)
        return false;
    space->segments[at] = space->segments[--space->segment_count];
    space->places[space->segments[at]->segment] = at + 1;
    space->places[segment->segment] = 0;
    space->free_count -= space->blocks;
    if (pool_free_segment(space->pool, context, segment->segment) != PM_OK)
        log_warn("skiplist", "an index segment could not be given back segment=%u", segment->segment);
    free(segment);
    return true;
}

uint64_t leaf_space_segments(const struct leaf_space *space)
{
    return space->segment_count;
}
uint64_t leaf_space_free_count(const struct leaf_space *space)
{
    return space->free_count;
}
