/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The epoch counter and its pins.
 *
 * THREADS  Any. Entering and polling are the two halves of a Dekker handshake: the reader stores its pin and then
 *          loads `now`; whoever waits moves `now` and then loads the pins. All four are sequentially consistent, so
 *          one of the two sees the other: either the poll meets the pin, or the reader meets the new epoch and pins
 *          again. (An exchange instead of store and fence: one locked instruction, and ThreadSanitizer follows it.)
 */
#include "base/epoch.h"

#include <stddef.h>

#include "base/assert.h"

void epochs_init(struct epochs *epochs, uint64_t now, uint64_t limit)
{
    must(now > 0);
    must(now < limit);
    atomic_init(&epochs->now, now);
    atomic_init(&epochs->limit, limit);
    atomic_init(&epochs->pin_count, 0);
    for (size_t i = 0; i < EPOCH_PINS_MAX; i++)
        atomic_init(&epochs->pins[i].pinned, 0);
}

struct epoch_pin *epoch_pin_new(struct epochs *epochs)
{
    uint32_t count = atomic_load(&epochs->pin_count);

    do {
        if (count == EPOCH_PINS_MAX)
            return NULL;
    } while (!atomic_compare_exchange_weak(&epochs->pin_count, &count, count + 1));
    return &epochs->pins[count];
}

void epoch_set_limit(struct epochs *epochs, uint64_t limit)
{
    must(limit >= atomic_load(&epochs->limit));
    atomic_store(&epochs->limit, limit);
}

uint64_t epoch_enter(struct epochs *epochs, struct epoch_pin *pin)
{
    uint64_t now = atomic_load(&epochs->now);
    uint64_t again;

    debug_check(atomic_load(&pin->pinned) == 0);
    for (;;) {
        (void)atomic_exchange(&pin->pinned, now);
        again = atomic_load(&epochs->now);
        if (HEARTH_LIKELY(again == now))
            return now;
        /* The epoch moved on in between: its end may have been declared without having seen the pin. */
        now = again;
    }
}

uint64_t epoch_advance(struct epochs *epochs)
{
    uint64_t now = atomic_load(&epochs->now);

    do {
        if (now + 1 >= atomic_load(&epochs->limit))
            return 0;
    } while (!atomic_compare_exchange_weak(&epochs->now, &now, now + 1));
    return now;
}

bool epoch_passed(const struct epochs *epochs, uint64_t epoch)
{
    uint32_t count;

    if (atomic_load(&epochs->now) <= epoch)
        return false;
    /* A pin that is given out after this load belongs to a thread that enters later, hence above `epoch`. */
    count = atomic_load(&epochs->pin_count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t pinned = atomic_load(&epochs->pins[i].pinned);

        if (pinned != 0 && pinned <= epoch)
            return false;
    }
    return true;
}
