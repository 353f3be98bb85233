/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection: its socket, its two buffers, its parser, and what holds it up.
 *
 * IDEA
 *   A connection is served turn by turn (turn.c). Between turns it is in one of these states:
 *     idle     no bytes wait: it holds no buffer, and the event loop watches its socket
 *     ready    in its worker's ready queue: there is something to read, to parse, or a parked request to try again
 *     held     one or more CONN_HOLD_* bits: nothing is read or executed until they are gone
 *     closing  its last reply is on its way
 *
 *   Requests that were parsed and could not be executed are parked: they keep pointing into the input buffer, which
 *   is neither moved nor read into meanwhile.
 *
 * MEMORY   An idle connection takes less than 1 KB. Buffers are blocks out of the worker's pool; a larger one lives as
 *          long as the request or reply that needs it. A little left over of a request is kept in a piece of its size.
 *
 * THREADS  A connection belongs to its worker. Others only read what client_describe() reads, under worker->list_lock.
 */
#ifndef HEARTH_SERVER_CONN_H
#define HEARTH_SERVER_CONN_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/queue.h>

#include "server/client.h"

/* Size of a pooled buffer. Not a power of two, so that the starts of many do not fight for the same cache sets. */
#define CONN_BLOCK_BYTES (64 * 1024 + 1472)
/* What a reply grows to that does not fit into one: many requests at once of 1 KB each, say. */
#define CONN_LARGE_BLOCK_BYTES (2 * CONN_BLOCK_BYTES)
/* What a request grows to that holds a value of up to 1 MB. Memory is taken as it arrives, not as it is announced. */
#define CONN_VALUE_BLOCK_BYTES (17 * CONN_BLOCK_BYTES)
/* Replies that wait beyond this hold the connection: nothing more is read or executed for it. */
#define CONN_OUT_SOFT_BYTES (1024 * 1024)
/* A connection with more than this is closed. One reply can pass the soft bound: KEYS, MGET. */
#define CONN_OUT_MAX_BYTES (256 * 1024 * 1024)
/* The largest request. */
#define CONN_IN_MAX_BYTES (64 * 1024 * 1024)
/* What is left of a request moves out of its block when it is no more than this. */
#define CONN_SMALL_BYTES 4096

enum {
    CONN_HOLD_SYNC = 1,   /* its replies wait for a sync: in worker->syncing */
    CONN_HOLD_ROOM = 2,   /* a request waits for space or for the index: in worker->waiting */
    CONN_HOLD_OUTPUT = 4, /* the client does not read its replies */
};

struct parked;

struct conn {
    struct client client; /* first: handlers are given a struct client */
    uint32_t magic;
    int fd;
    struct event event;
    short watched;       /* EV_READ, EV_WRITE that the event is added for */
    uint8_t held;        /* CONN_HOLD_* */
    bool queued;         /* in worker->ready */
    bool readable;       /* the socket has bytes, as far as is known */
    bool more;           /* the input buffer may hold a whole request */
    bool large;          /* what was read last needed a block for a value: the next is read into one */
    bool eof;            /* the client has closed its side */
    bool deaf;           /* what it sends is no longer parsed: its last request has been */
    bool closing;        /* close when the output is gone */
    bool broken;         /* close at once */
    _Atomic bool killed; /* close when the worker wakes: another client says so, see server_kill_clients() */

    uint32_t turn_requests; /* of the present turn */
    uint64_t turn_bytes;
    uint64_t wait_epoch; /* HOLD_SYNC: replies may go when it has been synced */
    struct parked *parked;

    struct buf in;
    union {
        struct resp_parser resp;
        struct memcache_parser memcache;
    } parser;

    TAILQ_ENTRY(conn) all_link;   /* worker->conns */
    TAILQ_ENTRY(conn) ready_link; /* worker->ready, and the list of a pass */
    TAILQ_ENTRY(conn) sync_link;
    TAILQ_ENTRY(conn) room_link;

    /* For CLIENT LIST. */
    uint64_t accepted_mono_us;
    _Atomic uint64_t active_mono_us;
    const struct command *_Atomic last_command;
};
TAILQ_HEAD(conn_list, conn);

static inline struct conn *conn_of(struct client *client)
{
    return (struct conn *)client;
}

/* Takes over an accepted socket, on the worker's thread. False: no memory; the socket is closed. */
bool conn_open(struct worker *worker, int fd, enum client_protocol protocol) HEARTH_MUST_USE;
/* Closes and frees. Not between the phases of a turn that knows the connection. */
void conn_close(struct conn *conn);

/* Reads once, as much as the buffer has room for. Sets readable, eof, broken. */
void conn_read(struct conn *conn);
/* Writes once what waits; no loan is left then. Sets broken. */
void conn_write(struct conn *conn);
/* After a turn or an event: lets go of what is not needed, queues, watches, or closes (then `conn` is gone). */
void conn_settle(struct conn *conn);

void conn_hold(struct conn *conn, uint8_t why);
/* Takes away holds; settle afterwards. */
void conn_release(struct conn *conn, uint8_t why);

#endif
