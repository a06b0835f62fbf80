/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The subcommands of xs-probe channel.  Each gets what stands behind its
 * name, and returns a probe_exit.
 */
#ifndef XS_PROBE_CHANNEL_H
#define XS_PROBE_CHANNEL_H

#include "tools/xs-probe/probe.h"

/* channel_show.c */
int channel_list(struct probe *probe, int argc, char **argv);
int channel_show(struct probe *probe, int argc, char **argv);
int channel_watch(struct probe *probe, int argc, char **argv);
/* channel_ping.c */
int channel_ping(struct probe *probe, int argc, char **argv);
int channel_echo(struct probe *probe, int argc, char **argv);

/* Set by SIGINT and SIGTERM, once this was called. */
extern volatile int channel_interrupted;
void channel_catch_signals(void);
/* Pass the time so, in microseconds, or until interrupted. */
void channel_pass(uint64_t time);

#endif
