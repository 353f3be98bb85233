/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CLIENT: the connections, one or all.
 *
 * IDEA     A line of CLIENT LIST has Redis's fields in Redis's order, since tools cut it by them. Fields that mean
 *          nothing here (subscriptions, sizes of buffers that are pooled) say 0.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/number.h"
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
                 info->in_multi ? "x" : "N", info->db, info->in_multi ? (int)info->queued : -1, info->command);
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

/* CLIENT LIST's options from argv[2] on. False: the client has been told. */
static bool read_list_options(struct client_list *list, uint32_t argc, const struct resp_arg *argv)
{
    int64_t id;

    if (argc == 2)
        return true;
    if (argc == 4 && argument_is(&argv[2], "type")) {
        list->none = !argument_is(&argv[3], "normal"); /* there are neither replicas nor subscribers */
        if (!list->none || argument_is(&argv[3], "master") || argument_is(&argv[3], "replica") ||
            argument_is(&argv[3], "slave") || argument_is(&argv[3], "pubsub"))
            return true;
        reply_errorf(list->client, "ERR Unknown client type '%.*s'", (int)argv[3].len, (const char *)argv[3].data);
        return false;
    }
    if (argc < 4 || !argument_is(&argv[2], "id")) {
        reply_error(list->client, ERROR_SYNTAX);
        return false;
    }
    list->ids = &argv[3];
    list->id_count = argc - 3;
    for (uint32_t i = 3; i < argc; i++) {
        if (!number_parse_i64(argv[i].data, argv[i].len, &id) || id < 1) {
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
