/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listening socket: made here (mode 0600, which is all the access control
 * there is: whoever can connect is privileged), or taken over from systemd.
 */
#ifndef HOST_LISTENER_H
#define HOST_LISTENER_H

#include <stdbool.h>

struct host;
struct listener;

/*
 * `fd`: a listening socket that was handed over, or -1.  Sets h->listener;
 * 0 or -errno, -EADDRINUSE if another daemon answers there.
 */
int listener_open(struct host *h, int fd);
/*
 * A socket that listens already, of another binary in this process; `ours`:
 * its name is removed when we end.
 */
int listener_adopt(struct host *h, int fd, bool ours);
/* Its descriptor, -1: there is none; and whether its name is ours. */
int listener_fd(const struct host *h);
bool listener_ours(const struct host *h);
/* Take a batch of waiting clients; the kernel keeps the others. */
void listener_accept(struct host *h);
/* TIMER_ACCEPT: after descriptors had run out. */
void listener_resume(struct host *h);
/* Close, and remove the name if it is ours. */
void listener_close(struct host *h);

#endif
