/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL    No bytes make the RESP parser read outside its input, consume more than there is, stand still, need more
 *         memory than it says, or see another sequence of commands when the input is cut or argv is small.
 * METHOD  The first bytes of an input choose where it is cut; the rest is parsed whole with a large argv and in those
 *         cuts with an argv of one, and a hash of all that comes out is compared. What a call sees lies in an
 *         allocation of its own size, so that AddressSanitizer notices one byte too far.
 */
#include "proto/resp.h"

#include <stdlib.h>
#include <string.h>

#define ARGV_MAX 1024

static const struct resp_limits LIMITS = {
    .args_max = ARGV_MAX,
    .bulk_max_bytes = 300,
    .proto_max_bulk_bytes = 2000,
    .request_max_bytes = 4096,
};

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

/* Notes one answer of the parser. Returns false when nothing more comes of the bytes that are there. */
static bool mix_answer(struct outcome *outcome, const struct resp_parser *parser, enum resp_parse result,
                       const struct resp_arg *argv, uint32_t capacity)
{
    switch (result) {
    case RESP_OK:
        if (parser->argc == 0 || parser->argc > capacity) {
            abort();
        }
        mix_number(outcome, parser->argc);
        for (uint32_t i = 0; i < parser->argc; i++) {
            mix_number(outcome, argv[i].len);
            mix(outcome, argv[i].data, argv[i].len);
        }
        return true;
    case RESP_TOO_LARGE:
        mix_number(outcome, UINT64_C(0x1000000000) + parser->argc);
        return true;
    case RESP_PROTOCOL_ERROR:
        mix(outcome, parser->error, parser->error_len);
        return false;
    case RESP_NEED_ARGV: /* inline commands are bounded by their line alone */
        return true;
    case RESP_NEED_MORE:
        return false;
    }
    abort();
}

/* Parses all of [at, at + len). Returns what is consumed, SIZE_MAX after a protocol error. */
static size_t parse_all(struct resp_parser *parser, uint8_t *at, size_t len, uint32_t first_capacity,
                        struct outcome *outcome)
{
    static struct resp_arg argv[RESP_INLINE_MAX_BYTES];
    uint32_t capacity = first_capacity;
    size_t from = 0;
    for (;;) {
        size_t consumed = SIZE_MAX;
        enum resp_parse result = resp_parse(parser, &LIMITS, at + from, len - from, argv, capacity, &consumed);
        if (consumed > len - from || (result == RESP_OK && consumed == 0)) {
            abort();
        }
        from += consumed;
        if (result == RESP_NEED_ARGV && (parser->argc <= capacity || parser->argc > RESP_INLINE_MAX_BYTES)) {
            abort();
        }
        if (!mix_answer(outcome, parser, result, argv, capacity)) {
            if (result == RESP_NEED_MORE && len - from > RESP_INLINE_MAX_BYTES + LIMITS.request_max_bytes) {
                abort();
            }
            return result == RESP_PROTOCOL_ERROR ? SIZE_MAX : from;
        }
        capacity = result == RESP_NEED_ARGV ? parser->argc : first_capacity;
    }
}

/* Gives the parser what lies between `from` and `to`; returns the new `from`, SIZE_MAX after a protocol error. */
static size_t arrive(struct resp_parser *parser, const uint8_t *data, size_t from, size_t to, uint32_t capacity,
                     struct outcome *outcome)
{
    size_t len = to - from;
    uint8_t *copy = malloc(len > 0 ? len : 1);
    if (len > 0) {
        memcpy(copy, data + from, len);
    }
    size_t consumed = parse_all(parser, copy, len, capacity, outcome);
    free(copy);
    return consumed == SIZE_MAX ? SIZE_MAX : from + consumed;
}

static struct outcome parse_in_cuts(const uint8_t *data, size_t len, const uint8_t *cuts, size_t cut_count,
                                    bool authenticated, uint32_t capacity)
{
    struct outcome outcome = {UINT64_C(0xcbf29ce484222325), 0};
    struct resp_parser parser;
    resp_parser_init(&parser, authenticated);
    size_t from = 0;
    size_t to = 0;
    for (size_t i = 0; i <= cut_count && from != SIZE_MAX; i++) {
        size_t step = i < cut_count ? cuts[i] : len;
        to = len - to > step ? to + step : len;
        from = arrive(&parser, data, from, to, capacity, &outcome);
    }
    outcome.rest_bytes = from == SIZE_MAX ? 0 : len - from;
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    size_t cut_count = len > 0 ? data[0] % 16 : 0;
    bool authenticated = len > 0 && data[0] < 192;
    if (len < 1 + cut_count) {
        return 0;
    }
    const uint8_t *cuts = data + 1;
    const uint8_t *input = cuts + cut_count;
    size_t input_len = len - 1 - cut_count;
    struct outcome whole = parse_in_cuts(input, input_len, NULL, 0, authenticated, ARGV_MAX);
    struct outcome cut = parse_in_cuts(input, input_len, cuts, cut_count, authenticated, 1);
    if (whole.hash != cut.hash || whole.rest_bytes != cut.rest_bytes) {
        abort();
    }
    return 0;
}
