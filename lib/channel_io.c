/* SPDX-License-Identifier: MIT */
/*
 * Store operations as requests.  A read of an st is a row of requests on one
 * connection, which the daemon does in order; the last answer of the row is
 * the event.  If the row could not be sent whole, it ends as -EAGAIN.
 */
#include "config.h"

#include "lib/channel_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { WATCH_RETRY = 4000000 };

static const char generation_path[] = "/tool/xenstored/generation";

void channel_name_nodes(struct px_channel *ch)
{
	const struct px_channel_options *o = &ch->options;

	snprintf(ch->mine, sizeof(ch->mine), "data/channel/%u/%s/", o->peer,
		 ch->name);
	snprintf(ch->own_dir, sizeof(ch->own_dir), "data/channel/%u/%s",
		 o->peer, ch->name);
	snprintf(ch->theirs, sizeof(ch->theirs),
		 "/local/domain/%u/data/channel/%u/%s/", o->peer, o->self,
		 ch->name);
}

static void event(struct px_channel *ch, struct channel_event e)
{
	ch->kick = true;
	if (ch->running)
		channel_step(&ch->core, &e, ch->now);
}

/* ------------------------------------------------------------- watches -- */

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
		event(ch, (struct channel_event){ CHANNEL_EV_BELL_STATUS });
	if (strcmp(name, "/st"))
		event(ch, (struct channel_event){
			.type = CHANNEL_EV_BELL_SLOT,
			.slot = slot_of(name + 1) });
}

static void bell_own(void *arg, int error, const char *path)
{
	if (!is_refused(arg, error))
		event(arg, (struct channel_event){ CHANNEL_EV_BELL_OWN });
}

static void bell_domains(void *arg, int error, const char *path)
{
	if (!is_refused(arg, error))
		event(arg, (struct channel_event){ CHANNEL_EV_BELL_DOMAIN });
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

/* After a move.  What cannot be watched now is polled. */
void channel_watch_again(struct px_channel *ch)
{
	if (channel_unwatch_nodes(ch))
		channel_watch_nodes(ch);
}

/* ------------------------------------------------------------- requests -- */

static const char *node(char *path, const char *dir, const char *name)
{
	snprintf(path, 2 * CHANNEL_PATH_MAX, "%s%s", dir, name);
	return path;
}

static int read_node(struct px_channel *ch, const char *path,
		     px_client_done *done)
{
	int err = px_client_read(ch->client, 0, path, done, ch);

	if (!err)
		ch->requests++;
	return err;
}

static void keep(struct channel_read *r, int result, const char *data,
		 size_t len)
{
	r->result = result;
	r->generation_len = 0;
	/* Longer is no status line: keep what shows it. */
	r->len = len < sizeof(r->text) ? len : sizeof(r->text);
	memcpy(r->text, data, r->len);
}

/* Not there or not ours to read is generation "0". */
static void keep_generation(struct channel_read *r, int result,
			    const char *data, size_t len)
{
	if (result == -ECONNRESET)
		r->result = result;
	if (result || len > sizeof(r->generation))
		return;
	r->generation_len = len;
	memcpy(r->generation, data, len);
}

static void have_peer(void *arg, int result, const char *data, size_t len)
{
	struct px_channel *ch = arg;

	ch->requests--;
	keep(&ch->peer, result, data, len);
}

static void have_own(void *arg, int result, const char *data, size_t len)
{
	struct px_channel *ch = arg;

	ch->requests--;
	keep(&ch->own, result, data, len);
}

/* Another generation: the directory may be of before our access list. */
static void look_at_generation(struct px_channel *ch,
			       const struct channel_read *r)
{
	struct span g = { r->generation, r->generation_len };

	if (ch->phase != CHANNEL_RUN || r->result == -ECONNRESET ||
	    r->result == -EAGAIN || ch->core.mute)
		return;
	if (g.len ? !span_is(g, ch->core.generation) :
		    strcmp(ch->core.generation, "0") != 0)
		ch->phase = CHANNEL_MAKE;
}

static void read_event(struct px_channel *ch, enum channel_event_type type,
		       const struct channel_read *r)
{
	look_at_generation(ch, r);
	event(ch, (struct channel_event){
		.type = type, .result = r->result,
		.text = { r->text, r->len },
		.generation = { r->generation, r->generation_len } });
}

/* True if we have become another domain. */
static bool moved(struct px_channel *ch, int result, const char *data,
		  size_t len)
{
	uint64_t domid;

	if (result || px_client_parse_number(data, len, 65535, &domid) ||
	    domid == ch->options.self || ch->phase != CHANNEL_RUN)
		return false;
	ch->moved_to = (int)domid;
	ch->phase = CHANNEL_MAKE;
	return true;
}

static void have_peer_domid(void *arg, int result, const char *data,
			    size_t len)
{
	struct px_channel *ch = arg;

	ch->requests--;
	if (moved(ch, result, data, len) || result == -ECONNRESET)
		ch->peer.result = -EAGAIN;
	read_event(ch, CHANNEL_EV_PEER, &ch->peer);
}

/*
 * Nothing there for me may mean that I am not who I was: what the peer shows
 * to the old me, the new one may not read.
 */
static void have_peer_generation(void *arg, int result, const char *data,
				 size_t len)
{
	struct px_channel *ch = arg;

	ch->requests--;
	keep_generation(&ch->peer, result, data, len);
	if (ch->peer.result == -ENOENT || ch->peer.result == -EACCES) {
		if (!read_node(ch, "domid", have_peer_domid))
			return;
		ch->peer.result = -EAGAIN;
	}
	read_event(ch, CHANNEL_EV_PEER, &ch->peer);
}

static void have_own_generation(void *arg, int result, const char *data,
				size_t len)
{
	struct px_channel *ch = arg;

	ch->requests--;
	keep_generation(&ch->own, result, data, len);
}

/* The last of the row for mine: am I still who I was? */
static void have_domid(void *arg, int result, const char *data, size_t len)
{
	struct px_channel *ch = arg;

	ch->requests--;
	/* What it says of the old home is no news. */
	if (moved(ch, result, data, len))
		ch->own.result = -EAGAIN;
	read_event(ch, CHANNEL_EV_OWN, &ch->own);
}

static void wrote_status(void *arg, int result, const char *data, size_t len)
{
	struct px_channel *ch = arg;

	ch->requests--;
	event(ch, (struct channel_event){ .type = CHANNEL_EV_WROTE_STATUS,
					  .result = result });
}

static void wrote_slot(void *arg, int result, const char *data, size_t len)
{
	struct channel_write *w = arg;

	w->ch->requests--;
	event(w->ch, (struct channel_event){ .type = CHANNEL_EV_WROTE_SLOT,
					     .result = result,
					     .slot = w->slot });
}

static void have_slot(void *arg, int result, const char *data, size_t len)
{
	struct px_channel *ch = arg;

	ch->requests--;
	event(ch, (struct channel_event){ .type = CHANNEL_EV_SLOT,
					  .result = result,
					  .slot = ch->reading_slot,
					  .text = { data, len } });
}

static void have_alive(void *arg, int result, const char *data, size_t len)
{
	struct px_channel *ch = arg;

	ch->requests--;
	event(ch, (struct channel_event){ .type = CHANNEL_EV_ALIVE,
					  .result = result,
					  .alive = !ch->options.peer ||
						   len < 1 ||
						   data[0] != 'F' });
}

/* ----------------------------------------------------------- operations -- */

static int ask_read(struct px_channel *ch, bool own)
{
	char path[2 * CHANNEL_PATH_MAX];
	struct channel_read *r = own ? &ch->own : &ch->peer;
	int err = read_node(ch, node(path, own ? ch->mine : ch->theirs, "st"),
			    own ? have_own : have_peer);

	if (err)
		return err;
	if (own) {
		read_node(ch, generation_path, have_own_generation);
		err = read_node(ch, "domid", have_domid);
	} else {
		err = read_node(ch, generation_path, have_peer_generation);
	}
	/* The row is not whole; nobody waits for what is under way. */
	if (err)
		r->result = -EAGAIN;
	return err;
}

static int ask_write(struct px_channel *ch, const char *name,
		     struct span text, px_client_done *done, void *arg)
{
	char path[2 * CHANNEL_PATH_MAX];
	int err = px_client_write(ch->client, 0, node(path, ch->mine, name),
				  text.at, text.len, done, arg);

	if (!err)
		ch->requests++;
	return err;
}

static int ask_alive(struct px_channel *ch)
{
	int err = px_client_is_introduced(ch->client, ch->options.peer,
					  have_alive, ch);

	if (!err)
		ch->requests++;
	return err;
}

void channel_ask(struct px_channel *ch, const struct channel_action *a)
{
	static const enum channel_event_type answers[] = {
		[CHANNEL_DO_WRITE_STATUS] = CHANNEL_EV_WROTE_STATUS,
		[CHANNEL_DO_WRITE_SLOT] = CHANNEL_EV_WROTE_SLOT,
		[CHANNEL_DO_READ_PEER] = CHANNEL_EV_PEER,
		[CHANNEL_DO_READ_OWN] = CHANNEL_EV_OWN,
		[CHANNEL_DO_READ_SLOT] = CHANNEL_EV_SLOT,
		[CHANNEL_DO_ASK_ALIVE] = CHANNEL_EV_ALIVE,
	};
	char path[2 * CHANNEL_PATH_MAX], name[16];
	int err;

	snprintf(name, sizeof(name), "m%u", a->slot);
	if (a->type == CHANNEL_DO_WRITE_STATUS)
		err = ask_write(ch, "st", a->text, wrote_status, ch);
	else if (a->type == CHANNEL_DO_WRITE_SLOT)
		err = ask_write(ch, name, a->text, wrote_slot,
				&ch->writes[a->slot]);
	else if (a->type == CHANNEL_DO_READ_SLOT)
		err = read_node(ch, node(path, ch->theirs, name), have_slot);
	else if (a->type == CHANNEL_DO_ASK_ALIVE)
		err = ask_alive(ch);
	else
		err = ask_read(ch, a->type == CHANNEL_DO_READ_OWN);
	if (!err)
		return;
	ch->full = true;
	event(ch, (struct channel_event){ .type = answers[a->type],
					  .result = -EAGAIN,
					  .slot = a->slot });
	ch->kick = false;
}

/* --------------------------------------------------------------- set-up -- */

static void have_old_generation(void *arg, int result, const char *data,
				size_t len)
{
	struct px_channel *ch = arg;

	ch->requests--;
	keep_generation(&ch->own, result, data, len);
	ch->kick = true;
	if (!ch->own.result || ch->own.result == -ENOENT) {
		ch->setup_at = 0;
		ch->setup_error = 0;
		channel_begin(ch);
	} else if (ch->own.result != -ECONNRESET) {
		ch->setup_error = ch->own.result;
	}
}

void channel_read_old(struct px_channel *ch)
{
	char path[2 * CHANNEL_PATH_MAX];

	if (read_node(ch, node(path, ch->mine, "st"), have_own))
		return;
	read_node(ch, generation_path, have_old_generation);
}

static void made(void *arg, int result, const char *data, size_t len)
{
	struct px_channel *ch = arg;

	ch->requests--;
	ch->kick = true;
	ch->setup_error = result == -ECONNRESET ? ch->setup_error : result;
	if (!result && ch->phase == CHANNEL_MAKE)
		ch->phase = CHANNEL_RUN;
}

static void made_directory(void *arg, int result, const char *data,
			   size_t len)
{
	struct px_channel *ch = arg;

	ch->requests--;
}

static void perms_of(struct px_channel *ch, const char *name,
		     const struct px_perm *perms)
{
	char path[2 * CHANNEL_PATH_MAX];

	if (!px_client_set_perms(ch->client, 0, node(path, ch->mine, name),
				 perms, 2, made_directory, ch))
		ch->requests++;
}

/*
 * Nodes keep the list they were made with.  If a write under way has brought
 * one back in a directory just removed, that is not ours: so all are told
 * again.  Those that are not there answer ENOENT.
 */
void channel_make(struct px_channel *ch)
{
	char name[16];
	struct px_perm perms[2] = { { ch->options.self, 'n' },
				    { ch->options.peer, 'r' } };

	if (px_client_mkdir(ch->client, 0, ch->own_dir,
			    made_directory, ch))
		return;
	ch->requests++;
	if (px_client_set_perms(ch->client, 0, ch->own_dir, perms, 2, made,
				ch))
		return;
	ch->requests++;
	perms_of(ch, "st", perms);
	for (unsigned int i = 0; i < ch->options.slots; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		perms_of(ch, name, perms);
	}
}
