/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cleaner's state machine: IDLE (choose) -> SCAN -> MOVE -> SCAN ... -> the emptied segment is condemned until its
 * grace period has passed.
 *
 * WHO LIVES: "live" means named by the index or by a slot. The victim is wholly at or below W, so a record of it that a
 * slot names is named by the index too, unless a FLUSH covers it; one whose key's slot names another record at or below
 * W is dead; one whose key's slot names a record above W may still be named by the index, which is asked.
 * Whatever happens, no slot names a place in the victim when it is condemned.
 *
 * WHEN: space is low. And segments that are dead as a whole go as soon as fresh ones are being taken: pages that were
 * touched before are cheaper than new ones, and the pool stays as small as its data. Nothing of a dead one is read.
 */
#include "heap/cleaner.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/log.h"
#include "heap/expire.h"
#include "heap/heap_internal.h"
#include "persist/segment_walk.h"

enum {
    CHUNK = 512,        /* records looked at in a step */
    CONDEMNED_MAX = 64, /* segments waiting for their grace period */
    PREFETCH_AHEAD = 8,
    WORDS_MAX = 4, /* slots that are looked at without their records */
    /* Cleaning a segment that is fuller than this costs more than it gains: permille of live bytes. */
    WORTH_CACHE = 750, /* in cache mode: rather drop the coldest */
    WORTH_STORE = 970, /* with eviction none there is no other way */
    LOW_DIVISOR = 32,  /* keep a 32nd of the segments available, */
    LOW_MIN = 3,
    LOW_MAX = 64,
};

/* A record of the chunk. */
struct look {
    pm_loc loc;
    struct record_view view;
    struct index_key key;
    bool superseded; /* its key's slot names what the index names, and that is not this one */
};

struct condemned {
    uint32_t segment;
    uint64_t epoch;
};

struct cleaner {
    struct heap *heap;
    struct pm_context *context; /* the index writer's: one thread, one context */
    struct epoch_pin *pin;
    struct cleaner_stats stats;
    bool active, evicting;
    uint32_t victim;
    struct segment_walk walk; /* of the victim */
    bool walked;              /* to its end */
    uint64_t kept_bytes;      /* evicting: of this victim */
    uint32_t out_segment;     /* open survivor segment, 0: none */
    uint32_t out_pos, out_flushed;
    struct condemned condemned[CONDEMNED_MAX];
    uint32_t condemned_count;
    bool stuck;
    uint64_t fresh; /* segments, when dead ones were last looked for */
    struct expire expire;
    struct look looks[CHUNK];
    struct index_op ops[CHUNK];
    uint32_t op_count;
};

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

/* ---- choosing ---- */

static uint64_t low_watermark(const struct pool *pool)
{
    uint64_t low = pool->segment_count / LOW_DIVISOR;

    return low < LOW_MIN ? LOW_MIN : low > LOW_MAX ? LOW_MAX : low;
}

bool cleaner_is_behind(const struct cleaner *cleaner)
{
    const struct pool *pool = cleaner->heap->pool;

    return cleaner->active || pool_space_available(pool) < low_watermark(pool);
}

static bool is_candidate(const struct cleaner *cleaner, uint32_t segment)
{
    const struct pool *pool = cleaner->heap->pool;
    uint8_t state = atomic_load_explicit(&pool->segments[segment].state, memory_order_relaxed);

    if (state != PMD_SEGMENT_INDEXED && state != PMD_SEGMENT_SURVIVOR)
        return false;
    if (segment == cleaner->out_segment || pool->segments[segment].damaged)
        return false;
    for (uint32_t i = 0; i < cleaner->condemned_count; i++)
        if (cleaner->condemned[i].segment == segment)
            return false;
    return true;
}

/* The segment with the least live bytes, and the oldest one; 0: none. */
static void find_candidates(const struct cleaner *cleaner, uint32_t *emptiest, int64_t *live, uint32_t *oldest)
{
    const struct pool *pool = cleaner->heap->pool;
    uint64_t oldest_sequence = UINT64_MAX;

    *emptiest = *oldest = 0;
    *live = INT64_MAX;
    for (uint32_t i = PM_SEGMENT_FIRST_FREE; i < pool->segment_count; i++) {
        const struct segment *segment = &pool->segments[i];
        int64_t bytes = atomic_load_explicit(&segment->live_bytes, memory_order_relaxed);
        uint64_t sequence = atomic_load_explicit(&segment->sequence, memory_order_relaxed);

        if (!is_candidate(cleaner, i))
            continue;
        if (bytes < *live) {
            *live = bytes;
            *emptiest = i;
        }
        if (sequence < oldest_sequence) {
            oldest_sequence = sequence;
            *oldest = i;
        }
    }
}

static void condemn(struct cleaner *cleaner, uint32_t segment, uint64_t epoch)
{
    cleaner->condemned[cleaner->condemned_count++] = (struct condemned){segment, epoch};
}

/*
 * Neither the index nor a slot names anything in it. Its live records are exact, since it was filled in this run; all of
 * it is at or below W, so a slot that named a record of it would name what the index names, or a tombstone that is to
 * be forgotten, or what a FLUSH covers, and that still counts as live.
 */
static bool is_dead(const struct cleaner *cleaner, uint32_t segment)
{
    const struct segment *state = &cleaner->heap->pool->segments[segment];

    return atomic_load_explicit(&state->live_records, memory_order_relaxed) == 0 && state->tombstones == 0 &&
           atomic_load_explicit(&state->sequence, memory_order_relaxed) != 0 && is_candidate(cleaner, segment);
}

static bool condemn_dead(struct cleaner *cleaner)
{
    const struct pool *pool = cleaner->heap->pool;
    uint32_t before = cleaner->condemned_count;
    uint64_t epoch = 0;

    for (uint32_t i = PM_SEGMENT_FIRST_FREE; i < pool->segment_count; i++) {
        if (!is_dead(cleaner, i))
            continue;
        if (cleaner->condemned_count == CONDEMNED_MAX)
            break;
        if (epoch == 0)
            epoch = epoch_advance(cleaner->heap->epochs);
        condemn(cleaner, i, epoch);
    }
    return cleaner->condemned_count != before;
}

static void begin(struct cleaner *cleaner, uint32_t victim, bool evicting)
{
    cleaner->active = true;
    cleaner->walked = false;
    cleaner->evicting = evicting;
    cleaner->victim = victim;
    cleaner->kept_bytes = 0;
    segment_walk_start(&cleaner->walk, cleaner->heap->pool, victim);
}

static bool choose(struct cleaner *cleaner)
{
    struct heap *heap = cleaner->heap;
    bool may_evict = atomic_load_explicit(&heap->eviction, memory_order_relaxed) == HEAP_EVICTION_CACHE;
    uint32_t emptiest, oldest;
    uint64_t fresh;
    int64_t live;
    bool low;

    if (!atomic_load_explicit(&heap->filled, memory_order_acquire) || cleaner->condemned_count == CONDEMNED_MAX)
        return false;
    low = pool_space_available(heap->pool) < low_watermark(heap->pool);
    fresh = pool_space_fresh(heap->pool);
    if (low || fresh != cleaner->fresh) {
        cleaner->fresh = fresh;
        if (condemn_dead(cleaner))
            return false;
    }
    if (!low)
        return false;
    find_candidates(cleaner, &emptiest, &live, &oldest);
    cleaner->stuck = true;
    if (!emptiest)
        return false;
    if (live * 1000 <= (int64_t)heap->pool->segment_bytes * (may_evict ? WORTH_CACHE : WORTH_STORE))
        begin(cleaner, emptiest, false);
    else if (may_evict)
        begin(cleaner, oldest, true);
    else
        return false;
    cleaner->stuck = false;
    return true;
}

/* ---- looking ---- */

/* Reads up to CHUNK records of objects, and asks for their keys' buckets. Returns how many. */
static uint32_t read_chunk(struct cleaner *cleaner)
{
    uint32_t count = 0;
    pm_off off;

    while (count < CHUNK) {
        struct look *look = &cleaner->looks[count];

        if (!segment_walk_next(&cleaner->walk, &off, &look->view)) {
            cleaner->walked = true;
            break;
        }
        if (look->view.header->kind != PMD_RECORD_FULL && look->view.header->kind != PMD_RECORD_TOMBSTONE)
            continue;
        look->loc = off / PM_UNIT;
        heap_key(cleaner->heap, &look->key, look->view.header->db, look->view.key, look->view.header->key_len);
        hash_index_prefetch(cleaner->heap->index, look->key.hash);
        count++;
    }
    return count;
}

/* What becomes of a record. */
enum fate { FATE_NOTHING, FATE_MOVE, FATE_DROP, FATE_FORGET };

/* Whether all records of a segment are at or below W. */
static bool is_below_w(const struct pool *pool, pm_loc loc)
{
    uint8_t state =
        atomic_load_explicit(&pool->segments[pool_segment_of(pool, loc * PM_UNIT)].state, memory_order_relaxed);

    return state == PMD_SEGMENT_INDEXED || state == PMD_SEGMENT_SURVIVOR;
}

/* Most records of a victim are dead, and their keys' slots tell so: they name other records, in segments below W. Once
 * true it stays true; false says nothing. */
static bool is_superseded(const struct cleaner *cleaner, const struct look *look)
{
    uint64_t words[WORDS_MAX];
    uint32_t count = hash_index_words(cleaner->heap->index, look->key.hash, words, WORDS_MAX);

    if (count > WORDS_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (hash_slot_loc(words[i]) == look->loc || !is_below_w(cleaner->heap->pool, hash_slot_loc(words[i])))
            return false;
    return true;
}

/* What is known of a record before its turn comes, and if that is not enough, what its turn will read. */
static void look_ahead(const struct cleaner *cleaner, struct look *look)
{
    look->superseded = is_superseded(cleaner, look);
    if (!look->superseded)
        hash_index_prefetch_record(cleaner->heap->index, look->key.hash, false);
}

static bool index_names(struct cleaner *cleaner, const struct look *look)
{
    pm_loc loc = 0;

    return skiplist_writer_lookup(cleaner->heap->skiplist, &look->key, &loc) == PM_OK && loc == look->loc;
}

/* Cache mode: read again since it was written or last passed; but never more than half a segment's worth. */
static bool is_worth_keeping(struct cleaner *cleaner, const struct look *look, uint32_t frequency)
{
    if (frequency == 0)
        return false;
    if (frequency < HASH_FREQUENCY_MAX && cleaner->kept_bytes > cleaner->heap->pool->segment_bytes / 2)
        return false;
    cleaner->kept_bytes += look->view.bytes;
    return true;
}

static bool flush_is_indexed(const struct heap *heap, uint8_t db)
{
    uint64_t cts = atomic_load_explicit(&heap->flush_cts[db], memory_order_relaxed);

    return cts_epoch(cts) <= index_writer_w(heap->index_writer);
}

/* A copy gets a checksum of its own: what is damaged must not be copied. */
static bool is_whole(struct cleaner *cleaner, const struct look *look)
{
    if (record_verify(cleaner->heap->pool, look->loc * PM_UNIT, &look->view))
        return true;
    log_error("cleaner", "damaged record at offset %llu: its key is dropped, never served (R4)",
              (unsigned long long)(look->loc * PM_UNIT));
    atomic_fetch_add_explicit(&cleaner->stats.damaged, 1, memory_order_relaxed);
    return false;
}

static enum fate fate_of_live(struct cleaner *cleaner, const struct look *look, uint32_t frequency, uint64_t now_ms)
{
    struct heap *heap = cleaner->heap;

    if (!is_whole(cleaner, look))
        return FATE_DROP;
    if (!heap_visible(heap, look->view.header)) /* the FLUSH must be durable before what it covers goes */
        return flush_is_indexed(heap, look->view.header->db) ? FATE_DROP : FATE_MOVE;
    if (look->view.expire_at_ms && look->view.expire_at_ms <= now_ms) {
        atomic_fetch_add_explicit(&cleaner->stats.expired, 1, memory_order_relaxed);
        return FATE_DROP;
    }
    if (cleaner->evicting && !is_worth_keeping(cleaner, look, frequency)) {
        atomic_fetch_add_explicit(&cleaner->stats.evicted, 1, memory_order_relaxed);
        return FATE_DROP;
    }
    return FATE_MOVE;
}

static enum fate judge(struct cleaner *cleaner, const struct look *look, uint64_t now_ms)
{
    struct heap *heap = cleaner->heap;
    struct hash_ref ref;
    pm_loc named;
    bool found;

    if (look->superseded)
        return FATE_NOTHING;
    found = hash_index_find(heap->index, &look->key, &ref);
    named = found ? hash_slot_loc(ref.word) : 0;
    if (look->view.header->kind == PMD_RECORD_TOMBSTONE)
        return named == look->loc ? FATE_FORGET : FATE_NOTHING;
    if (named == look->loc)
        return fate_of_live(cleaner, look, hash_slot_frequency(ref.word), now_ms);
    if (!found || cts_epoch(record_at(heap->pool, named)->cts) <= index_writer_w(heap->index_writer) ||
        !index_names(cleaner, look))
        return FATE_NOTHING;
    return is_whole(cleaner, look) ? FATE_MOVE : FATE_DROP;
}

/* ---- moving ---- */

static void out_flush(struct cleaner *cleaner)
{
    const struct pool *pool = cleaner->heap->pool;

    if (cleaner->out_flushed != cleaner->out_pos)
        pm_flush(cleaner->context, PM_SITE_SURVIVOR_FLUSH,
                 pool_at(pool, pool_segment_off(pool, cleaner->out_segment) + cleaner->out_flushed),
                 cleaner->out_pos - cleaner->out_flushed);
    cleaner->out_flushed = cleaner->out_pos;
}

/* The open survivor segment is full: its length is noted (a crash before leaves 0: "walk until invalid"). What the length
 * covers is durable first, or a torn end would look like damage. */
static enum pm_status out_close(struct cleaner *cleaner)
{
    enum pm_status status;

    if (!cleaner->out_segment)
        return PM_OK;
    out_flush(cleaner);
    status = pm_drain(cleaner->context, PM_SITE_SURVIVOR_DRAIN);
    if (status)
        return status;
    pool_set_segment(cleaner->heap->pool, cleaner->context, cleaner->out_segment, PMD_SEGMENT_SURVIVOR,
                     cleaner->out_pos, PM_SITE_SEGMENT_INDEXED_FLUSH);
    cleaner->out_segment = 0;
    return PM_OK;
}

static enum pm_status out_room(struct cleaner *cleaner, uint32_t bytes)
{
    struct pool *pool = cleaner->heap->pool;
    enum pm_status status;

    if (cleaner->out_segment && cleaner->out_pos + bytes <= pool->segment_bytes)
        return PM_OK;
    status = out_close(cleaner);
    if (status)
        return status;
    status = pool_take_free(pool, cleaner->context, SPACE_CLEANER, PMD_SEGMENT_SURVIVOR, &cleaner->out_segment);
    if (status) {
        cleaner->out_segment = 0;
        return status;
    }
    cleaner->out_pos = cleaner->out_flushed = 0;
    return PM_OK;
}

/* A copy keeps cts and fields, loses its transaction (R2). */
static enum pm_status copy_out(struct cleaner *cleaner, const struct look *look, pm_loc *copy)
{
    struct pool *pool = cleaner->heap->pool;
    struct pmd_record header = *look->view.header;
    uint32_t bytes, unpadded;
    enum pm_status status;
    uint8_t *to;

    header.flags = (uint8_t)((header.flags & ~PMD_HAS_TXN) | PMD_LAST);
    header.turn_line = 0;
    bytes = (uint32_t)record_bytes(header.flags, header.key_len, header.value_len);
    unpadded = (uint32_t)(look->view.value - (const uint8_t *)look->view.header) + header.value_len;
    status = out_room(cleaner, bytes);
    if (status)
        return status;
    *copy = (pool_segment_off(pool, cleaner->out_segment) + cleaner->out_pos) / PM_UNIT;
    to = pool_at(pool, *copy * PM_UNIT);
    pm_store(cleaner->context, to + sizeof(header), look->view.header + 1, unpadded - sizeof(header));
    pm_store(cleaner->context, to, &header, sizeof(header));
    header.checksum = record_checksum(pool, *copy * PM_UNIT, (const struct pmd_record *)to, unpadded);
    pm_store(cleaner->context, to, &header, sizeof(header));
    cleaner->out_pos += bytes;
    pool->segments[cleaner->out_segment].record_count++;
    return PM_OK;
}

/* Slots follow the index, or go: afterwards none names the old place. */
static void switch_slot(struct cleaner *cleaner, const struct index_op *op)
{
    struct heap *heap = cleaner->heap;
    struct hash_ref ref;

    hash_index_lock(heap->index, op->key.hash);
    if (hash_index_find_loc(heap->index, op->key.hash, op->old_loc, &ref)) {
        const struct pmd_record *record = record_at(heap->pool, op->old_loc);
        uint32_t frequency = hash_slot_frequency(ref.word);

        if (op->kind == INDEX_SWITCH_IF && op->done) {
            hash_index_set(heap->index, &ref, op->loc, cleaner->evicting && frequency ? frequency - 1 : frequency,
                           ref.word & HASH_SLOT_MARK);
        } else {
            pthread_mutex_lock(&heap->count_lock); /* a FLUSH that counts must not count this one again */
            if (heap_visible(heap, record))
                heap_counts_add(&heap->background_counts, record->db, -1, -!!(record->flags & PMD_HAS_EXPIRY));
            pthread_mutex_unlock(&heap->count_lock);
            hash_index_remove(heap->index, op->key.hash, &ref);
        }
    }
    hash_index_unlock(heap->index, op->key.hash);
}

static void account(struct cleaner *cleaner, const struct index_op *op)
{
    struct pool *pool = cleaner->heap->pool;

    if (!op->done)
        return;
    index_writer_dead(pool, op->old_loc, index_writer_record_bytes(pool, op->old_loc));
    if (op->kind == INDEX_SWITCH_IF)
        index_writer_live(pool, op->loc, index_writer_record_bytes(pool, op->loc));
}

static bool give_up(struct cleaner *cleaner, enum pm_status status)
{
    if (status != PM_FULL)
        log_error("cleaner", "segment %u cannot be emptied: %s", cleaner->victim, pm_status_text(status));
    cleaner->active = false;
    cleaner->stuck = true;
    return false;
}

/* The index switches and removes, durably; then the slots. Ops beyond `applied` (no space) stay where they were. */
static bool carry_out(struct cleaner *cleaner)
{
    struct heap *heap = cleaner->heap;
    size_t applied = 0;
    enum pm_status status;

    out_flush(cleaner);
    status = pm_drain(cleaner->context, PM_SITE_SURVIVOR_DRAIN);
    if (status)
        return give_up(cleaner, status);
    index_ops_sort(cleaner->ops, cleaner->op_count);
    status = skiplist_apply(heap->skiplist, cleaner->context, cleaner->ops, cleaner->op_count,
                            index_writer_w(heap->index_writer), &applied);
    for (size_t i = 0; i < applied; i++) {
        account(cleaner, &cleaner->ops[i]);
        switch_slot(cleaner, &cleaner->ops[i]);
    }
    return status ? give_up(cleaner, status) : true;
}

static void forget(struct cleaner *cleaner, const struct look *look)
{
    struct hash_index *index = cleaner->heap->index;
    struct hash_ref ref;

    hash_index_lock(index, look->key.hash);
    if (hash_index_find_loc(index, look->key.hash, look->loc, &ref))
        hash_index_remove(index, look->key.hash, &ref);
    hash_index_unlock(index, look->key.hash);
}

static enum pm_status plan(struct cleaner *cleaner, const struct look *look, enum fate fate)
{
    struct index_op op = {.key = look->key, .old_loc = look->loc, .kind = INDEX_REMOVE_IF};
    enum pm_status status;

    switch (fate) {
    case FATE_NOTHING:
        return PM_OK;
    case FATE_FORGET:
        forget(cleaner, look);
        return PM_OK;
    case FATE_MOVE:
        status = copy_out(cleaner, look, &op.loc);
        if (status == PM_FULL &&
            atomic_load_explicit(&cleaner->heap->eviction, memory_order_relaxed) == HEAP_EVICTION_CACHE) {
            op.loc = 0; /* nowhere to move it: a cache drops it rather than stand still */
            atomic_fetch_add_explicit(&cleaner->stats.evicted, 1, memory_order_relaxed);
            break;
        }
        if (status)
            return status;
        op.kind = INDEX_SWITCH_IF;
        op.has_expiry = look->view.expire_at_ms != 0;
        atomic_fetch_add_explicit(&cleaner->stats.copied_bytes, look->view.bytes, memory_order_relaxed);
        break;
    case FATE_DROP:
        break;
    }
    cleaner->ops[cleaner->op_count++] = op;
    return PM_OK;
}

static bool clean_chunk(struct cleaner *cleaner, uint64_t now_ms)
{
    uint32_t count = read_chunk(cleaner);
    enum pm_status status = PM_OK;

    cleaner->op_count = 0;
    for (uint32_t i = 0; i < PREFETCH_AHEAD && i < count; i++)
        look_ahead(cleaner, &cleaner->looks[i]);
    for (uint32_t i = 0; i < count && status == PM_OK; i++) {
        if (i + PREFETCH_AHEAD < count)
            look_ahead(cleaner, &cleaner->looks[i + PREFETCH_AHEAD]);
        status = plan(cleaner, &cleaner->looks[i], judge(cleaner, &cleaner->looks[i], now_ms));
    }
    if (cleaner->op_count && !carry_out(cleaner))
        return false;
    return status ? give_up(cleaner, status) : true;
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
    condemn(cleaner, cleaner->victim, epoch_advance(epochs));
    cleaner->active = false;
    return true;
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
        done = carry_out(cleaner);
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
        done = carry_out(cleaner);
    epoch_leave(cleaner->pin);
    return done;
}

bool cleaner_step(struct cleaner *cleaner, uint64_t now_us, uint64_t now_ms)
{
    bool done = free_condemned(cleaner);

    if (cleaner->active || choose(cleaner))
        return scan(cleaner, now_ms) || done;
    return drop_damaged(cleaner) || drop_expired(cleaner, now_us, now_ms) || done;
}
