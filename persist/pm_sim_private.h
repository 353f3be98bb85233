/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulated persistence domain from inside: shared by the running domain (pm_sim.c) and its crashes
 * (pm_sim_crash.c).
 */
#ifndef HEARTH_PERSIST_PM_SIM_PRIVATE_H
#define HEARTH_PERSIST_PM_SIM_PRIVATE_H

#include "base/assert.h"
#include "persist/pm_sim.h"
#include "persist/pm_sim_arena.h"

enum { SPACE_UNIT_BITS = PM_SEGMENT_BITS_MIN, CLEAN = UINT32_MAX };

struct sim_store {
    struct sim_store *next;
    uint64_t sequence;
    uint16_t from; /* within the granule */
    uint16_t bytes;
    uint8_t data[];
};

struct sim_granule {
    uint64_t number;
    struct sim_store *first, *last;
    uint32_t count;
};

/* A granule that a context has flushed: what `batch` names is durable after that context's drain. */
struct sim_flush {
    uint64_t batch, number, sequence;
};

struct pm_sim {
    struct pm pm; /* first: struct pm * is struct pm_sim * */
    uint32_t granule_bytes;
    uint8_t *durable;
    struct sim_arena stores;
    uint32_t *place; /* granule: index in `outstanding`, or CLEAN */
    struct sim_granule *outstanding;
    size_t outstanding_count, outstanding_room;
    struct sim_flush *flushes;
    size_t flush_count, flush_room;
    uint64_t sequence, batch, point, boot;
    enum pm_site reached; /* of the last point */
    uint64_t fail_at;     /* number of the drain that fails, 0: none */
    uint64_t drains;
    uint8_t *allocated; /* a byte a 64 KB unit */
    uint64_t units_left;
    void (*hook)(struct pm *pm, uint64_t point, void *context);
    void *hook_context;
    enum pm_site skip;
    bool kept;
    uint64_t site_counts[PM_SITE_COUNT];
};

static inline struct pm_sim *sim_of(struct pm *pm)
{
    must(pm->backing == PM_BACKING_SIM);
    return (struct pm_sim *)pm;
}

static inline uint8_t *sim_durable_at(struct pm_sim *sim, uint64_t number)
{
    return sim->durable + number * sim->granule_bytes;
}

static inline uint8_t *sim_working_at(struct pm_sim *sim, uint64_t number)
{
    return sim->pm.base + number * sim->granule_bytes;
}

/* Applies the granule's first store to the durable image and takes it off the list. */
void sim_apply_first(struct pm_sim *sim, struct sim_granule *granule);
/* Every granule is clean, and nothing is flushed: the lists are gone, the images stay as they are. */
void sim_forget_outstanding(struct pm_sim *sim);

#endif
