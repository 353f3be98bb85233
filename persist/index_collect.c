/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the records of a cut become: overwrites by place, which are carried out at once, operations on keys, and FLUSH
 * records.
 *
 * IDEA: most records overwrite a key whose entry's place is known. They need no key, so they are neither read nor sorted
 * with the others; one that the ordered index does not carry out (its place was old) becomes an operation like others.
 */
#include "base/assert.h"
#include "persist/index_writer_internal.h"
#include "persist/live.h"

enum { SETTLE_AHEAD = 12 };

static void control_insert(struct index_writer *writer, pm_loc loc)
{
    const struct pool *pool = writer->o.pool;
    size_t i = writer->control_count++;

    must(writer->control_count <= CONTROLS_MAX);
    for (; i > 0 && record_at(pool, writer->controls[i - 1])->cts > record_at(pool, loc)->cts; i--)
        writer->controls[i] = writer->controls[i - 1];
    writer->controls[i] = loc;
}

static void collect_op(struct index_writer *writer, const struct log_item *item)
{
    const struct pmd_record *header = item->view.header;
    struct index_op *op = cut_buffers_add(&writer->cut_buffers);

    if (op == NULL) {
        writer->out_of_memory = true;
        return;
    }
    op->key.db = header->db;
    op->key.data = cut_buffers_keep_key(&writer->cut_buffers, item->view.key, header->key_len);
    op->key.len = header->key_len;
    op->key.hash = key_hash(writer->o.pool->hash_seed, header->db, item->view.key, header->key_len);
    op->kind = header->kind == PMD_RECORD_TOMBSTONE ? INDEX_FORGET : INDEX_PUT;
    op->has_expiry = (header->flags & PMD_HAS_EXPIRY) != 0;
    op->loc = item->loc;
    op->old_loc = 0;
    op->done = false;
    op->bytes = item->view.bytes;
    op->cts = header->cts;
    op->hint = item->replaced;
    op->place = 0;
}

static void collect_overwrite(struct index_writer *writer, const struct overwrite *overwrite)
{
    struct overwrite *op = cut_buffers_add_overwrite(&writer->cut_buffers);

    if (op == NULL)
        writer->out_of_memory = true;
    else
        *op = *overwrite;
}

/*
 * The place in a record that was read. The versions of a key that is written often are there before the index writer has
 * stored a place in the first of them: each takes over that of its predecessor, which was stored by then. Predecessors
 * older than the last cut had theirs when they were replaced, or have none, and are not read. Before a device no more is
 * stored: pages that have been written would be written again.
 */
static uint32_t read_place(struct index_writer *writer, const struct log_item *item)
{
    const struct pool *pool = writer->o.pool;
    uint32_t place = record_place(item->view.header);

    if (item->replaced.loc == 0 || item->view.header->kind != PMD_RECORD_FULL)
        return 0;
    if (place == 0 && pool_segment_at(writer->o.pool, item->replaced.loc)->top_epoch > writer->w_before &&
        record_generation(pool, item->replaced.loc) == item->replaced.generation) {
        place = record_place(record_at(pool, item->replaced.loc));
        if (place != 0 && !pool->pm->page_cache)
            record_set_place(pool, &writer->context, item->loc, place);
    }
    return place;
}

static void collect_read(struct index_writer *writer, const struct log_item *item)
{
    const struct pmd_record *header = item->view.header;
    struct overwrite overwrite = {
        .loc = item->loc,
        .units = item->view.bytes / PM_UNIT,
        .db = header->db,
        .has_expiry = (header->flags & PMD_HAS_EXPIRY) != 0,
        .replaced_expiry = item->replaced.has_expiry,
        .replaced = item->replaced.loc,
        .generation = item->replaced.generation,
        .cts = header->cts,
        .place = read_place(writer, item),
        .replaced_bytes = item->replaced.bytes,
    };

    if (overwrite.place != 0)
        collect_overwrite(writer, &overwrite);
    else
        collect_op(writer, item);
}

void index_collect(const struct log_item *item, void *context)
{
    if (item->overwrite != NULL)
        collect_overwrite(context, item->overwrite);
    else if (item->view.header->kind == PMD_RECORD_CONTROL)
        control_insert(context, item->loc);
    else
        collect_read(context, item);
}

/* ---- overwrites by place, before anything else ---- */

static void collect_left(struct index_writer *writer, const struct overwrite *overwrite)
{
    struct log_item item = {.loc = overwrite->loc, .replaced = overwrite_replaced(overwrite)};

    ought(record_view_at(writer->o.pool, item.loc, &item.view));
    collect_op(writer, &item);
}

static void prefetch_counts(const struct pool *pool, const struct overwrite *op)
{
    live_prefetch(pool, op->replaced);
    live_prefetch(pool, op->loc);
}

/* What lives and what is dead by them (R1); what was left undone becomes an operation like others. */
static bool settle_overwrites(struct index_writer *writer)
{
    struct cut_buffers *cut = &writer->cut_buffers;
    struct pool *pool = writer->o.pool;

    for (size_t i = 0; i < cut->overwrite_count; i++) {
        const struct overwrite *op = &cut->overwrites[i];

        if (i + SETTLE_AHEAD < cut->overwrite_count)
            prefetch_counts(pool, op + SETTLE_AHEAD);
        if (op->place == 0) {
            collect_left(writer, op);
            continue;
        }
        if (op->replaced != 0)
            live_drop(pool, op->replaced, op->replaced_bytes);
        if (op->loc != 0)
            live_add(pool, op->loc, op->units * PM_UNIT);
    }
    cut->overwrite_count = 0;
    return !writer->out_of_memory;
}

static enum pm_status overwrite_by_place(struct index_writer *writer)
{
    struct cut_buffers *cut = &writer->cut_buffers;
    struct overwrite *overwrites = cut->overwrites, *scratch = cut->overwrites_sorted;
    enum pm_status status =
        skiplist_overwrite(writer->o.skiplist, &writer->context, &cut->overwrites, scratch, cut->overwrite_count);

    cut->overwrites_sorted = cut->overwrites == scratch ? overwrites : scratch;
    return status;
}

/* A FLUSH in the cut parts what is older from what is newer: then none of them is carried out by its place. */
enum pm_status index_collect_overwrites(struct index_writer *writer)
{
    struct cut_buffers *cut = &writer->cut_buffers;
    enum pm_status status = PM_OK;

    if (cut->overwrite_count == 0)
        return PM_OK;
    if (writer->control_count == 0)
        status = overwrite_by_place(writer);
    else
        for (size_t i = 0; i < cut->overwrite_count; i++)
            cut->overwrites[i].place = 0;
    if (status == PM_OK && !settle_overwrites(writer))
        status = PM_NO_MEMORY;
    return status;
}
