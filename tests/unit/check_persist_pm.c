/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: a mapping is what it says it is, nobody else has it, and flushes and drains are counted exactly.
 * Method: files on tmpfs and on disk, opened in every way the interface allows and in those that it refuses; a second
 * process for the lock; a small tmpfs (or a file size limit) for the full disk.
 */
#include "persist/pm.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

#define MB ((size_t)1 << 20)

static char folder[256];

static const char *path_of(const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

    (void)state;
    unsetenv("PMEM_IS_PMEM_FORCE");
    log_set_level(LOG_LEVEL_ERROR + 1); /* refusals are what is tested */
    snprintf(folder, sizeof folder, "%s/hearth-check-XXXXXX", where);
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static off_t size_of(const char *path)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

static void write_file(const char *path, const char *text, off_t bytes)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    if (bytes != 0)
        assert_int_equal(truncate(path, bytes), 0);
}

/* ---- opening ---- */

static void check_create_and_open(void **state)
{
    const char *path = path_of("pool");
    struct pm *pm;

    (void)state;
    assert_int_equal(pm_open(&pm, path, 0, false), PM_IO); /* it must exist */
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(pm_open(&pm, path, 4 * MB, false), PM_OK);
    assert_int_equal(pm->backing, PM_BACKING_FILE);
    assert_false(pm->emulated);
    assert_int_equal((uintptr_t)pm->base % (2 * MB), 0);
    assert_int_equal(pm->bytes, 4 * MB);
    assert_true(pm_is_blank(pm));
    assert_int_equal(pm_allocate(pm, 2 * MB, 2 * MB), PM_OK);
    pm_touch(pm, 2 * MB, 2 * MB);
    assert_true(pm_is_blank(pm));
    pm->base[3 * MB] = 1;
    assert_false(pm_is_blank(pm));
    pm_close(pm);
    assert_int_equal(pm_open(&pm, path, 8 * MB, false), PM_OK); /* an existing file keeps its size */
    assert_int_equal(pm->bytes, 4 * MB);
    assert_int_equal(pm->base[3 * MB], 1);
    pm_close(pm);
    unlink(path);
}

static void check_refusals(void **state)
{
    const char *path = path_of("other");
    struct pm *pm;

    (void)state;
    assert_int_equal(pm_open(&pm, path, 4 * MB + 1, false), PM_BAD_ARGUMENT);
    assert_int_equal(pm_open(&pm, folder, 4 * MB, false), PM_IO);
    assert_int_equal(pm_open(&pm, "/nowhere/at/all", 4 * MB, false), PM_IO);
    assert_int_equal(pm_open(&pm, "/dev/null", 4 * MB, false), PM_NOT_POOL);
    write_file(path, "dear diary", 0);
    assert_int_equal(pm_open(&pm, path, 4 * MB, false), PM_NOT_POOL);
    assert_int_equal(size_of(path), 10);
    write_file(path, "", 0);
    assert_int_equal(pm_open(&pm, path, 0, false), PM_NOT_POOL);
    assert_int_equal(size_of(path), 0);
    assert_int_equal(pm_open(&pm, path, 4 * MB, false), PM_OK); /* an empty one may be made */
    pm_close(pm);
    assert_int_equal(size_of(path), 4 * MB);
    unlink(path);
}

/* A creation that a crash cut short, of another size: made anew. With copy B in place it is a pool. */
static void check_unfinished_is_resized(void **state)
{
    const uint64_t creating = PM_CREATING, magic = PM_MAGIC;
    const char *path = path_of("unfinished");
    struct pm *pm;

    (void)state;
    assert_int_equal(pm_open(&pm, path, 4 * MB, false), PM_OK);
    memcpy(pm->base, &creating, sizeof creating);
    memcpy(pm->base + PM_PAGE, &magic, sizeof magic);
    pm_close(pm);
    assert_int_equal(pm_open(&pm, path, 2 * MB, false), PM_OK);
    assert_int_equal(pm->bytes, 4 * MB);
    memset(pm->base + PM_PAGE, 0, sizeof magic);
    pm_close(pm);
    assert_int_equal(pm_open(&pm, path, 2 * MB, false), PM_OK);
    assert_int_equal(pm->bytes, 2 * MB);
    assert_true(pm_is_blank(pm));
    pm_close(pm);
    unlink(path);
}

static void check_trust(void **state)
{
    const char *path = path_of("trust");
    struct pm *pm;

    (void)state;
    assert_int_equal(pm_open(&pm, path, 2 * MB, true), PM_OK);
    assert_int_equal(pm->backing, PM_BACKING_DAX);
    assert_true(pm->emulated);
    pm_close(pm);
    setenv("PMEM_IS_PMEM_FORCE", "1", 1);
    assert_int_equal(pm_open(&pm, path, 0, false), PM_OK);
    assert_true(pm->backing == PM_BACKING_DAX && pm->emulated);
    pm_close(pm);
    unsetenv("PMEM_IS_PMEM_FORCE");
    assert_int_equal(pm_open(&pm, path, 0, false), PM_OK);
    assert_true(pm->backing == PM_BACKING_FILE && !pm->emulated);
    pm_close(pm);
    unlink(path);
}

/* ---- lock ---- */

static int open_in_child(const char *path)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct pm *pm;

        _exit((int)pm_open(&pm, path, 2 * MB, false));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void check_lock(void **state)
{
    const char *path = path_of("locked");
    struct pm *pm;

    (void)state;
    assert_int_equal(pm_open(&pm, path, 2 * MB, false), PM_OK);
    assert_int_equal(open_in_child(path), PM_LOCKED);
    assert_int_equal(pm_open(&pm, path, 0, false), PM_LOCKED); /* the same process counts too */
    pm_close(pm);
    assert_int_equal(open_in_child(path), PM_OK);
    unlink(path);
}

/* ---- flush and drain ---- */

static void check_counters_of(bool trust)
{
    const char *path = path_of("counted");
    struct pm_context context;
    struct pm *pm;
    uint8_t bytes[200] = {1};

    assert_int_equal(pm_open(&pm, path, 2 * MB, trust), PM_OK);
    assert_int_equal(pm_allocate(pm, 0, 2 * MB), PM_OK);
    pm_context_init(&context, pm);
    pm_store(&context, pm_at(pm, 60), bytes, sizeof bytes);
    pm_store_word(&context, pm_at(pm, 1024), 7);
    pm_flush(&context, PM_SITE_TURN_FLUSH, pm_at(pm, 60), sizeof bytes); /* 60..259: lines 0 to 4 */
    pm_flush(&context, PM_SITE_TURN_FLUSH, pm_at(pm, 1024), 8);
    pm_flush(&context, PM_SITE_TURN_FLUSH, pm_at(pm, 64), 64);
    pm_flush(&context, PM_SITE_TURN_FLUSH, pm_at(pm, 127), 2);
    pm_flush(&context, PM_SITE_TURN_FLUSH, pm_at(pm, 0), 0);
    assert_int_equal(pm_drain(&context, PM_SITE_TURN_DRAIN), PM_OK);
    assert_int_equal(context.counters.store_bytes, 208);
    assert_int_equal(context.counters.flush_lines, 5 + 1 + 1 + 2);
    assert_int_equal(context.counters.flushes, 4);
    assert_int_equal(context.counters.drains, 1);
    pm_close(pm);
    assert_int_equal(pm_open(&pm, path, 0, trust), PM_OK);
    assert_int_equal(pm->base[60], 1);
    assert_int_equal(pm->base[1024], 7);
    pm_close(pm);
    unlink(path);
}

static void check_counters(void **state)
{
    (void)state;
    check_counters_of(false);
    check_counters_of(true);
}

/* Every range that was flushed is inside what awaits msync, rounded to pages, however many there are. */
static void check_pending(void **state)
{
    const char *path = path_of("pending");
    struct pm_context context;
    struct pm *pm;
    unsigned seed = 3;

    (void)state;
    assert_int_equal(pm_open(&pm, path, 16 * MB, false), PM_OK);
    assert_int_equal(pm_allocate(pm, 0, 16 * MB), PM_OK);
    pm_context_init(&context, pm);
    pm_flush(&context, PM_SITE_TURN_FLUSH, pm_at(pm, 5000), 100);
    pm_flush(&context, PM_SITE_TURN_FLUSH, pm_at(pm, 8100), 200); /* touches the page before it */
    assert_int_equal(context.pending_count, 1);
    assert_int_equal(context.pending[0].from, 4096);
    assert_int_equal(context.pending[0].to, 12288);
    for (int i = 0; i < 500; i++) {
        uint64_t off = (uint64_t)rand_r(&seed) % (16 * MB - 10000), bytes = 1 + (uint64_t)rand_r(&seed) % 9000;
        bool inside = false;

        pm_flush(&context, PM_SITE_TURN_FLUSH, pm_at(pm, off), bytes);
        assert_true(context.pending_count <= PM_PENDING_MAX);
        for (uint32_t j = 0; j < context.pending_count; j++)
            inside = inside || (context.pending[j].from <= off && off + bytes <= context.pending[j].to);
        assert_true(inside);
    }
    assert_int_equal(context.pending_count, PM_PENDING_MAX);
    assert_int_equal(pm_drain(&context, PM_SITE_TURN_DRAIN), PM_OK);
    assert_int_equal(context.pending_count, 0);
    pm_close(pm);
    unlink(path);
}

/* R5: one failure is for ever. An unmapped range makes msync fail as a device would. */
static void check_failed_msync_is_final(void **state)
{
    const char *path = path_of("failing");
    struct pm_context context;
    struct pm *pm;

    (void)state;
    assert_int_equal(pm_open(&pm, path, 2 * MB, false), PM_OK);
    pm_context_init(&context, pm);
    pm_flush(&context, PM_SITE_TURN_FLUSH, pm_at(pm, 0), 8);
    assert_int_equal(context.pending_count, 1);
    context.pending[0].from = 1; /* not a page's address: EINVAL */
    assert_int_equal(pm_drain(&context, PM_SITE_TURN_DRAIN), PM_IO);
    assert_true(pm_failed(pm));
    pm_flush(&context, PM_SITE_TURN_FLUSH, pm_at(pm, 0), 8);
    assert_int_equal(pm_drain(&context, PM_SITE_TURN_DRAIN), PM_IO);
    pm_close(pm);
    unlink(path);
}

/* Many ranges are synced at once, by another call: it fails for ever too. */
static void check_failed_fdatasync_is_final(void **state)
{
    const char *path = path_of("failing");
    struct pm_context context;
    struct pm *pm;

    (void)state;
    assert_int_equal(pm_open(&pm, path, 2 * MB, false), PM_OK);
    pm_context_init(&context, pm);
    for (pm_off off = 0; off < MB; off += 65536)
        pm_flush(&context, PM_SITE_TURN_FLUSH, pm_at(pm, off), 8);
    assert_int_equal(close(pm->fd), 0);
    assert_int_equal(pm_drain(&context, PM_SITE_TURN_DRAIN), PM_IO);
    assert_int_equal(pm_drain(&context, PM_SITE_TURN_DRAIN), PM_IO);
    assert_true(pm_failed(pm));
    pm->fd = open(path, O_RDWR | O_CLOEXEC);
    pm_close(pm);
    unlink(path);
}

/* ---- a full disk ---- */

/* In a namespace of its own: a tmpfs of 4 MB. Exit status 77: not allowed to. */
static int fill_small_disk(void)
{
    const char *path;
    struct pm *pm;
    size_t got = 0;

    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", path_of("mount"), "tmpfs", 0, "size=4m") != 0)
        return 77;
    path = path_of("mount/pool");
    if (pm_open(&pm, path, 16 * MB, false) != PM_OK) /* sparse */
        return 1;
    while (got < 16 && pm_allocate(pm, got * MB, MB) == PM_OK) {
        pm_touch(pm, got * MB, MB);
        got++;
    }
    if (got < 3 || got > 4 || pm_allocate(pm, 8 * MB, MB) != PM_FULL)
        return 2;
    if (pm_allocate(pm, 0, MB) != PM_OK) /* what is there stays */
        return 3;
    memset(pm->base, 1, got * MB);
    pm_close(pm);
    return 0;
}

static void check_full_disk(void **state)
{
    int status;
    pid_t pid;

    (void)state;
    assert_int_equal(mkdir(path_of("mount"), 0700), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(fill_small_disk());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    rmdir(path_of("mount"));
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* A limit on file sizes is an answer too, and leaves no file behind. */
static void check_file_size_limit(void **state)
{
    const char *path = path_of("limited");
    struct rlimit old, small = {.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};
    struct pm *pm;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(pm_open(&pm, path, 4 * MB, false), PM_IO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(access(path, F_OK), -1);
}

static void check_status_texts(void **state)
{
    (void)state;
    for (int status = PM_OK; status <= PM_NO_MEMORY; status++)
        assert_true(strlen(pm_status_text((enum pm_status)status)) > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_create_and_open),
        cmocka_unit_test(check_refusals),
        cmocka_unit_test(check_unfinished_is_resized),
        cmocka_unit_test(check_trust),
        cmocka_unit_test(check_lock),
        cmocka_unit_test(check_counters),
        cmocka_unit_test(check_pending),
        cmocka_unit_test(check_failed_msync_is_final),
        cmocka_unit_test(check_failed_fdatasync_is_final),
        cmocka_unit_test(check_full_disk),
        cmocka_unit_test(check_file_size_limit),
        cmocka_unit_test(check_status_texts),
    };

    return cmocka_run_group_tests_name("pm", tests, make_folder, remove_folder);
}
