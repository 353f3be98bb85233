/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The list of loans.
 */
#include "server/loan.h"

#include "base/assert.h"
#include "server/worker.h"

void reply_stored(struct client *client, const uint8_t *data, size_t len)
{
    struct loans *loans = &client->worker->loans;

    /* An EXEC may open and close turns of its own. */
    if (len < LOAN_BYTES_MIN || loans->count == LOANS_MAX || client->in_multi || client->out_failed) {
        reply_raw(client, data, len);
        return;
    }
    loans->list[loans->count++] = (struct loan){
        .client = client,
        .data = data,
        .len = len,
        .at = buf_len(&client->out),
        .turn = heap_turn_number(client->heap_worker),
    };
    client->lent_bytes += len;
}

uint32_t loans_pieces(const struct client *client, struct iovec pieces[LOAN_PIECES_MAX])
{
    const struct loans *loans = &client->worker->loans;
    uint8_t *bytes = buf_bytes(&client->out);
    uint32_t count = 0;
    size_t at = 0;

    for (uint32_t i = 0; i < loans->count; i++) {
        const struct loan *loan = &loans->list[i];

        if (loan->client != client)
            continue;
        must(loan->turn == heap_turn_number(client->heap_worker)); /* it may lie anywhere by now */
        if (loan->at > at)
            pieces[count++] = (struct iovec){bytes + at, loan->at - at};
        pieces[count++] = (struct iovec){(void *)loan->data, loan->len};
        at = loan->at;
    }
    if (buf_len(&client->out) > at)
        pieces[count++] = (struct iovec){bytes + at, buf_len(&client->out) - at};
    return count;
}

/* Drops the loans of the client that lie at `mark` or behind. */
static void drop_from(struct client *client, size_t mark)
{
    struct loans *loans = &client->worker->loans;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < loans->count; i++) {
        if (loans->list[i].client == client && loans->list[i].at >= mark)
            client->lent_bytes -= loans->list[i].len;
        else
            loans->list[kept++] = loans->list[i];
    }
    loans->count = kept;
}

void loans_repay(struct client *client, size_t sent)
{
    size_t left = buf_len(&client->out) + client->lent_bytes - sent;
    struct iovec pieces[LOAN_PIECES_MAX];
    uint32_t count = loans_pieces(client, pieces);
    struct buf rest;

    buf_init(&rest, client->out.max);
    if (left > 0 && buf_reserve(&rest, left) != BUF_OK) {
        client->out_failed = true;
        count = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        size_t skip = sent < pieces[i].iov_len ? sent : pieces[i].iov_len;

        sent -= skip;
        must(buf_append(&rest, (const uint8_t *)pieces[i].iov_base + skip, pieces[i].iov_len - skip) == BUF_OK);
    }
    if (client->out.data != NULL)
        worker_give_block(client->worker, client->out.data, client->out.cap);
    client->out = rest;
    drop_from(client, 0);
}

void loans_repay_all(struct worker *worker)
{
    struct loans *loans = &worker->loans;

    while (loans->count > 0)
        loans_repay(loans->list[loans->count - 1].client, 0);
}

void loans_undo(struct client *client, size_t mark)
{
    if (client->lent_bytes != 0)
        drop_from(client, mark);
}

void loans_shift(struct client *client, size_t mark, size_t bytes)
{
    struct loans *loans = &client->worker->loans;

    for (uint32_t i = 0; client->lent_bytes != 0 && i < loans->count; i++) {
        if (loans->list[i].client == client && loans->list[i].at >= mark)
            loans->list[i].at += bytes;
    }
}
