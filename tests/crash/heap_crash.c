/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Crash campaign over the whole heap: one seeded scenario of mixed operations, with index batches, cleaning, eviction,
 * flushes and syncs interleaved by a seeded scheduler, on the simulated backing. At each flush and drain the allowed
 * images are recovered in a child.
 *
 * ORACLE   (Witcher's) the recovered keyspace is the model's state after operation j, with j at least the last
 *          acknowledged one and at most the one under way. In cache mode keys may be missing that were evicted, or while
 *          the cleaner is at work; never stale, never back from the dead.
 * MUTANTS  --mutants leaves out in turn each flush and drain of index, journal, cleaner and space that is not advisory:
 *          one that no image catches is a failure. Those of the log and its recovery have theirs in
 *          check_persist_log_crash, those of creation in check_persist_pool.
 *
 *     heap_crash --images N [--seed S] [--mutants]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/assert.h"
#include "base/log.h"
#include "heap/heap_internal.h"
#include "tests/support/crash.h"

enum {
    KEYS = 40,
    DATABASES = 2,
    SLOTS = KEYS * DATABASES,
    OPERATIONS_MAX = 1024,
    VALUE_MAX = 20000,
    SEGMENT_BITS = 16
};

struct variant {
    const char *name;
    enum pm_sim_mode sim;
    enum heap_durability durability;
    enum heap_eviction eviction;
    uint32_t segments, value_max;
    bool killed;
};

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

static uint64_t draw(struct world *world, uint64_t below)
{
    world->random = world->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (world->random >> 33) % below;
}

/* ---- keys, values, digests ---- */

static uint32_t key_text(uint32_t number, char *text)
{
    /* Two families with long common prefixes, and one key that is longer than a leaf's prefix may be. */
    if (number == 0)
        return (uint32_t)sprintf(text, "long:%0250d", 7);
    return (uint32_t)sprintf(text, number % 2 ? "user:profile:%09u" : "key:%012u", number);
}

static void make_key(const struct heap *heap, uint32_t slot, struct index_key *key, char *text)
{
    heap_key(heap, key, (uint8_t)(slot / KEYS), text, key_text(slot % KEYS, text));
}

static uint64_t digest(const void *value, size_t len, uint32_t client_flags, uint64_t expire_at_ms)
{
    uint64_t sum = XXH3_64bits_withSeed(value, len, client_flags + expire_at_ms * 31);

    return sum ? sum : 1;
}

static uint64_t observe(struct heap_worker *worker, uint32_t slot)
{
    struct index_key key;
    struct object object;
    char text[300];

    make_key(worker->heap, slot, &key, text);
    if (!heap_peek(worker, &key, &object))
        return 0;
    return digest(object.value, object.value_len, object.client_flags, object.expire_at_ms);
}

/* ---- operations ---- */

static enum heap_reserve reserve(struct world *world, struct heap_worker *worker, uint32_t records, bool deletes)
{
    return heap_reserve(worker, records * heap_bytes(300, deletes ? 0 : world->variant->value_max), records, deletes);
}

static void change(struct world *world, struct heap_worker *worker, uint32_t slot, bool delete)
{
    static uint8_t value[VALUE_MAX];
    struct index_key key;
    struct heap_edit edit;
    char text[300];
    struct log_part part = {value, draw(world, 3) ? draw(world, world->variant->value_max) : draw(world, 100)};
    struct heap_put put = {.parts = &part, .part_count = 1};

    make_key(world->heap, slot, &key, text);
    heap_edit_begin(worker, &key, &edit);
    if (delete) {
        heap_edit_delete(&edit);
        world->state[world->issued][slot] = 0;
    } else {
        memset(value, (int)draw(world, 256), part.bytes);
        memcpy(value, &world->random, part.bytes < 8 ? part.bytes : 8);
        put.client_flags = draw(world, 3) ? 0 : (uint32_t)draw(world, 1000);
        put.expire_at_ms = draw(world, 4) ? 0 : UINT64_C(99999999999999);
        heap_edit_put(&edit, &put);
        world->state[world->issued][slot] = digest(value, part.bytes, put.client_flags, put.expire_at_ms);
    }
    heap_edit_end(&edit);
}

/* The next operation begins: its state starts as the one before. */
static void issue(struct world *world)
{
    must(world->issued < OPERATIONS_MAX);
    memcpy(world->state[world->issued + 1], world->state[world->issued], sizeof(world->state[0]));
    world->issued++;
}

static void transaction(struct world *world, struct heap_worker *worker)
{
    struct index_key keys[4];
    char texts[4][300];
    uint32_t slots[4], count = 2 + (uint32_t)draw(world, 3);

    if (reserve(world, worker, count, false) != HEAP_RESERVED)
        return;
    issue(world);
    for (uint32_t i = 0; i < count; i++) {
        slots[i] = (uint32_t)draw(world, SLOTS);
        make_key(world->heap, slots[i], &keys[i], texts[i]);
    }
    must(heap_transaction_begin(worker, keys, count));
    for (uint32_t i = 0; i < count; i++)
        change(world, worker, slots[i], draw(world, 4) == 0);
    heap_transaction_commit(worker);
}

static void flush(struct world *world, struct heap_worker *worker)
{
    uint32_t databases = 1 + (uint32_t)draw(world, 3);

    if (heap_reserve(worker, heap_flush_bytes(), 1, true) != HEAP_RESERVED)
        return;
    issue(world);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        if (databases >> (slot / KEYS) & 1)
            world->state[world->issued][slot] = 0;
    must(heap_flush(worker, databases, 0) == PM_OK);
}

static void operation(struct world *world, struct heap_worker *worker)
{
    uint64_t what = draw(world, 100);
    bool delete = what < 15;

    if (what >= 97) {
        flush(world, worker);
    } else if (what >= 85) {
        transaction(world, worker);
    } else if (reserve(world, worker, 1, delete) == HEAP_RESERVED) {
        issue(world);
        change(world, worker, (uint32_t)draw(world, SLOTS), delete);
    }
}

static void turn(struct world *world)
{
    struct heap_worker *worker = heap_worker(world->heap, 0);
    uint64_t wait_epoch, count = 1 + draw(world, 3);

    heap_turn_begin(worker, 1000);
    for (uint64_t i = 0; i < count; i++)
        operation(world, worker);
    if (draw(world, 3) == 0) { /* reads make objects worth keeping */
        struct index_key key;
        struct object object;
        char text[300];

        make_key(world->heap, (uint32_t)draw(world, SLOTS), &key, text);
        (void)heap_get(worker, &key, &object);
    }
    must(heap_turn_end(worker, &wait_epoch) == PM_OK);
    for (uint32_t j = world->closed + 1; j <= world->issued; j++)
        world->epoch[j] = log_highest_epoch(world->heap->log);
    world->closed = world->issued;
}

/* ---- the other actors ---- */

/* What was evicted is gone durably by now, and was at or below W, so in each state that a crash may still show. */
static void note_evicted(struct world *world)
{
    struct heap_worker *worker = heap_worker(world->heap, 0);
    uint64_t wait_epoch;

    if (world->variant->eviction == HEAP_EVICTION_NONE)
        return;
    heap_turn_begin(worker, 1000);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        if (world->state[world->issued][slot] && !observe(worker, slot))
            for (uint32_t j = world->synced; j <= world->issued; j++)
                world->state[j][slot] = 0;
    must(heap_turn_end(worker, &wait_epoch) == PM_OK);
}

static void maintain(struct world *world, uint64_t steps)
{
    world->maintaining = true;
    for (uint64_t i = 0; i < steps; i++)
        (void)heap_maintain_step(world->heap, world->now_us += 700);
    world->maintaining = false;
    note_evicted(world);
}

static void sync_some(struct world *world)
{
    if (world->heap->mode != PMD_COMMIT_EPOCH)
        return;
    (void)log_sync_step(world->heap->log, &world->heap->sync_context);
    while (world->synced < world->closed && world->epoch[world->synced + 1] <= heap_synced_epoch(world->heap))
        world->synced++;
}

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
        found[slot] = observe(worker, slot);
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

static void options_of(const struct variant *variant, struct pm *pm, struct heap_options *options)
{
    *options = (struct heap_options){
        .pool_bytes = (uint64_t)variant->segments << SEGMENT_BITS,
        .segment_bits = SEGMENT_BITS,
        .workers = 1,
        .durability = variant->durability,
        .eviction = variant->eviction,
        .sync_interval_ms = 1,
        .tail_records = 48,
        .pm = pm,
        .hash_seed = 12345,
    };
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

static void play(struct world *world, uint32_t operations);

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
    play(&world, (uint32_t)(8 + draw(&world, OPERATIONS)));
    pm_sim_crash(pm, PM_SIM_RANDOM, 0, world.random);
    options_of(&variant, pm, &options);
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

    options_of(world->variant, pm, &options);
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

static void play(struct world *world, uint32_t operations)
{
    uint32_t stalled = 0;

    while (world->issued + 8 < operations && stalled < 2000) {
        uint32_t before = world->issued;

        turn(world);
        if (draw(world, 2))
            maintain(world, 1 + draw(world, 4));
        if (draw(world, 3) == 0)
            sync_some(world);
        if (draw(world, 4) == 0)
            (void)heap_fill_run_step(world->heap);
        stalled = world->issued == before ? stalled + 1 : 0;
    }
}

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
    options_of(variant, pm, &options);
    must(heap_open(&world.heap, &options) == PM_OK);
    crash_begin(&run, pm, &plan);
    play(&world, o->operations);
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

static int campaign(uint64_t seed, uint64_t images_goal)
{
    uint64_t images = 0, failures = 0, reached[PM_SITE_COUNT] = {0};

    for (uint64_t round = 0; images < images_goal && failures == 0; round++)
        for (int i = 0; i < VARIANTS && images < images_goal; i++) {
            struct run_options o = {seed + round, images_goal / VARIANTS / 2 + 1, 300, PM_SITE_COUNT, false};
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
    static const char *const prefixes[] = {"CREATE",   "TURN",         "FOREIGN",   "SYNC_LOG",
                                           "ACCEPTED", "SEGMENT_SEAL", "SUPERBLOCK"};

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
    bool want_mutants = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--mutants") == 0)
            want_mutants = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--images") == 0 && i + 1 < argc)
            images = strtoull(argv[++i], NULL, 10);
        else
            return fprintf(stderr, "usage: heap_crash [--seed S] [--images N] [--mutants]\n"), 2;
    }
    log_set_level(LOG_LEVEL_ERROR);
    return want_mutants ? mutants(seed) : campaign(seed, images);
}
