/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notes beside a writer's log: what each record is and what it replaces, from the writer to the index writer, in DRAM.
 *
 * IDEA: the writer has just read the version that it replaces; the index writer would have to read it again, cold, to
 * see whose it is and how long, and the new record too. A ring of notes, one a record in log order, saves both: of an
 * overwrite that can be found by its place the note says all that there is to say. A writer whose ring is full of what
 * was not read yet writes none, after a restart there are none: then the records are read.
 *
 * THREADS: the writer puts, the index writer takes; what is put is published with the closed end of the log, what was
 * taken by log_notes_taken(), so nobody writes what the other reads. A note that was taken is empty.
 *
 * WHY WHAT IT SAYS OF THE REPLACED RECORD IS NEVER WRONG: it names a record of the same key, and the generation of its
 * segment. Where that has changed since (the cleaner moved the record, and the place was used again) it is void.
 *
 * DURABILITY: none; a crash leaves none.
 */
#ifndef HEARTH_PERSIST_LOG_NOTES_H
#define HEARTH_PERSIST_LOG_NOTES_H

#include <stdatomic.h>
#include <stdlib.h>

#include "persist/log.h"

enum {
    LOG_NOTES_BITS = 17, /* more than half the default bound of the tail, which is a cut */
    LOG_NOTES = 1 << LOG_NOTES_BITS,
    LOG_NOTES_AHEAD = 32, /* that are asked for before they are read */
};

/* A struct overwrite, whose first word is published. */
struct log_note {
    _Atomic uint64_t head; /* 0: empty */
    uint64_t rest[3];
};
_Static_assert(sizeof(struct log_note) == sizeof(struct overwrite), "a note is an overwrite");

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

static inline void log_note_put(struct log_notes *notes, const struct overwrite *overwrite)
{
    uint64_t number = notes->put++, words[4];
    struct log_note *note;

    if (HEARTH_UNLIKELY(number >= notes->put_limit)) {
        notes->put_limit = atomic_load_explicit(&notes->taken, memory_order_acquire) + LOG_NOTES;
        if (number >= notes->put_limit)
            return;
    }
    note = &notes->ring[number % LOG_NOTES];
    memcpy(words, overwrite, sizeof words);
    memcpy(note->rest, words + 1, sizeof note->rest);
    atomic_store_explicit(&note->head, words[0], memory_order_relaxed);
}

/* Where the record lies, or will soon, that comes `ahead` records later; 0, or the place of another: not known. */
static inline pm_loc log_note_ahead(const struct log_notes *notes, uint32_t ahead)
{
    uint64_t head = atomic_load_explicit(&notes->ring[(notes->take + ahead) % LOG_NOTES].head, memory_order_relaxed);
    struct overwrite overwrite;

    memcpy(&overwrite, &head, sizeof head);
    return overwrite.loc;
}

/* Asks for notes that come soon: their lines lie in the writer's cache, or in none, and are about to be emptied. */
static inline void log_notes_prefetch(const struct log_notes *notes)
{
    HEARTH_PREFETCH_WRITE(&notes->ring[(notes->take + LOG_NOTES_AHEAD) % LOG_NOTES]);
}

/* What the note of the next record says; false: there is none. */
static inline bool log_note_look(const struct log_notes *notes, struct overwrite *out)
{
    const struct log_note *note = &notes->ring[notes->take % LOG_NOTES];
    uint64_t words[4] = {atomic_load_explicit(&note->head, memory_order_relaxed)};

    memcpy(words + 1, note->rest, sizeof note->rest);
    memcpy(out, words, sizeof words);
    return words[0] != 0;
}

/* Goes past the next record. */
static inline void log_note_pass(struct log_notes *notes)
{
    atomic_store_explicit(&notes->ring[notes->take++ % LOG_NOTES].head, 0, memory_order_relaxed);
}

static inline void log_notes_taken(struct log_notes *notes)
{
    atomic_store_explicit(&notes->taken, notes->take, memory_order_release);
}

#endif
