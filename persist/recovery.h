/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recovery: what a start does with a pool, after any stop. A clean stop takes the same path.
 *
 * STEPS (each may be interrupted by another crash and then begins anew)
 *   1 journal: the highest complete batch is applied again unless the superblock says it is applied; W is its w.
 *   2 tail: every LOG and SEALED segment is scanned; per writer a prefix of its log is accepted: checksum valid, epoch
 *     allowed (same boot or TURN mode: all; else <= e_sync), predecessor accepted up to the end the LINK names,
 *     transactions whole. Valid records that prove damage (turn_line above an invalid one; an epoch <= e_sync behind
 *     one; beyond a seal) end in PM_DAMAGED.
 *   3 what was accepted is flushed and drained (visible is not durable), lengths sealed durably, unused LOG segments
 *     become FREE.
 *   4 one superblock write: boot identity, mode, e_sync, lease, clock.
 * The accepted records above W are given to `each`, newest not first: the caller compares cts.
 *
 * DURABILITY: on return everything given to `each` is durable.
 */
#ifndef HEARTH_PERSIST_RECOVERY_H
#define HEARTH_PERSIST_RECOVERY_H

#include "persist/log.h"

struct recovered_segment {
    uint32_t segment, from, to; /* bytes: records above W lie there */
};
struct recovery {
    uint64_t w;                                         /* index horizon */
    uint64_t first_epoch;                               /* where this run begins: the old lease */
    uint64_t journal_batch;                             /* highest complete batch, now applied */
    uint64_t keys[PM_DATABASES], expires[PM_DATABASES]; /* of the index */
    uint64_t now_ms;                                    /* wall clock, never below the pool's clock_high_ms */
    uint64_t records, bytes;                            /* accepted above W */
    struct recovered_segment *segments;                 /* in log order of each writer; for log_add_recovered() */
    uint32_t segment_count;
};

enum { RECOVERY_LEASE_EPOCHS = 1 << 22 };

struct recovery_options {
    enum pmd_commit_mode mode; /* of the run that begins */
    uint32_t threads;          /* for reading the tail; 1 in tests */
    bool accept_clock;         /* the operator says that the wall clock is right although it fell by more than a day */
    bool read_only;            /* check only: change nothing */
};
/*
 * `each` may be called from several threads at once (threads > 1), for records of kinds FULL, TOMBSTONE and CONTROL.
 * Errors: PM_DAMAGED, PM_CLOCK, PM_IO, PM_NO_MEMORY. On an error the pool is as it was, or as an interrupted
 * recovery leaves it.
 */
enum pm_status recovery_run(struct pool *pool, const struct recovery_options *options,
                            void (*each)(const struct log_item *item, void *context), void *context,
                            struct recovery *out) HEARTH_MUST_USE;
void recovery_free(struct recovery *recovery);

#endif
