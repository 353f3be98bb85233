/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection: requests written in batches, replies read and held against the requests they answer.
 *
 * IDEA
 *   Requests that are on their way lie in a ring of `pipeline` places, with their keys. What has been written and not
 *   yet sent lies in `out`; there is room for a whole pipeline of small requests, so that a batch is one write, or for
 *   one of the largest. Replies are read into the worker's buffer; only a line that has not arrived whole is kept here.
 *
 *   CLOSED -> CONNECTING -> (AUTHENTICATING) -> READY; a storm closes behind each reply and begins again.
 *
 * ERRORS   An error reply is counted. A wrong reply, or a lost connection, ends the program; in a storm, lost
 *          connections are counted, unless there has never been another kind.
 * THREADS  The worker's.
 */
#ifndef HEARTH_BENCH_CONN_H
#define HEARTH_BENCH_CONN_H

#include "bench/load/worker.h"

enum conn_state { CONN_CLOSED, CONN_CONNECTING, CONN_AUTHENTICATING, CONN_READY };

/* A request on its way. */
struct pending {
    uint64_t due_ns;
    uint64_t begun_ns; /* of a read-modify-write: when its first half was due */
    enum operation operation;
};

/* The second half of a read-modify-write, yet to be sent. */
struct owed {
    uint64_t key;
    uint64_t begun_ns;
};

struct conn {
    struct worker *worker;
    int fd;
    enum conn_state state;
    bool blocked;        /* waits for room in the socket */
    bool is_written;     /* open loop: the worker will flush it */
    uint32_t batch_left; /* closed loop: requests of this batch that are yet to be written */
    uint64_t batch_ns;   /* when the batch was begun */
    uint64_t begun_ns;   /* when connecting was due */
    uint64_t connect_ns; /* when it was begun */
    uint32_t head, count;
    struct pending *pending;
    uint64_t *keys;
    uint32_t owed_count;
    struct owed *owed;
    char *out;
    size_t out_bytes, out_len, out_sent;
    size_t request_bytes_max;
    char *rest; /* of a line */
    size_t rest_len;
    struct reply reply;
    struct event read_event, write_event;
};

void conn_init(struct conn *conn, struct worker *worker);
void conn_free(struct conn *conn);

/* Begins to connect; worker_conn_ready() follows, unless it is a storm, which sends a request (claimed) and closes. */
void conn_open(struct conn *conn, uint64_t due_ns, uint64_t now_ns);
/* Closed loop: claims and sends the next batch; in a storm, begins the next connection. */
void conn_next_batch(struct conn *conn, uint64_t now_ns);

/* Open loop: whether a further request has room; of a storm, whether a connection can be begun. */
bool conn_has_room(const struct conn *conn);
/* Open loop: writes a request that has been claimed; conn_flush() sends it. */
void conn_add(struct conn *conn, uint64_t due_ns);
void conn_flush(struct conn *conn, uint64_t now_ns);

#endif
