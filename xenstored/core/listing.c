/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last listing; see listing.h. */
#include "xenstored/core/listing.h"
#include "xenstored/core/mem.h"

#include <string.h>

void listing_drop(struct machine *m)
{
	mem_drop(m->listing.names);
	memset(&m->listing, 0, sizeof(m->listing));
}

/* A node and the generation of its children say all there is to list. */
static bool listing_is(const struct machine *m, const struct node *n)
{
	return m->listing.names && m->listing.seq == n->seq &&
	       m->listing.gen == n->dir->gen;
}

static size_t names_length(struct node **list, uint32_t count)
{
	size_t len = 0;

	for (uint32_t i = 0; i < count; i++)
		len += list[i]->name_len + 1u;
	return len;
}

static bool listing_make(struct machine *m, const struct node *n,
			 struct node **list)
{
	uint32_t count = dir_count(n->dir);
	size_t len = names_length(list, count);
	char *to = mem_block(len);

	if (!to)
		return false;
	m->listing.names = to;
	m->listing.len = len;
	m->listing.seq = n->seq;
	m->listing.gen = n->dir->gen;
	for (uint32_t i = 0; i < count; i++) {
		memcpy(to, list[i]->data, list[i]->name_len);
		to += list[i]->name_len;
		*to++ = '\0';
	}
	return true;
}

bool listing_get(struct machine *m, const struct node *n, struct span *out)
{
	struct node **list;
	bool ok;

	out->at = "";
	out->len = 0;
	if (!dir_count(n->dir))
		return true;
	if (!listing_is(m, n)) {
		listing_drop(m);
		list = dir_list(n->dir);
		ok = list && listing_make(m, n, list);
		mem_drop(list);
		if (!ok)
			return false;
	}
	out->at = m->listing.names;
	out->len = m->listing.len;
	return true;
}
