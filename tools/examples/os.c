/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operating system that finds the ring as firmware left it.  It opens it
 * the one way that is right for every state, and must see what firmware wrote
 * but nothing of what firmware left: no old reply, no old event, and the half
 * request never executed.
 *
 *	os tidy|crash DOMID
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/examples/guest.h"

int main(int argc, char **argv)
{
	struct px_client_counters count;
	struct guest_node node;
	char value[64];
	struct guest g;
	ssize_t len;
	bool crash = argc == 3 && !strcmp(argv[1], "crash");

	if (!crash && (argc != 3 || strcmp(argv[1], "tidy") != 0)) {
		fputs("usage: os tidy|crash DOMID\n", stderr);
		return 2;
	}
	guest_attach(&g, guest_number(argv[2], SIMXEN_MAX_DOMID));
	guest_connect(&g);
	if (crash)
		step(g.transport.ring.found & PX_RING_FOUND_REPLIES,
		     "next system: found old replies, had the ring reset");
	else
		step(!g.transport.ring.found,
		     "next system: found the ring fresh");
	step(guest_read(&g, 0, "data/firmware", value, sizeof(value)) == 4 &&
	     !strcmp(value, "seen"), "next system: reads what firmware wrote");
	len = px_client_call_list(g.client, 0, "data", value, sizeof(value),
				  GUEST_PATIENCE);
	step(len == 9 && !memcmp(value, "firmware", 9),
	     "next system: the half request was never executed");
	step(!guest_follow(&g, &node, "data/os") &&
	     !guest_write(&g, 0, "data/os", "up") &&
	     !guest_until(&g, &node, "up"),
	     "next system: its own watch works");
	step(guest_write(&g, 0, "/local/domain/0/name", "mine") == -EACCES,
	     "next system: may not write what belongs to dom0");
	px_client_count(g.client, &count);
	step(!count.stray_events && !count.protocol_errors,
	     "next system: not one byte from before");
	guest_leave(&g);
	return 0;
}
