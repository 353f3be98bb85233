/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A server that only parses and answers a constant: the floor under every measurement.
 *
 * IDEA     What a request costs here, it costs any server on libevent that reads a batch, looks at each
 *          request once and answers with one write; the rest of a real server's time is its own work.
 *          `get`/GET answer the same value whatever the key, `set`/SET store nothing, PING is PONG.
 *          Keys are expected as hearth-bench makes them (`key:%012d`), so that replies are as long as
 *          those of a real server.
 * THREADS  The main thread accepts and hands connections out in turn through pipes; each worker has an
 *          event base of its own. With one thread the main thread is the worker.
 *
 *     null_server [--threads N] [--memcache-port P] [--redis-port P] [--value-bytes N]
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES (64 * 1024)
#define THREADS_MAX 64
#define VALUE_BYTES_MAX (1024 * 1024)
#define ARGS_MAX 1024
#define KEY_BYTES 16 /* key:%012d */

enum protocol { MEMCACHE, REDIS };

struct reply {
    char *bytes;
    size_t len;
};

/* The constant replies, made once. */
static struct reply memcache_hit;
static struct reply redis_hit;
static const struct reply stored = {"STORED\r\n", 8};
static const struct reply memcache_error = {"ERROR\r\n", 7};
static const struct reply ok = {"+OK\r\n", 5};
static const struct reply pong = {"+PONG\r\n", 7};

struct worker {
    struct event_base *base;
    int pipe_fds[2];
    pthread_t thread;
};

/* What waits for its rest lies in in[0, in_len); what could not be written yet in out[out_sent, out_len). */
struct conn {
    int fd;
    enum protocol protocol;
    struct event *event;
    char *in;
    size_t in_len;
    size_t in_cap;
    char *out;
    size_t out_len;
    size_t out_sent;
    size_t out_cap;
};

struct listener {
    enum protocol protocol;
    struct event *event;
};

static struct worker workers[THREADS_MAX];
static int worker_count = 1;
static unsigned next_worker;

static void *check(void *memory)
{
    if (memory == NULL) {
        perror("null_server: memory");
        exit(1);
    }
    return memory;
}

static void make_replies(size_t value_bytes)
{
    char *value = check(malloc(value_bytes + 1));
    int head;

    memset(value, 'x', value_bytes);
    memcache_hit.bytes = check(malloc(value_bytes + 128));
    head = sprintf(memcache_hit.bytes, "VALUE key:%012d 0 %zu\r\n", 0, value_bytes);
    memcpy(memcache_hit.bytes + head, value, value_bytes);
    memcpy(memcache_hit.bytes + head + value_bytes, "\r\nEND\r\n", 7);
    memcache_hit.len = (size_t)head + value_bytes + 7;
    redis_hit.bytes = check(malloc(value_bytes + 128));
    head = sprintf(redis_hit.bytes, "$%zu\r\n", value_bytes);
    memcpy(redis_hit.bytes + head, value, value_bytes);
    memcpy(redis_hit.bytes + head + value_bytes, "\r\n", 2);
    redis_hit.len = (size_t)head + value_bytes + 2;
    free(value);
}

static void close_conn(struct conn *conn)
{
    event_free(conn->event);
    close(conn->fd);
    free(conn->in);
    free(conn->out);
    free(conn);
}

static void put(struct conn *conn, const struct reply *reply)
{
    if (conn->out_cap - conn->out_len < reply->len) {
        while (conn->out_cap - conn->out_len < reply->len)
            conn->out_cap *= 2;
        conn->out = check(realloc(conn->out, conn->out_cap));
    }
    memcpy(conn->out + conn->out_len, reply->bytes, reply->len);
    conn->out_len += reply->len;
}

/* Returns how many bytes the request at [at, at + len) takes and answers it; 0 when it is not all there. */
static size_t serve_memcache(struct conn *conn, const char *at, size_t len)
{
    const char *newline = memchr(at, '\n', len);
    size_t line_bytes;
    size_t total;

    if (newline == NULL)
        return 0;
    line_bytes = (size_t)(newline - at) + 1;
    if (line_bytes > 4 && memcmp(at, "get ", 4) == 0) {
        put(conn, &memcache_hit);
        if (line_bytes == 4 + KEY_BYTES + 2) /* hearth-bench looks whether it gets what it asked for */
            memcpy(conn->out + conn->out_len - memcache_hit.len + 6, at + 4, KEY_BYTES);
        return line_bytes;
    }
    if (line_bytes > 4 && memcmp(at, "set ", 4) == 0) {
        const char *number = newline;

        while (number > at && number[-1] != ' ')
            number--;
        total = line_bytes + strtoul(number, NULL, 10) + 2;
        if (total > len)
            return 0;
        put(conn, &stored);
        return total;
    }
    put(conn, &memcache_error);
    return line_bytes;
}

/* Reads `<mark>digits\r\n`; returns the position behind it, or NULL when it is not all there. */
static const char *read_head(const char *at, const char *end, long *number)
{
    long value = 0;

    for (at++; at < end && *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (*at - '0');
    *number = value;
    return end - at >= 2 ? at + 2 : NULL;
}

static size_t serve_redis(struct conn *conn, const char *begin, size_t len)
{
    const char *end = begin + len;
    const char *name = NULL;
    const char *at;
    long args;
    long bytes;

    at = read_head(begin, end, &args);
    if (at == NULL || args > ARGS_MAX)
        return 0;
    for (long i = 0; i < args; i++) {
        if (at >= end || (at = read_head(at, end, &bytes)) == NULL || end - at < bytes + 2)
            return 0;
        if (i == 0)
            name = at;
        at += bytes + 2;
    }
    if (name != NULL && (name[0] | 0x20) == 'g')
        put(conn, &redis_hit);
    else if (name != NULL && (name[0] | 0x20) == 'p')
        put(conn, &pong);
    else
        put(conn, &ok);
    return (size_t)(at - begin);
}

/* Writes what there is; false when the peer is gone. */
static bool flush(struct conn *conn)
{
    while (conn->out_sent < conn->out_len) {
        ssize_t sent = write(conn->fd, conn->out + conn->out_sent, conn->out_len - conn->out_sent);

        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        conn->out_sent += (size_t)sent;
    }
    conn->out_sent = 0;
    conn->out_len = 0;
    return true;
}

static void on_event(evutil_socket_t fd, short what, void *context);

/* Waits for room in the socket while something is unsent, else for requests. */
static void set_interest(struct conn *conn, short what)
{
    struct event_base *base = event_get_base(conn->event);

    if ((event_get_events(conn->event) & what) != 0)
        return;
    event_del(conn->event);
    event_assign(conn->event, base, conn->fd, (short)(what | EV_PERSIST), on_event, conn);
    event_add(conn->event, NULL);
}

static void serve(struct conn *conn)
{
    size_t done = 0;

    while (done < conn->in_len) {
        const char *at = conn->in + done;
        size_t len = conn->in_len - done;
        size_t taken = conn->protocol == MEMCACHE ? serve_memcache(conn, at, len) : serve_redis(conn, at, len);

        if (taken == 0)
            break;
        done += taken;
    }
    conn->in_len -= done;
    if (conn->in_len != 0 && done != 0)
        memmove(conn->in, conn->in + done, conn->in_len);
}

static void on_event(evutil_socket_t fd, short what, void *context)
{
    struct conn *conn = context;
    ssize_t got;

    if ((what & EV_READ) != 0) {
        if (conn->in_cap - conn->in_len < READ_BYTES / 2) {
            conn->in_cap *= 2;
            conn->in = check(realloc(conn->in, conn->in_cap));
        }
        got = read(fd, conn->in + conn->in_len, conn->in_cap - conn->in_len);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            close_conn(conn);
            return;
        }
        if (got > 0)
            conn->in_len += (size_t)got;
        serve(conn);
    }
    if (!flush(conn)) {
        close_conn(conn);
        return;
    }
    set_interest(conn, conn->out_len != 0 ? EV_WRITE : EV_READ);
}

static void add_conn(struct worker *worker, int fd, enum protocol protocol)
{
    struct conn *conn = check(calloc(1, sizeof *conn));
    int one = 1;

    evutil_make_socket_nonblocking(fd);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    conn->fd = fd;
    conn->protocol = protocol;
    conn->in_cap = READ_BYTES;
    conn->in = check(malloc(conn->in_cap));
    conn->out_cap = READ_BYTES;
    conn->out = check(malloc(conn->out_cap));
    conn->event = check(event_new(worker->base, fd, EV_READ | EV_PERSIST, on_event, conn));
    event_add(conn->event, NULL);
}

struct handover {
    int fd;
    enum protocol protocol;
};

static void on_handover(evutil_socket_t fd, short what, void *context)
{
    struct handover handover;

    (void)what;
    if (read(fd, &handover, sizeof handover) == (ssize_t)sizeof handover)
        add_conn(context, handover.fd, handover.protocol);
}

static void on_accept(evutil_socket_t fd, short what, void *context)
{
    const struct listener *listener = context;
    struct handover handover = {accept4(fd, NULL, NULL, SOCK_CLOEXEC), listener->protocol};
    struct worker *worker = &workers[next_worker++ % (unsigned)worker_count];

    (void)what;
    if (handover.fd < 0)
        return;
    if (worker_count == 1)
        add_conn(worker, handover.fd, handover.protocol);
    else if (write(worker->pipe_fds[1], &handover, sizeof handover) < 0)
        close(handover.fd);
}

static void listen_on(struct event_base *base, struct listener *listener, int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1024) != 0) {
        perror("null_server: listen");
        exit(1);
    }
    evutil_make_socket_nonblocking(fd);
    listener->event = check(event_new(base, fd, EV_READ | EV_PERSIST, on_accept, listener));
    event_add(listener->event, NULL);
}

static void *run_worker(void *context)
{
    struct worker *worker = context;

    event_base_dispatch(worker->base);
    return NULL;
}

static void start_workers(void)
{
    for (int i = 0; i < worker_count; i++) {
        struct worker *worker = &workers[i];
        struct event *event;

        worker->base = check(event_base_new());
        if (worker_count == 1)
            return;
        if (pipe2(worker->pipe_fds, O_CLOEXEC) != 0) {
            perror("null_server: pipe");
            exit(1);
        }
        event = check(event_new(worker->base, worker->pipe_fds[0], EV_READ | EV_PERSIST, on_handover, worker));
        event_add(event, NULL);
        if (pthread_create(&worker->thread, NULL, run_worker, worker) != 0) {
            fputs("null_server: no thread\n", stderr);
            exit(1);
        }
    }
}

int main(int argc, char **argv)
{
    static struct listener memcache = {.protocol = MEMCACHE};
    static struct listener redis = {.protocol = REDIS};
    long memcache_port = 0;
    long redis_port = 0;
    long value_bytes = 100;
    struct event_base *base;

    for (int i = 1; i + 1 < argc; i += 2) {
        long value = strtol(argv[i + 1], NULL, 10);

        if (strcmp(argv[i], "--threads") == 0 && value >= 1 && value <= THREADS_MAX)
            worker_count = (int)value;
        else if (strcmp(argv[i], "--memcache-port") == 0)
            memcache_port = value;
        else if (strcmp(argv[i], "--redis-port") == 0)
            redis_port = value;
        else if (strcmp(argv[i], "--value-bytes") == 0 && value >= 0 && value <= VALUE_BYTES_MAX)
            value_bytes = value;
        else
            memcache_port = redis_port = 0;
    }
    if (memcache_port == 0 && redis_port == 0) {
        fputs("usage: null_server [--threads N] [--memcache-port P] [--redis-port P] [--value-bytes N]\n", stderr);
        return 1;
    }
    make_replies((size_t)value_bytes);
    start_workers();
    base = worker_count == 1 ? workers[0].base : check(event_base_new());
    if (memcache_port != 0)
        listen_on(base, &memcache, (int)memcache_port);
    if (redis_port != 0)
        listen_on(base, &redis, (int)redis_port);
    return event_base_dispatch(base) == 0 ? 0 : 1;
}
