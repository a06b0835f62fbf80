/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A doubly linked list through a member of the objects themselves.  The host
 * keeps "who needs a turn" in such lists, so that the work of a pass is
 * proportional to what is ready and queueing never allocates.
 *
 * An item that is in no list is linked to itself; adding one that is in a
 * list already is a no-op, so "queue it" may be said as often as one likes
 * and nobody gets two turns.
 */
#ifndef HOST_LIST_H
#define HOST_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev;
	struct list *next;
};

#define list_of(item, type, member) \
	((type *)(void *)((char *)(item) - offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->prev = l;
	l->next = l;
}

/* No item (of a head), in no list (of an item). */
static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_del(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

/* To the tail, unless the item is in a list already. */
static inline void list_queue(struct list *head, struct list *item)
{
	if (!list_empty(item))
		return;
	item->prev = head->prev;
	item->next = head;
	head->prev->next = item;
	head->prev = item;
}

/* The first item, taken out; NULL if there is none. */
static inline struct list *list_pop(struct list *head)
{
	struct list *item = head->next;

	if (item == head)
		return NULL;
	list_del(item);
	return item;
}

/* All items of `from` to the empty head `to`, which takes their place. */
static inline void list_take(struct list *to, struct list *from)
{
	list_init(to);
	if (list_empty(from))
		return;
	to->next = from->next;
	to->prev = from->prev;
	to->next->prev = to;
	to->prev->next = to;
	list_init(from);
}

#endif
