/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readings and what lies between them; see top.h.  A counter that went back
 * is one that began anew (a domain's id was used again, the daemon's process
 * is another one): then its rate is 0 until the next reading.
 */
#include "config.h"

#include "tools/xs-probe/top.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <proxenos/client_call.h>

#include "protocol/wire.h"

static const struct record *only(const struct pages *pages)
{
	return pages->count ? pages->record : NULL;
}

static uint64_t number_of(const struct pages *pages, const char *key)
{
	const struct record *r = only(pages);
	uint64_t v = 0;

	if (r)
		record_number(r, key, &v);
	return v;
}

uint64_t top_status(const struct top *top, const char *key)
{
	return number_of(&top->daemon.status, key);
}

uint64_t top_host(const struct top *top, const char *key)
{
	return number_of(&top->daemon.host, key);
}

static double rate(uint64_t before, uint64_t now, double seconds)
{
	return now < before || seconds <= 0 ? 0 :
		(double)(now - before) / seconds;
}

/* ------------------------------------------------------------- names -- */

/* What the store calls it; asked once. */
static const char *name_of(struct top *top, uint32_t domid)
{
	char path[48], reply[WIRE_PAYLOAD_MAX + 1];
	struct top_name *more;
	ssize_t n;

	for (size_t i = 0; i < top->names; i++)
		if (top->name[i].domid == domid)
			return top->name[i].name;
	more = reallocarray(top->name, top->names + 1, sizeof(*more));
	if (!more)
		return "";
	top->name = more;
	more += top->names++;
	more->domid = domid;
	snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
	n = px_client_call_path(top->probe->client, WIRE_READ, 0, path, reply,
				sizeof(reply), top->probe->timeout);
	snprintf(more->name, sizeof(more->name), "%.*s",
		 (int)sizeof(more->name) - 1, n < 0 ? "" : reply);
	for (char *at = more->name; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	return more->name;
}

/* Those that are gone are forgotten, as their numbers may come again. */
static void forget_names(struct top *top)
{
	size_t kept = 0;

	for (size_t i = 0; i < top->names; i++)
		for (size_t k = 0; k < top->now.count; k++) {
			if (top->now.row[k].domid != top->name[i].domid)
				continue;
			top->name[kept++] = top->name[i];
			break;
		}
	top->names = kept;
}

/* -------------------------------------------------------------- rows -- */

static void row_make(struct top *top, struct top_row *row,
		     const struct load_row *now)
{
	const struct load_row *was = load_same(&top->before, now);

	memset(row, 0, sizeof(*row));
	row->now = now;
	snprintf(row->name, sizeof(row->name), "%s",
		 now->kind == LOAD_SOCKETS ? "(socket)" :
		 name_of(top, now->domid));
	if (!was)
		return;
	for (unsigned int i = 0; i < LOAD_FIELDS; i++)
		row->rate[i] = rate(was->n[i], now->n[i], top->between);
	histogram_since(&row->recent, &was->latency, &now->latency);
}

static bool row_wanted(const struct top *top, const struct top_row *row)
{
	char who[16];

	if (!*top->filter)
		return true;
	top_who(who, sizeof(who), row);
	return !strcmp(who, top->filter) ||
	       strcasestr(row->name, top->filter);
}

static const struct top *comparing;

static int row_compare(const void *a, const void *b)
{
	const struct top_column *c = &top_columns[comparing->sort];
	const struct top_row *x = a, *y = b;
	double v = c->value ? c->value(x) : 0, w = c->value ? c->value(y) : 0;
	/* Much is of interest first, but domids are counted upwards. */
	int order = comparing->sort ? (v < w) - (v > w) : (v > w) - (v < w);

	if (!c->value)
		order = strcasecmp(x->name, y->name);
	if (comparing->reverse)
		order = -order;
	if (order)
		return order;
	return (x->now > y->now) - (x->now < y->now);
}

int top_arrange(struct top *top)
{
	free(top->row);
	top->rows = 0;
	top->row = calloc(top->now.count + 1, sizeof(*top->row));
	if (!top->row)
		return -ENOMEM;
	for (size_t i = 0; i < top->now.count; i++) {
		row_make(top, &top->row[top->rows], &top->now.row[i]);
		top->rows += row_wanted(top, &top->row[top->rows]);
	}
	comparing = top;
	qsort(top->row, top->rows, sizeof(*top->row), row_compare);
	return 0;
}

/* ---------------------------------------------------------- readings -- */

static void daemon_free(struct top_daemon *d)
{
	pages_free(&d->status);
	pages_free(&d->host);
	memset(d, 0, sizeof(*d));
}

static int daemon_read(struct top *top, struct top_daemon *d)
{
	int ret = pages_read(top->probe, &d->status, "status", "0", 1);

	if (!ret)
		ret = pages_read(top->probe, &d->host, "host", "0", 1);
	if (!ret && (!only(&d->status) || !only(&d->host)))
		ret = -EBADMSG;
	if (ret)
		return ret;
	histogram_read(&d->loop, only(&d->host), "loop");
	histogram_read(&d->latency, only(&d->host), "latency");
	return 0;
}

static void daemon_rates(struct top *top)
{
	struct top_daemon *was = &top->daemon_before, *d = &top->daemon;
	static const char *const keys[] = { "requests", "events",
					    "conflicts" };
	double *rates[] = { &d->requests, &d->events, &d->conflicts };

	d->passes = rate(number_of(&was->host, "passes"),
			 number_of(&d->host, "passes"), top->between);
	for (size_t i = 0; i < 3; i++)
		*rates[i] = rate(number_of(&was->status, keys[i]),
				 number_of(&d->status, keys[i]),
				 top->between);
	histogram_since(&d->loop_recent, &was->loop, &d->loop);
	histogram_since(&d->latency_recent, &was->latency, &d->latency);
}

int top_read(struct top *top)
{
	struct top_daemon d = { 0 };
	struct load load;
	int ret = load_read(top->probe, &load);

	if (!ret)
		ret = daemon_read(top, &d);
	if (ret) {
		load_free(&load);
		daemon_free(&d);
		return ret;
	}
	load_free(&top->before);
	daemon_free(&top->daemon_before);
	top->before = top->now;
	top->daemon_before = top->daemon;
	top->now = load;
	top->daemon = d;
	top->between = top->readings ? (double)(top->now.when -
		top->before.when) / 1e6 : 0;
	if (top->readings++)
		daemon_rates(top);
	forget_names(top);
	return top_arrange(top);
}

void top_free(struct top *top)
{
	load_free(&top->before);
	load_free(&top->now);
	daemon_free(&top->daemon);
	daemon_free(&top->daemon_before);
	free(top->row);
	free(top->name);
}
