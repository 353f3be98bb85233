/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects: finding a key and changing it.
 *
 * COST: heap_get: one bucket line, one record; no lock, no store but the frequency while it is not saturated.
 */
#include <sched.h>

#include "base/assert.h"
#include "base/log.h"
#include "heap/heap_internal.h"

enum { PREFETCH_RECORD_BYTES = 1024 + 64 };
_Static_assert(HEAP_PREFETCH_AGAIN == HASH_INDEX_OVERFLOW, "one value, for those above the heap too");

void heap_key(const struct heap *heap, struct index_key *key, uint8_t db, const void *data, size_t len)
{
    key->db = db;
    key->data = data;
    key->len = (uint32_t)len;
    key->hash = key_hash(heap->pool->hash_seed, db, data, len);
}

void heap_prefetch(struct heap_worker *worker, const struct index_key *key)
{
    hash_index_prefetch(worker->heap->index, key->hash);
}

pm_loc heap_prefetch_record(struct heap_worker *worker, const struct index_key *key, bool value, bool overflow)
{
    return hash_index_prefetch_record(worker->heap->index, key->hash, value, overflow);
}

/* Its first two lines have been asked for; of a long value the processor sees by itself that it is read in order. */
void heap_prefetch_value(struct heap_worker *worker, pm_loc loc)
{
    const uint8_t *record = (const uint8_t *)record_at(worker->heap->pool, loc);
    uint64_t end = RECORD_HEAD_BYTES + (uint64_t)((const struct pmd_record *)record)->value_len;

    end = end < PREFETCH_RECORD_BYTES ? end : PREFETCH_RECORD_BYTES;
    for (uint32_t at = 2 * HEARTH_CACHE_LINE_BYTES; at < end; at += HEARTH_CACHE_LINE_BYTES)
        HEARTH_PREFETCH(record + at);
}

void heap_prefetch_all(struct heap_worker *worker, const struct index_key *keys, uint32_t count)
{
    const struct hash_index *index = worker->heap->index;
    uint32_t overflown[HEAP_KEYS_TOGETHER], overflown_count = 0;

    count = count < HEAP_KEYS_TOGETHER ? count : HEAP_KEYS_TOGETHER;
    for (uint32_t i = 0; i < count; i++)
        hash_index_prefetch(index, keys[i].hash);
    for (uint32_t i = 0; i < count; i++)
        if (hash_index_prefetch_record(index, keys[i].hash, true, false) == HASH_INDEX_OVERFLOW)
            overflown[overflown_count++] = i;
    for (uint32_t i = 0; i < overflown_count; i++)
        (void)hash_index_prefetch_record(index, keys[overflown[i]].hash, true, true);
}

void heap_build_on(struct heap_worker *worker, pm_loc loc)
{
    struct heap *heap = worker->heap;

    if (HEARTH_LIKELY(!heap->check_foreign) || log_is_durable(heap->log, loc))
        return;
    if (heap->pool->segments[pool_segment_of(heap->pool, loc * PM_UNIT)].writer == worker->number)
        return; /* this turn's own record, or one of a turn that this worker closed: its close covers it */
    if (log_make_durable(heap->log, log_writer_context(worker->log), loc))
        log_error("heap", "a flush of the pool failed: nothing is acknowledged any more");
}

/* While the hash index is not filled: what the ordered index names is inserted, under the stripe lock, which keeps the
 * filler and other workers from inserting the same key. The index is read under the lock too, and this turn's pin
 * keeps a deleted key's slot from going meanwhile, so an older version can never be inserted over a newer one. */
static bool find_in_ordered(struct heap *heap, const struct index_key *key, bool reserved, struct hash_ref *ref)
{
    pm_loc loc = 0;
    bool ok;

    if (skiplist_lookup(heap->skiplist, key, &loc) || loc == 0 ||
        !hash_index_fill(heap->index, key->hash, loc, reserved, &ok))
        return false;
    return hash_index_find(heap->index, key, ref);
}

/* A miss while the hash index is not filled asks the ordered index and inserts what it names, under the stripe lock. */
static HEARTH_COLD bool find_unfilled(struct heap *heap, const struct index_key *key, bool locked, bool reserved,
                                      struct hash_ref *ref)
{
    bool found;

    if (!locked)
        hash_index_lock(heap->index, key->hash);
    found = hash_index_find(heap->index, key, ref) || find_in_ordered(heap, key, reserved, ref);
    if (!locked)
        hash_index_unlock(heap->index, key->hash);
    return found;
}

/* Finds the key's slot. locked: the caller holds the stripe. reserved: for an edit, which may use the slot that
 * heap_reserve() keeps for it; a read that finds the hash index full before it is filled (the filler stops then, and
 * says so) is a miss. */
static inline bool find(struct heap_worker *worker, const struct index_key *key, bool locked, bool reserved,
                        struct hash_ref *ref)
{
    struct heap *heap = worker->heap;
    bool filled =
        atomic_load_explicit(&heap->filled, memory_order_acquire); /* before the find, or a miss proves nothing */
    bool found = hash_index_find(heap->index, key, ref);

    return HEARTH_LIKELY(found || filled) ? found : find_unfilled(heap, key, locked, reserved, ref);
}

static bool is_expired(const struct heap_worker *worker, const struct pmd_record *record)
{
    return HEARTH_UNLIKELY(record->flags & PMD_HAS_EXPIRY) && record_expiry(record) <= worker->now_ms;
}

/* A slot that a transaction is just publishing: its turn is short and holds no wait, so look again. One whose record
 * nobody has verified yet: a damaged one is a miss (R4). */
static bool find_readable(struct heap_worker *worker, const struct index_key *key, struct hash_ref *ref)
{
    bool locked = worker->transaction.active && transaction_holds(worker, key->hash);

    while (find(worker, key, locked, false, ref)) {
        if (HEARTH_LIKELY(!(ref->word & (HASH_SLOT_MARK | HASH_SLOT_UNVERIFIED))))
            return true;
        if (!(ref->word & HASH_SLOT_MARK))
            return damage_verify(worker->heap, key->hash, ref);
        sched_yield();
    }
    return false;
}

static enum heap_miss what_is_missed(const struct heap *heap, const struct pmd_record *record)
{
    if (record->kind != PMD_RECORD_FULL)
        return HEAP_MISS_ABSENT; /* deleted */
    return heap_visible(heap, record) ? HEAP_MISS_EXPIRED : HEAP_MISS_FLUSHED;
}

static bool get(struct heap_worker *worker, const struct index_key *key, struct object *out, bool count)
{
    struct heap *heap = worker->heap;
    const struct pmd_record *record;
    struct hash_ref ref;

    if (HEARTH_UNLIKELY(worker->transaction.active)) {
        const struct staged *staged = transaction_find(worker, key);

        if (staged) {
            record = record_at(heap->pool, staged->loc);
            if (!heap_visible(heap, record) || is_expired(worker, record)) {
                worker->miss = (uint8_t)what_is_missed(heap, record);
                return false;
            }
            object_from_record(record, out);
            return true;
        }
    }
    if (!find_readable(worker, key, &ref)) {
        worker->miss = HEAP_MISS_ABSENT;
        return false;
    }
    heap_build_on(worker, hash_slot_loc(ref.word));
    record = record_at(heap->pool, hash_slot_loc(ref.word));
    if (HEARTH_UNLIKELY(!heap_visible(heap, record) || is_expired(worker, record))) {
        worker->miss = (uint8_t)what_is_missed(heap, record);
        return false;
    }
    if (count)
        hash_index_touch(&ref);
    object_from_record(record, out);
    return true;
}

bool heap_get(struct heap_worker *worker, const struct index_key *key, struct object *out)
{
    return get(worker, key, out, true);
}

enum heap_miss heap_why_missed(const struct heap_worker *worker)
{
    return (enum heap_miss)worker->miss;
}

bool heap_peek(struct heap_worker *worker, const struct index_key *key, struct object *out)
{
    return get(worker, key, out, false);
}

/* ---- changing ---- */

static HEARTH_INLINE void edit_show(struct heap_edit *edit, pm_loc loc)
{
    struct heap_worker *worker = edit->worker;
    const struct pmd_record *record = record_at(worker->heap->pool, loc);

    edit->p.above = record->cts;
    edit->p.replaced = (struct record_replaced){
        .loc = loc,
        .generation = record_generation(worker->heap->pool, loc),
        .bytes = (uint32_t)record_bytes(record->flags, record->key_len, record->value_len),
        .has_expiry = (record->flags & PMD_HAS_EXPIRY) != 0,
    };
    edit->p.place = record_place(record);
    edit->p.counted = heap_visible(worker->heap, record);
    edit->p.expires = edit->p.counted && (record->flags & PMD_HAS_EXPIRY);
    edit->found = edit->p.counted && !is_expired(worker, record);
    if (edit->found)
        object_from_record(record, &edit->old);
}

/* The slot's record is damaged: nothing to be seen or built upon (R4), but the key has a slot, counts as one (unless a
 * FLUSH came since, as far as can be told) and may be overwritten or deleted. Its cts is not to be trusted; but it is at
 * or below W, so that any that is drawn now is above it. */
static void edit_hide(struct heap_edit *edit, pm_loc loc)
{
    const struct heap *heap = edit->worker->heap;
    const struct pmd_record *record = record_at(heap->pool, loc);

    edit->p.counted =
        atomic_load_explicit(&heap->flush_cts[edit->key->db], memory_order_relaxed) == 0 || heap_visible(heap, record);
    edit->p.expires = edit->p.counted && (record->flags & PMD_HAS_EXPIRY);
    edit->p.damaged = true;
}

void heap_edit_begin(struct heap_worker *worker, const struct index_key *key, struct heap_edit *edit)
{
    struct transaction *transaction = &worker->transaction;
    const struct staged *staged;
    struct hash_ref ref;

    edit->worker = worker;
    edit->key = key;
    edit->found = false;
    memset(&edit->p, 0, sizeof edit->p); /* but not what is shown only if found */
    edit->p.staged = -1;
    if (transaction->active)
        must(transaction->direct || transaction_holds(worker, key->hash));
    if (!transaction->active || transaction->direct)
        hash_index_lock(worker->heap->index, key->hash);
    staged = transaction->active ? transaction_find(worker, key) : NULL;
    if (staged) {
        edit->p.staged = (int32_t)(staged - transaction->staged);
        edit_show(edit, staged->loc);
        return;
    }
    if (!find(worker, key, true, true, &ref))
        return;
    heap_build_on(worker, hash_slot_loc(ref.word));
    edit->p.has_slot = true;
    edit->p.slot = ref.slot;
    edit->p.word = ref.word;
    if (HEARTH_UNLIKELY(ref.word & HASH_SLOT_UNVERIFIED) && !damage_verify(worker->heap, key->hash, &ref))
        edit_hide(edit, hash_slot_loc(ref.word));
    else
        edit_show(edit, hash_slot_loc(ref.word));
}

static HEARTH_INLINE void edit_publish(struct heap_edit *edit, pm_loc loc)
{
    struct heap_worker *worker = edit->worker;
    struct hash_ref ref = {edit->p.slot, edit->p.word};

    if (worker->transaction.active && !worker->transaction.direct) {
        transaction_stage(worker, edit, loc);
        return;
    }
    if (edit->p.has_slot)
        hash_index_set(worker->heap->index, &ref, loc, hash_slot_frequency(ref.word), false);
    else
        must(hash_index_insert(worker->heap->index, edit->key->hash, loc, 0, false)); /* heap_reserve() kept the room */
}

/* Appends the new version and publishes it; returns its unique. */
static HEARTH_INLINE uint64_t edit_store(struct heap_edit *edit, enum pmd_record_kind kind, const struct heap_put *put)
{
    struct heap_worker *worker = edit->worker;
    const struct log_record record = {
        .kind = (uint8_t)kind,
        .type = put->type,
        .db = edit->key->db,
        .in_transaction = worker->transaction.active,
        .expire_at_ms = put->expire_at_ms,
        .client_flags = put->client_flags,
        .cas = put->keep_cas && edit->found ? edit->old.cas : 0,
        .cts = log_draw_cts(worker->log, edit->p.above),
        .key = edit->key->data,
        .key_len = edit->key->len,
        .parts = put->parts,
        .part_count = put->part_count,
        .replaced = edit->p.replaced,
        .place = edit->p.place,
    };

    if (worker->transaction.active)
        worker->transaction.records++;
    edit_publish(edit, log_append(worker->log, &record));
    return record.cas ? record.cas : record.cts;
}

uint64_t heap_edit_put(struct heap_edit *edit, const struct heap_put *put)
{
    uint64_t unique = edit_store(edit, PMD_RECORD_FULL, put);

    heap_counts_add(&edit->worker->counts, edit->key->db, !edit->p.counted, (put->expire_at_ms != 0) - edit->p.expires);
    return unique;
}

void heap_edit_delete(struct heap_edit *edit)
{
    static const struct heap_put nothing = {.parts = NULL};

    if (!edit->found && !edit->p.damaged)
        return;
    (void)edit_store(edit, PMD_RECORD_TOMBSTONE, &nothing);
    heap_counts_add(&edit->worker->counts, edit->key->db, -(int64_t)edit->p.counted, -(int64_t)edit->p.expires);
}

void heap_edit_end(struct heap_edit *edit)
{
    struct heap_worker *worker = edit->worker;

    if (worker->transaction.active && !worker->transaction.direct)
        return;
    hash_index_unlock(worker->heap->index, edit->key->hash);
    hash_index_grow(worker->heap->index);
}
