/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Growing, moving and shrinking of the byte queue.
 */
#include "base/buf.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST_BYTES 256

static void check(const struct buf *buf)
{
    debug_check(buf->start <= buf->end);
    debug_check(buf->end <= buf->cap);
    debug_check(buf->cap <= buf->max);
}

/* Brings the bytes to the start of the memory. */
static void move_down(struct buf *buf)
{
    size_t len = buf_len(buf);

    if (len != 0 && buf->start != 0)
        memmove(buf->data, buf->data + buf->start, len);
    buf->start = 0;
    buf->end = len;
}

static enum buf_result set_capacity(struct buf *buf, size_t cap)
{
    uint8_t *data;

    move_down(buf);
    data = realloc(buf->data, cap);
    if (data == NULL)
        return BUF_NO_MEMORY;
    buf->data = data;
    buf->cap = cap;
    return BUF_OK;
}

void buf_free(struct buf *buf)
{
    free(buf->data);
    buf_init(buf, buf->max);
}

enum buf_result buf_make_room(struct buf *buf, size_t bytes)
{
    size_t len = buf_len(buf);
    size_t cap = buf->cap;
    size_t need;

    check(buf);
    if (bytes == 0)
        return BUF_OK;
    if (bytes > buf->max - len)
        return BUF_FULL;
    need = len + bytes;
    if (need <= cap && len <= cap / 2) {
        move_down(buf);
        return BUF_OK;
    }
    if (cap < BUF_FIRST_BYTES)
        cap = BUF_FIRST_BYTES;
    while (cap < need)
        cap = cap > buf->max / 2 ? buf->max : cap * 2;
    /* Full to more than half, but large enough: grow all the same, or each append would move the bytes. */
    if (cap == buf->cap)
        cap = cap > buf->max / 2 ? buf->max : cap * 2;
    if (cap > buf->max)
        cap = buf->max;
    if (cap == buf->cap) {
        move_down(buf);
        return BUF_OK;
    }
    return set_capacity(buf, cap);
}

void buf_commit(struct buf *buf, size_t bytes)
{
    must(bytes <= buf->cap - buf->end);
    buf->end += bytes;
}

void buf_consume(struct buf *buf, size_t bytes)
{
    must(bytes <= buf_len(buf));
    buf->start += bytes;
    if (buf->start == buf->end)
        buf_reset(buf);
}

void buf_truncate(struct buf *buf, size_t len)
{
    must(len <= buf_len(buf));
    buf->end = buf->start + len;
}

enum buf_result buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list values;
    va_list again;
    enum buf_result result = BUF_OK;
    size_t room = buf_room(buf);
    int len;

    va_start(values, fmt);
    va_copy(again, values);
    len = vsnprintf(room == 0 ? NULL : (char *)buf_tail(buf), room, fmt, values);
    must(len >= 0);
    if ((size_t)len >= room) {
        /* The terminator needs a byte too, which is not committed. */
        result = buf_reserve(buf, (size_t)len + 1);
        if (result == BUF_OK)
            vsnprintf((char *)buf_tail(buf), (size_t)len + 1, fmt, again);
    }
    if (result == BUF_OK)
        buf->end += (size_t)len;
    va_end(again);
    va_end(values);
    return result;
}

void buf_shrink(struct buf *buf, size_t keep_bytes)
{
    size_t len = buf_len(buf);

    check(buf);
    if (buf->cap <= keep_bytes || len > keep_bytes / 2)
        return;
    if (keep_bytes == 0) {
        buf_free(buf);
        return;
    }
    if (set_capacity(buf, keep_bytes) != BUF_OK)
        return;
}
