/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulated persistence domain.
 *
 * IDEA     Everything is counted in granules: lines or pages. A store changes the working image at once and is noted
 *          with its bytes in the list of its granule; a flush remembers, for its context, how far each granule's list
 *          had come; that context's drain applies the lists up to there to the durable image. So a granule is
 *          outstanding while its list is not empty, and its bytes after a crash are the durable ones plus any prefix
 *          of the list, the last store cut at an 8-byte word if need be. Only outstanding granules cost anything, and
 *          the images are private anonymous memory in small pages: a forked child has its own, page by page.
 * CHECKS   A store outside allocated space fails at once: on a real file it would be a SIGBUS on a full disk.
 */
#include "persist/pm_sim_private.h"

#include <stdlib.h>
#include <sys/mman.h>

/* Memory for one more; a test that runs out of it has no way to go on. */
static void *grow(void *array, size_t count, size_t *room, size_t item_bytes)
{
    if (count < *room)
        return array;
    *room = *room == 0 ? 256 : 2 * *room;
    array = realloc(array, *room * item_bytes);
    must(array != NULL);
    return array;
}

/* ---- granules ---- */

static struct sim_granule *granule_dirty(struct pm_sim *sim, uint64_t number)
{
    struct sim_granule *granule;

    if (sim->place[number] != CLEAN)
        return &sim->outstanding[sim->place[number]];
    sim->outstanding = grow(sim->outstanding, sim->outstanding_count, &sim->outstanding_room, sizeof *sim->outstanding);
    sim->place[number] = (uint32_t)sim->outstanding_count;
    granule = &sim->outstanding[sim->outstanding_count++];
    *granule = (struct sim_granule){.number = number};
    return granule;
}

static void granule_clean(struct pm_sim *sim, uint64_t number)
{
    uint32_t place = sim->place[number];

    sim->outstanding[place] = sim->outstanding[--sim->outstanding_count];
    sim->place[sim->outstanding[place].number] = place;
    sim->place[number] = CLEAN;
    if (sim->outstanding_count == 0)
        sim_arena_reset(&sim->stores); /* so that the arena stays small and warm */
}

void sim_apply_first(struct pm_sim *sim, struct sim_granule *granule)
{
    struct sim_store *store = granule->first;

    memcpy(sim_durable_at(sim, granule->number) + store->from, store->data, store->bytes);
    granule->first = store->next;
    granule->count--;
    sim_arena_give(&sim->stores, store, sizeof *store + store->bytes);
}

/* Makes a granule durable as it was at `sequence`. */
static void commit(struct pm_sim *sim, uint64_t number, uint64_t sequence)
{
    struct sim_granule *granule;

    if (sim->place[number] == CLEAN)
        return;
    granule = &sim->outstanding[sim->place[number]];
    while (granule->first != NULL && granule->first->sequence <= sequence)
        sim_apply_first(sim, granule);
    if (granule->first == NULL)
        granule_clean(sim, number);
}

/* ---- the operations ---- */

static void note_store(struct pm_sim *sim, uint64_t off, const uint8_t *data, size_t bytes)
{
    struct sim_granule *granule = granule_dirty(sim, off / sim->granule_bytes);
    struct sim_store *store = sim_arena_take(&sim->stores, sizeof *store + bytes);

    store->next = NULL;
    store->sequence = ++sim->sequence;
    store->from = (uint16_t)(off % sim->granule_bytes);
    store->bytes = (uint16_t)bytes;
    memcpy(store->data, data, bytes);
    if (granule->first == NULL)
        granule->first = store;
    else
        granule->last->next = store;
    granule->last = store;
    granule->count++;
}

static void sim_store(struct pm *pm, void *to, const void *from, size_t bytes)
{
    struct pm_sim *sim = sim_of(pm);
    uint64_t off = pm_off_of(pm, to), end = off + bytes;

    must(off <= end);
    must(end <= pm->bytes);
    memmove(to, from, bytes);
    while (off < end) {
        uint64_t stop = (off / sim->granule_bytes + 1) * sim->granule_bytes;

        if (stop > end)
            stop = end;
        must(sim->allocated[off >> SPACE_UNIT_BITS]);
        note_store(sim, off, pm->base + off, stop - off);
        off = stop;
    }
}

static void sim_store_word(struct pm *pm, uint64_t *to, uint64_t value)
{
    must(pm_off_of(pm, to) % sizeof value == 0);
    sim_store(pm, to, &value, sizeof value);
}

bool pm_sim_at_drain(struct pm *pm)
{
#define ROW_IS_DRAIN(name, kind, needed, why) [PM_SITE_##name] = #kind[0] == 'd',
    static const bool is_drain[] = {PM_SITES(ROW_IS_DRAIN)};
#undef ROW_IS_DRAIN

    return is_drain[sim_of(pm)->reached];
}

/* A crash point: counted, and shown to the test before anything takes effect. True: the site is switched off. */
static bool reach(struct pm_sim *sim, enum pm_site site)
{
    sim->site_counts[site]++;
    sim->point++;
    sim->reached = site;
    if (sim->hook != NULL)
        sim->hook(&sim->pm, sim->point, sim->hook_context);
    return sim->skip == site;
}

/*
 * The context's first pending range carries the number of its batch: what this context has flushed since its last
 * drain. (A context that is made anew begins a new batch: it cannot make durable what its predecessor flushed.)
 */
static void sim_flush(struct pm_context *context, enum pm_site site, const void *from, size_t bytes)
{
    struct pm_sim *sim = sim_of(context->pm);
    uint64_t off = pm_off_of(context->pm, from);

    must(off + bytes <= sim->pm.bytes);
    if (reach(sim, site))
        return;
    if (context->pending_count == 0) {
        context->pending_count = 1;
        context->pending[0].from = ++sim->batch;
    }
    for (uint64_t i = off / sim->granule_bytes; i <= (off + bytes - 1) / sim->granule_bytes; i++) {
        if (sim->place[i] == CLEAN)
            continue;
        sim->flushes = grow(sim->flushes, sim->flush_count, &sim->flush_room, sizeof *sim->flushes);
        sim->flushes[sim->flush_count++] =
            (struct sim_flush){.batch = context->pending[0].from, .number = i, .sequence = sim->sequence};
    }
}

static enum pm_status sim_drain(struct pm_context *context, enum pm_site site)
{
    struct pm_sim *sim = sim_of(context->pm);
    size_t kept = 0;

    if (reach(sim, site))
        return PM_OK;
    if (++sim->drains == sim->fail_at) {
        atomic_store(&sim->pm.failed, true);
        return PM_IO;
    }
    if (context->pending_count == 0)
        return PM_OK;
    for (size_t i = 0; i < sim->flush_count; i++) {
        struct sim_flush *flush = &sim->flushes[i];

        if (flush->batch == context->pending[0].from)
            commit(sim, flush->number, flush->sequence);
        else
            sim->flushes[kept++] = *flush;
    }
    sim->flush_count = kept;
    context->pending_count = 0;
    return PM_OK;
}

static enum pm_status sim_allocate(struct pm *pm, pm_off off, size_t bytes)
{
    struct pm_sim *sim = sim_of(pm);
    uint64_t first = off >> SPACE_UNIT_BITS, last = (off + bytes - 1) >> SPACE_UNIT_BITS, wanted = 0;

    for (uint64_t i = first; i <= last; i++)
        wanted += !sim->allocated[i];
    if (wanted > sim->units_left)
        return PM_FULL;
    sim->units_left -= wanted;
    memset(sim->allocated + first, 1, last - first + 1);
    return PM_OK;
}

static void sim_close(struct pm *pm)
{
    if (!sim_of(pm)->kept)
        pm_sim_free(pm);
}

static const struct pm_ops sim_ops = {
    .store = sim_store,
    .store_word = sim_store_word,
    .flush = sim_flush,
    .drain = sim_drain,
    .allocate = sim_allocate,
    .close = sim_close,
};

/* ---- life ---- */

static void *map_image(size_t bytes)
{
    void *image = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (image == MAP_FAILED)
        return NULL;
    /* A huge page would be copied whole in each forked child. */
    (void)madvise(image, bytes, MADV_NOHUGEPAGE);
    return image;
}

enum pm_status pm_sim_open(struct pm **out, size_t bytes, enum pm_sim_mode mode)
{
    struct pm_sim *sim = calloc(1, sizeof *sim);
    size_t units = (bytes >> SPACE_UNIT_BITS) + 1, granules;

    must(bytes % PM_PAGE == 0);
    if (sim == NULL)
        return PM_NO_MEMORY;
    sim->granule_bytes = mode == PM_SIM_LINES ? PM_LINE : PM_PAGE;
    granules = bytes / sim->granule_bytes;
    sim->pm = (struct pm){.ops = &sim_ops, .bytes = bytes, .backing = PM_BACKING_SIM, .fd = -1};
    sim->pm.streams = mode == PM_SIM_LINES;
    sim->skip = PM_SITE_COUNT;
    sim->units_left = UINT64_MAX;
    sim->boot = 1;
    sim->pm.base = map_image(bytes);
    sim->durable = map_image(bytes);
    sim->place = map_image(granules * sizeof *sim->place);
    sim->allocated = calloc(units, 1);
    if (sim->pm.base == NULL || sim->durable == NULL || sim->place == NULL || sim->allocated == NULL) {
        pm_sim_free(&sim->pm);
        return PM_NO_MEMORY;
    }
    memset(sim->place, 0xff, granules * sizeof *sim->place);
    *out = &sim->pm;
    return PM_OK;
}

void sim_forget_outstanding(struct pm_sim *sim)
{
    for (size_t i = 0; i < sim->outstanding_count; i++)
        sim->place[sim->outstanding[i].number] = CLEAN;
    sim->outstanding_count = 0;
    sim->flush_count = 0;
    sim_arena_reset(&sim->stores);
}

static void unmap_image(void *image, size_t bytes)
{
    if (image != NULL)
        munmap(image, bytes);
}

void pm_sim_free(struct pm *pm)
{
    struct pm_sim *sim = sim_of(pm);

    unmap_image(pm->base, pm->bytes);
    unmap_image(sim->durable, pm->bytes);
    unmap_image(sim->place, pm->bytes / sim->granule_bytes * sizeof *sim->place);
    sim_arena_free(&sim->stores);
    free(sim->outstanding);
    free(sim->flushes);
    free(sim->allocated);
    free(sim);
}

void pm_sim_keep(struct pm *pm)
{
    sim_of(pm)->kept = true;
}

/* ---- switches and counts ---- */

void pm_sim_set_hook(struct pm *pm, void (*hook)(struct pm *pm, uint64_t point, void *context), void *context)
{
    sim_of(pm)->hook = hook;
    sim_of(pm)->hook_context = context;
}

void pm_sim_skip_site(struct pm *pm, enum pm_site site)
{
    sim_of(pm)->skip = site;
}

void pm_sim_fail_drain(struct pm *pm, uint64_t after)
{
    sim_of(pm)->fail_at = after == 0 ? 0 : sim_of(pm)->drains + after;
}

void pm_sim_set_disk(struct pm *pm, uint64_t bytes)
{
    sim_of(pm)->units_left = bytes >> SPACE_UNIT_BITS;
}

const uint64_t *pm_sim_site_counts(struct pm *pm)
{
    return sim_of(pm)->site_counts;
}

uint64_t pm_sim_boot(struct pm *pm)
{
    return sim_of(pm)->boot;
}

void pm_sim_set_boot(struct pm *pm, uint64_t boot)
{
    sim_of(pm)->boot = boot;
}

size_t pm_sim_outstanding(struct pm *pm)
{
    return sim_of(pm)->outstanding_count;
}
