/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control channels, by what their ends say of themselves in the store
 * (docs/protocol, channel).  Each end is judged alone, then the two together,
 * once, seen from the end with the lower domid.
 */
#include "tools/xs-probe/doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/channel_reason.h"
#include "lib/channel_text.h"

struct end {
	uint64_t domid, peer;
	char name[40];
	char about[96];
	bool there;
	bool good;			/* the text is one */
	struct channel_status st;
};

static const char *says(const struct end *e)
{
	static const char *const words[CHANNEL_WORDS] = {
		[CHANNEL_SAYS_HELLO] = "hello",
		[CHANNEL_SAYS_BOUND] = "bound",
		[CHANNEL_SAYS_UP] = "up",
		[CHANNEL_SAYS_QUIET] = "quiet",
	};

	return e->good ? words[e->st.says] : "nothing readable";
}

static void end_get(const struct doctor *d, struct end *e, uint64_t domid,
		    uint64_t peer, const char *name)
{
	const struct snapshot_node *n;
	char path[160];

	memset(e, 0, sizeof(*e));
	e->domid = domid;
	e->peer = peer;
	snprintf(e->name, sizeof(e->name), "%s", name);
	snprintf(e->about, sizeof(e->about), "channel %s, domains %" PRIu64
		 " and %" PRIu64, name, domid < peer ? domid : peer,
		 domid < peer ? peer : domid);
	snprintf(path, sizeof(path), "/local/domain/%" PRIu64
		 "/data/channel/%" PRIu64 "/%s/st", domid, peer, name);
	n = snapshot_find(&d->store, path);
	e->there = n && n->value;
	e->good = e->there && channel_status_parse(
			(struct span){ n->value, n->len }, &e->st);
}

static void look_at_end(struct doctor *d, const struct end *e,
			const struct end *peer)
{
	char beat[64];

	if (!e->good) {
		finding_add(d->found, FINDING_CHANNEL_GARBAGE, e->about, NULL,
			    "what domain %" PRIu64 " says is no status of a "
			    "channel", e->domid);
		return;
	}
	if (e->st.says == CHANNEL_SAYS_QUIET)
		return;
	if (!doctor_alive(d, e->peer))
		finding_add(d->found, FINDING_CHANNEL_PEER_DEAD, e->about,
			    NULL, "domain %" PRIu64 " says %s; domain %" PRIu64
			    " is gone", e->domid, says(e), e->peer);
	else if (!peer->there)
		finding_add(d->found, FINDING_CHANNEL_WAITING, e->about, NULL,
			    "domain %" PRIu64 " says %s; domain %" PRIu64
			    " has no such channel", e->domid, says(e),
			    e->peer);
	if (strcmp(e->st.generation, d->generation)) {
		finding_add(d->found, FINDING_CHANNEL_SILENT, e->about,
			    e->st.generation, "domain %" PRIu64 " says %s, but "
			    "of a store that is gone", e->domid, says(e));
		return;
	}
	/* It writes at the latest each third of its lease. */
	if (e->st.lease * UINT64_C(1000) > d->wait) {
		doctor_not_checked(d, "ends of channels that are silent "
				   "(--wait as long as their lease would)");
		return;
	}
	snprintf(beat, sizeof(beat), "%" PRIu64 " %" PRIu64, e->domid,
		 e->st.beat);
	finding_add(d->found, FINDING_CHANNEL_SILENT, e->about, beat,
		    "domain %" PRIu64 " says %s, but wrote nothing for its "
		    "lease of %" PRIu32 " ms", e->domid, says(e),
		    e->st.lease);
}

static void look_at_both(struct doctor *d, const struct end *a,
			 const struct end *b)
{
	char evidence[64];

	if (a->st.says == CHANNEL_SAYS_UP && b->st.says == CHANNEL_SAYS_UP &&
	    channel_epoch_is(&a->st.you, &b->st.me) &&
	    channel_epoch_is(&b->st.you, &a->st.me))
		return;
	if (a->st.says == CHANNEL_SAYS_QUIET &&
	    b->st.says == CHANNEL_SAYS_QUIET)
		return;		/* both let go */
	snprintf(evidence, sizeof(evidence), "%s %s", says(a), says(b));
	finding_add(d->found, FINDING_CHANNEL_DOWN, a->about, evidence,
		    "domain %" PRIu64 " says %s (last left: %s), domain %"
		    PRIu64 " says %s (last left: %s)",
		    a->domid, says(a), channel_reason_name(a->st.reason),
		    b->domid, says(b), channel_reason_name(b->st.reason));
}

static void look_at(struct doctor *d, uint64_t domid, uint64_t peer,
		    const char *name)
{
	struct end e, other;

	end_get(d, &e, domid, peer, name);
	end_get(d, &other, peer, domid, name);
	if (!e.there)
		return;
	look_at_end(d, &e, &other);
	if (domid < peer || !other.there)
		d->found->channels++;
	if (domid < peer && e.good && other.good && doctor_alive(d, peer))
		look_at_both(d, &e, &other);
}

/* /local/domain/A/data/channel/B/NAME */
void doctor_channels(struct doctor *d)
{
	struct doctor_path p;
	uint64_t domid, peer;
	char name[40];

	for (size_t i = 0; i < d->store.count; i++) {
		const char *path = d->store.node[i].path;

		if (!doctor_split(path, &p) || p.count != 7 ||
		    !span_is(p.part[3], "data") ||
		    !span_is(p.part[4], "channel") ||
		    !doctor_domid(&p, 2, &domid) ||
		    !doctor_domid(&p, 5, &peer) ||
		    p.part[6].len >= sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)p.part[6].len,
			 p.part[6].at);
		look_at(d, domid, peer, name);
	}
}
