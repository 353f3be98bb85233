/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ordered index: opening it, and the writer's batch apply.
 *
 * IDEA: sorted operations are cut into groups, one a leaf, by the directory. Groups wait in a short queue while the lines
 * of their leaves come in from memory: the index is larger than any cache, and each group alone would wait for several
 * misses in a row.
 */
#include <stdlib.h>

#include "persist/skiplist_internal.h"

enum { QUEUE = 16, OPS_AHEAD = 48, KEYS_AHEAD = 32, LINES_AHEAD = 8, OPS_AHEAD_MAX = 4 };

void skiplist_format_head(struct pm_context *context, struct pmd_leaf *leaf, uint64_t leaf_number)
{
    struct pmd_leaf head = {.state = PMD_LEAF_LIVE, .height = PM_LEAF_TOWER};

    head.checksum = leaf_checksum(&head, leaf_number);
    memset(head.tower, 0, sizeof head.tower);
    leaf_write(context, leaf, &head);
}

enum pm_status skiplist_open(struct skiplist **out, struct pool *pool, struct epochs *epochs, uint64_t batch,
                             const uint64_t keys[PM_DATABASES], const uint64_t expires[PM_DATABASES])
{
    struct skiplist *skiplist = calloc(1, sizeof *skiplist);
    enum pm_status status = PM_NO_MEMORY;

    if (skiplist == NULL)
        return PM_NO_MEMORY;
    skiplist->pool = pool;
    skiplist->epochs = epochs;
    skiplist->head = pool_segment_off(pool, PM_SEGMENT_HEAD) / PM_LEAF_BYTES;
    skiplist->random = pool->hash_seed | 1;
    skiplist->split = split_new();
    skiplist->inserts = calloc(GROUP_OPS_MAX, sizeof(struct index_op *));
    if (skiplist->split == NULL || skiplist->inserts == NULL)
        goto failed;
    status = journal_open(&skiplist->journal, pool, batch);
    if (status != PM_OK)
        goto failed;
    atomic_store(&skiplist->durable_w, journal_w(pool, batch));
    for (uint32_t db = 0; db < PM_DATABASES; db++) {
        skiplist->staged_keys[db] = keys[db];
        skiplist->staged_expires[db] = expires[db];
        atomic_store(&skiplist->keys[db], keys[db]);
        atomic_store(&skiplist->expires[db], expires[db]);
    }
    *out = skiplist;
    return PM_OK;
failed:
    skiplist_close(skiplist);
    return status;
}

void skiplist_close(struct skiplist *skiplist)
{
    if (skiplist == NULL)
        return;
    directory_free(skiplist->directory);
    leaf_space_free(skiplist->space);
    journal_close(skiplist->journal);
    split_free(skiplist->split);
    fence_free(&skiplist->fence);
    free(skiplist->inserts);
    free(skiplist->towers);
    free(skiplist->dead);
    free(skiplist);
}

uint64_t skiplist_durable_w(const struct skiplist *skiplist)
{
    return atomic_load_explicit(&skiplist->durable_w, memory_order_acquire);
}

void skiplist_counts(const struct skiplist *skiplist, struct skiplist_counts *out)
{
    for (uint32_t db = 0; db < PM_DATABASES; db++) {
        out->keys[db] = atomic_load_explicit(&skiplist->keys[db], memory_order_relaxed);
        out->expires[db] = atomic_load_explicit(&skiplist->expires[db], memory_order_relaxed);
    }
    out->leaves = atomic_load_explicit(&skiplist->leaves, memory_order_relaxed);
    out->segments = atomic_load_explicit(&skiplist->segments, memory_order_relaxed);
}

/* ---- groups ---- */

/* Groups in order; `next` is the first operation that is in none yet. */
struct queue {
    struct index_op *ops;
    size_t count, next;
    uint64_t next_leaf; /* of operation `next`, 0: not looked for yet */
    struct group groups[QUEUE];
    uint32_t head, length;
};

/* The line to which an operation's entry belongs, and for a key that may be new, that of prefix and fence. */
static void fetch_entry(const struct pmd_leaf *leaf, const struct index_op *op)
{
    HEARTH_PREFETCH(leaf->area + leaf_home(op->key.hash) * PM_LINE);
    if (op->hint.loc == 0)
        HEARTH_PREFETCH(leaf->area + PM_LEAF_AREA - PM_LINE);
}

/* The other lines that will be read. The header has come in by now. */
static void fetch_lines(const struct skiplist *skiplist, const struct index_op *ops, const struct group *group)
{
    const struct pmd_leaf *leaf = media_leaf(skiplist, group->leaf);

    for (size_t i = group->begin; i < group->end && i - group->begin < OPS_AHEAD_MAX; i++) {
        for (uint32_t lines = leaf_probe(leaf, ops[i].key.hash) & ~(1U << leaf_home(ops[i].key.hash)); lines != 0;
             lines &= lines - 1)
            HEARTH_PREFETCH(leaf->area + (uint32_t)__builtin_ctz(lines) * PM_LINE);
        if (ops[i].hint.loc == 0)
            HEARTH_PREFETCH(leaf_prefix(leaf));
    }
}

/* The leaf of operation `at`. The key it reads was fetched some operations ago. */
static uint64_t find_next(struct skiplist *skiplist, const struct queue *queue, size_t at)
{
    if (at + OPS_AHEAD < queue->count)
        HEARTH_PREFETCH(&queue->ops[at + OPS_AHEAD]);
    if (at + KEYS_AHEAD < queue->count)
        HEARTH_PREFETCH(queue->ops[at + KEYS_AHEAD].key.data);
    return directory_find(skiplist->directory, &queue->ops[at].key, &skiplist->place);
}

static bool queue_group(struct skiplist *skiplist, struct queue *queue)
{
    struct group *group = &queue->groups[(queue->head + queue->length) % QUEUE];
    const struct pmd_leaf *leaf;
    size_t at = queue->next;

    *group = (struct group){.begin = at, .leaf = queue->next_leaf};
    if (group->leaf == 0)
        group->leaf = find_next(skiplist, queue, at);
    if (group->leaf == 0)
        return false;
    leaf = media_leaf(skiplist, group->leaf);
    HEARTH_PREFETCH(leaf);
    fetch_entry(leaf, &queue->ops[at]);
    queue->next_leaf = 0;
    for (at++; at < queue->count && at - group->begin < GROUP_OPS_MAX; at++) {
        queue->next_leaf = find_next(skiplist, queue, at);
        if (queue->next_leaf != group->leaf)
            break;
        queue->next_leaf = 0;
        fetch_entry(leaf, &queue->ops[at]);
    }
    group->end = queue->next = at;
    group->cut = at < queue->count && at - group->begin == GROUP_OPS_MAX;
    queue->length++;
    return true;
}

static enum pm_status queue_fill(struct skiplist *skiplist, struct queue *queue)
{
    while (queue->length < QUEUE && queue->next < queue->count)
        if (!queue_group(skiplist, queue))
            return PM_DAMAGED;
    if (queue->length > LINES_AHEAD)
        fetch_lines(skiplist, queue->ops, &queue->groups[(queue->head + LINES_AHEAD) % QUEUE]);
    return PM_OK;
}

/* Stages the leaf that should be joined to its left neighbour, with its own operations if they are the next ones. */
static enum pm_status stage_join(struct skiplist *skiplist, struct pm_context *context, struct queue *queue,
                                 uint64_t leaf)
{
    struct group group = {.leaf = leaf, .join_left = true};
    uint64_t unused;

    if (queue->length != 0 && queue->groups[queue->head].leaf == leaf) {
        queue->groups[queue->head].join_left = true;
        return PM_OK;
    }
    return group_stage(skiplist, context, queue->ops, &group, &unused);
}

static enum pm_status stage_next(struct skiplist *skiplist, struct pm_context *context, struct queue *queue)
{
    const struct group group = queue->groups[queue->head];
    uint64_t join;
    enum pm_status status = group_stage(skiplist, context, queue->ops, &group, &join);

    if (status != PM_OK)
        return status;
    queue->head = (queue->head + 1) % QUEUE;
    queue->length--;
    if (skiplist->directory_status != PM_OK)
        return skiplist->directory_status;
    if (group.cut) { /* its leaf may be several by now, and is in this batch: what is queued for it is void */
        queue->length = 0;
        queue->next = group.end;
        queue->next_leaf = 0;
        return batch_commit(skiplist, context, skiplist_durable_w(skiplist), skiplist->staged_keys,
                            skiplist->staged_expires);
    }
    if (join != 0)
        status = stage_join(skiplist, context, queue, join);
    return status != PM_OK ? status : skiplist->directory_status;
}

enum pm_status batch_need_directory(struct skiplist *skiplist)
{
    if (skiplist->directory_status != PM_OK) {
        directory_free(skiplist->directory);
        skiplist->directory = NULL;
        skiplist->directory_status = PM_OK;
    }
    return skiplist->directory != NULL ? PM_OK : skiplist_build_directory(skiplist);
}

/* What was staged before a group that could not be is committed. */
static enum pm_status give_up(struct skiplist *skiplist, struct pm_context *context, enum pm_status status)
{
    enum pm_status committed;

    if (status == PM_IO)
        return status;
    committed =
        batch_commit(skiplist, context, skiplist_durable_w(skiplist), skiplist->staged_keys, skiplist->staged_expires);
    return committed != PM_OK ? committed : status;
}

static bool is_empty(const struct skiplist *skiplist)
{
    uint64_t keys = 0;

    for (uint32_t db = 0; db < PM_DATABASES; db++)
        keys += skiplist->staged_keys[db];
    return keys == 0;
}

enum pm_status skiplist_apply(struct skiplist *skiplist, struct pm_context *context, struct index_op *ops, size_t count,
                              uint64_t w_after, size_t *applied)
{
    struct queue queue = {.ops = ops, .count = count};
    enum pm_status status = batch_need_directory(skiplist);

    *applied = 0;
    skiplist->place = (struct directory_place){0, 0};
    skiplist->was_empty = is_empty(skiplist);
    while (status == PM_OK) {
        status = queue_fill(skiplist, &queue);
        if (status != PM_OK || queue.length == 0)
            break;
        status = stage_next(skiplist, context, &queue);
    }
    if (status == PM_OK) {
        status = batch_commit(skiplist, context, w_after, skiplist->staged_keys, skiplist->staged_expires);
        *applied = status == PM_OK ? count : 0;
        return status;
    }
    if (skiplist->directory != NULL)
        status = give_up(skiplist, context, status);
    if (status != PM_IO)
        *applied = queue.length != 0 ? queue.groups[queue.head].begin : queue.next;
    return status;
}

bool skiplist_step(struct skiplist *skiplist, struct pm_context *context)
{
    if (skiplist->space == NULL)
        return false;
    leaf_space_committed(skiplist->space);
    if (leaf_space_poll(skiplist->space))
        return true;
    if (!leaf_space_stock(skiplist->space, context) &&
        !leaf_space_shrink(skiplist->space, context, journal_batch(skiplist->journal)))
        return false;
    atomic_store_explicit(&skiplist->segments, leaf_space_segments(skiplist->space), memory_order_relaxed);
    return true;
}
