/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command table itself, and which objects a request is about.
 */
#include "server/redis_commands.h"

#include "server/redis_argument.h"

const struct command command_table[] = {
#define ROW(ID, name, handler, reserve, arity, flags, first_key, last_key, key_step, group, arguments, summary, \
            complexity, since, access, tips) \
    {name,      handler, reserve,    arity, flags,  first_key, last_key, key_step, COMMAND_GROUP_##group, \
     arguments, summary, complexity, since, access, tips},
    REDIS_COMMANDS(ROW)
#undef ROW
};

const uint32_t command_count = REDIS_ROW_COUNT;

uint32_t command_index_keys(const struct client *client, const struct command *command, uint32_t argc,
                            const struct resp_arg *argv, struct index_key *keys)
{
    struct command_keys where = command_keys(command, argc);
    uint8_t db;

    for (uint32_t i = 0; i < where.count; i++) {
        const struct resp_arg *arg = &argv[where.first + i * where.step];
        client_key(client, arg->data, arg->len, &keys[i]);
    }
    if (command->handler == redis_copy && redis_copy_database(argc, argv, &db))
        heap_key(client->heap, &keys[1], db, argv[2].data, argv[2].len);
    return where.count;
}

bool command_keys_fit(const struct command *command, uint32_t argc, const struct resp_arg *argv)
{
    struct command_keys where = command_keys(command, argc);

    for (uint32_t i = 0; i < where.count; i++) {
        if (argv[where.first + i * where.step].len > KEY_BYTES_MAX)
            return false;
    }
    return true;
}
