/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keyspace as a whole: counts, scan, a random key.
 */
#include "base/assert.h"
#include "heap/heap_internal.h"

static void add_counts(const struct heap_counts *counts, uint8_t db, int64_t *keys, int64_t *expires)
{
    *keys += atomic_load_explicit(&counts->keys[db], memory_order_relaxed);
    *expires += atomic_load_explicit(&counts->expires[db], memory_order_relaxed);
}

void heap_count_locked(const struct heap *heap, uint8_t db, uint64_t *keys, uint64_t *expires)
{
    int64_t key_sum = heap->base_keys[db], expire_sum = heap->base_expires[db];
    int64_t keys_delta[PM_DATABASES], expires_delta[PM_DATABASES];

    if (!heap->tail_void[db] && index_writer_tail_applied(heap->index_writer, keys_delta, expires_delta)) {
        key_sum += keys_delta[db];
        expire_sum += expires_delta[db];
    }
    for (uint32_t i = 0; i < heap->o.workers; i++)
        add_counts(&heap->workers[i].counts, db, &key_sum, &expire_sum);
    add_counts(&heap->background_counts, db, &key_sum, &expire_sum);
    *keys = key_sum > 0 ? (uint64_t)key_sum : 0;
    *expires = expire_sum > 0 ? (uint64_t)expire_sum : 0;
}

void heap_count(const struct heap *heap, uint8_t db, uint64_t *keys, uint64_t *expires)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&heap->count_lock;

    pthread_mutex_lock(lock);
    heap_count_locked(heap, db, keys, expires);
    pthread_mutex_unlock(lock);
}

bool heap_is_filled(const struct heap *heap)
{
    int64_t keys_delta[PM_DATABASES], expires_delta[PM_DATABASES];

    return atomic_load_explicit(&heap->filled, memory_order_acquire) &&
           index_writer_tail_applied(heap->index_writer, keys_delta, expires_delta);
}

bool heap_cannot_fill(const struct heap *heap)
{
    return (atomic_load_explicit(&heap->fill_failed, memory_order_relaxed) ||
            atomic_load_explicit(&heap->index_failed, memory_order_relaxed)) &&
           !heap_is_filled(heap);
}

/* ---- scan ---- */

struct scan {
    struct heap_worker *worker;
    uint8_t db;
    uint64_t given;
    void (*each)(const struct heap_scan_item *item, void *context);
    void *context;
};

static bool item_of(struct heap_worker *worker, uint8_t db, uint64_t word, struct heap_scan_item *item)
{
    struct heap *heap = worker->heap;
    const struct pmd_record *record = record_at(heap->pool, hash_slot_loc(word));
    uint64_t expire_at_ms;

    if (!hash_slot_loc(word) || record->db != db ||
        (HEARTH_UNLIKELY(word & HASH_SLOT_UNVERIFIED) && !damage_verify_word(heap, word)))
        return false;
    expire_at_ms = record_expiry(record);
    if (!heap_visible(heap, record) || (expire_at_ms && expire_at_ms <= worker->now_ms))
        return false;
    heap_build_on(worker, hash_slot_loc(word));
    item->key = record_key(record);
    item->key_len = record->key_len;
    object_from_record(record, &item->object);
    return true;
}

static void scan_word(uint64_t word, void *context)
{
    struct scan *scan = context;
    struct heap_scan_item item;

    if (!item_of(scan->worker, scan->db, word, &item))
        return;
    scan->given++;
    scan->each(&item, scan->context);
}

uint64_t heap_scan(struct heap_worker *worker, uint8_t db, uint64_t cursor, uint64_t count,
                   void (*each)(const struct heap_scan_item *item, void *context), void *context)
{
    struct scan scan = {worker, db, 0, each, context};
    /* Redis's bound: a sparse table is not searched for ever for one answer. */
    uint64_t steps = count > UINT64_MAX / 10 ? UINT64_MAX : count * 10;

    do
        cursor = hash_index_scan(worker->heap->index, cursor, scan_word, &scan);
    while (cursor && scan.given < count && --steps);
    return cursor;
}

struct first {
    bool found;
    struct heap_scan_item *out;
};

static void keep_first(const struct heap_scan_item *item, void *context)
{
    struct first *first = context;

    if (!first->found)
        *first->out = *item;
    first->found = true;
}

/* Few keys in a large table: the first that a scan from a random place meets, once around. */
static bool first_from(struct heap_worker *worker, uint8_t db, uint64_t cursor, struct heap_scan_item *out)
{
    struct first first = {false, out};
    int ends = cursor ? 2 : 1;

    while (!first.found && ends) {
        cursor = heap_scan(worker, db, cursor, 1, keep_first, &first);
        ends -= cursor == 0;
    }
    return first.found;
}

bool heap_random_key(struct heap_worker *worker, uint8_t db, uint64_t random, struct heap_scan_item *out)
{
    enum { TRIES = 100 };
    struct hash_index_stats stats;
    uint64_t keys, expires;

    heap_count(worker->heap, db, &keys, &expires);
    if (keys == 0)
        return false;
    hash_index_stats(worker->heap->index, &stats);
    for (int i = 0; i < TRIES && keys * TRIES / 4 >= stats.buckets; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        if (item_of(worker, db, hash_index_random(worker->heap->index, random >> 16), out))
            return true;
    }
    return first_from(worker, db, random >> 1, out);
}
