/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the load does, and where in the store. check.py knows the meaning:
 *
 *   /kill/reg/R	any text; written in and out of transactions
 *   /kill/acc/A	AMOUNT:unique; the sum of all is constant
 *   /kill/cnt/C	N:unique; N is raised by 1 by each commit
 *   /kill/names/I	client I makes and removes children; no name twice
 *   /kill/perm/I	client I changes its access list
 *
 * Every value is unique: "CLIENT.REQUEST".
 */
#ifndef KILL_JOBS_H
#define KILL_JOBS_H

#include "tests/kill/client.h"

#define JOBS_REGS 24u
#define JOBS_ACCS 8u
#define JOBS_CNTS 4u
#define JOBS_AMOUNT 1000u	/* in each account at first */

/* clients: how many there are besides the one that prepares. */
void jobs_prepare(struct client *c, unsigned int clients,
		  const uint32_t *domids);
/* Give the client its watches, before it connects. */
void jobs_watches(struct client *c, unsigned int clients);
/* One job, chosen at random; a client lost on the way is left lost. */
void jobs_run(struct client *c, unsigned int clients);
/* Read all there is, for the checker to compare with. */
void jobs_final(struct client *c, unsigned int clients);

#endif
