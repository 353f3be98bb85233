/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker counts and measures.
 *
 * IDEA     A histogram of latencies by kind of operation; counters; errors by their first word, each with an example.
 * THREADS  One thread writes; any may read counters and histograms meanwhile. The errors' words are for after its end.
 */
#ifndef HEARTH_BENCH_STATS_H
#define HEARTH_BENCH_STATS_H

#include <stddef.h>

#include "bench/load/histogram.h"

/*
 * The kinds: ROW(NAME, name, REQUEST). REQUEST is 1 for what is a request of its own; a read-modify-write is counted
 * beside its get and its set, the making of a connection beside what is asked on it, and the time by which a request
 * was sent late, in an open loop, beside the request.
 */
#define BENCH_KINDS(ROW) \
    ROW(GET, "get", 1) \
    ROW(SET, "set", 1) \
    ROW(INSERT, "insert", 1) \
    ROW(MODIFY, "read-modify-write", 0) \
    ROW(CONNECT, "connect", 0) \
    ROW(LATE, "sent late", 0)

enum kind {
#define ROW(NAME, name, request) KIND_##NAME,
    BENCH_KINDS(ROW)
#undef ROW
        KIND_COUNT
};

struct kind_row {
    const char *name;
    int is_request;
};
extern const struct kind_row kind_table[KIND_COUNT];

#define STATS_ERROR_KINDS_MAX 16
#define STATS_ERROR_WORD_BYTES 32
#define STATS_ERROR_TEXT_BYTES 120

struct stats_error {
    char word[STATS_ERROR_WORD_BYTES];
    char text[STATS_ERROR_TEXT_BYTES]; /* the first such error, whole */
    uint64_t count;
};

struct stats {
    struct histogram *latency_ns[KIND_COUNT];
    _Atomic uint64_t requests; /* answered well */
    _Atomic uint64_t hits;
    _Atomic uint64_t misses;
    _Atomic uint64_t errors;
    _Atomic uint64_t unsent; /* open loop: due, and not sent in time */
    _Atomic uint64_t connections;
    _Atomic uint64_t sent_bytes;
    _Atomic uint64_t received_bytes;
    uint64_t error_kind_count;
    struct stats_error error_kinds[STATS_ERROR_KINDS_MAX]; /* the last one takes what has no room */
};

void stats_init(struct stats *stats);
void stats_free(struct stats *stats);
void stats_clear(struct stats *stats);

/* Counts an error by the first word of `text`. */
void stats_error(struct stats *stats, const char *text, size_t len);
/* Adds counters and latencies. */
void stats_add(struct stats *to, const struct stats *from);
/* Adds the errors' words too; `from` has ended. */
void stats_add_errors(struct stats *to, const struct stats *from);
/* Takes away an earlier state of the same. */
void stats_subtract(struct stats *from, const struct stats *earlier);

/* Adds the latencies of all requests to `all`. */
void stats_all_requests(const struct stats *stats, struct histogram *all);

#endif
