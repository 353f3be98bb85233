/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The writer's directory of leaves.
 *
 * INVARIANTS  D1 no chunk is empty. D2 chunk.first is the low fence of its slot 0. D3 all fences of slots 1.. begin with
 * chunk.prefix, and slices[i] are the eight bytes behind it. D4 slot 0's slice is never read.
 */
#include "persist/skiplist_directory.h"

#include <stdlib.h>

#include "base/assert.h"

enum { CHUNK_LEAVES = 256, CHUNK_FEW = 64, APPEND_LEAVES = 192 };

struct text {
    uint8_t *bytes;
    uint32_t len;
};
struct chunk {
    uint32_t count;
    struct text first, prefix;
    uint64_t slices[CHUNK_LEAVES];
    uint32_t leaves[CHUNK_LEAVES];
};
struct directory {
    const struct pool *pool;
    struct chunk **chunks;
    uint32_t count, capacity;
    uint64_t leaves;
    struct fence fence;
    bool failed; /* a fence could not be read in the middle of a search */
};

static bool text_set(struct text *text, const uint8_t *bytes, uint32_t len)
{
    uint8_t *copy = malloc(len + 1);

    if (copy == NULL)
        return false;
    memcpy(copy, bytes, len);
    free(text->bytes);
    *text = (struct text){copy, len};
    return true;
}

static void chunk_free(struct chunk *chunk)
{
    free(chunk->first.bytes);
    free(chunk->prefix.bytes);
    free(chunk);
}

struct directory *directory_new(const struct pool *pool)
{
    struct directory *directory = calloc(1, sizeof *directory);

    if (directory != NULL)
        directory->pool = pool;
    return directory;
}

void directory_free(struct directory *directory)
{
    if (directory == NULL)
        return;
    for (uint32_t i = 0; i < directory->count; i++)
        chunk_free(directory->chunks[i]);
    free(directory->chunks);
    fence_free(&directory->fence);
    free(directory);
}

uint64_t directory_leaves(const struct directory *directory)
{
    return directory->leaves;
}

/* The low fence of a leaf on media; NULL if it cannot be read. */
static const struct fence *fence_of(struct directory *directory, uint32_t number)
{
    const struct pmd_leaf *leaf = (const struct pmd_leaf *)pool_at(directory->pool, (pm_off)number * PM_LEAF_BYTES);

    if (!leaf_is_sound(leaf) || fence_read(directory->pool, leaf, &directory->fence) != PM_OK) {
        directory->failed = true;
        return NULL;
    }
    return &directory->fence;
}

/* ---- finding ---- */

static bool key_is_below(const struct index_key *key, const struct text *text)
{
    return index_key_compare_bytes(key, text->bytes, text->len) < 0;
}

/* The last chunk whose first fence is at or below the key, from a chunk for which that holds. */
static uint32_t find_chunk(const struct directory *directory, const struct index_key *key, uint32_t from)
{
    uint32_t low = from, high, step = 1;

    while (low + step < directory->count && !key_is_below(key, &directory->chunks[low + step]->first)) {
        low += step;
        step *= 2;
    }
    high = low + step < directory->count ? low + step : directory->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (key_is_below(key, &directory->chunks[middle]->first))
            high = middle;
        else
            low = middle;
    }
    return low;
}

/* The first slot from `from` on whose slice is not below `slice` (or, with `above`, is above it). */
static uint32_t find_slice(const struct chunk *chunk, uint64_t slice, bool above, uint32_t from)
{
    uint32_t low = from, high, step = 1;

    slice += above && slice != UINT64_MAX;
    while (low + step <= chunk->count && chunk->slices[low + step - 1] < slice) {
        low += step;
        step *= 2;
    }
    high = low + step - 1 < chunk->count ? low + step - 1 : chunk->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (chunk->slices[middle] < slice)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Among slots [low, high), whose slices are the key's: the last one at or below the key, else low - 1. */
static uint32_t find_by_fence(struct directory *directory, const struct chunk *chunk, const struct index_key *key,
                              uint32_t low, uint32_t high)
{
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct fence *fence = fence_of(directory, chunk->leaves[middle]);

        if (fence == NULL || index_key_compare_bytes(key, fence->bytes, fence->len) < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low - 1;
}

static uint32_t find_slot(struct directory *directory, const struct chunk *chunk, const struct index_key *key,
                          uint32_t hint)
{
    uint32_t shared = index_key_shared_bytes(key, chunk->prefix.bytes, chunk->prefix.len), low, high;
    uint64_t slice;

    if (chunk->count == 1)
        return 0;
    if (shared < chunk->prefix.len)
        return index_key_compare_bytes(key, chunk->prefix.bytes, chunk->prefix.len) < 0 ? 0 : chunk->count - 1;
    slice = index_key_slice(key, chunk->prefix.len);
    if (hint == 0 || hint >= chunk->count || chunk->slices[hint] >= slice)
        hint = 1;
    low = find_slice(chunk, slice, false, hint);
    if (low == chunk->count || chunk->slices[low] > slice)
        return low - 1;
    high = slice == UINT64_MAX ? chunk->count : find_slice(chunk, slice, true, low);
    return find_by_fence(directory, chunk, key, low, high);
}

/* A key at or behind the place, and not behind its chunk, as the next key of a sorted batch is: slices alone tell, and
 * false where they do not. */
static bool find_near(const struct directory *directory, const struct index_key *key, struct directory_place *place)
{
    const struct chunk *chunk;
    uint32_t slot = place->slot;
    uint64_t slice;

    if (place->chunk >= directory->count)
        return false;
    chunk = directory->chunks[place->chunk];
    if (slot == 0 || slot >= chunk->count ||
        index_key_shared_bytes(key, chunk->prefix.bytes, chunk->prefix.len) < chunk->prefix.len)
        return false;
    slice = index_key_slice(key, chunk->prefix.len);
    if (slice <= chunk->slices[slot] ||
        (slice >= chunk->slices[chunk->count - 1] && place->chunk + 1 < directory->count))
        return false;
    slot = find_slice(chunk, slice, false, slot + 1);
    if (slot < chunk->count && chunk->slices[slot] == slice)
        return false;
    place->slot = slot - 1;
    return true;
}

uint64_t directory_find(struct directory *directory, const struct index_key *key, struct directory_place *place)
{
    uint32_t from, chunk;

    if (HEARTH_LIKELY(find_near(directory, key, place)))
        return directory->chunks[place->chunk]->leaves[place->slot];
    from = place->chunk < directory->count ? place->chunk : 0;
    if (from != 0 && key_is_below(key, &directory->chunks[from]->first))
        from = 0;
    chunk = find_chunk(directory, key, from);
    place->slot = find_slot(directory, directory->chunks[chunk], key, chunk == place->chunk ? place->slot : 0);
    place->chunk = chunk;
    if (HEARTH_UNLIKELY(directory->failed)) {
        directory->failed = false;
        return 0;
    }
    return directory->chunks[chunk]->leaves[place->slot];
}

uint64_t directory_back(const struct directory *directory, struct directory_place *place)
{
    if (place->slot == 0 && place->chunk == 0)
        return 0;
    if (place->slot == 0)
        place->slot = directory->chunks[--place->chunk]->count;
    place->slot--;
    return directory->chunks[place->chunk]->leaves[place->slot];
}

void directory_each(const struct directory *directory, bool (*each)(uint64_t number, void *argument), void *argument)
{
    for (uint32_t i = 0; i < directory->count; i++)
        for (uint32_t slot = 0; slot < directory->chunks[i]->count; slot++)
            if (!each(directory->chunks[i]->leaves[slot], argument))
                return;
}

/* ---- changing ---- */

static bool insert_chunk(struct directory *directory, uint32_t at, struct chunk *chunk)
{
    if (directory->count == directory->capacity) {
        uint32_t capacity = directory->capacity != 0 ? directory->capacity * 2 : 64;
        struct chunk **chunks = realloc(directory->chunks, capacity * sizeof(struct chunk *));

        if (chunks == NULL)
            return false;
        directory->chunks = chunks;
        directory->capacity = capacity;
    }
    memmove(directory->chunks + at + 1, directory->chunks + at, (directory->count - at) * sizeof(struct chunk *));
    directory->chunks[at] = chunk;
    directory->count++;
    return true;
}

/* A chunk of one leaf. */
static bool new_chunk(struct directory *directory, uint32_t at, uint32_t number, const uint8_t *low, uint32_t low_len)
{
    struct chunk *chunk = calloc(1, sizeof *chunk);

    if (chunk == NULL)
        return false;
    chunk->count = 1;
    chunk->leaves[0] = number;
    if (text_set(&chunk->first, low, low_len) && insert_chunk(directory, at, chunk))
        return true;
    chunk_free(chunk);
    return false;
}

/* Shortens the prefix; the slices get the bytes it loses. */
static void shorten_prefix(struct chunk *chunk, uint32_t len)
{
    uint32_t gap = chunk->prefix.len - len;
    uint64_t front = bytes_slice(chunk->prefix.bytes + len, gap);

    for (uint32_t i = 1; i < chunk->count; i++)
        chunk->slices[i] = gap >= 8 ? front : front | chunk->slices[i] >> 8 * gap;
    chunk->prefix.len = len;
}

/* Lets the prefix be one that the new fence shares too. */
static bool fit_prefix(struct chunk *chunk, const uint8_t *low, uint32_t low_len)
{
    uint32_t limit = low_len < chunk->prefix.len ? low_len : chunk->prefix.len, shared;

    if (chunk->count == 1)
        return text_set(&chunk->prefix, low, low_len);
    shared = bytes_shared(chunk->prefix.bytes, low, limit);
    if (shared < chunk->prefix.len)
        shorten_prefix(chunk, shared);
    return true;
}

static bool insert_slot(struct chunk *chunk, uint32_t slot, uint32_t number, const uint8_t *low, uint32_t low_len)
{
    uint32_t behind = chunk->count - slot, skip;

    if (!fit_prefix(chunk, low, low_len))
        return false;
    skip = chunk->prefix.len;
    memmove(chunk->slices + slot + 1, chunk->slices + slot, behind * sizeof *chunk->slices);
    memmove(chunk->leaves + slot + 1, chunk->leaves + slot, behind * sizeof *chunk->leaves);
    chunk->slices[slot] = bytes_slice(low + skip, low_len - skip);
    chunk->leaves[slot] = number;
    chunk->count++;
    return true;
}

/* After a chunk was cut in two: the fences of a part may share more than before. */
static bool lengthen_prefix(struct directory *directory, struct chunk *chunk)
{
    const struct fence *fence;
    struct text first = {NULL, 0};
    bool done = true;
    uint32_t len;

    if (chunk->count < 2)
        return true;
    fence = fence_of(directory, chunk->leaves[1]);
    if (fence == NULL || !text_set(&first, fence->bytes, fence->len))
        return false;
    fence = fence_of(directory, chunk->leaves[chunk->count - 1]);
    len = fence == NULL ? 0 : bytes_shared(first.bytes, fence->bytes, first.len < fence->len ? first.len : fence->len);
    if (fence == NULL || len <= chunk->prefix.len || !text_set(&chunk->prefix, first.bytes, len))
        done = fence != NULL && len <= chunk->prefix.len;
    else
        for (uint32_t i = 1; i < chunk->count && done; i++) {
            fence = fence_of(directory, chunk->leaves[i]);
            done = fence != NULL;
            if (done)
                chunk->slices[i] = bytes_slice(fence->bytes + len, fence->len - len);
        }
    free(first.bytes);
    return done;
}

static bool split_chunk(struct directory *directory, uint32_t at)
{
    struct chunk *left = directory->chunks[at], *right;
    const struct fence *fence = fence_of(directory, left->leaves[CHUNK_LEAVES / 2]);

    if (fence == NULL || !new_chunk(directory, at + 1, left->leaves[CHUNK_LEAVES / 2], fence->bytes, fence->len))
        return false;
    right = directory->chunks[at + 1];
    right->count = CHUNK_LEAVES - CHUNK_LEAVES / 2;
    memcpy(right->slices, left->slices + CHUNK_LEAVES / 2, right->count * sizeof *right->slices);
    memcpy(right->leaves, left->leaves + CHUNK_LEAVES / 2, right->count * sizeof *right->leaves);
    left->count = CHUNK_LEAVES / 2;
    return text_set(&right->prefix, left->prefix.bytes, left->prefix.len) && lengthen_prefix(directory, left) &&
           lengthen_prefix(directory, right);
}

enum pm_status directory_append(struct directory *directory, uint64_t number, const uint8_t *low, uint32_t low_len)
{
    struct chunk *last = directory->count != 0 ? directory->chunks[directory->count - 1] : NULL;
    bool done;

    must(number <= UINT32_MAX);
    if (last == NULL || last->count >= APPEND_LEAVES)
        done = new_chunk(directory, directory->count, (uint32_t)number, low, low_len);
    else
        done = insert_slot(last, last->count, (uint32_t)number, low, low_len);
    directory->leaves += done;
    return done ? PM_OK : PM_NO_MEMORY;
}

enum pm_status directory_insert(struct directory *directory, struct directory_place *place, uint64_t number,
                                const uint8_t *low, uint32_t low_len)
{
    must(number <= UINT32_MAX);
    if (directory->chunks[place->chunk]->count == CHUNK_LEAVES) {
        if (!split_chunk(directory, place->chunk))
            return directory->failed ? PM_DAMAGED : PM_NO_MEMORY;
        if (place->slot >= CHUNK_LEAVES / 2) {
            place->chunk++;
            place->slot -= CHUNK_LEAVES / 2;
        }
    }
    place->slot++;
    if (!insert_slot(directory->chunks[place->chunk], place->slot, (uint32_t)number, low, low_len))
        return PM_NO_MEMORY;
    directory->leaves++;
    return PM_OK;
}

static void drop_chunk(struct directory *directory, uint32_t at)
{
    chunk_free(directory->chunks[at]);
    directory->count--;
    memmove(directory->chunks + at, directory->chunks + at + 1, (directory->count - at) * sizeof(struct chunk *));
}

/* A chunk with few leaves moves to the end of the one before it. */
static bool merge_chunk(struct directory *directory, uint32_t at)
{
    struct chunk *from = directory->chunks[at], *to = at != 0 ? directory->chunks[at - 1] : NULL;

    if (to == NULL || from->count > CHUNK_FEW || to->count > CHUNK_LEAVES - 2 * CHUNK_FEW)
        return true;
    for (uint32_t i = 0; i < from->count; i++) {
        const struct fence *fence = fence_of(directory, from->leaves[i]);

        if (fence == NULL || !insert_slot(to, to->count, from->leaves[i], fence->bytes, fence->len))
            return false;
    }
    drop_chunk(directory, at);
    return true;
}

enum pm_status directory_remove(struct directory *directory, struct directory_place *place)
{
    struct chunk *chunk = directory->chunks[place->chunk];
    const struct fence *fence;
    uint32_t behind = chunk->count - place->slot - 1;

    must(place->chunk != 0 || place->slot != 0);
    directory->leaves--;
    if (chunk->count == 1) {
        drop_chunk(directory, place->chunk);
        return PM_OK;
    }
    memmove(chunk->slices + place->slot, chunk->slices + place->slot + 1, behind * sizeof *chunk->slices);
    memmove(chunk->leaves + place->slot, chunk->leaves + place->slot + 1, behind * sizeof *chunk->leaves);
    chunk->count--;
    if (place->slot == 0) {
        fence = fence_of(directory, chunk->leaves[0]);
        if (fence == NULL || !text_set(&chunk->first, fence->bytes, fence->len))
            return fence == NULL ? PM_DAMAGED : PM_NO_MEMORY;
    }
    if (!merge_chunk(directory, place->chunk))
        return directory->failed ? PM_DAMAGED : PM_NO_MEMORY;
    return PM_OK;
}
