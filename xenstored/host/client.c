// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * epoll is level-triggered: what a client has left to say brings it back in
 * the next pass, behind the others.  A client whose bytes the machine does
 * not want is not listened to; it is asked for again when its appetite
 * returns.
 */
#include "xenstored/host/client.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <talloc.h>
#include <unistd.h>

#include "xenstored/host/descriptors.h"
#include "xenstored/host/fault.h"
#include "xenstored/host/journal.h"
#include "xenstored/host/log.h"

#define SLOT_MASK (CLIENT_SLOTS - 1)
#define GENERATIONS (1u << 11)

_Static_assert(CLIENT_SLOTS <= TABLE_MAX, "slots fit the table");
_Static_assert((uint64_t)MACHINE_SOCKET_BASE +
	       (uint64_t)GENERATIONS * CLIENT_SLOTS <= UINT32_MAX,
	       "connection ids fit");

struct client *client_of(const struct host *h, uint32_t conn)
{
	struct client *c;

	if (conn < MACHINE_SOCKET_BASE)
		return NULL;
	c = table_get(&h->by_slot, (conn - MACHINE_SOCKET_BASE) & SLOT_MASK);
	return c && c->conn == conn ? c : NULL;
}

/*
 * Slots are given in turn, within a range that has room for twice the clients
 * there are: so the search ends soon and the table stays small.  Each time
 * the range is exhausted a new generation begins.
 */
static uint32_t client_next_slot(struct host *h)
{
	if (h->next_slot > 2 * h->client_count + 64) {
		h->next_slot = 0;
		h->generation = (h->generation + 1) % GENERATIONS;
	}
	return h->next_slot++;
}

uint32_t client_generation(uint32_t conn)
{
	return (conn - MACHINE_SOCKET_BASE) / CLIENT_SLOTS;
}

void client_generation_after(struct host *h, uint32_t generation)
{
	h->next_slot = 0;
	h->generation = (generation + 1) % GENERATIONS;
}

static int client_id(struct host *h, struct client *c)
{
	uint32_t slot;

	if (h->client_count >= CLIENT_SLOTS / 4)
		return -EMFILE;
	do
		slot = client_next_slot(h);
	while (table_get(&h->by_slot, slot));
	c->conn = MACHINE_SOCKET_BASE + h->generation * CLIENT_SLOTS + slot;
	return 0;
}

static void client_free(struct client *c)
{
	struct host *h = c->host;

	list_del(&c->out);
	table_set(&h->by_slot, (c->conn - MACHINE_SOCKET_BASE) & SLOT_MASK,
		  NULL);
	h->client_count--;
	/* The service manager may hold it still: epoll would go on. */
	(void)epoll_ctl(h->epoll, EPOLL_CTL_DEL, c->fd, NULL);
	close(c->fd);
	talloc_free(c);
}

/* Into the table and epoll, under the connection id that it has. */
static int client_enter(struct host *h, struct client *c)
{
	uint32_t slot = (c->conn - MACHINE_SOCKET_BASE) & SLOT_MASK;
	int error = table_set(&h->by_slot, slot, c);

	if (error)
		return error;
	h->client_count++;
	c->interest = EPOLLIN;
	meter_begin(h, &c->meter, c->conn);
	error = host_epoll(h, EPOLL_CTL_ADD, c->fd, c->interest, EPOLL_CLIENT,
			   c->conn);
	if (!error)
		return 0;
	h->client_count--;
	table_set(&h->by_slot, slot, NULL);
	return error;
}

static int client_open(struct host *h, struct client *c)
{
	struct machine_input in = { .type = MACHINE_IN_OPEN };
	int error = client_id(h, c);

	if (!error)
		error = client_enter(h, c);
	if (error)
		return error;
	descriptors_push_client(c->conn, c->fd);
	fault_point("accepted");
	in.conn = c->conn;
	host_feed(h, &in);
	return 0;
}

static struct client *client_make(struct host *h, int fd)
{
	struct client *c = talloc_zero(h, struct client);

	if (!c)
		return NULL;
	c->host = h;
	c->fd = fd;
	list_init(&c->out);
	return c;
}

static int client_made(struct client *c, int fd, int error)
{
	if (error) {
		close(fd);
		talloc_free(c);
	}
	return error;
}

int client_new(struct host *h, int fd)
{
	struct client *c = client_make(h, fd);

	return client_made(c, fd, c ? client_open(h, c) : -ENOMEM);
}

int client_restore(struct host *h, uint32_t conn, int fd)
{
	struct client *c = client_make(h, fd);
	int error = -ENOMEM;

	if (c) {
		c->conn = conn;
		error = client_enter(h, c);
	}
	if (!error)
		list_queue(&h->clients_out, &c->out);
	return client_made(c, fd, error);
}

void client_close(struct client *c)
{
	host_feed_event(c->host, MACHINE_IN_CLOSE, c->conn);
	descriptors_strike_client(c->conn);
	/* One who waits for a descriptor may have this one. */
	if (c->host->due[TIMER_ACCEPT] != UINT64_MAX)
		host_timer(c->host, TIMER_ACCEPT, c->host->now);
	client_free(c);
}

void client_forget_all(struct host *h)
{
	for (uint32_t slot = 0; slot < h->by_slot.size; slot++) {
		struct client *c = table_get(&h->by_slot, slot);

		if (c)
			client_free(c);
	}
}

static void client_listen(struct client *c, uint32_t interest)
{
	if (c->interest == interest)
		return;
	c->interest = interest;
	/* Cannot fail: the descriptor is there, nothing is allocated. */
	(void)host_epoll(c->host, EPOLL_CTL_MOD, c->fd, interest, EPOLL_CLIENT,
			 c->conn);
}

/* Of the errors of a socket call those that pass: the peer is still there. */
static bool client_busy(int error)
{
	return error == EAGAIN || error == EINTR || error == ENOBUFS ||
	       error == ENOMEM;
}

/*
 * A call on the socket begins (or, with 0, its outcome is recorded): a death
 * in between leaves this word behind (docs/recovery.md).
 */
static void client_doubt(struct client *c, uint32_t conn,
			 void (*mark)(struct journal *j, uint32_t conn))
{
	if (c->host->journal)
		mark(c->host->journal, conn);
}

/* False: the client is gone. */
static bool client_input(struct client *c, size_t wanted)
{
	struct host *h = c->host;
	void *place = host_input(h);
	ssize_t len;
	int error;

	if (wanted > HOST_INPUT_MAX)
		wanted = HOST_INPUT_MAX;
	client_doubt(c, c->conn, journal_receiving);
	len = recv(c->fd, place, wanted, MSG_DONTWAIT);
	error = len < 0 ? errno : 0;
	fault_point("received");
	if (len > 0) {
		meter_input(h, &c->meter, (size_t)len);
		h->meters->sockets.in_bytes += (size_t)len;
		host_feed_bytes(h, c->conn, place, (size_t)len);
	}
	client_doubt(c, 0, journal_receiving);
	return len > 0 || (len < 0 && client_busy(error));
}

void client_turn(struct client *c, uint32_t events)
{
	struct host *h = c->host;
	size_t wanted = machine_wants(h->machine, c->conn);

	if (events & EPOLLOUT) {
		c->full = false;
		list_queue(&h->clients_out, &c->out);
	}
	if (wanted && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
		if (!client_input(c, wanted))
			client_close(c);
		return;
	}
	/* Both ways are shut: nobody will ever read what waits for it. */
	if (events & (EPOLLHUP | EPOLLERR))
		client_close(c);
}

static void client_interest(struct client *c)
{
	uint32_t interest = 0;

	if (machine_wants(c->host->machine, c->conn))
		interest |= EPOLLIN;
	if (c->full)
		interest |= EPOLLOUT;
	client_listen(c, interest);
}

void client_output(struct client *c)
{
	struct machine_span spans[HOST_SPANS_MAX];
	struct iovec iov[HOST_SPANS_MAX];
	struct msghdr msg = { .msg_iov = iov };
	struct host *h = c->host;
	unsigned int n;
	size_t total = 0;
	ssize_t len;
	int error;

	n = machine_output(h->machine, c->conn, spans, HOST_SPANS_MAX);
	if (!n) {
		client_interest(c);
		return;
	}
	meter_replies(h, &c->meter, c->conn, NULL);
	for (unsigned int i = 0; i < n; i++) {
		iov[i].iov_base = (void *)(uintptr_t)spans[i].at;
		iov[i].iov_len = spans[i].len;
		total += spans[i].len;
	}
	msg.msg_iovlen = n;
	client_doubt(c, c->conn, journal_sending);
	/* One reply is the rule, and the plain call costs the kernel less. */
	len = n == 1 ? send(c->fd, spans[0].at, total,
			    MSG_DONTWAIT | MSG_NOSIGNAL) :
		       sendmsg(c->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	error = len < 0 ? errno : 0;
	fault_point("sent");
	if (len > 0) {
		meter_output(h, &c->meter, (size_t)len);
		h->meters->sockets.out_bytes += (size_t)len;
		host_feed_taken(h, c->conn, (size_t)len);
	}
	client_doubt(c, 0, journal_sending);
	if (len < 0 && !client_busy(error)) {
		client_close(c);
		return;
	}
	c->full = len < 0 || (size_t)len < total;
	if (n == HOST_SPANS_MAX && !c->full)
		list_queue(&h->clients_out, &c->out);
	client_interest(c);
}

void client_changed(struct client *c)
{
	struct machine_span span;
	struct host *h = c->host;

	client_interest(c);
	if (!c->full && machine_output(h->machine, c->conn, &span, 1))
		list_queue(&h->clients_out, &c->out);
}
