/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * EPOCH mode: sync groups (C4). One group makes one epoch, and all before it, durable for all writers.
 *
 * IDEA: advance the epoch; when every turn pinned at or below it is closed, each record of those epochs lies below a
 * closed end; flush all logs up to their closed ends, drain, and only then let e_sync name the epoch. So a power cut
 * leaves a prefix of epochs: records above e_sync that reached the media by chance are not accepted.
 *
 * THREADS: log_sync_step() belongs to one actor, a thread in production, a step of the scheduler in crash tests; it
 * never waits but in the drain itself. The rest: any thread.
 *
 * DURABILITY: a crash before the superblock's drain leaves the old e_sync; no reply has been released for the new one.
 */
#include "base/assert.h"
#include "persist/log_internal.h"

uint64_t log_highest_epoch(const struct log *log)
{
    uint64_t highest = 0;

    for (uint32_t i = 0; i < log->writer_count; i++) {
        uint64_t epoch = atomic_load_explicit(&log->writers[i].published.highest_epoch, memory_order_relaxed);

        highest = epoch > highest ? epoch : highest;
    }
    return highest;
}

uint64_t log_synced_epoch(const struct log *log)
{
    return log->mode == PMD_COMMIT_TURN ? UINT64_MAX : atomic_load_explicit(&log->synced_epoch, memory_order_acquire);
}

static uint64_t closed_bytes(const struct log *log)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < log->writer_count; i++)
        bytes += atomic_load_explicit(&log->writers[i].published.bytes, memory_order_relaxed);
    return bytes;
}

uint64_t log_unsynced_bytes(const struct log *log)
{
    uint64_t synced = atomic_load_explicit(&log->synced_bytes, memory_order_relaxed);
    uint64_t closed = closed_bytes(log);

    return log->mode == PMD_COMMIT_EPOCH && closed > synced ? closed - synced : 0;
}

/* Flushes what a writer has closed since the last group. */
static void flush_writer(struct log *log, struct pm_context *context, struct log_writer *writer)
{
    struct log_cursor *cursor = &writer->sync;
    struct log_stretch *stretch = log_cursor_stretch(cursor, writer);

    while (stretch) {
        uint32_t end = atomic_load_explicit(&stretch->closed_end, memory_order_acquire);

        if (cursor->pos < end) {
            log_stretch_flush(stretch, log->pool, context, PM_SITE_SYNC_LOG_FLUSH, cursor->pos, end);
            cursor->pos = end;
        }
        stretch = log_cursor_move(cursor);
    }
}

static void raise_e_sync(struct pmd_superblock *superblock, void *argument)
{
    const uint64_t *epoch = argument;

    if (superblock->e_sync < *epoch)
        superblock->e_sync = *epoch;
}

/* The turns of the group are closed: makes them durable, then says so. */
static enum pm_status sync_group(struct log *log, struct pm_context *context)
{
    uint64_t bytes = closed_bytes(log);
    enum pm_status status;

    for (uint32_t i = 0; i < log->writer_count; i++)
        flush_writer(log, context, &log->writers[i]);
    status = pm_drain(context, PM_SITE_SYNC_LOG_DRAIN);
    if (status == PM_OK)
        status = pool_superblock_update(log->pool, context, raise_e_sync, &log->sync_epoch);
    if (status == PM_OK) {
        atomic_store_explicit(&log->synced_bytes, bytes, memory_order_relaxed);
        atomic_store_explicit(&log->synced_epoch, log->sync_epoch, memory_order_release);
    }
    return status;
}

/* Ends the epoch of the group. At the end of the lease that is renewed first. */
static enum pm_status begin_group(struct log *log, struct pm_context *context)
{
    enum pm_status status = PM_OK;

    log->sync_epoch = epoch_advance(log->epochs);
    if (log->sync_epoch == 0) {
        status = log_renew_lease(log, context);
        log->sync_epoch = epoch_advance(log->epochs);
    }
    if (status == PM_OK && log->sync_epoch == 0)
        status = PM_IO;
    log->sync_state = SYNC_CLOSING;
    return status;
}

/* No record waits: all epochs that have ended and whose turns are closed are empty, and durable as such, without a
 * write. Whoever waits for a cut among them may go on. */
static void pass_empty_epochs(struct log *log)
{
    uint64_t ended = epoch_now(log->epochs) - 1;
    uint64_t synced = log_synced_epoch(log);

    if (ended <= synced || !epoch_passed(log->epochs, ended))
        return;
    if (log_highest_epoch(log) <= synced)
        atomic_store_explicit(&log->synced_epoch, ended, memory_order_release);
}

static enum log_sync fail(struct log *log)
{
    log->sync_state = SYNC_BROKEN;
    return LOG_SYNC_FAILED;
}

enum log_sync log_sync_step(struct log *log, struct pm_context *context)
{
    if (log->mode == PMD_COMMIT_TURN)
        return LOG_SYNC_IDLE;
    if (log->sync_state == SYNC_BROKEN || pm_failed(log->pool->pm))
        return fail(log); /* R5: never retried into success */
    if (log->sync_state == SYNC_IDLE) {
        if (log_highest_epoch(log) <= log_synced_epoch(log)) {
            pass_empty_epochs(log);
            return LOG_SYNC_IDLE;
        }
        if (begin_group(log, context) != PM_OK)
            return fail(log);
    }
    if (!epoch_passed(log->epochs, log->sync_epoch))
        return LOG_SYNC_WAIT;
    if (sync_group(log, context) != PM_OK)
        return fail(log);
    log->sync_state = SYNC_IDLE;
    return LOG_SYNC_DONE;
}
