/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulated backing: a working image that the program sees and a durable image that a crash leaves.
 *
 * MODES  PM_SIM_LINES: 64-byte lines are clean, dirty or flushed; a drain commits the flushed ones; at a crash a dirty
 *        or flushed line may be as it was durable, or any prefix of the stores made to it since.
 *        PM_SIM_PAGES: 4 KB pages; at a crash any subset of the dirty ones may have been written; drain (msync) of a
 *        flushed range is the only promise. Context flush/drain are noted as for the file backing.
 *        Killed (either mode): the process dies first and recovers from the visible image (all stores are there), then
 *        the power fails during or after that recovery: pm_sim_kill() lets the next life begin on the working image
 *        while the durable image and the pending lines stay what they were.
 *
 * LIVES  A new life begins with pool_open() on the same struct pm, in the same process; what the old life had in DRAM is
 *        simply not used any more. pm_sim_crash() counts the kernel boot on, pm_sim_kill() does not: so pool_open()
 *        sees rightly whether it is the same boot.
 *
 * THREADS: one.
 */
#ifndef HEARTH_PERSIST_PM_SIM_H
#define HEARTH_PERSIST_PM_SIM_H

#include "persist/pm.h"

enum pm_sim_mode { PM_SIM_LINES, PM_SIM_PAGES };

enum pm_status pm_sim_open(struct pm **out, size_t bytes, enum pm_sim_mode mode) HEARTH_MUST_USE;

/* pm_close() frees the images, so a pool that closes takes them along; after pm_sim_keep() it leaves them for the next
 * life, and the test calls pm_sim_free(). */
void pm_sim_keep(struct pm *pm);
void pm_sim_free(struct pm *pm);

/* Called before each flush and each drain takes effect (the crash points), with the number of the point. */
/* In the hook: whether the point is a drain, before which most is outstanding. */
bool pm_sim_at_drain(struct pm *pm);
void pm_sim_set_hook(struct pm *pm, void (*hook)(struct pm *pm, uint64_t point, void *context), void *context);
/* The switch of the mutation tests: flushes or drains of this site do nothing. PM_SITE_COUNT: none. */
void pm_sim_skip_site(struct pm *pm, enum pm_site site);
/* The `after`-th drain from now on (1: the next) fails with PM_IO, as a failed msync does (R5); 0: none. */
void pm_sim_fail_drain(struct pm *pm, uint64_t after);
/* The disk: so many bytes can still be allocated, then PM_FULL. Unlimited at first. */
void pm_sim_set_disk(struct pm *pm, uint64_t bytes);
/* Number of the simulated kernel boot. */
uint64_t pm_sim_boot(struct pm *pm);
void pm_sim_set_boot(struct pm *pm, uint64_t boot);
/* How often each site was reached. */
const uint64_t *pm_sim_site_counts(struct pm *pm);

/* Lines (or pages) that differ from the durable image now: how many there are. */
size_t pm_sim_outstanding(struct pm *pm);

enum pm_sim_image { PM_SIM_NONE, PM_SIM_ALL, PM_SIM_ONLY, PM_SIM_ALL_BUT, PM_SIM_RANDOM };
/*
 * Crash here: the working image becomes the durable image plus the chosen outstanding lines or pages (`which`: the
 * one meant by ONLY and ALL_BUT; `seed`: of RANDOM, which also picks prefixes of stores), and all is clean. Meant to
 * be called in a forked child, or anywhere else that does not need the old state.
 */
void pm_sim_crash(struct pm *pm, enum pm_sim_image image, size_t which, uint64_t seed);
/* Crash of the process only: all visible stores stay, what was outstanding stays outstanding (mode "killed"). */
void pm_sim_kill(struct pm *pm);

/* Granules whose working bytes are not the durable ones plus the noted stores: somebody wrote past pm_store(). Reads
 * both images whole. */
size_t pm_sim_unexplained(struct pm *pm);

#endif
