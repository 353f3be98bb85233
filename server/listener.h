/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Listeners: the sockets that clients connect to.
 *
 * IDEA     Addresses are bound before the pool is opened, so that a port that is taken is noticed first and a
 *          privileged one can be had before privileges are given up. They listen once the pool is open. Worker 0
 *          accepts, and hands each connection to the worker that has fewest.
 *
 * THREADS  Main's, until listeners_start(); worker 0's then; main's again when the workers have ended.
 */
#ifndef HEARTH_SERVER_LISTENER_H
#define HEARTH_SERVER_LISTENER_H

#include <stdbool.h>

#include "base/compiler.h"

struct listeners;
struct server;
struct worker;

/* Binds all that the options name. False: what failed was logged, and nothing is left behind. */
bool listeners_bind(struct listeners **out, struct server *server) HEARTH_MUST_USE;
/* False: logged. */
bool listeners_listen(struct listeners *listeners) HEARTH_MUST_USE;
/* Accepts from now on, in this worker's loop. Before its thread runs. */
void listeners_start(struct listeners *listeners, struct worker *worker);
/* Accepts no more. On the accepting worker's thread, or when that has ended. */
void listeners_stop(struct listeners *listeners);
/* Closes, and removes the unix sockets. NULL is fine. */
void listeners_free(struct listeners *listeners);

#endif
