/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values that carry their own proof.
 */
#include "bench/load/value.h"

#include <stdlib.h>
#include <string.h>

#include "bench/load/random.h"

#define WORD_BYTES 8

bool values_init(struct values *values, bool verify, size_t bytes_max, uint64_t seed)
{
    struct random random = random_open(seed, UINT64_MAX - 1);

    values->verify = verify;
    values->filler = malloc(bytes_max + 1);
    if (values->filler == NULL)
        return false;
    for (size_t i = 0; i < bytes_max; i++)
        values->filler[i] = (char)('a' + random_below(&random, 26));
    return true;
}

void values_free(struct values *values)
{
    free(values->filler);
    values->filler = NULL;
}

static uint64_t mark_of(uint64_t key, uint64_t version, size_t len)
{
    return random_mix(random_mix(random_mix(key + RANDOM_STEP) ^ version) + len);
}

static uint64_t word_of(uint64_t mark, size_t place)
{
    return random_mix(mark + (place + 1) * RANDOM_STEP);
}

static void put_hex(char *out, uint64_t number)
{
    for (int i = 15; i >= 0; i--) {
        out[i] = "0123456789abcdef"[number & 15];
        number >>= 4;
    }
}

/* False: not 16 lower-case digits. */
static bool read_hex(const char *text, uint64_t *number)
{
    uint64_t value = 0;

    for (int i = 0; i < 16; i++) {
        if (text[i] >= '0' && text[i] <= '9')
            value = value << 4 | (uint64_t)(text[i] - '0');
        else if (text[i] >= 'a' && text[i] <= 'f')
            value = value << 4 | (uint64_t)(text[i] - 'a' + 10);
        else
            return false;
    }
    *number = value;
    return true;
}

/* The head of a value that is too short for one of its own. */
static void put_short(char out[VALUE_HEAD_BYTES], uint64_t key, size_t len)
{
    uint64_t mark = mark_of(key, 0, len);

    put_hex(out, mark);
    put_hex(out + 16, random_mix(mark));
}

void value_put(const struct values *values, char *out, uint64_t key, uint64_t version, size_t len)
{
    char head[VALUE_HEAD_BYTES];
    uint64_t mark;

    if (!values->verify) {
        memcpy(out, values->filler, len);
        return;
    }
    if (len < VALUE_HEAD_BYTES) {
        put_short(head, key, len);
        memcpy(out, head, len);
        return;
    }
    mark = mark_of(key, version, len);
    put_hex(out, version);
    put_hex(out + 16, mark);
    for (size_t at = VALUE_HEAD_BYTES; at < len; at += WORD_BYTES) {
        uint64_t word = word_of(mark, at);
        memcpy(out + at, &word, len - at < WORD_BYTES ? len - at : WORD_BYTES);
    }
}

void value_check_begin(struct value_check *check, uint64_t key, size_t len)
{
    check->key = key;
    check->len = len;
    check->seen = 0;
}

static bool check_head(struct value_check *check)
{
    char wanted[VALUE_HEAD_BYTES];
    uint64_t version;

    if (check->len < VALUE_HEAD_BYTES) {
        put_short(wanted, check->key, check->len);
        return memcmp(check->head, wanted, check->len) == 0;
    }
    return read_hex(check->head, &version) && read_hex(check->head + 16, &check->mark) &&
           check->mark == mark_of(check->key, version, check->len);
}

/* What of a piece belongs to the head; true also when more of it is to come. */
static bool take_head(struct value_check *check, const char **at, size_t *len)
{
    size_t head = check->len < VALUE_HEAD_BYTES ? check->len : VALUE_HEAD_BYTES;
    size_t taken = head - check->seen < *len ? head - check->seen : *len;

    memcpy(check->head + check->seen, *at, taken);
    check->seen += taken;
    *at += taken;
    *len -= taken;
    return check->seen < head || check_head(check);
}

bool value_check_take(struct value_check *check, const char *at, size_t len)
{
    if (check->seen < VALUE_HEAD_BYTES && !take_head(check, &at, &len))
        return false;
    while (len > 0) {
        size_t into = check->seen % WORD_BYTES;
        size_t part = WORD_BYTES - into < len ? WORD_BYTES - into : len;
        uint64_t word = word_of(check->mark, check->seen - into);

        if (memcmp((const char *)&word + into, at, part) != 0)
            return false;
        check->seen += part;
        at += part;
        len -= part;
    }
    return true;
}
