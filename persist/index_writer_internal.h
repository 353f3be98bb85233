/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The index writer from inside: its machine (index_writer.c) and what it makes of the records of a cut (index_collect.c).
 */
#ifndef HEARTH_PERSIST_INDEX_WRITER_INTERNAL_H
#define HEARTH_PERSIST_INDEX_WRITER_INTERNAL_H

#include "persist/cut_buffers.h"
#include "persist/index_writer.h"

enum index_writer_state { STATE_IDLE, STATE_CLOSING, STATE_APPLYING, STATE_FAILED };

enum {
    FORGOTTEN_BATCHES = 8, /* cuts whose tombstones wait for their grace period */
    CONTROLS_MAX = 1024,
};

struct forgotten {
    uint64_t hash;
    pm_loc tombstone;
    uint32_t generation; /* of its segment: the cleaner may have forgotten it, and freed the segment, before */
};
struct forgotten_batch {
    struct forgotten *items;
    size_t count;
    uint64_t epoch; /* a grace period has passed when no pin is at or below it */
};

struct index_writer {
    struct index_writer_options o;
    struct pm_context context;
    enum index_writer_state state;
    _Atomic uint64_t w;
    uint64_t w_before; /* the horizon before the last cut */
    _Atomic bool throttled;
    _Atomic bool requested;
    _Atomic bool tail_applied;
    int64_t keys_delta[PM_DATABASES], expires_delta[PM_DATABASES];
    uint64_t cut; /* the one under way */
    uint64_t last_cut_us;
    _Atomic uint64_t cuts;
    struct cut_buffers cut_buffers; /* its ops: those of the phase in front after select_phase() */
    bool out_of_memory;
    size_t phase_count, phase_applied; /* ops of the phase under way, sorted, one a key */
    pm_loc *controls;                  /* FLUSH records of the cut, by cts */
    size_t control_count, control_next;
    bool phase_ready;
    struct forgotten_batch forgotten[FORGOTTEN_BATCHES]; /* ring */
    size_t forgotten_first, forgotten_count;
};

/* Collects one closed record of the cut, for log_read(); `context` is the writer. Without memory out_of_memory is set. */
void index_collect(const struct log_item *item, void *context);
/* Carries out what can be carried out by its place and makes operations of the rest. Once all of the cut is collected,
 * before its first phase. */
enum pm_status index_collect_overwrites(struct index_writer *writer);

#endif
