/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of findings, and a list of them; see finding.h. */
#include "config.h"

#include "tools/xs-probe/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	enum finding_weight weight;
	bool passing;		/* may be under way: needs two looks */
	const char *meaning;
	const char *advice;
} kinds[FINDINGS] = {
	[FINDING_DAEMON_UNREACHED] = { "daemon-unreached", FINDING_FATAL,
		false,
		"No program answers at the socket: nothing that needs the store "
		"works, no guest starts, stops or migrates.",
		"See the service manager's log for why it is not running, and "
		"start it: `systemctl status xenstored'.  Guests go on with it "
		"if their rings are as it left them." },
	[FINDING_DAEMON_SILENT] = { "daemon-silent", FINDING_FATAL, false,
		"The daemon takes the connection but does not answer: it hangs, "
		"is stopped, or is in the middle of a live update.",
		"Look at its state (`ps -o stat,wchan -p PID'), and at its stack "
		"with gdb, before killing it; a killed proxenos goes on where "
		"it stood." },
	[FINDING_DAEMON_BUSY] = { "daemon-refuses", FINDING_FATAL, false,
		"The daemon answers, but not with what a store answers.",
		"Is it a xenstore daemon that listens there?  Ask `xs-probe "
		"status'." },
	[FINDING_STATE_INCONSISTENT] = { "state-inconsistent", FINDING_BROKEN,
		false,
		"The daemon's store, charges and indexes contradict each other: "
		"a defect of the daemon.",
		"Keep its run directory for a report (`cp -a'); a restart "
		"builds indexes and charges anew from the store." },
	[FINDING_INPUT_POISONED] = { "input-poisoned", FINDING_BROKEN, false,
		"Inputs were left out at the daemon's start, as they had killed "
		"it twice; their connections were closed.",
		"`xs-probe replay' of the failed.<time> directory shows them; "
		"report it.  The guests concerned reconnect, or are to be "
		"restarted." },
	[FINDING_RING_MISSING] = { "ring-missing", FINDING_BROKEN, true,
		"The domain was introduced and runs, but its ring page could "
		"not be mapped: it is not served at all.",
		"The daemon's log says why (XSD021).  Mend that, then introduce "
		"the domain again (toolstack), or restart it." },
	[FINDING_RING_ERROR] = { "ring-error", FINDING_BROKEN, false,
		"The ring is out of service: the guest gets no answers and no "
		"events.",
		"`xs-probe ring DOMID' explains the page; `xs-probe ring --reset "
		"DOMID' makes it new, if the guest's driver can reconnect; else "
		"restart the guest." },
	[FINDING_RING_INDICES] = { "ring-indices", FINDING_BROKEN, false,
		"The guest wrote an index that cannot be: a defect, or an "
		"attack, in the guest.  It is not served.",
		"`xs-probe ring DOMID' shows the indices.  Restart or update "
		"the guest." },
	[FINDING_RING_RESET_VAIN] = { "ring-reset-in-vain", FINDING_BROKEN,
		true,
		"The guest asked for its ring to be reset, but reconnection is "
		"not offered to it: it waits for ever.",
		"Release and introduce the domain again (toolstack), or restart "
		"it." },
	[FINDING_RING_RESET_PENDING] = { "ring-reset-pending", FINDING_BROKEN,
		true,
		"The guest asked for its ring to be reset, and the daemon has "
		"not done it: the notification was lost.",
		"`xs-probe ring --reset DOMID' does it on the guest's behalf." },
	[FINDING_GUEST_NOT_READING] = { "guest-not-reading", FINDING_BROKEN,
		true,
		"The guest does not take its replies and events, so its "
		"requests are not looked at.  Nobody else is held up.",
		"The guest hangs, is paused, or its xenbus thread does: look at "
		"its console.  Events above its quota are lost and repaired "
		"when it reads again." },
	[FINDING_CLIENT_NOT_READING] = { "client-not-reading", FINDING_BROKEN,
		true,
		"A program of this host does not take its replies and events "
		"from the daemon's socket.",
		"Look what the program is doing (`ps', `gdb -p'); if it hangs, "
		"restart it." },
	[FINDING_DEVICE_BACKEND_DEAD] = { "device-backend-dead",
		FINDING_BROKEN, true,
		"The domain that serves the device is gone: the device is dead.",
		"Restart the driver domain, then detach and attach the device "
		"(`xl block-detach', `xl network-detach' and their -attach)." },
	[FINDING_DEVICE_BACKEND_MISSING] = { "device-backend-missing",
		FINDING_BROKEN, true,
		"The frontend names a backend that is not in the store: the "
		"device is dead.",
		"Detach and attach the device; if its backend was removed by "
		"hand, that is why." },
	[FINDING_DEVICE_HALF] = { "device-half-connected", FINDING_BROKEN,
		true,
		"One end says that it is connected, the other does not: "
		"requests to the device hang.",
		"Look at the log of the end that is behind (the guest's kernel "
		"log, the backend's).  Detaching and attaching begins anew." },
	[FINDING_DEVICE_STUCK] = { "device-stuck", FINDING_BROKEN, true,
		"The two ends wait for each other, or one waits for an end that "
		"does not move.",
		"Look at the log of the end that is named; is its driver "
		"loaded, did its hotplug script run?" },
	[FINDING_DEVICE_ERROR] = { "device-error", FINDING_BROKEN, false,
		"A driver or hotplug script left an error text for the device.",
		"Mend what the text names, then detach and attach the device." },
	[FINDING_DEVICE_STATE_INVALID] = { "device-state-invalid",
		FINDING_BROKEN, true,
		"A state is no XenbusState (0 to 8): drivers take that for "
		"\"unknown\".",
		"Somebody wrote it by hand, or a driver is defective." },
	[FINDING_CHANNEL_DOWN] = { "channel-down", FINDING_BROKEN, true,
		"The two ends of a control channel are not up with each other: "
		"messages wait.",
		"The reason is the end's own (docs/protocol, channel).  Is the "
		"program of the end that is behind running?" },
	[FINDING_CHANNEL_SILENT] = { "channel-silent", FINDING_BROKEN, true,
		"An end of a control channel says it is up, but has not written "
		"for longer than it promised: its program is dead or hangs.",
		"Restart the program of that end." },
	[FINDING_CHANNEL_GARBAGE] = { "channel-garbage", FINDING_BROKEN, true,
		"The status of a channel's end is not readable.",
		"The program that writes it is of another version, or "
		"defective." },
	[FINDING_SOCKET_MODE] = { "socket-mode", FINDING_WARNING, false,
		"Others than root may reach the daemon's socket.  Who reaches "
		"it may do anything with every guest.",
		"`chmod 600' the socket, `chown root' it, and find out who "
		"changed it." },
	[FINDING_PID_FILE] = { "pid-file", FINDING_WARNING, false,
		"The pid file names another process than the one that answers: "
		"scripts would signal the wrong one.",
		"Remove or rewrite the file; were two daemons started?" },
	[FINDING_DOM0_NOT_INITIALISED] = { "dom0-not-initialised",
		FINDING_WARNING, true,
		"/local/domain/0/domid is missing: toolstacks take that for a "
		"host that has not booted to the end.",
		"Run /usr/lib/xen-*/bin/xen-init-dom0.  At boot Debian's init "
		"script `xen' does, elsewhere xen-init-dom0.service: see why "
		"it did not." },
	[FINDING_TRANSACTION_STUCK] = { "transaction-stuck", FINDING_WARNING,
		true,
		"A transaction is open for long.  It holds memory, and can "
		"hardly be committed without a conflict any more.",
		"Its owner hangs between start and end; if it is a program of "
		"this host, restart it." },
	[FINDING_TRANSACTIONS_CONFLICT] = { "transactions-conflict",
		FINDING_WARNING, false,
		"Transactions fail again and again for what another writes: the "
		"loser repeats its work, and may hardly get on.",
		"See what both do at that path: `xs-probe trace --path PATH'; "
		"all pairs: `xs-probe conflicts'.  Make the writer write less "
		"often, or stop it; the loser should look at fewer paths in a "
		"transaction, and hold it short." },
	[FINDING_QUOTA_FULL] = { "quota-full", FINDING_WARNING, false,
		"The domain uses all of a quota: its next request of that kind "
		"is refused.",
		"Is that a leak in the guest?  If it needs more, raise its "
		"quota: `xs-probe quota --help'." },
	[FINDING_QUOTA_NEAR] = { "quota-near", FINDING_WARNING, false,
		"The domain uses nine tenths of a quota or more.",
		"Is that a leak in the guest?  If it needs more, raise its "
		"quota: `xs-probe quota --help'." },
	[FINDING_QUOTA_REFUSED] = { "quota-refused", FINDING_WARNING, false,
		"Requests of the domain were refused for a quota since the "
		"daemon began.",
		"If the domain hangs or misbehaves since then, raise that "
		"quota and restart what failed in it." },
	[FINDING_BACKEND_ORPHAN] = { "backend-orphan", FINDING_WARNING, true,
		"A backend is left over for a domain that is gone: it holds "
		"resources, and may hold a disk open.",
		"If its domain id is not in use any more, remove it with "
		"`xenstore-rm' and release the resource; libxl does so when "
		"a domain is destroyed." },
	[FINDING_CHANNEL_PEER_DEAD] = { "channel-peer-dead", FINDING_WARNING,
		true,
		"An end of a control channel is kept up for a peer whose domain "
		"is gone.",
		"The program of that end should have noticed: is it running?" },
	[FINDING_DAEMON_DIED] = { "daemon-died", FINDING_NOTE, false,
		"A daemon died here before; the one that runs went on.",
		"`xs-probe replay' that directory says at which input it died.  "
		"Remove it when it has been looked at." },
	[FINDING_CLIENTS_DOUBTFUL] = { "clients-doubtful", FINDING_NOTE, false,
		"Clients of the socket were closed at the daemon's last start, "
		"as nobody could know whether their last request was done.",
		"They have reconnected, or said so in their own logs." },
	[FINDING_EVENTS_LOST] = { "events-lost", FINDING_NOTE, false,
		"The domain did not read for so long that watch events were "
		"left out; it got one for each watch when it read again.",
		"Nothing, unless it goes on: then see what keeps it from "
		"reading." },
	[FINDING_DEVICE_WAITING] = { "device-waiting", FINDING_NOTE, true,
		"The backend is ready, the guest's driver has not begun: it has "
		"none, or does not need the device.",
		"Nothing, if the guest works without the device." },
	[FINDING_CHANNEL_WAITING] = { "channel-waiting", FINDING_NOTE, true,
		"An end of a control channel waits for a peer that has never "
		"come.",
		"Start the program of the other end." },
};

static const char *const weights[] = {
	[FINDING_FATAL] = "fatal",
	[FINDING_BROKEN] = "broken",
	[FINDING_WARNING] = "warning",
	[FINDING_NOTE] = "note",
};

const char *finding_name(enum finding_id id)
{
	return kinds[id].name;
}

enum finding_weight finding_weight(enum finding_id id)
{
	return kinds[id].weight;
}

const char *finding_weight_name(enum finding_weight weight)
{
	return weights[weight];
}

const char *finding_meaning(enum finding_id id)
{
	return kinds[id].meaning;
}

const char *finding_advice(enum finding_id id)
{
	return kinds[id].advice;
}

/* Guests write what is quoted here, so it must not reach a terminal raw. */
static void printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

void finding_add(struct findings *f, enum finding_id id, const char *about,
		 const char *evidence, const char *format, ...)
{
	struct finding *one;
	va_list ap;

	if (f->count == f->room) {
		size_t room = f->room ? 2 * f->room : 16;

		one = reallocarray(f->list, room, sizeof(*one));
		if (!one) {
			f->failed = true;
			return;
		}
		f->list = one;
		f->room = room;
	}
	one = &f->list[f->count++];
	memset(one, 0, sizeof(*one));
	one->id = id;
	snprintf(one->about, sizeof(one->about), "%s", about);
	snprintf(one->evidence, sizeof(one->evidence), "%s",
		 evidence ? evidence : "");
	va_start(ap, format);
	vsnprintf(one->what, sizeof(one->what), format, ap);
	va_end(ap);
	printable(one->about);
	printable(one->what);
}

static bool alike(const struct finding *a, const struct finding *b)
{
	return a->id == b->id && !strcmp(a->about, b->about) &&
	       !strcmp(a->evidence, b->evidence);
}

static bool has(const struct findings *f, const struct finding *one)
{
	for (size_t i = 0; i < f->count; i++)
		if (alike(&f->list[i], one))
			return true;
	return false;
}

void finding_confirm(struct findings *f, const struct findings *before)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++)
		if (!kinds[f->list[i].id].passing ||
		    has(before, &f->list[i]))
			f->list[kept++] = f->list[i];
	f->count = kept;
}

static int by_weight(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int order = (int)kinds[x->id].weight - (int)kinds[y->id].weight;

	if (!order)
		order = (int)x->id - (int)y->id;
	return order ? order : strverscmp(x->about, y->about);
}

void finding_sort(struct findings *f)
{
	if (f->count)
		qsort(f->list, f->count, sizeof(*f->list), by_weight);
}

void finding_free(struct findings *f)
{
	free(f->list);
	memset(f, 0, sizeof(*f));
}

json_t *finding_json(const struct finding *f)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}",
			 "id", kinds[f->id].name,
			 "weight", weights[kinds[f->id].weight],
			 "about", f->about, "what", f->what,
			 "meaning", kinds[f->id].meaning,
			 "do", kinds[f->id].advice);
}
