/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A phase: all workers follow one plan, from the first connection to the last reply.
 *
 * THREADS  phase_run() is the main thread's; phase_interrupt() may be called by a signal handler.
 */
#ifndef HEARTH_BENCH_PHASE_H
#define HEARTH_BENCH_PHASE_H

#include "bench/load/plan.h"
#include "bench/load/stats.h"

struct phase_result {
    struct stats stats;
    double seconds; /* from the end of the warm-up to the last reply, or to the end of the duration */
    double cpu_s;   /* of this program's workers, warm-up included */
    bool interrupted;
};

/* What has happened since the interval before. */
struct phase_interval {
    double elapsed_s; /* since the end of the warm-up */
    double seconds;   /* of this interval */
    const struct stats *stats;
};

/*
 * Follows the plan to its end; on_interval (NULL: nobody asks) is called every interval_ns, and at the end for what is
 * left. `result` is to be freed with phase_free(). What makes the run impossible or wrong ends the program by fail().
 */
void phase_run(struct plan *plan, uint64_t interval_ns, struct phase_result *result,
               void (*on_interval)(const struct phase_interval *interval, void *context), void *context);
void phase_free(struct phase_result *result);

/* Ends this phase and those that follow early; what has been measured is reported. */
void phase_interrupt(void);
bool phase_is_interrupted(void);

#endif
