/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The text of a mix of sizes, and drawing from it.
 */
#include "bench/load/sizes.h"

#include <stdbool.h>
#include <string.h>

/* Digits at *at, which moves behind them; false: none, or more than `most`. */
static bool take_number(const char **at, uint64_t most, uint64_t *number)
{
    uint64_t value = 0;
    const char *begin = *at;

    for (; **at >= '0' && **at <= '9'; (*at)++) {
        value = value * 10 + (uint64_t)(**at - '0');
        if (value > most)
            return false;
    }
    *number = value;
    return *at > begin;
}

/* One share up to its comma or the end. */
static const char *parse_share(const char **at, struct size_share *share, uint64_t *weight)
{
    static const char bad_size[] = "a size is a number of bytes up to 67108864, or a range of them";
    uint64_t low;
    uint64_t high;

    if (!take_number(at, SIZE_BYTES_MAX, &low))
        return bad_size;
    high = low;
    if (**at == '-') {
        (*at)++;
        if (!take_number(at, SIZE_BYTES_MAX, &high) || high < low)
            return bad_size;
    }
    *weight = 1;
    if (**at == ':') {
        (*at)++;
        if (!take_number(at, 1000000, weight) || *weight == 0)
            return "a weight is a number from 1 to 1000000";
    }
    *share = (struct size_share){.low = (uint32_t)low, .high = (uint32_t)high};
    return **at == ',' || **at == '\0' ? NULL : "sizes are separated by commas, as in 100:50,1024:30,4096:20";
}

const char *sizes_parse(struct sizes *sizes, const char *text)
{
    uint64_t weights[SIZES_MAX];
    uint64_t total = 0;
    uint64_t below = 0;

    memset(sizes, 0, sizeof *sizes);
    do {
        const char *wrong;
        if (sizes->count == SIZES_MAX)
            return "a mix has at most 32 sizes";
        wrong = parse_share(&text, &sizes->shares[sizes->count], &weights[sizes->count]);
        if (wrong != NULL)
            return wrong;
        total += weights[sizes->count];
        if (sizes->shares[sizes->count].high > sizes->max)
            sizes->max = sizes->shares[sizes->count].high;
        sizes->count++;
    } while (*text++ == ',');
    for (uint32_t i = 0; i < sizes->count; i++) {
        below += weights[i];
        sizes->shares[i].limit = random_limit((double)below / (double)total);
    }
    sizes->shares[sizes->count - 1].limit = UINT64_MAX;
    return NULL;
}

uint32_t sizes_next(const struct sizes *sizes, struct random *random)
{
    const struct size_share *share = sizes->shares;

    if (sizes->count > 1) {
        uint64_t drawn = random_next(random);
        while (drawn > share->limit)
            share++;
    }
    if (share->low == share->high)
        return share->low;
    return share->low + (uint32_t)random_below(random, (uint64_t)share->high - share->low + 1);
}
