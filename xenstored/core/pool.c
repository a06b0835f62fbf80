/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects of one size side by side; see pool.h. */
#include "xenstored/core/pool.h"
#include "xenstored/core/list.h"
#include "xenstored/core/mem.h"

#include <stdint.h>

#ifdef __SANITIZE_ADDRESS__

void *pool_take(size_t size)
{
	return mem_block(size);
}

void pool_give(void *p, size_t size)
{
	mem_drop(p);
}

#else

#define STEP 8
#define CLASSES (POOL_MAX / STEP + 1)
/* Pages lie at multiples of this; the allocator's own header fits as well. */
#define PAGE 16384
#define PAGE_USED (PAGE - 2 * sizeof(size_t))

struct page {
	struct list in_class;		/* if there is room in it */
	void *free;			/* objects given back, a chain */
	uint16_t used, room;		/* objects */
	uint16_t fresh;			/* those from here on: never used */
	uint16_t size;
};

#define PAGE_HEAD ((sizeof(struct page) + STEP - 1) / STEP * STEP)

/* Pages with room, by size; an empty list is told by its NULL. */
static struct list with_room[CLASSES];

static struct list *class_of(size_t size)
{
	struct list *class = &with_room[(size + STEP - 1) / STEP];

	if (!class->next)
		list_init(class);
	return class;
}

static struct page *page_new(size_t size)
{
	struct page *page = mem_aligned(PAGE, PAGE_USED);

	if (!page)
		return NULL;
	page->size = (uint16_t)((size + STEP - 1) / STEP * STEP);
	page->room = (uint16_t)((PAGE_USED - PAGE_HEAD) / page->size);
	page->used = page->fresh = 0;
	page->free = NULL;
	return page;
}

static struct page *page_of(void *p)
{
	return (struct page *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1));
}

static void *page_take(struct page *page)
{
	void *p = page->free;

	if (p)
		page->free = *(void **)p;
	else
		p = (char *)page + PAGE_HEAD + page->size * page->fresh++;
	if (++page->used == page->room)
		list_remove(&page->in_class);
	return p;
}

void *pool_take(size_t size)
{
	struct list *class;
	struct page *page;

	if (size > POOL_MAX || !size)
		return mem_block(size);
	if (!mem_allowed())
		return NULL;
	class = class_of(size);
	if (!list_empty(class)) {
		page = list_entry(class->next, struct page, in_class);
	} else {
		page = page_new(size);
		if (!page)
			return NULL;
		list_append(class, &page->in_class);
	}
	return page_take(page);
}

/* The last page with room stays, so that one object coming and going is no
 * page coming and going. */
void pool_give(void *p, size_t size)
{
	struct list *class;
	struct page *page;

	if (size > POOL_MAX || !size || !p) {
		mem_drop(p);
		return;
	}
	class = class_of(size);
	page = page_of(p);
	*(void **)p = page->free;
	page->free = p;
	if (page->used-- == page->room)
		list_append(class, &page->in_class);
	if (page->used || class->next == class->prev)
		return;
	list_remove(&page->in_class);
	mem_drop(page);
}

#endif
