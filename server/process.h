/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What makes a process a server: background, pid file, user, open files, signals, and last words.
 */
#ifndef HEARTH_SERVER_PROCESS_H
#define HEARTH_SERVER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/*
 * Goes on in a child; the parent waits until process_is_ready() in the child, then exits with status 0, or with 1 when
 * the child ends before. Before there are threads. False: the system refuses, logged.
 */
bool process_daemonize(void) HEARTH_MUST_USE;
/* Tells the waiting parent, if there is one, and lets go of the terminal. */
void process_is_ready(void);

/* Writes the process's number into a file. False: logged. */
bool process_write_pidfile(const char *path) HEARTH_MUST_USE;
/* Removes it, if it still holds this process's number. */
void process_remove_pidfile(const char *path);

/*
 * Becomes the user `name`, with its groups, when root; a warning otherwise. The files and unix sockets at the `count`
 * paths become that user's before: what root has made the user must be able to use; "" is passed over. False: logged.
 */
bool process_become_user(const char *name, const char *const *paths, size_t count) HEARTH_MUST_USE;

/* Raises the limit of open files for so many clients. Returns how many clients there can be. */
uint64_t process_raise_open_files(uint64_t clients);

/* Blocks the signals that process_wait_signal() takes, for this thread and those it makes. Ignores SIGPIPE. */
void process_block_signals(void);
enum process_signal { PROCESS_STOP, PROCESS_REOPEN_LOG };
/* Waits for TERM, INT, USR1 (stop) or HUP. */
enum process_signal process_wait_signal(void);
/* From now on TERM and INT end the process at once. */
void process_expect_second_signal(void);

/*
 * SIGBUS, SIGSEGV, SIGFPE, SIGILL: says what happened, to the log and to standard error, then dies of it. The mapping
 * is that of the pool: SIGBUS within it means that the file or its medium fails. log_path as of logfile.
 */
void process_catch_faults(const char *log_path);
void process_set_mapping(const void *base, size_t bytes, const char *pool_path);

#endif
