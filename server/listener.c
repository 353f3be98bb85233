/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Binding, listening, accepting.
 */
#include "server/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "server/options_parse.h"
#include "server/server.h"
#include "server/worker.h"

/* TCP addresses, both ports together. */
#define LISTENERS_MAX 64
/* Connections accepted before other events have their turn. */
#define ACCEPTS_AT_ONCE 64
/* After the system had no descriptor or memory for a connection. */
#define PAUSE_US 20000

#define TEXT_REDIS_FULL "-ERR max number of clients reached\r\n"
#define TEXT_MEMCACHE_FULL "ERROR Too many open connections\r\n"

struct listener {
    struct listeners *owner;
    int fd;
    enum client_protocol protocol;
    char *unix_path; /* NULL: TCP */
    char where[192]; /* for messages */
    struct event event;
    bool watched;
};

struct listeners {
    struct server *server;
    struct worker *worker;
    uint32_t count;
    struct event resume_timer;
    bool started;
    struct listener items[LISTENERS_MAX + 2]; /* and a unix socket of each protocol */
};

/* ---- binding ---- */

static const char *directive_of(const struct listener *listener)
{
    if (listener->unix_path != NULL)
        return listener->protocol == CLIENT_REDIS ? "unixsocket" : "memcache-unixsocket";
    return listener->protocol == CLIENT_REDIS ? "redis-port" : "memcache-port";
}

static const char *advice(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "another server uses it: stop that one, or choose another";
    case EACCES:
        return "the user may not: choose another, or start as root with user set";
    case EADDRNOTAVAIL:
        return "this machine has no such address: see bind";
    default:
        return "choose another";
    }
}

static struct listener *add(struct listeners *listeners, int fd, enum client_protocol protocol)
{
    struct listener *listener = &listeners->items[listeners->count++];

    listener->owner = listeners;
    listener->fd = fd;
    listener->protocol = protocol;
    return listener;
}

static void complain(const struct listener *listener, const char *verb, int error)
{
    log_error("listen", "cannot %s %s: %s; %s directive=%s", verb, listener->where, strerror(error), advice(error),
              directive_of(listener));
}

static int open_tcp(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, address->ai_addr, address->ai_addrlen) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* Whether an address with a minus in front may be left out for this reason. */
static bool is_unavailable(int error)
{
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == EPROTONOSUPPORT;
}

static bool bind_addresses(struct listeners *listeners, const char *name, const struct addrinfo *address, bool optional,
                           enum client_protocol protocol, unsigned port)
{
    for (; address != NULL; address = address->ai_next) {
        int fd = -1;
        if (listeners->count == LISTENERS_MAX) {
            log_error("listen", "too many addresses: at most %d; see bind", LISTENERS_MAX);
            return false;
        }
        struct listener *listener = &listeners->items[listeners->count];
        listener->protocol = protocol;
        snprintf(listener->where, sizeof listener->where, "%.150s port %u", name, port);
        fd = open_tcp(address);
        if (fd >= 0) {
            add(listeners, fd, protocol);
        } else if (!optional || !is_unavailable(errno)) {
            complain(listener, "bind to", errno);
            return false;
        }
    }
    return true;
}

static bool bind_name(struct listeners *listeners, const char *word, enum client_protocol protocol, unsigned port)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    bool optional = word[0] == '-';
    const char *name = optional ? word + 1 : word;
    struct addrinfo *addresses = NULL;
    char service[16];
    bool fine;
    int error;

    snprintf(service, sizeof service, "%u", port);
    error = getaddrinfo(strcmp(name, "*") == 0 ? NULL : name, service, &hints, &addresses);
    if (error != 0) {
        log_error("listen", "'%.150s' is no address: %s; see bind", name, gai_strerror(error));
        return optional;
    }
    fine = bind_addresses(listeners, name, addresses, optional, protocol, port);
    freeaddrinfo(addresses);
    return fine;
}

static bool bind_port(struct listeners *listeners, enum option option, enum client_protocol protocol)
{
    unsigned port = (unsigned)options_number(listeners->server->options, option);
    char *line;
    char *words[LISTENERS_MAX];
    bool fine = true;
    int count;

    if (port == 0)
        return true;
    line = strdup(options_fixed_text(listeners->server->options, OPTION_BIND));
    if (line == NULL)
        return false;
    count = split_words(line, words, LISTENERS_MAX);
    if (count <= 0) {
        log_error("listen", "bind names no address: it needs at least one, like 127.0.0.1");
        fine = false;
    }
    for (int i = 0; fine && i < count; i++)
        fine = bind_name(listeners, words[i], protocol, port);
    free(line);
    return fine;
}

/* Removes a unix socket that a server has left behind; false: somebody listens on it, or it is no socket. */
static bool clear_path(struct listener *listener, const struct sockaddr_un *address)
{
    struct stat status;
    int fd;
    int error;

    if (lstat(address->sun_path, &status) < 0)
        return true;
    if (!S_ISSOCK(status.st_mode)) {
        complain(listener, "bind to", EEXIST);
        return false;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); /* its owner may never accept */
    error = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : errno;
    close(fd);
    if (error == ECONNREFUSED && unlink(address->sun_path) == 0)
        return true;
    complain(listener, "bind to", EADDRINUSE);
    return false;
}

static bool bind_unix(struct listeners *listeners, enum option option, enum client_protocol protocol)
{
    const char *path = options_fixed_text(listeners->server->options, option);
    mode_t mode = (mode_t)options_number(listeners->server->options, OPTION_UNIXSOCKETPERM);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct listener *listener;
    mode_t umask_before;
    int fd;
    int result;

    if (path[0] == '\0')
        return true;
    if (strlen(path) >= sizeof address.sun_path) {
        log_error("listen", "the path of a unix socket may have %zu bytes at most path=%s directive=%s",
                  sizeof address.sun_path - 1, path, option_table[option].name);
        return false;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    listener = add(listeners, fd, protocol);
    snprintf(listener->where, sizeof listener->where, "unix socket %.150s", path);
    if (fd < 0) {
        complain(listener, "make", errno);
        return false;
    }
    if (!clear_path(listener, &address))
        return false;
    umask_before = umask(~mode & 0777);
    result = bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(umask_before);
    listener->unix_path = result == 0 ? strdup(path) : NULL;
    if (listener->unix_path == NULL)
        complain(listener, "bind to", errno);
    return listener->unix_path != NULL;
}

bool listeners_bind(struct listeners **out, struct server *server)
{
    struct listeners *listeners = calloc(1, sizeof *listeners);

    *out = NULL;
    if (listeners == NULL) {
        log_error("listen", "out of memory");
        return false;
    }
    listeners->server = server;
    if (!bind_port(listeners, OPTION_MEMCACHE_PORT, CLIENT_MEMCACHE) ||
        !bind_port(listeners, OPTION_REDIS_PORT, CLIENT_REDIS) ||
        !bind_unix(listeners, OPTION_UNIXSOCKET, CLIENT_REDIS) ||
        !bind_unix(listeners, OPTION_MEMCACHE_UNIXSOCKET, CLIENT_MEMCACHE)) {
        listeners_free(listeners);
        return false;
    }
    if (listeners->count == 0) {
        log_error("listen", "there is nothing to listen on: set redis-port, memcache-port or a unix socket");
        listeners_free(listeners);
        return false;
    }
    *out = listeners;
    return true;
}

bool listeners_listen(struct listeners *listeners)
{
    int backlog = (int)options_number(listeners->server->options, OPTION_TCP_BACKLOG);

    for (uint32_t i = 0; i < listeners->count; i++) {
        if (listen(listeners->items[i].fd, backlog) < 0) {
            complain(&listeners->items[i], "listen on", errno);
            return false;
        }
    }
    return true;
}

/* ---- accepting ---- */

static void set_watched(struct listeners *listeners, bool watched)
{
    for (uint32_t i = 0; i < listeners->count; i++) {
        struct listener *listener = &listeners->items[i];
        if (listener->watched == watched)
            continue;
        listener->watched = watched;
        if (watched)
            event_add(&listener->event, NULL);
        else
            event_del(&listener->event);
    }
}

static void on_resume(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    set_watched(context, true);
}

/* The system has no descriptor left: connections wait in the backlog for a moment. */
static void pause_accepting(struct listeners *listeners, int error)
{
    const struct timeval pause = {0, PAUSE_US};

    log_warn("listen", "cannot accept for now: %s; lower maxclients or raise the limit of open files clients=%u",
             strerror(error), atomic_load(&listeners->server->client_count));
    set_watched(listeners, false);
    event_add(&listeners->resume_timer, &pause);
}

static void refuse(struct listener *listener, int fd)
{
    struct worker *worker = listener->owner->worker;

    STAT_ADD(&worker->stats, rejected_connections, 1);
    if (listener->protocol == CLIENT_REDIS)
        (void)!send(fd, TEXT_REDIS_FULL, sizeof TEXT_REDIS_FULL - 1, MSG_NOSIGNAL);
    else
        (void)!send(fd, TEXT_MEMCACHE_FULL, sizeof TEXT_MEMCACHE_FULL - 1, MSG_NOSIGNAL);
    close(fd);
}

static struct worker *least_busy(struct server *server)
{
    struct worker *best = server->workers[0];

    for (uint32_t i = 1; i < server->worker_count; i++) {
        if (atomic_load_explicit(&server->workers[i]->conn_count, memory_order_relaxed) <
            atomic_load_explicit(&best->conn_count, memory_order_relaxed))
            best = server->workers[i];
    }
    return best;
}

static void admit(struct listener *listener, int fd)
{
    struct server *server = listener->owner->server;

    if (atomic_load(&server->client_count) >= options_number(server->options, OPTION_MAXCLIENTS)) {
        refuse(listener, fd);
        return;
    }
    atomic_fetch_add(&server->client_count, 1);
    if (!worker_give(least_busy(server), fd, listener->protocol)) {
        atomic_fetch_sub(&server->client_count, 1);
        refuse(listener, fd);
    }
}

static bool is_passing(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM;
}

static void on_accept(evutil_socket_t listening, short what, void *context)
{
    struct listener *listener = context;

    (void)what;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(listener, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (!is_passing(errno)) {
            pause_accepting(listener->owner, errno);
            return;
        }
    }
}

void listeners_start(struct listeners *listeners, struct worker *worker)
{
    listeners->worker = worker;
    listeners->started = true;
    event_assign(&listeners->resume_timer, worker->base, -1, 0, on_resume, listeners);
    for (uint32_t i = 0; i < listeners->count; i++) {
        struct listener *listener = &listeners->items[i];
        event_assign(&listener->event, worker->base, listener->fd, EV_READ | EV_PERSIST, on_accept, listener);
    }
    set_watched(listeners, true);
}

void listeners_stop(struct listeners *listeners)
{
    if (!listeners->started)
        return;
    listeners->started = false;
    event_del(&listeners->resume_timer);
    set_watched(listeners, false);
}

void listeners_free(struct listeners *listeners)
{
    if (listeners == NULL)
        return;
    for (uint32_t i = 0; i < listeners->count; i++) {
        if (listeners->items[i].fd >= 0)
            close(listeners->items[i].fd);
        if (listeners->items[i].unix_path != NULL)
            unlink(listeners->items[i].unix_path);
        free(listeners->items[i].unix_path);
    }
    free(listeners);
}
