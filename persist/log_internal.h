/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the log share: log.c writes, log_read.c and log_sync.c follow.
 *
 * IDEA: a writer's log is a list of stretches, one a segment. Followers (the index writer's reading, the sync actor)
 * walk the stretches, not the segments: a segment may have been freed and taken by another writer before a slow
 * follower looks again, its stretch waits for both.
 */
#ifndef HEARTH_PERSIST_LOG_INTERNAL_H
#define HEARTH_PERSIST_LOG_INTERNAL_H

#include <pthread.h>

#include "persist/log.h"
#include "persist/log_notes.h"

/*
 * One segment's part of a writer's log. A follower that has come to `closed_end` may go on to `next` when that is set
 * and closed_end is `end`.
 */
struct log_stretch {
    uint32_t segment;
    uint32_t generation;
    uint32_t end;                       /* bytes; final, valid once `next` is set */
    _Atomic uint32_t closed_end;        /* bytes: records that end at or below this are closed */
    _Atomic(struct log_stretch *) next; /* set (release) when the writer moves on */
    _Atomic uint32_t followers;         /* that have not passed it; who makes it 0 frees it */
    /* A bit a line: it went past the caches. Valid below closed_end; the writer may be setting others of the same word.
     * None where pm->streams is false. */
    _Atomic bool has_streamed;
    _Atomic uint64_t streamed[];
};

struct log_cursor {
    struct log_stretch *stretch; /* NULL: the writer's first, once there is one */
    uint32_t pos;                /* bytes in the segment */
};

/* What a writer tells the others; a cache line of its own. */
struct log_published {
    _Alignas(64) _Atomic uint64_t records; /* closed, LINKs apart */
    _Atomic uint64_t bytes;
    _Atomic uint64_t highest_epoch; /* of any cts drawn */
    _Atomic(struct log_stretch *) first;
};

struct log_writer {
    struct log_published published;
    struct log *log;
    struct epoch_pin *pin;
    uint32_t number;

    struct log_stretch *open;    /* where it appends; NULL before the first reservation is used */
    uint32_t pos;                /* bytes in the open segment: behind the last record */
    struct log_stretch **spares; /* segments in hand */
    uint32_t spare_count;
    bool from_reserve; /* what is in hand may have been taken from the reserve of deletes */

    bool turn_open, appended;
    uint64_t turn_number; /* of the last that was opened */
    bool broken;          /* a close has failed: what follows belongs to that turn as far as replay is concerned */
    uint32_t turn_from;   /* bytes in the open segment: from here on nothing is flushed */
    uint16_t turn_line;
    uint64_t turn_records, turn_bytes;
    struct log_stretch **left; /* segments that this turn filled: closed with it */
    uint32_t left_count;
    uint32_t hand_cap; /* of spares and of left */

    uint64_t epoch;   /* of the last cts */
    uint32_t counter; /* next within it */
    bool in_transaction;
    uint32_t members, members_sum; /* of the open transaction; the sum is without the last */
    pm_off last_off;               /* of the last record appended, */
    uint32_t last_bytes;           /* and its bytes without padding, */
    uint64_t last_value_sum;       /* and, of a long value, its record_value_sum() */

    struct log_notes notes; /* for the index writer */
    struct log_cursor read; /* the index writer's */
    struct log_cursor sync; /* the sync actor's */
    struct pm_context context;
};

struct log_finished {
    uint32_t segment, length;
};

struct log_recovered {
    uint32_t segment, pos, to; /* bytes */
};

enum log_sync_state { SYNC_IDLE, SYNC_CLOSING, SYNC_BROKEN };

struct log {
    struct pool *pool;
    struct epochs *epochs;
    enum pmd_commit_mode mode;
    uint32_t writer_count;
    struct log_writer *writers;
    pthread_mutex_t lease_lock; /* of renewing it; taken before the superblock's */

    /* The sync actor's. */
    enum log_sync_state sync_state;
    uint64_t sync_epoch;
    _Atomic uint64_t synced_epoch;
    _Atomic uint64_t synced_bytes;

    /* The index writer's. */
    _Atomic uint64_t read_records, read_bytes;           /* of the writers' logs */
    _Atomic uint64_t recovered_records, recovered_bytes; /* not read yet */
    struct log_recovered *recovered;
    uint32_t recovered_count, recovered_next;
    struct log_finished *finished;
    uint32_t finished_count;
};

/* Bytes that the LINK record at the begin of each log segment takes. */
enum { LOG_LINK_BYTES = 48 };

/* The next stretch, once the cursor has come to the end of its own; NULL: not yet. The old one is given up. */
struct log_stretch *log_cursor_move(struct log_cursor *cursor);
/* The cursor's stretch, the writer's first at the beginning; NULL: nothing written yet. */
struct log_stretch *log_cursor_stretch(struct log_cursor *cursor, struct log_writer *writer);
/* Gives up all that a cursor still holds. */
void log_cursor_drop(struct log_cursor *cursor, struct log_writer *writer);

static inline uint32_t log_align_line(uint32_t pos)
{
    return (pos + PM_LINE - 1) / PM_LINE * PM_LINE;
}

/* Where the record behind the one that ends at `pos` begins: a closed turn left a zero kind there, or the next record
 * follows at once. `pos` must lie below a closed end. */
static inline uint32_t log_skip_padding(const struct pool *pool, uint32_t segment, uint32_t pos)
{
    const struct pmd_record *record = (const struct pmd_record *)pool_at(pool, pool_segment_off(pool, segment) + pos);

    return pos % PM_LINE && !record->kind ? log_align_line(pos) : pos;
}

/* Of a stretch of this pool. */
size_t log_stretch_bytes(const struct pool *pool);
/* Its lines of [from, to), bytes in the segment and multiples of PM_LINE, went past the caches. The writer's, before they
 * are closed. */
void log_stretch_streamed(struct log_stretch *stretch, uint32_t from, uint32_t to);
/* Flushes [from, to) of it but for those lines. The writer, or up to closed_end. */
void log_stretch_flush(const struct log_stretch *stretch, const struct pool *pool, struct pm_context *context,
                       enum pm_site site, uint32_t from, uint32_t to);
/* Starts to flush what the turn wrote in the open segment, up to `to` (bytes), and is not on its way yet. */
void log_flush_turn(struct log_writer *writer, uint32_t to);

/* A segment that the writer has filled, all of it closed: closed for good. Its followers may pass and free the stretch. */
void log_publish_left(struct log *log, struct log_stretch *stretch);

/* The part of log_commit() that concerns timestamps: log_stamp.c. */
void log_stamp_commit(struct log_writer *writer);

#endif
