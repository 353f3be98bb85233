/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a command is: one row in a table, a handler, and the rules between handlers and the executor.
 *
 * IDEA
 *   A command is one row (server/redis_commands.h, made of ROW() macros). The row makes the enum, the dispatch, the
 *   arity check, per-command counters, COMMAND and COMMAND DOCS and a section of the manual.
 *
 *   The executor (execute.c) does what all commands share, so that handlers need not: looking up, arity, AUTH, queueing
 *   in MULTI, waiting for the hash index to be complete, reserving space, out-of-memory answers, locking the keys of a
 *   command that has several. A handler runs within an open heap turn, reads and edits, and appends its reply.
 *
 * RULES FOR HANDLERS
 *   1  What the heap gives (objects, keys) and what argv points to is good until the handler returns.
 *   2  A handler that writes must have room for it: what the row's `reserve` computed is in c->room. One that rewrites
 *      an old value (APPEND, EXPIRE, touch ...) computes its room from the size that it finds by heap_peek()
 *      (client_old_value_bound()), and checks under the lock of heap_edit_begin() that the old value has not grown
 *      (client_room_covers()). If it has: end the edit unchanged, return COMMAND_RETRY; room is computed anew.
 *   3  COMMAND_RETRY and COMMAND_WAIT undo the reply written so far. Nothing may have been changed by then (or doing it
 *      again must be harmless).
 *   4  A WRITE command with more than one key, and a command flagged ATOMIC, runs inside a heap transaction that the
 *      executor opens over all its keys (client->in_transaction is true); one with a single key uses heap_edit alone.
 *      EXEC opens its own over all keys of what is queued and watched: transaction.c.
 *   5  A handler never blocks, sleeps or waits. One that has to wait (DEBUG SLEEP) keeps what it needs in
 *      client->wait_state, returns COMMAND_WAIT and is called again in a millisecond or so.
 *   6  No allocation on the path of a frequent command.
 *
 * THREADS  Tables are constant. Handlers run on the thread of their client's worker.
 */
#ifndef HEARTH_SERVER_COMMAND_H
#define HEARTH_SERVER_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap/heap.h"
#include "proto/memcache.h"
#include "proto/resp.h"
#include "server/client.h"

enum command_status {
    COMMAND_DONE = 0,
    COMMAND_WAIT,  /* cannot run now: park the connection at this request, try again in a moment */
    COMMAND_RETRY, /* what was reserved does not suffice: reserve anew and run again at once */
    COMMAND_CLOSE, /* done; close the connection once the reply has left */
};

/* Flags of a row. Those with a name in Redis are shown by COMMAND under it. */
enum {
    COMMAND_WRITE = 1 << 0, /* may change the keyspace */
    COMMAND_READONLY = 1 << 1,
    COMMAND_DENYOOM = 1 << 2, /* shown only: what matters is DELETES */
    COMMAND_FAST = 1 << 3,
    COMMAND_ADMIN = 1 << 4,
    COMMAND_NO_AUTH = 1 << 5,       /* allowed before AUTH */
    COMMAND_NO_MULTI = 1 << 6,      /* refused inside MULTI ("ERR Command not allowed inside a transaction") */
    COMMAND_UNQUEUED = 1 << 7,      /* runs at once even inside MULTI: EXEC, DISCARD, MULTI, WATCH, QUIT, RESET */
    COMMAND_LOADING = 1 << 8,       /* shown only */
    COMMAND_STALE = 1 << 9,         /* shown only */
    COMMAND_NOSCRIPT = 1 << 10,     /* shown only */
    COMMAND_NEEDS_FILLED = 1 << 11, /* waits for heap_is_filled(): SCAN, KEYS, RANDOMKEY, DBSIZE */
    COMMAND_DELETES = 1 << 12,      /* WRITE that only removes: works in a full pool */
    COMMAND_ATOMIC = 1 << 13,       /* reads several keys at one moment: wrapped like a write of several keys (MGET) */
    COMMAND_FLUSH = 1 << 14,        /* calls heap_flush(): an EXEC with one runs in heap_exclusive_begin/end */
    COMMAND_CONTAINER = 1 << 15,    /* CONFIG, CLIENT ...: the second word chooses a row named "config|get" */
    COMMAND_SUBCOMMAND = 1 << 16,   /* such a row: never looked up by its name alone, not counted by COMMAND COUNT */
    COMMAND_EXEC = 1 << 17,         /* EXEC: flags are those of what is queued (client->multi_flags) beside its own */
    COMMAND_SENSITIVE = 1 << 18,    /* arguments hold secrets: AUTH */
    COMMAND_MOVABLE_KEYS = 1 << 19, /* shown only */
    COMMAND_PUBSUB = 1 << 20,       /* shown only */
    COMMAND_ALLOW_BUSY = 1 << 21,   /* shown only */
    COMMAND_SKIP_SLOWLOG = 1 << 22, /* shown only */
    COMMAND_DANGEROUS = 1 << 23,    /* shown only: its ACL category */
    COMMAND_CONNECTION = 1 << 24,   /* shown only: its ACL category, which does not follow from the group */
};

enum command_group {
    COMMAND_GROUP_STRING,
    COMMAND_GROUP_GENERIC,
    COMMAND_GROUP_CONNECTION,
    COMMAND_GROUP_SERVER,
    COMMAND_GROUP_TRANSACTIONS,
};

/* Room that a command needs in the log: `bytes` is a sum of heap_bytes() over `records` records. */
struct command_room {
    uint64_t bytes;
    uint32_t records;     /* 0: the command will not write */
    bool deletes_only;    /* may use the reserve that keeps a full pool deletable */
    uint64_t value_bytes; /* the longest value among the records: EXEC bounds by it what a later command finds */
};

/* A handler. argv[0] is the command's name as sent. */
typedef enum command_status command_handler(struct client *client, uint32_t argc, const struct resp_arg *argv);
/* Computes the room that the command will need at most. May heap_peek(); changes nothing. */
typedef void command_reserve(struct client *client, uint32_t argc, const struct resp_arg *argv,
                             struct command_room *room);

struct command {
    const char *name; /* lower case; "config|get" for a subcommand */
    command_handler *handler;
    command_reserve *reserve; /* NULL, WRITE: command_reserve_arguments(); NULL, DELETES: command_reserve_deletes() */
    int32_t arity;            /* Redis's: with the name; negative: at least so many */
    uint32_t flags;
    int32_t first_key; /* 0: no keys */
    int32_t last_key;  /* negative: from the end */
    int32_t key_step;
    enum command_group group;
    const char *arguments;  /* "key value [NX | XX]" */
    const char *summary;    /* one line */
    const char *complexity; /* "O(1)" */
    const char *since;      /* the version of Redis that has it */
    const char *access;     /* of its keys, as COMMAND shows it: "RW access update"; "RO;OW update" for two sorts; "" */
    const char *tips;       /* for routers, as COMMAND shows them, space between; "" */
};

/*
 * server/redis_commands.h defines REDIS_COMMANDS(ROW), a list of
 *     ROW(ID, "name", handler, reserve, arity, FLAGS, first_key, last_key, key_step, GROUP, "arguments", "summary",
 *         "complexity", "since", "access", "tips")
 * FLAGS an expression of COMMAND_* bits, GROUP without its prefix; server/redis_commands.c defines command_table from
 * it. Containers stand before their subcommands. command_count is the number of rows.
 */
extern const struct command command_table[];
extern const uint32_t command_count;

/* The row's number, as an index into counters. */
static inline uint32_t command_number(const struct command *command)
{
    return (uint32_t)(command - command_table);
}

/*
 * The row of a name in any case; NULL: none. Subcommands are found as "config|get" only by command_find_sub(). After
 * command_index_build(), which main calls once before there are threads.
 */
const struct command *command_find(const void *name, size_t len);
const struct command *command_find_sub(const struct command *container, const void *name, size_t len);
void command_index_build(void);

/* Redis's rule about the number of words. */
static inline bool command_arity_fits(const struct command *command, uint32_t argc)
{
    return command->arity >= 0 ? argc == (uint32_t)command->arity : argc >= (uint32_t)-command->arity;
}

/* How many keys argv has, and where: argv[first], argv[first + step] ... The arity must fit. */
struct command_keys {
    uint32_t count, first, step;
};
struct command_keys command_keys_slow(const struct command *command, uint32_t argc);
static inline struct command_keys command_keys(const struct command *command, uint32_t argc)
{
    if (command->first_key > 0 && command->first_key == command->last_key && (uint32_t)command->last_key < argc)
        return (struct command_keys){1, (uint32_t)command->first_key, 1}; /* most */
    return command_keys_slow(command, argc);
}

/*
 * The index keys of a request, in the client's database (COPY's destination: in the one that it names). `keys` has
 * room for command_keys().count. Whoever locks the keys of a command asks here. Returns their number.
 */
uint32_t command_index_keys(const struct client *client, const struct command *command, uint32_t argc,
                            const struct resp_arg *argv, struct index_key *keys);
/* Whether no key of the request is longer than KEY_BYTES_MAX: asked before any is looked up. */
bool command_keys_fit(const struct command *command, uint32_t argc, const struct resp_arg *argv);

/* ---- room ---- */

/* One FULL record, of the key and the value behind it: SET, GETSET, SETNX. */
command_reserve command_reserve_value;
/* One FULL record a key, each as large as all arguments together would make it: right for MSET (exact), SETEX. */
command_reserve command_reserve_arguments;
/* One tombstone a key. */
command_reserve command_reserve_deletes;
/* One rewrite of the old value of each key: EXPIRE, PERSIST, GETEX, TOUCH. */
command_reserve command_reserve_rewrite;

/* Computes the room of a command by its row. EXEC sums it over what is queued. */
void command_room(struct client *client, const struct command *command, uint32_t argc, const struct resp_arg *argv,
                  struct command_room *room);

/* One record of a key with a value of so many bytes, at most of the largest: more is refused by the handler. */
static inline void command_room_for_one(uint32_t key_len, uint64_t value_bytes, struct command_room *room)
{
    room->value_bytes = value_bytes < VALUE_BYTES_MAX ? value_bytes : VALUE_BYTES_MAX;
    room->bytes = heap_bytes(key_len, room->value_bytes);
    room->records = 1;
}

/*
 * The size of the value under `key` now, or VALUE_BYTES_MAX when this command has been tried a few times already
 * (client->attempt), so that a retry comes to an end.
 */
uint32_t client_old_value_bound(const struct client *client, const struct index_key *key);
/* The same of the key with this name in the client's database. */
uint32_t client_old_bound_of(const struct client *client, const void *name, uint32_t len);

/* Whether one record of such a key and value fits into what was reserved for the present command. */
static inline bool client_room_covers(const struct client *client, uint32_t key_len, uint64_t value_len)
{
    return heap_bytes(key_len, value_len) <= client->room_bytes;
}

/*
 * The old value again under another expiry, or none (0): flags and type stay, with keep_cas the unique too. An expiry that
 * has passed already deletes instead.
 */
static inline void client_rewrite(struct client *client, struct heap_edit *edit, uint64_t expire_at_ms, bool keep_cas)
{
    const struct log_part part = {edit->old.value, edit->old.value_len};
    const struct heap_put put = {.parts = &part,
                                 .part_count = 1,
                                 .client_flags = edit->old.client_flags,
                                 .expire_at_ms = expire_at_ms,
                                 .keep_cas = keep_cas,
                                 .type = edit->old.type};

    if (expire_at_ms != 0 && expire_at_ms <= heap_now_ms(client->heap_worker))
        heap_edit_delete(edit);
    else
        (void)heap_edit_put(edit, &put);
}

/* ---- MULTI: server/transaction.c ---- */

/*
 * The executor calls it for a command that is allowed, has its arity, and is to be queued: copies the arguments, ORs
 * the flags into client->multi_flags, answers +QUEUED; or an error and client->multi_failed when a bound is met.
 */
enum command_status transaction_queue(struct client *client, const struct command *command, uint32_t argc,
                                      const struct resp_arg *argv);
/*
 * While EXEC plans its room: true, and in *bytes the longest value that the commands planned so far can have left
 * under `key`. client_old_value_bound() asks here first.
 */
bool transaction_value_bound(const struct client *client, const struct index_key *key, uint32_t *bytes);
/* Frees queue and watches; the client is then outside MULTI. Called when the connection closes, too. */
void transaction_reset(struct client *client);

/* ---- memcache: server/memcache_commands.c ---- */

/* Executes any request the parser can give (MEMCACHE_INVALID and MEMCACHE_OVERSIZE too). */
enum command_status memcache_execute(struct client *client, const struct memcache_request *request);
/* Its room; records stays 0 for requests that do not write. */
void memcache_room(struct client *client, const struct memcache_request *request, struct command_room *room);
/* The pool is full: answers so (unless noreply), and for a `set` removes the old value as memcached does. */
enum command_status memcache_refuse_full(struct client *client, const struct memcache_request *request);

#endif
