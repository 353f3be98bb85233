/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names to addresses, addresses to sockets.
 */
#include "bench/load/address.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench/load/fail.h"

void address_resolve(struct address *address, const char *host, uint16_t port)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char service[16];
    int error;

    snprintf(service, sizeof service, "%u", port);
    error = getaddrinfo(host, service, &hints, &found);
    if (error != 0)
        fail("--host %s: %s", host, gai_strerror(error));
    memcpy(&address->storage, found->ai_addr, found->ai_addrlen);
    address->storage_len = found->ai_addrlen;
    freeaddrinfo(found);
    snprintf(address->text, sizeof address->text, "%.100s port %u", host, port);
}

void address_unix(struct address *address, const char *path)
{
    struct sockaddr_un *unix_address = (struct sockaddr_un *)&address->storage;

    if (strlen(path) >= sizeof unix_address->sun_path)
        fail("--socket %s: the path is too long for a socket", path);
    unix_address->sun_family = AF_UNIX;
    snprintf(unix_address->sun_path, sizeof unix_address->sun_path, "%s", path);
    address->storage_len = sizeof *unix_address;
    snprintf(address->text, sizeof address->text, "%s", path);
}

int address_connect(const struct address *address)
{
    int family = address->storage.ss_family;
    int later = family == AF_UNIX ? 0 : SOCK_NONBLOCK; /* a unix socket waits for room in the server's backlog */
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | later, 0);
    int one = 1;
    int saved;

    if (fd < 0)
        return -1;
    if (family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (const struct sockaddr *)&address->storage, address->storage_len) != 0 && errno != EINPROGRESS) {
        saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    if (family == AF_UNIX)
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}
