// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A job collects all its replies or loses its client; whatever it leaves
 * behind (an open transaction, an unknown outcome) the checker sees from the
 * log alone. Some transactions are kept open for a while, so that deaths of
 * the daemon fall inside.
 */
#include "tests/kill/jobs.h"

#include <stdlib.h>
#include <string.h>

#define JOBS_PATH 64
#define JOBS_VALUE 64

static void value_new(struct client *c, char *value)
{
	snprintf(value, JOBS_VALUE, "%u.%u", c->index, c->seq + 1);
}

static void path_of(char *path, const char *room, unsigned int n)
{
	snprintf(path, JOBS_PATH, "/kill/%s/%u", room, n);
}

static void send_write(struct client *c, bool tx, const char *room,
		       unsigned int n)
{
	char path[JOBS_PATH], value[JOBS_VALUE];

	path_of(path, room, n);
	value_new(c, value);
	client_send(c, OP_WRITE, tx, path, value);
}

static void send_read(struct client *c, bool tx, const char *room,
		      unsigned int n)
{
	char path[JOBS_PATH];

	path_of(path, room, n);
	client_send(c, OP_READ, tx, path, "");
}

/* All that is due: 0, 1 when one failed, -1 when the client is gone. */
static int collect(struct client *c)
{
	int failed = 0;

	while (c->count) {
		if (client_reply(c))
			return -1;
		failed |= !!c->error;
	}
	return c->lost || c->dead ? -1 : failed;
}

/* ------------------------------------------------------- transactions -- */

static bool tx_start(struct client *c)
{
	return !client_call(c, OP_START, false, "", "") && c->tx_id;
}

static void tx_linger(struct client *c)
{
	if (!client_random(c, 6))
		client_idle(c, 1 + (int)client_random(c, 120));
}

/* One in ten is thrown away. */
static int tx_end(struct client *c)
{
	const char *how = client_random(c, 10) ? "T" : "F";
	int result;

	if (c->lost || c->dead || !c->tx_id)
		return -1;
	result = client_call(c, OP_END, true, "", how);
	return result ? result : *how == 'F';
}

/* The number before the colon of what was read, in the transaction. */
static bool tx_number(struct client *c, const char *room, unsigned int n,
		      unsigned long *number)
{
	char path[JOBS_PATH];

	path_of(path, room, n);
	if (client_call(c, OP_READ, true, path, ""))
		return false;
	*number = strtoul(c->payload, NULL, 10);
	return true;
}

static void send_number(struct client *c, const char *room, unsigned int n,
			unsigned long number)
{
	char path[JOBS_PATH], value[JOBS_VALUE];

	path_of(path, room, n);
	snprintf(value, sizeof(value), "%lu:%u.%u", number, c->index,
		 c->seq + 1);
	client_send(c, OP_WRITE, true, path, value);
}

static void job_transfer(struct client *c, unsigned int clients)
{
	unsigned int from = client_random(c, JOBS_ACCS);
	unsigned int to = (from + 1 + client_random(c, JOBS_ACCS - 1)) %
			  JOBS_ACCS;
	unsigned long a, b, sum;

	if (!tx_start(c) || !tx_number(c, "acc", from, &a) ||
	    !tx_number(c, "acc", to, &b))
		return;
	sum = client_random(c, (uint32_t)a + 1);
	send_number(c, "acc", from, a - sum);
	tx_linger(c);
	send_number(c, "acc", to, b + sum);
	tx_end(c);
}

static void job_sum(struct client *c, unsigned int clients)
{
	if (!tx_start(c))
		return;
	for (unsigned int n = 0; n < JOBS_ACCS; n++) {
		send_read(c, true, "acc", n);
		if (n == JOBS_ACCS / 2)
			tx_linger(c);
	}
	if (!collect(c))
		tx_end(c);
}

static void job_count(struct client *c, unsigned int clients)
{
	unsigned int n = client_random(c, JOBS_CNTS);
	unsigned long number;

	if (!tx_start(c) || !tx_number(c, "cnt", n, &number))
		return;
	tx_linger(c);
	send_number(c, "cnt", n, number + 1);
	tx_end(c);
}

/* Blind writes; its own are seen inside. */
static void job_blind(struct client *c, unsigned int clients)
{
	unsigned int n = client_random(c, JOBS_REGS);

	if (!tx_start(c))
		return;
	send_write(c, true, "reg", n);
	send_write(c, true, "reg", (n + 1) % JOBS_REGS);
	send_read(c, true, "reg", n);
	tx_linger(c);
	if (!collect(c))
		tx_end(c);
}

/* ---------------------------------------------------------- single ones -- */

static void job_write(struct client *c, unsigned int clients)
{
	send_write(c, false, "reg", client_random(c, JOBS_REGS));
	collect(c);
}

static void job_read(struct client *c, unsigned int clients)
{
	send_read(c, false, "reg", client_random(c, JOBS_REGS));
	collect(c);
}

static void job_pipeline(struct client *c, unsigned int clients)
{
	for (unsigned int i = client_random(c, 10); i < 12; i++) {
		unsigned int n = client_random(c, JOBS_REGS);

		if (client_random(c, 2))
			send_write(c, false, "reg", n);
		else
			send_read(c, false, "reg", n);
	}
	collect(c);
}

static void job_list(struct client *c, unsigned int clients)
{
	char path[JOBS_PATH];

	path_of(path, "names", client_random(c, clients));
	client_call(c, OP_DIR, false, path, "");
}

/* The number of the request, spread over two domids that never exist. */
static void job_set_perms(struct client *c, unsigned int clients)
{
	uint32_t n = c->seq + 1;
	char path[JOBS_PATH], value[JOBS_VALUE];

	path_of(path, "perm", c->index);
	snprintf(value, sizeof(value), "r%u,b%u,w%u", c->domid,
		 10000 + n % 10000, 20000 + n / 10000);
	client_call(c, OP_SETPERMS, false, path, value);
}

static void job_get_perms(struct client *c, unsigned int clients)
{
	char path[JOBS_PATH];

	path_of(path, "perm", client_random(c, clients));
	client_call(c, OP_GETPERMS, false, path, "");
}

/* A watch for a moment; its first event must come. */
static void job_watch(struct client *c, unsigned int clients)
{
	struct client_watch *w = &c->watch[c->watches];
	uint64_t end;

	*w = (struct client_watch){ .look = OP_SYNC };
	snprintf(w->path, sizeof(w->path), "/kill/watch/%u", c->seq);
	c->watches++;
	if (!client_call(c, OP_WATCH, false, w->path, w->path)) {
		end = client_now() + CLIENT_STUCK_MS * UINT64_C(1000000);
		while (!w->events && !c->lost && !c->dead &&
		       client_now() < end)
			client_idle(c, 5);
		if (!w->events && !c->lost && !c->dead)
			client_fail(c, "a watch without its first event");
		if (!c->lost && !c->dead)
			client_call(c, OP_UNWATCH, false, w->path, w->path);
	}
	c->watches--;
}

/* ---------------------------------------------------------------- names -- */

static void name_path(struct client *c, char *path, uint32_t name)
{
	snprintf(path, JOBS_PATH, "/kill/names/%u/%u", c->index, name);
}

static uint32_t send_make(struct client *c, bool tx)
{
	char path[JOBS_PATH];
	uint32_t name = c->seq + 1;

	name_path(c, path, name);
	switch (client_random(c, 3)) {
	case 0:
		client_send(c, OP_MKDIR, tx, path, "");
		break;
	case 1:
		strncat(path, "/a/b", sizeof(path) - strlen(path) - 1);
		/* fall through */
	default:
		client_send(c, OP_WRITE, tx, path, "x");
	}
	return name;
}

static void send_remove(struct client *c, bool tx)
{
	char path[JOBS_PATH];

	name_path(c, path, c->name[0]);
	client_send(c, OP_RM, tx, path, "");
}

static void name_forget_oldest(struct client *c)
{
	c->live--;
	memmove(c->name, c->name + 1, c->live * sizeof(c->name[0]));
}

/* What became of it is unknown when the client is lost: it is let be. */
static void job_names(struct client *c, unsigned int clients)
{
	uint32_t name;

	if (c->live > 2 + client_random(c, 6)) {
		send_remove(c, false);
		name_forget_oldest(c);
		collect(c);
		return;
	}
	name = send_make(c, false);
	if (!collect(c))
		c->name[c->live++] = name;
}

/* One comes and another goes, at once. */
static void job_names_tx(struct client *c, unsigned int clients)
{
	bool swap = c->live > 0;
	uint32_t name;
	int result;

	if (c->live > 10 || !tx_start(c))
		return;
	name = send_make(c, true);
	if (swap)
		send_remove(c, true);
	tx_linger(c);
	result = collect(c);
	if (!result)
		result = tx_end(c);
	if (swap && result <= 0)
		name_forget_oldest(c);
	if (!result)
		c->name[c->live++] = name;
}

/* Requests may be under way when it hangs up, or asks for a reset. */
static void job_renew(struct client *c, unsigned int clients)
{
	for (unsigned int i = client_random(c, 4); i; i--)
		send_write(c, false, "reg", client_random(c, JOBS_REGS));
	client_renew(c);
}

/* ------------------------------------------------------------ the whole -- */

static const struct {
	unsigned int weight;
	void (*run)(struct client *c, unsigned int clients);
} jobs[] = {
	{ 16, job_write }, { 12, job_read }, { 12, job_pipeline },
	{ 8, job_transfer }, { 6, job_sum }, { 8, job_count },
	{ 8, job_blind }, { 12, job_names }, { 6, job_names_tx },
	{ 4, job_list }, { 3, job_set_perms }, { 3, job_get_perms },
	{ 1, job_watch }, { 1, job_renew },
};

void jobs_run(struct client *c, unsigned int clients)
{
	unsigned int total = 0, i;

	for (i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++)
		total += jobs[i].weight;
	total = client_random(c, total);
	for (i = 0; total >= jobs[i].weight; i++)
		total -= jobs[i].weight;
	jobs[i].run(c, clients);
	/* A transaction that failed half way is not left behind. */
	if (collect(c) >= 0 && c->tx_id)
		client_call(c, OP_END, true, "", "F");
	client_look(c);
}

static void add_watch(struct client *c, const char *room, unsigned int n,
		      enum client_op look)
{
	struct client_watch *w = &c->watch[c->watches];

	*w = (struct client_watch){ .look = look };
	path_of(w->path, room, n);
	for (unsigned int i = 0; i < c->watches; i++)
		if (!strcmp(w->path, c->watch[i].path))
			return;
	c->watches++;
}

void jobs_watches(struct client *c, unsigned int clients)
{
	add_watch(c, "reg", c->index % JOBS_REGS, OP_LREAD);
	add_watch(c, "reg", (c->index * 7 + 3) % JOBS_REGS, OP_LREAD);
	add_watch(c, "cnt", c->index % JOBS_CNTS, OP_LREAD);
	add_watch(c, "names", (c->index + 1) % clients, OP_LDIR);
	add_watch(c, "perm", (c->index + 2) % clients, OP_LGETPERMS);
}

static void prepare_node(struct client *c, const char *path,
			 const char *value, const char *perms)
{
	client_call(c, OP_WRITE, false, path, value);
	client_call(c, OP_SETPERMS, false, path, perms);
}

static void prepare_room(struct client *c, const char *room,
			 unsigned int count, const char *number)
{
	char path[JOBS_PATH], value[2 * JOBS_VALUE];

	for (unsigned int n = 0; n < count; n++) {
		path_of(path, room, n);
		snprintf(value, sizeof(value), "%s%u.%u", number, c->index,
			 c->seq + 1);
		prepare_node(c, path, value, "b0");
	}
}

void jobs_prepare(struct client *c, unsigned int clients,
		  const uint32_t *domids)
{
	char path[JOBS_PATH], text[JOBS_VALUE];

	prepare_node(c, "/kill", "", "b0");
	snprintf(text, sizeof(text), "%u:", JOBS_AMOUNT);
	prepare_room(c, "reg", JOBS_REGS, "");
	prepare_room(c, "acc", JOBS_ACCS, text);
	prepare_room(c, "cnt", JOBS_CNTS, "0:");
	for (unsigned int n = 0; n < clients; n++) {
		path_of(path, "names", n);
		prepare_node(c, path, "", "b0");
		path_of(path, "perm", n);
		snprintf(text, sizeof(text), "r%u", domids[n]);
		prepare_node(c, path, "", text);
	}
}

static void final_room(struct client *c, const char *room, unsigned int count,
		       enum client_op op)
{
	char path[JOBS_PATH];

	for (unsigned int n = 0; n < count; n++) {
		path_of(path, room, n);
		client_call(c, op, false, path, "");
	}
}

void jobs_final(struct client *c, unsigned int clients)
{
	final_room(c, "reg", JOBS_REGS, OP_READ);
	final_room(c, "acc", JOBS_ACCS, OP_READ);
	final_room(c, "cnt", JOBS_CNTS, OP_READ);
	final_room(c, "names", clients, OP_DIR);
	final_room(c, "perm", clients, OP_GETPERMS);
}
