/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading, writing, watching and closing of connections.
 */
#include "server/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/loan.h"
#include "server/request.h"
#include "server/server.h"
#include "server/worker.h"

#define CONN_MAGIC 0x636f6e6eU

/* ---- buffers ---- */

static bool take_block(struct worker *worker, struct buf *buf, size_t bytes)
{
    uint8_t *block = worker_take_block(worker, bytes);

    if (block == NULL)
        return false;
    buf->data = block;
    buf->start = 0;
    buf->end = 0;
    buf->cap = bytes;
    return true;
}

/* Gives back the memory of an empty buffer. */
static void drop_memory(struct worker *worker, struct buf *buf)
{
    if (buf->data == NULL)
        return;
    worker_give_block(worker, buf->data, buf->cap);
    buf_init(buf, buf->max);
}

/* Moves a little that is left of a request out of its block. */
static void keep_little(struct worker *worker, struct buf *buf)
{
    size_t len = buf_len(buf);
    uint8_t *little;

    if (len > CONN_SMALL_BYTES || buf->cap < CONN_BLOCK_BYTES)
        return;
    little = malloc(len);
    if (little == NULL)
        return;
    memcpy(little, buf_bytes(buf), len);
    drop_memory(worker, buf);
    *buf = (struct buf){.data = little, .end = len, .cap = len, .max = buf->max};
}

/* The opposite: into a block, to be read into. */
static bool expand_little(struct worker *worker, struct buf *buf)
{
    struct buf little = *buf;

    if (!take_block(worker, buf, CONN_BLOCK_BYTES)) {
        *buf = little;
        return false;
    }
    memcpy(buf->data, little.data + little.start, buf_len(&little));
    buf->end = buf_len(&little);
    free(little.data);
    return true;
}

static size_t needed_bytes(const struct conn *conn)
{
    if (conn->client.protocol == CLIENT_REDIS)
        return (size_t)conn->parser.resp.need_bytes;
    return conn->parser.memcache.need_bytes;
}

/* From a block into one for a value. */
static bool expand_to_value(struct worker *worker, struct buf *buf)
{
    uint8_t *block = worker_take_block(worker, CONN_VALUE_BLOCK_BYTES);
    size_t len = buf_len(buf);

    if (block == NULL)
        return false;
    memcpy(block, buf_bytes(buf), len);
    drop_memory(worker, buf);
    *buf = (struct buf){.data = block, .end = len, .cap = CONN_VALUE_BLOCK_BYTES, .max = buf->max};
    return true;
}

/*
 * A full block becomes one for a value, whose memory is touched as it arrives. Beyond that a full buffer doubles, or
 * becomes as large as the request when that is less: a length that is announced and never sent takes no memory. What is
 * known of the request may grow with each argument, so small steps are not taken.
 */
static bool grow_input(struct conn *conn)
{
    struct buf *in = &conn->in;
    size_t need = needed_bytes(conn);
    size_t cap = in->cap * 2;
    uint8_t *data;

    if (in->cap == CONN_BLOCK_BYTES)
        return expand_to_value(conn->client.worker, in);
    if (need > in->cap + in->cap / 4 && need < cap)
        cap = need;
    if (cap > in->max)
        cap = in->max;
    if (cap <= in->cap)
        return false;
    data = realloc(in->data, cap);
    if (data == NULL)
        return false;
    in->data = data;
    in->cap = cap;
    return true;
}

/* Sees to room in the input buffer. */
static bool prepare_input(struct conn *conn)
{
    struct buf *in = &conn->in;

    if (in->data == NULL)
        return take_block(conn->client.worker, in, conn->large ? CONN_VALUE_BLOCK_BYTES : CONN_BLOCK_BYTES);
    if (in->cap < CONN_BLOCK_BYTES)
        return expand_little(conn->client.worker, in);
    if (in->start > 0 && buf_room(in) < in->cap / 2) {
        memmove(in->data, buf_bytes(in), buf_len(in));
        in->end -= in->start;
        in->start = 0;
    }
    return buf_room(in) > 0 || grow_input(conn);
}

/* ---- reading and writing ---- */

/*
 * The system calls themselves: glibc's recv() and send() are cancellation points, entered and left with atomic operations
 * once a process has threads, and nobody here is ever cancelled. A hundredth of a request's CPU at depth 1.
 */
static ssize_t receive(int fd, void *to, size_t room)
{
    return syscall(SYS_recvfrom, fd, to, room, 0, NULL, NULL);
}
static ssize_t transmit(int fd, const void *bytes, size_t count)
{
    return syscall(SYS_sendto, fd, bytes, count, MSG_NOSIGNAL, NULL, 0);
}

void conn_read(struct conn *conn)
{
    ssize_t count;
    size_t room;

    if (!prepare_input(conn)) {
        log_warn("client", "closed, no memory for its request id=%llu bytes=%zu", (unsigned long long)conn->client.id,
                 buf_len(&conn->in));
        conn->broken = true;
        return;
    }
    room = buf_room(&conn->in);
    count = receive(conn->fd, buf_tail(&conn->in), room);
    conn->readable = count == (ssize_t)room;
    if (count > 0) {
        buf_commit(&conn->in, (size_t)count);
        conn->large = conn->in.cap >= CONN_VALUE_BLOCK_BYTES && buf_len(&conn->in) >= CONN_BLOCK_BYTES;
        STAT_ADD(conn->client.stats, bytes_read, count);
        conn->more = true;
    } else if (count == 0) {
        conn->eof = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        conn->broken = true;
    }
}

/* Buffer and loans in one call; what the socket does not take is copied. */
static ssize_t send_lent(struct conn *conn)
{
    struct iovec pieces[LOAN_PIECES_MAX];
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = loans_pieces(&conn->client, pieces)};
    ssize_t count = sendmsg(conn->fd, &message, MSG_NOSIGNAL);
    int saved_errno = errno;

    loans_repay(&conn->client, count > 0 ? (size_t)count : 0);
    if (conn->client.out_failed)
        conn->broken = true;
    errno = saved_errno;
    return count;
}

static ssize_t send_buffer(struct conn *conn)
{
    struct buf *out = &conn->client.out;
    ssize_t count = transmit(conn->fd, buf_bytes(out), buf_len(out));

    if (count > 0)
        buf_consume(out, (size_t)count);
    return count;
}

void conn_write(struct conn *conn)
{
    struct buf *out = &conn->client.out;
    ssize_t count = HEARTH_LIKELY(conn->client.lent_bytes == 0) ? send_buffer(conn) : send_lent(conn);

    if (count >= 0)
        STAT_ADD(conn->client.stats, bytes_written, count);
    else if (errno != EAGAIN && errno != EINTR)
        conn->broken = true;
    if (buf_len(out) <= CONN_OUT_SOFT_BYTES)
        conn_release(conn, CONN_HOLD_OUTPUT);
}

/* ---- events ---- */

static void on_event(evutil_socket_t fd, short what, void *context);

static void watch(struct conn *conn, short what)
{
    if (conn->watched == what)
        return;
    if (conn->watched != 0)
        event_del(&conn->event);
    conn->watched = 0;
    if (what == 0)
        return;
    event_assign(&conn->event, conn->client.worker->base, conn->fd, (short)(what | EV_PERSIST), on_event, conn);
    if (event_add(&conn->event, NULL) == 0)
        conn->watched = what;
    else
        conn->broken = true;
}

static void enqueue(struct conn *conn)
{
    if (!conn->queued) {
        conn->queued = true;
        TAILQ_INSERT_TAIL(&conn->client.worker->ready, conn, ready_link);
    }
}

static bool may_read(const struct conn *conn)
{
    return conn->held == 0 && !conn->closing && !conn->deaf && !conn->eof && !conn->broken;
}

static void on_event(evutil_socket_t fd, short what, void *context)
{
    struct conn *conn = context;

    (void)fd;
    must(conn->magic == CONN_MAGIC);
    if ((what & EV_READ) != 0) {
        if (may_read(conn)) {
            conn->readable = true;
            enqueue(conn);
        } else { /* held and yet it sends: do not ask again before the hold is gone */
            watch(conn, conn->watched & EV_WRITE);
        }
    }
    if ((what & EV_WRITE) != 0 && (conn->held & CONN_HOLD_SYNC) == 0) {
        conn_write(conn);
        if (!conn->queued)
            conn_settle(conn);
    }
}

void conn_hold(struct conn *conn, uint8_t why)
{
    struct worker *worker = conn->client.worker;

    if ((why & ~conn->held & CONN_HOLD_SYNC) != 0) {
        TAILQ_INSERT_TAIL(&worker->syncing, conn, sync_link);
        atomic_fetch_add_explicit(&worker->sync_waiters, 1, memory_order_seq_cst);
    }
    if ((why & ~conn->held & CONN_HOLD_ROOM) != 0)
        TAILQ_INSERT_TAIL(&worker->waiting, conn, room_link);
    conn->held |= why;
}

void conn_release(struct conn *conn, uint8_t why)
{
    struct worker *worker = conn->client.worker;

    if ((why & conn->held & CONN_HOLD_SYNC) != 0) {
        TAILQ_REMOVE(&worker->syncing, conn, sync_link);
        atomic_fetch_sub_explicit(&worker->sync_waiters, 1, memory_order_relaxed);
    }
    if ((why & conn->held & CONN_HOLD_ROOM) != 0)
        TAILQ_REMOVE(&worker->waiting, conn, room_link);
    conn->held &= (uint8_t)~why;
}

static bool is_over(const struct conn *conn)
{
    if (conn->broken)
        return true;
    if (buf_len(&conn->client.out) > 0)
        return false;
    if (conn->closing)
        return true;
    return conn->eof && conn->parked == NULL && !conn->more;
}

static void let_go(struct conn *conn)
{
    struct worker *worker = conn->client.worker;

    if (buf_len(&conn->client.out) == 0)
        drop_memory(worker, &conn->client.out);
    if (conn->parked != NULL || conn->in.data == NULL)
        return;
    if (buf_len(&conn->in) == 0)
        drop_memory(worker, &conn->in);
    else if (!conn->more && !conn->readable)
        keep_little(worker, &conn->in);
}

void conn_settle(struct conn *conn)
{
    short what = 0;

    if (!is_over(conn)) {
        let_go(conn);
        if (conn->held == 0 && !conn->closing &&
            (conn->parked != NULL || conn->more || (conn->readable && may_read(conn))))
            enqueue(conn);
        if (may_read(conn))
            what |= EV_READ;
        else if (conn->held != 0 && !conn->closing && !conn->deaf && !conn->eof)
            what |= conn->watched & EV_READ;
        if (buf_len(&conn->client.out) > 0 && (conn->held & CONN_HOLD_SYNC) == 0)
            what |= EV_WRITE;
        watch(conn, what);
    }
    if (is_over(conn))
        conn_close(conn);
}

/* ---- opening and closing ---- */

static void set_socket_options(int fd)
{
    int on = 1;
    int idle_s = 300;

    /* These fail on unix sockets, which need none of them. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
}

static void init_client(struct client *client, struct worker *worker, enum client_protocol protocol)
{
    struct server *server = worker->server;

    client->id = atomic_fetch_add(&server->next_client_id, 1);
    client->server = server;
    client->worker = worker;
    client->heap = worker->heap;
    client->heap_worker = worker->heap_worker;
    client->stats = &worker->stats;
    client->protocol = (uint8_t)protocol;
    client->queued_count = -1;
    client->authenticated = protocol == CLIENT_MEMCACHE || !options_password_is_asked(server->options);
    buf_init(&client->out, CONN_OUT_MAX_BYTES);
}

bool conn_open(struct worker *worker, int fd, enum client_protocol protocol)
{
    struct conn *conn = calloc(1, sizeof *conn);

    if (conn == NULL) {
        close(fd);
        atomic_fetch_sub(&worker->conn_count, 1);
        atomic_fetch_sub(&worker->server->client_count, 1);
        return false;
    }
    set_socket_options(fd);
    conn->magic = CONN_MAGIC;
    conn->fd = fd;
    init_client(&conn->client, worker, protocol);
    buf_init(&conn->in, CONN_IN_MAX_BYTES + CONN_BLOCK_BYTES);
    if (protocol == CLIENT_REDIS)
        resp_parser_init(&conn->parser.resp, conn->client.authenticated);
    else
        memcache_parser_init(&conn->parser.memcache, VALUE_BYTES_MAX);
    conn->accepted_mono_us = clock_mono_us();
    atomic_store_explicit(&conn->active_mono_us, conn->accepted_mono_us, memory_order_relaxed);
    pthread_mutex_lock(&worker->list_lock);
    TAILQ_INSERT_TAIL(&worker->conns, conn, all_link);
    pthread_mutex_unlock(&worker->list_lock);
    STAT_ADD(&worker->stats, curr_connections, 1);
    STAT_ADD(&worker->stats, total_connections, 1);
    conn_settle(conn);
    return true;
}

void conn_close(struct conn *conn)
{
    struct worker *worker = conn->client.worker;

    must(conn->magic == CONN_MAGIC);
    watch(conn, 0);
    if (conn->queued)
        TAILQ_REMOVE(&worker->ready, conn, ready_link);
    conn_release(conn, CONN_HOLD_SYNC | CONN_HOLD_ROOM);
    pthread_mutex_lock(&worker->list_lock);
    TAILQ_REMOVE(&worker->conns, conn, all_link);
    pthread_mutex_unlock(&worker->list_lock);
    requests_unpark(conn);
    if (conn->client.transaction != NULL || conn->client.in_multi)
        transaction_reset(&conn->client);
    buf_reset(&conn->in);
    buf_reset(&conn->client.out);
    drop_memory(worker, &conn->in);
    drop_memory(worker, &conn->client.out);
    free(conn->client.name);
    close(conn->fd);
    conn->magic = 0;
    free(conn);
    STAT_ADD(&worker->stats, curr_connections, -1);
    atomic_fetch_sub(&worker->conn_count, 1);
    atomic_fetch_sub(&worker->server->client_count, 1);
}
