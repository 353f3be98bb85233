/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * COMMAND: what the table says about itself, as clients, routers and redis-cli ask for it.
 */
#include "base/glob.h"
#include "server/command_describe.h"
#include "server/redis_argument.h"
#include "server/redis_commands.h"

/* A container is never run: its subcommands are rows of their own, and a container alone has too few words. */
enum command_status redis_container(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc, (void)argv;
    reply_arity_error(client);
    return COMMAND_DONE;
}

/* A command by its name, or "config|get" for a subcommand. */
static const struct command *find_any(const struct resp_arg *name)
{
    const uint8_t *bar = name->len > 0 ? memchr(name->data, '|', name->len) : NULL;
    const struct command *container;

    if (bar == NULL)
        return command_find(name->data, name->len);
    container = command_find(name->data, (size_t)(bar - name->data));
    if (container == NULL || (container->flags & COMMAND_CONTAINER) == 0)
        return NULL;
    return command_find_sub(container, bar + 1, name->len - (size_t)(bar + 1 - name->data));
}

static uint32_t count_commands(void)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < command_count; i++)
        count += (command_table[i].flags & COMMAND_SUBCOMMAND) == 0;
    return count;
}

/* All commands, each described by `describe`, which writes `width` elements. */
static void reply_all(struct client *client, void (*describe)(struct client *, const struct command *), uint32_t width)
{
    reply_array(client, (uint64_t)count_commands() * width);
    for (uint32_t i = 0; i < command_count; i++) {
        if ((command_table[i].flags & COMMAND_SUBCOMMAND) == 0)
            describe(client, &command_table[i]);
    }
}

enum command_status redis_command(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc, (void)argv;
    reply_all(client, command_describe_info, 1);
    return COMMAND_DONE;
}

enum command_status redis_command_count(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc, (void)argv;
    reply_integer(client, count_commands());
    return COMMAND_DONE;
}

enum command_status redis_command_info(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    if (argc == 2)
        return redis_command(client, argc, argv);
    reply_array(client, argc - 2);
    for (uint32_t i = 2; i < argc; i++) {
        const struct command *command = find_any(&argv[i]);
        if (command != NULL)
            command_describe_info(client, command);
        else
            reply_null(client);
    }
    return COMMAND_DONE;
}

enum command_status redis_command_docs(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    size_t mark = reply_mark(client);
    uint64_t found = 0;

    if (argc == 2) {
        reply_all(client, command_describe_docs, 2);
        return COMMAND_DONE;
    }
    for (uint32_t i = 2; i < argc; i++) {
        const struct command *command = find_any(&argv[i]);
        if (command != NULL) {
            command_describe_docs(client, command);
            found += 2;
        }
    }
    reply_array_at(client, mark, found);
    return COMMAND_DONE;
}

/* The row and the keys of the command that argv[2] and what follows are. False: the client has been told. */
static bool find_keys(struct client *client, uint32_t argc, const struct resp_arg *argv, const struct command **command,
                      struct command_keys *keys)
{
    *command = command_find(argv[2].data, argv[2].len);
    if (*command != NULL && ((*command)->flags & COMMAND_CONTAINER) != 0 && argc > 3)
        *command = command_find_sub(*command, argv[3].data, argv[3].len);
    if (*command == NULL) {
        reply_error(client, "ERR Invalid command specified");
        return false;
    }
    if ((*command)->first_key == 0) {
        reply_error(client, "ERR The command has no key arguments");
        return false;
    }
    if (!command_arity_fits(*command, argc - 2)) {
        reply_error(client, "ERR Invalid number of arguments specified for command");
        return false;
    }
    *keys = command_keys(*command, argc - 2);
    return true;
}

enum command_status redis_command_getkeys(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    const struct command *command;
    struct command_keys keys;

    if (!find_keys(client, argc, argv, &command, &keys))
        return COMMAND_DONE;
    reply_array(client, keys.count);
    for (uint32_t i = 0; i < keys.count; i++) {
        const struct resp_arg *key = &argv[2 + keys.first + i * keys.step];
        reply_bulk(client, key->data, key->len);
    }
    return COMMAND_DONE;
}

/* SET only reads the key when it is asked to. */
static const char *access_of(const struct command *command, uint32_t argc, const struct resp_arg *argv, uint32_t key)
{
    if (command->handler == redis_set) {
        for (uint32_t i = 5; i < argc; i++) {
            if (argument_is(&argv[i], "get"))
                return "RW access update";
        }
        return "OW update";
    }
    return command_access(command, key);
}

enum command_status redis_command_getkeysandflags(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    const struct command *command;
    struct command_keys keys;

    if (!find_keys(client, argc, argv, &command, &keys))
        return COMMAND_DONE;
    reply_array(client, keys.count);
    for (uint32_t i = 0; i < keys.count; i++) {
        const struct resp_arg *key = &argv[2 + keys.first + i * keys.step];
        reply_array(client, 2);
        reply_bulk(client, key->data, key->len);
        command_reply_words(client, access_of(command, argc, argv, i), '+');
    }
    return COMMAND_DONE;
}

enum list_filter { LIST_ALL, LIST_NONE, LIST_CATEGORY, LIST_PATTERN };

static bool is_listed(const struct command *command, enum list_filter filter, const struct resp_arg *word)
{
    switch (filter) {
    case LIST_ALL:
        return (command->flags & COMMAND_SUBCOMMAND) == 0;
    case LIST_NONE:
        return false;
    case LIST_CATEGORY:
        return command_has_category(command, word->data, word->len);
    case LIST_PATTERN:
        return glob_match_nocase(word->data, word->len, command->name, strlen(command->name));
    }
    return false;
}

/* FILTERBY and what follows. False: the client has been told. */
static bool read_filter(struct client *client, uint32_t argc, const struct resp_arg *argv, enum list_filter *filter)
{
    *filter = LIST_ALL;
    if (argc == 2)
        return true;
    if (argc == 5 && argument_is(&argv[2], "filterby")) {
        if (argument_is(&argv[3], "module"))
            *filter = LIST_NONE; /* there are no modules */
        else if (argument_is(&argv[3], "aclcat"))
            *filter = LIST_CATEGORY;
        else if (argument_is(&argv[3], "pattern"))
            *filter = LIST_PATTERN;
    }
    if (*filter == LIST_ALL)
        reply_error(client, ERROR_SYNTAX);
    return *filter != LIST_ALL;
}

enum command_status redis_command_list(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    enum list_filter filter;
    size_t mark = reply_mark(client);
    uint64_t count = 0;

    if (!read_filter(client, argc, argv, &filter))
        return COMMAND_DONE;
    for (uint32_t i = 0; i < command_count; i++) {
        if (is_listed(&command_table[i], filter, argc == 5 ? &argv[4] : NULL)) {
            reply_bulk_text(client, command_table[i].name);
            count++;
        }
    }
    reply_array_at(client, mark, count);
    return COMMAND_DONE;
}

/* HELP of a container: a line of syntax and a line of help for each of its rows. */
enum command_status redis_help(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    size_t mark = reply_mark(client);
    size_t head = strcspn(client->command->name, "|");
    uint64_t lines = 1;

    (void)argc, (void)argv;
    reply_printf(client, "+%.*s <subcommand> [<arg> ...]. Subcommands are:\r\n", (int)head, client->command->name);
    for (uint32_t i = 0; i < command_count; i++) {
        const struct command *command = &command_table[i];
        if (strncmp(command->name, client->command->name, head + 1) != 0)
            continue;
        reply_printf(client, "+%s %s\r\n", command->name + head + 1, command->arguments);
        reply_printf(client, "+    %s\r\n", command->summary);
        lines += 2;
    }
    reply_array_at(client, mark, lines);
    return COMMAND_DONE;
}
