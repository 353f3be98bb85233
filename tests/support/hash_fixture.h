/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hash index over records laid by hand, with hashes as the test wants them, and a check of its invariants.
 */
#ifndef HEARTH_TESTS_SUPPORT_HASH_FIXTURE_H
#define HEARTH_TESTS_SUPPORT_HASH_FIXTURE_H

#include "heap/hash_index_private.h"
#include "tests/support/fake_pool.h"
#include "tests/unit/check.h"

struct fixture {
    struct fake_pool fake;
    struct hash_index *index;
    uint64_t (*hash)(uint64_t object);
};

static inline void open_fixture(struct fixture *fixture, uint64_t objects, uint64_t expected,
                                uint64_t (*hash)(uint64_t object))
{
    fake_pool_open(&fixture->fake, objects, 4);
    for (uint64_t i = 0; i < objects * 4; i++)
        fake_record(&fixture->fake, i % objects, i / objects);
    fixture->hash = hash;
    assert_true(hash_index_open(&fixture->index, &fixture->fake.pool, expected, objects));
}

static inline void close_fixture(struct fixture *fixture)
{
    hash_index_close(fixture->index);
    fake_pool_close(&fixture->fake);
}

static inline bool find(struct fixture *fixture, uint64_t object, struct hash_ref *ref)
{
    struct fake_key key;

    fake_key(&key, object, fixture->hash(object));
    return hash_index_find(fixture->index, &key.key, ref);
}

static inline bool insert(struct fixture *fixture, uint64_t object)
{
    uint64_t hash = fixture->hash(object);
    bool done;

    hash_index_lock(fixture->index, hash);
    done = hash_index_insert(fixture->index, hash, fake_loc(&fixture->fake, object, 0), 0, false);
    hash_index_unlock(fixture->index, hash);
    hash_index_grow(fixture->index);
    return done;
}

static inline void remove_object(struct fixture *fixture, uint64_t object)
{
    uint64_t hash = fixture->hash(object);
    struct hash_ref ref;

    hash_index_lock(fixture->index, hash);
    assert_true(find(fixture, object, &ref));
    hash_index_remove(fixture->index, hash, &ref);
    hash_index_unlock(fixture->index, hash);
}

static inline struct hash_index_stats stats_of(const struct fixture *fixture)
{
    struct hash_index_stats stats;

    hash_index_stats(fixture->index, &stats);
    return stats;
}

/* H1 and H2 of hash_index_private.h, and the counts. */
static inline void check_invariants(const struct fixture *fixture)
{
    struct hash_index_stats stats = stats_of(fixture);
    uint64_t slots = 0, units = 0;

    for (uint64_t i = 0; i < stats.buckets; i++) {
        struct chain_part part = chain_first(&fixture->index->buckets[i]);
        uint64_t slots_here = 0, units_here = 0;

        for (;; units_here++) {
            for (uint32_t j = 0; j < part.count; j++) {
                uint64_t word = word_load(&part.words[j]), hash;

                if (!word_is_slot(word)) {
                    assert_true(word == 0 || j == part.count - 1);
                    continue;
                }
                hash = fixture->hash(fake_object(&fixture->fake, hash_slot_loc(word)));
                assert_int_equal(bucket_of(stats.buckets, hash), i);
                assert_int_equal(word & TAG_MASK, tag_of(hash));
                slots_here++;
            }
            if (!chain_next(fixture->index, &part))
                break;
        }
        assert_true(slots_here > BUCKET_WORDS + (units_here - 1) * (UNIT_WORDS - 1) || units_here == 0);
        slots += slots_here;
        units += units_here;
    }
    assert_int_equal(slots, stats.slots_used);
    assert_int_equal(units, stats.overflow_buckets);
}

#endif
