/* SPDX-License-Identifier: MIT */
/*
 * The thin part: the machine's store operations become requests of a client,
 * answers and watch events become its events, its callbacks the caller's.
 * Before it runs, and again whenever its nodes may be of another store or
 * another domid, the directory is made and its access list set.
 */
#include "config.h"

#include "lib/channel_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { TURNS = 1024, SETUP_RETRY = 200000 };

static size_t round_up(size_t n)
{
	return (n + 15) & ~(size_t)15;
}

static bool name_is_valid(const char *name)
{
	size_t len = name ? strnlen(name, CHANNEL_NAME_MAX + 1) : 0;

	if (!len || len > CHANNEL_NAME_MAX)
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static unsigned int slots_of(const struct px_channel_options *o)
{
	return o->slots ? o->slots : 8;
}

size_t px_channel_size(const struct px_channel_options *o)
{
	unsigned int slots = slots_of(o);

	if (!name_is_valid(o->name) || slots < CHANNEL_SLOTS_MIN ||
	    slots > CHANNEL_SLOTS_MAX || (o->lease && o->lease < 100) ||
	    !o->on.message || !o->on.down)
		return 0;
	return round_up(sizeof(struct px_channel)) + channel_memory(slots);
}

int px_channel_init(void *memory, size_t size,
		    const struct px_channel_options *o,
		    struct px_channel **channel)
{
	struct px_channel *ch = memory;
	size_t need = px_channel_size(o);

	if (!need)
		return -EINVAL;
	if (size < need)
		return -ENOBUFS;
	memset(ch, 0, sizeof(*ch));
	ch->options = *o;
	ch->options.slots = slots_of(o);
	if (!o->lease)
		ch->options.lease = 15000;
	memcpy(ch->name, o->name, strlen(o->name));
	ch->options.name = ch->name;
	ch->memory = (char *)memory + round_up(sizeof(*ch));
	ch->lock = -1;
	for (unsigned int i = 0; i < CHANNEL_SLOTS_MAX; i++)
		ch->writes[i] = (struct channel_write){ ch, i };
	*channel = ch;
	return 0;
}

static int lock(struct px_channel *ch)
{
	const char *path = ch->options.lock;
	int fd;

	if (!path)
		return 0;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		int err = errno == EWOULDBLOCK ? EBUSY : errno;

		close(fd);
		return -err;
	}
	ch->lock = fd;
	return 0;
}

static void unlock(struct px_channel *ch)
{
	if (ch->lock >= 0)
		close(ch->lock);
	ch->lock = -1;
}

int px_channel_open(struct px_channel *ch, struct px_client *client)
{
	int err;

	if (ch->client)
		return -EISCONN;
	err = lock(ch);
	if (err)
		return err;
	ch->client = client;
	ch->phase = CHANNEL_READ_OLD;
	channel_name_nodes(ch);
	err = channel_watch_nodes(ch);
	if (err) {
		ch->client = NULL;
		unlock(ch);
	}
	return err;
}

/* ------------------------------------------------------------- set-up -- */

static void entropy(void *ctx, uint8_t *random)
{
	size_t had = 0;

	while (had < 16) {
		ssize_t n = getrandom(random + had, 16 - had, 0);

		if (n > 0)
			had += (size_t)n;
	}
}

static uint64_t since_boot(void)
{
	struct timespec t = { 0, 0 };

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The old st, and the generation after it, have been read: R1. */
void channel_begin(struct px_channel *ch)
{
	struct channel_read *r = &ch->own;
	struct span old = { r->text, r->result ? 0 : r->len };
	struct span generation = { r->generation, r->generation_len };

	channel_start(&ch->core, ch->memory, ch->options.slots,
		      ch->options.lease, since_boot(), old, generation,
		      entropy, NULL, ch->now);
	ch->running = true;
	ch->phase = CHANNEL_MAKE;
	if (ch->closing) {
		struct channel_event e = { CHANNEL_EV_CLOSE };

		channel_step(&ch->core, &e, ch->now);
	}
}

static void setup(struct px_channel *ch)
{
	if (ch->phase == CHANNEL_RUN || ch->phase == CHANNEL_OVER ||
	    ch->requests ||
	    ch->now < ch->setup_at || !px_client_is_up(ch->client))
		return;
	ch->setup_at = ch->now + SETUP_RETRY;
	if (ch->moved_to >= 0) {
		struct channel_event e = { CHANNEL_EV_MOVED };

		/* No room for the requests: later, under the old name. */
		if (!channel_unwatch_nodes(ch))
			return;
		ch->options.self = (uint16_t)ch->moved_to;
		ch->moved_to = -1;
		channel_name_nodes(ch);
		channel_watch_again(ch);
		channel_step(&ch->core, &e, ch->now);
	}
	if (ch->phase == CHANNEL_READ_OLD)
		channel_read_old(ch);
	else
		channel_make(ch);
}

/* ------------------------------------------------------------ process -- */

static void let_go(struct px_channel *ch, bool now)
{
	struct channel_event e = { CHANNEL_EV_LET_GO };

	ch->must_let_go = !now;
	if (now)
		channel_step(&ch->core, &e, ch->now);
}

static void message(struct px_channel *ch, struct span text)
{
	struct channel_event e = { CHANNEL_EV_COMPLETE };

	ch->in_hand = true;
	if (!ch->options.on.message(ch->options.on.arg, text.at, text.len) ||
	    !ch->in_hand)
		return;
	ch->in_hand = false;
	channel_step(&ch->core, &e, ch->now);
}

static void ended(struct px_channel *ch, enum px_channel_reason reason)
{
	const struct px_channel_callbacks *on = &ch->options.on;

	ch->phase = CHANNEL_OVER;
	channel_unwatch_nodes(ch);
	unlock(ch);
	if (on->ended)
		on->ended(on->arg, reason);
}

static void callback(struct px_channel *ch, struct channel_action *a)
{
	const struct px_channel_callbacks *on = &ch->options.on;

	switch (a->type) {
	case CHANNEL_DO_RELEASED:
		if (on->released)
			on->released(on->arg);
		break;
	case CHANNEL_DO_UP:
		if (on->up)
			on->up(on->arg);
		break;
	case CHANNEL_DO_DONE:
		a->message->done(a->message->arg, a->message, a->verdict);
		break;
	case CHANNEL_DO_DOWN:
		ch->in_hand = false;
		ch->must_let_go = true;
		if (!ch->core.mute)
			ch->phase = CHANNEL_MAKE;
		if (on->down(on->arg, &a->down) && ch->must_let_go)
			let_go(ch, true);
		break;
	case CHANNEL_DO_MESSAGE:
		message(ch, a->text);
		break;
	default:
		ended(ch, ch->core.reason);
	}
}

static bool turn(struct px_channel *ch)
{
	struct channel_action a;

	if (!ch->running)
		return false;
	channel_action(&ch->core, ch->phase == CHANNEL_RUN && !ch->full &&
		       px_client_is_up(ch->client), &a, ch->now);
	if (a.type == CHANNEL_DO_NOTHING)
		return false;
	if (a.type < CHANNEL_DO_WRITE_STATUS)
		callback(ch, &a);
	else
		channel_ask(ch, &a);
	return true;
}

/*
 * Closed before the store was ever reached there is nothing to leave.  But a
 * first attempt under way is waited for: a predecessor that was killed may
 * have left an end that looks alive, and the peer should hear of it.
 */
static bool is_unreachable(const struct px_client *client)
{
	if (px_client_is_up(client))
		return false;
	return px_client_error(client) ||
	       (px_client_fd(client) < 0 &&
		px_client_deadline(client) == UINT64_MAX);
}

int px_channel_process(struct px_channel *ch, uint64_t now)
{
	if (!ch->client)
		return -ENOTCONN;
	if (ch->busy)
		return -EBUSY;
	ch->busy = true;
	ch->now = now;
	ch->full = ch->kick = false;
	if (ch->closing && ch->phase == CHANNEL_READ_OLD && !ch->requests &&
	    is_unreachable(ch->client))
		ended(ch, PX_CHANNEL_CLOSED);
	setup(ch);
	if (ch->phase != CHANNEL_OVER)
		channel_watch_refused(ch);
	for (unsigned int n = 0; turn(ch); n++)
		if (n == TURNS) {
			ch->kick = true;
			break;
		}
	ch->busy = false;
	return 0;
}

uint64_t px_channel_deadline(const struct px_channel *ch)
{
	if (!ch->client || ch->phase == CHANNEL_OVER)
		return UINT64_MAX;
	if (ch->kick)
		return 0;
	if (ch->full || !px_client_is_up(ch->client))
		return UINT64_MAX;
	if (ch->phase != CHANNEL_RUN)
		return ch->requests ? UINT64_MAX : ch->setup_at;
	if (ch->watch_error && ch->watch_at < channel_deadline(&ch->core))
		return ch->watch_at;
	return channel_deadline(&ch->core);
}

/* --------------------------------------------------------- the client -- */

int px_channel_send(struct px_channel *ch, struct px_channel_message *m)
{
	int err;

	if (!m->done)
		return -EINVAL;
	if (!ch->running)
		return -ENOTCONN;
	err = channel_submit(&ch->core, m, ch->now);
	ch->kick |= !err;
	return err;
}

size_t px_channel_message_max(const struct px_channel *ch)
{
	unsigned int slots = ch->running && ch->core.state == CHANNEL_UP ?
			     ch->core.window : ch->options.slots;

	return (size_t)slots * CHANNEL_BODY_MAX;
}

int px_channel_complete(struct px_channel *ch)
{
	struct channel_event e = { CHANNEL_EV_COMPLETE };

	if (!ch->running || ch->core.state != CHANNEL_UP)
		return -ENOTCONN;
	if (!ch->in_hand)
		return -EINVAL;
	ch->in_hand = false;
	channel_step(&ch->core, &e, ch->now);
	ch->kick = true;
	return 0;
}

int px_channel_let_go(struct px_channel *ch)
{
	if (!ch->must_let_go)
		return -EINVAL;
	let_go(ch, true);
	ch->kick = true;
	return 0;
}

int px_channel_fault(struct px_channel *ch)
{
	if (!ch->running || ch->core.state != CHANNEL_UP)
		return -ENOTCONN;
	ch->in_hand = false;
	ch->core.garbage++;
	channel_stimulus(&ch->core, CHANNEL_FAULT, NULL, ch->now);
	ch->kick = true;
	return 0;
}

int px_channel_close(struct px_channel *ch)
{
	struct channel_event e = { CHANNEL_EV_CLOSE };

	ch->closing = ch->kick = true;
	if (ch->running)
		channel_step(&ch->core, &e, ch->now);
	return 0;
}

int px_channel_abandon(struct px_channel *ch)
{
	if (ch->busy)
		return -EBUSY;
	if (ch->requests)
		return -EAGAIN;
	if (ch->client && !channel_unwatch_nodes(ch))
		return -EAGAIN;
	unlock(ch);
	ch->client = NULL;
	ch->running = false;
	return 0;
}

void px_channel_status(const struct px_channel *ch,
		       struct px_channel_status *s)
{
	const struct channel *c = &ch->core;

	memset(s, 0, sizeof(*s));
	s->state = ch->running ? channel_state_name(c->state) : "start";
	s->error = ch->setup_error ? ch->setup_error : c->error;
	s->watch_error = ch->watch_error;
	s->reason = c->reason;
	s->window = c->state == CHANNEL_UP ? c->window : 0;
	s->next = c->tx;
	s->acked = c->acked;
	s->wanted = c->rx;
	s->ups = c->ups;
	s->downs = c->downs;
	s->status_writes = c->status_writes;
	s->slot_writes = c->slot_writes;
	s->garbage = c->garbage;
	s->stale = c->stale;
}
