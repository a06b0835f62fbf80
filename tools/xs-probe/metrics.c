/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe metrics: the command.  With --output the file is put into its place
 * when it is whole, so that who collects such files never sees a part; and a
 * daemon that does not answer is told there too, as proxenos_up 0.
 */
#include "tools/xs-probe/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_BYTES 4096

int metrics_read(struct probe *probe, struct metrics *m)
{
	static const char *const topics[] = {
		"status", "host", "ops", "limits", "quotas",
	};
	struct pages *pages[] = {
		&m->status, &m->host, &m->ops, &m->limits, &m->quotas,
	};
	int ret = 0;

	memset(m, 0, sizeof(*m));
	for (size_t i = 0; !ret && i < 5; i++)
		ret = pages_read(probe, pages[i], topics[i], "0", 0);
	return ret ? ret : load_read(probe, &m->load);
}

void metrics_free(struct metrics *m)
{
	pages_free(&m->status);
	pages_free(&m->host);
	pages_free(&m->ops);
	pages_free(&m->limits);
	pages_free(&m->quotas);
	load_free(&m->load);
}

/* NULL: only that nothing is up. */
static int print(FILE *out, bool json, const struct metrics *m)
{
	struct metrics_out o;

	metrics_out_begin(&o, out, json);
	metrics_up(&o, m);
	if (m)
		metrics_print(&o, m);
	return metrics_out_end(&o);
}

static int print_descriptor(int fd, bool json, const struct metrics *m)
{
	FILE *out = fdopen(fd, "w");
	int ret;

	if (!out) {
		ret = -errno;
		close(fd);
		return ret;
	}
	/* Whoever collects it is another user. */
	ret = fchmod(fd, 0644) ? -errno : print(out, json, m);
	if (fclose(out) && !ret)
		ret = -errno;
	return ret;
}

static int write_file(const char *name, bool json,
		      const struct metrics *m)
{
	char new[NAME_MAX_BYTES];
	int fd, ret, n;

	n = snprintf(new, sizeof(new), "%s.XXXXXX", name);
	if (n < 0 || (size_t)n >= sizeof(new))
		return -ENAMETOOLONG;
	fd = mkstemp(new);
	if (fd < 0)
		return -errno;
	ret = print_descriptor(fd, json, m);
	if (!ret && rename(new, name))
		ret = -errno;
	if (ret)
		unlink(new);
	return ret;
}

/* What came of asking stays the exit status; the file has to be told of it. */
static int put(struct probe *probe, const struct metrics *m, int status)
{
	const char *name = probe->value['o'];
	int ret = 0;

	if (name)
		ret = write_file(name, probe->json, m);
	else if (m)
		ret = print(stdout, probe->json, m);
	if (!ret)
		return status;
	fprintf(stderr, "xs-probe: %s: %s\n", name ? name : "stdout",
		strerror(-ret));
	return status ? status : PROBE_WRONG;
}

static int metrics_run(struct probe *probe, int argc, char **argv)
{
	int ret = probe_connect(probe);
	struct metrics m;

	if (ret)
		return put(probe, NULL, ret);
	ret = metrics_read(probe, &m);
	if (ret == -ENOSYS)
		ret = put(probe, NULL, probe_cannot_tell(probe, "what it "
							 "counts"));
	else if (ret)
		ret = put(probe, NULL, probe_failed(probe, "metrics", ret));
	else
		ret = put(probe, &m, PROBE_FINE);
	metrics_free(&m);
	return ret;
}

static const struct probe_option options[] = {
	{ 'o', "output", "FILE",
	  "write FILE, whole or not at all; if the daemon does not\n"
	  "answer it has proxenos_up 0 and nothing else" },
	{ 0 }
};

const struct command metrics_command = {
	.name = "metrics",
	.arguments = "",
	.summary = "all counters for Prometheus",
	.options = options,
	.run = metrics_run,
	.offline = true,
	.about =
"Every counter and histogram that the daemon keeps, of itself and of each\n"
"domain, in Prometheus' text format.  proxenos_up is 1.  The units\n"
"proxenos-metrics.timer and .service write it to where the node exporter's\n"
"textfile collector looks, every 15 seconds.  --json has the same as JSON, to\n"
"FILE too.\n",
	.others =
"Not to be told: they count next to nothing.\n",
	.examples =
"  xs-probe metrics | grep domain_latency_seconds_count\n"
"  xs-probe metrics --output /var/lib/prometheus/node-exporter/proxenos.prom\n"
"  systemctl enable --now proxenos-metrics.timer\n"
"  xs-probe metrics --json | jq '.metrics[] | select(.type == \"histogram\")'\n",
	.json =
"  metrics  an array of families: name, type (\"counter\", \"gauge\",\n"
"           \"histogram\"), help, and samples, an array: name (a histogram's\n"
"           ends in _bucket, _sum or _count), labels (an object, of what the\n"
"           family has: domain, quota, op, le, version, machine), value\n",
};
