/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replies in any cut: lines and values, for both protocols.
 */
#include <string.h>

#include "bench/load/protocol.h"

enum reply_result reply_wrong(struct reply *reply, const char *why, const char *text, size_t len)
{
    reply->why = why;
    reply->text = text;
    reply->text_len = len;
    return REPLY_WRONG;
}

enum reply_result reply_begin_value(const struct wire *wire, const struct request *request, struct reply *reply,
                                    uint64_t bytes)
{
    reply->phase = REPLY_VALUE;
    reply->value_left = bytes;
    if (wire->values.verify)
        value_check_begin(&reply->check, request->keys[reply->key_index], bytes);
    return REPLY_MORE;
}

/* The line at `at`; *used is set when it is whole. */
static enum reply_result take_line(const struct protocol *protocol, const struct wire *wire,
                                   const struct request *request, struct reply *reply, const char *at, size_t len,
                                   size_t *used)
{
    const char *end = memchr(at, '\n', len < REPLY_LINE_MAX ? len : REPLY_LINE_MAX);

    *used = 0;
    if (end == NULL)
        return len < REPLY_LINE_MAX ? REPLY_MORE : reply_wrong(reply, "a line has no end", at, 80);
    if (end == at || end[-1] != '\r')
        return reply_wrong(reply, "a line does not end as it must", at, (size_t)(end - at));
    *used = (size_t)(end - at) + 1;
    return protocol->take_line(wire, request, reply, at, *used - 2);
}

static enum reply_result take_value(const struct wire *wire, struct reply *reply, const char *at, size_t len,
                                    size_t *used)
{
    *used = len < reply->value_left ? len : (size_t)reply->value_left;
    if (wire->values.verify && !value_check_take(&reply->check, at, *used))
        return reply_wrong(reply, "the value is none that was written for this key", at, *used);
    reply->value_left -= *used;
    if (reply->value_left == 0)
        reply->phase = REPLY_VALUE_END;
    return REPLY_MORE;
}

/* The line end behind a value. */
static enum reply_result take_value_end(const struct protocol *protocol, const struct request *request,
                                        struct reply *reply, const char *at, size_t len, size_t *used)
{
    *used = 0;
    if (len < 2)
        return REPLY_MORE;
    if (at[0] != '\r' || at[1] != '\n')
        return reply_wrong(reply, "a value is longer than announced", at, len);
    *used = 2;
    reply->phase = REPLY_LINE;
    reply->hits++;
    reply->key_index++;
    return protocol->ends_with_value && reply->key_index == request->key_count ? REPLY_WHOLE : REPLY_MORE;
}

static void begin_reply(struct reply *reply)
{
    reply->phase = REPLY_LINE;
    reply->begun = false;
    reply->key_index = 0;
}

enum reply_result reply_take(const struct protocol *protocol, const struct wire *wire, const struct request *request,
                             struct reply *reply, const char *at, size_t len, size_t *used)
{
    enum reply_result result = REPLY_MORE;
    enum reply_phase before;
    size_t step = 0;

    *used = 0;
    if (!reply->begun && reply->key_index == 0 && reply->phase == REPLY_LINE)
        reply->hits = 0;
    do {
        before = reply->phase;
        switch (before) {
        case REPLY_LINE:
            result = take_line(protocol, wire, request, reply, at + *used, len - *used, &step);
            break;
        case REPLY_VALUE:
            result = take_value(wire, reply, at + *used, len - *used, &step);
            break;
        case REPLY_VALUE_END:
            result = take_value_end(protocol, request, reply, at + *used, len - *used, &step);
            break;
        }
        *used += step;
    } while (result == REPLY_MORE && (step > 0 || reply->phase != before));
    if (result != REPLY_MORE)
        begin_reply(reply);
    return result;
}

size_t request_bytes_max(const struct wire *wire, uint32_t key_count, size_t value_bytes)
{
    return REQUEST_FRAME_BYTES + key_count * (wire->pattern.len_max + REQUEST_KEY_FRAME_BYTES) + value_bytes;
}
