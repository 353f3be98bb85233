/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sums and differences of what workers have counted, and the errors by kind.
 */
#include "bench/load/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load/fail.h"

const struct kind_row kind_table[KIND_COUNT] = {
#define ROW(NAME, name, request) [KIND_##NAME] = {name, request},
    BENCH_KINDS(ROW)
#undef ROW
};

/* The counters, in one place for sums and differences. */
#define COUNTERS(DO) \
    DO(requests) DO(hits) DO(misses) DO(errors) DO(unsent) DO(connections) DO(sent_bytes) DO(received_bytes)

void stats_init(struct stats *stats)
{
    memset(stats, 0, sizeof *stats);
    for (int i = 0; i < KIND_COUNT; i++)
        stats->latency_ns[i] = need(histogram_new());
}

void stats_free(struct stats *stats)
{
    for (int i = 0; i < KIND_COUNT; i++)
        free(stats->latency_ns[i]);
}

void stats_clear(struct stats *stats)
{
    struct histogram *kept[KIND_COUNT];

    memcpy(kept, stats->latency_ns, sizeof kept);
    memset(stats, 0, sizeof *stats);
    memcpy(stats->latency_ns, kept, sizeof kept);
    for (int i = 0; i < KIND_COUNT; i++)
        histogram_clear(kept[i]);
}

/* The place of an error of this kind, a new one if need be. */
static struct stats_error *find_error(struct stats *stats, const char *word, size_t len)
{
    struct stats_error *error;

    for (uint64_t i = 0; i < stats->error_kind_count; i++) {
        error = &stats->error_kinds[i];
        if (strlen(error->word) == len && memcmp(error->word, word, len) == 0)
            return error;
    }
    if (stats->error_kind_count == STATS_ERROR_KINDS_MAX)
        return &stats->error_kinds[STATS_ERROR_KINDS_MAX - 1];
    error = &stats->error_kinds[stats->error_kind_count++];
    if (stats->error_kind_count == STATS_ERROR_KINDS_MAX)
        snprintf(error->word, sizeof error->word, "other");
    else
        snprintf(error->word, sizeof error->word, "%.*s", (int)len, word);
    return error;
}

static void count_error(struct stats *stats, const char *text, size_t len, uint64_t count)
{
    const char *space = memchr(text, ' ', len);
    size_t word_len = space == NULL ? len : (size_t)(space - text);
    struct stats_error *error;

    if (word_len >= STATS_ERROR_WORD_BYTES)
        word_len = STATS_ERROR_WORD_BYTES - 1;
    error = find_error(stats, text, word_len);
    if (error->count == 0)
        snprintf(error->text, sizeof error->text, "%.*s", (int)len, text);
    error->count += count;
}

void stats_error(struct stats *stats, const char *text, size_t len)
{
    counter_add(&stats->errors, 1);
    count_error(stats, text, len, 1);
}

void stats_add(struct stats *to, const struct stats *from)
{
#define DO(name) counter_add(&to->name, counter_read(&from->name));
    COUNTERS(DO)
#undef DO
    for (int i = 0; i < KIND_COUNT; i++)
        histogram_add(to->latency_ns[i], from->latency_ns[i]);
}

void stats_add_errors(struct stats *to, const struct stats *from)
{
    for (uint64_t i = 0; i < from->error_kind_count; i++) {
        const struct stats_error *error = &from->error_kinds[i];
        count_error(to, error->text, strlen(error->text), error->count);
    }
}

void stats_subtract(struct stats *from, const struct stats *earlier)
{
#define DO(name) atomic_store(&from->name, counter_read(&from->name) - counter_read(&earlier->name));
    COUNTERS(DO)
#undef DO
    for (int i = 0; i < KIND_COUNT; i++)
        histogram_subtract(from->latency_ns[i], earlier->latency_ns[i]);
}

void stats_all_requests(const struct stats *stats, struct histogram *all)
{
    for (int i = 0; i < KIND_COUNT; i++) {
        if (kind_table[i].is_request)
            histogram_add(all, stats->latency_ns[i]);
    }
}
