/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    No bytes make the memcached parser read outside its input, consume more than there is, stand still, need
 *         more memory than it says, or see another sequence of requests when the input is cut.
 * METHOD  The first bytes of an input choose where it is cut; the rest is parsed whole and in those cuts, and a hash of
 *         all that comes out is compared. What a call sees lies in an allocation of its own size, so that
 *         AddressSanitizer notices one byte too far. Keys and values are hashed byte by byte, which checks that the
 *         pointers lie inside.
 */
#include "proto/memcache.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 512

struct outcome {
    uint64_t hash;
    size_t rest_bytes; /* not consumed at the end */
};

static void mix(struct outcome *outcome, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        outcome->hash = (outcome->hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
}

static void mix_number(struct outcome *outcome, uint64_t number)
{
    mix(outcome, &number, sizeof number);
}

static void mix_words(struct outcome *outcome, const struct memcache_request *request)
{
    struct memcache_cursor cursor = memcache_keys(request);
    const uint8_t *word;
    uint32_t word_len;
    while (memcache_next_key(&cursor, &word, &word_len)) {
        mix_number(outcome, word_len);
        mix(outcome, word, word_len);
    }
}

static void mix_request(struct outcome *outcome, const struct memcache_request *request)
{
    mix_number(outcome, request->verb);
    if (request->verb == MEMCACHE_INVALID || request->verb == MEMCACHE_OVERSIZE) {
        mix(outcome, request->error, request->error_len);
        return;
    }
    mix_number(outcome, request->noreply);
    if (request->verb <= MEMCACHE_GATS) {
        /* Pieces are cut at fixed places of the line, so they are the same however the input arrives. */
        mix_number(outcome, request->more);
        mix_number(outcome, request->key_count);
        mix_words(outcome, request);
    } else if (request->verb < MEMCACHE_FLUSH_ALL) {
        if (request->key_len < 1 || request->key_len > MEMCACHE_KEY_MAX) {
            abort();
        }
        mix(outcome, request->key, request->key_len);
        if (request->verb <= MEMCACHE_CAS) {
            mix_number(outcome, request->flags);
            mix_number(outcome, (uint64_t)request->exptime_s);
            mix_number(outcome, request->value_bytes);
            mix(outcome, request->value, request->value_bytes);
        }
    } else if (request->verb >= MEMCACHE_STATS) {
        mix_words(outcome, request);
    }
}

/* Parses all of [at, at + len). Returns what is consumed, SIZE_MAX when the parser closes. */
static size_t parse_all(struct memcache_parser *parser, const uint8_t *at, size_t len, struct outcome *outcome)
{
    size_t from = 0;
    for (;;) {
        struct memcache_request request;
        size_t consumed = SIZE_MAX;
        enum memcache_parse result = memcache_parse(parser, at + from, len - from, &request, &consumed);
        if (consumed > len - from || (result == MEMCACHE_OK && consumed == 0)) {
            abort();
        }
        from += consumed;
        if (result == MEMCACHE_CLOSE) {
            mix_number(outcome, 0xc105e);
            return SIZE_MAX;
        }
        if (result == MEMCACHE_NEED_MORE) {
            if (len - from > memcache_request_max_bytes(parser)) {
                abort();
            }
            return from;
        }
        mix_request(outcome, &request);
    }
}

/* Gives the parser what lies between `from` and `to`; returns the new `from`, SIZE_MAX when it has closed. */
static size_t arrive(struct memcache_parser *parser, const uint8_t *data, size_t from, size_t to,
                     struct outcome *outcome)
{
    size_t len = to - from;
    uint8_t *copy = malloc(len > 0 ? len : 1);
    if (len > 0) {
        memcpy(copy, data + from, len);
    }
    size_t consumed = parse_all(parser, copy, len, outcome);
    free(copy);
    return consumed == SIZE_MAX ? SIZE_MAX : from + consumed;
}

static struct outcome parse_in_cuts(const uint8_t *data, size_t len, const uint8_t *cuts, size_t cut_count)
{
    struct outcome outcome = {UINT64_C(0xcbf29ce484222325), 0};
    struct memcache_parser parser;
    memcache_parser_init(&parser, VALUE_MAX);
    size_t from = 0;
    size_t to = 0;
    for (size_t i = 0; i <= cut_count && from != SIZE_MAX; i++) {
        size_t step = i < cut_count ? cuts[i] : len;
        to = len - to > step ? to + step : len;
        from = arrive(&parser, data, from, to, &outcome);
    }
    outcome.rest_bytes = from == SIZE_MAX ? 0 : len - from;
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    size_t cut_count = len > 0 ? data[0] % 16 : 0;
    if (len < 1 + cut_count) {
        return 0;
    }
    const uint8_t *cuts = data + 1;
    const uint8_t *input = cuts + cut_count;
    size_t input_len = len - 1 - cut_count;
    struct outcome whole = parse_in_cuts(input, input_len, NULL, 0);
    struct outcome cut = parse_in_cuts(input, input_len, cuts, cut_count);
    if (whole.hash != cut.hash || whole.rest_bytes != cut.rest_bytes) {
        abort();
    }
    return 0;
}
