/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two superblock copies on media: reading and judging them, writing one. Within persist/ only; everybody else
 * goes through pool.h.
 *
 * DURABILITY  The next sequence number is always written over the older copy, so that a write that a crash tears
 *             leaves the newer one. A torn copy and a damaged one look alike: superblock_write_both() is for what
 *             must not fall back even when the newest copy rots.
 */
#ifndef HEARTH_PERSIST_SUPERBLOCK_H
#define HEARTH_PERSIST_SUPERBLOCK_H

#include "persist/pm.h"

enum superblock_found {
    SUPERBLOCK_FOUND,      /* at least one copy is whole */
    SUPERBLOCK_UNFINISHED, /* a creation that was cut short: nothing of value is in the file */
    SUPERBLOCK_BROKEN,     /* was a pool, neither copy is whole */
    SUPERBLOCK_FOREIGN,    /* never was one */
};

/* Looks at both copies and gives the newest whole one; says in the log when one of them is not whole. */
enum superblock_found superblock_read(struct pm *pm, struct pmd_superblock *out);
/* Version, features and geometry of a whole copy against this program and the mapping: PM_VERSION_BAD, PM_DAMAGED,
 * both logged. */
enum pm_status superblock_check(const struct pm *pm, const struct pmd_superblock *superblock) HEARTH_MUST_USE;
/* Raises the sequence number, seals with the checksum, writes to the copy's place; durable on PM_OK. */
enum pm_status superblock_write(struct pm_context *context, struct pmd_superblock *superblock) HEARTH_MUST_USE;
/* The same, twice: both copies carry it on PM_OK. */
enum pm_status superblock_write_both(struct pm_context *context, struct pmd_superblock *superblock) HEARTH_MUST_USE;
/*
 * Makes both copies durable as they are to be seen: after the death of a process the newest one may not be, and writing
 * over the older one would leave neither to a power cut.
 */
enum pm_status superblock_settle(struct pm_context *context) HEARTH_MUST_USE;
/* Boot id, device and inode of the running system (or of the simulation). */
void superblock_identify(const struct pm *pm, struct pmd_superblock *superblock);

#endif
