/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walking the records of a segment that nobody appends to: for the cleaner and for checks.
 */
#ifndef HEARTH_PERSIST_SEGMENT_WALK_H
#define HEARTH_PERSIST_SEGMENT_WALK_H

#include "persist/record.h"

struct segment_walk {
    const struct pool *pool;
    uint32_t segment;
    uint32_t pos, end; /* bytes in the segment */
    bool verify;       /* the end is not known: stop at the first record whose checksum does not hold */
    bool damaged;      /* a header ended it before its end: what lies behind was not given (R4) */
};

/* Begins at the first record. A segment without a length (a survivor log that a crash left open) is walked as far as
 * its checksums hold. */
void segment_walk_start(struct segment_walk *walk, const struct pool *pool, uint32_t segment);
/* The next record, LINK included; false at the end. */
bool segment_walk_next(struct segment_walk *walk, pm_off *off, struct record_view *out);

#endif
