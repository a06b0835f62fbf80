/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of the core.  Long-lived objects (connections, domains, watches,
 * transactions) are talloc trees: an object's parent is its owner.  Store
 * nodes, access lists and messages are counted or queued objects of which
 * there may be millions; they are blocks without a header, or pool.h's.
 *
 * Every allocation of the core goes through here, so that a test can make
 * any single one of them fail.
 */
#ifndef CORE_MEM_H
#define CORE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include <talloc.h>

/* A zeroed talloc object; NULL for want of memory. */
void *mem_named(const void *parent, size_t size, const char *name);
#define mem_new(parent, type) ((type *)mem_named(parent, sizeof(type), #type))

/* A block, not zeroed; NULL for want of memory.  Freed with mem_drop(). */
void *mem_block(size_t size);
void *mem_grow(void *block, size_t size);
/* The same at a multiple of `align`, a power of two; for pool.h. */
void *mem_aligned(size_t align, size_t size);
/* May one of pool.h's be given?  False: that allocation is to fail. */
bool mem_allowed(void);
void mem_drop(void *block);

/*
 * For tests: let the n-th allocation from now (0 the next one) fail once;
 * negative: none.  mem_failed() tells whether it came to that.
 */
void mem_fail_after(long n);
int mem_failed(void);
/* How many allocations of this thread have failed, for whatever reason. */
unsigned long mem_lacks(void);

#endif
