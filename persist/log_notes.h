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
#include <stddef.h>
#include <stdlib.h>

#include "persist/log.h"

enum {
    LOG_NOTES_BITS = 17, /* more than half the default bound of the tail, which is a cut */
    LOG_NOTES = 1 << LOG_NOTES_BITS,
    LOG_NOTES_AHEAD = 32, /* that are asked for before they are read */
};

/* The first word of a note, which is published; 0: the note is empty. */
typedef uint64_t __attribute__((may_alias)) log_note_word;

struct log_notes {
    struct overwrite *ring;
    uint64_t put;           /* the writer's: records so far */
    uint64_t put_limit;     /* the writer's: it may put below this without looking */
    uint64_t take;          /* the index writer's */
    _Atomic uint64_t taken; /* what the writer may use again */
};

/* False: no memory. The memory is zero and not touched before it is used. */
static inline bool log_notes_init(struct log_notes *notes)
{
    *notes = (struct log_notes){.ring = calloc(LOG_NOTES, sizeof(struct overwrite)), .put_limit = LOG_NOTES};
    return notes->ring != NULL;
}

static inline void log_notes_drop(struct log_notes *notes)
{
    free(notes->ring);
}

_Static_assert(sizeof(struct overwrite) == 4 * sizeof(log_note_word) && offsetof(struct overwrite, place) == 24 &&
                   offsetof(struct overwrite, replaced_bytes) == 28,
               "words of a note");

static inline log_note_word *log_note_word_of(const struct log_notes *notes, uint64_t number)
{
    return (log_note_word *)&notes->ring[number % LOG_NOTES];
}

static inline void log_note_put(struct log_notes *notes, const struct overwrite *overwrite)
{
    uint64_t number = notes->put++;
    log_note_word *note, words[3];

    if (HEARTH_UNLIKELY(number >= notes->put_limit)) {
        notes->put_limit = atomic_load_explicit(&notes->taken, memory_order_acquire) + LOG_NOTES;
        if (number >= notes->put_limit)
            return;
    }
    note = log_note_word_of(notes, number);
    memcpy(words, overwrite, sizeof words);
    note[1] = words[1];
    note[2] = words[2];
    /* Out of registers: two halves that are stored and then loaded as one word are waited for. */
    note[3] = (log_note_word)overwrite->replaced_bytes << 32 | overwrite->place;
    __atomic_store_n(note, words[0], __ATOMIC_RELAXED);
}

/* Where the record lies, or will soon, that comes `ahead` records later; 0, or the place of another: not known. */
static inline pm_loc log_note_ahead(const struct log_notes *notes, uint32_t ahead)
{
    uint64_t word = __atomic_load_n(log_note_word_of(notes, notes->take + ahead), __ATOMIC_RELAXED);
    struct overwrite overwrite;

    memcpy(&overwrite, &word, sizeof word);
    return overwrite.loc;
}

/* Asks for notes that come soon: their lines lie in the writer's cache, or in none, and are about to be emptied. */
static inline void log_notes_prefetch(const struct log_notes *notes)
{
    HEARTH_PREFETCH_WRITE(&notes->ring[(notes->take + LOG_NOTES_AHEAD) % LOG_NOTES]);
}

/* The note of the next record, until that is passed; NULL: there is none. The record is one that its writer has closed. */
static inline const struct overwrite *log_note_look(const struct log_notes *notes)
{
    const struct overwrite *note = &notes->ring[notes->take % LOG_NOTES];

    return __atomic_load_n(log_note_word_of(notes, notes->take), __ATOMIC_RELAXED) != 0 ? note : NULL;
}

/* Goes past the next record. */
static inline void log_note_pass(struct log_notes *notes)
{
    __atomic_store_n(log_note_word_of(notes, notes->take++), 0, __ATOMIC_RELAXED);
}

static inline void log_notes_taken(struct log_notes *notes)
{
    atomic_store_explicit(&notes->taken, notes->take, memory_order_release);
}

#endif
