/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A row of the command table as a reply of COMMAND INFO and COMMAND DOCS.
 */
#ifndef HEARTH_SERVER_COMMAND_DESCRIBE_H
#define HEARTH_SERVER_COMMAND_DESCRIBE_H

#include "server/command.h"

/* One element: the array of ten of COMMAND INFO, with its subcommands. */
void command_describe_info(struct client *client, const struct command *command);
/* Two elements: the name and what COMMAND DOCS says of it, with its subcommands. */
void command_describe_docs(struct client *client, const struct command *command);

/* What the command does to its key number `key`: "RW access update". */
const char *command_access(const struct command *command, uint32_t key);

/* The words of a text, up to a ';', as an array: of status replies for '+', of bulk strings for '$'. */
void command_reply_words(struct client *client, const char *text, char kind);

/* Is the command in this ACL category (without its @, in any case)? */
bool command_has_category(const struct command *command, const void *name, size_t len);

#endif
