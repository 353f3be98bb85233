/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ablation: a persistent skip list with one node an object, behind the interface of the ordered index.
 *
 * IDEA: what fat leaves replace. A node names one record; all its levels lie in NVM. A node is
 * written, linked level by level by 8-byte stores, and flushed with its links; one drain a batch. To survive a crash it
 * would need a second drain or a repair: what is measured is the least that it could cost. Only puts and lookups.
 */
#ifndef HEARTH_BENCH_SKIPLIST_PER_OBJECT_H
#define HEARTH_BENCH_SKIPLIST_PER_OBJECT_H

#include "persist/skiplist.h"

struct per_object;

struct per_object *per_object_open(struct pool *pool, struct pm_context *context);
void per_object_close(struct per_object *list);
/* Applies sorted puts, at most one a key. */
enum pm_status per_object_apply(struct per_object *list, struct pm_context *context, struct index_op *ops,
                                size_t count) HEARTH_MUST_USE;
pm_loc per_object_lookup(const struct per_object *list, const struct index_key *key);
uint64_t per_object_keys(const struct per_object *list);
uint64_t per_object_bytes(const struct per_object *list);

#endif
