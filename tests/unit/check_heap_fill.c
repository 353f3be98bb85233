/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    After the filler has ended, the hash index names for each key what the ordered index names, or something
 *         newer; nothing that was deleted, evicted or moved meanwhile has come back.
 * METHOD  An ordered index over the simulated backing; between the filler's steps, keys are evicted, moved, deleted and
 *         overwritten in the order in which the heap does it. Then a comparison with an array of what must be there.
 *         With threads: check_heap_fill_threads.c.
 */
#include "tests/unit/check.h"

#include <stdlib.h>

#include "heap/fill.h"
#include "persist/live.h"
#include "persist/pm_sim.h"
#include "tests/support/indexed_pool.h"

enum { OBJECTS = 20000, POOL_BYTES = 32 << 20, SEGMENT_BITS = 16 };

struct fixture {
    struct indexed_pool world;
    struct pm *pm;
    pm_loc *locs; /* what the hash index must name at the end; 0: nothing */
    struct heap_fill fill;
};

static void open_fixture(struct fixture *fixture)
{
    struct object_key *keys = calloc(OBJECTS, sizeof *keys);
    struct index_op *ops = calloc(OBJECTS, sizeof *ops);

    *fixture = (struct fixture){.locs = calloc(OBJECTS, sizeof *fixture->locs)};
    assert_int_equal(pm_sim_open(&fixture->pm, POOL_BYTES, PM_SIM_LINES), PM_OK);
    indexed_pool_open(&fixture->world, fixture->pm, SEGMENT_BITS);
    for (uint64_t i = 0; i < OBJECTS; i++) {
        fixture->locs[i] = append(&fixture->world, i, PMD_RECORD_FULL, i + 1, 0);
        object_key(&fixture->world, &keys[i], i);
        ops[i] = put_op(&keys[i], fixture->locs[i]);
    }
    seal(&fixture->world);
    apply(&fixture->world, ops, OBJECTS);
    free(ops);
    free(keys);
}

static void start_fill(struct fixture *fixture)
{
    struct indexed_pool *world = &fixture->world;

    heap_fill_init(&fixture->fill, world->pool, world->skiplist, world->index, &world->epochs);
}

static void close_fixture(struct fixture *fixture)
{
    heap_fill_end(&fixture->fill);
    indexed_pool_close(&fixture->world);
    free(fixture->locs);
}

static pm_loc slot_of(struct fixture *fixture, uint64_t object)
{
    struct object_key key;
    struct hash_ref ref;

    object_key(&fixture->world, &key, object);
    return hash_index_find(fixture->world.index, &key.key, &ref) ? hash_slot_loc(ref.word) : 0;
}

static void check_all(struct fixture *fixture)
{
    struct hash_index_stats stats;
    uint64_t present = 0;

    for (uint64_t i = 0; i < OBJECTS; i++) {
        assert_int_equal(slot_of(fixture, i), fixture->locs[i]);
        present += fixture->locs[i] != 0;
    }
    hash_index_stats(fixture->world.index, &stats);
    assert_int_equal(stats.slots_used, present);
}

static void run_to_end(struct fixture *fixture)
{
    while (heap_fill_step(&fixture->fill)) {
    }
    assert_true(fixture->fill.done);
    assert_int_equal(fixture->fill.status, PM_OK);
    assert_false(heap_fill_step(&fixture->fill));
}

static void test_all_are_filled(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    start_fill(&fixture);
    assert_true(heap_fill_step(&fixture.fill)); /* one step is not all */
    assert_false(fixture.fill.done);
    run_to_end(&fixture);
    assert_int_equal(fixture.fill.visited, OBJECTS);
    check_all(&fixture);
    close_fixture(&fixture);
}

static void test_an_empty_index_is_done_at_once(void **state)
{
    struct fixture fixture = {.pm = NULL};

    (void)state;
    assert_int_equal(pm_sim_open(&fixture.pm, POOL_BYTES, PM_SIM_LINES), PM_OK);
    indexed_pool_open(&fixture.world, fixture.pm, SEGMENT_BITS);
    start_fill(&fixture);
    run_to_end(&fixture);
    close_fixture(&fixture);
}

/* Each segment held records of one size, so the estimate is exact. */
static void test_live_bytes(void **state)
{
    struct fixture fixture;
    struct pool *pool;
    int64_t live = 0;

    (void)state;
    open_fixture(&fixture);
    pool = fixture.world.pool;
    start_fill(&fixture);
    run_to_end(&fixture);
    for (uint64_t i = 0; i < pool->segment_count; i++)
        live += live_bytes(pool, (uint32_t)i);
    assert_int_equal(live, OBJECTS * record_bytes(0, OBJECT_KEY_LEN, 0));
    close_fixture(&fixture);
}

/* ---- changes between the steps, each as the heap makes it ---- */

static void change_slot(struct fixture *fixture, uint64_t object, pm_loc old_loc, pm_loc loc)
{
    struct hash_index *index = fixture->world.index;
    struct object_key key;
    struct hash_ref ref;

    object_key(&fixture->world, &key, object);
    hash_index_lock(index, key.key.hash);
    if (hash_index_find_loc(index, key.key.hash, old_loc, &ref)) {
        if (loc)
            hash_index_set(index, &ref, loc, 1, false);
        else
            hash_index_remove(index, key.key.hash, &ref);
    }
    hash_index_unlock(index, key.key.hash);
}

static void apply_one(struct fixture *fixture, uint64_t object, enum index_op_kind kind, pm_loc loc)
{
    struct object_key key;
    struct index_op op;

    object_key(&fixture->world, &key, object);
    op = (struct index_op){.key = key.key, .kind = kind, .loc = loc, .old_loc = fixture->locs[object]};
    apply(&fixture->world, &op, 1);
    assert_true(op.done);
}

static void evict(struct fixture *fixture, uint64_t object)
{
    apply_one(fixture, object, INDEX_REMOVE_IF, 0);
    change_slot(fixture, object, fixture->locs[object], 0);
    fixture->locs[object] = 0;
}

static void move(struct fixture *fixture, uint64_t object)
{
    pm_loc copy = append(&fixture->world, object, PMD_RECORD_FULL, object + 1, 0);

    apply_one(fixture, object, INDEX_SWITCH_IF, copy);
    change_slot(fixture, object, fixture->locs[object], copy);
    fixture->locs[object] = copy;
}

/* A writer finds the key (which a lookup brings in), or not, and publishes another record; the index comes later. */
static void publish(struct fixture *fixture, uint64_t object, enum pmd_record_kind kind)
{
    pm_loc loc = append(&fixture->world, object, kind, OBJECTS + object, 0);
    struct indexed_pool *world = &fixture->world;
    struct object_key key;
    struct hash_ref ref;

    object_key(world, &key, object);
    hash_index_lock(world->index, key.key.hash);
    if (hash_index_find(world->index, &key.key, &ref))
        hash_index_set(world->index, &ref, loc, 0, false);
    else
        assert_true(hash_index_insert(world->index, key.key.hash, loc, 0, false));
    hash_index_unlock(world->index, key.key.hash);
    fixture->locs[object] = loc;
}

/* As publish(), then indexed; a deleted key's slot goes once the index has forgotten the key. */
static void publish_indexed(struct fixture *fixture, uint64_t object, enum pmd_record_kind kind)
{
    publish(fixture, object, kind);
    apply_one(fixture, object, kind == PMD_RECORD_FULL ? INDEX_PUT : INDEX_FORGET, fixture->locs[object]);
    if (kind == PMD_RECORD_FULL)
        return;
    change_slot(fixture, object, fixture->locs[object], 0);
    fixture->locs[object] = 0;
}

static void change_one(struct fixture *fixture, uint64_t object, uint64_t what)
{
    if (fixture->locs[object] == 0)
        return;
    switch (what % 6) {
    case 0:
        evict(fixture, object);
        break;
    case 1:
        move(fixture, object);
        break;
    case 2:
        publish_indexed(fixture, object, PMD_RECORD_FULL);
        break;
    case 3:
        publish_indexed(fixture, object, PMD_RECORD_TOMBSTONE);
        break;
    case 4:
        publish(fixture, object, PMD_RECORD_TOMBSTONE);
        break;
    default:
        publish(fixture, object, PMD_RECORD_FULL);
    }
}

static void test_changes_between_steps(void **state)
{
    uint8_t *changed = calloc(OBJECTS, 1); /* once each: what is unindexed must not be moved or evicted */
    struct fixture fixture;
    uint64_t random = 1, object;

    (void)state;
    open_fixture(&fixture);
    start_fill(&fixture);
    do {
        for (int i = 0; i < 300; i++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            object = (random >> 33) % OBJECTS;
            if (changed[object]++ == 0)
                change_one(&fixture, object, random >> 20);
        }
    } while (heap_fill_step(&fixture.fill));
    run_to_end(&fixture);
    check_all(&fixture);
    free(changed);
    close_fixture(&fixture);
}

static void test_damage_stops_it(void **state)
{
    struct fixture fixture;
    struct pmd_leaf *head;

    (void)state;
    open_fixture(&fixture);
    head = (struct pmd_leaf *)pool_at(fixture.world.pool, pool_segment_off(fixture.world.pool, PM_SEGMENT_HEAD));
    head->used ^= 1;
    start_fill(&fixture);
    while (heap_fill_step(&fixture.fill)) /* the table is sized first */
        ;
    assert_false(fixture.fill.done);
    assert_int_equal(fixture.fill.status, PM_DAMAGED);
    assert_false(heap_fill_step(&fixture.fill));
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_filled),  cmocka_unit_test(test_an_empty_index_is_done_at_once),
        cmocka_unit_test(test_live_bytes),      cmocka_unit_test(test_changes_between_steps),
        cmocka_unit_test(test_damage_stops_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
