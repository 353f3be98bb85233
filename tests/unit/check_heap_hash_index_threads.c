/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    Readers without a lock never miss an object that is there and never see a location older than one that was
 *         set before they looked, while others insert, remove, set, sweep and split beside them.
 * METHOD  Threads on disjoint objects, so that each knows what it must find; readers compare with a floor that the
 *         setter raises after each set, and look most at the bucket that is split next. Once with hashes that make the
 *         table grow, once with hashes that crowd into sixteen chains, where slots move for ever. Runs under
 *         ThreadSanitizer.
 */
#include "tests/unit/check.h"

#include <pthread.h>
#include <stdlib.h>

#include "heap/hash_index_private.h"
#include "tests/support/fake_pool.h"

enum {
    READERS = 2,
    CHURNERS = 2,
    VERSIONS = 4,
    THREADS_MAX = READERS + CHURNERS + 2,
};

struct arena {
    struct fake_pool fake;
    struct hash_index *index;
    uint64_t (*hash)(uint64_t object);
    uint64_t permanent, churned; /* objects; churned: of each churner, */
    uint64_t turns;              /* which come and go about so many times */
    _Atomic uint8_t *floors;     /* of each permanent object: versions below it are history */
    uint32_t *by_bucket; /* permanent objects by their bucket in the smallest table; bucket b from first[b] on */
    uint32_t first[BUCKETS_MIN + 1];
    _Atomic bool stop;
    _Atomic uint64_t failures, finds;
};

struct task {
    struct arena *arena;
    uint64_t number;
    pthread_t thread;
};

static uint64_t crowded_hash(uint64_t object)
{
    return fake_mix(object) & ~UINT64_C(0x3ff0);
}

static bool find(const struct arena *arena, uint64_t object, struct hash_ref *ref)
{
    struct fake_key key;

    fake_key(&key, object, arena->hash(object));
    return hash_index_find(arena->index, &key.key, ref);
}

/* Whether one of the words that the hash leads to is the object's, of a version not below `floor`. */
static bool is_among_words(const struct arena *arena, uint64_t object, uint8_t floor)
{
    enum { WORDS = 64 };
    uint64_t words[WORDS];
    uint32_t count = hash_index_words(arena->index, arena->hash(object), words, WORDS);

    for (uint32_t i = 0; i < count && i < WORDS; i++)
        for (uint32_t version = floor; version < VERSIONS; version++)
            if (hash_slot_loc(words[i]) == fake_loc(&arena->fake, object, (uint8_t)version))
                return true;
    return count > WORDS;
}

static void expect(struct arena *arena, bool holds)
{
    if (!holds)
        atomic_fetch_add(&arena->failures, 1);
}

/* A permanent object of the bucket that is split next, if there is one. */
static uint64_t next_to_split(const struct arena *arena, uint64_t random)
{
    uint64_t n = state_buckets(atomic_load_explicit(&arena->index->state, memory_order_relaxed));
    uint64_t bucket = (n - (UINT64_C(1) << level_of(n))) % BUCKETS_MIN;
    uint32_t first = arena->first[bucket], count = arena->first[bucket + 1] - first;

    return count ? arena->by_bucket[first + random % count] : random % arena->permanent;
}

static void *read_permanent(void *argument)
{
    const struct task *task = argument;
    struct arena *arena = task->arena;
    uint64_t random = task->number, finds = 0;

    while (!atomic_load_explicit(&arena->stop, memory_order_relaxed)) {
        uint64_t object = (random = fake_mix(random + 1)) % arena->permanent;
        struct hash_ref ref;
        uint8_t floor;
        bool found;

        if (random >> 63)
            object = next_to_split(arena, random >> 1);
        floor = atomic_load_explicit(&arena->floors[object], memory_order_acquire);
        if (random >> 62 & 1) {
            expect(arena, is_among_words(arena, object, floor));
            continue;
        }
        found = find(arena, object, &ref);
        expect(arena, found);
        if (found)
            expect(arena, fake_version(&arena->fake, hash_slot_loc(ref.word)) >= floor);
        if (found && random >> 60 == 0)
            hash_index_touch(&ref);
        finds++;
    }
    atomic_fetch_add(&arena->finds, finds);
    return NULL;
}

static void *set_permanent(void *argument)
{
    const struct task *task = argument;
    struct arena *arena = task->arena;
    uint64_t random = task->number;

    while (!atomic_load_explicit(&arena->stop, memory_order_relaxed)) {
        uint64_t object = (random = fake_mix(random + 1)) % arena->permanent;
        uint8_t version = atomic_load_explicit(&arena->floors[object], memory_order_relaxed) + 1;
        struct hash_ref ref;

        if (version == VERSIONS)
            continue;
        hash_index_lock(arena->index, arena->hash(object));
        if (find(arena, object, &ref))
            hash_index_set(arena->index, &ref, fake_loc(&arena->fake, object, version), 0, false);
        else
            expect(arena, false);
        hash_index_unlock(arena->index, arena->hash(object));
        atomic_store_explicit(&arena->floors[object], version, memory_order_release);
    }
    return NULL;
}

static void insert(struct arena *arena, uint64_t object)
{
    uint64_t hash = arena->hash(object);

    hash_index_lock(arena->index, hash);
    expect(arena, hash_index_insert(arena->index, hash, fake_loc(&arena->fake, object, 0), 0, false));
    hash_index_unlock(arena->index, hash);
    hash_index_grow(arena->index);
}

static void churn_one(struct arena *arena, uint64_t object, bool present)
{
    uint64_t hash = arena->hash(object);
    struct hash_ref ref;

    expect(arena, find(arena, object, &ref) == present);
    if (!present) {
        insert(arena, object);
    } else {
        hash_index_lock(arena->index, hash);
        expect(arena, find(arena, object, &ref));
        hash_index_remove(arena->index, hash, &ref);
        hash_index_unlock(arena->index, hash);
    }
    expect(arena, find(arena, object, &ref) == !present);
}

/* Fills its range, then removes and inserts at random. Ends by itself. */
static void *churn(void *argument)
{
    const struct task *task = argument;
    struct arena *arena = task->arena;
    uint64_t first = arena->permanent + task->number * arena->churned, random = task->number;
    uint8_t *present = calloc(arena->churned, 1);

    for (uint64_t i = 0; i < arena->turns * arena->churned; i++) {
        uint64_t object = i < arena->churned ? i : (random = fake_mix(random + i)) % arena->churned;

        churn_one(arena, first + object, present[object]);
        present[object] = !present[object];
    }
    free(present);
    return NULL;
}

static bool drop_none(uint64_t word, void *context)
{
    const struct arena *arena = context;

    /* Reads what the slot names, as every real sweep does. */
    return record_at(&arena->fake.pool, hash_slot_loc(word))->kind != PMD_RECORD_FULL;
}

static void see(uint64_t word, void *context)
{
    uint8_t *seen = context;

    seen[hash_slot_loc(word) / FAKE_RECORD_UNITS] = 1;
}

static void scan_all(struct arena *arena)
{
    uint8_t *seen = calloc(arena->fake.pm.bytes / PM_UNIT / FAKE_RECORD_UNITS, 1);
    uint64_t cursor = 0;

    do
        cursor = hash_index_scan(arena->index, cursor, see, seen);
    while (cursor);
    for (uint64_t i = 0; i < arena->permanent; i++) {
        bool any = false;

        for (uint64_t version = 0; version < VERSIONS; version++)
            any |= seen[fake_loc(&arena->fake, i, version) / FAKE_RECORD_UNITS];
        expect(arena, any);
    }
    free(seen);
}

static void *sweep_and_scan(void *argument)
{
    const struct task *task = argument;
    struct arena *arena = task->arena;
    uint64_t bucket = 0;

    do {
        do
            bucket = hash_index_sweep(arena->index, bucket, drop_none, arena);
        while (bucket);
        scan_all(arena);
    } while (!atomic_load_explicit(&arena->stop, memory_order_relaxed));
    return NULL;
}

/* Counting sort. */
static void order_by_bucket(struct arena *arena)
{
    uint32_t *next = calloc(BUCKETS_MIN, sizeof *next);

    arena->by_bucket = calloc(arena->permanent, sizeof *arena->by_bucket);
    for (uint64_t i = 0; i < arena->permanent; i++)
        arena->first[arena->hash(i) % BUCKETS_MIN + 1]++;
    for (uint32_t i = 0; i < BUCKETS_MIN; i++)
        next[i] = arena->first[i + 1] += arena->first[i];
    for (uint64_t i = 0; i < arena->permanent; i++)
        arena->by_bucket[--next[arena->hash(i) % BUCKETS_MIN]] = (uint32_t)i;
    free(next);
}

static void open_arena(struct arena *arena)
{
    uint64_t objects = arena->permanent + CHURNERS * arena->churned;

    fake_pool_open(&arena->fake, objects, VERSIONS);
    for (uint64_t i = 0; i < objects; i++)
        for (uint64_t version = 0; version < (i < arena->permanent ? VERSIONS : 1); version++)
            fake_record(&arena->fake, i, version);
    arena->floors = calloc(arena->permanent, 1);
    assert_true(hash_index_open(&arena->index, &arena->fake.pool, 0, objects));
    for (uint64_t i = 0; i < arena->permanent; i++)
        insert(arena, i);
    order_by_bucket(arena);
}

static void close_arena(struct arena *arena)
{
    hash_index_close(arena->index);
    fake_pool_close(&arena->fake);
    free((void *)arena->floors);
    free(arena->by_bucket);
}

static void run(struct arena *arena)
{
    struct task tasks[THREADS_MAX];
    uint32_t count = 0;

    open_arena(arena);
    for (uint64_t i = 0; i < CHURNERS; i++)
        tasks[count++] = (struct task){arena, i, 0};
    for (uint64_t i = 0; i < READERS; i++)
        tasks[count++] = (struct task){arena, i, 0};
    tasks[count++] = (struct task){arena, 0, 0};
    tasks[count++] = (struct task){arena, 0, 0};
    for (uint32_t i = 0; i < count; i++) {
        void *(*body)(void *) = i < CHURNERS             ? churn
                                : i < CHURNERS + READERS ? read_permanent
                                : i == count - 1         ? sweep_and_scan
                                                         : set_permanent;

        assert_int_equal(pthread_create(&tasks[i].thread, NULL, body, &tasks[i]), 0);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i == CHURNERS)
            atomic_store(&arena->stop, true); /* the churners have ended, the others follow */
        assert_int_equal(pthread_join(tasks[i].thread, NULL), 0);
    }
    assert_int_equal(arena->failures, 0);
    assert_true(arena->finds > 0);
    close_arena(arena);
}

static void test_growth(void **state)
{
    struct arena arena = {.hash = fake_mix, .permanent = 60000, .churned = 60000, .turns = 3};

    (void)state;
    run(&arena);
}

static void test_crowded_chains(void **state)
{
    (void)state;
    for (uint64_t churned = 20; churned <= 320; churned *= 2) {
        /* Slots that take a link's place are what readers miss most easily: most often in chains of a unit or two. */
        uint64_t changes = churned <= 40 ? 150000 : 40000;
        struct arena arena = {.hash = crowded_hash, .permanent = 100, .churned = churned, .turns = changes / churned};

        run(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_crowded_chains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
