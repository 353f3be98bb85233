/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checks every invariant of the ordered index, records included: for tests, and for whoever suspects damage.
 *
 * INVARIANTS
 *   L1 a linked leaf is LIVE, sound, and its checksum holds; fences ascend; the head's is empty.
 *   L2 every key of a leaf lies at or above its fence and below the next one's, and begins with the leaf's prefix.
 *   L3 an entry's slice and hash bits are those of its record's key, and lead to it; no key has two entries.
 *   L4 the counts of keys are those of the entries, the counts of expiring ones those of the records' flags.
 *   L5 hints lead to LIVE leaves of sufficient height, in order (once the directory is built).
 *   L6 the directory names all leaves in order (once it is built).
 */
#include <stdlib.h>

#include "persist/skiplist_internal.h"

struct check {
    struct skiplist *skiplist;
    struct fence low, high;
    uint64_t keys[PM_DATABASES], expires[PM_DATABASES];
    uint64_t leaves, limit;
    uint64_t *order; /* numbers of all leaves */
    size_t order_count, order_capacity;
};

static enum pm_status wrong(uint64_t number, const char *what)
{
    log_error("skiplist", "invariant broken: %s leaf=%llu", what, (unsigned long long)number);
    return PM_DAMAGED;
}

static enum pm_status check_entry(struct check *check, const struct pmd_leaf *leaf, uint64_t number, uint32_t slot)
{
    struct pmd_leaf_entry entry = leaf_entry(leaf, slot);
    const struct pmd_record *record = record_at(check->skiplist->pool, entry_loc(entry));
    struct index_key key = index_key_of_record(record);

    key.hash = key_hash(check->skiplist->pool->hash_seed, key.db, key.data, key.len);
    if (key.db >= PM_DATABASES)
        return wrong(number, "an entry names no record");
    if (index_key_compare_bytes(&key, check->low.bytes, check->low.len) < 0)
        return wrong(number, "L2: a key lies below the fence");
    if (leaf->next != 0 && index_key_compare_bytes(&key, check->high.bytes, check->high.len) >= 0)
        return wrong(number, "L2: a key lies behind the next fence");
    if (leaf_prefix_shared(leaf, &key) != leaf->prefix_len)
        return wrong(number, "L2: a key lacks the prefix");
    if (entry_slice(entry) != (index_key_slice(&key, leaf->prefix_len) & LEAF_SLICE_MASK))
        return wrong(number, "L3: a slice is not the key's");
    if (leaf_entry_db(leaf, entry) != key.db)
        return wrong(number, "L3: a database is not the key's");
    if (leaf_find(check->skiplist, leaf, &key) != (int)slot)
        return wrong(number, "L3: hash bits are not the key's, it lies where they do not lead, or has two entries");
    check->keys[key.db]++;
    check->expires[key.db] += (record->flags & PMD_HAS_EXPIRY) != 0;
    return PM_OK;
}

static bool remember(struct check *check, uint64_t number)
{
    if (check->order_count == check->order_capacity) {
        size_t capacity = check->order_capacity != 0 ? 2 * check->order_capacity : 1024;
        uint64_t *order = realloc(check->order, capacity * sizeof *order);

        if (order == NULL)
            return false;
        check->order = order;
        check->order_capacity = capacity;
    }
    check->order[check->order_count++] = number;
    return true;
}

static enum pm_status check_next(struct check *check, const struct pmd_leaf *leaf, uint64_t number)
{
    struct pmd_leaf next;
    enum pm_status status;
    struct index_key low;

    if (leaf->next == 0)
        return PM_OK;
    if (!leaf_number_is_valid(check->skiplist, leaf->next) || check->order_count > check->limit)
        return wrong(number, "L1: its link leads nowhere or in a circle");
    leaf_copy(check->skiplist, leaf->next, &next);
    if (!leaf_is_sound(&next))
        return wrong(leaf->next, "L1: a header cannot be");
    status = fence_read(check->skiplist->pool, &next, &check->high);
    if (status != PM_OK || check->high.len == 0)
        return wrong(leaf->next, "L1: a fence cannot be read");
    low = index_key_of_bytes(check->high.bytes, check->high.len);
    return index_key_compare_bytes(&low, check->low.bytes, check->low.len) > 0
               ? PM_OK
               : wrong(number, "L1: fences do not ascend");
}

static enum pm_status check_leaf(struct check *check, uint64_t number, uint64_t *next)
{
    struct pmd_leaf copy;
    enum pm_status status;

    leaf_copy(check->skiplist, number, &copy);
    if (copy.state != PMD_LEAF_LIVE || !leaf_is_sound(&copy) || leaf_checksum(&copy, number) != copy.checksum)
        return wrong(number, "L1: not LIVE, not sound, or its checksum does not hold");
    if (!remember(check, number))
        return PM_NO_MEMORY;
    status = fence_read(check->skiplist->pool, &copy, &check->low);
    if (status == PM_OK)
        status = check_next(check, &copy, number);
    for (uint64_t left = copy.used; left != 0 && status == PM_OK; left &= left - 1)
        status = check_entry(check, &copy, number, (uint32_t)__builtin_ctzll(left));
    *next = copy.next;
    return status;
}

static enum pm_status check_counts(const struct check *check)
{
    for (uint32_t db = 0; db < PM_DATABASES; db++) {
        if (check->keys[db] != atomic_load(&check->skiplist->keys[db]))
            return wrong(db, "L4: keys of database (named as leaf)");
        if (check->expires[db] != atomic_load(&check->skiplist->expires[db]))
            return wrong(db, "L4: expiring keys of database (named as leaf)");
    }
    return PM_OK;
}

/* Each level of the towers must be the leaves of that height, in the order of level 0. */
static enum pm_status check_towers(const struct check *check)
{
    const struct skiplist *skiplist = check->skiplist;

    for (uint32_t level = 1; level <= PM_LEAF_TOWER; level++) {
        uint64_t expected = tower_read(skiplist, skiplist->head, level);

        for (size_t i = 1; i < check->order_count; i++) {
            if (media_leaf(skiplist, check->order[i])->height < level)
                continue;
            if (expected != check->order[i])
                return wrong(check->order[i], "L5: a tower misses it");
            expected = tower_read(skiplist, expected, level);
        }
        if (expected != 0)
            return wrong(expected, "L5: a tower leads behind the end");
    }
    return PM_OK;
}

struct directory_check {
    const struct check *check;
    size_t at;
    bool wrong;
};
static bool check_directory_leaf(uint64_t number, void *argument)
{
    struct directory_check *state = argument;

    state->wrong = state->at >= state->check->order_count || state->check->order[state->at] != number;
    state->at++;
    return !state->wrong;
}
static enum pm_status check_directory(const struct check *check)
{
    struct directory_check state = {.check = check};

    directory_each(check->skiplist->directory, check_directory_leaf, &state);
    return !state.wrong && state.at == check->order_count ? PM_OK : wrong(state.at, "L6: the directory is wrong");
}

enum pm_status skiplist_check(struct skiplist *skiplist)
{
    struct check check = {.skiplist = skiplist, .limit = skiplist->pool->pm->bytes / PM_LEAF_BYTES};
    uint64_t number = skiplist->head;
    enum pm_status status = PM_OK;

    while (number != 0 && status == PM_OK)
        status = check_leaf(&check, number, &number);
    if (status == PM_OK)
        status = check_counts(&check);
    if (status == PM_OK && skiplist->directory != NULL)
        status = check_towers(&check);
    if (status == PM_OK && skiplist->directory != NULL)
        status = check_directory(&check);
    fence_free(&check.low);
    fence_free(&check.high);
    free(check.order);
    return status;
}
