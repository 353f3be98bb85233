/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log's one file descriptor, its filter and its line format.
 *
 * IDEA     The descriptor's number never changes while a file is open: a rotated file is put under it
 *          with dup3(), so a thread in the middle of write() needs no lock.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define LOG_PATH_BYTES_MAX 4096

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug", [LOG_LEVEL_INFO] = "info",   [LOG_LEVEL_NOTICE] = "notice",
    [LOG_LEVEL_WARN] = "warn",   [LOG_LEVEL_ERROR] = "error",
};

static _Atomic int log_filter = LOG_LEVEL_NOTICE;
static _Atomic int log_fd = STDERR_FILENO;
static char log_path[LOG_PATH_BYTES_MAX];

static int open_file(const char *path, int *fd)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    return *fd < 0 ? errno : 0;
}

int log_output_open(const char *path)
{
    int fd;
    int error;

    if (path == NULL || path[0] == '\0') {
        log_output_close();
        return 0;
    }
    if (strlen(path) >= sizeof log_path)
        return ENAMETOOLONG;
    error = open_file(path, &fd);
    if (error != 0)
        return error;
    log_output_close();
    memmove(log_path, path, strlen(path) + 1);
    atomic_store(&log_fd, fd);
    return 0;
}

int log_output_reopen(void)
{
    int old = atomic_load(&log_fd);
    int fd;
    int error;

    if (old == STDERR_FILENO)
        return 0;
    error = open_file(log_path, &fd);
    if (error != 0)
        return error;
    if (dup3(fd, old, O_CLOEXEC) < 0)
        error = errno;
    close(fd);
    return error;
}

void log_output_close(void)
{
    int old = atomic_exchange(&log_fd, STDERR_FILENO);

    if (old != STDERR_FILENO)
        close(old);
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_filter, (int)level, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load_explicit(&log_filter, memory_order_relaxed);
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

bool log_level_parse(const char *name, enum log_level *level)
{
    static const struct {
        const char *name;
        enum log_level level;
    } names[] = {
        {"debug", LOG_LEVEL_DEBUG},   {"info", LOG_LEVEL_INFO}, {"verbose", LOG_LEVEL_INFO},
        {"notice", LOG_LEVEL_NOTICE}, {"warn", LOG_LEVEL_WARN}, {"warning", LOG_LEVEL_WARN},
        {"error", LOG_LEVEL_ERROR},
    };

    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(names); i++) {
        if (strcasecmp(name, names[i].name) == 0) {
            *level = names[i].level;
            return true;
        }
    }
    return false;
}

/* Writes `2026-01-31T12:00:00.000Z 123 warn tag ` and returns its length. */
static size_t format_head(char *line, size_t line_bytes, enum log_level level, const char *tag)
{
    struct timespec now;
    struct tm utc;
    size_t len;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    len = strftime(line, line_bytes, "%Y-%m-%dT%H:%M:%S", &utc);
    len += (size_t)snprintf(line + len, line_bytes - len, ".%03ldZ %d %s %.64s ", now.tv_nsec / 1000000, (int)getpid(),
                            level_names[level], tag);
    return len;
}

void log_message(enum log_level level, const char *tag, const char *fmt, ...)
{
    char line[LOG_LINE_BYTES_MAX];
    int saved_errno = errno;
    size_t head_len = format_head(line, sizeof line, level, tag);
    size_t len = head_len;
    va_list values;
    int text_len;

    errno = saved_errno;
    va_start(values, fmt);
    text_len = vsnprintf(line + len, sizeof line - len, fmt, values);
    va_end(values);
    if (text_len > 0)
        len += (size_t)text_len;
    if (len > sizeof line - 1)
        len = sizeof line - 1;
    for (size_t i = head_len; i < len; i++) {
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    }
    line[len++] = '\n';
    /* A log that cannot be written has nowhere to say so; the server goes on. */
    if (write(atomic_load(&log_fd), line, len) < 0)
        errno = saved_errno;
    errno = saved_errno;
}
