/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains as any daemon shows them; see known.h. */
#include "tools/xs-probe/known.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proxenos/client_call.h>

#include "protocol/cursor.h"
#include "protocol/wire.h"

#define LIST_MAX (64u << 20)

ssize_t known_list(struct probe *probe, const char *path, char **names)
{
	ssize_t n = -ENOBUFS;

	*names = NULL;
	for (size_t size = 8192; n == -ENOBUFS && size <= LIST_MAX;
	     size *= 4) {
		char *more = realloc(*names, size);

		if (!more)
			return -ENOMEM;
		*names = more;
		n = px_client_call_list(probe->client, 0, path, *names, size,
					probe->timeout);
	}
	return n;
}

static int by_domid(const void *a, const void *b)
{
	const struct known_domain *x = a, *y = b;

	return (x->domid > y->domid) - (x->domid < y->domid);
}

static void ask_domain(struct probe *probe, struct known_domain *d)
{
	char path[48], reply[WIRE_PAYLOAD_MAX + 1];
	ssize_t n;

	snprintf(path, sizeof(path), "%u", d->domid);
	n = px_client_call_path(probe->client, WIRE_IS_DOMAIN_INTRODUCED, 0,
				path, reply, sizeof(reply), probe->timeout);
	d->introduced = n < 0 ? (int)n : reply[0] == 'T';
	snprintf(path, sizeof(path), "/local/domain/%u/name", d->domid);
	n = px_client_call_path(probe->client, WIRE_READ, 0, path, reply,
				sizeof(reply), probe->timeout);
	if (n >= 0)
		snprintf(d->name, sizeof(d->name), "%.63s", reply);
}

int known_read(struct probe *probe, struct known *known)
{
	char *names;
	const char *name;
	ssize_t len;
	size_t at = 0, room = 1;

	memset(known, 0, sizeof(*known));
	len = known_list(probe, "/local/domain", &names);
	for (ssize_t i = 0; i < len; i++)
		room += !names[i];
	known->domain = calloc(room, sizeof(*known->domain));
	if (!known->domain)
		len = -ENOMEM;
	while (len > 0 &&
	       (name = px_client_next_string(names, (size_t)len, &at))) {
		struct span s = { name, strlen(name) };
		struct known_domain *d = &known->domain[known->count];
		uint64_t domid;

		if (!span_number(s, 65535, &domid))
			continue;
		d->domid = (uint16_t)domid;
		ask_domain(probe, d);
		known->count++;
		if (!px_client_is_up(probe->client))
			len = px_client_error(probe->client) ?
			      px_client_error(probe->client) : -ETIMEDOUT;
	}
	free(names);
	if (known->count)
		qsort(known->domain, known->count, sizeof(*known->domain),
		      by_domid);
	/* A store without the directory is one without domains. */
	return len < 0 && len != -ENOENT ? (int)len : 0;
}

void known_free(struct known *known)
{
	free(known->domain);
	memset(known, 0, sizeof(*known));
}
