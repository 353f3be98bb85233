/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An overwrite: a record in place of another one of its key. Its writer makes it, beside the log (log_notes.h), and the
 * ordered index is changed by it alone, without key or record, where its place is known (skiplist_overwrite()).
 */
#ifndef HEARTH_PERSIST_OVERWRITE_H
#define HEARTH_PERSIST_OVERWRITE_H

#include "persist/record.h"

struct overwrite {
    pm_loc loc : PM_LOC_BITS;      /* of the new record; skiplist_overwrite(): 0 if another came behind it */
    uint64_t units : 22;           /* its bytes / PM_UNIT */
    uint64_t db : 4;               /* its database */
    uint64_t has_expiry : 1;       /* it has one */
    uint64_t replaced_expiry : 1;  /* the record replaced has one */
    pm_loc replaced : PM_LOC_BITS; /* of that one; 0: not known; skiplist_overwrite(): or another came before */
    uint64_t generation : 64 - PM_LOC_BITS; /* of its segment, see struct record_replaced */
    uint64_t cts;                           /* of the new record */
    uint32_t place;                         /* of the key's entry, as the record replaced told; 0: not known */
    uint32_t replaced_bytes;                /* of the record replaced */
};
_Static_assert(sizeof(struct overwrite) == 32, "two a line");

static inline struct record_replaced overwrite_replaced(const struct overwrite *overwrite)
{
    return (struct record_replaced){
        .loc = overwrite->replaced,
        .generation = overwrite->generation,
        .bytes = overwrite->replaced_bytes,
        .has_expiry = overwrite->replaced_expiry,
    };
}

#endif
