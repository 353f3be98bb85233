/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two copies of the superblock: reading, judging, writing.
 *
 * In every version of the layout magic, version and checksum keep their places, so that a pool of another version is
 * told from a damaged one.
 */
#include "persist/superblock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "persist/hash64.h"
#include "persist/pm_sim.h"
#include "persist/pool.h"

#define FEATURES_KNOWN UINT64_C(0)

enum { COPY_BYTES = PM_PAGE };

static struct pmd_superblock *copy_at(const struct pm *pm, uint64_t sequence)
{
    return pm_at(pm, (sequence & 1) * COPY_BYTES);
}

static uint64_t checksum_of(const struct pmd_superblock *superblock)
{
    return hash64(superblock, offsetof(struct pmd_superblock, checksum), 0);
}

/* Reads copy `place` (0 or 1); true when it is whole and lies where its sequence belongs. */
static bool read_copy(const struct pm *pm, uint64_t place, struct pmd_superblock *out)
{
    memcpy(out, copy_at(pm, place), sizeof *out);
    return out->magic == PM_MAGIC && out->checksum == checksum_of(out) && (out->sequence & 1) == place;
}

/* Neither is whole. The mark is in copy A until copy B is durable. */
static enum superblock_found judge_broken(const struct pmd_superblock copies[2])
{
    if (copies[0].magic == PM_CREATING)
        return SUPERBLOCK_UNFINISHED;
    if (copies[0].magic == PM_MAGIC || copies[1].magic == PM_MAGIC)
        return SUPERBLOCK_BROKEN;
    return SUPERBLOCK_FOREIGN;
}

/*
 * One copy is whole, the other one is not. Only what names the sequence number before is surely the older copy, or the
 * beginning of a write over it that never was acknowledged; with any other the newest state may be lost.
 */
static void report_copy(const struct pm *pm, const struct pmd_superblock *whole, const struct pmd_superblock *broken)
{
    char used = (char)('A' + (whole->sequence & 1)), lost = (char)('A' + (~whole->sequence & 1));

    if (broken->magic == PM_MAGIC && broken->sequence == whole->sequence - 1)
        log_notice("pool",
                   "path=%s: the older superblock copy, %c, is not whole: torn by a power cut, or damaged; the "
                   "newer one is used",
                   pm_name(pm), lost);
    else
        log_warn("pool",
                 "path=%s: the newest superblock copy, %c, is not whole: torn by a power cut, or damaged; copy %c "
                 "of before is used, sequence=%llu; if there was no power cut, check the medium",
                 pm_name(pm), lost, used, (unsigned long long)whole->sequence);
}

enum superblock_found superblock_read(struct pm *pm, struct pmd_superblock *out)
{
    struct pmd_superblock copies[2];
    bool whole[2];

    for (uint64_t place = 0; place < 2; place++)
        whole[place] = read_copy(pm, place, &copies[place]);
    if (!whole[0] && !whole[1])
        return judge_broken(copies);
    if (!whole[0] || !whole[1])
        report_copy(pm, &copies[whole[1]], &copies[whole[0]]);
    if (whole[0] && whole[1])
        *out = copies[copies[1].sequence > copies[0].sequence];
    else
        *out = copies[whole[1]];
    return SUPERBLOCK_FOUND;
}

static enum pm_status check_geometry(const struct pm *pm, const struct pmd_superblock *superblock)
{
    if (superblock->segment_bits < PM_SEGMENT_BITS_MIN || superblock->segment_bits > PM_SEGMENT_BITS_MAX ||
        superblock->segment_count < POOL_SEGMENTS_MIN) {
        log_error(
            "pool",
            "path=%s: the superblock names segment_bits=%u segment_count=%llu: damaged; restore the file, or start "
            "with on-damage reset",
            pm_name(pm), superblock->segment_bits, (unsigned long long)superblock->segment_count);
        return PM_DAMAGED;
    }
    if (superblock->segment_count > pm->bytes >> superblock->segment_bits) {
        log_error("pool",
                  "path=%s has bytes=%zu but the pool segments=%llu of bytes=%llu: it was cut short; restore "
                  "the file, or start with on-damage reset",
                  pm_name(pm), pm->bytes, (unsigned long long)superblock->segment_count,
                  1ULL << superblock->segment_bits);
        return PM_DAMAGED;
    }
    return PM_OK;
}

enum pm_status superblock_check(const struct pm *pm, const struct pmd_superblock *superblock)
{
    if (superblock->version != PM_VERSION) {
        log_error("pool",
                  "path=%s: the pool has version=%u, this program reads version=%d; start the program that made it, or "
                  "name another pool",
                  pm_name(pm), superblock->version, PM_VERSION);
        return PM_VERSION_BAD;
    }
    if (superblock->feature_incompat & ~FEATURES_KNOWN) {
        log_error("pool",
                  "path=%s: the pool uses features=%#llx that this program does not know; start a newer program, or "
                  "name another pool",
                  pm_name(pm), (unsigned long long)(superblock->feature_incompat & ~FEATURES_KNOWN));
        return PM_VERSION_BAD;
    }
    return check_geometry(pm, superblock);
}

enum pm_status superblock_write(struct pm_context *context, struct pmd_superblock *superblock)
{
    struct pmd_superblock *copy;

    superblock->sequence++;
    superblock->checksum = checksum_of(superblock);
    copy = copy_at(context->pm, superblock->sequence);
    pm_store(context, copy, superblock, sizeof *superblock);
    pm_flush(context, PM_SITE_SUPERBLOCK_FLUSH, copy, sizeof *copy);
    return pm_drain(context, PM_SITE_SUPERBLOCK_DRAIN);
}

enum pm_status superblock_write_both(struct pm_context *context, struct pmd_superblock *superblock)
{
    enum pm_status status = superblock_write(context, superblock);

    return status == PM_OK ? superblock_write(context, superblock) : status;
}

enum pm_status superblock_settle(struct pm_context *context)
{
    for (uint64_t place = 0; place < 2; place++)
        pm_flush(context, PM_SITE_SUPERBLOCK_FLUSH, copy_at(context->pm, place), sizeof(struct pmd_superblock));
    return pm_drain(context, PM_SITE_SUPERBLOCK_DRAIN);
}

/* ---- who runs ---- */

/* 32 hexadecimal digits among dashes to 16 bytes; false when there are not as many. */
static bool parse_uuid(const char *text, uint8_t out[16])
{
    static const char digits[] = "0123456789abcdef";
    unsigned count = 0;

    memset(out, 0, 16);
    for (; *text != '\0' && count < 32; text++) {
        const char *digit = strchr(digits, *text);

        if (digit == NULL)
            continue;
        out[count / 2] = (uint8_t)(out[count / 2] << 4 | (digit - digits));
        count++;
    }
    return count == 32;
}

/* All zeros when the kernel does not say: then no boot is the same as another. */
static void read_boot_id(uint8_t out[16])
{
    char text[64] = "";
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t bytes = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    if (bytes < 0 || !parse_uuid(text, out))
        memset(out, 0, 16);
    if (fd >= 0)
        close(fd);
}

void superblock_identify(const struct pm *pm, struct pmd_superblock *superblock)
{
    struct stat status;

    memset(superblock->boot_id, 0, sizeof superblock->boot_id);
    superblock->device = 0;
    superblock->inode = 0;
    if (pm->backing == PM_BACKING_SIM) {
        uint64_t boot = pm_sim_boot((struct pm *)pm);

        memcpy(superblock->boot_id, &boot, sizeof boot);
        return;
    }
    read_boot_id(superblock->boot_id);
    if (fstat(pm->fd, &status) == 0) {
        superblock->device = status.st_dev;
        superblock->inode = status.st_ino;
    }
}
