/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How old a guest's snapshot may get; see stale.h. */
#include "xenstored/core/stale.h"
#include "xenstored/core/conn.h"

/* Its snapshot is of now; what it has read and written is of no use. */
static void stale_renew(struct machine *m, struct transaction *t)
{
	if (!t->failed)
		t->failed = WIRE_EAGAIN;
	change_fini(&t->own);
	change_init(&t->own, m, m->root, false);
	node_unref(t->base);
	t->base = node_ref(m->root);
	t->fresh = m->stale;
	list_remove(&t->in_pinning);
	list_append(&m->pinning, &t->in_pinning);
}

void stale_publish(struct machine *m, uint64_t bytes)
{
	m->stale += bytes;
	while (!list_empty(&m->pinning)) {
		struct transaction *t = list_entry(m->pinning.next,
				struct transaction, in_pinning);

		if (m->stale - t->fresh <= STALE_MAX)
			break;
		stale_renew(m, t);
	}
}

/* In the order of their snapshots, whatever that of the records. */
void stale_restore(struct transaction *t, uint64_t stale)
{
	struct machine *m = t->own.m;
	struct list *before = &m->pinning;

	t->fresh = m->stale - stale;
	if (list_empty(&t->in_pinning))
		return;
	list_remove(&t->in_pinning);
	list_each(&m->pinning, l) {
		struct transaction *other =
			list_entry(l, struct transaction, in_pinning);

		if (m->stale - other->fresh < stale) {
			before = l;
			break;
		}
	}
	list_append(before, &t->in_pinning);
}
