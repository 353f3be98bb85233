/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The append engine by itself: one thread, turns of 1 or 16 records, values that make records of 64 to 1024 bytes, in
 * both commit modes; then what a restart takes to accept the last 32 MB of it.
 *
 * METHOD  Segments are made ready before the clock starts (in the server the index writer does it beside). Best of
 *         five runs, since other load only ever makes it slower; CPU time of the thread stands beside wall time. On tmpfs the mapping is taken as persistent memory
 *         (trust-pmem): flushes and fences are real, the medium is DRAM.
 *
 * bench_append [PATH]   default: /dev/shm/hearth-append.pool; made anew, removed at the end
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "persist/log.h"
#include "persist/recovery.h"

enum { RUNS = 5, SEGMENTS = 128, KEY_LEN = 16, BATCH_BYTES = 128 << 20, TAIL_BYTES = 32 << 20 };

struct bench {
    const char *path;
    struct pool *pool;
    struct log *log;
    struct epochs epochs;
    struct recovery recovery;
    uint8_t value[4096];
};

static void check(enum pm_status status, const char *what)
{
    if (status == PM_OK)
        return;
    fprintf(stderr, "append: %s: %s\n", what, pm_status_text(status));
    exit(1);
}

static void ignore(const struct log_item *item, void *context)
{
    (void)item;
    (void)context;
}

static void open_pool(struct bench *bench, bool create)
{
    struct pool_create new_pool = {.bytes = create ? (uint64_t)SEGMENTS << PM_SEGMENT_BITS_DEFAULT : 0};
    struct pm *pm;

    check(pm_open(&pm, bench->path, new_pool.bytes, true), "mapping");
    check(pool_open(&bench->pool, pm, &new_pool), "pool");
}

static void recover(struct bench *bench, enum pmd_commit_mode mode, uint32_t threads)
{
    struct recovery_options options = {.mode = mode, .threads = threads};

    check(recovery_run(bench->pool, &options, ignore, NULL, &bench->recovery), "recovery");
}

/* A new pool with `ready` segments ready. */
static void begin(struct bench *bench, enum pmd_commit_mode mode, uint32_t ready)
{
    struct log_options options = {.mode = mode, .writers = 1};
    struct pm_context context;

    unlink(bench->path);
    open_pool(bench, true);
    recover(bench, mode, 1);
    check(pool_space_start(bench->pool), "space");
    epochs_init(&bench->epochs, bench->recovery.first_epoch, bench->recovery.first_epoch + RECOVERY_LEASE_EPOCHS);
    recovery_free(&bench->recovery);
    check(log_open(&bench->log, bench->pool, &bench->epochs, &options), "log");
    pm_context_init(&context, bench->pool->pm);
    while (pool_space_step(bench->pool, &context, ready))
        ;
}

static void end(struct bench *bench)
{
    log_close(bench->log);
    pool_close(bench->pool);
}

struct cost {
    uint64_t wall_ns, cpu_ns;
};

/* Appends `count` records of `bytes` each, a turn every `turn` of them. */
static struct cost append(struct bench *bench, uint32_t bytes, uint32_t turn, uint64_t count)
{
    struct log_writer *writer = log_writer(bench->log, 0);
    char key[KEY_LEN + 1];
    struct log_part part = {bench->value, bytes - sizeof(struct pmd_record) - KEY_LEN};
    struct log_record record = {
        .kind = PMD_RECORD_FULL, .key = (uint8_t *)key, .key_len = KEY_LEN, .parts = &part, .part_count = 1};
    uint64_t start, start_cpu_us;

    snprintf(key, sizeof(key), "key:%012d", 0);
    start_cpu_us = clock_thread_cpu_us();
    start = clock_mono_ns();
    for (uint64_t i = 0; i < count; i += turn) {
        log_turn_begin(writer);
        for (uint32_t j = 0; j < turn; j++) {
            check(log_reserve(writer, SPACE_USER, bytes, 1), "reserve");
            record.cts = log_draw_cts(writer, 0);
            memcpy(key + 8, &i, 8);
            (void)log_append(writer, &record);
        }
        check(log_turn_close(writer), "close");
    }
    return (struct cost){clock_mono_ns() - start, (clock_thread_cpu_us() - start_cpu_us) * 1000};
}

static void measure(struct bench *bench, enum pmd_commit_mode mode, uint32_t bytes, uint32_t turn)
{
    uint64_t count = BATCH_BYTES / ((bytes + 63) / 64 * 64) / turn * turn;
    struct cost best = {UINT64_MAX, UINT64_MAX};

    for (int i = 0; i < RUNS; i++) {
        struct cost cost;

        begin(bench, mode, SEGMENTS);
        cost = append(bench, bytes, turn, count);
        best.wall_ns = cost.wall_ns < best.wall_ns ? cost.wall_ns : best.wall_ns;
        best.cpu_ns = cost.cpu_ns < best.cpu_ns ? cost.cpu_ns : best.cpu_ns;
        end(bench);
    }
    printf("%-6s %6u %6u %10.2f %10.1f %10.1f %10.2f\n", mode == PMD_COMMIT_TURN ? "turn" : "epoch", bytes, turn,
           (double)count * 1e3 / (double)best.wall_ns, (double)best.wall_ns / (double)count,
           (double)best.cpu_ns / (double)count, (double)(count * bytes) / (double)best.wall_ns);
    fflush(stdout);
}

/* A restart with a tail of 32 MB: time to accept it, by that many threads. */
static void measure_restart(struct bench *bench, uint32_t bytes, uint32_t threads)
{
    uint64_t start, ns;

    begin(bench, PMD_COMMIT_TURN, (TAIL_BYTES >> PM_SEGMENT_BITS_DEFAULT) + 4);
    (void)append(bench, bytes, 16, TAIL_BYTES / bytes / 16 * 16);
    end(bench);
    open_pool(bench, false);
    start = clock_mono_ns();
    recover(bench, PMD_COMMIT_TURN, threads);
    ns = clock_mono_ns() - start;
    printf("%6u %8u %10" PRIu64 " %10.2f\n", bytes, threads, bench->recovery.records, (double)ns / 1e6);
    recovery_free(&bench->recovery);
    pool_close(bench->pool);
}

int main(int argc, char **argv)
{
    static const uint32_t sizes[] = {64, 128, 256, 512, 1024};
    static struct bench bench;

    bench.path = argc > 1 ? argv[1] : "/dev/shm/hearth-append.pool";
    printf("%-6s %6s %6s %10s %10s %10s %10s\n", "mode", "bytes", "turn", "M/s", "ns", "CPU ns", "GB/s");
    for (int mode = PMD_COMMIT_TURN; mode <= PMD_COMMIT_EPOCH; mode++)
        for (size_t i = 0; i < HEARTH_ARRAY_COUNT(sizes); i++)
            for (uint32_t turn = 1; turn <= 16; turn *= 4)
                measure(&bench, (enum pmd_commit_mode)mode, sizes[i], turn);
    printf("\nrestart with a tail of 32 MB\n%6s %8s %10s %10s\n", "bytes", "threads", "records", "ms");
    for (uint32_t threads = 1; threads <= 2; threads++) {
        measure_restart(&bench, 160, threads);
        measure_restart(&bench, 1024, threads);
    }
    unlink(bench.path);
    return 0;
}
