/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    The RESP parser hands out the same commands however the bytes are cut and whatever room argv has, never
 *         touches a byte behind them, keeps its bounds, and finds the errors that Redis 7.0 finds.
 * METHOD  A stream is parsed and what comes out is written down as text: `[GET|a]` for a command, `LARGE3` for one of
 *         three arguments that was swallowed, `-ERR ...` for a protocol error; `..` at the end when bytes are left
 *         over. Each stream of the table is parsed whole, cut in two at every byte, and a byte at a time, with an argv
 *         of one and of many; each call sees the bytes against an unmapped page, and all must give the same text.
 */
#include "proto/resp.h"
#include "tests/unit/check.h"
#include "tests/unit/guarded.h"

#include <stdio.h>

#define TEXT_MAX 262144
#define ARGV_MAX 4096

static const struct resp_limits LIMITS = {
    .args_max = RESP_ARGS_MAX,
    .bulk_max_bytes = 100,
    .proto_max_bulk_bytes = 1000,
    .request_max_bytes = 4000,
};

struct script {
    char text[TEXT_MAX];
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void script_add(struct script *script, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int n = vsnprintf(script->text + script->len, TEXT_MAX - script->len, format, values);
    va_end(values);
    assert_true(n >= 0 && script->len + (size_t)n < TEXT_MAX);
    script->len += (size_t)n;
}

struct stream {
    struct resp_parser parser;
    struct guarded guarded;
    const struct resp_limits *limits;
    const uint8_t *data;
    size_t from;
    uint32_t argv_capacity; /* of the first call; grows when that is asked for */
    bool closed;
};

static void script_add_command(struct script *script, const struct resp_arg *argv, uint32_t argc)
{
    for (uint32_t i = 0; i < argc; i++) {
        script_add(script, "%s%.*s", i == 0 ? "[" : "|", (int)argv[i].len, (const char *)argv[i].data);
    }
    script_add(script, "] ");
}

static void stream_arrive(struct stream *stream, size_t to, struct script *script)
{
    static struct resp_arg argv[ARGV_MAX];
    uint32_t capacity = stream->argv_capacity;
    struct resp_parser *parser = &stream->parser;
    while (!stream->closed) {
        memset(argv, 0xa5, sizeof argv);
        size_t len = to - stream->from;
        size_t consumed = SIZE_MAX;
        uint8_t *at = guarded_put(&stream->guarded, stream->data + stream->from, len);
        enum resp_parse result = resp_parse(parser, stream->limits, at, len, argv, capacity, &consumed);
        assert_true(consumed <= len);
        stream->from += consumed;
        switch (result) {
        case RESP_OK:
            assert_true(parser->argc > 0 && parser->argc <= capacity);
            for (uint32_t i = 0; i < parser->argc; i++) {
                assert_true(argv[i].data >= at && argv[i].data + argv[i].len <= at + consumed);
            }
            script_add_command(script, argv, parser->argc);
            capacity = stream->argv_capacity;
            break;
        case RESP_NEED_ARGV:
            assert_true(parser->argc > capacity && parser->argc <= ARGV_MAX);
            capacity = parser->argc;
            break;
        case RESP_TOO_LARGE:
            script_add(script, "LARGE%u ", parser->argc);
            break;
        case RESP_PROTOCOL_ERROR:
            assert_true(parser->error_len < sizeof parser->error);
            assert_memory_equal(parser->error + parser->error_len - 2, "\r\n", 2);
            script_add(script, "%.*s", (int)parser->error_len - 2, parser->error);
            stream->closed = true;
            break;
        case RESP_NEED_MORE:
            assert_true(to - stream->from <= RESP_INLINE_MAX_BYTES + stream->limits->request_max_bytes);
            return;
        }
    }
}

static void play(struct stream *stream, bool authenticated, size_t len, size_t cut, size_t step, struct script *script)
{
    resp_parser_init(&stream->parser, authenticated);
    stream->from = 0;
    stream->closed = false;
    script->len = 0;
    script->text[0] = 0;
    for (size_t to = cut; to < len; to += step) {
        stream_arrive(stream, to, script);
    }
    stream_arrive(stream, len, script);
    if (!stream->closed && stream->from < len) {
        script_add(script, "..");
    }
}

static void check_all_cuts(const void *data, size_t len, bool authenticated, const char *expected)
{
    static struct script script;
    struct guarded guarded = guarded_open(len + 1);
    struct stream stream = {.guarded = guarded, .limits = &LIMITS, .data = data};
    for (stream.argv_capacity = 1; stream.argv_capacity <= 64; stream.argv_capacity += 63) {
        for (size_t cut = 0; cut <= len; cut++) {
            play(&stream, authenticated, len, cut, len + 1, &script);
            assert_string_equal(script.text, expected);
        }
        play(&stream, authenticated, len, 0, 1, &script);
        assert_string_equal(script.text, expected);
    }
    guarded_close(&guarded);
}

#define V50 "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
#define PROTOCOL "-ERR Protocol error: "
#define BAD_COUNT PROTOCOL "invalid multibulk length"
#define BAD_BULK PROTOCOL "invalid bulk length"
#define UNBALANCED PROTOCOL "unbalanced quotes in request"

static const struct {
    const char *stream;
    const char *expected;
} CASES[] = {
    {"*1\r\n$4\r\nPING\r\n", "[PING] "},
    {"*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000012\r\n", "[GET|key:000000000012] "},
    {"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$0\r\n\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "[SET|a|] [GET|a] "},
    {"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$100\r\n" V50 V50 "\r\n", "[SET|a|" V50 V50 "] "},
    {"*11\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n$1\r\ne\r\n$1\r\nf\r\n$1\r\ng\r\n$1\r\nh\r\n$1\r\ni\r\n$"
     "1\r\nj\r\n"
     "$1\r\nk\r\n",
     "[a|b|c|d|e|f|g|h|i|j|k] "},
    {"*1\r\n$2\r\n\r\n\r\n", "[\r\n] "},
    /* What follows a length or a bulk string is not looked at. */
    {"*1\rx$4\rxPINGxx*1\r\n$1\r\na\r\n", "[PING] [a] "},
    {"*3\r\n$1\r\na\r\n$5\rxabcdexx\r\n", PROTOCOL "expected '$', got ' '"},
    /* Nothing is not a command. */
    {"*0\r\n*-1\r\n\r\n\n   \r\n*-10\r\nPING\r\n", "[PING] "},
    {"*0\r\n*12\r\n", ".."},
    {"*x\r\n", BAD_COUNT},
    {"*\r\n", BAD_COUNT},
    {"*1x\r\n", BAD_COUNT},
    {"* 1\r\n", BAD_COUNT},
    {"*+1\r\n", BAD_COUNT},
    {"*01\r\n", BAD_COUNT},
    {"*-0\r\n", BAD_COUNT},
    {"*1048576\r\n", ".."},
    {"*1048577\r\n", BAD_COUNT},
    {"*99999999999999999999\r\n", BAD_COUNT},
    {"*1\r\n$-1\r\n", BAD_BULK},
    {"*1\r\n$\r\n", BAD_BULK},
    {"*1\r\n$x\r\n", BAD_BULK},
    {"*1\r\n$04\r\n", BAD_BULK},
    {"*1\r\n$1001\r\n", BAD_BULK},
    {"*1\r\n$99999999999999999999\r\n", BAD_BULK},
    {"*1\r\nx4\r\n", PROTOCOL "expected '$', got 'x'"},
    {"*1\r\n\r\n", PROTOCOL "expected '$', got ' '"},
    {"*2\r\n$1\r\na\r\n:1\r\n", PROTOCOL "expected '$', got ':'"},
    /* Too large for us, though not for Redis: the bound is 100 here, and 4000 for all together. */
    {"*3\r\n$3\r\nSET\r\n$101\r\n" V50 V50 "v\r\n$1\r\nx\r\nPING\r\n", "LARGE3 [PING] "},
    {"*2\r\n$101\r\n" V50 V50 "v\r\n$102\r\n" V50 V50 "vv\r\nPING\r\n", "LARGE2 [PING] "},
    {"*2\r\n$101\r\n" V50 V50 "v\r\nx1\r\n", PROTOCOL "expected '$', got 'x'"},
    {"*2\r\n$101\r\n" V50 V50 "v\r\n$1001\r\n", BAD_BULK},
    /* Typed by hand. */
    {"PING\r\n", "[PING] "},
    {"PING\n", "[PING] "},
    {" set  a\tb \r\n", "[set|a|b] "},
    {"PING\r\r\n", "[PING] "},
    {"a b\rc\r\n", "[a|b|c] "},
    {"a b\vc \v\f d\r\n", "[a|b\vc|d] "},
    {"a \"b c\" 'd e' \"\" ''\r\n", "[a|b c|d e||] "},
    {"a b\"c\" x'y'\r\n", "[a|bc|xy] "},
    {"a \"\\x41\\x4a\\n\\r\\t\\b\\a\\z\\\"\"\r\n", "[a|AJ\n\r\t\b\az\"] "},
    {"a \"\\xzz\\x4\"\r\n", "[a|xzzx4] "},
    {"a '\\'b\\n'\r\n", "[a|'b\\n] "},
    {"SET a \"b\r\n", UNBALANCED},
    {"SET a 'b\r\n", UNBALANCED},
    {"SET a \"b\"c\r\n", UNBALANCED},
    {"SET a 'b'c\r\n", UNBALANCED},
    {"SET a \"b\\\r\n", UNBALANCED},
    {"SET a \"b\nc\"\r\n", UNBALANCED},
    /* Not whole. */
    {"PING", ".."},
    {"*1\r\n$4\r\nPING\r", ".."},
    {"*2\r\n$4\r\nPING\r\n", ".."},
};

static void each_case_in_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        check_all_cuts(CASES[i].stream, strlen(CASES[i].stream), true, CASES[i].expected);
    }
}

static void all_cases_pipelined(void **state)
{
    (void)state;
    static char stream[32768];
    static char expected[32768];
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const char *end = CASES[i].expected + strlen(CASES[i].expected);
        if (end[-1] == ' ') { /* neither unfinished nor closed */
            strcat(stream, CASES[i].stream);
            strcat(expected, CASES[i].expected);
        }
    }
    check_all_cuts(stream, strlen(stream), true, expected);
}

static void strangers_may_send_little(void **state)
{
    (void)state;
    struct resp_limits limits = {RESP_ARGS_MAX, 1024 * 1024, 512 * 1024 * 1024, 64 * 1024 * 1024};
    static const struct {
        const char *stream;
        const char *expected;
    } cases[] = {
        {"*10\r\n", ".."},
        {"*11\r\n", PROTOCOL "unauthenticated multibulk length"},
        {"*1\r\n$16384\r\n", ".."},
        {"*1\r\n$16385\r\n", PROTOCOL "unauthenticated bulk length"},
        {"AUTH a b c d e f g h i j\r\n", "[AUTH|a|b|c|d|e|f|g|h|i|j] "},
    };
    static struct script script;
    struct guarded guarded = guarded_open(100);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stream stream = {
            .guarded = guarded, .limits = &limits, .data = (const uint8_t *)cases[i].stream, .argv_capacity = 20};
        play(&stream, false, strlen(cases[i].stream), 0, 1, &script);
        assert_string_equal(script.text, cases[i].expected);
    }
    guarded_close(&guarded);
}

/* A zero byte ends a line typed by hand, and is ordinary in a bulk string. */
static void bytes_of_zero(void **state)
{
    (void)state;
    static uint8_t stream[] = "a b\0c d\r\n*1\r\n$3\r\n\0\r\n\r\n";
    struct resp_parser parser;
    struct resp_arg argv[8];
    size_t consumed;
    resp_parser_init(&parser, true);
    assert_int_equal(resp_parse(&parser, &LIMITS, stream, sizeof stream - 1, argv, 8, &consumed), RESP_OK);
    assert_int_equal(parser.argc, 2);
    assert_int_equal(consumed, 9);
    assert_int_equal(resp_parse(&parser, &LIMITS, stream + 9, sizeof stream - 10, argv, 8, &consumed), RESP_OK);
    assert_int_equal(parser.argc, 1);
    assert_int_equal(argv[0].len, 3);
    assert_memory_equal(argv[0].data, "\0\r\n", 3);
}

static void endless_lines(void **state)
{
    (void)state;
    static uint8_t stream[80000];
    static struct script script;
    static const struct {
        const char *begin;
        size_t bytes; /* of '1' behind it */
        const char *end;
        const char *expected;
    } cases[] = {
        {"", RESP_INLINE_MAX_BYTES, "", ".."},
        {"", RESP_INLINE_MAX_BYTES + 1, "", PROTOCOL "too big inline request"},
        {"", RESP_INLINE_MAX_BYTES + 1, "\r\n", PROTOCOL "too big inline request"},
        {"*", RESP_INLINE_MAX_BYTES - 1, "", ".."},
        {"*", RESP_INLINE_MAX_BYTES, "", PROTOCOL "too big mbulk count string"},
        {"*", 70000, "\r\n", PROTOCOL "too big mbulk count string"},
        {"*1\r\n$", RESP_INLINE_MAX_BYTES - 1, "", ".."},
        {"*1\r\n$", RESP_INLINE_MAX_BYTES, "", PROTOCOL "too big bulk count string"},
        {"*1\r\n", 70000, "\r\n", PROTOCOL "too big bulk count string"},
    };
    struct guarded guarded = guarded_open(sizeof stream);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = strlen(cases[i].begin);
        memcpy(stream, cases[i].begin, len);
        memset(stream + len, '1', cases[i].bytes);
        len += cases[i].bytes;
        memcpy(stream + len, cases[i].end, strlen(cases[i].end));
        len += strlen(cases[i].end);
        struct stream played = {.guarded = guarded, .limits = &LIMITS, .data = stream, .argv_capacity = 4};
        for (size_t step = 97; step < 200000; step = step * 3 + 1) {
            play(&played, true, len, step, step, &script);
            assert_string_equal(script.text, cases[i].expected);
        }
    }
    guarded_close(&guarded);
}

/* A command whose arguments are each small enough and together too large. */
static void a_request_beyond_its_bound_is_swallowed(void **state)
{
    (void)state;
    static uint8_t stream[16384];
    static struct script script;
    struct guarded guarded = guarded_open(sizeof stream);
    size_t len = (size_t)sprintf((char *)stream, "*101\r\n$4\r\nMSET\r\n");
    for (int i = 0; i < 100; i++) {
        len += (size_t)sprintf((char *)stream + len, "$50\r\n" V50 "\r\n");
    }
    len += (size_t)sprintf((char *)stream + len, "PING\r\n");
    struct stream played = {.guarded = guarded, .limits = &LIMITS, .data = stream, .argv_capacity = 4};
    for (size_t step = 1; step < 20000; step = step * 3 + 1) {
        play(&played, true, len, step, step, &script);
        assert_string_equal(script.text, "LARGE101 [PING] ");
    }
    guarded_close(&guarded);
}

/* 3,001 arguments in small cuts: the right ones, and no byte is walked more than twice. */
static void many_arguments(void **state)
{
    (void)state;
    static uint8_t stream[65536];
    static struct script script;
    static char expected[65536];
    struct resp_limits limits = LIMITS;
    limits.request_max_bytes = 1024 * 1024;
    struct guarded guarded = guarded_open(sizeof stream);
    size_t len = (size_t)sprintf((char *)stream, "*3001\r\n$3\r\nDEL\r\n");
    size_t expected_len = (size_t)sprintf(expected, "[DEL");
    for (int i = 0; i < 3000; i++) {
        char key[16];
        int n = sprintf(key, "k%d", i);
        len += (size_t)sprintf((char *)stream + len, "$%d\r\n%s\r\n", n, key);
        expected_len += (size_t)sprintf(expected + expected_len, "|%s", key);
    }
    strcat(expected, "] ");
    struct stream played = {.guarded = guarded, .limits = &limits, .data = stream, .argv_capacity = 4};
    for (size_t step = 7; step < 100000; step = step * 5 + 1) {
        play(&played, true, len, step, step, &script);
        assert_string_equal(script.text, expected);
    }
    guarded_close(&guarded);
}

static void a_huge_argument_is_swallowed_without_memory(void **state)
{
    (void)state;
    static uint8_t line[] = "*2\r\n$3\r\nFOO\r\n$500000000\r\n";
    static uint8_t junk[65536];
    struct resp_limits limits = {RESP_ARGS_MAX, 1024 * 1024, 512 * 1024 * 1024, 64 * 1024 * 1024};
    struct resp_parser parser;
    struct resp_arg argv[4];
    size_t consumed;
    resp_parser_init(&parser, true);
    assert_int_equal(resp_parse(&parser, &limits, line, sizeof line - 1, argv, 4, &consumed), RESP_NEED_MORE);
    assert_int_equal(consumed, sizeof line - 1);
    enum resp_parse result = RESP_NEED_MORE;
    for (uint64_t left = 500000002; left > 0; left -= consumed) {
        size_t len = left < sizeof junk ? (size_t)left : sizeof junk;
        assert_int_equal(result, RESP_NEED_MORE);
        result = resp_parse(&parser, &limits, junk, len, argv, 4, &consumed);
        assert_int_equal(consumed, len);
    }
    assert_int_equal(result, RESP_TOO_LARGE);
    assert_int_equal(parser.argc, 2);
}

static void need_bytes_says_what_is_missing(void **state)
{
    (void)state;
    static uint8_t line[] = "*2\r\n$3\r\nFOO\r\n$90\r\nxx";
    struct resp_parser parser;
    struct resp_arg argv[4];
    size_t consumed;
    resp_parser_init(&parser, true);
    assert_int_equal(resp_parse(&parser, &LIMITS, line, sizeof line - 1, argv, 4, &consumed), RESP_NEED_MORE);
    assert_int_equal(consumed, 0);
    assert_int_equal(parser.need_bytes, 18 + 90 + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_in_every_cut),
        cmocka_unit_test(all_cases_pipelined),
        cmocka_unit_test(strangers_may_send_little),
        cmocka_unit_test(bytes_of_zero),
        cmocka_unit_test(endless_lines),
        cmocka_unit_test(a_request_beyond_its_bound_is_swallowed),
        cmocka_unit_test(many_arguments),
        cmocka_unit_test(a_huge_argument_is_swallowed_without_memory),
        cmocka_unit_test(need_bytes_says_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
