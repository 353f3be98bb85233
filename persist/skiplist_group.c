/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A group: the operations of a batch that fall into one leaf, applied to its shadow.
 *
 * IDEA: what finds its entry is done at once; new keys are gathered and then either fit into free slots or split the leaf.
 * Counts and results change with each operation, and are put back when the pool turns out to be full.
 */
#include "persist/skiplist_internal.h"

enum {
    JOIN_COUNT_MAX = 18, /* a leaf that lost entries and has no more looks for a neighbour */
    PROBE_MAX = 6,
    SETTLE_PARTS = 3,
    SETTLE_OF = 4, /* one probed longer that is not so full is settled */
};

static bool entry_expires(const struct skiplist *skiplist, pm_loc loc)
{
    return (record_at(skiplist->pool, loc)->flags & PMD_HAS_EXPIRY) != 0;
}

static void name_location(struct shadow *shadow, uint32_t slot, pm_loc loc)
{
    struct pmd_leaf_entry entry = leaf_entry(&shadow->leaf, slot);

    shadow_change(shadow, slot, entry_make(loc, entry_hash(entry), entry_slice(entry)));
}

/* A record that is gone for good may have any bytes by now, but entries are removed before their records are freed. */
static void remove_entry(struct skiplist *skiplist, uint32_t slot, const struct index_op *op)
{
    struct shadow *shadow = skiplist->current;

    skiplist->staged_keys[op->key.db]--;
    skiplist->staged_expires[op->key.db] -= entry_expires(skiplist, entry_loc(leaf_entry(&shadow->leaf, slot)));
    shadow_remove(shadow, UINT64_C(1) << slot);
}

/* The entry that names a location: the hash bits lead to it, no record is read. */
static int find_location(const struct pmd_leaf *leaf, uint64_t hash, pm_loc loc)
{
    for (uint64_t left = leaf_match(leaf, hash); left != 0; left &= left - 1) {
        int slot = __builtin_ctzll(left);

        if (entry_loc(leaf_entry(leaf, (uint32_t)slot)) == loc)
            return slot;
    }
    return -1;
}

/* The entry of the key. What the hint names is a record of this key, so nothing has to be read where it fits. */
static int find_entry(const struct skiplist *skiplist, struct index_op *op)
{
    const struct pmd_leaf *leaf = &skiplist->current->leaf;
    int slot = -1;

    shadow_load_probe(skiplist, skiplist->current, op->key.hash);
    if (op->hint.loc != 0 && record_generation(skiplist->pool, op->hint.loc) != op->hint.generation)
        op->hint.loc = 0;
    if (op->hint.loc != 0)
        slot = find_location(leaf, op->key.hash, op->hint.loc);
    return slot >= 0 ? slot : leaf_find(skiplist, leaf, &op->key);
}

static void stage_conditional(struct skiplist *skiplist, struct index_op *op)
{
    int slot;

    shadow_load_probe(skiplist, skiplist->current, op->key.hash);
    slot = find_location(&skiplist->current->leaf, op->key.hash, op->old_loc);
    op->done = slot >= 0;
    if (slot < 0)
        return;
    if (op->kind == INDEX_SWITCH_IF)
        name_location(skiplist->current, (uint32_t)slot, op->loc);
    else
        remove_entry(skiplist, (uint32_t)slot, op);
}

static bool old_expires(const struct skiplist *skiplist, const struct index_op *op)
{
    return op->old_loc == op->hint.loc ? op->hint.has_expiry : entry_expires(skiplist, op->old_loc);
}

/* True if the operation is a new key. */
static bool stage_unconditional(struct skiplist *skiplist, struct index_op *op)
{
    int slot = find_entry(skiplist, op);

    op->old_loc = slot >= 0 ? entry_loc(leaf_entry(&skiplist->current->leaf, (uint32_t)slot)) : 0;
    op->done = op->kind == INDEX_PUT || slot >= 0;
    if (slot < 0)
        return op->kind == INDEX_PUT;
    if (op->kind == INDEX_FORGET) {
        remove_entry(skiplist, (uint32_t)slot, op);
    } else if (op->old_loc != op->loc) {
        skiplist->staged_expires[op->key.db] += (uint64_t)op->has_expiry - old_expires(skiplist, op);
        name_location(skiplist->current, (uint32_t)slot, op->loc);
        op->place = place_make(skiplist->current->number, (uint32_t)slot);
    }
    return false;
}

static bool stage_op(struct skiplist *skiplist, struct index_op *op)
{
    switch (op->kind) {
    case INDEX_PUT:
    case INDEX_FORGET:
        return stage_unconditional(skiplist, op);
    case INDEX_SWITCH_IF:
    case INDEX_REMOVE_IF:
        stage_conditional(skiplist, op);
    }
    return false;
}

/* The prefix that the leaf must have to hold the new keys too; they are sorted, so the outer two decide. */
static uint32_t common_prefix(const struct skiplist *skiplist, struct shadow *shadow, struct index_op *const *inserts,
                              uint32_t count)
{
    const struct index_key *first = &inserts[0]->key, *last = &inserts[count - 1]->key;
    uint32_t shared, other;

    if (shadow->leaf.used == 0) {
        shared = index_key_shared(first, last);
        shared = shared < PM_LEAF_KEY_BYTES_MAX ? shared : PM_LEAF_KEY_BYTES_MAX;
        shadow_load_all(skiplist, shadow);
        leaf_set_prefix(&shadow->leaf, first, shared);
        shadow->dirty = SHADOW_ALL;
        return shared;
    }
    shadow_load_tail(skiplist, shadow);
    shared = leaf_prefix_shared(&shadow->leaf, first);
    other = leaf_prefix_shared(&shadow->leaf, last);
    return shared < other ? shared : other;
}

static enum pm_status stage_inserts(struct skiplist *skiplist, struct pm_context *context, uint32_t count)
{
    struct shadow *shadow = skiplist->current;
    uint32_t prefix_len = common_prefix(skiplist, shadow, skiplist->inserts, count);
    uint32_t capacity = leaf_capacity_with(prefix_len, leaf_low_bytes(&shadow->leaf));

    if (prefix_len != shadow->leaf.prefix_len) {
        shadow_load_all(skiplist, shadow);
        leaf_shorten_prefix(&shadow->leaf, prefix_len);
        shadow->dirty = SHADOW_ALL;
    }
    if (leaf_count(&shadow->leaf) + count > capacity)
        return split_insert(skiplist, context, skiplist->inserts, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct index_op *op = skiplist->inserts[i];

        if (__builtin_popcount(leaf_probe(&shadow->leaf, op->key.hash)) > PROBE_MAX &&
            leaf_count(&shadow->leaf) * SETTLE_OF < capacity * SETTLE_PARTS)
            shadow_settle(skiplist, shadow);
        shadow_add(skiplist, shadow, entry_make(op->loc, op->key.hash, index_key_slice(&op->key, prefix_len)));
    }
    return PM_OK;
}

static void count_inserts(struct skiplist *skiplist, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct index_op *op = skiplist->inserts[i];

        skiplist->staged_keys[op->key.db]++;
        skiplist->staged_expires[op->key.db] += op->has_expiry;
    }
}

static void reset_results(struct index_op *ops, const struct group *group)
{
    for (size_t i = group->begin; i < group->end; i++) {
        ops[i].done = false;
        if (ops[i].kind == INDEX_PUT || ops[i].kind == INDEX_FORGET)
            ops[i].old_loc = 0;
    }
}

/* The previous leaf is no neighbour of this one: it will not change any more. */
static void part_from_previous(struct skiplist *skiplist, uint64_t number)
{
    if (skiplist->previous != NULL && skiplist->previous->leaf.next != number)
        batch_move_on(skiplist);
}

enum pm_status group_stage(struct skiplist *skiplist, struct pm_context *context, struct index_op *ops,
                           const struct group *group, uint64_t *next_joins)
{
    uint64_t keys[PM_DATABASES], expires[PM_DATABASES];
    uint32_t inserts = 0, before;
    enum pm_status status = batch_make_room(skiplist, context);

    *next_joins = 0;
    if (status != PM_OK)
        return status;
    part_from_previous(skiplist, group->leaf);
    status = batch_load(skiplist, group->leaf);
    if (status != PM_OK)
        return status;
    memcpy(keys, skiplist->staged_keys, sizeof keys);
    memcpy(expires, skiplist->staged_expires, sizeof expires);
    before = leaf_count(&skiplist->current->leaf);
    for (size_t i = group->begin; i < group->end; i++)
        if (stage_op(skiplist, &ops[i]))
            skiplist->inserts[inserts++] = &ops[i];
    count_inserts(skiplist, inserts);
    if (inserts != 0)
        status = stage_inserts(skiplist, context, inserts);
    else if (group->join_left ||
             (leaf_count(&skiplist->current->leaf) < before && leaf_count(&skiplist->current->leaf) <= JOIN_COUNT_MAX))
        status = merge_left(skiplist, context, keys, expires);
    if (status != PM_OK) {
        skiplist->current = NULL;
        memcpy(skiplist->staged_keys, keys, sizeof keys);
        memcpy(skiplist->staged_expires, expires, sizeof expires);
        reset_results(ops, group);
        return status;
    }
    if (skiplist->current != NULL) {
        if (leaf_count(&skiplist->current->leaf) < before && leaf_count(&skiplist->current->leaf) <= JOIN_COUNT_MAX)
            *next_joins = skiplist->current->leaf.next;
        batch_move_on(skiplist);
    }
    return PM_OK;
}
