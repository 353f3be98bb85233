/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log and its turns.
 *
 * IDEA: a turn's records lie in one range (and one more for each segment that the turn filled): one flush and one drain
 * make them durable, however many requests they answer. In TURN mode a turn begins on a line of its own, so that no
 * line is flushed twice, and leaves a zero kind behind its last record: it tells readers to go on at the next line.
 *
 * THREADS: closed ends move (release) only after the drain has returned, so whoever sees a record below one need not
 * flush. Whoever meets a record above it flushes the owner's range by itself (C2) and leaves the closed end alone: it
 * says what the *owner* has closed.
 */
#include "persist/log.h"

#include <stdlib.h>

#include "base/assert.h"
#include "persist/log_internal.h"

/* ---- opening and closing ---- */

static bool writer_init(struct log *log, struct log_writer *writer, uint32_t number)
{
    memset(writer, 0, sizeof(*writer));
    writer->log = log;
    writer->number = number;
    writer->pin = epoch_pin_new(log->epochs);
    pm_context_init(&writer->context, log->pool->pm);
    return writer->pin != NULL && log_notes_init(&writer->notes);
}

enum pm_status log_open(struct log **out, struct pool *pool, struct epochs *epochs, const struct log_options *options)
{
    struct log *log;

    if (options->writers == 0 || options->writers > PM_WRITERS)
        return PM_BAD_ARGUMENT;
    log = calloc(1, sizeof(*log));
    if (!log)
        return PM_NO_MEMORY;
    log->pool = pool;
    log->epochs = epochs;
    log->mode = options->mode;
    atomic_init(&log->synced_epoch, pool->superblock.e_sync);
    pthread_mutex_init(&log->lease_lock, NULL);
    log->writers = aligned_alloc(64, options->writers * sizeof(*log->writers));
    log->recovered = calloc(pool->segment_count, sizeof(*log->recovered));
    log->finished = calloc(pool->segment_count, sizeof(*log->finished));
    if (!log->writers || !log->recovered || !log->finished)
        goto fail;
    for (; log->writer_count < options->writers; log->writer_count++) {
        if (!writer_init(log, &log->writers[log->writer_count], log->writer_count))
            goto fail;
    }
    *out = log;
    return PM_OK;
fail:
    log_close(log);
    return PM_NO_MEMORY;
}

static void writer_drop(struct log_writer *writer)
{
    log_cursor_drop(&writer->read, writer);
    if (writer->log->mode == PMD_COMMIT_EPOCH)
        log_cursor_drop(&writer->sync, writer);
    for (uint32_t i = 0; i < writer->spare_count; i++)
        free(writer->spares[i]);
    free(writer->spares);
    free(writer->left);
    log_notes_drop(&writer->notes);
}

void log_close(struct log *log)
{
    if (!log)
        return;
    for (uint32_t i = 0; i < log->writer_count; i++)
        writer_drop(&log->writers[i]);
    pthread_mutex_destroy(&log->lease_lock);
    free(log->writers);
    free(log->recovered);
    free(log->finished);
    free(log);
}

struct log_writer *log_writer(struct log *log, uint32_t number)
{
    must(number < log->writer_count);
    return &log->writers[number];
}

struct pm_context *log_writer_context(struct log_writer *writer)
{
    return &writer->context;
}

struct epoch_pin *log_writer_pin(struct log_writer *writer)
{
    return writer->pin;
}

/* ---- turns ---- */

uint64_t log_turn_begin(struct log_writer *writer)
{
    must(!writer->turn_open);
    writer->turn_open = true;
    writer->turn_number++;
    return epoch_enter(writer->log->epochs, writer->pin);
}

bool log_turn_is_open(const struct log_writer *writer)
{
    return writer->turn_open;
}

uint64_t log_turn_number(const struct log_writer *writer)
{
    return writer->turn_open ? writer->turn_number : 0;
}

/* Stores the zero kind behind the last record (the line is the record's own), flushes the turn's range in the open
 * segment and drains. A crash before the drain has returned leaves any part of the turn, none of it acknowledged. */
static enum pm_status make_turn_durable(struct log_writer *writer)
{
    static const uint8_t no_record = 0;
    const struct pool *pool = writer->log->pool;
    uint8_t *base = pool_at(pool, pool_segment_off(pool, writer->open->segment));

    if (writer->pos % PM_LINE)
        pm_store(&writer->context, base + writer->pos + offsetof(struct pmd_record, kind), &no_record,
                 sizeof(no_record));
    log_flush_turn(writer, writer->pos);
    return pm_drain(&writer->context, PM_SITE_TURN_DRAIN);
}

void log_publish_left(struct log *log, struct log_stretch *stretch)
{
    struct segment *segment = &log->pool->segments[stretch->segment];

    atomic_store_explicit(&segment->length, stretch->end, memory_order_relaxed);
    atomic_store_explicit(&segment->closed_end, UINT32_MAX, memory_order_release);
    atomic_store_explicit(&stretch->closed_end, stretch->end, memory_order_release);
}

static void add_relaxed(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + value, memory_order_relaxed);
}

static void publish_turn(struct log_writer *writer)
{
    struct log *log = writer->log;
    struct segment *segment = &log->pool->segments[writer->open->segment];

    /* Counted before they can be read, so that the tail is never negative. */
    add_relaxed(&writer->published.records, writer->turn_records);
    add_relaxed(&writer->published.bytes, writer->turn_bytes);
    for (uint32_t i = 0; i < writer->left_count; i++)
        log_publish_left(log, writer->left[i]);
    atomic_store_explicit(&segment->closed_end, writer->pos, memory_order_release);
    atomic_store_explicit(&writer->open->closed_end, writer->pos, memory_order_release);
}

enum pm_status log_turn_publish(struct log_writer *writer)
{
    enum pm_status status = PM_OK;

    must(writer->turn_open && !writer->in_transaction && writer->members == 0);
    if (!writer->appended)
        return PM_OK;
    if (writer->log->mode == PMD_COMMIT_TURN)
        status = make_turn_durable(writer);
    if (HEARTH_LIKELY(status == PM_OK))
        publish_turn(writer);
    else
        writer->broken = true;
    writer->appended = false;
    writer->turn_records = 0;
    writer->turn_bytes = 0;
    writer->left_count = 0;
    return status;
}

void log_turn_leave(struct log_writer *writer)
{
    must(writer->turn_open && !writer->appended);
    writer->turn_open = false;
    epoch_leave(writer->pin);
}

enum pm_status log_turn_close(struct log_writer *writer)
{
    enum pm_status status = log_turn_publish(writer);

    log_turn_leave(writer);
    return status;
}

/* ---- durable for others (C2) ---- */

bool log_is_durable(const struct log *log, pm_loc loc)
{
    pm_off off = loc * PM_UNIT;
    const struct segment *segment = &log->pool->segments[pool_segment_of(log->pool, off)];

    if (log->mode != PMD_COMMIT_TURN || atomic_load_explicit(&segment->state, memory_order_relaxed) != PMD_SEGMENT_LOG)
        return true;
    /* Closed ends lie between records: below it begins what ends below it. */
    return (off & (log->pool->segment_bytes - 1)) < atomic_load_explicit(&segment->closed_end, memory_order_acquire);
}

static const struct pmd_link *link_of(const struct pool *pool, uint32_t segment)
{
    return (const struct pmd_link *)(pool_at(pool, pool_segment_off(pool, segment)) + sizeof(struct pmd_record));
}

/* Flushes what is open of a segment below `end`; true when the turn may have begun in an earlier segment. */
static bool flush_open_range(const struct log *log, struct pm_context *context, uint32_t segment, uint32_t end)
{
    uint32_t from = atomic_load_explicit(&log->pool->segments[segment].closed_end, memory_order_acquire);

    if (from >= end)
        return false;
    pm_flush(context, PM_SITE_FOREIGN_FLUSH, pool_at(log->pool, pool_segment_off(log->pool, segment) + from),
             end - from);
    return from == 0;
}

enum pm_status log_make_durable(struct log *log, struct pm_context *context, pm_loc loc)
{
    const struct pmd_record *record = record_at(log->pool, loc);
    uint32_t segment = pool_segment_of(log->pool, loc * PM_UNIT);
    uint32_t end = (uint32_t)((loc * PM_UNIT & (log->pool->segment_bytes - 1)) +
                              record_bytes(record->flags, record->key_len, record->value_len));

    while (flush_open_range(log, context, segment, end)) {
        const struct pmd_link *link = link_of(log->pool, segment);
        uint32_t previous = link->prev_segment;

        /* The record counts after a crash only if the writer's log before it does. */
        if (previous == 0 ||
            atomic_load_explicit(&log->pool->generations[previous], memory_order_relaxed) != link->prev_generation)
            break;
        segment = previous;
        end = link->prev_end;
    }
    return pm_drain(context, PM_SITE_FOREIGN_DRAIN);
}
