/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flushing what a writer has appended, but for the lines of large values that went past the caches and need it no more.
 *
 * THREADS: the writer marks lines before it closes them; whoever flushes them has read closed_end (acquire), or is the
 * writer.
 */
#include "base/assert.h"
#include "persist/log_internal.h"

enum { WORD_BITS = 64 };

size_t log_stretch_bytes(const struct pool *pool)
{
    size_t words = pool->pm->streams ? pool->segment_bytes / PM_LINE / WORD_BITS : 0;

    return sizeof(struct log_stretch) + words * sizeof(uint64_t);
}

void log_stretch_streamed(struct log_stretch *stretch, uint32_t from, uint32_t to)
{
    atomic_store_explicit(&stretch->has_streamed, true, memory_order_relaxed);
    for (uint32_t line = from / PM_LINE; line < to / PM_LINE;) {
        _Atomic uint64_t *word = &stretch->streamed[line / WORD_BITS];
        uint32_t bit = line % WORD_BITS, count = to / PM_LINE - line;

        if (count > WORD_BITS - bit)
            count = WORD_BITS - bit;
        /* Only the writer stores. */
        atomic_store_explicit(
            word, atomic_load_explicit(word, memory_order_relaxed) | UINT64_MAX >> (WORD_BITS - count) << bit,
            memory_order_relaxed);
        line += count;
    }
}

/* The first line of [line, end) that was streamed, or was not; `end` when there is none. */
static uint32_t find_line(const struct log_stretch *stretch, uint32_t line, uint32_t end, bool streamed)
{
    while (line < end) {
        uint64_t word = atomic_load_explicit(&stretch->streamed[line / WORD_BITS], memory_order_relaxed);
        uint64_t found = (streamed ? word : ~word) >> line % WORD_BITS;

        if (found != 0) {
            line += (uint32_t)__builtin_ctzll(found);
            return line < end ? line : end;
        }
        line = (line / WORD_BITS + 1) * WORD_BITS;
    }
    return end;
}

/* By whole lines: what shares one with [from, to) is flushed along. */
static void flush_around(const struct log_stretch *stretch, const struct pool *pool, struct pm_context *context,
                         enum pm_site site, uint32_t from, uint32_t to)
{
    uint32_t line = from / PM_LINE, end = log_align_line(to) / PM_LINE;

    for (;;) {
        uint32_t stop;

        line = find_line(stretch, line, end, false);
        if (line == end)
            return;
        stop = find_line(stretch, line, end, true);
        pm_flush(context, site, pool_at(pool, pool_segment_off(pool, stretch->segment) + line * PM_LINE),
                 (size_t)(stop - line) * PM_LINE);
        line = stop;
    }
}

void log_stretch_flush(const struct log_stretch *stretch, const struct pool *pool, struct pm_context *context,
                       enum pm_site site, uint32_t from, uint32_t to)
{
    if (HEARTH_UNLIKELY(atomic_load_explicit(&stretch->has_streamed, memory_order_relaxed)))
        flush_around(stretch, pool, context, site, from, to);
    else
        pm_flush(context, site, pool_at(pool, pool_segment_off(pool, stretch->segment) + from), to - from);
}

void log_flush_turn(struct log_writer *writer, uint32_t to)
{
    if (to == writer->turn_from)
        return;
    log_stretch_flush(writer->open, writer->log->pool, &writer->context, PM_SITE_TURN_FLUSH, writer->turn_from, to);
    writer->turn_from = to;
}
