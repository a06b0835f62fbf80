/* SPDX-License-Identifier: MIT */
/*
 * An end's watches: doorbells, which ring for nothing, twice, late or not at
 * all, so that each event is only a hint to read.  A watch that is refused is
 * asked for again from time to time; the poll does meanwhile.
 */
#include "config.h"

#include "lib/channel_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { WATCH_RETRY = 4000000 };

/* "m3" to 3; anything else to a number that is no slot. */
static unsigned int slot_of(const char *name)
{
	uint64_t slot;

	if (name[0] != 'm' || !name[1] ||
	    px_client_parse_number(name + 1, strlen(name + 1),
				   CHANNEL_SLOTS_MAX - 1, &slot))
		return CHANNEL_SLOTS_MAX;
	return (unsigned int)slot;
}

/* A quota, probably: the slow poll does alone meanwhile. */
static bool is_refused(struct px_channel *ch, int error)
{
	if (!error)
		return false;
	ch->watch_error = error;
	ch->watch_at = ch->now + WATCH_RETRY;
	return true;
}

static void bell(void *arg, int error, const char *path)
{
	struct px_channel *ch = arg;
	const char *name = path ? strrchr(path, '/') : NULL;

	if (is_refused(ch, error) || !name)
		return;
	if (strncmp(name, "/m", 2))
		channel_tell(ch, (struct channel_event){ CHANNEL_EV_BELL_STATUS });
	if (strcmp(name, "/st"))
		channel_tell(ch, (struct channel_event){
			.type = CHANNEL_EV_BELL_SLOT,
			.slot = slot_of(name + 1) });
}

static void bell_own(void *arg, int error, const char *path)
{
	if (!is_refused(arg, error))
		channel_tell(arg, (struct channel_event){ CHANNEL_EV_BELL_OWN });
}

static void bell_domains(void *arg, int error, const char *path)
{
	if (!is_refused(arg, error))
		channel_tell(arg, (struct channel_event){ CHANNEL_EV_BELL_DOMAIN });
}

static int watch(struct px_channel *ch, struct px_client_watch *w,
		 const char *path, px_client_event *call)
{
	if (w->set)
		return -EEXIST;
	memset(w, 0, sizeof(*w));
	w->path = path;
	w->depth = -1;
	w->event = call;
	w->arg = ch;
	return px_client_watch(ch->client, w);
}

/* All that are not there. */
static int watch_all(struct px_channel *ch)
{
	int err = watch(ch, &ch->watch_mine, ch->watched_mine, bell_own);

	if (!err || err == -EEXIST)
		err = watch(ch, &ch->watch_theirs, ch->watched_theirs, bell);
	if (!err || err == -EEXIST)
		err = watch(ch, &ch->watch_domains, "@releaseDomain",
			    bell_domains);
	return err == -EEXIST ? 0 : err;
}

int channel_watch_nodes(struct px_channel *ch)
{
	int err;

	snprintf(ch->watched_mine, sizeof(ch->watched_mine), "%.*sst",
		 (int)sizeof(ch->watched_mine) - 3, ch->mine);
	snprintf(ch->watched_theirs, sizeof(ch->watched_theirs), "%.*s",
		 (int)strlen(ch->theirs) - 1, ch->theirs);
	ch->moved_to = -1;
	err = watch_all(ch);
	if (err)
		channel_unwatch_nodes(ch);
	return err;
}

void channel_watch_refused(struct px_channel *ch)
{
	if (!ch->watch_error || ch->now < ch->watch_at ||
	    !px_client_is_up(ch->client))
		return;
	ch->watch_at = ch->now + WATCH_RETRY;
	ch->watch_error = watch_all(ch);
}

static bool gone(struct px_channel *ch, struct px_client_watch *w)
{
	int err = px_client_unwatch(ch->client, w);

	return !err || err == -ENOENT;
}

bool channel_unwatch_nodes(struct px_channel *ch)
{
	bool mine = gone(ch, &ch->watch_mine);
	bool theirs = gone(ch, &ch->watch_theirs);

	return gone(ch, &ch->watch_domains) && mine && theirs;
}

/* What cannot be watched now is polled, and asked for again. */
void channel_watch_again(struct px_channel *ch)
{
	ch->watch_error = channel_watch_nodes(ch);
	ch->watch_at = ch->now + WATCH_RETRY;
}
