/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of a cut: its operations, twice (sorted from one array into the other), copies of their keys, since the
 * records that they come from lie far apart, and its overwrites, which need neither.
 *
 * IDEA: pages of their own, kept from cut to cut, and given back to the system when no cut has needed them for a while:
 * a server at rest keeps nothing of the burst before.
 *
 * THREADS: the index writer's.
 */
#ifndef HEARTH_PERSIST_CUT_BUFFERS_H
#define HEARTH_PERSIST_CUT_BUFFERS_H

#include "persist/skiplist.h"

enum {
    CUT_BUFFERS_IDLE_US = 2000000,
    CUT_KEY_CHUNKS_MAX = 16,
};

struct cut_buffers {
    struct index_op *ops;    /* the cut's */
    struct index_op *sorted; /* as large; the two take turns */
    size_t op_count, op_capacity;
    struct overwrite *overwrites, *overwrites_sorted;
    size_t overwrite_count, overwrite_capacity;
    uint8_t *key_chunks[CUT_KEY_CHUNKS_MAX];
    uint32_t key_chunk_count, key_chunk; /* allocated, the one in use */
    uint32_t key_used;                   /* bytes of it */
    uint64_t wanted_us;                  /* when a cut last filled a good part of them */
};

/* False: no memory. */
bool cut_buffers_init(struct cut_buffers *buffers);
void cut_buffers_drop(struct cut_buffers *buffers);

/* An empty cut. */
void cut_buffers_begin(struct cut_buffers *buffers);
/* Room for one more operation, which is counted but not filled in; NULL: no memory. */
struct index_op *cut_buffers_add(struct cut_buffers *buffers);
/* The same for an overwrite. */
struct overwrite *cut_buffers_add_overwrite(struct cut_buffers *buffers);
/* A copy of the key for as long as the cut lasts, or the record's own, where that is long or there is no room. */
const uint8_t *cut_buffers_keep_key(struct cut_buffers *buffers, const uint8_t *key, uint32_t len);

/* The cut is full: was the memory worth keeping? now_us: monotonic. */
void cut_buffers_note(struct cut_buffers *buffers, uint64_t now_us);
/* Between cuts: gives memory back that no cut has needed for CUT_BUFFERS_IDLE_US. */
void cut_buffers_rest(struct cut_buffers *buffers, uint64_t now_us);

#endif
