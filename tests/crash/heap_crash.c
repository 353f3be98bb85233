/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Crash campaign over the whole heap: the scenario of heap_world.h on the simulated backing, of several variants. At each
 * flush and drain the allowed images are recovered in a child.
 *
 * ORACLE   (Witcher's) the recovered keyspace is the model's state after operation j, with j at least the last
 *          acknowledged one and at most the one under way. In cache mode keys may be missing that were evicted, or while
 *          the cleaner is at work; never stale, never back from the dead.
 * MUTANTS  --mutants leaves out in turn each flush and drain of index, journal, cleaner and space that is not advisory:
 *          one that no image catches is a failure. Those of the log and its recovery have theirs in
 *          check_persist_log_crash, those of creation in check_persist_pool.
 *
 *     heap_crash --images N [--seed S] [--variant NAME] [--mutants]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "heap/heap_internal.h"
#include "tests/crash/heap_world.h"
#include "tests/support/crash.h"

static const struct variant variants[] = {
    {"turn/lines/small", PM_SIM_LINES, HEAP_DURABILITY_POWER, HEAP_EVICTION_NONE, 64, 300, false},
    {"turn/lines", PM_SIM_LINES, HEAP_DURABILITY_POWER, HEAP_EVICTION_NONE, 24, 9000, false},
    {"turn/lines/killed", PM_SIM_LINES, HEAP_DURABILITY_POWER, HEAP_EVICTION_NONE, 24, 9000, true},
    {"turn/lines/evicting", PM_SIM_LINES, HEAP_DURABILITY_POWER, HEAP_EVICTION_CACHE, 18, 20000, false},
    {"epoch/lines", PM_SIM_LINES, HEAP_DURABILITY_PROCESS, HEAP_EVICTION_NONE, 24, 9000, false},
    {"epoch/pages/small", PM_SIM_PAGES, HEAP_DURABILITY_PROCESS, HEAP_EVICTION_NONE, 64, 300, false},
    {"epoch/pages", PM_SIM_PAGES, HEAP_DURABILITY_PROCESS, HEAP_EVICTION_NONE, 24, 9000, false},
    {"epoch/pages/killed", PM_SIM_PAGES, HEAP_DURABILITY_PROCESS, HEAP_EVICTION_NONE, 24, 9000, true},
    {"epoch/pages/evicting", PM_SIM_PAGES, HEAP_DURABILITY_PROCESS, HEAP_EVICTION_CACHE, 18, 20000, true},
};
enum { VARIANTS = sizeof(variants) / sizeof(variants[0]) };

/* ---- judging ---- */

static bool explains(const struct world *world, uint32_t j, const uint64_t *found)
{
    bool evicting = world->variant->eviction == HEAP_EVICTION_CACHE;

    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        if (found[slot] == world->state[j][slot])
            continue;
        if (found[slot] == 0 && evicting && world->maintaining)
            continue;
        return false;
    }
    return true;
}

static void observe_all(struct heap *heap, uint64_t *found)
{
    struct heap_worker *worker = heap_worker(heap, 0);
    uint64_t wait_epoch;

    heap_turn_begin(worker, 1000);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        found[slot] = world_observe(worker, slot);
    must(heap_turn_end(worker, &wait_epoch) == PM_OK);
}

static bool complain(const char *what, const struct world *world, uint32_t low)
{
    fprintf(stderr, "%s: %s (operations %u to %u are allowed)\n", world->variant->name, what, low, world->issued);
    return false;
}

static uint32_t mismatches(const struct world *world, uint32_t j, const uint64_t *found)
{
    uint32_t count = 0;

    for (uint32_t slot = 0; slot < SLOTS; slot++)
        count += found[slot] != world->state[j][slot];
    return count;
}

/* Prints how the recovered state differs from the allowed one that it resembles most. */
static void show(const struct world *world, uint32_t low, const uint64_t *found)
{
    uint32_t best = low;

    for (uint32_t j = low; j <= world->issued; j++)
        if (mismatches(world, j, found) < mismatches(world, best, found))
            best = j;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        if (found[slot] == world->state[best][slot])
            continue;
        fprintf(stderr, "  slot %u found %" PRIx64 ", after operation %u it is %" PRIx64 "; seen in operations", slot,
                found[slot], best, world->state[best][slot]);
        for (uint32_t j = 0; j <= world->issued; j++)
            if (world->state[j][slot] == found[slot] && (j == 0 || world->state[j - 1][slot] != found[slot]))
                fprintf(stderr, " %u", j);
        fprintf(stderr, "\n");
    }
}

static bool judge(const struct world *world, uint32_t low, const uint64_t *found)
{
    for (uint32_t j = low; j <= world->issued; j++)
        if (explains(world, j, found))
            return true;
    show(world, low, found);
    return false;
}

static bool counts_agree(struct heap *heap, const uint64_t *found)
{
    uint64_t keys[DATABASES] = {0};

    for (uint32_t slot = 0; slot < SLOTS; slot++)
        keys[slot / KEYS] += found[slot] != 0;
    for (int db = 0; db < DATABASES; db++) {
        uint64_t counted, expires;

        heap_count(heap, (uint8_t)db, &counted, &expires);
        if (counted != keys[db]) {
            fprintf(stderr, "database %d: %" PRIu64 " keys counted, %" PRIu64 " found\n", db, counted, keys[db]);
            return false;
        }
    }
    return true;
}

/* The background comes to rest: hash index filled, tail in the index. */
static bool settle(struct heap *heap)
{
    enum { STEPS = 400 };
    uint64_t now_us = 1;

    while (heap_fill_run_step(heap))
        ;
    for (int i = 0; i < STEPS; i++) {
        if (heap->mode == PMD_COMMIT_EPOCH)
            (void)log_sync_step(heap->log, &heap->sync_context);
        (void)heap_maintain_step(heap, now_us += 2000);
    }
    return heap_is_filled(heap);
}

/*
 * The recovered server goes on, is cut off again, and recovers again: what the first recovery rejected must not come
 * back, what it accepted must stay.
 */
static bool second_life(const struct world *before, struct heap *heap, const uint64_t *found, struct pm *pm)
{
    enum { OPERATIONS = 40 };
    static struct world world;
    struct variant variant = *before->variant;
    uint64_t again[SLOTS];
    struct heap_options options;
    uint32_t low;

    pm_sim_set_hook(pm, NULL, NULL); /* a crash during the recovery would be judged by the first life */
    variant.eviction = HEAP_EVICTION_NONE;
    world.variant = &variant;
    world.random = before->random * 31 + before->issued + pm_sim_outstanding(pm);
    world.heap = heap;
    world.now_us = 1000000;
    memcpy(world.state[0], found, sizeof(world.state[0]));
    world_play(&world, (uint32_t)(8 + world_draw(&world, OPERATIONS)));
    pm_sim_crash(pm, PM_SIM_RANDOM, 0, world.random);
    world_options(&variant, pm, &options);
    if (heap_open(&heap, &options))
        return complain("the pool does not open a second time", &world, 0);
    low = heap->mode == PMD_COMMIT_TURN ? world.closed : world.synced;
    observe_all(heap, again);
    return judge(&world, low, again) || complain("a state that never was, after a second life", &world, low);
}

static bool recover(struct pm *pm, void *context)
{
    const struct world *world = context;
    uint64_t found[SLOTS], again[SLOTS];
    struct heap_options options;
    struct heap *heap;
    uint32_t low;
    size_t outstanding = pm_sim_outstanding(pm);

    world_options(world->variant, pm, &options);
    options.eviction = HEAP_EVICTION_NONE; /* what is there now must stay */
    if (heap_open(&heap, &options))
        return complain("the pool does not open", world, 0);
    low = heap->pool->same_boot || heap->mode == PMD_COMMIT_TURN ? world->closed : world->synced;
    observe_all(heap, found);
    if (!judge(world, low, found))
        return complain("a state that never was", world, low);
    if ((world->random + outstanding + pm_sim_boot(pm)) % 3 == 0)
        return second_life(world, heap, found, pm);
    if (!settle(heap))
        return complain("the hash index is not completed", world, low);
    observe_all(heap, again);
    if (memcmp(found, again, sizeof(found)) != 0)
        return complain("background work changed the keyspace", world, low);
    if (skiplist_check(heap->skiplist))
        return complain("the ordered index is not sound", world, low);
    if (!counts_agree(heap, found))
        return complain("counts differ", world, low);
    return second_life(world, heap, found, pm);
}

/* ---- a run ---- */

struct run_options {
    uint64_t seed, images;
    uint32_t operations;
    enum pm_site skip;
    bool quiet;
};

/* What the scenario exercised: a campaign that cleans, evicts or cuts nothing proves little. */
struct coverage {
    uint64_t operations, cuts, cleaned, evicted, leaves;
};
static struct coverage coverage;

static void note_coverage(const struct world *world)
{
    struct heap_stats stats;

    heap_stats(world->heap, &stats);
    coverage.operations += world->issued;
    coverage.cuts += stats.index_batches;
    coverage.cleaned += stats.cleaned_segments;
    coverage.evicted += stats.evicted;
    coverage.leaves += stats.index_leaves;
}

/* One variant, one seed. Returns the number of failures, adds the images. */
static uint64_t run_variant(const struct variant *variant, const struct run_options *o, uint64_t *images,
                            uint64_t *reached)
{
    static struct world world;
    struct heap_options options;
    struct crash_run run;
    struct crash_plan plan = {
        .seed = o->seed,
        .images_a_point = 6,
        /* A scenario has about four points an operation: the images are spread over all of it. */
        .every = (uint32_t)(1 + o->operations * 4 * 6 / o->images),
        .images_max = o->images,
        .nested = true,
        .killed = variant->killed,
        .quiet = o->quiet,
        .stop_at_first = o->quiet,
        .recover = recover,
        .context = &world,
    };
    struct pm *pm;

    memset(&world, 0, sizeof(world));
    world.variant = variant;
    world.random = o->seed * 977 + (uint64_t)(variant - variants);
    must(pm_sim_open(&pm, (size_t)variant->segments << SEGMENT_BITS, variant->sim) == PM_OK);
    pm_sim_keep(pm);
    pm_sim_skip_site(pm, o->skip);
    world_options(variant, pm, &options);
    must(heap_open(&world.heap, &options) == PM_OK);
    crash_begin(&run, pm, &plan);
    world_play(&world, o->operations);
    note_coverage(&world);
    world.maintaining = true; /* closing drives the index and syncs too */
    heap_close(world.heap);
    crash_end(&run);
    *images += run.images;
    for (int site = 0; site < PM_SITE_COUNT; site++)
        reached[site] += pm_sim_site_counts(pm)[site];
    if (run.failures && !o->quiet)
        printf("variant %s seed %" PRIu64 ": %" PRIu64 " of %" PRIu64 " images are not allowed, first %s\n",
               variant->name, o->seed, run.failures, run.images, run.first_failure);
    pm_sim_free(pm);
    return run.failures;
}

/* Only: the name of a variant, or NULL for all of them. */
static int campaign(uint64_t seed, uint64_t images_goal, const char *only)
{
    uint64_t images = 0, failures = 0, reached[PM_SITE_COUNT] = {0};

    for (uint64_t round = 0; images < images_goal && failures == 0; round++)
        for (int i = 0; i < VARIANTS && images < images_goal; i++) {
            struct run_options o = {seed + round, images_goal / VARIANTS / 2 + 1, 300, PM_SITE_COUNT, false};

            if (only && strcmp(only, variants[i].name) != 0)
                continue;
            failures += run_variant(&variants[i], &o, &images, reached);
        }
    printf("seed %" PRIu64 ": %" PRIu64 " images, %" PRIu64 " not allowed; %" PRIu64 " operations, %" PRIu64
           " cuts, %" PRIu64 " segments cleaned, %" PRIu64 " objects evicted, %" PRIu64 " leaves at the ends\n",
           seed, images, failures, coverage.operations, coverage.cuts, coverage.cleaned, coverage.evicted,
           coverage.leaves);
    if (coverage.cuts == 0 || coverage.cleaned == 0 || coverage.evicted == 0) {
        printf("the scenario exercised too little\n");
        return 1;
    }
    return failures ? 1 : 0;
}

struct site_row {
    const char *name;
    bool needed;
};
#define ROW(name, kind, needed, why) {#name, needed},
static const struct site_row sites[] = {PM_SITES(ROW)};
#undef ROW

/* Proven elsewhere: see MUTANTS above. */
static bool is_proven_elsewhere(enum pm_site site)
{
    static const char *const prefixes[] = {"CREATE",   "TURN",     "STREAM",       "FOREIGN",
                                           "SYNC_LOG", "ACCEPTED", "SEGMENT_SEAL", "SUPERBLOCK"};

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (strncmp(sites[site].name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* A mutant runs in a process of its own: it may well die. */
static bool is_caught(enum pm_site site, uint64_t seed)
{
    pid_t pid = fork();
    int status;

    must(pid >= 0);
    if (pid == 0) {
        uint64_t images = 0, failures = 0, reached[PM_SITE_COUNT] = {0};

        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        for (uint64_t round = 0; round < 6 && failures == 0; round++)
            for (int i = 0; i < VARIANTS && failures == 0; i++) {
                struct run_options o = {seed + round, 500, 300, site, true};
                failures += run_variant(&variants[i], &o, &images, reached);
            }
        _exit(failures ? 1 : 0);
    }
    must(waitpid(pid, &status, 0) == pid);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static int mutants(uint64_t seed)
{
    int missed = 0;

    for (int site = 0; site < PM_SITE_COUNT; site++) {
        bool caught;

        if (!sites[site].needed || is_proven_elsewhere((enum pm_site)site))
            continue;
        caught = is_caught((enum pm_site)site, seed);
        printf("%s mutant %s %s\n", caught ? "ok" : "not ok", sites[site].name, caught ? "" : "- no image notices it");
        fflush(stdout);
        missed += !caught;
    }
    return missed ? 1 : 0;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1, images = 10000;
    const char *only = NULL;
    bool want_mutants = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--mutants") == 0)
            want_mutants = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--variant") == 0 && i + 1 < argc)
            only = argv[++i];
        else if (strcmp(argv[i], "--images") == 0 && i + 1 < argc)
            images = strtoull(argv[++i], NULL, 10);
        else
            return fprintf(stderr, "usage: heap_crash [--seed S] [--images N] [--variant NAME] [--mutants]\n"), 2;
    }
    log_set_level(LOG_LEVEL_ERROR);
    return want_mutants ? mutants(seed) : campaign(seed, images, only);
}
