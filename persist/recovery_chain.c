/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The logs that the segments of the tail form: of each writer a prefix is accepted.
 *
 * IDEA: a segment's LINK names its predecessor, that one's generation and its end. It counts when the predecessor is
 * accepted up to just that end, or was accepted long ago: it has another generation by now, is free, or is INDEXED with
 * that length. An interrupted recovery may have sealed a predecessor short of the end: then the successor was
 * rejected, and is again.
 *
 * Transactions are checked along the chain, since they may span segments. One that has no end is rejected with all that
 * follows it, which is nothing but segments that it filled.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/log.h"
#include "persist/recovery_internal.h"

/* The transaction in which the walk along a chain is. */
struct open_transaction {
    uint32_t members; /* 0: in none */
    uint32_t sum, last_checksum;
    uint32_t index, pos; /* in the tail, where the record before its first member ends */
};

static enum pm_status damaged(const struct tail_segment *segment, uint32_t pos, const char *what)
{
    log_error("recovery", "segment=%u offset=%u: %s; restore the pool, or start with on-damage reset", segment->segment,
              pos, what);
    return PM_DAMAGED;
}

/* ---- linking ---- */

static enum pm_status link_to(struct tail *tail, uint32_t index, uint32_t previous)
{
    struct tail_segment *segment = &tail->segments[index];

    if (previous == index || tail->segments[previous].next != TAIL_NONE)
        return damaged(segment, 0, "two segments continue the same one");
    tail->segments[previous].next = index;
    segment->has_previous = true;
    return PM_OK;
}

/* Finds the predecessor of a segment; `places`: index in the tail by segment. */
static enum pm_status find_previous(struct tail *tail, uint32_t index, const uint32_t *places)
{
    struct tail_segment *segment = &tail->segments[index];
    const struct pmd_link *link = &segment->link;
    const struct segment *previous;

    if (!segment->linked || link->prev_segment == 0)
        return PM_OK;
    if (link->prev_segment >= tail->pool->segment_count)
        return damaged(segment, 0, "its link names a segment outside of the pool");
    previous = &tail->pool->segments[link->prev_segment];
    if (atomic_load_explicit(&tail->pool->generations[link->prev_segment], memory_order_relaxed) !=
        link->prev_generation)
        return PM_OK;
    if (places[link->prev_segment] != TAIL_NONE)
        return link_to(tail, index, places[link->prev_segment]);
    if (atomic_load_explicit(&previous->state, memory_order_relaxed) == PMD_SEGMENT_INDEXED)
        segment->orphan = atomic_load_explicit(&previous->length, memory_order_relaxed) != link->prev_end;
    return PM_OK;
}

static enum pm_status link_all(struct tail *tail)
{
    uint32_t *places = malloc(tail->pool->segment_count * sizeof(*places));
    enum pm_status status = PM_OK;

    if (!places)
        return PM_NO_MEMORY;
    memset(places, 0xff, tail->pool->segment_count * sizeof(*places));
    for (uint32_t i = 0; i < tail->count; i++)
        places[tail->segments[i].segment] = i;
    for (uint32_t i = 0; i < tail->count && status == PM_OK; i++)
        status = find_previous(tail, i, places);
    free(places);
    return status;
}

/* ---- transactions ---- */

static void add_member(struct open_transaction *open, uint32_t checksum)
{
    if (open->members++ > 0)
        open->sum = record_members_sum(open->sum, open->last_checksum);
    open->last_checksum = checksum;
}

static bool ends_well(struct open_transaction *open, const struct record_view *view)
{
    struct pmd_txn_trailer trailer;

    if (!(view->header->flags & PMD_HAS_TXN))
        return open->members == 0;
    memcpy(&trailer, view->value + view->header->value_len, sizeof(trailer));
    add_member(open, view->header->checksum);
    return open->members == trailer.count && open->sum == trailer.checksum;
}

/*
 * Follows the transactions through a segment's valid records above W. One at or below W is whole in the index, while
 * its first members may lie in a segment that is INDEXED and not read any more (a transaction has one epoch, so W never
 * falls inside it).
 */
static enum pm_status follow_transactions(struct tail *tail, uint32_t index, struct open_transaction *open)
{
    struct tail_segment *segment = &tail->segments[index];
    struct log_item item;
    uint32_t end = LOG_LINK_BYTES; /* of the record before */

    if (!segment->transactions && open->members == 0)
        return PM_OK;
    for (uint32_t pos = 0; tail_walk(tail, segment, &pos, segment->valid_end, &item); end = pos) {
        if (item.view.header->kind == PMD_RECORD_LINK || cts_epoch(item.view.header->cts) <= tail->w)
            continue;
        if (item.view.header->flags & PMD_LAST) {
            if (!ends_well(open, &item.view))
                return damaged(segment, end, "a transaction's members are not those that its last record counts");
            *open = (struct open_transaction){0};
        } else {
            if (open->members == 0)
                *open = (struct open_transaction){.index = index, .pos = end};
            add_member(open, item.view.header->checksum);
        }
    }
    return PM_OK;
}

/* ---- accepting ---- */

/* A rejected segment: nothing in it may say that what it continues was durable. Where the predecessor was sealed
 * short, an earlier recovery has judged that. */
static enum pm_status reject(struct tail_segment *segment, bool judged_before)
{
    segment->accepted_end = 0;
    if (segment->sealed)
        return segment->length == 0 ? PM_OK : damaged(segment, 0, "a sealed segment has lost its beginning");
    if (!judged_before && (segment->settles_before || segment->settled_behind))
        return damaged(segment, segment->valid_end, "durable records lie behind an invalid one");
    return PM_OK;
}

/* Takes back the transaction that has no end: its segments keep what came before it. */
static enum pm_status cut_open(struct tail *tail, const struct open_transaction *open)
{
    struct tail_segment *segment = &tail->segments[open->index];

    for (uint32_t i = open->index; i != TAIL_NONE; i = tail->segments[i].next) {
        if (tail->segments[i].accepted_end == 0)
            break;
        if (tail->segments[i].sealed)
            return damaged(&tail->segments[i], open->pos, "a sealed segment ends inside a transaction");
        tail->segments[i].accepted_end = 0;
    }
    segment->accepted_end = open->pos;
    return PM_OK;
}

/* The last accepted segment of a chain. */
static enum pm_status end_chain(struct tail *tail, uint32_t index, const struct open_transaction *open)
{
    const struct tail_segment *segment = &tail->segments[index];

    if (segment->settled_behind)
        return damaged(segment, segment->valid_end, "durable records lie behind an invalid one");
    return open->members > 0 ? cut_open(tail, open) : PM_OK;
}

/* Rejects what follows `index` in its chain. */
static enum pm_status reject_rest(struct tail *tail, uint32_t index, bool judged_before)
{
    enum pm_status status = PM_OK;

    for (; index != TAIL_NONE && status == PM_OK; index = tail->segments[index].next)
        status = reject(&tail->segments[index], judged_before);
    return status;
}

static enum pm_status accept_segment(struct tail *tail, uint32_t index, struct open_transaction *open)
{
    struct tail_segment *segment = &tail->segments[index];

    if (segment->sealed && segment->valid_end != segment->length)
        return damaged(segment, segment->valid_end, "an invalid record below the end of a sealed segment");
    segment->accepted_end = segment->valid_end;
    return follow_transactions(tail, index, open);
}

static enum pm_status resolve_chain(struct tail *tail, uint32_t index)
{
    struct tail_segment *segment = &tail->segments[index];
    struct open_transaction open = {0};
    enum pm_status status;

    if (!segment->linked || segment->orphan)
        return reject_rest(tail, index, segment->orphan);
    for (;;) {
        uint32_t next = segment->next;

        status = accept_segment(tail, index, &open);
        if (status != PM_OK)
            return status;
        if (next == TAIL_NONE || tail->segments[next].link.prev_end != segment->valid_end)
            break;
        index = next;
        segment = &tail->segments[index];
    }
    status = end_chain(tail, index, &open);
    return status == PM_OK ? reject_rest(tail, segment->next, segment->sealed) : status;
}

/* ---- order ---- */

static int by_first_epoch(const void *a, const void *b, void *context)
{
    const struct tail *tail = context;
    uint64_t x = tail->segments[*(const uint32_t *)a].first_epoch;
    uint64_t y = tail->segments[*(const uint32_t *)b].first_epoch;

    return x < y ? -1 : x > y;
}

/* A segment of which only a part, or the LINK, is left. */
static void count_again(const struct tail *tail, struct tail_segment *segment)
{
    struct log_item item;
    uint32_t pos = 0;

    if (segment->accepted_end <= LOG_LINK_BYTES)
        segment->accepted_end = 0;
    segment->records = 0;
    segment->top_epoch = 0;
    while (tail_walk(tail, segment, &pos, segment->accepted_end, &item)) {
        segment->records++;
        segment->top_epoch = cts_epoch(item.view.header->cts);
    }
}

/* Fills tail->order with the accepted segments: chains by their age, each from its root on. */
static enum pm_status order_accepted(struct tail *tail)
{
    uint32_t *roots = malloc((tail->count + 1) * sizeof(*roots));
    uint32_t root_count = 0;

    if (!roots)
        return PM_NO_MEMORY;
    for (uint32_t i = 0; i < tail->count; i++) {
        struct tail_segment *segment = &tail->segments[i];

        if (segment->accepted_end < segment->valid_end || segment->accepted_end <= LOG_LINK_BYTES)
            count_again(tail, segment);
        if (!segment->has_previous)
            roots[root_count++] = i;
    }
    qsort_r(roots, root_count, sizeof(*roots), by_first_epoch, tail);
    for (uint32_t i = 0; i < root_count; i++) {
        for (uint32_t index = roots[i]; index != TAIL_NONE; index = tail->segments[index].next) {
            if (tail->segments[index].accepted_end > 0)
                tail->order[tail->order_count++] = index;
        }
    }
    free(roots);
    return PM_OK;
}

static uint32_t chain_length(const struct tail *tail, uint32_t index)
{
    uint32_t length = 0;

    for (; index != TAIL_NONE; index = tail->segments[index].next)
        length++;
    return length;
}

enum pm_status tail_resolve(struct tail *tail)
{
    enum pm_status status = link_all(tail);
    uint32_t resolved = 0;

    for (uint32_t i = 0; i < tail->count && status == PM_OK; i++) {
        if (tail->segments[i].has_previous)
            continue;
        status = resolve_chain(tail, i);
        resolved += chain_length(tail, i);
    }
    if (status == PM_OK && resolved < tail->count)
        status = damaged(&tail->segments[0], 0, "the links of log segments form a ring");
    return status == PM_OK ? order_accepted(tail) : status;
}
