/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small directories, and the choice between small and hashed; see dir.h. */
#include "xenstored/core/dir.h"
#include "xenstored/core/branch.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/pool.h"

#include <string.h>

static size_t dir_size(uint8_t room)
{
	return sizeof(struct dir) + room * sizeof(struct node *);
}

struct dir *dir_ref(struct dir *d)
{
	d->refs++;
	return d;
}

void dir_release(struct dir *d, struct node **chain)
{
	if (--d->refs)
		return;
	if (d->hashed)
		branch_release(d->top, chain);
	else
		for (uint32_t i = 0; i < d->count; i++)
			node_chain(chain, d->child[i]);
	pool_give(d, dir_size(d->room));
}

static bool name_is(const struct node *n, struct span name)
{
	return n->name_len == name.len && !memcmp(n->data, name.at, name.len);
}

static int small_index(const struct dir *d, struct span name)
{
	for (uint32_t i = 0; i < d->count; i++)
		if (name_is(d->child[i], name))
			return (int)i;
	return -1;
}

struct node *dir_find(const struct hash_key *key, const struct dir *d,
		      struct span name)
{
	int i;

	if (!d)
		return NULL;
	if (d->hashed)
		return branch_find(key, d->top, name);
	i = small_index(d, name);
	return i < 0 ? NULL : d->child[i];
}

/* An own small directory with room for one more, holding the same. */
static struct dir *small_copy(const struct dir *d, uint8_t room)
{
	struct dir *c = pool_take(dir_size(room));

	if (!c)
		return NULL;
	c->refs = 1;
	c->count = d ? d->count : 0;
	c->gen = d ? d->gen : 0;
	c->hashed = false;
	c->room = room;
	c->top = NULL;
	for (uint32_t i = 0; i < c->count; i++)
		c->child[i] = node_ref(d->child[i]);
	return c;
}

static struct dir *hashed_new(struct dir_branch *top, uint32_t count,
			      uint64_t gen)
{
	struct dir *c = pool_take(dir_size(0));

	if (!c)
		return NULL;
	c->refs = 1;
	c->count = count;
	c->gen = gen;
	c->hashed = true;
	c->room = 0;
	c->top = top;
	return c;
}

static void dir_replace(struct dir **d, struct dir *with)
{
	struct node *chain = NULL;

	if (*d)
		dir_release(*d, &chain);
	/* Everything in the old one is held by the new one as well. */
	*d = with;
}

/* Make *d ours, with room for `more` children if it is small. */
static bool dir_own(struct dir **d, unsigned int more)
{
	struct dir *c;
	uint32_t need = dir_count(*d) + more;

	if (*d && (*d)->refs == 1 && ((*d)->hashed || need <= (*d)->room))
		return true;
	if (*d && (*d)->hashed) {
		c = hashed_new((*d)->top, (*d)->count, (*d)->gen);
		if (c)
			branch_ref(c->top);
	} else {
		c = small_copy(*d, (uint8_t)(more ? need + need / 2 : need));
	}
	if (!c)
		return false;
	dir_replace(d, c);
	return true;
}

struct node **dir_slot(const struct hash_key *key, struct dir **d,
		       struct span name)
{
	if (!dir_own(d, 0))
		return NULL;
	if ((*d)->hashed)
		return branch_slot(key, &(*d)->top, name);
	return &(*d)->child[small_index(*d, name)];
}

/* From array to hash trie, when the array is full. */
static bool dir_to_hashed(const struct hash_key *key, struct dir **d)
{
	struct node *chain = NULL;
	struct dir_branch *top = NULL;
	struct dir *c;

	for (uint32_t i = 0; i < (*d)->count; i++) {
		if (branch_add(key, &top, node_ref((*d)->child[i])))
			continue;
		node_unref((*d)->child[i]);
		goto fail;
	}
	c = hashed_new(top, (*d)->count, (*d)->gen);
	if (!c)
		goto fail;
	dir_replace(d, c);
	return true;
fail:
	if (top)
		branch_release(top, &chain);
	return false;
}

bool dir_add(const struct hash_key *key, struct dir **d, struct node *child,
	     uint64_t gen)
{
	uint32_t i;

	if (dir_count(*d) >= DIR_SMALL && !(*d)->hashed &&
	    !dir_to_hashed(key, d))
		return false;
	if (!dir_own(d, 1))
		return false;
	if ((*d)->hashed) {
		if (!branch_add(key, &(*d)->top, child))
			return false;
	} else {
		/* Nearly always the youngest; a restored one may not be. */
		i = (*d)->count;
		for (; i && (*d)->child[i - 1]->seq > child->seq; i--)
			(*d)->child[i] = (*d)->child[i - 1];
		(*d)->child[i] = child;
	}
	(*d)->count++;
	(*d)->gen = gen;
	return true;
}

bool dir_remove(const struct hash_key *key, struct dir **d, struct span name,
		uint64_t gen)
{
	struct node *gone;
	uint32_t i;

	if (!dir_own(d, 0))
		return false;
	if ((*d)->hashed) {
		if (!branch_remove(key, &(*d)->top, name))
			return false;
	} else {
		i = (uint32_t)small_index(*d, name);
		gone = (*d)->child[i];
		memmove(&(*d)->child[i], &(*d)->child[i + 1],
			((*d)->count - i - 1) * sizeof(gone));
		node_unref(gone);
	}
	(*d)->count--;
	(*d)->gen = gen;
	return true;
}

bool dir_set_gen(struct dir **d, uint64_t gen)
{
	if (!dir_own(d, *d ? 0 : 1))
		return false;
	(*d)->gen = gen;
	return true;
}

void dir_iter_start_unlike(struct dir_iter *it, const struct dir *d,
			   const struct dir *twin)
{
	it->d = d;
	it->at = 0;
	it->depth = -1;
	if (d && d->hashed && d->top)
		branch_iter_start(it, d->top, twin && twin->hashed ?
				  twin->top : NULL);
}

void dir_iter_start(struct dir_iter *it, const struct dir *d)
{
	dir_iter_start_unlike(it, d, NULL);
}

struct node *dir_iter_next(struct dir_iter *it)
{
	if (!it->d)
		return NULL;
	if (it->d->hashed)
		return branch_iter_next(it);
	return it->at < it->d->count ? it->d->child[it->at++] : NULL;
}

/* ------------------------------------------------------------ listing -- */

#define RADIX_BITS 11
#define RADIX (1u << RADIX_BITS)

/* One pass of a radix sort: stable, by eleven bits. */
static void radix_pass(const struct dir_aged *from, struct dir_aged *to,
		       uint32_t n, unsigned int shift)
{
	uint32_t at[RADIX] = { 0 }, sum = 0;

	for (uint32_t i = 0; i < n; i++)
		at[from[i].seq >> shift & (RADIX - 1)]++;
	for (unsigned int d = 0; d < RADIX; d++) {
		uint32_t count = at[d];

		at[d] = sum;
		sum += count;
	}
	for (uint32_t i = 0; i < n; i++)
		to[at[from[i].seq >> shift & (RADIX - 1)]++] = from[i];
}

/*
 * Sort a[0..n-1] by age, with a[n..2n-1] for room.  Bits that are the same in
 * all need no pass.
 */
static struct dir_aged *radix_sort(struct dir_aged *a, uint32_t n)
{
	struct dir_aged *from = a, *to = a + n, *swap;
	uint64_t unlike = 0;

	for (uint32_t i = 1; i < n; i++)
		unlike |= a[i].seq ^ a[0].seq;
	for (unsigned int shift = 0; shift < 64 && unlike >> shift;
	     shift += RADIX_BITS) {
		if (!(unlike >> shift & (RADIX - 1)))
			continue;
		radix_pass(from, to, n, shift);
		swap = from;
		from = to;
		to = swap;
	}
	return from;
}

static bool list_hashed(const struct dir *d, struct node **list)
{
	uint32_t n = dir_count(d);
	struct dir_aged *room = mem_block(2 * (size_t)n * sizeof(*room)),
			*sorted;

	if (!room)
		return false;
	branch_gather(d->top, room);
	sorted = radix_sort(room, n);
	for (uint32_t i = 0; i < n; i++)
		list[i] = sorted[i].n;
	mem_drop(room);
	return true;
}

struct node **dir_list(const struct dir *d)
{
	uint32_t n = dir_count(d);
	struct node **list;

	if (!n)
		return NULL;
	list = mem_block(n * sizeof(*list));
	if (!list)
		return NULL;
	if (!d->hashed) {
		memcpy(list, d->child, n * sizeof(*list));
	} else if (!list_hashed(d, list)) {
		mem_drop(list);
		return NULL;
	}
	return list;
}
