/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What pm.c and the backings of a file share; nobody else includes this.
 */
#ifndef HEARTH_PERSIST_PM_BACKING_H
#define HEARTH_PERSIST_PM_BACKING_H

#include "persist/pm.h"

extern const struct pm_ops pm_dax_ops;
extern const struct pm_ops pm_file_ops;
/* Whether pm_stream() pays: where caches survive a power cut nothing is flushed, and lines had better stay in them. */
bool pm_dax_streams(void);

/* Allocates file space for a range, durable with the next sync of the file. PM_FULL, PM_IO (logged). */
enum pm_status pm_fd_allocate(struct pm *pm, pm_off off, size_t bytes) HEARTH_MUST_USE;
/* Unmaps, closes (which gives the lock back), frees. */
void pm_fd_close(struct pm *pm);
/* R5: the mapping never promises anything again; says so once. `what` failed, with errno. */
void pm_set_failed(struct pm *pm, const char *what);

#endif
