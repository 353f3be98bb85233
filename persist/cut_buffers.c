/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Growing, and giving back.
 */
#include "persist/cut_buffers.h"

#include <sys/mman.h>

enum {
    OPS_FEW = 4096, /* what is always kept */
    KEY_CHUNK_BYTES = 1 << 20,
    KEY_KEPT_BYTES_MAX = 64,
};

/* Pages, `old_bytes` of which exist already, or NULL with those unchanged. */
static void *pages_resize(void *old, size_t old_bytes, size_t bytes)
{
    void *pages = old_bytes != 0 ? mremap(old, old_bytes, bytes, MREMAP_MAYMOVE)
                                 : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return pages == MAP_FAILED ? NULL : pages;
}

/* Both arrays of a pair from `old` bytes to as many as wanted, above 0. False: no memory, as before. */
static bool pair_resize(void *pair[2], size_t old, size_t wanted)
{
    void *first = pages_resize(pair[0], old, wanted);
    void *second = first != NULL ? pages_resize(pair[1], old, wanted) : NULL;

    if (first != NULL)
        pair[0] = first;
    if (second == NULL) {
        if (first != NULL && old == 0) {
            munmap(first, wanted);
            pair[0] = NULL;
        } else if (first != NULL && wanted > old)
            munmap((uint8_t *)first + old, wanted - old);
        return false;
    }
    pair[1] = second;
    return true;
}

static bool ops_resize(struct cut_buffers *buffers, size_t capacity)
{
    void *pair[] = {buffers->ops, buffers->sorted};
    bool done = pair_resize(pair, buffers->op_capacity * sizeof(struct index_op), capacity * sizeof(struct index_op));

    buffers->ops = pair[0];
    buffers->sorted = pair[1];
    buffers->op_capacity = done ? capacity : buffers->op_capacity;
    return done;
}

static bool overwrites_resize(struct cut_buffers *buffers, size_t capacity)
{
    void *pair[] = {buffers->overwrites, buffers->overwrites_sorted};
    bool done =
        pair_resize(pair, buffers->overwrite_capacity * sizeof(struct overwrite), capacity * sizeof(struct overwrite));

    buffers->overwrites = pair[0];
    buffers->overwrites_sorted = pair[1];
    buffers->overwrite_capacity = done ? capacity : buffers->overwrite_capacity;
    return done;
}

static void chunks_drop(struct cut_buffers *buffers)
{
    while (buffers->key_chunk_count > 0)
        munmap(buffers->key_chunks[--buffers->key_chunk_count], KEY_CHUNK_BYTES);
    buffers->key_chunk = buffers->key_used = 0;
}

bool cut_buffers_init(struct cut_buffers *buffers)
{
    *buffers = (struct cut_buffers){0};
    return ops_resize(buffers, OPS_FEW) && overwrites_resize(buffers, OPS_FEW);
}

void cut_buffers_drop(struct cut_buffers *buffers)
{
    chunks_drop(buffers);
    if (buffers->op_capacity != 0) {
        munmap(buffers->ops, buffers->op_capacity * sizeof(struct index_op));
        munmap(buffers->sorted, buffers->op_capacity * sizeof(struct index_op));
    }
    if (buffers->overwrite_capacity != 0) {
        munmap(buffers->overwrites, buffers->overwrite_capacity * sizeof(struct overwrite));
        munmap(buffers->overwrites_sorted, buffers->overwrite_capacity * sizeof(struct overwrite));
    }
    *buffers = (struct cut_buffers){0};
}

void cut_buffers_begin(struct cut_buffers *buffers)
{
    buffers->op_count = buffers->overwrite_count = 0;
    buffers->key_chunk = buffers->key_used = 0;
}

struct index_op *cut_buffers_add(struct cut_buffers *buffers)
{
    if (HEARTH_UNLIKELY(buffers->op_count == buffers->op_capacity) && !ops_resize(buffers, 2 * buffers->op_capacity))
        return NULL;
    return &buffers->ops[buffers->op_count++];
}

struct overwrite *cut_buffers_add_overwrite(struct cut_buffers *buffers)
{
    if (HEARTH_UNLIKELY(buffers->overwrite_count == buffers->overwrite_capacity) &&
        !overwrites_resize(buffers, 2 * buffers->overwrite_capacity))
        return NULL;
    return &buffers->overwrites[buffers->overwrite_count++];
}

const uint8_t *cut_buffers_keep_key(struct cut_buffers *buffers, const uint8_t *key, uint32_t len)
{
    uint8_t *copy;

    if (len > KEY_KEPT_BYTES_MAX)
        return key;
    if (buffers->key_chunk < buffers->key_chunk_count && buffers->key_used + len > KEY_CHUNK_BYTES) {
        buffers->key_chunk++;
        buffers->key_used = 0;
    }
    if (buffers->key_chunk == buffers->key_chunk_count) {
        copy = buffers->key_chunk_count < CUT_KEY_CHUNKS_MAX ? pages_resize(NULL, 0, KEY_CHUNK_BYTES) : NULL;
        if (copy == NULL)
            return key;
        buffers->key_chunks[buffers->key_chunk_count++] = copy;
    }
    copy = buffers->key_chunks[buffers->key_chunk] + buffers->key_used;
    memcpy(copy, key, len);
    buffers->key_used += len;
    return copy;
}

void cut_buffers_note(struct cut_buffers *buffers, uint64_t now_us)
{
    if (buffers->op_count > buffers->op_capacity / 8 || buffers->overwrite_count > buffers->overwrite_capacity / 8)
        buffers->wanted_us = now_us;
}

void cut_buffers_rest(struct cut_buffers *buffers, uint64_t now_us)
{
    if (buffers->op_capacity + buffers->overwrite_capacity == 2 * OPS_FEW ||
        now_us - buffers->wanted_us < CUT_BUFFERS_IDLE_US)
        return;
    chunks_drop(buffers);
    (void)(ops_resize(buffers, OPS_FEW) && overwrites_resize(buffers, OPS_FEW)); /* shrinking cannot fail */
}
