/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Judging one segment of the tail by itself: how far its records are valid, and whether something behind that end
 * proves that it was once further.
 *
 * IDEA: a torn end of log and damage in the middle look alike, one invalid record. Two witnesses tell them apart. A
 * record of a later turn (TURN mode): before its turn began, all before that turn's line was drained. A record of a
 * synced epoch (EPOCH mode): all before it was synced with it.
 */
#include "base/assert.h"
#include "persist/recovery_internal.h"

enum {
    /* Bytes that the search for witnesses may hash, in segments: what looks like a record inside of values is bounded. */
    SEARCH_SEGMENTS = 4,
    /* Bytes that are searched where not even the LINK is valid: mostly a segment that was ready and never used, which
     * would have to be read from the disk for nothing. */
    SEARCH_UNLINKED_BYTES = 32 * 1024,
};

static bool has_valid_record(const struct pool *pool, pm_off base, uint32_t at, uint32_t limit,
                             struct record_view *view)
{
    return record_view(pool, base + at, base + limit, view) && (uint32_t)view->header->turn_line * PM_LINE <= at &&
           record_verify(pool, base + at, view);
}

/* Does a valid record say that the log was durable at least up to `end` of its segment? */
static bool is_witness(const struct tail *tail, const struct pmd_record *header, uint32_t end)
{
    if (header->kind == PMD_RECORD_LINK)
        return false;
    if (tail->pool->previous_mode == PMD_COMMIT_TURN)
        return (uint32_t)header->turn_line * PM_LINE > log_align_line(end);
    return cts_epoch(header->cts) <= tail->e_sync;
}

/* Looks for a witness in [end, limit), at every place where a record can begin. */
static bool search_witness(const struct tail *tail, uint32_t segment, uint32_t end, uint32_t limit)
{
    const struct pool *pool = tail->pool;
    uint64_t budget = (uint64_t)SEARCH_SEGMENTS * pool->segment_bytes;
    pm_off base = pool_segment_off(pool, segment);
    struct record_view view;

    for (uint32_t at = end; at < limit; at += PM_UNIT) {
        if (!record_view(pool, base + at, base + pool->segment_bytes, &view) ||
            (uint32_t)view.header->turn_line * PM_LINE > at || !is_witness(tail, view.header, end))
            continue;
        if (record_verify(pool, base + at, &view))
            return true;
        if (view.bytes > budget)
            return false;
        budget -= view.bytes;
    }
    return false;
}

/* The LINK alone is lost: the records that follow it are still a run of valid ones. */
static bool walk_to_witness(const struct tail *tail, uint32_t segment)
{
    const struct pool *pool = tail->pool;
    pm_off base = pool_segment_off(pool, segment);
    struct record_view view;
    uint32_t at = LOG_LINK_BYTES;

    while (at < pool->segment_bytes && has_valid_record(pool, base, at, pool->segment_bytes, &view)) {
        if (is_witness(tail, view.header, 0))
            return true;
        at += view.bytes;
        if (at < pool->segment_bytes)
            at = log_skip_padding(pool, segment, at);
    }
    return false;
}

static bool is_settled_behind(const struct tail *tail, const struct tail_segment *segment)
{
    uint32_t all = tail->pool->segment_bytes;

    if (segment->linked)
        return search_witness(tail, segment->segment, segment->valid_end, all);
    return walk_to_witness(tail, segment->segment) ||
           search_witness(tail, segment->segment, 0, all < SEARCH_UNLINKED_BYTES ? all : SEARCH_UNLINKED_BYTES);
}

static bool scan_link(const struct tail *tail, struct tail_segment *segment, uint32_t limit)
{
    pm_off base = pool_segment_off(tail->pool, segment->segment);
    struct record_view view;

    if (limit < LOG_LINK_BYTES || !has_valid_record(tail->pool, base, 0, limit, &view) ||
        view.header->kind != PMD_RECORD_LINK || view.bytes != LOG_LINK_BYTES)
        return false;
    memcpy(&segment->link, view.value, sizeof(segment->link));
    segment->valid_end = LOG_LINK_BYTES;
    return true;
}

static void note_record(const struct tail *tail, struct tail_segment *segment, uint32_t at,
                        const struct pmd_record *header)
{
    uint64_t epoch = cts_epoch(header->cts);

    if (segment->records++ == 0)
        segment->first_epoch = epoch;
    segment->top_epoch = epoch > segment->top_epoch ? epoch : segment->top_epoch;
    if (segment->from == 0 && epoch > tail->w)
        segment->from = at;
    if (!(header->flags & PMD_LAST) || header->flags & PMD_HAS_TXN)
        segment->transactions = true;
    if (is_witness(tail, header, 0))
        segment->settles_before = true;
}

/* The record behind valid_end: TAIL_END etc. when there is none that counts; -1 when it was taken. */
static int scan_record(const struct tail *tail, struct tail_segment *segment, uint32_t limit)
{
    const struct pool *pool = tail->pool;
    pm_off base = pool_segment_off(pool, segment->segment);
    struct record_view view;
    uint32_t at;

    if (segment->valid_end >= limit)
        return TAIL_END;
    at = log_skip_padding(pool, segment->segment, segment->valid_end);
    if (at >= limit)
        return TAIL_END;
    if (!has_valid_record(pool, base, at, limit, &view) || view.header->kind == PMD_RECORD_LINK)
        return TAIL_INVALID;
    if (at != segment->valid_end && (uint32_t)view.header->turn_line * PM_LINE != at)
        return TAIL_INVALID;
    if (!segment->sealed && cts_epoch(view.header->cts) > tail->epoch_limit)
        return TAIL_CUT;
    note_record(tail, segment, at, view.header);
    segment->valid_end = at + view.bytes;
    return -1;
}

void tail_scan(const struct tail *tail, struct tail_segment *segment)
{
    uint32_t limit = segment->sealed ? segment->length : tail->pool->segment_bytes;
    int stop = TAIL_INVALID;

    segment->linked = scan_link(tail, segment, limit);
    if (segment->linked) {
        do
            stop = scan_record(tail, segment, limit);
        while (stop < 0);
    }
    segment->stop = (enum tail_stop)stop;
    if (!segment->sealed && stop == TAIL_INVALID)
        segment->settled_behind = is_settled_behind(tail, segment);
}

bool tail_walk(const struct tail *tail, const struct tail_segment *segment, uint32_t *pos, uint32_t end,
               struct log_item *item)
{
    pm_off base = pool_segment_off(tail->pool, segment->segment);
    uint32_t at = *pos ? *pos : LOG_LINK_BYTES;

    if (at < end)
        at = log_skip_padding(tail->pool, segment->segment, at);
    if (at >= end)
        return false;
    must(record_view(tail->pool, base + at, base + end, &item->view)); /* it was when it was scanned */
    item->loc = (base + at) / PM_UNIT;
    *pos = at + item->view.bytes;
    return true;
}
