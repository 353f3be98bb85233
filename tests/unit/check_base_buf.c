/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: the buffer is a byte queue, never larger than its bound, and unharmed by a refusal.
 * Method: a seeded random walk of all operations against a plain array; the refusals one by one; the
 * number of bytes moved by a consumer that lags behind stays linear.
 */
#include "base/buf.h"
#include "tests/unit/check.h"

#include <stdlib.h>

#define MODEL_BYTES_MAX 5000

static void check_same(const struct buf *buf, const uint8_t *model, size_t model_len)
{
    assert_int_equal(buf_len(buf), model_len);
    if (model_len != 0)
        assert_memory_equal(buf_bytes(buf), model, model_len);
    assert_true(buf->start <= buf->end);
    assert_true(buf->end <= buf->cap);
    assert_true(buf->cap <= buf->max);
}

static void check_random_walk(void **state)
{
    static uint8_t model[MODEL_BYTES_MAX];
    static uint8_t chunk[MODEL_BYTES_MAX];
    size_t model_len = 0;
    unsigned seed = 1;
    struct buf buf;

    (void)state;
    buf_init(&buf, MODEL_BYTES_MAX);
    for (int step = 0; step < 100000; step++) {
        size_t amount = (size_t)rand_r(&seed) % (rand_r(&seed) % 10 == 0 ? MODEL_BYTES_MAX : 100);
        size_t taken = amount < model_len ? amount : model_len;

        switch (rand_r(&seed) % 8) {
        case 0:
        case 1:
        case 2:
            memset(chunk, step, amount);
            if (model_len + amount > MODEL_BYTES_MAX) {
                assert_int_equal(buf_append(&buf, chunk, amount), BUF_FULL);
            } else {
                assert_int_equal(buf_append(&buf, chunk, amount), BUF_OK);
                memcpy(model + model_len, chunk, amount);
                model_len += amount;
            }
            break;
        case 3:
            if (model_len + amount <= MODEL_BYTES_MAX) {
                assert_int_equal(buf_reserve(&buf, amount), BUF_OK);
                assert_true(buf_room(&buf) >= amount);
                if (amount != 0)
                    memset(buf_tail(&buf), 7, amount);
                buf_commit(&buf, amount / 2);
                memset(model + model_len, 7, amount / 2);
                model_len += amount / 2;
            }
            break;
        case 4:
        case 5:
            buf_consume(&buf, taken);
            memmove(model, model + taken, model_len - taken);
            model_len -= taken;
            break;
        case 6:
            buf_truncate(&buf, model_len - taken);
            model_len -= taken;
            break;
        default:
            buf_shrink(&buf, amount);
            break;
        }
        check_same(&buf, model, model_len);
    }
    buf_free(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.max, MODEL_BYTES_MAX);
}

static void check_bound(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 10);
    assert_int_equal(buf_append(&buf, "0123456789", 10), BUF_OK);
    assert_int_equal(buf_append(&buf, "x", 1), BUF_FULL);
    assert_int_equal(buf_append(&buf, "x", 0), BUF_OK);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX), BUF_FULL);
    assert_int_equal(buf_len(&buf), 10);
    buf_consume(&buf, 3);
    assert_int_equal(buf_append(&buf, "abc", 3), BUF_OK);
    assert_memory_equal(buf_bytes(&buf), "3456789abc", 10);
    assert_int_equal(buf.cap, 10);
    buf_free(&buf);
}

static void check_no_memory(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, SIZE_MAX);
    assert_int_equal(buf_append(&buf, "abc", 3), BUF_OK);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX / 4), BUF_NO_MEMORY);
    assert_int_equal(buf_len(&buf), 3);
    assert_memory_equal(buf_bytes(&buf), "abc", 3);
    assert_int_equal(buf_append(&buf, "d", 1), BUF_OK);
    buf_free(&buf);
}

static void check_printf(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 1000);
    for (int i = 0; i < 200; i++)
        assert_int_equal(buf_printf(&buf, "%03d;", i), BUF_OK);
    assert_int_equal(buf_len(&buf), 800);
    assert_memory_equal(buf_bytes(&buf) + 796, "199;", 4);
    assert_int_equal(buf_printf(&buf, "%0200d", 1), BUF_FULL);
    assert_int_equal(buf_len(&buf), 800);
    assert_int_equal(buf_printf(&buf, "%s", ""), BUF_OK);
    buf_free(&buf);
}

static void check_shrink(void **state)
{
    static uint8_t bytes[100000];
    struct buf buf;

    (void)state;
    buf_init(&buf, sizeof bytes);
    assert_int_equal(buf_append(&buf, bytes, sizeof bytes), BUF_OK);
    buf_shrink(&buf, 4096);
    assert_true(buf.cap >= sizeof bytes);
    buf_consume(&buf, sizeof bytes - 5);
    buf_shrink(&buf, 4096);
    assert_int_equal(buf.cap, 4096);
    assert_int_equal(buf_len(&buf), 5);
    buf_consume(&buf, 5);
    buf_shrink(&buf, 0);
    assert_null(buf.data);
    buf_free(&buf);
}

/* A queue that always holds some bytes must not move them at each append. */
static void check_moves_are_rare(void **state)
{
    static const uint8_t bytes[100];
    size_t moves = 0;
    struct buf buf;

    (void)state;
    buf_init(&buf, 1 << 20);
    for (int i = 0; i < 50; i++)
        assert_int_equal(buf_append(&buf, bytes, sizeof bytes), BUF_OK);
    for (int i = 0; i < 100000; i++) {
        size_t start;

        buf_consume(&buf, sizeof bytes);
        start = buf.start;
        assert_int_equal(buf_append(&buf, bytes, sizeof bytes), BUF_OK);
        moves += buf.start < start;
    }
    assert_true(buf.cap <= 4 * 50 * sizeof bytes);
    assert_true(moves <= 100000 / 25);
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_random_walk), cmocka_unit_test(check_bound),  cmocka_unit_test(check_no_memory),
        cmocka_unit_test(check_printf),      cmocka_unit_test(check_shrink), cmocka_unit_test(check_moves_are_rare),
    };

    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
