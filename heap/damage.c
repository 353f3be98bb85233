/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Comparing records with their checksums, and the list of those that failed.
 */
#include "heap/damage.h"

#include "base/log.h"
#include "heap/heap_internal.h"

void damage_init(struct damage *damage)
{
    pthread_mutex_init(&damage->lock, NULL);
}

void damage_close(struct damage *damage)
{
    pthread_mutex_destroy(&damage->lock);
}

/* Under the lock. */
static bool is_noted(const struct damage *damage, pm_loc loc)
{
    for (uint32_t i = 0; i < damage->count; i++)
        if (damage->noted[i].loc == loc)
            return true;
    return false;
}

/* False: it is known already, or so many are that this one has to be met again. */
static bool note(struct damage *damage, uint64_t hash, pm_loc loc)
{
    bool is_new;

    pthread_mutex_lock(&damage->lock);
    is_new = damage->count < DAMAGE_NOTED_MAX && !is_noted(damage, loc);
    if (is_new) {
        damage->noted[damage->count] = (struct damaged){hash, loc};
        damage->count++;
        atomic_fetch_add_explicit(&damage->found, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&damage->lock);
    return is_new;
}

static void report(struct heap *heap, uint64_t hash, pm_loc loc)
{
    if (!note(&heap->damage, hash, loc))
        return;
    log_error("heap",
              "damaged record at offset %llu: its key is a miss and is dropped, never served (R4); check the medium",
              (unsigned long long)(loc * PM_UNIT));
    background_wake(heap);
}

bool damage_verify(struct heap *heap, uint64_t hash, struct hash_ref *ref)
{
    pm_loc loc = hash_slot_loc(ref->word);

    if (!record_is_whole(heap->pool, loc)) {
        report(heap, hash, loc);
        return false;
    }
    hash_index_set_verified(ref);
    return true;
}

/* From now on whoever finds it verifies it. */
static void hide(struct heap *heap, uint64_t hash, pm_loc loc)
{
    struct hash_ref ref;

    hash_index_lock(heap->index, hash);
    if (hash_index_find_loc(heap->index, hash, loc, &ref))
        hash_index_set_unverified(heap->index, &ref);
    hash_index_unlock(heap->index, hash);
}

bool damage_key(const struct heap *heap, pm_loc loc, struct index_key *key)
{
    const struct pmd_record *record = record_at(heap->pool, loc);
    uint64_t from = (uint64_t)(record_key(record) - heap->pool->pm->base);

    if (from + record->key_len > pool_segment_off(heap->pool, pool_segment_of(heap->pool, loc * PM_UNIT) + 1))
        return false;
    heap_key(heap, key, record->db, record_key(record), record->key_len);
    return true;
}

/* The hash that leads to the slot is that of the key, unless the key is what is damaged. */
bool damage_verify_word(struct heap *heap, uint64_t word)
{
    pm_loc loc = hash_slot_loc(word);
    struct index_key key = {0};
    struct hash_ref ref;

    (void)damage_key(heap, loc, &key);
    if (!record_is_whole(heap->pool, loc)) {
        if (!(word & HASH_SLOT_UNVERIFIED))
            hide(heap, key.hash, loc);
        report(heap, key.hash, loc);
        return false;
    }
    if ((word & HASH_SLOT_UNVERIFIED) && hash_index_find_loc(heap->index, key.hash, loc, &ref) && ref.word == word)
        hash_index_set_verified(&ref);
    return true;
}

uint32_t damage_take(struct damage *damage, struct damaged *out)
{
    uint32_t count;

    if (HEARTH_LIKELY(atomic_load_explicit(&damage->count, memory_order_relaxed) == 0))
        return 0;
    pthread_mutex_lock(&damage->lock);
    count = damage->count;
    memcpy(out, damage->noted, count * sizeof(*out));
    damage->count = 0;
    pthread_mutex_unlock(&damage->lock);
    return count;
}
