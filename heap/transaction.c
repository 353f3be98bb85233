/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transactions over several keys.
 *
 * IDEA: all stripes are locked first, in ascending order; edits append their records (without LP) and are staged; reads
 * of the transaction look at what is staged first. Commit sets LP on the last record, marks the slots, flips them and
 * so unmarks them: a reader that meets a mark waits for the flip, so nobody who has seen one new value sees an old one
 * behind it. The log needs nothing but the records (Zen).
 *
 * DURABILITY: with the turn, whole or absent.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "heap/heap_internal.h"

bool transaction_holds(const struct heap_worker *worker, uint64_t hash)
{
    uint32_t stripe = hash_index_stripe(hash);

    return worker->transaction.stripes[stripe / 64] >> (stripe % 64) & 1;
}

enum { STRIPE_WORDS = (1 << HASH_INDEX_STRIPE_BITS) / 64 };

/* Calls `each` for the transaction's stripes, ascending. */
static void for_stripes(struct heap_worker *worker, void (*each)(struct hash_index *index, uint32_t stripe))
{
    for (uint32_t i = 0; i < STRIPE_WORDS; i++)
        for (uint64_t left = worker->transaction.stripes[i]; left; left &= left - 1)
            each(worker->heap->index, i * 64 + (uint32_t)__builtin_ctzll(left));
}

bool heap_transaction_begin(struct heap_worker *worker, const struct index_key *keys, size_t count)
{
    struct transaction *transaction = &worker->transaction;
    uint32_t records = worker->reserved_records;

    must(!transaction->active);
    worker->reserved_records = 0; /* the next transaction reserves anew, or only reads */
    if (count > HEAP_TRANSACTION_KEYS || records > LOG_TRANSACTION_RECORDS_MAX)
        return false;
    transaction->active = true;
    transaction->direct = worker->exclusive;
    transaction->records = transaction->staged_count = 0;
    if (transaction->direct) {
        log_transaction_begin(worker->log, records);
        return true;
    }
    memset(transaction->stripes, 0, sizeof(transaction->stripes));
    for (size_t i = 0; i < count; i++) {
        uint32_t stripe = hash_index_stripe(keys[i].hash);
        transaction->stripes[stripe / 64] |= UINT64_C(1) << (stripe % 64);
    }
    for_stripes(worker, hash_index_lock_stripe);
    log_transaction_begin(worker->log, records);
    return true;
}

static bool is_key_of(const struct heap_worker *worker, pm_loc loc, const struct index_key *key)
{
    const struct pmd_record *record = record_at(worker->heap->pool, loc);

    return record->db == key->db && record->key_len == key->len && memcmp(record_key(record), key->data, key->len) == 0;
}

struct staged *transaction_find(const struct heap_worker *worker, const struct index_key *key)
{
    const struct transaction *transaction = &worker->transaction;

    if (transaction->staged_count == 0)
        return NULL;
    for (uint32_t i = (uint32_t)key->hash & (transaction->table_size - 1); transaction->table[i];
         i = (i + 1) & (transaction->table_size - 1)) {
        struct staged *staged = &transaction->staged[transaction->table[i] - 1];
        if (staged->hash == key->hash && is_key_of(worker, staged->loc, key))
            return staged;
    }
    return NULL;
}

static void table_insert(struct transaction *transaction, uint64_t hash, uint32_t number)
{
    uint32_t i = (uint32_t)hash & (transaction->table_size - 1);

    while (transaction->table[i])
        i = (i + 1) & (transaction->table_size - 1);
    transaction->table[i] = number + 1;
}

/* Twice the room, the table at most half full. Memory for bookkeeping of what is already written: no way back. */
static void grow(struct transaction *transaction)
{
    transaction->staged_cap = transaction->staged_cap ? transaction->staged_cap * 2 : 64;
    transaction->staged = realloc(transaction->staged, transaction->staged_cap * sizeof(*transaction->staged));
    free(transaction->table);
    transaction->table_size = transaction->staged_cap * 2;
    transaction->table = calloc(transaction->table_size, sizeof(*transaction->table));
    must(transaction->staged && transaction->table);
    for (uint32_t i = 0; i < transaction->staged_count; i++)
        table_insert(transaction, transaction->staged[i].hash, i);
}

void transaction_stage(struct heap_worker *worker, struct heap_edit *edit, pm_loc loc)
{
    struct transaction *transaction = &worker->transaction;

    if (edit->p.staged >= 0) {
        transaction->staged[edit->p.staged].loc = loc;
        return;
    }
    if (transaction->staged_count == transaction->staged_cap)
        grow(transaction);
    else if (transaction->staged_count == 0)
        memset(transaction->table, 0, transaction->table_size * sizeof(*transaction->table));
    transaction->staged[transaction->staged_count] = (struct staged){edit->key->hash, loc};
    table_insert(transaction, edit->key->hash, transaction->staged_count);
    edit->p.staged = (int32_t)transaction->staged_count++;
}

/* Slots may move when the table grows, so each is found again; stripes are held. */
static void publish(struct heap_worker *worker)
{
    struct transaction *transaction = &worker->transaction;
    struct hash_index *index = worker->heap->index;
    bool mark = transaction->staged_count > 1;
    struct index_key key;
    struct hash_ref ref;

    for (uint32_t i = 0; i < transaction->staged_count; i++) {
        struct staged *staged = &transaction->staged[i];
        const struct pmd_record *record = record_at(worker->heap->pool, staged->loc);

        key = (struct index_key){
            .db = record->db, .data = record_key(record), .len = record->key_len, .hash = staged->hash};
        if (hash_index_find(index, &key, &ref)) {
            if (mark)
                hash_index_set_mark(index, &ref, true);
            else
                hash_index_set(index, &ref, staged->loc, hash_slot_frequency(ref.word), false);
        } else {
            must(hash_index_insert(index, staged->hash, staged->loc, 0, mark));
        }
    }
    for (uint32_t i = 0; mark && i < transaction->staged_count; i++) {
        struct staged *staged = &transaction->staged[i];
        const struct pmd_record *record = record_at(worker->heap->pool, staged->loc);

        key = (struct index_key){
            .db = record->db, .data = record_key(record), .len = record->key_len, .hash = staged->hash};
        must(hash_index_find(index, &key, &ref));
        hash_index_set(index, &ref, staged->loc, hash_slot_frequency(ref.word), false);
    }
}

void heap_transaction_commit(struct heap_worker *worker)
{
    struct transaction *transaction = &worker->transaction;

    must(transaction->active);
    log_commit(worker->log, transaction->records);
    if (!transaction->direct) {
        publish(worker);
        for_stripes(worker, hash_index_unlock_stripe);
        hash_index_grow(worker->heap->index);
    }
    transaction->active = false;
}
