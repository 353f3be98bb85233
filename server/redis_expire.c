/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Expiry: EXPIRE and its kind set it, TTL and its kind tell it, PERSIST removes it.
 *
 * IDEA     An expiry is a moment in milliseconds since 1970 in the object's record; a change of it is a new record. One
 *          that has passed already deletes the key at once.
 */
#include "server/exptime.h"
#include "server/redis_argument.h"
#include "server/redis_commands.h"
#include "server/redis_value.h"

enum { EXPIRE_NX = 1, EXPIRE_XX = 2, EXPIRE_GT = 4, EXPIRE_LT = 8 };

/* NX, XX, GT, LT from argv[3] on. False: the client has been told. */
static bool read_conditions(struct client *client, uint32_t argc, const struct resp_arg *argv, int *conditions)
{
    static const char *const words[] = {"nx", "xx", "gt", "lt"};
    size_t word;

    *conditions = 0;
    for (uint32_t i = 3; i < argc; i++) {
        for (word = 0; word < HEARTH_ARRAY_COUNT(words) && !argument_is(&argv[i], words[word]); word++)
            ;
        if (word == HEARTH_ARRAY_COUNT(words)) {
            reply_errorf(client, "ERR Unsupported option %.*s", (int)argv[i].len, (const char *)argv[i].data);
            return false;
        }
        *conditions |= 1 << word;
    }
    if ((*conditions & EXPIRE_NX) != 0 && *conditions != EXPIRE_NX) {
        reply_error(client, "ERR NX and XX, GT or LT options at the same time are not compatible");
        return false;
    }
    if ((*conditions & EXPIRE_GT) != 0 && (*conditions & EXPIRE_LT) != 0) {
        reply_error(client, "ERR GT and LT options at the same time are not compatible");
        return false;
    }
    return true;
}

/* A key without expiry lives for ever: nothing is greater, everything less. */
static bool conditions_hold(int conditions, uint64_t old_ms, uint64_t new_ms)
{
    if ((conditions & EXPIRE_NX) != 0 && old_ms != 0)
        return false;
    if ((conditions & EXPIRE_XX) != 0 && old_ms == 0)
        return false;
    if ((conditions & EXPIRE_GT) != 0 && (old_ms == 0 || new_ms <= old_ms))
        return false;
    if ((conditions & EXPIRE_LT) != 0 && old_ms != 0 && new_ms >= old_ms)
        return false;
    return true;
}

static enum command_status expire(struct client *client, uint32_t argc, const struct resp_arg *argv, int64_t unit_ms,
                                  bool relative)
{
    enum command_status status = COMMAND_DONE;
    uint64_t expire_at_ms;
    struct index_key key;
    struct heap_edit edit;
    int conditions;
    int64_t amount;

    if (!read_conditions(client, argc, argv, &conditions) || !argument_i64(client, &argv[2], &amount))
        return COMMAND_DONE;
    if (!exptime_of_redis(amount, unit_ms, relative ? heap_now_ms(client->heap_worker) : 0, &expire_at_ms)) {
        reply_expiry_error(client);
        return COMMAND_DONE;
    }
    value_edit(client, &argv[1], &edit, &key);
    if (!edit.found || !conditions_hold(conditions, edit.old.expire_at_ms, expire_at_ms)) {
        reply_integer(client, 0);
    } else if (!client_room_covers(client, argv[1].len, edit.old.value_len)) {
        status = COMMAND_RETRY;
    } else {
        client_rewrite(client, &edit, expire_at_ms, false);
        reply_integer(client, 1);
    }
    heap_edit_end(&edit);
    return status;
}

enum command_status redis_expire(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    return expire(client, argc, argv, 1000, true);
}

enum command_status redis_pexpire(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    return expire(client, argc, argv, 1, true);
}

enum command_status redis_expireat(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    return expire(client, argc, argv, 1000, false);
}

enum command_status redis_pexpireat(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    return expire(client, argc, argv, 1, false);
}

enum command_status redis_persist(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    enum command_status status = COMMAND_DONE;
    struct index_key key;
    struct heap_edit edit;

    (void)argc;
    value_edit(client, &argv[1], &edit, &key);
    if (!edit.found || edit.old.expire_at_ms == 0) {
        reply_integer(client, 0);
    } else if (!client_room_covers(client, argv[1].len, edit.old.value_len)) {
        status = COMMAND_RETRY;
    } else {
        client_rewrite(client, &edit, 0, false);
        reply_integer(client, 1);
    }
    heap_edit_end(&edit);
    return status;
}

/* Answers the expiry: -2 no key, -1 no expiry, else what is left of it (or, if absolute, the moment) in its unit. */
static enum command_status tell_expiry(struct client *client, const struct resp_arg *key, int64_t unit_ms,
                                       bool absolute)
{
    struct object object;
    int64_t ms;

    if (!value_peek(client, key, &object)) {
        reply_integer(client, -2);
        return COMMAND_DONE;
    }
    if (object.expire_at_ms == 0) {
        reply_integer(client, -1);
        return COMMAND_DONE;
    }
    ms = (int64_t)(absolute ? object.expire_at_ms : object.expire_at_ms - heap_now_ms(client->heap_worker));
    if (ms < 0)
        ms = 0;
    reply_integer(client, unit_ms == 1 ? ms : ms / unit_ms + (ms % unit_ms >= unit_ms / 2)); /* rounds half up */
    return COMMAND_DONE;
}

enum command_status redis_ttl(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc;
    return tell_expiry(client, &argv[1], 1000, false);
}

enum command_status redis_pttl(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc;
    return tell_expiry(client, &argv[1], 1, false);
}

enum command_status redis_expiretime(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc;
    return tell_expiry(client, &argv[1], 1000, true);
}

enum command_status redis_pexpiretime(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc;
    return tell_expiry(client, &argv[1], 1, true);
}
