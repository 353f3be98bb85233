/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Following the log: cursors over stretches, and the index writer's reading (the log is the queue).
 *
 * IDEA: epochs never fall within a writer's log, so reading stops at the first record above the cut, and a segment that
 * was read to its end is wholly at or below some cut: its highest epoch tells when W has passed it.
 *
 * THREADS: the index writer only, but for log_tail(), any thread, and the cursor functions, each cursor's owner.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "persist/log_internal.h"

/* ---- cursors ---- */

static void give_up(struct log_stretch *stretch)
{
    if (atomic_fetch_sub_explicit(&stretch->followers, 1, memory_order_acq_rel) == 1)
        free(stretch);
}

struct log_stretch *log_cursor_stretch(struct log_cursor *cursor, struct log_writer *writer)
{
    if (!cursor->stretch) {
        cursor->stretch = atomic_load_explicit(&writer->published.first, memory_order_acquire);
        cursor->pos = 0;
    }
    return cursor->stretch;
}

struct log_stretch *log_cursor_move(struct log_cursor *cursor)
{
    struct log_stretch *old = cursor->stretch;
    struct log_stretch *next = atomic_load_explicit(&old->next, memory_order_acquire);

    if (!next || cursor->pos < old->end)
        return NULL;
    cursor->stretch = next;
    cursor->pos = 0;
    give_up(old);
    return next;
}

void log_cursor_drop(struct log_cursor *cursor, struct log_writer *writer)
{
    struct log_stretch *stretch = log_cursor_stretch(cursor, writer);

    while (stretch) {
        struct log_stretch *next = atomic_load_explicit(&stretch->next, memory_order_acquire);

        give_up(stretch);
        stretch = next;
    }
}

/* ---- reading ---- */

struct reading {
    struct log *log;
    struct log_notes *notes; /* NULL: what a former run wrote */
    uint64_t cut;
    void (*each)(const struct log_item *item, void *context);
    void *context;
    uint64_t records, bytes;
};

enum { NOTES_AHEAD = 12 };

/* Of a record that was read. The notes know where the next ones lie, which their neighbours' lengths would tell one by
 * one. */
static void take_note(struct reading *reading, struct log_item *item)
{
    pm_loc ahead = log_note_ahead(reading->notes, NOTES_AHEAD);
    const struct overwrite *note = log_note_look(reading->notes);

    if (ahead)
        record_prefetch_head(record_at(reading->log->pool, ahead));
    if (note != NULL && note->loc == item->loc)
        item->replaced = overwrite_replaced(note);
    log_note_pass(reading->notes);
}

static void give(struct reading *reading, uint32_t segment, const struct log_item *item, uint64_t epoch, uint32_t bytes)
{
    reading->log->pool->segments[segment].top_epoch = epoch;
    reading->records++;
    reading->bytes += bytes;
    reading->each(item, reading->context);
}

/*
 * Gives the records of [*pos, limit) with epoch <= cut of which their notes tell all, up to the first that is to be read.
 * False: stopped at one above it.
 */
static bool read_notes(struct reading *reading, uint32_t segment, uint32_t *pos, uint32_t limit)
{
    pm_off base = pool_segment_off(reading->log->pool, segment), off;
    struct log_item item = {0};

    while (*pos < limit && (item.overwrite = log_note_look(reading->notes)) != NULL && item.overwrite->place != 0) {
        off = item.overwrite->loc * PM_UNIT;
        if (off < base + *pos || off >= base + limit)
            break;
        if (cts_epoch(item.overwrite->cts) > reading->cut)
            return false;
        log_notes_prefetch(reading->notes);
        item.loc = item.overwrite->loc;
        *pos = (uint32_t)(off - base) + item.overwrite->units * PM_UNIT;
        give(reading, segment, &item, cts_epoch(item.overwrite->cts), item.overwrite->units * PM_UNIT);
        log_note_pass(reading->notes);
    }
    return true;
}

/* Gives the records of [*pos, limit) with epoch <= cut. False: stopped at one above it. */
static bool read_range(struct reading *reading, uint32_t segment, uint32_t *pos, uint32_t limit)
{
    const struct pool *pool = reading->log->pool;
    pm_off base = pool_segment_off(pool, segment);

    while (*pos < limit) {
        struct log_item item = {0};
        uint32_t at;

        if (reading->notes && !read_notes(reading, segment, pos, limit))
            return false;
        at = *pos < limit ? log_skip_padding(pool, segment, *pos) : limit;
        if (at >= limit) {
            *pos = limit;
            break;
        }
        ought(record_view(pool, base + at, base + limit, &item.view));
        if (item.view.header->kind != PMD_RECORD_LINK) {
            uint64_t epoch = cts_epoch(item.view.header->cts);

            if (epoch > reading->cut)
                return false;
            item.loc = (base + at) / PM_UNIT;
            if (reading->notes)
                take_note(reading, &item);
            give(reading, segment, &item, epoch, item.view.bytes);
        }
        *pos = at + item.view.bytes;
    }
    return true;
}

static void finish(struct log *log, uint32_t segment, uint32_t length)
{
    must(log->finished_count < log->pool->segment_count);
    log->finished[log->finished_count++] = (struct log_finished){segment, length};
}

static void begin_segment(struct log *log, uint32_t segment)
{
    log->pool->segments[segment].record_count = 0;
    log->pool->segments[segment].top_epoch = 0;
}

/* Reads a writer's log on from where it stopped. */
static void read_writer(struct reading *reading, struct log_writer *writer)
{
    struct log_cursor *cursor = &writer->read;
    bool first = !cursor->stretch;
    struct log_stretch *stretch = log_cursor_stretch(cursor, writer);

    reading->notes = &writer->notes;
    if (stretch && first)
        begin_segment(reading->log, stretch->segment);
    while (stretch) {
        uint32_t segment = stretch->segment;
        uint64_t before = reading->records;
        uint32_t limit = atomic_load_explicit(&stretch->closed_end, memory_order_acquire);
        bool all = read_range(reading, segment, &cursor->pos, limit);

        reading->log->pool->segments[segment].record_count += (uint32_t)(reading->records - before);
        stretch = all ? log_cursor_move(cursor) : NULL;
        if (stretch) {
            finish(reading->log, segment, limit);
            begin_segment(reading->log, stretch->segment);
        }
    }
    log_notes_taken(&writer->notes);
}

/* Reads what recovery accepted: all of it is below every epoch of this run, so every cut covers it. */
static void read_recovered(struct reading *reading)
{
    struct log *log = reading->log;

    for (; log->recovered_next < log->recovered_count; log->recovered_next++) {
        struct log_recovered *recovered = &log->recovered[log->recovered_next];

        if (!read_range(reading, recovered->segment, &recovered->pos, recovered->to))
            return;
        finish(log, recovered->segment, recovered->to);
    }
    atomic_store_explicit(&log->recovered_records, 0, memory_order_relaxed);
    atomic_store_explicit(&log->recovered_bytes, 0, memory_order_relaxed);
}

static void add_relaxed(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + value, memory_order_relaxed);
}

void log_read(struct log *log, uint64_t cut, void (*each)(const struct log_item *item, void *context), void *context)
{
    struct reading reading = {.log = log, .cut = cut, .each = each, .context = context};

    read_recovered(&reading);
    reading.records = reading.bytes = 0;
    for (uint32_t i = 0; i < log->writer_count; i++)
        read_writer(&reading, &log->writers[i]);
    add_relaxed(&log->read_records, reading.records);
    add_relaxed(&log->read_bytes, reading.bytes);
}

/* ---- what others ask ---- */

void log_tail(const struct log *log, uint64_t *records, uint64_t *bytes)
{
    uint64_t read_records = atomic_load_explicit(&log->read_records, memory_order_relaxed);
    uint64_t read_bytes = atomic_load_explicit(&log->read_bytes, memory_order_relaxed);
    uint64_t all_records = 0, all_bytes = 0;

    for (uint32_t i = 0; i < log->writer_count; i++) {
        all_records += atomic_load_explicit(&log->writers[i].published.records, memory_order_relaxed);
        all_bytes += atomic_load_explicit(&log->writers[i].published.bytes, memory_order_relaxed);
    }
    *records = all_records > read_records ? all_records - read_records : 0;
    *bytes = all_bytes > read_bytes ? all_bytes - read_bytes : 0;
    *records += atomic_load_explicit(&log->recovered_records, memory_order_relaxed);
    *bytes += atomic_load_explicit(&log->recovered_bytes, memory_order_relaxed);
}

void log_appended(const struct log *log, uint64_t *records, uint64_t *bytes)
{
    *records = *bytes = 0;
    for (uint32_t i = 0; i < log->writer_count; i++) {
        *records += atomic_load_explicit(&log->writers[i].published.records, memory_order_relaxed);
        *bytes += atomic_load_explicit(&log->writers[i].published.bytes, memory_order_relaxed);
    }
}

bool log_next_finished(struct log *log, uint64_t w, uint32_t *segment, uint32_t *length)
{
    for (uint32_t i = 0; i < log->finished_count; i++) {
        if (log->pool->segments[log->finished[i].segment].top_epoch > w)
            continue;
        *segment = log->finished[i].segment;
        *length = log->finished[i].length;
        log->finished[i] = log->finished[--log->finished_count];
        return true;
    }
    return false;
}

void log_add_recovered(struct log *log, uint32_t segment, uint32_t from, uint32_t to)
{
    const struct segment *state = &log->pool->segments[segment];
    uint32_t length = atomic_load_explicit(&state->length, memory_order_relaxed);

    must(log->recovered_count < log->pool->segment_count);
    must(from >= LOG_LINK_BYTES);
    must(from < to);
    must(to <= length);
    log->recovered[log->recovered_count++] = (struct log_recovered){segment, from, to};
    /* How many of the segment's records lie above W is not known before they are read. */
    add_relaxed(&log->recovered_records, (uint64_t)state->record_count * (to - from) / (length - LOG_LINK_BYTES));
    add_relaxed(&log->recovered_bytes, to - from);
}
