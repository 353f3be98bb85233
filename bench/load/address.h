/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the server is, and connecting to it.
 *
 * THREADS  Read only after address_resolve().
 */
#ifndef HEARTH_BENCH_ADDRESS_H
#define HEARTH_BENCH_ADDRESS_H

#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_BYTES 160

struct address {
    struct sockaddr_storage storage;
    socklen_t storage_len;
    char text[ADDRESS_TEXT_BYTES]; /* for messages */
};

/* Of a TCP server by name or address, or fail()s. */
void address_resolve(struct address *address, const char *host, uint16_t port);
/* Of a unix socket, or fail()s. */
void address_unix(struct address *address, const char *path);

/*
 * A non-blocking socket that is connected or, over TCP, about to be (it becomes writable then). -1 with errno set:
 * there is none.
 */
int address_connect(const struct address *address);

#endif
