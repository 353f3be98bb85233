/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys whatever their values: DEL, EXISTS, TOUCH, TYPE, RENAME, COPY, and the databases as a whole.
 *
 * DURABILITY  RENAME and COPY run inside the transaction that the executor has opened over both keys, so a crash leaves
 *             all of it or nothing.
 */
#include "persist/index_key.h"
#include "server/redis_argument.h"
#include "server/redis_commands.h"
#include "server/redis_value.h"

enum command_status redis_del(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct index_key key;
    struct heap_edit edit;
    int64_t deleted = 0;

    for (uint32_t i = 1; i < argc; i++) {
        value_edit(client, &argv[i], &edit, &key);
        deleted += edit.found;
        heap_edit_delete(&edit);
        heap_edit_end(&edit);
    }
    reply_integer(client, deleted);
    return COMMAND_DONE;
}

enum command_status redis_exists(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct object object;
    int64_t found = 0;

    for (uint32_t i = 1; i < argc; i++)
        found += value_peek(client, &argv[i], &object);
    reply_integer(client, found);
    return COMMAND_DONE;
}

enum command_status redis_touch(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct object object;
    int64_t found = 0;

    for (uint32_t i = 1; i < argc; i++)
        found += value_read(client, &argv[i], &object);
    reply_integer(client, found);
    return COMMAND_DONE;
}

enum command_status redis_type(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct object object;

    (void)argc;
    reply_simple(client, value_peek(client, &argv[1], &object) ? "string" : "none");
    return COMMAND_DONE;
}

/* Room for the value under argv[1] as it will be under argv[2], and `tombstones` deletes of argv[1]. */
static void room_for_move(struct client *client, const struct resp_arg *argv, uint32_t tombstones,
                          struct command_room *room)
{
    struct index_key key;

    client_key(client, argv[1].data, argv[1].len, &key);
    room->value_bytes = client_old_value_bound(client, &key);
    room->bytes = heap_bytes(argv[2].len, room->value_bytes) + tombstones * heap_bytes(argv[1].len, 0);
    room->records = 1 + tombstones;
}

void redis_rename_reserve(struct client *client, uint32_t argc, const struct resp_arg *argv, struct command_room *room)
{
    (void)argc;
    room_for_move(client, argv, 1, room);
}

void redis_copy_reserve(struct client *client, uint32_t argc, const struct resp_arg *argv, struct command_room *room)
{
    (void)argc;
    room_for_move(client, argv, 0, room);
}

/* Whether what was reserved holds the record of the object under the key `name`, beside `beside` bytes. */
static bool room_covers_move(const struct client *client, const struct resp_arg *name, const struct object *object,
                             uint64_t beside)
{
    return heap_bytes(name->len, object->value_len) + beside <= client->room_bytes;
}

/* The object becomes that under `key`, whatever was there. */
static void put_object(const struct client *client, const struct index_key *key, const struct object *object)
{
    const struct log_part part = {object->value, object->value_len};
    const struct heap_put put = {.parts = &part,
                                 .part_count = 1,
                                 .client_flags = object->client_flags,
                                 .expire_at_ms = object->expire_at_ms,
                                 .type = object->type};
    struct heap_edit edit;

    heap_edit_begin(client->heap_worker, key, &edit);
    (void)heap_edit_put(&edit, &put);
    heap_edit_end(&edit);
}

static void delete_key(const struct client *client, const struct index_key *key)
{
    struct heap_edit edit;

    heap_edit_begin(client->heap_worker, key, &edit);
    heap_edit_delete(&edit);
    heap_edit_end(&edit);
}

/* RENAME, and with `if_free` RENAMENX. */
static enum command_status rename_key(struct client *client, const struct resp_arg *argv, bool if_free)
{
    struct index_key from, to;
    struct object object, other;

    client_key(client, argv[1].data, argv[1].len, &from);
    client_key(client, argv[2].data, argv[2].len, &to);
    if (!heap_peek(client->heap_worker, &from, &object)) {
        reply_error(client, "ERR no such key");
        return COMMAND_DONE;
    }
    if (if_free && heap_peek(client->heap_worker, &to, &other)) { /* its own name too */
        reply_integer(client, 0);
        return COMMAND_DONE;
    }
    if (!index_key_equal(&from, &to)) {
        if (!room_covers_move(client, &argv[2], &object, heap_bytes(argv[1].len, 0)))
            return COMMAND_RETRY;
        put_object(client, &to, &object);
        delete_key(client, &from);
    }
    if (if_free)
        reply_integer(client, 1);
    else
        reply_ok(client);
    return COMMAND_DONE;
}

enum command_status redis_rename(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc;
    return rename_key(client, argv, false);
}

enum command_status redis_renamenx(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc;
    return rename_key(client, argv, true);
}

/* COPY's options. False: the client has been told. */
static bool read_copy_options(struct client *client, uint32_t argc, const struct resp_arg *argv, uint8_t *db,
                              bool *replace)
{
    for (uint32_t i = 3; i < argc; i++) {
        if (argument_is(&argv[i], "replace")) {
            *replace = true;
        } else if (argument_is(&argv[i], "db") && i + 1 < argc) {
            if (!argument_database(client, &argv[++i], "ERR DB index is out of range", db))
                return false;
        } else {
            reply_error(client, ERROR_SYNTAX);
            return false;
        }
    }
    return true;
}

enum command_status redis_copy(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    uint8_t db = atomic_load_explicit(&client->db, memory_order_relaxed);
    struct object object, other;
    struct index_key from, to;
    bool replace = false;

    if (!read_copy_options(client, argc, argv, &db, &replace))
        return COMMAND_DONE;
    client_key(client, argv[1].data, argv[1].len, &from);
    heap_key(client->heap, &to, db, argv[2].data, argv[2].len);
    if (index_key_equal(&from, &to)) {
        reply_error(client, "ERR source and destination objects are the same");
        return COMMAND_DONE;
    }
    if (!value_read(client, &argv[1], &object) || (!replace && heap_peek(client->heap_worker, &to, &other))) {
        reply_integer(client, 0);
        return COMMAND_DONE;
    }
    if (!room_covers_move(client, &argv[2], &object, 0))
        return COMMAND_RETRY;
    put_object(client, &to, &object);
    reply_integer(client, 1);
    return COMMAND_DONE;
}

enum command_status redis_dbsize(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    uint64_t keys, expires;

    (void)argc, (void)argv;
    heap_count(client->heap, atomic_load_explicit(&client->db, memory_order_relaxed), &keys, &expires);
    reply_integer(client, (int64_t)keys);
    return COMMAND_DONE;
}

void redis_flush_reserve(struct client *client, uint32_t argc, const struct resp_arg *argv, struct command_room *room)
{
    (void)client, (void)argc, (void)argv;
    room->bytes = heap_flush_bytes();
    room->records = 1;
    room->deletes_only = true;
}

/* FLUSHDB and FLUSHALL. A flush is one record, so that ASYNC and SYNC mean the same here, and both wait for little. */
static enum command_status flush(struct client *client, uint32_t argc, const struct resp_arg *argv, uint32_t databases)
{
    if (argc > 2 || (argc == 2 && !argument_is(&argv[1], "async") && !argument_is(&argv[1], "sync"))) {
        reply_error(client, ERROR_SYNTAX);
        return COMMAND_DONE;
    }
    loans_repay_all(client->worker);
    if (heap_flush(client->heap_worker, databases, 0) == PM_OK)
        reply_ok(client);
    else
        reply_error(client, "ERR the flush could not be written to the pool, see the server's log");
    return COMMAND_DONE;
}

enum command_status redis_flushdb(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    return flush(client, argc, argv, UINT32_C(1) << atomic_load_explicit(&client->db, memory_order_relaxed));
}

enum command_status redis_flushall(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    return flush(client, argc, argv, (UINT32_C(1) << DATABASE_COUNT) - 1);
}
