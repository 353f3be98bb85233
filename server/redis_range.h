/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which bytes a pair of offsets means.
 */
#ifndef HEARTH_SERVER_REDIS_RANGE_H
#define HEARTH_SERVER_REDIS_RANGE_H

#include <stdint.h>

struct byte_range {
    uint32_t offset, len;
};

/*
 * The bytes from `start` to `end`, both included, of a value of `len` bytes. Offsets below 0 count from its end, and
 * what lies outside is left out; len 0: nothing.
 */
struct byte_range range_clamp(int64_t start, int64_t end, uint32_t len);

#endif
