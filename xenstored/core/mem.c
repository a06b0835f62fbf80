/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocation with one place to make it fail; see mem.h. */
#include "xenstored/core/mem.h"

#include <stdlib.h>

static long fail_in = -1;
static int failed;

static int mem_refuse(void)
{
	if (fail_in < 0)
		return 0;
	if (fail_in-- > 0)
		return 0;
	failed = 1;
	return 1;
}

void mem_fail_after(long n)
{
	fail_in = n;
	failed = 0;
}

int mem_failed(void)
{
	return failed;
}

void *mem_named(const void *parent, size_t size, const char *name)
{
	void *p;

	if (mem_refuse())
		return NULL;
	p = _talloc_zero(parent, size, name);
	return p;
}

void *mem_block(size_t size)
{
	return mem_refuse() ? NULL : malloc(size);
}

void *mem_grow(void *block, size_t size)
{
	return mem_refuse() ? NULL : realloc(block, size);
}

void mem_drop(void *block)
{
	free(block);
}
