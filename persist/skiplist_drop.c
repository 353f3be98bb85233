/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dropping databases: all entries of some databases go, leaf by leaf, without reading records.
 *
 * IDEA: a database is the range of keys that begin with its byte. Leaves wholly in it are unlinked, the two at its borders
 * lose some entries; an entry's database is the first byte of its leaf's prefix, or of its slice.
 *
 * DURABILITY: a large database takes several batches, each leaving a sound index that holds less of it. Only the last one
 * carries the new W, so a restart in between replays the CONTROL record and drops the rest. The count of keys is exact
 * in each; that of expiring ones is put to zero by the last.
 */
#include "persist/skiplist_internal.h"

struct drop {
    struct skiplist *skiplist;
    struct pm_context *context;
    uint8_t db;
};

/* Bitmap of the entries of the database. */
static uint64_t entries_of(const struct pmd_leaf *leaf, uint8_t db)
{
    uint64_t found = 0;

    for (uint64_t left = leaf->used; left != 0; left &= left - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(left);

        if (leaf_entry_db(leaf, leaf_entry(leaf, slot)) == db)
            found |= UINT64_C(1) << slot;
    }
    return found;
}

/* Does the leaf begin behind the database? */
static bool leaf_is_behind(const struct pmd_leaf *leaf, uint8_t db, const struct skiplist *skiplist)
{
    if (leaf->low_len == LEAF_LOW_SPILLED)
        return media_leaf(skiplist, leaf->low_spill)->area[0] > db;
    return leaf->low_len != 0 && leaf_low(leaf)[0] > db;
}

/* Unlinks the current leaf, all of whose entries go, from the previous one. Its place is the one behind `place`. */
static enum pm_status unlink_current(struct drop *drop)
{
    struct skiplist *skiplist = drop->skiplist;
    struct shadow *current = skiplist->current;
    struct directory_place place = {0, 0};
    struct index_key key;
    enum pm_status status = fence_read(skiplist->pool, &current->leaf, &skiplist->fence);

    if (status != PM_OK)
        return status;
    key = index_key_of_bytes(skiplist->fence.bytes, skiplist->fence.len);
    place = skiplist->place;
    if (directory_find(skiplist->directory, &key, &place) != current->number)
        return PM_DAMAGED;
    skiplist->place = place;
    shadow_set_next(skiplist->previous, current->leaf.next);
    batch_bury(skiplist, &current->leaf, current->number);
    skiplist->current = NULL;
    skiplist->directory_status = directory_remove(skiplist->directory, &place);
    return skiplist->directory_status;
}

/* Commits when the journal fills up and goes on with the same previous leaf. */
static enum pm_status make_room(struct drop *drop)
{
    struct skiplist *skiplist = drop->skiplist;
    uint64_t previous = skiplist->previous != NULL ? skiplist->previous->number : 0;
    enum pm_status status;

    if (batch_has_room(skiplist))
        return PM_OK;
    status = batch_make_room(skiplist, drop->context);
    if (status != PM_OK || previous == 0)
        return status;
    status = batch_load(skiplist, previous);
    batch_move_on(skiplist);
    return status;
}

/* Takes one leaf's entries of the database away; *next: the leaf behind, 0 when the database ends here. */
static enum pm_status drop_leaf(struct drop *drop, uint64_t number, uint64_t *next)
{
    struct skiplist *skiplist = drop->skiplist;
    uint64_t entries;
    enum pm_status status = make_room(drop);

    if (status == PM_OK)
        status = batch_load(skiplist, number);
    if (status != PM_OK)
        return status;
    shadow_load_all(skiplist, skiplist->current);
    if (leaf_is_behind(&skiplist->current->leaf, drop->db, skiplist)) {
        skiplist->current = NULL;
        *next = 0;
        return PM_OK;
    }
    *next = skiplist->current->leaf.next;
    if (*next != 0)
        HEARTH_PREFETCH(media_leaf(skiplist, *next));
    entries = entries_of(&skiplist->current->leaf, drop->db);
    skiplist->staged_keys[drop->db] -= (uint64_t)__builtin_popcountll(entries);
    if (skiplist->previous != NULL && entries == skiplist->current->leaf.used)
        return unlink_current(drop);
    if (entries != 0) {
        shadow_remove(skiplist->current, entries);
        shadow_settle(skiplist, skiplist->current);
    }
    batch_move_on(skiplist);
    return PM_OK;
}

static enum pm_status drop_one(struct skiplist *skiplist, struct pm_context *context, uint8_t db)
{
    struct drop drop = {skiplist, context, db};
    const struct index_key first = {.db = db, .data = &db, .len = 0};
    uint64_t number;
    enum pm_status status = batch_make_room(skiplist, context);

    if (status != PM_OK || skiplist->staged_keys[db] == 0)
        return status;
    skiplist->place = (struct directory_place){0, 0};
    number = directory_find(skiplist->directory, &first, &skiplist->place);
    if (number == 0)
        return PM_DAMAGED;
    /* Media is behind for leaves of this batch; the database before may have ended in this very leaf. */
    status =
        batch_commit(skiplist, context, skiplist_durable_w(skiplist), skiplist->staged_keys, skiplist->staged_expires);
    while (number != 0 && status == PM_OK)
        status = drop_leaf(&drop, number, &number);
    if (status == PM_OK && skiplist->staged_keys[db] != 0) {
        log_error("skiplist", "the count of keys was wrong db=%u left=%lld", db, (long long)skiplist->staged_keys[db]);
        skiplist->staged_keys[db] = 0;
    }
    skiplist->staged_expires[db] = 0;
    return status;
}

enum pm_status skiplist_drop_databases(struct skiplist *skiplist, struct pm_context *context, uint32_t databases,
                                       uint64_t w_after)
{
    enum pm_status status = batch_need_directory(skiplist);

    for (uint8_t db = 0; db < PM_DATABASES && status == PM_OK; db++)
        if ((databases >> db & 1) != 0)
            status = drop_one(skiplist, context, db);
    if (status == PM_OK)
        return batch_commit(skiplist, context, w_after, skiplist->staged_keys, skiplist->staged_expires);
    if (status != PM_IO &&
        skiplist->directory != NULL) { /* what is staged is sound, and the directory says it is there */
        enum pm_status committed = batch_commit(skiplist, context, skiplist_durable_w(skiplist), skiplist->staged_keys,
                                                skiplist->staged_expires);

        return committed != PM_OK ? committed : status;
    }
    return status;
}
