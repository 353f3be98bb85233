/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CLIENT: the connections, one or all.
 *
 * IDEA     A line of CLIENT LIST has Redis's fields in Redis's order, since tools cut it by them. Fields that mean
 *          nothing here (subscriptions, sizes of buffers that are pooled) say 0. CLIENT KILL reaches connections of both
 *          protocols: they have their numbers from one counter.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/number.h"
#include "server/conn.h"
#include "server/redis_argument.h"
#include "server/redis_commands.h"
#include "server/redis_value.h"
#include "server/server.h"

bool redis_client_rename(struct client *client, const struct resp_arg *name)
{
    for (uint32_t i = 0; i < name->len; i++) {
        if (name->data[i] < '!' || name->data[i] > '~') {
            reply_error(client, "ERR Client names cannot contain spaces, newlines or special characters.");
            return false;
        }
    }
    if (client_set_name(client, name->data, name->len))
        return true;
    reply_error(client, "ERR out of memory for the name");
    return false;
}

enum command_status redis_client_id(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc, (void)argv;
    reply_integer(client, (int64_t)client->id);
    return COMMAND_DONE;
}

enum command_status redis_client_setname(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc;
    if (redis_client_rename(client, &argv[2]))
        reply_ok(client);
    return COMMAND_DONE;
}

enum command_status redis_client_getname(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc, (void)argv;
    if (client->name != NULL)
        reply_bulk_text(client, client->name);
    else
        reply_null(client);
    return COMMAND_DONE;
}

/* Which lines a CLIENT LIST wants. */
struct client_list {
    struct client *client;
    const struct resp_arg *ids;
    uint32_t id_count;
    bool none;
};

static bool is_wanted(const struct client_list *list, uint64_t id)
{
    int64_t wanted;

    if (list->none || list->id_count == 0)
        return !list->none;
    for (uint32_t i = 0; i < list->id_count; i++) {
        if (number_parse_i64(list->ids[i].data, list->ids[i].len, &wanted) && (uint64_t)wanted == id)
            return true;
    }
    return false;
}

static void each_client(const struct client_info *info, void *context)
{
    const struct client_list *list = context;

    if (!is_wanted(list, info->id))
        return;
    reply_printf(list->client,
                 "id=%" PRIu64 " addr=%s laddr=%s fd=%d name=%s age=%" PRIu64 " idle=%" PRIu64 " flags=%s db=%d sub=0 "
                 "psub=0 ssub=0 multi=%d qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 "
                 "tot-mem=0 events=r cmd=%s user=default redir=-1 resp=2\n",
                 info->id, info->address, info->local_address, info->fd, info->name, info->age_s, info->idle_s,
                 info->queued_count < 0 ? "N" : "x", info->db, info->queued_count, info->command);
}

enum command_status redis_client_info(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct client_list list = {.client = client};
    size_t mark = reply_mark(client);

    (void)argc, (void)argv;
    client_describe(client, each_client, &list);
    reply_bulk_since(client, mark);
    return COMMAND_DONE;
}

/* The type of clients that a word names; there are neither replicas nor subscribers. False: none, told. */
static bool read_type(struct client *client, const struct resp_arg *word, bool *none)
{
    *none = !argument_is(word, "normal");
    if (!*none || argument_is(word, "master") || argument_is(word, "replica") || argument_is(word, "slave") ||
        argument_is(word, "pubsub"))
        return true;
    reply_errorf(client, "ERR Unknown client type '%.*s'", (int)word->len, (const char *)word->data);
    return false;
}

/* CLIENT LIST's options from argv[2] on. False: the client has been told. */
static bool read_list_options(struct client_list *list, uint32_t argc, const struct resp_arg *argv)
{
    int64_t id;

    if (argc == 2)
        return true;
    if (argc == 4 && argument_is(&argv[2], "type"))
        return read_type(list->client, &argv[3], &list->none);
    if (argc < 4 || !argument_is(&argv[2], "id")) {
        reply_error(list->client, ERROR_SYNTAX);
        return false;
    }
    list->ids = &argv[3];
    list->id_count = argc - 3;
    for (uint32_t i = 3; i < argc; i++) {
        if (!number_parse_i64(argv[i].data, argv[i].len, &id)) {
            reply_error(list->client, "ERR Invalid client ID");
            return false;
        }
    }
    return true;
}

enum command_status redis_client_list(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct client_list list = {.client = client};
    size_t mark = reply_mark(client);

    if (!read_list_options(&list, argc, argv))
        return COMMAND_DONE;
    server_each_client(client->server, each_client, &list);
    reply_bulk_since(client, mark);
    return COMMAND_DONE;
}

/* ---- CLIENT KILL ---- */

/* Whom a CLIENT KILL is about. What is not given fits everybody. */
struct client_kill {
    const struct client *asking;
    int64_t id;                                     /* 0: any */
    const struct resp_arg *address, *local_address; /* NULL: any */
    bool none;                                      /* a type that no client has */
    bool skips_asking;
    bool hits_asking; /* found: the asking client fits too */
};

static bool is_text(const struct resp_arg *arg, const char *text)
{
    return arg == NULL || (arg->len == strlen(text) && memcmp(arg->data, text, arg->len) == 0);
}

static bool chooses(const struct client_info *info, void *context)
{
    struct client_kill *kill = context;

    if (kill->none || (kill->id != 0 && (uint64_t)kill->id != info->id) || !is_text(kill->address, info->address) ||
        !is_text(kill->local_address, info->local_address))
        return false;
    if (info->id != kill->asking->id)
        return true;
    kill->hits_asking = !kill->skips_asking;
    return false; /* it is closed by itself, after the reply */
}

/* One option and its value. False: the client has been told. */
static bool read_kill_option(struct client *client, const struct resp_arg *argv, struct client_kill *kill)
{
    const struct resp_arg *value = &argv[1];

    if (argument_is(argv, "id")) {
        if (number_parse_i64(value->data, value->len, &kill->id) && kill->id > 0)
            return true;
        reply_error(client, "ERR client-id should be greater than 0");
        return false;
    }
    if (argument_is(argv, "type"))
        return read_type(client, value, &kill->none);
    if (argument_is(argv, "user")) { /* the one user is "default" */
        if (is_text(value, "default"))
            return true;
        reply_errorf(client, "ERR No such user '%.*s'", (int)value->len, (const char *)value->data);
        return false;
    }
    if (argument_is(argv, "addr"))
        kill->address = value;
    else if (argument_is(argv, "laddr"))
        kill->local_address = value;
    else if (argument_is(argv, "skipme") && (argument_is(value, "yes") || argument_is(value, "no")))
        kill->skips_asking = argument_is(value, "yes");
    else {
        reply_error(client, ERROR_SYNTAX);
        return false;
    }
    return true;
}

enum command_status redis_client_kill(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    bool old_form = argc == 3; /* CLIENT KILL ip:port */
    struct client_kill kill = {.asking = client, .address = old_form ? &argv[2] : NULL, .skips_asking = !old_form};
    uint32_t count;

    for (uint32_t i = 2; !old_form && i < argc; i += 2) {
        if (i + 1 == argc) {
            reply_error(client, ERROR_SYNTAX);
            return COMMAND_DONE;
        }
        if (!read_kill_option(client, &argv[i], &kill))
            return COMMAND_DONE;
    }
    count = server_kill_clients(client->server, chooses, &kill) + kill.hits_asking;
    if (kill.hits_asking)
        conn_of(client)->closing = true; /* not by COMMAND_CLOSE, which a transaction does not take */
    if (!old_form)
        reply_integer(client, count);
    else if (count > 0)
        reply_ok(client);
    else
        reply_error(client, "ERR No such client");
    return COMMAND_DONE;
}
