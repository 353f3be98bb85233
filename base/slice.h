/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long the calling thread computes at a stretch.
 */
#ifndef HEARTH_BASE_SLICE_H
#define HEARTH_BASE_SLICE_H

/*
 * Asks for the shortest slices that there are, a tenth of a millisecond: whoever wakes gets the processor soon. The policy
 * and priority that the operator chose stay. Linux before 6.12 has one slice for all, and real-time policies have no use
 * for it: then nothing changes.
 */
void slice_ask_for_short(void);

#endif
