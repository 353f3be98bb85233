/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening a mapping: the file, its lock and size, and what the mapping is.
 *
 * DURABILITY  A crash while a file is made leaves no file, an empty one, or one of full size that is all zeros: the
 *             next pm_open() with a size takes each of them for a new file.
 */
#include "persist/pm_backing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/log.h"

#define ALIGN_BYTES ((size_t)2 << 20)
#define SIZE_UNIT ((size_t)1 << PM_SEGMENT_BITS_MIN)

/* For headers of a libc that does not know them yet. */
#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif
#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 0x03
#endif

/* ---- the file ---- */

/* Makes the file, or opens the one that is there. */
static enum pm_status open_file(const char *path, bool create, int *fd, bool *made)
{
    *made = false;
    if (create) {
        *fd = open(path, O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, 0640);
        if (*fd >= 0) {
            *made = true;
            return PM_OK;
        }
        if (errno != EEXIST) {
            log_error("pool", "path=%s cannot be created: %s; make the directory writable or name another pool", path,
                      strerror(errno));
            return PM_IO;
        }
    }
    *fd = open(path, O_RDWR | O_CLOEXEC);
    if (*fd < 0) {
        log_error("pool", "path=%s cannot be opened: %s; check the path and its permissions", path, strerror(errno));
        return PM_IO;
    }
    return PM_OK;
}

static enum pm_status lock_file(const char *path, int fd)
{
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR)
            continue;
        if (errno == EWOULDBLOCK) {
            log_error("pool", "path=%s is in use by another process; stop that one or name another pool", path);
            return PM_LOCKED;
        }
        log_error("pool", "path=%s cannot be locked: %s; the file system must support flock", path, strerror(errno));
        return PM_IO;
    }
    return PM_OK;
}

/* The name of a new file is durable only with its directory. */
static enum pm_status sync_directory(const char *path)
{
    char directory[PATH_MAX];
    char *slash;
    int fd, failed;

    if (strlen(path) >= sizeof directory)
        return PM_BAD_ARGUMENT;
    memcpy(directory, path, strlen(path) + 1);
    slash = strrchr(directory, '/');
    if (slash == NULL)
        memcpy(directory, ".", 2);
    else
        slash[slash == directory ? 1 : 0] = '\0';
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        log_error("pool", "directory=%s cannot be opened: %s", directory, strerror(errno));
        return PM_IO;
    }
    failed = fsync(fd) != 0 && errno != EINVAL;
    if (failed)
        log_error("pool", "directory=%s cannot be synced: %s; check the device", directory, strerror(errno));
    close(fd);
    return failed ? PM_IO : PM_OK;
}

static enum pm_status resize(const char *path, int fd, size_t bytes)
{
    if (ftruncate(fd, 0) != 0 || ftruncate(fd, (off_t)bytes) != 0 || fsync(fd) != 0) {
        log_error("pool", "path=%s cannot be made %zu bytes long: %s; choose a smaller pool-size or raise the limit",
                  path, bytes, strerror(errno));
        return PM_IO;
    }
    return sync_directory(path);
}

/* A creation that a crash cut short, by its mark; the second superblock copy is written before the first. */
static bool is_unfinished(int fd)
{
    uint64_t first = 0, second = 0;

    return pread(fd, &first, sizeof first, 0) == sizeof first && first == PM_CREATING &&
           pread(fd, &second, sizeof second, PM_PAGE) == sizeof second && second != PM_MAGIC;
}

/* Gives a new or empty file its size; an existing one keeps its own, unless it is an unfinished creation. */
static enum pm_status size_file(const char *path, int fd, size_t create_bytes, size_t *bytes)
{
    struct stat status;

    if (fstat(fd, &status) != 0) {
        log_error("pool", "path=%s: fstat: %s", path, strerror(errno));
        return PM_IO;
    }
    if (!S_ISREG(status.st_mode)) {
        log_error("pool", "path=%s is not a regular file; a pool is a file, on a DAX file system or any other", path);
        return PM_NOT_POOL;
    }
    *bytes = (size_t)status.st_size;
    if (create_bytes != 0 && (*bytes == 0 || (*bytes != create_bytes && is_unfinished(fd)))) {
        *bytes = create_bytes;
        return resize(path, fd, create_bytes);
    }
    if (*bytes < 2 * PM_PAGE) {
        log_error("pool", "path=%s bytes=%zu is no pool; name another file, or remove this one", path, *bytes);
        return PM_NOT_POOL;
    }
    return PM_OK;
}

/* ---- the mapping ---- */

/* -1: nobody said; 0 or 1: PMEM_IS_PMEM_FORCE, which libpmem honours too. */
static int forced_pmem(void)
{
    const char *value = getenv("PMEM_IS_PMEM_FORCE");

    if (value == NULL || (value[0] != '0' && value[0] != '1') || value[1] != '\0')
        return -1;
    return value[0] - '0';
}

/* Address space of `bytes`, aligned to 2 MB so that huge pages fit; NULL when there is none. */
static uint8_t *reserve(size_t bytes)
{
    size_t whole = bytes + ALIGN_BYTES;
    uint8_t *raw = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t head;

    if (raw == MAP_FAILED)
        return NULL;
    head = (ALIGN_BYTES - (uintptr_t)raw % ALIGN_BYTES) % ALIGN_BYTES;
    if (head != 0)
        munmap(raw, head);
    if (whole - head > bytes)
        munmap(raw + head + bytes, whole - head - bytes);
    return raw + head;
}

static bool map_at(struct pm *pm, int flags)
{
    return mmap(pm->base, pm->bytes, PROT_READ | PROT_WRITE, flags | MAP_FIXED, pm->fd, 0) != MAP_FAILED;
}

static bool is_on_tmpfs(int fd)
{
    struct statfs status;

    return fstatfs(fd, &status) == 0 && status.f_type == TMPFS_MAGIC;
}

/* MAP_SYNC succeeds only where the mapping is the medium: that is what decides about dax. */
static enum pm_status map_file(struct pm *pm, const char *path, bool trust_pmem)
{
    int forced = forced_pmem();

    pm->base = reserve(pm->bytes);
    if (pm->base == NULL) {
        log_error("pool", "path=%s: no address space for %zu bytes; raise RLIMIT_AS", path, pm->bytes);
        return PM_NO_MEMORY;
    }
    if (forced != 0 && map_at(pm, MAP_SHARED_VALIDATE | MAP_SYNC)) {
        pm->backing = PM_BACKING_DAX;
    } else if (map_at(pm, MAP_SHARED)) {
        pm->emulated = trust_pmem || forced == 1;
        pm->backing = pm->emulated ? PM_BACKING_DAX : PM_BACKING_FILE;
        pm->small_pages = is_on_tmpfs(pm->fd);
        pm->page_cache = !pm->small_pages;
        (void)madvise(pm->base, pm->bytes, MADV_HUGEPAGE); /* tmpfs with huge=advise; elsewhere it may refuse */
    } else {
        log_error("pool", "path=%s cannot be mapped: %s", path, strerror(errno));
        munmap(pm->base, pm->bytes);
        return PM_IO;
    }
    pm->ops = pm->backing == PM_BACKING_DAX ? &pm_dax_ops : &pm_file_ops;
    pm->streams = pm->backing == PM_BACKING_DAX && pm_dax_streams();
    return PM_OK;
}

static enum pm_status map_new(struct pm **out, const char *path, int fd, size_t bytes, bool trust_pmem)
{
    struct pm *pm = calloc(1, sizeof *pm);
    enum pm_status status;

    if (pm == NULL)
        return PM_NO_MEMORY;
    pm->fd = fd;
    pm->bytes = bytes & ~((size_t)PM_PAGE - 1);
    atomic_init(&pm->failed, false);
    pm->path = strdup(path);
    status = pm->path != NULL ? map_file(pm, path, trust_pmem) : PM_NO_MEMORY;
    if (status != PM_OK) {
        free(pm->path);
        free(pm);
        return status;
    }
    *out = pm;
    return PM_OK;
}

enum pm_status pm_open(struct pm **out, const char *path, size_t create_bytes, bool trust_pmem)
{
    enum pm_status status;
    size_t bytes;
    bool made;
    int fd;

    if (create_bytes % SIZE_UNIT != 0) {
        log_error("pool", "path=%s pool-size=%zu must be a multiple of 2 MB", path, create_bytes);
        return PM_BAD_ARGUMENT;
    }
    status = open_file(path, create_bytes != 0, &fd, &made);
    if (status != PM_OK)
        return status;
    status = lock_file(path, fd);
    if (status != PM_OK)
        goto fail;
    status = size_file(path, fd, create_bytes, &bytes);
    if (status == PM_OK)
        status = map_new(out, path, fd, bytes, trust_pmem);
    if (status == PM_OK)
        return PM_OK;
    if (made)
        (void)unlink(path); /* ours, and empty: whoever comes next starts from nothing */
fail:
    close(fd);
    return status;
}
