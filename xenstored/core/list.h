/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An intrusive doubly linked list with a head.  A link that is on no list
 * points to itself, so that removing twice is harmless.
 */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_remove(struct list *l)
{
	l->next->prev = l->prev;
	l->prev->next = l->next;
	list_init(l);
}

static inline void list_append(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

#define list_entry(link, type, member) \
	((type *)((char *)(link) - offsetof(type, member)))
#define list_each(head, l) \
	for (struct list *l = (head)->next; l != (head); l = l->next)
/* As list_each, but `l` may be removed on the way. */
#define list_each_safe(head, l) \
	for (struct list *l = (head)->next, *l##_next = l->next; \
	     l != (head); l = l##_next, l##_next = l->next)

#endif
