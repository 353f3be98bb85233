/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hash index: opening, finding and changing single slots.
 *
 * A find costs one cache line of the table and the head of one record.
 */
#include "heap/hash_index_match.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Small tables of units lie on small pages: a huge page too many would be felt. */
#define UNITS_HUGE_FROM_BYTES ((size_t)16 << 20)

/* ---- open and close ---- */

static size_t reserved_bytes(size_t bytes)
{
    return (bytes + HASH_INDEX_HUGE_PAGE - 1) & ~(HASH_INDEX_HUGE_PAGE - 1);
}

/* Addresses for `bytes`, memory only where they are touched, in huge pages within [huge_from, huge_to). */
static void *reserve(size_t bytes, size_t huge_from, size_t huge_to)
{
    uint8_t *mapped = mmap(NULL, reserved_bytes(bytes) + HASH_INDEX_HUGE_PAGE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint8_t *base;
    size_t before;

    if (mapped == MAP_FAILED)
        return NULL;
    before = -(uintptr_t)mapped % HASH_INDEX_HUGE_PAGE; /* not every system begins a large mapping at a huge page */
    base = mapped + before;
    if (before != 0)
        munmap(mapped, before);
    munmap(base + reserved_bytes(bytes), HASH_INDEX_HUGE_PAGE - before);
    if (huge_to > huge_from)
        madvise(base + huge_from, huge_to - huge_from, MADV_HUGEPAGE); /* advice: works without */
    return base;
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return value < low ? low : value > high ? high : value;
}

bool hash_index_open(struct hash_index **out, const struct pool *pool, uint64_t expected, uint64_t max)
{
    struct hash_index *index = aligned_alloc(HEARTH_CACHE_LINE_BYTES, sizeof *index);
    uint64_t wanted = clamp(expected / GOAL_SLOTS_PER_8_BUCKETS * 8 + 1, BUCKETS_MIN, BUCKETS_LIMIT);
    uint64_t n = clamp(wanted, BUCKETS_MIN, BUCKETS_AT_OPEN);

    *out = NULL;
    if (!index)
        return false;
    memset(index, 0, sizeof *index);
    index->pool = pool;
    /* Twice what max needs: a pool of smaller records than was thought still finds room. */
    index->buckets_max = clamp(max / GOAL_SLOTS_PER_8_BUCKETS * 16, wanted, BUCKETS_LIMIT);
    index->buckets_wanted = wanted;
    index->units_max = clamp(index->buckets_max, UNITS_MIN, UNITS_LIMIT);
    /* What is expected fills huge pages soon; what is behind it goes onto them when it fills one (hash_index_grow.c). */
    index->buckets = reserve(index->buckets_max * sizeof(struct bucket), 0,
                             wanted * sizeof(struct bucket) & ~(HASH_INDEX_HUGE_PAGE - 1));
    index->units = reserve(index->units_max * sizeof(struct unit),
                           wanted / 4 * sizeof(struct unit) >= UNITS_HUGE_FROM_BYTES ? 0 : UNITS_HUGE_FROM_BYTES,
                           reserved_bytes(index->units_max * sizeof(struct unit)));
    atomic_init(&index->state, n);
    *out = index;
    if (index->buckets && index->units)
        return true;
    hash_index_close(index);
    *out = NULL;
    return false;
}

void hash_index_close(struct hash_index *index)
{
    if (!index)
        return;
    if (index->buckets)
        munmap(index->buckets, reserved_bytes(index->buckets_max * sizeof(struct bucket)));
    if (index->units)
        munmap(index->units, reserved_bytes(index->units_max * sizeof(struct unit)));
    free(index);
}

/* ---- find ---- */

static inline bool slot_has_tag(uint64_t word, uint64_t tag)
{
    return ((word ^ tag) & TAG_MASK) == 0 && word_is_slot(word);
}

static inline bool record_has_key(const struct pool *pool, pm_loc loc, const struct index_key *key)
{
    const struct pmd_record *record = record_at(pool, loc);

    return record->key_len == key->len && record->db == key->db && memcmp(record_key(record), key->data, key->len) == 0;
}

static inline bool slot_has_key(const struct hash_index *index, uint64_t word, const struct index_key *key)
{
    return slot_has_tag(word, tag_of(key->hash)) &&
           HEARTH_LIKELY(record_has_key(index->pool, hash_slot_loc(word), key));
}

static inline bool chain_find(const struct hash_index *index, struct bucket *bucket, const struct index_key *key,
                              struct hash_ref *ref)
{
    struct chain_part part = chain_first(bucket);
    uint64_t tag = tag_of(key->hash);

    do {
        for (uint32_t match = part_match(&part, tag); match; match &= match - 1) {
            ref->slot = &part.words[__builtin_ctz(match)];
            ref->word = word_load(ref->slot);
            if (slot_has_key(index, ref->word, key))
                return true;
        }
        ref->slot = &part.words[part.count - 1];
        ref->word = word_load(ref->slot);
    } while (chain_follow(index, &part, ref->word));
    return slot_has_key(index, ref->word, key); /* it may have taken the link's place: H4 */
}

bool hash_index_find(const struct hash_index *index, const struct index_key *key, struct hash_ref *ref)
{
    uint64_t state = atomic_load_explicit(&index->state, memory_order_acquire);

    for (;;) {
        uint64_t before = state;

        if (chain_find(index, &index->buckets[bucket_of(state_buckets(state), key->hash)], key, ref))
            return true;
        state = atomic_load_explicit(&index->state, memory_order_acquire);
        if (HEARTH_LIKELY(state == before))
            return false;
    }
}

static uint32_t chain_words(const struct hash_index *index, struct bucket *bucket, uint64_t tag, uint64_t *words,
                            uint32_t max)
{
    struct chain_part part = chain_first(bucket);
    uint32_t count = 0;
    uint64_t word = 0, last;

    do {
        for (uint32_t match = part_match(&part, tag); match; match &= match - 1) {
            word = word_load(&part.words[__builtin_ctz(match)]);
            if (slot_has_tag(word, tag) && count++ < max)
                words[count - 1] = word;
        }
        last = chain_last_word(&part);
    } while (chain_follow(index, &part, last));
    if (slot_has_tag(last, tag) && last != word && count++ < max)
        words[count - 1] = last; /* it may have taken the link's place: H4 */
    return count;
}

uint32_t hash_index_words(const struct hash_index *index, uint64_t hash, uint64_t *words, uint32_t max)
{
    uint64_t state = atomic_load_explicit(&index->state, memory_order_acquire);

    for (;;) {
        uint64_t before = state;
        uint32_t count =
            chain_words(index, &index->buckets[bucket_of(state_buckets(state), hash)], tag_of(hash), words, max);

        state = atomic_load_explicit(&index->state, memory_order_acquire);
        if (HEARTH_LIKELY(state == before))
            return count;
    }
}

bool hash_index_find_loc(const struct hash_index *index, uint64_t hash, pm_loc loc, struct hash_ref *ref)
{
    struct chain_part part = chain_first(bucket_for(index, hash));

    do {
        for (uint32_t i = 0; i < part.count; i++) {
            ref->slot = &part.words[i];
            ref->word = word_load(ref->slot);
            if (hash_slot_loc(ref->word) == loc && slot_has_tag(ref->word, tag_of(hash)))
                return true;
        }
    } while (chain_next(index, &part));
    return false;
}

void hash_index_prefetch(const struct hash_index *index, uint64_t hash)
{
    HEARTH_PREFETCH(bucket_for(index, hash));
}

void hash_index_prefetch_overflow(const struct hash_index *index, uint64_t hash)
{
    uint64_t last = word_load(&bucket_for(index, hash)->words[BUCKET_WORDS - 1]);

    if (word_is_link(last))
        HEARTH_PREFETCH(&index->units[link_unit(last)]);
}

static pm_loc prefetch_slot(const struct hash_index *index, uint64_t word, uint64_t tag, bool value)
{
    pm_loc loc = hash_slot_loc(word);
    const uint8_t *record = (const uint8_t *)record_at(index->pool, loc);

    HEARTH_PREFETCH(record);
    /* Its second line where a short key reaches into it or a value is wanted. No branch: half of the records do, and a
     * wrong guess would keep the next keys waiting. */
    HEARTH_PREFETCH(record + (value ? HEARTH_CACHE_LINE_BYTES : RECORD_HEAD_BYTES - 1));
    return slot_has_tag(word, tag) ? loc : 0; /* it may have become something else */
}

/* A wait for a line of the table overlaps with those of the next keys, as long as it is one alone. */
pm_loc hash_index_prefetch_record(const struct hash_index *index, uint64_t hash, bool value, bool overflow)
{
    struct chain_part part = chain_first(bucket_for(index, hash));
    uint64_t tag = tag_of(hash);
    uint32_t match;

    while (!(match = part_match(&part, tag))) {
        if (!chain_next(index, &part))
            return 0;
        if (!overflow) {
            HEARTH_PREFETCH(part.words);
            return HASH_INDEX_OVERFLOW;
        }
    }
    return prefetch_slot(index, word_load(&part.words[__builtin_ctz(match)]), tag, value);
}

/* ---- locks ---- */

void spin_wait(_Atomic uint32_t *locked)
{
    enum { SPINS = 200 };

    do {
        uint32_t spins = 0;

        while (atomic_load_explicit(locked, memory_order_relaxed)) {
            if (++spins < SPINS)
                cpu_pause();
            else
                sched_yield();
        }
    } while (!spin_try(locked));
}

uint32_t hash_index_stripe(uint64_t hash)
{
    return (uint32_t)hash & (STRIPES - 1);
}

void hash_index_lock_stripe(struct hash_index *index, uint32_t stripe)
{
    spin_lock(&index->stripes[stripe].locked);
}

void hash_index_unlock_stripe(struct hash_index *index, uint32_t stripe)
{
    spin_unlock(&index->stripes[stripe].locked);
}

void hash_index_lock(struct hash_index *index, uint64_t hash)
{
    hash_index_lock_stripe(index, hash_index_stripe(hash));
}

void hash_index_unlock(struct hash_index *index, uint64_t hash)
{
    hash_index_unlock_stripe(index, hash_index_stripe(hash));
}

/* ---- changes, under the stripe lock ---- */

/* The stripe's lock guards its count; the table hears of it now and then, so that its line is not fought for. */
void hash_index_count(struct hash_index *index, uint64_t hash, int32_t change)
{
    struct stripe *stripe = &index->stripes[hash_index_stripe(hash)];
    int32_t used = atomic_load_explicit(&stripe->used, memory_order_relaxed) + change;

    if (used >= STRIPE_SLACK || used <= -STRIPE_SLACK) {
        atomic_fetch_add_explicit(&index->used, used, memory_order_relaxed);
        used = 0;
    }
    atomic_store_explicit(&stripe->used, used, memory_order_relaxed);
}

static bool insert_word(struct hash_index *index, uint64_t hash, uint64_t word, bool reserved)
{
    debug_check(word_is_slot(word));
    if (!chain_add(index, bucket_for(index, hash), word, reserved))
        return false;
    hash_index_count(index, hash, 1);
    return true;
}

bool hash_index_insert(struct hash_index *index, uint64_t hash, pm_loc loc, uint32_t frequency, bool mark)
{
    return insert_word(index, hash, word_make(tag_of(hash), loc, frequency, mark), true);
}

/* The slot of ref: an insert since the find may have pushed it down into a unit, the link shows where. */
static _Atomic uint64_t *ref_slot(const struct hash_index *index, const struct hash_ref *ref)
{
    _Atomic uint64_t *slot = ref->slot;
    uint64_t word = word_load(slot);

    while (HEARTH_UNLIKELY(word_is_link(word))) {
        /* It went to the first word of the unit, or further with a later push from the last. */
        struct unit *unit = &index->units[link_unit(word)];

        for (uint32_t i = 0; i < UNIT_WORDS; i++) {
            slot = &unit->words[i];
            word = word_load(slot);
            if (hash_slot_loc(word) == hash_slot_loc(ref->word))
                break;
        }
    }
    must(hash_slot_loc(word) == hash_slot_loc(ref->word));
    return slot;
}

void hash_index_set(struct hash_index *index, const struct hash_ref *ref, pm_loc loc, uint32_t frequency, bool mark)
{
    word_store(ref_slot(index, ref), word_make(ref->word & TAG_MASK, loc, frequency, mark));
}

void hash_index_set_mark(struct hash_index *index, const struct hash_ref *ref, bool mark)
{
    _Atomic uint64_t *slot = ref_slot(index, ref);

    if (mark)
        atomic_fetch_or_explicit(slot, HASH_SLOT_MARK, memory_order_release);
    else
        atomic_fetch_and_explicit(slot, ~HASH_SLOT_MARK, memory_order_release);
}

void hash_index_set_unverified(struct hash_index *index, const struct hash_ref *ref)
{
    atomic_fetch_or_explicit(ref_slot(index, ref), HASH_SLOT_UNVERIFIED, memory_order_relaxed);
}

void hash_index_remove(struct hash_index *index, uint64_t hash, const struct hash_ref *ref)
{
    word_store(ref_slot(index, ref), 0);
    chain_shrink(index, bucket_for(index, hash));
    hash_index_count(index, hash, -1);
}

static bool same_key(const struct pool *pool, pm_loc a, pm_loc b)
{
    const struct pmd_record *record = record_at(pool, b);
    struct index_key key = {.db = record->db, .data = record_key(record), .len = record->key_len};

    return record_has_key(pool, a, &key);
}

bool hash_index_fill(struct hash_index *index, uint64_t hash_bits, pm_loc loc, bool reserved, bool *ok)
{
    struct chain_part part = chain_first(bucket_for(index, hash_bits));
    uint64_t tag = tag_of(hash_bits);

    *ok = true;
    do {
        for (uint32_t match = part_match(&part, tag); match; match &= match - 1) {
            uint64_t word = word_load(&part.words[__builtin_ctz(match)]);

            if (slot_has_tag(word, tag) &&
                (hash_slot_loc(word) == loc || same_key(index->pool, hash_slot_loc(word), loc)))
                return false;
        }
    } while (chain_next(index, &part));
    *ok = insert_word(index, hash_bits, word_make(tag, loc, HASH_FREQUENCY_FILLED, false) | HASH_SLOT_UNVERIFIED,
                      reserved);
    return *ok;
}
