/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Running text for people: help on a terminal, and manual pages.
 */
#ifndef HEARTH_BASE_TEXT_H
#define HEARTH_BASE_TEXT_H

#include <stdio.h>

/* Prints text in lines of at most 96 columns, each after `indent`; it is broken at spaces. */
void text_print_wrapped(FILE *out, const char *indent, const char *text);
/* Prints text for man(7): hyphens and backslashes are escaped, a dot or quote at the start too. */
void text_print_man(FILE *out, const char *text);

#endif
