/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of options, and reading the command line by it.
 */
#include "bench/load/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/number.h"

const struct option_row option_table[OPTION_COUNT] = {
#define ROW(ID, name, type, standard, low, high, argument, help) \
    [OPTION_##ID] = {name, OPTION_TYPE_##type, standard, (double)(low), (double)(high), argument, help},
    BENCH_OPTIONS(ROW)
#undef ROW
};

/* The place of `value` among "a|b|c", or false. */
static bool parse_choice(const char *choices, const char *value, double *number)
{
    size_t len = strlen(value);
    unsigned place = 0;

    for (const char *at = choices;; place++) {
        const char *end = strchrnul(at, '|');
        if ((size_t)(end - at) == len && memcmp(at, value, len) == 0) {
            *number = place;
            return true;
        }
        if (*end == '\0')
            return false;
        at = end + 1;
    }
}

/* Digits and one point; no sign, exponent or blank. */
static bool parse_real(const char *value, double *number)
{
    size_t len = strlen(value);

    if (len == 0 || len > 30 || strspn(value, "0123456789.") != len || strcmp(value, ".") == 0 ||
        strchr(value, '.') != strrchr(value, '.'))
        return false;
    *number = strtod(value, NULL);
    return true;
}

/* The number of a value by the row's type; false: not of that form. */
static bool parse_value(const struct option_row *row, const char *value, double *number)
{
    uint64_t whole = 0;
    bool fine = true;

    *number = 0;
    switch (row->type) {
    case OPTION_TYPE_TEXT:
    case OPTION_TYPE_SECRET:
        return true;
    case OPTION_TYPE_NUMBER:
        fine = number_parse_u64(value, strlen(value), &whole);
        break;
    case OPTION_TYPE_REAL:
        return parse_real(value, number);
    case OPTION_TYPE_DURATION:
        fine = number_parse_duration_ms(value, strlen(value), 1000, &whole);
        break;
    case OPTION_TYPE_CHOICE:
        return parse_choice(row->argument, value, number);
    case OPTION_TYPE_FLAG:
        *number = strcmp(value, "yes") == 0;
        return true;
    }
    *number = (double)whole;
    return fine;
}

/* What a value of the row must look like, in words that finish "must be". */
static void put_expectation(const struct option_row *row, char *out, size_t out_bytes)
{
    switch (row->type) {
    case OPTION_TYPE_TEXT:
    case OPTION_TYPE_SECRET:
    case OPTION_TYPE_FLAG:
        snprintf(out, out_bytes, "any text");
        return;
    case OPTION_TYPE_NUMBER:
        snprintf(out, out_bytes, "a whole number from %.0f to %.0f", row->low, row->high);
        return;
    case OPTION_TYPE_REAL:
        snprintf(out, out_bytes, "a number from %.12g to %.12g", row->low, row->high);
        return;
    case OPTION_TYPE_DURATION:
        snprintf(out, out_bytes, "a time from %.0fms to %.0fs, like 500ms, 10s or 2m", row->low, row->high / 1000);
        return;
    case OPTION_TYPE_CHOICE:
        snprintf(out, out_bytes, "one of %s", row->argument);
        return;
    }
}

static bool set_option(struct options *options, enum option option, const char *value, char error[OPTION_ERROR_BYTES])
{
    const struct option_row *row = &option_table[option];
    bool bounded =
        row->type == OPTION_TYPE_NUMBER || row->type == OPTION_TYPE_REAL || row->type == OPTION_TYPE_DURATION;
    char expected[200];
    double number;

    if (!parse_value(row, value, &number) || (bounded && (number < row->low || number > row->high))) {
        put_expectation(row, expected, sizeof expected);
        snprintf(error, OPTION_ERROR_BYTES, "--%s '%.100s' is not valid: it must be %s", row->name, value, expected);
        return false;
    }
    options->values[option].text = value;
    options->values[option].number = number;
    return true;
}

static bool find_option(const char *name, size_t len, enum option *option)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strlen(option_table[i].name) == len && memcmp(option_table[i].name, name, len) == 0) {
            *option = (enum option)i;
            return true;
        }
    }
    return false;
}

/* One option, and its value in the same word or the next. Returns how many words it takes, 0: error says why. */
static int read_option(struct options *options, char **words, char error[OPTION_ERROR_BYTES])
{
    const char *name = words[0] + 2;
    size_t len = strcspn(name, "=");
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    int taken = 1;
    enum option option;

    if (strncmp(words[0], "--", 2) != 0 || !find_option(name, len, &option)) {
        snprintf(error, OPTION_ERROR_BYTES, "'%.100s' is no option; --help lists them", words[0]);
        return 0;
    }
    if (option_table[option].type == OPTION_TYPE_FLAG) {
        if (value != NULL) {
            snprintf(error, OPTION_ERROR_BYTES, "--%s takes no value", option_table[option].name);
            return 0;
        }
        value = "yes";
    } else if (value == NULL) {
        value = words[1];
        taken = 2;
    }
    if (value == NULL) {
        snprintf(error, OPTION_ERROR_BYTES, "--%s: a value is missing", option_table[option].name);
        return 0;
    }
    options->values[option].given = true;
    return set_option(options, option, value, error) ? taken : 0;
}

enum options_action options_read(struct options *options, int argc, char **argv, char error[OPTION_ERROR_BYTES])
{
    memset(options, 0, sizeof *options);
    for (size_t i = 0; i < OPTION_COUNT; i++)
        must(set_option(options, (enum option)i, option_table[i].standard, error));
    for (int at = 1; at < argc;) {
        int taken;
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0)
            return OPTIONS_HELP;
        if (strcmp(argv[at], "--version") == 0 || strcmp(argv[at], "-V") == 0)
            return OPTIONS_VERSION;
        if (strcmp(argv[at], "--print-man-options") == 0)
            return OPTIONS_MAN;
        taken = read_option(options, argv + at, error);
        if (taken == 0)
            return OPTIONS_BAD;
        at += taken;
    }
    return OPTIONS_RUN;
}
