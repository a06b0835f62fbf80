// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One row per kind of ask.  All of them but a live update are done at once,
 * with a system call or a few; a pass does a bounded number, so that a toolstack that introduces
 * a thousand domains does not hold up the others.
 */
#include "xenstored/host/asks.h"

#include <stddef.h>

#include "xenstored/host/client.h"
#include "xenstored/host/control.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/hypervisor.h"
#include "xenstored/host/update.h"

#define ASKS_BATCH 64u

/* *len: bytes of the answer in h->reply.  0 or a positive errno. */
typedef uint32_t ask_do(struct host *h, const struct machine_ask *ask,
			size_t *len);

/*
 * An ask is popped before it is carried out, as what is fed then may put
 * other asks before it; one whose data is needed (`borrows`) is popped
 * afterwards, and must not feed.
 */
struct ask_row {
	ask_do *carry_out;
	bool answered;
	bool borrows;
};

static uint32_t ask_domain(struct host *h, const struct machine_ask *ask,
			   size_t *len)
{
	return hypervisor_tell(h, ask->domid);
}

static uint32_t ask_map(struct host *h, const struct machine_ask *ask,
			size_t *len)
{
	return guest_map(h, ask);
}

static uint32_t ask_unmap(struct host *h, const struct machine_ask *ask,
			  size_t *len)
{
	guest_unmap(h, ask->domid);
	return 0;
}

static uint32_t ask_close(struct host *h, const struct machine_ask *ask,
			  size_t *len)
{
	struct client *c = client_of(h, ask->conn);

	if (c)
		client_close(c);
	return 0;
}

static uint32_t ask_ring_error(struct host *h, const struct machine_ask *ask,
			       size_t *len)
{
	guest_ring_error(h, ask->domid, ask->code);
	return 0;
}

static uint32_t ask_control(struct host *h, const struct machine_ask *ask,
			    size_t *len)
{
	return control_command(h, ask, len);
}

static const struct ask_row rows[] = {
	[MACHINE_ASK_DOMAIN] =		{ ask_domain, true },
	[MACHINE_ASK_MAP] =		{ ask_map, true },
	[MACHINE_ASK_UNMAP] =		{ ask_unmap, false },
	[MACHINE_ASK_CLOSE] =		{ ask_close, false },
	[MACHINE_ASK_RING_ERROR] =	{ ask_ring_error, false },
	[MACHINE_ASK_CONTROL] =		{ ask_control, true, true },
};

static void ask_answer(struct host *h, uint64_t id, uint32_t error,
		       size_t len)
{
	struct machine_input in = {
		.type = MACHINE_IN_DONE,
		.ask = id,
		.error = error,
		.data = h->reply,
		.len = len,
	};

	host_feed(h, &in);
}

bool asks_carry_out(struct host *h)
{
	struct machine_ask ask;

	for (unsigned int n = 0; n < ASKS_BATCH; n++) {
		const struct ask_row *row;
		uint32_t error;
		size_t len = 0;

		if (!machine_ask_peek(h->machine, &ask))
			return false;
		row = &rows[ask.type];
		if (!row->borrows)
			machine_ask_pop(h->machine);
		error = row->carry_out(h, &ask, &len);
		if (row->borrows)
			machine_ask_pop(h->machine);
		if (row->answered && error != UPDATE_LATER)
			ask_answer(h, ask.id, error, error ? 0 : len);
	}
	return machine_ask_peek(h->machine, &ask);
}
