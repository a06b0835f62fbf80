/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread beside the loop, for work that takes longer than a request may
 * wait, which is the writing of a checkpoint and nothing else.  It is given one job at a
 * time and hands back a number; what the job works on belongs to it from
 * worker_start() to the result, and nobody else touches it meanwhile.  It
 * never touches the machine, the log, talloc or a descriptor of the loop's;
 * all signals are blocked in it.
 *
 * It runs only when nothing else wants the processor (SCHED_IDLE), so that a
 * request is never behind it.  The loop gives time away where that is not
 * enough (worker_wait()), and worker_hurry() makes it a thread like others.
 * A process without the right to take that back has it so from the start.
 *
 * A death takes both threads at the same instant.  After a fork() the child
 * has no worker; before an exec() the result is to be waited for.
 */
#ifndef HOST_WORKER_H
#define HOST_WORKER_H

#include <stdbool.h>
#include <stdint.h>

struct worker;

/* 0 or -errno, which worker_take() hands on. */
typedef int worker_job(void *arg);

/*
 * NULL: no memory or no descriptor.  The thread is made with the first job;
 * freeing it (talloc) waits for the end of the one under way.
 */
struct worker *worker_new(const void *parent);
/* Readable when a job has ended, until that was heard. */
int worker_fd(const struct worker *w);
void worker_heard(struct worker *w);

/*
 * Begin a job; there is none under way.  Where no thread is to be had it is
 * done before this returns.
 */
void worker_start(struct worker *w, worker_job *job, void *arg);
/* A job was begun and its result not taken. */
bool worker_busy(const struct worker *w);
/* It has ended: its result, once. */
bool worker_take(struct worker *w, int *result);
/* Sleep until it has ended, `us` microseconds at most (UINT64_MAX: ever). */
void worker_wait(struct worker *w, uint64_t us);
/* From now on to its end it competes like any other thread. */
void worker_hurry(struct worker *w);

#endif
