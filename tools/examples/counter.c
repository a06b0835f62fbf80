/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that adds to a number in the store, each time in a transaction:
 * read, write, commit, and again from the start when the commit says that
 * somebody else was faster.  Run two of them on one number at the same time
 * and nothing gets lost.
 *
 *	counter DOMID PATH TIMES
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/examples/guest.h"

/* One try: 0, -EAGAIN for a conflict, or what else went wrong. */
static int add_one(struct guest *g, const char *path)
{
	int64_t tx = guest_start(g);
	char text[24];
	uint64_t n;
	ssize_t len;
	int err;

	if (tx < 0)
		return (int)tx;
	len = guest_read(g, tx, path, text, sizeof(text));
	if (len < 0)
		err = (int)len;
	else
		err = px_client_parse_number(text, len, UINT32_MAX, &n);
	if (!err) {
		snprintf(text, sizeof(text), "%" PRIu64, n + 1);
		err = guest_write(g, tx, path, text);
	}
	if (!err)
		return guest_end(g, tx, true);
	guest_end(g, tx, false);
	return err;
}

int main(int argc, char **argv)
{
	unsigned long times, done = 0, conflicts = 0;
	struct guest g;
	int err = 0;

	if (argc != 4) {
		fputs("usage: counter DOMID PATH TIMES\n", stderr);
		return 2;
	}
	guest_attach(&g, guest_number(argv[1], SIMXEN_MAX_DOMID));
	times = guest_number(argv[3], 1000000);
	guest_connect(&g);
	while (done < times && (!err || err == -EAGAIN)) {
		err = add_one(&g, argv[2]);
		if (!err)
			done++;
		else
			conflicts++;
	}
	step(done == times, "domain %u: %lu transactions committed on its "
	     "ring, %lu tried again after a conflict%s%s", g.domid, done,
	     conflicts, err ? ": " : "", err ? strerror(-err) : "");
	guest_leave(&g);
	return 0;
}
