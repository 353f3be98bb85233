/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    As check_heap_fill.c, with everything at once: the filler in one thread, the index writer evicting and moving
 *         in another, a worker that brings in what it misses in a third.
 * METHOD  A pool in a file. At the end every key is compared with what the index writer left. Runs under
 *         ThreadSanitizer.
 */
#include "tests/unit/check.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "heap/fill.h"
#include "tests/support/indexed_pool.h"

enum { OBJECTS = 60000, POOL_BYTES = 64 << 20, ROUNDS = 3, BATCH = 20 };

struct arena {
    struct indexed_pool world;
    pm_loc *locs; /* the index writer's truth */
    struct heap_fill fill;
    struct epoch_pin *worker_pin;
    _Atomic bool filled;
    _Atomic uint64_t failures;
    uint64_t random, changes, brought_in;
};

static uint64_t draw(uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *random >> 33;
}

static void open_arena(struct arena *arena, const char *path, uint64_t seed)
{
    struct object_key *keys = calloc(OBJECTS, sizeof *keys);
    struct index_op *ops = calloc(OBJECTS, sizeof *ops);
    struct pm *pm;

    *arena = (struct arena){.locs = calloc(OBJECTS, sizeof *arena->locs), .random = seed};
    assert_int_equal(pm_open(&pm, path, POOL_BYTES, true), PM_OK);
    assert_int_equal(unlink(path), 0);
    indexed_pool_open(&arena->world, pm, PM_SEGMENT_BITS_DEFAULT);
    for (uint64_t i = 0; i < OBJECTS; i++) {
        arena->locs[i] = append(&arena->world, i, PMD_RECORD_FULL, i + 1, 0);
        object_key(&arena->world, &keys[i], i);
        ops[i] = put_op(&keys[i], arena->locs[i]);
    }
    apply(&arena->world, ops, OBJECTS);
    heap_fill_init(&arena->fill, arena->world.pool, arena->world.skiplist, arena->world.index, &arena->world.epochs);
    arena->worker_pin = epoch_pin_new(&arena->world.epochs);
    free(ops);
    free(keys);
}

static void close_arena(struct arena *arena)
{
    heap_fill_end(&arena->fill);
    indexed_pool_close(&arena->world);
    free(arena->locs);
}

static void *fill_main(void *argument)
{
    struct arena *arena = argument;

    while (heap_fill_step(&arena->fill)) {
    }
    atomic_store(&arena->filled, true);
    return NULL;
}

/* What a lookup does before the hash index is filled. */
static void bring_in(struct arena *arena, const struct index_key *key)
{
    struct indexed_pool *world = &arena->world;
    struct hash_ref ref;
    pm_loc loc = 0;

    hash_index_lock(world->index, key->hash);
    if (!hash_index_find(world->index, key, &ref) && skiplist_lookup(world->skiplist, key, &loc) == PM_OK && loc) {
        if (!hash_index_insert(world->index, key->hash, loc, 1, false))
            atomic_fetch_add(&arena->failures, 1);
        arena->brought_in++;
    }
    hash_index_unlock(world->index, key->hash);
    hash_index_grow(world->index);
}

static void *worker_main(void *argument)
{
    struct arena *arena = argument;
    uint64_t random = 7;

    while (!atomic_load_explicit(&arena->filled, memory_order_acquire)) {
        struct object_key key;
        struct hash_ref ref;

        object_key(&arena->world, &key, draw(&random) % OBJECTS);
        epoch_enter(&arena->world.epochs, arena->worker_pin);
        if (!hash_index_find(arena->world.index, &key.key, &ref))
            bring_in(arena, &key.key);
        epoch_leave(arena->worker_pin);
    }
    return NULL;
}

static void change_slot(struct arena *arena, const struct index_op *op)
{
    struct hash_index *index = arena->world.index;
    struct hash_ref ref;

    hash_index_lock(index, op->key.hash);
    if (hash_index_find_loc(index, op->key.hash, op->old_loc, &ref)) {
        if (op->loc)
            hash_index_set(index, &ref, op->loc, 1, false);
        else
            hash_index_remove(index, op->key.hash, &ref);
    }
    hash_index_unlock(index, op->key.hash);
}

/* Evicts or moves some neighbours, so that one leaf changes again and again while it is being filled. */
static void change_some(struct arena *arena)
{
    uint64_t first = draw(&arena->random) % (OBJECTS - BATCH);
    struct object_key keys[BATCH];
    struct index_op ops[BATCH];
    uint32_t count = 0;

    for (uint64_t object = first; object < first + BATCH; object++) {
        struct index_op op = {.old_loc = arena->locs[object], .kind = INDEX_REMOVE_IF};

        if (op.old_loc == 0)
            continue;
        object_key(&arena->world, &keys[count], object);
        op.key = keys[count].key;
        if (draw(&arena->random) % 4) {
            op.kind = INDEX_SWITCH_IF;
            op.loc = append(&arena->world, object, PMD_RECORD_FULL, object + 1, 0);
        }
        arena->locs[object] = op.loc;
        ops[count++] = op;
    }
    if (count == 0)
        return;
    apply(&arena->world, ops, count);
    for (uint32_t i = 0; i < count; i++)
        change_slot(arena, &ops[i]);
    arena->changes += count;
}

static void check_all(struct arena *arena)
{
    struct hash_index_stats stats;
    uint64_t present = 0;

    for (uint64_t i = 0; i < OBJECTS; i++) {
        struct object_key key;
        struct hash_ref ref;
        bool found;

        object_key(&arena->world, &key, i);
        found = hash_index_find(arena->world.index, &key.key, &ref);
        assert_int_equal(found ? hash_slot_loc(ref.word) : 0, arena->locs[i]);
        present += found;
    }
    hash_index_stats(arena->world.index, &stats);
    assert_int_equal(stats.slots_used, present);
}

static void run(uint64_t seed)
{
    pthread_t filler, worker;
    struct arena arena;
    char path[64];

    snprintf(path, sizeof path, "/dev/shm/hearth-check-fill-%d", (int)getpid());
    open_arena(&arena, path, seed);
    assert_int_equal(pthread_create(&worker, NULL, worker_main, &arena), 0);
    assert_int_equal(pthread_create(&filler, NULL, fill_main, &arena), 0);
    while (!atomic_load(&arena.filled) && arena.changes < 2 * OBJECTS)
        change_some(&arena);
    pthread_join(filler, NULL);
    pthread_join(worker, NULL);
    assert_true(arena.fill.done);
    assert_int_equal(arena.failures, 0);
    check_all(&arena);
    print_message("%llu changes, %llu brought in\n", (unsigned long long)arena.changes,
                  (unsigned long long)arena.brought_in);
    close_arena(&arena);
}

static void test_filler_writer_and_worker(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= ROUNDS; i++)
        run(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filler_writer_and_worker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
