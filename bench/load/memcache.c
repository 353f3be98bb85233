/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memcached's classic text protocol, from the client's side.
 */
#include <string.h>

#include "base/number.h"
#include "bench/load/protocol.h"

static size_t put_get(const struct wire *wire, char *out, const struct request *request)
{
    char *at = PUT_TEXT(out, "get");

    for (uint32_t i = 0; i < request->key_count; i++) {
        *at++ = ' ';
        at += key_put(&wire->pattern, at, request->keys[i]);
    }
    at = PUT_TEXT(at, "\r\n");
    return (size_t)(at - out);
}

static size_t put_set(const struct wire *wire, char *out, const struct request *request)
{
    char *at = PUT_TEXT(out, "set ");

    at += key_put(&wire->pattern, at, request->keys[0]);
    at = PUT_TEXT(at, " 0 ");
    at += number_format_u64(at, request->ttl_s);
    *at++ = ' ';
    at += number_format_u64(at, request->value_bytes);
    at = PUT_TEXT(at, "\r\n");
    value_put(&wire->values, at, request->keys[0], request->version, request->value_bytes);
    at = PUT_TEXT(at + request->value_bytes, "\r\n");
    return (size_t)(at - out);
}

static size_t put_request(const struct wire *wire, char *out, const struct request *request)
{
    return request->kind == REQUEST_GET ? put_get(wire, out, request) : put_set(wire, out, request);
}

static bool line_is(const char *line, size_t len, const char *text)
{
    return len == strlen(text) && memcmp(line, text, len) == 0;
}

static bool begins(const char *line, size_t len, const char *text)
{
    return len >= strlen(text) && memcmp(line, text, strlen(text)) == 0;
}

static bool is_error(const char *line, size_t len)
{
    return line_is(line, len, "ERROR") || begins(line, len, "CLIENT_ERROR ") || begins(line, len, "SERVER_ERROR ");
}

/* The values come in the order of the keys; some are missing. */
static bool find_key(const struct request *request, struct reply *reply, uint64_t key)
{
    while (reply->key_index < request->key_count && request->keys[reply->key_index] != key)
        reply->key_index++;
    return reply->key_index < request->key_count;
}

/* Where the key at `key` ends. Known without looking when all keys are alike in length. */
static const char *key_end(const struct key_pattern *pattern, const char *key, const char *end)
{
    if (pattern->digits != 0)
        return (size_t)(end - key) > pattern->len_max ? key + pattern->len_max : NULL;
    return memchr(key, ' ', (size_t)(end - key));
}

/* VALUE <key> <flags> <bytes>; what others have stored may have flags. */
static enum reply_result take_value_line(const struct wire *wire, const struct request *request, struct reply *reply,
                                         const char *line, size_t len)
{
    const char *end = line + len;
    const char *key = line + 6;
    const char *behind = key_end(&wire->pattern, key, end);
    const char *at;
    uint64_t number;

    if (behind == NULL || *behind != ' ' || !key_read(&wire->pattern, key, (size_t)(behind - key), &number) ||
        !find_key(request, reply, number))
        return reply_wrong(reply, "a value of a key that was not asked for", line, len);
    at = reply_number(behind + 1, end, &number);
    if (at == NULL || at == end || *at != ' ' || reply_number(at + 1, end, &number) != end)
        return reply_wrong(reply, "a VALUE line is none", line, len);
    return reply_begin_value(wire, request, reply, number);
}

static enum reply_result take_line(const struct wire *wire, const struct request *request, struct reply *reply,
                                   const char *line, size_t len)
{
    if (request->kind == REQUEST_GET) {
        if (begins(line, len, "VALUE "))
            return take_value_line(wire, request, reply, line, len);
        if (line_is(line, len, "END"))
            return REPLY_WHOLE;
    } else if (line_is(line, len, "STORED")) {
        return REPLY_WHOLE;
    }
    if (is_error(line, len)) {
        reply->text = line;
        reply->text_len = len;
        return REPLY_REFUSED;
    }
    return reply_wrong(reply, "no reply to this request", line, len);
}

const struct protocol protocol_memcache = {
    .name = "memcache", .port = 11211, .ends_with_value = false, .put = put_request, .take_line = take_line};
