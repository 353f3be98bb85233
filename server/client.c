/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients: the slow half of replies, their session, and what CLIENT LIST sees of them.
 */
#include "server/client.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "server/conn.h"
#include "server/loan.h"
#include "server/server.h"
#include "server/worker.h"

#define ADDRESS_BYTES 160

/* ---- replies ---- */

/* Into a block, or from one into a large one, when that is enough. */
static void move_to_block(struct client *client, size_t bytes)
{
    struct buf *out = &client->out;
    size_t len = buf_len(out);
    size_t cap = len + bytes <= CONN_BLOCK_BYTES ? CONN_BLOCK_BYTES : CONN_LARGE_BLOCK_BYTES;
    uint8_t *block;

    if (out->cap >= cap || len + bytes > cap)
        return;
    block = worker_take_block(client->worker, cap);
    if (block == NULL)
        return;
    if (len > 0)
        memcpy(block, buf_bytes(out), len);
    if (out->data != NULL)
        worker_give_block(client->worker, out->data, out->cap);
    *out = (struct buf){.data = block, .end = len, .cap = cap, .max = out->max};
}

char *reply_room_slow(struct client *client, size_t bytes)
{
    if (client->out_failed)
        return NULL;
    move_to_block(client, bytes);
    if (buf_reserve(&client->out, bytes) != BUF_OK) {
        client->out_failed = true;
        return NULL;
    }
    return (char *)buf_tail(&client->out);
}

void reply_printf(struct client *client, const char *fmt, ...)
{
    char text[1024];
    char *out = text;
    va_list values;
    int len;

    va_start(values, fmt);
    len = vsnprintf(text, sizeof text, fmt, values);
    va_end(values);
    if (len < 0)
        return;
    if ((size_t)len >= sizeof text) {
        out = reply_room(client, (size_t)len + 1);
        if (out == NULL)
            return;
        va_start(values, fmt);
        vsnprintf(out, (size_t)len + 1, fmt, values);
        va_end(values);
        reply_advance(client, (size_t)len);
        return;
    }
    reply_raw(client, out, (size_t)len);
}

void reply_undo(struct client *client, size_t mark)
{
    loans_undo(client, mark);
    buf_truncate(&client->out, mark);
}

void reply_insert(struct client *client, size_t mark, const void *bytes, size_t len)
{
    char *end = reply_room(client, len);

    if (end == NULL)
        return;
    uint8_t *at = buf_bytes(&client->out) + mark;
    memmove(at + len, at, reply_mark(client) - mark);
    memcpy(at, bytes, len);
    loans_shift(client, mark, len);
    reply_advance(client, len);
}

void reply_array_at(struct client *client, size_t mark, uint64_t count)
{
    char head[RESP_HEAD_MAX];

    reply_insert(client, mark, head, resp_put_array_head(head, count));
}

void reply_simple(struct client *client, const char *text)
{
    size_t len = strlen(text);
    char *out = reply_room(client, len + 3);

    if (out != NULL)
        reply_advance(client, resp_put_simple(out, text, len));
}

void reply_error(struct client *client, const char *text)
{
    size_t len = strlen(text);
    char *out = reply_room(client, len + 3);

    stats_count_error(client->stats, text);
    if (out != NULL)
        reply_advance(client, resp_put_error(out, text, len));
}

void reply_errorf(struct client *client, const char *fmt, ...)
{
    char text[1024];
    va_list values;

    va_start(values, fmt);
    vsnprintf(text, sizeof text, fmt, values);
    va_end(values);
    reply_error(client, text);
}

void reply_arity_error(struct client *client)
{
    reply_errorf(client, "ERR wrong number of arguments for '%s' command", client->command->name);
}

/* ---- session ---- */

void client_set_db(struct client *client, uint8_t db)
{
    atomic_store_explicit(&client->db, db, memory_order_relaxed);
}

bool client_set_name(struct client *client, const void *name, size_t len)
{
    char *copy = NULL;
    char *old;

    if (len > 0) {
        copy = strndup(name, len);
        if (copy == NULL)
            return false;
    }
    pthread_mutex_lock(&client->worker->list_lock);
    old = client->name;
    client->name = copy;
    pthread_mutex_unlock(&client->worker->list_lock);
    free(old);
    return true;
}

void client_set_authenticated(struct client *client, bool authenticated)
{
    client->authenticated = authenticated;
}

void client_set_multi(struct client *client, bool in_multi)
{
    client->in_multi = in_multi;
    atomic_store_explicit(&client->queued_count, in_multi ? 0 : -1, memory_order_relaxed);
}

/* ---- descriptions ---- */

static void format_address(const struct sockaddr_storage *address, const struct sockaddr_storage *unix_side, char *out)
{
    char text[INET6_ADDRSTRLEN] = "";

    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        snprintf(out, ADDRESS_BYTES, "%s:%u", text, ntohs(in->sin_port));
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
        snprintf(out, ADDRESS_BYTES, "[%s]:%u", text, ntohs(in6->sin6_port));
    } else {
        snprintf(out, ADDRESS_BYTES, "%s:0", ((const struct sockaddr_un *)unix_side)->sun_path);
    }
}

static void describe(const struct conn *conn, void (*each)(const struct client_info *info, void *context),
                     void *context)
{
    const struct client *client = &conn->client;
    const struct command *command = atomic_load_explicit(&conn->last_command, memory_order_relaxed);
    struct sockaddr_storage peer = {0};
    struct sockaddr_storage local = {0};
    socklen_t peer_len = sizeof peer;
    socklen_t local_len = sizeof local;
    char peer_text[ADDRESS_BYTES];
    char local_text[ADDRESS_BYTES];
    uint64_t now_us = clock_mono_us();
    uint64_t active_us = atomic_load_explicit(&conn->active_mono_us, memory_order_relaxed);

    (void)getpeername(conn->fd, (struct sockaddr *)&peer, &peer_len);
    (void)getsockname(conn->fd, (struct sockaddr *)&local, &local_len);
    format_address(&peer, &local, peer_text);
    format_address(&local, &local, local_text);
    struct client_info info = {
        .id = client->id,
        .address = peer_text,
        .local_address = local_text,
        .name = client->name != NULL ? client->name : "",
        .command = command != NULL ? command->name : "NULL",
        .fd = conn->fd,
        .age_s = (now_us - conn->accepted_mono_us) / 1000000,
        .idle_s = now_us > active_us ? (now_us - active_us) / 1000000 : 0,
        .db = atomic_load_explicit(&client->db, memory_order_relaxed),
        .is_unix = local.ss_family == AF_UNIX,
        .queued_count = atomic_load_explicit(&client->queued_count, memory_order_relaxed),
    };
    each(&info, context);
}

void client_describe(const struct client *client, void (*each)(const struct client_info *info, void *context),
                     void *context)
{
    describe((const struct conn *)client, each, context);
}

void server_each_client(struct server *server, void (*each)(const struct client_info *info, void *context),
                        void *context)
{
    struct conn *conn;

    for (uint32_t i = 0; i < server->worker_count; i++) {
        struct worker *worker = server->workers[i];
        pthread_mutex_lock(&worker->list_lock);
        TAILQ_FOREACH(conn, &worker->conns, all_link)
        describe(conn, each, context);
        pthread_mutex_unlock(&worker->list_lock);
    }
}

/* ---- killing ---- */

/* What describe() is told to ask of one connection. */
struct choice {
    bool (*chooses)(const struct client_info *info, void *context);
    void *context;
    bool chosen;
};

static void ask(const struct client_info *info, void *context)
{
    struct choice *choice = context;

    choice->chosen = choice->chooses(info, choice->context);
}

static uint32_t kill_of_worker(struct worker *worker, struct choice *choice)
{
    struct conn *conn;
    uint32_t count = 0;

    pthread_mutex_lock(&worker->list_lock);
    TAILQ_FOREACH(conn, &worker->conns, all_link)
    {
        describe(conn, ask, choice);
        if (choice->chosen && !atomic_exchange(&conn->killed, true))
            count++;
    }
    pthread_mutex_unlock(&worker->list_lock);
    if (count > 0) {
        atomic_store(&worker->has_killed, true);
        worker_wake(worker);
    }
    return count;
}

uint32_t server_kill_clients(struct server *server, bool (*chooses)(const struct client_info *info, void *context),
                             void *context)
{
    struct choice choice = {.chooses = chooses, .context = context};
    uint32_t count = 0;

    for (uint32_t i = 0; i < server->worker_count; i++)
        count += kill_of_worker(server->workers[i], &choice);
    return count;
}
