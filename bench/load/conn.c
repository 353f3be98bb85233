/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of a connection: connecting, sending, closing. What arrives is conn_read.c's.
 */
#include "bench/load/conn.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/load/conn_read.h"
#include "bench/load/fail.h"

/* Enough for a pipeline of small requests. */
#define OUT_BYTES_MAX (256 * 1024)

void conn_init(struct conn *conn, struct worker *worker)
{
    const struct plan *plan = worker->plan;
    size_t all;

    memset(conn, 0, sizeof *conn);
    conn->worker = worker;
    conn->fd = -1;
    conn->request_bytes_max = request_bytes_max(&plan->wire, plan->multi_get, plan->sizes.max);
    all = conn->request_bytes_max * plan->pipeline;
    conn->out_bytes = all < OUT_BYTES_MAX                       ? all
                      : conn->request_bytes_max > OUT_BYTES_MAX ? conn->request_bytes_max
                                                                : OUT_BYTES_MAX;
    conn->out = need(malloc(conn->out_bytes));
    conn->rest = need(malloc(REPLY_LINE_MAX));
    conn->pending = need(calloc(plan->pipeline, sizeof *conn->pending));
    conn->keys = need(calloc((size_t)plan->pipeline * plan->multi_get, sizeof *conn->keys));
    if (plan->workload.modifies)
        conn->owed = need(calloc(plan->pipeline, sizeof *conn->owed));
}

static void close_socket(struct conn *conn)
{
    if (conn->fd < 0)
        return;
    event_del(&conn->read_event);
    event_del(&conn->write_event);
    close(conn->fd);
    conn->fd = -1;
    conn->state = CONN_CLOSED;
}

void conn_free(struct conn *conn)
{
    close_socket(conn);
    free(conn->out);
    free(conn->rest);
    free(conn->pending);
    free(conn->keys);
    free(conn->owed);
}

/* ---- writing requests ---- */

/* Writes a request; its keys lie at the ring's next place. */
static void put_request(struct conn *conn, enum operation operation, uint64_t due_ns, uint64_t begun_ns)
{
    struct worker *worker = conn->worker;
    const struct plan *plan = worker->plan;
    uint32_t place = (conn->head + conn->count) % plan->pipeline;
    bool is_get = operation == OPERATION_GET || operation == OPERATION_MODIFY_GET;
    struct request request = {
        .kind = is_get ? REQUEST_GET : REQUEST_SET,
        .key_count = is_get ? plan->multi_get : 1,
        .keys = conn->keys + (size_t)place * plan->multi_get,
    };

    if (!is_get) {
        request.value_bytes = sizes_next(&plan->sizes, &worker->random);
        request.version = ++worker->version;
        request.ttl_s = plan->ttl_low_s;
        if (plan->ttl_high_s != plan->ttl_low_s)
            request.ttl_s += (uint32_t)random_below(&worker->random, plan->ttl_high_s - plan->ttl_low_s + 1);
    }
    conn->out_len += plan->protocol->put(&plan->wire, conn->out + conn->out_len, &request);
    conn->pending[place] = (struct pending){.due_ns = due_ns, .begun_ns = begun_ns, .operation = operation};
    conn->count++;
}

static uint64_t *next_keys(struct conn *conn)
{
    const struct plan *plan = conn->worker->plan;

    return conn->keys + (size_t)((conn->head + conn->count) % plan->pipeline) * plan->multi_get;
}

void conn_add(struct conn *conn, uint64_t due_ns)
{
    put_request(conn, worker_draw(conn->worker, next_keys(conn)), due_ns, due_ns);
}

static bool out_has_room(const struct conn *conn)
{
    return conn->out_bytes - conn->out_len >= conn->request_bytes_max;
}

/* Writes what is owed and what is left of the batch, as far as there is room. */
static void fill(struct conn *conn, uint64_t now_ns)
{
    while (conn->owed_count > 0 && out_has_room(conn)) {
        struct owed owed = conn->owed[--conn->owed_count];
        *next_keys(conn) = owed.key;
        put_request(conn, OPERATION_MODIFY_SET, now_ns, owed.begun_ns);
    }
    while (conn->batch_left > 0 && out_has_room(conn)) {
        conn->batch_left--;
        conn_add(conn, conn->batch_ns);
    }
}

/* ---- sending ---- */

static void on_writable(evutil_socket_t fd, short what, void *context);

/* Sends what has been written. False: some of it waits for room in the socket, or the connection is lost. */
static bool send_out(struct conn *conn, uint64_t now_ns)
{
    while (conn->out_sent < conn->out_len) {
        ssize_t sent = send(conn->fd, conn->out + conn->out_sent, conn->out_len - conn->out_sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN) {
            if (!conn->blocked)
                event_add(&conn->write_event, NULL);
            conn->blocked = true;
            return false;
        }
        if (sent < 0) {
            conn_lost(conn, errno, now_ns);
            return false;
        }
        conn->out_sent += (size_t)sent;
        counter_add(&conn->worker->stats.sent_bytes, (uint64_t)sent);
    }
    conn->out_len = 0;
    conn->out_sent = 0;
    if (conn->blocked)
        event_del(&conn->write_event);
    conn->blocked = false;
    return true;
}

void conn_flush(struct conn *conn, uint64_t now_ns)
{
    do {
        fill(conn, now_ns);
    } while (send_out(conn, now_ns) && conn->batch_left + conn->owed_count > 0);
}

bool conn_has_room(const struct conn *conn)
{
    const struct plan *plan = conn->worker->plan;

    if (plan->storm)
        return conn->state == CONN_CLOSED;
    return conn->count + conn->owed_count < plan->pipeline && out_has_room(conn);
}

void conn_next_batch(struct conn *conn, uint64_t now_ns)
{
    struct worker *worker = conn->worker;

    if (worker->plan->storm) {
        if (worker_claim(worker, 1, now_ns) == 1)
            conn_open(conn, now_ns, now_ns);
        return;
    }
    conn->batch_left = worker_claim(worker, worker->plan->pipeline - conn->owed_count, now_ns);
    conn->batch_ns = now_ns;
    if (conn->batch_left + conn->owed_count > 0)
        conn_flush(conn, now_ns);
}

/* ---- connecting ---- */

void conn_ready(struct conn *conn, uint64_t now_ns)
{
    conn->state = CONN_READY;
    if (conn->worker->plan->storm) {
        conn_add(conn, conn->begun_ns);
        conn_flush(conn, now_ns);
    } else {
        worker_conn_ready(conn->worker, now_ns);
    }
}

static void authenticate(struct conn *conn, uint64_t now_ns)
{
    conn->state = CONN_AUTHENTICATING;
    conn->out_len = redis_put_auth(conn->out, conn->worker->plan->password);
    conn->pending[0] = (struct pending){.due_ns = now_ns, .operation = OPERATION_AUTH};
    conn->count = 1;
    send_out(conn, now_ns);
}

/* The socket is connected, or never will be. */
static void connected(struct conn *conn, uint64_t now_ns)
{
    struct worker *worker = conn->worker;
    int error = 0;
    socklen_t error_bytes = sizeof error;

    getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &error_bytes);
    if (error != 0) {
        conn_lost(conn, error, now_ns);
        return;
    }
    event_add(&conn->read_event, NULL);
    if (worker->running && worker_measures(worker, conn->begun_ns)) {
        counter_add(&worker->stats.connections, 1);
        worker_record(worker, KIND_CONNECT, conn->connect_ns, now_ns);
    }
    if (worker->plan->password != NULL)
        authenticate(conn, now_ns);
    else
        conn_ready(conn, now_ns);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    struct conn *conn = context;
    uint64_t now_ns = clock_mono_ns();

    (void)fd;
    (void)what;
    if (conn->state == CONN_CONNECTING) {
        event_del(&conn->write_event);
        connected(conn, now_ns);
    } else {
        conn_flush(conn, now_ns);
        if (conn->worker->running && conn->worker->plan->rate > 0)
            worker_send_due(conn->worker, now_ns);
    }
    worker_check_end(conn->worker, now_ns);
}

void conn_open(struct conn *conn, uint64_t due_ns, uint64_t now_ns)
{
    struct event_base *base = conn->worker->base;

    conn->begun_ns = due_ns;
    conn->connect_ns = now_ns;
    conn->head = 0;
    conn->count = 0;
    conn->out_len = 0;
    conn->out_sent = 0;
    conn->rest_len = 0;
    conn->blocked = false;
    memset(&conn->reply, 0, sizeof conn->reply);
    conn->fd = address_connect(&conn->worker->plan->address);
    if (conn->fd < 0) {
        conn_lost(conn, errno, now_ns);
        return;
    }
    conn->state = CONN_CONNECTING;
    event_assign(&conn->read_event, base, conn->fd, EV_READ | EV_PERSIST, conn_on_readable, conn);
    event_assign(&conn->write_event, base, conn->fd, EV_WRITE | EV_PERSIST, on_writable, conn);
    event_add(&conn->write_event, NULL);
}

/* ---- the end ---- */

void conn_close(struct conn *conn)
{
    close_socket(conn);
    worker_over(conn->worker);
}

void conn_lost(struct conn *conn, int error, uint64_t now_ns)
{
    struct worker *worker = conn->worker;
    const char *address = worker->plan->address.text;
    bool connecting = conn->state == CONN_CONNECTING || conn->state == CONN_CLOSED;
    const char *what = error == 0 ? "closed by the server" : strerror(error);
    char text[STATS_ERROR_TEXT_BYTES];

    (void)now_ns;
    if (connecting && counter_read(&worker->stats.requests) == 0)
        fail("cannot connect to %s: %s", address, what);
    if (!worker->plan->storm)
        fail("the connection to %s is lost with %u requests unanswered: %s", address, conn->count, what);
    snprintf(text, sizeof text, "%s: %s", connecting ? "connect" : "connection", what);
    if (worker_measures(worker, conn->begun_ns))
        stats_error(&worker->stats, text, strlen(text));
    conn_close(conn);
}
