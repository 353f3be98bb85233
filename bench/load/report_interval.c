/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is told while it runs: a line of CSV or of progress for each interval.
 */
#include <stdlib.h>

#include "bench/load/report.h"

void report_print_csv_head(FILE *out)
{
    fputs("elapsed_s,seconds,requests,requests_s,hits,misses,errors,connections", out);
#define ROW(quantile, label) fputs("," label "_us", out);
    REPORT_QUANTILES(ROW)
#undef ROW
    fputs(",max_us\n", out);
}

void report_print_csv(FILE *out, const struct phase_interval *interval)
{
    const struct stats *stats = interval->stats;
    struct histogram *all = report_all(stats);
    double requests = (double)counter_read(&stats->requests);

    fprintf(out, "%.3f,%.3f,%.0f,%.1f,%llu,%llu,%llu,%llu", interval->elapsed_s, interval->seconds, requests,
            requests / interval->seconds, (unsigned long long)counter_read(&stats->hits),
            (unsigned long long)counter_read(&stats->misses), (unsigned long long)counter_read(&stats->errors),
            (unsigned long long)counter_read(&stats->connections));
#define ROW(quantile, label) fprintf(out, ",%.3f", (double)histogram_quantile(all, quantile) / 1e3);
    REPORT_QUANTILES(ROW)
#undef ROW
    fprintf(out, ",%.3f\n", (double)counter_read(&all->max) / 1e3);
    fflush(out);
    free(all);
}

void report_print_progress(FILE *out, const struct phase_interval *interval, bool is_terminal)
{
    const struct stats *stats = interval->stats;
    struct histogram *all = report_all(stats);

    fprintf(out, "%s%6.1f s  %10.0f requests/s  p50 %.1f us  p99 %.1f us  max %.1f us  misses %llu  errors %llu%s",
            is_terminal ? "\r\033[K" : "", interval->elapsed_s,
            (double)counter_read(&stats->requests) / interval->seconds, (double)histogram_quantile(all, 0.5) / 1e3,
            (double)histogram_quantile(all, 0.99) / 1e3, (double)counter_read(&all->max) / 1e3,
            (unsigned long long)counter_read(&stats->misses), (unsigned long long)counter_read(&stats->errors),
            is_terminal ? "" : "\n");
    fflush(out);
    free(all);
}
