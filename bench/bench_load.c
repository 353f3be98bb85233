/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A load generator for one figure: so many requests of one kind, over so many connections, so deep.
 *
 * IDEA     Each connection sends a batch of `depth` requests with one write, waits for all their replies,
 *          sends the next. One thread, epoll. Replies are parsed, counted and checked for their kind;
 *          an error reply ends the run, so that no refusal is mistaken for speed.
 *          Keys are `key:%012d`, in order or drawn evenly from a seeded generator.
 * PRINTS   One line: requests=N seconds=S hits=N misses=N p50_us=N p99_us=N max_us=N. The times are
 *          those of a batch, from its write to its last reply.
 */
#include <errno.h>
#include <fcntl.h>
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

#define REQUEST_HEAD_BYTES_MAX 128
#define REPLY_HEAD_BYTES_MAX 256
#define STALL_MS_MAX 30000

enum protocol { MEMCACHE, REDIS };
enum kind { GET, SET };

struct options {
    enum protocol protocol;
    enum kind kind;
    bool random_keys;
    int port;
    unsigned connections;
    unsigned depth;
    size_t value_bytes;
    uint64_t keys;
    uint64_t first_key;
    uint64_t requests;
    uint64_t seed;
};

struct conn {
    int fd;
    char *out;
    size_t out_len;
    size_t out_sent;
    char *in;
    size_t in_len;
    size_t in_cap;
    bool blocked;     /* waits for room in the socket */
    unsigned waiting; /* replies of this batch that are still to come */
    uint64_t sent_ns;
};

struct run {
    struct options options;
    char *value;
    uint64_t random;
    uint64_t next_key;
    uint64_t to_send;
    uint64_t to_receive;
    uint64_t hits;
    uint64_t misses;
    uint32_t *batch_us; /* every batch's time, to be sorted at the end */
    size_t batch_count;
    int epoll_fd;
};

static void die(const char *what)
{
    fprintf(stderr, "bench_load: %s: %s\n", what, errno != 0 ? strerror(errno) : "failed");
    exit(1);
}

static void *check(void *memory)
{
    if (memory == NULL)
        die("memory");
    return memory;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
static uint64_t next_random(struct run *run)
{
    uint64_t z = run->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t choose_key(struct run *run)
{
    if (run->options.random_keys)
        return run->options.first_key + next_random(run) % run->options.keys;
    return run->options.first_key + run->next_key++ % run->options.keys;
}

/* `key:` and twelve digits, as fast as it goes: the generator shall not be the bottleneck. */
static size_t put_key(char *out, uint64_t key)
{
    memcpy(out, "key:", 4);
    for (int i = 15; i >= 4; i--) {
        out[i] = (char)('0' + key % 10);
        key /= 10;
    }
    return 16;
}

static size_t put_text(char *out, const char *text)
{
    size_t len = strlen(text);

    memcpy(out, text, len);
    return len;
}

static size_t put_request(struct run *run, char *out)
{
    const struct options *options = &run->options;
    uint64_t key = choose_key(run);
    char number[64];
    char *at = out;

    if (options->protocol == MEMCACHE) {
        at += put_text(at, options->kind == GET ? "get " : "set ");
        at += put_key(at, key);
        if (options->kind == SET) {
            snprintf(number, sizeof number, " 0 0 %zu\r\n", options->value_bytes);
            at += put_text(at, number);
        }
    } else {
        at += put_text(at, options->kind == GET ? "*2\r\n$3\r\nGET\r\n$16\r\n" : "*3\r\n$3\r\nSET\r\n$16\r\n");
        at += put_key(at, key);
        if (options->kind == SET) {
            snprintf(number, sizeof number, "\r\n$%zu\r\n", options->value_bytes);
            at += put_text(at, number);
        }
    }
    if (options->kind == SET) {
        memcpy(at, run->value, options->value_bytes);
        at += options->value_bytes;
    }
    at += put_text(at, "\r\n");
    return (size_t)(at - out);
}

static void watch(struct run *run, struct conn *conn, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = conn};

    if (epoll_ctl(run->epoll_fd, EPOLL_CTL_MOD, conn->fd, &event) != 0)
        die("epoll_ctl");
}

static void send_rest(struct run *run, struct conn *conn)
{
    while (conn->out_sent < conn->out_len) {
        ssize_t sent = write(conn->fd, conn->out + conn->out_sent, conn->out_len - conn->out_sent);

        if (sent < 0 && errno == EAGAIN) {
            conn->blocked = true;
            watch(run, conn, EPOLLIN | EPOLLOUT);
            return;
        }
        if (sent < 0)
            die("write");
        conn->out_sent += (size_t)sent;
    }
    if (conn->blocked)
        watch(run, conn, EPOLLIN);
    conn->blocked = false;
}

static void send_batch(struct run *run, struct conn *conn)
{
    unsigned count = run->options.depth;

    if (count > run->to_send)
        count = (unsigned)run->to_send;
    conn->out_len = 0;
    conn->out_sent = 0;
    for (unsigned i = 0; i < count; i++)
        conn->out_len += put_request(run, conn->out + conn->out_len);
    run->to_send -= count;
    conn->waiting = count;
    conn->sent_ns = now_ns();
    if (count != 0)
        send_rest(run, conn);
}

static void refuse(const char *at, size_t len)
{
    fprintf(stderr, "bench_load: unexpected reply '%.*s'\n", (int)(len < 80 ? len : 80), at);
    exit(1);
}

/* Returns the length of the value that the line in [at, newline] announces behind its last space or '$'. */
static size_t announced_bytes(const char *at, const char *newline)
{
    const char *number = newline;

    while (number > at && number[-1] != ' ' && number[-1] != '$')
        number--;
    return strtoul(number, NULL, 10);
}

/* Bytes of the reply at [at, at + len), or 0 when it is not all there; counts it when it is. */
static size_t take_reply(struct run *run, const char *at, size_t len)
{
    const char *newline = memchr(at, '\n', len < REPLY_HEAD_BYTES_MAX ? len : REPLY_HEAD_BYTES_MAX);
    size_t line_bytes;
    size_t total;

    if (newline == NULL)
        return 0;
    line_bytes = (size_t)(newline - at) + 1;
    if (run->options.kind == SET) {
        if (at[0] != (run->options.protocol == MEMCACHE ? 'S' : '+') || (at[0] == 'S' && at[1] != 'T'))
            refuse(at, line_bytes);
        return line_bytes;
    }
    if (at[0] == 'E' && line_bytes == 5 && memcmp(at, "END\r\n", 5) == 0) {
        run->misses++;
        return line_bytes;
    }
    if (at[0] == '$' && at[1] == '-') {
        run->misses++;
        return line_bytes;
    }
    if (at[0] != (run->options.protocol == MEMCACHE ? 'V' : '$'))
        refuse(at, line_bytes);
    total = line_bytes + announced_bytes(at, newline) + (at[0] == 'V' ? 7 : 2);
    if (total > len)
        return 0;
    run->hits++;
    return total;
}

static void receive(struct run *run, struct conn *conn)
{
    ssize_t got = read(conn->fd, conn->in + conn->in_len, conn->in_cap - conn->in_len);
    size_t done = 0;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got == 0) {
        errno = 0;
        die("connection closed by the server");
    }
    if (got < 0)
        die("read");
    conn->in_len += (size_t)got;
    while (conn->waiting > 0 && done < conn->in_len) {
        size_t taken = take_reply(run, conn->in + done, conn->in_len - done);

        if (taken == 0)
            break;
        done += taken;
        conn->waiting--;
        run->to_receive--;
    }
    conn->in_len -= done;
    if (conn->in_len != 0)
        memmove(conn->in, conn->in + done, conn->in_len);
    if (conn->waiting == 0) {
        if (conn->in_len != 0)
            refuse(conn->in, conn->in_len);
        run->batch_us[run->batch_count++] = (uint32_t)((now_ns() - conn->sent_ns) / 1000);
        send_batch(run, conn);
    }
}

static void connect_one(struct run *run, struct conn *conn)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)run->options.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    size_t request_bytes = REQUEST_HEAD_BYTES_MAX + (run->options.kind == SET ? run->options.value_bytes : 0);
    size_t reply_bytes = REPLY_HEAD_BYTES_MAX + (run->options.kind == GET ? run->options.value_bytes : 0);
    int one = 1;

    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (conn->fd < 0 || connect(conn->fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("connect");
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(conn->fd, F_SETFL, fcntl(conn->fd, F_GETFL) | O_NONBLOCK);
    conn->out = check(malloc(request_bytes * run->options.depth));
    conn->in_cap = reply_bytes * run->options.depth;
    conn->in = check(malloc(conn->in_cap));
    if (epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, conn->fd, &event) != 0)
        die("epoll_ctl");
}

static void run_all(struct run *run, struct conn *conns)
{
    struct epoll_event events[256];

    for (unsigned i = 0; i < run->options.connections; i++)
        send_batch(run, &conns[i]);
    while (run->to_receive > 0) {
        int count = epoll_wait(run->epoll_fd, events, 256, STALL_MS_MAX);

        if (count == 0) {
            errno = ETIMEDOUT;
            die("no reply");
        }
        for (int i = 0; i < count; i++) {
            struct conn *conn = events[i].data.ptr;

            if ((events[i].events & EPOLLOUT) != 0)
                send_rest(run, conn);
            if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
                receive(run, conn);
        }
    }
}

static int compare_u32(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;

    return a < b ? -1 : a > b;
}

static void print_result(struct run *run, uint64_t elapsed_ns)
{
    size_t count = run->batch_count;

    qsort(run->batch_us, count, sizeof *run->batch_us, compare_u32);
    printf("requests=%llu seconds=%.6f hits=%llu misses=%llu p50_us=%u p99_us=%u max_us=%u\n",
           (unsigned long long)run->options.requests, (double)elapsed_ns / 1e9, (unsigned long long)run->hits,
           (unsigned long long)run->misses, run->batch_us[count / 2], run->batch_us[count * 99 / 100],
           run->batch_us[count - 1]);
}

__attribute__((noreturn)) static void usage(void)
{
    fputs("usage: bench_load --protocol memcache|redis --port P --op get|set [--connections N] [--depth N]\n"
          "                  [--value-bytes N] [--keys N] [--first-key N] [--requests N]\n"
          "                  [--order random|sequential] [--seed N]\n",
          stderr);
    exit(1);
}

static void parse_options(struct options *options, int argc, char **argv)
{
    static const struct option names[] = {
        {"protocol", required_argument, NULL, 'p'}, {"port", required_argument, NULL, 'P'},
        {"op", required_argument, NULL, 'o'},       {"connections", required_argument, NULL, 'c'},
        {"depth", required_argument, NULL, 'd'},    {"value-bytes", required_argument, NULL, 'v'},
        {"keys", required_argument, NULL, 'k'},     {"first-key", required_argument, NULL, 'f'},
        {"requests", required_argument, NULL, 'n'}, {"order", required_argument, NULL, 'r'},
        {"seed", required_argument, NULL, 's'},     {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        unsigned long long number;

        if (optarg == NULL)
            usage();
        number = strtoull(optarg, NULL, 10);
        switch (option) {
        case 'p':
            options->protocol = strcmp(optarg, "redis") == 0 ? REDIS : MEMCACHE;
            break;
        case 'P':
            options->port = (int)number;
            break;
        case 'o':
            options->kind = strcmp(optarg, "set") == 0 ? SET : GET;
            break;
        case 'c':
            options->connections = (unsigned)number;
            break;
        case 'd':
            options->depth = (unsigned)number;
            break;
        case 'v':
            options->value_bytes = number;
            break;
        case 'k':
            options->keys = number;
            break;
        case 'f':
            options->first_key = number;
            break;
        case 'n':
            options->requests = number;
            break;
        case 'r':
            options->random_keys = strcmp(optarg, "sequential") != 0;
            break;
        case 's':
            options->seed = number;
            break;
        default:
            usage();
        }
    }
    if (options->port <= 0 || options->connections == 0 || options->depth == 0 || options->keys == 0 ||
        options->requests == 0 || optind != argc)
        usage();
}

int main(int argc, char **argv)
{
    static struct run run = {.options = {.connections = 32,
                                         .depth = 1,
                                         .value_bytes = 100,
                                         .keys = 100000,
                                         .requests = 100000,
                                         .random_keys = true,
                                         .seed = 1}};
    static struct conn *conns;
    uint64_t begin_ns;

    parse_options(&run.options, argc, argv);
    run.random = run.options.seed;
    run.to_send = run.options.requests;
    run.to_receive = run.options.requests;
    run.value = check(malloc(run.options.value_bytes + 1));
    memset(run.value, 'v', run.options.value_bytes);
    run.batch_us =
        check(calloc(run.options.requests / run.options.depth + run.options.connections + 1, sizeof *run.batch_us));
    run.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (run.epoll_fd < 0)
        die("epoll_create1");
    conns = check(calloc(run.options.connections, sizeof *conns));
    for (unsigned i = 0; i < run.options.connections; i++)
        connect_one(&run, &conns[i]);
    begin_ns = now_ns();
    run_all(&run, conns);
    print_result(&run, now_ns() - begin_ns);
    return 0;
}
