/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bags of image records; see bag.h. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tests/property/bag.h"

static void *must(void *p)
{
	if (!p)
		exit(99);
	return p;
}

static void *exact(const void *bytes, size_t len)
{
	void *p = must(malloc(len ? len : 1));

	if (len)
		memcpy(p, bytes, len);
	return p;
}

void bag_add(struct bag *b, const char *key, const void *value, size_t len)
{
	struct image_record *r;

	if (b->count == b->room) {
		b->room = b->room ? 2 * b->room : 64;
		b->rec = must(realloc(b->rec, b->room * sizeof(*b->rec)));
	}
	r = &b->rec[b->count++];
	r->key = exact(key, strlen(key) + 1);
	r->value = exact(value, len);
	r->len = len;
}

static void drop(struct image_record *r)
{
	free((void *)(uintptr_t)r->key);
	free((void *)(uintptr_t)r->value);
}

void bag_remove(struct bag *b, size_t which)
{
	drop(&b->rec[which]);
	memmove(&b->rec[which], &b->rec[which + 1],
		(--b->count - which) * sizeof(*b->rec));
}

void bag_free(struct bag *b)
{
	for (size_t i = 0; i < b->count; i++)
		drop(&b->rec[i]);
	free(b->rec);
	memset(b, 0, sizeof(*b));
}

int bag_put(void *bag, const char *key, const void *value, size_t len)
{
	struct bag *b = bag;

	for (size_t i = 0; i < b->count; i++) {
		if (strcmp(b->rec[i].key, key))
			continue;
		bag_remove(b, i);
		break;
	}
	if (len != SIZE_MAX)
		bag_add(b, key, value, len);
	return 0;
}

static int put_new(void *bag, const char *key, const void *value, size_t len)
{
	if (len != SIZE_MAX)
		bag_add(bag, key, value, len);
	return 0;
}

int bag_write(struct bag *b, struct machine *m)
{
	return image_write(m, put_new, b);
}

struct machine *bag_read(const struct bag *b,
			 const struct machine_config *config, int *error,
			 char why[256])
{
	struct image_record *list =
		must(malloc((b->count + 1) * sizeof(*list)));
	struct machine *m;

	if (b->count)
		memcpy(list, b->rec, b->count * sizeof(*list));
	m = image_read(config, list, b->count, error, why);
	free(list);
	return m;
}
