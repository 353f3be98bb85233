/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests between parsing and execution: a batch of a turn, and those that are parked.
 *
 * IDEA     Requests are gathered before any is executed, and the memory of their keys is prefetched as they come, so
 *          that the latencies overlap. A batch holds requests of several connections, each connection's in order.
 */
#ifndef HEARTH_SERVER_REQUEST_H
#define HEARTH_SERVER_REQUEST_H

#include "server/client.h"
#include "server/command.h"

/* Requests executed together. */
#define BATCH_REQUESTS 32
/* Arguments of a batch, to begin with; one command may need more. */
#define BATCH_ARGUMENTS 4096

struct conn;

enum request_kind {
    REQUEST_REDIS,
    REQUEST_MEMCACHE,
    REQUEST_TOO_LARGE,      /* Redis: swallowed, since it breaks a bound of ours */
    REQUEST_PROTOCOL_ERROR, /* Redis: the parser's last error, then the end */
    REQUEST_CLOSE,          /* memcached: the end without a word */
};

struct request {
    struct conn *conn;
    enum request_kind kind;
    struct index_key key; /* the first key; data NULL: none */
    pm_loc record;        /* a hint: where its record lies, whose value will be read; 0: none */
    /* Redis */
    const struct command *command; /* NULL: unknown */
    struct resp_arg *argv;         /* in batch.arguments, or behind the struct parked */
    uint32_t argc;
    /* memcached */
    struct memcache_request memcache;
};

struct batch {
    uint32_t count;
    uint32_t argument_count;
    uint32_t argument_capacity;
    struct resp_arg *arguments;
    struct request requests[BATCH_REQUESTS];
};

/* Requests of one connection that wait to be executed. */
struct parked {
    uint32_t count, at, capacity;
    struct request *requests;
};

/*
 * Executes one request within the worker's turn: whatever all commands share, then the handler. COMMAND_WAIT: nothing
 * was changed or replied, park it. Never COMMAND_RETRY.
 */
enum command_status request_execute(struct request *request);

/* Keeps a copy of the request, arguments included, behind those that the connection has parked. False: no memory. */
bool request_park(struct request *request);
/* Frees all that a connection has parked. */
void requests_unpark(struct conn *conn);

#endif
