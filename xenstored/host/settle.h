/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Upgrades after a death.  A journal is replayed by the version of the
 * machine that wrote it and by no other; so each daemon keeps a copy of its
 * own binary beside its state, daemon.<version of the machine>.  One that
 * finds a journal of another version runs that copy with --settle: it loads,
 * replays, writes a checkpoint and ends, and touches neither Xen nor a
 * socket.  What it leaves is a checkpoint, which every version reads that
 * knows its image.
 */
#ifndef HOST_SETTLE_H
#define HOST_SETTLE_H

#include <stdint.h>

struct host;
struct recovery;

/*
 * Keep this binary.  Not having it matters only to an upgrade after a death;
 * so a failure is logged, and the start goes on.
 */
void settle_keep(struct host *h);
/* The state is ours from now on: the binaries of others are of no use. */
void settle_forget(struct host *h);

/*
 * Have the journal replayed by its own binary; the state must not be open
 * here.  0, or -ESTALE with the reason in r->why; then it is as it was.
 */
int settle_run(struct host *h, struct recovery *r);

/* The binary of that version goes with the state that it could not replay. */
void settle_aside(const struct host *h, uint32_t machine, const char *dir);

/* --settle: all that such a process does.  0 or -errno. */
int settle_state(struct host *h);

#endif
