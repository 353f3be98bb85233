/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of the server, as main sees it.
 */
#ifndef HEARTH_SERVER_SERVER_RUN_H
#define HEARTH_SERVER_SERVER_RUN_H

#include "server/server.h"

/* Records that a restart reads again at most, beside restart-tail's bytes. */
#define SERVER_TAIL_RECORDS 200000

/* Prepares, and binds the addresses. `server` may be closed in any case. False: logged. */
bool server_open(struct server *server, struct options *options) HEARTH_MUST_USE;
/* Opens the pool, listens, starts all threads. False: logged. */
bool server_start(struct server *server) HEARTH_MUST_USE;
/* Stops accepting, finishes turns, closes connections, makes everything durable, closes the pool. */
void server_close(struct server *server);

#endif
