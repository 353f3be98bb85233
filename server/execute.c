/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The executor: what all commands share, before and around their handlers.
 *
 * SOURCE   The order of the checks and the texts are those of Redis 7.0, observed from outside.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/conn.h"
#include "server/request.h"
#include "server/server.h"
#include "server/worker.h"

/* A command that asks for more room each time it runs waits a moment after so many attempts. */
#define ATTEMPTS_MAX 8
/* How much of an unknown command is quoted. */
#define QUOTED_BYTES_MAX 128

/* Of the keys of one command so many are asked for together. */
#define KEYS_TOGETHER 64

#define TEXT_OOM "OOM command not allowed when used memory > 'maxmemory'."
#define TEXT_BROKEN \
    "MISCONF Hearth could not make writes durable and refuses them. Reads are served. Look at the log of the server."
#define TEXT_CANNOT_FILL \
    "MISCONF The index of the pool is damaged: commands over all keys are refused. Keys that can be read are served. " \
    "Look at the log of the server."
#define TEXT_BROKEN_MEMCACHE "SERVER_ERROR writes could not be made durable and are refused\r\n"

/* ---- refusals ---- */

/* Refuses before execution. `text` begins with a code. Inside MULTI the whole transaction is lost. */
static void refuse(struct client *client, const struct command *command, const char *text)
{
    if (command != NULL)
        stat_bump(&client->stats->rejected[command_number(command)], 1);
    if (command != NULL && (command->flags & COMMAND_EXEC) != 0) {
        transaction_reset(client);
        reply_errorf(client, "EXECABORT Transaction discarded because of: %s",
                     strncmp(text, "ERR ", 4) == 0 ? text + 4 : text);
        return;
    }
    if (client->in_multi)
        client->multi_failed = true;
    reply_error(client, text);
}

static void refuse_arity(struct client *client, const struct command *command)
{
    char text[128];

    snprintf(text, sizeof text, "ERR wrong number of arguments for '%s' command", command->name);
    refuse(client, command, text);
}

/* The length of a name as it is quoted: up to a zero byte, and not too long. */
static int quoted_len(const struct resp_arg *arg)
{
    return (int)strnlen((const char *)arg->data, arg->len < QUOTED_BYTES_MAX ? arg->len : QUOTED_BYTES_MAX);
}

static void refuse_unknown_sub(struct client *client, const struct command *container, const struct resp_arg *argv)
{
    char text[QUOTED_BYTES_MAX + 128];
    int len = snprintf(text, sizeof text, "ERR unknown subcommand '%.*s'. Try ", quoted_len(&argv[1]),
                       (const char *)argv[1].data);

    for (const char *at = container->name; *at != '\0'; at++)
        text[len++] = (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
    snprintf(text + len, sizeof text - (size_t)len, " HELP.");
    refuse(client, NULL, text);
}

static void refuse_unknown(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    char text[2 * QUOTED_BYTES_MAX + 128];
    const struct command *container = command_find(argv[0].data, argv[0].len);
    size_t quoted = 0;
    size_t len;

    if (container != NULL) {
        refuse_unknown_sub(client, container, argv);
        return;
    }
    len = (size_t)snprintf(text, sizeof text,
                           "ERR unknown command '%.*s', with args beginning with: ", quoted_len(&argv[0]),
                           (const char *)argv[0].data);
    for (uint32_t i = 1; i < argc && quoted < QUOTED_BYTES_MAX; i++) {
        int room = (int)(QUOTED_BYTES_MAX - quoted);
        int shown = quoted_len(&argv[i]) < room ? quoted_len(&argv[i]) : room;
        size_t added = (size_t)snprintf(text + len, sizeof text - len, "'%.*s' ", shown, (const char *)argv[i].data);
        len += added;
        quoted += added;
    }
    refuse(client, NULL, text);
}

/* ---- room ---- */

enum room_result { ROOM_THERE, ROOM_WAIT, ROOM_FULL };

static enum room_result take_room(struct client *client, const struct command_room *room)
{
    client->room_bytes = room->bytes;
    if (room->records == 0)
        return ROOM_THERE;
    switch (heap_reserve(client->heap_worker, room->bytes, room->records, room->deletes_only)) {
    case HEAP_RESERVED:
        return ROOM_THERE;
    case HEAP_WAIT:
        return ROOM_WAIT;
    case HEAP_FULL:
        break;
    }
    return ROOM_FULL;
}

static bool is_broken(const struct client *client)
{
    return atomic_load_explicit(&client->server->promise_broken, memory_order_relaxed);
}

/* ---- Redis ---- */

/* Opens a heap transaction over all keys of the command; false: too many, answered. */
static bool lock_keys(struct client *client, const struct command *command, uint32_t count, uint32_t argc,
                      const struct resp_arg *argv)
{
    struct index_key on_stack[KEYS_TOGETHER];
    struct index_key *list = on_stack;
    bool fine = true;

    memset(on_stack, 0, sizeof on_stack[0]);
    if (count > HEARTH_ARRAY_COUNT(on_stack))
        list = malloc(count * sizeof *list);
    if (list == NULL) {
        reply_error(client, "ERR out of memory");
        return false;
    }
    (void)command_index_keys(client, command, argc, argv, list);
    heap_prefetch_all(client->heap_worker, list, count);
    if (!heap_transaction_begin(client->heap_worker, list, count)) {
        reply_error(client, "ERR too many keys for one command");
        fine = false;
    }
    client->in_transaction = fine;
    if (list != on_stack)
        free(list);
    return fine;
}

/* Runs the handler, within a transaction where several keys belong together. */
static enum command_status run_handler(struct client *client, const struct command *command, uint32_t flags,
                                       uint32_t argc, const struct resp_arg *argv)
{
    uint32_t key_count = 0;
    enum command_status status;

    if ((flags & (COMMAND_WRITE | COMMAND_ATOMIC)) != 0 && (command->flags & COMMAND_EXEC) == 0)
        key_count = command_keys(command, argc).count;
    if (key_count < 2)
        return command->handler(client, argc, argv);
    if (!lock_keys(client, command, key_count, argc, argv))
        return COMMAND_DONE;
    status = command->handler(client, argc, argv);
    heap_transaction_commit(client->heap_worker);
    client->in_transaction = false;
    return status;
}

/* Reserves and runs until the room suffices. */
static enum command_status run_command(struct client *client, const struct command *command, uint32_t flags,
                                       uint32_t argc, const struct resp_arg *argv)
{
    size_t mark = reply_mark(client);
    enum command_status status;
    struct command_room room;

    for (client->attempt = 0; client->attempt < ATTEMPTS_MAX; client->attempt++) {
        client->room_bytes = 0;
        if ((flags & COMMAND_WRITE) != 0) {
            command_room(client, command, argc, argv, &room);
            switch (take_room(client, &room)) {
            case ROOM_THERE:
                break;
            case ROOM_WAIT:
                return COMMAND_WAIT;
            case ROOM_FULL:
                STAT_ADD(client->stats, store_no_memory, 1);
                refuse(client, command, TEXT_OOM);
                return COMMAND_DONE;
            }
        }
        status = run_handler(client, command, flags, argc, argv);
        if (HEARTH_LIKELY(status == COMMAND_DONE))
            return status;
        if (status == COMMAND_CLOSE)
            return status;
        reply_undo(client, mark);
        if (status == COMMAND_WAIT)
            return status;
    }
    return COMMAND_WAIT;
}

/* The same with the time that it takes, which counts for `weight` calls. */
static enum command_status run_timed(struct client *client, const struct command *command, uint32_t flags,
                                     uint32_t argc, const struct resp_arg *argv, uint64_t weight)
{
    uint64_t begin_ns = clock_mono_ns();
    enum command_status status = run_command(client, command, flags, argc, argv);

    if (status != COMMAND_WAIT)
        stat_bump(&client->stats->time_ns[command_number(command)], (clock_mono_ns() - begin_ns) * weight);
    return status;
}

/* The checks that refuse a command before anything else. False: refused. */
static bool is_allowed(struct client *client, const struct command *command, uint32_t argc, const struct resp_arg *argv)
{
    if (command == NULL) {
        refuse_unknown(client, argc, argv);
        return false;
    }
    if (!command_arity_fits(command, argc)) {
        refuse_arity(client, command);
        return false;
    }
    if (!client->authenticated && (command->flags & COMMAND_NO_AUTH) == 0 &&
        options_password_is_asked(client->server->options)) { /* CONFIG SET may have taken the password away */
        refuse(client, command, "NOAUTH Authentication required.");
        return false;
    }
    if (client->in_multi && (command->flags & COMMAND_NO_MULTI) != 0) {
        refuse(client, command, "ERR Command not allowed inside a transaction");
        return false;
    }
    return true;
}

static bool names_are_short(struct client *client, const struct command *command, uint32_t argc,
                            const struct resp_arg *argv)
{
    if (command_keys_fit(command, argc, argv))
        return true;
    refuse(client, command, "ERR a key is longer than 65535 bytes");
    return false;
}

/* The first words of web requests: such a connection is closed without an answer, as Redis does. */
static bool is_web_request(const struct resp_arg *name)
{
    return (name->len == 4 && strncasecmp((const char *)name->data, "post", 4) == 0) ||
           (name->len == 5 && strncasecmp((const char *)name->data, "host:", 5) == 0);
}

static enum command_status execute_redis(struct client *client, const struct command *command, uint32_t argc,
                                         const struct resp_arg *argv)
{
    uint64_t errors = atomic_load_explicit(&client->stats->value[STAT_error_replies], memory_order_relaxed);
    enum command_status status;
    uint64_t calls, weight;
    uint32_t flags;

    client->command = command;
    if (command == NULL && is_web_request(&argv[0])) {
        log_warn("redis", "a web request has come over Redis's protocol; its connection is closed: somebody may be "
                          "trying to reach this server through a browser");
        STAT_ADD(client->stats, protocol_errors, 1);
        return COMMAND_CLOSE;
    }
    if (!is_allowed(client, command, argc, argv) || !names_are_short(client, command, argc, argv))
        return COMMAND_DONE;
    if (client->in_multi && (command->flags & COMMAND_UNQUEUED) == 0)
        return transaction_queue(client, command, argc, argv);
    flags = command->flags;
    if ((flags & COMMAND_EXEC) != 0)
        flags |= client->multi_flags;
    if ((flags & COMMAND_NEEDS_FILLED) != 0 && !heap_is_filled(client->heap)) {
        if (!heap_cannot_fill(client->heap))
            return COMMAND_WAIT;
        refuse(client, command, TEXT_CANNOT_FILL);
        return COMMAND_DONE;
    }
    if ((flags & COMMAND_WRITE) != 0 && is_broken(client)) {
        refuse(client, command, TEXT_BROKEN);
        return COMMAND_DONE;
    }
    atomic_store_explicit(&conn_of(client)->last_command, command, memory_order_relaxed);
    calls = atomic_load_explicit(&client->stats->calls[command_number(command)], memory_order_relaxed);
    weight = stat_time_weight(calls);
    if (HEARTH_LIKELY(weight == 0))
        status = run_command(client, command, flags, argc, argv);
    else
        status = run_timed(client, command, flags, argc, argv, weight);
    if (HEARTH_UNLIKELY(status == COMMAND_WAIT))
        return status;
    atomic_store_explicit(&client->stats->calls[command_number(command)], calls + 1, memory_order_relaxed);
    if (atomic_load_explicit(&client->stats->value[STAT_error_replies], memory_order_relaxed) != errors)
        stat_bump(&client->stats->failed[command_number(command)], 1);
    return status;
}

/* ---- memcached ---- */

static enum command_status execute_memcache(struct client *client, const struct memcache_request *request)
{
    size_t mark = reply_mark(client);
    enum command_status status;
    struct command_room room;

    for (client->attempt = 0; client->attempt < ATTEMPTS_MAX; client->attempt++) {
        room = (struct command_room){0};
        memcache_room(client, request, &room);
        if (room.records > 0 && is_broken(client)) {
            if (!request->noreply)
                reply_literal(client, TEXT_BROKEN_MEMCACHE);
            return COMMAND_DONE;
        }
        switch (take_room(client, &room)) {
        case ROOM_THERE:
            break;
        case ROOM_WAIT:
            return COMMAND_WAIT;
        case ROOM_FULL:
            return memcache_refuse_full(client, request);
        }
        status = memcache_execute(client, request);
        if (HEARTH_LIKELY(status == COMMAND_DONE) || status == COMMAND_CLOSE)
            return status;
        reply_undo(client, mark);
        if (status == COMMAND_WAIT)
            return status;
    }
    return COMMAND_WAIT;
}

/* ---- all ---- */

enum command_status request_execute(struct request *request)
{
    struct client *client = &request->conn->client;
    struct resp_parser *parser = &request->conn->parser.resp;

    client->request_key = request->key;
    switch (request->kind) {
    case REQUEST_REDIS:
        return execute_redis(client, request->command, request->argc, request->argv);
    case REQUEST_MEMCACHE:
        return execute_memcache(client, &request->memcache);
    case REQUEST_TOO_LARGE:
        refuse(client, NULL, "ERR the request is too large: a value may have 1 MB, a command 64 MB");
        return COMMAND_DONE;
    case REQUEST_PROTOCOL_ERROR:
        stats_count_error(client->stats, parser->error + 1); /* behind its '-' */
        reply_raw(client, parser->error, parser->error_len);
        return COMMAND_CLOSE;
    case REQUEST_CLOSE:
        return COMMAND_CLOSE;
    }
    return COMMAND_CLOSE;
}
