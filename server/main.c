/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hearthd: reads its options, becomes a server, serves until it is told to stop.
 *
 * EXIT STATUS   0 after a clean stop; 1 when it could not start, with one line that says why.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "server/options.h"
#include "server/options_print.h"
#include "server/process.h"
#include "server/server_run.h"

static bool open_log(const struct options *options)
{
    const char *path = options_fixed_text(options, OPTION_LOGFILE);
    enum log_level level;
    int error;

    if (log_level_parse(options_fixed_text(options, OPTION_LOGLEVEL), &level))
        log_set_level(level);
    error = log_output_open(path);
    if (error != 0)
        log_error("server", "cannot open the log file %s: %s; see logfile", path, strerror(error));
    return error == 0;
}

static bool lower_maxclients(struct options *options)
{
    char text[32];
    char error[OPTION_ERROR_BYTES];
    uint64_t wanted = options_number(options, OPTION_MAXCLIENTS);
    uint64_t possible = process_raise_open_files(wanted);

    if (possible == wanted)
        return true;
    snprintf(text, sizeof text, "%llu", (unsigned long long)possible);
    return options_set(options, "maxclients", "maxclients", text, error);
}

/* The user to become, if any, with what has been made for it. */
static bool become_user(const struct options *options)
{
    const char *user = options_fixed_text(options, OPTION_USER);
    const char *const paths[] = {
        options_fixed_text(options, OPTION_UNIXSOCKET), options_fixed_text(options, OPTION_MEMCACHE_UNIXSOCKET),
        options_fixed_text(options, OPTION_PIDFILE), options_fixed_text(options, OPTION_LOGFILE)};

    return user[0] == '\0' || process_become_user(user, paths, HEARTH_ARRAY_COUNT(paths));
}

/* All that comes before the pool is touched. */
static bool prepare(struct server *server, struct options *options)
{
    const char *pidfile = options_fixed_text(options, OPTION_PIDFILE);

    if (!open_log(options))
        return false;
    if (options_number(options, OPTION_DAEMONIZE) != 0 && !process_daemonize())
        return false;
    process_block_signals();
    process_catch_faults(options_fixed_text(options, OPTION_LOGFILE));
    if (!lower_maxclients(options) || !server_open(server, options))
        return false;
    if (pidfile[0] != '\0' && !process_write_pidfile(pidfile))
        return false;
    return become_user(options);
}

static void serve(void)
{
    process_is_ready();
    while (process_wait_signal() == PROCESS_REOPEN_LOG) {
        int error = log_output_reopen();
        if (error != 0)
            log_warn("server", "the log file could not be opened again: %s", strerror(error));
        else
            log_notice("server", "log file opened again");
    }
    process_expect_second_signal();
}

static int run(struct options *options)
{
    static struct server server;
    const char *pidfile = options_fixed_text(options, OPTION_PIDFILE);
    bool fine;

    fine = prepare(&server, options) && server_start(&server);
    if (fine)
        serve();
    if (server.options != NULL)
        server_close(&server);
    if (pidfile[0] != '\0')
        process_remove_pidfile(pidfile);
    if (fine)
        log_notice("server", "stopped");
    log_output_close();
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct options options;
    char error[OPTION_ERROR_BYTES];
    int status = EXIT_SUCCESS;

    if (!options_init(&options)) {
        fprintf(stderr, "hearthd: out of memory\n");
        return EXIT_FAILURE;
    }
    switch (options_read_arguments(&options, argc, argv, error)) {
    case OPTIONS_RUN:
        status = run(&options);
        break;
    case OPTIONS_HELP:
        options_print_help(stdout);
        break;
    case OPTIONS_VERSION:
        printf("hearthd %s\n", HEARTH_VERSION_STRING);
        break;
    case OPTIONS_MAN_OPTIONS:
        options_print_man(stdout);
        break;
    case OPTIONS_MAN_COMMANDS:
        commands_print_man(stdout);
        break;
    case OPTIONS_CONF:
        options_print_conf(stdout);
        break;
    case OPTIONS_BAD:
        fprintf(stderr, "hearthd: %s\n", error);
        status = EXIT_FAILURE;
        break;
    }
    options_free(&options);
    return status;
}
