/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The harness plays everything around a machine: readers and writers, the
 * hypervisor, the host that answers what the machine asks.  It feeds the
 * same to the model and compares after every step.  A second machine, if
 * wanted, gets the same inputs with the bytes cut differently, is replaced by
 * what its image gives at random moments, and must stay the same as the first.
 */
#ifndef TESTS_PROPERTY_HARNESS_H
#define TESTS_PROPERTY_HARNESS_H

#include "tests/property/model.h"
#include "tests/property/scenario.h"

struct bytes {
	char *at;
	size_t len, room;
};

void bytes_add(struct bytes *b, const void *p, size_t len);
void bytes_drop(struct bytes *b, size_t len);
void bytes_free(struct bytes *b);

/* One end of a connection, as the harness holds it. */
struct place {
	uint32_t id;
	unsigned int domid;
	bool up;		/* the machine serves it */
	struct bytes tray;	/* written by the client, not yet fed */
	struct bytes fed;	/* fed, the model has not executed it yet */
	struct bytes late;	/* fed to the first machine, not the second */
	struct bytes head;	/* taken bytes of a message not wholly taken */
	uint64_t serial;	/* of the model's connection */
	size_t replies;		/* wholly taken replies */
};

struct pending {
	struct machine_ask ask;
	char *data;
	uint64_t second;	/* the second machine's id for the same ask */
};

struct world {
	bool exists, shutdown, dying;
	uint64_t instance;
	int mapped;		/* result of the last mapping, -1 none */
};

struct harness {
	const struct scenario *s;
	struct machine *machine, *second;
	struct model *model;
	struct place places[SCENARIO_CONNS];
	struct world world[SCENARIO_DOMIDS];
	struct pending *pending;
	size_t npending;
	uint32_t sockets;	/* opened so far */
	uint64_t instances, time, rnd;
	uint64_t replace_rnd;
	size_t replaced;	/* times the second became its own image */
	const struct mmessage *answer;
	uint32_t last_op;	/* executed by the model */
	struct bytes order;	/* uint32_t: whose requests were executed */
	bool verbose;
	/* Events that memory was missing for, and those sent instead. */
	size_t owed, made_good;
	uint32_t owed_conn;
	char owed_token[WIRE_PAYLOAD_MAX];
	bool may_fail;		/* ENOMEM is a legal answer now */
	/*
	 * A connection was closed for want of memory with several requests
	 * in hand: which were done nobody can tell, so nothing is compared.
	 */
	bool undecided;
	char failure[4096];	/* empty: all is well */
};

/* False if the machine could not be made. */
bool harness_begin(struct harness *h, const struct scenario *s, bool second,
		   bool verbose);
void harness_end(struct harness *h);
/* Do one deed; false, and `failure` says why, if anything was wrong. */
bool harness_do(struct harness *h, const struct deed *d);

void harness_fail(struct harness *h, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* --------------------------------------------------- parts of the harness */

/* One input to both machines, then everything that follows from it. */
void harness_step(struct harness *h, const struct machine_input *in);
/* The same for the end of an ask, which has its own id in each machine. */
void harness_step_second_ask(struct harness *h, struct machine_input *in,
			     uint64_t ask);
/* Bring the model to where the machine is, and compare. */
void harness_compare(struct harness *h);
void harness_settle(struct harness *h);
void harness_collect_asks(struct harness *h);
void harness_answer(struct harness *h, size_t which);
void harness_tell(struct harness *h, unsigned int domid);
void harness_second_catches_up(struct harness *h);
/* Now and then the second machine becomes one made from its image. */
void harness_replace(struct harness *h);
void harness_drop_place(struct harness *h, struct place *p);

#endif
