// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The load of the kill test: ring guests and socket clients, a thread each.
 *
 *   load MACHINE LOGDIR RINGS SOCKETS THINK_MS SEED
 *
 * Ring client 0 is dom0's kernel, the others are domains made here. Says
 * "running" when all are at work, then obeys lines on its standard input:
 *
 *   kill PID NS	the next client that puts bytes before the daemon waits
 *			NS and kills it; "killed PID T" is said. The daemon is
 *			mostly idle; this way death meets it at work.
 *   stop		all finish what they are at, take what is still to come,
 *			the store is read once more, "done" is said
 *
 * Exit status 0 when no client met what must not happen.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/kill/jobs.h"

#define LOAD_CLIENTS 64u

static struct load {
	struct client client[LOAD_CLIENTS + 1];	/* the last one prepares */
	pthread_t thread[LOAD_CLIENTS];
	pthread_barrier_t barrier;
	uint32_t domid[LOAD_CLIENTS];
	unsigned int rings, clients, think;
	uint64_t seed;
	struct simxen *machine;
	const char *logs;
	char socket[108];
	atomic_bool stop;
	atomic_long kill_pid;
	atomic_ulong kill_delay;
} load;

/* ------------------------------------------------------------- killing -- */

static void load_hook(void)
{
	uint64_t end;
	long pid;

	if (!atomic_load_explicit(&load.kill_pid, memory_order_relaxed))
		return;
	pid = atomic_exchange(&load.kill_pid, 0);
	if (!pid)
		return;
	end = client_now() + atomic_load(&load.kill_delay);
	while (client_now() < end)
		;
	kill((pid_t)pid, SIGKILL);
	printf("killed %ld %llu\n", pid, (unsigned long long)client_now());
	fflush(stdout);
}

/* True at the end. */
static bool load_order(const char *line)
{
	char *end;
	long pid;

	if (!strncmp(line, "stop", 4))
		return true;
	if (strncmp(line, "kill ", 5))
		return false;
	pid = strtol(line + 5, &end, 10);
	atomic_store(&load.kill_delay, strtoul(end, NULL, 10));
	if (pid > 1)
		atomic_store(&load.kill_pid, pid);
	return false;
}

/* ------------------------------------------------------------- clients -- */

/* All is quiet now: what is still to come comes before these replies. */
static void load_settle(struct client *c)
{
	do {
		if (c->lost)
			client_again(c);
		client_call(c, OP_SYNC, false, "0", "");
		client_look(c);
		client_idle(c, 100);
		client_call(c, OP_SYNC, false, "0", "");
		client_look(c);
	} while (c->lost && !c->dead);
	if (!c->dead)
		client_log(c, "Q %llu", (unsigned long long)client_now());
}

static void *load_thread(void *arg)
{
	struct client *c = arg;

	client_again(c);
	pthread_barrier_wait(&load.barrier);
	while (!atomic_load(&load.stop) && !c->dead) {
		jobs_run(c, load.clients);
		if (c->lost)
			client_again(c);
		client_idle(c, (int)client_random(c, 2 * load.think + 1));
	}
	pthread_barrier_wait(&load.barrier);
	load_settle(c);
	return NULL;
}

static bool load_ring(struct client *c, unsigned int n)
{
	struct simxen_guest *guest;
	int domid = n ? simxen_domain_add(load.machine, -1, NULL) : 0;
	int err = domid;

	if (domid >= 0)
		err = simxen_guest_attach(load.machine, NULL,
					  (unsigned int)domid, &guest);
	if (err < 0) {
		fprintf(stderr, "load: guest %u: %s\n", n, strerror(-err));
		return false;
	}
	load.domid[n] = (uint32_t)domid;
	if (!client_init(c, load.logs, n, (uint32_t)domid, load.seed))
		return false;
	link_ring(&c->link, guest);
	client_log(c, "H ring %d", domid);
	return true;
}

static bool load_socket(struct client *c, unsigned int n)
{
	if (!client_init(c, load.logs, n, 0, load.seed))
		return false;
	link_socket(&c->link, load.socket);
	client_log(c, "H socket 0");
	return true;
}

static void load_introduce(struct client *admin, struct client *c)
{
	char domid[16], rest[64];

	if (!c->link.guest || !c->domid)
		return;
	snprintf(domid, sizeof(domid), "%u", c->domid);
	snprintf(rest, sizeof(rest), "%llu,%u", (unsigned long long)
		 simxen_guest_gfn(c->link.guest),
		 simxen_guest_port(c->link.guest));
	client_call(admin, OP_INTRODUCE, false, domid, rest);
	/* The daemon may have set the indices. */
	link_ring(&c->link, c->link.guest);
}

static bool load_prepare(void)
{
	struct client *admin = &load.client[load.clients];

	for (unsigned int n = 0; n < load.clients; n++) {
		struct client *c = &load.client[n];

		if (n < load.rings ? !load_ring(c, n) : !load_socket(c, n))
			return false;
		jobs_watches(c, load.clients);
	}
	if (!load_socket(admin, load.clients))
		return false;
	client_again(admin);
	jobs_prepare(admin, load.clients, load.domid);
	for (unsigned int n = 0; n < load.rings; n++)
		load_introduce(admin, &load.client[n]);
	return !admin->lost && !admin->dead;
}

static int load_finish(void)
{
	struct client *admin = &load.client[load.clients];
	int status = 0;

	atomic_store(&load.stop, true);
	pthread_barrier_wait(&load.barrier);
	for (unsigned int n = 0; n < load.clients; n++)
		pthread_join(load.thread[n], NULL);
	/* What it was connected with may be gone long ago. */
	client_renew(admin);
	jobs_final(admin, load.clients);
	if (!admin->lost && !admin->dead)
		client_log(admin, "Q %llu",
			   (unsigned long long)client_now());
	for (unsigned int n = 0; n <= load.clients; n++) {
		status |= load.client[n].dead || load.client[n].lost;
		client_fini(&load.client[n]);
	}
	simxen_close(load.machine);
	puts("done");
	return status;
}

static int load_run(void)
{
	char line[128];

	if (!load_prepare())
		return 1;
	client_hook = load_hook;
	pthread_barrier_init(&load.barrier, NULL, load.clients + 1);
	for (unsigned int n = 0; n < load.clients; n++)
		if (pthread_create(&load.thread[n], NULL, load_thread,
				   &load.client[n]))
			return 1;
	pthread_barrier_wait(&load.barrier);
	puts("running");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) && !load_order(line))
		;
	return load_finish();
}

static bool load_number(const char *text, unsigned long max,
			unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	return *text && !*end && !errno && *out <= max;
}

int main(int argc, char **argv)
{
	unsigned long rings, sockets, think, seed;
	int err;

	if (argc != 7 || !load_number(argv[3], LOAD_CLIENTS / 2, &rings) ||
	    !load_number(argv[4], LOAD_CLIENTS / 2, &sockets) ||
	    !load_number(argv[5], 1000, &think) ||
	    !load_number(argv[6], UINT32_MAX, &seed) || rings + sockets < 2) {
		fputs("load MACHINE LOGDIR RINGS SOCKETS THINK_MS SEED\n",
		      stderr);
		return 2;
	}
	load.logs = argv[2];
	load.rings = (unsigned int)rings;
	load.clients = (unsigned int)(rings + sockets);
	load.think = (unsigned int)think;
	load.seed = seed;
	snprintf(load.socket, sizeof(load.socket), "%s/run/socket", argv[1]);
	err = simxen_open(argv[1], &load.machine);
	if (!err)
		return load_run();
	fprintf(stderr, "load: %s: %s\n", argv[1], strerror(-err));
	return 1;
}
