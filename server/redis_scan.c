/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is in a database: KEYS, SCAN, RANDOMKEY.
 *
 * IDEA     All three walk the hash index through heap_scan(), which holds the turn open and no lock. SCAN's cursor is
 *          the heap's: a key that is there from the first call to the last is given at least once, over a restart too.
 * COST     KEYS reads every key of the database in one request, and delays the requests of its worker meanwhile; that
 *          is so in Redis too.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/glob.h"
#include "base/number.h"
#include "server/redis_argument.h"
#include "server/redis_commands.h"
#include "server/redis_value.h"

/* What one walk wants and has found. */
struct scan {
    struct client *client;
    const struct resp_arg *pattern; /* NULL: all */
    bool no_type;                   /* a TYPE that no object has */
    uint64_t met;                   /* keys looked at */
    uint64_t count;                 /* of them, given */
};

/*
 * The hash index has room for many more keys than a small database fills. A SCAN goes on until it has found COUNT keys,
 * by strides that double as long as they find nothing, up to a bound on the slots it looks at: 2 MB of memory.
 */
enum { SCAN_COUNT_STANDARD = 10, SCAN_STRIDE_MAX = 4096, SCAN_SLOTS_MAX = 1 << 18, KEYS_STEP = 1024 };

static void each_key(const struct heap_scan_item *item, void *context)
{
    struct scan *scan = context;

    scan->met++;
    if (scan->no_type)
        return;
    if (scan->pattern != NULL && !glob_match(scan->pattern->data, scan->pattern->len, item->key, item->key_len))
        return;
    reply_bulk(scan->client, item->key, item->key_len);
    scan->count++;
}

static uint8_t database(const struct client *client)
{
    return atomic_load_explicit(&client->db, memory_order_relaxed);
}

enum command_status redis_keys(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct scan scan = {.client = client, .pattern = &argv[1]};
    size_t mark = reply_mark(client);
    uint64_t cursor = 0;

    (void)argc;
    if (argv[1].len == 1 && argv[1].data[0] == '*')
        scan.pattern = NULL;
    do {
        cursor = heap_scan(client->heap_worker, database(client), cursor, KEYS_STEP, each_key, &scan);
    } while (cursor != 0);
    reply_array_at(client, mark, scan.count);
    return COMMAND_DONE;
}

/* A cursor is digits of 64 bits; Redis reads it by strtoul, which takes a sign and leading zeros too. */
static bool read_cursor(const struct resp_arg *arg, uint64_t *cursor)
{
    char text[32];
    char *end;

    if (arg->len == 0 || arg->len >= sizeof text || arg->data[0] <= ' ')
        return false;
    memcpy(text, arg->data, arg->len);
    text[arg->len] = '\0';
    errno = 0;
    *cursor = strtoul(text, &end, 10);
    return errno != ERANGE && end == text + arg->len;
}

/* MATCH, COUNT and TYPE from argv[2] on. False: the client has been told. */
static bool read_scan_options(struct scan *scan, uint32_t argc, const struct resp_arg *argv, uint64_t *step)
{
    int64_t count;

    *step = SCAN_COUNT_STANDARD;
    for (uint32_t i = 2; i < argc; i += 2) {
        bool has_value = i + 1 < argc;
        if (has_value && argument_is(&argv[i], "count")) {
            if (!argument_i64(scan->client, &argv[i + 1], &count))
                return false;
            if (count < 1)
                break;
            *step = (uint64_t)count;
        } else if (has_value && argument_is(&argv[i], "match")) {
            scan->pattern = &argv[i + 1];
        } else if (has_value && argument_is(&argv[i], "type")) {
            scan->no_type = !argument_is(&argv[i + 1], "string");
        } else {
            break;
        }
        if (i + 2 >= argc)
            return true;
    }
    if (argc == 2)
        return true;
    reply_error(scan->client, ERROR_SYNTAX);
    return false;
}

/* Goes on from `cursor` until COUNT keys were found or enough was looked at. Returns the next cursor. */
static uint64_t walk(struct scan *scan, uint64_t cursor, uint64_t wanted)
{
    uint64_t stride = wanted < SCAN_STRIDE_MAX ? wanted : SCAN_STRIDE_MAX;
    uint64_t slots_max = wanted < SCAN_SLOTS_MAX ? SCAN_SLOTS_MAX : wanted; /* a large COUNT is what was asked for */
    uint64_t slots = 0;

    do {
        uint64_t before = scan->met;
        cursor = heap_scan(scan->client->heap_worker, database(scan->client), cursor, stride, each_key, scan);
        slots += stride;
        if (scan->met == before && stride < SCAN_STRIDE_MAX)
            stride *= 2;
    } while (cursor != 0 && scan->met < wanted && slots < slots_max);
    return cursor;
}

/* The reply is [cursor, [keys]], and both heads are known last. */
enum command_status redis_scan(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct scan scan = {.client = client};
    char head[2 * RESP_HEAD_MAX + NUMBER_TEXT_BYTES_MAX + 2];
    char digits[NUMBER_TEXT_BYTES_MAX];
    uint64_t cursor, step;
    size_t mark, len;

    if (!read_cursor(&argv[1], &cursor)) {
        reply_error(client, "ERR invalid cursor");
        return COMMAND_DONE;
    }
    if (!read_scan_options(&scan, argc, argv, &step))
        return COMMAND_DONE;
    mark = reply_mark(client);
    cursor = walk(&scan, cursor, step);
    reply_array_at(client, mark, scan.count);
    len = resp_put_array_head(head, 2);
    len += resp_put_bulk(head + len, digits, number_format_u64(digits, cursor));
    reply_insert(client, mark, head, len);
    return COMMAND_DONE;
}

enum command_status redis_randomkey(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct heap_scan_item item;
    uint64_t random;

    (void)argc, (void)argv;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
        random = clock_mono_ns() * UINT64_C(0x9e3779b97f4a7c15);
    if (heap_random_key(client->heap_worker, database(client), random, &item))
        reply_bulk(client, item.key, item.key_len);
    else
        reply_null(client);
    return COMMAND_DONE;
}
