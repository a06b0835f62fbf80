/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel without a store: the functions of channel.h for two ends in one
 * process, that keep what channel.h promises and no more.  The test decides
 * when the link is cut.  An end is known by the `self` of its options, 0 or
 * 1; the client is not looked at.
 */
#ifndef TESTS_SESSION_FAKE_CHANNEL_H
#define TESTS_SESSION_FAKE_CHANNEL_H

#include <proxenos/channel.h>

/* Both ends go down, each when it is processed next. */
void fake_cut(void);
/* The process of this end is no more. */
void fake_kill(unsigned int self);
/* Nobody there, nothing on the way. */
void fake_reset(void);
bool fake_is_up(unsigned int self);
/*
 * Put a message of the test's own in the way of `to`, behind what is there.
 * Up only.
 */
void fake_inject(unsigned int to, const void *bytes, size_t len);

#endif
