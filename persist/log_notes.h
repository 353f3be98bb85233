/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notes beside a writer's log: what each record replaces, from the writer to the index writer, in DRAM.
 *
 * IDEA: the writer has just read the version that it replaces; the index writer would have to read it again, cold, to
 * see whose it is and how long. A ring of notes, one a record in log order, saves that. They are hints: each names its
 * record, a writer whose ring is full of what was not read yet writes none, after a restart there are none.
 *
 * THREADS: the writer puts, the index writer takes; what is put is published with the closed end of the log, what was
 * taken by log_notes_taken(), so nobody writes what the other reads. A note that was taken is empty.
 *
 * WHY A HINT IS NEVER WRONG: it names a record of the same key, and the generation of its segment. Where that has
 * changed since (the cleaner moved the record, and the place was used again) the hint is void.
 *
 * DURABILITY: none; a crash leaves none.
 */
#ifndef HEARTH_PERSIST_LOG_NOTES_H
#define HEARTH_PERSIST_LOG_NOTES_H

#include <stdatomic.h>
#include <stdlib.h>

#include "persist/record.h"

enum {
    LOG_NOTES_BITS = 17, /* more than half the default bound of the tail, which is a cut */
    LOG_NOTES = 1 << LOG_NOTES_BITS,
};

struct log_note {
    _Atomic uint64_t record; /* its loc, above it low bits of the replaced record's generation; 0: empty */
    uint64_t replaced;       /* loc, above it its bytes / PM_UNIT, at the top whether it has an expiry */
};
struct log_notes {
    struct log_note *ring;
    uint64_t put;           /* the writer's: records so far */
    uint64_t put_limit;     /* the writer's: it may put below this without looking */
    uint64_t take;          /* the index writer's */
    _Atomic uint64_t taken; /* what the writer may use again */
};

/* False: no memory. The memory is zero and not touched before it is used. */
static inline bool log_notes_init(struct log_notes *notes)
{
    *notes = (struct log_notes){.ring = calloc(LOG_NOTES, sizeof(struct log_note)), .put_limit = LOG_NOTES};
    return notes->ring != NULL;
}

static inline void log_notes_drop(struct log_notes *notes)
{
    free(notes->ring);
}

static inline pm_loc log_note_loc(uint64_t word)
{
    return word & ((UINT64_C(1) << PM_LOC_BITS) - 1);
}

static inline void log_note_put(struct log_notes *notes, pm_loc record, const struct record_replaced *replaced)
{
    uint64_t number = notes->put++;
    struct log_note *note;

    if (HEARTH_UNLIKELY(number >= notes->put_limit)) {
        notes->put_limit = atomic_load_explicit(&notes->taken, memory_order_acquire) + LOG_NOTES;
        if (number >= notes->put_limit)
            return;
    }
    note = &notes->ring[number % LOG_NOTES];
    note->replaced =
        replaced->loc | (uint64_t)(replaced->bytes / PM_UNIT) << PM_LOC_BITS | (uint64_t)replaced->has_expiry << 63;
    atomic_store_explicit(&note->record, record | (uint64_t)replaced->generation << PM_LOC_BITS, memory_order_relaxed);
}

/* Where the record lies, or will soon, that comes `ahead` records later; 0, or the place of another: not known. */
static inline pm_loc log_note_ahead(struct log_notes *notes, uint32_t ahead)
{
    const struct log_note *note = &notes->ring[(notes->take + ahead) % LOG_NOTES];

    return log_note_loc(atomic_load_explicit(&note->record, memory_order_relaxed));
}

/* The note of the next record, which lies at `record`. */
static inline void log_note_take(struct log_notes *notes, pm_loc record, struct record_replaced *out)
{
    struct log_note *note = &notes->ring[notes->take++ % LOG_NOTES];
    uint64_t word = atomic_load_explicit(&note->record, memory_order_relaxed);

    if (log_note_loc(word) != record)
        return;
    out->loc = log_note_loc(note->replaced);
    out->generation = (uint32_t)(word >> PM_LOC_BITS);
    out->bytes = (uint32_t)(note->replaced << 1 >> (PM_LOC_BITS + 1)) * PM_UNIT;
    out->has_expiry = note->replaced >> 63;
    atomic_store_explicit(&note->record, 0, memory_order_relaxed);
}

static inline void log_notes_taken(struct log_notes *notes)
{
    atomic_store_explicit(&notes->taken, notes->take, memory_order_release);
}

#endif
