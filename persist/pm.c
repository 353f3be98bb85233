/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What all backings of a mapping share: file space, counters of flushes and drains, the end.
 */
#include "persist/pm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "persist/pm_backing.h"

/* For headers of a libc that does not know them yet. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum { HUGE_PAGE_BYTES = 2 << 20, HUGE_PAUSE = 64 };

const char *pm_status_text(enum pm_status status)
{
    switch (status) {
    case PM_OK:
        return "ok";
    case PM_IO:
        return "input/output error";
    case PM_FULL:
        return "no space";
    case PM_DAMAGED:
        return "the pool is damaged";
    case PM_LOCKED:
        return "the pool is in use by another process";
    case PM_VERSION_BAD:
        return "the pool has another version";
    case PM_NOT_POOL:
        return "the file is no pool";
    case PM_BAD_ARGUMENT:
        return "bad argument";
    case PM_CLOCK:
        return "the clock is more than a day behind the pool's";
    case PM_NO_MEMORY:
        return "out of memory";
    }
    never("a status without a text");
}

void pm_close(struct pm *pm)
{
    if (pm != NULL)
        pm->ops->close(pm);
}

void pm_fd_close(struct pm *pm)
{
    munmap(pm->base, pm->bytes);
    close(pm->fd);
    free(pm->path);
    free(pm);
}

/* ---- file space ---- */

/*
 * tmpfs: whole huge pages where the range has them, as NVM and a mount with huge= give by themselves. One page of each
 * is allocated and grown: a quarter of the cost of 512 small ones, and records are read without a walk of page tables.
 * What cannot be had stays for small pages.
 */
static void allocate_huge(struct pm *pm, pm_off off, size_t bytes)
{
    if (!pm->small_pages || off % HUGE_PAGE_BYTES != 0 || bytes % HUGE_PAGE_BYTES != 0)
        return;
    if (pm->huge_pause > 0) {
        pm->huge_pause--;
        return;
    }
    for (pm_off at = off; at < off + bytes; at += HUGE_PAGE_BYTES) {
        if (fallocate(pm->fd, 0, (off_t)at, PM_PAGE) == 0 &&
            madvise(pm->base + at, HUGE_PAGE_BYTES, MADV_COLLAPSE) == 0)
            continue;
        pm->huge_pause = HUGE_PAUSE;
        return;
    }
}

enum pm_status pm_fd_allocate(struct pm *pm, pm_off off, size_t bytes)
{
    int error;

    allocate_huge(pm, off, bytes);
    do {
        error = fallocate(pm->fd, 0, (off_t)off, (off_t)bytes) == 0 ? 0 : errno;
    } while (error == EINTR);
    /* glibc writes a byte into each block where the file system cannot allocate by itself (NFS, for one). */
    if (error == EOPNOTSUPP)
        error = posix_fallocate(pm->fd, (off_t)off, (off_t)bytes);
    if (error == 0)
        return PM_OK;
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
        return PM_FULL;
    log_error("pool", "no file space at offset=%llu: %s; check the device", (unsigned long long)off, strerror(error));
    return PM_IO;
}

enum pm_status pm_allocate(struct pm *pm, pm_off off, size_t bytes)
{
    must(off + bytes <= pm->bytes);
    return pm->ops->allocate(pm, off, bytes);
}

/* One locked "or 0" a page: a write fault that changes nothing, even beside other writers. */
static void touch_by_hand(uint8_t *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += PM_PAGE)
        __atomic_fetch_or(from + i, 0, __ATOMIC_RELAXED);
}

void pm_touch(struct pm *pm, pm_off off, size_t bytes)
{
    must(off + bytes <= pm->bytes);
    if (pm->backing == PM_BACKING_SIM)
        return;
    if (pm->page_cache)
        (void)madvise(pm->base + off, bytes, MADV_POPULATE_READ);
    else if (madvise(pm->base + off, bytes, MADV_POPULATE_WRITE) != 0 && errno == EINVAL)
        touch_by_hand(pm->base + off, bytes);
}

static bool is_zero(const uint8_t *from, size_t bytes)
{
    return bytes == 0 || (from[0] == 0 && memcmp(from, from + 1, bytes - 1) == 0);
}

bool pm_is_blank(struct pm *pm)
{
    off_t data = 0, hole;

    if (pm->fd < 0)
        return is_zero(pm->base, pm->bytes);
    while ((size_t)data < pm->bytes) {
        data = lseek(pm->fd, data, SEEK_DATA);
        if (data < 0 || (size_t)data >= pm->bytes)
            return data >= 0 || errno == ENXIO;
        hole = lseek(pm->fd, data, SEEK_HOLE);
        if (hole < 0 || (size_t)hole > pm->bytes)
            hole = (off_t)pm->bytes;
        if (!is_zero(pm->base + data, (size_t)(hole - data)))
            return false;
        data = hole;
    }
    return true;
}

/* ---- flush and drain ---- */

void pm_context_init(struct pm_context *context, struct pm *pm)
{
    memset(context, 0, offsetof(struct pm_context, pending));
    context->pm = pm;
}

void pm_set_failed(struct pm *pm, const char *what)
{
    int error = errno;

    if (!atomic_exchange(&pm->failed, true))
        log_error("pool", "%s failed: %s; nothing more is promised durable: check the device, then restart", what,
                  strerror(error));
}

void pm_flush(struct pm_context *context, enum pm_site site, const void *from, size_t bytes)
{
    pm_off off = pm_off_of(context->pm, from);

    if (bytes == 0)
        return;
    debug_check(off + bytes <= context->pm->bytes);
    pm_count(&context->counters.flushes, 1);
    pm_count(&context->counters.flush_lines, (off + bytes - 1) / PM_LINE - off / PM_LINE + 1);
    context->pm->ops->flush(context, site, from, bytes);
}

void pm_store_head_by_ops(struct pm_context *context, void *to, uint64_t first, uint64_t second, uint64_t third,
                          uint32_t last)
{
    uint64_t words[] = {first, second, third, last};

    pm_store(context, to, words, 28);
}

void pm_stream(struct pm_context *context, enum pm_site site, void *to, const void *from, size_t bytes)
{
    const struct pm_ops *ops = context->pm->ops;

    debug_check(context->pm->streams && pm_off_of(context->pm, to) % PM_LINE == 0 && bytes % PM_LINE == 0);
    if (ops->stream != NULL) {
        pm_count(&context->counters.store_bytes, bytes);
        ops->stream(to, from, bytes);
    } else {
        pm_store(context, to, from, bytes);
        ops->flush(context, site, to, bytes);
    }
}

enum pm_status pm_drain(struct pm_context *context, enum pm_site site)
{
    pm_count(&context->counters.drains, 1);
    if (pm_failed(context->pm))
        return PM_IO;
    return context->pm->ops->drain(context, site);
}
