/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the machine itself charges for many objects: the part of a GET in a deep pipeline that waits for memory, and nothing
 * else, by the number of objects. `./dev bench scale` shows what the server takes.
 *
 * METHOD  A table of buckets in anonymous memory and a pool of records on tmpfs, as large as bench/scale.py makes hearthd's
 *         and mapped as hearthd maps it, both on huge pages. Batches of 32 objects at random places: all buckets are asked
 *         for, then read, then two lines of all records are asked for, then read. Between two batches 256 KB of other memory
 *         go through the caches, a guess at what a server's own work and the kernel's do; that is not counted. The best of
 *         five runs, since other load only makes it slower.
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

enum { BATCH = 32, BATCHES = 20000, RUNS = 5, OBJECTS_MAX = 8 };
enum { BUCKET_BYTES_AN_OBJECT = 10, RECORD_BYTES = 148, OTHER_BYTES = 256 << 10, STEP = 256 };
#define ROOM 2.5 /* of the pool, as in bench/scale.py */
#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define POOL_PATH "/dev/shm/hearth-walks.pool"
#define POOL_BYTES_MIN ((size_t)256 << 20)
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

static const uint8_t *somewhere(const struct region *region)
{
    size_t steps = region->bytes / STEP;

    return region->base + (size_t)(((unsigned __int128)next_random() * steps) >> 64) * STEP;
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

/* Nanoseconds an object, of one run. */
static double run(const struct region *buckets, const struct region *records, const struct region *other)
{
    static size_t at;
    volatile uint64_t sink = 0;
    double used_ns = 0;

    for (int batch = 0; batch < BATCHES; batch++) {
        const uint8_t *bucket[BATCH], *record[BATCH];
        double start;

        for (int i = 0; i < BATCH; i++) {
            bucket[i] = somewhere(buckets);
            record[i] = somewhere(records);
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

static double measure(uint64_t objects)
{
    size_t bytes = whole_huge_pages((size_t)(ROOM * (double)objects * RECORD_BYTES));
    struct region buckets = memory(objects * BUCKET_BYTES_AN_OBJECT), other = memory(OTHER_MEMORY_BYTES), records;
    double best = 1e9;
    struct pm *pm;

    bytes = bytes < POOL_BYTES_MIN ? POOL_BYTES_MIN : bytes;
    unlink(POOL_PATH);
    must(pm_open(&pm, POOL_PATH, bytes, true) == PM_OK);
    unlink(POOL_PATH);
    must(pm_allocate(pm, 0, bytes) == PM_OK);
    records = (struct region){pm_at(pm, 0), bytes};
    memset(records.base, 1, records.bytes);
    for (int i = 0; i < RUNS; i++) {
        double ns = run(&buckets, &records, &other);

        best = ns < best ? ns : best;
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
    double first = 0;

    if (argc > 1)
        count = argc - 1 < OBJECTS_MAX ? argc - 1 : OBJECTS_MAX;
    for (int i = 1; i < argc && i <= OBJECTS_MAX; i++)
        counts[i - 1] = strtoull(argv[i], NULL, 10);
    printf("bucket and two lines of a record, batches of %d, ns an object of which nothing is in the caches\n", BATCH);
    for (int i = 0; i < count; i++) {
        double ns = measure(counts[i]);

        first = i == 0 ? ns : first;
        printf("%12llu objects %8.1f ns, %+.1f\n", (unsigned long long)counts[i], ns, ns - first);
        fflush(stdout);
    }
    return 0;
}
