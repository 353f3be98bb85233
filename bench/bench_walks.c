/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the machine itself charges for many objects: what waits for memory in a GET of a deep pipeline, and in what an
 * overwrite leaves to the index writer, and nothing else, by the number of objects. `./dev bench scale` shows what the
 * server takes.
 *
 * A GET         A table of buckets in anonymous memory and a pool of records on tmpfs, as large as what live records of
 *               bench/scale.py are spread over and mapped as hearthd maps it, both on huge pages; each object has its place in both. Batches of
 *               32 objects at random: all buckets are asked for, then read, then two lines of all records are asked for,
 *               then read. Between two batches 256 KB of other memory go through the caches, a guess at what a server's
 *               own work and the kernel's do; that is not counted.
 * AN OVERWRITE  The leaves of the ordered index, in the same pool: those of a cut's overwrites in order of their places,
 *               header and line of the entry asked for some entries ahead and read; and when all are, written.
 *
 * The best of five runs, since other load only makes it slower.
 *
 * bench_walks [OBJECTS ...]   default: 100000 1000000 5000000 20000000 (which takes 7.5 GB)
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "persist/pm.h"
#include "persist/pm_layout.h"

enum { BATCH = 32, BATCHES = 20000, RUNS = 5, OBJECTS_MAX = 8 };
enum { BUCKET_BYTES_AN_OBJECT = 10, RECORD_BYTES = 148, OTHER_BYTES = 256 << 10 };
enum { CUT = 200000, AHEAD = 16, LEAF_ENTRIES = 40 }; /* entries: in use, of 60 */
/* Of the pool, as in bench/scale.py, but for its least pool: over so much of it live records are spread. */
#define ROOM 2.5
#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define POOL_PATH "/dev/shm/hearth-walks.pool"
#define OTHER_MEMORY_BYTES ((size_t)64 << 20)

struct region {
    uint8_t *base;
    size_t bytes;
};

static uint64_t random_state = UINT64_C(88172645463325252);

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now); /* that of the thread's CPU time would cost a system call a batch */
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static size_t whole_huge_pages(size_t bytes)
{
    return (bytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
}

/* Anonymous, on huge pages, touched. */
static struct region memory(size_t bytes)
{
    struct region region = {.bytes = whole_huge_pages(bytes)};

    region.base = aligned_alloc(HUGE_PAGE_BYTES, region.bytes);
    must(region.base);
    (void)madvise(region.base, region.bytes, MADV_HUGEPAGE);
    memset(region.base, 1, region.bytes);
    return region;
}

static uint64_t below(uint64_t limit)
{
    return (uint64_t)(((unsigned __int128)next_random() * limit) >> 64);
}

/* Where an object of so many lies in the region: they are spread evenly, at whole lines. */
static const uint8_t *place_of(const struct region *region, uint64_t object, uint64_t objects)
{
    size_t last = region->bytes - 2 * HEARTH_CACHE_LINE_BYTES;
    size_t off = (size_t)((unsigned __int128)object * last / objects);

    return region->base + off / HEARTH_CACHE_LINE_BYTES * HEARTH_CACHE_LINE_BYTES;
}

static uint64_t read_all(const uint8_t *const *places)
{
    uint64_t sum = 0;

    for (int i = 0; i < BATCH; i++)
        sum += *(const volatile uint8_t *)places[i] + ((const volatile uint8_t *)places[i])[HEARTH_CACHE_LINE_BYTES];
    return sum;
}

/* Other memory through the caches. */
static uint64_t read_other(const struct region *other, size_t *at)
{
    uint64_t sum = 0;

    for (size_t end = *at + OTHER_BYTES; *at < end; *at += HEARTH_CACHE_LINE_BYTES)
        sum += *(const volatile uint8_t *)(other->base + *at % other->bytes);
    return sum;
}

/* Nanoseconds a GET, of one run. */
static double run_gets(const struct region *buckets, const struct region *records, const struct region *other,
                       uint64_t objects)
{
    static size_t at;
    volatile uint64_t sink = 0;
    double used_ns = 0;

    for (int batch = 0; batch < BATCHES; batch++) {
        const uint8_t *bucket[BATCH], *record[BATCH];
        double start;

        for (int i = 0; i < BATCH; i++) {
            uint64_t object = below(objects);

            /* Buckets go by the hash: another order than the log's. */
            bucket[i] = place_of(buckets, object * UINT64_C(2654435761) % objects, objects);
            record[i] = place_of(records, object, objects);
        }
        sink += read_other(other, &at);
        start = now_ns();
        for (int i = 0; i < BATCH; i++)
            HEARTH_PREFETCH(bucket[i]);
        for (int i = 0; i < BATCH; i++) {
            /* Where the record lies is known from its bucket alone. */
            const uint8_t *from = record[i] + (*(const volatile uint8_t *)bucket[i] - 1);

            HEARTH_PREFETCH(from);
            HEARTH_PREFETCH(from + HEARTH_CACHE_LINE_BYTES);
        }
        sink += read_all(record);
        used_ns += now_ns() - start;
    }
    return used_ns / BATCH / BATCHES;
}

static int compare_objects(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static uint8_t *leaf_of(const struct region *leaves, uint64_t object)
{
    return leaves->base + object / LEAF_ENTRIES * PM_LEAF_BYTES;
}

static uint8_t *entry_of(const struct region *leaves, uint64_t object)
{
    return leaf_of(leaves, object) + HEARTH_CACHE_LINE_BYTES + object % LEAF_ENTRIES * sizeof(struct pmd_leaf_entry);
}

/* Nanoseconds an overwrite, of one cut. */
static double run_overwrites(const struct region *leaves, const struct region *other, uint64_t objects)
{
    static uint64_t cut[CUT];
    static size_t at;
    volatile uint64_t sink = 0;
    double start;

    for (int i = 0; i < CUT; i++)
        cut[i] = below(objects);
    qsort(cut, CUT, sizeof *cut, compare_objects);
    for (int i = 0; i < CUT * RECORD_BYTES / OTHER_BYTES; i++) /* the records of the cut have gone through the caches */
        sink += read_other(other, &at);
    start = now_ns();
    for (int i = 0; i < CUT; i++) {
        if (i + AHEAD < CUT) {
            HEARTH_PREFETCH(leaf_of(leaves, cut[i + AHEAD]));
            HEARTH_PREFETCH(entry_of(leaves, cut[i + AHEAD]));
        }
        sink += *(const volatile uint8_t *)leaf_of(leaves, cut[i]) + *(volatile uint8_t *)entry_of(leaves, cut[i]);
    }
    for (int i = 0; i < CUT; i++) {
        if (i + AHEAD < CUT) {
            HEARTH_PREFETCH_WRITE(leaf_of(leaves, cut[i + AHEAD]));
            HEARTH_PREFETCH_WRITE(entry_of(leaves, cut[i + AHEAD]));
        }
        *(volatile uint8_t *)leaf_of(leaves, cut[i]) = 1;
        *(volatile uint8_t *)entry_of(leaves, cut[i]) = 1;
    }
    return (now_ns() - start) / CUT;
}

struct figures {
    double get_ns, overwrite_ns;
};

static struct figures measure(uint64_t objects)
{
    size_t bytes = whole_huge_pages((size_t)(ROOM * (double)objects * RECORD_BYTES));
    size_t leaf_bytes = whole_huge_pages((objects / LEAF_ENTRIES + 1) * PM_LEAF_BYTES);
    struct region buckets = memory(objects * BUCKET_BYTES_AN_OBJECT), other = memory(OTHER_MEMORY_BYTES);
    struct figures best = {1e9, 1e9};
    struct region records, leaves;
    struct pm *pm;

    unlink(POOL_PATH);
    must(pm_open(&pm, POOL_PATH, bytes + leaf_bytes, true) == PM_OK);
    unlink(POOL_PATH);
    must(pm_allocate(pm, 0, bytes + leaf_bytes) == PM_OK);
    records = (struct region){pm_at(pm, 0), bytes};
    leaves = (struct region){pm_at(pm, bytes), leaf_bytes};
    memset(records.base, 1, records.bytes + leaves.bytes);
    for (int i = 0; i < RUNS; i++) {
        double get_ns = run_gets(&buckets, &records, &other, objects);
        double overwrite_ns = run_overwrites(&leaves, &other, objects);

        best.get_ns = get_ns < best.get_ns ? get_ns : best.get_ns;
        best.overwrite_ns = overwrite_ns < best.overwrite_ns ? overwrite_ns : best.overwrite_ns;
    }
    pm_close(pm);
    free(buckets.base);
    free(other.base);
    return best;
}

int main(int argc, char **argv)
{
    uint64_t counts[OBJECTS_MAX] = {100000, 1000000, 5000000, 20000000};
    int count = 4;
    struct figures first = {0};

    if (argc > 1)
        count = argc - 1 < OBJECTS_MAX ? argc - 1 : OBJECTS_MAX;
    for (int i = 1; i < argc && i <= OBJECTS_MAX; i++)
        counts[i - 1] = strtoull(argv[i], NULL, 10);
    printf("what waits for memory alone, ns: of a GET in batches of %d, of an overwrite in cuts of %d\n", BATCH, CUT);
    for (int i = 0; i < count; i++) {
        struct figures figures = measure(counts[i]);

        first = i == 0 ? figures : first;
        printf("%12llu objects   get %6.1f, %+6.1f   overwrite %6.1f, %+6.1f\n", (unsigned long long)counts[i],
               figures.get_ns, figures.get_ns - first.get_ns, figures.overwrite_ns,
               figures.overwrite_ns - first.overwrite_ns);
        fflush(stdout);
    }
    return 0;
}
