/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    The memcached parser hands out the same requests however the bytes are cut, never touches a byte behind
 *         them, and finds the errors that memcached 1.6 finds, in its order.
 * METHOD  A stream is parsed and what comes out is written down as text, a request a word: `get(a,b)`,
 *         `set(a,7,0,=xyz)`, `!ERROR` for an error line, `!` for a silent one, `CLOSE`; `..` at the end when bytes are
 *         left over. Each stream of the table is parsed whole, cut in two at every byte, and a byte at a time; each
 *         call sees the bytes against an unmapped page, and all must give the expected text.
 */
#include "proto/memcache.h"
#include "tests/unit/check.h"
#include "tests/unit/guarded.h"

#include <stdio.h>

#define TEXT_MAX 65536

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

static void script_add_keys(struct script *script, const struct memcache_request *request)
{
    struct memcache_cursor cursor = memcache_keys(request);
    const uint8_t *key;
    uint32_t key_len;
    uint32_t count = 0;
    while (memcache_next_key(&cursor, &key, &key_len)) {
        assert_true(key_len <= MEMCACHE_KEY_MAX);
        if (count++ == 0) {
            assert_ptr_equal(key, request->key);
            assert_int_equal(key_len, request->key_len);
        }
        script_add(script, ",%.*s", (int)key_len, (const char *)key);
    }
    assert_int_equal(count, request->key_count);
}

static void script_add_request(struct script *script, const struct memcache_request *r)
{
    if (r->verb == MEMCACHE_INVALID || r->verb == MEMCACHE_OVERSIZE) {
        assert_int_equal(strlen(r->error), r->error_len);
        int line_len = r->error_len >= 2 ? (int)r->error_len - 2 : 0;
        const char *attempted = r->verb == MEMCACHE_OVERSIZE ? memcache_verb_name(r->attempted) : "";
        script_add(script, "!%s%.*s ", attempted, line_len, r->error);
        return;
    }
    script_add(script, "%s%s(", r->noreply ? "-" : "", memcache_verb_name(r->verb));
    switch (r->verb) {
    case MEMCACHE_GET:
    case MEMCACHE_GETS:
        script_add_keys(script, r);
        break;
    case MEMCACHE_GAT:
    case MEMCACHE_GATS:
        script_add(script, "%lld", (long long)r->exptime_s);
        script_add_keys(script, r);
        break;
    case MEMCACHE_SET:
    case MEMCACHE_ADD:
    case MEMCACHE_REPLACE:
    case MEMCACHE_APPEND:
    case MEMCACHE_PREPEND:
    case MEMCACHE_CAS:
        script_add(script, "%.*s,%u,%lld", (int)r->key_len, (const char *)r->key, r->flags, (long long)r->exptime_s);
        if (r->verb == MEMCACHE_CAS) {
            script_add(script, ",%llu", (unsigned long long)r->cas);
        }
        script_add(script, ",=%.*s", (int)r->value_bytes, (const char *)r->value);
        break;
    case MEMCACHE_INCR:
    case MEMCACHE_DECR:
        script_add(script, "%.*s,%llu", (int)r->key_len, (const char *)r->key, (unsigned long long)r->delta);
        break;
    case MEMCACHE_DELETE:
        script_add(script, "%.*s", (int)r->key_len, (const char *)r->key);
        break;
    case MEMCACHE_TOUCH:
        script_add(script, "%.*s,%lld", (int)r->key_len, (const char *)r->key, (long long)r->exptime_s);
        break;
    case MEMCACHE_FLUSH_ALL:
        script_add(script, "%lld", (long long)r->exptime_s);
        break;
    case MEMCACHE_VERBOSITY:
        script_add(script, "%llu", (unsigned long long)r->delta);
        break;
    case MEMCACHE_STATS:
    case MEMCACHE_VERSION:
    case MEMCACHE_QUIT:
    case MEMCACHE_SHUTDOWN: {
        struct memcache_cursor cursor = memcache_keys(r);
        const uint8_t *word;
        uint32_t word_len;
        while (memcache_next_key(&cursor, &word, &word_len)) {
            script_add(script, ",%.*s", (int)word_len, (const char *)word);
        }
        break;
    }
    case MEMCACHE_INVALID:
    case MEMCACHE_OVERSIZE:
        break;
    }
    script_add(script, "%s) ", r->more ? ".." : "");
}

/* A connection: what has arrived and has not been consumed begins at `from`. */
struct stream {
    struct memcache_parser parser;
    struct guarded guarded;
    const uint8_t *data;
    size_t from;
    bool closed;
};

/* Parses all that can be parsed of data[from, to). */
static void stream_arrive(struct stream *stream, size_t to, struct script *script)
{
    while (!stream->closed) {
        struct memcache_request request;
        memset(&request, 0xa5, sizeof request);
        size_t len = to - stream->from;
        size_t consumed = SIZE_MAX;
        const uint8_t *at = guarded_put(&stream->guarded, stream->data + stream->from, len);
        enum memcache_parse result = memcache_parse(&stream->parser, at, len, &request, &consumed);
        assert_true(consumed <= len);
        stream->from += consumed;
        if (result == MEMCACHE_NEED_MORE) {
            assert_true(to - stream->from <= memcache_request_max_bytes(&stream->parser));
            return;
        }
        if (result == MEMCACHE_CLOSE) {
            script_add(script, "CLOSE");
            stream->closed = true;
            return;
        }
        assert_true(consumed > 0);
        assert_true(request.key == NULL || (request.key >= at && request.key + request.key_len <= at + consumed));
        script_add_request(script, &request);
    }
}

#define VALUE_MAX 100

/* Parses `data` as it arrives in the parts that end at each of `cuts`, and at last whole. */
static void play(const struct guarded *guarded, const uint8_t *data, size_t len, size_t cut, size_t step,
                 struct script *script)
{
    struct stream stream = {.guarded = *guarded, .data = data};
    memcache_parser_init(&stream.parser, VALUE_MAX);
    script->len = 0;
    script->text[0] = 0;
    for (size_t to = cut; to < len; to += step) {
        stream_arrive(&stream, to, script);
    }
    stream_arrive(&stream, len, script);
    if (!stream.closed && stream.from < len) {
        script_add(script, "..");
    }
}

static void check_all_cuts(const void *data, size_t len, const char *expected)
{
    static struct script script;
    struct guarded guarded = guarded_open(len + 1);
    play(&guarded, data, len, len, 1, &script);
    assert_string_equal(script.text, expected);
    for (size_t cut = 0; cut < len; cut++) {
        play(&guarded, data, len, cut, len, &script);
        assert_string_equal(script.text, expected);
    }
    play(&guarded, data, len, 0, 1, &script);
    assert_string_equal(script.text, expected);
    guarded_close(&guarded);
}

#define K50 "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
#define K250 K50 K50 K50 K50 K50
#define BAD_FORMAT "!CLIENT_ERROR bad command line format "
#define BAD_CHUNK "!CLIENT_ERROR bad data chunk "
#define BAD_DELTA "!CLIENT_ERROR invalid numeric delta argument "
#define BAD_EXPTIME "!CLIENT_ERROR invalid exptime argument "
#define BAD_DELETE "!CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply] "
#define TOO_LARGE "SERVER_ERROR object too large for cache "
#define V50 "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
#define V101 V50 V50 "v"

static const struct {
    const char *stream;
    const char *expected;
} CASES[] = {
    /* Retrievals. */
    {"get a\r\n", "get(,a) "},
    {"get a\n", "get(,a) "},
    {"get key:000000000012\r\n", "get(,key:000000000012) "},
    {"get  a  b \r\n", "get(,a,b) "},
    {"  get a\r\n", "get(,a) "},
    {"gets a b\r\n", "gets(,a,b) "},
    {"get a\r\nget b\r\n", "get(,a) get(,b) "},
    {"get a\tb\r\n", "get(,a\tb) "},
    {"get a\rb\r\n", "get(,a\rb) "},
    {"get a\r\r\n", "get(,a\r) "},
    {"get " K250 "\r\n", "get(," K250 ") "},
    {"get " K250 "k\r\n", BAD_FORMAT},
    {"get a " K250 "k\r\nget b\r\n", BAD_FORMAT "get(,b) "},
    {"gat 0 a\r\n", "gat(0,a) "},
    {"gats -1 a b\r\n", "gats(-1,a,b) "},
    {"gat 0\r\n", "gat(0) "},
    {"gat x a\r\n", BAD_EXPTIME},
    {"gat 1x a\r\n", BAD_EXPTIME},
    {"gat 9223372036854775808 a\r\n", BAD_EXPTIME},
    {"gat x " K250 "k\r\n", BAD_EXPTIME},
    {"get\r\n", "!ERROR "},
    {"get \r\n", "!ERROR "},
    {"gat\r\n", "!ERROR "},
    {"get\ta\r\n", "!ERROR "},
    {"GET a\r\n", "!ERROR "},
    {"gett a\r\n", "!ERROR "},
    /* Stores. */
    {"set a 7 0 3\r\nxyz\r\n", "set(a,7,0,=xyz) "},
    {"set a 7 0 3\nxyz\r\n", "set(a,7,0,=xyz) "},
    {"set a 0 0 0\r\n\r\n", "set(a,0,0,=) "},
    {"set a 0 0 2\r\n\r\n\r\nget a\r\n", "set(a,0,0,=\r\n) get(,a) "},
    {"set a 0 0 1 noreply\r\nx\r\n", "-set(a,0,0,=x) "},
    {"set a 0 0 1 foo\r\nx\r\n", "set(a,0,0,=x) "},
    {"set a 0 0 1 noreply \r\nx\r\n", "-set(a,0,0,=x) "},
    {"set  a  1  -1  1  \r\nx\r\n", "set(a,1,-1,=x) "},
    {"set a +1 +1 +1\r\nx\r\n", "set(a,1,1,=x) "},
    {"set a 5\tx 0 01\r\nx\r\n", "set(a,5,0,=x) "},
    {"set a 4294967295 2147483647 1\r\nx\r\n", "set(a,4294967295,2147483647,=x) "},
    {"set a 4294967297 99999999999 1\r\nx\r\n", "set(a,1,99999999999,=x) "},
    {"set a -18446744073709551615 0 1\r\nx\r\n", "set(a,1,0,=x) "},
    {"add a 0 0 1\r\nx\r\n", "add(a,0,0,=x) "},
    {"replace a 0 0 1\r\nx\r\n", "replace(a,0,0,=x) "},
    {"append a 0 0 1\r\nx\r\n", "append(a,0,0,=x) "},
    {"prepend a 0 0 1\r\nx\r\n", "prepend(a,0,0,=x) "},
    {"cas a 1 2 1 18446744073709551615\r\nx\r\n", "cas(a,1,2,18446744073709551615,=x) "},
    {"cas a 1 2 1 9 noreply\r\nx\r\n", "-cas(a,1,2,9,=x) "},
    {"set " K250 " 0 0 1\r\nx\r\n", "set(" K250 ",0,0,=x) "},
    {"set a 0 0 1\r\nxyz\r\n", BAD_CHUNK "!ERROR "},
    {"set a 0 0 1 noreply\r\nxy\r\nget a\r\n", "! !ERROR get(,a) "},
    {"set a 0 0 1\r\nx\rget a\r\n", BAD_CHUNK "!ERROR "},
    {"set a 0 0\r\n", "!ERROR "},
    {"set a 0 0  noreply\r\n\r\n", "! !ERROR "},
    {"set a 0  0 noreply\r\n\r\n", "! !ERROR "},
    {"set a 0 0 0 noreply\r\n\r\n", "-set(a,0,0,=) "},
    {"set a 0 0 1 noreply foo\r\n", "!ERROR "},
    {"set\r\n", "!ERROR "},
    {"cas a 0 0 1\r\n", "!ERROR "},
    {"cas a 0 0 1 noreply\r\n", "! "},
    {"cas a 0 0 1 x\r\n", BAD_FORMAT},
    {"cas a 0 0 1 -1\r\n", BAD_FORMAT},
    {"cas a 0 0 1 18446744073709551616\r\n", BAD_FORMAT},
    {"set a b 0 1\r\nx\r\n", BAD_FORMAT "!ERROR "},
    {"set a -1 0 1\r\n", BAD_FORMAT},
    {"set a 18446744073709551616 0 1\r\n", BAD_FORMAT},
    {"set a 0 b 1\r\n", BAD_FORMAT},
    {"set a 0 9223372036854775808 1\r\n", BAD_FORMAT},
    {"set a 0 0 b\r\n", BAD_FORMAT},
    {"set a 0 0 1x\r\n", BAD_FORMAT},
    {"set a 0 0 -1\r\n", BAD_FORMAT},
    {"set a 0 0 -1 noreply\r\n", "! "},
    {"set a 0 0 2147483646\r\n", BAD_FORMAT},
    {"set a 0 0 4294967297\r\n", BAD_FORMAT},
    {"set " K250 "k 0 0 1\r\n", BAD_FORMAT},
    {"set " K250 "k 0 0 1 noreply\r\n", "! "},
    /* Values beyond the bound, which is 100 here, are swallowed. */
    {"set a 0 0 101\r\n" V101 "\r\nget a\r\n", "!set" TOO_LARGE "get(,a) "},
    {"append a 0 0 101 noreply\r\n" V101 "\r\nget a\r\n", "!append get(,a) "},
    {"add a 0 0 101\r\n" V101 "xxget a\r\n", "!add" TOO_LARGE "get(,a) "},
    {"set a 0 0 100\r\n" V50 V50 "\r\n", "set(a,0,0,=" V50 V50 ") "},
    /* Counters. */
    {"incr a 1\r\n", "incr(a,1) "},
    {"decr a 18446744073709551615 noreply\r\n", "-decr(a,18446744073709551615) "},
    {"incr a 1 foo\r\n", "incr(a,1) "},
    {"incr a x\r\n", BAD_DELTA},
    {"incr a -1\r\n", BAD_DELTA},
    {"incr a 1x\r\n", BAD_DELTA},
    {"incr a 18446744073709551616\r\n", BAD_DELTA},
    {"incr a x noreply\r\n", "! "},
    {"incr " K250 "k x\r\n", BAD_FORMAT},
    {"incr a\r\n", "!ERROR "},
    {"incr a 1 2 3\r\n", "!ERROR "},
    /* Deletes. */
    {"delete a\r\n", "delete(a) "},
    {"delete a 0\r\n", "delete(a) "},
    {"delete a noreply\r\n", "-delete(a) "},
    {"delete a 0 noreply\r\n", "-delete(a) "},
    {"delete noreply\r\n", "delete(noreply) "},
    {"delete a 1\r\n", BAD_DELETE},
    {"delete a 00\r\n", BAD_DELETE},
    {"delete a 0 0\r\n", BAD_DELETE},
    {"delete a noreply 0\r\n", BAD_DELETE},
    {"delete a 1 noreply\r\n", "! "},
    {"delete " K250 "k\r\n", BAD_FORMAT},
    {"delete\r\n", "!ERROR "},
    {"delete a 0 noreply x\r\n", "!ERROR "},
    /* The rest. */
    {"touch a 10\r\n", "touch(a,10) "},
    {"touch a -1 noreply\r\n", "-touch(a,-1) "},
    {"touch a x\r\n", BAD_EXPTIME},
    {"touch a x noreply\r\n", "! "},
    {"touch " K250 "k x\r\n", BAD_FORMAT},
    {"touch a\r\n", "!ERROR "},
    {"touch a 0 0 0\r\n", "!ERROR "},
    {"flush_all\r\n", "flush_all(0) "},
    {"flush_all 10\r\n", "flush_all(10) "},
    {"flush_all noreply\r\n", "-flush_all(0) "},
    {"flush_all -1 noreply\r\n", "-flush_all(-1) "},
    {"flush_all 0 x\r\n", "flush_all(0) "},
    {"flush_all x\r\n", BAD_EXPTIME},
    {"flush_all noreply 0\r\n", BAD_EXPTIME},
    {"flush_all noreply noreply\r\n", "! "},
    {"flush_all 0 0 0\r\n", "!ERROR "},
    {"verbosity 1\r\n", "verbosity(1) "},
    {"verbosity 1 noreply\r\n", "-verbosity(1) "},
    {"verbosity noreply\r\n", "! "},
    {"verbosity x\r\n", BAD_FORMAT},
    {"verbosity -1\r\n", BAD_FORMAT},
    {"verbosity\r\n", "!ERROR "},
    {"verbosity 0 0 0\r\n", "!ERROR "},
    {"stats\r\n", "stats() "},
    {"stats cachedump 1 0\r\n", "stats(,cachedump,1,0) "},
    {"version\r\nquit\r\n", "version() quit() "},
    {"version x\r\n", "version(,x) "},
    {"shutdown graceful\r\n", "shutdown(,graceful) "},
    {"\r\n", "!ERROR "},
    {"\n", "!ERROR "},
    {"  \r\n", "!ERROR "},
    {"\r\r\n", "!ERROR "},
    {"quit\r\r\n", "!ERROR "},
    {"g\r\n", "!ERROR "},
    {"nonsense a b c d e f g h i j k\r\n", "!ERROR "},
    {"GET / HTTP/1.1\r\n", "CLOSE"},
    {"POST / HTTP/1.1\r\nget a\r\n", "CLOSE"},
    /* Not whole. */
    {"get a", ".."},
    {"get a\r", ".."},
    {"set a 0 0 3\r\nxyz\r", ".."},
    {"set a 0 0 3\r\nxyz\r\nset", "set(a,0,0,=xyz) .."},
};

static void each_case_in_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        check_all_cuts(CASES[i].stream, strlen(CASES[i].stream), CASES[i].expected);
    }
}

static void all_cases_pipelined(void **state)
{
    (void)state;
    static char stream[32768];
    static char expected[32768];
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const char *end = CASES[i].expected + strlen(CASES[i].expected);
        if (end[-1] == ' ') { /* neither an unfinished stream nor a closed one */
            strcat(stream, CASES[i].stream);
            strcat(expected, CASES[i].expected);
        }
    }
    check_all_cuts(stream, strlen(stream), expected);
}

static void bytes_of_zero_are_ordinary(void **state)
{
    (void)state;
    static const char stream[] = "set a 0 0 3\r\n\0\r\n\r\nget b\r\n";
    struct memcache_parser parser;
    struct memcache_request request;
    size_t consumed;
    memcache_parser_init(&parser, VALUE_MAX);
    assert_int_equal(memcache_parse(&parser, (const uint8_t *)stream, sizeof stream - 1, &request, &consumed),
                     MEMCACHE_OK);
    assert_int_equal(request.verb, MEMCACHE_SET);
    assert_int_equal(request.value_bytes, 3);
    assert_memory_equal(request.value, "\0\r\n", 3);
    assert_int_equal(consumed, 18);
}

/* A retrieval of 10,000 keys comes in pieces that hold all of them, once, with one end. */
static void a_long_retrieval_comes_in_pieces(void **state)
{
    (void)state;
    enum { KEYS = 10000 };
    static uint8_t stream[KEYS * 12 + 32];
    struct guarded guarded = guarded_open(sizeof stream);
    for (size_t step = 1000; step <= 40000; step += 3000) {
        size_t len = (size_t)sprintf((char *)stream, "gats 7");
        for (int i = 0; i < KEYS; i++) {
            len += (size_t)sprintf((char *)stream + len, " key:%d", i);
        }
        len += (size_t)sprintf((char *)stream + len, " \r\nget z\r\n");
        struct memcache_parser parser;
        memcache_parser_init(&parser, VALUE_MAX);
        size_t from = 0;
        int seen = 0;
        int ends = 0;
        for (size_t to = step < len ? step : len;;) {
            struct memcache_request request;
            size_t consumed;
            const uint8_t *at = guarded_put(&guarded, stream + from, to - from);
            enum memcache_parse result = memcache_parse(&parser, at, to - from, &request, &consumed);
            from += consumed;
            if (result == MEMCACHE_NEED_MORE) {
                assert_true(to - from <= MEMCACHE_LINE_MAX);
                if (to == len) {
                    break;
                }
                to = to + step < len ? to + step : len;
                continue;
            }
            assert_int_equal(result, MEMCACHE_OK);
            ends += !request.more;
            if (request.verb == MEMCACHE_GET) {
                continue;
            }
            assert_int_equal(request.verb, MEMCACHE_GATS);
            assert_int_equal(request.exptime_s, 7);
            struct memcache_cursor cursor = memcache_keys(&request);
            const uint8_t *key;
            uint32_t key_len;
            while (memcache_next_key(&cursor, &key, &key_len)) {
                char expected[16];
                int n = sprintf(expected, "key:%d", seen++);
                assert_int_equal(n, key_len);
                assert_memory_equal(key, expected, key_len);
            }
        }
        assert_int_equal(seen, KEYS);
        assert_int_equal(ends, 2);
        assert_int_equal(from, len);
    }
    guarded_close(&guarded);
}

/* Fills `stream` with a command, `bytes` times `fill`, and "\r\nget b\r\n"; returns its length. */
static size_t make_long_line(uint8_t *stream, const char *command, char fill, size_t bytes)
{
    size_t len = (size_t)sprintf((char *)stream, "%s", command);
    memset(stream + len, fill, bytes);
    len += bytes;
    len += (size_t)sprintf((char *)stream + len, "\r\nget b\r\n");
    return len;
}

static void endless_lines(void **state)
{
    (void)state;
    static uint8_t stream[4 * MEMCACHE_LINE_MAX];
    static struct script script;
    static const struct {
        const char *command;
        char fill;
        size_t bytes;
        const char *expected;
    } cases[] = {
        {"get a ", 'k', 40000, BAD_FORMAT "get(,b) "},
        {"get a ", 'k', MEMCACHE_LINE_MAX - 8, BAD_FORMAT "get(,b) "},
        {"get ", 'k', 40000, BAD_FORMAT "get(,b) "},
        {"gat 1 a ", ' ', 40000, "gat(1,a..) gat(1..) gat(1) get(,b) "},
        {"set ", 'k', 5000, "!ERROR get(,b) "},
        {"set ", 'k', 40000, "CLOSE"},
        {"", 'x', MEMCACHE_LINE_MAX, "CLOSE"},
        {"", 'x', MEMCACHE_LINE_MAX - 2, "!ERROR get(,b) "},
        {"", ' ', 40000, "CLOSE"},
    };
    struct guarded guarded = guarded_open(sizeof stream);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = make_long_line(stream, cases[i].command, cases[i].fill, cases[i].bytes);
        play(&guarded, stream, len, len, 1, &script);
        assert_string_equal(script.text, cases[i].expected);
        for (size_t step = 97; step < 50000; step = step * 3 + 1) {
            play(&guarded, stream, len, step, step, &script);
            assert_string_equal(script.text, cases[i].expected);
        }
    }
    guarded_close(&guarded);
}

static void a_huge_value_is_swallowed_without_memory(void **state)
{
    (void)state;
    static const char line[] = "set a 0 0 1000000000\r\n";
    static uint8_t junk[65536];
    struct memcache_parser parser;
    struct memcache_request request;
    size_t consumed;
    memcache_parser_init(&parser, 1024 * 1024);
    assert_int_equal(memcache_parse(&parser, (const uint8_t *)line, sizeof line - 1, &request, &consumed), MEMCACHE_OK);
    assert_int_equal(request.verb, MEMCACHE_OVERSIZE);
    assert_int_equal(request.attempted, MEMCACHE_SET);
    assert_int_equal(request.key_len, 1);
    assert_int_equal(consumed, sizeof line - 1);
    uint64_t left = 1000000002;
    while (left > 0) {
        size_t len = left < sizeof junk ? (size_t)left : sizeof junk;
        assert_int_equal(memcache_parse(&parser, junk, len, &request, &consumed), MEMCACHE_NEED_MORE);
        assert_int_equal(consumed, len);
        left -= len;
    }
    assert_int_equal(memcache_parse(&parser, (const uint8_t *)"get a\r\n", 7, &request, &consumed), MEMCACHE_OK);
    assert_int_equal(request.verb, MEMCACHE_GET);
}

static void need_bytes_says_what_is_missing(void **state)
{
    (void)state;
    static const char line[] = "set a 0 0 90\r\nxx";
    struct memcache_parser parser;
    struct memcache_request request;
    size_t consumed;
    memcache_parser_init(&parser, VALUE_MAX);
    assert_int_equal(memcache_parse(&parser, (const uint8_t *)line, sizeof line - 1, &request, &consumed),
                     MEMCACHE_NEED_MORE);
    assert_int_equal(parser.need_bytes, 14 + 90 + 2);
}

static void value_lines(void **state)
{
    (void)state;
    char out[MEMCACHE_VALUE_LINE_MAX + 1];
    uint64_t cas = UINT64_MAX;
    size_t n = memcache_put_value_line(out, (const uint8_t *)"a", 1, 0, 0, NULL);
    assert_memory_equal(out, "VALUE a 0 0\r\n", n);
    assert_int_equal(n, 13);
    n = memcache_put_value_line(out, (const uint8_t *)K250, 250, UINT32_MAX, UINT32_MAX, &cas);
    assert_int_equal(n, MEMCACHE_VALUE_LINE_MAX);
    assert_memory_equal(out, "VALUE " K250 " 4294967295 4294967295 18446744073709551615\r\n", n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_in_every_cut),
        cmocka_unit_test(all_cases_pipelined),
        cmocka_unit_test(bytes_of_zero_are_ordinary),
        cmocka_unit_test(a_long_retrieval_comes_in_pieces),
        cmocka_unit_test(endless_lines),
        cmocka_unit_test(a_huge_value_is_swallowed_without_memory),
        cmocka_unit_test(need_bytes_says_what_is_missing),
        cmocka_unit_test(value_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
