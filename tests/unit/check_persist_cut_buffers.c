/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: what a cut holds survives growing; memory goes back to the system once no cut needs it, not before.
 */
#include "persist/cut_buffers.h"

#include "tests/unit/check.h"

enum { MANY = 100000, FEW = 100, KEY_BYTES = 16 };

static void fill(struct cut_buffers *buffers, uint32_t count)
{
    uint8_t key[KEY_BYTES] = {0};

    cut_buffers_begin(buffers);
    for (uint32_t i = 0; i < count; i++) {
        struct index_op *op = cut_buffers_add(buffers);

        assert_non_null(op);
        memcpy(key, &i, sizeof(i));
        op->key.data = cut_buffers_keep_key(buffers, key, KEY_BYTES);
        op->loc = i;
    }
}

static void check_holds(const struct cut_buffers *buffers, uint32_t count)
{
    assert_int_equal(buffers->op_count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(buffers->ops[i].loc, i);
        assert_memory_equal(buffers->ops[i].key.data, &i, sizeof(i));
    }
}

static void check_grows(void **state)
{
    struct cut_buffers buffers;

    (void)state;
    assert_true(cut_buffers_init(&buffers));
    fill(&buffers, MANY);
    check_holds(&buffers, MANY);
    buffers.sorted[MANY - 1].loc = 1; /* is as large */
    fill(&buffers, FEW);
    check_holds(&buffers, FEW);
    cut_buffers_drop(&buffers);
}

static void check_keys_without_a_copy(void **state)
{
    static uint8_t key[65];
    struct cut_buffers buffers;

    (void)state;
    assert_true(cut_buffers_init(&buffers));
    assert_ptr_equal(cut_buffers_keep_key(&buffers, key, 65), key); /* long */
    for (uint32_t i = 0; i < (CUT_KEY_CHUNKS_MAX << 20) / 64; i++)
        assert_ptr_not_equal(cut_buffers_keep_key(&buffers, key, 64), key);
    assert_ptr_equal(cut_buffers_keep_key(&buffers, key, 64), key); /* no more room */
    cut_buffers_begin(&buffers);
    assert_ptr_not_equal(cut_buffers_keep_key(&buffers, key, 64), key);
    cut_buffers_drop(&buffers);
}

static void check_gives_back(void **state)
{
    struct cut_buffers buffers;
    size_t large, small;

    (void)state;
    assert_true(cut_buffers_init(&buffers));
    small = buffers.op_capacity;
    fill(&buffers, MANY);
    cut_buffers_note(&buffers, 1000000);
    large = buffers.op_capacity;
    assert_true(large >= MANY);
    cut_buffers_rest(&buffers, 1000000 + CUT_BUFFERS_IDLE_US - 1);
    assert_int_equal(buffers.op_capacity, large);
    fill(&buffers, FEW); /* a small cut does not need it */
    cut_buffers_note(&buffers, 1000000 + CUT_BUFFERS_IDLE_US);
    cut_buffers_rest(&buffers, 1000000 + CUT_BUFFERS_IDLE_US);
    assert_int_equal(buffers.op_capacity, small);
    assert_int_equal(buffers.key_chunk_count, 0);
    fill(&buffers, MANY);
    check_holds(&buffers, MANY);
    cut_buffers_drop(&buffers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_grows),
        cmocka_unit_test(check_keys_without_a_copy),
        cmocka_unit_test(check_gives_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
