/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices: two directories, the frontend's and the backend's, that name each
 * other and each carry a XenbusState.  Which pairs of states can stand still
 * is one table (Xen's public io/xenbus.h has the states; each driver's own
 * protocol is a path through them).
 */
#include "tools/xs-probe/doctor.h"

#include <stdio.h>
#include <string.h>

static const char *const state_names[] = {
	"Unknown", "Initialising", "InitWait", "Initialised", "Connected",
	"Closing", "Closed", "Reconfiguring", "Reconfigured",
};
#define STATES (sizeof(state_names) / sizeof(state_names[0]))

#define S(n) (1u << (n))
#define ANY 0x1ffu
#define UP (S(4) | S(7) | S(8))

/* The first row that fits a pair is its verdict; none: it may stay so. */
static const struct {
	unsigned int front, back;
	enum finding_id id;
	const char *words;
} verdicts[] = {
	{ UP, UP, FINDINGS, NULL },
	{ UP, ANY, FINDING_DEVICE_HALF,
	  "the frontend is connected, the backend is not" },
	{ ANY, UP, FINDING_DEVICE_HALF,
	  "the backend is connected, the frontend is not" },
	{ S(0) | S(1), S(2), FINDING_DEVICE_WAITING,
	  "the guest's driver has not begun" },
	{ S(0) | S(1) | S(2) | S(3), S(0) | S(1), FINDING_DEVICE_STUCK,
	  "the backend has not begun" },
	{ S(3), S(2) | S(3), FINDING_DEVICE_STUCK,
	  "the frontend waits for the backend, which does not connect" },
	{ S(0) | S(1) | S(2) | S(3), S(5) | S(6), FINDING_DEVICE_STUCK,
	  "the frontend waits for the backend, which has closed" },
	{ S(2), S(2) | S(3), FINDING_DEVICE_STUCK,
	  "the frontend does not go on" },
	{ S(5), S(5), FINDING_DEVICE_STUCK, "both close, none ends" },
	{ S(5), S(6), FINDING_DEVICE_STUCK,
	  "the frontend does not finish closing" },
	{ S(5), ANY, FINDING_DEVICE_STUCK,
	  "the frontend closes, the backend does not follow" },
	{ S(6), S(5), FINDING_DEVICE_STUCK,
	  "the backend does not finish closing" },
	/* Closed by the guest; the backend is closed too, or begins anew. */
	{ S(6), ANY, FINDINGS, NULL },
};

bool doctor_split(const char *path, struct doctor_path *p)
{
	p->count = 0;
	while (*path == '/' && path[1]) {
		size_t len = strcspn(path + 1, "/");

		if (p->count == DOCTOR_PARTS)
			return false;
		p->part[p->count++] = (struct span){ path + 1, len };
		path += 1 + len;
	}
	return !*path;
}

bool doctor_domid(const struct doctor_path *p, unsigned int at,
		  uint64_t *domid)
{
	return at < p->count && span_number(p->part[at], 65535, domid);
}

/* -1: not a state. */
static int state_of(const char *text)
{
	if (!text)
		return 0;
	if (text[0] >= '0' && text[0] < '0' + (int)STATES && !text[1])
		return text[0] - '0';
	return -1;
}

static void judge(struct doctor *d, const char *front, const char *back,
		  int f, int b)
{
	char pair[64];
	size_t i = 0;

	while (i < sizeof(verdicts) / sizeof(verdicts[0]) &&
	       !(verdicts[i].front & S(f) && verdicts[i].back & S(b)))
		i++;
	if (i == sizeof(verdicts) / sizeof(verdicts[0]) || !verdicts[i].words)
		return;
	snprintf(pair, sizeof(pair), "%d %d", f, b);
	finding_add(d->found, verdicts[i].id, front, pair,
		    "%s: frontend %d (%s), backend %d (%s), at %s",
		    verdicts[i].words, f, state_names[f], b, state_names[b],
		    back);
}

/* One end's state, NULL or not one of the nine. */
static bool valid(struct doctor *d, const char *dir, const char *text)
{
	if (state_of(text) >= 0)
		return true;
	finding_add(d->found, FINDING_DEVICE_STATE_INVALID, dir, text,
		    "its state is \"%s\"", text);
	return false;
}

static void look_at_front(struct doctor *d, const char *dir,
			  const struct doctor_path *p)
{
	const struct snapshot *s = &d->store;
	const char *back = snapshot_child(s, dir, "backend");
	const char *f = snapshot_child(s, dir, "state"), *b;
	struct doctor_path q;
	uint64_t domid;

	if (!back && !f)
		return;		/* no device: a directory of another use */
	d->found->devices++;
	if (!back) {
		finding_add(d->found, FINDING_DEVICE_BACKEND_MISSING, dir,
			    NULL, "it has a state, but no node \"backend\"");
		return;
	}
	if (doctor_split(back, &q) && doctor_domid(&q, 2, &domid) &&
	    !doctor_alive(d, domid)) {
		finding_add(d->found, FINDING_DEVICE_BACKEND_DEAD, dir, NULL,
			    "its backend %s was in domain %u, which is gone",
			    back, (unsigned int)domid);
		return;
	}
	if (!snapshot_find(s, back)) {
		finding_add(d->found, FINDING_DEVICE_BACKEND_MISSING, dir,
			    NULL, "its backend %s is not in the store", back);
		return;
	}
	/* xenconsoled does not take part in the handshake. */
	if (span_is(p->part[4], "console"))
		return;
	b = snapshot_child(s, back, "state");
	if (valid(d, dir, f) && valid(d, back, b))
		judge(d, dir, back, state_of(f), state_of(b));
}

static void look_at_back(struct doctor *d, const char *dir,
			 const struct doctor_path *p)
{
	const struct snapshot *s = &d->store;
	const char *front = snapshot_child(s, dir, "frontend");
	const char *status = snapshot_child(s, dir, "hotplug-status");
	const char *text = snapshot_child(s, dir, "hotplug-error");
	struct doctor_path q;
	uint64_t domid;

	if (!front && !snapshot_child(s, dir, "state"))
		return;
	if (text || (status && !strcmp(status, "error")))
		finding_add(d->found, FINDING_DEVICE_ERROR, dir, NULL,
			    "its hotplug script failed: %s",
			    text ? text : "it left no reason");
	if (!doctor_domid(p, 5, &domid))
		return;
	if (!doctor_alive(d, domid))
		finding_add(d->found, FINDING_BACKEND_ORPHAN, dir, NULL,
			    "it served domain %u, which is gone",
			    (unsigned int)domid);
	else if (front && doctor_split(front, &q) && q.count > 3 &&
		 span_is(q.part[3], "device") && !snapshot_find(s, front))
		finding_add(d->found, FINDING_BACKEND_ORPHAN, dir, NULL,
			    "its frontend %s is not there", front);
}

/*
 * /local/domain/N/error/REST/error is what a driver says of the device at
 * /local/domain/N/REST; it stays behind when the device works again.
 */
static void look_at_error(struct doctor *d, const struct snapshot_node *n,
			  const struct doctor_path *p)
{
	const char *rest = p->part[3].at + p->part[3].len;
	size_t home = (size_t)(p->part[2].at + p->part[2].len - n->path);
	char dir[256];
	const char *state;
	int len = snprintf(dir, sizeof(dir), "%.*s%.*s", (int)home, n->path,
			   (int)(strlen(rest) - strlen("/error")), rest);

	if (len < 0 || (size_t)len >= sizeof(dir) || !n->value)
		return;
	state = snapshot_child(&d->store, dir, "state");
	if (state && strcmp(state, "4"))
		finding_add(d->found, FINDING_DEVICE_ERROR, dir, NULL,
			    "its driver says: %s", n->value);
}

void doctor_devices(struct doctor *d)
{
	struct doctor_path p;

	for (size_t i = 0; i < d->store.count; i++) {
		const struct snapshot_node *n = &d->store.node[i];

		if (!doctor_split(n->path, &p) || p.count < 6)
			continue;
		if (p.count == 6 && span_is(p.part[3], "device"))
			look_at_front(d, n->path, &p);
		else if (p.count == 7 && span_is(p.part[3], "backend"))
			look_at_back(d, n->path, &p);
		else if (span_is(p.part[3], "error") &&
			 span_is(p.part[p.count - 1], "error"))
			look_at_error(d, n, &p);
	}
}
