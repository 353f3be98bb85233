/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cleaner's state machine: IDLE (choose) -> SCAN -> MOVE -> SCAN ... -> the emptied segment is condemned until its
 * grace period has passed.
 */
#include <stdlib.h>

#include "base/log.h"
#include "heap/cleaner_internal.h"

enum { PREFETCH_AHEAD = 8 };

bool cleaner_open(struct cleaner **out, struct heap *heap)
{
    struct cleaner *cleaner = calloc(1, sizeof(*cleaner));

    if (!cleaner)
        return false;
    cleaner->heap = heap;
    cleaner->context = index_writer_context(heap->index_writer);
    cleaner->pin = epoch_pin_new(heap->epochs);
    expire_init(&cleaner->expire, heap->pool, heap->index);
    *out = cleaner;
    return cleaner->pin != NULL;
}

void cleaner_close(struct cleaner *cleaner)
{
    free(cleaner);
}

bool cleaner_is_stuck(const struct cleaner *cleaner)
{
    return cleaner->stuck && !cleaner->active && cleaner->condemned_count == 0;
}

const struct cleaner_stats *cleaner_stats(const struct cleaner *cleaner)
{
    return &cleaner->stats;
}

/* ---- the condemned ---- */

void cleaner_condemn(struct cleaner *cleaner, uint32_t segment, uint64_t epoch)
{
    cleaner->condemned[cleaner->condemned_count++] = (struct condemned){segment, epoch};
}

/* A grace period after the last slot went, nobody can be reading the segment any more (R2, R3). */
static bool free_condemned(struct cleaner *cleaner)
{
    struct heap *heap = cleaner->heap;
    bool freed = false;

    for (uint32_t i = 0; i < cleaner->condemned_count;) {
        struct condemned *condemned = &cleaner->condemned[i];

        if (condemned->epoch == 0) /* the lease had run out */
            condemned->epoch = epoch_advance(heap->epochs);
        if (condemned->epoch == 0 || !epoch_passed(heap->epochs, condemned->epoch)) {
            i++;
            continue;
        }
        if (pool_free_segment(heap->pool, cleaner->context, condemned->segment))
            return freed;
        atomic_fetch_add_explicit(&cleaner->stats.segments, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&cleaner->stats.freed_bytes, heap->pool->segment_bytes, memory_order_relaxed);
        *condemned = cleaner->condemned[--cleaner->condemned_count];
        freed = true;
    }
    return freed;
}

/* ---- emptying a segment ---- */

static bool begin(struct cleaner *cleaner)
{
    if (!cleaner_choose(cleaner, &cleaner->victim, &cleaner->evicting))
        return false;
    cleaner->active = true;
    cleaner->walked = false;
    cleaner->kept_bytes = 0;
    segment_walk_start(&cleaner->walk, cleaner->heap->pool, cleaner->victim);
    return true;
}

static bool clean_chunk(struct cleaner *cleaner, uint64_t now_ms)
{
    uint32_t count = cleaner_read_chunk(cleaner);
    enum pm_status status = PM_OK;

    cleaner->op_count = cleaner->move_count = 0;
    for (uint32_t i = 0; i < count; i++)
        cleaner_look_far_ahead(cleaner, &cleaner->looks[i]);
    for (uint32_t i = 0; i < PREFETCH_AHEAD && i < count; i++)
        cleaner_look_ahead(cleaner, &cleaner->looks[i]);
    for (uint32_t i = 0; i < count && status == PM_OK; i++) {
        if (i + PREFETCH_AHEAD < count)
            cleaner_look_ahead(cleaner, &cleaner->looks[i + PREFETCH_AHEAD]);
        status = cleaner_plan(cleaner, &cleaner->looks[i], cleaner_judge(cleaner, &cleaner->looks[i], now_ms));
    }
    if (cleaner->op_count + cleaner->move_count && !cleaner_carry_out(cleaner))
        return false;
    return status ? cleaner_give_up(cleaner, status) : true;
}

/* A header is damaged, so that the records behind it cannot be found here: some may live, and stay where they are. */
static bool keep_victim(struct cleaner *cleaner)
{
    log_error("cleaner",
              "segment %u has a damaged record header: the segment is kept, what lives behind it is served on (R4)",
              cleaner->victim);
    atomic_fetch_add_explicit(&cleaner->stats.damaged, 1, memory_order_relaxed);
    cleaner->heap->pool->segments[cleaner->victim].damaged = true;
    cleaner->active = false;
    return true;
}

static bool scan(struct cleaner *cleaner, uint64_t now_ms)
{
    struct epochs *epochs = cleaner->heap->epochs;
    bool ok;

    epoch_enter(epochs, cleaner->pin);
    ok = clean_chunk(cleaner, now_ms);
    epoch_leave(cleaner->pin);
    if (!ok || !cleaner->walked)
        return ok;
    if (cleaner->walk.damaged)
        return keep_victim(cleaner);
    cleaner_condemn(cleaner, cleaner->victim, epoch_advance(epochs));
    cleaner->active = false;
    return true;
}

/* ---- dropping what is not in a victim ---- */

/* Drops what has expired, as the paced sweep finds it: the same way as what the cleaner drops. */
static bool drop_expired(struct cleaner *cleaner, uint64_t now_us, uint64_t now_ms)
{
    struct heap *heap = cleaner->heap;
    struct expire_tick tick = {.now_us = now_us, .now_ms = now_ms, .w = index_writer_w(heap->index_writer)};
    bool done = false;

    if (!atomic_load_explicit(&heap->filled, memory_order_acquire) || !expire_is_due(&cleaner->expire, now_us))
        return false;
    for (int db = 0; db < PM_DATABASES; db++) {
        uint64_t keys, expires;

        heap_count(heap, (uint8_t)db, &keys, &expires);
        tick.expires += expires;
    }
    epoch_enter(heap->epochs, cleaner->pin);
    cleaner->op_count = expire_collect(&cleaner->expire, &tick, cleaner->ops, CHUNK);
    if (cleaner->op_count) {
        done = cleaner_carry_out(cleaner);
        if (done)
            atomic_fetch_add_explicit(&cleaner->stats.expired, cleaner->op_count, memory_order_relaxed);
    }
    epoch_leave(cleaner->pin);
    return done;
}

/* The index removes it if it still names it; then the slot goes. False: the slot has another record by now, or the
 * record's key is what is damaged, so that nobody can find it by its key. */
static bool drop_op(struct cleaner *cleaner, const struct damaged *damaged, struct index_op *op)
{
    struct heap *heap = cleaner->heap;
    struct hash_ref ref;
    bool named;

    hash_index_lock(heap->index, damaged->hash);
    named = hash_index_find_loc(heap->index, damaged->hash, damaged->loc, &ref);
    hash_index_unlock(heap->index, damaged->hash);
    *op = (struct index_op){.kind = INDEX_REMOVE_IF, .old_loc = damaged->loc};
    return named && damage_key(heap, damaged->loc, &op->key) && op->key.hash == damaged->hash;
}

/* Drops what a first touch found damaged, the same way. */
static bool drop_damaged(struct cleaner *cleaner)
{
    struct damaged damaged[DAMAGE_NOTED_MAX];
    uint32_t count = damage_take(&cleaner->heap->damage, damaged);
    bool done = false;

    if (HEARTH_LIKELY(count == 0))
        return false;
    epoch_enter(cleaner->heap->epochs, cleaner->pin);
    cleaner->op_count = 0;
    for (uint32_t i = 0; i < count; i++)
        cleaner->op_count += drop_op(cleaner, &damaged[i], &cleaner->ops[cleaner->op_count]);
    if (cleaner->op_count)
        done = cleaner_carry_out(cleaner);
    epoch_leave(cleaner->pin);
    return done;
}

uint64_t cleaner_pause_us(const struct cleaner *cleaner)
{
    return expire_pause_us(&cleaner->expire);
}

bool cleaner_step(struct cleaner *cleaner, uint64_t now_us, uint64_t now_ms)
{
    bool done = free_condemned(cleaner);

    if (cleaner->active || begin(cleaner))
        return scan(cleaner, now_ms) || done;
    return drop_damaged(cleaner) || drop_expired(cleaner, now_us, now_ms) || done;
}
