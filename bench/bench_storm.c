/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection storm: connect, one GET, close, again and again, some of them at a time.
 *
 * IDEA     One thread, epoll. Each of `connections` slots opens a socket, sends its GET when that is connected, closes
 *          when the reply is there and begins anew. The client closes first, as clients do; its address goes round
 *          through 127.0.1.1 to 127.0.1.250, so that ports in TIME_WAIT do not run out. Keys are `key:%012d`, in order.
 * PRINTS   One line: requests=N seconds=S hits=N misses=N
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define REPLY_BYTES_MAX 4096
#define STALL_MS_MAX 30000
#define SOURCES 250

struct options {
    bool redis;
    int port;
    unsigned connections;
    uint64_t requests;
    uint64_t keys;
};

struct slot {
    int fd;
    bool sent;
    size_t in_len;
    char in[REPLY_BYTES_MAX];
};

struct storm {
    struct options options;
    int epoll_fd;
    uint64_t begun;
    uint64_t ended;
    uint64_t misses;
    struct slot slots[CONNECTIONS_MAX];
};

static void die(const char *what)
{
    fprintf(stderr, "bench_storm: %s: %s\n", what, errno != 0 ? strerror(errno) : "failed");
    exit(1);
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct sockaddr_in address_of(uint32_t ip, int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(ip)}};
}

/* Begins to connect; the GET follows when the socket can be written to. */
static void begin(struct storm *storm, struct slot *slot)
{
    struct sockaddr_in from = address_of(0x7f000101 + (uint32_t)(storm->begun % SOURCES), 0);
    struct sockaddr_in to = address_of(INADDR_LOOPBACK, storm->options.port);
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = slot};
    int one = 1;

    slot->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (slot->fd < 0)
        die("socket");
    setsockopt(slot->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    setsockopt(slot->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(slot->fd, (struct sockaddr *)&from, sizeof from) != 0)
        die("bind");
    if (connect(slot->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)
        die("connect");
    if (epoll_ctl(storm->epoll_fd, EPOLL_CTL_ADD, slot->fd, &event) != 0)
        die("epoll_ctl");
    slot->sent = false;
    slot->in_len = 0;
    storm->begun++;
}

static void send_get(struct storm *storm, struct slot *slot)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = slot};
    unsigned long long key = storm->begun % storm->options.keys;
    char request[128];
    int len = snprintf(request, sizeof request,
                       storm->options.redis ? "*2\r\n$3\r\nGET\r\n$16\r\nkey:%012llu\r\n" : "get key:%012llu\r\n", key);

    if (write(slot->fd, request, (size_t)len) != len)
        die("write");
    if (epoll_ctl(storm->epoll_fd, EPOLL_CTL_MOD, slot->fd, &event) != 0)
        die("epoll_ctl");
    slot->sent = true;
}

static bool ends_with(const struct slot *slot, const char *end)
{
    size_t len = strlen(end);

    return slot->in_len >= len && memcmp(slot->in + slot->in_len - len, end, len) == 0;
}

/* Is the whole reply there? Values hold no line end, so the last one tells. */
static bool is_complete(const struct storm *storm, const struct slot *slot)
{
    const char *first = memchr(slot->in, '\n', slot->in_len);

    if (slot->in[0] == '-' || slot->in[0] == 'S' || (slot->in[0] == 'E' && slot->in_len > 1 && slot->in[1] == 'R')) {
        errno = 0;
        die("refused by the server");
    }
    if (!storm->options.redis)
        return ends_with(slot, "END\r\n");
    if (slot->in_len > 1 && slot->in[1] == '-')
        return ends_with(slot, "\r\n");
    return first != NULL && first + 1 < slot->in + slot->in_len && ends_with(slot, "\r\n");
}

static void finish(struct storm *storm, struct slot *slot)
{
    if (slot->in[0] == 'E' || slot->in[1] == '-')
        storm->misses++;
    storm->ended++;
    close(slot->fd);
    if (storm->begun < storm->options.requests)
        begin(storm, slot);
}

static void receive(struct storm *storm, struct slot *slot)
{
    ssize_t got = read(slot->fd, slot->in + slot->in_len, sizeof slot->in - slot->in_len);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        errno = got == 0 ? 0 : errno;
        die("read: no whole reply");
    }
    slot->in_len += (size_t)got;
    if (is_complete(storm, slot))
        finish(storm, slot);
}

static void run(struct storm *storm)
{
    struct epoll_event events[256];

    for (unsigned i = 0; i < storm->options.connections && storm->begun < storm->options.requests; i++)
        begin(storm, &storm->slots[i]);
    while (storm->ended < storm->options.requests) {
        int count = epoll_wait(storm->epoll_fd, events, 256, STALL_MS_MAX);

        if (count == 0) {
            errno = ETIMEDOUT;
            die("no reply");
        }
        for (int i = 0; i < count; i++) {
            struct slot *slot = events[i].data.ptr;

            if (slot->sent)
                receive(storm, slot);
            else
                send_get(storm, slot);
        }
    }
}

static void usage(void)
{
    fputs("usage: bench_storm --port P [--protocol memcache|redis] [--connections N] [--requests N] [--keys N]\n",
          stderr);
    exit(1);
}

static void parse_options(struct options *options, int argc, char **argv)
{
    static const struct option names[] = {
        {"protocol", required_argument, NULL, 'p'},    {"port", required_argument, NULL, 'P'},
        {"connections", required_argument, NULL, 'c'}, {"requests", required_argument, NULL, 'n'},
        {"keys", required_argument, NULL, 'k'},        {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        unsigned long long number;

        if (optarg == NULL)
            usage();
        number = strtoull(optarg, NULL, 10);
        switch (option) {
        case 'p':
            options->redis = strcmp(optarg, "redis") == 0;
            break;
        case 'P':
            options->port = (int)number;
            break;
        case 'c':
            options->connections = (unsigned)number;
            break;
        case 'n':
            options->requests = number;
            break;
        case 'k':
            options->keys = number;
            break;
        default:
            usage();
        }
    }
    if (options->port <= 0 || options->connections == 0 || options->connections > CONNECTIONS_MAX ||
        options->requests == 0 || options->keys == 0 || optind != argc)
        usage();
}

int main(int argc, char **argv)
{
    static struct storm storm = {.options = {.connections = 64, .requests = 20000, .keys = 100000}};
    double begin_s;

    parse_options(&storm.options, argc, argv);
    storm.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (storm.epoll_fd < 0)
        die("epoll_create1");
    begin_s = now_s();
    run(&storm);
    printf("requests=%llu seconds=%.6f hits=%llu misses=%llu\n", (unsigned long long)storm.ended, now_s() - begin_s,
           (unsigned long long)(storm.ended - storm.misses), (unsigned long long)storm.misses);
    return 0;
}
