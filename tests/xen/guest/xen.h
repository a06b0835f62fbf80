/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The little that the guest needs of Xen: its ring, a notification, the
 * processor's time given away, an end.
 */
#ifndef TESTS_XEN_GUEST_XEN_H
#define TESTS_XEN_GUEST_XEN_H

#include "proxenos/ring.h"

struct start_info;

/* Remembers the event channel; returns the page. */
struct ring_page *xen_start(const struct start_info *info);

/* For px_ring: tell the daemon; let others run.  Both return 0 or negative. */
int xen_notify(void *ctx);
int xen_wait(void *ctx);

/* The domain ends: 0 as by `poweroff`, else as by a crash. */
void xen_end(int reason) __attribute__((noreturn));

#endif
