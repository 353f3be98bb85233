/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How fast the hash index is complete after a restart: the filler by itself, one thread, over an ordered index of
 * realistic keys that came in random order, so that the records of neighbours lie anywhere.
 *
 * METHOD  A pool on tmpfs, records without values; CPU time of the thread, the best of three runs, since other load
 *         only ever makes it slower. The walk alone stands beside it.
 *
 * bench_fill [OBJECTS]   default: 1 M, then 10 M (which takes 1.6 GB)
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "heap/fill.h"
#include "tests/support/indexed_pool.h"

enum { RUNS = 3, BATCH = 50000, OBJECT_BYTES = 112 };

#define POOL_PATH "/dev/shm/hearth-fill.pool"
#define POOL_BYTES_MIN ((uint64_t)256 << 20)

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Each number below `objects` once, in no order to speak of. */
static uint64_t shuffled(uint64_t i, uint64_t objects)
{
    return i * UINT64_C(387420489) % objects; /* a power of 3: no factor in common with powers of 10 */
}

static void lay(struct indexed_pool *world, uint64_t objects)
{
    struct object_key *keys = calloc(BATCH, sizeof *keys);
    struct index_op *ops = calloc(BATCH, sizeof *ops);

    must(keys);
    must(ops);
    for (uint64_t i = 0; i < objects; i += BATCH) {
        for (uint64_t j = 0; j < BATCH; j++) {
            uint64_t object = shuffled(i + j, objects);

            object_key(world, &keys[j], object);
            ops[j] = put_op(&keys[j], append(world, object, PMD_RECORD_FULL, i + j + 1, 0));
        }
        apply(world, ops, BATCH);
    }
    free(ops);
    free(keys);
}

static double walk(struct indexed_pool *world)
{
    double start = now_ns();
    struct skiplist_walk walk;

    epoch_enter(&world->epochs, world->pin);
    skiplist_walk_start(world->skiplist, &walk);
    while (!walk.done)
        must(skiplist_walk_step(world->skiplist, &walk) == PM_OK);
    skiplist_walk_end(&walk);
    epoch_leave(world->pin);
    return now_ns() - start;
}

static double fill(struct indexed_pool *world, uint64_t objects)
{
    struct heap_fill fill;
    double start;

    hash_index_close(world->index);
    must(hash_index_open(&world->index, world->pool, objects, objects));
    start = now_ns();
    heap_fill_init(&fill, world->pool, world->skiplist, world->index, &world->epochs);
    while (heap_fill_step(&fill)) {
    }
    must(fill.done);
    must(fill.visited == objects);
    return now_ns() - start;
}

static void run(uint64_t objects)
{
    uint64_t bytes = (objects * OBJECT_BYTES + POOL_BYTES_MIN) >> PM_SEGMENT_BITS_DEFAULT << PM_SEGMENT_BITS_DEFAULT;
    double best_fill = 1e18, best_walk = 1e18;
    struct indexed_pool world;
    struct pm *pm;

    must(objects % BATCH == 0);
    unlink(POOL_PATH);
    must(pm_open(&pm, POOL_PATH, bytes, true) == PM_OK);
    unlink(POOL_PATH);
    indexed_pool_open(&world, pm, PM_SEGMENT_BITS_DEFAULT);
    lay(&world, objects);
    for (int i = 0; i < RUNS; i++) {
        double ns = fill(&world, objects);

        best_fill = ns < best_fill ? ns : best_fill;
        ns = walk(&world);
        best_walk = ns < best_walk ? ns : best_walk;
    }
    printf("%8llu objects: fill %4.0f ns an object, %5.1f M/s; the walk alone %4.0f ns\n", (unsigned long long)objects,
           best_fill / (double)objects, (double)objects / best_fill * 1e3, best_walk / (double)objects);
    indexed_pool_close(&world);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        run(strtoull(argv[1], NULL, 10));
        return 0;
    }
    run(1000000);
    run(10000000);
    return 0;
}
