/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An ordered index over a pool, the records it names, and a model of what it must hold.
 *
 * IDEA     A universe of keys of awkward shapes, sorted; the model remembers for each which record the index must name.
 *          Tests draw operations over the universe, apply them to both, and compare.
 * THREADS  One, but for what a test does with the parts.
 */
#ifndef HEARTH_TESTS_SUPPORT_INDEX_FIXTURE_H
#define HEARTH_TESTS_SUPPORT_INDEX_FIXTURE_H

#include "persist/journal.h"
#include "persist/pm_sim.h"
#include "persist/skiplist.h"

struct fixture {
    struct pm *pm;
    struct pool *pool;
    struct epochs epochs;
    struct pm_context context; /* the index's: its counters are the budgets */
    struct pm_context record_context;
    struct skiplist *skiplist;
    uint32_t record_segment, record_end; /* where records are written */
    uint64_t random;
};

uint64_t fixture_random(struct fixture *fixture);
/* A new pool over the simulated backing. */
void fixture_open_sim(struct fixture *fixture, uint64_t segments, uint32_t segment_bits, enum pm_sim_mode mode);
/* A new pool in a mapped file that has no name any more, on tmpfs if there is one, with the default segments. For threads:
 * the simulated backing is for one. */
void fixture_open_mapped(struct fixture *fixture, uint64_t bytes);
/* Opens pool and index over what `pm` holds: journal, then index. False: it could not, and why was printed. */
bool fixture_recover(struct fixture *fixture, struct pm *pm);
void fixture_close(struct fixture *fixture);

/* Writes a record, durable. 0: the pool is full. */
pm_loc fixture_record(struct fixture *fixture, const struct index_key *key, bool expires);

struct model_key {
    struct index_key key;
    pm_loc loc; /* what the index must name, 0: nothing */
    bool expires;
};
struct model {
    struct model_key *keys; /* sorted */
    size_t count;
    uint8_t *arena;
    size_t arena_bytes, arena_end;
};

enum model_shape { MODEL_PLAIN, MODEL_FAMILIES, MODEL_ZEROS, MODEL_LONG };
/* A universe of about `count` keys, with hashes of this pool. */
void model_init(struct model *model, struct fixture *fixture, size_t count, enum model_shape shape);
void model_free(struct model *model);
/*
 * Draws up to `count` sorted operations over the keys [from, to) of the universe: `puts` in 256 are PUT, the rest FORGET and
 * the conditional kinds. Applies them to the model; returns how many.
 */
size_t model_draw(struct model *model, struct fixture *fixture, struct index_op *ops, size_t count, size_t from,
                  size_t to, uint32_t puts);
/* Applies and asserts that all went well and each result is what the model says. */
void model_apply(struct model *model, struct fixture *fixture, struct index_op *ops, size_t count, uint64_t w);
/* Does the index hold just what the model says? Prints the first difference. Uses lookups, the walk and the counts. */
bool model_matches(const struct model *model, struct fixture *fixture);
/* Forgets all keys of these databases. */
void model_drop(struct model *model, uint32_t databases);

#endif
