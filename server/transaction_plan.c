/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plan of an EXEC: its distinct keys and the room that it needs. See transaction.h.
 */
#include <stdlib.h>

#include "base/number.h"
#include "persist/index_key.h"
#include "server/redis_commands.h"
#include "server/transaction.h"

/* The slot of the key, or the free one where it would be. There are more slots than keys. */
static uint32_t *slot_of(const struct transaction *transaction, const struct index_key *key)
{
    uint32_t mask = transaction->slot_count - 1;
    uint32_t at = (uint32_t)key->hash & mask;

    while (transaction->slots[at] != 0 && !index_key_equal(&transaction->planned_keys[transaction->slots[at] - 1], key))
        at = (at + 1) & mask;
    return &transaction->slots[at];
}

bool transaction_value_bound(const struct client *client, const struct index_key *key, uint32_t *bytes)
{
    const struct transaction *transaction = client->transaction;
    uint32_t slot;

    if (transaction == NULL || !transaction->is_planning)
        return false;
    slot = *slot_of(transaction, key);
    if (slot == 0)
        return false;
    *bytes = transaction->planned[slot - 1].bound_bytes;
    return true;
}

void plan_free(struct transaction *transaction)
{
    free(transaction->planned);
    free(transaction->planned_keys);
    free(transaction->slots);
    transaction->planned = NULL;
    transaction->planned_keys = NULL;
    transaction->slots = NULL;
    transaction->planned_count = transaction->slot_count = 0;
    transaction->is_planning = false;
}

/* The most keys that the queue can have, watched ones included. */
static bool make_table(struct transaction *transaction)
{
    uint64_t keys = transaction->watch_count;
    uint64_t slots = 16;

    for (uint32_t i = 0; i < transaction->queue_count; i++)
        keys += command_keys(transaction->queue[i].command, transaction->queue[i].argc).count;
    while (slots < keys * 2)
        slots *= 2;
    plan_free(transaction);
    transaction->planned = malloc((keys + 1) * sizeof *transaction->planned);
    transaction->planned_keys = malloc((keys + 1) * sizeof *transaction->planned_keys);
    transaction->slots = calloc(slots, sizeof *transaction->slots);
    transaction->slot_count = (uint32_t)slots;
    return transaction->planned != NULL && transaction->planned_keys != NULL && transaction->slots != NULL;
}

/* The key in the table, entered with what is there now if it is new. */
static struct planned_key *plan_key(struct client *client, struct transaction *transaction, const struct index_key *key)
{
    uint32_t *slot = slot_of(transaction, key);
    struct planned_key *planned;

    if (*slot != 0)
        return &transaction->planned[*slot - 1];
    planned = &transaction->planned[transaction->planned_count];
    transaction->planned_keys[transaction->planned_count] = *key;
    *slot = ++transaction->planned_count;
    transaction->is_planning = false; /* so that the heap is asked, not the plan */
    planned->assumed_bytes = client_old_value_bound(client, key);
    transaction->is_planning = true;
    planned->bound_bytes = planned->assumed_bytes;
    return planned;
}

/* Adds one command to the plan. The keys that it writes can hold its longest value from then on. */
static bool plan_command(struct client *client, struct transaction *transaction, const struct queued *queued,
                         struct command_room *room)
{
    uint32_t count = command_keys(queued->command, queued->argc).count;
    struct index_key *keys = malloc((count + 1) * sizeof *keys);
    struct command_room own = {0};

    if (keys == NULL)
        return false;
    (void)command_index_keys(client, queued->command, queued->argc, queued->argv, keys);
    for (uint32_t i = 0; i < count; i++)
        (void)plan_key(client, transaction, &keys[i]);
    if ((queued->command->flags & COMMAND_WRITE) != 0) {
        command_room(client, queued->command, queued->argc, queued->argv, &own);
        room->bytes += own.bytes;
        room->records += own.records;
        room->deletes_only &= own.deletes_only;
        for (uint32_t i = 0; i < count; i++) {
            struct planned_key *planned = plan_key(client, transaction, &keys[i]);
            if (planned->bound_bytes < own.value_bytes)
                planned->bound_bytes = (uint32_t)own.value_bytes;
        }
    }
    free(keys);
    return true;
}

/* A queued SELECT changes the database of what follows. */
static void follow_select(struct client *client, const struct queued *queued)
{
    int64_t db;

    if (queued->command->handler == redis_select && number_parse_i64(queued->argv[1].data, queued->argv[1].len, &db) &&
        db >= 0 && db < DATABASE_COUNT)
        client_set_db(client, (uint8_t)db);
}

bool plan_make(struct client *client, struct transaction *transaction, struct command_room *room)
{
    uint8_t db = atomic_load_explicit(&client->db, memory_order_relaxed);
    struct command_room sum = {.deletes_only = true};
    bool fine = make_table(transaction);

    transaction->is_planning = true;
    for (uint32_t i = 0; fine && i < transaction->watch_count; i++)
        (void)plan_key(client, transaction, &transaction->watches[i].key);
    for (uint32_t i = 0; fine && i < transaction->queue_count; i++) {
        follow_select(client, &transaction->queue[i]);
        fine = plan_command(client, transaction, &transaction->queue[i], &sum);
    }
    transaction->is_planning = false;
    client_set_db(client, db);
    if (!fine)
        plan_free(transaction);
    else if (room != NULL)
        *room = sum;
    return fine;
}

bool plan_holds(struct client *client, const struct transaction *transaction)
{
    struct object object;

    for (uint32_t i = 0; i < transaction->planned_count; i++) {
        if (heap_peek(client->heap_worker, &transaction->planned_keys[i], &object) &&
            object.value_len > transaction->planned[i].assumed_bytes)
            return false;
    }
    return true;
}
