/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commit timestamps and the lease of epochs that keeps them unique (C5).
 *
 * IDEA: (epoch, counter, writer): a writer's own counter makes it unique among its draws, the writer's number among
 * all, the lease among all runs: it is durable ahead of every epoch that is handed out, and a start begins above it.
 * Outside of transactions counters stay below half of their range: a transaction that begins there has the other half
 * and never needs a second epoch; one that needs more begins in an epoch of its own.
 */
#include "base/assert.h"
#include "persist/log_internal.h"
#include "persist/recovery.h"

enum { COUNTER_LIMIT = 1 << CTS_COUNTER_BITS, COUNTER_HALF = COUNTER_LIMIT / 2 };

/* ---- the lease ---- */

struct lease {
    uint64_t want, got;
};

static void raise_lease(struct pmd_superblock *superblock, void *argument)
{
    struct lease *lease = argument;

    if (superblock->epoch_lease < lease->want)
        superblock->epoch_lease = lease->want;
    lease->got = superblock->epoch_lease;
}

/* A crash behind the superblock's write only skips epochs that nobody was given. */
static enum pm_status extend_lease(struct log *log, struct pm_context *context, uint64_t now)
{
    struct lease lease = {.want = now + RECOVERY_LEASE_EPOCHS};
    enum pm_status status = pool_superblock_update(log->pool, context, raise_lease, &lease);

    if (status == PM_OK)
        epoch_set_limit(log->epochs, lease.got);
    return status;
}

static bool lease_is_long(const struct log *log, uint64_t now)
{
    uint64_t limit = atomic_load_explicit(&log->epochs->limit, memory_order_relaxed);

    return now < limit && limit - now > RECOVERY_LEASE_EPOCHS / 2;
}

enum pm_status log_renew_lease(struct log *log, struct pm_context *context)
{
    uint64_t now = epoch_now(log->epochs);
    enum pm_status status = PM_OK;

    if (HEARTH_LIKELY(lease_is_long(log, now)))
        return PM_OK;
    pthread_mutex_lock(&log->lease_lock);
    if (!lease_is_long(log, now))
        status = extend_lease(log, context, now);
    pthread_mutex_unlock(&log->lease_lock);
    return status;
}

/* ---- timestamps ---- */

static void enter_epoch(struct log_writer *writer, uint64_t epoch)
{
    must(epoch >= writer->epoch);
    if (epoch == writer->epoch)
        return;
    writer->epoch = epoch;
    writer->counter = 0;
    atomic_store_explicit(&writer->published.highest_epoch, epoch, memory_order_relaxed);
}

/* Goes to a new epoch, when this one's counters are used up. */
static uint64_t fresh_epoch(struct log_writer *writer)
{
    struct epochs *epochs = writer->log->epochs;

    while (epoch_advance(epochs) == 0) {
        enum pm_status status = log_renew_lease(writer->log, &writer->context);

        must(status == PM_OK);
    }
    return epoch_now(epochs);
}

void log_transaction_begin(struct log_writer *writer, uint32_t records)
{
    must(writer->turn_open && !writer->in_transaction && records <= LOG_TRANSACTION_RECORDS_MAX);
    enter_epoch(writer, epoch_now(writer->log->epochs));
    if (records >= COUNTER_HALF || writer->counter > COUNTER_HALF)
        enter_epoch(writer, fresh_epoch(writer));
    writer->in_transaction = true;
    writer->members = 0;
    writer->members_sum = 0;
}

uint64_t log_draw_cts(struct log_writer *writer, uint64_t above)
{
    uint32_t counter;

    must(writer->turn_open);
    if (!writer->in_transaction)
        enter_epoch(writer, epoch_now(writer->log->epochs));
    must(cts_epoch(above) <= writer->epoch);
    counter = writer->counter;
    if (cts_epoch(above) == writer->epoch) {
        uint32_t floor = (uint32_t)(above >> CTS_WRITER_BITS & (COUNTER_LIMIT - 1)) + 1;

        counter = counter > floor ? counter : floor;
    }
    if (HEARTH_UNLIKELY(counter > COUNTER_HALF && !writer->in_transaction)) {
        enter_epoch(writer, fresh_epoch(writer));
        counter = 0;
    }
    must(counter < COUNTER_LIMIT);
    writer->counter = counter + 1;
    return cts_make(writer->epoch, counter, writer->number);
}

/* Others must not build on a counter of the upper half within its epoch: before its locks are given back, a transaction
 * that went there ends the epoch. */
void log_stamp_commit(struct log_writer *writer)
{
    if (writer->counter > COUNTER_HALF)
        enter_epoch(writer, fresh_epoch(writer));
}
