/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inner verbs of options, shared by the configuration file, the command line and CONFIG SET.
 */
#ifndef HEARTH_SERVER_OPTIONS_PARSE_H
#define HEARTH_SERVER_OPTIONS_PARSE_H

#include "server/options.h"

/* Finds an option by name or alias, in any case. */
bool option_find(const char *name, enum option *option) HEARTH_MUST_USE;

/*
 * Checks `value` by the option's type and bounds; *number is its number (of a choice the place, of texts 0). False:
 * `error` finishes the sentence "it must be ...".
 */
bool option_parse(enum option option, const char *value, uint64_t *number, char *error,
                  size_t error_bytes) HEARTH_MUST_USE;

/* Keeps a copy of the text, and the number. False: no memory, nothing changed. */
bool option_store(struct options *options, enum option option, const char *value, uint64_t number) HEARTH_MUST_USE;

/*
 * Splits a line into words in place: blanks separate, "..." with \n \r \t \xhh \" \\ and '...' with \' quote. At most
 * `words_max`. Returns the number of words, or -1 for unbalanced quotes, \x00, or too many words.
 */
int split_words(char *line, char **words, int words_max);

#endif
