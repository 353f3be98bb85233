/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop of a worker, what it draws, and its schedule.
 */
#include "bench/load/worker.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bench/load/conn.h"
#include "bench/load/fail.h"

#define TICK_US 100000
/* Open loop: what was due before the end is sent at most so long after it. */
#define BACKLOG_NS UINT64_C(500000000)
/* Connections that are opened at a time before the run, so that no backlog overflows. */
#define OPENING_MAX 64

/* ---- what is drawn ---- */

static bool may_draw(const struct worker *worker, uint64_t due_ns)
{
    return worker->left > 0 && due_ns < worker->phase->end_ns &&
           !atomic_load_explicit(&worker->phase->stop, memory_order_relaxed);
}

uint32_t worker_claim(struct worker *worker, uint32_t wanted, uint64_t due_ns)
{
    if (!may_draw(worker, due_ns))
        return 0;
    if (wanted > worker->left)
        wanted = (uint32_t)worker->left;
    if (worker_measures(worker, due_ns) && worker->left != UINT64_MAX)
        worker->left -= wanted;
    worker->busy += wanted;
    return wanted;
}

void worker_over(struct worker *worker)
{
    worker->busy--;
}

static enum operation draw_operation(struct worker *worker)
{
    const struct workload *workload = &worker->plan->workload;
    uint64_t drawn;

    if (workload->only_gets)
        return OPERATION_GET;
    if (workload->only_sets)
        return OPERATION_SET;
    drawn = random_next(&worker->random);
    if (drawn <= workload->get_limit)
        return OPERATION_GET;
    if (drawn <= workload->set_limit)
        return OPERATION_SET;
    return drawn <= workload->insert_limit ? OPERATION_INSERT : OPERATION_MODIFY_GET;
}

enum operation worker_draw(struct worker *worker, uint64_t *keys)
{
    enum operation operation = draw_operation(worker);
    struct keys *all = &worker->phase->plan->keys;
    uint32_t count = operation == OPERATION_GET ? worker->plan->multi_get : 1;

    if (operation == OPERATION_INSERT) {
        keys[0] = keys_insert(all);
        return operation;
    }
    for (uint32_t i = 0; i < count; i++)
        keys[i] = keys_next(all, &worker->cursor);
    return operation;
}

/* ---- open loop ---- */

static bool may_send_due(const struct worker *worker, uint64_t now_ns)
{
    uint64_t end_ns = worker->phase->end_ns;

    return may_draw(worker, worker->due_ns) && (now_ns < end_ns || now_ns - end_ns < BACKLOG_NS);
}

static void set_due(struct worker *worker)
{
    const struct plan *plan = worker->plan;
    double place = (double)worker->due_index * plan->thread_count + worker->index;

    worker->due_ns = worker->phase->begin_ns + (uint64_t)(place * 1e9 / plan->rate);
}

/* The next connection with room, in turn; NULL: none has. */
static struct conn *find_room(struct worker *worker)
{
    if (worker->busy >= (uint64_t)worker->conn_count * worker->plan->pipeline)
        return NULL;
    for (unsigned i = 0; i < worker->conn_count; i++) {
        struct conn *conn = &worker->conns[worker->next_conn];
        worker->next_conn = worker->next_conn + 1 == worker->conn_count ? 0 : worker->next_conn + 1;
        if (conn_has_room(conn))
            return conn;
    }
    return NULL;
}

static void arm_timer(struct worker *worker, uint64_t now_ns)
{
    uint64_t wait_us = (worker->due_ns - now_ns + 999) / 1000;
    struct timeval wait = {.tv_sec = (time_t)(wait_us / 1000000), .tv_usec = (suseconds_t)(wait_us % 1000000)};

    if (worker->armed_ns == worker->due_ns)
        return;
    worker->armed_ns = worker->due_ns;
    event_add(&worker->timer, &wait);
}

/* Gives a connection the request that is due. */
static void give_due(struct worker *worker, struct conn *conn, uint64_t now_ns)
{
    worker_claim(worker, 1, worker->due_ns);
    if (worker_measures(worker, worker->due_ns))
        worker_record(worker, KIND_LATE, worker->due_ns, now_ns);
    if (worker->plan->storm) {
        conn_open(conn, worker->due_ns, now_ns);
    } else {
        conn_add(conn, worker->due_ns);
        if (!conn->is_written)
            worker->written[worker->written_count++] = conn;
        conn->is_written = true;
    }
    worker->due_index++;
    set_due(worker);
}

void worker_send_due(struct worker *worker, uint64_t now_ns)
{
    struct conn *conn;

    /* What finds no connection with room stays due: the next reply makes some. */
    while (worker->due_ns <= now_ns && may_send_due(worker, now_ns) && (conn = find_room(worker)) != NULL)
        give_due(worker, conn, now_ns);
    for (unsigned i = 0; i < worker->written_count; i++) {
        worker->written[i]->is_written = false;
        conn_flush(worker->written[i], now_ns);
    }
    worker->written_count = 0;
    if (worker->due_ns > now_ns && may_send_due(worker, now_ns))
        arm_timer(worker, now_ns);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct worker *worker = context;
    uint64_t now_ns = clock_mono_ns();

    (void)fd;
    (void)what;
    worker->armed_ns = 0;
    worker_send_due(worker, now_ns);
    worker_check_end(worker, now_ns);
}

/* ---- the loop ---- */

static bool has_ended(const struct worker *worker, uint64_t now_ns)
{
    bool more = worker->plan->rate > 0 ? may_send_due(worker, now_ns) : may_draw(worker, now_ns);

    return worker->busy == 0 && !more;
}

void worker_check_end(struct worker *worker, uint64_t now_ns)
{
    if (worker->running && has_ended(worker, now_ns))
        event_base_loopbreak(worker->base);
}

/* Closed loop: a storm's connections that could not be made are tried again. */
static void start_idle(struct worker *worker, uint64_t now_ns)
{
    for (unsigned i = 0; i < worker->conn_count; i++) {
        if (worker->conns[i].state == CONN_CLOSED)
            conn_next_batch(&worker->conns[i], now_ns);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct worker *worker = context;
    uint64_t now_ns = clock_mono_ns();
    bool waits = worker->busy > 0 || !worker->running;

    (void)fd;
    (void)what;
    if (!waits)
        worker->heard_ns = now_ns;
    else if (now_ns - worker->heard_ns > worker->plan->timeout_ns)
        fail("no answer from %s for %llu ms", worker->plan->address.text,
             (unsigned long long)(worker->plan->timeout_ns / 1000000));
    if (worker->running && worker->plan->rate > 0)
        worker_send_due(worker, now_ns);
    else if (worker->running && worker->plan->storm)
        start_idle(worker, now_ns);
    worker_check_end(worker, now_ns);
}

static void open_next(struct worker *worker, uint64_t now_ns)
{
    if (worker->opened_count < worker->conn_count)
        conn_open(&worker->conns[worker->opened_count++], now_ns, now_ns);
}

void worker_conn_ready(struct worker *worker, uint64_t now_ns)
{
    worker->heard_ns = now_ns;
    open_next(worker, now_ns);
    if (++worker->ready_count == worker->conn_count)
        event_base_loopbreak(worker->base);
}

static void open_all(struct worker *worker)
{
    worker->heard_ns = clock_mono_ns();
    for (unsigned i = 0; i < OPENING_MAX; i++)
        open_next(worker, worker->heard_ns);
    event_base_dispatch(worker->base);
}

/* Open loop: what was due and found no connection with room in time. */
static void count_unsent(struct worker *worker)
{
    const struct plan *plan = worker->plan;

    uint64_t unsent;

    if (plan->rate == 0 || !may_draw(worker, worker->due_ns))
        return;
    unsent = 1 + (uint64_t)((double)(worker->phase->end_ns - worker->due_ns) * plan->rate / 1e9 / plan->thread_count);
    counter_add(&worker->stats.unsent, unsent < worker->left ? unsent : worker->left);
}

static void run_loop(struct worker *worker)
{
    uint64_t now_ns = clock_mono_ns();

    worker->running = true;
    worker->heard_ns = now_ns;
    worker->last_answer_ns = worker->phase->measure_ns;
    worker->cpu_us = clock_thread_cpu_us();
    if (worker->plan->rate > 0) {
        set_due(worker);
        worker_send_due(worker, now_ns);
    } else {
        for (unsigned i = 0; i < worker->conn_count; i++)
            conn_next_batch(&worker->conns[i], now_ns);
    }
    if (!has_ended(worker, now_ns))
        event_base_dispatch(worker->base);
    count_unsent(worker);
    worker->cpu_us = clock_thread_cpu_us() - worker->cpu_us;
}

void *worker_run(void *context)
{
    struct worker *worker = context;

    if (!worker->plan->storm)
        open_all(worker);
    pthread_barrier_wait(&worker->phase->barrier); /* all stand ready */
    pthread_barrier_wait(&worker->phase->barrier); /* the times are set */
    run_loop(worker);
    atomic_fetch_add(&worker->phase->ended, 1);
    return NULL;
}

/* ---- its making ---- */

/* Part `index` of so many that cannot be divided evenly. */
static uint64_t part(uint64_t all, unsigned index, unsigned parts)
{
    return all / parts + (index < all % parts);
}

static void make_base(struct worker *worker)
{
    struct event_config *config = need(event_config_new());
    struct timeval tick = {.tv_usec = TICK_US};

    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    if (worker->plan->rate > 0)
        event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    worker->base = need(event_base_new_with_config(config));
    event_config_free(config);
    event_assign(&worker->tick, worker->base, -1, EV_PERSIST, on_tick, worker);
    event_add(&worker->tick, &tick);
    event_assign(&worker->timer, worker->base, -1, 0, on_timer, worker);
}

void worker_init(struct worker *worker, struct phase *phase, unsigned index)
{
    const struct plan *plan = phase->plan;

    memset(worker, 0, sizeof *worker);
    worker->phase = phase;
    worker->plan = plan;
    worker->index = index;
    worker->conn_count = (unsigned)part(plan->conn_count, index, plan->thread_count);
    worker->cursor = keys_cursor(&plan->keys, plan->seed, index, plan->thread_count);
    worker->random = random_open(plan->seed, UINT64_C(1) << 32 | index);
    worker->version = (uint64_t)(index + 1) << 40;
    worker->left =
        plan->request_count == UINT64_MAX ? UINT64_MAX : part(plan->request_count, index, plan->thread_count);
    worker->in = need(malloc(WORKER_IN_BYTES));
    stats_init(&worker->stats);
    make_base(worker);
    worker->conns = need(calloc(worker->conn_count, sizeof *worker->conns));
    worker->written = need(calloc(worker->conn_count, sizeof(struct conn *)));
    for (unsigned i = 0; i < worker->conn_count; i++)
        conn_init(&worker->conns[i], worker);
}

void worker_free(struct worker *worker)
{
    for (unsigned i = 0; i < worker->conn_count; i++)
        conn_free(&worker->conns[i]);
    event_del(&worker->tick);
    event_del(&worker->timer);
    event_base_free(worker->base);
    free(worker->conns);
    free(worker->written);
    free(worker->in);
    stats_free(&worker->stats);
}
