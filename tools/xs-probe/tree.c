/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe tree: a snapshot, drawn or saved.  Nodes come in order of paths,
 * so a node's last sibling is known by going through them backwards once.
 */
#include "tools/xs-probe/snapshot.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "tools/xs-probe/ls.h"
#include "tools/xs-probe/record.h"

#define DEPTH_MAX (WIRE_ABS_PATH_MAX / 2 + 2)

/* How the branches are drawn; bytes of the locale's coding. */
struct branches {
	const char *more, *last, *through, *past;
};

static const struct branches lines = {
	"\u251c\u2500 ", "\u2514\u2500 ", "\u2502  ", "   ",
};
static const struct branches ascii = { "|- ", "`- ", "|  ", "   " };

struct tree {
	const struct probe *probe;
	const struct snapshot *snap;
	const struct branches *draw;
	bool *last;		/* of its siblings; one for each node */
	size_t root_depth;
	bool open[DEPTH_MAX];	/* more siblings come at that depth */
};

static size_t depth_of(const char *path)
{
	size_t n = 0;

	if (!path[1])
		return 0;
	for (; *path; path++)
		n += *path == '/';
	return n;
}

static size_t depth_at(const struct tree *t, size_t i)
{
	return depth_of(t->snap->node[i].path) - t->root_depth;
}

static void find_last(struct tree *t)
{
	bool *seen = t->open;

	for (size_t i = t->snap->count; i-- > 0;) {
		size_t depth = depth_at(t, i);

		t->last[i] = !seen[depth];
		seen[depth] = true;
		if (depth + 1 < DEPTH_MAX)
			seen[depth + 1] = false;
	}
	memset(t->open, 0, sizeof(t->open));
}

/* Nodes and bytes below node `i`, itself left out. */
static void count_below(const struct snapshot *snap, size_t i, size_t *nodes,
			size_t *bytes)
{
	size_t depth = depth_of(snap->node[i].path);

	*nodes = *bytes = 0;
	while (++i < snap->count && depth_of(snap->node[i].path) > depth) {
		++*nodes;
		*bytes += snap->node[i].len;
	}
}

static void print_sizes(const struct snapshot *snap, size_t i)
{
	size_t nodes, bytes;

	count_below(snap, i, &nodes, &bytes);
	printf("  %zu B", snap->node[i].len);
	if (nodes)
		printf(", below: %zu node%s, %zu B", nodes,
		       nodes == 1 ? "" : "s", bytes);
}

static void print_branch(struct tree *t, size_t i, size_t depth)
{
	for (size_t d = 1; d < depth; d++)
		fputs(t->open[d] ? t->draw->through : t->draw->past, stdout);
	if (depth)
		fputs(t->last[i] ? t->draw->last : t->draw->more, stdout);
	t->open[depth] = !t->last[i];
}

/* The list is the daemon's: not for a terminal as it is. */
static void print_access(const struct tree *t, const char *perms)
{
	if (t->probe->flag['o']) {
		const char *owner = perms && *perms ? perms + 1 : "?";

		printf("  owner ");
		ls_print_escaped(stdout, owner, strcspn(owner, ","));
	}
	if (t->probe->flag['p']) {
		printf("  (");
		ls_print_text(perms ? perms : "?");
		putchar(')');
	}
}

static void print_node(struct tree *t, size_t i, size_t depth)
{
	const struct snapshot_node *n = &t->snap->node[i];
	const char *name = depth ? strrchr(n->path, '/') + 1 : n->path;

	print_branch(t, i, depth);
	ls_print_text(name);
	if (n->value && !t->probe->flag['n']) {
		printf(" = \"");
		ls_print_escaped(stdout, n->value, n->len);
		putchar('"');
	}
	if (!n->value)
		printf(": not readable");
	print_access(t, n->perms);
	if (t->probe->flag['z'])
		print_sizes(t->snap, i);
	putchar('\n');
}

static int draw(struct tree *t)
{
	size_t most = t->probe->flag['d'] ? t->probe->number['d'] : SIZE_MAX;

	t->last = calloc(t->snap->count, sizeof(*t->last));
	if (!t->last)
		return -ENOMEM;
	t->root_depth = depth_of(t->snap->root);
	find_last(t);
	for (size_t i = 0; i < t->snap->count; i++) {
		size_t depth = depth_at(t, i);

		if (depth <= most)
			print_node(t, i, depth);
	}
	printf("\n%zu node%s, %zu bytes\n", t->snap->count,
	       t->snap->count == 1 ? "" : "s", t->snap->bytes);
	free(t->last);
	return 0;
}

static int print_tree(const struct probe *probe, const struct snapshot *snap)
{
	struct tree *t = calloc(1, sizeof(*t));
	int ret;

	if (!t)
		return -ENOMEM;
	setlocale(LC_CTYPE, "");
	t->probe = probe;
	t->snap = snap;
	t->draw = strcmp(nl_langinfo(CODESET), "UTF-8") ? &ascii : &lines;
	ret = draw(t);
	free(t);
	return ret;
}

static int show(struct probe *probe, const struct snapshot *snap)
{
	const char *file = probe->value['S'];
	int ret;

	if (file) {
		ret = snapshot_save(snap, file);
		if (ret) {
			fprintf(stderr, "xs-probe: %s: %s\n", file,
				strerror(-ret));
			return PROBE_WRONG;
		}
		if (!probe->json)
			printf("%s: %zu nodes of %s\n", file, snap->count,
			       snap->root);
		else
			ret = probe_json(json_pack("{s:s,s:o,s:I}", "file",
				file, "path", record_json_bytes(snap->root,
				strlen(snap->root)), "count",
				(json_int_t)snap->count));
		return ret;
	}
	ret = probe->json ? snapshot_print_json(snap, stdout) :
	      print_tree(probe, snap);
	return ret ? probe_failed(probe, snap->root, ret) : PROBE_FINE;
}

static int tree_look(struct probe *probe, int argc, char **argv)
{
	const char *path = argc ? argv[0] : "/";
	size_t len = strlen(path);

	(void)probe;
	if (path[0] != '/' || len > WIRE_ABS_PATH_MAX ||
	    (len > 1 && path[len - 1] == '/'))
		return probe_usage("not an absolute path: %s", path);
	return PROBE_FINE;
}

static int tree_run(struct probe *probe, int argc, char **argv)
{
	const char *path = argc ? argv[0] : "/";
	struct snapshot snap;
	int ret = snapshot_read(probe, path, NULL, &snap);

	if (ret == -EAGAIN) {
		fprintf(stderr, "xs-probe: %s: others write faster than it can "
			"be read; try a smaller subtree\n", path);
		ret = PROBE_WRONG;
	} else if (ret) {
		ret = probe_failed(probe, path, ret);
	} else {
		ret = show(probe, &snap);
		if (!ret && snap.unread) {
			fprintf(stderr, "xs-probe: %u directories could not "
				"be read\n", snap.unread);
			ret = PROBE_WRONG;
		}
	}
	snapshot_free(&snap);
	return ret;
}

static const struct probe_option options[] = {
	{ 'o', "owner", NULL, "show each node's owner" },
	{ 'p', "permissions", NULL, "show access lists, the owner first" },
	{ 'z', "size", NULL, "show bytes of values, of a directory those "
	  "below" },
	{ 'n', "names", NULL, "leave out values" },
	{ 'd', "depth", "N", "draw only so many levels", 65535 },
	{ 'S', "save", "FILE", "write the whole snapshot to FILE, for diff" },
	{ 0 }
};

const struct command tree_command = {
	.name = "tree",
	.arguments = "[PATH]",
	.summary = "a subtree as it was at one moment; saved, if asked",
	.options = options,
	.args_max = 1,
	.look = tree_look,
	.run = tree_run,
	.about =
"Everything below PATH (\"/\" if not given), however large, read inside one\n"
"transaction, so that no node is of another moment than the next.  Siblings\n"
"are sorted by name.  Printed with --json it is what --save writes.\n",
	.others =
"oxenstored shows a transaction its own picture too.  The C daemon says at the\n"
"end whether something had changed meanwhile; it is then read again, up to 16\n"
"times, and in a store that is too busy fails.  oxenstored breaks the protocol\n"
"for directories over 4096 bytes, which is told.\n",
	.examples =
"  xs-probe tree /local/domain/5\n"
"  xs-probe tree -op --size /local/domain/0/backend\n"
"  xs-probe tree --depth 2 --names\n"
"  xs-probe tree --save before.json\n"
"  xs-probe tree --json /vm | jq '.nodes[] | select(.size > 1000) | .path'\n",
	.json =
"  snapshot  1, the version of this format\n"
"  path      of the subtree\n"
"  time      when it was read, in seconds since 1970\n"
"  nodes     an array in order of paths: path; value, or error if it may not\n"
"            be read; permissions, texts like \"n5\", the owner first; size of\n"
"            the value in bytes\n"
"  count     how many nodes\n"
"  bytes     of all values\n"
"  With --save instead: file, path, count.\n",
};
