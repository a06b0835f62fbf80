/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the ends of channels; see channel_ends.h. */
#include "tools/xs-probe/channel_ends.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proxenos/channel.h>
#include <proxenos/client_call.h>

#include "protocol/wire.h"
#include "tools/xs-probe/known.h"

static ssize_t read_value(struct probe *probe, const char *path, char *value,
			  size_t size)
{
	return px_client_call_path(probe->client, WIRE_READ, 0, path, value,
				   size, probe->timeout);
}

/* What vanished, or is no directory, is as if it were empty. */
static int missing(ssize_t n)
{
	return n >= 0 || n == -ENOENT ? 0 : (int)n;
}

static void take_slot(struct channel_end *e, const char *text, size_t len)
{
	struct channel_slot s;

	if (!channel_slot_parse((struct span){ text, len }, &s) ||
	    !channel_epoch_is(&s.me, &e->st.me))
		return;
	if (s.seq >= e->next)
		e->next = s.seq + 1;
	if (s.wanted > e->wanted)
		e->wanted = s.wanted;
}

static int read_slots(struct probe *probe, struct channel_end *e)
{
	char path[96], text[WIRE_PAYLOAD_MAX + 1];
	ssize_t n = 0;

	e->next = e->st.next;
	e->wanted = e->st.wanted;
	for (unsigned int i = 0; i < e->st.window && !missing(n); i++) {
		snprintf(path, sizeof(path),
			 "/local/domain/%u/data/channel/%u/%s/m%u", e->domid,
			 e->peer, e->name, i);
		n = read_value(probe, path, text, sizeof(text));
		if (n > 0)
			take_slot(e, text, (size_t)n);
	}
	return missing(n);
}

static int add(struct probe *probe, struct channel_ends *ends, uint16_t domid,
	       uint16_t peer, const char *name)
{
	char path[96], text[WIRE_PAYLOAD_MAX + 1];
	struct channel_end e = { .domid = domid, .peer = peer };
	struct channel_end *more;
	ssize_t n;

	if (strlen(name) >= sizeof(e.name))
		return 0;
	memcpy(e.name, name, strlen(name));
	snprintf(path, sizeof(path), "/local/domain/%u/data/channel/%u/%s/st",
		 domid, peer, name);
	n = read_value(probe, path, text, sizeof(text));
	if (n < 0)
		return missing(n);
	/* Longer is no status: what is kept shows that. */
	e.len = (size_t)n < sizeof(e.text) ? (size_t)n : sizeof(e.text) - 1;
	memcpy(e.text, text, e.len);
	e.good = channel_status_parse((struct span){ text, (size_t)n }, &e.st);
	more = reallocarray(ends->end, ends->count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	ends->end = more;
	ends->end[ends->count++] = e;
	return e.good ? read_slots(probe, &ends->end[ends->count - 1]) : 0;
}

/* For each name in a directory that is a domid (peers), or any (names). */
struct level {
	struct probe *probe;
	struct channel_ends *ends;
	uint16_t domid, peer;
};

static bool is_domid(const char *name, uint16_t *domid)
{
	uint64_t n;

	if (px_client_parse_number(name, strlen(name), 65535, &n))
		return false;
	*domid = (uint16_t)n;
	return true;
}

static int each(struct level *l, const char *path,
		int (*visit)(struct level *l, const char *name))
{
	char *names = NULL;
	const char *name;
	size_t at = 0;
	ssize_t n = known_list(l->probe, path, &names);
	int err = missing(n);

	while (!err && n > 0 &&
	       (name = px_client_next_string(names, (size_t)n, &at)))
		err = visit(l, name);
	free(names);
	return err;
}

static int visit_name(struct level *l, const char *name)
{
	return add(l->probe, l->ends, l->domid, l->peer, name);
}

static int visit_peer(struct level *l, const char *name)
{
	char path[96];

	if (!is_domid(name, &l->peer))
		return 0;
	snprintf(path, sizeof(path), "/local/domain/%u/data/channel/%u",
		 l->domid, l->peer);
	return each(l, path, visit_name);
}

static int visit_domain(struct level *l, const char *name)
{
	char path[96];

	if (!is_domid(name, &l->domid))
		return 0;
	snprintf(path, sizeof(path), "/local/domain/%u/data/channel",
		 l->domid);
	return each(l, path, visit_peer);
}

/* The two ends of a channel stand one below the other. */
static int in_order(const void *a, const void *b)
{
	const struct channel_end *x = a, *y = b;
	unsigned int low[2], high[2];
	int order = strcmp(x->name, y->name);

	low[0] = x->domid < x->peer ? x->domid : x->peer;
	high[0] = x->domid + x->peer - low[0];
	low[1] = y->domid < y->peer ? y->domid : y->peer;
	high[1] = y->domid + y->peer - low[1];
	if (low[0] != low[1])
		return low[0] < low[1] ? -1 : 1;
	if (high[0] != high[1])
		return high[0] < high[1] ? -1 : 1;
	return order ? order : (int)x->domid - (int)y->domid;
}

int channel_ends_read(struct probe *probe, struct channel_ends *ends)
{
	struct level l = { .probe = probe, .ends = ends };
	char generation[WIRE_PAYLOAD_MAX + 1];
	ssize_t n;
	int err;

	memset(ends, 0, sizeof(*ends));
	n = read_value(probe, "/tool/xenstored/generation", generation,
		       sizeof(generation));
	snprintf(ends->generation, sizeof(ends->generation), "%.32s",
		 n < 0 ? "0" : generation);
	err = each(&l, "/local/domain", visit_domain);
	ends->when = px_client_now();
	if (!ends->count)
		return err;
	qsort(ends->end, ends->count, sizeof(*ends->end), in_order);
	for (size_t i = 0; i < ends->count; i++) {
		struct channel_end *e = &ends->end[i];

		e->other = channel_ends_find(ends, e->peer, e->domid, e->name);
	}
	return err;
}

void channel_ends_free(struct channel_ends *ends)
{
	free(ends->end);
	memset(ends, 0, sizeof(*ends));
}

const struct channel_end *channel_ends_find(const struct channel_ends *ends,
					    uint16_t domid, uint16_t peer,
					    const char *name)
{
	for (size_t i = 0; i < ends->count; i++) {
		const struct channel_end *e = &ends->end[i];

		if (e->domid == domid && e->peer == peer &&
		    !strcmp(e->name, name))
			return e;
	}
	return NULL;
}

const struct channel_end *channel_ends_path(const struct channel_ends *ends,
					    const char *path)
{
	char own[96];

	for (size_t i = 0; i < ends->count; i++) {
		const struct channel_end *e = &ends->end[i];
		int len = snprintf(own, sizeof(own),
				   "/local/domain/%u/data/channel/%u/%s",
				   e->domid, e->peer, e->name);

		if (!strncmp(path, own, (size_t)len) &&
		    (!path[len] || path[len] == '/'))
			return e;
	}
	return NULL;
}

void channel_ends_since(struct channel_ends *ends,
			const struct channel_ends *before)
{
	uint64_t passed = ends->when - before->when;

	for (size_t i = 0; i < ends->count; i++) {
		struct channel_end *e = &ends->end[i];
		const struct channel_end *was = channel_ends_find(before,
			e->domid, e->peer, e->name);

		e->changed = !was || was->changed || was->len != e->len ||
			     memcmp(was->text, e->text, e->len) ||
			     was->next != e->next || was->wanted != e->wanted;
		if (was && was->len == e->len &&
		    !memcmp(was->text, e->text, e->len) &&
		    was->next == e->next && was->wanted == e->wanted)
			e->since = was->since + passed;
	}
}

/* ------------------------------------------------------------- reading -- */

const char *channel_end_state(const struct channel_end *e)
{
	static const char *const words[CHANNEL_WORDS] = {
		[CHANNEL_SAYS_HELLO] = "hello",
		[CHANNEL_SAYS_BOUND] = "bound",
		[CHANNEL_SAYS_UP] = "up",
		[CHANNEL_SAYS_QUIET] = "quiet",
	};

	return e->good ? words[e->st.says] : "garbage";
}

const char *channel_epoch_short(const struct channel_epoch *e, char text[48])
{
	if (channel_epoch_set(e))
		snprintf(text, 48, "%" PRIu64 ".%" PRIu32 "-%02x%02x%02x%02x",
			 e->inc, e->cnt, e->random[0], e->random[1],
			 e->random[2], e->random[3]);
	else
		snprintf(text, 48, "-");
	return text;
}

bool channel_end_is_mutual(const struct channel_end *e)
{
	const struct channel_end *o = e->other;

	return e->good && o && o->good &&
	       channel_epoch_is(&e->st.you, &o->st.me) &&
	       channel_epoch_is(&o->st.you, &e->st.me);
}

bool channel_end_unacked(const struct channel_end *e, uint64_t *count)
{
	if (!channel_end_is_mutual(e) || e->next < e->other->wanted)
		return false;
	*count = e->next - e->other->wanted;
	return true;
}

const char *channel_end_remark(const struct channel_ends *ends,
			       const struct channel_end *e,
			       enum table_mark *mark)
{
	bool up = e->good && e->st.says == CHANNEL_SAYS_UP;

	*mark = TABLE_BAD;
	if (!e->good)
		return "no status line";
	*mark = TABLE_PLAIN;
	if (e->st.says == CHANNEL_SAYS_QUIET)
		return e->st.reason == PX_CHANNEL_CLOSED ? "closed" :
							   "letting go";
	*mark = TABLE_BAD;
	if (e->since >= e->st.lease * UINT64_C(1000))
		return "silent for its lease";
	*mark = TABLE_WARN;
	if (strcmp(e->st.generation, ends->generation))
		return "of a store that is gone";
	if (!e->other)
		return "no peer";
	if (up && !channel_end_is_mutual(e))
		return "peer began anew";
	*mark = TABLE_PLAIN;
	return "";
}
