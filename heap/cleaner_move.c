/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moving and dropping: copies to the survivor segment, then the index, then the slots (R2). Whatever happens, no slot
 * names a place in the victim when it is condemned.
 */
#include "base/log.h"
#include "heap/cleaner_internal.h"
#include "persist/live.h"

static void out_flush(struct cleaner *cleaner)
{
    const struct pool *pool = cleaner->heap->pool;

    if (cleaner->out_flushed != cleaner->out_pos)
        pm_flush(cleaner->context, PM_SITE_SURVIVOR_FLUSH,
                 pool_at(pool, pool_segment_off(pool, cleaner->out_segment) + cleaner->out_flushed),
                 cleaner->out_pos - cleaner->out_flushed);
    cleaner->out_flushed = cleaner->out_pos;
}

/* The open survivor segment is full: its length is noted (a crash before leaves 0: "walk until invalid"). What the length
 * covers is durable first, or a torn end would look like damage. */
static enum pm_status out_close(struct cleaner *cleaner)
{
    enum pm_status status;

    if (!cleaner->out_segment)
        return PM_OK;
    out_flush(cleaner);
    status = pm_drain(cleaner->context, PM_SITE_SURVIVOR_DRAIN);
    if (status)
        return status;
    pool_set_segment(cleaner->heap->pool, cleaner->context, cleaner->out_segment, PMD_SEGMENT_SURVIVOR,
                     cleaner->out_pos, PM_SITE_SEGMENT_INDEXED_FLUSH);
    cleaner->out_segment = 0;
    return PM_OK;
}

static enum pm_status out_room(struct cleaner *cleaner, uint32_t bytes)
{
    struct pool *pool = cleaner->heap->pool;
    enum pm_status status;

    if (cleaner->out_segment && cleaner->out_pos + bytes <= pool->segment_bytes)
        return PM_OK;
    status = out_close(cleaner);
    if (status)
        return status;
    status = pool_take_free(pool, cleaner->context, SPACE_CLEANER, PMD_SEGMENT_SURVIVOR, &cleaner->out_segment);
    if (status) {
        cleaner->out_segment = 0;
        return status;
    }
    cleaner->out_pos = cleaner->out_flushed = 0;
    return PM_OK;
}

/* A copy keeps cts and fields, loses its transaction (R2). */
static enum pm_status copy_out(struct cleaner *cleaner, const struct look *look, pm_loc *copy)
{
    struct pool *pool = cleaner->heap->pool;
    struct pmd_record header = *look->view.header;
    uint32_t bytes, unpadded;
    enum pm_status status;
    uint8_t *to;

    header.flags = (uint8_t)((header.flags & ~PMD_HAS_TXN) | PMD_LAST);
    header.turn_line = 0;
    bytes = (uint32_t)record_bytes(header.flags, header.key_len, header.value_len);
    unpadded = (uint32_t)(look->view.value - (const uint8_t *)look->view.header) + header.value_len;
    status = out_room(cleaner, bytes);
    if (status)
        return status;
    *copy = (pool_segment_off(pool, cleaner->out_segment) + cleaner->out_pos) / PM_UNIT;
    to = pool_at(pool, *copy * PM_UNIT);
    pm_store(cleaner->context, to + sizeof(header), look->view.header + 1, unpadded - sizeof(header));
    pm_store(cleaner->context, to, &header, sizeof(header));
    header.checksum = record_checksum(pool, *copy * PM_UNIT, (const struct pmd_record *)to, unpadded,
                                      record_value_sum(pool, look->view.value, header.value_len));
    pm_store(cleaner->context, to, &header, sizeof(header));
    cleaner->out_pos += bytes;
    pool->segments[cleaner->out_segment].record_count++;
    return PM_OK;
}

static void forget(struct cleaner *cleaner, const struct look *look)
{
    struct hash_index *index = cleaner->heap->index;
    struct hash_ref ref;

    hash_index_lock(index, look->key.hash);
    if (hash_index_find_loc(index, look->key.hash, look->loc, &ref))
        hash_index_remove(index, look->key.hash, &ref);
    hash_index_unlock(index, look->key.hash);
}

/* A move by the place of the key's entry is an overwrite by the same version. */
static void plan_move(struct cleaner *cleaner, const struct look *look, pm_loc copy)
{
    const struct pmd_record *header = look->view.header;

    cleaner->moves[cleaner->move_count++] = (struct overwrite){
        .loc = copy,
        .units = index_writer_record_bytes(cleaner->heap->pool, copy) / PM_UNIT,
        .db = header->db,
        .has_expiry = look->view.expire_at_ms != 0,
        .replaced_expiry = look->view.expire_at_ms != 0,
        .replaced = look->loc,
        .generation = record_generation(cleaner->heap->pool, look->loc),
        .cts = header->cts,
        .place = record_place(header),
        .replaced_bytes = look->view.bytes,
    };
}

static void plan_op(struct cleaner *cleaner, enum index_op_kind kind, const struct index_key *key, pm_loc old_loc,
                    pm_loc loc)
{
    cleaner->ops[cleaner->op_count++] = (struct index_op){.key = *key, .kind = kind, .old_loc = old_loc, .loc = loc};
}

enum pm_status cleaner_plan(struct cleaner *cleaner, const struct look *look, enum fate fate)
{
    enum pm_status status;
    pm_loc copy;

    switch (fate) {
    case FATE_NOTHING:
        return PM_OK;
    case FATE_FORGET:
        forget(cleaner, look);
        return PM_OK;
    case FATE_MOVE:
        status = copy_out(cleaner, look, &copy);
        if (status == PM_FULL &&
            atomic_load_explicit(&cleaner->heap->eviction, memory_order_relaxed) == HEAP_EVICTION_CACHE) {
            /* nowhere to move it: a cache drops it rather than stand still */
            atomic_fetch_add_explicit(&cleaner->stats.evicted, 1, memory_order_relaxed);
            break;
        }
        if (status)
            return status;
        if (record_place(look->view.header) != 0)
            plan_move(cleaner, look, copy);
        else
            plan_op(cleaner, INDEX_SWITCH_IF, &look->key, look->loc, copy);
        atomic_fetch_add_explicit(&cleaner->stats.copied_bytes, look->view.bytes, memory_order_relaxed);
        return PM_OK;
    case FATE_DROP:
        break;
    }
    plan_op(cleaner, INDEX_REMOVE_IF, &look->key, look->loc, 0);
    return PM_OK;
}

/* Slots follow the index, or go: afterwards none names the old place. */
static void switch_slot(struct cleaner *cleaner, const struct index_op *op)
{
    struct heap *heap = cleaner->heap;
    struct hash_ref ref;

    hash_index_lock(heap->index, op->key.hash);
    if (hash_index_find_loc(heap->index, op->key.hash, op->old_loc, &ref)) {
        const struct pmd_record *record = record_at(heap->pool, op->old_loc);
        uint32_t frequency = hash_slot_frequency(ref.word);

        if (op->kind == INDEX_SWITCH_IF && op->done) {
            hash_index_set(heap->index, &ref, op->loc, cleaner->evicting && frequency ? frequency - 1 : frequency,
                           ref.word & HASH_SLOT_MARK);
        } else {
            pthread_mutex_lock(&heap->count_lock); /* a FLUSH that counts must not count this one again */
            if (heap_visible(heap, record))
                heap_counts_add(&heap->background_counts, record->db, -1, -!!(record->flags & PMD_HAS_EXPIRY));
            pthread_mutex_unlock(&heap->count_lock);
            hash_index_remove(heap->index, op->key.hash, &ref);
        }
    }
    hash_index_unlock(heap->index, op->key.hash);
}

static void account(struct cleaner *cleaner, const struct index_op *op)
{
    struct pool *pool = cleaner->heap->pool;

    if (!op->done)
        return;
    live_drop(pool, op->old_loc, index_writer_record_bytes(pool, op->old_loc));
    if (op->kind == INDEX_SWITCH_IF)
        live_add(pool, op->loc, index_writer_record_bytes(pool, op->loc));
}

bool cleaner_give_up(struct cleaner *cleaner, enum pm_status status)
{
    if (status != PM_FULL)
        log_error("cleaner", "segment %u cannot be emptied: %s", cleaner->victim, pm_status_text(status));
    cleaner->active = false;
    cleaner->stuck = true;
    return false;
}

/* The moves by place, carried out; one whose place was old becomes an operation on its key. */
static enum pm_status carry_out_moves(struct cleaner *cleaner)
{
    struct heap *heap = cleaner->heap;
    struct overwrite *moves = cleaner->moves;
    enum pm_status status =
        skiplist_overwrite(heap->skiplist, cleaner->context, &moves, cleaner->moves_scratch, cleaner->move_count);

    for (uint32_t i = 0; i < cleaner->move_count && status == PM_OK; i++) {
        const struct overwrite *move = &moves[i];
        const struct pmd_record *record = record_at(heap->pool, move->loc); /* no two of one key */
        struct index_op op = {.kind = INDEX_SWITCH_IF, .old_loc = move->replaced, .loc = move->loc, .done = true};

        heap_key(heap, &op.key, record->db, record_key(record), record->key_len);
        if (move->place != 0) {
            live_drop(heap->pool, move->replaced, move->replaced_bytes);
            live_add(heap->pool, move->loc, move->units * PM_UNIT);
            switch_slot(cleaner, &op);
        } else {
            plan_op(cleaner, INDEX_SWITCH_IF, &op.key, move->replaced, move->loc);
        }
    }
    cleaner->move_count = 0;
    return status;
}

static enum pm_status carry_out_ops(struct cleaner *cleaner)
{
    struct heap *heap = cleaner->heap;
    size_t applied = 0;
    enum pm_status status;

    index_ops_sort(cleaner->ops, cleaner->op_count);
    status = skiplist_apply(heap->skiplist, cleaner->context, cleaner->ops, cleaner->op_count,
                            index_writer_w(heap->index_writer), &applied);
    for (size_t i = 0; i < applied; i++) {
        account(cleaner, &cleaner->ops[i]);
        switch_slot(cleaner, &cleaner->ops[i]);
    }
    return status;
}

bool cleaner_carry_out(struct cleaner *cleaner)
{
    enum pm_status status;

    out_flush(cleaner);
    status = pm_drain(cleaner->context, PM_SITE_SURVIVOR_DRAIN);
    if (status == PM_OK && cleaner->move_count)
        status = carry_out_moves(cleaner);
    if (status == PM_OK && cleaner->op_count)
        status = carry_out_ops(cleaner);
    return status ? cleaner_give_up(cleaner, status) : true;
}
