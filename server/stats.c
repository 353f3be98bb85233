/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sums of the workers' counters, and resets that the workers need not know of.
 */
#include "server/stats.h"

#include <string.h>

#include "base/assert.h"
#include "server/server.h"
#include "server/worker.h"

const struct stat_row stat_table[STAT_COUNT] = {
#define ROW(name, kind, help) [STAT_##name] = {#name, help, STAT_KIND_##kind},
    STATS(ROW)
#undef ROW
};

const char *const stat_error_codes[STAT_ERROR_COUNT] = {
#define ROW(CODE) [STAT_ERROR_##CODE] = #CODE,
    STATS_ERRORS(ROW)
#undef ROW
};

_Static_assert(STATS_TIMED_CALLS == 1 << (64 - 56), "stat_time_weight() chooses one in so many");

static uint64_t load(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void add_worker(const struct worker_stats *from, struct stats *sum)
{
    for (size_t i = 0; i < STAT_COUNT; i++)
        sum->value[i] += load(&from->value[i]);
    for (size_t i = 0; i < STATS_COMMANDS_MAX; i++) {
        sum->calls[i] += load(&from->calls[i]);
        sum->rejected[i] += load(&from->rejected[i]);
        sum->failed[i] += load(&from->failed[i]);
        sum->time_ns[i] += load(&from->time_ns[i]);
    }
    for (size_t i = 0; i < STAT_ERROR_COUNT; i++)
        sum->errors[i] += load(&from->errors[i]);
}

static void sum_all(struct server *server, struct stats *out)
{
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < server->worker_count; i++)
        add_worker(&server->workers[i]->stats, out);
}

static void subtract(struct stats *from, const struct stats *base)
{
    for (size_t i = 0; i < STAT_COUNT; i++) {
        if (stat_table[i].kind == STAT_KIND_COUNT)
            from->value[i] -= base->value[i];
    }
    for (size_t i = 0; i < STATS_COMMANDS_MAX; i++) {
        from->calls[i] -= base->calls[i];
        from->rejected[i] -= base->rejected[i];
        from->failed[i] -= base->failed[i];
        from->time_ns[i] -= base->time_ns[i];
    }
    for (size_t i = 0; i < STAT_ERROR_COUNT; i++)
        from->errors[i] -= base->errors[i];
}

void stats_sum(struct server *server, struct stats *out)
{
    pthread_mutex_lock(&server->stats_lock);
    sum_all(server, out);
    subtract(out, server->stats_base);
    pthread_mutex_unlock(&server->stats_lock);
}

void stats_reset(struct server *server)
{
    pthread_mutex_lock(&server->stats_lock);
    sum_all(server, server->stats_base);
    pthread_mutex_unlock(&server->stats_lock);
}

void stats_count_error(struct worker_stats *stats, const char *text)
{
    size_t len = strcspn(text, " ");
    size_t code = 0;

    while (code < STAT_ERROR_COUNT &&
           (strlen(stat_error_codes[code]) != len || strncmp(stat_error_codes[code], text, len) != 0))
        code++;
    debug_check(code < STAT_ERROR_COUNT); /* it lacks a row in STATS_ERRORS */
    if (code < STAT_ERROR_COUNT)
        stat_bump(&stats->errors[code], 1);
    STAT_ADD(stats, error_replies, 1);
}
