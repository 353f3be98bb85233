/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Readers of the ordered index: lock-free lookup by towers.
 *
 * IDEA: a reader never trusts more than the copy of one leaf that it took under a sequence word. A LIVE leaf whose low
 * fence is at or below the key is a right place to go on from, however the reader got there: fences never change, and
 * what a leaf loses on its right is found behind `next`. Whoever meets a leaf that died begins again.
 *
 * Until the writer's directory is built (which verifies all leaves and repairs all towers), a hint may name a block that is
 * a leaf in looks only: then the checksum of every leaf that a hint leads to is verified.
 */
#include "persist/skiplist_internal.h"

enum { RESTARTS_MAX = 1 << 14 };

/* All of a leaf, or what a search needs: its first line, and its fence, which lies at its end. */
static void copy_words(struct skiplist *skiplist, uint64_t number, struct pmd_leaf *copy, bool whole)
{
    const uint8_t *media = (const uint8_t *)media_leaf(skiplist, number);
    uint32_t tail;

    if (whole) {
        media_copy(copy, media, PM_LEAF_BYTES);
        return;
    }
    HEARTH_PREFETCH(media + PM_LEAF_BYTES - PM_LINE);
    media_copy(copy, media, PM_LINE);
    tail = leaf_low_bytes(copy) <= PM_LEAF_KEY_BYTES_MAX ? (leaf_low_bytes(copy) + 7) & ~7U : 0;
    media_copy((uint8_t *)copy + PM_LEAF_BYTES - tail, media + PM_LEAF_BYTES - tail, tail);
}

static uint32_t copy_leaf(struct skiplist *skiplist, uint64_t number, struct pmd_leaf *copy, bool whole)
{
    const _Atomic uint32_t *word = sequence_of(skiplist, number);

    for (;;) {
        uint32_t sequence = atomic_load_explicit(word, memory_order_acquire);

        if (sequence % 2 != 0) {
            __builtin_ia32_pause();
            continue;
        }
        copy_words(skiplist, number, copy, whole);
        if (atomic_load_explicit(word, memory_order_relaxed) == sequence)
            return sequence;
    }
}

uint32_t leaf_copy(struct skiplist *skiplist, uint64_t number, struct pmd_leaf *copy)
{
    return copy_leaf(skiplist, number, copy, true);
}
uint32_t leaf_copy_head(struct skiplist *skiplist, uint64_t number, struct pmd_leaf *copy)
{
    return copy_leaf(skiplist, number, copy, false);
}

static int compare_spilled(const struct skiplist *skiplist, const struct pmd_leaf *copy, const struct index_key *key)
{
    uint64_t number = copy->low_spill;
    uint32_t full = leaf_low_len(copy), at = 0, key_bytes = index_key_bytes(key);

    while (at < full && at < key_bytes) {
        struct pmd_leaf block;
        uint32_t piece = full - at < PM_LEAF_AREA ? full - at : PM_LEAF_AREA, both;
        int order;

        if (!leaf_number_is_valid(skiplist, number))
            return -1;
        media_copy(&block, media_leaf(skiplist, number), sizeof block);
        if (block.state != PMD_LEAF_SPILL)
            return -1;
        both = key_bytes - at < piece ? key_bytes - at : piece;
        if (at == 0)
            order = key->db != block.area[0] ? (key->db < block.area[0] ? -1 : 1)
                                             : memcmp(key->data, block.area + 1, both - 1);
        else
            order = memcmp(key->data + at - 1, block.area, both);
        if (order != 0)
            return order;
        at += piece;
        number = block.next;
    }
    return key_bytes < full ? -1 : key_bytes > full;
}

int leaf_compare_low(const struct skiplist *skiplist, const struct pmd_leaf *copy, const struct index_key *key)
{
    if (copy->low_len == LEAF_LOW_SPILLED)
        return compare_spilled(skiplist, copy, key);
    return index_key_compare_bytes(key, leaf_low(copy), copy->low_len);
}

/* ---- towers ---- */

uint64_t tower_read(const struct skiplist *skiplist, uint64_t number, uint32_t level)
{
    const media_word *words = (const media_word *)media_leaf(skiplist, number)->tower;
    uint64_t pair = __atomic_load_n(&words[(level - 1) / 2], __ATOMIC_ACQUIRE);

    return (level - 1) % 2 == 0 ? pair & UINT32_MAX : pair >> 32;
}

/* Copies a leaf's header and fence; false if its checksum does not hold. Once the directory is built all have been
 * verified; before, those that searches pass most often are remembered (no leaf dies before the writer has built it). */
static bool copy_verified_head(struct skiplist *skiplist, uint64_t number, struct pmd_leaf *copy)
{
    _Atomic uint32_t *verified = &skiplist->verified[number % VERIFIED];

    if (HEARTH_LIKELY(atomic_load_explicit(&skiplist->built, memory_order_acquire)) ||
        atomic_load_explicit(verified, memory_order_relaxed) == number) {
        leaf_copy_head(skiplist, number, copy);
        return true;
    }
    leaf_copy(skiplist, number, copy);
    if (leaf_checksum(copy, number) != copy->checksum)
        return false;
    atomic_store_explicit(verified, (uint32_t)number, memory_order_relaxed);
    return true;
}

/* Is this hint a right place to go on to? */
static bool hint_holds(struct skiplist *skiplist, uint64_t number, uint32_t level, const struct index_key *key,
                       bool below)
{
    struct pmd_leaf copy;
    int order;

    if (number == 0 || !leaf_number_is_valid(skiplist, number))
        return false;
    if (!copy_verified_head(skiplist, number, &copy))
        return false;
    if (copy.state != PMD_LEAF_LIVE || !leaf_is_sound(&copy) || copy.height < level)
        return false;
    order = leaf_compare_low(skiplist, &copy, key);
    return below ? order > 0 : order >= 0;
}

uint64_t tower_search(struct skiplist *skiplist, const struct index_key *key, bool below,
                      uint64_t before[PM_LEAF_TOWER])
{
    uint64_t at = skiplist->head;

    for (uint32_t level = PM_LEAF_TOWER; level >= 1; level--) {
        for (;;) {
            uint64_t next = tower_read(skiplist, at, level);

            if (next == at || !hint_holds(skiplist, next, level, key, below))
                break;
            at = next;
        }
        if (before != NULL)
            before[level - 1] = at;
    }
    return at;
}

/* ---- lookup ---- */

enum pm_status reader_damage(uint64_t number, const char *what)
{
    log_error("skiplist", "the ordered index is damaged: %s leaf=%llu", what, (unsigned long long)number);
    return PM_DAMAGED;
}

enum pm_status reader_copy(struct skiplist *skiplist, uint64_t number, bool verify, struct pmd_leaf *copy,
                           uint32_t *sequence, bool *dead)
{
    if (!leaf_number_is_valid(skiplist, number))
        return reader_damage(number, "a link leads outside of its segments");
    *sequence = leaf_copy(skiplist, number, copy);
    *dead = copy->state == PMD_LEAF_DEAD || copy->state == PMD_LEAF_FREE;
    if (*dead)
        return PM_OK;
    if (copy->state != PMD_LEAF_LIVE)
        return reader_damage(number, "a link leads to no leaf");
    if (verify && leaf_checksum(copy, number) != copy->checksum)
        return reader_damage(number, "a checksum does not hold");
    return leaf_is_sound(copy) ? PM_OK : reader_damage(number, "a header cannot be");
}

/* Does the key lie at or behind the low fence of the next leaf? */
static enum pm_status key_is_behind(struct skiplist *skiplist, const struct pmd_leaf *leaf, const struct index_key *key,
                                    bool verify, bool *behind, bool *dead)
{
    struct pmd_leaf next;

    *behind = *dead = false;
    if (leaf->next == 0)
        return PM_OK;
    if (!leaf_number_is_valid(skiplist, leaf->next))
        return reader_damage(leaf->next, "a link leads outside of its segments");
    if (verify)
        leaf_copy(skiplist, leaf->next, &next);
    else
        leaf_copy_head(skiplist, leaf->next, &next);
    *dead = next.state != PMD_LEAF_LIVE;
    if (*dead)
        return PM_OK;
    if (verify && leaf_checksum(&next, leaf->next) != next.checksum)
        return reader_damage(leaf->next, "a checksum does not hold");
    if (!leaf_is_sound(&next))
        return reader_damage(leaf->next, "a header cannot be");
    *behind = leaf_compare_low(skiplist, &next, key) >= 0;
    return PM_OK;
}

/* Goes along level 0 to the leaf that holds the key, by headers. */
static enum pm_status go_along(struct skiplist *skiplist, const struct index_key *key, uint64_t *number, bool *dead)
{
    uint64_t steps = skiplist->pool->pm->bytes / PM_LEAF_BYTES;
    struct pmd_leaf head;
    bool behind = true;

    while (steps-- != 0) {
        enum pm_status status;

        if (!leaf_number_is_valid(skiplist, *number))
            return reader_damage(*number, "a link leads outside of its segments");
        leaf_copy_head(skiplist, *number, &head);
        *dead = head.state != PMD_LEAF_LIVE;
        if (*dead)
            return PM_OK;
        status = key_is_behind(skiplist, &head, key, false, &behind, dead);
        if (status != PM_OK || *dead || !behind)
            return status;
        *number = head.next;
    }
    return reader_damage(*number, "its leaves form a circle");
}

/* The leaf found by headers may have changed since: the copy decides. Headers are trusted only once all leaves have been
 * verified; before, every leaf on the way is. */
enum pm_status reader_find(struct skiplist *skiplist, const struct index_key *key, struct pmd_leaf *copy,
                           uint64_t *number, uint32_t *sequence)
{
    bool verify = !atomic_load_explicit(&skiplist->built, memory_order_acquire);

    for (uint32_t restarts = 0; restarts < RESTARTS_MAX; restarts++) {
        uint64_t steps = skiplist->pool->pm->bytes / PM_LEAF_BYTES;
        bool dead = false, behind = true;
        enum pm_status status = PM_OK;

        *number = tower_search(skiplist, key, false, NULL);
        while (status == PM_OK && !dead && behind && steps-- != 0) {
            if (!verify)
                status = go_along(skiplist, key, number, &dead);
            if (status == PM_OK && !dead)
                status = reader_copy(skiplist, *number, verify, copy, sequence, &dead);
            if (status == PM_OK && !dead)
                status = key_is_behind(skiplist, copy, key, verify, &behind, &dead);
            if (status == PM_OK && !dead && behind)
                *number = copy->next;
        }
        if (status != PM_OK)
            return status;
        if (!dead)
            return behind ? reader_damage(*number, "its leaves form a circle") : PM_OK;
    }
    return reader_damage(*number, "a leaf that is dead is linked");
}

int leaf_find(const struct skiplist *skiplist, const struct pmd_leaf *leaf, const struct index_key *key)
{
    for (uint64_t left = leaf_match(leaf, key->hash); left != 0; left &= left - 1) {
        int slot = __builtin_ctzll(left);
        struct index_key other =
            index_key_of_record(record_at(skiplist->pool, entry_loc(leaf_entry(leaf, (uint32_t)slot))));

        if (index_key_equal(&other, key))
            return slot;
    }
    return -1;
}

enum pm_status skiplist_lookup(struct skiplist *skiplist, const struct index_key *key, pm_loc *loc)
{
    struct pmd_leaf copy;
    uint64_t number;
    uint32_t sequence;
    enum pm_status status = reader_find(skiplist, key, &copy, &number, &sequence);
    int slot;

    *loc = 0;
    if (status != PM_OK)
        return status;
    slot = leaf_find(skiplist, &copy, key);
    if (slot >= 0)
        *loc = entry_loc(leaf_entry(&copy, (uint32_t)slot));
    return PM_OK;
}

enum pm_status skiplist_writer_lookup(struct skiplist *skiplist, const struct index_key *key, pm_loc *loc)
{
    struct directory_place place = {0, 0};
    const struct pmd_leaf *leaf;
    uint64_t number;
    int slot;

    if (skiplist->directory == NULL)
        return skiplist_lookup(skiplist, key, loc);
    *loc = 0;
    number = directory_find(skiplist->directory, key, &place);
    if (number == 0)
        return PM_DAMAGED;
    leaf = media_leaf(skiplist, number);
    slot = leaf_find(skiplist, leaf, key);
    if (slot >= 0)
        *loc = entry_loc(leaf_entry(leaf, (uint32_t)slot));
    return PM_OK;
}
