/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for the objects of which there are as many as nodes: nodes, small
 * directories, branches, access lists.  malloc() rounds each up to 16 bytes
 * and adds 8: of the 85 bytes that a small node in a large store took, 15.
 *
 * Pages of 16 KB hold objects of one size each, in steps of 8 bytes; a page
 * is given back when all of it is free, so a store that has shrunk is small.
 * What is larger than POOL_MAX is a block of mem.h.
 *
 * Of the machine's thread only.  With AddressSanitizer every object is a
 * block, so that it sees each.
 */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include <stddef.h>

#define POOL_MAX 512

/* Not zeroed; NULL: no memory. */
void *pool_take(size_t size);
/* The size must be the one it was taken with. */
void pool_give(void *p, size_t size);

#endif
