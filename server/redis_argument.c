/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Words and numbers of a command.
 */
#include "server/redis_argument.h"

#include <limits.h>
#include <strings.h>

#include "base/number.h"
#include "server/command.h"
#include "server/exptime.h"

bool argument_is(const struct resp_arg *arg, const char *word)
{
    size_t len = strlen(word);

    return arg->len == len && strncasecmp((const char *)arg->data, word, len) == 0;
}

bool argument_i64(struct client *client, const struct resp_arg *arg, int64_t *value)
{
    if (number_parse_i64(arg->data, arg->len, value))
        return true;
    reply_error(client, ERROR_NOT_INTEGER);
    return false;
}

bool argument_database(struct client *client, const struct resp_arg *arg, const char *range_error, uint8_t *db)
{
    int64_t number;

    if (!argument_i64(client, arg, &number))
        return false;
    if (number < INT_MIN || number > INT_MAX) {
        reply_error(client, "ERR value is out of range, value must between -2147483648 and 2147483647");
        return false;
    }
    if (number < 0 || number >= DATABASE_COUNT) {
        reply_error(client, range_error);
        return false;
    }
    *db = (uint8_t)number;
    return true;
}

void reply_expiry_error(struct client *client)
{
    reply_errorf(client, "ERR invalid expire time in '%s' command", client->command->name);
}

bool argument_expiry(struct client *client, const struct resp_arg *arg, int64_t unit_ms, bool relative,
                     uint64_t *expire_at_ms)
{
    int64_t amount;

    if (!argument_i64(client, arg, &amount))
        return false;
    if (amount > 0 && exptime_of_redis(amount, unit_ms, relative ? heap_now_ms(client->heap_worker) : 0, expire_at_ms))
        return true;
    reply_expiry_error(client);
    return false;
}

bool redis_copy_database(uint32_t argc, const struct resp_arg *argv, uint8_t *db)
{
    bool found = false;
    int64_t number;

    for (uint32_t i = 3; i + 1 < argc; i++) {
        if (argument_is(&argv[i], "db")) {
            found =
                number_parse_i64(argv[i + 1].data, argv[i + 1].len, &number) && number >= 0 && number < DATABASE_COUNT;
            if (found)
                *db = (uint8_t)number;
            i++;
        }
    }
    return found;
}
