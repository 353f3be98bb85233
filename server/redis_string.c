/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Strings as a whole: GET, SET and what combines them.
 */
#include "server/redis_argument.h"
#include "server/redis_commands.h"
#include "server/redis_value.h"

/* What SET and GETEX say about the expiry. */
enum life {
    LIFE_NONE, /* SET: no expiry; GETEX: as it is */
    LIFE_EX,
    LIFE_PX,
    LIFE_EXAT,
    LIFE_PXAT,
    LIFE_KEEP,    /* KEEPTTL */
    LIFE_PERSIST, /* PERSIST */
};

struct string_options {
    enum life life;
    const struct resp_arg *amount; /* of EX, PX, EXAT, PXAT */
    bool nx, xx, get;
};

/* Which life the word names, LIFE_NONE if none; *has_amount: whether a number follows. */
static enum life life_of_word(const struct resp_arg *word, bool *has_amount)
{
    static const struct {
        const char *word;
        enum life life;
    } lives[] = {{"ex", LIFE_EX},     {"px", LIFE_PX},        {"exat", LIFE_EXAT},
                 {"pxat", LIFE_PXAT}, {"keepttl", LIFE_KEEP}, {"persist", LIFE_PERSIST}};

    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(lives); i++) {
        if (argument_is(word, lives[i].word)) {
            *has_amount = lives[i].life < LIFE_KEEP;
            return lives[i].life;
        }
    }
    return LIFE_NONE;
}

/* Reads the life that begins at argv[*at] into options and moves *at to its last word. False: it is none, or a second one. */
static bool read_life(struct string_options *options, uint32_t argc, const struct resp_arg *argv, uint32_t *at)
{
    bool has_amount = false;
    enum life life = life_of_word(&argv[*at], &has_amount);

    if (life == LIFE_NONE || (options->life != LIFE_NONE && options->life != life))
        return false;
    if (has_amount && *at + 1 >= argc)
        return false;
    options->life = life;
    if (has_amount)
        options->amount = &argv[++*at];
    return true;
}

/* The options of SET, from argv[3] on. */
static bool read_set_options(struct string_options *options, uint32_t argc, const struct resp_arg *argv)
{
    for (uint32_t i = 3; i < argc; i++) {
        if (argument_is(&argv[i], "nx") && !options->xx)
            options->nx = true;
        else if (argument_is(&argv[i], "xx") && !options->nx)
            options->xx = true;
        else if (argument_is(&argv[i], "get"))
            options->get = true;
        else if (!read_life(options, argc, argv, &i) || options->life == LIFE_PERSIST)
            return false;
    }
    return true;
}

/* The moment that the options name. False: it is none, and the client has been told. */
static bool read_expiry(struct client *client, const struct string_options *options, uint64_t *expire_at_ms)
{
    *expire_at_ms = 0;
    if (options->amount == NULL)
        return true;
    return argument_expiry(client, options->amount, options->life == LIFE_EX || options->life == LIFE_EXAT ? 1000 : 1,
                           options->life == LIFE_EX || options->life == LIFE_PX, expire_at_ms);
}

enum command_status redis_get(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct object object;

    (void)argc;
    if (value_read(client, &argv[1], &object))
        reply_object(client, &object);
    else
        reply_null(client);
    return COMMAND_DONE;
}

/* SET without options: the frequent case. */
static enum command_status set_plain(struct client *client, const struct resp_arg *key_arg,
                                     const struct resp_arg *value, uint64_t expire_at_ms)
{
    struct index_key key;
    struct heap_edit edit;

    value_edit(client, key_arg, &edit, &key);
    value_put(client, &edit, value->data, value->len, 0, expire_at_ms);
    heap_edit_end(&edit);
    reply_ok(client);
    return COMMAND_DONE;
}

static enum command_status set_with_options(struct client *client, const struct resp_arg *argv,
                                            const struct string_options *options, uint64_t expire_at_ms)
{
    struct index_key key;
    struct heap_edit edit;
    bool stores;

    value_edit(client, &argv[1], &edit, &key);
    stores = edit.found ? !options->nx : !options->xx;
    if (options->get) {
        value_count(client, edit.found);
        if (edit.found)
            reply_object(client, &edit.old);
        else
            reply_null(client);
    } else if (stores) {
        reply_ok(client);
    } else {
        reply_null(client);
    }
    if (options->life == LIFE_KEEP && edit.found)
        expire_at_ms = edit.old.expire_at_ms;
    if (stores)
        value_put(client, &edit, argv[2].data, argv[2].len, 0, expire_at_ms);
    heap_edit_end(&edit);
    return COMMAND_DONE;
}

enum command_status redis_set(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct string_options options = {0};
    uint64_t expire_at_ms;

    if (HEARTH_LIKELY(argc == 3))
        return set_plain(client, &argv[1], &argv[2], 0);
    if (!read_set_options(&options, argc, argv)) {
        reply_error(client, ERROR_SYNTAX);
        return COMMAND_DONE;
    }
    if (!read_expiry(client, &options, &expire_at_ms))
        return COMMAND_DONE;
    return set_with_options(client, argv, &options, expire_at_ms);
}

enum command_status redis_setnx(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct index_key key;
    struct heap_edit edit;

    (void)argc;
    value_edit(client, &argv[1], &edit, &key);
    if (!edit.found)
        value_put(client, &edit, argv[2].data, argv[2].len, 0, 0);
    reply_integer(client, !edit.found);
    heap_edit_end(&edit);
    return COMMAND_DONE;
}

/* SETEX and PSETEX: key, life, value. */
static enum command_status set_with_life(struct client *client, const struct resp_arg *argv, int64_t unit_ms)
{
    uint64_t expire_at_ms;

    if (!argument_expiry(client, &argv[2], unit_ms, true, &expire_at_ms))
        return COMMAND_DONE;
    return set_plain(client, &argv[1], &argv[3], expire_at_ms);
}

enum command_status redis_setex(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc;
    return set_with_life(client, argv, 1000);
}

enum command_status redis_psetex(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    (void)argc;
    return set_with_life(client, argv, 1);
}

enum command_status redis_getset(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    const struct string_options options = {.get = true};

    (void)argc;
    return set_with_options(client, argv, &options, 0);
}

enum command_status redis_getdel(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct index_key key;
    struct heap_edit edit;

    (void)argc;
    value_edit(client, &argv[1], &edit, &key);
    value_count(client, edit.found);
    if (edit.found) {
        reply_object(client, &edit.old);
        heap_edit_delete(&edit);
    } else {
        reply_null(client);
    }
    heap_edit_end(&edit);
    return COMMAND_DONE;
}

/* GETEX's write: the old value under the new expiry. */
static enum command_status change_life(struct client *client, const struct resp_arg *argv, uint64_t expire_at_ms)
{
    enum command_status status = COMMAND_DONE;
    struct index_key key;
    struct heap_edit edit;

    value_edit(client, &argv[1], &edit, &key);
    value_count(client, edit.found);
    if (!edit.found) {
        reply_null(client);
    } else if (!client_room_covers(client, argv[1].len, edit.old.value_len)) {
        status = COMMAND_RETRY;
    } else {
        reply_object(client, &edit.old);
        if (edit.old.expire_at_ms != expire_at_ms)
            client_rewrite(client, &edit, expire_at_ms, false);
    }
    heap_edit_end(&edit);
    return status;
}

enum command_status redis_getex(struct client *client, uint32_t argc, const struct resp_arg *argv)
{
    struct string_options options = {0};
    struct object object;
    uint64_t expire_at_ms;

    for (uint32_t i = 2; i < argc; i++) {
        if (!read_life(&options, argc, argv, &i) || options.life == LIFE_KEEP) {
            reply_error(client, ERROR_SYNTAX);
            return COMMAND_DONE;
        }
    }
    if (options.life == LIFE_NONE)
        return redis_get(client, argc, argv);
    if (!value_read(client, &argv[1], &object)) { /* before a word about the expiry, as Redis does */
        reply_null(client);
        return COMMAND_DONE;
    }
    if (!read_expiry(client, &options, &expire_at_ms))
        return COMMAND_DONE;
    return change_life(client, argv, expire_at_ms);
}
