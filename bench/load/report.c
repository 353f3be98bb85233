/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The summary for people.
 */
#include "bench/load/report.h"

#include <stdlib.h>

#include "base/number.h"
#include "bench/load/fail.h"

#define GROUPED_BYTES 32

struct histogram *report_all(const struct stats *stats)
{
    struct histogram *all = need(histogram_new());

    stats_all_requests(stats, all);
    return all;
}

/* 1234567 as 1,234,567. */
static const char *grouped(char out[GROUPED_BYTES], uint64_t number)
{
    char digits[NUMBER_TEXT_BYTES_MAX];
    size_t len = number_format_u64(digits, number);
    char *at = out;

    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = '\0';
    return out;
}

void report_print_plan(FILE *out, const struct plan *plan)
{
    char keys[GROUPED_BYTES];

    fprintf(out, "%s at %s, %u connection%s, %u thread%s, pipeline %u", plan->protocol->name, plan->address.text,
            plan->conn_count, plan->conn_count == 1 ? "" : "s", plan->thread_count, plan->thread_count == 1 ? "" : "s",
            plan->pipeline);
    if (plan->multi_get > 1)
        fprintf(out, ", %u keys a get", plan->multi_get);
    fputs(plan->storm ? ", a connection for each request" : "", out);
    if (plan->rate > 0)
        fprintf(out, ", open loop at %.12g requests/s\n", plan->rate);
    else
        fprintf(out, ", closed loop\n");
    fprintf(out, "%s keys, %s, seed %llu%s\n", grouped(keys, plan->keys.count),
            keys_distribution_name(plan->keys.distribution), (unsigned long long)plan->seed,
            plan->wire.values.verify ? ", values verified" : "");
}

static double share(double part, double all)
{
    return all > 0 ? part / all : 0;
}

void report_print_load(FILE *out, const struct phase_result *load)
{
    char keys[GROUPED_BYTES];
    char speed[GROUPED_BYTES];
    uint64_t count = counter_read(&load->stats.requests);

    fprintf(out, "loaded %s keys in %.2f s: %s a second\n", grouped(keys, count), load->seconds,
            grouped(speed, (uint64_t)share((double)count, load->seconds)));
}

static void print_errors(FILE *out, const struct stats *stats)
{
    char count[GROUPED_BYTES];

    fprintf(out, "errors        %s\n", grouped(count, counter_read(&stats->errors)));
    for (uint64_t i = 0; i < stats->error_kind_count; i++)
        fprintf(out, "    %s  %s\n", grouped(count, stats->error_kinds[i].count), stats->error_kinds[i].text);
}

static void print_latency_row(FILE *out, const char *name, const struct histogram *latency)
{
    char count[GROUPED_BYTES];

    fprintf(out, "%-18s %14s %9.1f", name, grouped(count, histogram_count(latency)), histogram_mean(latency) / 1e3);
#define ROW(quantile, label) fprintf(out, " %9.1f", (double)histogram_quantile(latency, quantile) / 1e3);
    REPORT_QUANTILES(ROW)
#undef ROW
    fprintf(out, " %9.1f\n", (double)counter_read(&latency->max) / 1e3);
}

static void print_latencies(FILE *out, const struct stats *stats)
{
    struct histogram *all = report_all(stats);
    unsigned kinds = 0;

    fprintf(out, "\n%-18s %14s %9s", "latency in us", "count", "mean");
#define ROW(quantile, label) fprintf(out, " %9s", label);
    REPORT_QUANTILES(ROW)
#undef ROW
    fprintf(out, " %9s\n", "max");
    for (int i = 0; i < KIND_COUNT; i++) {
        if (histogram_count(stats->latency_ns[i]) == 0)
            continue;
        print_latency_row(out, kind_table[i].name, stats->latency_ns[i]);
        kinds += kind_table[i].is_request != 0;
    }
    if (kinds > 1)
        print_latency_row(out, "all requests", all);
    free(all);
}

void report_print_run(FILE *out, const struct report *report)
{
    const struct phase_result *run = report->run;
    const struct stats *stats = &run->stats;
    double requests = (double)counter_read(&stats->requests);
    uint64_t hits = counter_read(&stats->hits);
    uint64_t misses = counter_read(&stats->misses);
    char left[GROUPED_BYTES];
    char right[GROUPED_BYTES];

    fprintf(out, "\nrequests      %s in %.3f s: %s a second%s\n", grouped(left, (uint64_t)requests), run->seconds,
            grouped(right, (uint64_t)share(requests, run->seconds)), run->interrupted ? " (interrupted)" : "");
    if (hits + misses > 0) {
        fprintf(out, "hits          %s (%.2f %%), ", grouped(left, hits),
                100 * share((double)hits, (double)(hits + misses)));
        fprintf(out, "misses %s\n", grouped(right, misses));
    }
    if (counter_read(&stats->unsent) > 0)
        fprintf(out, "unsent        %s that were due: all connections were waiting for answers\n",
                grouped(left, counter_read(&stats->unsent)));
    if (counter_read(&stats->connections) > 0)
        fprintf(out, "connections   %s made\n", grouped(left, counter_read(&stats->connections)));
    print_errors(out, stats);
    fprintf(out, "traffic       %.1f MB sent, %.1f MB received\n", (double)counter_read(&stats->sent_bytes) / 1e6,
            (double)counter_read(&stats->received_bytes) / 1e6);
    fprintf(out, "hearth-bench  %.2f us of CPU time a request; its threads were %.0f %% busy\n",
            share(run->cpu_s * 1e6, requests), 100 * share(run->cpu_s, run->seconds * report->plan->thread_count));
    print_latencies(out, stats);
}
