/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe diff: two snapshots side by side.  Both are in order of paths, so
 * one walk through both finds what is only in one and what differs.  Where
 * the roots differ (two guests, say) paths are compared below them.
 */
#include "tools/xs-probe/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/xs-probe/ls.h"
#include "tools/xs-probe/record.h"
#include "tools/xs-probe/table.h"

struct side {
	const char *name;	/* the file, or "the live store" */
	struct snapshot snap;
	size_t skip;		/* of every path: the root's length */
};

struct diff {
	const struct probe *probe;
	struct side a, b;
	json_t *list;		/* with --json */
	size_t count;
};

static const char *path_of(const struct side *s, size_t i)
{
	const char *path = s->snap.node[i].path + s->skip;

	return *path ? path : "/";
}

/* ----------------------------------------------------------- one change -- */

static void print_value(const struct snapshot_node *n)
{
	if (!n->value) {
		printf("(not readable)");
		return;
	}
	putchar('"');
	ls_print_escaped(stdout, n->value, n->len);
	putchar('"');
}

static json_t *value_json(const struct snapshot_node *n)
{
	return n->value ? record_json_bytes(n->value, n->len) : json_null();
}

static void start(struct diff *d, char sign, enum table_mark mark,
		  const char *path)
{
	printf("%s%c ", table_colour(mark, d->probe->colour), sign);
	ls_print_text(path);
}

static void end(struct diff *d)
{
	printf("%s\n", table_plain(d->probe->colour));
}

static void note(struct diff *d, const char *path, const char *change,
		 json_t *a, json_t *b)
{
	json_array_append_new(d->list, json_pack("{s:o,s:s,s:o,s:o}", "path",
		record_json_bytes(path, strlen(path)), "change", change,
		"a", a ? a : json_null(), "b", b ? b : json_null()));
}

/* In one side only: '-' in the first, '+' in the second. */
static void say_alone(struct diff *d, const struct side *s, size_t i)
{
	const struct snapshot_node *n = &s->snap.node[i];
	bool removed = s == &d->a;

	d->count++;
	if (d->probe->flag['q'])
		return;
	if (d->list) {
		note(d, path_of(s, i), removed ? "removed" : "added",
		     removed ? snapshot_node_json(n) : NULL,
		     removed ? NULL : snapshot_node_json(n));
		return;
	}
	start(d, removed ? '-' : '+', removed ? TABLE_BAD : TABLE_GOOD,
	      path_of(s, i));
	printf(" = ");
	print_value(n);
	printf(" (");
	ls_print_text(n->perms ? n->perms : "?");
	putchar(')');
	end(d);
}

static void say_value(struct diff *d, const char *path,
		      const struct snapshot_node *a,
		      const struct snapshot_node *b)
{
	d->count++;
	if (d->probe->flag['q'])
		return;
	if (d->list) {
		note(d, path, "value", value_json(a), value_json(b));
		return;
	}
	start(d, '~', TABLE_WARN, path);
	printf(" value ");
	print_value(a);
	printf(" -> ");
	print_value(b);
	end(d);
}

/* `what` of two access lists, of each the first n bytes. */
static void say_perms(struct diff *d, const char *path, const char *what,
		      const char *a, size_t a_len, const char *b,
		      size_t b_len)
{
	d->count++;
	if (d->probe->flag['q'])
		return;
	if (d->list) {
		note(d, path, what, record_json_bytes(a, a_len),
		     record_json_bytes(b, b_len));
		return;
	}
	start(d, '~', TABLE_WARN, path);
	printf(" %s ", what);
	ls_print_escaped(stdout, a, a_len);
	printf(" -> ");
	ls_print_escaped(stdout, b, b_len);
	end(d);
}

/* ------------------------------------------------------------- the walk -- */

static bool same_value(const struct snapshot_node *a,
		       const struct snapshot_node *b)
{
	if (!a->value || !b->value)
		return !a->value && !b->value;
	return a->len == b->len && !memcmp(a->value, b->value, a->len);
}

/* An access list is the owner's letter, domid, and the others' entries. */
static void compare_perms(struct diff *d, const char *path, const char *a,
			  const char *b)
{
	size_t a_end = strcspn(a, ","), b_end = strcspn(b, ",");

	if (a_end != b_end || (a_end && memcmp(a + 1, b + 1, a_end - 1)))
		say_perms(d, path, "owner", a + (a_end > 0),
			  a_end - (a_end > 0), b + (b_end > 0),
			  b_end - (b_end > 0));
	if (*a != *b || strcmp(a + a_end, b + b_end))
		say_perms(d, path, "permissions", a, strlen(a), b, strlen(b));
}

static void compare(struct diff *d, size_t i, size_t j)
{
	const struct snapshot_node *a = &d->a.snap.node[i];
	const struct snapshot_node *b = &d->b.snap.node[j];
	const char *path = path_of(&d->a, i);

	if (!same_value(a, b))
		say_value(d, path, a, b);
	if (!d->probe->flag['V'])
		compare_perms(d, path, a->perms ? a->perms : "",
			      b->perms ? b->perms : "");
}

static void walk(struct diff *d)
{
	size_t i = 0, j = 0;

	while (i < d->a.snap.count || j < d->b.snap.count) {
		int order = i == d->a.snap.count ? 1 :
			    j == d->b.snap.count ? -1 :
			    snapshot_order(path_of(&d->a, i),
					   path_of(&d->b, j));

		if (!order)
			compare(d, i++, j++);
		else if (order < 0)
			say_alone(d, &d->a, i++);
		else
			say_alone(d, &d->b, j++);
	}
}

/* ------------------------------------------------------------ both sides -- */

static int load(struct side *s, const char *file)
{
	int ret = snapshot_load(file, &s->snap);

	s->name = file;
	if (!ret)
		return PROBE_FINE;
	fprintf(stderr, "xs-probe: %s: %s\n", file, ret == -EBADMSG ?
		"no snapshot that `xs-probe tree --save' wrote" :
		strerror(-ret));
	return PROBE_USAGE;
}

static int look(struct probe *probe, struct side *s, const char *path)
{
	int ret = probe_connect(probe);

	s->name = "the live store";
	if (ret)
		return ret;
	ret = snapshot_read(probe, path, NULL, &s->snap);
	if (ret == -EAGAIN) {
		fprintf(stderr, "xs-probe: %s: others write faster than it can "
			"be read\n", path);
		return PROBE_USAGE;
	}
	/* What could not be listed is not known to be gone. */
	if (!ret && s->snap.unread) {
		fprintf(stderr, "xs-probe: %u directories could not be read\n",
			s->snap.unread);
		return PROBE_USAGE;
	}
	/* Nothing there is a difference like others. */
	if (!ret || ret == -ENOENT)
		return PROBE_FINE;
	ret = probe_failed(probe, path, ret);
	return ret == PROBE_WRONG ? PROBE_USAGE : ret;
}

static void print_side(const char *sign, const struct side *s)
{
	char when[32] = "?";
	time_t t = (time_t)s->snap.time;
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s %s: ", sign, s->name);
	ls_print_text(s->snap.root);
	printf(", %s, %zu nodes\n", when, s->snap.count);
}

static json_t *side_json(const struct side *s)
{
	return json_pack("{s:s,s:o,s:I,s:I}", "name", s->name, "path",
			 record_json_bytes(s->snap.root, strlen(s->snap.root)),
			 "time", (json_int_t)s->snap.time, "count",
			 (json_int_t)s->snap.count);
}

static void set_skip(struct diff *d)
{
	const char *a = d->a.snap.root, *b = d->b.snap.root;

	if (!strcmp(a, b))
		return;
	d->a.skip = a[1] ? strlen(a) : 0;
	d->b.skip = b[1] ? strlen(b) : 0;
}

static int run_diff(struct diff *d)
{
	set_skip(d);
	if (d->probe->flag['q']) {
		walk(d);
		return d->count ? PROBE_WRONG : PROBE_FINE;
	}
	if (d->probe->json) {
		d->list = json_array();
	} else {
		print_side("---", &d->a);
		print_side("+++", &d->b);
	}
	walk(d);
	if (d->probe->json) {
		json_t *all = json_pack("{s:o,s:o,s:I,s:o}", "a",
			side_json(&d->a), "b", side_json(&d->b), "count",
			(json_int_t)d->count, "differences", d->list);

		if (probe_json(all))
			return PROBE_USAGE;
	} else {
		printf("%zu difference%s\n", d->count,
		       d->count == 1 ? "" : "s");
	}
	return d->count ? PROBE_WRONG : PROBE_FINE;
}

static int diff_run(struct probe *probe, int argc, char **argv)
{
	struct diff d = { .probe = probe };
	int ret = load(&d.a, argv[0]);

	if (!ret)
		ret = argc > 1 ? load(&d.b, argv[1]) :
		      look(probe, &d.b, d.a.snap.root);
	if (!ret)
		ret = run_diff(&d);
	snapshot_free(&d.a.snap);
	snapshot_free(&d.b.snap);
	return ret;
}

static const struct probe_option options[] = {
	{ 'q', "quiet", NULL, "print nothing, the exit status tells" },
	{ 'V', "values", NULL, "compare values only, not owners and "
	  "permissions" },
	{ 0 }
};

const struct command diff_command = {
	.name = "diff",
	.arguments = "A [B]",
	.summary = "what changed between two snapshots",
	.options = options,
	.args_min = 1,
	.args_max = 2,
	.run = diff_run,
	.offline = true,	/* connects if B is the live store */
	.about =
"A and B are files that `xs-probe tree --save' wrote; without B, A is compared\n"
"with the same subtree of the live store.  - is only in A, + only in B, ~ is in\n"
"both and has another value, owner or access list.  Snapshots of different\n"
"paths are compared below these, as those of two guests.\n"
"\n"
"Exit status as of diff(1): 0 the same, 1 different, 2 a file that cannot be\n"
"read (or the store, or a directory in it); 3 if no daemon is reached.\n",
	.others =
"The same, with what tree says of them.\n",
	.examples =
"  xs-probe tree --save before.json; xl create guest.cfg\n"
"  xs-probe diff before.json\n"
"  xs-probe diff --values before.json after.json\n"
"  xs-probe diff --quiet before.json || echo changed\n",
	.json =
"  a, b         name (a file, or \"the live store\"), path, time, count of nodes\n"
"  count        of differences\n"
"  differences  an array: path; change (\"added\", \"removed\", \"value\", \"owner\",\n"
"               \"permissions\"); a and b, what it is in each: a node (path,\n"
"               value or error, permissions, size) if it is in one only\n",
};
