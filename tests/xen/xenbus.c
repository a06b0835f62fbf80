// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libproxenos over a kernel's xenstore device, in a guest or in dom0.  Each
 * step is a row; a line says of each how it went.  Nodes are made under PATH,
 * which the caller may write.  LIST is a directory with more names than a reply
 * holds; who finds none makes it, which a guest's quota may not allow.
 *
 *	xenbus-client DEVICE PATH LIST
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include <proxenos/client_call.h>

#define PATIENCE 60000000u	/* an emulated machine is slow */
#define CHILDREN 150
#define CHILD_NAME "a-name-that-makes-the-listing-longer-than-one-reply-%03d"
#define VALUE_LEN 2000		/* a guest's quota is 2048 */
#define PIPELINED 30
#define REOPENED 25		/* more than a guest may have transactions */

struct seen {
	struct px_client_watch watch;
	char path[128];
	int events;
	int error;
};

static const char *device, *base, *listed;
static struct px_client *client;
static char reply[8192];

static bool wrong(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static bool wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	puts("");
	return false;
}

static const char *node(const char *name)
{
	static char path[4][256];
	static unsigned int turn;
	char *at = path[turn++ % 4];

	snprintf(at, sizeof(path[0]), "%s/%s", base, name);
	return at;
}

static ssize_t call(uint32_t type, uint32_t tx, const char *path,
		    const void *value, size_t len)
{
	const struct px_bytes parts[] = { { path, strlen(path) + 1 },
					  { value, len } };

	return px_client_call(client, type, tx, parts, value ? 2 : 1, reply,
			      sizeof(reply), PATIENCE);
}

static bool puts_in(uint32_t tx, const char *name, const char *text)
{
	ssize_t n = call(XS_WRITE, tx, node(name), text, strlen(text));

	return n >= 0 || wrong("write of %s in %u: %zd", name, tx, n);
}

/* `text` NULL: it shall not be there. */
static bool has(uint32_t tx, const char *name, const char *text)
{
	ssize_t n = call(XS_READ, tx, node(name), NULL, 0);

	if (!text)
		return n == -ENOENT || wrong("%s: %zd", name, n);
	return (n >= 0 && !strcmp(reply, text)) ||
	       wrong("%s: %zd '%s', not '%s'", name, n, n < 0 ? "" : reply,
		     text);
}

/* The id, or 0. */
static uint32_t start(void)
{
	uint64_t tx = 0;
	ssize_t n = call(XS_TRANSACTION_START, 0, "", NULL, 0);

	if (n < 0 || px_client_parse_number(reply, (size_t)n, UINT32_MAX, &tx))
		wrong("no transaction: %zd", n);
	return (uint32_t)tx;
}

/* Has it ended as it should: 0, or the error that is wanted? */
static bool end(uint32_t tx, bool commit, int wanted)
{
	ssize_t n = call(XS_TRANSACTION_END, tx, commit ? "T" : "F", NULL, 0);

	return (n < 0 ? n : 0) == wanted || wrong("end of %u: %zd", tx, n);
}

static void event(void *arg, int error, const char *path)
{
	struct seen *s = arg;

	s->events++;
	s->error = error;
	snprintf(s->path, sizeof(s->path), "%s", path ? path : "");
}

/* Has another event come since there were `before`? */
static bool told(struct seen *s, int before, const char *path)
{
	uint64_t until = px_client_now() + PATIENCE;

	while (s->events == before && px_client_now() < until) {
		int never = 0;

		px_client_wait(client, &never, 20000);
	}
	return (s->events > before && !s->error && !strcmp(s->path, path)) ||
	       wrong("%d events, error %d, path '%s', not '%s'",
		     s->events - before, s->error, s->path, path);
}

static bool watch(struct seen *s, const char *path)
{
	s->watch.path = path;
	s->watch.depth = -1;
	s->watch.event = event;
	s->watch.arg = s;
	return !px_client_watch(client, &s->watch) && told(s, 0, path);
}

/* ------------------------------------------------------------- steps -- */

static bool step_write(void)
{
	return puts_in(0, "first", "one") && has(0, "first", "one") &&
	       puts_in(0, "first", "") && has(0, "first", "") &&
	       has(0, "missing", NULL);
}

/* Both a refusal by the daemon and one by the kernel leave all as it was. */
static bool step_refused(void)
{
	static char large[4090];
	ssize_t n = call(XS_WRITE, 0, "/local/domain/9999/not/mine/", "", 0);

	if (n != -EACCES && n != -EINVAL)
		return wrong("a bad path: %zd", n);
	memset(large, 'v', sizeof(large));
	n = call(XS_WRITE, 0, node("large"), large, sizeof(large) -
		 strlen(node("large")) - 1);
	if (n >= 0)
		return wrong("4090 bytes: %zd", n);
	return has(0, "first", "") && has(0, "large", NULL);
}

static bool step_watch(void)
{
	struct seen s = { .events = 0 };
	const char *path = node("watched");
	int before;

	if (!watch(&s, path))
		return false;
	before = s.events;
	if (!puts_in(0, "watched/below", "x") ||
	    !told(&s, before, node("watched/below")))
		return false;
	if (px_client_unwatch(client, &s.watch))
		return wrong("no unwatch");
	before = s.events;
	return puts_in(0, "watched/below", "y") && has(0, "watched/below", "y") &&
	       (s.events == before || wrong("an event after unwatch"));
}

static bool commits(void)
{
	uint32_t tx = start();

	return tx && puts_in(tx, "tx", "in") && has(tx, "tx", "in") &&
	       has(0, "tx", NULL) && end(tx, true, 0) && has(0, "tx", "in");
}

static bool aborts(void)
{
	uint32_t tx = start();

	return tx && puts_in(tx, "tx", "never") && end(tx, false, 0) &&
	       has(0, "tx", "in");
}

static bool conflicts(void)
{
	uint32_t tx = start();

	return tx && has(tx, "tx", "in") && puts_in(0, "tx", "out") &&
	       puts_in(tx, "tx", "late") && end(tx, true, -EAGAIN) &&
	       has(0, "tx", "out");
}

static bool step_transaction(void)
{
	return commits() && aborts() && conflicts();
}

static bool step_large_value(void)
{
	static char value[VALUE_LEN];
	ssize_t n;

	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (char)(i * 7);
	n = call(XS_WRITE, 0, node("value"), value, sizeof(value));
	if (n < 0)
		return wrong("write: %zd", n);
	n = call(XS_READ, 0, node("value"), NULL, 0);
	return (n == VALUE_LEN && !memcmp(reply, value, sizeof(value))) ||
	       wrong("read: %zd", n);
}

static bool make_list(void)
{
	char path[256];

	for (int i = 0; i < CHILDREN; i++) {
		snprintf(path, sizeof(path), "%s/" CHILD_NAME, listed, i);
		if (call(XS_WRITE, 0, path, "", 0) < 0)
			return wrong("no child %d", i);
	}
	return true;
}

static bool step_large_list(void)
{
	static char names[CHILDREN * 80];
	const char *name;
	char wanted[80];
	size_t at = 0;
	ssize_t n = call(XS_GET_PERMS, 0, listed, NULL, 0);

	if (n == -ENOENT && !make_list())
		return false;
	n = px_client_call_list(client, 0, listed, names, sizeof(names),
				PATIENCE);
	if (n <= 4096)
		return wrong("%zd bytes of names", n);
	for (int i = 0; i < CHILDREN; i++) {
		snprintf(wanted, sizeof(wanted), CHILD_NAME, i);
		name = px_client_next_string(names, (size_t)n, &at);
		if (!name || strcmp(name, wanted))
			return wrong("name %d: '%s'", i, name ? name : "");
	}
	return true;
}

static void counted(void *arg, int result, const char *data, size_t len)
{
	int *next = arg;

	if (!result && len == 1 && data[0] == 'a' + *next % 26)
		++*next;
	else
		wrong("reply %d: %d, %zu bytes, '%s'", *next, result, len,
		      data);
}

/* More requests than the client lets be under way at once. */
static bool step_pipelined(void)
{
	uint64_t until = px_client_now() + PATIENCE;
	char name[16], value;
	int next = 0, never = 0;

	for (int i = 0; i < PIPELINED; i++) {
		value = (char)('a' + i % 26);
		snprintf(name, sizeof(name), "pipe/%d", i);
		if (call(XS_WRITE, 0, node(name), &value, 1) < 0)
			return wrong("no write");
	}
	for (int i = 0; i < PIPELINED; i++) {
		snprintf(name, sizeof(name), "pipe/%d", i);
		if (px_client_read(client, 0, node(name), counted, &next))
			return wrong("request %d is not taken", i);
	}
	while (px_client_pending(client) && px_client_now() < until)
		px_client_wait(client, &never, 20000);
	return next == PIPELINED || wrong("%d replies in order", next);
}

static struct px_client *connect_device(struct px_transport_device *t)
{
	struct px_client_options options = { .window = 0 };
	size_t size = px_client_size(&options);
	void *memory = malloc(size);
	struct px_client *c = NULL;

	px_transport_device_init(t, device);
	if (!memory || px_client_init(memory, size, &options, &c) ||
	    px_client_open(c, &t->base) || px_client_wait_up(c, PATIENCE)) {
		wrong("no connection: %s", strerror(c ?
		      -px_client_error(c) : ENOMEM));
		free(memory);
		return NULL;
	}
	return c;
}

/* The client is the first thing in the memory that it was given. */
static void disconnect(struct px_client *c)
{
	px_client_close(c);
	free(c);
}

/* What one connection does another sees; transactions are apart. */
static bool step_two(void)
{
	struct px_transport_device t;
	struct px_client *first = client, *second = connect_device(&t);
	struct seen s = { .events = 0 };
	uint32_t tx;
	bool good;

	if (!second || !watch(&s, node("both")))
		return false;
	tx = start();
	client = second;
	good = tx && puts_in(0, "both", "second") &&
	       call(XS_WRITE, tx, node("both"), "stolen", 6) == -ENOENT;
	client = first;
	good = good && told(&s, 1, node("both")) && has(0, "both", "second") &&
	       end(tx, false, 0);
	px_client_unwatch(client, &s.watch);
	disconnect(second);
	return good && has(0, "both", "second");
}

/* Watches come back with the connection; so does an event for each. */
static bool step_reopen(void)
{
	struct px_transport_device t;
	struct seen s = { .events = 0 };
	int before;

	if (!watch(&s, node("kept")))
		return false;
	before = s.events;
	px_client_close(client);
	px_transport_device_init(&t, device);
	if (px_client_open(client, &t.base) ||
	    px_client_wait_up(client, PATIENCE))
		return wrong("not up again");
	if (!told(&s, before, node("kept")))
		return false;
	before = s.events;
	if (!puts_in(0, "kept", "yes") ||
	    !told(&s, before, node("kept")))
		return false;
	px_client_unwatch(client, &s.watch);
	/* The transport lies on this stack. */
	px_client_close(client);
	return true;
}

/* Who closes leaves nothing behind: no transaction, no watch. */
static bool step_left(void)
{
	for (int i = 0; i < REOPENED; i++) {
		struct px_transport_device t;
		struct seen s = { .events = 0 };
		bool good;

		client = connect_device(&t);
		if (!client)
			return wrong("connection %d", i);
		good = watch(&s, node("left")) && start();
		disconnect(client);
		if (!good)
			return wrong("connection %d", i);
	}
	return true;
}

static const struct {
	const char *name;
	bool (*done)(void);
} steps[] = {
	{ "write and read", step_write },
	{ "what is refused", step_refused },
	{ "watch", step_watch },
	{ "transaction", step_transaction },
	{ "large value", step_large_value },
	{ "large directory", step_large_list },
	{ "pipelined", step_pipelined },
	{ "two connections", step_two },
	{ "close and open again", step_reopen },
	{ "nothing is left behind", step_left },
};

int main(int argc, char **argv)
{
	struct px_transport_device transport;
	struct px_client *first;
	int failed = 0;

	if (argc != 4) {
		fputs("usage: xenbus-client DEVICE PATH LIST\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	device = argv[1];
	base = argv[2];
	listed = argv[3];
	first = client = connect_device(&transport);
	if (!client)
		return 1;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		bool good = steps[i].done();

		printf("%s %s\n", good ? "ok" : "WRONG", steps[i].name);
		if (!good)
			failed++;
		if (!good && !px_client_is_up(client))
			break;
	}
	free(first);
	return failed ? 1 : 0;
}
