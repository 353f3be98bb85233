/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the ordered index costs: sustained inserts of new keys in random order, overwrites, lookups, the walk and a start,
 * for three families of keys.
 *
 * usage: bench_index [-n keys] [-b keys a cut] [-f family] [-p pool file] [-q] [-o]
 *
 *   -q  inserts and overwrites only
 *   -o  a skip list with a node an object instead (the ablation)
 *
 * METHOD  Records are written first, untimed; then a cut is sorted and applied, timed apart, in CPU time of the one thread
 *         (which never waits). The pool lies on tmpfs and is taken for persistent memory, so flushes are real clwb.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "bench/skiplist_per_object.h"
#include "persist/journal.h"
#include "persist/skiplist.h"

enum {
    CUT_DEFAULT = 100000,
    KEYS_DEFAULT = 1000000,
    KEY_BYTES_MAX = 40,
    STAGES = 10,
    LOOKUPS = 1000000,
    VALUE_BYTES = 32
};

enum family { FAMILY_KEY, FAMILY_PROFILE, FAMILY_RANDOM, FAMILY_ASCENDING, FAMILY_COUNT };
static const char *const family_names[] = {"key:%012d", "user:profile:%09d", "random 16 B", "key:%012d ascending"};

struct bench {
    struct pool *pool;
    struct epochs epochs;
    struct pm_context context, record_context;
    struct skiplist *skiplist;
    struct per_object *per_object; /* instead, if set */
    uint32_t segment, end;
    enum family family;
    uint64_t keys, w;
    uint32_t cut;
    struct index_op *ops;
    pm_loc *locs; /* of the newest record of key i */
    double sort_s, apply_s;
};

static double now_s(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* A permutation of 0..keys-1: four rounds of Feistel over the next even power of two, walked until it hits. */
static uint64_t permute(uint64_t i, uint64_t keys)
{
    uint32_t half = 1;

    while (UINT64_C(1) << 2 * half < keys)
        half++;
    do {
        for (uint32_t round = 0; round < 4; round++) {
            uint64_t left = i >> half, right = i & ((UINT64_C(1) << half) - 1);

            i = right << half | (left ^ (mix(right + round * 977 + 1) & ((UINT64_C(1) << half) - 1)));
        }
    } while (i >= keys);
    return i;
}

static uint32_t make_key(const struct bench *bench, uint64_t i, char *to)
{
    uint64_t halves[2];

    switch (bench->family) {
    case FAMILY_KEY:
    case FAMILY_ASCENDING:
        return (uint32_t)sprintf(to, "key:%012llu", (unsigned long long)i);
    case FAMILY_PROFILE:
        return (uint32_t)sprintf(to, "user:profile:%09llu", (unsigned long long)i);
    case FAMILY_RANDOM:
    case FAMILY_COUNT:
        break;
    }
    halves[0] = mix(i + 1);
    halves[1] = mix(halves[0]);
    memcpy(to, halves, 16);
    return 16;
}

static pm_loc write_record(struct bench *bench, const char *key, uint32_t key_len)
{
    uint32_t bytes = (uint32_t)record_bytes(PMD_LAST, key_len, VALUE_BYTES);
    struct pmd_record header = {
        .kind = PMD_RECORD_FULL, .flags = PMD_LAST, .key_len = (uint16_t)key_len, .value_len = VALUE_BYTES};
    uint8_t *to;

    if (bench->segment == 0 || bench->end + bytes > bench->pool->segment_bytes) {
        must(pool_take_free(bench->pool, &bench->record_context, SPACE_CLEANER, PMD_SEGMENT_SURVIVOR,
                            &bench->segment) == PM_OK);
        bench->end = 0;
    }
    to = pool_at(bench->pool, pool_segment_off(bench->pool, bench->segment) + bench->end);
    bench->end += bytes;
    memcpy(to, &header, sizeof header);
    memcpy(to + sizeof header, key, key_len);
    return pm_off_of(bench->pool->pm, to) / PM_UNIT;
}

/* A cut of operations on keys first..first+count-1 of the permutation. */
static void make_cut(struct bench *bench, uint64_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = bench->family == FAMILY_ASCENDING ? first + i : permute(first + i, bench->keys);
        struct index_op *op = &bench->ops[i];
        char key[KEY_BYTES_MAX];
        uint32_t key_len = make_key(bench, number, key);

        memset(op, 0, sizeof *op);
        op->kind = INDEX_PUT;
        op->loc = write_record(bench, key, key_len);
        op->key = (struct index_key){.data = record_key(record_at(bench->pool, op->loc)), .len = key_len};
        op->key.hash = key_hash(bench->pool->hash_seed, 0, op->key.data, key_len);
        bench->locs[number] = op->loc;
    }
}

static void apply_cut(struct bench *bench, uint32_t count)
{
    double start = now_s(), sorted;
    size_t applied;

    index_ops_sort(bench->ops, count);
    sorted = now_s();
    if (bench->per_object != NULL)
        must(per_object_apply(bench->per_object, &bench->context, bench->ops, count) == PM_OK);
    else
        must(skiplist_apply(bench->skiplist, &bench->context, bench->ops, count, ++bench->w, &applied) == PM_OK);
    bench->apply_s += now_s() - sorted;
    bench->sort_s += sorted - start;
    skiplist_step(bench->skiplist, &bench->context);
}

static void report(struct bench *bench, const char *what, uint64_t keys, const struct pm_counters *before)
{
    const struct pm_counters *after = &bench->context.counters;
    struct skiplist_counts counts;
    double bytes;

    skiplist_counts(bench->skiplist, &counts);
    bytes = (double)counts.leaves * PM_LEAF_BYTES / (double)counts.keys[0];
    if (bench->per_object != NULL)
        bytes = (double)per_object_bytes(bench->per_object) / (double)per_object_keys(bench->per_object);
    printf(
        "%-10s %10llu keys  %6.3f M/s  sort %4.0f ns  apply %5.0f ns  %.2f lines/key  %5.3f drains/1000  %5.2f B/key\n",
        what, (unsigned long long)keys, (double)keys / (bench->sort_s + bench->apply_s) / 1e6,
        bench->sort_s * 1e9 / (double)keys, bench->apply_s * 1e9 / (double)keys,
        (double)(after->flush_lines - before->flush_lines) / (double)keys,
        (double)(after->drains - before->drains) * 1000 / (double)keys, bytes);
    fflush(stdout);
    bench->sort_s = bench->apply_s = 0;
}

static void run_cuts(struct bench *bench, const char *what, uint64_t from, uint64_t to)
{
    uint64_t stage = (to - from + STAGES - 1) / STAGES;

    for (uint64_t at = from; at < to;) {
        struct pm_counters before = bench->context.counters;
        uint64_t begin = at;

        while (at < to && at - begin < stage) {
            uint32_t count = to - at < bench->cut ? (uint32_t)(to - at) : bench->cut;

            make_cut(bench, at, count);
            apply_cut(bench, count);
            at += count;
        }
        report(bench, what, at - begin, &before);
    }
}

static void run_lookups(struct bench *bench, const char *what, uint64_t count)
{
    double start = now_s(), seconds;

    for (uint64_t i = 0; i < count; i++) {
        uint64_t number = mix(i + 12345) % bench->keys;
        char text[KEY_BYTES_MAX];
        struct index_key key = {.data = (const uint8_t *)text, .len = make_key(bench, number, text)};
        pm_loc loc;

        key.hash = key_hash(bench->pool->hash_seed, 0, text, key.len);
        if (bench->per_object != NULL)
            loc = per_object_lookup(bench->per_object, &key);
        else
            must(skiplist_lookup(bench->skiplist, &key, &loc) == PM_OK);
        must(loc == bench->locs[number]);
    }
    seconds = now_s() - start;
    printf("%-10s %10llu keys  %6.0f ns each\n", what, (unsigned long long)count, seconds * 1e9 / (double)count);
}

static void run_walk(struct bench *bench)
{
    struct skiplist_walk walk;
    double start = now_s();
    uint64_t found = 0;

    skiplist_walk_start(bench->skiplist, &walk);
    while (!walk.done) {
        must(skiplist_walk_step(bench->skiplist, &walk) == PM_OK);
        found += walk.count;
    }
    skiplist_walk_end(&walk);
    must(found == bench->keys);
    printf("walk       %10llu keys  %6.1f M/s\n", (unsigned long long)found, (double)found / (now_s() - start) / 1e6);
}

static void run_restart(struct bench *bench)
{
    struct skiplist_counts counts;
    double start;

    skiplist_counts(bench->skiplist, &counts);
    skiplist_close(bench->skiplist);
    must(skiplist_open(&bench->skiplist, bench->pool, &bench->epochs, 0, counts.keys, counts.expires) == PM_OK);
    run_lookups(bench, "unbuilt", LOOKUPS / 10);
    start = now_s();
    must(skiplist_build_directory(bench->skiplist) == PM_OK);
    printf("build      %10llu leaves in %.1f ms\n", (unsigned long long)counts.leaves, (now_s() - start) * 1e3);
    start = now_s();
    must(skiplist_check(bench->skiplist) == PM_OK);
    printf("check      %.1f s\n", now_s() - start);
}

static void open_pool(struct bench *bench, const char *path)
{
    uint64_t records = bench->keys * 2 * 112,
             bytes = (records + bench->keys * 40 + (UINT64_C(1) << 28)) & ~((UINT64_C(1) << 21) - 1);
    const struct pool_create create = {.bytes = bytes, .format_head = skiplist_format_head};
    const uint64_t none[PM_DATABASES] = {0};
    struct pm *pm;

    unlink(path);
    must(pm_open(&pm, path, bytes, true) == PM_OK);
    must(pool_open(&bench->pool, pm, &create) == PM_OK);
    must(pool_space_start(bench->pool) == PM_OK);
    pm_context_init(&bench->context, pm);
    pm_context_init(&bench->record_context, pm);
    epochs_init(&bench->epochs, 1, UINT64_C(1) << 40);
    must(skiplist_open(&bench->skiplist, bench->pool, &bench->epochs, 0, none, none) == PM_OK);
}

static void run_family(uint64_t keys, uint32_t cut, enum family family, const char *path, bool quick, bool per_object)
{
    struct bench bench = {.family = family, .keys = keys, .cut = cut};

    printf("== %s, %llu keys, cuts of %u\n", family_names[family], (unsigned long long)keys, cut);
    bench.ops = malloc(cut * sizeof *bench.ops);
    bench.locs = malloc(keys * sizeof *bench.locs);
    must(bench.ops != NULL);
    must(bench.locs != NULL);
    open_pool(&bench, path);
    if (per_object) {
        bench.per_object = per_object_open(bench.pool, &bench.context);
        must(bench.per_object != NULL);
    }
    run_cuts(&bench, "insert", 0, keys);
    run_cuts(&bench, "overwrite", 0, keys / 2);
    if (!quick)
        run_lookups(&bench, "lookup", LOOKUPS);
    if (!quick && !per_object) {
        run_walk(&bench);
        run_restart(&bench);
    }
    per_object_close(bench.per_object);
    skiplist_close(bench.skiplist);
    pool_close(bench.pool);
    unlink(path);
    free(bench.ops);
    free(bench.locs);
}

int main(int argc, char **argv)
{
    const char *path = "/dev/shm/hearth-bench-index";
    uint64_t keys = KEYS_DEFAULT;
    uint32_t cut = CUT_DEFAULT;
    int family = -1, option;
    bool quick = false, per_object = false;

    while ((option = getopt(argc, argv, "n:b:f:p:qo")) != -1) {
        if (option == 'n')
            keys = strtoull(optarg, NULL, 10);
        else if (option == 'b')
            cut = (uint32_t)strtoul(optarg, NULL, 10);
        else if (option == 'f')
            family = atoi(optarg);
        else if (option == 'p')
            path = optarg;
        else if (option == 'q')
            quick = true;
        else if (option == 'o')
            per_object = true;
        else
            return 2;
    }
    for (int i = 0; i < FAMILY_COUNT; i++)
        if (family < 0 || family == i)
            run_family(keys, cut, (enum family)i, path, quick, per_object);
    return 0;
}
