/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The index writer: brings the log's records into the ordered index, cut by cut, and moves the horizon W.
 *
 * IDEA: the log is the queue. At a cut c the writer advances the epoch, waits (by polling) until every turn pinned at
 * or below c is closed and durable, takes the records with epoch <= c, keeps the newest of each key and applies them
 * in key order. A FLUSH record in the cut splits it: what is older, the drop, what is newer.
 *
 * THREADS: one, which is also the only one that may call the skip list's writer functions (cleaner and evictor run in
 * it). index_writer_throttled() and index_writer_request() from any.
 *
 * DURABILITY: when W moves, everything at or below it is in the index, durably. A crash at any point leaves the old W
 * and an index between both, which applying the same records again makes right.
 */
#ifndef HEARTH_PERSIST_INDEX_WRITER_H
#define HEARTH_PERSIST_INDEX_WRITER_H

#include "persist/log.h"
#include "persist/skiplist.h"

struct index_writer;

struct index_writer_options {
    struct pool *pool;
    struct epochs *epochs;
    struct log *log;
    struct skiplist *skiplist;
    enum pmd_commit_mode mode;
    uint64_t w;                        /* after recovery */
    uint64_t first_epoch;              /* of this run: the recovered tail lies below */
    uint64_t tail_bytes, tail_records; /* bounds of the tail; a cut is made at half of them */
    uint32_t interval_ms;              /* a cut is made at least so often while there is a tail */
    /* The slot of a deleted key may go: the index forgot the key durably and a grace period has passed. */
    void (*forgotten)(void *context, uint64_t hash, pm_loc tombstone);
    /* EPOCH mode: please make epochs up to this one durable. */
    void (*want_sync)(void *context, uint64_t epoch);
    void *context;
};

enum index_writer_step {
    INDEX_WRITER_IDLE,    /* nothing to do now */
    INDEX_WRITER_WAITING, /* for turns to close or a sync */
    INDEX_WRITER_BUSY,    /* did something, may have more */
    INDEX_WRITER_FULL,    /* the index needs a segment and there is none: clean */
    INDEX_WRITER_FAILED,  /* media failed (R5) or the index is damaged: W stands still */
};

enum pm_status index_writer_open(struct index_writer **out, const struct index_writer_options *options) HEARTH_MUST_USE;
void index_writer_close(struct index_writer *writer);

/* A bounded piece of work. now_us: monotonic. */
enum index_writer_step index_writer_step(struct index_writer *writer, uint64_t now_us);
/* A cut soon, whatever the tail. Any thread. */
void index_writer_request(struct index_writer *writer);
/* True while the tail is at its bound: writers are slowed (restart time is a promise). Any thread, one load. */
bool index_writer_throttled(const struct index_writer *writer);
/* The durable horizon. Any thread. */
uint64_t index_writer_w(const struct index_writer *writer);
/* True once the recovered tail is in the index; *keys_delta and *expires_delta then say how it changed the counts. */
bool index_writer_tail_applied(const struct index_writer *writer, int64_t keys_delta[PM_DATABASES],
                               int64_t expires_delta[PM_DATABASES]);
/* Is a cut under way? For the thread that steps it. */
bool index_writer_is_cutting(const struct index_writer *writer);
uint64_t index_writer_cuts(const struct index_writer *writer);
struct pm_context *index_writer_context(struct index_writer *writer);

/* Bytes on media of the trusted record at loc. */
uint32_t index_writer_record_bytes(const struct pool *pool, pm_loc loc);

#endif
