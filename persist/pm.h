/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mapping of the pool and the one way to store to it.
 *
 * IDEA: every store to media goes through pm_store() and becomes durable by pm_flush() + pm_drain(), through one small
 * table of functions with three backings: dax (libpmem: clwb, sfence), file (page cache and msync) and sim (a private
 * image with a simulated persistence domain, for crash tests).
 *
 * THREADS: struct pm is shared. A struct pm_context belongs to one thread: it remembers the ranges that await a drain
 * (file) and counts what was stored, flushed and drained, which the budget tests read.
 *
 * DURABILITY: a range is durable when pm_flush() of it and then pm_drain() on the same context have returned PM_OK.
 * A failed msync is final (invariant R5): from then on every drain returns PM_IO and pm_failed() is true.
 */
#ifndef HEARTH_PERSIST_PM_H
#define HEARTH_PERSIST_PM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"
#include "persist/pm_layout.h"
#include "persist/pm_sites.h"

enum pm_status {
    PM_OK = 0,
    PM_IO,          /* the system refused: errno was logged */
    PM_FULL,        /* no space in the pool or on its file system */
    PM_DAMAGED,     /* bytes on media are not what they must be; where was logged */
    PM_LOCKED,      /* another process has the pool open */
    PM_VERSION_BAD, /* a pool of another version or with unknown features */
    PM_NOT_POOL,    /* a file, but no pool */
    PM_BAD_ARGUMENT,
    PM_CLOCK, /* the wall clock is more than a day behind the pool's */
    PM_NO_MEMORY,
};
const char *pm_status_text(enum pm_status status);

enum pm_backing { PM_BACKING_DAX, PM_BACKING_FILE, PM_BACKING_SIM };

struct pm;
struct pm_context;

struct pm_ops {
    void (*store)(struct pm *pm, void *to, const void *from, size_t bytes); /* NULL: plain memcpy is right */
    void (*store_word)(struct pm *pm, uint64_t *to, uint64_t value);        /* NULL: relaxed atomic store is right */
    void (*stream)(void *to, const void *from, size_t bytes);               /* NULL: store and flush do the same */
    void (*flush)(struct pm_context *context, enum pm_site site, const void *from, size_t bytes);
    enum pm_status (*drain)(struct pm_context *context, enum pm_site site);
    enum pm_status (*allocate)(struct pm *pm, pm_off off, size_t bytes); /* file space for a range; PM_FULL */
    void (*close)(struct pm *pm);
};

struct pm {
    const struct pm_ops *ops;
    uint8_t *base; /* 2 MB aligned */
    size_t bytes;
    enum pm_backing backing;
    bool emulated;       /* dax only because the operator or PMEM_IS_PMEM_FORCE said so: reports say "emulated" */
    bool page_cache;     /* dirty pages are written to a device sooner or later: not on DAX, nor on tmpfs */
    bool streams;        /* pm_stream() is there, and pays */
    bool small_pages;    /* tmpfs: pages of 4 KB unless asked for larger ones */
    uint32_t huge_pause; /* allocations to go before asking again, after a refusal; the allocating thread's */
    _Atomic bool failed; /* R5 */
    int fd;              /* -1 in sim */
    char *path;          /* owned, for messages: pm_name(); NULL in sim */
};

enum { PM_PENDING_MAX = 3 };

struct pm_counters {
    uint64_t store_bytes, flush_lines, flushes, drains;
};

struct pm_context {
    struct pm *pm;
    struct pm_counters counters;
    uint32_t pending_count; /* file: ranges to sync at the next drain; at the bound, the whole file */
    struct {
        uint64_t from, to; /* bytes from base */
    } pending[PM_PENDING_MAX];
};

/*
 * Maps `path`. create_bytes 0: it must exist; else it is made with that size (a multiple of 2 MB) when there is none, or
 * an empty one, or one that a crash left behind half made; any other existing file is opened as it is, untouched:
 * pool_open() judges what is in it. Takes an exclusive lock (PM_LOCKED). Verifies what the mapping is: dax when libpmem says so with
 * MAP_SYNC, or when trust_pmem, which sets `emulated`; file otherwise.
 */
enum pm_status pm_open(struct pm **out, const char *path, size_t create_bytes, bool trust_pmem) HEARTH_MUST_USE;
void pm_close(struct pm *pm);
/* Grows nothing, owns nothing of pm. */
void pm_context_init(struct pm_context *context, struct pm *pm);

static inline bool pm_failed(struct pm *pm)
{
    return atomic_load_explicit(&pm->failed, memory_order_relaxed);
}
/* The file, as messages name it. */
static inline const char *pm_name(const struct pm *pm)
{
    return pm->path != NULL ? pm->path : "(simulated)";
}
static inline void *pm_at(const struct pm *pm, pm_off off)
{
    return pm->base + off;
}
static inline pm_off pm_off_of(const struct pm *pm, const void *address)
{
    return (pm_off)((const uint8_t *)address - pm->base);
}

/* One thread counts, anyone may read (relaxed). */
static inline void pm_count(uint64_t *counter, uint64_t by)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + by, __ATOMIC_RELAXED);
}

/* Ordinary stores: visible at once, durable by flush and drain. Nobody else may read the bytes meanwhile. */
static inline void pm_store(struct pm_context *context, void *to, const void *from, size_t bytes)
{
    pm_count(&context->counters.store_bytes, bytes);
    if (HEARTH_LIKELY(!context->pm->ops->store))
        memcpy(to, from, bytes);
    else
        context->pm->ops->store(context->pm, to, from, bytes);
}
/* pm_store_head() where a backing watches the stores. */
void pm_store_head_by_ops(struct pm_context *context, void *to, uint64_t first, uint64_t second, uint64_t third,
                          uint32_t last);
/*
 * The same of 28 bytes that are in registers. Put together in memory and copied from there in larger pieces they would wait
 * for their own stores.
 */
static HEARTH_INLINE void pm_store_head(struct pm_context *context, void *to, uint64_t first, uint64_t second,
                                        uint64_t third, uint32_t last)
{
    if (HEARTH_UNLIKELY(context->pm->ops->store)) {
        pm_store_head_by_ops(context, to, first, second, third, last);
        return;
    }
    pm_count(&context->counters.store_bytes, 28);
    memcpy(to, &first, 8);
    memcpy((uint8_t *)to + 8, &second, 8);
    memcpy((uint8_t *)to + 16, &third, 8);
    memcpy((uint8_t *)to + 24, &last, 4);
}
/* One aligned 8-byte store, never torn, by crash or by concurrent readers (relaxed atomic). */
static inline void pm_store_word(struct pm_context *context, uint64_t *to, uint64_t value)
{
    pm_count(&context->counters.store_bytes, 8);
    if (HEARTH_LIKELY(!context->pm->ops->store_word))
        __atomic_store_n(to, value, __ATOMIC_RELAXED);
    else
        context->pm->ops->store_word(context->pm, to, value);
}
/*
 * Stores whole lines past the caches (`to` and `bytes` are multiples of PM_LINE), where pm->streams says so: a store that
 * is flushed as well. Visible to others, and durable, behind the next drain of this context.
 */
void pm_stream(struct pm_context *context, enum pm_site site, void *to, const void *from, size_t bytes);
/* Starts writing back the lines that hold [from, from + bytes). */
void pm_flush(struct pm_context *context, enum pm_site site, const void *from, size_t bytes);
/* Waits until all that this context flushed is durable. PM_IO: it is not, and never will be promised again. */
enum pm_status pm_drain(struct pm_context *context, enum pm_site site) HEARTH_MUST_USE;
/* File space for a range, so that stores to it never end in SIGBUS. PM_FULL: the file system or a quota says no. Again
 * for the same range is harmless. */
enum pm_status pm_allocate(struct pm *pm, pm_off off, size_t bytes) HEARTH_MUST_USE;
/* Takes the page faults of an allocated range in advance; changes no byte. Before a device pages are only read: a page
 * that was dirtied in vain would be written twice. */
void pm_touch(struct pm *pm, pm_off off, size_t bytes);
/* True when every byte is zero (holes are skipped). */
bool pm_is_blank(struct pm *pm);

#endif
