/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers kept as text: INCR and its kind, INCRBYFLOAT.
 *
 * IDEA     The value is the number's text, so that it is the same counter for both protocols. memcached's incr and decr
 *          fill what a shorter result leaves of the value with spaces; such an object bears a type of its own
 *          (object_type.h), by which INCR takes it for the number that it is. A counter beyond 63 bits, which memcached
 *          allows, is no integer for INCR.
 */
#include <math.h>

#include "base/number.h"
#include "server/object_type.h"
#include "server/redis_argument.h"
#include "server/redis_commands.h"
#include "server/redis_float.h"
#include "server/redis_value.h"

#define ERROR_OVERFLOW "ERR increment or decrement would overflow"
#define ERROR_NOT_FLOAT "ERR value is not a valid float"

static bool parse_counter(const struct object *object, int64_t *value)
{
    uint32_t len = object->value_len;

    while (object->type == OBJECT_FILLED_NUMBER && len > 1 && object->value[len - 1] == ' ')
        len--;
    return number_parse_i64(object->value, len, value);
}

/* The number becomes the value; flags and expiry stay. */
static void put_number(struct client *client, struct heap_edit *edit, const char *text, size_t len)
{
    value_put(client, edit, text, (uint32_t)len, edit->found ? edit->old.client_flags : 0,
              edit->found ? edit->old.expire_at_ms : 0);
}

void redis_counter_reserve(struct client *client, uint32_t argc, const struct resp_arg *argv, struct command_room *room)
{
    (void)client, (void)argc;
    room->value_bytes = NUMBER_TEXT_BYTES_MAX;
    room->bytes = heap_bytes(argv[1].len, NUMBER_TEXT_BYTES_MAX);
    room->records = 1;
}

static enum command_status change_counter(struct client *client, const struct resp_arg *key_arg, int64_t delta)
{
    char text[NUMBER_TEXT_BYTES_MAX];
    struct index_key key;
    struct heap_edit edit;
    int64_t value = 0;

    value_edit(client, key_arg, &edit, &key);
    if (edit.found && !parse_counter(&edit.old, &value)) {
        reply_error(client, ERROR_NOT_INTEGER);
    } else if (__builtin_add_overflow(value, delta, &value)) {
        reply_error(client, ERROR_OVERFLOW);
    } else {
        put_number(client, &edit, text, number_format_i64(text, value));
        reply_integer(client, value);
    }
    heap_edit_end(&edit);
    return COMMAND_DONE;
}

enum command_status redis_incr(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc;
    return change_counter(client, &argv[1], 1);
}

enum command_status redis_decr(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc;
    return change_counter(client, &argv[1], -1);
}

enum command_status redis_incrby(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    int64_t delta;

    (void)argc;
    if (!argument_i64(client, &argv[2], &delta))
        return COMMAND_DONE;
    return change_counter(client, &argv[1], delta);
}

enum command_status redis_decrby(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    int64_t delta;

    (void)argc;
    if (!argument_i64(client, &argv[2], &delta))
        return COMMAND_DONE;
    if (delta == INT64_MIN) { /* its negative does not fit */
        reply_error(client, "ERR decrement would overflow");
        return COMMAND_DONE;
    }
    return change_counter(client, &argv[1], -delta);
}

void redis_incrbyfloat_reserve(struct client *client, uint32_t argc, const struct resp_arg *argv,
                               struct command_room *room)
{
    (void)client, (void)argc;
    room->value_bytes = REDIS_FLOAT_TEXT_BYTES;
    room->bytes = heap_bytes(argv[1].len, REDIS_FLOAT_TEXT_BYTES);
    room->records = 1;
}

enum command_status redis_incrbyfloat(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    char text[REDIS_FLOAT_TEXT_BYTES];
    long double value = 0, increment;
    struct index_key key;
    struct heap_edit edit;

    (void)argc;
    value_edit(client, &argv[1], &edit, &key);
    if ((edit.found && !redis_float_parse(edit.old.value, edit.old.value_len, &value)) ||
        !redis_float_parse(argv[2].data, argv[2].len, &increment)) {
        reply_error(client, ERROR_NOT_FLOAT);
    } else if (!isfinite(value + increment)) {
        reply_error(client, "ERR increment would produce NaN or Infinity");
    } else {
        size_t len = redis_float_format(text, value + increment);
        put_number(client, &edit, text, len);
        reply_bulk(client, text, len);
    }
    heap_edit_end(&edit);
    return COMMAND_DONE;
}
