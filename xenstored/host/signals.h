/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals as input of the loop: SIGTERM and SIGINT end it in order, SIGHUP
 * reopens the trace file (for log rotation).  SIGPIPE is ignored: a reader
 * that went is an error of a call.
 */
#ifndef HOST_SIGNALS_H
#define HOST_SIGNALS_H

struct host;
struct signals;

/* Sets h->signals; 0 or -errno. */
int signals_open(struct host *h);
/* epoll says that a signal is there. */
void signals_turn(struct host *h);

#endif
