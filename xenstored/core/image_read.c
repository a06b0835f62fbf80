/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine from records; see image.h.  Records are put into the order in
 * which one builds on the other (machine, domains, nodes by age,
 * connections, watches by age, transactions and their trees), then read
 * strictly: a record that does not fit is the end of it.
 */
#include "xenstored/core/image_read.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/fair.h"
#include "xenstored/core/mem.h"
#include "protocol/path.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int reading_fail(struct reading *r, int err, const char *format, ...)
{
	va_list ap;

	if (!r->err) {
		r->err = err;
		va_start(ap, format);
		vsnprintf(r->why, 256, format, ap);
		va_end(ap);
	}
	return r->err;
}

int reading_damaged(struct reading *r, const struct image_item *item)
{
	if (mem_lacks() != r->lacks)
		return reading_fail(r, -ENOMEM, "no memory");
	return reading_fail(r, -EPROTO, "record \"%.100s\" is damaged",
			    item->rec->key);
}

/* --------------------------------------------------------- one by one -- */

static int read_machine(struct reading *r, struct image_item *item)
{
	struct field_in f = field_of(item->rec->value, item->rec->len);
	struct machine *m = r->m;

	if (m->special[0])
		return reading_damaged(r, item);
	/* Behaviour may change; what a state is made of has this version. */
	if (field_take_number(&f, "image", UINT32_MAX) != IMAGE_VERSION)
		return reading_fail(r, -ENOTSUP,
				    "the image is of another version");
	field_take_number(&f, "machine", UINT32_MAX);
	m->now = field_take_number(&f, "now", UINT64_MAX);
	m->started = field_take_number(&f, "started", UINT64_MAX);
	r->age = field_take_number(&f, "age", UINT64_MAX);
	m->key.k0 = field_take_number(&f, "key0", UINT64_MAX);
	m->key.k1 = field_take_number(&f, "key1", UINT64_MAX);
	r->watch_id = field_take_number(&f, "watch_id", UINT64_MAX);
	m->ask_id = field_take_number(&f, "ask_id", UINT64_MAX);
	r->owned_id = field_take_number(&f, "owned_id", UINT64_MAX);
	m->favour_until = field_take_number(&f, "favour_until", UINT64_MAX);
	m->favour_pause = field_take_number(&f, "favour_pause", UINT64_MAX);
	for (int i = 0; i < QUOTA_COUNT; i++)
		m->config.quota[i] = field_take_number(&f, "quota",
						       UINT64_MAX);
	m->counts.requests = field_take_number(&f, "requests", UINT64_MAX);
	m->counts.events = field_take_number(&f, "events", UINT64_MAX);
	m->counts.merged = field_take_number(&f, "merged", UINT64_MAX);
	m->counts.lost = field_take_number(&f, "lost", UINT64_MAX);
	m->counts.conflicts = field_take_number(&f, "conflicts", UINT64_MAX);
	m->counts.refused = field_take_number(&f, "refused", UINT64_MAX);
	m->counts.held = field_take_number(&f, "held", UINT64_MAX);
	for (int i = 0; i < SPECIAL_COUNT; i++)
		m->special[i] = field_take_acl(&f);
	return field_over(&f) ? 0 : reading_damaged(r, item);
}

static int read_age(struct reading *r, struct image_item *item)
{
	struct field_in f = field_of(item->rec->value, item->rec->len);

	if (item->number >= STATE_DOMAINS || r->m->valid_since[item->number])
		return reading_damaged(r, item);
	r->m->valid_since[item->number] =
		field_take_number(&f, "since", UINT64_MAX);
	return field_over(&f) ? 0 : reading_damaged(r, item);
}

static bool read_owned(struct reading *r, struct domain *d,
		       struct field_in *f)
{
	uint64_t n = field_take_number(f, "owned", UINT32_MAX);

	while (n-- && !f->failed) {
		uint64_t id = field_take_number(f, "id", UINT64_MAX);
		struct span path = field_take_bytes(f, "path",
						    WIRE_ABS_PATH_MAX);
		struct owned *o;

		if (f->failed || path_kind(path) != PATH_ABSOLUTE)
			return false;
		o = owned_new(d->domid, path);
		if (!o)
			return false;
		owned_add(r->m, o);
		o->id = id;
	}
	return true;
}

static int read_domain(struct reading *r, struct image_item *item)
{
	struct field_in f = field_of(item->rec->value, item->rec->len);
	struct domain *d;

	if (item->number >= MACHINE_DOMID_FIRST_RESERVED ||
	    r->m->domain[item->number])
		return reading_damaged(r, item);
	d = domain_new(r->m, item->number, 0, 0);
	if (!d)
		return reading_fail(r, -ENOMEM, "no memory");
	d->instance = field_take_number(&f, "instance", UINT64_MAX);
	d->flags = (uint32_t)field_take_number(&f, "flags", UINT32_MAX);
	d->introduced = field_take_number(&f, "introduced", 1);
	d->shutdown_seen = field_take_number(&f, "shutdown_seen", 1);
	d->target = (int32_t)field_take_number(&f, "stands_for", 65536) - 1;
	d->port = (uint32_t)field_take_number(&f, "port", UINT32_MAX);
	d->features = (uint32_t)field_take_number(&f, "features", UINT32_MAX);
	for (int i = 0; i < QUOTA_COUNT; i++) {
		d->limit[i] = field_take_number(&f, "limit", UINT64_MAX);
		d->own_limit[i] = field_take_number(&f, "own", 1);
		d->refused[i] = field_take_number(&f, "refused", UINT64_MAX);
	}
	r->peak[item->number] = field_take_number(&f, "peak_memory",
						  UINT64_MAX);
	d->log_after = field_take_number(&f, "log_after", UINT64_MAX);
	if (!read_owned(r, d, &f) || !field_over(&f))
		return reading_damaged(r, item);
	return 0;
}

/* ------------------------------------------------------------- nodes -- */

/* Put a node as a record tells into a tree; its parent is there. */
int reading_node(struct reading *r, struct image_item *item,
		 struct node **root)
{
	struct field_in f = field_of(item->rec->value, item->rec->len);
	const struct hash_key *key = &r->m->key;
	struct span up = path_parent(item->path), name, value;
	struct node *n, **slot;
	struct acl *acl;

	field_take_number(&f, "there", 1);
	field_take_number(&f, "seq", UINT64_MAX);
	item->parent = field_take_number(&f, "parent", 1);
	item->children = field_take_number(&f, "children", UINT64_MAX);
	acl = field_take_acl(&f);
	value = field_take_bytes(&f, "value", WIRE_PAYLOAD_MAX);
	if (!field_over(&f)) {
		acl_unref(acl);
		return reading_damaged(r, item);
	}
	acl = reading_share(r, acl);
	name.at = item->path.at + up.len + (up.len > 1);
	name.len = (size_t)(item->path.at + item->path.len - name.at);
	n = node_new(name, value, acl, item->age);
	acl_unref(acl);
	if (!n)
		return reading_fail(r, -ENOMEM, "no memory");
	if (item->path.len == 1 && !*root) {
		*root = n;
		return 0;
	}
	if (item->path.len == 1 || !*root ||
	    !tree_find(key, *root, up) || tree_find(key, *root, item->path)) {
		node_unref(n);
		return reading_damaged(r, item);
	}
	slot = tree_own(key, root, up, NULL);
	if (slot && dir_add(key, &(*slot)->dir, n, 0))
		return 0;
	node_unref(n);
	return reading_fail(r, -ENOMEM, "no memory");
}

/* When all are there: the generation of each one's children, if any. */
int reading_gen(struct reading *r, struct image_item *item,
		struct node **root)
{
	struct node **slot, *chain = NULL;

	if (!item->parent &&
	    !tree_find(&r->m->key, *root, item->path)->dir)
		return 0;
	slot = tree_own(&r->m->key, root, item->path, NULL);
	if (!slot)
		return reading_fail(r, -ENOMEM, "no memory");
	if (!item->parent) {
		/* Its twin in the tree we started from had children once. */
		if (dir_count((*slot)->dir))
			return reading_damaged(r, item);
		dir_release((*slot)->dir, &chain);
		(*slot)->dir = NULL;
		return 0;
	}
	if (!dir_set_gen(&(*slot)->dir, item->children))
		return reading_fail(r, -ENOMEM, "no memory");
	return 0;
}

/* Nodes that inherited one list share it again. */
struct acl *reading_share(struct reading *r, struct acl *acl)
{
	struct acl **last = &r->shared[acl->stamp % IMAGE_SHARED];

	if (*last && (*last)->stamp == acl->stamp && acl_same(*last, acl)) {
		acl_unref(acl);
		return acl_ref(*last);
	}
	acl_unref(*last);
	*last = acl_ref(acl);
	return acl;
}

/* -------------------------------------------------------------- whole -- */

typedef int (*item_read)(struct reading *r, struct image_item *item);

static int read_node(struct reading *r, struct image_item *item)
{
	return reading_node(r, item, &r->m->root);
}

/* In the order in which records are read. */
static const struct {
	const char *word;
	item_read read;
	unsigned int numbers;
	bool path;
	const char *age;	/* the field that orders them, or by number */
} kinds[] = {
	{ "machine", read_machine },
	{ "age", read_age, 1 },
	{ "domain", read_domain, 1 },
	{ "node", read_node, 0, true, "seq" },
	{ "conn", reading_conn, 1, false, "order" },
	{ "watch", reading_watch, 1 },
	{ "tx", reading_transaction, 2, false, "order" },
	{ "base", NULL, 2, true, "seq" },
	{ "own", NULL, 2, true, "seq" },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* The field of that name, wherever it stands in front of any bytes. */
static uint64_t peek_number(const struct image_record *rec, const char *name)
{
	struct field_in f = field_of(rec->value, rec->len);
	uint64_t there;

	if (span_is((struct span){ name, strlen(name) }, "seq")) {
		there = field_take_number(&f, "there", 1);
		if (!there)
			return 0;
	}
	return field_take_number(&f, name, UINT64_MAX);
}

static bool take_word(struct cursor *c, struct span *word)
{
	const char *end = memchr(c->at, ' ', cursor_left(c));

	word->at = c->at;
	word->len = end ? (size_t)(end - c->at) : cursor_left(c);
	c->at = end ? end + 1 : c->end;
	return word->len;
}

static bool item_key(struct image_item *item)
{
	struct cursor c = cursor_of(item->rec->key, strlen(item->rec->key));
	struct span word;
	uint64_t v[2] = { 0, 0 };

	if (!take_word(&c, &word))
		return false;
	for (item->kind = 0; item->kind < KINDS; item->kind++)
		if (span_is(word, kinds[item->kind].word))
			break;
	if (item->kind == KINDS)
		return false;
	for (unsigned int i = 0; i < kinds[item->kind].numbers; i++)
		if (!take_word(&c, &word) ||
		    !span_number(word, UINT64_MAX, &v[i]))
			return false;
	item->number = (uint32_t)v[0];
	item->second = (uint32_t)v[1];
	item->age = v[0];
	item->path = cursor_rest(&c);
	if (kinds[item->kind].age)
		item->age = peek_number(item->rec, kinds[item->kind].age);
	return kinds[item->kind].path ?
		path_kind(item->path) == PATH_ABSOLUTE : !item->path.len;
}

size_t reading_first(const struct reading *r, const struct image_item *like)
{
	size_t from = 0, to = r->items;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		const struct image_item *x = &r->item[mid];
		bool before = x->kind != like->kind ? x->kind < like->kind :
			x->number != like->number ? x->number < like->number :
			x->second < like->second;

		if (before)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

unsigned int reading_kind(const char *word)
{
	unsigned int i = 0;

	while (i < KINDS && strcmp(kinds[i].word, word))
		i++;
	return i;
}

static int item_compare(const void *a, const void *b)
{
	const struct image_item *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->number != y->number && kinds[x->kind].numbers == 2 &&
	    kinds[x->kind].path)
		return x->number < y->number ? -1 : 1;
	if (x->second != y->second && kinds[x->kind].path)
		return x->second < y->second ? -1 : 1;
	if (x->age != y->age)
		return x->age < y->age ? -1 : 1;
	return strcmp(x->rec->key, y->rec->key);
}

static int items_make(struct reading *r, struct image_record *rec,
		      size_t count)
{
	r->item = mem_block((count + 1) * sizeof(*r->item));
	if (!r->item)
		return reading_fail(r, -ENOMEM, "no memory");
	memset(r->item, 0, (count + 1) * sizeof(*r->item));
	for (size_t i = 0; i < count; i++) {
		r->item[i].rec = &rec[i];
		if (!item_key(&r->item[i]))
			return reading_damaged(r, &r->item[i]);
	}
	r->items = count;
	qsort(r->item, count, sizeof(*r->item), item_compare);
	return 0;
}

static int reading_all(struct reading *r)
{
	int err = 0;

	if (!r->items || r->item[0].kind != 0)
		return reading_fail(r, -EPROTO, "there is no machine");
	for (size_t i = 0; i < r->items && !err; i++)
		if (kinds[r->item[i].kind].read)
			err = kinds[r->item[i].kind].read(r, &r->item[i]);
	for (size_t i = 0; i < r->items && !err; i++)
		if (kinds[r->item[i].kind].read == read_node)
			err = reading_gen(r, &r->item[i], &r->m->root);
	if (!err && (!r->m->root || !domain_find(r->m, 0)))
		err = reading_fail(r, -EPROTO, "there is no store");
	return err ? err : reading_finish(r);
}

/* Each record may be sound and yet not go with the others. */
static void say_finding(void *arg, const char *text)
{
	struct reading *r = arg;

	if (mem_lacks() != r->lacks)
		reading_fail(r, -ENOMEM, "no memory");
	else
		reading_fail(r, -EPROTO, "%.200s", text);
}

struct machine *image_read(const struct machine_config *config,
			   struct image_record *records, size_t count,
			   int *error, char why[256])
{
	struct reading r = { .why = why, .lacks = mem_lacks() };

	why[0] = '\0';
	r.peak = mem_block(STATE_DOMAINS * sizeof(*r.peak));
	r.m = r.peak ? machine_bare(config) : NULL;
	if (!r.m)
		reading_fail(&r, -ENOMEM, "no memory");
	else if (!items_make(&r, records, count) && !reading_all(&r) &&
		 machine_check(r.m, say_finding, &r) && !r.err)
		reading_fail(&r, -ENOMEM, "no memory");
	for (unsigned int i = 0; i < IMAGE_SHARED; i++)
		acl_unref(r.shared[i]);
	mem_drop(r.held);
	mem_drop(r.item);
	mem_drop(r.peak);
	*error = r.err;
	if (!r.err) {
		fair_restored(r.m);
		return r.m;
	}
	machine_free(r.m);
	return NULL;
}
