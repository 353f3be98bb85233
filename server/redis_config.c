/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CONFIG: the table of options over the wire.
 */
#include "base/glob.h"
#include "server/redis_commands.h"
#include "server/server.h"

/* One CONFIG GET: the names given so far, so that two patterns do not give one twice. */
struct config_reply {
    struct client *client;
    const struct resp_arg *patterns;
    uint32_t pattern_count; /* those before the present one */
    uint64_t count;
};

/* Whether an earlier pattern has given this name already. */
static bool was_given(const struct config_reply *reply, const char *name)
{
    for (uint32_t i = 0; i < reply->pattern_count; i++) {
        if (glob_match_nocase(reply->patterns[i].data, reply->patterns[i].len, name, strlen(name)))
            return true;
    }
    return false;
}

/* A name rather than a glob. */
static bool is_plain(const struct resp_arg *pattern)
{
    for (uint32_t i = 0; i < pattern->len; i++) {
        if (strchr("[*?", pattern->data[i]) != NULL)
            return false;
    }
    return true;
}

static void each_option(const char *name, const char *value, void *context)
{
    struct config_reply *reply = context;
    const struct resp_arg *pattern = &reply->patterns[reply->pattern_count];

    if (was_given(reply, name))
        return;
    if (pattern->len == strlen(name) && is_plain(pattern)) /* Redis gives a plain name back as it was asked for */
        reply_bulk(reply->client, pattern->data, pattern->len);
    else
        reply_bulk_text(reply->client, name);
    reply_bulk_text(reply->client, value);
    reply->count += 2;
}

enum command_status redis_config_get(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct config_reply reply = {.client = client, .patterns = &argv[2]};
    size_t mark = reply_mark(client);

    for (uint32_t i = 2; i < argc; i++) {
        reply.pattern_count = i - 2;
        config_match(client->server, argv[i].data, argv[i].len, each_option, &reply);
    }
    reply_array_at(client, mark, reply.count);
    return COMMAND_DONE;
}

enum command_status redis_config_set(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    char error[OPTION_ERROR_BYTES];

    if (argc % 2 != 0)
        reply_error(client, "ERR syntax error");
    else if (config_set(client->server, &argv[2], (argc - 2) / 2, error))
        reply_ok(client);
    else
        reply_error(client, error);
    return COMMAND_DONE;
}

enum command_status redis_config_resetstat(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc, (void)argv;
    stats_reset(client->server);
    reply_ok(client);
    return COMMAND_DONE;
}

enum command_status redis_config_rewrite(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc, (void)argv;
    if (client->server->options->config_path == NULL)
        reply_error(client, "ERR The server is running without a config file");
    else
        reply_error(client, "ERR CONFIG REWRITE is not supported: change the configuration file by hand");
    return COMMAND_DONE;
}
