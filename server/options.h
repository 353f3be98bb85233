/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options: one table, from which come the configuration file, the command line, CONFIG GET and SET, `stats settings`,
 * conf/hearth.conf and the manual's section.
 *
 * IDEA
 *   A row names an option, its type, default, bounds, whether it can change at run time, and a line of help. The rows
 *   make the fields of struct options: strings are kept as text, numbers as 64-bit integers in the unit of the row.
 *
 *   CONFIG GET also knows names of Redis's that tools ask for and that are no options here: config.c.
 *
 * THREADS  Reading after start: any thread, numbers with options_number() (relaxed atomic), texts that cannot change at
 *          run time directly, the others through options_text(). CONFIG SET from any worker, under a lock inside.
 */
#ifndef HEARTH_SERVER_OPTIONS_H
#define HEARTH_SERVER_OPTIONS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "proto/resp.h"
#include "server/option_table.h"

enum option {
#define ROW(ID, name, type, standard, low, high, when, argument, help) OPTION_##ID,
    OPTIONS(ROW)
#undef ROW
        OPTION_COUNT
};

enum option_type {
    OPTION_TEXT,
    OPTION_SECRET,
    OPTION_NUMBER,
    OPTION_SIZE,
    OPTION_DURATION,
    OPTION_OCTAL,
    OPTION_YES_NO,
    OPTION_CHOICE
};
enum option_when { OPTION_START, OPTION_RUNTIME };

struct option_row {
    const char *name;
    enum option_type type;
    const char *standard; /* the default, as text */
    uint64_t low, high;
    enum option_when when;
    const char *argument; /* of a choice: "process|power"; else what the manual shows */
    const char *help;
};
extern const struct option_row option_table[OPTION_COUNT];

struct options {
    pthread_mutex_t lock; /* of texts that change at run time */
    struct {
        char *text; /* as given, or the default; never NULL */
        _Atomic uint64_t number;
        bool given;
    } values[OPTION_COUNT];
    char *config_path; /* absolute; NULL: no file was given */
};

/* Defaults everywhere. False: no memory. */
bool options_init(struct options *options);
void options_free(struct options *options);

static inline uint64_t options_number(const struct options *options, enum option option)
{
    return atomic_load_explicit(&options->values[option].number, memory_order_relaxed);
}
/* The text of an option that cannot change at run time. */
static inline const char *options_fixed_text(const struct options *options, enum option option)
{
    return options->values[option].text;
}
/* A copy of any option's text as CONFIG GET shows it. Cut when it does not fit. Returns its length. */
size_t options_text(struct options *options, enum option option, char *out, size_t out_bytes);

/* Whether clients of Redis's protocol must give a password. */
bool options_password_is_asked(struct options *options);
/* Whether `password` is the one that requirepass asks for, in a time that does not depend on it. True when none is. */
bool options_password_fits(struct options *options, const void *password, size_t len);

#define OPTION_ERROR_BYTES 512

/*
 * Sets one option at start from words. `where` ("hearth.conf:12", "--threads") begins the message. False: `error` says
 * what is wrong and what to do.
 */
bool options_set(struct options *options, const char *where, const char *name, const char *value,
                 char error[OPTION_ERROR_BYTES]) HEARTH_MUST_USE;
/* Reads a configuration file: "name value" lines, # comments, "quoted values", include. */
bool options_read_file(struct options *options, const char *path, char error[OPTION_ERROR_BYTES]) HEARTH_MUST_USE;

enum options_action {
    OPTIONS_RUN,
    OPTIONS_HELP,
    OPTIONS_VERSION,
    OPTIONS_MAN_OPTIONS,
    OPTIONS_MAN_COMMANDS,
    OPTIONS_CONF,
    OPTIONS_BAD,
};
/* Reads the command line. OPTIONS_BAD: error says why. */
enum options_action options_read_arguments(struct options *options, int argc, char **argv,
                                           char error[OPTION_ERROR_BYTES]) HEARTH_MUST_USE;

/* ---- CONFIG ---- */

struct server;

/* All names, fixed ones too, that match a glob pattern (any case), with their values. After server_start(). */
void config_match(struct server *server, const void *pattern, size_t pattern_len,
                  void (*each)(const char *name, const char *value, void *context), void *context);
/* The name in Redis of what happens when the pool is full: maxmemory-policy. */
const char *config_maxmemory_policy(const struct options *options);

/*
 * CONFIG SET: name and value pairs, all or none. False: `error` is the whole error reply without '-' and line end, in
 * Redis's words.
 */
bool config_set(struct server *server, const struct resp_arg *pairs, uint32_t pair_count,
                char error[OPTION_ERROR_BYTES]) HEARTH_MUST_USE;

#endif
