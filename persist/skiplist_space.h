/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocks of 1 KB for leaves and spill blocks, out of the pool's index segments.
 *
 * IDEA: nothing about free blocks lies on media: a block is in use when a walk of the leaves reaches it, so a crash leaks
 * nothing. In DRAM a bitmap a segment. A dead leaf's blocks wait in limbo until no reader can stand on them.
 *
 * DURABILITY: a block may be stored to again once the batch that unlinked it is complete. That batch, if it is the highest
 * complete one, may be applied again and then stores the dead leaf's first word; that hurts nobody, because a leaf in the
 * making is LIVE only through an image of the batch that links it. A log's records could be hurt, so a segment goes
 * back to the pool only behind the superblock's journal_applied.
 *
 * THREADS: the index writer's.
 */
#ifndef HEARTH_PERSIST_SKIPLIST_SPACE_H
#define HEARTH_PERSIST_SKIPLIST_SPACE_H

#include "base/epoch.h"
#include "persist/pool.h"

struct leaf_space;

/* Takes note of all index segments, every block free but the head leaf; leaf_space_use() says which are not. */
struct leaf_space *leaf_space_new(struct pool *pool, struct epochs *epochs);
void leaf_space_free(struct leaf_space *space);
/* False when the block lies in no index segment or was in use before: damage. */
bool leaf_space_use(struct leaf_space *space, uint64_t number) HEARTH_MUST_USE;
/* Is there a block of this number, and in use (in limbo too)? Of any number. */
bool leaf_space_is_used(const struct leaf_space *space, uint64_t number);
/* Makes sure that `count` blocks can be taken, with new segments if need be (durable, drains). PM_FULL. */
enum pm_status leaf_space_reserve(struct leaf_space *space, struct pm_context *context, uint64_t count) HEARTH_MUST_USE;
/* Takes a segment ahead of need, so that batches need no drains for it. True if it took one. */
bool leaf_space_stock(struct leaf_space *space, struct pm_context *context);
/* A block; there must be one. */
uint64_t leaf_space_take(struct leaf_space *space);
/* Gives back a block that no committed batch has linked. */
void leaf_space_give(struct leaf_space *space, uint64_t number);
/* A block unlinked by the batch in the making; then, once that batch is complete and between batches: its grace period
 * begins. */
void leaf_space_bury(struct leaf_space *space, uint64_t number);
void leaf_space_committed(struct leaf_space *space);
/* Frees what has had its grace. True if something was freed. */
bool leaf_space_poll(struct leaf_space *space);
/* Gives one wholly free segment back to the pool, unless few blocks are free. `batch`: the last complete and applied one.
 * True if a segment went. */
bool leaf_space_shrink(struct leaf_space *space, struct pm_context *context, uint64_t batch);
uint64_t leaf_space_segments(const struct leaf_space *space);
uint64_t leaf_space_free_count(const struct leaf_space *space);
/* Blocks waiting for their grace. */
uint64_t leaf_space_limbo(const struct leaf_space *space);

#endif
