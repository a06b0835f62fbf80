/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two channel examples share: a client on the socket, an end on it,
 * a loop around both.  The socket "ring" is the ring of a simxen guest.  One end a process.  SIGTERM and SIGINT close it.
 */
#ifndef TOOLS_EXAMPLES_CHANNEL_TALK_H
#define TOOLS_EXAMPLES_CHANNEL_TALK_H

#include <proxenos/channel.h>

/* Ends the process with a line on stderr if it cannot. */
struct px_channel *channel_talk_open(const char *socket,
				     const struct px_channel_options *options);
/* Until *over; `tick` (may be NULL) every so many microseconds. */
void channel_talk_run(const bool *over, uint64_t every, void (*tick)(void));

#endif
