/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Turns: what a worker does with the connections that are ready.
 */
#ifndef HEARTH_SERVER_TURN_H
#define HEARTH_SERVER_TURN_H

struct worker;

/* Serves every connection that is in the ready queue now, once. Those with more to do are queued again. */
void turn_pass(struct worker *worker);

#endif
