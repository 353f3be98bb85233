/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Space of the pool: which segments are free and ready, and who may take the last ones.
 *
 * IDEA        Free segments lie on two stacks: `stock` has its file space already, `fresh` may not. The stock is kept
 *             as large as all reserves together, so that a disk that fills up never takes them away; while the disk
 *             is full fresh segments do not count, and the pool acts like a smaller one. What is on no stack and not
 *             ready is in use.
 * THREADS     Stacks of free segments: index writer's thread. Ready ones: any, under the lock. Counts: atomic.
 * DURABILITY  A line is stored whole in one word and durable before its segment is listed anywhere. A crash leaves a
 *             segment that was being made ready FREE or LOG without a record (recovery frees it), one that was being
 *             freed in its old state (it is found dead again).
 */
#include "persist/pool_internal.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "persist/live.h"

enum { RETRY_MS = 1000, STATES = PMD_SEGMENT_FIXED + 1, CLASSES = SPACE_INDEX + 1 };

struct stack {
    uint32_t *items;
    _Atomic uint32_t count;
};

struct pool_space {
    struct stack fresh, stock;
    pthread_mutex_t lock; /* of ready and sequence */
    struct stack ready;
    uint64_t sequence;         /* of the segment opened last */
    uint32_t reserve[CLASSES]; /* segments that a class must leave */
    _Atomic uint64_t in_state[STATES];
    _Atomic bool disk_full;
    uint64_t retry_at_us, retry_us;
};

/* ---- stacks ---- */

static uint32_t count_of(const struct stack *stack)
{
    return atomic_load_explicit(&stack->count, memory_order_relaxed);
}

static void push(struct stack *stack, uint32_t segment)
{
    uint32_t count = count_of(stack);

    stack->items[count] = segment;
    atomic_store_explicit(&stack->count, count + 1, memory_order_relaxed);
}

static uint32_t pop(struct stack *stack)
{
    uint32_t count = count_of(stack);

    must(count > 0);
    atomic_store_explicit(&stack->count, count - 1, memory_order_relaxed);
    return stack->items[count - 1];
}

static bool stack_new(struct stack *stack, uint64_t room)
{
    must(room > 0);
    stack->items = malloc(room * sizeof *stack->items);
    atomic_init(&stack->count, 0);
    return stack->items != NULL;
}

/* ---- reserves ---- */

static void set_reserves(struct pool_space *space, uint64_t segment_count)
{
    uint32_t index = 2 + (uint32_t)(segment_count / 100);
    uint32_t cleaner = 2;
    uint32_t tombstone = segment_count < 64 ? 1 : 2;

    space->reserve[SPACE_INDEX] = 0;
    space->reserve[SPACE_CLEANER] = index;
    space->reserve[SPACE_TOMBSTONE] = index + cleaner;
    space->reserve[SPACE_USER] = index + cleaner + tombstone;
}

/* Free and ready segments that can be counted on. */
static uint64_t usable(const struct pool_space *space)
{
    uint64_t count = (uint64_t)count_of(&space->stock) + count_of(&space->ready);

    if (!atomic_load_explicit(&space->disk_full, memory_order_relaxed))
        count += count_of(&space->fresh);
    return count;
}

static bool may_take(const struct pool_space *space, enum space_class class)
{
    return usable(space) > space->reserve[class];
}

uint64_t pool_space_available(const struct pool *pool)
{
    uint64_t count = usable(pool->space), reserve = pool->space->reserve[SPACE_USER];

    return count > reserve ? count - reserve : 0;
}

bool pool_space_can(const struct pool *pool, enum space_class class)
{
    return may_take(pool->space, class);
}

uint64_t pool_space_fresh(const struct pool *pool)
{
    return count_of(&pool->space->fresh);
}

/* ---- lines ---- */

static void change_state(struct pool *pool, uint32_t segment, enum pmd_segment_state state)
{
    uint8_t old = atomic_exchange(&pool->segments[segment].state, (uint8_t)state);

    atomic_fetch_sub(&pool->space->in_state[old], 1);
    atomic_fetch_add(&pool->space->in_state[state], 1);
}

/* Stores a line and flushes it. The hints go first: where the word is new, they are too. */
static void store_line(struct pool *pool, struct pm_context *context, uint32_t segment, uint64_t word,
                       uint32_t record_count, enum pm_site site)
{
    struct pmd_segment_line *line = pool_segment_line(pool, segment);
    uint32_t hints[2] = {record_count, 1};

    if (line->record_count != hints[0] || line->allocated != hints[1])
        pm_store(context, &line->record_count, hints, sizeof hints);
    pm_store_word(context, &line->word, word);
    pm_flush(context, site, line, sizeof *line);
}

void pool_set_segment(struct pool *pool, struct pm_context *context, uint32_t segment, enum pmd_segment_state state,
                      uint32_t length, enum pm_site flush_site)
{
    struct segment *twin = &pool->segments[segment];

    must(length <= pool->segment_bytes);
    must(length % PM_UNIT == 0);
    store_line(pool, context, segment, segment_word(state, length, atomic_load(&pool->generations[segment])),
               twin->record_count, flush_site);
    atomic_store(&twin->length, length);
    change_state(pool, segment, state);
}

/* Begins a new use of a free segment: next generation, durable; then its twin is made new. */
static enum pm_status begin_use(struct pool *pool, struct pm_context *context, uint32_t segment,
                                enum pmd_segment_state state)
{
    struct segment *twin = &pool->segments[segment];
    uint32_t generation = atomic_load(&pool->generations[segment]) + 1;

    if (generation == 0)
        generation = 1;
    store_line(pool, context, segment, segment_word(state, 0, generation), 0, PM_SITE_SEGMENT_FLUSH);
    if (pm_drain(context, PM_SITE_SEGMENT_DRAIN) != PM_OK)
        return PM_IO;
    atomic_store(&twin->closed_end, 0);
    atomic_store(&twin->length, 0);
    live_clear(pool, segment);
    atomic_store(&twin->sequence, 0);
    atomic_store(&pool->generations[segment], generation);
    twin->writer = 0;
    twin->record_count = 0;
    twin->top_epoch = 0;
    twin->tombstones = 0;
    change_state(pool, segment, state);
    return PM_OK;
}

/* ---- file space ---- */

static enum pm_status allocate(struct pool *pool, uint32_t segment)
{
    return pm_allocate(pool->pm, pool_segment_off(pool, segment), pool->segment_bytes);
}

/* The disk refused: said once, tried again after a pause. */
static void note_full(struct pool *pool)
{
    struct pool_space *space = pool->space;

    space->retry_at_us = clock_mono_us() + space->retry_us;
    if (!atomic_exchange(&space->disk_full, true))
        log_warn("pool", "the file system is full: the pool goes on with segments=%llu it has; free space on the disk",
                 (unsigned long long)(pool->segment_count - count_of(&space->fresh)));
}

static void note_not_full(struct pool_space *space)
{
    if (atomic_exchange(&space->disk_full, false))
        log_notice("pool", "the file system has space again: the pool grows on");
}

/* Gives a fresh segment its file space and puts it in stock. */
static bool stock_one(struct pool *pool)
{
    struct pool_space *space = pool->space;
    uint32_t segment;

    if (count_of(&space->fresh) == 0)
        return false;
    if (atomic_load(&space->disk_full) && clock_mono_us() < space->retry_at_us)
        return false;
    segment = pop(&space->fresh);
    if (allocate(pool, segment) != PM_OK) {
        push(&space->fresh, segment);
        note_full(pool);
        return false;
    }
    note_not_full(space);
    push(&space->stock, segment);
    return true;
}

/* A free segment with file space. Asks again for what is in stock: a power cut may have taken it back. */
static bool take_stock(struct pool *pool, uint32_t *segment)
{
    struct pool_space *space = pool->space;

    while (count_of(&space->stock) > 0 || stock_one(pool)) {
        *segment = pop(&space->stock);
        if (allocate(pool, *segment) == PM_OK)
            return true;
        push(&space->fresh, *segment);
        note_full(pool);
    }
    return false;
}

/* ---- ready segments ---- */

static bool make_ready(struct pool *pool, struct pm_context *context)
{
    struct pool_space *space = pool->space;
    uint32_t segment;

    if (!take_stock(pool, &segment))
        return false;
    pm_touch(pool->pm, pool_segment_off(pool, segment), pool->segment_bytes);
    if (begin_use(pool, context, segment, PMD_SEGMENT_LOG) != PM_OK) {
        push(&space->stock, segment);
        return false;
    }
    pthread_mutex_lock(&space->lock);
    push(&space->ready, segment);
    pthread_mutex_unlock(&space->lock);
    return true;
}

bool pool_space_step(struct pool *pool, struct pm_context *context, uint32_t ready_goal)
{
    struct pool_space *space = pool->space;
    uint32_t ready = count_of(&space->ready);

    if (pm_failed(pool->pm))
        return false;
    if (ready == 0 && ready_goal > 0 && make_ready(pool, context))
        return true; /* somebody may be waiting */
    if (count_of(&space->stock) < space->reserve[SPACE_USER] && stock_one(pool))
        return true;
    return ready < ready_goal && make_ready(pool, context);
}

/* Under the lock. */
static uint32_t open_ready(struct pool *pool)
{
    struct pool_space *space = pool->space;
    uint32_t segment = pop(&space->ready);

    atomic_store(&pool->segments[segment].sequence, ++space->sequence);
    return segment;
}

enum pm_status pool_take_ready(struct pool *pool, enum space_class class, uint32_t *segment)
{
    struct pool_space *space = pool->space;
    enum pm_status status = PM_FULL;

    pthread_mutex_lock(&space->lock);
    if (count_of(&space->ready) > 0 && may_take(space, class)) {
        *segment = open_ready(pool);
        status = PM_OK;
    }
    pthread_mutex_unlock(&space->lock);
    return status;
}

/* ---- segments of the index writer ---- */

/* The last resort: one that was made ready for somebody else. */
static bool take_back_ready(struct pool *pool, uint32_t *segment)
{
    struct pool_space *space = pool->space;
    bool found;

    pthread_mutex_lock(&space->lock);
    found = count_of(&space->ready) > 0;
    if (found)
        *segment = pop(&space->ready);
    pthread_mutex_unlock(&space->lock);
    return found;
}

enum pm_status pool_take_free(struct pool *pool, struct pm_context *context, enum space_class class,
                              enum pmd_segment_state state, uint32_t *segment)
{
    struct pool_space *space = pool->space;

    if (!may_take(space, class))
        return PM_FULL;
    if (!take_stock(pool, segment) && !take_back_ready(pool, segment))
        return PM_FULL;
    if (begin_use(pool, context, *segment, state) != PM_OK) {
        push(&space->stock, *segment);
        return PM_IO;
    }
    pthread_mutex_lock(&space->lock);
    atomic_store(&pool->segments[*segment].sequence, ++space->sequence);
    pthread_mutex_unlock(&space->lock);
    return PM_OK;
}

enum pm_status pool_free_segment(struct pool *pool, struct pm_context *context, uint32_t segment)
{
    struct segment *twin = &pool->segments[segment];

    must(segment >= PM_SEGMENT_FIRST_FREE);
    must(atomic_load(&twin->state) != PMD_SEGMENT_FREE);
    must(atomic_load(&twin->state) != PMD_SEGMENT_FIXED);
    twin->record_count = 0;
    atomic_store(&twin->closed_end, 0);
    pool_set_segment(pool, context, segment, PMD_SEGMENT_FREE, 0, PM_SITE_SEGMENT_FLUSH);
    if (pm_drain(context, PM_SITE_SEGMENT_DRAIN) != PM_OK)
        return PM_IO;
    push(&pool->space->stock, segment);
    return PM_OK;
}

/* ---- life ---- */

/* What is written in place must have its file space, whatever a power cut did to the file's metadata. */
static enum pm_status secure(struct pool *pool, uint32_t segment, enum pmd_segment_state state)
{
    if (pool->same_boot || (state != PMD_SEGMENT_INDEX && state != PMD_SEGMENT_FIXED))
        return PM_OK;
    return allocate(pool, segment);
}

enum pm_status pool_space_start(struct pool *pool)
{
    struct pool_space *space = pool->space;

    must(count_of(&space->fresh) == 0);
    must(count_of(&space->stock) == 0);
    /* From the end: the lowest segment is taken first. */
    for (uint64_t i = pool->segment_count; i-- > 0;) {
        uint32_t segment = (uint32_t)i;
        enum pmd_segment_state state = (enum pmd_segment_state)atomic_load(&pool->segments[segment].state);
        enum pm_status status = secure(pool, segment, state);

        if (status != PM_OK) {
            log_error("pool", "segment=%u in use has no file space: %s; free space on the disk", segment,
                      pm_status_text(status));
            return status;
        }
        if (state == PMD_SEGMENT_FREE)
            push(pool_segment_line(pool, segment)->allocated ? &space->stock : &space->fresh, segment);
    }
    return PM_OK;
}

enum pm_status pool_space_new(struct pool *pool)
{
    struct pool_space *space = calloc(1, sizeof *space);

    if (space == NULL)
        return PM_NO_MEMORY;
    pool->space = space;
    pthread_mutex_init(&space->lock, NULL);
    space->retry_us = RETRY_MS * 1000;
    set_reserves(space, pool->segment_count);
    for (uint64_t i = 0; i < pool->segment_count; i++)
        atomic_fetch_add(&space->in_state[atomic_load(&pool->segments[i].state)], 1);
    if (!stack_new(&space->fresh, pool->segment_count) || !stack_new(&space->stock, pool->segment_count) ||
        !stack_new(&space->ready, pool->segment_count))
        return PM_NO_MEMORY; /* pool_close() frees */
    return PM_OK;
}

void pool_space_free(struct pool *pool)
{
    struct pool_space *space = pool->space;

    if (space == NULL)
        return;
    free(space->fresh.items);
    free(space->stock.items);
    free(space->ready.items);
    pthread_mutex_destroy(&space->lock);
    free(space);
}

static uint64_t in_state(const struct pool_space *space, enum pmd_segment_state state)
{
    return atomic_load_explicit(&space->in_state[state], memory_order_relaxed);
}

void pool_space_counts(const struct pool *pool, struct pool_space_counts *out)
{
    const struct pool_space *space = pool->space;
    uint64_t log = in_state(space, PMD_SEGMENT_LOG);

    out->free = in_state(space, PMD_SEGMENT_FREE);
    out->ready = count_of(&space->ready);
    out->log = (log > out->ready ? log - out->ready : 0) + in_state(space, PMD_SEGMENT_SEALED) +
               in_state(space, PMD_SEGMENT_INDEXED);
    out->survivor = in_state(space, PMD_SEGMENT_SURVIVOR);
    out->index = in_state(space, PMD_SEGMENT_INDEX);
    out->fixed = in_state(space, PMD_SEGMENT_FIXED);
    out->disk_full = atomic_load_explicit(&space->disk_full, memory_order_relaxed);
}
