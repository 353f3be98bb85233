/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: a cut is sorted by key, operations on one key keep their order, and none is lost.
 * Method: random keys of many shapes against a simple stable order by (key, number).
 */
#include <stdlib.h>
#include <string.h>

#include "persist/index_key.h"
#include "tests/unit/check.h"

enum { KEYS_MAX = 30000, KEY_BYTES = 64 };

static uint64_t random_state;
static uint8_t bytes[KEYS_MAX][KEY_BYTES];
static struct index_op ops[KEYS_MAX];

static uint64_t draw(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state >> 8;
}

/* `common` bytes the same everywhere, then `span` bytes out of an alphabet of `letters`. */
static void fill(size_t count, uint32_t common, uint32_t span, uint32_t letters, uint32_t databases)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t len = common + (uint32_t)(draw() % (span + 1));

        memset(bytes[i], 'c', common);
        for (uint32_t at = common; at < len; at++)
            bytes[i][at] = (uint8_t)(draw() % letters);
        ops[i] =
            (struct index_op){.loc = i, .key = {.db = (uint8_t)(draw() % databases), .data = bytes[i], .len = len}};
    }
}

static void verify(size_t count)
{
    static bool seen[KEYS_MAX];

    memset(seen, 0, sizeof seen);
    if (draw() % 2) {
        static struct index_op sorted[KEYS_MAX];

        index_ops_sort_to(ops, sorted, count);
        memcpy(ops, sorted, count * sizeof *ops);
    } else {
        index_ops_sort(ops, count);
    }
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(ops[i].key.data, bytes[ops[i].loc]);
        assert_false(seen[ops[i].loc]);
        seen[ops[i].loc] = true;
        if (i == 0)
            continue;
        assert_true(index_key_compare(&ops[i - 1].key, &ops[i].key) <= 0);
        if (index_key_equal(&ops[i - 1].key, &ops[i].key))
            assert_true(ops[i - 1].loc < ops[i].loc);
    }
}

static void test_shapes(void **state)
{
    static const size_t counts[] = {0, 1, 2, 3, 47, 48, 49, 500, 511, 512, 513, 5000, KEYS_MAX};

    (void)state;
    random_state = 42;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        fill(counts[i], 0, 3, 2, 1); /* many equal, zeros and lengths */
        verify(counts[i]);
        fill(counts[i], 20, 12, 10, 1);
        verify(counts[i]);
        fill(counts[i], 0, 40, 256, PM_DATABASES);
        verify(counts[i]);
        fill(counts[i], 8, 30, 2, 2);
        verify(counts[i]);
        fill(counts[i], 40, 0, 1, 1); /* all equal */
        verify(counts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
