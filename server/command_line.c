/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line: hearthd [FILE] [--directive value ...], and memcached's short flags.
 *
 * IDEA     The file is read first, whatever its place, so that the command line has the last word. A directive takes
 *          the words up to the next one that begins with -- or is a short flag, so that `--bind 127.0.0.1 -::1` works.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "server/options.h"
#include "server/options_parse.h"

#define SHORT_FLAGS "ptlscdPuvVh"
#define SHORT_FLAGS_WITH_VALUE "ptlscPu"

struct arguments {
    struct options *options;
    int argc;
    char **argv;
    int at;
    char *error;
    unsigned verbose;
    bool network_off; /* -s */
};

static bool is_short_flag(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && strchr(SHORT_FLAGS, word[1]) != NULL;
}

static bool is_directive(const char *word)
{
    return word[0] == '-' && word[1] == '-' && word[2] != '\0';
}

/* Joins the words that follow a directive; false: there are none, or too many. */
static bool take_words(struct arguments *a, const char *name, char *value, size_t value_bytes)
{
    size_t len = 0;
    int count = 0;

    while (a->at < a->argc && !is_directive(a->argv[a->at]) && !is_short_flag(a->argv[a->at])) {
        int added = snprintf(value + len, value_bytes - len, "%s%s", count++ == 0 ? "" : " ", a->argv[a->at++]);
        if ((size_t)added >= value_bytes - len) {
            snprintf(a->error, OPTION_ERROR_BYTES, "--%.100s: the value is too long", name);
            return false;
        }
        len += (size_t)added;
    }
    if (count == 0)
        snprintf(a->error, OPTION_ERROR_BYTES, "--%.100s: a value is missing; hearthd -h shows what it takes", name);
    return count > 0;
}

static bool read_directive(struct arguments *a)
{
    char name[128];
    char where[160];
    char value[1024];
    const char *word = a->argv[a->at++] + 2;
    const char *equals = strchr(word, '=');

    if (equals != NULL && strcspn(word, " ") > (size_t)(equals - word)) {
        snprintf(name, sizeof name, "%.*s", (int)(equals - word), word);
        if ((size_t)snprintf(value, sizeof value, "%s", equals + 1) >= sizeof value) {
            snprintf(a->error, OPTION_ERROR_BYTES, "--%.100s: the value is too long", name);
            return false;
        }
    } else {
        snprintf(name, sizeof name, "%s", word);
        enum option option;
        if (option_find(name, &option) && !take_words(a, name, value, sizeof value))
            return false;
    }
    snprintf(where, sizeof where, "--%s", name);
    return options_set(a->options, where, name, value, a->error);
}

/* -l: commas separate as well as blanks, and a second -l adds. */
static bool set_bind(struct arguments *a, const char *value)
{
    char all[1024];
    bool again = a->options->values[OPTION_BIND].given;

    if ((size_t)snprintf(all, sizeof all, "%s%s%s", again ? options_fixed_text(a->options, OPTION_BIND) : "",
                         again ? " " : "", value) >= sizeof all) {
        snprintf(a->error, OPTION_ERROR_BYTES, "-l: too many addresses; see bind");
        return false;
    }
    for (char *at = all; *at != '\0'; at++) {
        if (*at == ',')
            *at = ' ';
    }
    return options_set(a->options, "-l", "bind", all, a->error);
}

static bool set_short(struct arguments *a, char flag, const char *value)
{
    char where[] = {'-', flag, '\0'};

    switch (flag) {
    case 'p':
        return options_set(a->options, where, "memcache-port", value, a->error);
    case 't':
        return options_set(a->options, where, "threads", value, a->error);
    case 'l':
        return set_bind(a, value);
    case 's':
        a->network_off = true;
        return options_set(a->options, where, "memcache-unixsocket", value, a->error);
    case 'c':
        return options_set(a->options, where, "maxclients", value, a->error);
    case 'P':
        return options_set(a->options, where, "pidfile", value, a->error);
    case 'u':
        return options_set(a->options, where, "user", value, a->error);
    case 'd':
        return options_set(a->options, where, "daemonize", "yes", a->error);
    case 'v':
        a->verbose++;
        return true;
    default:
        return false;
    }
}

/* One word of short flags: -dv, -p 11211, -p11211. */
static bool read_short(struct arguments *a, enum options_action *action)
{
    const char *word = a->argv[a->at++];

    for (const char *flag = word + 1; *flag != '\0'; flag++) {
        const char *value = NULL;
        if (*flag == 'h' || *flag == 'V') {
            *action = *flag == 'h' ? OPTIONS_HELP : OPTIONS_VERSION;
            return true;
        }
        if (strchr(SHORT_FLAGS, *flag) == NULL) {
            snprintf(a->error, OPTION_ERROR_BYTES, "-%c: unknown flag; hearthd -h lists the known ones", *flag);
            return false;
        }
        if (strchr(SHORT_FLAGS_WITH_VALUE, *flag) != NULL) {
            value = flag[1] != '\0' ? flag + 1 : a->at < a->argc ? a->argv[a->at++] : NULL;
            if (value == NULL) {
                snprintf(a->error, OPTION_ERROR_BYTES, "-%c: a value is missing; hearthd -h shows what it takes",
                         *flag);
                return false;
            }
        }
        if (!set_short(a, *flag, value))
            return false;
        if (value != NULL)
            return true;
    }
    return true;
}

/* -v and -s say something about options that were not given otherwise. */
static bool finish(struct arguments *a)
{
    struct options *options = a->options;

    if (a->verbose > 0 && !options_set(options, "-v", "loglevel", a->verbose > 1 ? "debug" : "info", a->error))
        return false;
    if (!a->network_off)
        return true;
    if (!options->values[OPTION_MEMCACHE_PORT].given && !options_set(options, "-s", "memcache-port", "0", a->error))
        return false;
    return options->values[OPTION_REDIS_PORT].given || options_set(options, "-s", "redis-port", "0", a->error);
}

static bool read_word(struct arguments *a, enum options_action *action)
{
    const char *word = a->argv[a->at];

    if (strcmp(word, "--help") == 0 || strcmp(word, "--version") == 0) {
        *action = word[2] == 'h' ? OPTIONS_HELP : OPTIONS_VERSION;
        return true;
    }
    if (strcmp(word, "--print-man-options") == 0 || strcmp(word, "--print-conf") == 0 ||
        strcmp(word, "--print-man-commands") == 0) {
        *action = strcmp(word, "--print-conf") == 0          ? OPTIONS_CONF
                  : strcmp(word, "--print-man-options") == 0 ? OPTIONS_MAN_OPTIONS
                                                             : OPTIONS_MAN_COMMANDS;
        return true;
    }
    if (is_directive(word))
        return read_directive(a);
    if (word[0] == '-' && word[1] != '\0')
        return read_short(a, action);
    snprintf(a->error, OPTION_ERROR_BYTES, "'%.200s': unexpected; the configuration file comes first, and only once",
             word);
    return false;
}

enum options_action options_read_arguments(struct options *options, int argc, char **argv,
                                           char error[OPTION_ERROR_BYTES])
{
    struct arguments a = {.options = options, .argc = argc, .argv = argv, .at = 1, .error = error};
    enum options_action action = OPTIONS_RUN;

    if (argc > 1 && argv[1][0] != '-') {
        if (!options_read_file(options, argv[1], error))
            return OPTIONS_BAD;
        a.at = 2;
    }
    while (a.at < argc && action == OPTIONS_RUN) {
        if (!read_word(&a, &action))
            return OPTIONS_BAD;
    }
    if (action == OPTIONS_RUN && !finish(&a))
        return OPTIONS_BAD;
    return action;
}
