/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hash trie branches; see branch.h.  A slot's lowest bit tells a branch from
 * a node.  Every descent is a loop of at most DIR_LEVELS steps.
 */
#include "xenstored/core/branch.h"
#include "xenstored/core/pool.h"

#include <string.h>

#define BITS 5
/* Nodes asked for at once when all are listed. */
#define AHEAD 16

struct dir_branch {
	uint32_t refs;
	uint32_t map;		/* which of 32 are there; bottom level: all */
	uint32_t count;
	uintptr_t slot[];
};

static size_t branch_size(uint32_t count)
{
	return sizeof(struct dir_branch) + count * sizeof(uintptr_t);
}

static void branch_free(struct dir_branch *b)
{
	pool_give(b, branch_size(b->count));
}

static inline bool is_branch(uintptr_t s)
{
	return s & 1;
}

static inline struct dir_branch *as_branch(uintptr_t s)
{
	return (struct dir_branch *)(s & ~(uintptr_t)1);
}

static inline struct node *as_node(uintptr_t s)
{
	return (struct node *)s;
}

static inline uintptr_t of_branch(struct dir_branch *b)
{
	return (uintptr_t)b | 1;
}

static inline uint32_t digit(uint64_t hash, int level)
{
	return (uint32_t)(hash >> (BITS * level)) & 31;
}

static uint64_t name_hash(const struct hash_key *key, struct span name)
{
	return hash_bytes(key, 0, name.at, name.len);
}

static inline bool bottom(int level)
{
	return level >= DIR_LEVELS - 1;
}

static bool slot_is(uintptr_t s, struct span name)
{
	struct node *n = as_node(s);

	return n->name_len == name.len && !memcmp(n->data, name.at, name.len);
}

/* Index of the slot for this digit (or, at the bottom, name); -1: none. */
static int branch_index(const struct dir_branch *b, int level, uint64_t hash,
			struct span name)
{
	uint32_t bit = 1u << digit(hash, level);

	if (bottom(level)) {
		for (uint32_t i = 0; i < b->count; i++)
			if (slot_is(b->slot[i], name))
				return (int)i;
		return -1;
	}
	if (!(b->map & bit))
		return -1;
	return __builtin_popcount(b->map & (bit - 1));
}

struct dir_branch *branch_ref(struct dir_branch *b)
{
	b->refs++;
	return b;
}

/* A branch below dies with it; at most DIR_LEVELS of them are nested. */
void branch_release(struct dir_branch *top, struct node **chain)
{
	struct {
		struct dir_branch *b;
		uint32_t at;
	} up[DIR_LEVELS];
	int depth = 0;

	if (--top->refs)
		return;
	up[0].b = top;
	up[0].at = 0;
	while (depth >= 0) {
		struct dir_branch *b = up[depth].b;
		uintptr_t s;

		if (up[depth].at == b->count) {
			branch_free(b);
			depth--;
			continue;
		}
		s = b->slot[up[depth].at++];
		if (!is_branch(s)) {
			node_chain(chain, as_node(s));
		} else if (!--as_branch(s)->refs) {
			up[++depth].b = as_branch(s);
			up[depth].at = 0;
		}
	}
}

struct node *branch_find(const struct hash_key *key,
			 const struct dir_branch *top, struct span name)
{
	uint64_t hash = name_hash(key, name);
	const struct dir_branch *b = top;

	for (int level = 0; b && level < DIR_LEVELS; level++) {
		int i = branch_index(b, level, hash, name);

		if (i < 0)
			return NULL;
		if (!is_branch(b->slot[i]))
			return slot_is(b->slot[i], name) ?
				as_node(b->slot[i]) : NULL;
		b = as_branch(b->slot[i]);
	}
	return NULL;
}

static struct dir_branch *branch_alloc(uint32_t count)
{
	struct dir_branch *b = pool_take(branch_size(count));

	if (b) {
		b->refs = 1;
		b->map = 0;
		b->count = count;
	}
	return b;
}

static void slot_ref(uintptr_t s)
{
	if (is_branch(s))
		branch_ref(as_branch(s));
	else
		node_ref(as_node(s));
}

/* Put `with` where *b is; the slots of the old one were taken over. */
static void branch_swap(struct dir_branch **b, struct dir_branch *with,
			bool moved)
{
	struct node *chain = NULL;

	if (*b && moved && (*b)->refs == 1)
		branch_free(*b);
	else if (*b)
		branch_release(*b, &chain);
	*b = with;
}

/*
 * A copy of *b with a gap before slot `gap` (gap < 0: none) or without slot
 * `drop` (drop < 0: none), in its place.  References move along if *b is
 * ours alone, else are added.
 */
static bool branch_reshape(struct dir_branch **b, int gap, int drop)
{
	struct dir_branch *old = *b, *c;
	bool ours = old->refs == 1;
	uint32_t to = 0;

	c = branch_alloc(old->count + (gap >= 0) - (drop >= 0));
	if (!c)
		return false;
	c->map = old->map;
	for (uint32_t i = 0; i < old->count; i++) {
		if ((int)i == drop) {
			if (ours)
				node_unref(as_node(old->slot[i]));
			continue;
		}
		if ((int)i == gap)
			to++;
		if (!ours)
			slot_ref(old->slot[i]);
		c->slot[to++] = old->slot[i];
	}
	branch_swap(b, c, true);
	return true;
}

static bool branch_own(struct dir_branch **b)
{
	return (*b)->refs == 1 || branch_reshape(b, -1, -1);
}

/* Owning a branch through a slot of an owned one. */
static bool slot_own(uintptr_t *s, struct dir_branch **out)
{
	struct dir_branch *b = as_branch(*s);
	bool ok = branch_own(&b);

	*s = of_branch(b);
	*out = b;
	return ok;
}

struct node **branch_slot(const struct hash_key *key, struct dir_branch **top,
			  struct span name)
{
	uint64_t hash = name_hash(key, name);
	struct dir_branch *b;

	if (!branch_own(top))
		return NULL;
	b = *top;
	for (int level = 0; level < DIR_LEVELS; level++) {
		int i = branch_index(b, level, hash, name);

		if (!is_branch(b->slot[i]))
			return (struct node **)&b->slot[i];
		if (!slot_own(&b->slot[i], &b))
			return NULL;
	}
	return NULL;
}

/* Put a node into an owned branch that has no slot for its digit. */
static bool slot_insert(struct dir_branch **b, int level, uint64_t hash,
			struct node *child)
{
	uint32_t bit = 1u << digit(hash, level);
	int at = bottom(level) ? (int)(*b)->count :
		__builtin_popcount((*b)->map & (bit - 1));

	if (!branch_reshape(b, at, -1))
		return false;
	(*b)->slot[at] = (uintptr_t)child;
	(*b)->map |= bit;
	return true;
}

/* Two nodes want one slot: put the one there into a branch of its own. */
static bool slot_split(const struct hash_key *key, uintptr_t *s, int level)
{
	struct node *n = as_node(*s);
	uint64_t hash = name_hash(key, node_name(n));
	struct dir_branch *b = branch_alloc(1);

	if (!b)
		return false;
	b->map = bottom(level) ? 0 : 1u << digit(hash, level);
	b->slot[0] = (uintptr_t)n;
	*s = of_branch(b);
	return true;
}

bool branch_add(const struct hash_key *key, struct dir_branch **top,
		struct node *child)
{
	uint64_t hash = name_hash(key, node_name(child));
	struct span none = { "", 0 };
	struct dir_branch *b, **at = top;
	uintptr_t *from = NULL;

	if (!*top && !(*top = branch_alloc(0)))
		return false;
	if (!branch_own(top))
		return false;
	for (int level = 0; level < DIR_LEVELS; level++) {
		int i = branch_index(*at, level, hash, none);
		bool ok;

		if (i < 0 || bottom(level)) {
			ok = slot_insert(at, level, hash, child);
			if (from)
				*from = of_branch(*at);
			return ok;
		}
		from = &(*at)->slot[i];
		if (!is_branch(*from) && !slot_split(key, from, level + 1))
			return false;
		if (!slot_own(from, &b))
			return false;
		at = &b;
	}
	return false;
}

/*
 * Take a name out.  A branch left with one node is folded into its parent,
 * so that the trie of a directory does not depend on what was in it before.
 */
bool branch_remove(const struct hash_key *key, struct dir_branch **top,
		   struct span name)
{
	uint64_t hash = name_hash(key, name);
	uintptr_t *path[DIR_LEVELS];
	struct dir_branch *b;
	int level, i;

	if (!branch_own(top))
		return false;
	b = *top;
	for (level = 0;; level++) {
		i = branch_index(b, level, hash, name);
		if (!is_branch(b->slot[i]))
			break;
		path[level] = &b->slot[i];
		if (!slot_own(path[level], &b))
			return false;
	}
	if (!branch_reshape(&b, -1, i))
		return false;
	if (!bottom(level))
		b->map &= ~(1u << digit(hash, level));
	if (!level) {
		*top = b;
		return true;
	}
	*path[level - 1] = of_branch(b);
	while (level && b->count == 1 && !is_branch(b->slot[0])) {
		*path[level - 1] = b->slot[0];
		branch_free(b);
		level--;
		b = level ? as_branch(*path[level - 1]) : *top;
	}
	return true;
}

static void iter_push(struct dir_iter *it, const struct dir_branch *b,
		      const struct dir_branch *twin)
{
	it->depth++;
	it->level[it->depth].b = b;
	it->level[it->depth].twin = twin;
	it->level[it->depth].at = 0;
}

/*
 * What stands in the other branch where slot `at` stands in this one; 0:
 * nothing.  The two are of one level, as walks go down both in step.
 */
static uintptr_t iter_twin(const struct dir_branch *b, uint32_t at,
			   const struct dir_branch *twin, bool last)
{
	uint32_t map = b->map, bit;

	if (!twin)
		return 0;
	/* A list: what was added or taken out moves few of the others. */
	if (last)
		return at < twin->count ? twin->slot[at] : 0;
	while (at--)
		map &= map - 1;
	bit = map & -map;
	return twin->map & bit ?
		twin->slot[__builtin_popcount(twin->map & (bit - 1))] : 0;
}

void branch_iter_start(struct dir_iter *it, const struct dir_branch *top,
		       const struct dir_branch *twin)
{
	it->depth = -1;
	iter_push(it, top, twin);
}

struct node *branch_iter_next(struct dir_iter *it)
{
	while (it->depth >= 0) {
		const struct dir_branch *b = it->level[it->depth].b;
		uint32_t at = it->level[it->depth].at++;
		uintptr_t s, other;

		if (at == b->count) {
			it->depth--;
			continue;
		}
		s = b->slot[at];
		other = iter_twin(b, at, it->level[it->depth].twin,
				  bottom(it->depth));
		if (s == other)
			continue;
		if (!is_branch(s))
			return as_node(s);
		iter_push(it, as_branch(s), is_branch(other) ?
			  as_branch(other) : NULL);
	}
	return NULL;
}

/* The nodes alone; of where they lie, nothing is looked at yet. */
static struct dir_aged *gather_nodes(const struct dir_branch *top,
				     struct dir_aged *to)
{
	struct {
		const struct dir_branch *b;
		uint32_t at;
	} up[DIR_LEVELS] = { { top, 0 } };
	int depth = 0;

	while (depth >= 0) {
		const struct dir_branch *b = up[depth].b;
		uint32_t at = up[depth].at;

		while (at < b->count && !is_branch(b->slot[at]))
			to++->n = as_node(b->slot[at++]);
		up[depth].at = at + 1;
		if (at == b->count) {
			depth--;
			continue;
		}
		depth++;
		up[depth].b = as_branch(b->slot[at]);
		up[depth].at = 0;
	}
	return to;
}

/* They lie anywhere: each is asked for some time before it is looked at. */
void branch_gather(const struct dir_branch *top, struct dir_aged *to)
{
	const struct dir_aged *end = gather_nodes(top, to);

	for (; to < end; to++) {
		if (end - to > AHEAD)
			__builtin_prefetch(to[AHEAD].n);
		to->seq = to->n->seq;
	}
}
