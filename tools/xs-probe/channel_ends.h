/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ends of all control channels of a host, as the store has them
 * (docs/protocol, channel).  An end is one directory; a channel has two.  An
 * end's st is not written with each message, so what has been sent and taken
 * stands in its slots as well, and the newest counts.
 */
#ifndef XS_PROBE_CHANNEL_ENDS_H
#define XS_PROBE_CHANNEL_ENDS_H

#include "lib/channel_text.h"
#include "tools/xs-probe/probe.h"
#include "tools/xs-probe/table.h"

struct channel_end {
	uint16_t domid, peer;
	char name[33];
	size_t len;			/* of text, as it stands there */
	char text[CHANNEL_STATUS_MAX + 1];
	bool good;			/* it is a status, and that is: */
	struct channel_status st;
	uint64_t next, wanted;		/* with what the slots say */
	const struct channel_end *other;	/* or NULL */
	/* In microseconds, once it was looked at twice. */
	uint64_t since;		/* its text is seen unchanged, 0: now */
	bool changed;		/* ... and was seen to change before that */
};

struct channel_ends {
	struct channel_end *end;	/* by name, then by domain */
	size_t count;
	char generation[CHANNEL_GENERATION_MAX + 1];
	uint64_t when;			/* px_client_now() */
};

/* 0 or a negative errno; free it in any case. */
int channel_ends_read(struct probe *probe, struct channel_ends *ends);
void channel_ends_free(struct channel_ends *ends);
/* How long each has been silent, from what was seen before. */
void channel_ends_since(struct channel_ends *ends,
			const struct channel_ends *before);
const struct channel_end *channel_ends_find(const struct channel_ends *ends,
					    uint16_t domid, uint16_t peer,
					    const char *name);
/* A directory's path, with st or a slot behind it or not, to its end. */
const struct channel_end *channel_ends_path(const struct channel_ends *ends,
					    const char *path);

/* "up", "hello", ..., or "garbage". */
const char *channel_end_state(const struct channel_end *e);
/* "4711.2-9aab48ce", and the rest left out; "-" for none. */
const char *channel_epoch_short(const struct channel_epoch *e, char text[48]);
/* Of both ends each is bound to the other. */
bool channel_end_is_mutual(const struct channel_end *e);
/* Sent and not acknowledged; false if that cannot be told. */
bool channel_end_unacked(const struct channel_end *e, uint64_t *count);
/*
 * A remark on it, "" for none; *mark says how bad that is, TABLE_BAD being
 * what makes for exit status 1.
 */
const char *channel_end_remark(const struct channel_ends *ends,
			       const struct channel_end *e,
			       enum table_mark *mark);

#endif
