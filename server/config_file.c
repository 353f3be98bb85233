/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration file: a directive and its value a line, # comments, quoted words, include.
 *
 * SOURCE   The form is that of redis.conf.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/options.h"
#include "server/options_parse.h"

#define INCLUDE_DEPTH_MAX 16
#define WORDS_MAX 64

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Undoes one escape of a "..." word. at: behind the backslash. Returns the last character used. */
static char *unescape(char *at, char *out)
{
    switch (*at) {
    case 'n':
        *out = '\n';
        return at;
    case 'r':
        *out = '\r';
        return at;
    case 't':
        *out = '\t';
        return at;
    case 'x':
        if (hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0) {
            *out = (char)(hex_digit(at[1]) * 16 + hex_digit(at[2]));
            return at + 2;
        }
        break;
    default:
        break;
    }
    *out = *at;
    return at;
}

/* Takes a quoted word at its opening quote; returns behind its closing one, NULL if there is none or a zero byte. */
static char *take_quoted(char *at, char **out)
{
    char quote = *at++;

    for (; *at != quote; at++) {
        if (*at == '\0')
            return NULL;
        if (*at == '\\' && quote == '"' && at[1] != '\0') {
            at = unescape(at + 1, *out);
            if (**out == '\0')
                return NULL; /* \x00 would end the value */
        } else if (*at == '\\' && quote == '\'' && at[1] == '\'') {
            **out = *++at;
        } else {
            **out = *at;
        }
        (*out)++;
    }
    return at + 1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int split_words(char *line, char **words, int words_max)
{
    int count = 0;
    char *at = line;

    for (;;) {
        while (is_blank(*at))
            at++;
        if (*at == '\0')
            return count;
        if (count == words_max)
            return -1;
        char *out = at;
        words[count++] = at;
        if (*at == '"' || *at == '\'') {
            at = take_quoted(at, &out);
            if (at == NULL || (*at != '\0' && !is_blank(*at)))
                return -1;
        } else {
            while (*at != '\0' && !is_blank(*at))
                at++;
            out = at;
        }
        if (*at != '\0')
            at++;
        *out = '\0';
    }
}

/* Joins words by spaces into `out`; false: too long. */
static bool join_words(char **words, int count, char *out, size_t out_bytes)
{
    size_t len = 0;

    out[0] = '\0';
    for (int i = 0; i < count; i++) {
        int added = snprintf(out + len, out_bytes - len, "%s%s", i == 0 ? "" : " ", words[i]);
        if ((size_t)added >= out_bytes - len)
            return false;
        len += (size_t)added;
    }
    return true;
}

static bool read_file(struct options *options, const char *path, int depth, char *error);

static bool read_line(struct options *options, const char *where, char *line, int depth, char *error)
{
    char *words[WORDS_MAX];
    char value[1024];
    char *start = line + strspn(line, " \t\r\n");
    int count;

    if (*start == '#' || *start == '\0')
        return true;
    count = split_words(start, words, WORDS_MAX);
    if (count < 0) {
        snprintf(error, OPTION_ERROR_BYTES, "%s: unbalanced quotes, a zero byte, or too many words", where);
        return false;
    }
    if (count == 0)
        return true;
    if (strcasecmp(words[0], "include") == 0 && count == 2)
        return read_file(options, words[1], depth + 1, error);
    if (count < 2) {
        snprintf(error, OPTION_ERROR_BYTES, "%s: directive '%.100s' has no value", where, words[0]);
        return false;
    }
    if (!join_words(words + 1, count - 1, value, sizeof value)) {
        snprintf(error, OPTION_ERROR_BYTES, "%s: the value of '%.100s' is too long", where, words[0]);
        return false;
    }
    return options_set(options, where, words[0], value, error);
}

static bool read_lines(struct options *options, FILE *file, const char *path, int depth, char *error)
{
    char where[256];
    char *line = NULL;
    size_t line_bytes = 0;
    bool fine = true;
    ssize_t len = 0;

    for (unsigned number = 1; fine && (len = getline(&line, &line_bytes, file)) >= 0; number++) {
        snprintf(where, sizeof where, "%.200s:%u", path, number);
        if (strlen(line) != (size_t)len) {
            snprintf(error, OPTION_ERROR_BYTES, "%s: a byte of value 0; this is no configuration file", where);
            fine = false;
        } else {
            fine = read_line(options, where, line, depth, error);
        }
    }
    if (fine && ferror(file)) {
        snprintf(error, OPTION_ERROR_BYTES, "%.200s: cannot read: %s", path, strerror(errno));
        fine = false;
    }
    free(line);
    return fine;
}

static bool read_file(struct options *options, const char *path, int depth, char *error)
{
    FILE *file;
    bool fine;

    if (depth > INCLUDE_DEPTH_MAX) {
        snprintf(error, OPTION_ERROR_BYTES, "%.200s: include goes deeper than %d files; does a file include itself?",
                 path, INCLUDE_DEPTH_MAX);
        return false;
    }
    file = fopen(path, "re");
    if (file == NULL) {
        snprintf(error, OPTION_ERROR_BYTES, "%.200s: cannot open configuration file: %s", path, strerror(errno));
        return false;
    }
    fine = read_lines(options, file, path, depth, error);
    fclose(file);
    return fine;
}

bool options_read_file(struct options *options, const char *path, char error[OPTION_ERROR_BYTES])
{
    free(options->config_path);
    options->config_path = realpath(path, NULL);
    return read_file(options, path, 0, error);
}
