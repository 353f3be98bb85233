/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the cleaner: what cleaner.c (the machine), cleaner_choose.c, cleaner_judge.c and cleaner_move.c share.
 */
#ifndef HEARTH_HEAP_CLEANER_INTERNAL_H
#define HEARTH_HEAP_CLEANER_INTERNAL_H

#include "heap/cleaner.h"
#include "heap/expire.h"
#include "heap/heap_internal.h"
#include "persist/segment_walk.h"

enum {
    CHUNK = 512,        /* records looked at in a step */
    CONDEMNED_MAX = 64, /* segments waiting for their grace period */
};

/* A record of the chunk. */
struct look {
    pm_loc loc;
    struct record_view view;
    struct index_key key;
    bool superseded; /* its key's slot names what the index names, and that is not this one */
};

struct condemned {
    uint32_t segment;
    uint64_t epoch;
};

struct cleaner {
    struct heap *heap;
    struct pm_context *context; /* the index writer's: one thread, one context */
    struct epoch_pin *pin;
    struct cleaner_stats stats;
    bool active, evicting;
    uint32_t victim;
    struct segment_walk walk; /* of the victim */
    bool walked;              /* to its end */
    uint64_t kept_bytes;      /* evicting: of this victim */
    uint32_t out_segment;     /* open survivor segment, 0: none */
    uint32_t out_pos, out_flushed;
    struct condemned condemned[CONDEMNED_MAX];
    uint32_t condemned_count;
    bool stuck;
    uint64_t fresh; /* segments, when dead ones were last looked for */
    struct expire expire;
    struct look looks[CHUNK];
    /* What the index is to do: moves of records that tell their entries' places, and operations on keys. */
    struct overwrite moves[CHUNK], moves_scratch[CHUNK];
    struct index_op ops[CHUNK];
    uint32_t move_count, op_count;
};

/* Whether all records of a segment are at or below W. */
static inline bool cleaner_is_below_w(const struct pool *pool, uint32_t segment)
{
    uint8_t state = atomic_load_explicit(&pool->segments[segment].state, memory_order_relaxed);

    return state == PMD_SEGMENT_INDEXED || state == PMD_SEGMENT_SURVIVOR;
}

/* What becomes of a record. */
enum fate { FATE_NOTHING, FATE_MOVE, FATE_DROP, FATE_FORGET };

/* Finds a victim, or condemns what is dead as a whole. True: *victim is to be emptied; *evicting: by dropping what was
 * not read again. */
bool cleaner_choose(struct cleaner *cleaner, uint32_t *victim, bool *evicting);
/* A segment that nothing names any more: freed when all pins up to `epoch` are gone (0: the lease has run out, later). */
void cleaner_condemn(struct cleaner *cleaner, uint32_t segment, uint64_t epoch);

/* Reads up to CHUNK records of objects into looks, and asks for their keys' buckets. Returns how many. */
uint32_t cleaner_read_chunk(struct cleaner *cleaner);
/* The next step of asking for a key's slots. */
void cleaner_look_far_ahead(const struct cleaner *cleaner, const struct look *look);
/* Some records before its turn: what is known then, and if that is not enough, asks for what its turn will read. */
void cleaner_look_ahead(const struct cleaner *cleaner, struct look *look);
enum fate cleaner_judge(struct cleaner *cleaner, const struct look *look, uint64_t now_ms);

/* Copies the record if it moves, and notes what the index is to do. PM_FULL: no room for the copy. */
enum pm_status cleaner_plan(struct cleaner *cleaner, const struct look *look, enum fate fate);
/* Does what was noted: the index switches and removes, durably; then the slots. Ops that were not applied (no space)
 * stay where they were. False: given up. */
bool cleaner_carry_out(struct cleaner *cleaner);
/* The victim stays as it is. Returns false. */
bool cleaner_give_up(struct cleaner *cleaner, enum pm_status status);

#endif
