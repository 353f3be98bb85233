/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A byte queue in one piece of memory: bytes are appended at its end and consumed at its start.
 *
 * IDEA     [0, start) is consumed, [start, end) are the bytes, [end, cap) is room. Room is made by
 *          moving the bytes down when at least half the memory is free, else by doubling, never beyond
 *          `max`. So an append costs constant time on average, and a buffer cannot eat the machine.
 * ERRORS   Too much for `max` and out of memory are answers; the buffer is then as it was.
 * THREADS  One at a time.
 * MEMORY   Pointers into a buffer hold until the next reserve, append, shrink or free.
 */
#ifndef HEARTH_BASE_BUF_H
#define HEARTH_BASE_BUF_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
    uint8_t *data; /* NULL until the first byte */
    size_t start;
    size_t end;
    size_t cap;
    size_t max;
};

enum buf_result {
    BUF_OK = 0,
    BUF_FULL,      /* the bytes would exceed max */
    BUF_NO_MEMORY, /* the allocator has none */
};

/* An empty buffer of at most max_bytes; allocates nothing. */
static inline void buf_init(struct buf *buf, size_t max_bytes)
{
    *buf = (struct buf){.max = max_bytes};
}

/* Gives the memory back; the buffer is then as after buf_init. */
void buf_free(struct buf *buf);

/* Slow path of buf_reserve: moves or grows. */
HEARTH_MUST_USE enum buf_result buf_make_room(struct buf *buf, size_t bytes);

/* The bytes that wait in the buffer. */
static inline size_t buf_len(const struct buf *buf)
{
    return buf->end - buf->start;
}

static inline uint8_t *buf_bytes(const struct buf *buf)
{
    return buf->data + buf->start;
}

/* Sees to room for `bytes` more at buf_tail(); follow with buf_commit(). */
HEARTH_MUST_USE static inline enum buf_result buf_reserve(struct buf *buf, size_t bytes)
{
    if (HEARTH_LIKELY(buf->cap - buf->end >= bytes && bytes != 0))
        return BUF_OK;
    return buf_make_room(buf, bytes);
}

static inline uint8_t *buf_tail(const struct buf *buf)
{
    return buf->data + buf->end;
}

/* Room that is there already, without moving anything. */
static inline size_t buf_room(const struct buf *buf)
{
    return buf->cap - buf->end;
}

/* The first `bytes` at buf_tail() have been written and count from now on; at most what was reserved. */
void buf_commit(struct buf *buf, size_t bytes);

HEARTH_MUST_USE static inline enum buf_result buf_append(struct buf *buf, const void *bytes, size_t len)
{
    enum buf_result result;

    if (len == 0)
        return BUF_OK;
    result = buf_reserve(buf, len);
    if (HEARTH_UNLIKELY(result != BUF_OK))
        return result;
    memcpy(buf->data + buf->end, bytes, len);
    buf->end += len;
    return BUF_OK;
}

HEARTH_MUST_USE static inline enum buf_result buf_append_text(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

/* printf at the end of the buffer. Not for the hot path. */
HEARTH_MUST_USE enum buf_result buf_printf(struct buf *buf, const char *fmt, ...) HEARTH_PRINTF(2, 3);

/* Drops the first `bytes`, at most buf_len(). */
void buf_consume(struct buf *buf, size_t bytes);

/* Empties the buffer and keeps its memory. */
static inline void buf_reset(struct buf *buf)
{
    buf->start = 0;
    buf->end = 0;
}

/* Cuts the bytes to the first `len`, to undo appends; at most buf_len(). */
void buf_truncate(struct buf *buf, size_t len);

/*
 * Gives memory back when the buffer holds more than keep_bytes of it and its content fits into half of
 * that; an empty one with keep_bytes 0 is freed. For connections that were busy and are idle. When
 * the allocator fails, the buffer stays as it was.
 */
void buf_shrink(struct buf *buf, size_t keep_bytes);

#endif
