/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live update: another binary goes on in this very process, with the same
 * sockets and event channels, where this one stopped (docs/live-update.md).
 *
 * The sequence is the one of xenstore-control: CONTROL live-update -f FILE,
 * optionally -c ARGS, then -s [-F] [-t SECONDS]; -a gives up.  The last one
 * is answered by the new binary, or by the old with the reason.
 *
 * What can be tried is tried in a child first, on copies: the state is
 * written there, and the new binary reads all of it there and says whether it
 * can.  Only then does this process exec it; until then it has changed
 * nothing, and simply goes on if anything fails.
 */
#ifndef HOST_UPDATE_H
#define HOST_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/cursor.h"

struct host;
struct options;

/* In place of an errno: the answer comes later, by update_turn(). */
#define UPDATE_LATER UINT32_MAX

/*
 * A live-update command of connection `conn`; `ask` is answered if it is
 * UPDATE_LATER that is returned.  Else 0 and the words of the answer in
 * *text, or a positive errno.
 */
uint32_t update_command(struct host *h, uint32_t conn, uint64_t ask,
			struct cursor *args, const char **text);

/* At the end of a pass: go on with an update that was started. */
void update_turn(struct host *h);

/* --check-state: read the state; the exit status, with words on stderr. */
int update_check(const struct options *o);

/*
 * The three steps of a start that goes on where another binary stopped: the
 * machine (needs the hypervisor), what the host takes over before it opens
 * anything of its own, and the connections (needs everything).
 */
int update_load(struct host *h);
int update_listener(struct host *h);
int update_resume(struct host *h);
/* Its journal: the first segment, and what begins it. */
uint64_t update_segment(const struct host *h);
void update_journal(struct host *h);
/* The store is that of the binary before, with its generation. */
bool update_same_store(const struct host *h);

#endif
