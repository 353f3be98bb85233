/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one hash of a key: its low bits lie in the leaves, others choose the bucket of the hash index.
 */
#include "persist/hash64.h"
#include "persist/skiplist.h"

uint64_t key_hash(uint64_t pool_seed, uint8_t db, const void *key, size_t len)
{
    return hash64(key, len, pool_seed + db * UINT64_C(0x9e3779b97f4a7c15));
}
