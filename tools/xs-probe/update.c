/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe update: another binary goes on in the daemon's place, by the
 * sequence of CONTROL commands that xenstore-control has (docs/live-update),
 * which other daemons know too.  What a daemon says no with is shown as it
 * is, with what it means and what to do beneath.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proxenos/client_call.h>

#include "protocol/wire.h"
#include "tools/xs-probe/pages.h"

#define SECOND 1000000ull
#define WAIT_DEFAULT 60u
#define WAIT_MAX 86400u
/* Beside the wait: the trial of the new binary, and its start. */
#define MARGIN (60 * SECOND)
#define WORDS_MAX 5u
#define AGAIN (SECOND / 50)

struct updating {
	struct probe *probe;
	const char *wait;	/* seconds, as text */
	uint64_t seconds;
	char reply[WIRE_PAYLOAD_MAX + 1];
};

/* How an answer begins, and what it means to who reads it. */
static const struct {
	const char *begins;
	const char *meaning;
} refusals[] = {
	{ "File not accessible",
	  "The daemon sees no such file.  It has to be there where the daemon "
	  "runs." },
	{ "File not executable",
	  "The file has no execute permission, so it is hardly a daemon." },
	{ "live-update session already active",
	  "Somebody else is updating the daemon now.  Wait until that is over; "
	  "\n`xenstore-control live-update -a' ends it." },
	{ "Not in live-update session",
	  "The session was ended by somebody else meanwhile.  Try again." },
	{ "Cancellation was requested",
	  "Somebody else asked for the update to be given up." },
	{ "Domains with long running transactions",
	  "What this binary takes over has no room for open transactions, and "
	  "these domains\nheld one to the end.  Wait longer (--wait), or give "
	  "up their transactions (--force)." },
	{ "Command '",
	  "The daemon tried the other binary with the options that it would "
	  "get, and that\nrefused: it cannot go on from this daemon's state." },
	{ "Allocation failure",
	  "The daemon has no memory for it." },
};

static const char *meaning_of(const char *reply)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (!strncmp(reply, refusals[i].begins,
			     strlen(refusals[i].begins)))
			return refusals[i].meaning;
	return "The binary that was running goes on, unchanged.  Its log may "
	       "say more.";
}

static int say(struct updating *u, const char *binary, bool done,
	       const char *reply)
{
	if (u->probe->json)
		return probe_json(json_pack("{s:b,s:s,s:o,s:o}", "done",
			(int)done, "binary", binary, "reply",
			record_json_bytes(reply, strlen(reply)), "meaning",
			done ? json_null() : json_string(meaning_of(reply))));
	if (done) {
		printf("done: %s serves now\n", binary);
		return PROBE_FINE;
	}
	fprintf(stderr, "xs-probe: not updated, the daemon says: %s\n%s\n",
		reply, meaning_of(reply));
	return PROBE_FINE;
}

/* One command of the sequence: 0 and the reply, or -errno. */
static int command(struct updating *u, const char *const *words,
		   unsigned int count, uint64_t timeout)
{
	struct px_bytes parts[WORDS_MAX + 1] = { { "live-update", 12 } };
	ssize_t n;

	for (unsigned int i = 0; i < count; i++)
		parts[i + 1] = (struct px_bytes){ words[i],
						  strlen(words[i]) + 1 };
	n = px_client_call(u->probe->client, WIRE_CONTROL, 0, parts,
			   count + 1, u->reply, sizeof(u->reply), timeout);
	return n < 0 ? (int)n : 0;
}

static int command_file(struct updating *u, const char *binary)
{
	const char *words[] = { "-f", binary };

	return command(u, words, 2, u->probe->timeout);
}

/* Stock daemons of some releases answer BUSY until they are ready. */
static int command_start(struct updating *u)
{
	uint64_t end = px_client_now() + u->seconds * SECOND + MARGIN;
	const char *words[] = { "-s", "-t", u->wait, "-F" };
	static const int never;
	int ret;

	for (;;) {
		uint64_t now = px_client_now();

		if (now >= end)
			return -ETIMEDOUT;
		ret = command(u, words, u->probe->flag['F'] ? 4 : 3,
			      end - now);
		if (ret || strcmp(u->reply, "BUSY"))
			return ret;
		ret = px_client_wait(u->probe->client, &never, AGAIN);
		if (ret != -ETIMEDOUT)
			return ret;
	}
}

static int update_failed(struct updating *u, int error)
{
	if (error == -EINVAL || error == -ENOSYS)
		return probe_cannot_tell(u->probe, "how to go on in another "
					 "binary: it has no live update");
	if (error == -EACCES) {
		fprintf(stderr, "xs-probe: update: not allowed\n");
		return PROBE_WRONG;
	}
	fprintf(stderr, "xs-probe: update: %s; whether it took place is not "
		"known, `xs-probe status' tells who answers\n",
		probe_words(error));
	return px_client_is_up(u->probe->client) ? PROBE_WRONG :
						   PROBE_UNREACHED;
}

static int update_to(struct updating *u, const char *binary)
{
	int ret = command_file(u, binary);

	if (!ret && !strcmp(u->reply, "OK"))
		ret = command_start(u);
	if (ret)
		return update_failed(u, ret);
	if (strcmp(u->reply, "OK")) {
		say(u, binary, false, u->reply);
		return PROBE_WRONG;
	}
	return say(u, binary, true, u->reply);
}

/* A path that means the same to the daemon, whose directory is its own. */
static char *absolute(const char *path)
{
	return *path == '/' ? strdup(path) : realpath(path, NULL);
}

static int update_run(struct probe *probe, int argc, char **argv)
{
	const char *path = argc ? argv[0] : PROBE_SBIN "/xenstored";
	struct updating u = { .probe = probe, .seconds = WAIT_DEFAULT,
			      .wait = "60" };
	char *binary;
	int ret;

	if (probe->value['t']) {
		u.wait = probe->value['t'];
		u.seconds = probe->number['t'];
	}
	binary = absolute(path);
	if (!binary) {
		fprintf(stderr, "xs-probe: %s: %s\n", path, strerror(errno));
		return PROBE_WRONG;
	}
	ret = update_to(&u, binary);
	free(binary);
	return ret;
}

static const struct probe_option options[] = {
	{ 't', "wait", "SECONDS", "for a moment without open transactions, "
	  "where they cannot\nbe taken over (default 60)", WAIT_MAX },
	{ 'F', "force", NULL, "then do it all the same: open transactions are "
	  "lost" },
	{ 0 }
};

const struct command update_command = {
	.name = "update",
	.arguments = "[BINARY]",
	.summary = "live update of the daemon (changes it)",
	.options = options,
	.args_max = 1,
	.run = update_run,
	.about =
"Another binary goes on where the running one stands, in the same process, with\n"
"all rings, sockets, watches and, from proxenos to proxenos, open transactions.\n"
"BINARY is " PROBE_SBIN "/xenstored if not given.  It may be another\n"
"daemon than the running one: this is how to change over, and back.  If it\n"
"cannot go on, the one that runs does, and the reason is told.\n",
	.others =
"The same, as far as they have live update.\n",
	.examples =
"  xs-probe update\n"
"  xs-probe update --wait 10 --force /usr/lib/xen-4.17/bin/xenstored\n",
	.json =
"  done     whether BINARY serves now\n"
"  binary   its path\n"
"  reply    the daemon's last answer\n"
"  meaning  of a refusal, in words; null if there was none\n",
};
