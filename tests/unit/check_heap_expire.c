/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    The expiry sweep finds every object whose time has come, and no other; at its pace, and not at all while
 *         nothing can expire.
 * METHOD  Objects of all sorts over the simulated backing; ticks of a clock that the test moves; requests are carried
 *         out as the cleaner does it.
 */
#include "tests/unit/check.h"

#include <stdlib.h>

#include "heap/expire.h"
#include "persist/pm_sim.h"
#include "tests/support/indexed_pool.h"

enum { OBJECTS = 20000, POOL_BYTES = 32 << 20, SEGMENT_BITS = 16, OPS = 256, TICK_US = 10000, NOW_MS = 1000000 };

#define W UINT64_C(5)

enum sort {
    SORT_NO_EXPIRY,
    SORT_LATER,
    SORT_EXPIRED,
    SORT_ABOVE_W,
    SORT_MARKED,
    SORT_DAMAGED,
    SORT_TOMBSTONE,
    SORT_COUNT
};

struct fixture {
    struct indexed_pool world;
    struct expire expire;
    struct expire_tick tick;
    uint8_t *collected;
};

static void lay(struct fixture *fixture, uint64_t object)
{
    enum sort sort = (enum sort)(object % SORT_COUNT);
    uint64_t expire_at_ms = sort == SORT_NO_EXPIRY ? 0 : sort == SORT_LATER ? NOW_MS + 1 : NOW_MS;
    uint64_t cts = cts_make(sort == SORT_ABOVE_W ? W + 1 : W, 1, 0);
    struct indexed_pool *world = &fixture->world;
    struct object_key key;
    struct index_op op;
    pm_loc loc;

    loc = append(world, object, sort == SORT_TOMBSTONE ? PMD_RECORD_TOMBSTONE : PMD_RECORD_FULL, cts, expire_at_ms);
    if (sort == SORT_DAMAGED)
        pool_at(world->pool, loc * PM_UNIT)[sizeof(struct pmd_record) + 8 + OBJECT_KEY_LEN - 1] ^= 1;
    object_key(world, &key, object);
    op = put_op(&key, loc);
    hash_index_lock(world->index, key.key.hash);
    assert_true(hash_index_insert(world->index, key.key.hash, loc, 0, sort == SORT_MARKED));
    hash_index_unlock(world->index, key.key.hash);
    if (sort == SORT_EXPIRED)
        apply(world, &op, 1);
}

static void open_fixture(struct fixture *fixture)
{
    struct pm *pm;

    *fixture = (struct fixture){.collected = calloc(OBJECTS, 1)};
    fixture->tick = (struct expire_tick){.now_us = 1, .now_ms = NOW_MS, .w = W, .expires = 1};
    assert_int_equal(pm_sim_open(&pm, POOL_BYTES, PM_SIM_LINES), PM_OK);
    indexed_pool_open(&fixture->world, pm, SEGMENT_BITS);
    for (uint64_t i = 0; i < OBJECTS; i++)
        lay(fixture, i);
    expire_init(&fixture->expire, fixture->world.pool, fixture->world.index);
}

static void close_fixture(struct fixture *fixture)
{
    indexed_pool_close(&fixture->world);
    free(fixture->collected);
}

static void drop_slot(struct fixture *fixture, const struct index_op *op)
{
    struct hash_index *index = fixture->world.index;
    struct hash_ref ref;

    hash_index_lock(index, op->key.hash);
    assert_true(hash_index_find_loc(index, op->key.hash, op->old_loc, &ref));
    hash_index_remove(index, op->key.hash, &ref);
    hash_index_unlock(index, op->key.hash);
}

static uint64_t object_of(const struct index_key *key)
{
    char digits[10] = {0};

    memcpy(digits, key->data + key->len - 9, 9);
    return strtoull(digits, NULL, 10);
}

static uint32_t step(struct fixture *fixture)
{
    struct index_op ops[OPS];
    uint32_t count;

    fixture->tick.now_us += TICK_US;
    epoch_enter(&fixture->world.epochs, fixture->world.pin);
    count = expire_collect(&fixture->expire, &fixture->tick, ops, OPS);
    apply(&fixture->world, ops, count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t object = object_of(&ops[i].key);

        assert_true(ops[i].done);
        assert_int_equal(fixture->collected[object]++, 0);
        drop_slot(fixture, &ops[i]);
    }
    epoch_leave(fixture->world.pin);
    return count;
}

static void test_finds_what_has_expired(void **state)
{
    struct fixture fixture;
    uint64_t steps = 0;

    (void)state;
    open_fixture(&fixture);
    while (fixture.expire.passes < 2) {
        step(&fixture);
        assert_true(++steps < 100 * 60 * 2); /* two passes in two minutes, slow as it may be */
    }
    for (uint64_t i = 0; i < OBJECTS; i++)
        assert_int_equal(fixture.collected[i], i % SORT_COUNT == SORT_EXPIRED);
    close_fixture(&fixture);
}

static void test_later_ones_come_later(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    while (fixture.expire.passes < 1)
        step(&fixture);
    fixture.tick.now_ms++;
    fixture.tick.w++;
    while (fixture.expire.passes < 3) {
        struct index_op ops[OPS];
        uint32_t count;

        fixture.tick.now_us += TICK_US;
        count = expire_collect(&fixture.expire, &fixture.tick, ops, OPS);
        for (uint32_t i = 0; i < count; i++)
            drop_slot(&fixture, &ops[i]);
    }
    /* Expired before, expiring now, and above W before. */
    assert_int_equal(fixture.expire.found, OBJECTS / SORT_COUNT * 3 + (OBJECTS % SORT_COUNT > SORT_LATER) +
                                               (OBJECTS % SORT_COUNT > SORT_EXPIRED) +
                                               (OBJECTS % SORT_COUNT > SORT_ABOVE_W));
    close_fixture(&fixture);
}

static void test_pace(void **state)
{
    struct hash_index_stats stats;
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    hash_index_stats(fixture.world.index, &stats);
    fixture.tick.expires = 0;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(step(&fixture), 0);
    assert_int_equal(fixture.expire.looked_at, 0); /* nothing can expire: nothing is read */
    fixture.tick.expires = 1;
    for (int i = 0; i < 100; i++)
        step(&fixture);
    /* One second: 1,000 buckets at least, four times as many if it pays. */
    assert_in_range(fixture.expire.looked_at, stats.slots_used * 900 / stats.buckets,
                    stats.slots_used * 4200 / stats.buckets);
    close_fixture(&fixture);
}

/* Calls as far apart as they may be sweep a large table as fast as calls that lie close together. */
static void test_pauses(void **state)
{
    enum { MANY = 3000000 };
    struct index_op ops[EXPIRE_OPS_MIN];
    struct hash_index_stats stats;
    struct fixture fixture;
    uint64_t began_us;

    (void)state;
    open_fixture(&fixture);
    assert_true(expire_pause_us(&fixture.expire) > 1000000);
    fixture.tick.expires = 0;
    step(&fixture);
    assert_int_equal(expire_pause_us(&fixture.expire), UINT64_MAX);
    hash_index_close(fixture.world.index);
    assert_true(hash_index_open(&fixture.world.index, fixture.world.pool, MANY, MANY));
    while (hash_index_presize(fixture.world.index))
        ;
    hash_index_stats(fixture.world.index, &stats);
    assert_true(stats.buckets > MANY / 10);
    expire_init(&fixture.expire, fixture.world.pool, fixture.world.index);
    fixture.tick.expires = 1;
    fixture.expire.last_us = began_us = fixture.tick.now_us;
    assert_in_range(expire_pause_us(&fixture.expire), TICK_US, 10 * TICK_US);
    while (fixture.expire.passes < 1) {
        fixture.tick.now_us += expire_pause_us(&fixture.expire);
        (void)expire_collect(&fixture.expire, &fixture.tick, ops, EXPIRE_OPS_MIN);
    }
    assert_in_range(fixture.tick.now_us - began_us, 19000000, 21000000);
    close_fixture(&fixture);
}

static void test_no_room_is_no_loss(void **state)
{
    struct index_op ops[EXPIRE_OPS_MIN];
    struct fixture fixture;
    uint64_t found = 0;

    (void)state;
    open_fixture(&fixture);
    while (fixture.expire.passes < 3) {
        uint32_t count;

        fixture.tick.now_us += TICK_US;
        count = expire_collect(&fixture.expire, &fixture.tick, ops, EXPIRE_OPS_MIN);
        found += count;
        for (uint32_t i = 0; i < count; i++)
            drop_slot(&fixture, &ops[i]);
    }
    assert_int_equal(found, OBJECTS / SORT_COUNT + (OBJECTS % SORT_COUNT > SORT_EXPIRED));
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_what_has_expired),
        cmocka_unit_test(test_later_ones_come_later),
        cmocka_unit_test(test_pace),
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_no_room_is_no_loss),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
