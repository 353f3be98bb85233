/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sustained inserts: one thread stores new, realistic keys in random order, as fast as the index writer beside it lets
 * it (writers are slowed at the bound of the tail), without network.
 *
 * METHOD  A pool on tmpfs taken for persistent memory, level `power`: each turn of 16 records ends with real flushes and
 *         a fence. Rates are wall-clock, by how many keys are there; CPU time of the inserting thread (which sleeps as
 *         long as a server's worker when it has to wait) and of all others (index writer, space) stands beside. The pool
 *         is fresh: making its segments ready is part of it.
 *
 * bench_insert [SECONDS]   default: 60; takes up to 12 GB of tmpfs
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "heap/heap.h"

#define POOL_PATH "/dev/shm/hearth-insert.pool"
#define POOL_BYTES ((uint64_t)10 << 30)
#define KEYS_STEP UINT64_C(5000000)
#define KEYS_MAX UINT64_C(60000000) /* what the pool has room for */
/* Keys are numbers below it, each once, in no order to speak of: a power of 3 has no factor in common with one of 10. */
#define KEY_SPACE UINT64_C(1000000000)
#define STRIDE UINT64_C(387420489)

enum { TURN = 16, VALUE_BYTES = 32, KEY_BYTES_MAX = 24, WAIT_US = 1000 };

enum family { FAMILY_PROFILE, FAMILY_RANDOM, FAMILY_COUNT };
static const char *const family_names[] = {"user:profile:%09d", "random 16 B"};

struct bench {
    struct heap *heap;
    struct heap_worker *worker;
    enum family family;
    uint64_t inserted;
};
struct times {
    uint64_t wall_us;
    double own_s, others_s; /* CPU */
};

static double cpu_s(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct times times_now(void)
{
    struct times now = {.wall_us = clock_mono_us(), .own_s = cpu_s(CLOCK_THREAD_CPUTIME_ID)};

    now.others_s = cpu_s(CLOCK_PROCESS_CPUTIME_ID) - now.own_s;
    return now;
}

static uint32_t make_key(enum family family, uint64_t i, char key[KEY_BYTES_MAX])
{
    static const char prefix[] = "user:profile:";
    uint64_t number = i * STRIDE % KEY_SPACE, half = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

    if (family == FAMILY_RANDOM) {
        memcpy(key, &half, 8);
        half = (half ^ half >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
        memcpy(key + 8, &half, 8);
        return 16;
    }
    memcpy(key, prefix, sizeof prefix - 1);
    for (int digit = 8; digit >= 0; digit--, number /= 10)
        key[sizeof prefix - 1 + (size_t)digit] = (char)('0' + number % 10);
    return sizeof prefix - 1 + 9;
}

static void insert(struct bench *bench)
{
    static const uint8_t value[VALUE_BYTES] = "a value";
    const struct log_part part = {value, sizeof value};
    const struct heap_put put = {.parts = &part, .part_count = 1};
    char text[KEY_BYTES_MAX];
    struct heap_edit edit;
    struct index_key key;

    heap_key(bench->heap, &key, 0, text, make_key(bench->family, bench->inserted, text));
    heap_edit_begin(bench->worker, &key, &edit);
    heap_edit_put(&edit, &put);
    heap_edit_end(&edit);
    bench->inserted++;
}

static void turn(struct bench *bench)
{
    uint64_t wait_epoch;

    heap_turn_begin(bench->worker, clock_wall_ms());
    for (int i = 0; i < TURN; i++) {
        enum heap_reserve room = heap_reserve(bench->worker, heap_bytes(KEY_BYTES_MAX, VALUE_BYTES), 1, false);

        must(room != HEAP_FULL);
        if (room == HEAP_WAIT)
            break;
        insert(bench);
    }
    must(heap_turn_end(bench->worker, &wait_epoch) == PM_OK);
}

static void show(uint64_t from, uint64_t to, const struct times *begin, const struct times *end)
{
    double count = (double)(to - from);

    printf("  %5.1f to %5.1f M keys %8.2f %14.0f %18.0f\n", (double)from / 1e6, (double)to / 1e6,
           count / (double)(end->wall_us - begin->wall_us), (end->own_s - begin->own_s) * 1e9 / count,
           (end->others_s - begin->others_s) * 1e9 / count);
    fflush(stdout);
}

/* Inserts until so many keys are stored or the time is up. A turn that has to wait comes back as a server's does: polling
 * would take from the index writer, with which it may share a core. */
static void insert_until(struct bench *bench, uint64_t keys, uint64_t end_us)
{
    while (bench->inserted < keys && clock_mono_us() < end_us) {
        uint64_t before = bench->inserted;

        turn(bench);
        if (bench->inserted == before)
            usleep(WAIT_US);
    }
}

static void run(enum family family, uint64_t seconds)
{
    struct heap_options options = {
        .path = POOL_PATH,
        .pool_bytes = POOL_BYTES,
        .workers = 1,
        .trust_pmem = true,
        .durability = HEAP_DURABILITY_POWER,
        .eviction = HEAP_EVICTION_NONE,
    };
    struct bench bench = {.family = family};
    struct times begin, around[2] = {0}, now;
    uint64_t end_us;

    unlink(POOL_PATH);
    must(heap_open(&bench.heap, &options) == PM_OK);
    unlink(POOL_PATH);
    must(heap_start(bench.heap) == PM_OK);
    bench.worker = heap_worker(bench.heap, 0);
    printf("%s\n  %-22s %8s %14s %18s\n", family_names[family], "", "M/s", "own CPU ns", "background CPU ns");
    now = times_now();
    end_us = now.wall_us + seconds * 1000000;
    for (uint64_t step = 1; bench.inserted < KEYS_MAX && now.wall_us < end_us; step++) {
        uint64_t from = bench.inserted;

        begin = now;
        insert_until(&bench, step * KEYS_STEP, end_us);
        now = times_now();
        show(from, bench.inserted, &begin, &now);
        if (step == 1 || step == 3)
            around[step / 2] = now;
    }
    if (around[1].wall_us != 0) {
        printf("  around 10 M:\n");
        show(KEYS_STEP, 3 * KEYS_STEP, &around[0], &around[1]);
    }
    heap_close(bench.heap);
}

int main(int argc, char **argv)
{
    uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 60;

    log_set_level(LOG_LEVEL_ERROR);
    for (int family = 0; family < FAMILY_COUNT; family++)
        run((enum family)family, seconds);
    return 0;
}
