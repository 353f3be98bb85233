/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Several strings at one moment: MGET, MSET, MSETNX. The executor has locked all their keys.
 */
#include "server/redis_commands.h"
#include "server/redis_value.h"

enum command_status redis_mget(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct object object;

    reply_array(client, argc - 1);
    for (uint32_t i = 1; i < argc; i++) {
        if (value_read(client, &argv[i], &object))
            reply_object(client, &object);
        else
            reply_null(client);
    }
    return COMMAND_DONE;
}

/* Stores the pairs from argv[1] on. Of equal keys the last one stays. */
static void store_pairs(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct index_key key;
    struct heap_edit edit;

    for (uint32_t i = 1; i < argc; i += 2) {
        value_edit(client, &argv[i], &edit, &key);
        value_put(client, &edit, argv[i + 1].data, argv[i + 1].len, 0, 0);
        heap_edit_end(&edit);
    }
}

enum command_status redis_mset(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    if (argc % 2 == 0) {
        reply_arity_error(client);
        return COMMAND_DONE;
    }
    store_pairs(client, argc, argv);
    reply_ok(client);
    return COMMAND_DONE;
}

enum command_status redis_msetnx(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct index_key key;
    struct object object;

    if (argc % 2 == 0) {
        reply_arity_error(client);
        return COMMAND_DONE;
    }
    for (uint32_t i = 1; i < argc; i += 2) {
        client_key(client, argv[i].data, argv[i].len, &key);
        if (heap_peek(client->heap_worker, &key, &object)) {
            reply_integer(client, 0);
            return COMMAND_DONE;
        }
    }
    store_pairs(client, argc, argv);
    reply_integer(client, 1);
    return COMMAND_DONE;
}
