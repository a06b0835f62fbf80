/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a host with nothing in it to one that can serve. */
#ifndef HOST_START_H
#define HOST_START_H

#include <stdbool.h>

struct host;

/* All steps, in order.  False: one has failed, and the log says which. */
bool start_host(struct host *h);
/* That one alone: the machine's configuration, by the options. */
int start_config(struct host *h);

#endif
