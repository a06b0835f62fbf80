/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a toolstack says to xenstored when it has built a domain: here is its
 * page, there is its port.  The one step of domain creation for which Xen's
 * own command-line programs have no name.
 *
 *	introduce DOMID...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/examples/guest.h"

struct answer {
	int done;
	int result;
};

static void answered(void *arg, int result, const char *data, size_t len)
{
	struct answer *a = arg;

	a->done = 1;
	a->result = result;
}

static int introduce(struct px_client *client, struct simxen *machine,
		     unsigned int domid)
{
	struct simxen_domain_info info;
	struct answer a = { 0, 0 };
	int err = simxen_domain_info(machine, domid, &info);

	if (!err)
		err = px_client_introduce(client, domid, info.gfn, info.port,
					  answered, &a);
	if (!err)
		err = px_client_wait(client, &a.done, GUEST_PATIENCE);
	return err ? err : a.result;
}

int main(int argc, char **argv)
{
	struct px_transport_unix transport;
	struct px_client *client;
	struct simxen *machine;
	size_t size = px_client_size(NULL);
	void *memory;
	int err;

	if (argc < 2) {
		fputs("usage: introduce DOMID...\n", stderr);
		return 2;
	}
	memory = malloc(size);
	step(memory && !simxen_open(NULL, &machine), "toolstack: on simxen");
	err = px_transport_unix_init(&transport, NULL);
	if (!err)
		err = px_client_init(memory, size, NULL, &client);
	if (!err)
		err = px_client_open(client, &transport.base);
	if (!err)
		err = px_client_wait_up(client, GUEST_PATIENCE);
	step(!err, "toolstack: connected to xenstored%s%s", err ? ": " : "",
	     err ? strerror(-err) : "");
	for (int i = 1; i < argc; i++) {
		unsigned int domid = guest_number(argv[i], SIMXEN_MAX_DOMID);

		err = introduce(client, machine, domid);
		step(!err, "toolstack: domain %u introduced%s%s", domid,
		     err ? ": " : "", err ? strerror(-err) : "");
	}
	px_client_close(client);
	free(memory);
	simxen_close(machine);
	return 0;
}
