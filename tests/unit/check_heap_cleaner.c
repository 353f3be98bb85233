/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    What the cleaner does with a record that is not its key's newest: it stays while the index names it, whole or
 *         not at all, and is dead as soon as the index names the newer one. Cells in which nothing lives are passed over,
 *         but for tombstones. A segment that cannot be walked is kept.
 * METHOD  A segment is cleaned by hand, while the index writer stands still before or behind the newer record.
 */
#include <stdio.h>

#include "base/log.h"
#include "heap/cleaner_internal.h"
#include "persist/live.h"
#include "tests/support/object_fixture.h"

enum { FILLERS = 600, SURVIVORS = 8, DEAD = 10, SMALL = 100, STEPS_MAX = 3000 };

static uint32_t segment_of(const struct fixture *fixture, pm_loc loc)
{
    return pool_segment_of(fixture->heap->pool, loc * PM_UNIT);
}

static uint8_t state_of(const struct fixture *fixture, pm_loc loc)
{
    return fixture->heap->pool->segments[segment_of(fixture, loc)].state;
}

/* Writes other keys until the log has left the record's segment and the index covers all of it. */
static void fill_segment_of(struct fixture *fixture, pm_loc loc)
{
    for (int i = 0; state_of(fixture, loc) != PMD_SEGMENT_INDEXED; i++) {
        char text[16];

        assert_in_range(i, 0, FILLERS);
        snprintf(text, sizeof text, "f%d", i);
        put_named(fixture, text, NAMED_BYTES_MAX);
        settle_some(fixture);
    }
}

/* Overwrites object 1, and leaves the newer record above W. Returns the place of the older one, in a full segment. */
static pm_loc overwrite(struct fixture *fixture)
{
    pm_loc older;

    settle(fixture);
    older = indexed_loc(fixture, 1);
    fill_segment_of(fixture, older);
    settle(fixture);
    begin_turn(fixture);
    reserve(fixture, 1);
    assert_true(edit_put(fixture, 1, "newer"));
    end_turn(fixture);
    assert_int_equal(indexed_loc(fixture, 1), older);
    return older;
}

static void clean_segment_of(struct fixture *fixture, pm_loc loc)
{
    struct cleaner *cleaner = fixture->heap->cleaner;

    assert_false(cleaner->active);
    cleaner->active = true;
    cleaner->walked = cleaner->evicting = false;
    cleaner->victim = segment_of(fixture, loc);
    segment_walk_start(&cleaner->walk, fixture->heap->pool, cleaner->victim);
    while (cleaner->active)
        assert_true(cleaner_step(cleaner, fixture->now_us, NOW_MS));
}

/* How the record was looked at when its segment was cleaned; NULL: not at all. */
static const struct look *look_at(const struct fixture *fixture, pm_loc loc)
{
    const struct cleaner *cleaner = fixture->heap->cleaner;

    for (uint32_t i = 0; i < CHUNK; i++)
        if (cleaner->looks[i].loc == loc)
            return &cleaner->looks[i];
    return NULL;
}

/* Whether the slots told that the record is dead, when it was cleaned last. */
static bool was_superseded(const struct fixture *fixture, pm_loc loc)
{
    const struct look *look = look_at(fixture, loc);

    assert_non_null(look);
    return look->superseded;
}

static void expect_newer(struct fixture *fixture, uint64_t keys)
{
    begin_turn(fixture);
    assert_true(has(fixture, 1, "newer"));
    end_turn(fixture);
    assert_int_equal(key_count(fixture), keys);
    settle(fixture);
    reopen(fixture);
    begin_turn(fixture);
    for (int i = 0; i < OBJECTS; i++)
        assert_true(has(fixture, i, i == 1 ? "newer" : "value"));
    end_turn(fixture);
    assert_int_equal(key_count(fixture), keys);
}

/* A crash may lose the newer one as long as it is above W: the older one must be somewhere. */
static void test_moves_what_the_index_names(void **state)
{
    struct fixture fixture;
    uint64_t keys;
    pm_loc older;

    (void)state;
    begin(&fixture, true);
    older = overwrite(&fixture);
    keys = key_count(&fixture);
    clean_segment_of(&fixture, older);
    assert_false(was_superseded(&fixture, older));
    assert_int_not_equal(indexed_loc(&fixture, 1), older);
    assert_int_equal(state_of(&fixture, indexed_loc(&fixture, 1)), PMD_SEGMENT_SURVIVOR);
    assert_true(record_is_whole(fixture.heap->pool, indexed_loc(&fixture, 1)));
    expect_newer(&fixture, keys);
    end(&fixture);
}

/* The newer one knows the place of the older one's entry, but that names the copy by now; the copy knows it as well. */
static void test_moves_what_has_a_place(void **state)
{
    struct fixture fixture;
    uint32_t place;
    uint64_t keys;
    pm_loc older;

    (void)state;
    begin(&fixture, true);
    for (int i = 0; i < 2; i++) {
        settle(&fixture);
        begin_turn(&fixture);
        reserve(&fixture, 1);
        assert_true(edit_put(&fixture, 1, "older"));
        end_turn(&fixture);
    }
    older = overwrite(&fixture);
    place = record_place(record_at(fixture.heap->pool, older));
    assert_int_not_equal(place, 0);
    keys = key_count(&fixture);
    clean_segment_of(&fixture, older);
    assert_int_not_equal(indexed_loc(&fixture, 1), older);
    assert_int_equal(record_place(record_at(fixture.heap->pool, indexed_loc(&fixture, 1))), place);
    assert_true(record_is_whole(fixture.heap->pool, indexed_loc(&fixture, 1)));
    settle(&fixture);
    assert_true(record_is_whole(fixture.heap->pool, indexed_loc(&fixture, 1)));
    assert_int_equal(skiplist_check(fixture.heap->skiplist), PM_OK);
    expect_newer(&fixture, keys);
    end(&fixture);
}

static void put_all(struct fixture *fixture)
{
    begin_turn(fixture);
    for (int i = 0; i < OBJECTS; i++) {
        reserve(fixture, 1);
        assert_true(edit_put(fixture, i, "value"));
    }
    end_turn(fixture);
    settle(fixture);
}

/* The index and the slot name a whole copy. */
static void expect_moved(const struct fixture *fixture, int object)
{
    struct index_key key = key_of(fixture, object);
    pm_loc loc = indexed_loc(fixture, object);
    struct hash_ref ref;

    assert_int_equal(state_of(fixture, loc), PMD_SEGMENT_SURVIVOR);
    assert_true(record_is_whole(fixture->heap->pool, loc));
    assert_true(hash_index_find(fixture->heap->index, &key, &ref));
    assert_int_equal(hash_slot_loc(ref.word), loc);
}

/* A place is a hint: that of another key's entry, of none that there is, or none at all. */
static void test_moves_what_has_an_old_place(void **state)
{
    struct fixture fixture;
    uint32_t places[OBJECTS];
    uint64_t keys;

    (void)state;
    begin(&fixture, true);
    for (int i = 0; i < 3; i++)
        put_all(&fixture);
    for (int i = 0; i < OBJECTS; i++)
        places[i] = record_place(record_at(fixture.heap->pool, indexed_loc(&fixture, i)));
    fill_segment_of(&fixture, indexed_loc(&fixture, 1));
    settle(&fixture);
    places[2] = places[1];
    places[3] = UINT32_MAX;
    places[4] = 0;
    for (int i = 0; i < OBJECTS; i++)
        record_set_place(fixture.heap->pool, index_writer_context(fixture.heap->index_writer), indexed_loc(&fixture, i),
                         places[i]);
    keys = key_count(&fixture);
    clean_segment_of(&fixture, indexed_loc(&fixture, 1));
    for (int i = 0; i < OBJECTS; i++)
        expect_moved(&fixture, i);
    assert_int_equal(skiplist_check(fixture.heap->skiplist), PM_OK);
    begin_turn(&fixture);
    reserve(&fixture, 1);
    assert_true(edit_put(&fixture, 1, "newer"));
    end_turn(&fixture);
    expect_newer(&fixture, keys);
    end(&fixture);
}

static void test_drops_what_the_index_names_and_is_damaged(void **state)
{
    struct fixture fixture;
    uint64_t keys;
    pm_loc older;

    (void)state;
    begin(&fixture, true);
    older = overwrite(&fixture);
    keys = key_count(&fixture);
    damage(&fixture, 1);
    clean_segment_of(&fixture, older);
    assert_int_equal(indexed_loc(&fixture, 1), 0);
    assert_int_equal(damaged_count(&fixture), 1);
    expect_newer(&fixture, keys);
    end(&fixture);
}

/* Behind W the older one is dead: it is told by the newer one's cts, or by its segment once that lies below W. */
static void test_leaves_what_is_superseded(void **state)
{
    for (int full = 0; full < 2; full++) {
        struct fixture fixture;
        pm_loc older, newer;
        uint64_t keys;

        (void)state;
        begin(&fixture, true);
        older = overwrite(&fixture);
        settle(&fixture);
        newer = indexed_loc(&fixture, 1);
        assert_int_not_equal(newer, older);
        if (full) {
            fill_segment_of(&fixture, newer);
            settle(&fixture);
        }
        keys = key_count(&fixture);
        clean_segment_of(&fixture, older);
        assert_int_equal(was_superseded(&fixture, older), full);
        assert_int_equal(indexed_loc(&fixture, 1), newer);
        expect_newer(&fixture, keys);
        end(&fixture);
    }
}

/* Behind a damaged header the cleaner finds no records: it must not free them. */
static void test_keeps_what_it_cannot_walk(void **state)
{
    struct fixture fixture;
    struct record_view view;
    struct index_key key;
    char text[16];
    pm_loc loc;

    (void)state;
    begin(&fixture, true);
    put_named(&fixture, "victim", 100);
    for (int i = 0; i < SURVIVORS; i++) {
        snprintf(text, sizeof text, "s%d", i);
        put_named(&fixture, text, NAMED_BYTES_MAX);
    }
    settle(&fixture);
    key = key_named(&fixture, "victim");
    assert_int_equal(skiplist_writer_lookup(fixture.heap->skiplist, &key, &loc), PM_OK);
    assert_true(record_view_at(fixture.heap->pool, loc, &view));
    ((struct pmd_record *)(uintptr_t)view.header)->value_len = UINT32_MAX;
    for (int i = 0; i < 3 * FILLERS; i++) { /* all over the pool: soon that segment is the emptiest */
        snprintf(text, sizeof text, "f%u", (uint32_t)i * UINT32_C(2654435761) % (1 << 20) % FILLERS);
        put_named(&fixture, text, NAMED_BYTES_MAX);
        settle_some(&fixture);
    }
    assert_int_equal(damaged_count(&fixture), 1); /* it is chosen once */
    begin_turn(&fixture);
    for (int i = 0; i < SURVIVORS; i++) {
        struct object object;

        snprintf(text, sizeof text, "s%d", i);
        key = key_named(&fixture, text);
        assert_true(heap_get(fixture.worker, &key, &object));
    }
    end_turn(&fixture);
    end(&fixture);
}

static pm_loc loc_named(const struct fixture *fixture, const char *text)
{
    struct index_key key = key_named(fixture, text);
    pm_loc loc = 0;

    assert_int_equal(skiplist_writer_lookup(fixture->heap->skiplist, &key, &loc), PM_OK);
    return loc;
}

static void put_dead(struct fixture *fixture)
{
    for (int i = 0; i < DEAD; i++) {
        char text[16];

        snprintf(text, sizeof text, "d%d", i);
        put_named(fixture, text, NAMED_BYTES_MAX);
    }
}

/* In what was filled in this run, cells without a live record are passed over; what lives behind them is found. */
static void test_passes_over_dead_cells(void **state)
{
    struct fixture fixture;
    pm_loc dead, living;
    uint64_t keys;

    (void)state;
    begin(&fixture, true);
    put_dead(&fixture);
    put_named(&fixture, "living", 1);
    settle(&fixture);
    dead = loc_named(&fixture, "d0");
    living = loc_named(&fixture, "living");
    assert_int_equal(segment_of(&fixture, dead), segment_of(&fixture, living));
    fill_segment_of(&fixture, living);
    put_dead(&fixture);
    settle(&fixture);
    keys = key_count(&fixture);
    clean_segment_of(&fixture, living);
    assert_null(look_at(&fixture, dead));
    assert_non_null(look_at(&fixture, living));
    assert_int_equal(state_of(&fixture, loc_named(&fixture, "living")), PMD_SEGMENT_SURVIVOR);
    assert_int_equal(key_count(&fixture), keys);
    end(&fixture);
}

/* More of them than a cell can count, of which one lives on. */
static void test_finds_what_lives_among_small_ones(void **state)
{
    struct fixture fixture;
    char text[16];
    pm_loc first = 0, last = 0;

    (void)state;
    begin(&fixture, true);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < SMALL - round; i++) {
            snprintf(text, sizeof text, "t%02d", i);
            put_named(&fixture, text, 0);
        }
        settle(&fixture);
        if (round == 0) {
            first = loc_named(&fixture, "t00");
            last = loc_named(&fixture, text);
        }
    }
    assert_int_equal(segment_of(&fixture, first), segment_of(&fixture, last));
    snprintf(text, sizeof text, "t%02d", SMALL - 1);
    fill_segment_of(&fixture, last);
    settle(&fixture);
    assert_int_equal(loc_named(&fixture, text), last);
    clean_segment_of(&fixture, last);
    assert_int_equal(state_of(&fixture, loc_named(&fixture, text)), PMD_SEGMENT_SURVIVOR);
    end(&fixture);
}

/* Steps until the cut that takes the segment has been applied; the pin keeps its tombstones from being forgotten. */
static void index_under_pin(struct fixture *fixture, pm_loc loc, struct epoch_pin *pin)
{
    for (int i = 0; !index_writer_is_cutting(fixture->heap->index_writer); i++) {
        assert_in_range(i, 0, STEPS_MAX);
        (void)heap_maintain_step(fixture->heap, fixture->now_us += 100);
    }
    epoch_enter(fixture->heap->epochs, pin);
    for (int i = 0; state_of(fixture, loc) != PMD_SEGMENT_INDEXED; i++) {
        assert_in_range(i, 0, STEPS_MAX);
        (void)heap_maintain_step(fixture->heap, fixture->now_us += 100);
    }
}

/* A tombstone lives in no cell, but as long as its slot is there it must be looked at. */
static void test_forgets_tombstones_of_dead_cells(void **state)
{
    struct fixture fixture;
    struct epoch_pin *pin;
    struct index_key key;
    struct hash_ref ref;
    uint32_t segment;

    (void)state;
    begin(&fixture, true);
    settle(&fixture);
    pin = epoch_pin_new(fixture.heap->epochs);
    assert_non_null(pin);
    key = key_of(&fixture, 2);
    begin_turn(&fixture);
    reserve(&fixture, 1);
    assert_true(edit_delete(&fixture, 2));
    end_turn(&fixture);
    assert_true(hash_index_find(fixture.heap->index, &key, &ref));
    segment = segment_of(&fixture, hash_slot_loc(ref.word));
    for (int i = 0; i < DEAD / 2; i++) /* nothing in the tombstone's cell lives, and the log leaves its segment */
        put_dead(&fixture);
    index_under_pin(&fixture, hash_slot_loc(ref.word), pin);
    assert_int_equal(fixture.heap->pool->segments[segment].tombstones, 1);
    assert_true(live_is_none_at(fixture.heap->pool, hash_slot_loc(ref.word)));
    clean_segment_of(&fixture, hash_slot_loc(ref.word));
    assert_false(hash_index_find(fixture.heap->index, &key, &ref));
    epoch_leave(pin);
    settle(&fixture);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves_what_the_index_names),
        cmocka_unit_test(test_moves_what_has_a_place),
        cmocka_unit_test(test_moves_what_has_an_old_place),
        cmocka_unit_test(test_drops_what_the_index_names_and_is_damaged),
        cmocka_unit_test(test_leaves_what_is_superseded),
        cmocka_unit_test(test_keeps_what_it_cannot_walk),
        cmocka_unit_test(test_passes_over_dead_cells),
        cmocka_unit_test(test_finds_what_lives_among_small_ones),
        cmocka_unit_test(test_forgets_tombstones_of_dead_cells),
    };

    (void)!log_output_open("/dev/null"); /* errors are what is asked for */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
