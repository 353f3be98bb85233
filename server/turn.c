/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A turn: connections are read, their requests gathered and executed, made durable together, answered.
 *
 * IDEA
 *   A turn takes up to TURN_CONNS connections, in phases:
 *     1  each is read once
 *     2  within a heap turn, requests are gathered into batches across connections, their keys prefetched, executed;
 *        at most TURN_REQUESTS and TURN_BYTES a connection, so that nobody starves
 *     3  the heap turn is closed: what was written is durable, or its epoch is known that a sync must cover
 *     4  each is written once, or held until that sync; where large values leave from the pool itself (loan.h), the
 *        turn is left only then
 *   Then nothing is promised that could be lost: no reply leaves before phase 3 (C1).
 *
 * COST   A turn reads the clock once. A connection costs one read and one write a turn.
 */
#include "server/turn.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/request.h"
#include "server/server.h"
#include "server/worker.h"

#define TURN_CONNS 32
#define TURN_REQUESTS 256
#define TURN_BYTES (64 * 1024)
/* Requests between the one that is executed and the one whose value is fetched: 1 and 4 gain as much. */
#define VALUES_AHEAD 2
/* Arguments that a worker keeps room for between turns. */
#define TURN_ARGUMENTS_KEPT 65536

static const struct resp_limits resp_limits = {
    .args_max = RESP_ARGS_MAX,
    .bulk_max_bytes = VALUE_BYTES_MAX,
    .proto_max_bulk_bytes = 512UL * 1024 * 1024,
    .request_max_bytes = CONN_IN_MAX_BYTES,
};

/* ---- executing ---- */

/* Parks the request because its connection is held. */
static void park(struct request *request)
{
    if (!request_park(request))
        request->conn->broken = true;
}

/* What a status means for the connection. False: the request has not been executed. */
static bool heed(struct conn *conn, enum command_status status)
{
    switch (status) {
    case COMMAND_DONE:
    case COMMAND_RETRY:
        break;
    case COMMAND_CLOSE:
        conn->closing = true;
        break;
    case COMMAND_WAIT:
        STAT_ADD(conn->client.stats, parked, 1);
        conn_hold(conn, CONN_HOLD_ROOM);
        return false;
    }
    if (buf_len(&conn->client.out) + conn->client.lent_bytes > CONN_OUT_SOFT_BYTES)
        conn_hold(conn, CONN_HOLD_OUTPUT);
    return true;
}

/* A guess, for prefetching: most writes look at the old record's key alone. */
static bool reads_value(const struct request *request)
{
    if (request->kind == REQUEST_MEMCACHE)
        return request->memcache.verb != MEMCACHE_SET;
    return request->command == NULL || (request->command->flags & COMMAND_WRITE) == 0;
}

/* False: it takes another step. */
static bool prefetch_record(struct worker *worker, struct request *request, bool overflow)
{
    bool value = reads_value(request);
    pm_loc record = 0;

    if (request->key.data != NULL)
        record = heap_prefetch_record(worker->heap_worker, &request->key, value, overflow);
    request->record = value && record != HEAP_PREFETCH_AGAIN ? record : 0;
    return record != HEAP_PREFETCH_AGAIN;
}

/* The buckets were asked for while the batch was gathered; now the records, all before the first is used. */
static void prefetch_records(struct worker *worker, struct batch *batch)
{
    struct request *again[BATCH_REQUESTS];
    uint32_t again_count = 0;

    for (uint32_t i = 0; i < batch->count; i++)
        if (!prefetch_record(worker, &batch->requests[i], false))
            again[again_count++] = &batch->requests[i];
    for (uint32_t i = 0; i < again_count; i++)
        (void)prefetch_record(worker, again[i], true);
}

static void run_batch(struct worker *worker)
{
    struct batch *batch = &worker->batch;

    if (batch->count > 1)
        prefetch_records(worker, batch);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct request *request = &batch->requests[i];
        struct conn *conn = request->conn;

        if (i + VALUES_AHEAD < batch->count && request[VALUES_AHEAD].record != 0)
            heap_prefetch_value(worker->heap_worker, request[VALUES_AHEAD].record);
        if (conn->closing)
            continue;
        if (conn->held != 0) {
            park(request);
            continue;
        }
        conn->client.wait_state = 0;
        if (!heed(conn, request_execute(request)))
            park(request);
    }
    STAT_ADD(&worker->stats, commands, batch->count);
    batch->count = 0;
    batch->argument_count = 0;
}

/* Tries the parked requests of a connection again, in order. */
static void run_parked(struct conn *conn)
{
    struct parked *parked = conn->parked;

    while (parked->at < parked->count && conn->held == 0 && !conn->closing) {
        if (!heed(conn, request_execute(&parked->requests[parked->at])))
            return;
        conn->client.wait_state = 0;
        parked->at++;
    }
    if (parked->at == parked->count || conn->closing)
        requests_unpark(conn);
}

/* ---- gathering ---- */

static void add_key(struct worker *worker, struct request *request, const void *data, uint32_t len)
{
    uint8_t db = atomic_load_explicit(&request->conn->client.db, memory_order_relaxed);

    heap_key(worker->heap, &request->key, db, data, len);
    heap_prefetch(worker->heap_worker, &request->key);
}

static void add_redis(struct worker *worker, struct conn *conn, uint32_t argc)
{
    struct batch *batch = &worker->batch;
    struct request *request = &batch->requests[batch->count++];
    struct resp_arg *argv = batch->arguments + batch->argument_count;
    const struct command *command = command_find(argv[0].data, argv[0].len);

    batch->argument_count += argc;
    if (command != NULL && (command->flags & COMMAND_CONTAINER) != 0 && argc > 1)
        command = command_find_sub(command, argv[1].data, argv[1].len);
    request->kind = REQUEST_REDIS;
    request->conn = conn;
    request->command = command;
    request->argv = argv;
    request->argc = argc;
    request->key.data = NULL;
    if (command != NULL && command->first_key > 0 && (uint32_t)command->first_key < argc) {
        const struct resp_arg *key = &argv[command->first_key];
        add_key(worker, request, key->data, key->len);
    }
}

/* What has to be answered in its turn, but is no command. */
static void add_special(struct worker *worker, struct conn *conn, enum request_kind kind)
{
    struct request *request = &worker->batch.requests[worker->batch.count++];

    request->kind = kind;
    request->conn = conn;
    request->command = NULL;
    request->argv = NULL;
    request->argc = 0;
    request->key.data = NULL;
}

static bool grow_arguments(struct batch *batch, uint32_t argc)
{
    struct resp_arg *arguments = realloc(batch->arguments, argc * sizeof *arguments);

    if (arguments == NULL)
        return false;
    batch->arguments = arguments;
    batch->argument_capacity = argc;
    return true;
}

/* A command with more arguments than are free. */
static void make_argument_room(struct worker *worker, struct conn *conn)
{
    run_batch(worker);
    if (conn->parser.resp.argc > worker->batch.argument_capacity &&
        !grow_arguments(&worker->batch, conn->parser.resp.argc)) {
        log_warn("client", "closed, no memory for a command id=%llu arguments=%u", (unsigned long long)conn->client.id,
                 conn->parser.resp.argc);
        conn->broken = true;
    }
}

/* Parses one request of Redis's protocol. Returns false when there is no more. */
static bool gather_redis(struct worker *worker, struct conn *conn)
{
    struct batch *batch = &worker->batch;
    struct resp_parser *parser = &conn->parser.resp;
    uint32_t room = batch->argument_capacity - batch->argument_count;
    enum resp_parse result;
    size_t consumed = 0;

    if (room == 0) {
        run_batch(worker);
        return conn->held == 0;
    }
    parser->authenticated = conn->client.authenticated; /* its bounds stay those of a stranger until AUTH */
    result = resp_parse(parser, &resp_limits, buf_bytes(&conn->in), buf_len(&conn->in),
                        batch->arguments + batch->argument_count, room, &consumed);
    conn->turn_bytes += consumed;
    buf_consume(&conn->in, consumed);
    switch (result) {
    case RESP_OK:
        add_redis(worker, conn, parser->argc);
        if (!conn->client.authenticated) /* AUTH changes how the next is parsed */
            run_batch(worker);
        return true;
    case RESP_NEED_MORE:
        return false;
    case RESP_NEED_ARGV:
        make_argument_room(worker, conn);
        return true;
    case RESP_TOO_LARGE:
        STAT_ADD(conn->client.stats, store_too_large, 1);
        add_special(worker, conn, REQUEST_TOO_LARGE);
        return true;
    case RESP_PROTOCOL_ERROR:
        STAT_ADD(conn->client.stats, protocol_errors, 1);
        add_special(worker, conn, REQUEST_PROTOCOL_ERROR);
        conn->deaf = true;
        return false;
    }
    return false;
}

/* The same of memcached's. */
static bool gather_memcache(struct worker *worker, struct conn *conn)
{
    struct batch *batch = &worker->batch;
    struct request *request = &batch->requests[batch->count];
    size_t consumed = 0;
    enum memcache_parse result;

    request->memcache.key = NULL; /* requests without a key leave it alone, and an earlier one may have left its own */
    result =
        memcache_parse(&conn->parser.memcache, buf_bytes(&conn->in), buf_len(&conn->in), &request->memcache, &consumed);
    conn->turn_bytes += consumed;
    buf_consume(&conn->in, consumed);
    switch (result) {
    case MEMCACHE_OK:
        batch->count++;
        request->kind = REQUEST_MEMCACHE;
        request->conn = conn;
        request->command = NULL;
        request->argv = NULL;
        request->argc = 0;
        request->key.data = NULL;
        if (request->memcache.key != NULL)
            add_key(worker, request, request->memcache.key, request->memcache.key_len);
        return true;
    case MEMCACHE_NEED_MORE:
        return false;
    case MEMCACHE_CLOSE:
        STAT_ADD(conn->client.stats, protocol_errors, 1);
        add_special(worker, conn, REQUEST_CLOSE);
        conn->deaf = true;
        return false;
    }
    return false;
}

static bool within_bounds(const struct conn *conn)
{
    return conn->turn_requests < TURN_REQUESTS && conn->turn_bytes < TURN_BYTES;
}

/* Gathers from one connection until it has no more or has had its share. */
static void gather(struct worker *worker, struct conn *conn)
{
    bool redis = conn->client.protocol == CLIENT_REDIS;

    if (conn->parked != NULL) {
        run_batch(worker);
        run_parked(conn);
    }
    while (conn->held == 0 && !conn->closing && !conn->broken && !conn->deaf) {
        if (worker->batch.count == BATCH_REQUESTS) {
            run_batch(worker);
            continue;
        }
        if (!within_bounds(conn)) {
            STAT_ADD(conn->client.stats, conn_yields, 1);
            return;
        }
        if (!(redis ? gather_redis(worker, conn) : gather_memcache(worker, conn))) {
            conn->more = conn->held != 0;
            return;
        }
        conn->turn_requests++;
    }
}

/* ---- the phases ---- */

static void read_all(struct conn **set, uint32_t count)
{
    uint64_t now_us = clock_mono_us();

    for (uint32_t i = 0; i < count; i++) {
        struct conn *conn = set[i];
        conn->turn_requests = 0;
        conn->turn_bytes = 0;
        atomic_store_explicit(&conn->active_mono_us, now_us, memory_order_relaxed);
        if (conn->readable && !conn->more && conn->parked == NULL && conn->held == 0 && !conn->closing && !conn->eof)
            conn_read(conn);
    }
}

/* The heap turn has failed: the promise is broken (R5). Nothing of the turn may be acknowledged. */
static void break_promise(struct worker *worker, struct conn **set, uint32_t count, enum pm_status status)
{
    if (!atomic_exchange(&worker->server->promise_broken, true))
        log_error(
            "heap",
            "writes could not be made durable (%s): they are refused from now on; look at the pool's file system, "
            "then restart pool=%s",
            pm_status_text(status), options_fixed_text(worker->server->options, OPTION_POOL));
    for (uint32_t i = 0; i < count; i++)
        set[i]->broken = true;
}

static void answer(struct conn *conn, uint64_t wait_epoch)
{
    struct client *client = &conn->client;

    if (client->out_failed) {
        log_info("client", "closed, more than %u MB of replies are waiting id=%llu", CONN_OUT_MAX_BYTES >> 20,
                 (unsigned long long)client->id);
        STAT_ADD(client->stats, out_limit_closed, 1);
        conn->broken = true;
        return;
    }
    if (buf_len(&client->out) == 0 || conn->broken)
        return;
    if (wait_epoch != 0) {
        STAT_ADD(client->stats, sync_waits, 1);
        conn->wait_epoch = wait_epoch;
        conn_hold(conn, CONN_HOLD_SYNC);
    } else {
        conn_write(conn);
    }
}

static void run_turn(struct worker *worker, struct conn **set, uint32_t count)
{
    enum pm_status status;
    uint64_t wait_epoch = 0;
    bool lent;

    read_all(set, count);
    heap_turn_begin(worker->heap_worker, clock_wall_ms());
    for (uint32_t i = 0; i < count; i++)
        gather(worker, set[i]);
    run_batch(worker);
    status = heap_turn_close(worker->heap_worker, &wait_epoch);
    lent = worker->loans.count > 0;
    if (!lent)
        heap_turn_leave(worker->heap_worker);
    STAT_ADD(&worker->stats, turns, 1);
    if (status != PM_OK)
        break_promise(worker, set, count, status);
    else if (wait_epoch != 0 && wait_epoch <= heap_synced_epoch(worker->heap))
        wait_epoch = 0;
    for (uint32_t i = 0; i < count; i++) {
        answer(set[i], wait_epoch);
        if (set[i]->client.lent_bytes != 0) /* it is held, or broken */
            loans_repay(&set[i]->client, 0);
        conn_settle(set[i]);
    }
    if (lent)
        heap_turn_leave(worker->heap_worker);
    /* A sync that ended before they were held has not woken this worker. */
    if (wait_epoch != 0 && wait_epoch <= heap_synced_epoch(worker->heap))
        worker_wake(worker);
}

static void shrink_arguments(struct batch *batch)
{
    struct resp_arg *arguments;

    if (batch->argument_capacity <= TURN_ARGUMENTS_KEPT)
        return;
    arguments = realloc(batch->arguments, BATCH_ARGUMENTS * sizeof *arguments);
    if (arguments != NULL) {
        batch->arguments = arguments;
        batch->argument_capacity = BATCH_ARGUMENTS;
    }
}

void turn_pass(struct worker *worker)
{
    struct conn_list pass = TAILQ_HEAD_INITIALIZER(pass);
    struct conn *set[TURN_CONNS];
    struct conn *conn;

    TAILQ_CONCAT(&pass, &worker->ready, ready_link);
    while (!TAILQ_EMPTY(&pass)) {
        uint32_t count = 0;
        while (count < TURN_CONNS && (conn = TAILQ_FIRST(&pass)) != NULL) {
            TAILQ_REMOVE(&pass, conn, ready_link);
            conn->queued = false;
            set[count++] = conn;
        }
        run_turn(worker, set, count);
    }
    shrink_arguments(&worker->batch);
}
