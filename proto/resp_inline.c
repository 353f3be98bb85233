/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands typed by hand.
 *
 * IDEA   An argument is a run of plain and of quoted stretches, as in a shell: "..." knows \n \r \t \b \a \xHH and \ before
 *        any other character, '...' knows \' alone. A closing quote ends the argument. A zero byte ends the line. One
 *        walk serves for counting and for splitting: with `out` NULL it writes nothing.
 * SOURCE The Redis protocol specification, "Inline commands", and Redis 7.0.15 observed from outside.
 */
#include "proto/resp_inline.h"

#include <string.h>

struct walk {
    const uint8_t *at;
    const uint8_t *end;
    uint8_t *out; /* where the next byte of the argument goes; NULL while counting */
};

static bool is_white(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* What ends a plain stretch: fewer characters than count as white between arguments. */
static bool ends_plain(uint8_t byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static int hex_of(uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static void put(struct walk *walk, uint8_t byte)
{
    if (walk->out != NULL) {
        *walk->out++ = byte;
    }
}

/* The character that \byte stands for within double quotes. */
static uint8_t unescape(uint8_t byte)
{
    switch (byte) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'a':
        return '\a';
    default:
        return byte;
    }
}

/* After a closing quote: the argument must end here. */
static bool at_boundary(const struct walk *walk)
{
    return walk->at == walk->end || is_white(*walk->at);
}

/* Walks behind an opening double quote up to behind the closing one. */
static bool walk_double_quoted(struct walk *walk)
{
    while (walk->at < walk->end) {
        const uint8_t *at = walk->at;
        size_t left = (size_t)(walk->end - at);
        if (*at == '\\' && left >= 4 && at[1] == 'x' && hex_of(at[2]) >= 0 && hex_of(at[3]) >= 0) {
            put(walk, (uint8_t)(hex_of(at[2]) << 4 | hex_of(at[3])));
            walk->at += 4;
        } else if (*at == '\\' && left >= 2) {
            put(walk, unescape(at[1]));
            walk->at += 2;
        } else {
            walk->at++;
            if (*at == '"') {
                return at_boundary(walk);
            }
            put(walk, *at);
        }
    }
    return false;
}

static bool walk_single_quoted(struct walk *walk)
{
    while (walk->at < walk->end) {
        uint8_t byte = *walk->at++;
        if (byte == '\\' && walk->at < walk->end && *walk->at == '\'') {
            put(walk, *walk->at++);
        } else if (byte == '\'') {
            return at_boundary(walk);
        } else {
            put(walk, byte);
        }
    }
    return false;
}

/* Walks one argument. False if its quotes do not match. */
static bool walk_argument(struct walk *walk)
{
    while (walk->at < walk->end && !ends_plain(*walk->at)) {
        uint8_t byte = *walk->at++;
        if (byte == '"') {
            return walk_double_quoted(walk);
        }
        if (byte == '\'') {
            return walk_single_quoted(walk);
        }
        put(walk, byte);
    }
    return true;
}

/* Goes to the next argument; false if there is none. */
static bool walk_gap(struct walk *walk)
{
    while (walk->at < walk->end && is_white(*walk->at)) {
        walk->at++;
    }
    return walk->at < walk->end;
}

static size_t len_up_to_zero(const uint8_t *line, size_t len)
{
    const uint8_t *zero = len > 0 ? memchr(line, 0, len) : NULL;
    return zero != NULL ? (size_t)(zero - line) : len;
}

bool resp_inline_count(const uint8_t *line, size_t len, uint32_t *argc)
{
    struct walk walk = {line, line + len_up_to_zero(line, len), NULL};
    *argc = 0;
    while (walk_gap(&walk)) {
        if (!walk_argument(&walk)) {
            return false;
        }
        ++*argc;
    }
    return true;
}

void resp_inline_split(uint8_t *line, size_t len, struct resp_arg *argv)
{
    struct walk walk = {line, line + len_up_to_zero(line, len), line};
    while (walk_gap(&walk)) {
        uint8_t *first = walk.out;
        (void)walk_argument(&walk); /* resp_inline_count() has found the quotes in order */
        *argv++ = (struct resp_arg){first, (uint32_t)(walk.out - first)};
    }
}
