/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the server tells its operator: one line a message, `timestamp pid level tag message`.
 *
 * IDEA     A level says what the operator should do:
 *            error   act now: a promise is broken, or the server stops
 *            warn    look soon: it goes on, with less than was asked for
 *            notice  nothing; what changed in the life of the server (start, stop, pool opened)
 *            info    nothing; detail that helps when one looks back
 *            debug   for developers
 *          A message says what happened, to what, and what to do about it, as `tag key=value`.
 *          There is no logging on the hot path.
 * THREADS  Any, without a lock: each line is formatted on the stack and leaves in one write().
 *          A line longer than LOG_LINE_BYTES_MAX is cut.
 * NAMES    log_output_* and the levels are this; persist/log.h has the log of records.
 * STATE    The log belongs to the process (like stderr), so it alone has no context pointer.
 */
#ifndef HEARTH_BASE_LOG_H
#define HEARTH_BASE_LOG_H

#include "base/compiler.h"

#include <stdbool.h>

#define LOG_LINE_BYTES_MAX 2048

enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_WARN,
    LOG_LEVEL_ERROR,
};

/*
 * Sends the log to the file at `path` (created with mode 0640, appended to), or to stderr when path
 * is NULL or "". Returns 0, or an errno value with the log left where it was. Not for two threads at once.
 */
HEARTH_MUST_USE int log_output_open(const char *path);

/*
 * Opens the file again under its name, for whoever rotates logs. Returns 0 (at once on stderr) or an errno
 * value with the log left where it was. Not for two threads at once, not from a signal handler.
 */
HEARTH_MUST_USE int log_output_reopen(void);

/* Sends the log back to stderr and closes the file. */
void log_output_close(void);

/* Messages below `level` are left out. Starts at LOG_LEVEL_NOTICE. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* "debug", "info", ...; the inverse takes Redis's names too ("verbose", "warning") and returns false
 * for what it does not know. */
const char *log_level_name(enum log_level level);
HEARTH_MUST_USE bool log_level_parse(const char *name, enum log_level *level);

/* Writes one line whatever the filter says. Control bytes in the text become '?'. Keeps errno. */
void log_message(enum log_level level, const char *tag, const char *fmt, ...) HEARTH_PRINTF(3, 4);

#define LOG_AT(level, ...) \
    do { \
        if ((level) >= log_get_level()) \
            log_message((level), __VA_ARGS__); \
    } while (0)

/* log_xxx(tag, fmt, ...): the arguments are evaluated only when the message passes the filter. */
#define log_debug(...) LOG_AT(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_notice(...) LOG_AT(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_warn(...) LOG_AT(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) LOG_AT(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
