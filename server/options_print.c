/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Help, manual and configuration file, printed from the tables of options and commands.
 */
#include "server/options_print.h"

#include "base/text.h"
#include "proto/memcache.h"
#include "server/command.h"
#include "server/options.h"

/* ---- help ---- */

static const char short_help[] =
    "hearthd: a persistent cache server for the protocols of memcached and Redis\n"
    "\n"
    "    hearthd [FILE] [--directive value ...]\n"
    "\n"
    "FILE is a configuration file; what stands on the command line has the last word. memcached's short flags:\n"
    "    -p PORT     memcache-port\n"
    "    -l ADDRESS  bind; several are separated by commas\n"
    "    -s PATH     memcache-unixsocket; no TCP port then, unless one is given\n"
    "    -t NUMBER   threads\n"
    "    -c NUMBER   maxclients\n"
    "    -u USER     user\n"
    "    -d          daemonize yes\n"
    "    -P PATH     pidfile\n"
    "    -v, -vv     loglevel info, debug\n"
    "    -V          print the version\n"
    "    -h          print this\n"
    "\n"
    "Directives:\n";

void options_print_help(FILE *out)
{
    fputs(short_help, out);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_table[i];
        fprintf(out, "    %s %s", row->name, row->argument);
        if (row->standard[0] != '\0')
            fprintf(out, " (%s)", row->standard);
        fputc('\n', out);
        text_print_wrapped(out, "        ", row->help);
    }
}

/* ---- manual ---- */

void options_print_man(FILE *out)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_table[i];
        fputs(".TP\n\\fB", out);
        text_print_man(out, row->name);
        fputs("\\fR \\fI", out);
        text_print_man(out, row->argument);
        fputs("\\fR\n", out);
        text_print_man(out, row->help);
        fputs("\n", out);
        if (row->standard[0] != '\0') {
            fputs("Default: ", out);
            text_print_man(out, row->standard);
            fputs(".\n", out);
        }
        if (row->when == OPTION_RUNTIME)
            fputs("CONFIG SET changes it.\n", out);
    }
}

static void print_man_row(FILE *out, const char *name, const char *arguments, const char *help)
{
    fputs(".TP\n\\fB", out);
    text_print_man(out, name);
    fputs("\\fR ", out);
    text_print_man(out, arguments);
    fputs("\n", out);
    text_print_man(out, help);
    fputs("\n", out);
}

void commands_print_man(FILE *out)
{
    static const struct {
        const char *name, *arguments, *help;
    } verbs[] = {
#define ROW(NAME, name, shape, arguments, help) {#name, arguments, help},
        MEMCACHE_VERBS(ROW)
#undef ROW
    };
    char name[64];

    fputs(".SS Protocol of memcached\n", out);
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(verbs); i++)
        print_man_row(out, verbs[i].name, verbs[i].arguments, verbs[i].help);
    fputs(".SS Protocol of Redis\n", out);
    for (uint32_t i = 0; i < command_count; i++) {
        snprintf(name, sizeof name, "%s", command_table[i].name);
        for (char *at = name; *at != '\0'; at++) {
            if (*at >= 'a' && *at <= 'z')
                *at = (char)(*at - 'a' + 'A');
            else if (*at == '|')
                *at = ' ';
        }
        print_man_row(out, name, command_table[i].arguments, command_table[i].summary);
    }
}

/* ---- configuration file ---- */

static const char conf_head[] =
    "# Configuration of hearthd: a directive and its value a line. Read by `hearthd hearth.conf`; directives\n"
    "# on the command line (--threads 2) have the last word. Each one stands here with its default.\n"
    "# Sizes: 64mb, 1gb. Times: 250ms, 1s, 1m. `include FILE` reads another file.\n"
    "# man hearth.conf says more. This file is printed by `hearthd --print-conf`.\n";

void options_print_conf(FILE *out)
{
    fputs(conf_head, out);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_table[i];
        fputc('\n', out);
        text_print_wrapped(out, "# ", row->help);
        if (row->type == OPTION_CHOICE)
            fprintf(out, "# One of %s.\n", row->argument);
        if (row->when == OPTION_RUNTIME)
            fputs("# CONFIG SET changes it.\n", out);
        fprintf(out, "# %s %s\n", row->name, row->standard[0] != '\0' ? row->standard : "\"\"");
    }
}
