/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients on sockets.  A client is there from its accept to its close; its
 * connection id is its slot in a table and a generation, so that what the
 * world still says about one that has gone cannot be taken for another.
 */
#ifndef HOST_CLIENT_H
#define HOST_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "xenstored/host/host.h"
#include "xenstored/host/meter.h"

/* Most clients at once. */
#define CLIENT_SLOTS (1u << 20)

struct client {
	struct host *host;
	uint32_t conn;
	int fd;
	uint32_t interest;	/* epoll events asked for */
	bool full;		/* the socket took no more */
	struct list out;	/* host: clients_out */
	struct meter meter;
};

/* NULL if it is not (or no longer) there. */
struct client *client_of(const struct host *h, uint32_t conn);

/*
 * Ids are given in generations, whose number is in each; a process begins
 * with the one behind the last that another began, so that no id comes twice
 * while the service manager may hold a descriptor by that name.
 */
uint32_t client_generation(uint32_t conn);
void client_generation_after(struct host *h, uint32_t generation);

/* Take over an accepted, non-blocking socket; on failure it is closed. */
int client_new(struct host *h, int fd);
/* The same for one that the machine knows, by its connection id. */
int client_restore(struct host *h, uint32_t conn, int fd);
/* Close; the machine is told. */
void client_close(struct client *c);
/* All, at the daemon's end, without a word to the machine. */
void client_forget_all(struct host *h);

/* epoll's word: at most one recv. */
void client_turn(struct client *c, uint32_t events);
/* At most one send. */
void client_output(struct client *c);
/* As guest_changed(). */
void client_changed(struct client *c);

#endif
