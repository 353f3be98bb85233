/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters of the server, one set a worker, one row a counter.
 *
 * IDEA     Each worker adds to its own set with plain stores; whoever reports sums the sets with relaxed loads. Names
 *          are memcached's `stats` names where it has one; INFO takes the same counters under Redis's names.
 * THREADS  STAT_ADD by the owner only. stats_sum() and stats_reset() from any thread. A reset remembers the sums of
 *          that moment and subtracts them later, so that it needs no word with the workers.
 */
#ifndef HEARTH_SERVER_STATS_H
#define HEARTH_SERVER_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/compiler.h"

/*
 * ROW(name, KIND, help). KIND: COUNT, goes up and is set to 0 by a reset; GAUGE, is left alone by it.
 */
#define STATS(ROW) \
    ROW(curr_connections, GAUGE, "open connections") \
    ROW(total_connections, COUNT, "connections accepted") \
    ROW(rejected_connections, COUNT, "connections refused because of maxclients") \
    ROW(cmd_get, COUNT, "keys looked up by retrievals of memcached's protocol") \
    ROW(cmd_set, COUNT, "storage requests of memcached's protocol") \
    ROW(cmd_flush, COUNT, "flush_all requests") \
    ROW(cmd_touch, COUNT, "touch and gat requests") \
    ROW(cmd_meta, COUNT, "meta requests") \
    ROW(get_hits, COUNT, "retrievals that found their key, memcached's protocol") \
    ROW(get_misses, COUNT, "retrievals that did not") \
    ROW(get_expired, COUNT, "of the misses, those that met an expired object not yet collected") \
    ROW(get_flushed, COUNT, "of the misses, those that met a flushed object not yet collected") \
    ROW(delete_hits, COUNT, "deletes that found their key") \
    ROW(delete_misses, COUNT, "deletes that did not") \
    ROW(incr_hits, COUNT, "incr that found their key") \
    ROW(incr_misses, COUNT, "incr that did not") \
    ROW(decr_hits, COUNT, "decr that found their key") \
    ROW(decr_misses, COUNT, "decr that did not") \
    ROW(cas_hits, COUNT, "cas that stored") \
    ROW(cas_misses, COUNT, "cas of a key that does not exist") \
    ROW(cas_badval, COUNT, "cas with a unique that is not the present one") \
    ROW(touch_hits, COUNT, "touch and gat that found their key") \
    ROW(touch_misses, COUNT, "touch and gat that did not") \
    ROW(store_too_large, COUNT, "values refused because of their size") \
    ROW(store_no_memory, COUNT, "writes refused because the pool is full") \
    ROW(auth_cmds, COUNT, "attempts to authenticate") \
    ROW(auth_errors, COUNT, "of them, failed") \
    ROW(total_items, COUNT, "objects stored") \
    ROW(keyspace_hits, COUNT, "lookups that found their key, Redis's protocol") \
    ROW(keyspace_misses, COUNT, "lookups that did not") \
    ROW(commands, COUNT, "requests executed, both protocols") \
    ROW(error_replies, COUNT, "error replies, Redis's protocol") \
    ROW(bytes_read, COUNT, "bytes read from clients") \
    ROW(bytes_written, COUNT, "bytes written to clients") \
    ROW(conn_yields, COUNT, "turns in which a connection was put off to the next") \
    ROW(turns, COUNT, "turns of worker loops with requests in them") \
    ROW(parked, COUNT, "times that a request waited for space or the index") \
    ROW(sync_waits, COUNT, "times that replies waited for a sync") \
    ROW(out_limit_closed, COUNT, "connections closed because their replies were not read") \
    ROW(protocol_errors, COUNT, "connections closed because of what they sent")

enum stat_id {
#define ROW(name, kind, help) STAT_##name,
    STATS(ROW)
#undef ROW
        STAT_COUNT
};

enum stat_kind { STAT_KIND_COUNT, STAT_KIND_GAUGE };
struct stat_row {
    const char *name;
    const char *help;
    enum stat_kind kind;
};
extern const struct stat_row stat_table[STAT_COUNT];

/* The codes of Redis's error replies, which INFO errorstats counts apart: ROW(CODE). */
#define STATS_ERRORS(ROW) ROW(ERR) ROW(EXECABORT) ROW(MISCONF) ROW(NOAUTH) ROW(NOPROTO) ROW(OOM) ROW(WRONGPASS)

enum stat_error {
#define ROW(CODE) STAT_ERROR_##CODE,
    STATS_ERRORS(ROW)
#undef ROW
        STAT_ERROR_COUNT
};
extern const char *const stat_error_codes[STAT_ERROR_COUNT];

/* More than there are rows in the command table. */
#define STATS_COMMANDS_MAX 256
/* So many calls of a command are all timed, and then one in as many: a clock is not read for each request. */
#define STATS_TIMED_CALLS 256

/* One worker's set. */
struct worker_stats {
    HEARTH_CACHE_ALIGNED _Atomic uint64_t value[STAT_COUNT];
    _Atomic uint64_t calls[STATS_COMMANDS_MAX];    /* by command_number() */
    _Atomic uint64_t rejected[STATS_COMMANDS_MAX]; /* before execution */
    _Atomic uint64_t failed[STATS_COMMANDS_MAX];   /* answered an error */
    _Atomic uint64_t time_ns[STATS_COMMANDS_MAX];  /* of all calls, told from those that were timed */
    _Atomic uint64_t errors[STAT_ERROR_COUNT];
};

/* Adds to a counter of the calling thread's own set: load, add, store. */
static inline void stat_bump(_Atomic uint64_t *value, uint64_t n)
{
    atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + n, memory_order_relaxed);
}
/*
 * For how many calls the time of the next one stands when a command has been called `calls` times on this thread: 1 for
 * each of the first ones; STATS_TIMED_CALLS for one in so many of the others, spread evenly whatever the rhythm of
 * clients; else 0: it is not timed.
 */
static inline uint64_t stat_time_weight(uint64_t calls)
{
    if (calls < STATS_TIMED_CALLS)
        return 1;
    return HEARTH_UNLIKELY(calls * UINT64_C(0x9e3779b97f4a7c15) >> 56 == 0) ? STATS_TIMED_CALLS : 0;
}
/* STAT_ADD(client->stats, get_hits, 1); a gauge goes down with a negative number. */
#define STAT_ADD(stats, name, n) stat_bump(&(stats)->value[STAT_##name], (uint64_t)(n))

/* Sums over workers, since the last reset. */
struct stats {
    uint64_t value[STAT_COUNT];
    uint64_t calls[STATS_COMMANDS_MAX];
    uint64_t rejected[STATS_COMMANDS_MAX];
    uint64_t failed[STATS_COMMANDS_MAX];
    uint64_t time_ns[STATS_COMMANDS_MAX];
    uint64_t errors[STAT_ERROR_COUNT];
};

struct server;
void stats_sum(struct server *server, struct stats *out);
/* CONFIG RESETSTAT and `stats reset`: counters count from 0 again. */
void stats_reset(struct server *server);
/* Counts an error reply of Redis's protocol. `text` begins with its code. The stats are the calling thread's own. */
void stats_count_error(struct worker_stats *stats, const char *text);

#endif
