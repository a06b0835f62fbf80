/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe ls: a subtree, depth first.  The way down is a stack of frames,
 * each with its directory's names, so that no depth of store can exhaust
 * ours; value, permissions and names of a node are asked for together and
 * come back in one round trip.  What vanishes between the listing of its
 * parent and its own turn is left out.
 */
#include "tools/xs-probe/ls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proxenos/client_call.h>

#include "protocol/wire.h"
#include "tools/xs-probe/known.h"
#include "tools/xs-probe/record.h"

#define NAMES_MIN 65536
#define NAMES_MAX (64u << 20)
/* Names of one byte between slashes. */
#define DEPTH_MAX (WIRE_ABS_PATH_MAX / 2 + 1)

struct frame {
	char *names;
	size_t len, at;
	size_t path_len;	/* of the directory's own path */
};

/* One answer to wait for. */
struct answer {
	int over, result;
	size_t len;
	char data[WIRE_PAYLOAD_MAX + 1];
};

struct walk {
	struct probe *probe;
	struct answer value, perms, names;
	struct px_client_list list;
	char *buffer;		/* for names, grown when too small */
	size_t size;
	char path[WIRE_ABS_PATH_MAX + 1];
	size_t path_len;
	struct frame frame[DEPTH_MAX];
	unsigned int depth;
	bool some;		/* JSON: an element was printed */
	unsigned int unread;	/* nodes or directories not to be read */
};

static void answer_done(void *arg, int result, const char *data, size_t len)
{
	struct answer *a = arg;

	a->over = 1;
	a->result = result;
	a->len = len;
	memcpy(a->data, data, len);
	a->data[len] = '\0';
}

/* Names are in the buffer already, and may be many. */
static void names_done(void *arg, int result, const char *data, size_t len)
{
	struct answer *a = arg;

	a->over = 1;
	a->result = result;
	a->len = len;
}

static int await(struct walk *w, const struct answer *a)
{
	int ret = px_client_wait(w->probe->client, &a->over,
				 w->probe->timeout);

	return ret && !a->over ? ret : 0;
}

static int ask_names(struct walk *w)
{
	w->names.over = 0;
	return px_client_list(w->probe->client, &w->list, 0, w->path,
			      w->buffer, w->size, names_done, &w->names);
}

/* Again with a larger buffer until the names fit. */
static int await_names(struct walk *w)
{
	int ret = await(w, &w->names);

	while (!ret && w->names.result == -ENOBUFS && w->size < NAMES_MAX) {
		char *more = realloc(w->buffer, 4 * w->size);

		if (!more)
			return -ENOMEM;
		w->buffer = more;
		w->size *= 4;
		ret = ask_names(w);
		if (!ret)
			ret = await(w, &w->names);
	}
	return ret;
}

/* All about the node at w->path.  An error here ends the walk. */
static int ask_node(struct walk *w)
{
	struct px_client *c = w->probe->client;
	bool perms = w->probe->flag['p'] || w->probe->json;
	int ret;

	w->value.over = 0;
	w->perms.over = !perms;
	w->perms.result = -ENODATA;
	ret = px_client_read(c, 0, w->path, answer_done, &w->value);
	if (!ret && perms)
		ret = px_client_get_perms(c, 0, w->path, answer_done,
					  &w->perms);
	if (!ret)
		ret = ask_names(w);
	if (!ret)
		ret = await(w, &w->value);
	if (!ret)
		ret = await(w, &w->perms);
	if (!ret)
		ret = await_names(w);
	if (!ret && !px_client_is_up(c))
		ret = px_client_error(c) ? px_client_error(c) : -ECONNRESET;
	return ret;
}

/* "(n0,r5)": -EBADMSG for what is no access list. */
static void print_perms(const struct answer *perms)
{
	const char *text;
	size_t at = 0;

	if (perms->result) {
		printf(" (?)");
		return;
	}
	printf(" (");
	for (unsigned int i = 0; (text = px_client_next_string(perms->data,
						perms->len, &at)); i++) {
		if (i)
			putchar(',');
		ls_print_text(text);
	}
	putchar(')');
}

static void print_node(struct walk *w, const char *name)
{
	if (!w->probe->flag['f'])
		printf("%*s", (int)w->depth - 1, "");
	ls_print_text(w->probe->flag['f'] ? w->path : name);
	if (w->value.result) {
		putchar(':');
	} else {
		printf(" = \"");
		ls_print_escaped(stdout, w->value.data, w->value.len);
		putchar('"');
	}
	if (w->probe->flag['p'])
		print_perms(&w->perms);
	putchar('\n');
}

static json_t *perms_json(const struct answer *perms)
{
	json_t *list = json_array();
	const char *text;
	size_t at = 0;

	while ((text = px_client_next_string(perms->data, perms->len, &at)))
		json_array_append_new(list, record_json_bytes(text,
							      strlen(text)));
	return list;
}

/* One line of the array, printed at once: a store may be large. */
static int print_json(struct walk *w)
{
	json_t *object = json_pack("{s:o}", "path",
				   record_json_bytes(w->path, w->path_len));
	int ret;

	if (!object)
		return -ENOMEM;
	if (!w->value.result)
		json_object_set_new(object, "value",
			record_json_bytes(w->value.data, w->value.len));
	else
		json_object_set_new(object, "error", json_string(
			wire_error_name(-w->value.result)));
	if (!w->perms.result)
		json_object_set_new(object, "permissions",
				    perms_json(&w->perms));
	printf(w->some ? ",\n" : "[\n");
	w->some = true;
	ret = json_dumpf(object, stdout, JSON_COMPACT);
	json_decref(object);
	return ret ? -ENOMEM : 0;
}

/* The directory just read becomes the top of the stack. */
static int push(struct walk *w)
{
	struct frame *f = &w->frame[w->depth];

	if (w->names.result) {
		/* Gone meanwhile is fine; not readable is worth a word. */
		w->unread += w->names.result != -ENOENT;
		return 0;
	}
	if (!w->names.len)
		return 0;
	if (w->depth == DEPTH_MAX)
		return -EBADMSG;
	f->names = malloc(w->names.len);
	if (!f->names)
		return -ENOMEM;
	memcpy(f->names, w->buffer, w->names.len);
	f->len = w->names.len;
	f->at = 0;
	f->path_len = w->path_len;
	w->depth++;
	return 0;
}

/* Step to the top directory's next name; NULL when all are done. */
static const char *next_name(struct walk *w)
{
	while (w->depth) {
		struct frame *f = &w->frame[w->depth - 1];
		const char *name = px_client_next_string(f->names, f->len,
							 &f->at);

		if (name) {
			w->path_len = f->path_len;
			return name;
		}
		free(f->names);
		w->depth--;
	}
	return NULL;
}

/* Append a name to the path; false if that is no possible path. */
static bool descend(struct walk *w, const char *name)
{
	size_t n = strlen(name);
	size_t slash = w->path_len && w->path[w->path_len - 1] == '/' ? 0 : 1;

	if (!n || strchr(name, '/') ||
	    w->path_len + slash + n > WIRE_ABS_PATH_MAX)
		return false;
	w->path[w->path_len] = '/';
	memcpy(w->path + w->path_len + slash, name, n + 1);
	w->path_len += slash + n;
	return true;
}

static int visit(struct walk *w, const char *name)
{
	int ret = 0;

	if (!descend(w, name))
		return -EBADMSG;
	ret = ask_node(w);
	if (ret || w->value.result == -ENOENT)
		return ret;
	if (w->probe->json)
		ret = print_json(w);
	else
		print_node(w, name);
	return ret ? ret : push(w);
}

static int walk(struct walk *w)
{
	const char *name;
	int ret = ask_node(w);

	if (ret)
		return ret;
	if (w->names.result)
		return w->names.result;
	if (w->probe->json)
		ret = print_json(w);
	if (!ret)
		ret = push(w);
	while (!ret && (name = next_name(w)))
		ret = visit(w, name);
	while (w->depth)
		free(w->frame[--w->depth].names);
	return ret;
}

/* -1: one level, and no more is asked than for its names. */
static int ls_children(struct probe *probe, const char *path)
{
	const char *slash = path[strlen(path) - 1] == '/' ? "" : "/";
	json_t *list = json_array();
	char *names, full[2 * WIRE_ABS_PATH_MAX];
	ssize_t len = known_list(probe, path, &names);
	const char *name;
	size_t at = 0;
	int ret = PROBE_FINE;

	while (len > 0 &&
	       (name = px_client_next_string(names, (size_t)len, &at))) {
		snprintf(full, sizeof(full), "%s%s%s", path, slash, name);
		json_array_append_new(list, json_pack("{s:o}", "path",
			record_json_bytes(full, strlen(full))));
		if (probe->json)
			continue;
		ls_print_text(full);
		putchar('\n');
	}
	if (len < 0)
		ret = probe_failed(probe, path, (int)len);
	else if (probe->json)
		ret = probe_json(json_incref(list));
	json_decref(list);
	free(names);
	return ret;
}

static int ls_run(struct probe *probe, int argc, char **argv)
{
	const char *path = argc && *argv[0] ? argv[0] : "/";
	struct walk *w = calloc(1, sizeof(*w));
	int ret = -ENOMEM;

	if (strlen(path) > WIRE_ABS_PATH_MAX) {
		fprintf(stderr, "xs-probe: the path is too long\n");
		free(w);
		return PROBE_USAGE;
	}
	if (probe->flag['1']) {
		free(w);
		return ls_children(probe, path);
	}
	if (w) {
		w->probe = probe;
		w->size = NAMES_MIN;
		w->buffer = malloc(w->size);
		w->path_len = strlen(path);
		memcpy(w->path, path, w->path_len + 1);
	}
	if (w && w->buffer)
		ret = walk(w);
	if (probe->json)
		printf(w && w->some ? "\n]\n" : "[]\n");
	if (ret)
		ret = probe_failed(probe, w && w->path_len ? w->path : path,
				   ret);
	else if (w->unread) {
		fprintf(stderr, "xs-probe: %u directories could not be read\n",
			w->unread);
		ret = PROBE_WRONG;
	}
	/* A request that timed out may still point into the walk. */
	px_client_close(probe->client);
	if (w)
		free(w->buffer);
	free(w);
	return ret;
}

static const struct probe_option options[] = {
	{ 'p', NULL, NULL, "show permissions: the owner first, with everybody "
	  "else's\naccess" },
	{ 'f', NULL, NULL, "full paths instead of indentation" },
	{ '1', NULL, NULL, "only the paths of the nodes right below PATH" },
	{ 0 }
};

const struct command ls_command = {
	.name = "ls",
	.arguments = "[PATH]",
	.summary = "a subtree with values and permissions",
	.options = options,
	.args_max = 1,
	.run = ls_run,
	.about =
"Nodes that vanish while reading are left out; directories of any size are\n"
"read whole.  PATH is \"/\" if not given.  A node whose value may not be read\n"
"is shown with a colon.  For a subtree as it was at one moment, see tree.\n",
	.others =
"The same; oxenstored breaks the protocol for directories over 4096 bytes,\n"
"which is told.\n",
	.examples =
"  xs-probe ls /local/domain/5\n"
"  xs-probe ls -p /local/domain/0/backend\n"
"  xs-probe ls -f / | grep state\n"
"  xs-probe ls -1 /local/domain\n"
"  xs-probe ls --json /vm | jq '.[].path'\n",
	.json =
"  An array of nodes:\n"
"  path         of the node\n"
"  value        a text, or {\"hex\": ...} if it is not UTF-8\n"
"  error        instead of the value, if that may not be read\n"
"  permissions  texts like \"n5\", the owner first\n",
};
