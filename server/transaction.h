/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a client has queued since MULTI, and the keys it watches.
 *
 * IDEA
 *   Queued commands are copied, within bounds. EXEC knows all of them before it begins: it plans the room for all, locks
 *   all keys and the watched ones at once, looks whether a watched key has another version than at WATCH (its commit
 *   timestamp; 0 while it does not exist), and only then runs the handlers, which cannot run out of room any more.
 *
 *   A key that came into being and went away again between WATCH and EXEC counts as unchanged here, but not in Redis:
 *   what EXEC finds is what WATCH saw.
 *
 * PLAN
 *   The room of APPEND depends on what it finds, and what it finds on the commands queued before it. So the plan keeps,
 *   for each key, the longest value that can be under it at that point: at first what is there now, then what the
 *   commands planned so far can have made of it. Under the locks EXEC looks whether what is there is still no longer
 *   than the plan assumed; if it is, everything is planned anew.
 *
 * DURABILITY  All of an EXEC is one heap transaction: a crash leaves the whole or nothing. With FLUSHDB or FLUSHALL
 *             among the commands it is a series of them in an exclusive section.
 */
#ifndef HEARTH_SERVER_TRANSACTION_H
#define HEARTH_SERVER_TRANSACTION_H

#include "server/command.h"

/* Bounds of a client's queue, and of its watched keys. */
enum {
    TRANSACTION_COMMANDS_MAX = 1 << 18,
    TRANSACTION_BYTES_MAX = 64 * 1024 * 1024,
    TRANSACTION_WATCHES_MAX = 1 << 16
};

struct queued {
    const struct command *command;
    uint32_t argc;
    struct resp_arg *argv; /* one allocation with the bytes behind */
};

struct watched {
    struct index_key key; /* its bytes are `name` */
    uint8_t *name;
    uint64_t cts;
};

/* A key of the queue as the plan sees it. */
struct planned_key {
    uint32_t assumed_bytes; /* of the value that is there now, at most */
    uint32_t bound_bytes;   /* of the value at the present point of the plan, at most */
};

struct transaction {
    struct queued *queue;
    uint32_t queue_count, queue_capacity;
    uint64_t queue_bytes;

    struct watched *watches;
    uint32_t watch_count, watch_capacity;
    uint64_t watch_bytes; /* of their names */

    struct planned_key *planned;    /* the distinct keys */
    struct index_key *planned_keys; /* the same as heap_transaction_begin() takes them */
    uint32_t planned_count;
    uint32_t *slots; /* open addressing: index into planned + 1, or 0 */
    uint32_t slot_count;
    bool is_planning;
};

/* The client's transaction, made if there is none. NULL: no memory. */
struct transaction *transaction_of(struct client *client);

/* ---- transaction_plan.c ---- */

/* Plans all that is queued, for the client as it is now. `room` may be NULL. False: no memory. */
HEARTH_MUST_USE bool plan_make(struct client *client, struct transaction *transaction, struct command_room *room);
/* Whether what is stored now is no longer than the plan assumed. Under the locks of all keys. */
bool plan_holds(struct client *client, const struct transaction *transaction);
void plan_free(struct transaction *transaction);

#endif
