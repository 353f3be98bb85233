/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Crash images: while a scenario runs over the simulated backing, the process is forked at its flushes and drains; each
 * child suffers one crash, recovers and judges.
 *
 * IDEA     At a crash point with k outstanding lines (or pages) the images are: none of them, all, each alone, each
 *          missing, and random subsets with random prefixes of their stores. If that is more than the point's share,
 *          none and all are kept and the rest is drawn by the seed. With `nested`, the recovery in a child is itself
 *          interrupted at one of its own points, in a grandchild. With `killed`, one image a point is a death of the
 *          process alone; the nested power cut then loses what was never made durable.
 * REPLAY   A failure prints its image as text; the environment variable HEARTH_CRASH_ONLY set to that text makes the
 *          same run take this image alone, in the process itself, so that a debugger sees it.
 * THREADS  None may run beside the scenario: fork() takes only the caller along.
 */
#ifndef HEARTH_TESTS_SUPPORT_CRASH_H
#define HEARTH_TESTS_SUPPORT_CRASH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "persist/pm_sim.h"

/*
 * Under a sanitizer fork() takes tens of milliseconds: one in so many images is taken then, and what counts images or
 * hopes for the failure of a mutant has to know.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CRASH_THIN 20
#else
#define CRASH_THIN 1
#endif

enum { CRASH_TEXT_BYTES = 96, CRASH_CHILDREN_MAX = 16 };

struct crash_plan {
    uint64_t seed;
    uint32_t images_a_point; /* at most, 0: every one there is, and 4 random ones */
    uint32_t every;      /* only every n-th point, on average, by the seed; drains eight times as often; 0 or 1: all */
    uint64_t images_max; /* then no more; 0: no bound */
    bool nested;
    bool killed;
    bool quiet;         /* mutants: failures are what one hopes for */
    bool stop_at_first; /* after a failure no more images are made */
    uint32_t timeout_s; /* of one child; 0: 60 */
    /*
     * Recovers on `pm` and judges, in a process of its own that ends afterwards; may leak. True: the state is one that
     * is allowed. False, after having printed why: it is not. Everything the scenario has noted so far is there to be
     * read in `context`.
     */
    bool (*recover)(struct pm *pm, void *context);
    void *context;
};

struct crash_image {
    uint64_t point;
    int kind; /* enum pm_sim_image, or -1: the process was killed */
    size_t which;
    uint64_t seed;
    uint64_t nested; /* recovery is interrupted at this point of its own; 0: not at all */
};

struct crash_run {
    struct crash_plan plan;
    struct pm *pm;
    uint64_t random;
    uint64_t points, images, failures;
    char first_failure[CRASH_TEXT_BYTES];
    bool only_set;
    struct crash_image only;
    uint32_t child_count, children_max;
    struct crash_child {
        pid_t pid;
        struct crash_image image;
    } children[CRASH_CHILDREN_MAX];
};

/* From here on the crash points of `pm` are used; the scenario follows. */
void crash_begin(struct crash_run *run, struct pm *pm, const struct crash_plan *plan);
/* A crash point between two operations, beside those at flushes and drains. */
void crash_here(struct crash_run *run);
/* Waits for all children; the number of images with a state that is not allowed. */
uint64_t crash_end(struct crash_run *run);

#endif
