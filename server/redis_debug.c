/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server as its operator and its tests see it: DEBUG, SHUTDOWN, TIME.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include <xxhash.h>

#include "base/clock.h"
#include "base/number.h"
#include "server/redis_argument.h"
#include "server/redis_commands.h"
#include "server/redis_float.h"
#include "server/redis_value.h"
#include "server/server.h"

/* ---- DEBUG ---- */

/* A sum over objects, so that the order in which they are met does not matter. */
struct digest {
    uint64_t words[2];
    uint64_t objects;
    uint8_t db;
};

/* All that a client can see of an object but its CAS unique goes into its hash. */
static void each_object(const struct heap_scan_item *item, void *context)
{
    struct digest *digest = context;
    const uint64_t beside[] = {digest->db, item->object.expire_at_ms, item->object.client_flags, item->object.type};
    uint64_t seed = XXH3_64bits(beside, sizeof beside);
    XXH128_hash_t hash;

    seed = XXH3_64bits_withSeed(item->key, item->key_len, seed);
    hash = XXH3_128bits_withSeed(item->object.value, item->object.value_len, seed);
    digest->words[0] += hash.low64;
    digest->words[1] += hash.high64;
    digest->objects++;
}

/* DEBUG DIGEST: 40 hex digits that two servers with the same objects agree on; zeros for none. */
static enum command_status debug_digest(struct client *client)
{
    struct digest digest = {0};
    char text[48];

    for (uint8_t db = 0; db < DATABASE_COUNT; db++) {
        uint64_t cursor = 0;
        digest.db = db;
        do {
            cursor = heap_scan(client->heap_worker, db, cursor, 1024, each_object, &digest);
        } while (cursor != 0);
    }
    (void)snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64 "%08" PRIx64, digest.words[0], digest.words[1],
                   digest.objects & UINT32_MAX);
    reply_simple(client, text);
    return COMMAND_DONE;
}

/* DEBUG SLEEP: the connection waits; the worker and the others go on. */
static enum command_status debug_sleep(struct client *client, const struct resp_arg *arg)
{
    long double seconds;

    if (client->wait_state == 0) {
        if (!redis_float_parse(arg->data, arg->len, &seconds) || seconds < 0 || seconds > 3600) {
            reply_error(client, "ERR DEBUG SLEEP takes seconds, from 0 to 3600");
            return COMMAND_DONE;
        }
        if (client->in_multi && seconds > 0) { /* nobody waits with keys locked */
            reply_error(client, "ERR DEBUG SLEEP does not wait inside a transaction");
            return COMMAND_DONE;
        }
        client->wait_state = clock_mono_us() + (uint64_t)(seconds * 1000000);
    }
    if (clock_mono_us() < client->wait_state)
        return COMMAND_WAIT;
    client->wait_state = 0;
    reply_ok(client);
    return COMMAND_DONE;
}

static enum command_status debug_help(struct client *client)
{
    static const char *const lines[] = {
        "DEBUG <subcommand> [<arg> ...]. Subcommands are:",
        "SLEEP seconds",
        "    Lets this connection wait; the others go on.",
        "DIGEST",
        "    Sums up all objects of all databases in a number; the same objects give the same one.",
        "HELP",
        "    Gives this text.",
    };

    reply_array(client, HEARTH_ARRAY_COUNT(lines));
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(lines); i++)
        reply_simple(client, lines[i]);
    return COMMAND_DONE;
}

enum command_status redis_debug(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    if (argc == 2 && argument_is(&argv[1], "help"))
        return debug_help(client);
    if (argc == 3 && argument_is(&argv[1], "sleep"))
        return debug_sleep(client, &argv[2]);
    if (argc == 2 && argument_is(&argv[1], "digest"))
        return debug_digest(client);
    reply_errorf(client, "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try DEBUG HELP.",
                 (int)argv[1].len, (const char *)argv[1].data);
    return COMMAND_DONE;
}

/* ---- SHUTDOWN ---- */

/* SAVE and NOSAVE mean the same: what was acknowledged is in the pool in any case. NOW and FORCE ask for what is so. */
enum command_status redis_shutdown(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    bool save = false, nosave = false, abort_it = false, other = false;

    for (uint32_t i = 1; i < argc; i++) {
        save |= argument_is(&argv[i], "save");
        nosave |= argument_is(&argv[i], "nosave");
        abort_it |= argument_is(&argv[i], "abort");
        if (argument_is(&argv[i], "now") || argument_is(&argv[i], "force")) {
            other = true;
        } else if (!argument_is(&argv[i], "save") && !argument_is(&argv[i], "nosave") &&
                   !argument_is(&argv[i], "abort")) {
            reply_error(client, ERROR_SYNTAX);
            return COMMAND_DONE;
        }
    }
    if ((save && nosave) || (abort_it && (save || nosave || other))) {
        reply_error(client, ERROR_SYNTAX);
        return COMMAND_DONE;
    }
    if (abort_it) {
        reply_error(client, "ERR No shutdown in progress.");
        return COMMAND_DONE;
    }
    server_stop(client->server);
    return COMMAND_CLOSE; /* without a reply, as Redis does */
}

/* ---- TIME ---- */

enum command_status redis_time(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct timespec now;
    char digits[NUMBER_TEXT_BYTES_MAX];

    (void)argc, (void)argv;
    clock_gettime(CLOCK_REALTIME, &now);
    reply_array(client, 2);
    reply_bulk(client, digits, number_format_i64(digits, now.tv_sec));
    reply_bulk(client, digits, number_format_i64(digits, now.tv_nsec / 1000));
    return COMMAND_DONE;
}
