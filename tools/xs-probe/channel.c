/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xs-probe channel: its subcommands, and what they explain. */
#include "tools/xs-probe/channel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <proxenos/client_call.h>

volatile int channel_interrupted;

static void on_signal(int number)
{
	channel_interrupted = 1;
}

void channel_catch_signals(void)
{
	struct sigaction act = { .sa_handler = on_signal };

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
}

void channel_pass(uint64_t time)
{
	uint64_t now = px_client_now(), end = now + time;

	for (; now < end && !channel_interrupted; now = px_client_now()) {
		struct timespec t = { (time_t)((end - now) / 1000000),
			(long)((end - now) % 1000000) * 1000 };

		nanosleep(&t, NULL);
	}
}

static const struct {
	const char *name;
	int args_min, args_max;
	const char *letters;	/* of the options that it has */
	int (*run)(struct probe *probe, int argc, char **argv);
} verbs[] = {
	{ "list", 0, 0, "w", channel_list },
	{ "show", 1, 1, "w", channel_show },
	{ "watch", 0, 1, "ciq", channel_watch },
	{ "ping", 1, 2, "ciql", channel_ping },
	{ "echo", 1, 2, "l", channel_echo },
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static size_t verb_of(int argc, char **argv)
{
	size_t i = 0;

	while (argc && i < VERBS && strcmp(argv[0], verbs[i].name))
		i++;
	return i;
}

static int channel_look(struct probe *probe, int argc, char **argv)
{
	size_t i = verb_of(argc, argv);

	if (i == VERBS)
		return probe_usage("channel %s? It is list, show, watch, ping "
				   "or echo", argv[0]);
	if (argc - 1 < verbs[i].args_min || argc - 1 > verbs[i].args_max)
		return probe_usage("channel %s: %s", argv[0], argc - 1 <
				   verbs[i].args_min ? "of what?" :
				   "too many arguments");
	for (const char *letter = "wciql"; *letter; letter++)
		if (probe->flag[(int)*letter] &&
		    !strchr(verbs[i].letters, *letter))
			return probe_usage("channel %s has no option -%c",
					   argv[0], *letter);
	if (verbs[i].run == channel_ping && probe->flag['c'] &&
	    !probe->number['c'])
		return probe_usage("channel ping: --count 0 measures nothing");
	return PROBE_FINE;
}

static int channel_run(struct probe *probe, int argc, char **argv)
{
	return verbs[verb_of(argc, argv)].run(probe, argc - 1, argv + 1);
}

static const struct probe_option options[] = {
	{ 'w', "wait", "MS", "list, show: look twice, so long apart, which "
	  "tells the age\nof each end's heartbeat", 3600000 },
	{ 'i', "interval", "MS", "watch: look so often; ping: send so often "
	  "(1000)", 3600000 },
	{ 'c', "count", "N", "watch: end after N looks; ping: after N "
	  "messages (5)", 1000000 },
	{ 'q', "quiet", NULL, "watch: not what there is at the start;\nping: "
	  "the summary only" },
	{ 'l', "lease", "MS", "ping, echo: our lease (15000); at least 100",
	  600000 },
	{ 0 }
};

const struct command channel_command = {
	.name = "channel",
	.arguments = "list|show|watch|ping|echo [ARGUMENT]...",
	.summary = "control channels: list, look at, measure them",
	.options = options,
	.args_min = 1,
	.args_max = 3,
	.look = channel_look,
	.run = channel_run,
	.about =
"  list                a row for each end; the two of one channel follow each\n"
"                      other\n"
"  show PATH           one end, with its peer; PATH is its directory,\n"
"                      /local/domain/A/data/channel/B/NAME\n"
"  watch [PATH]        a line for each change, of all or of one end\n"
"  ping DOMID [NAME]   be an end of channel NAME (echo) to that domain, and\n"
"                      measure the round trip of real messages\n"
"  echo DOMID [NAME]   be the other end: answer each, until interrupted\n"
"\n"
"The first three only read.  Exit status 1 if an end's text is no status, or an\n"
"end is seen to be silent for its lease.\n"
"\n"
"EPOCH is an end's life, BOUND the peer's life that it is bound to.  SENT and\n"
"GOT are the slots of this cycle that it has written and taken, UNACKED those\n"
"that the peer has not taken, at most WINDOW.  AGE is how long it wrote nothing,\n"
"as far as that was seen (--wait); something at the latest each third of LEASE,\n"
"which is in milliseconds.\n"
"\n"
"ping and echo remove what they wrote.  ping waits as long as --timeout says, for\n"
"the other end to come and for each answer; exit status 1 if not all came.\n",
	.others =
"The same.\n",
	.examples =
"  xs-probe channel list\n"
"  xs-probe channel list --wait 5000\n"
"  xs-probe channel show /local/domain/5/data/channel/0/power\n"
"  xs-probe -s /dev/xen/xenbus channel echo 0    (in domain 5)\n"
"  xs-probe channel ping 5 --count 100 --interval 0\n"
"  xs-probe channel list --json | jq '.ends[] | select(.state != \"up\")'\n",
	.json =
"  ends        of list and show: an object for each end;\n"
"              watch prints one to a line, for each change\n"
"  domid       whose end it is\n"
"  peer        the other domain\n"
"  name        of the channel\n"
"  text        its status as it stands in the store\n"
"  state       hello, bound, up, quiet, garbage; watch also: gone\n"
"  remark      what is worth knowing, or \"\"\n"
"  epoch       its present life; with those below only if not garbage\n"
"  bound       the peer's that it is bound to, or null\n"
"  mutual      each is bound to the other's present one\n"
"  next        sequence number sent next\n"
"  wanted      sequence number wanted next\n"
"  unacked     sent and not acknowledged, or null\n"
"  window      slots\n"
"  beat        status lines written\n"
"  age_us      since when it is seen unchanged, or null\n"
"  lease_ms    its lease\n"
"  generation  of the store it knows\n"
"  reason      why it left last\n"
"  time_us     watch: microseconds since 1970\n"
"ping:\n"
"  domid       the other domain\n"
"  name        of the channel\n"
"  sent        messages\n"
"  answered    of these\n"
"  lost        the others\n"
"  min_us      shortest round trip, or null\n"
"  median_us   the middle one\n"
"  p99_us      99 of 100 are not longer\n"
"  max_us      longest\n"
"  ups         how often the channel came up\n"
"echo, an object to a line:\n"
"  event       up, down, ended\n"
"  reason      of a down and the end\n"
"  answered    messages so far\n",
};
