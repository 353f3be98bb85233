/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of options and its values: parsing by type, bounds, and the text that CONFIG GET shows.
 */
#include "server/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/assert.h"
#include "base/number.h"
#include "server/options_parse.h"

const struct option_row option_table[OPTION_COUNT] = {
#define ROW(ID, name, type, standard, low, high, when, argument, help) \
    [OPTION_##ID] = {name, OPTION_##type, standard, low, high, OPTION_##when, argument, help},
    OPTIONS(ROW)
#undef ROW
};

/* Names that mean another option. */
static const struct {
    const char *name;
    enum option option;
} aliases[] = {
    {"port", OPTION_REDIS_PORT},
};

bool option_find(const char *name, enum option *option)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strcasecmp(option_table[i].name, name) == 0) {
            *option = (enum option)i;
            return true;
        }
    }
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(aliases); i++) {
        if (strcasecmp(aliases[i].name, name) == 0) {
            *option = aliases[i].option;
            return true;
        }
    }
    return false;
}

/* The place of `value` among "a|b|c", or false. */
static bool parse_choice(const char *choices, const char *value, uint64_t *number)
{
    size_t len = strlen(value);
    uint64_t place = 0;

    for (const char *at = choices;; place++) {
        const char *end = strchrnul(at, '|');
        if ((size_t)(end - at) == len && strncasecmp(at, value, len) == 0) {
            *number = place;
            return true;
        }
        if (*end == '\0')
            return false;
        at = end + 1;
    }
}

static bool parse_octal(const char *value, uint64_t *number)
{
    uint64_t sum = 0;

    if (*value == '\0' || strlen(value) > 7)
        return false;
    for (; *value != '\0'; value++) {
        if (*value < '0' || *value > '7')
            return false;
        sum = sum * 8 + (uint64_t)(*value - '0');
    }
    *number = sum;
    return true;
}

/* The number of a value by the row's type; false: not of that form. Texts have none. */
static bool parse_number(const struct option_row *row, const char *value, uint64_t *number)
{
    size_t len = strlen(value);

    switch (row->type) {
    case OPTION_TEXT:
    case OPTION_SECRET:
        *number = 0;
        return true;
    case OPTION_NUMBER:
        return number_parse_u64(value, len, number);
    case OPTION_SIZE:
        return number_parse_size(value, len, number);
    case OPTION_DURATION:
        return number_parse_duration_ms(value, len, 1, number);
    case OPTION_OCTAL:
        return parse_octal(value, number);
    case OPTION_YES_NO:
        *number = strcasecmp(value, "yes") == 0;
        return *number == 1 || strcasecmp(value, "no") == 0;
    case OPTION_CHOICE:
        return parse_choice(row->argument, value, number);
    }
    return false;
}

/* What a value of the row must look like, in words that finish "must be". */
static void expectation(const struct option_row *row, char *out, size_t out_bytes)
{
    switch (row->type) {
    case OPTION_TEXT:
    case OPTION_SECRET:
        snprintf(out, out_bytes, "any text");
        return;
    case OPTION_NUMBER:
        snprintf(out, out_bytes, "a number from %llu to %llu", (unsigned long long)row->low,
                 (unsigned long long)row->high);
        return;
    case OPTION_SIZE:
        snprintf(out, out_bytes, "a size from %llumb to %llumb, like 64mb or 1gb",
                 (unsigned long long)(row->low / OPTION_MB), (unsigned long long)(row->high / OPTION_MB));
        return;
    case OPTION_DURATION:
        snprintf(out, out_bytes, "a time from %llums to %llums, like 250ms or 1s", (unsigned long long)row->low,
                 (unsigned long long)row->high);
        return;
    case OPTION_OCTAL:
        snprintf(out, out_bytes, "an octal number up to %llo", (unsigned long long)row->high);
        return;
    case OPTION_YES_NO:
        snprintf(out, out_bytes, "yes or no");
        return;
    case OPTION_CHOICE:
        snprintf(out, out_bytes, "one of %s", row->argument);
        return;
    }
}

static bool has_bounds(const struct option_row *row)
{
    return row->type == OPTION_NUMBER || row->type == OPTION_SIZE || row->type == OPTION_DURATION ||
           row->type == OPTION_OCTAL;
}

bool option_parse(enum option option, const char *value, uint64_t *number, char *error, size_t error_bytes)
{
    const struct option_row *row = &option_table[option];

    if (parse_number(row, value, number) && (!has_bounds(row) || (*number >= row->low && *number <= row->high)))
        return true;
    expectation(row, error, error_bytes);
    return false;
}

bool option_store(struct options *options, enum option option, const char *value, uint64_t number)
{
    char *copy = strdup(value);
    char *old;

    if (copy == NULL)
        return false;
    pthread_mutex_lock(&options->lock);
    old = options->values[option].text;
    options->values[option].text = copy;
    atomic_store_explicit(&options->values[option].number, number, memory_order_relaxed);
    pthread_mutex_unlock(&options->lock);
    free(old);
    return true;
}

bool options_init(struct options *options)
{
    char error[128];

    memset(options, 0, sizeof *options);
    pthread_mutex_init(&options->lock, NULL);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        uint64_t number = 0;
        must(option_parse((enum option)i, option_table[i].standard, &number, error, sizeof error));
        if (!option_store(options, (enum option)i, option_table[i].standard, number))
            return false;
    }
    return true;
}

void options_free(struct options *options)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        free(options->values[i].text);
    free(options->config_path);
    pthread_mutex_destroy(&options->lock);
    memset(options, 0, sizeof *options);
}

bool options_set(struct options *options, const char *where, const char *name, const char *value,
                 char error[OPTION_ERROR_BYTES])
{
    char expected[128];
    enum option option;
    uint64_t number;

    if (!option_find(name, &option)) {
        snprintf(error, OPTION_ERROR_BYTES, "%s: unknown directive '%.100s'; hearthd -h lists the known ones", where,
                 name);
        return false;
    }
    if (!option_parse(option, value, &number, expected, sizeof expected)) {
        snprintf(error, OPTION_ERROR_BYTES, "%s: %s '%.100s' is not valid: it must be %s", where,
                 option_table[option].name, value, expected);
        return false;
    }
    if (!option_store(options, option, value, number)) {
        snprintf(error, OPTION_ERROR_BYTES, "%s: out of memory", where);
        return false;
    }
    options->values[option].given = true;
    return true;
}

size_t options_text(struct options *options, enum option option, char *out, size_t out_bytes)
{
    const struct option_row *row = &option_table[option];
    unsigned long long number = options_number(options, option);
    int len;

    pthread_mutex_lock(&options->lock);
    if (row->type == OPTION_SIZE || row->type == OPTION_DURATION)
        len = snprintf(out, out_bytes, "%llu", number);
    else
        len = snprintf(out, out_bytes, "%s", options->values[option].text);
    pthread_mutex_unlock(&options->lock);
    return (size_t)len < out_bytes ? (size_t)len : out_bytes - 1;
}

bool options_password_is_asked(struct options *options)
{
    bool asked;

    pthread_mutex_lock(&options->lock);
    asked = options->values[OPTION_REQUIREPASS].text[0] != '\0';
    pthread_mutex_unlock(&options->lock);
    return asked;
}

bool options_password_fits(struct options *options, const void *password, size_t len)
{
    const uint8_t *given = password;
    uint8_t differs = 0;
    size_t wanted_len;
    bool fits;

    pthread_mutex_lock(&options->lock);
    const uint8_t *wanted = (const uint8_t *)options->values[OPTION_REQUIREPASS].text;
    wanted_len = strlen((const char *)wanted);
    for (size_t i = 0; i < len; i++)
        differs |= given[i] ^ wanted[wanted_len == 0 ? 0 : i % wanted_len];
    fits = wanted_len == 0 || (len == wanted_len && differs == 0);
    pthread_mutex_unlock(&options->lock);
    return fits;
}
