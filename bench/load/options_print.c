/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Help and the manual's section, printed from the table of options.
 */
#include "base/text.h"
#include "bench/load/options.h"

static const char help_head[] = "hearth-bench: a load generator for the protocols of memcached and Redis\n"
                                "\n"
                                "    hearth-bench [--option value ...]\n"
                                "\n"
                                "    hearth-bench --protocol redis --load --pipeline 16 --duration 30s\n"
                                "    hearth-bench --rate 20000 --distribution zipf --value-size 100:50,1024:50\n"
                                "\n"
                                "Options:\n";

void options_print_help(FILE *out)
{
    fputs(help_head, out);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_table[i];
        fprintf(out, "    --%s %s", row->name, row->argument);
        if (row->type != OPTION_TYPE_FLAG && row->standard[0] != '\0')
            fprintf(out, " (%s)", row->standard);
        fputc('\n', out);
        text_print_wrapped(out, "        ", row->help);
    }
    fputs("    --help, --version\n", out);
}

void options_print_man(FILE *out)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_table[i];
        fputs(".TP\n\\fB\\-\\-", out);
        text_print_man(out, row->name);
        fputs("\\fR \\fI", out);
        text_print_man(out, row->argument);
        fputs("\\fR\n", out);
        text_print_man(out, row->help);
        fputs("\n", out);
        if (row->type != OPTION_TYPE_FLAG && row->standard[0] != '\0') {
            fputs("Default: ", out);
            text_print_man(out, row->standard);
            fputs(".\n", out);
        }
    }
}
