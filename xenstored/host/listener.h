/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listening socket: made here (mode 0600, which is all the access control
 * there is: whoever can connect is privileged), or taken over from systemd.
 */
#ifndef HOST_LISTENER_H
#define HOST_LISTENER_H

struct host;
struct listener;

/*
 * `fd`: a listening socket that was handed over, or -1.  Sets h->listener;
 * 0 or -errno, -EADDRINUSE if another daemon answers there.
 */
int listener_open(struct host *h, int fd);
/* Take a batch of waiting clients; the kernel keeps the others. */
void listener_accept(struct host *h);
/* TIMER_ACCEPT: after descriptors had run out. */
void listener_resume(struct host *h);
/* Close, and remove the name if it is ours. */
void listener_close(struct host *h);

#endif
