/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last directory that was listed in parts, as the bytes that go into the
 * replies.  A large directory is fetched by many DIRECTORY_PARTs, and to sort
 * its children anew for each of them would cost the square of its size.
 *
 * It is no state: what it holds follows from the tree, and a machine without
 * it answers alike.  One is kept, of at most LISTING_MAX bytes.
 */
#ifndef CORE_LISTING_H
#define CORE_LISTING_H

#include "xenstored/core/state.h"

#define LISTING_MAX (16u << 20)

/*
 * All names of a node's children in order of creation, each with its NUL;
 * valid until the next call.  False: no memory.
 */
bool listing_get(struct machine *m, const struct node *n, struct span *out);
void listing_drop(struct machine *m);

#endif
