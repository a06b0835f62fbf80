/* SPDX-License-Identifier: MIT */
/* The reasons of proxenos/channel.h and their words in a status line. */
#ifndef LIB_CHANNEL_REASON_H
#define LIB_CHANNEL_REASON_H

#include "protocol/cursor.h"

/* "-" for none and for a number that is no reason. */
const char *channel_reason_name(unsigned int reason);
/* A word of a later version counts as none. */
unsigned int channel_reason_of(struct span word);

#endif
