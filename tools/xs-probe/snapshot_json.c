/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots as JSON, to files and back.  Nodes are written one by one, so
 * that a large store needs no second copy in memory to be saved; `count` is
 * at the end, so that a file cut short is not taken for a snapshot.
 */
#include "config.h"

#include "tools/xs-probe/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/wire.h"
#include "tools/xs-probe/record.h"

#define FORMAT 1

static json_t *perms_json(const char *perms)
{
	json_t *list = json_array();

	while (perms && *perms) {
		size_t n = strcspn(perms, ",");

		json_array_append_new(list, record_json_bytes(perms, n));
		perms += n + (perms[n] == ',');
	}
	return list;
}

json_t *snapshot_node_json(const struct snapshot_node *n)
{
	json_t *object = json_pack("{s:o}", "path",
				   record_json_bytes(n->path, strlen(n->path)));

	if (!object)
		return NULL;
	if (n->value)
		json_object_set_new(object, "value",
				    record_json_bytes(n->value, n->len));
	else
		json_object_set_new(object, "error", json_string(
			wire_error_name(-n->error)));
	if (n->perms)
		json_object_set_new(object, "permissions",
				    perms_json(n->perms));
	json_object_set_new(object, "size", json_integer((json_int_t)n->len));
	return object;
}

static int print_one(json_t *json, FILE *out)
{
	int ret = json ? json_dumpf(json, out, JSON_COMPACT |
				    JSON_ENCODE_ANY) : -1;

	if (json)
		json_decref(json);
	return ret ? -ENOMEM : 0;
}

int snapshot_print_json(const struct snapshot *snap, FILE *out)
{
	int ret;

	fprintf(out, "{\"snapshot\": %d,\n\"path\": ", FORMAT);
	ret = print_one(record_json_bytes(snap->root, strlen(snap->root)),
			out);
	fprintf(out, ",\n\"time\": %llu,\n\"nodes\": [",
		(unsigned long long)snap->time);
	for (size_t i = 0; !ret && i < snap->count; i++) {
		fputs(i ? ",\n" : "\n", out);
		ret = print_one(snapshot_node_json(&snap->node[i]), out);
	}
	fprintf(out, "\n],\n\"count\": %zu, \"bytes\": %zu}\n", snap->count,
		snap->bytes);
	return ret ? ret : ferror(out) ? -EIO : 0;
}

static int write_out(const struct snapshot *snap, int fd)
{
	FILE *out = fdopen(fd, "w");
	int ret;

	if (!out) {
		ret = -errno;
		close(fd);
		return ret;
	}
	ret = snapshot_print_json(snap, out);
	if (fclose(out) && !ret)
		ret = -errno;
	return ret;
}

/*
 * A file is whole or not there: it gets its name when it is written.  All
 * values of the store are in it, so it is for its owner alone; the name
 * before that is one that nobody can have put a link to.
 */
int snapshot_save(const struct snapshot *snap, const char *file)
{
	char *temporary;
	int fd, ret;

	if (asprintf(&temporary, "%s.XXXXXX", file) < 0)
		return -ENOMEM;
	fd = mkostemp(temporary, O_CLOEXEC);	/* of mode 0600 */
	ret = fd < 0 ? -errno : write_out(snap, fd);
	if (!ret && rename(temporary, file))
		ret = -errno;
	if (ret && fd >= 0)
		remove(temporary);
	free(temporary);
	return ret;
}

/* ------------------------------------------------------------- reading -- */

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* The bytes of a string or {"hex": ...}, with a NUL behind; NULL: neither. */
static char *bytes_of(const json_t *json, size_t *len)
{
	const json_t *hex = json_object_get(json, "hex");
	const char *text = json_string_value(hex ? hex : json);
	size_t n = json_string_length(hex ? hex : json);
	char *out = text ? malloc(n + 1) : NULL;

	if (!out)
		return NULL;
	*len = hex ? n / 2 : n;
	memcpy(out, text, n);
	for (size_t i = 0; hex && i < *len; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0) {
			free(out);
			return NULL;
		}
		out[i] = (char)(high << 4 | low);
	}
	out[*len] = '\0';
	return out;
}

/* The list as "n5,r0" again. */
static char *perms_of(const json_t *list)
{
	size_t len = 0, room = 1;
	char *out;

	for (size_t i = 0; i < json_array_size(list); i++)
		room += json_string_length(json_array_get(list, i)) + 1;
	out = calloc(1, room);
	for (size_t i = 0; out && i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text) {
			free(out);
			return NULL;
		}
		len += (size_t)snprintf(out + len, room - len, "%s%s",
					i ? "," : "", text);
	}
	return out;
}

static int load_node(const json_t *json, struct snapshot_node *n)
{
	const json_t *value = json_object_get(json, "value");
	const json_t *error = json_object_get(json, "error");
	const json_t *perms = json_object_get(json, "permissions");
	size_t len;

	n->path = bytes_of(json_object_get(json, "path"), &len);
	if (!n->path || n->path[0] != '/' || strlen(n->path) != len)
		return -EBADMSG;
	if (value)
		n->value = bytes_of(value, &n->len);
	else if (json_is_string(error))
		n->error = -EACCES;
	if (!n->value && !n->error)
		return -EBADMSG;
	if (perms)
		n->perms = perms_of(perms);
	return perms && !n->perms ? -EBADMSG : 0;
}

static bool root_is_good(const char *root, size_t len)
{
	return root && root[0] == '/' && strlen(root) == len &&
	       (len == 1 || root[len - 1] != '/');
}

/* Who compares below the root leaves out as many bytes of every path. */
static bool is_below(const char *path, const char *root)
{
	size_t len = root[1] ? strlen(root) : 0;

	return !strncmp(path, root, len) &&
	       (path[len] == '/' || (len && !path[len]));
}

static int load(const json_t *json, struct snapshot *snap)
{
	const json_t *nodes = json_object_get(json, "nodes");
	size_t count = json_array_size(nodes), len = 0;
	int ret = 0;

	if (json_integer_value(json_object_get(json, "snapshot")) != FORMAT ||
	    json_integer_value(json_object_get(json, "count")) !=
	    (json_int_t)count)
		return -EBADMSG;
	snap->root = bytes_of(json_object_get(json, "path"), &len);
	snap->time = (uint64_t)json_integer_value(
			json_object_get(json, "time"));
	snap->node = calloc(count ? count : 1, sizeof(*snap->node));
	if (!root_is_good(snap->root, len) || !snap->node)
		return -EBADMSG;
	for (; !ret && snap->count < count; snap->count++) {
		struct snapshot_node *n = &snap->node[snap->count];

		ret = load_node(json_array_get(nodes, snap->count), n);
		snap->bytes += n->len;
		if (!ret && !is_below(n->path, snap->root))
			ret = -EBADMSG;
		/* What is compared must be in order. */
		if (!ret && snap->count &&
		    snapshot_order(n[-1].path, n->path) >= 0)
			ret = -EBADMSG;
	}
	return ret;
}

int snapshot_load(const char *file, struct snapshot *snap)
{
	FILE *in = fopen(file, "re");
	json_error_t error;
	json_t *json;
	int ret;

	memset(snap, 0, sizeof(*snap));
	if (!in)
		return -errno;
	json = json_loadf(in, JSON_ALLOW_NUL, &error);
	ret = json ? load(json, snap) : ferror(in) ? -EIO : -EBADMSG;
	json_decref(json);
	fclose(in);
	return ret;
}
