/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Help and the manual's section, printed from the table of options.
 */
#include <string.h>

#include "bench/load/options.h"

#define WIDTH 96

/* Prints text wrapped at WIDTH, each line after `indent`. */
static void print_wrapped(FILE *out, const char *indent, const char *text)
{
    size_t room = WIDTH - strlen(indent);

    while (*text != '\0') {
        size_t len = strlen(text);
        if (len > room) {
            for (len = room; len > 0 && text[len] != ' ';)
                len--;
            if (len == 0)
                len = strcspn(text, " ");
        }
        fprintf(out, "%s%.*s\n", indent, (int)len, text);
        text += len;
        text += strspn(text, " ");
    }
}

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
        print_wrapped(out, "        ", row->help);
    }
    fputs("    --help, --version\n", out);
}

/* Text for man(7): hyphens and backslashes are escaped, a dot or quote at the start too. */
static void print_man_text(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
    }
}

void options_print_man(FILE *out)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_table[i];
        fputs(".TP\n\\fB\\-\\-", out);
        print_man_text(out, row->name);
        fputs("\\fR \\fI", out);
        print_man_text(out, row->argument);
        fputs("\\fR\n", out);
        print_man_text(out, row->help);
        fputs("\n", out);
        if (row->type != OPTION_TYPE_FLAG && row->standard[0] != '\0') {
            fputs("Default: ", out);
            print_man_text(out, row->standard);
            fputs(".\n", out);
        }
    }
}
