/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What arrives on a connection: replies, held against the requests at the ring's head, counted and measured.
 */
#include "bench/load/conn_read.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/load/fail.h"

/* How much of a wrong reply is shown. */
#define SHOWN_MAX 100

static const enum kind kind_of[] = {
    [OPERATION_GET] = KIND_GET,        [OPERATION_SET] = KIND_SET,        [OPERATION_INSERT] = KIND_INSERT,
    [OPERATION_MODIFY_GET] = KIND_GET, [OPERATION_MODIFY_SET] = KIND_SET,
};

static struct request request_of(const struct conn *conn, const struct pending *pending)
{
    const struct plan *plan = conn->worker->plan;
    bool is_get = pending->operation == OPERATION_GET || pending->operation == OPERATION_MODIFY_GET;

    return (struct request){
        .kind = is_get                                 ? REQUEST_GET
                : pending->operation == OPERATION_AUTH ? REQUEST_AUTH
                                                       : REQUEST_SET,
        .key_count = is_get ? plan->multi_get : 1,
        .keys = conn->keys + (size_t)conn->head * plan->multi_get,
    };
}

/* Bytes of the server's as one line of text. */
static void show(char out[SHOWN_MAX + 1], const char *bytes, size_t len)
{
    size_t shown = len < SHOWN_MAX ? len : SHOWN_MAX;

    for (size_t i = 0; i < shown; i++)
        out[i] = isprint((unsigned char)bytes[i]) ? bytes[i] : '.';
    out[shown] = '\0';
}

HEARTH_NORETURN static void end_wrong(const struct conn *conn, const struct request *request)
{
    const struct plan *plan = conn->worker->plan;
    uint32_t index = conn->reply.key_index < request->key_count ? conn->reply.key_index : 0;
    char key[KEY_TEXT_MAX + 1];
    char shown[SHOWN_MAX + 1];

    key[key_put(&plan->wire.pattern, key, request->keys[index])] = '\0';
    show(shown, conn->reply.text, conn->reply.text_len);
    fail("wrong reply from %s to a %s of %s: %s: '%s'", plan->address.text,
         request->kind == REQUEST_GET ? "get" : "set", key, conn->reply.why, shown);
}

static void take_refusal(struct conn *conn, const struct pending *pending)
{
    struct worker *worker = conn->worker;

    if (pending->operation == OPERATION_AUTH)
        fail("%s refuses the password: %.*s", worker->plan->address.text, (int)conn->reply.text_len, conn->reply.text);
    if (worker_measures(worker, pending->due_ns))
        stats_error(&worker->stats, conn->reply.text, conn->reply.text_len);
}

/* A request that was answered as it should be. */
static void take_answer(struct conn *conn, const struct pending *pending, const struct request *request,
                        uint64_t now_ns)
{
    struct worker *worker = conn->worker;
    struct stats *stats = &worker->stats;

    if (worker_measures(worker, pending->due_ns)) {
        counter_add(&stats->requests, 1);
        worker_record(worker, kind_of[pending->operation], pending->due_ns, now_ns);
        worker->last_answer_ns = now_ns;
        if (request->kind == REQUEST_GET) {
            counter_add(&stats->hits, conn->reply.hits);
            counter_add(&stats->misses, request->key_count - conn->reply.hits);
        }
    }
    if (pending->operation == OPERATION_MODIFY_SET && worker_measures(worker, pending->begun_ns))
        worker_record(worker, KIND_MODIFY, pending->begun_ns, now_ns);
    if (pending->operation == OPERATION_MODIFY_GET) {
        conn->owed[conn->owed_count++] = (struct owed){.key = request->keys[0], .begun_ns = pending->begun_ns};
        worker->busy++;
    }
}

/* One reply at `at`. False: it is not whole. */
static bool take_reply(struct conn *conn, const char *at, size_t len, size_t *used, uint64_t now_ns)
{
    const struct plan *plan = conn->worker->plan;
    const struct pending *pending = &conn->pending[conn->head];
    struct request request = request_of(conn, pending);

    switch (reply_take(plan->protocol, &plan->wire, &request, &conn->reply, at, len, used)) {
    case REPLY_MORE:
        return false;
    case REPLY_WHOLE:
        if (pending->operation != OPERATION_AUTH)
            take_answer(conn, pending, &request, now_ns);
        break;
    case REPLY_REFUSED:
        take_refusal(conn, pending);
        break;
    case REPLY_WRONG:
        end_wrong(conn, &request);
    }
    conn->count--;
    if (pending->operation != OPERATION_AUTH) {
        conn->head = conn->head + 1 == plan->pipeline ? 0 : conn->head + 1;
        if (!plan->storm) /* whose requests are over when the connection is closed */
            worker_over(conn->worker);
    }
    return true;
}

/* All whole replies of `len` bytes in the worker's buffer. */
static void take_replies(struct conn *conn, size_t len, uint64_t now_ns)
{
    const char *in = conn->worker->in;
    char shown[SHOWN_MAX + 1];
    size_t done = 0;
    bool whole = true;

    while (whole && conn->count > 0 && done < len) {
        size_t used;
        whole = take_reply(conn, in + done, len - done, &used, now_ns);
        done += used;
    }
    conn->rest_len = len - done;
    if (conn->rest_len > 0 && conn->count == 0) {
        show(shown, in + done, conn->rest_len);
        fail("%s says more than it was asked: '%s'", conn->worker->plan->address.text, shown);
    }
    memcpy(conn->rest, in + done, conn->rest_len);
}

/* What comes after replies. */
static void go_on(struct conn *conn, uint64_t now_ns)
{
    const struct plan *plan = conn->worker->plan;

    if (conn->state == CONN_AUTHENTICATING) {
        if (conn->count == 0)
            conn_ready(conn, now_ns);
        return;
    }
    if (plan->storm && conn->count == 0 && conn->state == CONN_READY)
        conn_close(conn);
    if (plan->rate > 0) {
        if (conn->owed_count > 0)
            conn_flush(conn, now_ns);
        worker_send_due(conn->worker, now_ns);
    } else if (conn->count + conn->batch_left == 0) {
        conn_next_batch(conn, now_ns);
    }
}

void conn_on_readable(evutil_socket_t fd, short what, void *context)
{
    struct conn *conn = context;
    struct worker *worker = conn->worker;
    uint64_t now_ns;
    ssize_t got;

    (void)what;
    memcpy(worker->in, conn->rest, conn->rest_len);
    got = read(fd, worker->in + conn->rest_len, WORKER_IN_BYTES - conn->rest_len);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    now_ns = clock_mono_ns();
    if (got <= 0) {
        conn_lost(conn, got < 0 ? errno : 0, now_ns);
        if (worker->plan->rate > 0)
            worker_send_due(worker, now_ns);
    } else {
        worker->heard_ns = now_ns;
        counter_add(&worker->stats.received_bytes, (uint64_t)got);
        take_replies(conn, conn->rest_len + (size_t)got, now_ns);
        go_on(conn, now_ns);
    }
    worker_check_end(worker, now_ns);
}
