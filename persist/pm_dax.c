/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dax backing: the mapping is the medium, libpmem writes cache lines back.
 *
 * DURABILITY  A line is durable when its write-back was fenced. On a platform whose caches are in the power-fail
 *             domain libpmem leaves the write-back out by itself.
 * SOURCE      libpmem(7), pmem_flush(3).
 */
#include "persist/pm_backing.h"

#include <libpmem.h>

bool pm_dax_streams(void)
{
    return pmem_has_auto_flush() != 1;
}

static void dax_stream(void *to, const void *from, size_t bytes)
{
    pmem_memcpy(to, from, bytes, PMEM_F_MEM_NONTEMPORAL | PMEM_F_MEM_NODRAIN);
}

static void dax_flush(struct pm_context *context, enum pm_site site, const void *from, size_t bytes)
{
    (void)context;
    (void)site;
    pmem_flush(from, bytes);
}

static enum pm_status dax_drain(struct pm_context *context, enum pm_site site)
{
    (void)context;
    (void)site;
    pmem_drain();
    return PM_OK;
}

const struct pm_ops pm_dax_ops = {
    .stream = dax_stream,
    .flush = dax_flush,
    .drain = dax_drain,
    .allocate = pm_fd_allocate,
    .close = pm_fd_close,
};
