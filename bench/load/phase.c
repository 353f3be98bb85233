/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Workers started, watched and joined.
 */
#include "bench/load/phase.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "bench/load/fail.h"
#include "bench/load/worker.h"

#define WATCH_NS 5000000
/* Descriptors beside the connections. */
#define OTHER_FILES 64

static atomic_bool interrupted;

void phase_interrupt(void)
{
    atomic_store(&interrupted, true);
}

bool phase_is_interrupted(void)
{
    return atomic_load(&interrupted);
}

static void raise_open_files(uint64_t conn_count)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= conn_count + OTHER_FILES)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < conn_count + OTHER_FILES || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        fail("--connections %llu: only %llu files can be open; see ulimit -n", (unsigned long long)conn_count,
             (unsigned long long)limit.rlim_max);
}

static uint64_t later(uint64_t begin_ns, uint64_t duration_ns)
{
    return duration_ns > UINT64_MAX - begin_ns ? UINT64_MAX : begin_ns + duration_ns;
}

static void start(struct phase *phase, struct worker *workers)
{
    const struct plan *plan = phase->plan;

    if (pthread_barrier_init(&phase->barrier, NULL, plan->thread_count + 1) != 0)
        fail("no barrier for the threads");
    for (unsigned i = 0; i < plan->thread_count; i++)
        worker_init(&workers[i], phase, i);
    for (unsigned i = 0; i < plan->thread_count; i++) {
        if (pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]) != 0)
            fail("--threads %u: no thread", plan->thread_count);
    }
    pthread_barrier_wait(&phase->barrier);
    phase->begin_ns = clock_mono_ns();
    phase->measure_ns = phase->begin_ns + plan->warmup_ns;
    phase->end_ns = later(phase->measure_ns, plan->duration_ns);
    pthread_barrier_wait(&phase->barrier);
}

/* ---- intervals ---- */

struct watch {
    struct phase *phase;
    struct worker *workers;
    uint64_t interval_ns;
    uint64_t since_ns; /* the end of the interval before */
    struct stats seen; /* all that the intervals before have seen */
    void (*on_interval)(const struct phase_interval *interval, void *context);
    void *context;
};

static void end_interval(struct watch *watch, uint64_t now_ns)
{
    struct phase_interval interval = {
        .elapsed_s = (double)(now_ns - watch->phase->measure_ns) / 1e9,
        .seconds = (double)(now_ns - watch->since_ns) / 1e9,
    };
    struct stats now;

    stats_init(&now);
    for (unsigned i = 0; i < watch->phase->plan->thread_count; i++)
        stats_add(&now, &watch->workers[i].stats);
    stats_subtract(&now, &watch->seen);
    stats_add(&watch->seen, &now);
    interval.stats = &now;
    watch->on_interval(&interval, watch->context);
    stats_free(&now);
    watch->since_ns = now_ns;
}

/* Until all workers have ended. */
static void watch_workers(struct watch *watch)
{
    struct timespec pause = {.tv_nsec = WATCH_NS};
    uint64_t now_ns;

    while (atomic_load(&watch->phase->ended) < watch->phase->plan->thread_count) {
        nanosleep(&pause, NULL);
        if (phase_is_interrupted())
            atomic_store(&watch->phase->stop, true);
        now_ns = clock_mono_ns();
        if (watch->on_interval != NULL && now_ns >= watch->since_ns + watch->interval_ns)
            end_interval(watch, now_ns);
    }
    now_ns = clock_mono_ns();
    if (watch->on_interval != NULL && now_ns > watch->since_ns)
        end_interval(watch, now_ns);
}

/* ---- the result ---- */

static void sum_up(struct phase *phase, struct worker *workers, struct phase_result *result)
{
    uint64_t end_ns = phase->measure_ns;

    stats_init(&result->stats);
    for (unsigned i = 0; i < phase->plan->thread_count; i++) {
        stats_add(&result->stats, &workers[i].stats);
        stats_add_errors(&result->stats, &workers[i].stats);
        result->cpu_s += (double)workers[i].cpu_us / 1e6;
        if (workers[i].last_answer_ns > end_ns)
            end_ns = workers[i].last_answer_ns;
    }
    result->interrupted = phase_is_interrupted();
    if (phase->plan->request_count == UINT64_MAX && !result->interrupted && phase->end_ns > end_ns)
        end_ns = phase->end_ns;
    result->seconds = (double)(end_ns - phase->measure_ns) / 1e9;
}

void phase_run(struct plan *plan, uint64_t interval_ns, struct phase_result *result,
               void (*on_interval)(const struct phase_interval *interval, void *context), void *context)
{
    struct phase phase = {.plan = plan};
    struct worker *workers = need(calloc(plan->thread_count, sizeof *workers));
    struct watch watch = {.phase = &phase,
                          .workers = workers,
                          .interval_ns = interval_ns,
                          .on_interval = on_interval,
                          .context = context};

    *result = (struct phase_result){.seconds = 0};
    raise_open_files(plan->conn_count);
    stats_init(&watch.seen);
    start(&phase, workers);
    watch.since_ns = phase.measure_ns;
    watch_workers(&watch);
    for (unsigned i = 0; i < plan->thread_count; i++)
        pthread_join(workers[i].thread, NULL);
    sum_up(&phase, workers, result);
    for (unsigned i = 0; i < plan->thread_count; i++)
        worker_free(&workers[i]);
    stats_free(&watch.seen);
    free(workers);
    pthread_barrier_destroy(&phase.barrier);
}

void phase_free(struct phase_result *result)
{
    stats_free(&result->stats);
}
