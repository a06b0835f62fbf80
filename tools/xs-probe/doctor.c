/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe doctor: all checks in one run.  Files first, which need no daemon;
 * then two looks at the daemon and its store some time apart (finding.h says
 * why); then the findings by weight, those of one kind together, so that
 * what they mean and what to do stands there once.
 */
#include "tools/xs-probe/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proxenos/client_call.h>

#include "protocol/wire.h"
#include "tools/xs-probe/pages.h"
#include "tools/xs-probe/table.h"

#define SECOND UINT64_C(1000000)
#define WAIT_DEFAULT 2
#define AGE_DEFAULT 30
#define WIDTH 78

void doctor_not_checked(struct doctor *d, const char *what)
{
	for (unsigned int i = 0; i < d->not_count; i++)
		if (!strcmp(d->not_checked[i], what))
			return;
	if (d->not_count < DOCTOR_NOT_MAX)
		d->not_checked[d->not_count++] = what;
}

bool doctor_alive(const struct doctor *d, uint64_t domid)
{
	for (size_t i = 0; i < d->known.count; i++)
		if (d->known.domain[i].domid == domid)
			return !domid || d->known.domain[i].introduced;
	return !domid;
}

/* Of a domain: its devices of both ends, errors left for them, channels. */
static bool enter(const char *path)
{
	static const char *const rooms[] = { "device", "backend", "error" };
	struct doctor_path p;

	if (!doctor_split(path, &p))
		return false;
	if (p.count <= 3)
		return true;
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++)
		if (span_is(p.part[3], rooms[i]))
			return true;
	return span_is(p.part[3], "data") &&
	       (p.count == 4 || span_is(p.part[4], "channel"));
}

static void read_generation(struct doctor *d)
{
	char reply[WIRE_PAYLOAD_MAX + 1];
	ssize_t n = px_client_call_path(d->probe->client, WIRE_READ, 0,
					"/tool/xenstored/generation", reply,
					sizeof(reply), d->probe->timeout);

	snprintf(d->generation, sizeof(d->generation), "%.63s",
		 n > 0 ? reply : "0");
}

static int read_store(struct doctor *d)
{
	int ret;

	known_free(&d->known);
	snapshot_free(&d->store);
	d->hidden = false;
	ret = known_read(d->probe, &d->known);
	if (!ret)
		ret = snapshot_read(d->probe, "/local/domain", enter,
				    &d->store);
	if (ret == -ENOENT)
		ret = 0;	/* no domain yet: nothing to look at */
	if (ret == -EACCES) {
		doctor_not_checked(d, "devices and channels (we may not read "
				   "/local/domain)");
		d->hidden = true;
		ret = 0;
	}
	if (ret == -EAGAIN) {
		doctor_not_checked(d, "devices and channels (the store changes "
				   "faster than it can be read)");
		d->hidden = true;
		ret = 0;
	}
	if (!ret)
		read_generation(d);
	return ret;
}

/* Does it tell us what only proxenos can?  1, 0, or -errno. */
static int is_proxenos(struct doctor *d)
{
	struct pages pages;
	int ret = pages_read(d->probe, &pages, "status", "0", 1);

	pages_free(&pages);
	if (ret == -ENOSYS)
		doctor_not_checked(d, "rings, readers, quotas, transactions "
				   "and the daemon's own state (not proxenos)");
	else if (ret == -EACCES)
		doctor_not_checked(d, "rings, readers, quotas, transactions "
				   "and the daemon's own state (we are not "
				   "privileged)");
	return ret == -ENOSYS || ret == -EACCES ? 0 : ret ? ret : 1;
}

static int look(struct doctor *d)
{
	int ret = is_proxenos(d);

	if (ret < 0)
		return ret;
	d->proxenos = ret;
	if (d->proxenos) {
		ret = doctor_daemon(d);
		if (!ret)
			ret = doctor_domains(d);
		if (ret)
			return ret;
	}
	ret = read_store(d);
	if (ret)
		return ret;
	if (!d->found->domains)
		d->found->domains = (unsigned int)d->known.count;
	if (!d->hidden &&
	    !snapshot_find(&d->store, "/local/domain/0/domid"))
		finding_add(d->found, FINDING_DOM0_NOT_INITIALISED,
			    "/local/domain/0", NULL, "it has no node domid");
	doctor_devices(d);
	doctor_channels(d);
	return 0;
}

/* Both looks; the second is what counts, the first confirms it. */
static int look_twice(struct doctor *d)
{
	struct findings first = { 0 }, *second = d->found;
	static const int never;
	int ret;

	if (!d->wait)
		return look(d);
	d->found = &first;
	ret = look(d);
	d->found = second;
	if (!ret) {
		ret = px_client_wait(d->probe->client, &never, d->wait);
		ret = ret == -ETIMEDOUT ? 0 : ret;
	}
	if (!ret)
		ret = look(d);
	finding_confirm(second, &first);
	finding_free(&first);
	return ret;
}

/* 0, or PROBE_UNREACHED with the reason among the findings. */
static int examine(struct doctor *d)
{
	int ret = probe_open(d->probe);
	bool reached = !ret;

	doctor_files(d);
	if (!ret)
		ret = look_twice(d);
	if (!ret)
		return PROBE_FINE;
	if (reached && px_client_is_up(d->probe->client)) {
		finding_add(d->found, FINDING_DAEMON_BUSY,
			    probe_where(d->probe), NULL, "%s",
			    probe_words(ret));
		return PROBE_WRONG;
	}
	doctor_unreached(d, ret);
	return PROBE_UNREACHED;
}

/* ---------------------------------------------------------- printing -- */

/* Words between blanks, in lines of WIDTH that begin with `indent` blanks. */
static void print_wrapped(const char *text, int indent, int used)
{
	while (*text) {
		int len = (int)strcspn(text, " ");

		if (used > indent && used + 1 + len > WIDTH) {
			putchar('\n');
			used = 0;
		}
		if (used < indent)
			printf("%*s", indent - used, "");
		else if (used > indent)
			putchar(' ');
		used = (used < indent ? indent : used + (used > indent)) + len;
		printf("%.*s", len, text);
		text += (size_t)len + strspn(text + len, " ");
	}
	putchar('\n');
}

static enum table_mark mark_of(enum finding_weight weight)
{
	if (weight <= FINDING_BROKEN)
		return TABLE_BAD;
	return weight == FINDING_WARNING ? TABLE_WARN : TABLE_PLAIN;
}

static void print_title(enum finding_id id, bool colour)
{
	enum finding_weight weight = finding_weight(id);

	printf("%s%s%s: %s\n", table_colour(mark_of(weight), colour),
	       finding_weight_name(weight), table_plain(colour),
	       finding_name(id));
}

static void print_advice(enum finding_id id)
{
	print_wrapped(finding_meaning(id), 10, printf("  Means:"));
	print_wrapped(finding_advice(id), 10, printf("  Do:"));
	putchar('\n');
}

/* All findings of one kind, beginning with number `i`; the next one's. */
static size_t print_kind(const struct findings *f, size_t i, bool colour)
{
	enum finding_id id = f->list[i].id;

	print_title(id, colour);
	for (; i < f->count && f->list[i].id == id; i++) {
		int used = printf("  %s:", f->list[i].about);

		print_wrapped(f->list[i].what, 4, used);
	}
	print_advice(id);
	return i;
}

static void plural(unsigned int n, const char *what, const char *end)
{
	printf("%u %s%s%s", n, what, n == 1 ? "" : "s", end);
}

static bool something_wrong(const struct findings *f)
{
	/* They are sorted. */
	return f->count && finding_weight(f->list[0].id) < FINDING_NOTE;
}

static void print_end(const struct doctor *d, bool reached)
{
	const struct findings *f = d->found;
	bool colour = d->probe->colour, wrong = something_wrong(f);

	if (reached) {
		printf("Looked at ");
		plural(f->domains, "domain", ", ");
		plural(f->devices, "device", " and ");
		plural(f->channels, "channel", ".\n");
	}
	for (unsigned int i = 0; i < d->not_count; i++)
		print_wrapped(d->not_checked[i], 2, printf("Not checked:"));
	printf("%s%s%s\n", table_colour(wrong ? TABLE_BAD : TABLE_GOOD,
					colour),
	       wrong ? "Something is wrong." : "Nothing is wrong.",
	       table_plain(colour));
}

static int print_json(const struct doctor *d, bool reached)
{
	const struct findings *f = d->found;
	json_t *list = json_array(), *not = json_array();

	for (size_t i = 0; i < f->count; i++)
		json_array_append_new(list, finding_json(&f->list[i]));
	for (unsigned int i = 0; i < d->not_count; i++)
		json_array_append_new(not, json_string(d->not_checked[i]));
	return probe_json(json_pack("{s:s,s:o,s:i,s:i,s:i,s:o}",
		"daemon", !reached ? "none" : d->proxenos ? "proxenos" :
		"other", "findings", list, "domains", (int)f->domains,
		"devices", (int)f->devices, "channels", (int)f->channels,
		"not_checked", not));
}

static void print_text(const struct doctor *d, bool reached)
{
	const struct findings *f = d->found;

	for (size_t i = 0; i < f->count;)
		i = print_kind(f, i, d->probe->colour);
	print_end(d, reached);
}

/* All kinds there are, in their order. */
static int print_kinds(const struct probe *probe)
{
	json_t *list = json_array();

	for (enum finding_id id = 0; id < FINDINGS; id++) {
		if (!probe->json) {
			print_title(id, probe->colour);
			print_advice(id);
			continue;
		}
		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s}",
			"id", finding_name(id), "weight",
			finding_weight_name(finding_weight(id)), "meaning",
			finding_meaning(id), "do", finding_advice(id)));
	}
	if (probe->json)
		return probe_json(json_pack("{s:o}", "kinds", list));
	json_decref(list);
	return PROBE_FINE;
}

static int doctor_run(struct probe *probe, int argc, char **argv)
{
	struct findings found = { 0 };
	struct doctor d = {
		.probe = probe,
		.found = &found,
		.wait = (probe->flag['w'] ? probe->number['w'] :
			 WAIT_DEFAULT) * SECOND,
		.age = (probe->flag['a'] ? probe->number['a'] :
			AGE_DEFAULT) * SECOND,
		.pid_file = probe->value['F'],
	};
	int ret;

	(void)argc;
	(void)argv;
	if (probe->flag['l'])
		return print_kinds(probe);
	ret = examine(&d);
	finding_sort(&found);
	if (probe->json)
		print_json(&d, ret != PROBE_UNREACHED);
	else
		print_text(&d, ret != PROBE_UNREACHED);
	if (!ret && something_wrong(&found))
		ret = PROBE_WRONG;
	if (found.failed) {
		fprintf(stderr, "xs-probe: out of memory, findings are "
			"missing\n");
		ret = PROBE_WRONG;
	}
	known_free(&d.known);
	snapshot_free(&d.store);
	finding_free(&found);
	return ret;
}

static const struct probe_option options[] = {
	{ 'w', "wait", "SECONDS", "between the two looks (default 2); 0: one "
	  "look, which also\nshows what is only under way", 3600 },
	{ 'a', "age", "SECONDS", "of a transaction that is called stuck "
	  "(default 30)", 86400 },
	{ 'l', "list", NULL, "only print all that may be found, with what it "
	  "means" },
	{ 'F', "pid-file", "FILE", "the daemon's; else those in the usual "
	  "places,\nif they exist" },
	{ 0 }
};

const struct command doctor_command = {
	.name = "doctor",
	.arguments = "",
	.summary = "all checks in one run: what is wrong, what to do",
	.options = options,
	.run = doctor_run,
	.offline = true,	/* says itself that nobody is there */
	.about =
"Looks at the daemon, its socket, pid file and run directory; at rings, guests\n"
"and programs that do not read, quotas, transactions; at every device (do the\n"
"states of frontend and backend fit each other, is the backend there) and every\n"
"control channel.  Findings come by weight: fatal (nobody is served), broken\n"
"(somebody is not), warning, note; each with what it means and what to do.\n"
"\n"
"What may be only under way counts if it stands still between two looks.\n"
"Exit status 1 if there is more than notes.  Nothing is changed.\n",
	.others =
"Socket, pid file, devices and channels are checked.  It cannot tell rings,\n"
"readers, quotas and transactions, which is said.\n",
	.examples =
"  xs-probe doctor\n"
"  xs-probe doctor --wait 20 --age 5\n"
"  xs-probe doctor --json | jq -r '.findings[] | .weight + \" \" + .about'\n",
	.json =
"  daemon       \"proxenos\", \"other\" or \"none\"\n"
"  findings     an array, by weight: id, weight (\"fatal\", \"broken\",\n"
"               \"warning\", \"note\"), about (what it concerns), what (this\n"
"               case), meaning, do (advice)\n"
"  domains, devices, channels   how many were looked at\n"
"  not_checked  an array of texts: what could not be told\n"
"  With --list instead: kinds, an array of id, weight, meaning, do.\n",
};
