/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    The hash index keeps what it is given, at the price it promises, through growth, overflow and shrinking.
 * METHOD  Random operations beside a plain array as model, over records laid by hand; every invariant that can be told
 *         from the table is checked after them. Hashes are forced to collide where overflow and equal tags are the
 *         subject. What threads do to it: check_heap_hash_index_threads.c; walks over it:
 *         check_heap_hash_index_scan.c.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/hash_fixture.h"

/* ---- the model ---- */

struct model {
    bool present, mark;
    uint8_t version, frequency;
};

static void change(struct fixture *fixture, struct model *model, uint64_t object, uint64_t random, struct hash_ref *ref)
{
    uint64_t hash = fixture->hash(object);

    switch (random % 5) {
    case 0:
    case 1:
        remove_object(fixture, object);
        model->present = false;
        return;
    case 2:
        hash_index_touch(ref);
        model->frequency += model->frequency < HASH_FREQUENCY_MAX;
        return;
    case 3:
        hash_index_lock(fixture->index, hash);
        model->mark = !model->mark;
        hash_index_set_mark(fixture->index, ref, model->mark);
        hash_index_unlock(fixture->index, hash);
        return;
    default:
        model->version = random >> 8 & 3;
        model->frequency = random >> 10 & 3;
        model->mark = random >> 12 & 1;
        hash_index_lock(fixture->index, hash);
        hash_index_set(fixture->index, ref, fake_loc(&fixture->fake, object, model->version), model->frequency,
                       model->mark);
        hash_index_unlock(fixture->index, hash);
    }
}

static void check_object(struct fixture *fixture, const struct model *model, uint64_t object)
{
    struct hash_ref ref;
    uint64_t word = 0;

    assert_int_equal(find(fixture, object, &ref), model->present);
    if (!model->present)
        return;
    if (hash_index_words(fixture->index, fixture->hash(object), &word, 1) == 1)
        assert_int_equal(word, ref.word);
    else
        assert_int_not_equal(word, 0); /* of another object whose hash is as good as equal */
    assert_int_equal(hash_slot_loc(ref.word), fake_loc(&fixture->fake, object, model->version));
    assert_int_equal(hash_slot_frequency(ref.word), model->frequency);
    assert_int_equal((ref.word & HASH_SLOT_MARK) != 0, model->mark);
}

static void run_model(uint64_t objects, uint64_t steps, uint64_t (*hash)(uint64_t object))
{
    struct model *models = calloc(objects, sizeof *models);
    struct fixture fixture;
    uint64_t random = objects;

    open_fixture(&fixture, objects, 0, hash);
    for (uint64_t i = 0; i < steps; i++) {
        uint64_t object = (random = fake_mix(random + i)) % objects;
        struct hash_ref ref;

        check_object(&fixture, &models[object], object);
        if (find(&fixture, object, &ref)) {
            change(&fixture, &models[object], object, random >> 40, &ref);
        } else {
            assert_true(insert(&fixture, object));
            models[object] = (struct model){.present = true};
        }
        check_object(&fixture, &models[object], object);
        if (i % (steps / 8) == 0)
            check_invariants(&fixture);
    }
    for (uint64_t i = 0; i < objects; i++)
        check_object(&fixture, &models[i], i);
    check_invariants(&fixture);
    close_fixture(&fixture);
    free(models);
}

/* 16 buckets, chains of dozens of units. */
static uint64_t crowded_hash(uint64_t object)
{
    return fake_mix(object) & ~UINT64_C(0x3ff0);
}

static uint64_t equal_hash(uint64_t object)
{
    (void)object;
    return UINT64_C(0x123456789a);
}

static void test_model(void **state)
{
    (void)state;
    run_model(200000, 500000, fake_mix);
}

static void test_model_with_long_chains(void **state)
{
    (void)state;
    run_model(2000, 200000, crowded_hash);
}

static void test_model_with_equal_hashes(void **state)
{
    (void)state;
    run_model(100, 50000, equal_hash);
}

/* ---- single properties ---- */

static void test_refs_outlive_inserts(void **state)
{
    struct hash_ref refs[BUCKET_WORDS], ref;
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, 100, 0, equal_hash);
    for (uint64_t i = 0; i < BUCKET_WORDS; i++)
        assert_true(insert(&fixture, i));
    for (uint64_t i = 0; i < BUCKET_WORDS; i++)
        assert_true(find(&fixture, i, &refs[i]));
    for (uint64_t i = BUCKET_WORDS; i < 100; i++)
        assert_true(insert(&fixture, i));
    for (uint64_t i = 0; i < BUCKET_WORDS; i++) {
        hash_index_set_mark(fixture.index, &refs[i], true);
        hash_index_set(fixture.index, &refs[i], fake_loc(&fixture.fake, i, 1), 2, false);
        assert_true(find(&fixture, i, &ref));
        assert_int_equal(hash_slot_loc(ref.word), fake_loc(&fixture.fake, i, 1));
    }
    close_fixture(&fixture);
}

/* Also longer than a scan sees. */
static void test_long_chains_give_back(void **state)
{
    enum { LONG = CHAIN_SLOTS_MAX + 100 };
    struct fixture fixture;
    struct hash_ref ref;

    (void)state;
    open_fixture(&fixture, LONG, 0, equal_hash);
    for (uint64_t i = 0; i < LONG; i++)
        assert_true(insert(&fixture, i));
    assert_true(find(&fixture, LONG - 1, &ref));
    check_invariants(&fixture);
    for (uint64_t i = 0; i < LONG; i++)
        remove_object(&fixture, i * 7 % LONG);
    assert_int_equal(stats_of(&fixture).overflow_buckets, 0);
    assert_int_equal(stats_of(&fixture).slots_used, 0);
    close_fixture(&fixture);
}
_Static_assert((CHAIN_SLOTS_MAX + 100) % 7 != 0, "7 steps through all");

/* What is reserved can be inserted, whoever else takes units meanwhile, and no more is promised than there is. */
static void test_reservations(void **state)
{
    enum { OWNERS = 3, EACH = 500, OBJECTS = OWNERS * EACH };
    struct fixture fixture;
    uint32_t held[OWNERS] = {0}, late = 0;
    uint64_t filled = 0;
    bool ok = true;

    (void)state;
    open_fixture(&fixture, 2 * OBJECTS, 0, equal_hash);
    fixture.index->units_max = OBJECTS + UNITS_SPARE + 100;
    for (int i = 0; i < OWNERS; i++)
        assert_true(hash_index_reserve(fixture.index, &held[i], EACH));
    assert_false(hash_index_reserve(fixture.index, &late, 200));
    assert_int_equal(late, 0);
    hash_index_lock(fixture.index, equal_hash(0));
    while (filled < OBJECTS &&
           hash_index_fill(fixture.index, equal_hash(0), fake_loc(&fixture.fake, OBJECTS + filled, 0), false, &ok))
        filled++;
    hash_index_unlock(fixture.index, equal_hash(0));
    assert_false(ok);
    assert_true(filled > 200 && filled < 400);
    for (uint64_t i = 0; i < OBJECTS; i++)
        assert_true(insert(&fixture, i));
    assert_false(hash_index_reserve(fixture.index, &held[0], EACH)); /* it has had its share */
    for (uint64_t i = 0; i < OBJECTS; i++)
        remove_object(&fixture, i);
    assert_true(hash_index_reserve(fixture.index, &held[0], EACH));
    close_fixture(&fixture);
}

static void test_find_by_location(void **state)
{
    struct fixture fixture;
    struct hash_ref ref;

    (void)state;
    open_fixture(&fixture, 100, 0, equal_hash);
    for (uint64_t i = 0; i < 50; i++)
        assert_true(insert(&fixture, i));
    assert_true(hash_index_find_loc(fixture.index, equal_hash(0), fake_loc(&fixture.fake, 49, 0), &ref));
    assert_int_equal(hash_slot_loc(ref.word), fake_loc(&fixture.fake, 49, 0));
    assert_false(hash_index_find_loc(fixture.index, equal_hash(0), fake_loc(&fixture.fake, 49, 1), &ref));
    assert_false(hash_index_find_loc(fixture.index, equal_hash(0), fake_loc(&fixture.fake, 50, 0), &ref));
    close_fixture(&fixture);
}

static void test_words_of_a_hash(void **state)
{
    enum { OBJECTS = 50, ROOM = 60 };
    struct fixture fixture;
    uint64_t words[ROOM] = {0}, seen = 0;

    (void)state;
    open_fixture(&fixture, 100, 0, equal_hash);
    assert_int_equal(hash_index_words(fixture.index, equal_hash(0), words, ROOM), 0);
    for (uint64_t i = 0; i < OBJECTS; i++)
        assert_true(insert(&fixture, i));
    assert_int_equal(hash_index_words(fixture.index, equal_hash(0), words, 3), OBJECTS);
    assert_int_equal(words[3], 0);
    assert_int_equal(hash_index_words(fixture.index, equal_hash(0), words, ROOM), OBJECTS);
    for (uint64_t i = 0; i < OBJECTS; i++)
        for (uint64_t object = 0; object < OBJECTS; object++)
            if (hash_slot_loc(words[i]) == fake_loc(&fixture.fake, object, 0))
                seen |= UINT64_C(1) << object;
    assert_int_equal(seen, (UINT64_C(1) << OBJECTS) - 1);
    assert_int_equal(hash_index_words(fixture.index, equal_hash(0) ^ UINT64_C(1) << 30, words, ROOM), 0);
    close_fixture(&fixture);
}

static void test_fill_keeps_what_is_there(void **state)
{
    struct fixture fixture;
    struct hash_ref ref;
    bool ok;

    (void)state;
    open_fixture(&fixture, 100, 0, equal_hash);
    for (uint64_t i = 0; i < 20; i++)
        assert_true(insert(&fixture, i));
    /* The same location, another version of the same key, another key with an equal tag. */
    assert_false(hash_index_fill(fixture.index, equal_hash(0), fake_loc(&fixture.fake, 19, 0), true, &ok));
    assert_true(ok);
    assert_false(hash_index_fill(fixture.index, equal_hash(0), fake_loc(&fixture.fake, 19, 1), true, &ok));
    assert_true(ok);
    assert_true(hash_index_fill(fixture.index, equal_hash(0), fake_loc(&fixture.fake, 20, 1), true, &ok));
    assert_true(ok);
    assert_true(find(&fixture, 19, &ref));
    assert_int_equal(hash_slot_loc(ref.word), fake_loc(&fixture.fake, 19, 0));
    assert_true(find(&fixture, 20, &ref));
    assert_int_equal(hash_slot_frequency(ref.word), 1);
    close_fixture(&fixture);
}

/* Of pages that begin at `from`, those that are in memory. */
static size_t resident_bytes(void *from, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (bytes + page - 1) / page, resident = 0;
    unsigned char *in_memory = malloc(pages);

    assert_non_null(in_memory);
    assert_int_equal(mincore(from, bytes, in_memory), 0);
    for (size_t i = 0; i < pages; i++)
        resident += in_memory[i] & 1;
    free(in_memory);
    return resident * page;
}

/* Means over a doubling, steadily growing: at most 12 B an object (DESIGN section 10). And the system gives the buckets
 * no more than they fill, huge pages or not. */
static void test_bytes_an_object(void **state)
{
    enum { FROM = 1000000, SAMPLES = 100 };
    struct hash_index_stats stats;
    struct fixture fixture;
    double sum = 0;

    (void)state;
    open_fixture(&fixture, 1, 0, fake_mix);
    hash_index_close(fixture.index);
    assert_true(hash_index_open(&fixture.index, &fixture.fake.pool, 0, 2 * FROM));
    for (uint64_t i = 1; i <= 2 * FROM; i++) { /* inserting reads no records */
        assert_true(insert(&fixture, i));
        if (i <= FROM || i % (FROM / SAMPLES) != 0)
            continue;
        stats = stats_of(&fixture);
        assert_int_equal(stats.slots_used, i);
        sum += (double)stats.bytes / (double)stats.slots_used;
        assert_in_range(resident_bytes(fixture.index->buckets, fixture.index->buckets_max * sizeof(struct bucket)),
                        stats.buckets * sizeof(struct bucket),
                        stats.buckets * sizeof(struct bucket) + (size_t)sysconf(_SC_PAGESIZE));
    }
    print_message("%.2f B an object\n", sum / SAMPLES);
    assert_true(sum / SAMPLES <= 12.0);
    close_fixture(&fixture);
}

static void test_opens_at_its_load(void **state)
{
    struct fixture fixture;
    uint64_t buckets;

    (void)state;
    open_fixture(&fixture, 200000, 200000, fake_mix);
    buckets = stats_of(&fixture).buckets;
    for (uint64_t i = 0; i < 200000; i++)
        assert_true(insert(&fixture, i));
    assert_int_equal(stats_of(&fixture).buckets, buckets);
    check_invariants(&fixture);
    close_fixture(&fixture);
}

/* Years of coming and going at one size must not leave more than the doubling's worst. */
static void test_churn_leaks_no_units(void **state)
{
    enum { LIVE = 150000, TURNS = 10 };
    struct hash_index_stats stats;
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, LIVE * TURNS, LIVE, fake_mix);
    for (uint64_t i = 0; i < LIVE * TURNS; i++) {
        assert_true(insert(&fixture, i));
        if (i >= LIVE)
            remove_object(&fixture, i - LIVE);
    }
    check_invariants(&fixture);
    stats = stats_of(&fixture);
    assert_int_equal(stats.slots_used, LIVE);
    assert_true((double)(stats.bytes - sizeof *fixture.index) / LIVE < 13.0);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_model_with_long_chains),
        cmocka_unit_test(test_model_with_equal_hashes),
        cmocka_unit_test(test_refs_outlive_inserts),
        cmocka_unit_test(test_long_chains_give_back),
        cmocka_unit_test(test_reservations),
        cmocka_unit_test(test_find_by_location),
        cmocka_unit_test(test_words_of_a_hash),
        cmocka_unit_test(test_fill_keeps_what_is_there),
        cmocka_unit_test(test_bytes_an_object),
        cmocka_unit_test(test_opens_at_its_load),
        cmocka_unit_test(test_churn_leaks_no_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
