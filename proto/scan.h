/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scanning words of a command line, eight bytes at a time.
 *
 * IDEA   The words of a line are short, so a call of memchr costs more than its work. A 64-bit word has a byte below 0x21
 *        where subtracting 0x21 borrows; the lowest such byte is found exactly, which is all that is asked here.
 * SOURCE "Determine if a word has a byte less than n", S. E. Anderson, Bit Twiddling Hacks (public domain).
 */
#ifndef HEARTH_PROTO_SCAN_H
#define HEARTH_PROTO_SCAN_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"

/* Returns the first byte of [at, end) that is a space or a control character, or `end`. */
static inline const uint8_t *scan_word_end(const uint8_t *at, const uint8_t *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        word = le64toh(word);
        uint64_t below = (word - ones * 0x21) & ~word & (ones * 0x80);
        if (below != 0) {
            return at + (__builtin_ctzll(below) >> 3);
        }
        at += 8;
    }
    while (at != end && *at > ' ') {
        at++;
    }
    return at;
}

/* Whether [at, at + 4) is the text of four characters; the caller knows that those bytes are there. */
static inline bool scan_is4(const uint8_t *at, const char *text)
{
    return memcmp(at, text, 4) == 0;
}

static inline bool scan_is_digit(uint8_t byte)
{
    return (uint8_t)(byte - '0') <= 9;
}

#endif
