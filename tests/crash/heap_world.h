/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One seeded scenario of mixed operations on a heap, with index batches, cleaning, eviction, flushes and syncs interleaved
 * by a seeded scheduler; and the model of what the heap must hold after each operation.
 */
#ifndef HEARTH_TESTS_CRASH_HEAP_WORLD_H
#define HEARTH_TESTS_CRASH_HEAP_WORLD_H

#include "heap/heap_internal.h"
#include "persist/pm_sim.h"

enum { KEYS = 40, DATABASES = 2, SLOTS = KEYS * DATABASES, OPERATIONS_MAX = 1024, SEGMENT_BITS = 16 };

/* How a scenario runs. */
struct variant {
    const char *name;
    enum pm_sim_mode sim;
    enum heap_durability durability;
    enum heap_eviction eviction;
    uint32_t segments, value_max;
    bool killed;
};

/* What the parent knows; the children read their copy. */
struct world {
    const struct variant *variant;
    uint64_t random, now_us;
    struct heap *heap;
    uint64_t state[OPERATIONS_MAX + 1][SLOTS]; /* item digests after operation j; 0: absent */
    uint64_t epoch[OPERATIONS_MAX + 1];        /* highest epoch when the operation's turn had closed */
    uint32_t issued, closed, synced;           /* operations: begun, turn closed, durable by sync */
    bool maintaining;                          /* the cleaner may be evicting right now */
};

/* A number below `below`, by the world's seed. */
uint64_t world_draw(struct world *world, uint64_t below);
/* The digest of what is under a slot's key now, 0 for nothing. Within a turn. */
uint64_t world_observe(struct heap_worker *worker, uint32_t slot);
/* Goes on until so many operations have been issued, or nothing goes any more. */
void world_play(struct world *world, uint32_t operations);
/* The options of a heap of this variant on `pm`. */
void world_options(const struct variant *variant, struct pm *pm, struct heap_options *options);

#endif
