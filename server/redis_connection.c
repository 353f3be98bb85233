/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The connection itself: PING, ECHO, QUIT, RESET, SELECT, AUTH, HELLO.
 */
#include "base/number.h"
#include "server/redis_argument.h"
#include "server/redis_commands.h"
#include "server/redis_version.h"
#include "server/server.h"

enum command_status redis_ping(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    if (HEARTH_LIKELY(argc == 1))
        reply_literal(client, RESP_REPLY_PONG);
    else if (argc == 2)
        reply_bulk(client, argv[1].data, argv[1].len);
    else
        reply_arity_error(client);
    return COMMAND_DONE;
}

enum command_status redis_echo(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc;
    reply_bulk(client, argv[1].data, argv[1].len);
    return COMMAND_DONE;
}

enum command_status redis_quit(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc, (void)argv;
    reply_ok(client);
    return COMMAND_CLOSE;
}

enum command_status redis_select(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    uint8_t db;

    (void)argc;
    if (argument_database(client, &argv[1], "ERR DB index is out of range", &db)) {
        client_set_db(client, db);
        reply_ok(client);
    }
    return COMMAND_DONE;
}

enum command_status redis_reset(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc, (void)argv;
    transaction_reset(client);
    client_set_db(client, 0);
    (void)client_set_name(client, NULL, 0);
    client_set_authenticated(client, !options_password_is_asked(client->server->options));
    reply_simple(client, "RESET");
    return COMMAND_DONE;
}

/* The one user is "default"; without requirepass it takes any password. */
static bool authenticate(struct client *client, const struct resp_arg *user, const struct resp_arg *password)
{
    STAT_ADD(client->stats, auth_cmds, 1);
    if (argument_is(user, "default") && memcmp(user->data, "default", 7) == 0 &&
        options_password_fits(client->server->options, password->data, password->len)) {
        client_set_authenticated(client, true);
        return true;
    }
    STAT_ADD(client->stats, auth_errors, 1);
    reply_error(client, "WRONGPASS invalid username-password pair or user is disabled.");
    return false;
}

enum command_status redis_auth(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    const struct resp_arg user = {(const uint8_t *)"default", 7};

    if (argc > 3) {
        reply_error(client, ERROR_SYNTAX);
    } else if (argc == 2 && !options_password_is_asked(client->server->options)) {
        reply_error(client, "ERR AUTH <password> called without any password configured for the default user. Are you "
                            "sure your configuration is correct?");
    } else if (authenticate(client, argc == 2 ? &user : &argv[1], &argv[argc - 1])) {
        reply_ok(client);
    }
    return COMMAND_DONE;
}

/* What HELLO asks for. */
struct hello {
    const struct resp_arg *user, *password, *name;
};

/* HELLO's words from argv[1] on. False: the client has been told. */
static bool read_hello(struct client *client, uint32_t argc, const struct resp_arg *argv, struct hello *hello)
{
    int64_t version;

    if (argc > 1 && !number_parse_i64(argv[1].data, argv[1].len, &version)) {
        reply_error(client, "ERR Protocol version is not an integer or out of range");
        return false;
    }
    if (argc > 1 && version != 2) { /* 3 too: no RESP3 here yet */
        reply_error(client, "NOPROTO unsupported protocol version");
        return false;
    }
    for (uint32_t i = 2; i < argc; i++) {
        if (argument_is(&argv[i], "auth") && i + 2 < argc) {
            hello->user = &argv[i + 1];
            hello->password = &argv[i + 2];
            i += 2;
        } else if (argument_is(&argv[i], "setname") && i + 1 < argc) {
            hello->name = &argv[++i];
        } else {
            reply_errorf(client, "ERR Syntax error in HELLO option '%.*s'", (int)argv[i].len,
                         (const char *)argv[i].data);
            return false;
        }
    }
    return true;
}

static void reply_hello(struct client *client)
{
    reply_array(client, 14); /* RESP2's form of a map of seven */
    reply_bulk_text(client, "server");
    reply_bulk_text(client, "redis"); /* what it speaks; INFO says who it is */
    reply_bulk_text(client, "version");
    reply_bulk_text(client, REDIS_VERSION_SPOKEN);
    reply_bulk_text(client, "proto");
    reply_integer(client, 2);
    reply_bulk_text(client, "id");
    reply_integer(client, (int64_t)client->id);
    reply_bulk_text(client, "mode");
    reply_bulk_text(client, "standalone");
    reply_bulk_text(client, "role");
    reply_bulk_text(client, "master");
    reply_bulk_text(client, "modules");
    reply_array(client, 0);
}

enum command_status redis_hello(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct hello hello = {0};

    if (!read_hello(client, argc, argv, &hello))
        return COMMAND_DONE;
    if (hello.user != NULL && !authenticate(client, hello.user, hello.password))
        return COMMAND_DONE;
    if (!client->authenticated && options_password_is_asked(client->server->options)) {
        reply_error(client, "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
                            "AUTH <user> <pass> option can be used to authenticate the client and select the "
                            "RESP protocol version at the same time");
        return COMMAND_DONE;
    }
    if (hello.name == NULL || redis_client_rename(client, hello.name))
        reply_hello(client);
    return COMMAND_DONE;
}
