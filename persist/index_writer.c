/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The index writer's state machine: IDLE -> CLOSING (turns, sync) -> APPLYING (phase by phase) -> IDLE.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/log.h"
#include "persist/index_writer_internal.h"
#include "persist/live.h"

enum { PREFETCH_AHEAD = 12 };

enum pm_status index_writer_open(struct index_writer **out, const struct index_writer_options *options)
{
    struct index_writer *writer = calloc(1, sizeof(*writer));

    if (!writer)
        return PM_NO_MEMORY;
    writer->controls = calloc(CONTROLS_MAX, sizeof(*writer->controls));
    if (!writer->controls || !cut_buffers_init(&writer->cut_buffers)) {
        index_writer_close(writer);
        return PM_NO_MEMORY;
    }
    writer->o = *options;
    writer->w = options->w;
    writer->cut = options->first_epoch - 1; /* the recovered tail: nobody is pinned so low */
    writer->state = STATE_CLOSING;
    pm_context_init(&writer->context, options->pool->pm);
    *out = writer;
    return PM_OK;
}

void index_writer_close(struct index_writer *writer)
{
    if (!writer)
        return;
    for (size_t i = 0; i < FORGOTTEN_BATCHES; i++)
        free(writer->forgotten[i].items);
    cut_buffers_drop(&writer->cut_buffers);
    free(writer->controls);
    free(writer);
}

uint32_t index_writer_record_bytes(const struct pool *pool, pm_loc loc)
{
    const struct pmd_record *record = record_at(pool, loc);

    return (uint32_t)record_bytes(record->flags, record->key_len, record->value_len);
}

/* ---- phases of a cut: between FLUSH records ---- */

static bool same_key(const struct index_key *a, const struct index_key *b)
{
    return a->hash == b->hash && a->db == b->db && a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* Ops on one key become one: the newest one's record, and what the oldest one replaced. */
static struct index_op merge_run(const struct index_op *ops, size_t count)
{
    const struct index_op *newest = ops, *oldest = ops;
    struct index_op merged;

    for (const struct index_op *op = ops + 1; op < ops + count; op++) {
        newest = op->cts > newest->cts ? op : newest;
        oldest = op->cts < oldest->cts ? op : oldest;
    }
    merged = *newest;
    merged.hint = oldest->hint;
    return merged;
}

/* Of each run of ops on one key one stays. Returns how many stay. */
static size_t keep_newest(struct index_op *ops, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && same_key(&ops[i].key, &ops[end].key); end++)
            ;
        if (end - i > 1)
            ops[kept++] = merge_run(ops + i, end - i);
        else if (kept++ != i)
            ops[kept - 1] = ops[i];
    }
    return kept;
}

/* Brings the ops below `limit` to the front; returns how many. */
static size_t partition_below(struct index_op *ops, size_t count, uint64_t limit)
{
    size_t below = 0;

    for (size_t i = 0; i < count; i++) {
        if (ops[i].cts < limit) {
            struct index_op op = ops[i];
            ops[i] = ops[below];
            ops[below++] = op;
        }
    }
    return below;
}

/*
 * Chooses the ops of the next phase: all, or those older than the next FLUSH. What is left stays behind them. The order
 * within a key may be lost before; keep_newest() compares cts.
 */
static void select_phase(struct index_writer *writer)
{
    const struct pool *pool = writer->o.pool;
    struct cut_buffers *cut = &writer->cut_buffers;
    struct index_op *ops = cut->ops, *sorted = cut->sorted;
    size_t count = cut->op_count;

    if (writer->control_next < writer->control_count)
        count = partition_below(ops, count, record_at(pool, writer->controls[writer->control_next])->cts);
    index_ops_sort_to(ops, sorted, count);
    writer->phase_count = keep_newest(sorted, count);
    memcpy(sorted + writer->phase_count, ops + count, (cut->op_count - count) * sizeof(*ops));
    cut->op_count -= count - writer->phase_count;
    cut->ops = sorted;
    cut->sorted = ops;
    writer->phase_applied = 0;
    writer->phase_ready = true;
}

static uint32_t old_bytes(const struct pool *pool, const struct index_op *op)
{
    return op->old_loc == op->hint.loc ? op->hint.bytes : index_writer_record_bytes(pool, op->old_loc);
}

static void prefetch_unknown(const struct pool *pool, const struct index_op *op)
{
    if (op->place)
        HEARTH_PREFETCH_WRITE(record_at(pool, op->loc));
    if (op->old_loc && op->old_loc != op->hint.loc)
        HEARTH_PREFETCH(record_at(pool, op->old_loc));
}

/* What the applied ops [from, to) made live and dead (R1), and which slots of deleted keys may go later. */
static bool account(struct index_writer *writer, size_t from, size_t to)
{
    struct pool *pool = writer->o.pool;
    struct forgotten_batch *batch =
        &writer->forgotten[(writer->forgotten_first + writer->forgotten_count) % FORGOTTEN_BATCHES];

    for (size_t i = from; i < to; i++) {
        const struct index_op *op = &writer->cut_buffers.ops[i];
        struct forgotten *items;

        if (i + PREFETCH_AHEAD < to)
            prefetch_unknown(pool, &writer->cut_buffers.ops[i + PREFETCH_AHEAD]);
        if (op->old_loc != op->loc) {
            if (op->old_loc)
                live_drop(pool, op->old_loc, old_bytes(pool, op));
            if (op->kind == INDEX_PUT)
                live_add(pool, op->loc, op->bytes);
        }
        if (op->place != 0 && op->place != record_place(record_at(pool, op->loc)))
            record_set_place(pool, &writer->context, op->loc, op->place);
        if (op->kind != INDEX_FORGET)
            continue;
        if ((batch->count & (batch->count - 1)) == 0) { /* grows at powers of two */
            items = realloc(batch->items, (batch->count ? batch->count * 2 : 1) * sizeof(*items));
            if (!items)
                return false;
            batch->items = items;
        }
        batch->items[batch->count++] = (struct forgotten){op->key.hash, op->loc, record_generation(pool, op->loc)};
        pool_segment_at(pool, op->loc)->tombstones++;
    }
    return true;
}

static enum index_writer_step fail(struct index_writer *writer, enum pm_status status, const char *what)
{
    log_error("index_writer", "%s failed: %s; the index horizon stands still, restart the server", what,
              pm_status_text(status));
    writer->state = STATE_FAILED;
    return INDEX_WRITER_FAILED;
}

static void clear_flush_at(struct pmd_superblock *superblock, void *argument)
{
    const struct pmd_control *control = argument;

    if (superblock->flush_at_ms == control->at_ms)
        superblock->flush_at_ms = 0;
}

/* The FLUSH behind the phase that was just applied. */
static enum pm_status apply_control(struct index_writer *writer)
{
    const struct pool *pool = writer->o.pool;
    struct pmd_control control;
    struct record_view view;
    pm_off off = writer->controls[writer->control_next] * PM_UNIT;
    uint64_t w_before = atomic_load_explicit(&writer->w, memory_order_relaxed);
    enum pm_status status;

    if (!record_view(pool, off, pool->pm->bytes, &view) || view.header->value_len != sizeof(control))
        return PM_DAMAGED;
    memcpy(&control, view.value, sizeof(control));
    if (control.at_ms) { /* a delayed flush that happened: it must not happen again once W hides this record */
        status = pool_superblock_update(writer->o.pool, &writer->context, clear_flush_at, &control);
        if (status)
            return status;
    }
    return skiplist_drop_databases(writer->o.skiplist, &writer->context, control.databases, w_before);
}

static void tail_is_applied(struct index_writer *writer, const struct skiplist_counts *before)
{
    struct skiplist_counts after;

    skiplist_counts(writer->o.skiplist, &after);
    for (int db = 0; db < PM_DATABASES; db++) {
        writer->keys_delta[db] += (int64_t)(after.keys[db] - before->keys[db]);
        writer->expires_delta[db] += (int64_t)(after.expires[db] - before->expires[db]);
    }
}

/* All phases are applied and durable: W moves, finished segments are marked, tombstones wait for their grace. */
static enum index_writer_step finish_cut(struct index_writer *writer, uint64_t now_us)
{
    struct pool *pool = writer->o.pool;
    struct forgotten_batch *batch =
        &writer->forgotten[(writer->forgotten_first + writer->forgotten_count) % FORGOTTEN_BATCHES];
    uint32_t segment, length;

    writer->w_before = atomic_load_explicit(&writer->w, memory_order_relaxed);
    atomic_store_explicit(&writer->w, writer->cut, memory_order_release);
    atomic_store_explicit(&writer->tail_applied, true, memory_order_release);
    while (log_next_finished(writer->o.log, writer->cut, &segment, &length))
        pool_set_segment(pool, &writer->context, segment, PMD_SEGMENT_INDEXED, length, PM_SITE_SEGMENT_INDEXED_FLUSH);
    if (batch->count) {
        batch->epoch = epoch_advance(writer->o.epochs);
        if (!batch->epoch) /* at the lease's end: any later epoch serves as well */
            batch->epoch = epoch_now(writer->o.epochs);
        writer->forgotten_count++;
    }
    atomic_fetch_add_explicit(&writer->cuts, 1, memory_order_relaxed);
    writer->last_cut_us = now_us;
    writer->state = STATE_IDLE;
    return INDEX_WRITER_BUSY;
}

/* One phase: select, apply, account; then the FLUSH behind it, if there is one. */
static enum index_writer_step apply_phase(struct index_writer *writer, uint64_t now_us)
{
    bool tail = !atomic_load_explicit(&writer->tail_applied, memory_order_relaxed);
    bool last = writer->control_next == writer->control_count;
    struct cut_buffers *cut = &writer->cut_buffers;
    struct skiplist_counts before;
    size_t applied = 0;
    enum pm_status status;

    if (tail)
        skiplist_counts(writer->o.skiplist, &before);
    status = index_collect_overwrites(writer);
    if (status)
        return fail(writer, status, "overwriting in the ordered index");
    if (!writer->phase_ready)
        select_phase(writer);
    status = skiplist_apply(writer->o.skiplist, &writer->context, cut->ops + writer->phase_applied,
                            writer->phase_count - writer->phase_applied,
                            last ? writer->cut : atomic_load_explicit(&writer->w, memory_order_relaxed), &applied);
    if (!account(writer, writer->phase_applied, writer->phase_applied + applied))
        return fail(writer, PM_NO_MEMORY, "remembering deleted keys");
    writer->phase_applied += applied;
    if (status == PM_OK && !last)
        status = apply_control(writer);
    if (tail)
        tail_is_applied(writer, &before);
    if (status == PM_FULL)
        return INDEX_WRITER_FULL;
    if (status)
        return fail(writer, status, "applying a cut to the ordered index");
    memmove(cut->ops, cut->ops + writer->phase_count, (cut->op_count - writer->phase_count) * sizeof(*cut->ops));
    cut->op_count -= writer->phase_count;
    writer->phase_ready = false;
    if (last)
        return finish_cut(writer, now_us);
    writer->control_next++;
    return INDEX_WRITER_BUSY;
}

/* ---- the machine ---- */

static bool forget_step(struct index_writer *writer)
{
    struct forgotten_batch *batch = &writer->forgotten[writer->forgotten_first];

    if (writer->forgotten_count == 0 || !epoch_passed(writer->o.epochs, batch->epoch))
        return false;
    for (size_t i = 0; i < batch->count; i++) {
        const struct forgotten *item = &batch->items[i];

        writer->o.forgotten(writer->o.context, item->hash, item->tombstone);
        if (record_generation(writer->o.pool, item->tombstone) == item->generation)
            pool_segment_at(writer->o.pool, item->tombstone)->tombstones--;
    }
    free(batch->items);
    *batch = (struct forgotten_batch){0};
    writer->forgotten_first = (writer->forgotten_first + 1) % FORGOTTEN_BATCHES;
    writer->forgotten_count--;
    return true;
}

static bool cut_is_due(struct index_writer *writer, uint64_t now_us)
{
    uint64_t records, bytes;

    log_tail(writer->o.log, &records, &bytes);
    atomic_store_explicit(&writer->throttled, records >= writer->o.tail_records || bytes >= writer->o.tail_bytes,
                          memory_order_relaxed);
    if (records == 0)
        return false;
    return records >= writer->o.tail_records / 2 || bytes >= writer->o.tail_bytes / 2 ||
           now_us - writer->last_cut_us >= (uint64_t)writer->o.interval_ms * 1000;
}

static enum index_writer_step begin_cut(struct index_writer *writer)
{
    writer->cut = epoch_advance(writer->o.epochs);
    if (!writer->cut)
        return INDEX_WRITER_WAITING;
    writer->state = STATE_CLOSING;
    return INDEX_WRITER_BUSY;
}

static bool cut_is_closed(struct index_writer *writer)
{
    if (!epoch_passed(writer->o.epochs, writer->cut))
        return false;
    if (writer->o.mode == PMD_COMMIT_TURN || writer->cut < writer->o.first_epoch)
        return true;
    if (log_synced_epoch(writer->o.log) >= writer->cut)
        return true;
    writer->o.want_sync(writer->o.context, writer->cut);
    return false;
}

static enum index_writer_step close_cut(struct index_writer *writer, uint64_t now_us)
{
    if (writer->forgotten_count == FORGOTTEN_BATCHES || !cut_is_closed(writer))
        return INDEX_WRITER_WAITING;
    cut_buffers_begin(&writer->cut_buffers);
    writer->control_count = writer->control_next = 0;
    writer->phase_ready = false;
    log_read(writer->o.log, writer->cut, index_collect, writer);
    if (writer->out_of_memory)
        return fail(writer, PM_NO_MEMORY, "reading a cut of the log");
    cut_buffers_note(&writer->cut_buffers, now_us);
    writer->state = STATE_APPLYING;
    return INDEX_WRITER_BUSY;
}

enum index_writer_step index_writer_step(struct index_writer *writer, uint64_t now_us)
{
    bool due = cut_is_due(writer, now_us);
    bool forgot = forget_step(writer);
    enum pm_status status;

    switch (writer->state) {
    case STATE_FAILED:
        return INDEX_WRITER_FAILED;
    case STATE_CLOSING:
        return close_cut(writer, now_us);
    case STATE_APPLYING:
        return apply_phase(writer, now_us);
    case STATE_IDLE:
        break;
    }
    status = log_renew_lease(writer->o.log, &writer->context);
    if (status)
        return fail(writer, status, "renewing the epoch lease");
    if (atomic_exchange_explicit(&writer->requested, false, memory_order_relaxed) || due)
        return begin_cut(writer);
    cut_buffers_rest(&writer->cut_buffers, now_us);
    return forgot ? INDEX_WRITER_BUSY : INDEX_WRITER_IDLE;
}

void index_writer_request(struct index_writer *writer)
{
    atomic_store_explicit(&writer->requested, true, memory_order_relaxed);
}

bool index_writer_throttled(const struct index_writer *writer)
{
    return atomic_load_explicit(&writer->throttled, memory_order_relaxed);
}

uint64_t index_writer_w(const struct index_writer *writer)
{
    return atomic_load_explicit(&writer->w, memory_order_acquire);
}

bool index_writer_tail_applied(const struct index_writer *writer, int64_t keys_delta[PM_DATABASES],
                               int64_t expires_delta[PM_DATABASES])
{
    if (!atomic_load_explicit(&writer->tail_applied, memory_order_acquire))
        return false;
    memcpy(keys_delta, writer->keys_delta, sizeof(writer->keys_delta));
    memcpy(expires_delta, writer->expires_delta, sizeof(writer->expires_delta));
    return true;
}

bool index_writer_is_cutting(const struct index_writer *writer)
{
    return writer->state == STATE_CLOSING || writer->state == STATE_APPLYING;
}

uint64_t index_writer_cuts(const struct index_writer *writer)
{
    return atomic_load_explicit(&writer->cuts, memory_order_relaxed);
}

struct pm_context *index_writer_context(struct index_writer *writer)
{
    return &writer->context;
}
