// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of tests, and the way from a bare program to one on a machine. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/simxen/test-simxen.h"

struct simxen *test_m;
const char *test_self;

static const struct {
	const char *name;
	void (*run)(void);
} test_table[] = {
	{ "pending and mask", test_pending_and_mask },
	{ "bind errors", test_bind_errors },
	{ "an unbound port forgets", test_unbound_forgets },
	{ "rebind after kill -9", test_rebind_after_kill },
	{ "fdopen over exec", test_fdopen_over_exec },
	{ "a supervisor keeps the handle", test_fdstore },
	{ "no lost wake-up, ping-pong", test_hammer_ping_pong },
	{ "no lost wake-up, bursts", test_hammer_burst },
	{ "1100 domains", test_many_domains },
	{ "VIRQ_DOM_EXC", test_virq },
	{ "a domid again", test_domid_reuse },
	{ "domain lists", test_lists },
	{ "faults", test_faults },
	{ "the lock's holder is killed", test_killed_lock_holder },
	{ "files of /proc/xen", test_files },
	{ "a guest attached twice", test_guest_attach_twice },
	{ "at the limit of descriptors", test_descriptor_limit },
};

int test_readable(xenevtchn_handle *h, int ms)
{
	struct pollfd pfd = { .fd = xenevtchn_fd(h), .events = POLLIN };

	return poll(&pfd, 1, ms);
}

struct simxen_guest *test_guest(void)
{
	struct simxen_guest *g;
	int domid = simxen_domain_add(test_m, -1, NULL);

	CHECK(domid > 0);
	CHECK(!simxen_guest_attach(test_m, NULL, (unsigned int)domid, &g));
	return g;
}

int test_bind(xenevtchn_handle *h, struct simxen_guest *g)
{
	int port = xenevtchn_bind_interdomain(h, simxen_guest_domid(g),
					      simxen_guest_port(g));

	CHECK(port > 0);
	CHECK(xenevtchn_pending(h) == port);
	CHECK(!xenevtchn_unmask(h, (evtchn_port_t)port));
	return port;
}

pid_t test_child(void (*run)(void *arg), void *arg)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		run(arg);
		_exit(99);
	}
	return pid;
}

static void test_clear(void)
{
	int domid = 0;

	while ((domid = simxen_domain_next(test_m, domid)) > 0)
		CHECK(!simxen_domain_kill(test_m, (unsigned int)domid, 0));
}

static int test_all(void)
{
	for (size_t i = 0; i < sizeof(test_table) / sizeof(test_table[0]);
	     i++) {
		fprintf(stderr, "test: %s\n", test_table[i].name);
		test_table[i].run();
		test_clear();
	}
	return 0;
}

/* On the machine: this very program, preloaded. */
static void test_become(const char *dir)
{
	char command[4096];
	const char *slash = strrchr(test_self, '/');

	CHECK(slash);
	snprintf(command, sizeof(command), "%.*s/simxen",
		 (int)(slash - test_self), test_self);
	execl(command, command, "-C", dir, "run", "--", test_self, "inside",
	      (char *)NULL);
	CHECK(!"exec");
}

static int test_outside(void)
{
	char dir[] = "/tmp/test-simxen-XXXXXX";
	int status = 0;
	pid_t pid;

	CHECK(mkdtemp(dir));
	CHECK(!simxen_create(dir));
	CHECK(simxen_create(dir) == -EEXIST);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		test_become(dir);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(!simxen_destroy(dir));
	CHECK(access(dir, F_OK) && errno == ENOENT);
	CHECK(simxen_destroy("/tmp") == -ENOENT);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	test_self = realpath("/proc/self/exe", NULL);
	CHECK(test_self);
	if (argc == 1)
		return test_outside();
	CHECK(!simxen_open(NULL, &test_m));
	if (argc == 4)
		return test_fdopen_child((int)strtol(argv[2], NULL, 10),
					 (int)strtol(argv[3], NULL, 10));
	alarm(120);
	return test_all();
}
