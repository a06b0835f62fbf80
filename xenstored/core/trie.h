/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The watch trie's inner functions, for fire.c; watch.h is its face. */
#ifndef CORE_TRIE_H
#define CORE_TRIE_H

#include "protocol/cursor.h"
#include "xenstored/core/watch.h"

struct watch_node *trie_child(const struct machine *m,
			      const struct watch_node *parent,
			      struct span name);

#endif
