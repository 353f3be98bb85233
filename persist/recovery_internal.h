/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of recovery share: recovery_scan.c judges segments alone, recovery_chain.c the logs they form,
 * recovery.c does the steps.
 *
 * TERMS  valid: a record whose checksum holds and whose epoch counts (tail.epoch_limit). A segment's valid end is the
 *        end of the last record of its unbroken run of valid ones. Accepted: valid, and so is all of its writer's log
 *        before it, and its transaction is whole. Settled: known to have been durable at the crash.
 */
#ifndef HEARTH_PERSIST_RECOVERY_INTERNAL_H
#define HEARTH_PERSIST_RECOVERY_INTERNAL_H

#include "persist/log_internal.h"
#include "persist/recovery.h"

#define TAIL_NONE UINT32_MAX

/* Why the run of valid records ended. */
enum tail_stop {
    TAIL_INVALID, /* no valid record there */
    TAIL_CUT,     /* a record above the epoch limit */
    TAIL_END,     /* the end of the segment, or the length of a sealed one */
};

/* A LOG or SEALED segment. */
struct tail_segment {
    uint32_t segment;
    uint32_t length; /* bytes; SEALED: as sealed */
    bool sealed;

    /* Scanned. */
    bool linked;         /* it begins with a valid LINK */
    bool transactions;   /* it has records of transactions */
    bool settles_before; /* one of its records says that all before this segment was durable */
    bool settled_behind; /* behind the valid end lies a record that says that the valid end was not the end */
    enum tail_stop stop;
    struct pmd_link link;
    uint32_t valid_end;
    uint32_t from; /* first record above W; 0: none */
    uint32_t records;
    uint64_t first_epoch, top_epoch;

    /* Chained. */
    uint32_t next;         /* the segment that continues it, TAIL_NONE */
    bool has_previous;     /* another of the tail */
    bool orphan;           /* its predecessor ended before the end that the LINK names */
    uint32_t accepted_end; /* bytes; 0: rejected */
};

struct tail {
    struct pool *pool;
    const struct recovery_options *options;
    uint64_t w;
    uint64_t e_sync;
    uint64_t epoch_limit; /* no record above it counts; UINT64_MAX: all count */
    struct tail_segment *segments;
    uint32_t count;
    uint32_t *order; /* indices: roots of chains, then, after resolving, accepted segments in log order */
    uint32_t order_count;

    void (*each)(const struct log_item *item, void *context);
    void *context;
    _Atomic uint32_t next; /* work not yet taken by a thread */
    _Atomic uint32_t io_failed;
    _Atomic uint64_t records, bytes; /* accepted above W */
};

/* Judges one segment by itself. Any thread. */
void tail_scan(const struct tail *tail, struct tail_segment *segment);
/* Walks the records of a scanned segment from *pos (0: the first) to `end`: false at the end. */
bool tail_walk(const struct tail *tail, const struct tail_segment *segment, uint32_t *pos, uint32_t end,
               struct log_item *item);
/* Finds the chains and sets accepted_end of all segments. PM_DAMAGED, logged; PM_NO_MEMORY. */
enum pm_status tail_resolve(struct tail *tail) HEARTH_MUST_USE;

#endif
