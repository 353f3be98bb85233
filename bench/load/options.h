/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hearth-bench's options: their values, and the command line.
 *
 * IDEA     A row of option_table.h names an option, its type, bounds, default and help. Values are kept as text and as
 *          a number: of a duration milliseconds, of a choice its place, of a flag 0 or 1.
 * THREADS  Read only after options_read().
 */
#ifndef HEARTH_BENCH_OPTIONS_H
#define HEARTH_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/compiler.h"
#include "bench/load/option_table.h"

enum option {
#define ROW(ID, name, type, standard, low, high, argument, help) OPTION_##ID,
    BENCH_OPTIONS(ROW)
#undef ROW
        OPTION_COUNT
};

enum option_type {
    OPTION_TYPE_TEXT,
    OPTION_TYPE_SECRET,
    OPTION_TYPE_NUMBER,
    OPTION_TYPE_REAL,
    OPTION_TYPE_DURATION,
    OPTION_TYPE_CHOICE,
    OPTION_TYPE_FLAG
};

struct option_row {
    const char *name;
    enum option_type type;
    const char *standard; /* the default, as text */
    double low, high;
    const char *argument;
    const char *help;
};
extern const struct option_row option_table[OPTION_COUNT];

struct options {
    struct {
        const char *text; /* as given, or the default */
        double number;    /* exact: no bound is above 2^53 */
        bool given;
    } values[OPTION_COUNT];
};

enum options_action { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_MAN, OPTIONS_BAD };

#define OPTION_ERROR_BYTES 512

/* Reads the command line, whose words must outlive the options. OPTIONS_BAD: `error` says what is wrong. */
HEARTH_MUST_USE enum options_action options_read(struct options *options, int argc, char **argv,
                                                 char error[OPTION_ERROR_BYTES]);

/* --help. */
void options_print_help(FILE *out);
/* The options as a man(7) section. */
void options_print_man(FILE *out);

#endif
