/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A heap of one worker over the simulated backing, with ten objects that nobody has read since it was opened; what the
 * test wants damaged is damaged by hand.
 */
#ifndef HEARTH_TESTS_SUPPORT_OBJECT_FIXTURE_H
#define HEARTH_TESTS_SUPPORT_OBJECT_FIXTURE_H

#include "base/clock.h"
#include "heap/heap_internal.h"
#include "persist/pm_sim.h"
#include "tests/unit/check.h"

enum { SEGMENTS = 32, SEGMENT_BITS = 16, NOW_MS = 1000000, SETTLE_STEPS = 3000, TAIL_RECORDS = 100, OBJECTS = 10 };

struct fixture {
    struct pm *pm;
    struct heap *heap;
    struct heap_worker *worker;
    uint64_t now_us;
};

static inline void open_heap(struct fixture *fixture, bool fill)
{
    const struct heap_options options = {.pool_bytes = (uint64_t)SEGMENTS << SEGMENT_BITS,
                                         .segment_bits = SEGMENT_BITS,
                                         .workers = 1,
                                         .durability = HEAP_DURABILITY_POWER,
                                         .eviction = HEAP_EVICTION_NONE,
                                         .sync_interval_ms = 1,
                                         .tail_records = TAIL_RECORDS,
                                         .pm = fixture->pm};

    assert_int_equal(heap_open(&fixture->heap, &options), PM_OK);
    fixture->worker = heap_worker(fixture->heap, 0);
    while (fill && heap_fill_run_step(fixture->heap))
        ;
    for (int i = 0; i < 6; i++) /* segments are made ready */
        (void)heap_maintain_step(fixture->heap, fixture->now_us += 100);
}

static inline void settle(struct fixture *fixture)
{
    for (int i = 0; i < SETTLE_STEPS; i++)
        (void)heap_maintain_step(fixture->heap, fixture->now_us += 2000);
}

static inline void begin_turn(struct fixture *fixture)
{
    heap_turn_begin(fixture->worker, NOW_MS);
}

static inline void end_turn(struct fixture *fixture)
{
    uint64_t wait_epoch;

    assert_int_equal(heap_turn_end(fixture->worker, &wait_epoch), PM_OK);
}

static inline void settle_some(struct fixture *fixture)
{
    for (int i = 0; i < 20; i++)
        (void)heap_maintain_step(fixture->heap, fixture->now_us += 2000);
}

/* ---- keys: "k0" to "k9" ---- */

static inline struct index_key key_of(const struct fixture *fixture, int object)
{
    static const char texts[OBJECTS][3] = {"k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9"};
    struct index_key key;

    heap_key(fixture->heap, &key, 0, texts[object], 2);
    return key;
}

static inline void reserve(struct fixture *fixture, uint32_t records)
{
    assert_int_equal(heap_reserve(fixture->worker, records * heap_bytes(2, 16), records, false), HEAP_RESERVED);
}

/* Returns whether the key was found. */
static inline bool edit_put(struct fixture *fixture, int object, const char *value)
{
    struct log_part part = {value, strlen(value)};
    struct heap_put what = {.parts = &part, .part_count = 1};
    struct index_key key = key_of(fixture, object);
    struct heap_edit edit;

    heap_edit_begin(fixture->worker, &key, &edit);
    heap_edit_put(&edit, &what);
    heap_edit_end(&edit);
    return edit.found;
}

static inline bool edit_delete(struct fixture *fixture, int object)
{
    struct index_key key = key_of(fixture, object);
    struct heap_edit edit;

    heap_edit_begin(fixture->worker, &key, &edit);
    heap_edit_delete(&edit);
    heap_edit_end(&edit);
    return edit.found;
}

static inline bool has(struct fixture *fixture, int object, const char *value)
{
    struct index_key key = key_of(fixture, object);
    struct object found;

    return heap_get(fixture->worker, &key, &found) && found.value_len == strlen(value) &&
           memcmp(found.value, value, found.value_len) == 0;
}

static inline uint64_t key_count(const struct fixture *fixture)
{
    uint64_t keys, expires;

    heap_count(fixture->heap, 0, &keys, &expires);
    return keys;
}

static inline uint64_t damaged_count(struct fixture *fixture)
{
    struct heap_stats stats;

    heap_stats(fixture->heap, &stats);
    return stats.damaged_records;
}

static inline bool is_unverified(const struct fixture *fixture, int object)
{
    struct index_key key = key_of(fixture, object);
    struct hash_ref ref;

    return hash_index_find(fixture->heap->index, &key, &ref) && (ref.word & HASH_SLOT_UNVERIFIED);
}

static inline pm_loc indexed_loc(const struct fixture *fixture, int object)
{
    struct index_key key = key_of(fixture, object);
    pm_loc loc = 0;

    assert_int_equal(skiplist_writer_lookup(fixture->heap->skiplist, &key, &loc), PM_OK);
    return loc;
}

/* ---- a pool with objects that nobody has read since it was opened, of which some are damaged ---- */

static inline void damage(struct fixture *fixture, int object)
{
    struct record_view view;

    assert_true(record_view_at(fixture->heap->pool, indexed_loc(fixture, object), &view));
    ((uint8_t *)fixture->pm->base)[view.value - fixture->pm->base] ^= 4;
}

static inline void damage_header(struct fixture *fixture, int object)
{
    struct pmd_record *record = pm_at(fixture->pm, indexed_loc(fixture, object) * PM_UNIT);

    record->value_len = UINT32_MAX;
}

static inline void begin(struct fixture *fixture, bool fill)
{
    *fixture = (struct fixture){.now_us = 0};
    clock_test_set_wall_ms(NOW_MS);
    assert_int_equal(pm_sim_open(&fixture->pm, (size_t)SEGMENTS << SEGMENT_BITS, PM_SIM_LINES), PM_OK);
    pm_sim_keep(fixture->pm);
    open_heap(fixture, true);
    begin_turn(fixture);
    for (int i = 0; i < OBJECTS; i++) {
        reserve(fixture, 1);
        edit_put(fixture, i, "value");
    }
    end_turn(fixture);
    heap_close(fixture->heap);
    open_heap(fixture, fill);
}

static inline void end(struct fixture *fixture)
{
    heap_close(fixture->heap);
    pm_sim_free(fixture->pm);
}

static inline void reopen(struct fixture *fixture)
{
    heap_close(fixture->heap);
    open_heap(fixture, true);
}

/* ---- other keys ---- */

enum { NAMED_BYTES_MAX = 1500 };

static inline struct index_key key_named(const struct fixture *fixture, const char *text)
{
    struct index_key key;

    heap_key(fixture->heap, &key, 0, text, strlen(text));
    return key;
}

/* One turn, after as much maintenance as it takes to find room. */
static inline void put_named(struct fixture *fixture, const char *text, size_t value_bytes)
{
    static const char value[NAMED_BYTES_MAX];
    struct log_part part = {value, value_bytes};
    struct heap_put what = {.parts = &part, .part_count = 1};
    struct index_key key = key_named(fixture, text);
    struct heap_edit edit;

    begin_turn(fixture);
    while (heap_reserve(fixture->worker, heap_bytes(8, NAMED_BYTES_MAX), 1, false) != HEAP_RESERVED) {
        end_turn(fixture);
        settle(fixture);
        begin_turn(fixture);
    }
    heap_edit_begin(fixture->worker, &key, &edit);
    heap_edit_put(&edit, &what);
    heap_edit_end(&edit);
    end_turn(fixture);
}

#endif
