/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CONTROL: the stock daemon's commands with its replies, and the family for
 * xs-probe (docs/protocol/control.md).  Whatever is about files, processes
 * or rings is handed to the host.
 */
#include "xenstored/core/ask.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/probe.h"
#include "xenstored/core/quota.h"
#include "xenstored/core/request.h"

#include <errno.h>
#include <string.h>

#define ARGS_MAX 16

struct args {
	struct span s[ARGS_MAX];
	unsigned int n;
};

/* The names that xenstore-control knows, in the stock daemon's order. */
static const struct {
	const char *name;
	enum quota_id row;
	const char *text;
} quota_names[] = {
	{ "nodes", QUOTA_NODES, "Nodes per domain" },
	{ "watches", QUOTA_WATCHES, "Watches per domain" },
	{ "transactions", QUOTA_TRANSACTIONS, "Transactions per domain" },
	{ "outstanding", QUOTA_OUTSTANDING,
		"Outstanding requests per domain" },
	{ "transaction-nodes", QUOTA_TRANSACTION_NODES,
		"Max. number of accessed nodes per transaction" },
	{ "memory", QUOTA_MEMORY,
		"Total Xenstore memory per domain (error level)" },
	{ "node-size", QUOTA_NODE_SIZE, "Max. size of a node" },
	{ "path-max", QUOTA_PATH_MAX, "Max. length of a node path" },
	{ "permissions", QUOTA_NODE_PERMISSIONS,
		"Max. number of permissions per node" },
};

#define QUOTA_NAMES (sizeof(quota_names) / sizeof(quota_names[0]))

/* A command of the host's: ask once, then give its answer. */
static int to_host(struct request *r)
{
	struct conn_answer *a = &r->c->answer;

	if (a->there && a->type == MACHINE_ASK_CONTROL) {
		if (a->error)
			return (int)a->error;
		return reply_bytes(r, a->data, a->len);
	}
	a->ask = ask_control(r->m, r->c, r->body, r->h.len);
	return a->ask ? REQUEST_WAITS : -ENOMEM;
}

static void say_finding(void *arg, const char *text)
{
	state_log(arg, "XSD301", "check: %s", text);
}

static int control_check(struct request *r, const struct args *a)
{
	if (a->n)
		return WIRE_EINVAL;
	machine_check(r->m, say_finding, r->m);
	return reply_string(r, "OK");
}

static int control_log(struct request *r, const struct args *a)
{
	if (a->n != 1 || (!span_is(a->s[0], "on") && !span_is(a->s[0], "off")))
		return WIRE_EINVAL;
	return to_host(r);
}

static int control_host(struct request *r, const struct args *a)
{
	return to_host(r);
}

static int control_print(struct request *r, const struct args *a)
{
	if (a->n != 1)
		return WIRE_EINVAL;
	state_log(r->m, "XSD302", "control: %.*s", (int)a->s[0].len,
		  a->s[0].at);
	return reply_string(r, "OK");
}

static int quota_domain(struct request *r, struct span s)
{
	struct domain *d;
	uint32_t domid;
	int err = request_domid(s, &domid);

	if (err)
		return err;
	d = domain_live(r->m, domid);
	if (!d)
		return WIRE_ENOENT;
	err = reply_format(r, "Domain %u:\n", domid);
	for (unsigned int i = 0; i < QUOTA_NAMES && !err; i++)
		if (quota_table[quota_names[i].row].counted)
			err = reply_format(r, "%-16s: %8llu\n",
				quota_names[i].name, (unsigned long long)
				d->used[quota_names[i].row]);
	return err ? err : reply_bytes(r, "", 1);
}

static int quota_set(struct request *r, const struct args *a, bool soft)
{
	uint64_t v;

	if (a->n != 3 || !span_number(a->s[2], INT32_MAX, &v))
		return WIRE_EINVAL;
	if (soft) {
		if (!span_is(a->s[1], "memory"))
			return WIRE_EINVAL;
		quota_set_all(r->m, QUOTA_MEMORY_SOFT, v);
		return reply_string(r, "OK");
	}
	for (unsigned int i = 0; i < QUOTA_NAMES; i++) {
		if (!span_is(a->s[1], quota_names[i].name))
			continue;
		quota_set_all(r->m, quota_names[i].row, v);
		return reply_string(r, "OK");
	}
	return WIRE_EINVAL;
}

static int quota_line(struct request *r, const char *name, enum quota_id row,
		      const char *text)
{
	return reply_format(r, "%-17s: %8llu %s\n", name,
			    (unsigned long long)r->m->config.quota[row], text);
}

static int control_quota(struct request *r, const struct args *a)
{
	int err;

	if (a->n && span_is(a->s[0], "set"))
		return quota_set(r, a, false);
	if (a->n == 1)
		return quota_domain(r, a->s[0]);
	if (a->n)
		return WIRE_EINVAL;
	err = reply_format(r, "Quota settings:\n");
	for (unsigned int i = 0; i < QUOTA_NAMES && !err; i++)
		err = quota_line(r, quota_names[i].name, quota_names[i].row,
				 quota_names[i].text);
	return err ? err : reply_bytes(r, "", 1);
}

static int control_quota_soft(struct request *r, const struct args *a)
{
	int err;

	if (a->n && span_is(a->s[0], "set"))
		return quota_set(r, a, true);
	if (a->n)
		return WIRE_EINVAL;
	err = reply_format(r, "Quota settings:\n");
	if (!err)
		err = quota_line(r, "memory", QUOTA_MEMORY_SOFT,
			"Total Xenstore memory per domain (warning level)");
	return err ? err : reply_bytes(r, "", 1);
}

/* probe 1 TOPIC CURSOR */
static int control_probe(struct request *r, const struct args *a)
{
	uint64_t cursor;

	if (a->n != 3 || !span_is(a->s[0], "1") ||
	    !span_number(a->s[2], UINT32_MAX, &cursor))
		return WIRE_EINVAL;
	if (probe_topic(r, a->s[1], (uint32_t)cursor))
		return 0;
	return to_host(r);
}

static int control_help(struct request *r, const struct args *a);

static const struct {
	const char *name;
	int (*handle)(struct request *r, const struct args *a);
	const char *usage;
} commands[] = {
	{ "check", control_check, "" },
	{ "log", control_log, "on|off" },
	{ "live-update", control_host,
		"[-c <cmdline>] [-F] [-t <timeout>] <file>\n"
		"    Default timeout is 60 seconds." },
	{ "logfile", control_host, "<file>" },
	{ "memreport", control_host, "[<file>]" },
	{ "print", control_print, "<string>" },
	{ "quota", control_quota, "[set <name> <val>|<domid>]" },
	{ "quota-soft", control_quota_soft, "[set <name> <val>]" },
	{ "probe", control_probe, "1 <topic> <cursor>" },
	{ "probe-do", control_host, "1 <action> [<argument>]" },
	{ "help", control_help, "" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int control_help(struct request *r, const struct args *a)
{
	int err = 0;

	if (a->n)
		return WIRE_EINVAL;
	for (unsigned int i = 0; i < COMMANDS && !err; i++)
		err = reply_format(r, "%s\t%s\n", commands[i].name,
				   commands[i].usage);
	return err ? err : reply_bytes(r, "", 1);
}

int op_control(struct request *r)
{
	struct cursor c = request_cursor(r);
	struct span name;
	struct args a;

	if (!cursor_string(&c, &name))
		return WIRE_EINVAL;
	for (a.n = 0; cursor_left(&c); a.n++)
		if (a.n == ARGS_MAX || !cursor_string(&c, &a.s[a.n]))
			return WIRE_EINVAL;
	for (unsigned int i = 0; i < COMMANDS; i++)
		if (span_is(name, commands[i].name))
			return commands[i].handle(r, &a);
	return WIRE_EINVAL;
}
