// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The child is a copy of this process: there the request is answered, the
 * machine written down, and the new binary run on what was written.  So the
 * state that is handed over holds the answer as output not yet sent, while
 * this process has not answered and can still say no.
 */
#include "xenstored/host/update_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <talloc.h>
#include <unistd.h>

#include "xenstored/core/image.h"
#include "xenstored/host/checkpoint.h"
#include "xenstored/host/client.h"
#include "xenstored/host/evtchn.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/listener.h"
#include "xenstored/host/log.h"
#include "xenstored/host/update_child.h"

/* How long a new binary may take; the store stands still meanwhile. */
#define PROBE_SECONDS 5u
#define CHECK_SECONDS 30u
#define ARGS_MAX 256

static void reason(char why[UPDATE_WHY_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void reason(char why[UPDATE_WHY_MAX], const char *format, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, format);
	vsnprintf(why, UPDATE_WHY_MAX, format, ap);
	va_end(ap);
	len = strlen(why);
	while (len && why[len - 1] == '\n')
		why[--len] = '\0';
}

static void child_reason(char why[UPDATE_WHY_MAX], const char *what,
			 const struct child_result *r)
{
	const char *said = r->text;

	if (r->error == -ETIMEDOUT)
		said = "it takes too long";
	else if (r->error)
		said = strerror(-r->error);
	else if (!r->len)
		said = "it says nothing";
	reason(why, "%s: %.800s", what, said);
}

/* ------------------------------------------------------------- probing -- */

static int probe_run(void *arg)
{
	char *argv[] = { arg, (char *)(uintptr_t)"--help", NULL };

	execv(argv[0], argv);
	fprintf(stderr, "%s\n", strerror(errno));
	return 127;
}

int update_probe(const char *file, enum update_format *format,
		 char why[UPDATE_WHY_MAX])
{
	struct child_result r;
	char line[128];

	snprintf(line, sizeof(line), OPTIONS_UPDATE_LINE, IMAGE_VERSION,
		 MACHINE_VERSION);
	child_try(probe_run, (void *)(uintptr_t)file, PROBE_SECONDS, &r);
	if (!child_ok(&r)) {
		child_reason(why, "The new binary cannot be run", &r);
		return -ENOEXEC;
	}
	if (strstr(r.text, line))
		*format = UPDATE_IMAGE;
	else if (strstr(r.text, OPTIONS_UPDATE_MARK))
		*format = UPDATE_STREAM2;
	else if (strstr(r.text, "--no-domain-init"))
		*format = UPDATE_STREAM1;
	else {
		reason(why, "The new binary is not a xenstored.");
		return -ENOEXEC;
	}
	return 0;
}

/* ----------------------------------------------------------- arguments -- */

struct command {
	char *argv[ARGS_MAX + 4];
	unsigned int argc;
	char option[32];
	char words[WIRE_PAYLOAD_MAX];
};

/* What names a state to go on from is not handed down. */
static bool is_ours(const char *arg)
{
	static const char *const long_names[] = {
		"--live-update", "--check-state",
	};

	if (!strncmp(arg, "-U", 2) && !arg[2 + strspn(arg + 2, "0123456789")])
		return true;
	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(long_names[i]);

		if (!strncmp(arg, long_names[i], len) &&
		    (!arg[len] || arg[len] == '='))
			return true;
	}
	return false;
}

static int command_add(struct command *c, char *arg)
{
	if (is_ours(arg))
		return 0;
	if (c->argc == ARGS_MAX)
		return -E2BIG;
	c->argv[c->argc++] = arg;
	return 0;
}

static int command_words(struct command *c, const char *cmdline)
{
	char *at = c->words;
	int error = 0;

	snprintf(c->words, sizeof(c->words), "%s", cmdline);
	while (!error) {
		char *word = at + strspn(at, " \t");

		if (!*word)
			return 0;
		at = word + strcspn(word, " \t");
		if (*at)
			*at++ = '\0';
		error = command_add(c, word);
	}
	return error;
}

/* The state's descriptor is named, unless it is the stock daemon's file. */
static int command_make(struct host *h, struct command *c, const char *file,
			const char *cmdline, const char *option, int fd)
{
	int error = 0;

	c->argv[c->argc++] = (char *)(uintptr_t)file;
	if (cmdline)
		error = command_words(c, cmdline);
	for (int i = 1; !cmdline && i < h->options->argc && !error; i++)
		error = command_add(c, h->options->argv[i]);
	if (fd >= 0)
		snprintf(c->option, sizeof(c->option), "%s%d", option, fd);
	else
		snprintf(c->option, sizeof(c->option), "%s", option);
	c->argv[c->argc++] = c->option;
	c->argv[c->argc] = NULL;
	return error;
}

/* ------------------------------------------------------------ the file -- */

static bool dump_path(const struct host *h, char *path, size_t size)
{
	int n = snprintf(path, size, "%s/state_dump", h->options->rundir);

	return n > 0 && (size_t)n < size;
}

/* Where the state is written: in memory, or where the C daemon looks. */
static int state_open(const struct host *h, enum update_format format)
{
	char path[OPTIONS_PATH_MAX + 16];
	int fd;

	if (format == UPDATE_IMAGE) {
		fd = memfd_create("xenstored-state", MFD_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	if (!dump_path(h, path, sizeof(path)))
		return -ENAMETOOLONG;
	/* Never through a name that somebody else put there. */
	if (unlink(path) && errno != ENOENT)
		return -errno;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

static void state_remove(const struct host *h, enum update_format format)
{
	char path[OPTIONS_PATH_MAX + 16];

	if (format != UPDATE_IMAGE && dump_path(h, path, sizeof(path)))
		unlink(path);
}

/* ----------------------------------------------------------- the child -- */

struct trial {
	struct host *host;
	enum update_format format;
	uint64_t ask;
	int fd;
	struct command *command;	/* NULL: it cannot be tried */
};

static void keep(int fd, bool over_exec)
{
	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, over_exec ? 0 : FD_CLOEXEC);
}

/*
 * In the child.  The machine is given its answer directly, past whatever
 * keeps record of its inputs: this is not this machine's history.
 */
static int trial_run(void *arg)
{
	struct trial *t = arg;
	struct machine *m = t->host->machine;
	struct machine_input in = {
		.type = MACHINE_IN_DONE, .ask = t->ask,
		.data = "OK", .len = sizeof("OK"),
	};
	int error = machine_step(m, &in);

	if (!error)
		error = update_write(t->host, m, t->format, t->ask,
				     t->fd);
	if (error) {
		fprintf(stderr, "the state cannot be written: %s\n",
			strerror(-error));
		return 1;
	}
	if (!t->command)
		return 0;
	keep(t->fd, true);
	execv(t->command->argv[0], t->command->argv);
	fprintf(stderr, "%s\n", strerror(errno));
	return 127;
}

/* ----------------------------------------------------------- the parent -- */

/* For the event channel and every client. */
static void each_fd(struct host *h, void (*each)(int fd, bool on), bool on)
{
	each(evtchn_fd(h), on);
	for (uint32_t slot = 0; slot < h->by_slot.size; slot++) {
		const struct client *c = table_get(&h->by_slot, slot);

		if (c)
			each(c->fd, on);
	}
}

/*
 * The C daemon takes a read that would wait for the end of its client, or
 * for a failure of the event channel: it must get what it makes for itself,
 * descriptors that wait.  The flag is of the open file, so that it comes
 * back with them; whoever takes over sets it as he needs it.
 */
static void let_wait(int fd, bool on)
{
	int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);

	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, on ? flags & ~O_NONBLOCK :
			    flags | O_NONBLOCK);
}

/*
 * The other binary keeps no checkpoints of ours: what is in the run directory
 * must not be taken for the state of the host when one of ours starts next.
 */
static void checkpoint_hide(const struct host *h, bool hide)
{
	char shown[OPTIONS_PATH_MAX + 32], hidden[OPTIONS_PATH_MAX + 32];

	snprintf(shown, sizeof(shown), "%s/store.tdb", h->options->rundir);
	snprintf(hidden, sizeof(hidden), "%s/store.tdb.handed-over",
		 h->options->rundir);
	if (rename(hide ? shown : hidden, hide ? hidden : shown) &&
	    errno != ENOENT)
		log_say(LOG_UPDATE_FAILED, "%s: %s", shown, strerror(errno));
}

static void hand_over(struct host *h, int state, enum update_format format,
		      bool on)
{
	each_fd(h, keep, on);
	keep(listener_fd(h), on);
	keep(h->pid_fd, on);
	if (format == UPDATE_IMAGE)
		keep(state, on);
	if (format == UPDATE_STREAM1)
		each_fd(h, let_wait, on);
	evtchn_hold_virq(h, !on);
	if (format != UPDATE_IMAGE)
		checkpoint_hide(h, on);
}

/*
 * The point of no return, if execv() does not return.  VIRQ_DOM_EXC has one
 * owner: it is given up here and bound by the next, which compares all
 * domains with the hypervisor's list.  The C daemon expects no signal to be
 * blocked; one of ours blocks its own again before it looks at them, and so
 * loses none.
 */
static void exec_now(struct host *h, const struct command *c, int state,
		     enum update_format format)
{
	sigset_t none, before;

	/* An exec ends its thread, wherever that is. */
	checkpoint_settle(h);
	hand_over(h, state, format, true);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, NULL, &before);
	if (format == UPDATE_STREAM1)
		sigprocmask(SIG_SETMASK, &none, NULL);
	execv(c->argv[0], c->argv);
	sigprocmask(SIG_SETMASK, &before, NULL);
	hand_over(h, state, format, false);
}

static void update_to(struct host *h, struct trial *t, const char *file,
		      const char *cmdline, char why[UPDATE_WHY_MAX])
{
	struct command *check = talloc_zero(h, struct command);
	struct command *final = talloc_zero(check, struct command);
	bool ours = t->format != UPDATE_STREAM1;
	struct child_result r;

	if (!check || !final ||
	    command_make(h, check, file, cmdline, "--check-state=", t->fd) ||
	    command_make(h, final, file, cmdline, "-U",
			 t->format == UPDATE_IMAGE ? t->fd : -1)) {
		reason(why, "Allocation failure.");
		talloc_free(check);
		return;
	}
	t->command = ours ? check : NULL;
	child_try(trial_run, t, CHECK_SECONDS, &r);
	if (child_ok(&r)) {
		exec_now(h, final, t->fd, t->format);
		reason(why, "Error activating new binary.");
	} else {
		child_reason(why, "The new binary cannot go on from here", &r);
	}
	talloc_free(check);
}

void update_exec(struct host *h, const char *file, const char *cmdline,
		 enum update_format format, uint64_t ask,
		 char why[UPDATE_WHY_MAX])
{
	struct trial t = { .host = h, .format = format, .ask = ask };

	t.fd = state_open(h, format);
	if (t.fd < 0) {
		reason(why, "Dump state open error: %s", strerror(-t.fd));
		return;
	}
	update_to(h, &t, file, cmdline, why);
	close(t.fd);
	state_remove(h, format);
}
