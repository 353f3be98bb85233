/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Redis's protocol, RESP2, from the client's side: GET, MGET, SET, AUTH.
 */
#include <string.h>

#include "base/number.h"
#include "bench/load/protocol.h"

static char *put_number_line(char *at, char mark, uint64_t number)
{
    *at++ = mark;
    at += number_format_u64(at, number);
    return PUT_TEXT(at, "\r\n");
}

/* $<len>\r\n<key>\r\n */
static char *put_key(const struct wire *wire, char *at, uint64_t key)
{
    const struct key_pattern *pattern = &wire->pattern;
    size_t len =
        pattern->digits != 0 ? pattern->len_max : pattern->prefix_len + pattern->suffix_len + number_digits_u64(key);

    at = put_number_line(at, '$', len);
    at += key_put(pattern, at, key);
    return PUT_TEXT(at, "\r\n");
}

static size_t put_get(const struct wire *wire, char *out, const struct request *request)
{
    char *at = out;

    if (request->key_count == 1) {
        at = PUT_TEXT(at, "*2\r\n$3\r\nGET\r\n");
    } else {
        at = put_number_line(at, '*', request->key_count + 1);
        at = PUT_TEXT(at, "$4\r\nMGET\r\n");
    }
    for (uint32_t i = 0; i < request->key_count; i++)
        at = put_key(wire, at, request->keys[i]);
    return (size_t)(at - out);
}

static size_t put_set(const struct wire *wire, char *out, const struct request *request)
{
    char *at = out;

    if (request->ttl_s == 0)
        at = PUT_TEXT(at, "*3\r\n$3\r\nSET\r\n");
    else
        at = PUT_TEXT(at, "*5\r\n$3\r\nSET\r\n");
    at = put_key(wire, at, request->keys[0]);
    at = put_number_line(at, '$', request->value_bytes);
    value_put(&wire->values, at, request->keys[0], request->version, request->value_bytes);
    at = PUT_TEXT(at + request->value_bytes, "\r\n");
    if (request->ttl_s != 0) {
        at = PUT_TEXT(at, "$2\r\nEX\r\n");
        at = put_number_line(at, '$', number_digits_u64(request->ttl_s));
        at += number_format_u64(at, request->ttl_s);
        at = PUT_TEXT(at, "\r\n");
    }
    return (size_t)(at - out);
}

static size_t put_request(const struct wire *wire, char *out, const struct request *request)
{
    return request->kind == REQUEST_GET ? put_get(wire, out, request) : put_set(wire, out, request);
}

size_t redis_put_auth(char *out, const char *password)
{
    size_t len = strlen(password);
    char *at = PUT_TEXT(out, "*2\r\n$4\r\nAUTH\r\n");

    at = put_number_line(at, '$', len);
    memcpy(at, password, len);
    at = PUT_TEXT(at + len, "\r\n");
    return (size_t)(at - out);
}

/* An element of a GET's or MGET's answer: $<bytes>, or $-1 for a miss. */
static enum reply_result take_bulk_line(const struct wire *wire, const struct request *request, struct reply *reply,
                                        const char *line, size_t len)
{
    uint64_t bytes;

    if (len == 3 && memcmp(line, "$-1", 3) == 0)
        return ++reply->key_index == request->key_count ? REPLY_WHOLE : REPLY_MORE;
    if (len < 2 || line[0] != '$' || reply_number(line + 1, line + len, &bytes) != line + len)
        return reply_wrong(reply, "no reply to this request", line, len);
    return reply_begin_value(wire, request, reply, bytes);
}

static enum reply_result take_array_line(const struct request *request, struct reply *reply, const char *line,
                                         size_t len)
{
    uint64_t count;

    if (len < 2 || line[0] != '*' || reply_number(line + 1, line + len, &count) != line + len)
        return reply_wrong(reply, "no reply to this request", line, len);
    if (count != request->key_count)
        return reply_wrong(reply, "not as many values as keys were asked for", line, len);
    reply->begun = true;
    return REPLY_MORE;
}

static enum reply_result take_line(const struct wire *wire, const struct request *request, struct reply *reply,
                                   const char *line, size_t len)
{
    if (len > 0 && line[0] == '-' && !reply->begun) {
        reply->text = line + 1;
        reply->text_len = len - 1;
        return REPLY_REFUSED;
    }
    if (request->kind != REQUEST_GET) {
        if (len == 3 && memcmp(line, "+OK", 3) == 0)
            return REPLY_WHOLE;
        return reply_wrong(reply, "no reply to this request", line, len);
    }
    if (request->key_count > 1 && !reply->begun)
        return take_array_line(request, reply, line, len);
    return take_bulk_line(wire, request, reply, line, len);
}

const struct protocol protocol_redis = {
    .name = "redis", .port = 6379, .ends_with_value = true, .put = put_request, .take_line = take_line};
