/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A persistent skip list with one node an object: the ablation of the ordered index.
 *
 * SOURCE: Pugh, Skip lists (1990), with p = 1/4. A batch is sorted, so successive searches share their caches' lines.
 */
#include "bench/skiplist_per_object.h"

#include <stdlib.h>

#include "base/assert.h"
#include "persist/index_key.h"

enum { LEVELS = 16, LEVEL_SHIFT = 2 };

/* next[]: nodes in units of 16 bytes from the pool's base, 0 at the end. */
struct node {
    uint64_t loc_height; /* location in the lower 36 bits, number of levels above */
    uint64_t next[];
};
struct per_object {
    struct pool *pool;
    struct node *head;
    uint8_t *at, *end; /* of the index segment that nodes are taken from */
    uint64_t random, keys, bytes;
};

static struct node *node_at(const struct per_object *list, uint64_t number)
{
    return number != 0 ? (struct node *)pool_at(list->pool, number * PM_UNIT) : NULL;
}
static uint64_t number_of(const struct per_object *list, const struct node *node)
{
    return pm_off_of(list->pool->pm, node) / PM_UNIT;
}
static pm_loc loc_of(const struct node *node)
{
    return node->loc_height & ((UINT64_C(1) << PM_LOC_BITS) - 1);
}
static size_t node_bytes(uint32_t height)
{
    return (8 + 8 * height + PM_UNIT - 1) & ~(size_t)(PM_UNIT - 1);
}

static enum pm_status new_node(struct per_object *list, struct pm_context *context, pm_loc loc, uint32_t height,
                               struct node **out)
{
    size_t bytes = node_bytes(height);
    uint32_t segment;

    if (list->at == NULL || list->at + bytes > list->end) {
        enum pm_status status = pool_take_free(list->pool, context, SPACE_INDEX, PMD_SEGMENT_INDEX, &segment);

        if (status != PM_OK)
            return status;
        list->at = pool_at(list->pool, pool_segment_off(list->pool, segment));
        list->end = list->at + list->pool->segment_bytes;
    }
    *out = (struct node *)list->at;
    list->at += bytes;
    list->bytes += bytes;
    pm_store_word(context, &(*out)->loc_height, loc | (uint64_t)height << PM_LOC_BITS);
    for (uint32_t level = 0; level < height; level++)
        pm_store_word(context, &(*out)->next[level], 0);
    return PM_OK;
}

struct per_object *per_object_open(struct pool *pool, struct pm_context *context)
{
    struct per_object *list = calloc(1, sizeof *list);

    if (list == NULL)
        return NULL;
    list->pool = pool;
    list->random = 88172645463325252u;
    if (new_node(list, context, 0, LEVELS, &list->head) == PM_OK)
        return list;
    free(list);
    return NULL;
}

void per_object_close(struct per_object *list)
{
    free(list);
}

static uint32_t draw_height(struct per_object *list)
{
    uint32_t height = 1;
    uint64_t bits;

    list->random ^= list->random << 13;
    list->random ^= list->random >> 7;
    list->random ^= list->random << 17;
    for (bits = list->random >> 8; height < LEVELS && bits % (1 << LEVEL_SHIFT) == 0; bits >>= LEVEL_SHIFT)
        height++;
    return height;
}

static int compare(const struct per_object *list, const struct node *node, const struct index_key *key)
{
    struct index_key other = index_key_of_record(record_at(list->pool, loc_of(node)));

    return index_key_compare(&other, key);
}

/* before[level]: the last node below the key. Returns the key's node. */
static struct node *search(const struct per_object *list, const struct index_key *key, struct node *before[LEVELS])
{
    struct node *at = list->head, *next = NULL;

    for (uint32_t level = LEVELS; level-- != 0;) {
        while ((next = node_at(list, at->next[level])) != NULL && compare(list, next, key) < 0)
            at = next;
        before[level] = at;
    }
    return next != NULL && compare(list, next, key) == 0 ? next : NULL;
}

static void link_node(struct per_object *list, struct pm_context *context, struct node *node,
                      struct node *before[LEVELS], uint32_t height)
{
    for (uint32_t level = 0; level < height; level++) {
        pm_store_word(context, &node->next[level], before[level]->next[level]);
        pm_store_word(context, &before[level]->next[level], number_of(list, node));
        pm_flush(context, PM_SITE_APPLY_FLUSH, &before[level]->next[level], 8);
    }
    pm_flush(context, PM_SITE_NEW_LEAF_FLUSH, node, node_bytes(height));
}

enum pm_status per_object_apply(struct per_object *list, struct pm_context *context, struct index_op *ops, size_t count)
{
    struct node *before[LEVELS];

    for (size_t i = 0; i < count; i++) {
        struct node *node = search(list, &ops[i].key, before);
        uint32_t height;
        enum pm_status status;

        if (node != NULL) {
            ops[i].old_loc = loc_of(node);
            pm_store_word(context, &node->loc_height, node->loc_height - ops[i].old_loc + ops[i].loc);
            pm_flush(context, PM_SITE_APPLY_FLUSH, &node->loc_height, 8);
            continue;
        }
        height = draw_height(list);
        status = new_node(list, context, ops[i].loc, height, &node);
        if (status != PM_OK)
            return status;
        link_node(list, context, node, before, height);
        list->keys++;
    }
    return pm_drain(context, PM_SITE_APPLY_DRAIN);
}

pm_loc per_object_lookup(const struct per_object *list, const struct index_key *key)
{
    struct node *before[LEVELS];
    const struct node *node = search(list, key, before);

    return node != NULL ? loc_of(node) : 0;
}

uint64_t per_object_keys(const struct per_object *list)
{
    return list->keys;
}
uint64_t per_object_bytes(const struct per_object *list)
{
    return list->bytes;
}
