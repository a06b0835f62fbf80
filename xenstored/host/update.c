// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sequence of commands, with the C daemon's words where it has words,
 * and the wait for a moment at which the state can be handed over: when the
 * machine has no question open but this one and, if the other binary reads
 * the public stream only, which carries no transactions, when none is open.
 */
#include "xenstored/host/update.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>

#include "xenstored/host/client.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/log.h"
#include "xenstored/host/update_exec.h"

#define SECOND 1000000u
#define LOOK_AGAIN 20000u	/* microseconds */
#define ARGS_LOOKED_AT 4u	/* of more, the C daemon takes no notice */
#define TIMEOUT_MAX 86400u

struct update {
	uint32_t conn;		/* whose session it is */
	char *file;
	char *cmdline;		/* NULL: as this process was called */
	bool started;
	uint64_t ask;
	bool force;
	uint64_t since;
	uint64_t due;
	enum update_format format;
};

static void update_end(struct host *h)
{
	TALLOC_FREE(h->update);
	h->due[TIMER_UPDATE] = UINT64_MAX;
}

/* The session ends with its connection. */
static struct update *update_session(struct host *h)
{
	uint32_t conn;

	if (!h->update)
		return NULL;
	conn = h->update->conn;
	if (conn < MACHINE_SOCKET_BASE ? !guest_of(h, conn) :
					 !client_of(h, conn))
		update_end(h);
	return h->update;
}

static void update_answer(struct host *h, const char *text)
{
	struct machine_input in = {
		.type = MACHINE_IN_DONE,
		.ask = h->update->ask,
		.data = text,
		.len = strnlen(text, WIRE_PAYLOAD_MAX - 1) + 1,
	};

	update_end(h);
	host_feed(h, &in);
}

/* --------------------------------------------------------- the commands -- */

struct words {
	struct span s[ARGS_LOOKED_AT];
	unsigned int n;
};

static uint32_t command_abort(struct host *h, uint32_t conn,
			      const struct words *w, const char **text)
{
	struct update *u = update_session(h);

	if (w->n != 1)
		return EINVAL;
	if (!u)
		*text = "No live-update session active.";
	else if (u->started)
		update_answer(h, "Cancellation was requested");
	else
		update_end(h);
	return 0;
}

static const char *file_refused(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return "File not accessible.";
	if (!(st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
		return "File not executable.";
	return NULL;
}

/* Strings of a payload end with a NUL there. */
static uint32_t command_file(struct host *h, uint32_t conn,
			     const struct words *w, const char **text)
{
	const char *refused;
	struct update *u;

	if (w->n != 2)
		return EINVAL;
	refused = file_refused(w->s[1].at);
	if (!refused && update_session(h))
		refused = "live-update session already active.";
	if (refused) {
		*text = refused;
		return 0;
	}
	u = talloc_zero(h, struct update);
	if (u)
		u->file = talloc_strdup(u, w->s[1].at);
	if (!u || !u->file) {
		talloc_free(u);
		*text = "Allocation failure.";
		return 0;
	}
	u->conn = conn;
	h->update = u;
	return 0;
}

static struct update *own_session(struct host *h, uint32_t conn,
				  const char **text)
{
	struct update *u = update_session(h);

	if (u && u->conn == conn)
		return u;
	*text = "Not in live-update session.";
	return NULL;
}

static uint32_t command_line(struct host *h, uint32_t conn,
			     const struct words *w, const char **text)
{
	struct update *u;
	char *copy;

	if (w->n != 2)
		return EINVAL;
	u = own_session(h, conn, text);
	if (!u)
		return 0;
	copy = talloc_strdup(u, w->s[1].at);
	if (!copy) {
		*text = "Allocation failure.";
		return 0;
	}
	talloc_free(u->cmdline);
	u->cmdline = copy;
	return 0;
}

static uint32_t start_options(const struct words *w, bool *force,
			      uint64_t *seconds)
{
	for (unsigned int i = 1; i < w->n; i++) {
		if (span_is(w->s[i], "-F"))
			*force = true;
		else if (!span_is(w->s[i], "-t") || ++i == w->n ||
			 !span_number(w->s[i], TIMEOUT_MAX, seconds))
			return EINVAL;
	}
	return 0;
}

static uint32_t command_start(struct host *h, uint32_t conn,
			      const struct words *w, const char **text)
{
	static char why[UPDATE_WHY_MAX];
	uint64_t seconds = 0;
	bool force = false;
	struct update *u;
	uint32_t error;

	error = start_options(w, &force, &seconds);
	if (error)
		return error;
	u = own_session(h, conn, text);
	if (!u)
		return 0;
	if (update_probe(u->file, &u->format, why)) {
		update_end(h);
		*text = why;
		return 0;
	}
	u->started = true;
	u->force = force;
	u->since = h->now;
	u->due = h->now + seconds * SECOND;
	host_timer(h, TIMER_UPDATE, h->now);
	return UPDATE_LATER;
}

static const struct {
	const char *word;
	uint32_t (*run)(struct host *h, uint32_t conn, const struct words *w,
			const char **text);
} commands[] = {
	{ "-a", command_abort },
	{ "-f", command_file },
	{ "-c", command_line },
	{ "-s", command_start },
};

uint32_t update_command(struct host *h, uint32_t conn, uint64_t ask,
			struct cursor *args, const char **text)
{
	struct words w = { .n = 0 };
	uint32_t error;

	while (w.n < ARGS_LOOKED_AT && cursor_string(args, &w.s[w.n]))
		w.n++;
	*text = "OK";
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!w.n || !span_is(w.s[0], commands[i].word))
			continue;
		error = commands[i].run(h, conn, &w, text);
		if (error == UPDATE_LATER)
			h->update->ask = ask;
		return error;
	}
	return EINVAL;
}

/* ---------------------------------------------------------- the moment -- */

/* Those who hold a transaction, in the words of the C daemon. */
struct holders {
	char text[UPDATE_WHY_MAX];
	size_t len;
	unsigned long long seconds;
};

static void holders_add(void *arg, uint32_t domid)
{
	struct holders *w = arg;
	size_t room = sizeof(w->text) - w->len;
	int n = snprintf(w->text + w->len, room, "\nDomain %u: %llu s", domid,
			 w->seconds);

	if (n > 0 && (size_t)n < room)
		w->len += (size_t)n;
}

static void update_refuse(struct host *h)
{
	struct holders w = {
		.text = "Domains with long running transactions:",
		.seconds = (h->now - h->update->since) / SECOND,
	};

	w.len = strlen(w.text);
	stream_transactions(h->machine, holders_add, &w);
	w.text[w.len] = '\0';
	update_answer(h, w.text);
}

/* True: not now. */
static bool update_waits(struct host *h)
{
	struct update *u = h->update;
	struct machine_ask ask;

	if (machine_ask_peek(h->machine, &ask))
		return true;
	if (u->format == UPDATE_IMAGE ||
	    !stream_transactions(h->machine, NULL, NULL))
		return false;
	if (h->now < u->due)
		return true;
	if (u->force)
		return false;
	update_refuse(h);
	return true;
}

void update_turn(struct host *h)
{
	struct update *u = update_session(h);
	char why[UPDATE_WHY_MAX];

	if (!u || !u->started)
		return;
	if (update_waits(h)) {
		if (h->update)
			host_timer(h, TIMER_UPDATE, h->now + LOOK_AGAIN);
		return;
	}
	log_say(LOG_UPDATE, "live update: to %s", u->file);
	update_exec(h, u->file, u->cmdline, u->format, u->ask, why);
	log_say(LOG_UPDATE_FAILED, "live update: %s: %s", u->file, why);
	update_answer(h, why);
}
