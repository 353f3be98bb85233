/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Texts that come from the tables: help, the manual's sections, the commented configuration file.
 */
#ifndef HEARTH_SERVER_OPTIONS_PRINT_H
#define HEARTH_SERVER_OPTIONS_PRINT_H

#include <stdio.h>

/* What hearthd -h says. */
void options_print_help(FILE *out);
/* The options as a man(7) section. */
void options_print_man(FILE *out);
/* The commands of both protocols as a man(7) section. */
void commands_print_man(FILE *out);
/* conf/hearth.conf: every option with its help and default, commented out. */
void options_print_conf(FILE *out);

#endif
