/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the operator gets to see: the summary, progress, JSON, CSV.
 *
 * THREADS  The main thread's.
 */
#ifndef HEARTH_BENCH_REPORT_H
#define HEARTH_BENCH_REPORT_H

#include <stdio.h>

#include "bench/load/phase.h"

/* The quantiles of all reports: ROW(quantile, name). */
#define REPORT_QUANTILES(ROW) \
    ROW(0.5, "p50") \
    ROW(0.9, "p90") \
    ROW(0.99, "p99") \
    ROW(0.999, "p99.9") \
    ROW(0.9999, "p99.99")

struct report {
    const struct options *options;
    const struct plan *plan;
    const struct phase_result *load; /* NULL: there was none */
    const struct phase_result *run;  /* NULL: there was none */
};

/* The latencies of all requests, sorted into one; free() it. */
struct histogram *report_all(const struct stats *stats);

/* What is about to be done; then, at the end, what came of it. */
void report_print_plan(FILE *out, const struct plan *plan);
void report_print_load(FILE *out, const struct phase_result *load);
void report_print_run(FILE *out, const struct report *report);

void report_print_json(FILE *out, const struct report *report);

void report_print_csv_head(FILE *out);
void report_print_csv(FILE *out, const struct phase_interval *interval);
/* One line; on a terminal over the one before. */
void report_print_progress(FILE *out, const struct phase_interval *interval, bool is_terminal);

#endif
