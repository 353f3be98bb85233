/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log: each worker appends the records of its turns to its own open segment; closing the turn makes them durable
 * (TURN mode) or merely complete (EPOCH mode, where log_sync() makes an epoch durable for everybody).
 *
 * IDEA: a record is valid by one checksum and one fence (Zen): nothing is written twice. Segments of one writer are
 * chained by their LINK records, so that what is accepted after a crash is a prefix of each writer's log.
 *
 * OPERATIONS: append: one copy, and on dax a drain for a value of more than 4 KB; close: one flush of the contiguous range
 * and one drain, however many requests.
 *
 * THREADS: a struct log_writer belongs to one thread. Readers of other threads see a record once it is published
 * (release) and ask log_make_durable() before they build on it in TURN mode. The index writer reads by log_cursor,
 * up to the closed ends.
 *
 * DURABILITY: log_turn_close() returns: TURN mode, all of the turn's records are durable. EPOCH mode: they survive the
 * process; a power cut once log_synced_epoch() covers them.
 */
#ifndef HEARTH_PERSIST_LOG_H
#define HEARTH_PERSIST_LOG_H

#include "base/epoch.h"
#include "persist/overwrite.h"

struct log;
struct log_writer;

struct log_options {
    enum pmd_commit_mode mode;
    uint32_t writers; /* at most PM_WRITERS */
};

/* After recovery. Writers' first segments are taken lazily. `epochs` is shared with everybody. */
enum pm_status log_open(struct log **out, struct pool *pool, struct epochs *epochs,
                        const struct log_options *options) HEARTH_MUST_USE;
void log_close(struct log *log);
struct log_writer *log_writer(struct log *log, uint32_t number);

/* ---- a turn, by its worker ---- */

/* Pins the epoch; returns it. */
uint64_t log_turn_begin(struct log_writer *writer);
/* True while a turn is open. */
bool log_turn_is_open(const struct log_writer *writer);
/* Which turn it is, to tell later whether it still is the same; 0: none is open. */
uint64_t log_turn_number(const struct log_writer *writer);
/* Flush, one drain if the turn appended anything (TURN mode), closed end moves. PM_IO: nothing of this turn may be
 * acknowledged. The pin stays: what was read is not reused yet. */
enum pm_status log_turn_publish(struct log_writer *writer) HEARTH_MUST_USE;
/* After that: the pin leaves. */
void log_turn_leave(struct log_writer *writer);
/* Both at once. */
enum pm_status log_turn_close(struct log_writer *writer) HEARTH_MUST_USE;

/*
 * Makes sure that records of together `bytes` (record_bytes() each) in at most `records` records can be appended
 * without waiting: room in the open segment, or segments in hand. Call before the first lock and record of a command
 * (C7). PM_FULL: no segment ready for this class now: close the turn, let others work, ask again.
 */
enum pm_status log_reserve(struct log_writer *writer, enum space_class class, uint64_t bytes,
                           uint32_t records) HEARTH_MUST_USE;

struct log_part {
    const void *data;
    size_t bytes;
};
struct log_record {
    uint8_t kind; /* enum pmd_record_kind */
    uint8_t type;
    uint8_t db;
    bool in_transaction;   /* an LP follows: do not set PMD_LAST */
    uint64_t expire_at_ms; /* 0: none */
    uint32_t client_flags; /* 0: none */
    uint64_t cas;          /* 0: the cts is the unique */
    uint64_t cts;
    const uint8_t *key;
    uint32_t key_len;
    const struct log_part *parts; /* the value, gathered; parts may point into the mapping */
    uint32_t part_count;
    struct record_replaced replaced; /* the version of the key that it is built upon; not stored: log_notes.h */
    uint32_t place;                  /* that one's record_place() */
};
/* Appends; there must be room (log_reserve). Visible to nobody until published by the caller with release order. */
pm_loc log_append(struct log_writer *writer, const struct log_record *record);
/*
 * Begins a transaction of at most `records` records (LOG_TRANSACTION_RECORDS_MAX): from here to log_commit() every cts
 * is drawn at one epoch, so that no cut ever falls inside it. Call when all locks of its keys are held, before the
 * first log_draw_cts(). A transaction of which nothing was appended ends with log_commit(writer, 0).
 */
enum { LOG_TRANSACTION_RECORDS_MAX = (1 << CTS_COUNTER_BITS) - 1 };
void log_transaction_begin(struct log_writer *writer, uint32_t records);
/* Ends the transaction: the last appended record becomes its last (LP bit, trailer when count > 1), in place: it has
 * neither been flushed nor published yet. count: records since the first with in_transaction. */
void log_commit(struct log_writer *writer, uint32_t count);

/* Draws a cts above `above` (0: none), at the epoch of now, in a transaction at the one it began with; never the same
 * again. In an open turn, under the key's stripe lock. */
uint64_t log_draw_cts(struct log_writer *writer, uint64_t above);

/* Extends the lease of epochs when less than half of it is left; the index writer calls it at each cut. Any thread, by
 * its own context; durable on return. PM_IO: the old lease stands. */
enum pm_status log_renew_lease(struct log *log, struct pm_context *context) HEARTH_MUST_USE;

/* TURN mode: is the record (its end) closed by its writer? One load; always true in EPOCH mode. */
bool log_is_durable(const struct log *log, pm_loc loc);
/* C2: flushes the other writer's range up to the record's end and drains, at once, by the caller's context. */
enum pm_status log_make_durable(struct log *log, struct pm_context *context, pm_loc loc) HEARTH_MUST_USE;
struct pm_context *log_writer_context(struct log_writer *writer);
struct epoch_pin *log_writer_pin(struct log_writer *writer);

/* ---- EPOCH mode: sync groups (C4) ---- */

/* Highest epoch that may have a record. Replies that saw it must wait for it at `power`. */
uint64_t log_highest_epoch(const struct log *log);
uint64_t log_synced_epoch(const struct log *log);
/* One step of a sync group by the one sync actor: begins a group if something is unsynced (advance), waits (returns
 * LOG_SYNC_WAIT) until the turns are closed, then flushes all logs, drains, stores e_sync and drains: LOG_SYNC_DONE. */
enum log_sync { LOG_SYNC_IDLE, LOG_SYNC_WAIT, LOG_SYNC_DONE, LOG_SYNC_FAILED };
enum log_sync log_sync_step(struct log *log, struct pm_context *context);
/* What a power cut would lose now. */
uint64_t log_unsynced_bytes(const struct log *log);

/* ---- the index writer reads (the log is the queue) ---- */

struct log_item {
    pm_loc loc;
    const struct overwrite *overwrite; /* NULL, or all that there is to say of it: then it was not read */
    struct record_view view;
    struct record_replaced replaced; /* as appended, where that is still known; never of another key */
};
/*
 * Gives the closed records of all writers (recovered segments first) with epoch <= cut that were not given before, to
 * `each`, in log order of each writer. Epochs never fall within a writer's log. The cut must be complete
 * (epoch_passed(epochs, cut), and e_sync >= cut in EPOCH mode).
 */
void log_read(struct log *log, uint64_t cut, void (*each)(const struct log_item *item, void *context), void *context);
/* Records and bytes appended but not yet given by log_read(): the tail. Approximate, cheap. */
void log_tail(const struct log *log, uint64_t *records, uint64_t *bytes);
/* All that was appended and closed in this run. Cheap, any thread. */
void log_appended(const struct log *log, uint64_t *records, uint64_t *bytes);
/* Segments that log_read() has read to their end and that nobody will append to: each is reported once, after W is
 * durable the caller marks it INDEXED. Returns false when there is none. */
bool log_next_finished(struct log *log, uint64_t w, uint32_t *segment, uint32_t *length);
/* Recovery hands over a sealed segment of a former run whose records from `from` to `to` (bytes) are above W. Before
 * any log_read(); in log order of their writer. */
void log_add_recovered(struct log *log, uint32_t segment, uint32_t from, uint32_t to);

#endif
