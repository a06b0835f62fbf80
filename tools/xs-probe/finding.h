/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What doctor finds: each kind has an id for scripts, a weight, what it means
 * and what to do about it, all in one table (finding.c).
 *
 * Much that looks wrong is only under way: a device that is being connected,
 * a guest that will read in a moment.  So everything is looked at twice, some
 * time apart, and a finding of such a kind counts only if both looks have it
 * with the same `evidence` (an index, a counter, a pair of states).
 */
#ifndef XS_PROBE_FINDING_H
#define XS_PROBE_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum finding_weight {
	FINDING_FATAL,		/* nobody is served */
	FINDING_BROKEN,		/* somebody is not served */
	FINDING_WARNING,	/* will break, or has been hurt */
	FINDING_NOTE		/* worth knowing; nothing is wrong */
};

enum finding_id {
	FINDING_DAEMON_UNREACHED,
	FINDING_DAEMON_SILENT,
	FINDING_DAEMON_BUSY,
	FINDING_STATE_INCONSISTENT,
	FINDING_INPUT_POISONED,
	FINDING_RING_MISSING,
	FINDING_RING_ERROR,
	FINDING_RING_INDICES,
	FINDING_RING_RESET_VAIN,
	FINDING_RING_RESET_PENDING,
	FINDING_GUEST_NOT_READING,
	FINDING_CLIENT_NOT_READING,
	FINDING_DEVICE_BACKEND_DEAD,
	FINDING_DEVICE_BACKEND_MISSING,
	FINDING_DEVICE_HALF,
	FINDING_DEVICE_STUCK,
	FINDING_DEVICE_ERROR,
	FINDING_DEVICE_STATE_INVALID,
	FINDING_CHANNEL_DOWN,
	FINDING_CHANNEL_SILENT,
	FINDING_CHANNEL_GARBAGE,
	FINDING_SOCKET_MODE,
	FINDING_PID_FILE,
	FINDING_DOM0_NOT_INITIALISED,
	FINDING_TRANSACTION_STUCK,
	FINDING_TRANSACTIONS_CONFLICT,
	FINDING_QUOTA_FULL,
	FINDING_QUOTA_NEAR,
	FINDING_QUOTA_REFUSED,
	FINDING_BACKEND_ORPHAN,
	FINDING_CHANNEL_PEER_DEAD,
	FINDING_DAEMON_DIED,
	FINDING_CLIENTS_DOUBTFUL,
	FINDING_EVENTS_LOST,
	FINDING_DEVICE_WAITING,
	FINDING_CHANNEL_WAITING,
	FINDINGS
};

struct finding {
	enum finding_id id;
	char about[128];	/* "domain 5", a path: cut if longer */
	char what[320];		/* one sentence with the numbers of the case */
	char evidence[64];	/* see above */
};

struct findings {
	struct finding *list;
	size_t count;
	size_t room;
	bool failed;		/* memory ran out: some are missing */
	/* What was looked at, to be said when all is well. */
	unsigned int domains, devices, channels;
};

/*
 * Note one.  `evidence` may be NULL: nothing that changes.  `about` and
 * `what` are kept as printable ASCII.
 */
void finding_add(struct findings *f, enum finding_id id, const char *about,
		 const char *evidence, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* Drop from `f` what may have been under way and `before` has not alike. */
void finding_confirm(struct findings *f, const struct findings *before);
/* By weight, then in order of the table, then of `about`. */
void finding_sort(struct findings *f);
void finding_free(struct findings *f);

const char *finding_name(enum finding_id id);
enum finding_weight finding_weight(enum finding_id id);
const char *finding_weight_name(enum finding_weight weight);
const char *finding_meaning(enum finding_id id);
const char *finding_advice(enum finding_id id);
/* {"id", "weight", "about", "what", "meaning", "do"}; NULL: no memory. */
json_t *finding_json(const struct finding *f);

#endif
