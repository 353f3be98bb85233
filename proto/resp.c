/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RESP2 requests: the stream of a connection cut into commands.
 *
 * IDEA   A short command that is there as a whole is taken in one go. Any other is walked argument by argument. The
 *        walk stores each argument it passes when it began at the header in the same call; a walk that had to be
 *        interrupted only moves `at`, and when it reaches the end the command is walked once more to store. A count
 *        ends with '\r'; the byte behind it is taken to be '\n' and never looked at, nor are the two bytes behind a
 *        bulk string, as in Redis.
 */
#include "proto/resp.h"

#include <string.h>

#include "base/number.h"
#include "proto/resp_inline.h"
#include "proto/resp_reply.h"
#include "proto/scan.h"

/* How far one count has been read. */
enum head {
    HEAD_OK,
    HEAD_PART,     /* its line end is not there yet */
    HEAD_ENDLESS,  /* no line end in RESP_INLINE_MAX_BYTES */
    HEAD_NO_COUNT, /* not a number */
};

void resp_parser_init(struct resp_parser *parser, bool authenticated)
{
    *parser = (struct resp_parser){.authenticated = authenticated};
}

/* Ready for the next command. */
static inline void reset(struct resp_parser *parser)
{
    parser->at = 0;
    parser->args_total = 0;
    parser->args_left = 0;
    parser->scanned_bytes = 0;
    parser->swallowing = false;
    parser->need_bytes = 0;
}

static enum resp_parse need(struct resp_parser *parser, uint64_t need_bytes)
{
    parser->need_bytes = need_bytes;
    return RESP_NEED_MORE;
}

static enum resp_parse fail(struct resp_parser *parser, const char *text)
{
    static const char prefix[] = "ERR Protocol error: ";
    char line[sizeof parser->error - 3];
    size_t len = strlen(text);
    memcpy(line, prefix, sizeof prefix - 1);
    memcpy(line + sizeof prefix - 1, text, len);
    parser->error_len = (uint32_t)resp_put_error(parser->error, line, sizeof prefix - 1 + len);
    return RESP_PROTOCOL_ERROR;
}

/* Finds the end of a line of at most RESP_INLINE_MAX_BYTES, looking at no byte twice. */
static enum head find_end(struct resp_parser *parser, const uint8_t *line, size_t len, int end_byte,
                          const uint8_t **line_end)
{
    size_t visible = len <= RESP_INLINE_MAX_BYTES ? len : RESP_INLINE_MAX_BYTES + 1;
    size_t scanned = parser->scanned_bytes;
    *line_end = visible > scanned ? memchr(line + scanned, end_byte, visible - scanned) : NULL;
    if (*line_end != NULL) {
        parser->scanned_bytes = (uint32_t)(*line_end - line);
        return HEAD_OK;
    }
    parser->scanned_bytes = (uint32_t)visible;
    return len <= RESP_INLINE_MAX_BYTES ? HEAD_PART : HEAD_ENDLESS;
}

/* Reads the count behind the type byte at `line`. *head_bytes includes the type byte and the line end. */
static enum head read_count(struct resp_parser *parser, const uint8_t *line, size_t len, int64_t *count,
                            size_t *head_bytes)
{
    const uint8_t *line_end;
    enum head found = find_end(parser, line, len, '\r', &line_end);
    if (found != HEAD_OK) {
        return found;
    }
    if ((size_t)(line_end - line) + 2 > len) {
        return HEAD_PART;
    }
    *head_bytes = (size_t)(line_end - line) + 2;
    if (line_end == line || !number_parse_i64(line + 1, *head_bytes - 3, count)) {
        return HEAD_NO_COUNT;
    }
    return HEAD_OK;
}

/* Reads "$<len>\r\n" at `line`, where at least one byte is. */
static enum resp_parse read_bulk_head(struct resp_parser *parser, const struct resp_limits *limits, const uint8_t *line,
                                      size_t len, uint32_t *bulk_bytes, size_t *head_bytes)
{
    int64_t count = -1;
    switch (read_count(parser, line, len, &count, head_bytes)) {
    case HEAD_OK:
        break;
    case HEAD_NO_COUNT:
        count = -1;
        break;
    case HEAD_PART:
        return need(parser, 0);
    case HEAD_ENDLESS:
        return fail(parser, "too big bulk count string");
    }
    if (line[0] != '$') {
        char text[] = "expected '$', got '?'";
        text[sizeof text - 3] = (char)line[0];
        return fail(parser, text);
    }
    if (count < 0 || (uint64_t)count > limits->proto_max_bulk_bytes || count > UINT32_MAX) {
        return fail(parser, "invalid bulk length");
    }
    if (count > RESP_UNAUTHENTICATED_BULK_MAX_BYTES && !parser->authenticated) {
        return fail(parser, "unauthenticated bulk length");
    }
    *bulk_bytes = (uint32_t)count;
    return RESP_OK;
}

/*
 * The same where the bytes are there, look as they should and stay below the bound for strangers: nearly always.
 * The other bounds are the caller's business, or those of read_bulk_head() where this says false.
 */
static inline bool fast_bulk_head(const uint8_t *line, const uint8_t *end, uint32_t bulk_max_bytes,
                                  uint32_t *bulk_bytes, size_t *head_bytes)
{
    if (end - line < 10 || line[0] != '$' || !scan_is_digit(line[1])) {
        return false;
    }
    uint32_t count = line[1] - '0';
    const uint8_t *at = line + 2;
    if (HEARTH_UNLIKELY(*at != '\r')) {
        if (count == 0) {
            return false;
        }
        while (scan_is_digit(*at) && at < line + 8) {
            count = count * 10 + (*at++ - '0');
        }
        if (*at != '\r') {
            return false;
        }
    }
    if (count > RESP_UNAUTHENTICATED_BULK_MAX_BYTES || count > bulk_max_bytes) {
        return false;
    }
    *bulk_bytes = count;
    *head_bytes = (size_t)(at + 2 - line);
    return true;
}

/*
 * Drops a command as it arrives, beginning with what is left of its present argument. Everything looked at is
 * consumed, so `data` always begins at an argument.
 */
static enum resp_parse swallow(struct resp_parser *parser, const struct resp_limits *limits, const uint8_t *data,
                               size_t len, size_t *consumed)
{
    size_t pos = 0;
    for (;;) {
        uint64_t dropped = len - pos < parser->swallow_bytes ? len - pos : parser->swallow_bytes;
        pos += dropped;
        parser->swallow_bytes -= dropped;
        *consumed = pos;
        if (parser->swallow_bytes > 0) {
            return need(parser, 0);
        }
        if (parser->args_left == 0) {
            parser->argc = parser->args_total;
            reset(parser);
            return RESP_TOO_LARGE;
        }
        if (pos == len) {
            return need(parser, 0);
        }
        uint32_t bulk_bytes = 0;
        size_t head_bytes = 0;
        enum resp_parse head = read_bulk_head(parser, limits, data + pos, len - pos, &bulk_bytes, &head_bytes);
        if (head != RESP_OK) {
            return head;
        }
        parser->swallow_bytes = head_bytes + (uint64_t)bulk_bytes + 2;
        parser->args_left--;
        parser->scanned_bytes = 0;
    }
}

/* The second pass over a command that is known to be whole and right. */
static void store_args(const uint8_t *data, uint64_t bytes, struct resp_arg *argv, uint32_t argc)
{
    const uint8_t *end = data + bytes;
    const uint8_t *at = (const uint8_t *)memchr(data, '\r', bytes) + 2;
    for (uint32_t i = 0; i < argc; i++) {
        uint32_t bulk_bytes = 0;
        size_t head_bytes;
        if (!fast_bulk_head(at, end, UINT32_MAX, &bulk_bytes, &head_bytes)) {
            const uint8_t *digit = at + 1;
            while (*digit != '\r') {
                bulk_bytes = bulk_bytes * 10 + (*digit++ - '0');
            }
            head_bytes = (size_t)(digit - at) + 2;
        }
        argv[i] = (struct resp_arg){at + head_bytes, bulk_bytes};
        at += head_bytes + bulk_bytes + 2;
    }
}

/* All bytes of the command are there: hands it out if argv is large enough. */
static enum resp_parse finish(struct resp_parser *parser, const uint8_t *data, struct resp_arg *argv,
                              uint32_t argv_capacity, bool stored, size_t *consumed)
{
    parser->argc = parser->args_total;
    if (parser->args_total > argv_capacity) {
        return RESP_NEED_ARGV;
    }
    if (!stored) {
        store_args(data, parser->at, argv, parser->args_total);
    }
    *consumed = parser->at;
    reset(parser);
    return RESP_OK;
}

/* Walks the arguments from parser->at on; `store` says that argv takes them. */
static enum resp_parse walk_args(struct resp_parser *parser, const struct resp_limits *limits, const uint8_t *data,
                                 size_t len, struct resp_arg *argv, uint32_t argv_capacity, bool store,
                                 size_t *consumed)
{
    const uint8_t *end = data + len;
    const uint8_t *at = data + parser->at;
    while (parser->args_left > 0) {
        uint32_t bulk_bytes;
        size_t head_bytes;
        if (HEARTH_UNLIKELY(!fast_bulk_head(at, end, limits->bulk_max_bytes, &bulk_bytes, &head_bytes))) {
            parser->at = (uint64_t)(at - data);
            if (at == end) {
                return need(parser, parser->at + 1);
            }
            enum resp_parse head = read_bulk_head(parser, limits, at, (size_t)(end - at), &bulk_bytes, &head_bytes);
            if (head != RESP_OK) {
                return head == RESP_NEED_MORE ? need(parser, len + 1) : head;
            }
        }
        uint64_t need_bytes = (uint64_t)(at - data) + head_bytes + bulk_bytes + 2;
        if (HEARTH_UNLIKELY(bulk_bytes > limits->bulk_max_bytes || need_bytes > limits->request_max_bytes)) {
            parser->swallowing = true;
            parser->swallow_bytes = need_bytes;
            parser->args_left--;
            parser->scanned_bytes = 0;
            return swallow(parser, limits, data, len, consumed);
        }
        if (need_bytes > len) {
            parser->at = (uint64_t)(at - data);
            return need(parser, need_bytes);
        }
        if (store) {
            argv[parser->args_total - parser->args_left] = (struct resp_arg){at + head_bytes, bulk_bytes};
        }
        parser->args_left--;
        parser->scanned_bytes = 0;
        at = data + need_bytes;
    }
    parser->at = (uint64_t)(at - data);
    return finish(parser, data, argv, argv_capacity, store, consumed);
}

/* Reads "*<count>\r\n". RESP_OK with args_total 0 means an empty array. */
static enum resp_parse read_array_head(struct resp_parser *parser, const struct resp_limits *limits,
                                       const uint8_t *data, size_t len)
{
    int64_t count;
    size_t head_bytes;
    switch (read_count(parser, data, len, &count, &head_bytes)) {
    case HEAD_OK:
        break;
    case HEAD_PART:
        return need(parser, len + 1);
    case HEAD_ENDLESS:
        return fail(parser, "too big mbulk count string");
    case HEAD_NO_COUNT:
        return fail(parser, "invalid multibulk length");
    }
    if (count > limits->args_max || count > RESP_ARGS_MAX) {
        return fail(parser, "invalid multibulk length");
    }
    if (count > RESP_UNAUTHENTICATED_ARGS_MAX && !parser->authenticated) {
        return fail(parser, "unauthenticated multibulk length");
    }
    parser->scanned_bytes = 0;
    parser->at = head_bytes;
    parser->args_total = count > 0 ? (uint32_t)count : 0;
    parser->args_left = parser->args_total;
    return RESP_OK;
}

/*
 * A command of at most nine arguments, whole and in its plainest form: nearly all. The parser is left alone; false: it
 * takes the walk.
 */
static inline bool fast_array(const struct resp_limits *limits, const uint8_t *data, size_t len, struct resp_arg *argv,
                              uint32_t argc, size_t *consumed)
{
    const uint8_t *end = data + len;
    const uint8_t *at = data + 4;
    for (uint32_t i = 0; i < argc; i++) {
        uint32_t bulk_bytes;
        size_t head_bytes;
        if (!fast_bulk_head(at, end, limits->bulk_max_bytes, &bulk_bytes, &head_bytes)) {
            return false;
        }
        at += head_bytes;
        if ((size_t)(end - at) < (size_t)bulk_bytes + 2) {
            return false;
        }
        argv[i] = (struct resp_arg){at, bulk_bytes};
        at += bulk_bytes + 2;
    }
    if ((size_t)(at - data) > limits->request_max_bytes) {
        return false;
    }
    *consumed = (size_t)(at - data);
    return true;
}

/* A command that begins with '*'. An empty array leaves args_total 0 and its length in *consumed. */
static enum resp_parse parse_array(struct resp_parser *parser, const struct resp_limits *limits, const uint8_t *data,
                                   size_t len, struct resp_arg *argv, uint32_t argv_capacity, size_t *consumed)
{
    bool store = false;
    if (parser->args_total == 0) {
        if (len >= 4 && scan_is_digit(data[1]) && data[1] != '0' && data[2] == '\r') {
            uint32_t argc = data[1] - '0';
            if (HEARTH_LIKELY(argc <= argv_capacity && fast_array(limits, data, len, argv, argc, consumed))) {
                reset(parser);
                parser->argc = argc;
                return RESP_OK;
            }
            parser->at = 4;
            parser->scanned_bytes = 0;
            parser->args_total = argc;
            parser->args_left = argc;
        } else {
            enum resp_parse head = read_array_head(parser, limits, data, len);
            if (head != RESP_OK) {
                return head;
            }
            if (parser->args_total == 0) {
                *consumed = parser->at;
                reset(parser);
                return RESP_OK;
            }
        }
        store = parser->args_total <= argv_capacity;
    }
    return walk_args(parser, limits, data, len, argv, argv_capacity, store, consumed);
}

/* A command typed by hand. An empty line sets argc to 0. */
static enum resp_parse parse_inline(struct resp_parser *parser, uint8_t *data, size_t len, struct resp_arg *argv,
                                    uint32_t argv_capacity, size_t *consumed)
{
    const uint8_t *line_end;
    switch (find_end(parser, data, len, '\n', &line_end)) {
    case HEAD_OK:
        break;
    case HEAD_PART:
        return need(parser, len + 1);
    case HEAD_ENDLESS:
    case HEAD_NO_COUNT:
        return fail(parser, "too big inline request");
    }
    size_t line_len = (size_t)(line_end - data);
    size_t line_bytes = line_len + 1;
    if (line_len > 0 && data[line_len - 1] == '\r') {
        line_len--;
    }
    if (!resp_inline_count(data, line_len, &parser->argc)) {
        return fail(parser, "unbalanced quotes in request");
    }
    if (parser->argc > argv_capacity) {
        return RESP_NEED_ARGV;
    }
    resp_inline_split(data, line_len, argv);
    *consumed = line_bytes;
    reset(parser);
    return RESP_OK;
}

enum resp_parse resp_parse(struct resp_parser *parser, const struct resp_limits *limits, uint8_t *data, size_t len,
                           struct resp_arg *argv, uint32_t argv_capacity, size_t *consumed)
{
    *consumed = 0;
    if (HEARTH_UNLIKELY(parser->swallowing)) {
        return swallow(parser, limits, data, len, consumed);
    }
    size_t passed = 0; /* empty lines and arrays */
    while (passed < len && len - passed >= parser->need_bytes) {
        enum resp_parse result;
        size_t taken = 0;
        parser->argc = 0;
        if (data[passed] == '*') {
            result = parse_array(parser, limits, data + passed, len - passed, argv, argv_capacity, &taken);
        } else {
            result = parse_inline(parser, data + passed, len - passed, argv, argv_capacity, &taken);
        }
        *consumed = passed + taken;
        if (result != RESP_OK || parser->argc > 0) {
            return result;
        }
        passed += taken;
    }
    return RESP_NEED_MORE;
}
