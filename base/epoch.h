/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Epochs: one counter that orders turns, and the pins of those who are inside one.
 *
 * IDEA: a turn (or any reader of shared structures) publishes the epoch in which it began; whoever needs a cut or a
 * grace period advances the epoch and waits until no pin is at or below the old one. One mechanism serves commit cuts
 * (DESIGN C4, R2, R3) and memory reclamation. It takes the place of liburcu's QSBR because the commit protocol needs
 * these pins anyway, its waits must be polls (crash tests run all actors in one thread), and ThreadSanitizer
 * understands C11 atomics but not liburcu's barriers.
 *
 * OPERATIONS: pin: one store and one full fence; unpin: one release store; advance: one CAS; poll: reads all pins.
 */
#ifndef HEARTH_BASE_EPOCH_H
#define HEARTH_BASE_EPOCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { EPOCH_PINS_MAX = 160 };

struct epoch_pin {
    _Alignas(64) _Atomic uint64_t pinned; /* 0: offline */
};

struct epochs {
    _Alignas(64) _Atomic uint64_t now;
    _Atomic uint64_t limit; /* the lease: `now` never reaches it */
    _Alignas(64) _Atomic uint32_t pin_count;
    struct epoch_pin pins[EPOCH_PINS_MAX];
};

void epochs_init(struct epochs *epochs, uint64_t now, uint64_t limit);
/* A pin for one thread, for ever; NULL when all are given out. */
struct epoch_pin *epoch_pin_new(struct epochs *epochs);
void epoch_set_limit(struct epochs *epochs, uint64_t limit);

static inline uint64_t epoch_now(const struct epochs *epochs)
{
    return atomic_load_explicit(&epochs->now, memory_order_acquire);
}
/* Enters: returns the pinned epoch. Publishes the pin, full fence, reads the epoch again until both agree. */
uint64_t epoch_enter(struct epochs *epochs, struct epoch_pin *pin);
static inline void epoch_leave(struct epoch_pin *pin)
{
    atomic_store_explicit(&pin->pinned, 0, memory_order_release);
}
/* Moves on by one and returns the epoch that ended (all new pins are above it). At the limit nothing moves and 0 is
 * returned: renew the lease first. */
uint64_t epoch_advance(struct epochs *epochs);
/* True when no pin is at or below `epoch`: a cut at it is complete, a grace period that began with it has passed. */
bool epoch_passed(const struct epochs *epochs, uint64_t epoch);

#endif
