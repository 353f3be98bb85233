/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The steps of recovery: journal, tail, durable, seals, superblock.
 *
 * DURABILITY, step by step, of a crash inside:
 *   journal      it is applied again.
 *   scanning     nothing was changed.
 *   flushing     nothing was changed; more of what was visible is durable.
 *   e_sync       (EPOCH mode on the same boot alone, where records above e_sync were accepted) they are durable by
 *                now, and e_sync says so before the first seal: a power cut between two seals still finds the same
 *                records, not those of one writer without those of another.
 *   seals        some segments are sealed and count as they are, some are judged again, with the same result. A
 *                rejected segment is sealed at length 0 first and FREE only when all seals are durable: a free
 *                predecessor means "accepted long ago", a sealed one of length 0 "rejected".
 *   superblock   one copy or the other; the old one finds all segments sealed.
 */
#include "persist/recovery.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "persist/journal.h"
#include "persist/recovery_internal.h"

enum { THREADS_MAX = 64 };
#define DAY_MS (UINT64_C(24) * 3600 * 1000)

/* ---- clock ---- */

static enum pm_status read_clock(const struct pool *pool, const struct recovery_options *options, uint64_t *now_ms)
{
    uint64_t wall = clock_wall_ms();
    uint64_t high = pool->superblock.clock_high_ms;

    *now_ms = wall > high || options->accept_clock ? wall : high;
    if (wall + DAY_MS >= high || options->accept_clock)
        return PM_OK;
    log_error("recovery",
              "the wall clock is %llu h behind the pool's: entries would live too long; set the clock, or start with "
              "the clock accepted as it is",
              (unsigned long long)((high - wall) / 3600000));
    return PM_CLOCK;
}

/* ---- the tail, by one or more threads ---- */

static enum pm_status collect(struct tail *tail)
{
    const struct pool *pool = tail->pool;

    tail->segments = calloc(pool->segment_count, sizeof(*tail->segments));
    tail->order = calloc(pool->segment_count, sizeof(*tail->order));
    if (!tail->segments || !tail->order)
        return PM_NO_MEMORY;
    for (uint32_t i = 0; i < pool->segment_count; i++) {
        uint8_t state = atomic_load_explicit(&pool->segments[i].state, memory_order_relaxed);

        if (state != PMD_SEGMENT_LOG && state != PMD_SEGMENT_SEALED)
            continue;
        tail->segments[tail->count++] = (struct tail_segment){
            .segment = i,
            .sealed = state == PMD_SEGMENT_SEALED,
            .length = atomic_load_explicit(&pool->segments[i].length, memory_order_relaxed),
            .next = TAIL_NONE,
        };
    }
    return PM_OK;
}

/* Runs `work` in the asked number of threads, this one included. */
static void in_threads(struct tail *tail, void *(*work)(void *tail))
{
    pthread_t threads[THREADS_MAX];
    uint32_t wanted = tail->options->threads < THREADS_MAX ? tail->options->threads : THREADS_MAX;
    uint32_t count = 0;

    atomic_store(&tail->next, 0);
    while (count + 1 < wanted && count + 1 < tail->count && pthread_create(&threads[count], NULL, work, tail) == 0)
        count++;
    work(tail);
    while (count > 0)
        pthread_join(threads[--count], NULL);
}

static void *scan_some(void *argument)
{
    struct tail *tail = argument;
    uint32_t i;

    while ((i = atomic_fetch_add_explicit(&tail->next, 1, memory_order_relaxed)) < tail->count)
        tail_scan(tail, &tail->segments[i]);
    return NULL;
}

static bool has_tail(const struct tail_segment *segment)
{
    return segment->from != 0 && segment->from < segment->accepted_end;
}

/* Gives the accepted records above W of a segment. */
static void give_segment(struct tail *tail, const struct tail_segment *segment)
{
    uint64_t records = 0, bytes = 0;
    uint32_t pos = segment->from;
    struct log_item item;

    while (tail_walk(tail, segment, &pos, segment->accepted_end, &item)) {
        records++;
        bytes += item.view.bytes;
        tail->each(&item, tail->context);
    }
    atomic_fetch_add_explicit(&tail->records, records, memory_order_relaxed);
    atomic_fetch_add_explicit(&tail->bytes, bytes, memory_order_relaxed);
}

/*
 * Makes durable what was visible. Records up to W were durable before W was, and the LINK before them. Valid records that
 * are not accepted (of a transaction without an end) go along: a power cut must not tear holes that look like damage
 * once e_sync covers their epoch.
 */
static void flush_segment(const struct tail *tail, struct pm_context *context, const struct tail_segment *segment)
{
    uint32_t from = segment->from == LOG_LINK_BYTES ? 0 : segment->from;

    if (!segment->sealed && segment->from != 0)
        pm_flush(context, PM_SITE_ACCEPTED_FLUSH,
                 pool_at(tail->pool, pool_segment_off(tail->pool, segment->segment) + from), segment->valid_end - from);
}

static void *flush_some(void *argument)
{
    struct tail *tail = argument;
    struct pm_context context;
    uint32_t i;

    pm_context_init(&context, tail->pool->pm);
    while ((i = atomic_fetch_add_explicit(&tail->next, 1, memory_order_relaxed)) < tail->count)
        flush_segment(tail, &context, &tail->segments[i]);
    if (context.counters.flushes > 0 && pm_drain(&context, PM_SITE_ACCEPTED_DRAIN) != PM_OK)
        atomic_store(&tail->io_failed, 1);
    return NULL;
}

static void *give_some(void *argument)
{
    struct tail *tail = argument;
    uint32_t i;

    while ((i = atomic_fetch_add_explicit(&tail->next, 1, memory_order_relaxed)) < tail->order_count) {
        if (has_tail(&tail->segments[tail->order[i]]))
            give_segment(tail, &tail->segments[tail->order[i]]);
    }
    return NULL;
}

/* ---- seals ---- */

struct e_sync_change {
    uint64_t epoch;
};

static void raise_e_sync(struct pmd_superblock *superblock, void *argument)
{
    const struct e_sync_change *change = argument;

    superblock->e_sync = change->epoch;
}

/* See DURABILITY above: only where records above e_sync were accepted in EPOCH mode. */
static enum pm_status cover_accepted(struct tail *tail, struct pm_context *context)
{
    struct e_sync_change change = {tail->e_sync};

    for (uint32_t i = 0; i < tail->order_count; i++) {
        uint64_t top = tail->segments[tail->order[i]].top_epoch;

        change.epoch = top > change.epoch ? top : change.epoch;
    }
    if (tail->pool->previous_mode == PMD_COMMIT_TURN || change.epoch == tail->e_sync)
        return PM_OK;
    return pool_superblock_update(tail->pool, context, raise_e_sync, &change);
}

static void seal_segment(struct tail *tail, struct pm_context *context, const struct tail_segment *segment)
{
    struct segment *twin = &tail->pool->segments[segment->segment];
    bool indexed = segment->accepted_end > 0 && !has_tail(segment);

    twin->record_count = segment->records;
    twin->top_epoch = segment->top_epoch;
    if (!segment->sealed)
        pool_set_segment(tail->pool, context, segment->segment, indexed ? PMD_SEGMENT_INDEXED : PMD_SEGMENT_SEALED,
                         segment->accepted_end, PM_SITE_SEGMENT_SEAL_FLUSH);
    else if (indexed)
        pool_set_segment(tail->pool, context, segment->segment, PMD_SEGMENT_INDEXED, segment->length,
                         PM_SITE_SEGMENT_INDEXED_FLUSH);
}

static enum pm_status seal_all(struct tail *tail, struct pm_context *context)
{
    for (uint32_t i = 0; i < tail->count; i++)
        seal_segment(tail, context, &tail->segments[i]);
    if (pm_drain(context, PM_SITE_SEGMENT_SEAL_DRAIN) != PM_OK)
        return PM_IO;
    /* Durable with the superblock; if not, a SEALED segment of length 0 becomes FREE at the next start. */
    for (uint32_t i = 0; i < tail->count; i++) {
        if (tail->segments[i].accepted_end == 0)
            pool_set_segment(tail->pool, context, tail->segments[i].segment, PMD_SEGMENT_FREE, 0,
                             PM_SITE_SEGMENT_SEAL_FLUSH);
    }
    return PM_OK;
}

/* Nothing of a former run is open: everybody may take all of it as closed. */
static void close_all(struct pool *pool)
{
    for (uint64_t i = 0; i < pool->segment_count; i++) {
        atomic_store_explicit(&pool->segments[i].closed_end, UINT32_MAX, memory_order_relaxed);
        atomic_store_explicit(&pool->segments[i].sequence, 0, memory_order_relaxed);
    }
}

/* ---- the superblock of the run that begins ---- */

struct new_run {
    const struct pool *pool;
    const struct recovery_options *options;
    const struct recovery *recovery;
};

static void begin_run(struct pmd_superblock *superblock, void *argument)
{
    const struct new_run *run = argument;

    pool_identify(run->pool, superblock);
    superblock->commit_mode = run->options->mode;
    superblock->clean = 0;
    superblock->clock_high_ms = run->recovery->now_ms;
    /* All epochs below are settled: accepted and durable, or rejected and beyond a seal. */
    superblock->e_sync = run->recovery->first_epoch - 1;
    superblock->epoch_lease = run->recovery->first_epoch + RECOVERY_LEASE_EPOCHS;
    superblock->w = run->recovery->w;
    if (superblock->journal_applied < run->recovery->journal_batch)
        superblock->journal_applied = run->recovery->journal_batch;
}

static enum pm_status commit(struct tail *tail, struct recovery *out)
{
    struct new_run run = {tail->pool, tail->options, out};
    struct pm_context context;
    enum pm_status status;

    pm_context_init(&context, tail->pool->pm);
    status = cover_accepted(tail, &context);
    if (status == PM_OK)
        status = seal_all(tail, &context);
    if (status == PM_OK)
        status = pool_superblock_update(tail->pool, &context, begin_run, &run);
    if (status == PM_OK)
        close_all(tail->pool);
    return status;
}

/* ---- the steps ---- */

static enum pm_status apply_journal(struct pool *pool, const struct recovery_options *options, struct recovery *out)
{
    const struct pmd_superblock *superblock = &pool->superblock;
    struct journal_state state = {0};
    struct pm_context context;
    enum pm_status status;

    pm_context_init(&context, pool->pm);
    status = journal_recover(pool, &context, superblock->journal_applied, options->read_only, &state);
    if (status != PM_OK)
        return status;
    out->w = state.w > superblock->w ? state.w : superblock->w;
    out->journal_batch = state.batch;
    memcpy(out->keys, state.keys, sizeof(out->keys));
    memcpy(out->expires, state.expires, sizeof(out->expires));
    out->first_epoch = superblock->epoch_lease > out->w ? superblock->epoch_lease : out->w + 1;
    if (out->first_epoch == 0)
        out->first_epoch = 1;
    return PM_OK;
}

static enum pm_status list_segments(const struct tail *tail, struct recovery *out)
{
    out->segments = calloc(tail->order_count + 1, sizeof(*out->segments));
    if (!out->segments)
        return PM_NO_MEMORY;
    for (uint32_t i = 0; i < tail->order_count; i++) {
        const struct tail_segment *segment = &tail->segments[tail->order[i]];

        if (has_tail(segment))
            out->segments[out->segment_count++] =
                (struct recovered_segment){segment->segment, segment->from, segment->accepted_end};
    }
    return PM_OK;
}

static enum pm_status read_tail(struct tail *tail, struct recovery *out)
{
    enum pm_status status = collect(tail);

    if (status != PM_OK)
        return status;
    in_threads(tail, scan_some);
    status = tail_resolve(tail);
    if (status == PM_OK)
        status = list_segments(tail, out);
    if (status != PM_OK)
        return status;
    if (!tail->options->read_only)
        in_threads(tail, flush_some);
    if (atomic_load(&tail->io_failed))
        return PM_IO;
    in_threads(tail, give_some);
    out->records = atomic_load(&tail->records);
    out->bytes = atomic_load(&tail->bytes);
    return PM_OK;
}

enum pm_status recovery_run(struct pool *pool, const struct recovery_options *options,
                            void (*each)(const struct log_item *item, void *context), void *context,
                            struct recovery *out)
{
    struct tail tail = {.pool = pool, .options = options, .each = each, .context = context};
    enum pm_status status;

    memset(out, 0, sizeof(*out));
    status = read_clock(pool, options, &out->now_ms);
    if (status == PM_OK)
        status = apply_journal(pool, options, out);
    if (status != PM_OK)
        return status;
    tail.w = out->w;
    tail.e_sync = pool->superblock.e_sync;
    tail.epoch_limit = pool->same_boot || pool->previous_mode == PMD_COMMIT_TURN ? UINT64_MAX : tail.e_sync;
    status = read_tail(&tail, out);
    if (status == PM_OK && !options->read_only)
        status = commit(&tail, out);
    free(tail.segments);
    free(tail.order);
    if (status != PM_OK)
        recovery_free(out);
    return status;
}

void recovery_free(struct recovery *recovery)
{
    free(recovery->segments);
    recovery->segments = NULL;
    recovery->segment_count = 0;
}
