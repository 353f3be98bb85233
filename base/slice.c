/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Slices, by system calls: libc has no function for them yet, and its <sched.h> cannot be had beside the kernel's header.
 */
#include "base/slice.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SLICE_NS = 100000 };

void slice_ask_for_short(void)
{
    struct sched_attr attributes = {.size = sizeof attributes};

    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 ||
        (attributes.sched_policy != SCHED_NORMAL && attributes.sched_policy != SCHED_BATCH))
        return;
    attributes.sched_runtime = SLICE_NS;
    (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}
