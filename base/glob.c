/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The matcher: a cursor in pattern and text, and the place of the last `*`.
 */
#include "base/glob.h"

/* Signed, as Redis's ranges are on the machines it runs on. */
struct pattern {
    const signed char *bytes;
    size_t len;
    bool nocase;
};

static int fold(const struct pattern *pattern, int c)
{
    return pattern->nocase && c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool in_range(const struct pattern *pattern, int first, int last, int c)
{
    int low = first < last ? first : last;
    int high = first < last ? last : first;

    return fold(pattern, c) >= fold(pattern, low) && fold(pattern, c) <= fold(pattern, high);
}

/* A set: *at is behind its `[`, and afterwards behind its `]`, or at the pattern's end if it has none. */
static bool match_set(const struct pattern *pattern, size_t *at, int c)
{
    const signed char *p = pattern->bytes;
    size_t i = *at;
    bool inverse = i < pattern->len && p[i] == '^';
    bool found = false;

    if (inverse)
        i++;
    while (i < pattern->len && p[i] != ']') {
        size_t left = pattern->len - i;

        if (p[i] == '\\' && left >= 2) {
            /* An escaped byte keeps its case even where case is ignored, as in Redis. */
            found |= p[i + 1] == c;
            i += 2;
        } else if (left >= 3 && p[i + 1] == '-') {
            found |= in_range(pattern, p[i], p[i + 2], c);
            i += 3;
        } else {
            found |= fold(pattern, p[i]) == fold(pattern, c);
            i++;
        }
    }
    *at = i < pattern->len ? i + 1 : i;
    return found != inverse;
}

/* Does the element at *at, which is no `*`, take the byte c? Then *at moves behind it. */
static bool match_one(const struct pattern *pattern, size_t *at, int c)
{
    const signed char *p = pattern->bytes;
    size_t i = *at;
    bool matches;

    if (p[i] == '?') {
        matches = true;
        i++;
    } else if (p[i] == '[') {
        i++;
        matches = match_set(pattern, &i, c);
    } else {
        if (p[i] == '\\' && pattern->len - i >= 2)
            i++;
        matches = fold(pattern, p[i]) == fold(pattern, c);
        i++;
    }
    if (matches)
        *at = i;
    return matches;
}

static bool match(const struct pattern *pattern, const signed char *text, size_t len)
{
    const signed char *p = pattern->bytes;
    size_t p_at = 0;
    size_t t_at = 0;
    size_t star_p = 0; /* behind the last star; 0 is no star, since a star takes a byte */
    size_t star_t = 0; /* what that star has taken ends here */

    if (len == 0)
        return pattern->len == 0 || (pattern->len == 1 && p[0] == '*');
    while (t_at < len) {
        if (p_at < pattern->len && p[p_at] == '*') {
            star_p = ++p_at;
            star_t = t_at;
        } else if (p_at < pattern->len && match_one(pattern, &p_at, text[t_at])) {
            t_at++;
        } else if (star_p == pattern->len && star_p != 0) {
            return true;
        } else if (star_p != 0) {
            p_at = star_p;
            t_at = ++star_t;
        } else {
            return false;
        }
    }
    while (p_at < pattern->len && p[p_at] == '*')
        p_at++;
    return p_at == pattern->len;
}

bool glob_match(const void *pattern, size_t pattern_len, const void *text, size_t len)
{
    struct pattern exact = {.bytes = pattern, .len = pattern_len};

    return match(&exact, text, len);
}

bool glob_match_nocase(const void *pattern, size_t pattern_len, const void *text, size_t len)
{
    struct pattern folded = {.bytes = pattern, .len = pattern_len, .nocase = true};

    return match(&folded, text, len);
}
