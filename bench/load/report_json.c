/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The report as JSON. Times are in seconds, latencies in microseconds.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/load/options.h"
#include "bench/load/report.h"

/* Bytes that are no ASCII are told as the characters of the same number. */
static void print_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\')
            fprintf(out, "\\%c", byte);
        else if (byte < ' ' || byte >= 127)
            fprintf(out, "\\u%04x", byte);
        else
            fputc(byte, out);
    }
    fputc('"', out);
}

static void print_options(FILE *out, const struct options *options)
{
    const char *comma = "";

    fputs("  \"options\": {", out);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (option_table[i].type == OPTION_TYPE_SECRET)
            continue;
        fprintf(out, "%s\n    \"%s\": ", comma, option_table[i].name);
        print_string(out, options->values[i].text);
        comma = ",";
    }
    fputs("\n  }", out);
}

static void print_latency(FILE *out, const char *name, const struct histogram *latency)
{
    fprintf(out, "\n      \"%s\": {\"count\": %llu, \"mean\": %.3f", name, (unsigned long long)histogram_count(latency),
            histogram_mean(latency) / 1e3);
#define ROW(quantile, label) fprintf(out, ", \"%s\": %.3f", label, (double)histogram_quantile(latency, quantile) / 1e3);
    REPORT_QUANTILES(ROW)
#undef ROW
    fprintf(out, ", \"max\": %.3f}", (double)counter_read(&latency->max) / 1e3);
}

static void print_latencies(FILE *out, const struct stats *stats)
{
    struct histogram *all = report_all(stats);

    fputs("    \"latency_us\": {", out);
    print_latency(out, "all", all);
    for (int i = 0; i < KIND_COUNT; i++) {
        if (histogram_count(stats->latency_ns[i]) > 0) {
            fputc(',', out);
            print_latency(out, kind_table[i].name, stats->latency_ns[i]);
        }
    }
    fputs("\n    }", out);
    free(all);
}

static void print_errors(FILE *out, const struct stats *stats)
{
    fprintf(out, "    \"errors\": %llu,\n    \"error_kinds\": {", (unsigned long long)counter_read(&stats->errors));
    for (uint64_t i = 0; i < stats->error_kind_count; i++) {
        fputs(i > 0 ? ",\n      " : "\n      ", out);
        print_string(out, stats->error_kinds[i].word);
        fprintf(out, ": {\"count\": %llu, \"example\": ", (unsigned long long)stats->error_kinds[i].count);
        print_string(out, stats->error_kinds[i].text);
        fputc('}', out);
    }
    fputs(stats->error_kind_count > 0 ? "\n    },\n" : "},\n", out);
}

static void print_counter(FILE *out, const char *name, const _Atomic uint64_t *counter)
{
    fprintf(out, "    \"%s\": %llu,\n", name, (unsigned long long)counter_read(counter));
}

static void print_phase(FILE *out, const char *name, const struct phase_result *phase)
{
    const struct stats *stats = &phase->stats;
    double requests = (double)counter_read(&stats->requests);

    fprintf(out, ",\n  \"%s\": {\n", name);
    fprintf(out, "    \"seconds\": %.6f,\n    \"cpu_seconds\": %.6f,\n", phase->seconds, phase->cpu_s);
    print_counter(out, "requests", &stats->requests);
    fprintf(out, "    \"requests_per_second\": %.3f,\n", phase->seconds > 0 ? requests / phase->seconds : 0);
    print_counter(out, "hits", &stats->hits);
    print_counter(out, "misses", &stats->misses);
    print_counter(out, "unsent", &stats->unsent);
    print_counter(out, "connections_made", &stats->connections);
    print_counter(out, "sent_bytes", &stats->sent_bytes);
    print_counter(out, "received_bytes", &stats->received_bytes);
    fprintf(out, "    \"interrupted\": %s,\n", phase->interrupted ? "true" : "false");
    print_errors(out, stats);
    print_latencies(out, stats);
    fputs("\n  }", out);
}

void report_print_json(FILE *out, const struct report *report)
{
    fputs("{\n  \"program\": \"hearth-bench\",\n  \"version\": \"" HEARTH_VERSION_STRING "\",\n", out);
    print_options(out, report->options);
    if (report->load != NULL)
        print_phase(out, "load", report->load);
    if (report->run != NULL)
        print_phase(out, "run", report->run);
    fputs("\n}\n", out);
}
