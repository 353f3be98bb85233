/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parts of a string: APPEND, STRLEN, SETRANGE, GETRANGE and SUBSTR.
 *
 * IDEA     A record is never changed in place, so a change of a part writes the whole value anew, gathered from parts
 *          of the old one and the new bytes without a copy between.
 */
#include "server/redis_range.h"

#include "base/number.h"
#include "server/redis_argument.h"
#include "server/redis_commands.h"
#include "server/redis_value.h"

/* A gap that SETRANGE fills: one part of zero bytes however long. */
static const uint8_t zeros[VALUE_BYTES_MAX];

struct byte_range range_clamp(int64_t start, int64_t end, uint32_t len)
{
    if (start < 0 && end < 0 && start > end) /* before counting from the end: Redis's rule for SUBSTR k -1 -5 */
        return (struct byte_range){0, 0};
    if (start < 0)
        start += len;
    if (end < 0)
        end += len;
    if (start < 0)
        start = 0;
    if (end < 0)
        end = 0;
    if (end >= len)
        end = (int64_t)len - 1;
    if (len == 0 || start > end)
        return (struct byte_range){0, 0};
    return (struct byte_range){(uint32_t)start, (uint32_t)(end - start + 1)};
}

/* The parts gathered become the value; flags and expiry stay those of the old one. */
static void put_parts(struct client *client, struct heap_edit *edit, const struct log_part *parts, uint32_t part_count)
{
    const struct heap_put put = {.parts = parts,
                                 .part_count = part_count,
                                 .client_flags = edit->found ? edit->old.client_flags : 0,
                                 .expire_at_ms = edit->found ? edit->old.expire_at_ms : 0};

    (void)heap_edit_put(edit, &put);
    STAT_ADD(client->stats, total_items, 1);
}

void redis_append_reserve(struct client *client, uint32_t argc, const struct resp_arg *argv, struct command_room *room)
{
    (void)argc;
    command_room_for_one(argv[1].len, (uint64_t)client_old_bound_of(client, argv[1].data, argv[1].len) + argv[2].len,
                         room);
}

enum command_status redis_append(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    enum command_status status = COMMAND_DONE;
    struct index_key key;
    struct heap_edit edit;
    uint32_t old_len;

    (void)argc;
    value_edit(client, &argv[1], &edit, &key);
    old_len = edit.found ? edit.old.value_len : 0;
    if ((uint64_t)old_len + argv[2].len > VALUE_BYTES_MAX) {
        reply_error(client, ERROR_TOO_LONG);
    } else if (!client_room_covers(client, argv[1].len, (uint64_t)old_len + argv[2].len)) {
        status = COMMAND_RETRY;
    } else {
        const struct log_part parts[] = {{edit.found ? edit.old.value : zeros, old_len}, {argv[2].data, argv[2].len}};
        put_parts(client, &edit, parts, 2);
        reply_integer(client, (int64_t)old_len + argv[2].len);
    }
    heap_edit_end(&edit);
    return status;
}

enum command_status redis_strlen(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct object object;

    (void)argc;
    reply_integer(client, value_read(client, &argv[1], &object) ? object.value_len : 0);
    return COMMAND_DONE;
}

void redis_setrange_reserve(struct client *client, uint32_t argc, const struct resp_arg *argv,
                            struct command_room *room)
{
    uint64_t bytes = client_old_bound_of(client, argv[1].data, argv[1].len);
    int64_t offset;

    (void)argc;
    if (number_parse_i64(argv[2].data, argv[2].len, &offset) && offset >= 0 && offset < VALUE_BYTES_MAX &&
        (uint64_t)offset + argv[3].len > bytes)
        bytes = (uint64_t)offset + argv[3].len;
    command_room_for_one(argv[1].len, bytes, room);
}

/* The value with `bytes` written over it at `offset`. Returns its length. */
static uint32_t overwrite(struct client *client, struct heap_edit *edit, uint32_t offset, const struct resp_arg *bytes)
{
    const uint8_t *old = edit->found ? edit->old.value : zeros;
    uint32_t old_len = edit->found ? edit->old.value_len : 0;
    uint32_t kept = old_len < offset ? old_len : offset;
    uint32_t end = offset + bytes->len;
    uint32_t rest = old_len > end ? old_len - end : 0;
    const struct log_part parts[] = {
        {old, kept}, {zeros, offset - kept}, {bytes->data, bytes->len}, {rest > 0 ? old + end : zeros, rest}};

    put_parts(client, edit, parts, 4);
    return end + rest;
}

enum command_status redis_setrange(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    enum command_status status = COMMAND_DONE;
    struct index_key key;
    struct heap_edit edit;
    uint32_t old_len;
    int64_t offset;

    (void)argc;
    if (!argument_i64(client, &argv[2], &offset))
        return COMMAND_DONE;
    if (offset < 0) {
        reply_error(client, "ERR offset is out of range");
        return COMMAND_DONE;
    }
    value_edit(client, &argv[1], &edit, &key);
    old_len = edit.found ? edit.old.value_len : 0;
    if (argv[3].len == 0) {
        reply_integer(client, old_len);
    } else if (offset > VALUE_BYTES_MAX - (int64_t)argv[3].len) {
        reply_error(client, ERROR_TOO_LONG);
    } else {
        uint64_t end = (uint64_t)offset + argv[3].len;
        if (client_room_covers(client, argv[1].len, old_len > end ? old_len : end))
            reply_integer(client, overwrite(client, &edit, (uint32_t)offset, &argv[3]));
        else
            status = COMMAND_RETRY;
    }
    heap_edit_end(&edit);
    return status;
}

enum command_status redis_getrange(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct byte_range range;
    struct object object;
    int64_t start, end;

    (void)argc;
    if (!argument_i64(client, &argv[2], &start) || !argument_i64(client, &argv[3], &end))
        return COMMAND_DONE;
    if (!value_read(client, &argv[1], &object)) {
        reply_literal(client, RESP_REPLY_EMPTY_BULK);
        return COMMAND_DONE;
    }
    range = range_clamp(start, end, object.value_len);
    reply_bulk_stored(client, object.value + range.offset, range.len);
    return COMMAND_DONE;
}
