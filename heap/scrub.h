/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The scrubber: compares every live record with its checksum, again and again, so that damage to what nobody reads is
 * found while a replica or a backup still has the value (R4).
 *
 * IDEA: walk the hash index with a scan cursor, so many bytes a second. What nobody has read since the start becomes
 * verified on the way, and need not be at its first GET. A damaged record's slot becomes unverified, so that its key is
 * a miss from then on, and the cleaner drops the key (damage.h). Records above W are left for the next pass: they may
 * not be complete yet, and a replay would bring them back.
 *
 * A record whose key is what was damaged is only reported: no lookup can find it, and nothing leads from it to its slot.
 *
 * PACE: what lives is spread over the ten minutes of a pass, at 1 to 16 MB/s, in ticks: larger pools take longer. Each
 * record is a miss of all caches, so that to hurry takes time from those who serve. A pass does not begin sooner than ten
 * minutes after the one before. Maintenance calls it when it has nothing else to do and the cleaner is not behind.
 *
 * THREADS: the index writer's.
 *
 * DURABILITY: stores nothing; where the pass stands is forgotten by a restart.
 */
#ifndef HEARTH_HEAP_SCRUB_H
#define HEARTH_HEAP_SCRUB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct heap;
struct epoch_pin;

struct scrub {
    struct heap *heap;
    struct epoch_pin *pin;
    uint64_t bytes_a_second, bytes_a_second_max; /* of this pass, of any */
    uint64_t cursor;                             /* of the pass; 0: at its beginning */
    uint64_t last_us;                            /* until then time was turned into bytes; 0: never called */
    uint64_t pass_began_us;                      /* 0: no pass yet */
    int64_t due_bytes;                           /* below 0: the last record was larger than what was due */
    _Atomic uint64_t bytes, passes;
};

/* False: no memory. */
bool scrub_open(struct scrub *scrub, struct heap *heap);
/* As much as is due. now_us: monotonic. */
void scrub_step(struct scrub *scrub, uint64_t now_us);

#endif
