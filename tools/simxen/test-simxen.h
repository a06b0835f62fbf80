/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of test-simxen. The program runs itself again under the preload
 * on a fresh machine, so that its calls into the Xen libraries are a
 * daemon's, while guests and toolstack are played through guest.h.
 */
#ifndef TEST_SIMXEN_H
#define TEST_SIMXEN_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <xenevtchn.h>

#include "tools/simxen/guest.h"

#define CHECK(cond)							\
	do {								\
		if (!(cond)) {						\
			fprintf(stderr, "%s:%d: failed: %s (errno %m)\n", \
				__FILE__, __LINE__, #cond);		\
			exit(1);					\
		}							\
	} while (0)

/* Long enough for a machine that does ten things at once. */
#define TEST_PATIENCE 20000

extern struct simxen *test_m;
extern const char *test_self;

/* 1 when the handle's descriptor is readable within ms. */
int test_readable(xenevtchn_handle *h, int ms);

/* A fresh domain with a guest attached; a bound port taken and unmasked. */
struct simxen_guest *test_guest(void);
int test_bind(xenevtchn_handle *h, struct simxen_guest *g);

/* Fork; the child does not come back from run. */
pid_t test_child(void (*run)(void *arg), void *arg);

void test_pending_and_mask(void);
void test_bind_errors(void);
void test_unbound_forgets(void);
void test_rebind_after_kill(void);
void test_fdopen_over_exec(void);
int test_fdopen_child(int fd, int port);
void test_fdstore(void);
void test_hammer_ping_pong(void);
void test_hammer_burst(void);
void test_many_domains(void);
void test_virq(void);
void test_domid_reuse(void);
void test_lists(void);
void test_faults(void);
void test_killed_lock_holder(void);
void test_files(void);
void test_descriptor_limit(void);
void test_guest_attach_twice(void);

#endif
