/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One child an image: fork, crash, recover, judge.
 */
#include "tests/support/crash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"

enum { KILLED = -1, RANDOM_IMAGES = 4, NESTED_BITS = 6, DRAINS_OFTEN = 8, TIMEOUT_S = 60 };

/* splitmix64. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* ---- an image as text ---- */

static void image_print(const struct crash_image *image, char text[CRASH_TEXT_BYTES])
{
    snprintf(text, CRASH_TEXT_BYTES, "%" PRIu64 ":%d:%zu:%" PRIu64 ":%" PRIu64, image->point, image->kind, image->which,
             image->seed, image->nested);
}

static bool image_parse(const char *text, struct crash_image *image)
{
    return sscanf(text, "%" SCNu64 ":%d:%zu:%" SCNu64 ":%" SCNu64, &image->point, &image->kind, &image->which,
                  &image->seed, &image->nested) == 5;
}

static void note_failure(struct crash_run *run, const struct crash_image *image, const char *how)
{
    char text[CRASH_TEXT_BYTES];

    image_print(image, text);
    if (run->failures++ == 0)
        memcpy(run->first_failure, text, sizeof text);
    if (!run->plan.quiet)
        fprintf(stderr, "crash image %s: %s (HEARTH_CRASH_ONLY=%s)\n", text, how, text);
}

/* ---- in the child ---- */

/* A power cut in the middle of a recovery: the grandchild has it, the child goes on and judges too. */
struct nested {
    const struct crash_run *run;
    uint64_t first_point, at, seed;
    bool failed;
};

static void suffer(struct pm *pm, int kind, size_t which, uint64_t seed)
{
    if (kind == KILLED)
        pm_sim_kill(pm);
    else
        pm_sim_crash(pm, (enum pm_sim_image)kind, which, seed);
}

static void nested_point(struct pm *pm, uint64_t point, void *context)
{
    struct nested *nested = context;
    pid_t pid;
    int status;

    if (nested->first_point == 0)
        nested->first_point = point;
    if (point - nested->first_point + 1 != nested->at)
        return;
    pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        alarm(TIMEOUT_S); /* fork() does not hand it on */
        pm_sim_set_hook(pm, NULL, NULL);
        pm_sim_crash(pm, PM_SIM_RANDOM, 0, nested->seed);
        _exit(nested->run->plan.recover(pm, nested->run->plan.context) ? 0 : 1);
    }
    must(waitpid(pid, &status, 0) == pid);
    nested->failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static bool live_through(const struct crash_run *run, const struct crash_image *image)
{
    struct nested nested = {.run = run, .at = image->nested, .seed = image->seed ^ image->nested};
    bool good;

    pm_sim_set_hook(run->pm, NULL, NULL);
    suffer(run->pm, image->kind, image->which, image->seed);
    if (image->nested != 0)
        pm_sim_set_hook(run->pm, nested_point, &nested);
    good = run->plan.recover(run->pm, run->plan.context);
    return good && !nested.failed;
}

static void child_main(const struct crash_run *run, const struct crash_image *image)
{
    alarm(run->plan.timeout_s != 0 ? run->plan.timeout_s : TIMEOUT_S);
    if (run->plan.quiet && freopen("/dev/null", "w", stderr) == NULL)
        _exit(2);
    _exit(live_through(run, image) ? 0 : 1);
}

/* ---- in the parent ---- */

static void reap_one(struct crash_run *run)
{
    char how[64];
    int status;
    /* Its own children only, the oldest first: other children of the process are none of its business. */
    pid_t pid = waitpid(run->children[0].pid, &status, 0);

    must(pid == run->children[0].pid);
    if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "ended by signal %d", WTERMSIG(status));
    else
        snprintf(how, sizeof how, "not allowed (exit %d)", WEXITSTATUS(status));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        note_failure(run, &run->children[0].image, how);
    run->child_count--;
    for (uint32_t i = 0; i < run->child_count; i++)
        run->children[i] = run->children[i + 1];
}

static bool wants_more(const struct crash_run *run)
{
    return !(run->plan.stop_at_first && run->failures != 0) &&
           (run->plan.images_max == 0 || run->images < run->plan.images_max);
}

/* HEARTH_CRASH_ONLY: the one image, in the process itself, which ends with it. */
static void replay(const struct crash_run *run, uint64_t point)
{
    if (point != run->only.point)
        return;
    fprintf(stderr, "the crash image of HEARTH_CRASH_ONLY\n");
    exit(live_through(run, &run->only) ? 0 : 1);
}

/* Early points of a recovery more often than late ones, which it may not have. */
static uint64_t draw_nested(struct crash_run *run)
{
    uint64_t below = UINT64_C(1) << next_random(&run->random) % NESTED_BITS;

    return 1 + next_random(&run->random) % below;
}

/* One image of this point, in a child. */
static void take(struct crash_run *run, struct crash_image image)
{
    pid_t pid;

    if (!wants_more(run) || (CRASH_THIN > 1 && next_random(&run->random) % CRASH_THIN != 0))
        return;
    image.seed = next_random(&run->random) >> 1;
    if (run->plan.nested && next_random(&run->random) % 2 == 0)
        image.nested = draw_nested(run);
    run->images++;
    if (run->child_count == run->children_max)
        reap_one(run);
    pid = fork();
    must(pid >= 0);
    if (pid == 0)
        child_main(run, &image);
    run->children[run->child_count++] = (struct crash_child){.pid = pid, .image = image};
}

/* Image number i of a point with `outstanding` granules: none, all, each alone, each missing, random ones. */
static struct crash_image numbered(uint64_t point, size_t outstanding, size_t i)
{
    struct crash_image image = {.point = point};

    if (i == 0) {
        image.kind = PM_SIM_NONE;
    } else if (i == 1) {
        image.kind = PM_SIM_ALL;
    } else if (i < 2 + outstanding) {
        image.kind = PM_SIM_ONLY;
        image.which = i - 2;
    } else if (i < 2 + 2 * outstanding) {
        image.kind = PM_SIM_ALL_BUT;
        image.which = i - 2 - outstanding;
    } else {
        image.kind = PM_SIM_RANDOM;
    }
    return image;
}

/* The point's images. With nothing outstanding there is but one. */
static void take_point(struct crash_run *run, uint64_t point)
{
    size_t outstanding = pm_sim_outstanding(run->pm);
    size_t there_are = outstanding == 0 ? 1 : 2 + 2 * outstanding + RANDOM_IMAGES;
    size_t share = run->plan.images_a_point == 0 ? there_are : run->plan.images_a_point;

    if (there_are <= share) {
        for (size_t i = 0; i < there_are; i++)
            take(run, numbered(point, outstanding, i));
        return;
    }
    for (size_t i = 0; i < share; i++) {
        /* Beyond none and all: alone or missing by chance, and as often a random subset. */
        size_t drawn = 2 + (size_t)(next_random(&run->random) % (4 * outstanding));

        take(run, numbered(point, outstanding, i < 2 ? i : drawn));
    }
}

static void at_point(struct pm *pm, uint64_t point, void *context)
{
    struct crash_run *run = context;
    uint32_t every = pm_sim_at_drain(pm) ? (run->plan.every + DRAINS_OFTEN - 1) / DRAINS_OFTEN : run->plan.every;

    run->points++;
    if (run->only_set) {
        replay(run, point);
        return;
    }
    if (every > 1 && next_random(&run->random) % every != 0)
        return;
    take_point(run, point);
    if (run->plan.killed)
        take(run, (struct crash_image){.point = point, .kind = KILLED});
}

void crash_begin(struct crash_run *run, struct pm *pm, const struct crash_plan *plan)
{
    const char *only = getenv("HEARTH_CRASH_ONLY");
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    memset(run, 0, sizeof *run);
    run->plan = *plan;
    run->pm = pm;
    run->random = plan->seed;
    run->children_max = processors < 2 ? 2 : (uint32_t)processors;
    if (run->children_max > CRASH_CHILDREN_MAX)
        run->children_max = CRASH_CHILDREN_MAX;
    if (only != NULL)
        run->only_set = image_parse(only, &run->only);
    pm_sim_set_hook(pm, at_point, run);
}

void crash_here(struct crash_run *run)
{
    /* Its number lies beside those of flushes and drains, and is as repeatable. */
    at_point(run->pm, UINT64_C(1) << 40 | run->points, run);
}

uint64_t crash_end(struct crash_run *run)
{
    pm_sim_set_hook(run->pm, NULL, NULL);
    while (run->child_count > 0)
        reap_one(run);
    return run->failures;
}
