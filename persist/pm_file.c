/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file backing: the mapping is page cache, msync makes pages durable.
 *
 * IDEA        A flush only notes its pages in the context; the drain msyncs them. Touching and overlapping notes
 *             become one. There are as many as are synced by themselves, and one more, which says that the whole file
 *             will be: what comes when all are taken goes to that one.
 * DURABILITY  Before the drain returns the system may have written any page in any state since it was last durable.
 *             A failed msync is final (R5): the kernel may have dropped the dirty pages, so that a second msync would
 *             succeed without having written them.
 */
#include "persist/pm_backing.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_MASK ((uint64_t)PM_PAGE - 1)

/*
 * Each msync is a commit of the file system's own journal and a flush of the device: from three ranges on one fdatasync
 * of all that is dirty in the file is quicker (measured on ext4, four ranges: a third of the time, with 2 MB dirty
 * elsewhere or without). Linux write-protects mapped pages when it writes them, so that it knows each that is dirty.
 */
enum { RANGES_ALONE = 2 };
_Static_assert(PM_PENDING_MAX == RANGES_ALONE + 1, "no more notes than decide how they are synced");

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Bytes by which note i grows when it takes in [from, to); 0 when that lies within it. */
static uint64_t growth(const struct pm_context *context, uint32_t i, uint64_t from, uint64_t to)
{
    uint64_t hull = max_u64(context->pending[i].to, to) - min_u64(context->pending[i].from, from);

    return hull - (context->pending[i].to - context->pending[i].from);
}

static void widen(struct pm_context *context, uint32_t i, uint64_t from, uint64_t to)
{
    context->pending[i].from = min_u64(context->pending[i].from, from);
    context->pending[i].to = max_u64(context->pending[i].to, to);
}

/* Notes [from, to), page-rounded. */
static void note(struct pm_context *context, uint64_t from, uint64_t to)
{
    /* From the newest on: a writer mostly goes on where it was. */
    for (uint32_t i = context->pending_count; i-- > 0;)
        if (growth(context, i, from, to) <= to - from) { /* overlapping or touching */
            widen(context, i, from, to);
            return;
        }
    if (context->pending_count == PM_PENDING_MAX) {
        widen(context, PM_PENDING_MAX - 1, from, to);
        return;
    }
    context->pending[context->pending_count].from = from;
    context->pending[context->pending_count].to = to;
    context->pending_count++;
}

static void file_flush(struct pm_context *context, enum pm_site site, const void *from, size_t bytes)
{
    uint64_t off = pm_off_of(context->pm, from);

    (void)site;
    note(context, off & ~PAGE_MASK, (off + bytes + PAGE_MASK) & ~PAGE_MASK);
}

static enum pm_status sync_ranges(struct pm_context *context, uint32_t count)
{
    struct pm *pm = context->pm;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t from = context->pending[i].from;

        if (msync(pm->base + from, context->pending[i].to - from, MS_SYNC) != 0) {
            pm_set_failed(pm, "msync");
            return PM_IO;
        }
    }
    return PM_OK;
}

static enum pm_status sync_whole(struct pm *pm)
{
    if (fdatasync(pm->fd) != 0) {
        pm_set_failed(pm, "fdatasync");
        return PM_IO;
    }
    return PM_OK;
}

static enum pm_status file_drain(struct pm_context *context, enum pm_site site)
{
    uint32_t count = context->pending_count;

    (void)site;
    context->pending_count = 0;
    return count <= RANGES_ALONE ? sync_ranges(context, count) : sync_whole(context->pm);
}

const struct pm_ops pm_file_ops = {
    .flush = file_flush,
    .drain = file_drain,
    .allocate = pm_fd_allocate,
    .close = pm_fd_close,
};
