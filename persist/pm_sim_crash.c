/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a crash leaves of the simulated domain.
 *
 * IDEA     Each outstanding granule gets none, all or a prefix of its stores, as the asked-for image says; then the
 *          working image is made equal to the durable one, granule by outstanding granule.
 */
#include "persist/pm_sim_private.h"

/* splitmix64 (Steele, Lea, Flood 2014): every seed is a good one. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Part of a store that reaches the medium: whole 8-byte words, from the first on. */
static void apply_torn(struct pm_sim *sim, struct sim_granule *granule, uint64_t random)
{
    struct sim_store *store = granule->first;
    uint32_t first_word = store->from / 8, last_word = (store->from + store->bytes - 1u) / 8;
    uint32_t words = (uint32_t)(random % (last_word - first_word + 1)); /* never all: that is the next prefix */
    uint32_t end = (first_word + words) * 8;

    if (end > store->from)
        memcpy(sim_durable_at(sim, granule->number) + store->from, store->data, end - store->from);
}

/* Chooses by chance: mostly nothing, mostly everything or prefixes, as `flavour` says. */
static void apply_random(struct pm_sim *sim, struct sim_granule *granule, uint64_t flavour, uint64_t *random)
{
    uint64_t dice = next_random(random) % 16;
    uint32_t keep;

    if (dice < flavour % 8)
        keep = 0;
    else if (dice < 8)
        keep = granule->count;
    else
        keep = (uint32_t)(next_random(random) % (granule->count + 1u));
    while (keep-- > 0)
        sim_apply_first(sim, granule);
    if (granule->first != NULL && dice >= 12)
        apply_torn(sim, granule, next_random(random));
}

static void apply_all(struct pm_sim *sim, struct sim_granule *granule)
{
    while (granule->first != NULL)
        sim_apply_first(sim, granule);
}

static void apply_chosen(struct pm_sim *sim, enum pm_sim_image image, size_t which, uint64_t *random)
{
    uint64_t flavour = next_random(random);

    for (size_t i = 0; i < sim->outstanding_count; i++) {
        struct sim_granule *granule = &sim->outstanding[i];

        switch (image) {
        case PM_SIM_NONE:
            break;
        case PM_SIM_ALL:
            apply_all(sim, granule);
            break;
        case PM_SIM_ONLY:
            if (i == which)
                apply_all(sim, granule);
            break;
        case PM_SIM_ALL_BUT:
            if (i != which)
                apply_all(sim, granule);
            break;
        case PM_SIM_RANDOM:
            apply_random(sim, granule, flavour, random);
            break;
        }
    }
}

void pm_sim_crash(struct pm *pm, enum pm_sim_image image, size_t which, uint64_t seed)
{
    struct pm_sim *sim = sim_of(pm);
    uint64_t random = seed;

    apply_chosen(sim, image, which, &random);
    for (size_t i = 0; i < sim->outstanding_count; i++) {
        uint64_t number = sim->outstanding[i].number;

        memcpy(sim_working_at(sim, number), sim_durable_at(sim, number), sim->granule_bytes);
    }
    sim_forget_outstanding(sim);
    atomic_store(&pm->failed, false);
    sim->boot++;
}

void pm_sim_kill(struct pm *pm)
{
    struct pm_sim *sim = sim_of(pm);

    sim->flush_count = 0; /* what was flushed but not drained is promised to nobody */
    atomic_store(&pm->failed, false);
}

size_t pm_sim_unexplained(struct pm *pm)
{
    struct pm_sim *sim = sim_of(pm);
    uint8_t expected[PM_PAGE];
    size_t found = 0;

    for (uint64_t number = 0; number < pm->bytes / sim->granule_bytes; number++) {
        memcpy(expected, sim_durable_at(sim, number), sim->granule_bytes);
        if (sim->place[number] != CLEAN) {
            for (struct sim_store *store = sim->outstanding[sim->place[number]].first; store != NULL;
                 store = store->next)
                memcpy(expected + store->from, store->data, store->bytes);
        }
        found += memcmp(expected, sim_working_at(sim, number), sim->granule_bytes) != 0;
    }
    return found;
}
