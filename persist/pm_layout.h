/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything that lies on media, and nothing else: structures without logic, sizes asserted, and who writes each
 * field when. Little-endian, position independent: a place is an offset from the pool's base (pm_off), or, for
 * records, the same in units of 16 bytes (pm_loc).
 *
 * POOL            segment index (S = segment bytes, 2 MB unless a test makes it smaller)
 *   0             superblock copies A at byte 0 and B at byte 4096; the rest is unused
 *   1             segment table, chunk 0: one pmd_segment_line a segment, for the first S/64 segments
 *   k*(S/64)      segment table, chunk k > 0: so that a pool can grow in place
 *   2             journal: two halves, batch n lies in half n % 2
 *   3             first index segment; its leaf 0 is the head leaf and is never unlinked
 *   others        free, log, survivor log or index
 *
 * FIELD                         WRITTEN BY              DURABLE
 *   superblock (all)            pool.c, under its lock  when pool_write_superblock() returns
 *   segment line                space.c                 when the call that changed it returns; one 8-byte store, so never torn
 *   record                      log.c (worker)          TURN mode: when its turn is closed; EPOCH mode: when e_sync reaches its epoch
 *   record: place               log.c, then index_writer.c, whenever; a validated hint, never needed, outside the checksum
 *   record in a survivor log    cleaner.c               before the index names it
 *   leaf: all but tower         skiplist.c, from a journal batch; new leaves directly, before the journal that links them
 *   leaf: tower                 skiplist.c, whenever; a validated hint, never needed, outside the checksum
 *   journal                     journal.c               before anything of its batch is applied in place
 */
#ifndef HEARTH_PERSIST_PM_LAYOUT_H
#define HEARTH_PERSIST_PM_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t pm_off; /* bytes from the pool's base; 0 is "none" (the superblock lies there) */
typedef uint64_t pm_loc; /* a record's pm_off / 16; 36 bits; 0 is "none" */

enum {
    PM_LINE = 64,
    PM_PAGE = 4096,
    PM_UNIT = 16, /* alignment of records */
    PM_LOC_BITS = 36,
    PM_SEGMENT_BITS_MIN = 16,
    PM_SEGMENT_BITS_DEFAULT = 21,
    PM_SEGMENT_BITS_MAX = 21,
    PM_DATABASES = 16,
    PM_WRITERS = 127, /* log writers (workers) at most; the number is in each cts */
    PM_VERSION = 4,
};

#define PM_MAGIC UINT64_C(0x0031304854524148) /* "HARTH01\0" read as bytes: H A R T H 0 1 */
/* In place of copy A's magic, durable before anything else, until copy B is: the pool is being made. "HARTHNEW" */
#define PM_CREATING UINT64_C(0x57454e4854524148)

enum {
    PM_SEGMENT_SUPERBLOCK = 0,
    PM_SEGMENT_TABLE = 1,
    PM_SEGMENT_JOURNAL = 2,
    PM_SEGMENT_HEAD = 3,
    PM_SEGMENT_FIRST_FREE = 4
};

/* How the running (or last) instance promised durability: decides what a restart after a power cut may accept. */
enum pmd_commit_mode {
    PMD_COMMIT_TURN = 1,  /* each turn was flushed and fenced before its replies: everything valid counts */
    PMD_COMMIT_EPOCH = 2, /* only epochs up to e_sync are a consistent prefix */
};

/* One copy; the valid copy with the higher sequence counts. 512 bytes. */
struct pmd_superblock {
    uint64_t magic;
    uint32_t version;      /* PM_VERSION; another one is refused */
    uint32_t segment_bits; /* log2 of the segment size */
    uint64_t sequence;     /* copy sequence & 1 is where it lies */
    uint64_t feature_compat;
    uint64_t feature_incompat; /* an unknown bit refuses the pool */
    uint8_t uuid[16];
    uint64_t segment_count;
    uint64_t hash_seed;
    uint64_t created_ms;
    uint64_t clock_high_ms;   /* highest wall clock seen, unix ms */
    uint64_t w;               /* index horizon, an epoch; the journal may know a higher one */
    uint64_t e_sync;          /* EPOCH mode: last epoch whose sync has completed */
    uint64_t epoch_lease;     /* no epoch >= this has ever been handed out; a start begins here */
    uint64_t journal_applied; /* this journal batch and all before it are applied in place and durable */
    uint32_t commit_mode;     /* enum pmd_commit_mode of the running or last instance */
    uint32_t clean;           /* 1: stopped cleanly (informational: recovery takes the same path) */
    uint8_t boot_id[16];      /* kernel boot of the last instance, with device and inode: same boot, or not */
    uint64_t device;
    uint64_t inode;
    uint64_t flush_at_ms;        /* a delayed flush is pending at this unix ms; 0: none */
    uint64_t flush_at_databases; /* bit a database */
    uint8_t reserved[328];
    uint64_t checksum; /* XXH3_64 of the bytes before it */
};
_Static_assert(sizeof(struct pmd_superblock) == 512, "superblock");

enum pmd_segment_state {
    PMD_SEGMENT_FREE = 0,
    PMD_SEGMENT_LOG = 1,      /* ready, open or full log of the running instance; its length is what replay accepts */
    PMD_SEGMENT_SEALED = 2,   /* log of fixed length; may hold records above W */
    PMD_SEGMENT_INDEXED = 3,  /* log of fixed length, wholly at or below W: never replayed */
    PMD_SEGMENT_SURVIVOR = 4, /* written by the cleaner, never replayed; length 0 while open */
    PMD_SEGMENT_INDEX = 5,    /* leaves */
    PMD_SEGMENT_FIXED = 6,    /* superblock, table, journal */
};

/*
 * A line of the segment table. `word` is the truth and is one 8-byte store:
 *   bits 0..3 state, 4..21 length in units of 16 bytes, 22..31 zero, 32..63 generation.
 * The generation grows each time the segment is made ready and seeds the checksums of its records, so that what a
 * former use left behind is never valid.
 */
struct pmd_segment_line {
    uint64_t word;
    uint32_t record_count; /* hint: records in the segment when it was sealed */
    uint32_t allocated;    /* 1: file space is allocated (hint; allocating again is harmless) */
    uint8_t reserved[48];
};
_Static_assert(sizeof(struct pmd_segment_line) == PM_LINE, "segment line");

enum pmd_record_kind {
    PMD_RECORD_FULL = 1,
    PMD_RECORD_TOMBSTONE = 2,
    PMD_RECORD_CONTROL = 3,
    PMD_RECORD_LINK = 4, /* first record of a log segment: value is struct pmd_link */
};

enum pmd_record_flags {
    PMD_LAST = 0x01,       /* LP: last of its transaction; a record alone carries it too */
    PMD_HAS_TXN = 0x02,    /* with PMD_LAST, transactions of two or more: struct pmd_txn_trailer follows the value */
    PMD_HAS_EXPIRY = 0x04, /* u64 expire_at_ms (unix) follows the header */
    PMD_HAS_CLIENT_FLAGS = 0x08, /* u32 client_flags follows */
    PMD_HAS_CAS = 0x10,          /* u64 cas follows: CAS unique where it differs from cts */
};

/*
 * A record: header, optional fields in the order of their flags' values (expiry 8, client flags 4, cas 8), key,
 * value, optional trailer; padded to 16 bytes. At most one segment long.
 */
struct pmd_record {
    /* Low half of XXH3_64 over the bytes from `kind` to the end without padding, seed: (generation << 32 | segment) ^
     * hash seed of the pool (which no client knows: a value cannot contain a valid record). Of a record with a long value:
     * over the bytes from `kind` to the value, seed: the former one XOR the value's sum; then, if there is a trailer, over
     * that, seed: the sum before. */
    uint32_t checksum;
    uint32_t place;     /* where the ordered index had this key's entry: leaf number * PM_PLACES + slot; 0: not known */
    uint8_t kind;       /* enum pmd_record_kind */
    uint8_t flags;      /* enum pmd_record_flags */
    uint16_t key_len;   /* bytes */
    uint32_t value_len; /* bytes */
    uint64_t cts;       /* epoch 40 | counter 17 | writer 7 */
    uint8_t db;         /* 0..15 */
    uint8_t type;       /* 0 string */
    /* Line in the segment where the turn that wrote it began (or 0 if it began in an earlier segment): everything
     * before that line was durable before this record was written. */
    uint16_t turn_line;
} __attribute__((packed, aligned(4)));
_Static_assert(sizeof(struct pmd_record) == 28 && offsetof(struct pmd_record, cts) == 16, "record header");
_Static_assert(offsetof(struct pmd_record, kind) < PM_UNIT,
               "a zero kind fits behind any record that does not end its line");

/* A longer value has a sum of its own, XXH3_64 with the hash seed of the pool. */
enum { PMD_VALUE_SUMMED_WITHIN_MAX = 4096 };

struct pmd_txn_trailer {
    uint32_t count; /* members, this one included */
    /* s of all members but the last: s = 0, then s = low half of XXH3_64 of {u32 s, u32 member's checksum} */
    uint32_t checksum;
};
_Static_assert(sizeof(struct pmd_txn_trailer) == 8, "transaction trailer");

/* Value of the LINK record that opens a log segment. Nothing behind it is accepted unless the predecessor is. */
struct pmd_link {
    uint32_t writer;
    uint32_t prev_segment;    /* 0: none, the first segment of this writer in this run */
    uint32_t prev_generation; /* if that segment has another one or is INDEXED by now, it was accepted long ago */
    uint32_t prev_end;        /* bytes: where the predecessor ends */
};
_Static_assert(sizeof(struct pmd_link) == 16, "link");

enum pmd_control_kind { PMD_CONTROL_FLUSH = 1 };

/* Value of a CONTROL record. FLUSH: every version of those databases with a lower cts is gone. */
struct pmd_control {
    uint32_t control;   /* enum pmd_control_kind */
    uint32_t databases; /* bit a database */
    uint64_t at_ms;     /* not 0: the delayed flush of the superblock that this one carries out */
};
_Static_assert(sizeof(struct pmd_control) == 16, "control");

enum {
    PM_LEAF_BYTES = 1024,
    PM_LEAF_TOWER = 8,
    PM_LEAF_AREA = 960,
    PM_LEAF_LINES = 15, /* of the area */
    PM_LEAF_LINE_ENTRIES = 4,
    PM_LEAF_ENTRIES_MAX = PM_LEAF_LINES * PM_LEAF_LINE_ENTRIES,
    PM_LEAF_KEY_BYTES_MAX = 128,
    PM_PLACES = 64, /* what a leaf counts for in a record's `place`: its slots, rounded up */
};
_Static_assert(PM_LEAF_ENTRIES_MAX <= PM_PLACES, "each slot has a place");

enum pmd_leaf_state { PMD_LEAF_FREE = 0, PMD_LEAF_LIVE = 0x4c, PMD_LEAF_DEAD = 0x44, PMD_LEAF_SPILL = 0x53 };

/* An entry of a leaf: where the newest indexed version lies, 40 hash bits, 6 key bytes behind the leaf's prefix. */
struct pmd_leaf_entry {
    uint64_t loc_hash; /* bits 0..35 loc, bits 36..63 hash bits 0..27 */
    uint64_t hash_key; /* bits 0..11 hash bits 28..39, 12..15 zero, 16..63 key bytes, the first in the highest */
};
_Static_assert(sizeof(struct pmd_leaf_entry) == 16, "leaf entry");

/*
 * A leaf: a small hash table of entries, bitmap of those in use, common prefix and low fence at the end of the area
 * (prefix, then fence, each padded to nothing). Keys here are index keys: one byte database, then the user's key. A leaf
 * holds the keys k with low fence <= k < next leaf's low fence. A fence longer than PM_LEAF_KEY_BYTES_MAX lies in a chain
 * of spill blocks (never changed once linked).
 *
 * Entries lie four a line of the area. One lies in the line that its hash bits name (0..27 of them, times the lines, by
 * 2^28) or, if that was full when it came, in the next one with room; each line that it passed has its bit in `passed`.
 */
struct pmd_leaf {
    uint32_t checksum;  /* a sum of terms, see leaf_checksum(); of a spill block: XXH3_64 of all behind, low half */
    uint8_t state;      /* enum pmd_leaf_state */
    uint8_t prefix_len; /* bytes, at most 128 */
    uint16_t low_len;   /* bytes in the leaf, at most 128; 0xffff: spilled */
    uint32_t next;      /* leaf number (pm_off / 1024) of the next leaf, 0 at the end */
    uint16_t passed;    /* bit i: an entry that belongs to line i, or before, lies behind it */
    uint16_t zero;
    uint64_t used;         /* bit i: entry i is in use; of a spill block: bytes of the fence in it */
    uint32_t low_spill;    /* leaf number of the first spill block, if spilled */
    uint16_t low_full_len; /* length of a spilled fence */
    uint8_t height;        /* tower levels above 0 in use, 0..PM_LEAF_TOWER */
    uint8_t reserved;
    uint32_t tower[PM_LEAF_TOWER]; /* leaf numbers: hints */
    uint8_t area[PM_LEAF_AREA];
};
_Static_assert(sizeof(struct pmd_leaf) == PM_LEAF_BYTES, "leaf");

enum { PM_JOURNAL_HEADER_BYTES = 512 };

/* Head of a journal half; after-images follow. Complete when the checksum holds. */
struct pmd_journal_header {
    uint64_t magic;
    uint64_t batch;                 /* number of the batch; the higher complete one counts */
    uint64_t w;                     /* index horizon once this batch is applied */
    uint64_t bytes;                 /* of after-images behind the header, multiple of 8 */
    uint64_t keys[PM_DATABASES];    /* entries a database once this batch is applied */
    uint64_t expires[PM_DATABASES]; /* of them with an expiry */
    uint8_t reserved[216];
    uint64_t
        checksum; /* XXH3_64 over the header before it and the images, seed: pool hash seed. Complete when it holds, and
                        * the sums of the new leaves that the batch links */
};
_Static_assert(sizeof(struct pmd_journal_header) == PM_JOURNAL_HEADER_BYTES, "journal header");

/* One after-image: `words` 8-byte words to be stored at `off`; the words follow. Or the sum of a new leaf at `off`, over
 * its bytes 8..31 and 64..1023 and those of its spill blocks: XXH3_64, seed the leaf number, each seeded by the last. */
struct pmd_journal_image {
    uint64_t off_words; /* bits 0..14 number of words, bit 15: a sum, bits 16..63 offset / 8 */
};
_Static_assert(sizeof(struct pmd_journal_image) == 8, "journal image");

#endif
