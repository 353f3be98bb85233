/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hearth-bench: reads its options, loads, runs, reports.
 *
 * EXIT STATUS   0 after a run, error replies or not (they are reported); 1 when it could not be done, or when an answer
 *               was wrong, with one line that says why.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/load/fail.h"
#include "bench/load/options.h"
#include "bench/load/report.h"

#define NS_PER_MS UINT64_C(1000000)

/* Where reports go. */
struct outputs {
    FILE *summary; /* NULL: JSON has taken its place */
    FILE *json;    /* NULL: none is wanted; the same for the others */
    FILE *csv;
    FILE *progress;
    bool is_terminal;
};

static void on_signal(int number)
{
    (void)number;
    phase_interrupt();
}

/* The first interrupt ends the run early, the second the program. */
static void catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static FILE *open_output(const struct options *options, enum option option)
{
    const char *path = options->values[option].text;
    FILE *file;

    if (path[0] == '\0')
        return NULL;
    if (option == OPTION_JSON && strcmp(path, "-") == 0)
        return stdout;
    file = fopen(path, "we");
    if (file == NULL)
        fail("--%s %s: %s", option_table[option].name, path, strerror(errno));
    return file;
}

static void close_output(const struct options *options, enum option option, FILE *file)
{
    if (file != NULL && (ferror(file) != 0 || fclose(file) != 0))
        fail("--%s %s: it could not be written", option_table[option].name, options->values[option].text);
}

static struct outputs open_outputs(const struct options *options)
{
    struct outputs outputs = {.is_terminal = isatty(STDERR_FILENO) == 1};

    outputs.json = open_output(options, OPTION_JSON);
    outputs.csv = open_output(options, OPTION_CSV);
    outputs.summary = outputs.json == stdout ? NULL : stdout;
    if (outputs.is_terminal || options->values[OPTION_PROGRESS].number != 0)
        outputs.progress = stderr;
    if (outputs.csv != NULL)
        report_print_csv_head(outputs.csv);
    return outputs;
}

static void on_interval(const struct phase_interval *interval, void *context)
{
    const struct outputs *outputs = context;

    if (outputs->csv != NULL)
        report_print_csv(outputs->csv, interval);
    if (outputs->progress != NULL)
        report_print_progress(outputs->progress, interval, outputs->is_terminal);
}

/* CSV is for the run. */
static void on_load_interval(const struct phase_interval *interval, void *context)
{
    const struct outputs *outputs = context;

    report_print_progress(outputs->progress, interval, outputs->is_terminal);
}

static uint64_t interval_of(const struct options *options)
{
    return (uint64_t)options->values[OPTION_INTERVAL].number * NS_PER_MS;
}

static void load(struct plan *plan, const struct options *options, struct outputs *outputs, struct phase_result *result)
{
    struct plan load_plan;

    plan_init_load(&load_plan, plan);
    phase_run(&load_plan, interval_of(options), result, outputs->progress != NULL ? on_load_interval : NULL, outputs);
    if (outputs->progress != NULL && outputs->is_terminal)
        fputc('\n', outputs->progress);
    if (outputs->summary != NULL) {
        report_print_load(outputs->summary, result);
        fflush(outputs->summary);
    }
}

static void run(struct plan *plan, const struct options *options, struct outputs *outputs, struct phase_result *result)
{
    bool watched = outputs->csv != NULL || outputs->progress != NULL;

    phase_run(plan, interval_of(options), result, watched ? on_interval : NULL, outputs);
    if (outputs->progress != NULL && outputs->is_terminal)
        fputc('\n', outputs->progress);
}

static void work(const struct options *options)
{
    struct phase_result loaded;
    struct phase_result ran;
    struct plan plan;
    struct report report = {.options = options, .plan = &plan};
    struct outputs outputs;
    bool load_only = options->values[OPTION_LOAD_ONLY].number != 0;

    plan_init(&plan, options);
    outputs = open_outputs(options);
    if (outputs.summary != NULL) {
        report_print_plan(outputs.summary, &plan);
        fflush(outputs.summary);
    }
    if (load_only || options->values[OPTION_LOAD].number != 0) {
        load(&plan, options, &outputs, &loaded);
        report.load = &loaded;
    }
    if (!load_only && !phase_is_interrupted()) {
        run(&plan, options, &outputs, &ran);
        report.run = &ran;
        if (outputs.summary != NULL)
            report_print_run(outputs.summary, &report);
    }
    if (outputs.json != NULL)
        report_print_json(outputs.json, &report);
    close_output(options, OPTION_JSON, outputs.json);
    close_output(options, OPTION_CSV, outputs.csv);
    if (report.load != NULL)
        phase_free(&loaded);
    if (report.run != NULL)
        phase_free(&ran);
    plan_free(&plan);
}

int main(int argc, char **argv)
{
    struct options options;
    char error[OPTION_ERROR_BYTES];

    switch (options_read(&options, argc, argv, error)) {
    case OPTIONS_HELP:
        options_print_help(stdout);
        return 0;
    case OPTIONS_VERSION:
        puts("hearth-bench " HEARTH_VERSION_STRING);
        return 0;
    case OPTIONS_MAN:
        options_print_man(stdout);
        return 0;
    case OPTIONS_BAD:
        fail("%s", error);
    case OPTIONS_RUN:
        break;
    }
    catch_interrupts();
    work(&options);
    return 0;
}
