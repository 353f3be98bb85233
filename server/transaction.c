/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MULTI, EXEC, DISCARD, WATCH, UNWATCH.
 */
#include "server/transaction.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "server/loan.h"
#include "server/redis_commands.h"
#include "server/stats.h"

#define ERROR_MEMORY "ERR out of memory for the transaction"

/* ---- state ---- */

struct transaction *transaction_of(struct client *client)
{
    if (client->transaction == NULL)
        client->transaction = calloc(1, sizeof *client->transaction);
    return client->transaction;
}

static void forget_queue(struct transaction *transaction)
{
    for (uint32_t i = 0; i < transaction->queue_count; i++)
        free(transaction->queue[i].argv);
    free(transaction->queue);
    transaction->queue = NULL;
    transaction->queue_count = transaction->queue_capacity = 0;
    transaction->queue_bytes = 0;
}

static void forget_watches(struct transaction *transaction)
{
    for (uint32_t i = 0; i < transaction->watch_count; i++)
        free(transaction->watches[i].name);
    free(transaction->watches);
    transaction->watches = NULL;
    transaction->watch_count = transaction->watch_capacity = 0;
    transaction->watch_bytes = 0;
}

void transaction_reset(struct client *client)
{
    if (client->transaction != NULL) {
        plan_free(client->transaction);
        forget_queue(client->transaction);
        forget_watches(client->transaction);
        free(client->transaction);
        client->transaction = NULL;
    }
    client_set_multi(client, false);
    client->multi_failed = false;
    client->multi_flags = 0;
}

/* Room for one more element of `bytes` each in an array that doubles. */
static bool grow(void **array, uint32_t count, uint32_t *capacity, size_t bytes)
{
    uint32_t wanted = *capacity == 0 ? 8 : *capacity * 2;
    void *grown;

    if (count < *capacity)
        return true;
    grown = realloc(*array, wanted * bytes);
    if (grown == NULL)
        return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

/* ---- queueing ---- */

/* Bytes that the copy of a command takes. */
static uint64_t copy_bytes(uint32_t argc, const struct resp_arg *argv)
{
    uint64_t bytes = argc * sizeof *argv;

    for (uint32_t i = 0; i < argc; i++)
        bytes += argv[i].len;
    return bytes;
}

static struct resp_arg *copy_arguments(uint32_t argc, const struct resp_arg *argv, uint64_t bytes)
{
    struct resp_arg *copy = malloc(bytes);
    uint8_t *at;

    if (copy == NULL)
        return NULL;
    at = (uint8_t *)(copy + argc);
    for (uint32_t i = 0; i < argc; i++) {
        if (argv[i].len > 0)
            memcpy(at, argv[i].data, argv[i].len);
        copy[i] = (struct resp_arg){at, argv[i].len};
        at += argv[i].len;
    }
    return copy;
}

/* NULL: queued; else the error: a bound is met. */
static const char *queue_command(struct client *client, const struct command *command, uint32_t argc,
                                 const struct resp_arg *argv)
{
    struct transaction *transaction = transaction_of(client);
    uint64_t bytes = copy_bytes(argc, argv);
    struct resp_arg *copy;

    if (transaction == NULL)
        return ERROR_MEMORY;
    if (transaction->queue_count == TRANSACTION_COMMANDS_MAX ||
        bytes > TRANSACTION_BYTES_MAX - transaction->queue_bytes)
        return "ERR the transaction is too large: it may have 262144 commands of together 64 MB";
    if (!grow((void **)&transaction->queue, transaction->queue_count, &transaction->queue_capacity,
              sizeof *transaction->queue))
        return ERROR_MEMORY;
    copy = copy_arguments(argc, argv, bytes);
    if (copy == NULL)
        return ERROR_MEMORY;
    transaction->queue[transaction->queue_count++] = (struct queued){command, argc, copy};
    transaction->queue_bytes += bytes;
    atomic_store_explicit(&client->queued_count, (int32_t)transaction->queue_count, memory_order_relaxed);
    return NULL;
}

enum command_status transaction_queue(struct client *client, const struct command *command, uint32_t argc,
                                      const struct resp_arg *argv)
{
    const char *error = client->multi_failed ? NULL : queue_command(client, command, argc, argv);

    if (error != NULL) {
        client->multi_failed = true;
        reply_error(client, error);
        return COMMAND_DONE;
    }
    client->multi_flags |= command->flags;
    reply_literal(client, RESP_REPLY_QUEUED);
    return COMMAND_DONE;
}

enum command_status redis_multi(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc, (void)argv;
    if (client->in_multi) {
        reply_error(client, "ERR MULTI calls can not be nested");
        return COMMAND_DONE;
    }
    client_set_multi(client, true);
    reply_ok(client);
    return COMMAND_DONE;
}

enum command_status redis_discard(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc, (void)argv;
    if (!client->in_multi) {
        reply_error(client, "ERR DISCARD without MULTI");
        return COMMAND_DONE;
    }
    transaction_reset(client);
    reply_ok(client);
    return COMMAND_DONE;
}

/* ---- watching ---- */

static uint64_t present_cts(const struct client *client, const struct index_key *key)
{
    struct object object;

    return heap_peek(client->heap_worker, key, &object) ? object.cts : 0;
}

/* NULL: the key is watched; else the error. */
static const char *watch_key(struct client *client, const struct resp_arg *arg)
{
    struct transaction *transaction = transaction_of(client);
    struct watched *watched;

    if (transaction == NULL)
        return ERROR_MEMORY;
    if (transaction->watch_count == TRANSACTION_WATCHES_MAX ||
        arg->len > TRANSACTION_BYTES_MAX - transaction->watch_bytes)
        return "ERR too many watched keys: a connection may have 65536 of together 64 MB";
    if (!grow((void **)&transaction->watches, transaction->watch_count, &transaction->watch_capacity,
              sizeof *transaction->watches))
        return ERROR_MEMORY;
    watched = &transaction->watches[transaction->watch_count];
    watched->name = malloc(arg->len + 1);
    if (watched->name == NULL)
        return ERROR_MEMORY;
    if (arg->len > 0)
        memcpy(watched->name, arg->data, arg->len);
    heap_key(client->heap, &watched->key, atomic_load_explicit(&client->db, memory_order_relaxed), watched->name,
             arg->len);
    watched->cts = present_cts(client, &watched->key);
    transaction->watch_count++;
    transaction->watch_bytes += arg->len;
    return NULL;
}

enum command_status redis_watch(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    const char *error = client->in_multi ? "ERR WATCH inside MULTI is not allowed" : NULL;

    for (uint32_t i = 1; error == NULL && i < argc; i++)
        error = watch_key(client, &argv[i]);
    if (error != NULL)
        reply_error(client, error);
    else
        reply_ok(client);
    return COMMAND_DONE;
}

enum command_status redis_unwatch(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc, (void)argv;
    if (client->transaction != NULL)
        forget_watches(client->transaction);
    reply_ok(client);
    return COMMAND_DONE;
}

static bool watches_hold(const struct client *client, const struct transaction *transaction)
{
    for (uint32_t i = 0; i < transaction->watch_count; i++) {
        if (present_cts(client, &transaction->watches[i].key) != transaction->watches[i].cts)
            return false;
    }
    return true;
}

/* ---- EXEC ---- */

void redis_exec_reserve(struct client *client, uint32_t argc, const struct resp_arg *argv, struct command_room *room)
{
    (void)argc, (void)argv;
    if (!client->in_multi || client->multi_failed || client->transaction == NULL)
        return;
    if (!plan_make(client, client->transaction, room))
        room->records = 0; /* no memory: redis_exec() meets it again and says so */
}

/* Locks all planned keys. False: there are too many. */
static bool lock_planned(struct client *client, const struct transaction *transaction)
{
    client->in_transaction =
        heap_transaction_begin(client->heap_worker, transaction->planned_keys, transaction->planned_count);
    return client->in_transaction;
}

static void unlock_planned(struct client *client)
{
    heap_transaction_commit(client->heap_worker);
    client->in_transaction = false;
}

static void run_queued(struct client *client, const struct queued *queued)
{
    uint64_t errors = atomic_load_explicit(&client->stats->value[STAT_error_replies], memory_order_relaxed);
    uint32_t number = command_number(queued->command);
    uint64_t weight = stat_time_weight(atomic_load_explicit(&client->stats->calls[number], memory_order_relaxed));
    uint64_t begin_ns = weight > 0 ? clock_mono_ns() : 0;
    enum command_status status;

    client->command = queued->command;
    client->room_bytes = UINT64_MAX; /* what was reserved for all covers it */
    status = queued->command->handler(client, queued->argc, queued->argv);
    ought(status == COMMAND_DONE);
    if (weight > 0)
        stat_bump(&client->stats->time_ns[number], (clock_mono_ns() - begin_ns) * weight);
    stat_bump(&client->stats->calls[number], 1);
    if (atomic_load_explicit(&client->stats->value[STAT_error_replies], memory_order_relaxed) != errors)
        stat_bump(&client->stats->failed[number], 1);
}

/* Runs the queue; the locks of all keys are held. */
static void run_queue(struct client *client, const struct transaction *transaction)
{
    const struct command *exec = client->command;

    reply_array(client, transaction->queue_count);
    for (uint32_t i = 0; i < transaction->queue_count; i++)
        run_queued(client, &transaction->queue[i]);
    client->command = exec;
}

/* All keys are locked: runs, unless a watched key has changed or more room is needed. */
static enum command_status execute_locked(struct client *client, const struct transaction *transaction)
{
    if (!watches_hold(client, transaction)) {
        reply_literal(client, RESP_REPLY_NULL_ARRAY);
        return COMMAND_DONE;
    }
    if ((client->multi_flags & COMMAND_WRITE) != 0 && !plan_holds(client, transaction))
        return COMMAND_RETRY;
    run_queue(client, transaction);
    return COMMAND_DONE;
}

/*
 * Commands that concern the whole keyspace would neither get past the locks of a heap transaction nor see what it has not
 * published yet: an EXEC with any of them holds all other workers, so that it needs no locks and publishes at once. It is
 * one heap transaction all the same: a crash leaves all of it or nothing.
 */
enum { NEEDS_EXCLUSIVE = COMMAND_FLUSH | COMMAND_NEEDS_FILLED };

static enum command_status execute(struct client *client, struct transaction *transaction)
{
    bool exclusive = (client->multi_flags & NEEDS_EXCLUSIVE) != 0;
    enum command_status status = COMMAND_DONE;

    if (transaction->planned == NULL && !plan_make(client, transaction, NULL)) {
        reply_error(client, ERROR_MEMORY);
        return COMMAND_DONE;
    }
    if (exclusive)
        loans_repay_all(client->worker);
    if (exclusive && heap_exclusive_begin(client->heap_worker) != PM_OK) {
        reply_error(client, "ERR the pool could not be written, see the server's log");
        return COMMAND_DONE;
    }
    if (lock_planned(client, transaction))
        status = execute_locked(client, transaction);
    else
        reply_error(client, "ERR too many keys for one transaction");
    if (client->in_transaction)
        unlock_planned(client);
    if (exclusive)
        heap_exclusive_end(client->heap_worker);
    return status;
}

enum command_status redis_exec(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    enum command_status status = COMMAND_DONE;

    (void)argc, (void)argv;
    if (!client->in_multi) {
        reply_error(client, "ERR EXEC without MULTI");
        return COMMAND_DONE;
    }
    if (client->multi_failed)
        reply_error(client, "EXECABORT Transaction discarded because of previous errors.");
    else if (transaction_of(client) == NULL)
        reply_error(client, ERROR_MEMORY);
    else
        status = execute(client, client->transaction);
    if (status == COMMAND_DONE)
        transaction_reset(client);
    return status;
}
