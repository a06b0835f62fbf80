/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a snapshot; see snapshot.h.  Nodes are an array that grows at its
 * end: a node asked for appends its children, so the array is the queue of
 * what is still to be asked, and no depth of the store is a depth of ours.
 * Several nodes are asked for at a time.
 */
#include "tools/xs-probe/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <proxenos/client_call.h>

#include "protocol/wire.h"
#include "tools/xs-probe/pages.h"

#define SLOTS 8
#define BETWEEN_TRIES 10000u	/* microseconds, more each time */
#define NAMES_MIN 8192
#define NAMES_MAX (64u << 20)

enum { ASK_VALUE = 1, ASK_PERMS = 2, ASK_NAMES = 4, ASK_ALL = 7 };

struct slot {
	struct reader *reader;
	size_t index;		/* of the node */
	unsigned int todo;	/* not asked yet */
	unsigned int open;	/* asked and not answered */
	struct px_client_list list;
	char *names;
	size_t room;
};

struct reader {
	struct probe *probe;
	struct snapshot *snap;
	bool (*enter)(const char *path);
	uint32_t tx;
	size_t next;		/* the node to be asked for next */
	int error;		/* ends it */
	int moved;		/* an answer came */
	struct slot slot[SLOTS];
};

int snapshot_order(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	/* A slash sorts before any byte that a name may have. */
	if (!*a || !*b)
		return (*a != 0) - (*b != 0);
	if (*a == '/' || *b == '/')
		return (*b == '/') - (*a == '/');
	return (unsigned char)*a - (unsigned char)*b;
}

static int by_path(const void *a, const void *b)
{
	const struct snapshot_node *x = a, *y = b;

	return snapshot_order(x->path, y->path);
}

/* Append a node whose path becomes the snapshot's; it may be NULL. */
static int add_path(struct snapshot *snap, char *path)
{
	struct snapshot_node *more = snap->node;

	if (path && snap->count == snap->room) {
		size_t room = snap->room ? 2 * snap->room : 64;

		more = reallocarray(snap->node, room, sizeof(*more));
		if (more) {
			snap->node = more;
			snap->room = room;
		}
	}
	if (!path || !more) {
		free(path);
		return -ENOMEM;
	}
	snap->node[snap->count++] = (struct snapshot_node){ .path = path };
	return 0;
}

static int add_child(struct snapshot *snap, size_t parent, const char *name)
{
	const char *dir = snap->node[parent].path;
	size_t dir_len = strcmp(dir, "/") ? strlen(dir) : 0;
	size_t len = strlen(name);
	char *path;

	if (!len || strchr(name, '/') ||
	    dir_len + 1 + len > WIRE_ABS_PATH_MAX)
		return -EBADMSG;
	path = malloc(dir_len + len + 2);
	if (path) {
		memcpy(path, dir, dir_len);
		path[dir_len] = '/';
		memcpy(path + dir_len + 1, name, len + 1);
	}
	return add_path(snap, path);
}

static void fail(struct reader *r, int error)
{
	if (!r->error)
		r->error = error;
}

static char *copy(const char *data, size_t len)
{
	char *to = malloc(len + 1);

	if (to) {
		memcpy(to, data, len);
		to[len] = '\0';
	}
	return to;
}

/*
 * What one answer's failure means: a connection's ends all, and so does the
 * absence of the node that was asked for.  Any other node that is gone was
 * removed meanwhile, of which the end of the transaction will tell.
 */
static void answered(struct slot *s, unsigned int what, int result)
{
	struct reader *r = s->reader;

	s->open &= ~what;
	r->moved = 1;
	if (result == -ECONNRESET || result == -EPROTO ||
	    result == -ENOMEM || result == -EBADMSG ||
	    (result && !s->index))
		fail(r, result);
}

static void value_done(void *arg, int result, const char *data, size_t len)
{
	struct slot *s = arg;
	struct snapshot *snap = s->reader->snap;
	struct snapshot_node *n = &snap->node[s->index];

	n->error = result;
	if (!result) {
		n->value = copy(data, len);
		n->len = len;
		snap->bytes += len;
		if (!n->value)
			result = -ENOMEM;
	}
	/* A root whose value alone may not be read is still a root. */
	answered(s, ASK_VALUE, result == -EACCES ? 0 : result);
}

static void perms_done(void *arg, int result, const char *data, size_t len)
{
	struct slot *s = arg;
	struct snapshot_node *n = &s->reader->snap->node[s->index];

	if (!result && len) {
		n->perms = copy(data, len);
		for (size_t i = 0; n->perms && i + 1 < len; i++)
			if (!n->perms[i])
				n->perms[i] = ',';
		if (!n->perms)
			result = -ENOMEM;
	}
	answered(s, ASK_PERMS, result == -EACCES ? 0 : result);
}

static void names_done(void *arg, int result, const char *data, size_t len)
{
	struct slot *s = arg;
	struct reader *r = s->reader;
	const char *name;
	size_t at = 0;

	(void)data;
	if (result == -ENOBUFS && s->room < NAMES_MAX) {
		char *more = realloc(s->names, 4 * s->room);

		if (more) {
			s->names = more;
			s->room *= 4;
			s->open &= ~(unsigned int)ASK_NAMES;
			s->todo |= ASK_NAMES;
			r->moved = 1;
			return;
		}
		result = -ENOMEM;
	}
	r->snap->unread += result && result != -ENOENT;
	while (!result &&
	       (name = px_client_next_string(s->names, len, &at)))
		result = add_child(r->snap, s->index, name);
	answered(s, ASK_NAMES, result);
}

static int ask_one(struct slot *s, unsigned int what)
{
	struct reader *r = s->reader;
	struct px_client *c = r->probe->client;
	const char *path = r->snap->node[s->index].path;

	if (what == ASK_VALUE)
		return px_client_read(c, r->tx, path, value_done, s);
	if (what == ASK_PERMS)
		return px_client_get_perms(c, r->tx, path, perms_done, s);
	return px_client_list(c, &s->list, r->tx, path, s->names, s->room,
			      names_done, s);
}

/* What finds no room now is asked when something was answered. */
static void ask(struct slot *s)
{
	for (unsigned int what = 1; what & ASK_ALL; what <<= 1) {
		int ret;

		if (!(s->todo & what))
			continue;
		ret = ask_one(s, what);
		if (ret == -EAGAIN)
			return;
		if (ret) {
			fail(s->reader, ret);
			return;
		}
		s->todo &= ~what;
		s->open |= what;
	}
}

static void fill(struct reader *r)
{
	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *s = &r->slot[i];

		if (!s->todo && !s->open && r->next < r->snap->count) {
			const char *path = r->snap->node[r->next].path;

			s->index = r->next++;
			s->todo = ASK_ALL;
			if (r->enter && !r->enter(path))
				s->todo &= ~(unsigned int)ASK_NAMES;
		}
		if (s->todo)
			ask(s);
	}
}

static bool unanswered(const struct reader *r)
{
	unsigned int open = 0;

	for (size_t i = 0; i < SLOTS; i++)
		open |= r->slot[i].open;
	return open != 0;
}

static bool busy(const struct reader *r)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (r->slot[i].todo)
			return true;
	return unanswered(r) || r->next < r->snap->count;
}

static int wait_for_one(struct reader *r)
{
	r->moved = 0;
	return px_client_wait(r->probe->client, &r->moved, r->probe->timeout);
}

static int read_all(struct reader *r)
{
	struct px_client *c = r->probe->client;
	int ret = 0;

	while (!ret && !r->error && busy(r)) {
		fill(r);
		if (!r->error)
			ret = wait_for_one(r);
	}
	/* What was asked is answered before the slots go. */
	while (!ret && unanswered(r))
		ret = wait_for_one(r);
	if (ret && unanswered(r))
		px_client_close(c);
	return r->error ? r->error : ret;
}

static ssize_t transaction(struct probe *p, uint32_t type, uint32_t tx,
			   const char *payload, char *reply, size_t size)
{
	return px_client_call_path(p->client, type, tx, payload, reply, size,
				   p->timeout);
}

/* `how` is "F" where a transaction is a picture; else "T", which tells. */
static int read_once(struct reader *r, const char *how)
{
	char reply[WIRE_PAYLOAD_MAX + 1];
	uint64_t tx = 0;
	ssize_t n = transaction(r->probe, WIRE_TRANSACTION_START, 0, "",
				reply, sizeof(reply));
	int ret;

	if (n >= 0)
		n = px_client_parse_number(reply, (size_t)n, UINT32_MAX, &tx);
	if (n < 0)
		return (int)n;
	r->tx = (uint32_t)tx;
	r->next = 0;
	r->error = 0;
	ret = add_path(r->snap, strdup(r->snap->root));
	if (!ret)
		ret = read_all(r);
	if (!px_client_is_up(r->probe->client))
		return ret ? ret : -ECONNRESET;
	n = transaction(r->probe, WIRE_TRANSACTION_END, r->tx, ret ? "F" : how,
			reply, sizeof(reply));
	return ret ? ret : n < 0 ? (int)n : 0;
}

static void forget_nodes(struct snapshot *snap)
{
	for (size_t i = 0; i < snap->count; i++) {
		free(snap->node[i].path);
		free(snap->node[i].value);
		free(snap->node[i].perms);
	}
	snap->count = 0;
	snap->bytes = 0;
	snap->unread = 0;
}

/* Nodes that were removed between their parent's listing and their turn. */
static void drop_gone(struct snapshot *snap)
{
	size_t kept = 0;

	for (size_t i = 0; i < snap->count; i++) {
		struct snapshot_node *n = &snap->node[i];

		if (n->error != -ENOENT) {
			snap->node[kept++] = *n;
			continue;
		}
		free(n->path);
		free(n->value);
		free(n->perms);
	}
	snap->count = kept;
}

static int read_retrying(struct reader *r)
{
	struct pages pages;
	const char *how = pages_read(r->probe, &pages, "status", "0", 1) ?
			  "T" : "F";
	static const int never;
	int ret = -EAGAIN;

	pages_free(&pages);
	if (!px_client_is_up(r->probe->client))
		return -ECONNRESET;
	for (unsigned int i = 0; ret == -EAGAIN && i < SNAPSHOT_TRIES; i++) {
		/* Who writes does so in bursts: a little later each time. */
		if (i)
			px_client_wait(r->probe->client, &never,
				       i * BETWEEN_TRIES);
		forget_nodes(r->snap);
		ret = read_once(r, how);
	}
	if (!ret)
		drop_gone(r->snap);
	return ret;
}

int snapshot_read(struct probe *probe, const char *path,
		  bool (*enter)(const char *path), struct snapshot *snap)
{
	struct reader *r = calloc(1, sizeof(*r));
	bool memory = r != NULL;
	int ret = -ENOMEM;

	memset(snap, 0, sizeof(*snap));
	snap->root = strdup(path);
	snap->time = (uint64_t)time(NULL);
	for (size_t i = 0; r && i < SLOTS; i++) {
		r->slot[i].reader = r;
		r->slot[i].room = NAMES_MIN;
		r->slot[i].names = malloc(NAMES_MIN);
		memory = memory && r->slot[i].names;
	}
	if (memory && snap->root) {
		r->probe = probe;
		r->snap = snap;
		r->enter = enter;
		ret = read_retrying(r);
	}
	for (size_t i = 0; r && i < SLOTS; i++)
		free(r->slot[i].names);
	free(r);
	if (ret)
		forget_nodes(snap);
	else
		qsort(snap->node, snap->count, sizeof(*snap->node), by_path);
	return ret;
}

void snapshot_free(struct snapshot *snap)
{
	forget_nodes(snap);
	free(snap->node);
	free(snap->root);
	memset(snap, 0, sizeof(*snap));
}

const struct snapshot_node *snapshot_find(const struct snapshot *snap,
					  const char *path)
{
	size_t low = 0, high = snap->count;

	while (low < high) {
		size_t at = low + (high - low) / 2;
		int order = snapshot_order(path, snap->node[at].path);

		if (!order)
			return &snap->node[at];
		if (order < 0)
			high = at;
		else
			low = at + 1;
	}
	return NULL;
}

const char *snapshot_text(const struct snapshot *snap, const char *path)
{
	const struct snapshot_node *n = snapshot_find(snap, path);

	return n && n->value && strlen(n->value) == n->len ? n->value : NULL;
}

const char *snapshot_child(const struct snapshot *snap, const char *dir,
			   const char *name)
{
	char path[WIRE_ABS_PATH_MAX + 1];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, name);

	return n < 0 || (size_t)n >= sizeof(path) ? NULL :
	       snapshot_text(snap, path);
}
