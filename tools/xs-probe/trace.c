/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe trace: the wire as it is spoken.  The daemon keeps what the filters
 * let through in a buffer of its own; this program fetches it page by page,
 * and waits a moment when there is nothing, so that it never holds up the
 * daemon.  It ends with a signal, after --count records or --for seconds.
 */
#include "tools/xs-probe/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <proxenos/client_call.h>

#include "protocol/wire.h"
#include "tools/xs-probe/pages.h"

#define IDLE_US 20000	/* between two looks into an empty buffer */

/* Where records go, and when there are enough. */
struct sink {
	struct probe *probe;
	struct trace_filter filter;
	FILE *pcap;		/* NULL: text or JSON */
	uint64_t count;
	uint64_t dropped;
	uint64_t until;		/* px_client_now(); UINT64_MAX: no end */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

static void catch_signals(void)
{
	/* Without SA_RESTART: whatever waits is to look at `stopped`. */
	struct sigaction action = { .sa_handler = stop };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGPIPE, &action, NULL);
}

static bool enough(const struct sink *s)
{
	return stopped || (s->probe->flag['n'] &&
			   s->count >= s->probe->number['n']) ||
	       px_client_now() >= s->until;
}

/* 0, or a probe_exit. */
static int sink_put(struct sink *s, const struct traced *t)
{
	s->count++;
	if (s->pcap) {
		if (trace_pcap_write(s->pcap, t))
			return 0;
		fprintf(stderr, "xs-probe: %s: %s\n", s->probe->value['w'],
			strerror(errno));
		return PROBE_WRONG;
	}
	if (s->probe->json)
		return probe_json_line(trace_json(t));
	trace_text(stdout, t);
	return ferror(stdout) ? PROBE_WRONG : 0;
}

/* ------------------------------------------------------ from a daemon -- */

/* One page.  0 and *more (there is another one), or a negative errno. */
static int fetch(struct sink *s, char cursor[PAGES_CURSOR_MAX], bool *more,
		 int *status)
{
	uint64_t buffered = 0;
	struct pages pages = { 0 };
	struct traced t;
	int ret = pages_next(s->probe, &pages, "trace", cursor);

	for (size_t i = 0; !ret && !*status && i < pages.count; i++) {
		const struct record *r = &pages.record[i];

		if (record_number(r, "buffered", &buffered))
			record_number(r, "dropped", &s->dropped);
		else if (!trace_record(&t, r))
			ret = -EBADMSG;
		else if (!enough(s))
			*status = sink_put(s, &t);
	}
	*more = buffered + 1 > pages.count;
	pages_free(&pages);
	return ret;
}

static int live_failed(struct sink *s, int error)
{
	if (!px_client_is_up(s->probe->client)) {
		fprintf(stderr, "xs-probe: the daemon hung up\n");
		return PROBE_UNREACHED;
	}
	switch (error) {
	case -ENOSYS:
		return probe_cannot_tell(s->probe, "what goes over the wire "
					 "but to a file (xenstored -T)");
	case -E2BIG:
		return probe_usage("--path: these are too long together; all "
				   "filters have to fit into one request");
	case -EBUSY:
		fprintf(stderr, "xs-probe: four traces are under way already\n");
		return PROBE_WRONG;
	case -ENOENT:
		fprintf(stderr, "xs-probe: the daemon has no trace of ours: it "
			"is of another age, or another process now\n");
		return PROBE_WRONG;
	default:
		return probe_failed(s->probe, "trace", error);
	}
}

static void stop_trace(struct sink *s)
{
	static const struct px_bytes parts[] = {
		{ "probe-do", 9 }, { "1", 2 }, { "trace-stop", 11 },
	};
	char reply[WIRE_PAYLOAD_MAX + 1];

	/* It ends with the connection, a little later. */
	(void)px_client_call(s->probe->client, WIRE_CONTROL, 0, parts, 3,
			     reply, sizeof(reply), s->probe->timeout);
}

static int live(struct sink *s)
{
	static const struct timespec idle = { 0, IDLE_US * 1000l };
	char cursor[PAGES_CURSOR_MAX] = "0";
	int status = 0, ret = trace_filter_start(&s->filter, s->probe);
	bool more = true;

	/* Whoever refuses is asked for a page, which tells who it is. */
	if (ret == -EBUSY || ret == -E2BIG ||
	    !px_client_is_up(s->probe->client))
		return live_failed(s, ret);
	do {
		if (!more) {
			fflush(s->pcap ? s->pcap : stdout);
			nanosleep(&idle, NULL);
		}
		ret = fetch(s, cursor, &more, &status);
	} while (!ret && !status && !enough(s));
	if (ret && !stopped)
		return live_failed(s, ret);
	stop_trace(s);
	if (s->dropped)
		fprintf(stderr, "xs-probe: %" PRIu64 " records were missed; "
			"filters make it fewer\n", s->dropped);
	return status;
}

/* -------------------------------------------------------- from a file -- */

static int replay(struct sink *s, FILE *in, const char *name)
{
	uint8_t room[TRACE_PCAP_ROOM];
	struct traced t;
	int status = 0, ret = trace_pcap_open(in);

	if (!ret)
		ret = 1;
	while (ret > 0 && !status && !enough(s)) {
		ret = trace_pcap_read(in, &t, room);
		if (ret > 0 && trace_filter_wants(&s->filter, &t))
			status = sink_put(s, &t);
	}
	if (ret < 0)
		fprintf(stderr, "xs-probe: %s: %s\n", name, ret == -EBADMSG ?
			"not a trace, or cut off" : strerror(-ret));
	return ret < 0 ? PROBE_WRONG : status;
}

static int read_file(struct sink *s)
{
	const char *name = s->probe->value['r'];
	FILE *in = fopen(name, "re");
	int ret;

	if (!in) {
		fprintf(stderr, "xs-probe: %s: %s\n", name, strerror(errno));
		return PROBE_WRONG;
	}
	ret = replay(s, in, name);
	fclose(in);
	return ret;
}

/* -------------------------------------------------------- the command -- */

/* Values of the store are in it: a new one is for its owner alone. */
static FILE *pcap_open(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (fd >= 0 && !out)
		close(fd);
	return out;
}

static int sink_open(struct sink *s)
{
	const char *name = s->probe->value['w'];

	if (!name) {
		if (!s->probe->json)
			trace_text_head(stdout);
		return 0;
	}
	s->pcap = pcap_open(name);
	if (s->pcap && trace_pcap_head(s->pcap))
		return 0;
	fprintf(stderr, "xs-probe: %s: %s\n", name, strerror(errno));
	return PROBE_WRONG;
}

static int sink_close(struct sink *s, int ret)
{
	if (s->pcap && fclose(s->pcap)) {
		fprintf(stderr, "xs-probe: %s: %s\n", s->probe->value['w'],
			strerror(errno));
		return ret ? ret : PROBE_WRONG;
	}
	return ret;
}

static int trace_look(struct probe *probe, int argc, char **argv)
{
	struct trace_filter f;

	if (probe->flag['w'] && (probe->flag['T'] || probe->json))
		return probe_usage("--pcap, or --text or --json, not both");
	return trace_filter_options(&f, probe);
}

static int trace_run(struct probe *probe, int argc, char **argv)
{
	struct sink s = { .probe = probe, .until = UINT64_MAX };
	int ret = trace_filter_options(&s.filter, probe);

	if (!ret && !probe->flag['r'])
		ret = probe_connect(probe);
	if (ret)
		return ret;
	if (probe->flag['F'])
		s.until = px_client_now() + probe->number['F'] * 1000000;
	catch_signals();
	ret = sink_open(&s);
	if (!ret)
		ret = probe->flag['r'] ? read_file(&s) : live(&s);
	return sink_close(&s, ret);
}

static const struct probe_option options[] = {
	{ 'd', "domain", "DOMID,...",
	  "only these domains; \"sockets\" are all clients of the\n"
	  "socket, who speak for dom0" },
	{ 'p', "path", "PREFIX,...", "only these paths and what is below" },
	{ 'o', "op", "OP,...",
	  "only these operations, as in xs_wire.h: READ, WRITE,\n"
	  "WATCH_EVENT..." },
	{ 'S', "slow", "MS", "only what took at least so long", 3600000 },
	{ 'n', "count", "N", "end after so many", UINT64_MAX },
	{ 'F', "for", "SECONDS", "end after so long", 31536000 },
	{ 'k', "keep", "BYTES",
	  "of each payload, at most 512 (default 128)", 512 },
	{ 'T', "text", NULL, "a line for each record (the default)" },
	{ 'w', "pcap", "FILE", "write FILE instead" },
	{ 'r', "read", "FILE",
	  "show what --pcap wrote, with filters; asks no daemon" },
	{ 0 }
};

const struct command trace_command = {
	.name = "trace",
	.arguments = "",
	.summary = "what goes over the wire, live",
	.options = options,
	.look = trace_look,
	.run = trace_run,
	.offline = true,
	.about =
"A line for each request with its reply, and for each watch event sent: when,\n"
"who (d5 is domain 5's ring, s3 a client of the socket), what, how long it took\n"
"from the ring or socket to the reply, what came of it, the transaction, the\n"
"path made absolute, and the value.  Without a filter it is all there is.\n"
"\n"
"The daemon keeps what was not fetched yet in a buffer of 1 MiB; if that\n"
"overflows the oldest records go, and at the end their number is told.  While\n"
"nobody traces it costs nothing.  End it with ^C.\n",
	.others =
"Not to be told: they trace into a file (xenstored -T, xenstore-control log).\n",
	.examples =
"  xs-probe trace --domain 5\n"
"  xs-probe trace --slow 10\n"
"  xs-probe trace --path /local/domain/5/device --op WRITE,WATCH_EVENT\n"
"  xs-probe trace --for 60 --pcap /tmp/minute.pcap\n"
"  xs-probe trace --read /tmp/minute.pcap --domain 5 --slow 1\n"
"  xs-probe trace --json | jq 'select(.result == \"EAGAIN\") | .path'\n",
	.json =
"  One object to a line, with the keys of the topic `trace' (docs/protocol,\n"
"  control), but for seq; values that are not UTF-8 are {\"hex\": ...}\n",
};
