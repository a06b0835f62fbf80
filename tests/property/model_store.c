/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model's store: an array.  Everything is found by looking at all of it,
 * and a child list is whoever has that parent, in array order.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/model.h"

void *model_alloc(size_t len)
{
	void *p = calloc(1, len ? len : 1);

	if (!p) {
		fprintf(stderr, "model: out of memory\n");
		exit(99);
	}
	return p;
}

void *model_grow(void *list, size_t count, size_t size)
{
	void *p = realloc(list, (count + 1) * size);

	if (!p) {
		fprintf(stderr, "model: out of memory\n");
		exit(99);
	}
	memset((char *)p + count * size, 0, size);
	return p;
}

char *model_copy(const void *bytes, size_t len)
{
	char *p = model_alloc(len + 1);

	if (len)
		memcpy(p, bytes, len);
	return p;
}

struct mnode *mstore_find(const struct mstore *s, const char *path)
{
	for (size_t i = 0; i < s->count; i++)
		if (!strcmp(s->nodes[i].path, path))
			return &s->nodes[i];
	return NULL;
}

char *mstore_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return model_copy("/", 1);
	return model_copy(path, (size_t)(slash - path));
}

struct mnode *mstore_nearest(const struct mstore *s, const char *path)
{
	char *at = model_copy(path, strlen(path));
	struct mnode *n;

	while (!(n = mstore_find(s, at))) {
		char *up = mstore_parent(at);

		free(at);
		at = up;
	}
	free(at);
	return n;
}

bool mstore_below(const char *base, const char *path)
{
	size_t n = strlen(base);

	if (!strcmp(base, "/"))
		return path[0] == '/';
	return !strncmp(base, path, n) && (!path[n] || path[n] == '/');
}

bool mstore_child(const char *parent, const char *path)
{
	char *up = mstore_parent(path);
	bool is = strcmp(path, "/") && path[0] == '/' && !strcmp(up, parent);

	free(up);
	return is;
}

static void mnode_clear(struct mnode *n)
{
	free(n->path);
	free(n->value);
	free(n->perms);
}

void mnode_value(struct model *m, struct mnode *n, const char *v, size_t len)
{
	char *value = model_copy(v, len);

	free(n->value);
	n->value = value;
	n->len = len;
	n->value_age = ++m->age;
}

void mnode_perms(struct model *m, struct mnode *n, const struct mperm *perms,
		 unsigned int nperms)
{
	struct mperm *copy = model_alloc(nperms * sizeof(*copy));

	memcpy(copy, perms, nperms * sizeof(*copy));
	free(n->perms);
	n->perms = copy;
	n->nperms = nperms;
	n->perms_age = ++m->age;
}

static void touch_parent(struct model *m, struct mstore *s, const char *path)
{
	char *up = mstore_parent(path);
	struct mnode *n = mstore_find(s, up);

	if (n)
		n->children_age = ++m->age;
	free(up);
}

struct mnode *mstore_add(struct model *m, struct mstore *s, const char *path)
{
	struct mnode *n;

	s->nodes = model_grow(s->nodes, s->count, sizeof(*s->nodes));
	n = &s->nodes[s->count++];
	n->path = model_copy(path, strlen(path));
	n->value = model_copy("", 0);
	n->value_age = n->perms_age = n->children_age = ++m->age;
	touch_parent(m, s, path);
	return n;
}

void mstore_remove(struct model *m, struct mstore *s, const char *path)
{
	char *root = model_copy(path, strlen(path));
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		if (mstore_below(root, s->nodes[i].path))
			mnode_clear(&s->nodes[i]);
		else
			s->nodes[kept++] = s->nodes[i];
	}
	s->count = kept;
	touch_parent(m, s, root);
	free(root);
}

void mstore_copy(struct mstore *to, const struct mstore *from)
{
	to->count = from->count;
	to->nodes = model_alloc(from->count * sizeof(*to->nodes));
	for (size_t i = 0; i < from->count; i++) {
		const struct mnode *n = &from->nodes[i];

		to->nodes[i] = *n;
		to->nodes[i].path = model_copy(n->path, strlen(n->path));
		to->nodes[i].value = model_copy(n->value, n->len);
		to->nodes[i].perms = model_alloc(n->nperms * sizeof(*n->perms));
		memcpy(to->nodes[i].perms, n->perms,
		       n->nperms * sizeof(*n->perms));
	}
}

void mstore_clear(struct mstore *s)
{
	for (size_t i = 0; i < s->count; i++)
		mnode_clear(&s->nodes[i]);
	free(s->nodes);
	s->nodes = NULL;
	s->count = 0;
}

size_t mstore_owned(const struct mstore *s, unsigned int domid)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += s->nodes[i].perms[0].domid == domid;
	return n;
}
