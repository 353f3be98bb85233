/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Appending to the log: reservation, records, transactions.
 *
 * IDEA: records are assembled where they will stay, with ordinary stores, the header's words out of registers, the
 * checksum last. What will not change any more begins to be flushed eight kilobytes at a time, while it is still in the
 * nearer caches; not less, since the next key's lock is a locked instruction, which waits for all that is being flushed. The
 * close flushes the rest, and waits. Large values go past the caches instead: a third to two fifths less work than storing
 * them and flushing each line.
 *
 * DURABILITY: a crash inside a turn leaves any subset of its lines; the checksums tell how far the log reaches. What
 * lies behind the first invalid record was never acknowledged, since the drain of its turn has not returned.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "persist/log_internal.h"

_Static_assert(LOG_LINK_BYTES % PM_UNIT == 0 && LOG_LINK_BYTES >= sizeof(struct pmd_record) + sizeof(struct pmd_link) &&
                   LOG_LINK_BYTES < sizeof(struct pmd_record) + sizeof(struct pmd_link) + PM_UNIT,
               "length of a LINK");

enum { FLUSH_AHEAD_BYTES = 8192, FETCH_AHEAD_BYTES = 1024, FETCH_BYTES_MAX = 1088 };

/* ---- reserving ---- */

/* Where the next record would begin in the open segment. */
static inline uint32_t next_pos(const struct log_writer *writer)
{
    bool starts = writer->log->mode == PMD_COMMIT_TURN && !writer->appended && !writer->broken;

    return starts ? log_align_line(writer->pos) : writer->pos;
}

static inline bool fits_open(const struct log_writer *writer, uint64_t bytes)
{
    return writer->open && next_pos(writer) + bytes <= writer->log->pool->segment_bytes;
}

/* Segments that hold records of together `bytes` for sure. Two neighbours hold more than one segment's worth, or the
 * first record of the second would lie in the first. */
static uint32_t segments_for(const struct log_writer *writer, uint64_t bytes)
{
    uint64_t capacity = writer->log->pool->segment_bytes - LOG_LINK_BYTES - PM_UNIT;

    return bytes <= capacity ? 1 : (uint32_t)(2 * (bytes / capacity) + 2);
}

static enum pm_status grow_hand(struct log_writer *writer, uint32_t spares)
{
    uint32_t cap = writer->left_count + spares + 4;
    struct log_stretch **array;

    if (cap <= writer->hand_cap)
        return PM_OK;
    array = realloc(writer->spares, cap * sizeof(struct log_stretch *));
    if (!array)
        return PM_NO_MEMORY;
    writer->spares = array;
    array = realloc(writer->left, cap * sizeof(struct log_stretch *));
    if (!array)
        return PM_NO_MEMORY;
    writer->left = array;
    writer->hand_cap = cap;
    return PM_OK;
}

/* A crash leaves a segment in hand as a LOG segment without a LINK: recovery frees it. */
static enum pm_status take_spare(struct log_writer *writer, enum space_class class)
{
    struct log_stretch *stretch = calloc(1, log_stretch_bytes(writer->log->pool));
    enum pm_status status;

    if (!stretch)
        return PM_NO_MEMORY;
    status = pool_take_ready(writer->log->pool, class, &stretch->segment);
    if (status != PM_OK) {
        free(stretch);
        return status;
    }
    stretch->generation = atomic_load_explicit(&writer->log->pool->generations[stretch->segment], memory_order_relaxed);
    atomic_init(&stretch->followers, writer->log->mode == PMD_COMMIT_EPOCH ? 2 : 1);
    writer->spares[writer->spare_count++] = stretch;
    writer->from_reserve = class != SPACE_USER;
    return PM_OK;
}

/* What does not fit the open segment, or was in hand from the reserve of deletes. */
static HEARTH_COLD enum pm_status reserve_segments(struct log_writer *writer, enum space_class class, uint64_t bytes,
                                                   uint32_t records)
{
    enum pm_status status;
    uint32_t need;

    if (writer->from_reserve && class == SPACE_USER) {
        if (!pool_space_available(writer->log->pool))
            return PM_FULL;
        writer->from_reserve = false;
    }
    if (fits_open(writer, bytes + PM_UNIT))
        return PM_OK;
    need = segments_for(writer, bytes);
    if (records == 1 && need > 1)
        return PM_BAD_ARGUMENT;
    status = grow_hand(writer, need);
    while (status == PM_OK && writer->spare_count < need)
        status = take_spare(writer, class);
    return status;
}

enum pm_status log_reserve(struct log_writer *writer, enum space_class class, uint64_t bytes, uint32_t records)
{
    if (HEARTH_LIKELY(!writer->from_reserve && fits_open(writer, bytes + PM_UNIT))) /* with a trailer */
        return PM_OK;
    return reserve_segments(writer, class, bytes, records);
}

/* ---- appending ---- */

/* The optional fields; returns where the key goes. */
static uint8_t *store_options(struct log_writer *writer, uint8_t *at, const struct log_record *record)
{
    if (record->expire_at_ms) {
        pm_store(&writer->context, at, &record->expire_at_ms, 8);
        at += 8;
    }
    if (record->client_flags) {
        pm_store(&writer->context, at, &record->client_flags, 4);
        at += 4;
    }
    if (record->cas) {
        pm_store(&writer->context, at, &record->cas, 8);
        at += 8;
    }
    return at;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && offsetof(struct pmd_record, place) == 4 &&
                   offsetof(struct pmd_record, kind) == 8 && offsetof(struct pmd_record, flags) == 9 &&
                   offsetof(struct pmd_record, key_len) == 10 && offsetof(struct pmd_record, value_len) == 12 &&
                   offsetof(struct pmd_record, cts) == 16 && offsetof(struct pmd_record, db) == 24 &&
                   offsetof(struct pmd_record, type) == 25 && offsetof(struct pmd_record, turn_line) == 26,
               "words of a record header");

/* The header, all but its checksum, and the optional fields; returns where the key goes. */
static HEARTH_INLINE uint8_t *store_head(struct log_writer *writer, uint8_t *at, const struct log_record *record,
                                         uint8_t flags, uint32_t value_len)
{
    uint64_t place = (uint64_t)record->place << 32;
    uint64_t what =
        record->kind | (uint64_t)flags << 8 | (uint64_t)(uint16_t)record->key_len << 16 | (uint64_t)value_len << 32;
    uint32_t whose = record->db | (uint32_t)record->type << 8 | (uint32_t)writer->turn_line << 16;

    pm_store_head(&writer->context, at, place, what, record->cts, whose);
    at += sizeof(struct pmd_record);
    if (HEARTH_UNLIKELY(flags & (PMD_HAS_EXPIRY | PMD_HAS_CLIENT_FLAGS | PMD_HAS_CAS)))
        at = store_options(writer, at, record);
    return at;
}

static uint8_t flags_of(const struct log_record *record)
{
    return (record->in_transaction ? 0 : PMD_LAST) | (record->expire_at_ms ? PMD_HAS_EXPIRY : 0) |
           (record->client_flags ? PMD_HAS_CLIENT_FLAGS : 0) | (record->cas ? PMD_HAS_CAS : 0);
}

static uint64_t value_bytes(const struct log_record *record)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < record->part_count; i++)
        bytes += record->parts[i].bytes;
    return bytes;
}

/* Stores the checksum of the last record: from here on it is valid. */
static inline uint32_t store_checksum(struct log_writer *writer)
{
    struct pool *pool = writer->log->pool;
    struct pmd_record *record = (struct pmd_record *)pool_at(pool, writer->last_off);
    uint32_t checksum = record_checksum(pool, writer->last_off, record, writer->last_bytes, writer->last_value_sum);

    pm_store(&writer->context, &record->checksum, &checksum, sizeof(checksum));
    return checksum;
}

/* Past the caches but for the lines that it shares: so nobody has to flush it, and nobody reads it back. */
static void stream_value(struct log_writer *writer, uint8_t *to, const uint8_t *value, size_t bytes)
{
    const struct pool *pool = writer->log->pool;
    uint32_t pos = (uint32_t)(pm_off_of(pool->pm, to) & (pool->segment_bytes - 1));
    uint32_t from = log_align_line(pos), end = (pos + (uint32_t)bytes) / PM_LINE * PM_LINE;
    size_t head = from - pos, middle = end - from;

    pm_store(&writer->context, to, value, head);
    pm_stream(&writer->context, PM_SITE_STREAM_FLUSH, to + head, value + head, middle);
    pm_store(&writer->context, to + head + middle, value + head + middle, bytes - head - middle);
    log_stretch_streamed(writer->open, from, end);
}

static HEARTH_INLINE void store_parts(struct log_writer *writer, uint8_t *at, const struct log_record *record)
{
    for (uint32_t i = 0; i < record->part_count; i++) {
        if (record->parts[i].bytes == 0)
            continue;
        pm_store(&writer->context, at, record->parts[i].data, record->parts[i].bytes);
        at += record->parts[i].bytes;
    }
}

/* A value with a sum of its own. In one piece it is streamed, and summed where it came from; not in a transaction, which
 * has one fence. */
static HEARTH_COLD void store_large(struct log_writer *writer, uint8_t *at, const struct log_record *record,
                                    size_t bytes)
{
    const struct pool *pool = writer->log->pool;

    if (record->part_count == 1 && !record->in_transaction && pool->pm->streams) {
        stream_value(writer, at, record->parts[0].data, bytes);
        writer->last_value_sum = record_value_sum(pool, record->parts[0].data, bytes);
        /* It comes before whatever shows others the record. Should it fail, so does each drain from now on. */
        (void)!pm_drain(&writer->context, PM_SITE_STREAM_DRAIN);
    } else {
        store_parts(writer, at, record);
        writer->last_value_sum = record_value_sum(pool, at, bytes);
    }
}

/* As many lines behind a record of `bytes` as it has, for those to come: nobody has touched them for long, and stores that
 * wait for their lines hold up whoever comes behind them, the next key's lock first. */
static HEARTH_INLINE void fetch_ahead(const struct log_writer *writer, uint32_t bytes)
{
    uint32_t distance = bytes < FETCH_AHEAD_BYTES ? FETCH_AHEAD_BYTES : bytes;
    const struct pool *pool = writer->log->pool;
    uint8_t *from = pool_at(pool, pool_segment_off(pool, writer->open->segment) + writer->pos + distance);

    bytes = bytes < FETCH_BYTES_MAX ? bytes : FETCH_BYTES_MAX;
    for (uint32_t at = 0; at < bytes; at += PM_LINE)
        HEARTH_PREFETCH_WRITE(from + at);
}

/* Stores a record at `pos` of the open segment, all but its checksum. */
static HEARTH_INLINE void store_record(struct log_writer *writer, uint32_t pos, const struct log_record *record,
                                       uint8_t flags, uint32_t value_len)
{
    struct pool *pool = writer->log->pool;
    pm_off off = pool_segment_off(pool, writer->open->segment) + pos;
    uint8_t *to = pool_at(pool, off), *at = store_head(writer, to, record, flags, value_len);

    if (record->key_len) {
        pm_store(&writer->context, at, record->key, record->key_len);
        at += record->key_len;
    }
    if (HEARTH_UNLIKELY(value_len > PMD_VALUE_SUMMED_WITHIN_MAX))
        store_large(writer, at, record, value_len);
    else
        store_parts(writer, at, record);
    writer->last_off = off;
    writer->last_bytes = (uint32_t)(at - to) + value_len;
}

/* The LINK that makes the new open segment the continuation of `previous`. */
static void append_link(struct log_writer *writer, const struct log_stretch *previous)
{
    struct pmd_link link = {
        .writer = writer->number,
        .prev_segment = previous ? previous->segment : 0,
        .prev_generation = previous ? previous->generation : 0,
        .prev_end = previous ? previous->end : 0,
    };
    struct log_part part = {&link, sizeof(link)};
    struct log_record record = {.kind = PMD_RECORD_LINK, .parts = &part, .part_count = 1};

    store_record(writer, 0, &record, PMD_LAST, sizeof(link)); /* the segment is new, and its turn_line 0 */
    store_checksum(writer);
    writer->pos = LOG_LINK_BYTES;
}

static void open_segment(struct log_writer *writer, struct log_stretch *stretch)
{
    struct segment *segment = &writer->log->pool->segments[stretch->segment];

    segment->writer = (uint8_t)writer->number;
    atomic_store_explicit(&segment->closed_end, 0, memory_order_relaxed);
    writer->open = stretch;
    writer->turn_from = 0;
    writer->turn_line = 0;
    writer->appended = true;
}

/*
 * Goes on in a spare segment. What the turn wrote in the old one is flushed now and drained with the rest of the turn.
 * A crash leaves both, or the new one without a valid predecessor, which is then not accepted.
 */
static HEARTH_COLD void move_on(struct log_writer *writer)
{
    struct log_stretch *old = writer->open;
    struct log_stretch *stretch;

    must(writer->spare_count > 0);
    stretch = writer->spares[--writer->spare_count];
    if (old) {
        if (writer->appended && writer->log->mode == PMD_COMMIT_TURN)
            log_flush_turn(writer, writer->pos);
        old->end = writer->pos;
        /* Without a record of this turn in it its followers pass it as soon as `next` is set: it must be done with. */
        if (atomic_load_explicit(&old->closed_end, memory_order_relaxed) == old->end)
            log_publish_left(writer->log, old);
        else
            writer->left[writer->left_count++] = old;
    }
    open_segment(writer, stretch);
    append_link(writer, old);
    atomic_store_explicit(old ? &old->next : &writer->published.first, stretch, memory_order_release);
}

/* Whole lines of records that are as they will stay. */
static void flush_ahead(struct log_writer *writer)
{
    uint32_t to = writer->pos / PM_LINE * PM_LINE;

    if (writer->log->mode == PMD_COMMIT_TURN && to >= writer->turn_from + FLUSH_AHEAD_BYTES)
        log_flush_turn(writer, to);
}

/* A turn begins. Behind a failed close it must not say that what lies before it was durable. */
static void start_range(struct log_writer *writer)
{
    writer->pos = next_pos(writer);
    writer->turn_from = writer->pos;
    if (HEARTH_LIKELY(!writer->broken))
        writer->turn_line = (uint16_t)(writer->pos / PM_LINE);
    writer->appended = true;
}

/* With a place the note tells all that the index writer needs. New keys, deletions and the members of a transaction, the
 * last of which is still to grow, are read. */
static void put_note(struct log_writer *writer, const struct log_record *record, uint32_t bytes)
{
    const struct record_replaced *replaced = &record->replaced;
    bool is_told = record->kind == PMD_RECORD_FULL && !record->in_transaction && replaced->loc != 0;
    struct overwrite overwrite = {
        .loc = writer->last_off / PM_UNIT,
        .units = bytes / PM_UNIT,
        .db = record->db,
        .has_expiry = record->expire_at_ms != 0,
        .replaced_expiry = replaced->has_expiry,
        .replaced = replaced->loc,
        .generation = replaced->generation,
        .cts = record->cts,
        .place = is_told ? record->place : 0,
        .replaced_bytes = replaced->bytes,
    };

    log_note_put(&writer->notes, &overwrite);
}

pm_loc log_append(struct log_writer *writer, const struct log_record *record)
{
    uint64_t value_len = value_bytes(record);
    uint8_t flags = flags_of(record);
    uint8_t room_flags = flags | (record->in_transaction ? PMD_HAS_TXN : 0);
    uint64_t bytes = record_bytes(flags, record->key_len, value_len);
    uint64_t room = record_bytes(room_flags, record->key_len, value_len);

    must(writer->turn_open && record->key_len <= RECORD_KEY_MAX);
    debug_check(cts_epoch(record->cts) == writer->epoch);
    if (record->in_transaction && writer->members++ > 0)
        writer->members_sum = record_members_sum(writer->members_sum, store_checksum(writer));
    if (HEARTH_UNLIKELY(!fits_open(writer, room)))
        move_on(writer);
    else if (!writer->appended)
        start_range(writer);
    must(writer->pos + room <= writer->log->pool->segment_bytes);
    if (HEARTH_LIKELY(value_len <= PMD_VALUE_SUMMED_WITHIN_MAX)) /* longer ones may go past the caches */
        fetch_ahead(writer, (uint32_t)bytes);
    store_record(writer, writer->pos, record, flags, (uint32_t)value_len);
    if (!record->in_transaction)
        store_checksum(writer);
    put_note(writer, record, (uint32_t)bytes);
    writer->pos += (uint32_t)bytes;
    writer->turn_records++;
    writer->turn_bytes += bytes;
    if (!record->in_transaction)
        flush_ahead(writer);
    return writer->last_off / PM_UNIT;
}

/* ---- transactions ---- */

/*
 * Makes the last record the one that makes its transaction count. It gets its checksum only now (other members when the
 * next one comes), so no crash finds it valid and without its end: every record that is valid is as it was meant.
 */
static void mark_last(struct log_writer *writer, uint32_t count)
{
    struct pmd_record *record = (struct pmd_record *)pool_at(writer->log->pool, writer->last_off);
    uint8_t flags = record->flags | PMD_LAST | (count > 1 ? PMD_HAS_TXN : 0);
    struct pmd_txn_trailer trailer = {count, writer->members_sum};

    pm_store(&writer->context, &record->flags, &flags, sizeof(flags));
    if (count > 1) {
        pm_store(&writer->context, (uint8_t *)record + writer->last_bytes, &trailer, sizeof(trailer));
        writer->last_bytes += sizeof(trailer);
    }
    store_checksum(writer);
}

void log_commit(struct log_writer *writer, uint32_t count)
{
    const struct pmd_record *record = (const struct pmd_record *)pool_at(writer->log->pool, writer->last_off);
    uint32_t end;

    must(count == writer->members);
    if (count > 0) {
        mark_last(writer, count);
        end = (uint32_t)(writer->last_off & (writer->log->pool->segment_bytes - 1)) +
              (uint32_t)record_bytes(record->flags, record->key_len, record->value_len);
        writer->turn_bytes += end - writer->pos;
        writer->pos = end;
    }
    writer->members = 0;
    writer->members_sum = 0;
    writer->in_transaction = false;
    log_stamp_commit(writer);
}
