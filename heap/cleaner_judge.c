/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading a victim, and what becomes of each of its records.
 *
 * WHO LIVES: "live" means named by the index or by a slot. The victim is wholly at or below W, so a record of it that a
 * slot names is named by the index too, unless a FLUSH covers it; one whose key's slot names another record at or below
 * W is dead; one whose key's slot names a record above W may still be named by the index, which is asked.
 */
#include "base/log.h"
#include "heap/cleaner_internal.h"
#include "persist/live.h"

enum {
    WORDS_MAX = 4,    /* slots that are looked at without their records */
    HEADS_MAX = 4096, /* passed over and looked at in a chunk */
};

/*
 * Whether a record needs no look: the index names none near it, and as all of the victim is at or below W, no slot names
 * it either, unless it is a tombstone that is still to be forgotten.
 */
static bool is_passed_over(const struct pool *pool, pm_off off, const struct pmd_record *header)
{
    bool tombstone = header->kind == PMD_RECORD_TOMBSTONE;

    if (header->kind != PMD_RECORD_FULL && !tombstone)
        return true;
    return live_is_none_at(pool, off / PM_UNIT) &&
           (!tombstone || pool->segments[pool_segment_of(pool, off)].tombstones == 0);
}

uint32_t cleaner_read_chunk(struct cleaner *cleaner)
{
    uint32_t count = 0;
    pm_off off;

    for (uint32_t heads = 0; count < CHUNK && heads < HEADS_MAX; heads++) {
        struct look *look = &cleaner->looks[count];

        if (!segment_walk_next(&cleaner->walk, &off, &look->view)) {
            cleaner->walked = true;
            break;
        }
        if (is_passed_over(cleaner->heap->pool, off, look->view.header))
            continue;
        look->loc = off / PM_UNIT;
        heap_key(cleaner->heap, &look->key, look->view.header->db, look->view.key, look->view.header->key_len);
        hash_index_prefetch(cleaner->heap->index, look->key.hash);
        count++;
    }
    return count;
}

/* Most records of a victim are dead, and their keys' slots tell so: they name other records, in segments below W. Once
 * true it stays true; false says nothing. */
static bool is_superseded(const struct cleaner *cleaner, const struct look *look)
{
    const struct pool *pool = cleaner->heap->pool;
    uint64_t words[WORDS_MAX];
    uint32_t count = hash_index_words(cleaner->heap->index, look->key.hash, words, WORDS_MAX);

    if (count > WORDS_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        pm_loc named = hash_slot_loc(words[i]);

        if (named == look->loc || !cleaner_is_below_w(pool, pool_segment_of(pool, named * PM_UNIT)))
            return false;
    }
    return true;
}

void cleaner_look_far_ahead(const struct cleaner *cleaner, const struct look *look)
{
    hash_index_prefetch_overflow(cleaner->heap->index, look->key.hash);
}

void cleaner_look_ahead(const struct cleaner *cleaner, struct look *look)
{
    look->superseded = is_superseded(cleaner, look);
    if (!look->superseded)
        (void)hash_index_prefetch_record(cleaner->heap->index, look->key.hash, false, true);
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

enum fate cleaner_judge(struct cleaner *cleaner, const struct look *look, uint64_t now_ms)
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
