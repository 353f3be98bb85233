/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory whose last byte is the last that may be touched: the page behind it is not mapped. A parser that reads one
 * byte too far dies at once, whatever the build.
 */
#ifndef HEARTH_TESTS_GUARDED_H
#define HEARTH_TESTS_GUARDED_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guarded {
    uint8_t *base;
    size_t bytes; /* without the guard page */
};

/* Maps room for at least `bytes` bytes. */
static inline struct guarded guarded_open(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct guarded guarded = {NULL, (bytes + page - 1) / page * page};
    void *base = mmap(NULL, guarded.bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect((uint8_t *)base + guarded.bytes, page, PROT_NONE) != 0) {
        abort();
    }
    guarded.base = base;
    return guarded;
}

static inline void guarded_close(struct guarded *guarded)
{
    munmap(guarded->base, guarded->bytes + (size_t)sysconf(_SC_PAGESIZE));
}

/* Copies `len` bytes against the guard page and returns where they begin. */
static inline uint8_t *guarded_put(const struct guarded *guarded, const void *data, size_t len)
{
    uint8_t *at = guarded->base + guarded->bytes - len;
    if (len > 0) {
        memmove(at, data, len);
    }
    return at;
}

#endif
