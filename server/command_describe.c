/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A row of the command table as a reply.
 *
 * IDEA     The flags of a row and its group say all that Redis's COMMAND tells: flags by name, ACL categories (which
 *          follow from both), key specifications (which follow from the key positions and `access`).
 */
#include "server/command_describe.h"

#include <strings.h>

/* Flags by their names in Redis, in the order in which it gives them. */
static const struct {
    uint32_t flag;
    const char *name;
} shown_flags[] = {
    {COMMAND_WRITE, "write"},       {COMMAND_READONLY, "readonly"},     {COMMAND_DENYOOM, "denyoom"},
    {COMMAND_ADMIN, "admin"},       {COMMAND_PUBSUB, "pubsub"},         {COMMAND_NOSCRIPT, "noscript"},
    {COMMAND_LOADING, "loading"},   {COMMAND_STALE, "stale"},           {COMMAND_SKIP_SLOWLOG, "skip_slowlog"},
    {COMMAND_FAST, "fast"},         {COMMAND_NO_AUTH, "no_auth"},       {COMMAND_MOVABLE_KEYS, "movablekeys"},
    {COMMAND_NO_MULTI, "no_multi"}, {COMMAND_ALLOW_BUSY, "allow_busy"},
};

enum category {
    CATEGORY_KEYSPACE,
    CATEGORY_READ,
    CATEGORY_WRITE,
    CATEGORY_STRING,
    CATEGORY_ADMIN,
    CATEGORY_FAST,
    CATEGORY_SLOW,
    CATEGORY_DANGEROUS,
    CATEGORY_CONNECTION,
    CATEGORY_TRANSACTION,
    CATEGORY_COUNT
};

static const char *const category_names[CATEGORY_COUNT] = {
    "keyspace", "read", "write", "string", "admin", "fast", "slow", "dangerous", "connection", "transaction"};

static const char *const group_names[] = {"string", "generic", "connection", "server", "transactions"};

/* A bit a category. Server commands that have to do with keys count as keyspace, as those of the generic group. */
static uint32_t categories_of(const struct command *command)
{
    uint32_t flags = command->flags;
    uint32_t set = 0;

    if (command->group == COMMAND_GROUP_GENERIC ||
        (command->group == COMMAND_GROUP_SERVER && (flags & (COMMAND_WRITE | COMMAND_READONLY)) != 0))
        set |= 1U << CATEGORY_KEYSPACE;
    if ((flags & COMMAND_READONLY) != 0)
        set |= 1U << CATEGORY_READ;
    if ((flags & COMMAND_WRITE) != 0)
        set |= 1U << CATEGORY_WRITE;
    if (command->group == COMMAND_GROUP_STRING)
        set |= 1U << CATEGORY_STRING;
    if ((flags & COMMAND_ADMIN) != 0)
        set |= 1U << CATEGORY_ADMIN;
    set |= (flags & COMMAND_FAST) != 0 ? 1U << CATEGORY_FAST : 1U << CATEGORY_SLOW;
    if ((flags & (COMMAND_ADMIN | COMMAND_DANGEROUS)) != 0)
        set |= 1U << CATEGORY_DANGEROUS;
    if ((flags & COMMAND_CONNECTION) != 0)
        set |= 1U << CATEGORY_CONNECTION;
    if (command->group == COMMAND_GROUP_TRANSACTIONS)
        set |= 1U << CATEGORY_TRANSACTION;
    return set;
}

bool command_has_category(const struct command *command, const void *name, size_t len)
{
    for (int i = 0; i < CATEGORY_COUNT; i++) {
        if (len == strlen(category_names[i]) && strncasecmp(name, category_names[i], len) == 0)
            return (categories_of(command) >> i & 1) != 0;
    }
    return false;
}

const char *command_access(const struct command *command, uint32_t key)
{
    const char *second = strchr(command->access, ';');

    return key > 0 && second != NULL ? second + 1 : command->access;
}

void command_reply_words(struct client *client, const char *text, char kind)
{
    size_t mark = reply_mark(client);
    uint64_t count = 0;

    while (*text != '\0' && *text != ';') {
        size_t len = strcspn(text, " ;");
        if (kind == '+')
            reply_printf(client, "+%.*s\r\n", (int)len, text);
        else
            reply_bulk(client, text, len);
        count++;
        text += len;
        text += *text == ' ';
    }
    reply_array_at(client, mark, count);
}

static void reply_flags(struct client *client, const struct command *command)
{
    size_t mark = reply_mark(client);
    uint64_t count = 0;

    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(shown_flags); i++) {
        if ((command->flags & shown_flags[i].flag) != 0) {
            reply_simple(client, shown_flags[i].name);
            count++;
        }
    }
    reply_array_at(client, mark, count);
}

static void reply_categories(struct client *client, const struct command *command)
{
    uint32_t set = categories_of(command);

    reply_array(client, (uint64_t)__builtin_popcount(set));
    for (int i = 0; i < CATEGORY_COUNT; i++) {
        if ((set >> i & 1) != 0)
            reply_printf(client, "+@%s\r\n", category_names[i]);
    }
}

/* "type", "range", "spec", [...]: the two halves of a key specification have this frame. */
static void reply_spec_head(struct client *client, const char *name, const char *type)
{
    reply_bulk_text(client, name);
    reply_array(client, 4);
    reply_bulk_text(client, "type");
    reply_bulk_text(client, type);
    reply_bulk_text(client, "spec");
}

static void reply_pair(struct client *client, const char *name, int64_t value)
{
    reply_bulk_text(client, name);
    reply_integer(client, value);
}

/* One sort of keys: begins at argument `first`, the last is `last` behind it, or counted from the end if below 0. */
static void reply_key_spec(struct client *client, const char *access, int64_t first, int64_t last, int64_t step)
{
    reply_array(client, 6);
    reply_bulk_text(client, "flags");
    command_reply_words(client, access, '+');
    reply_spec_head(client, "begin_search", "index");
    reply_array(client, 2);
    reply_pair(client, "index", first);
    reply_spec_head(client, "find_keys", "range");
    reply_array(client, 6);
    reply_pair(client, "lastkey", last);
    reply_pair(client, "keystep", step);
    reply_pair(client, "limit", 0);
}

static void reply_key_specs(struct client *client, const struct command *command)
{
    const char *second = strchr(command->access, ';');

    if (command->first_key == 0) {
        reply_array(client, 0);
    } else if (second == NULL) {
        reply_array(client, 1);
        reply_key_spec(client, command->access, command->first_key,
                       command->last_key < 0 ? command->last_key : command->last_key - command->first_key,
                       command->key_step);
    } else {
        reply_array(client, 2);
        reply_key_spec(client, command->access, command->first_key, 0, 1);
        reply_key_spec(client, second + 1, command->last_key, 0, 1);
    }
}

/* Is `row` a subcommand of the container? */
static bool is_sub_of(const struct command *container, const struct command *row)
{
    size_t len = strlen(container->name);

    return (row->flags & COMMAND_SUBCOMMAND) != 0 && strncmp(row->name, container->name, len) == 0 &&
           row->name[len] == '|';
}

/* The subcommands as an array, each described by `describe`, which writes `width` elements. */
static void reply_subcommands(struct client *client, const struct command *container,
                              void (*describe)(struct client *, const struct command *), uint32_t width)
{
    size_t mark = reply_mark(client);
    uint64_t count = 0;

    for (uint32_t i = 0; i < command_count; i++) {
        if (is_sub_of(container, &command_table[i])) {
            describe(client, &command_table[i]);
            count += width;
        }
    }
    reply_array_at(client, mark, count);
}

void command_describe_info(struct client *client, const struct command *command)
{
    reply_array(client, 10);
    reply_bulk_text(client, command->name);
    reply_integer(client, command->arity);
    reply_flags(client, command);
    reply_integer(client, command->first_key);
    reply_integer(client, command->last_key);
    reply_integer(client, command->key_step);
    reply_categories(client, command);
    command_reply_words(client, command->tips, '$');
    reply_key_specs(client, command);
    reply_subcommands(client, command, command_describe_info, 1);
}

static void reply_text_pair(struct client *client, const char *name, const char *value)
{
    reply_bulk_text(client, name);
    reply_bulk_text(client, value);
}

/* The end of the argument that begins at `at`: a word, or all up to the bracket that closes the one there. */
static const char *argument_end(const char *at)
{
    int depth = 0;

    do {
        depth += (*at == '[') - (*at == ']');
        at++;
    } while (*at != '\0' && (depth > 0 || *at != ' '));
    return at;
}

/* An argument as a map: its name, which for an optional one is what stands between its brackets, and its type. */
static void reply_argument(struct client *client, const char *at, size_t len)
{
    bool optional = *at == '[';

    reply_array(client, optional ? 6 : 4);
    reply_bulk_text(client, "name");
    reply_bulk(client, optional ? at + 1 : at, optional ? len - 2 : len);
    reply_text_pair(client, "type", "string");
    if (optional) {
        reply_bulk_text(client, "flags");
        command_reply_words(client, "optional", '+');
    }
}

/* The arguments of a row, from which redis-cli makes its hints. */
static void reply_arguments(struct client *client, const char *text)
{
    size_t mark = reply_mark(client);
    uint64_t count = 0;

    while (*text != '\0') {
        const char *end = argument_end(text);
        reply_argument(client, text, (size_t)(end - text));
        count++;
        text = end + (*end == ' ');
    }
    reply_array_at(client, mark, count);
}

void command_describe_docs(struct client *client, const struct command *command)
{
    bool has_subcommands = (command->flags & COMMAND_CONTAINER) != 0;
    bool has_arguments = command->arguments[0] != '\0';

    reply_bulk_text(client, command->name);
    reply_array(client, 8 + (has_arguments ? 2 : 0) + (has_subcommands ? 2 : 0));
    reply_text_pair(client, "summary", command->summary);
    reply_text_pair(client, "since", command->since);
    reply_text_pair(client, "group", group_names[command->group]);
    reply_text_pair(client, "complexity", command->complexity);
    if (has_arguments) {
        reply_bulk_text(client, "arguments");
        reply_arguments(client, command->arguments);
    }
    if (has_subcommands) {
        reply_bulk_text(client, "subcommands");
        reply_subcommands(client, command, command_describe_docs, 2);
    }
}
