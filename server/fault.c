/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Last words: what is said when the processor refuses to go on.
 *
 * IDEA     Only functions that may be called in a signal handler: the line is put together by hand and leaves in one
 *          write. The handler is then gone (SA_RESETHAND) and the instruction is tried again, so that the process dies
 *          of the signal, with a core where that is wanted. What was acknowledged is in the pool.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "server/process.h"

#define STACK_BYTES (64 * 1024)

static struct {
    const char *log_path;
    const uint8_t *base;
    size_t bytes;
    char pool_path[512];
} state;

struct line {
    char text[1024];
    size_t len;
};

static void put(struct line *line, const char *text)
{
    size_t len = strlen(text);

    if (len > sizeof line->text - line->len)
        len = sizeof line->text - line->len;
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

static void put_number(struct line *line, uint64_t number)
{
    char text[NUMBER_TEXT_BYTES_MAX + 1];

    text[number_format_u64(text, number)] = '\0';
    put(line, text);
}

static const char *name_of(int number)
{
    switch (number) {
    case SIGBUS:
        return "SIGBUS";
    case SIGSEGV:
        return "SIGSEGV";
    case SIGFPE:
        return "SIGFPE";
    default:
        return "SIGILL";
    }
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    const uint8_t *at = info->si_addr;
    struct line line = {.len = 0};
    int fd;

    (void)context;
    put(&line, "hearthd: error fault ");
    put(&line, name_of(number));
    if (number == SIGBUS && at >= state.base && at < state.base + state.bytes) {
        put(&line, " in the mapping of the pool: the file was cut short, its file system is full, or its medium fails; "
                   "see to that, then restart pool=");
        put(&line, state.pool_path);
        put(&line, " offset=");
        put_number(&line, (uint64_t)(at - state.base));
    } else {
        put(&line, ": a bug of the server, or memory that fails; a restart recovers the pool. Please report it pool=");
        put(&line, state.pool_path);
    }
    put(&line, "\n");
    (void)!write(STDERR_FILENO, line.text, line.len);
    if (state.log_path != NULL && state.log_path[0] != '\0') {
        fd = open(state.log_path, O_WRONLY | O_APPEND | O_CLOEXEC);
        if (fd >= 0)
            (void)!write(fd, line.text, line.len);
    }
    raise(number);
}

void process_catch_faults(const char *log_path)
{
    static uint8_t stack[STACK_BYTES];
    static const int numbers[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_ONSTACK};
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};

    state.log_path = log_path;
    sigaltstack(&alternative, NULL); /* the main thread's; the others have room on theirs */
    for (size_t i = 0; i < HEARTH_ARRAY_COUNT(numbers); i++)
        sigaction(numbers[i], &action, NULL);
}

void process_set_mapping(const void *base, size_t bytes, const char *pool_path)
{
    size_t len = strlen(pool_path);

    if (len > sizeof state.pool_path - 1)
        len = sizeof state.pool_path - 1;
    memcpy(state.pool_path, pool_path, len);
    state.bytes = bytes;
    state.base = base;
}
