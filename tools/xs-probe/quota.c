/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe quota: the command, and its second half, setting one.  The
 * protocol has requests for both (GET_QUOTA, SET_QUOTA); daemons of before
 * them are asked with CONTROL, which knows no single domain.
 */
#include "tools/xs-probe/quota.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <proxenos/client_call.h>

#include "protocol/cursor.h"
#include "protocol/wire.h"

#define QUOTA_MAX 4294967295u
#define DOMID_MAX 32751u

static struct span span_of(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static struct px_bytes part_of(const char *text)
{
	return (struct px_bytes){ text, strlen(text) + 1 };
}

ssize_t quota_control(struct probe *probe, const char *const *words,
		      unsigned int count, char *reply, size_t size)
{
	struct px_bytes parts[8];

	for (unsigned int i = 0; i < count; i++)
		parts[i] = part_of(words[i]);
	return px_client_call(probe->client, WIRE_CONTROL, 0, parts, count,
			      reply, size, probe->timeout);
}

int quota_get(struct probe *probe, const char *domid, const char *name,
	      uint64_t *limit)
{
	struct px_bytes parts[2] = { part_of(domid ? domid : name),
				     part_of(name) };
	char reply[WIRE_PAYLOAD_MAX + 1];
	ssize_t n;

	n = px_client_call(probe->client, WIRE_GET_QUOTA, 0, parts,
			   domid ? 2 : 1, reply, sizeof(reply),
			   probe->timeout);
	if (n < 0)
		return (int)n;
	return span_number(span_of(reply), UINT64_MAX, limit) ? 0 : -EBADMSG;
}

/* An older daemon: for all domains, by its own command. */
static int set_by_control(struct probe *probe, const char *name,
			  const char *value)
{
	const char *const words[] = { "quota", "set", name, value };
	char reply[WIRE_PAYLOAD_MAX + 1];
	ssize_t n = quota_control(probe, words, 4, reply, sizeof(reply));

	if (n < 0)
		return (int)n;
	return !strcmp(reply, "OK") ? 0 : -EBADMSG;
}

static int set(struct probe *probe, const char *domid, const char *name,
	       const char *value)
{
	struct px_bytes parts[3];
	char reply[WIRE_PAYLOAD_MAX + 1];
	unsigned int n = 0;
	ssize_t got;

	if (domid)
		parts[n++] = part_of(domid);
	parts[n++] = part_of(name);
	parts[n++] = part_of(value);
	got = px_client_call(probe->client, WIRE_SET_QUOTA, 0, parts, n,
			     reply, sizeof(reply), probe->timeout);
	if (got == -ENOSYS && !domid)
		return set_by_control(probe, name, value);
	return got < 0 ? (int)got : 0;
}

static int say_set(struct probe *probe, const char *domid, const char *name,
		   const char *value, bool known, uint64_t was)
{
	uint64_t limit = 0;

	span_number(span_of(value), QUOTA_MAX, &limit);
	if (probe->json)
		return probe_json(json_pack("{s:s,s:s?,s:o,s:I}", "quota",
			name, "domid", domid, "was", known ?
			json_integer((json_int_t)was) : json_null(), "limit",
			(json_int_t)limit));
	if (known)
		printf("%s: %" PRIu64 " -> %s", name, was, value);
	else
		printf("%s: %s now", name, value);
	if (domid)
		printf(", for domain %s\n", domid);
	else
		printf(", for all domains that have none of their own\n");
	return PROBE_FINE;
}

static int quota_set(struct probe *probe, const char *domid, const char *name,
		     const char *value)
{
	uint64_t was;
	bool known = !quota_get(probe, domid, name, &was);
	int ret = set(probe, domid, name, value);

	if (ret == -ENOSYS)
		return probe_cannot_tell(probe, domid ? "a quota of one "
					 "domain alone, nor set it" :
					 "quotas, nor set them");
	if (ret == -EINVAL) {
		fprintf(stderr, "xs-probe: the daemon has no quota \"%s\"; "
			"`xs-probe quota' shows what it has\n", name);
		return PROBE_WRONG;
	}
	if (ret == -ENOENT) {
		fprintf(stderr, "xs-probe: there is no domain %s\n", domid);
		return PROBE_WRONG;
	}
	if (ret)
		return probe_failed(probe, "quota set", ret);
	return say_set(probe, domid, name, value, known, was);
}

static bool number(const char *text, uint64_t max)
{
	uint64_t v;

	return span_number(span_of(text), max, &v);
}

static bool is(int argc, char **argv, const char *word)
{
	return argc && !strcmp(argv[0], word);
}

static int quota_look(struct probe *probe, int argc, char **argv)
{
	if (is(argc, argv, "set")) {
		if (argc < 3 || argc > 4)
			return probe_usage("quota set NAME VALUE [DOMID]");
		if (!number(argv[2], QUOTA_MAX))
			return probe_usage("not a limit: %s", argv[2]);
		if (argc == 4 && !number(argv[3], DOMID_MAX))
			return probe_usage("not a domid: %s", argv[3]);
		return PROBE_FINE;
	}
	if (argc && !is(argc, argv, "show"))
		return probe_usage("quota show or quota set, not quota %s",
				   argv[0]);
	if (argc > 2)
		return probe_usage("quota show [DOMID]");
	if (argc == 2 && !number(argv[1], DOMID_MAX))
		return probe_usage("not a domid: %s", argv[1]);
	return PROBE_FINE;
}

static int quota_run(struct probe *probe, int argc, char **argv)
{
	if (is(argc, argv, "set"))
		return quota_set(probe, argc == 4 ? argv[3] : NULL, argv[1],
				 argv[2]);
	return quota_show(probe, argc == 2 ? argv[1] : NULL);
}

const struct command quota_command = {
	.name = "quota",
	.arguments = "[show [DOMID] | set NAME VALUE [DOMID]]",
	.summary = "limits, who is near them, who was refused what",
	.args_max = 4,
	.look = quota_look,
	.run = quota_run,
	.about =
"Without a DOMID: the limits, domains that use 80 % of one or more, and what was\n"
"refused to whom, the latest first, with the path it was about.  With one: what\n"
"that domain uses of each, and its limits.  A limit of 0 is none.\n"
"Exit status 1 if a domain is at a limit now, or was refused something in the\n"
"last ten minutes.\n"
"\n"
"set changes a limit: with a DOMID that of one domain, else that of all which\n"
"were not given one of their own, also of those to come.  What a domain has\n"
"already it keeps.  Limits set so end with the daemon's state, not with its\n"
"process; for good, give them to xenstored's --quota.\n",
	.others =
"The C daemon: limits for all domains, and what one domain uses; nothing of who\n"
"is near them or was refused.  The OCaml daemon: nothing.\n",
	.examples =
"  xs-probe quota\n"
"  xs-probe quota show 5\n"
"  xs-probe quota set nodes 2000 5\n"
"  xs-probe quota --json | jq '.refusals[] | select(.last_us < 60e6)'\n",
	.json =
"  limits    an array of the topic `limits' (docs/protocol, control); with a\n"
"            DOMID its own, and what it uses of it: {quota, used, limit}\n"
"  domains   an array of uses: {domid, quota, used, limit}, 80 % or more\n"
"  refusals  an array of the topic `refusals'\n"
"  daemon, text, cannot_tell  of another daemon: what it said\n"
"  quota, domid, was, limit   of set\n",
};
