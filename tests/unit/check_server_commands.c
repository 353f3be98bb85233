/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL     The command table is sound: whatever a row says can be relied on by all that is made of it.
 * METHOD   Rules over all rows.
 */
#include "check.h"

#include <ctype.h>
#include <string.h>

#include "server/redis_commands.h"
#include "server/stats.h"

static int setup(void **state)
{
    (void)state;
    command_index_build();
    return 0;
}

static void names_are_found_in_any_case(void **state)
{
    char upper[64];

    (void)state;
    for (uint32_t i = 0; i < command_count; i++) {
        const struct command *command = &command_table[i];
        size_t len = strlen(command->name);
        for (size_t c = 0; c <= len; c++)
            upper[c] = (char)toupper((unsigned char)command->name[c]);
        assert_string_not_equal(upper, command->name);
        assert_ptr_equal(command_find(upper, len), (command->flags & COMMAND_SUBCOMMAND) != 0 ? NULL : command);
        assert_null(command_find(upper, len - 1) == command ? command : NULL);
    }
    assert_null(command_find("nosuch", 6));
    assert_null(command_find("", 0));
}

static void subcommands_follow_their_container(void **state)
{
    const struct command *container = NULL;

    (void)state;
    for (uint32_t i = 0; i < command_count; i++) {
        const struct command *command = &command_table[i];
        const char *bar = strchr(command->name, '|');
        if ((command->flags & COMMAND_CONTAINER) != 0)
            container = command;
        assert_int_equal(bar != NULL, (command->flags & COMMAND_SUBCOMMAND) != 0);
        if (bar == NULL)
            continue;
        assert_non_null(container);
        assert_memory_equal(command->name, container->name, strlen(container->name));
        assert_ptr_equal(command_find_sub(container, bar + 1, strlen(bar + 1)), command);
    }
}

static void rows_are_whole(void **state)
{
    (void)state;
    assert_in_range(command_count, 1, STATS_COMMANDS_MAX);
    for (uint32_t i = 0; i < command_count; i++) {
        const struct command *command = &command_table[i];
        assert_non_null(command->handler);
        assert_int_not_equal(command->arity, 0);
        assert_true(command->summary[0] != '\0');
        assert_int_equal(command->summary[strlen(command->summary) - 1], '.');
        assert_true(command->complexity[0] != '\0');
        assert_true(command->since[0] != '\0');
    }
}

static void keys_and_their_access_go_together(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < command_count; i++) {
        const struct command *command = &command_table[i];
        assert_int_equal(command->first_key != 0, command->access[0] != '\0');
        assert_int_equal(command->first_key != 0, command->key_step != 0);
        assert_false((command->flags & COMMAND_WRITE) != 0 && (command->flags & COMMAND_READONLY) != 0);
        if ((command->flags & COMMAND_WRITE) != 0 && command->first_key == 0)
            assert_non_null(command->reserve); /* nothing could be computed from keys */
        if ((command->flags & (COMMAND_DELETES | COMMAND_FLUSH)) != 0)
            assert_true((command->flags & COMMAND_WRITE) != 0);
    }
}

/* The arity fits the arguments that the manual shows: their words outside of brackets. */
static void arity_fits_the_arguments(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < command_count; i++) {
        const struct command *command = &command_table[i];
        int words = strchr(command->name, '|') != NULL ? 2 : 1, depth = 0;
        bool in_word = false, optional = false;
        if ((command->flags & COMMAND_CONTAINER) != 0 || strchr(command->arguments, '|') == command->arguments)
            continue;
        if (strcmp(command->name, "debug") == 0) /* its words are alternatives */
            continue;
        for (const char *at = command->arguments; *at != '\0'; at++) {
            depth += *at == '[';
            optional |= *at == '[';
            if (depth == 0 && *at != ' ' && !in_word)
                words++;
            in_word = depth == 0 && *at != ' ';
            depth -= *at == ']';
        }
        if (command->arity > 0)
            assert_int_equal(command->arity, words);
        else if (command->handler != redis_quit) /* takes and ignores words, as Redis does */
            assert_int_equal(-command->arity, words);
        assert_int_equal(command->arity < 0, optional || command->handler == redis_quit);
    }
}

static void keys_of_requests(void **state)
{
    const struct command *mset = command_find("mset", 4);
    const struct command *mget = command_find("mget", 4);
    const struct command *ping = command_find("ping", 4);

    (void)state;
    assert_int_equal(command_keys(mset, 5).count, 2);
    assert_int_equal(command_keys(mset, 5).step, 2);
    assert_int_equal(command_keys(mset, 6).count, 3); /* a pair without a value is a key, and refused later */
    assert_int_equal(command_keys(mget, 4).count, 3);
    assert_int_equal(command_keys(ping, 2).count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_in_any_case),
        cmocka_unit_test(subcommands_follow_their_container),
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(keys_and_their_access_go_together),
        cmocka_unit_test(arity_fits_the_arguments),
        cmocka_unit_test(keys_of_requests),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
