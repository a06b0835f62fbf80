/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocation with one place to make it fail; see mem.h. */
#include "xenstored/core/mem.h"

#include <stdlib.h>

/* Of each thread: what a writer of checkpoints lacks, no step has lacked. */
static _Thread_local long fail_in = -1;
static _Thread_local int failed;
static _Thread_local unsigned long lacks;

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

unsigned long mem_lacks(void)
{
	return lacks;
}

static void *mem_count(void *p)
{
	lacks += !p;
	return p;
}

void *mem_named(const void *parent, size_t size, const char *name)
{
	return mem_count(mem_refuse() ? NULL :
			 _talloc_zero(parent, size, name));
}

void *mem_block(size_t size)
{
	return mem_count(mem_refuse() ? NULL : malloc(size));
}

void *mem_grow(void *block, size_t size)
{
	return mem_count(mem_refuse() ? NULL : realloc(block, size));
}

void *mem_aligned(size_t align, size_t size)
{
	void *p;

	if (posix_memalign(&p, align, size))
		p = NULL;
	return mem_count(p);
}

bool mem_allowed(void)
{
	bool refused = mem_refuse();

	lacks += refused;
	return !refused;
}

void mem_drop(void *block)
{
	free(block);
}
