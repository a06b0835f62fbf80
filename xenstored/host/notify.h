/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Talking to the service manager: the protocol of sd_notify(3) and
 * sd_listen_fds(3), which is a datagram and three variables.  It is spoken
 * here rather than through libsystemd so that one and the same code runs, and
 * is tested, with systemd, with another manager of that protocol, and with
 * none.
 */
#ifndef HOST_NOTIFY_H
#define HOST_NOTIFY_H

#include <stdint.h>

/* "READY=1" and the like.  Without a manager nothing is done. */
void notify_send(const char *text);
/* How often WATCHDOG=1 is wanted, in microseconds; 0: never. */
uint64_t notify_watchdog(void);
/* The same with a descriptor for the manager's store. */
void notify_send_fd(const char *text, int fd);
/* How many descriptors were handed to this process, from 3 on. */
uint64_t notify_listen_count(void);

#endif
