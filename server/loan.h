/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loans: large values that leave from the pool itself, without a copy into the reply's buffer.
 *
 * IDEA
 *   What was got in a turn stays where it is until the turn is left. So a reply only names a large value and its place
 *   among the bytes of the buffer, and the connection writes both in one call before the turn is left. What the socket
 *   does not take is copied then; so is what is held for a sync, and all that is lent when a flush ends the turn.
 *
 * THREADS  A worker's own.
 */
#ifndef HEARTH_SERVER_LOAN_H
#define HEARTH_SERVER_LOAN_H

#include <sys/uio.h>

#include "server/client.h"

enum {
    LOAN_BYTES_MIN = 16 * 1024, /* shorter values are copied: less work than a piece more */
    LOANS_MAX = 64,             /* of a worker at a time; further values are copied */
    LOAN_PIECES_MAX = 2 * LOANS_MAX + 1,
};

struct loan {
    struct client *client;
    const uint8_t *data;
    size_t len;
    size_t at;     /* bytes of the client's buffer that come before it */
    uint64_t turn; /* heap_turn_number() */
};
/* In the order in which they were made. */
struct loans {
    uint32_t count;
    struct loan list[LOANS_MAX];
};

/* Appends bytes that were got from the heap in this turn to the reply, lent where that pays. */
void reply_stored(struct client *client, const uint8_t *data, size_t len);

/* Everything that waits for the client, in order. Returns the number of pieces. */
uint32_t loans_pieces(const struct client *client, struct iovec pieces[LOAN_PIECES_MAX]);
/* Copies what the client has been lent into its buffer, without the first `sent` bytes of all that waits. Without memory
 * for it the reply has failed. */
void loans_repay(struct client *client, size_t sent);
/* All clients': before anything that ends the turn in the midst of it. */
void loans_repay_all(struct worker *worker);

/* The buffer was cut to `mark`. */
void loans_undo(struct client *client, size_t mark);
/* `bytes` were inserted into the buffer at `mark`. */
void loans_shift(struct client *client, size_t mark, size_t bytes);

#endif
