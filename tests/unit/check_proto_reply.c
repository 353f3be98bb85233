/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    Replies are byte for byte what RESP asks for, and never longer than their stated bounds.
 * METHOD  Each writer against printf or a literal, at the borders of its range.
 */
#include "proto/resp_reply.h"
#include "tests/unit/check.h"

#include <inttypes.h>
#include <stdio.h>

static void heads(void **state)
{
    (void)state;
    static const int64_t values[] = {0, 1, 9, 10, 99, 100, 12345678, INT64_MAX, INT64_MIN, -1, -9, UINT32_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char out[RESP_HEAD_MAX + 1];
        char expected[64];
        int n = sprintf(expected, ":%" PRId64 "\r\n", values[i]);
        assert_true(n <= RESP_HEAD_MAX);
        assert_int_equal(resp_put_integer(out, values[i]), n);
        assert_memory_equal(out, expected, (size_t)n);
        if (values[i] >= 0) {
            expected[0] = '$';
            assert_int_equal(resp_put_bulk_head(out, (uint64_t)values[i]), n);
            assert_memory_equal(out, expected, (size_t)n);
            expected[0] = '*';
            assert_int_equal(resp_put_array_head(out, (uint64_t)values[i]), n);
            assert_memory_equal(out, expected, (size_t)n);
        }
    }
}

static void strings(void **state)
{
    (void)state;
    char out[64];
    assert_int_equal(resp_put_bulk(out, "a\0b", 3), 9);
    assert_memory_equal(out, "$3\r\na\0b\r\n", 9);
    assert_int_equal(resp_put_bulk(out, NULL, 0), sizeof RESP_REPLY_EMPTY_BULK - 1);
    assert_memory_equal(out, RESP_REPLY_EMPTY_BULK, sizeof RESP_REPLY_EMPTY_BULK - 1);
    assert_int_equal(resp_put_simple(out, "OK", 2), 5);
    assert_memory_equal(out, RESP_REPLY_OK, 5);
}

/* No text that a client sent can end an error line early. */
static void errors(void **state)
{
    (void)state;
    char out[64];
    assert_int_equal(resp_put_error(out, "ERR x", 5), 8);
    assert_memory_equal(out, "-ERR x\r\n", 8);
    assert_int_equal(resp_put_error(out, "ERR a\r\n+OK\nb\r\n", 14), 15);
    assert_memory_equal(out, "-ERR a  +OK b\r\n", 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads),
        cmocka_unit_test(strings),
        cmocka_unit_test(errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
