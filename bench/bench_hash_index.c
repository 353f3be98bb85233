/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the hash index costs: ns a find (hit, miss; one by one, and in batches of 16 that are asked for ahead), an
 * insert into a growing table, a refill into one of the right size; bytes an object.
 *
 * METHOD  Records of 48 bytes with keys "key:%012d", in memory, looked for in random order; CPU time of the thread, the
 *         best of three runs, since other load only ever makes it slower.
 *
 * bench_hash_index [OBJECTS]   default: 1 M, then 10 M (which takes 1.2 GB)
 */
#include <stdlib.h>
#include <time.h>

#include "heap/hash_index.h"
#include "tests/support/fake_pool.h"

enum { SAMPLES = 1000000, BATCH = 16, LEAF = 45, ROUNDS = 3 };

struct bench {
    struct fake_pool fake;
    struct hash_index *index;
    uint64_t objects;
    struct fake_key *hits, *misses;
};

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* others on the machine count less */
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double find_single(const struct bench *bench, struct fake_key *keys, uint64_t *found)
{
    double start = now_ns();
    struct hash_ref ref;

    for (uint64_t i = 0; i < SAMPLES; i++)
        *found += hash_index_find(bench->index, &keys[i].key, &ref);
    return (now_ns() - start) / SAMPLES;
}

static double find_batches(const struct bench *bench, struct fake_key *keys, uint64_t *found)
{
    uint64_t overflown[BATCH];
    double start = now_ns();
    struct hash_ref ref;

    for (uint64_t i = 0; i < SAMPLES; i += BATCH) {
        uint32_t overflown_count = 0;

        for (uint64_t j = i; j < i + BATCH; j++)
            hash_index_prefetch(bench->index, keys[j].key.hash);
        for (uint64_t j = i; j < i + BATCH; j++)
            if (hash_index_prefetch_record(bench->index, keys[j].key.hash, true, false) == HASH_INDEX_OVERFLOW)
                overflown[overflown_count++] = keys[j].key.hash;
        for (uint32_t j = 0; j < overflown_count; j++)
            (void)hash_index_prefetch_record(bench->index, overflown[j], true, true);
        for (uint64_t j = i; j < i + BATCH; j++)
            *found += hash_index_find(bench->index, &keys[j].key, &ref);
    }
    return (now_ns() - start) / SAMPLES;
}
_Static_assert(SAMPLES % BATCH == 0, "whole batches");

static void report_find(const struct bench *bench, const char *name, struct fake_key *keys, uint64_t expected)
{
    double single = 1e18, batches = 1e18;
    uint64_t found = 0;

    for (int i = 0; i < ROUNDS; i++) {
        double ns = find_single(bench, keys, &found);

        single = ns < single ? ns : single;
        ns = find_batches(bench, keys, &found);
        batches = ns < batches ? ns : batches;
    }
    must(found == expected * 2 * ROUNDS);
    printf("%-8s %11.0f ns %11.0f ns in batches of %d\n", name, single, batches, BATCH);
}

static void open_index(struct bench *bench, uint64_t expected)
{
    must(hash_index_open(&bench->index, &bench->fake.pool, expected, bench->objects));
}

static double insert_all(struct bench *bench)
{
    double start = now_ns();

    for (uint64_t i = 0; i < bench->objects; i++) {
        uint64_t hash = fake_mix(i);

        hash_index_lock(bench->index, hash);
        must(hash_index_insert(bench->index, hash, fake_loc(&bench->fake, i, 0), 0, false));
        hash_index_unlock(bench->index, hash);
        hash_index_grow(bench->index);
    }
    return (now_ns() - start) / (double)bench->objects;
}

/* As heap/fill.c does it: the entries of a leaf at a time. */
static double fill_all(struct bench *bench)
{
    double start = now_ns();

    for (uint64_t i = 0; i < bench->objects; i += LEAF) {
        uint64_t end = i + LEAF < bench->objects ? i + LEAF : bench->objects;

        for (uint64_t j = i; j < end; j++)
            hash_index_prefetch(bench->index, fake_mix(j));
        for (uint64_t j = i; j < end; j++) {
            bool ok;

            hash_index_lock(bench->index, fake_mix(j));
            must(hash_index_fill(bench->index, fake_mix(j), fake_loc(&bench->fake, j, 0), true, &ok));
            hash_index_unlock(bench->index, fake_mix(j));
            hash_index_grow(bench->index);
        }
    }
    return (now_ns() - start) / (double)bench->objects;
}

static void lay(struct bench *bench, uint64_t objects)
{
    *bench = (struct bench){.objects = objects};
    must(objects > 0);
    fake_pool_open(&bench->fake, objects, 1);
    for (uint64_t i = 0; i < objects; i++)
        fake_record(&bench->fake, i, 0);
    bench->hits = malloc(SAMPLES * sizeof *bench->hits);
    bench->misses = malloc(SAMPLES * sizeof *bench->misses);
    must(bench->hits);
    must(bench->misses);
    for (uint64_t i = 0; i < SAMPLES; i++) {
        uint64_t object = fake_mix(~i) % objects;

        fake_key(&bench->hits[i], object, fake_mix(object));
        fake_key(&bench->misses[i], objects + i, fake_mix(objects + i));
    }
}

static void run(uint64_t objects)
{
    struct hash_index_stats stats;
    struct bench bench;
    double fill = 1e18;

    lay(&bench, objects);
    printf("%llu objects\n", (unsigned long long)objects);
    open_index(&bench, 0);
    printf("%-8s %11.0f ns, the table growing\n", "insert", insert_all(&bench));
    hash_index_stats(bench.index, &stats);
    printf("%-8s %11.2f B an object\n", "memory", (double)stats.bytes / (double)stats.slots_used);
    report_find(&bench, "hit", bench.hits, SAMPLES);
    report_find(&bench, "miss", bench.misses, 0);
    for (int i = 0; i < ROUNDS; i++) {
        double ns;

        hash_index_close(bench.index);
        open_index(&bench, objects);
        ns = fill_all(&bench);
        fill = ns < fill ? ns : fill;
    }
    printf("%-8s %11.0f ns, %.1f M objects/s\n\n", "fill", fill, 1e3 / fill);
    hash_index_close(bench.index);
    fake_pool_close(&bench.fake);
    free(bench.hits);
    free(bench.misses);
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
