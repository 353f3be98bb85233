/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: what a leaf says about an entry stays true when its prefix is shortened; hash bits are found and only they;
 * lengths that cannot be are refused.
 * Method: leaves built by hand against the keys they were built from.
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
        leaf.used |= UINT64_C(1) << i;
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

static void test_match(void **state)
{
    struct pmd_leaf leaf = {.state = PMD_LEAF_LIVE};
    uint64_t random = 88172645463325252u;

    (void)state;
    for (uint32_t round = 0; round < 1000; round++) {
        uint64_t hashes[PM_LEAF_ENTRIES_MAX], expected = 0;

        for (uint32_t i = 0; i < PM_LEAF_ENTRIES_MAX; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            /* Often alike in the low 28 bits, or in the 12 above. */
            hashes[i] = (random & 3) | (random >> 8 & 3) << 28 | random << 40;
            leaf_set_entry(&leaf, i, entry_make(random >> 30, hashes[i], random));
        }
        leaf.used = round == 0 ? 0 : random >> (round % 64) & ((UINT64_C(1) << PM_LEAF_ENTRIES_MAX) - 1);
        for (uint32_t i = 0; i < PM_LEAF_ENTRIES_MAX; i++)
            if ((leaf.used >> i & 1) != 0 && ((hashes[i] ^ hashes[7]) & LEAF_HASH_MASK) == 0)
                expected |= UINT64_C(1) << i;
        assert_true(leaf_match(&leaf, hashes[7]) == expected);
    }
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

static void test_checksum(void **state)
{
    struct pmd_leaf leaf = {.state = PMD_LEAF_LIVE, .used = 5}, copy = leaf;
    uint32_t sum = leaf_checksum(&copy, 77);

    (void)state;
    for (size_t byte = 0; byte < sizeof leaf; byte++) {
        bool summed = (byte >= 4 && byte < offsetof(struct pmd_leaf, tower)) || byte >= offsetof(struct pmd_leaf, area);

        copy = leaf;
        ((uint8_t *)&copy)[byte] ^= 1;
        assert_int_equal(leaf_checksum(&copy, 77) != sum, summed);
    }
    copy = leaf;
    assert_int_not_equal(leaf_checksum(&copy, 78), sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefix_is_shortened),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_checksum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
