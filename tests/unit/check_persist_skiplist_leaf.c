/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: what a leaf says about an entry stays true when its prefix is shortened; an entry is found by its hash bits, and
 * only it, wherever it had to be put; the checksum that is kept up is the one made anew, and covers all that counts;
 * lengths that cannot be are refused.
 * Method: leaves built by hand against the keys they were built from, and leaves changed at random against a list.
 */
#include <string.h>

#include "persist/skiplist_leaf.h"
#include "tests/unit/check.h"

static struct index_key key_of(const char *text)
{
    return (struct index_key){.db = 3, .data = (const uint8_t *)text, .len = (uint32_t)strlen(text)};
}

static void test_prefix_is_shortened(void **state)
{
    static const char *const texts[] = {"common:prefix:", "common:prefix:a", "common:prefix:abcdefghij",
                                        "common:prefix:b"};
    struct pmd_leaf leaf = {.state = PMD_LEAF_LIVE, .low_len = 3};
    struct index_key first = key_of(texts[0]);

    (void)state;
    leaf_set_prefix(&leaf, &first, 15);
    for (uint32_t i = 0; i < 4; i++) {
        struct index_key key = key_of(texts[i]);

        assert_int_equal(leaf_prefix_shared(&leaf, &key), 15);
        leaf_set_entry(&leaf, i, entry_make(100 + i, i * UINT64_C(0x123456789), index_key_slice(&key, 15)));
    }
    for (int len = 15; len >= 0; len--) {
        leaf_shorten_prefix(&leaf, (uint32_t)len);
        assert_int_equal(leaf.prefix_len, len);
        for (uint32_t i = 0; i < 4; i++) {
            struct index_key key = key_of(texts[i]);
            struct pmd_leaf_entry entry = leaf_entry(&leaf, i);

            assert_int_equal(leaf_prefix_shared(&leaf, &key), len);
            assert_true(entry_slice(entry) == (index_key_slice(&key, (uint32_t)len) & LEAF_SLICE_MASK));
            assert_int_equal(entry_loc(entry), 100 + i);
            assert_true(entry_hash(entry) == (i * UINT64_C(0x123456789) & LEAF_HASH_MASK));
            assert_int_equal(leaf_entry_db(&leaf, entry), 3);
        }
    }
}

static uint64_t draw(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

/* Hashes that are often alike in the low 28 bits, or in the 12 above, and often belong to the same line. */
static uint64_t draw_hash(uint64_t *random)
{
    uint64_t bits = draw(random);

    return (bits & 3) | (bits >> 2 & 3) << 26 | (bits >> 8 & 3) << 28 | bits << 40;
}

static void check_found(const struct pmd_leaf *leaf, const uint64_t *hashes, uint64_t wanted)
{
    uint64_t expected = 0;

    for (uint32_t slot = 0; slot < PM_LEAF_ENTRIES_MAX; slot++)
        if ((leaf->used >> slot & 1) != 0 && ((hashes[slot] ^ wanted) & LEAF_HASH_MASK) == 0)
            expected |= UINT64_C(1) << slot;
    assert_true(leaf_match(leaf, wanted) == expected);
}

/* The hash of each entry in use, read back from the leaf. */
static void read_hashes(const struct pmd_leaf *leaf, uint64_t *hashes)
{
    for (uint64_t left = leaf->used; left != 0; left &= left - 1)
        hashes[__builtin_ctzll(left)] = entry_hash(leaf_entry(leaf, (uint32_t)__builtin_ctzll(left)));
}

/* Adds, changes, removes and settles at random, in leaves with more and with less room. */
static void test_match(void **state)
{
    uint64_t random = 88172645463325252u;

    (void)state;
    for (uint32_t round = 0; round < 2000; round++) {
        struct pmd_leaf leaf = {.state = PMD_LEAF_LIVE, .low_len = (uint16_t)(round % 129)};
        uint64_t hashes[PM_LEAF_ENTRIES_MAX] = {0};
        uint32_t full = leaf_capacity(&leaf), steps = 1 + (uint32_t)(draw(&random) % 200);

        leaf.checksum = leaf_checksum(&leaf, round);
        for (uint32_t step = 0; step < steps; step++) {
            uint64_t what = draw(&random) % 16, bits = draw(&random), hash = draw_hash(&random);

            if (what < 10 && leaf_count(&leaf) < full)
                leaf_set_entry(&leaf, leaf_place(&leaf, hash), entry_make(bits >> 30, hash, bits));
            else if (what < 13)
                leaf_remove(&leaf, leaf.used & bits & bits >> 7 & bits >> 13);
            else if (what == 13)
                (void)leaf_settle(&leaf);
            else if (leaf.used != 0)
                leaf_set_entry(
                    &leaf, (uint32_t)__builtin_ctzll(leaf.used),
                    entry_make(bits >> 30, entry_hash(leaf_entry(&leaf, (uint32_t)__builtin_ctzll(leaf.used))), bits));
            leaf_set_next(&leaf, bits >> 40);
        }
        read_hashes(&leaf, hashes);
        for (uint64_t left = leaf.used; left != 0; left &= left - 1)
            check_found(&leaf, hashes, hashes[__builtin_ctzll(left)]);
        for (int i = 0; i < 8; i++)
            check_found(&leaf, hashes, draw_hash(&random));
        assert_int_equal(leaf.checksum, leaf_checksum(&leaf, round));
        assert_true(leaf_is_sound(&leaf));
    }
}

/* What settling is for: once half of a full leaf is gone, few entries are looked for in more than one line. */
static void test_settle(void **state)
{
    struct pmd_leaf leaf = {.state = PMD_LEAF_LIVE, .low_len = 16};
    uint64_t random = 362436069, hashes[PM_LEAF_ENTRIES_MAX];
    uint32_t lines = 0;

    (void)state;
    while (leaf_count(&leaf) < leaf_capacity(&leaf)) {
        uint64_t hash = draw(&random);

        leaf_set_entry(&leaf, leaf_place(&leaf, hash), entry_make(1 + leaf_count(&leaf), hash, 0));
    }
    leaf_remove(&leaf, leaf.used & UINT64_C(0x5555555555555555));
    (void)leaf_settle(&leaf);
    read_hashes(&leaf, hashes);
    for (uint64_t left = leaf.used; left != 0; left &= left - 1) {
        check_found(&leaf, hashes, hashes[__builtin_ctzll(left)]);
        lines += (uint32_t)__builtin_popcount(leaf_probe(&leaf, hashes[__builtin_ctzll(left)]));
    }
    print_message("%u entries, %u lines to look for them\n", leaf_count(&leaf), lines);
    assert_true(lines * 2 <= leaf_count(&leaf) * 3);
}

static void test_sound(void **state)
{
    struct pmd_leaf leaf = {.state = PMD_LEAF_LIVE};

    (void)state;
    assert_true(leaf_is_sound(&leaf));
    leaf.prefix_len = PM_LEAF_KEY_BYTES_MAX + 1;
    assert_false(leaf_is_sound(&leaf));
    leaf = (struct pmd_leaf){.low_len = PM_LEAF_KEY_BYTES_MAX, .prefix_len = PM_LEAF_KEY_BYTES_MAX};
    leaf.used = UINT64_C(1) << 43;
    assert_true(leaf_is_sound(&leaf)); /* (960 - 256) / 16 = 44 entries */
    leaf.used = UINT64_C(1) << 44;
    assert_false(leaf_is_sound(&leaf));
    leaf = (struct pmd_leaf){.low_len = PM_LEAF_KEY_BYTES_MAX + 1};
    assert_false(leaf_is_sound(&leaf));
    leaf = (struct pmd_leaf){.low_len = LEAF_LOW_SPILLED, .low_full_len = 5};
    assert_false(leaf_is_sound(&leaf));
    leaf.low_full_len = 0; /* 65,536 */
    assert_true(leaf_is_sound(&leaf));
    assert_int_equal(leaf_low_len(&leaf), INDEX_KEY_BYTES_MAX);
    leaf.height = PM_LEAF_TOWER + 1;
    assert_false(leaf_is_sound(&leaf));
}

/* All bytes but the checksum's own, the towers', and those of free slots. */
static void test_checksum(void **state)
{
    struct pmd_leaf leaf = {.state = PMD_LEAF_LIVE,
                            .used = 5 | UINT64_C(1) << 40,
                            .prefix_len = 7,
                            .low_len = 20,
                            .next = 9},
                    copy;
    uint32_t sum = leaf_checksum(&leaf, 77);

    (void)state;
    for (size_t byte = 0; byte < sizeof leaf; byte++) {
        bool header = byte >= 4 && byte < offsetof(struct pmd_leaf, tower), summed = header;

        if (byte >= offsetof(struct pmd_leaf, area)) {
            size_t at = byte - offsetof(struct pmd_leaf, area);

            summed = at / 16 == 0 || at / 16 == 2 || at / 16 == 40 || at >= PM_LEAF_AREA - 27;
        }
        for (int bit = 0; bit < 8; bit++) {
            copy = leaf;
            ((uint8_t *)&copy)[byte] ^= (uint8_t)(1 << bit);
            assert_int_equal(leaf_checksum(&copy, 77) != sum, summed);
        }
    }
    assert_int_not_equal(leaf_checksum(&leaf, 78), sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefix_is_shortened),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_settle),
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_checksum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
