/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: a record decodes to what was encoded, nothing is read beyond the limit, and no other bytes are taken for it.
 * Method: every combination of optional fields is laid out by hand; every bit of a record is flipped; lengths are cut
 * at every byte.
 */
#include "persist/record.h"
#include "tests/unit/check.h"

#include <stdlib.h>

enum { SEGMENT_BYTES = 1 << PM_SEGMENT_BITS_MIN };

static struct pm pm;
static struct segment segments[2];
static _Atomic uint32_t generations[2];
static struct pool pool;

static int begin(void **state)
{
    (void)state;
    pm.base = aligned_alloc(4096, 2 * SEGMENT_BYTES);
    pm.bytes = 2 * SEGMENT_BYTES;
    pool = (struct pool){.pm = &pm,
                         .segment_bits = PM_SEGMENT_BITS_MIN,
                         .segment_bytes = SEGMENT_BYTES,
                         .segment_count = 2,
                         .hash_seed = 7,
                         .segments = segments,
                         .generations = generations};
    memset(pm.base, 0, pm.bytes);
    atomic_store(&generations[1], 3);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(pm.base);
    return 0;
}

/* Lays out a record with these flags at the begin of segment 1; returns its bytes without padding. */
static uint32_t lay_out(uint8_t flags, const char *key, const char *value)
{
    struct pmd_record *record = (struct pmd_record *)(pm.base + SEGMENT_BYTES);
    uint8_t *at = (uint8_t *)(record + 1);
    uint64_t expire_at_ms = 1111, cas = 3333;
    uint32_t client_flags = 2222;
    struct pmd_txn_trailer trailer = {5, 6};

    *record = (struct pmd_record){.kind = PMD_RECORD_FULL, .flags = flags, .cts = cts_make(9, 8, 7)};
    record->key_len = (uint16_t)strlen(key);
    record->value_len = (uint32_t)strlen(value);
    if (flags & PMD_HAS_EXPIRY)
        at = (uint8_t *)memcpy(at, &expire_at_ms, 8) + 8;
    if (flags & PMD_HAS_CLIENT_FLAGS)
        at = (uint8_t *)memcpy(at, &client_flags, 4) + 4;
    if (flags & PMD_HAS_CAS)
        at = (uint8_t *)memcpy(at, &cas, 8) + 8;
    at = (uint8_t *)memcpy(at, key, strlen(key)) + strlen(key);
    at = (uint8_t *)memcpy(at, value, strlen(value)) + strlen(value);
    if (flags & PMD_HAS_TXN)
        at = (uint8_t *)memcpy(at, &trailer, sizeof(trailer)) + sizeof(trailer);
    record->checksum = record_checksum(&pool, SEGMENT_BYTES, record, (uint32_t)(at - (uint8_t *)record),
                                       record_value_sum(&pool, value, strlen(value)));
    return (uint32_t)(at - (uint8_t *)record);
}

static bool is_valid(pm_off limit)
{
    struct record_view view;

    return record_view(&pool, SEGMENT_BYTES, limit, &view) && record_verify(&pool, SEGMENT_BYTES, &view);
}

static void check_all_fields(void **state)
{
    struct record_view view;

    (void)state;
    for (uint8_t flags = 0; flags < 0x20; flags++) {
        uint32_t bytes = lay_out(flags, "the key", "the value");

        assert_true(is_valid(2 * SEGMENT_BYTES));
        assert_true(record_view(&pool, SEGMENT_BYTES, 2 * SEGMENT_BYTES, &view));
        assert_memory_equal(view.key, "the key", 7);
        assert_memory_equal(view.value, "the value", 9);
        assert_ptr_equal(record_key(view.header), view.key);
        assert_int_equal(view.expire_at_ms, flags & PMD_HAS_EXPIRY ? 1111 : 0);
        assert_int_equal(view.client_flags, flags & PMD_HAS_CLIENT_FLAGS ? 2222 : 0);
        assert_int_equal(view.cas, flags & PMD_HAS_CAS ? 3333 : cts_make(9, 8, 7));
        assert_int_equal(view.bytes, (bytes + 15) / 16 * 16);
        assert_int_equal(record_bytes(flags, 7, 9), view.bytes);
    }
}

static void check_limits(void **state)
{
    uint32_t bytes = lay_out(PMD_LAST | PMD_HAS_CAS, "key", "some value");

    (void)state;
    for (uint32_t limit = 0; limit < bytes; limit++)
        assert_false(is_valid(SEGMENT_BYTES + limit));
    assert_true(is_valid(SEGMENT_BYTES + bytes));
}

static void flip_bits(uint32_t bytes, uint32_t step)
{
    for (uint32_t bit = 0; bit < 8 * bytes; bit += step) {
        uint32_t at = bit / 8;
        bool hint = at >= offsetof(struct pmd_record, place) && at < offsetof(struct pmd_record, kind);

        pm.base[SEGMENT_BYTES + at] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(is_valid(2 * SEGMENT_BYTES), hint);
        pm.base[SEGMENT_BYTES + at] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(is_valid(2 * SEGMENT_BYTES));
}

static void check_every_bit_counts(void **state)
{
    (void)state;
    flip_bits(lay_out(PMD_LAST | PMD_HAS_TXN | PMD_HAS_EXPIRY, "key", "some value"), 1);
}

/* A value with a sum of its own; with and without a trailer behind it. */
static void check_long_values(void **state)
{
    static char value[PMD_VALUE_SUMMED_WITHIN_MAX + 2];

    (void)state;
    for (uint32_t len = PMD_VALUE_SUMMED_WITHIN_MAX - 1; len < sizeof value; len++) {
        memset(value, 'v', len);
        flip_bits(lay_out(PMD_LAST | PMD_HAS_TXN | PMD_HAS_EXPIRY, "key", value), 7);
        flip_bits(lay_out(PMD_LAST, "key", value), 7);
    }
}

/* What a former use of the segment, another segment or another pool left behind is never valid. */
static void check_seed(void **state)
{
    uint32_t bytes = lay_out(PMD_LAST, "key", "value");

    (void)state;
    atomic_store(&generations[1], 4);
    assert_false(is_valid(2 * SEGMENT_BYTES));
    atomic_store(&generations[1], 3);
    pool.hash_seed++;
    assert_false(is_valid(2 * SEGMENT_BYTES));
    pool.hash_seed--;
    assert_true(is_valid(2 * SEGMENT_BYTES));
    atomic_store(&generations[0], 3);
    assert_int_not_equal(record_checksum(&pool, 0, (struct pmd_record *)(pm.base + SEGMENT_BYTES), bytes, 0),
                         ((struct pmd_record *)(pm.base + SEGMENT_BYTES))->checksum);
}

static void check_members_sum(void **state)
{
    uint32_t forth = record_members_sum(record_members_sum(0, 1), 2);
    uint32_t back = record_members_sum(record_members_sum(0, 2), 1);

    (void)state;
    assert_int_not_equal(forth, back);
    assert_int_not_equal(forth, record_members_sum(0, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(check_all_fields, begin, end),
        cmocka_unit_test_setup_teardown(check_limits, begin, end),
        cmocka_unit_test_setup_teardown(check_every_bit_counts, begin, end),
        cmocka_unit_test_setup_teardown(check_long_values, begin, end),
        cmocka_unit_test_setup_teardown(check_seed, begin, end),
        cmocka_unit_test_setup_teardown(check_members_sum, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
