/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A plan: what is to be done in one phase (the loading, or the run itself), decided from the options.
 *
 * THREADS  Read only while workers follow it, but for the keys' count of inserts.
 */
#ifndef HEARTH_BENCH_PLAN_H
#define HEARTH_BENCH_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/load/address.h"
#include "bench/load/keys.h"
#include "bench/load/options.h"
#include "bench/load/protocol.h"
#include "bench/load/sizes.h"

/* What a worker can draw next. */
enum operation {
    OPERATION_GET,
    OPERATION_SET,
    OPERATION_INSERT,
    OPERATION_MODIFY_GET, /* the first half of a read-modify-write */
    OPERATION_MODIFY_SET, /* the second; never drawn, it follows the first */
    OPERATION_AUTH        /* nor this: it comes before all others on a connection */
};

/* Which operation comes next: a random number at most one of these, the first that fits, else MODIFY_GET. */
struct workload {
    uint64_t get_limit, set_limit, insert_limit;
    bool only_gets, only_sets, inserts, modifies;
};

struct plan {
    const struct protocol *protocol;
    struct address address;
    const char *password; /* NULL: none */
    struct wire wire;
    struct keys keys;
    struct workload workload;
    struct sizes sizes;
    uint32_t ttl_low_s, ttl_high_s;
    uint32_t thread_count;
    uint32_t conn_count;
    uint32_t pipeline;
    uint32_t multi_get;
    bool storm;
    double rate;            /* requests a second, of all threads; 0: closed loop */
    uint64_t request_count; /* UINT64_MAX: no bound */
    uint64_t warmup_ns;
    uint64_t duration_ns; /* UINT64_MAX: no bound */
    uint64_t timeout_ns;
    uint64_t seed;
};

/* From options; what does not fit together ends the program by fail(). */
void plan_init(struct plan *plan, const struct options *options);
/* The plan of writing each key once, for the same server and keys. It shares what `plan` owns. */
void plan_init_load(struct plan *load, const struct plan *plan);
void plan_free(struct plan *plan);

#endif
