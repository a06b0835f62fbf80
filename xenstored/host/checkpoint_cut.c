// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The cut; see checkpoint_cut.h.  Its memory is kept from one checkpoint to
 * the next, as the next is about as long; each record has its lengths before
 * it and begins where a length may stand.
 */
#include "xenstored/host/checkpoint_cut.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored/core/image.h"
#include "xenstored/host/checkpoint.h"
#include "xenstored/host/evtchn.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/host.h"
#include "xenstored/host/limits.h"
#include "xenstored/host/recovery.h"

#define CUT_ROOM 4096u

struct cut_head {
	uint32_t key, value;	/* lengths; of the key with its NUL */
};

static size_t cut_size(size_t key, size_t value)
{
	size_t align = sizeof(struct cut_head);

	return (sizeof(struct cut_head) + key + value + align - 1) / align *
	       align;
}

static int cut_put(void *arg, const char *key, const void *value, size_t len)
{
	struct checkpoint_cut *cut = arg;
	struct cut_head head = { (uint32_t)strlen(key) + 1, (uint32_t)len };
	size_t more = cut_size(head.key, len);
	size_t room = cut->room ? cut->room : CUT_ROOM;
	char *at;

	while (room < cut->len + more)
		room *= 2;
	if (room != cut->room) {
		at = realloc(cut->bytes, room);
		if (!at)
			return -ENOMEM;
		cut->bytes = at;
		cut->room = room;
	}
	at = cut->bytes + cut->len;
	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), key, head.key);
	if (len)
		memcpy(at + sizeof(head) + head.key, value, len);
	cut->len += more;
	return 0;
}

bool checkpoint_cut_next(const struct checkpoint_cut *cut, size_t *at,
			 struct checkpoint_record *out)
{
	const char *from = cut->bytes + *at;
	struct cut_head head;

	if (*at == cut->len)
		return false;
	memcpy(&head, from, sizeof(head));
	out->key = from + sizeof(head);
	out->value = out->key + head.key;
	out->len = head.value;
	*at += cut_size(head.key, head.value);
	return true;
}

void checkpoint_cut_free(struct checkpoint_cut *cut)
{
	free(cut->bytes);
	memset(cut, 0, sizeof(*cut));
}

/* ------------------------------------------------------------ records -- */

static int put_ring(struct checkpoint_cut *cut, uint32_t domid, uint32_t port,
		    uint32_t remote, uint32_t req_cons, uint32_t rsp_prod)
{
	char key[32], value[160];
	int n;

	snprintf(key, sizeof(key), "ring %u", domid);
	n = snprintf(value, sizeof(value),
		     "port=%u remote=%u req_cons=%u rsp_prod=%u ", port,
		     remote, req_cons, rsp_prod);
	return cut_put(cut, key, value, (size_t)n);
}

/* As the records say, where nobody has mapped them (settle.h). */
static int put_recovered(struct host *h, struct checkpoint_cut *cut)
{
	const struct table *rings = &h->recovery->rings;
	int error = 0;

	for (uint32_t i = 0; i < rings->size && !error; i++) {
		const struct recovered_ring *r = table_get(rings, i);

		if (r && r->known)
			error = put_ring(cut, i, r->port, r->remote,
					 r->req_cons, r->rsp_prod);
	}
	return error;
}

static int put_rings(struct host *h, struct checkpoint_cut *cut)
{
	int error = 0;

	if (h->options->settle)
		return put_recovered(h, cut);
	for (struct list *l = h->guests.next; l != &h->guests && !error;
	     l = l->next) {
		const struct guest *g = list_of(l, struct guest, all);

		error = put_ring(cut, g->domid, g->port, g->remote,
				 g->ring.req_cons, g->ring.rsp_prod);
	}
	return error;
}

int checkpoint_cut_take(struct host *h, struct checkpoint_cut *cut)
{
	int error;

	cut->len = 0;
	error = image_write_rest(h->machine, cut_put, cut);
	return error ? error : put_rings(h, cut);
}

/* With what the image does not hold of the machine's configuration. */
int checkpoint_cut_host(struct host *h, struct checkpoint_cut *cut,
			uint64_t segment)
{
	char given[LIMITS_TEXT_MAX], value[320 + LIMITS_TEXT_MAX];
	int n;

	limits_text(h, given);
	n = snprintf(value, sizeof(value),
		     "format=%u machine=%u segment=%llu virq=%u priv=%u "
		     "features=%u output_max=%llu restarts=%llu "
		     "ids=%u boot=%llu %s",
		     CHECKPOINT_FORMAT, MACHINE_VERSION,
		     (unsigned long long)segment,
		     h->evtchn ? evtchn_virq(h->evtchn) :
		     h->recovery ? h->recovery->virq : UINT32_MAX,
		     h->config.priv_domid, h->config.features,
		     (unsigned long long)h->config.socket_output_max,
		     (unsigned long long)h->count.restarts,
		     h->options->settle ? h->recovery->ids : h->generation,
		     (unsigned long long)host_boot(), given);
	return cut_put(cut, "host", value, (size_t)n);
}
