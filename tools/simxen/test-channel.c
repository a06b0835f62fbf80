// SPDX-License-Identifier: GPL-2.0-or-later
/* Event channels as a daemon and a guest see them. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/simxen/test-simxen.h"

void test_pending_and_mask(void)
{
	xenevtchn_handle *h = xenevtchn_open(NULL, 0);
	struct simxen_guest *g = test_guest();
	int port, i;

	CHECK(h);
	CHECK(!test_readable(h, 0));
	port = xenevtchn_bind_interdomain(h, simxen_guest_domid(g),
					  simxen_guest_port(g));
	CHECK(port > 0);
	/* Bound means pending at once, and once only. */
	CHECK(test_readable(h, 0) == 1);
	CHECK(xenevtchn_pending(h) == port);
	CHECK(!test_readable(h, 0));
	/* Masked: events gather, and come as one. */
	for (i = 0; i < 3; i++)
		CHECK(simxen_guest_notify(g) == 1);
	CHECK(!test_readable(h, 0));
	CHECK(!xenevtchn_unmask(h, (evtchn_port_t)port));
	CHECK(test_readable(h, 0) == 1);
	CHECK(xenevtchn_pending(h) == port);
	CHECK(!xenevtchn_unmask(h, (evtchn_port_t)port));
	CHECK(!xenevtchn_unmask(h, (evtchn_port_t)port));
	CHECK(!test_readable(h, 0));
	/* The other way. */
	CHECK(!simxen_guest_wait(g, 0));
	for (i = 0; i < 3; i++)
		CHECK(!xenevtchn_notify(h, (evtchn_port_t)port));
	CHECK(simxen_guest_wait(g, 0) == 1);
	CHECK(!simxen_guest_wait(g, 0));
	/* The C library's way of closing: the guest is free again. */
	CHECK(simxen_guest_bound(g));
	CHECK(!xenevtchn_close(h));
	CHECK(!simxen_guest_bound(g));
	simxen_guest_detach(g);
}

static int bind_errno(xenevtchn_handle *h, unsigned int domid,
		      evtchn_port_t port)
{
	errno = 0;
	CHECK(xenevtchn_bind_interdomain(h, domid, port) == -1);
	return errno;
}

void test_bind_errors(void)
{
	xenevtchn_handle *h = xenevtchn_open(NULL, 0);
	xenevtchn_handle *other = xenevtchn_open(NULL, 0);
	struct simxen_guest *g = test_guest();
	unsigned int domid = simxen_guest_domid(g);
	int port, fresh;

	CHECK(h && other);
	CHECK(bind_errno(h, domid + 1, 1) == ESRCH);
	CHECK(bind_errno(h, 40000, 1) == ESRCH);
	CHECK(bind_errno(h, domid, simxen_guest_port(g) + 1) == EINVAL);
	CHECK(bind_errno(h, domid, 0) == EINVAL);
	port = test_bind(h, g);
	CHECK(bind_errno(h, domid, simxen_guest_port(g)) == EINVAL);
	CHECK(bind_errno(other, domid, simxen_guest_port(g)) == EINVAL);
	/* A port is its handle's alone. */
	CHECK(xenevtchn_notify(other, (evtchn_port_t)port) == -1 &&
	      errno == ENOTCONN);
	CHECK(xenevtchn_unbind(other, (evtchn_port_t)port) == -1 &&
	      errno == ENOTCONN);
	CHECK(xenevtchn_notify(h, simxen_guest_port(g)) == -1 &&
	      errno == ENOTCONN);
	/* The guest moves to another port: ours stays and talks to nobody. */
	fresh = simxen_domain_new_port(test_m, domid);
	CHECK(fresh > 1 && (unsigned int)fresh == simxen_guest_port(g));
	CHECK(!xenevtchn_notify(h, (evtchn_port_t)port));
	CHECK(!simxen_guest_wait(g, 0));
	CHECK(bind_errno(h, domid, 1) == EINVAL);
	CHECK(test_bind(h, g) != port);
	CHECK(!xenevtchn_unbind(h, (evtchn_port_t)port));
	CHECK(simxen_guest_bound(g));
	xenevtchn_close(h);
	xenevtchn_close(other);
	simxen_guest_detach(g);
}

void test_unbound_forgets(void)
{
	xenevtchn_handle *h = xenevtchn_open(NULL, 0);
	struct simxen_guest *g = test_guest();
	int port = test_bind(h, g);

	CHECK(simxen_guest_notify(g) == 1);
	CHECK(!xenevtchn_unbind(h, (evtchn_port_t)port));
	CHECK(!simxen_guest_notify(g));
	/* The entry queued before the unbinding may be read; then silence. */
	CHECK(xenevtchn_pending(h) == port);
	CHECK(!xenevtchn_unmask(h, (evtchn_port_t)port));
	CHECK(!test_readable(h, 0));
	test_bind(h, g);
	CHECK(!test_readable(h, 0));
	xenevtchn_close(h);
	simxen_guest_detach(g);
}

struct binder {
	struct simxen_guest *guest;
	int tell;
};

/* Binds, notifies the guest, reports, and waits to be killed. */
static void binder_run(void *arg)
{
	struct binder *b = arg;
	xenevtchn_handle *h = xenevtchn_open(NULL, 0);
	int port;

	CHECK(h);
	port = test_bind(h, b->guest);
	CHECK(!xenevtchn_notify(h, (evtchn_port_t)port));
	CHECK(write(b->tell, &port, sizeof(port)) == sizeof(port));
	for (;;)
		pause();
}

static void reap_child(pid_t pid)
{
	int status;

	CHECK(!kill(pid, SIGKILL));
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status));
}

void test_rebind_after_kill(void)
{
	xenevtchn_handle *h = xenevtchn_open(NULL, 0);
	struct binder b = { .guest = test_guest() };
	int tell[2], port;
	pid_t pid;

	for (int i = 0; i < 20; i++) {
		CHECK(!pipe(tell));
		b.tell = tell[1];
		pid = test_child(binder_run, &b);
		CHECK(read(tell[0], &port, sizeof(port)) == sizeof(port));
		CHECK(bind_errno(h, simxen_guest_domid(b.guest),
				 simxen_guest_port(b.guest)) == EINVAL);
		CHECK(simxen_guest_wait(b.guest, TEST_PATIENCE) == 1);
		CHECK(simxen_guest_notify(b.guest) == 1);
		reap_child(pid);
		close(tell[0]);
		close(tell[1]);
		/* Bindable at once, and of the old binder nothing is left. */
		port = test_bind(h, b.guest);
		CHECK(!test_readable(h, 0));
		CHECK(simxen_guest_notify(b.guest) == 1);
		CHECK(xenevtchn_pending(h) == port);
		CHECK(!xenevtchn_unbind(h, (evtchn_port_t)port));
	}
	xenevtchn_close(h);
	simxen_guest_detach(b.guest);
}

/* After exec, with a port that is masked and pending: nothing before unmask. */
int test_fdopen_child(int fd, int port)
{
	xenevtchn_handle *h = xenevtchn_fdopen(NULL, fd, 0);

	alarm(60);
	CHECK(h && xenevtchn_fd(h) == fd);
	CHECK(!test_readable(h, 0));
	CHECK(!xenevtchn_unmask(h, (evtchn_port_t)port));
	CHECK(xenevtchn_pending(h) == port);
	CHECK(!xenevtchn_unmask(h, (evtchn_port_t)port));
	CHECK(!xenevtchn_notify(h, (evtchn_port_t)port));
	CHECK(xenevtchn_notify(h, (evtchn_port_t)port + 1) == -1);
	CHECK(!xenevtchn_close(h));
	return 0;
}

static void exec_run(void *arg)
{
	xenevtchn_handle *h = xenevtchn_open(NULL, XENEVTCHN_NO_CLOEXEC);
	char fd[16], text[16];
	int port;

	CHECK(h);
	port = test_bind(h, arg);
	CHECK(simxen_guest_notify(arg) == 1);
	CHECK(xenevtchn_pending(h) == port);
	CHECK(simxen_guest_notify(arg) == 1);
	snprintf(fd, sizeof(fd), "%d", xenevtchn_fd(h));
	snprintf(text, sizeof(text), "%d", port);
	execl(test_self, test_self, "inside", fd, text, (char *)NULL);
}

void test_fdopen_over_exec(void)
{
	struct simxen_guest *g = test_guest();
	int status, pipefd[2];
	pid_t pid = test_child(exec_run, g);

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	CHECK(simxen_guest_wait(g, TEST_PATIENCE) == 1);
	CHECK(!simxen_guest_bound(g));
	CHECK(!pipe(pipefd));
	CHECK(!xenevtchn_fdopen(NULL, pipefd[0], 0));
	close(pipefd[0]);
	close(pipefd[1]);
	simxen_guest_detach(g);
}

static void send_fd(int sock, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	CHECK(sendmsg(sock, &msg, 0) == 1);
}

static int recv_fd(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	CHECK(recvmsg(sock, &msg, 0) == 1);
	CHECK(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

struct store {
	struct simxen_guest *guest;
	int sock;
};

static void store_run(void *arg)
{
	struct store *s = arg;
	xenevtchn_handle *h = xenevtchn_open(NULL, 0);

	CHECK(h);
	test_bind(h, s->guest);
	send_fd(s->sock, xenevtchn_fd(h));
	for (;;)
		pause();
}

void test_fdstore(void)
{
	struct store s = { .guest = test_guest() };
	xenevtchn_handle *h;
	int pair[2], fd, port;
	pid_t pid;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	s.sock = pair[1];
	pid = test_child(store_run, &s);
	fd = recv_fd(pair[0]);
	reap_child(pid);
	/* Nobody runs, and yet the binding holds and events gather. */
	CHECK(simxen_guest_bound(s.guest));
	CHECK(simxen_guest_notify(s.guest) == 1);
	h = xenevtchn_fdopen(NULL, fd, 0);
	CHECK(h);
	port = xenevtchn_pending(h);
	CHECK(port > 0);
	CHECK(!xenevtchn_unmask(h, (evtchn_port_t)port));
	CHECK(!xenevtchn_notify(h, (evtchn_port_t)port));
	CHECK(simxen_guest_wait(s.guest, 0) == 1);
	/* The last copy closed: now it is over. */
	CHECK(!xenevtchn_close(h));
	CHECK(!simxen_guest_bound(s.guest));
	close(pair[0]);
	close(pair[1]);
	simxen_guest_detach(s.guest);
}

#define HAMMER_THREADS 2
#define HAMMER_ROUNDS 20000U
#define HAMMER_BURSTS 2000U
#define HAMMER_BURST 50U

struct hammer {
	struct simxen_guest *guest;
	_Atomic uint32_t *request, *reply;
	unsigned int burst;
	uint32_t total;
};

/* Raises its counter burst times, each with an event; awaits the answer. */
static void *hammer_guest(void *arg)
{
	struct hammer *a = arg;
	uint32_t sent = 0;

	while (sent < a->total) {
		for (unsigned int i = 0; i < a->burst; i++) {
			atomic_store_explicit(a->request, ++sent,
					      memory_order_relaxed);
			CHECK(simxen_guest_notify(a->guest) == 1);
		}
		while (atomic_load(a->reply) != sent)
			CHECK(simxen_guest_wait(a->guest,
						TEST_PATIENCE) == 1);
	}
	return NULL;
}

/* The daemon's part; a lost event in either direction ends in a timeout. */
static void hammer_serve(xenevtchn_handle *h, struct hammer *all,
			 const int *ports)
{
	unsigned int done = 0;

	while (done < HAMMER_THREADS) {
		int port, i = 0;
		uint32_t seen;

		CHECK(test_readable(h, TEST_PATIENCE) == 1);
		port = xenevtchn_pending(h);
		while (i < HAMMER_THREADS && ports[i] != port)
			i++;
		CHECK(i < HAMMER_THREADS);
		seen = atomic_load_explicit(all[i].request,
					    memory_order_relaxed);
		CHECK(!xenevtchn_unmask(h, (evtchn_port_t)port));
		if (atomic_load(all[i].reply) == seen)
			continue;
		atomic_store_explicit(all[i].reply, seen,
				      memory_order_relaxed);
		CHECK(!xenevtchn_notify(h, (evtchn_port_t)port));
		done += seen == all[i].total;
	}
}

static void hammer_run(unsigned int burst, uint32_t total)
{
	xenevtchn_handle *h = xenevtchn_open(NULL, 0);
	struct hammer all[HAMMER_THREADS];
	pthread_t thread[HAMMER_THREADS];
	int ports[HAMMER_THREADS];

	for (int i = 0; i < HAMMER_THREADS; i++) {
		struct simxen_guest *g = test_guest();

		all[i] = (struct hammer){
			.guest = g, .burst = burst, .total = total,
			.request = simxen_guest_page(g),
			.reply = (_Atomic uint32_t *)
				simxen_guest_page(g) + 256,
		};
		ports[i] = test_bind(h, g);
	}
	for (int i = 0; i < HAMMER_THREADS; i++)
		CHECK(!pthread_create(&thread[i], NULL, hammer_guest,
				      &all[i]));
	hammer_serve(h, all, ports);
	for (int i = 0; i < HAMMER_THREADS; i++) {
		CHECK(!pthread_join(thread[i], NULL));
		simxen_guest_detach(all[i].guest);
	}
	xenevtchn_close(h);
}

void test_hammer_ping_pong(void)
{
	hammer_run(1, HAMMER_ROUNDS);
}

void test_hammer_burst(void)
{
	hammer_run(HAMMER_BURST, HAMMER_BURSTS * HAMMER_BURST);
}

#define MANY 1100

static void many_hear(xenevtchn_handle *h, const int *port_of)
{
	char seen[MANY] = { 0 };

	for (int n = 0; n < MANY; n++) {
		int port, i = 0;

		CHECK(test_readable(h, 0) == 1);
		port = xenevtchn_pending(h);
		while (i < MANY && port_of[i] != port)
			i++;
		CHECK(i < MANY && !seen[i]);
		seen[i] = 1;
		CHECK(!xenevtchn_unmask(h, (evtchn_port_t)port));
	}
	CHECK(!test_readable(h, 0));
}

void test_many_domains(void)
{
	static struct simxen_guest *g[MANY];
	static int port[MANY];
	xenevtchn_handle *h = xenevtchn_open(NULL, 0);
	struct simxen_hub *hub;
	int first = simxen_domain_add(test_m, -1, NULL), i, domid;
	char seen[MANY] = { 0 };

	CHECK(!simxen_hub_open(test_m, &hub));
	for (i = 0; i < MANY; i++) {
		if (i)
			CHECK(simxen_domain_add(test_m, -1, NULL) ==
			      first + i);
		CHECK(!simxen_guest_attach(test_m, hub,
					   (unsigned int)(first + i), &g[i]));
		port[i] = xenevtchn_bind_interdomain(
			h, (uint32_t)(first + i), simxen_guest_port(g[i]));
		CHECK(port[i] > 0);
	}
	many_hear(h, port);
	for (i = 0; i < MANY; i++)
		CHECK(simxen_guest_notify(g[i]) == 1);
	many_hear(h, port);
	for (i = 0; i < MANY; i++)
		CHECK(!xenevtchn_notify(h, (evtchn_port_t)port[i]));
	for (i = 0; i < MANY; i++) {
		CHECK(simxen_hub_wait(hub, 0) == 1);
		domid = simxen_hub_next(hub);
		CHECK(domid >= first && domid < first + MANY);
		CHECK(!seen[domid - first]++);
	}
	CHECK(simxen_hub_next(hub) == -EAGAIN && !simxen_hub_wait(hub, 0));
	for (i = 0; i < MANY; i++)
		simxen_guest_detach(g[i]);
	simxen_hub_close(hub);
	xenevtchn_close(h);
}
