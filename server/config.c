/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CONFIG GET and CONFIG SET over the table of options, and the names of Redis's that tools ask for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "base/log.h"
#include "server/options.h"
#include "server/options_parse.h"
#include "server/process.h"
#include "server/server.h"

#define CONFIG_VALUE_BYTES 1024

/*
 * Names of Redis's with the answer that is true here. They can be read, not set. An empty answer of `save` and "no" of
 * appendonly say that there are neither snapshots nor an append-only file: the pool itself is what lasts.
 */
static const struct {
    const char *name;
    const char *value; /* NULL: computed */
} fixed_rows[] = {
    {"appendfsync", "everysec"},
    {"appendonly", "no"},
    {"cluster-enabled", "no"},
    {"databases", "16"},
    {"dbfilename", NULL},
    {"dir", NULL},
    {"io-threads", NULL},
    {"maxmemory", NULL},
    {"maxmemory-policy", NULL},
    {"notify-keyspace-events", ""},
    {"port", NULL},
    {"proto-max-bulk-len", "536870912"},
    {"protected-mode", "no"},
    {"replicaof", ""},
    {"save", ""},
    {"slowlog-max-len", "0"},
    {"supervised", "no"},
    {"tcp-keepalive", "300"},
    {"timeout", "0"},
};

static void pool_directory(struct options *options, char *out, size_t out_bytes)
{
    const char *path = options_fixed_text(options, OPTION_POOL);
    const char *slash = strrchr(path, '/');
    char relative[CONFIG_VALUE_BYTES];
    char *absolute;

    snprintf(relative, sizeof relative, "%.*s",
             slash == NULL   ? 1
             : slash == path ? 1
                             : (int)(slash - path),
             slash == NULL ? "." : path);
    absolute = realpath(relative, NULL);
    snprintf(out, out_bytes, "%s", absolute != NULL ? absolute : relative);
    free(absolute);
}

const char *config_maxmemory_policy(const struct options *options)
{
    return options_number(options, OPTION_EVICTION) == HEAP_EVICTION_CACHE ? "allkeys-lru" : "noeviction";
}

/* A pool that exists keeps its size, whatever pool-size says: the heap knows it. */
static void pool_size(const struct server *server, char *out, size_t out_bytes)
{
    struct heap_stats heap;

    heap_stats(server->heap, &heap);
    snprintf(out, out_bytes, "%llu", (unsigned long long)heap.pool_bytes);
}

static void computed_value(struct server *server, const char *name, char *out, size_t out_bytes)
{
    struct options *options = server->options;
    const char *pool = options_fixed_text(options, OPTION_POOL);
    const char *slash = strrchr(pool, '/');

    if (strcmp(name, "dbfilename") == 0)
        snprintf(out, out_bytes, "%s", slash == NULL ? pool : slash + 1);
    else if (strcmp(name, "dir") == 0)
        pool_directory(options, out, out_bytes);
    else if (strcmp(name, "io-threads") == 0)
        options_text(options, OPTION_THREADS, out, out_bytes);
    else if (strcmp(name, "maxmemory") == 0)
        pool_size(server, out, out_bytes);
    else if (strcmp(name, "maxmemory-policy") == 0)
        snprintf(out, out_bytes, "%s", config_maxmemory_policy(options));
    else
        options_text(options, OPTION_REDIS_PORT, out, out_bytes);
}

void config_match(struct server *server, const void *pattern, size_t pattern_len,
                  void (*each)(const char *name, const char *value, void *context), void *context)
{
    char value[CONFIG_VALUE_BYTES];

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (!glob_match_nocase(pattern, pattern_len, option_table[i].name, strlen(option_table[i].name)))
            continue;
        options_text(server->options, (enum option)i, value, sizeof value);
        each(option_table[i].name, value, context);
    }
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(fixed_rows); i++) {
        if (!glob_match_nocase(pattern, pattern_len, fixed_rows[i].name, strlen(fixed_rows[i].name)))
            continue;
        if (fixed_rows[i].value != NULL)
            snprintf(value, sizeof value, "%s", fixed_rows[i].value);
        else
            computed_value(server, fixed_rows[i].name, value, sizeof value);
        each(fixed_rows[i].name, value, context);
    }
}

static bool is_fixed_name(const char *name)
{
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(fixed_rows); i++) {
        if (strcasecmp(fixed_rows[i].name, name) == 0)
            return true;
    }
    return false;
}

/* What has to be told when an option has changed. The others are looked up where they are used. */
static void apply(struct server *server, enum option option)
{
    uint64_t number = options_number(server->options, option);
    char text[64];
    enum log_level level;

    switch (option) { /* few of many: NOLINT */
    case OPTION_EVICTION:
        heap_set_eviction(server->heap, (enum heap_eviction)number);
        return;
    case OPTION_SYNC_INTERVAL:
        heap_set_sync_interval_ms(server->heap, (uint32_t)number);
        return;
    case OPTION_LOGLEVEL:
        options_text(server->options, option, text, sizeof text);
        if (log_level_parse(text, &level))
            log_set_level(level);
        return;
    default:
        return;
    }
}

struct change {
    enum option option;
    uint64_t number;
    char value[CONFIG_VALUE_BYTES];
};

static bool refuse(char *error, const char *name, const char *why)
{
    snprintf(error, OPTION_ERROR_BYTES, "ERR CONFIG SET failed (possibly related to argument '%.100s') - %s", name,
             why);
    return false;
}

/* What an option demands beyond its row. */
static bool check_value(enum option option, uint64_t number, const char *name, char *error)
{
    char why[128];
    uint64_t possible;

    if (option != OPTION_MAXCLIENTS)
        return true;
    possible = process_raise_open_files(number);
    if (possible == number)
        return true;
    snprintf(why, sizeof why,
             "The operating system is not able to handle the specified number of clients, try with %llu",
             (unsigned long long)possible);
    return refuse(error, name, why);
}

/* Checks one pair. */
static bool check_pair(const struct resp_arg *pair, struct change *change, char *error)
{
    char name[128];
    char why[256];
    char expected[128];

    snprintf(name, sizeof name, "%.*s", (int)(pair[0].len < 127 ? pair[0].len : 127), (const char *)pair[0].data);
    if (is_fixed_name(name))
        return refuse(error, name, "can't set immutable config");
    if (memchr(pair[0].data, '\0', pair[0].len) != NULL || !option_find(name, &change->option)) {
        snprintf(error, OPTION_ERROR_BYTES, "ERR Unknown option or number of arguments for CONFIG SET - '%.100s'",
                 name);
        return false;
    }
    if (option_table[change->option].when != OPTION_RUNTIME)
        return refuse(error, name, "can't set immutable config");
    if (pair[1].len >= sizeof change->value)
        return refuse(error, name, "argument is too long");
    if (memchr(pair[1].data, '\0', pair[1].len) != NULL)
        return refuse(error, name, "argument must not hold a zero byte");
    memcpy(change->value, pair[1].data, pair[1].len);
    change->value[pair[1].len] = '\0';
    if (!option_parse(change->option, change->value, &change->number, expected, sizeof expected)) {
        snprintf(why, sizeof why, "argument must be %s", expected);
        return refuse(error, name, why);
    }
    return check_value(change->option, change->number, name, error);
}

static bool check_all(const struct resp_arg *pairs, uint32_t count, struct change *changes, char *error)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!check_pair(pairs + 2 * i, &changes[i], error))
            return false;
        for (uint32_t j = 0; j < i; j++) {
            if (changes[j].option == changes[i].option)
                return refuse(error, option_table[changes[i].option].name, "duplicate parameter");
        }
    }
    return true;
}

bool config_set(struct server *server, const struct resp_arg *pairs, uint32_t pair_count,
                char error[OPTION_ERROR_BYTES])
{
    struct change changes[OPTION_COUNT];
    bool fine;

    if (pair_count > OPTION_COUNT) {
        snprintf(error, OPTION_ERROR_BYTES, "ERR CONFIG SET failed - too many arguments");
        return false;
    }
    memset(changes, 0, sizeof changes);
    fine = check_all(pairs, pair_count, changes, error);
    for (uint32_t i = 0; fine && i < pair_count; i++) {
        fine = option_store(server->options, changes[i].option, changes[i].value, changes[i].number);
        if (fine)
            apply(server, changes[i].option);
        else
            refuse(error, option_table[changes[i].option].name, "out of memory");
    }
    return fine;
}
