/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk that fails on demand: the library's calls that change files come
 * here first (the linker sees to that).
 */
#ifndef TESTS_SESSION_FAULTS_H
#define TESTS_SESSION_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

enum fault {
	FAULT_NONE,
	FAULT_FULL,	/* ENOSPC, after a part of a write */
	FAULT_ERROR,	/* EIO; a write may be there all the same */
	FAULT_SHORT,	/* a write takes less than all, and is no error */
	FAULT_DEATH,	/* half of it, and nothing after: the process ends */
	FAULTS
};

/* The n-th call from now on (0: the next) ends so, once. */
void faults_arm(enum fault fault, unsigned int n);
void faults_disarm(void);
/* True once FAULT_DEATH has come: all calls fail and do nothing. */
bool faults_dead(void);
/* A new process. */
void faults_revive(void);
/* Calls since the start. */
uint64_t faults_calls(void);

/*
 * The power fails: of what was not synchronised in this file a part is gone
 * or damaged; and if it has been renamed into place since its directory was
 * synchronised, that may not have happened.
 */
void faults_power(const char *path);
/* The test is done with this file: remove it, and what is kept for power. */
void faults_remove(const char *path);

/* Random numbers of the test, below n; 0 for n = 0. */
uint32_t test_random(uint32_t n);
void test_seed(uint64_t seed);

#endif
