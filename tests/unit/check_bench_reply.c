/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    Replies of both protocols are read the same in every cut, never beyond their end; what does not answer the
 *         request is wrong, and only error replies are refusals.
 * METHOD  Streams of replies to a list of requests are given whole, cut at every byte, and byte by byte, against an
 *         unmapped page; what comes out is written down and compared.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/check.h"

#include "bench/load/protocol.h"
#include "tests/unit/guarded.h"

#define REQUESTS_MAX 4
#define SCRIPT_BYTES 1024

static struct wire wire;
static const uint64_t KEYS[] = {1, 2, 3};

/* The requests of a case: g gets key 1, m gets keys 1, 2 and 3, s sets, a authenticates. */
static struct request request_of(char letter)
{
    return (struct request){
        .kind = letter == 's'   ? REQUEST_SET
                : letter == 'a' ? REQUEST_AUTH
                                : REQUEST_GET,
        .key_count = letter == 'm' ? 3 : 1,
        .keys = KEYS,
        .value_bytes = 5,
        .version = 9,
    };
}

struct playing {
    const struct protocol *protocol;
    const char *requests;
    struct reply reply;
    struct guarded guarded;
    size_t from;
    size_t answered;
    bool over;
    char script[SCRIPT_BYTES];
};

static void note(struct playing *playing, enum reply_result result)
{
    size_t len = strlen(playing->script);
    char *at = playing->script + len;

    if (result == REPLY_WHOLE)
        snprintf(at, SCRIPT_BYTES - len, "%u ", playing->reply.hits);
    else if (result == REPLY_REFUSED)
        snprintf(at, SCRIPT_BYTES - len, "(%.*s) ", (int)playing->reply.text_len, playing->reply.text);
    else
        snprintf(at, SCRIPT_BYTES - len, "! ");
    playing->over = result == REPLY_WRONG;
    playing->answered++;
}

/* Bytes up to `to` have arrived. */
static void arrive(struct playing *playing, const char *stream, size_t to)
{
    while (!playing->over && playing->requests[playing->answered] != '\0') {
        size_t len = to - playing->from;
        const char *at = (const char *)guarded_put(&playing->guarded, stream + playing->from, len);
        struct request request = request_of(playing->requests[playing->answered]);
        size_t used = SIZE_MAX;
        enum reply_result result = reply_take(playing->protocol, &wire, &request, &playing->reply, at, len, &used);
        assert_true(used <= len);
        playing->from += used;
        if (result == REPLY_MORE) {
            assert_true(to - playing->from < REPLY_LINE_MAX);
            return;
        }
        note(playing, result);
    }
}

static void play(const struct protocol *protocol, const char *requests, const char *stream, size_t cut, size_t step,
                 const struct guarded *guarded, const char *expected)
{
    struct playing playing = {.protocol = protocol, .requests = requests, .guarded = *guarded};
    size_t len = strlen(stream);

    for (size_t to = cut; to < len; to += step)
        arrive(&playing, stream, to);
    arrive(&playing, stream, len);
    if (playing.requests[playing.answered] != '\0' && !playing.over)
        strcat(playing.script, ".. ");
    else if (!playing.over && playing.from < len)
        strcat(playing.script, "rest ");
    assert_string_equal(playing.script, expected);
}

static void every_cut(const struct protocol *protocol, const char *requests, const char *stream, const char *expected)
{
    size_t len = strlen(stream);
    struct guarded guarded = guarded_open(len + 1);

    for (size_t cut = 0; cut <= len; cut++)
        play(protocol, requests, stream, cut, len + 1, &guarded, expected);
    play(protocol, requests, stream, 0, 1, &guarded, expected);
    guarded_close(&guarded);
}

#define VALUE1 "VALUE key:01 0 5\r\nab\r\nc\r\n"
#define VALUE2 "VALUE key:02 0 0\r\n\r\n"
#define VALUE3 "VALUE key:03 4294967295 3\r\nEND\r\n"
#define END "END\r\n"

static const struct {
    const char *requests, *stream, *expected;
} MEMCACHE[] = {
    {"g", END, "0 "},
    {"g", VALUE1 END, "1 "},
    {"gg", VALUE1 END END, "1 0 "},
    {"gsg", END "STORED\r\n" VALUE1 END, "0 0 1 "},
    {"m", VALUE1 VALUE2 VALUE3 END, "3 "},
    {"m", VALUE2 END, "1 "},
    {"mg", VALUE1 VALUE3 END END, "2 0 "},
    {"m", END, "0 "},
    {"s", "STORED\r\n", "0 "},
    {"sgs", "SERVER_ERROR out of memory storing object\r\n" VALUE1 END "STORED\r\n",
     "(SERVER_ERROR out of memory storing object) 1 0 "},
    {"gs", "ERROR\r\nCLIENT_ERROR bad data chunk\r\n", "(ERROR) (CLIENT_ERROR bad data chunk) "},
    {"m", VALUE1 "SERVER_ERROR out of memory writing get response\r\n",
     "(SERVER_ERROR out of memory writing get response) "},
    /* Wrong ones. */
    {"g", "STORED\r\n", "! "},
    {"s", "NOT_STORED\r\n", "! "},
    {"s", END, "! "},
    {"s", "STORED \r\n", "! "},
    {"g", "END\n", "! "},
    {"g", "\n", "! "},
    {"g", "ERRORS\r\n", "! "},
    {"g", "VALUE key:02 0 0\r\n\r\n" END, "! "},
    {"m", VALUE2 VALUE1 END, "! "},
    {"g", VALUE1 VALUE1 END, "! "},
    {"g", "VALUE key:001 0 5\r\nabcde\r\n" END, "! "},
    {"g", "VALUE key:01 0 5 77\r\nabcde\r\n" END, "! "},
    {"g", "VALUE key:01 0\r\nabcde\r\n" END, "! "},
    {"g", "VALUE key:01\r\nabcde\r\n" END, "! "},
    {"g", "VALUE key:01 \r\nabcde\r\n" END, "! "},
    {"g", "VALUE key:01 0 \r\nabcde\r\n" END, "! "},
    {"g", "VALUE key:01  0 5\r\nabcde\r\n" END, "! "},
    {"g", "VALUE key:01 0 05\r\nabcde\r\n" END, "! "},
    {"g", "VALUE key:01 0 5x\r\nabcde\r\n" END, "! "},
    {"g", "VALUE key:01 0 1000000000000000005\r\nabcde\r\n" END, "! "},
    {"g", "VALUE key:0\r\n", "! "},
    {"g", "VALUE \r\n", "! "},
    {"g", "VALUE key:01 0 -5\r\nabcde\r\n" END, "! "},
    {"g", "VALUE key:01 0 4\r\nabcde\r\n" END, "! "},
    {"g", "$5\r\nabcde\r\n", "! "},
    /* Not whole. */
    {"g", VALUE1, ".. "},
    {"g", "VALUE key:01 0 5\r\nabcde", ".. "},
    {"g", "EN", ".. "},
    {"g", END END, "0 rest "},
};

static const struct {
    const char *requests, *stream, *expected;
} REDIS[] = {
    {"g", "$-1\r\n", "0 "},
    {"g", "$5\r\nab\r\nc\r\n", "1 "},
    {"gg", "$0\r\n\r\n$-1\r\n", "1 0 "},
    {"m", "*3\r\n$5\r\nab\r\nc\r\n$0\r\n\r\n$1\r\nx\r\n", "3 "},
    {"mg", "*3\r\n$-1\r\n$2\r\n$1\r\n$-1\r\n$-1\r\n", "1 0 "},
    {"m", "*3\r\n$-1\r\n$-1\r\n$2\r\nab\r\n", "1 "},
    {"sas", "+OK\r\n+OK\r\n+OK\r\n", "0 0 0 "},
    {"sg", "-OOM command not allowed\r\n$1\r\nx\r\n", "(OOM command not allowed) 1 "},
    {"mg", "-LOADING wait\r\n-ERR x\r\n", "(LOADING wait) (ERR x) "},
    {"a", "-WRONGPASS invalid\r\n", "(WRONGPASS invalid) "},
    /* Wrong ones. */
    {"g", "+OK\r\n", "! "},
    {"s", "$2\r\nOK\r\n", "! "},
    {"s", "+OK \r\n", "! "},
    {"s", "+QUEUED\r\n", "! "},
    {"g", "*1\r\n$1\r\nx\r\n", "! "},
    {"m", "$1\r\nx\r\n", "! "},
    {"m", "*2\r\n$-1\r\n$-1\r\n", "! "},
    {"m", "*-1\r\n", "! "},
    {"m", "*3\r\n-ERR no\r\n", "! "},
    {"g", "$-2\r\n", "! "},
    {"g", "$\r\n", "! "},
    {"g", "$ 1\r\nx\r\n", "! "},
    {"g", "$18446744073709551617\r\nx\r\n", "! "},
    {"g", "$01\r\nx\r\n", "! "},
    {"g", "$1\r\nxx\r\n", "! "},
    {"g", "$1\nx\r\n", "! "},
    {"g", ":1\r\n", "! "},
    {"g", "_\r\n", "! "},
    /* Not whole. */
    {"g", "$5\r\nabcde\r", ".. "},
    {"m", "*3\r\n$-1\r\n$-1\r\n", ".. "},
    {"g", "$-1\r\n$-1\r\n", "0 rest "},
};

static void replies_of_memcached_in_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof MEMCACHE / sizeof *MEMCACHE; i++)
        every_cut(&protocol_memcache, MEMCACHE[i].requests, MEMCACHE[i].stream, MEMCACHE[i].expected);
}

static void replies_of_redis_in_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof REDIS / sizeof *REDIS; i++)
        every_cut(&protocol_redis, REDIS[i].requests, REDIS[i].stream, REDIS[i].expected);
}

static void an_endless_line_is_wrong(void **state)
{
    static char stream[3000];
    struct guarded guarded = guarded_open(sizeof stream);

    (void)state;
    memset(stream, 'x', sizeof stream - 1);
    play(&protocol_memcache, "g", stream, 0, 7, &guarded, "! ");
    play(&protocol_redis, "g", stream, 0, 7, &guarded, "! ");
    guarded_close(&guarded);
}

static void values_are_verified_in_every_cut(void **state)
{
    static char stream[256];
    char *at;

    (void)state;
    wire.values.verify = true;
    for (int right = 0; right < 2; right++) {
        at = stream + sprintf(stream, "$50\r\n");
        value_put(&wire.values, at, right ? 1 : 2, 77, 50);
        for (int i = 0; i < 50; i++) /* the harness measures streams by their terminator */
            assert_true(at[i] != '\0');
        strcpy(at + 50, "\r\n");
        every_cut(&protocol_redis, "g", stream, right ? "1 " : "! ");
    }
    wire.values.verify = false;
}

static void check_put(const struct protocol *protocol, char letter, uint32_t ttl_s, const char *expected)
{
    char out[1024];
    struct request request = request_of(letter);

    request.ttl_s = ttl_s;
    out[protocol->put(&wire, out, &request)] = '\0';
    assert_string_equal(out, expected);
}

static void requests_are_written_as_they_must(void **state)
{
    char out[256];

    (void)state;
    check_put(&protocol_memcache, 'g', 0, "get key:01\r\n");
    check_put(&protocol_memcache, 'm', 0, "get key:01 key:02 key:03\r\n");
    check_put(&protocol_memcache, 's', 0, "set key:01 0 0 5\r\nvvvvv\r\n");
    check_put(&protocol_memcache, 's', 60, "set key:01 0 60 5\r\nvvvvv\r\n");
    check_put(&protocol_redis, 'g', 0, "*2\r\n$3\r\nGET\r\n$6\r\nkey:01\r\n");
    check_put(&protocol_redis, 'm', 0, "*4\r\n$4\r\nMGET\r\n$6\r\nkey:01\r\n$6\r\nkey:02\r\n$6\r\nkey:03\r\n");
    check_put(&protocol_redis, 's', 0, "*3\r\n$3\r\nSET\r\n$6\r\nkey:01\r\n$5\r\nvvvvv\r\n");
    check_put(&protocol_redis, 's', 3600,
              "*5\r\n$3\r\nSET\r\n$6\r\nkey:01\r\n$5\r\nvvvvv\r\n$2\r\nEX\r\n$4\r\n3600\r\n");
    out[redis_put_auth(out, "secret")] = '\0';
    assert_string_equal(out, "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n");
}

static int open_wire(void **state)
{
    (void)state;
    if (key_pattern_parse(&wire.pattern, "key:%02d", 99) != NULL || !values_init(&wire.values, false, 100, 1))
        return -1;
    memset(wire.values.filler, 'v', 100);
    return 0;
}

static int close_wire(void **state)
{
    (void)state;
    values_free(&wire.values);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_of_memcached_in_every_cut), cmocka_unit_test(replies_of_redis_in_every_cut),
        cmocka_unit_test(an_endless_line_is_wrong),          cmocka_unit_test(values_are_verified_in_every_cut),
        cmocka_unit_test(requests_are_written_as_they_must),
    };

    return cmocka_run_group_tests(tests, open_wire, close_wire);
}
