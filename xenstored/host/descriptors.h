/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that outlive the process: pushed to the service manager's
 * store with FDSTORE=1 and a name, handed back by LISTEN_FDS and
 * LISTEN_FDNAMES to the next process (sd_notify(3), sd_listen_fds(3)).
 *
 *   listen		the listening socket
 *   evtchn		the event channel handle
 *   c<connection>	a client
 *
 * Without a manager nothing is kept and nothing comes back.
 */
#ifndef HOST_DESCRIPTORS_H
#define HOST_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

/* Take over what was handed to this process; to be called once. */
void descriptors_receive(void);
/* The descriptor of that name, which is the caller's now; -1: none. */
int descriptors_take(const char *name);
int descriptors_take_client(uint32_t conn);
/* A listening socket, whatever its name; -1: none. */
int descriptors_take_listener(void);
/* Close those that nobody took, and strike them from the store. */
void descriptors_drop_rest(void);

/* Is there a manager that keeps descriptors (or at least might)? */
bool descriptors_kept(void);
void descriptors_push(const char *name, int fd);
void descriptors_push_client(uint32_t conn, int fd);
void descriptors_strike(const char *name);
void descriptors_strike_client(uint32_t conn);

#endif
