/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finding commands by name, where their keys are, and how much room they need.
 *
 * IDEA     Names are found in an open-addressed table twice to four times as large as the command table, hashed over
 *          the first and last letter of the name and its length: that tells nearly all of them apart, and looks at
 *          less than the name, which is compared anyway.
 */
#include "server/command.h"

#include <string.h>
#include <strings.h>

#include "base/assert.h"

#define INDEX_SLOTS 512
#define NAME_BYTES_MAX 48

static struct {
    const struct command *command; /* NULL: free */
    size_t len;
} name_index[INDEX_SLOTS];

static uint8_t fold(uint8_t c)
{
    return c | (uint8_t)((uint8_t)(c - 'A') < 26 ? 32 : 0);
}

/* Where the search for a name begins that has at least one byte. */
static uint32_t first_slot(const uint8_t *name, size_t len)
{
    return (fold(name[0]) * 31U + fold(name[len - 1]) * 7U + (uint32_t)len) % INDEX_SLOTS;
}

static bool is_name(const char *name, const uint8_t *asked, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (fold(asked[i]) != (uint8_t)name[i])
            return false;
    }
    return true;
}

void command_index_build(void)
{
    must(command_count <= INDEX_SLOTS / 2);
    memset(name_index, 0, sizeof name_index);
    for (uint32_t i = 0; i < command_count; i++) {
        const char *name = command_table[i].name;
        must(strlen(name) < NAME_BYTES_MAX);
        uint32_t slot = first_slot((const uint8_t *)name, strlen(name));
        while (name_index[slot].command != NULL)
            slot = (slot + 1) % INDEX_SLOTS;
        name_index[slot].command = &command_table[i];
        name_index[slot].len = strlen(name);
    }
}

static const struct command *find(const uint8_t *name, size_t len)
{
    uint32_t slot;

    if (len == 0)
        return NULL;
    slot = first_slot(name, len);
    for (; name_index[slot].command != NULL; slot = (slot + 1) % INDEX_SLOTS) {
        if (name_index[slot].len == len && is_name(name_index[slot].command->name, name, len))
            return name_index[slot].command;
    }
    return NULL;
}

const struct command *command_find(const void *name, size_t len)
{
    const struct command *command = find(name, len);

    return command != NULL && (command->flags & COMMAND_SUBCOMMAND) == 0 ? command : NULL;
}

const struct command *command_find_sub(const struct command *container, const void *name, size_t len)
{
    uint8_t full[NAME_BYTES_MAX];
    size_t head = strlen(container->name);

    if (head + 1 + len >= sizeof full)
        return NULL;
    memcpy(full, container->name, head);
    full[head] = '|';
    memcpy(full + head + 1, name, len);
    return find(full, head + 1 + len);
}

struct command_keys command_keys_slow(const struct command *command, uint32_t argc)
{
    struct command_keys keys = {0, 0, 1};
    int64_t last = command->last_key;

    if (command->first_key <= 0)
        return keys;
    if (last < 0)
        last += argc;
    if (last >= argc)
        last = (int64_t)argc - 1;
    if (last < command->first_key)
        return keys;
    keys.first = (uint32_t)command->first_key;
    keys.step = (uint32_t)command->key_step;
    keys.count = (uint32_t)(last - command->first_key) / keys.step + 1;
    return keys;
}

void command_reserve_value(struct client *client, uint32_t argc, const struct resp_arg *argv, struct command_room *room)
{
    (void)client;
    (void)argc;
    command_room_for_one(argv[1].len, argv[2].len, room);
}

void command_reserve_arguments(struct client *client, uint32_t argc, const struct resp_arg *argv,
                               struct command_room *room)
{
    struct command_keys keys = command_keys(client->command, argc);

    room->records = keys.count;
    for (uint32_t i = 0; i < keys.count; i++) {
        uint32_t from = keys.first + i * keys.step;
        uint32_t to = keys.step > 1 ? from + keys.step : argc;
        uint64_t value_bytes = 0;
        for (uint32_t a = from + 1; a < to && a < argc; a++)
            value_bytes += argv[a].len;
        room->bytes += heap_bytes(argv[from].len, value_bytes);
        if (room->value_bytes < value_bytes)
            room->value_bytes = value_bytes;
    }
}

void command_reserve_deletes(struct client *client, uint32_t argc, const struct resp_arg *argv,
                             struct command_room *room)
{
    struct command_keys keys = command_keys(client->command, argc);

    room->records = keys.count;
    room->deletes_only = true;
    for (uint32_t i = 0; i < keys.count; i++)
        room->bytes += heap_bytes(argv[keys.first + i * keys.step].len, 0);
}

void command_reserve_rewrite(struct client *client, uint32_t argc, const struct resp_arg *argv,
                             struct command_room *room)
{
    struct command_keys keys = command_keys(client->command, argc);

    room->records = keys.count;
    for (uint32_t i = 0; i < keys.count; i++) {
        const struct resp_arg *arg = &argv[keys.first + i * keys.step];
        struct index_key key;
        uint32_t value_bytes;
        client_key(client, arg->data, arg->len, &key);
        value_bytes = client_old_value_bound(client, &key);
        room->bytes += heap_bytes(arg->len, value_bytes);
        if (room->value_bytes < value_bytes)
            room->value_bytes = value_bytes;
    }
}

void command_room(struct client *client, const struct command *command, uint32_t argc, const struct resp_arg *argv,
                  struct command_room *room)
{
    const struct command *present = client->command;

    *room = (struct command_room){0};
    client->command = command;
    if (command->reserve != NULL)
        command->reserve(client, argc, argv, room);
    else if ((command->flags & COMMAND_DELETES) != 0)
        command_reserve_deletes(client, argc, argv, room);
    else if ((command->flags & COMMAND_WRITE) != 0)
        command_reserve_arguments(client, argc, argv, room);
    client->command = present;
}

uint32_t client_old_value_bound(const struct client *client, const struct index_key *key)
{
    struct object object;
    uint32_t bytes;

    if (transaction_value_bound(client, key, &bytes))
        return bytes;
    if (client->attempt >= 3)
        return VALUE_BYTES_MAX;
    return heap_peek(client->heap_worker, key, &object) ? object.value_len : 0;
}

uint32_t client_old_bound_of(const struct client *client, const void *name, uint32_t len)
{
    struct index_key key;

    client_key(client, name, len, &key);
    return client_old_value_bound(client, &key);
}
