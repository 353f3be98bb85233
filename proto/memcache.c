/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The classic text protocol of memcached: the stream of a connection cut into requests.
 *
 * IDEA   The two commonest lines, `get KEY` and `set KEY FLAGS EXPTIME BYTES`, are recognised in one pass that finds the
 *        line's end on its way. Whatever does not look exactly like one of them, because it is rare, wrong or has not
 *        arrived whole, takes the long way: find the line end, then proto/memcache_line.c.
 */
#include "proto/memcache.h"

#include <string.h>

#include "proto/memcache_line.h"
#include "proto/scan.h"

enum parser_mode {
    AT_LINE = 0,   /* a command line comes next */
    IN_RETRIEVAL,  /* more keys of a retrieval whose first piece is out */
    SKIPPING_LINE, /* the rest of a refused line */
    SKIPPING_DATA, /* the rest of a refused value */
};

void memcache_parser_init(struct memcache_parser *parser, uint32_t value_max_bytes)
{
    *parser = (struct memcache_parser){.value_max_bytes = value_max_bytes};
}

size_t memcache_put_value_line(char *out, const uint8_t *key, uint32_t key_len, uint32_t flags, uint32_t value_bytes,
                               const uint64_t *cas)
{
    char *at = out;
    memcpy(at, "VALUE ", 6);
    at += 6;
    memcpy(at, key, key_len);
    at += key_len;
    *at++ = ' ';
    at += number_format_u64(at, flags);
    *at++ = ' ';
    at += number_format_u64(at, value_bytes);
    if (cas != NULL) {
        *at++ = ' ';
        at += number_format_u64(at, *cas);
    }
    memcpy(at, "\r\n", 2);
    return (size_t)(at + 2 - out);
}

/* `get KEY\r\n` or `gets KEY\r\n`, whole and in its plainest form; `key` is where the key begins. */
static inline bool fast_get(enum memcache_verb verb, const uint8_t *data, const uint8_t *key, const uint8_t *end,
                            struct memcache_request *out, size_t *consumed)
{
    const uint8_t *stop = scan_word_end(key, end);
    size_t key_len = (size_t)(stop - key);
    if (end - stop < 2 || stop[0] != '\r' || stop[1] != '\n' || key_len - 1 >= MEMCACHE_KEY_MAX) {
        return false;
    }
    out->verb = verb;
    out->noreply = false;
    out->more = false;
    out->key = key;
    out->key_len = (uint32_t)key_len;
    out->key_count = 1;
    out->args = key;
    out->args_len = key_len;
    *consumed = (size_t)(stop + 2 - data);
    return true;
}

/* Up to nine digits, at least one; returns what follows them. The last digit must not be the last byte. */
static inline const uint8_t *fast_number(const uint8_t *at, const uint8_t *end, uint32_t *value)
{
    const uint8_t *limit = end - at > 9 ? at + 9 : end - 1;
    uint32_t sum = 0;
    while (at < limit && scan_is_digit(*at)) {
        sum = sum * 10 + (*at++ - '0');
    }
    *value = sum;
    return at;
}

/* `set KEY FLAGS EXPTIME BYTES [noreply]\r\n` and its value, whole and in their plainest form. */
static inline bool fast_set(const uint8_t *data, const uint8_t *end, uint32_t value_max, struct memcache_request *out,
                            size_t *consumed)
{
    const uint8_t *key = data + 4;
    const uint8_t *key_end = scan_word_end(key, end);
    size_t key_len = (size_t)(key_end - key);
    /* The shortest rest is " 0 0 0\r\n\r\n". */
    if (end - key_end < 10 || key_end[0] != ' ' || key_len - 1 >= MEMCACHE_KEY_MAX) {
        return false;
    }
    const uint8_t *bytes = key_end + 5;
    uint32_t exptime = 0;
    out->flags = 0;
    if (memcmp(key_end, " 0 0 ", 5) != 0) { /* most store without flags and expiry */
        const uint8_t *flags_end = fast_number(key_end + 1, end, &out->flags);
        if (*flags_end != ' ' || flags_end == key_end + 1) {
            return false;
        }
        const uint8_t *exptime_end = fast_number(flags_end + 1, end, &exptime);
        if (exptime_end >= end || *exptime_end != ' ' || exptime_end == flags_end + 1) {
            return false;
        }
        bytes = exptime_end + 1;
    }
    const uint8_t *line_end = fast_number(bytes, end, &out->value_bytes);
    if (line_end == bytes) {
        return false;
    }
    bool noreply = end - line_end > 12 && memcmp(line_end, " noreply", 8) == 0;
    line_end += noreply ? 8 : 0;
    if (end - line_end < 4 || line_end[0] != '\r' || line_end[1] != '\n') {
        return false;
    }
    const uint8_t *value = line_end + 2;
    size_t value_bytes = out->value_bytes;
    if (value_bytes > value_max || (size_t)(end - value) < value_bytes + 2 || value[value_bytes] != '\r' ||
        value[value_bytes + 1] != '\n') {
        return false;
    }
    out->verb = MEMCACHE_SET;
    out->noreply = noreply;
    out->more = false;
    out->key = key;
    out->key_len = (uint32_t)key_len;
    out->exptime_s = exptime;
    out->value = value;
    *consumed = (size_t)(value + value_bytes + 2 - data);
    return true;
}

static enum memcache_parse need(struct memcache_parser *parser, size_t need_bytes)
{
    parser->need_bytes = need_bytes;
    return MEMCACHE_NEED_MORE;
}

/* Ready for the next line. */
static inline enum memcache_parse done(struct memcache_parser *parser, enum parser_mode mode)
{
    parser->mode = (uint8_t)mode;
    parser->scanned_bytes = 0;
    parser->need_bytes = 0;
    return MEMCACHE_OK;
}

/*
 * Finds the line end among the first MEMCACHE_LINE_MAX bytes, looking at no byte twice; NULL if there is
 * none.
 */
static const uint8_t *find_line_end(struct memcache_parser *parser, const uint8_t *data, size_t len)
{
    size_t visible = len < MEMCACHE_LINE_MAX ? len : MEMCACHE_LINE_MAX;
    size_t scanned = parser->scanned_bytes;
    const uint8_t *line_end = visible > scanned ? memchr(data + scanned, '\n', visible - scanned) : NULL;
    parser->scanned_bytes = (uint32_t)(line_end != NULL ? (size_t)(line_end - data) : visible);
    return line_end;
}

/*
 * Hands out the keys of [keys, data + MEMCACHE_LINE_MAX) that are there to the last byte, that is, up to the
 * last space; `out` has its verb and exptime.
 */
static enum memcache_parse cut_piece(struct memcache_parser *parser, const uint8_t *data, const uint8_t *keys,
                                     struct memcache_request *out, size_t *consumed)
{
    const uint8_t *cut = data + MEMCACHE_LINE_MAX;
    while (cut > keys && cut[-1] != ' ') {
        cut--;
    }
    if (cut == keys && cut + MEMCACHE_KEY_MAX < data + MEMCACHE_LINE_MAX) {
        cut = data + MEMCACHE_LINE_MAX; /* one word, longer than any key: let it be refused */
    }
    parser->verb = (uint8_t)out->verb;
    parser->exptime_s = out->exptime_s;
    memcache_line_keys(keys, cut, out);
    out->more = out->verb != MEMCACHE_INVALID;
    *consumed = (size_t)(cut - data);
    return done(parser, out->more ? IN_RETRIEVAL : SKIPPING_LINE);
}

/* The first piece of a retrieval that is longer than MEMCACHE_LINE_MAX, or the end of the connection. */
static enum memcache_parse parse_endless(struct memcache_parser *parser, const uint8_t *data,
                                         struct memcache_request *out, size_t *consumed)
{
    const uint8_t *end = data + MEMCACHE_LINE_MAX;
    if (!memcache_line_is_retrieval(data, end)) {
        return MEMCACHE_CLOSE;
    }
    /* Also where the keys begin is the line parser's business; a key cut in two is looked at again below. */
    enum memcache_line line = memcache_line_parse(data, MEMCACHE_LINE_MAX, out);
    if (line == MEMCACHE_LINE_WHOLE && out->verb != MEMCACHE_INVALID) {
        return cut_piece(parser, data, out->args, out, consumed);
    }
    *consumed = MEMCACHE_LINE_MAX;
    return done(parser, SKIPPING_LINE);
}

/* Goes on with a retrieval after its first piece. */
static enum memcache_parse parse_more_keys(struct memcache_parser *parser, const uint8_t *data, size_t len,
                                           struct memcache_request *out, size_t *consumed)
{
    const uint8_t *line_end = find_line_end(parser, data, len);
    if (line_end == NULL && len < MEMCACHE_LINE_MAX) {
        return need(parser, 0);
    }
    out->verb = (enum memcache_verb)parser->verb;
    out->exptime_s = parser->exptime_s;
    out->noreply = false;
    if (line_end == NULL) {
        return cut_piece(parser, data, data, out, consumed);
    }
    *consumed = (size_t)(line_end + 1 - data);
    out->more = false;
    memcache_line_keys(data, line_end > data && line_end[-1] == '\r' ? line_end - 1 : line_end, out);
    return done(parser, AT_LINE);
}

/* The line of a store has been read; its value begins at data + line_bytes. */
static enum memcache_parse parse_value(struct memcache_parser *parser, const uint8_t *data, size_t len,
                                       size_t line_bytes, struct memcache_request *out, size_t *consumed)
{
    size_t value_bytes = out->value_bytes;
    if (value_bytes > parser->value_max_bytes) {
        enum memcache_verb attempted = out->verb;
        memcache_line_refuse(out, MEMCACHE_TOO_LARGE);
        out->verb = MEMCACHE_OVERSIZE;
        out->attempted = attempted;
        *consumed = line_bytes;
        parser->swallow_bytes = value_bytes + 2;
        return done(parser, SKIPPING_DATA);
    }
    size_t total = line_bytes + value_bytes + 2;
    if (len < total) {
        return need(parser, total);
    }
    out->value = data + line_bytes;
    *consumed = total;
    if (out->value[value_bytes] != '\r' || out->value[value_bytes + 1] != '\n') {
        memcache_line_refuse(out, MEMCACHE_BAD_CHUNK);
    }
    return done(parser, AT_LINE);
}

/* The long way: anything at the start of a line. */
static enum memcache_parse parse_line(struct memcache_parser *parser, const uint8_t *data, size_t len,
                                      struct memcache_request *out, size_t *consumed)
{
    const uint8_t *line_end = find_line_end(parser, data, len);
    if (line_end == NULL) {
        return len < MEMCACHE_LINE_MAX ? need(parser, 0) : parse_endless(parser, data, out, consumed);
    }
    size_t line_bytes = (size_t)(line_end + 1 - data);
    size_t line_len = line_bytes - 1;
    if (line_len > 1 && line_end[-1] == '\r') {
        line_len--;
    }
    switch (memcache_line_parse(data, line_len, out)) {
    case MEMCACHE_LINE_WHOLE:
        break;
    case MEMCACHE_LINE_VALUE:
        return parse_value(parser, data, len, line_bytes, out, consumed);
    case MEMCACHE_LINE_CLOSE:
        return MEMCACHE_CLOSE;
    }
    *consumed = line_bytes;
    return done(parser, AT_LINE);
}

/* Drops what belongs to a refused request. Returns the bytes dropped; the mode says whether that was all. */
static size_t skip(struct memcache_parser *parser, const uint8_t *data, size_t len)
{
    if (parser->mode == SKIPPING_DATA) {
        size_t dropped = len < parser->swallow_bytes ? len : (size_t)parser->swallow_bytes;
        parser->swallow_bytes -= dropped;
        if (parser->swallow_bytes == 0) {
            parser->mode = AT_LINE;
        }
        return dropped;
    }
    const uint8_t *line_end = len > 0 ? memchr(data, '\n', len) : NULL;
    if (line_end == NULL) {
        return len;
    }
    parser->mode = AT_LINE;
    return (size_t)(line_end + 1 - data);
}

/* A call that finds the parser in the middle of something. */
static enum memcache_parse parse_on(struct memcache_parser *parser, const uint8_t *data, size_t len,
                                    struct memcache_request *out, size_t *consumed)
{
    if (parser->mode == IN_RETRIEVAL) {
        return parse_more_keys(parser, data, len, out, consumed);
    }
    size_t dropped = skip(parser, data, len);
    *consumed = dropped;
    if (parser->mode != AT_LINE || dropped == len) {
        return need(parser, 0);
    }
    size_t taken = 0;
    enum memcache_parse result = memcache_parse(parser, data + dropped, len - dropped, out, &taken);
    *consumed = dropped + taken;
    return result;
}

enum memcache_parse memcache_parse(struct memcache_parser *parser, const uint8_t *data, size_t len,
                                   struct memcache_request *out, size_t *consumed)
{
    *consumed = 0;
    if (HEARTH_UNLIKELY(parser->mode != AT_LINE)) {
        return parse_on(parser, data, len, out, consumed);
    }
    if (len == 0 || len < parser->need_bytes) {
        return MEMCACHE_NEED_MORE;
    }
    if (len < 7) {
        return parse_line(parser, data, len, out, consumed);
    }
    const uint8_t *end = data + len;
    bool found = false;
    if (scan_is4(data, "get ")) {
        found = fast_get(MEMCACHE_GET, data, data + 4, end, out, consumed);
    } else if (scan_is4(data, "set ")) {
        found = fast_set(data, end, parser->value_max_bytes, out, consumed);
    } else if (scan_is4(data, "gets") && data[4] == ' ') {
        found = fast_get(MEMCACHE_GETS, data, data + 5, end, out, consumed);
    }
    return found ? done(parser, AT_LINE) : parse_line(parser, data, len, out, consumed);
}
