/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inner verbs of a connection, shared by conn.c and conn_read.c.
 */
#ifndef HEARTH_BENCH_CONN_READ_H
#define HEARTH_BENCH_CONN_READ_H

#include "bench/load/conn.h"

/* Event: something has arrived. */
void conn_on_readable(evutil_socket_t fd, short what, void *context);

/* It can be used from now on. */
void conn_ready(struct conn *conn, uint64_t now_ns);
/* The end of a storm's request, and of its connection. */
void conn_close(struct conn *conn);
/* Connecting failed, or the connection is gone; error 0: the server has closed it. Storms count it, others fail(). */
void conn_lost(struct conn *conn, int error, uint64_t now_ns);

#endif
