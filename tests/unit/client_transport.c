/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel device's ways, a real unix socket, and waiting calls on it. */
#include "tests/unit/client_script.h"

#include <proxenos/client_call.h>

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct outcome out[4];

static struct rig *rig_kernel(void)
{
	struct rig *rig = rig_new(NULL);

	memset(out, 0, sizeof(out));
	rig->script.base.flags = PX_TRANSPORT_KERNEL;
	rig_up(rig, NULL);
	rig->script.sends = 0;
	return rig;
}

/* The device has room for one request, and none before its answer. */
START_TEST(one_message_at_a_time)
{
	struct rig *rig = rig_kernel();
	struct wire_header h;

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(px_client_read(rig->client, 0, "/a",
						outcome_done, &out[i]), 0);
	ck_assert_uint_eq(px_client_deadline(rig->client), 0);
	for (unsigned int i = 0; i < 4; i++) {
		ck_assert_int_eq(rig_run(rig), 0);
		ck_assert_uint_eq(rig->script.sends, i + 1);
		ck_assert_uint_eq(px_client_deadline(rig->client), UINT64_MAX);
		ck_assert(script_take(&rig->script, &h, NULL));
		ck_assert(!script_take(&rig->script, &h, NULL));
		ck_assert_int_eq(out[i].calls, 0);
		script_reply(&rig->script, &h, "", 0);
	}
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert_int_eq(out[3].calls, 1);
	ck_assert_int_eq(out[3].result, 0);
}
END_TEST

/* Refused by write(): that message alone, in its turn. */
START_TEST(refused_by_send)
{
	struct rig *rig = rig_kernel();
	struct wire_header h;

	ck_assert_int_eq(px_client_read(rig->client, 0, "/a", outcome_done,
					&out[0]), 0);
	ck_assert_int_eq(rig_run(rig), 0);
	rig->script.send_budget = 0;
	rig->script.send_error = -ENOSPC;
	ck_assert_int_eq(px_client_write(rig->client, 0, "/a", "", 0,
					 outcome_done, &out[1]), 0);
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert_int_eq(out[1].calls, 0);
	ck_assert(script_take(&rig->script, &h, NULL));
	script_reply(&rig->script, &h, "", 0);
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert_int_eq(out[0].result, 0);
	ck_assert_int_eq(out[1].calls, 1);
	ck_assert_int_eq(out[1].result, -ENOSPC);
	ck_assert(px_client_is_up(rig->client));
}
END_TEST

static void no_event(void *arg, int error, const char *path)
{
}

START_TEST(forgotten_ids)
{
	struct rig *rig = rig_kernel();
	struct px_client_watch w = { .path = "/w", .depth = -1,
				     .event = no_event };
	struct wire_header h, watch;

	ck_assert_int_eq(px_client_read(rig->client, 0, "/a", outcome_done,
					&out[0]), 0);
	ck_assert_int_eq(px_client_watch(rig->client, &w), 0);
	ck_assert_int_eq(px_client_read(rig->client, 0, "/b", outcome_done,
					&out[1]), 0);
	ck_assert_int_eq(px_client_transaction_end(rig->client, 4, true,
						   outcome_done, &out[2]), 0);
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert(script_take(&rig->script, &h, NULL));
	ck_assert_uint_eq(h.type, WIRE_READ);
	ck_assert(!script_take(&rig->script, &watch, NULL));
	script_reply(&rig->script, &h, "", 0);
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert(script_take(&rig->script, &watch, NULL));
	ck_assert_uint_eq(watch.type, WIRE_WATCH);
	/* The device forgets the id of a WATCH. */
	script_message(&rig->script, WIRE_WATCH, 0, "OK", 3);
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert(script_take(&rig->script, &h, NULL));
	ck_assert_uint_eq(h.type, WIRE_READ);
	script_reply(&rig->script, &h, "", 0);
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert(script_take(&rig->script, &h, NULL));
	ck_assert_uint_eq(h.type, WIRE_TRANSACTION_END);
	script_error(&rig->script, &h, "EAGAIN");
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert_int_eq(out[2].result, -EAGAIN);
	/* But of nothing else. */
	ck_assert_int_eq(px_client_read(rig->client, 0, "/a", outcome_done,
					&out[0]), 0);
	ck_assert_int_eq(rig_run(rig), 0);
	script_message(&rig->script, WIRE_READ, 0, "", 0);
	ck_assert_int_eq(rig_run(rig), -EPROTO);
}
END_TEST

/* A socket in a directory of its own. */
static struct {
	char dir[64], path[80];
	int fd;
	pid_t child;
} server;

static void server_listen(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(server.dir, sizeof(server.dir), "/tmp/client-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(server.dir));
	snprintf(server.path, sizeof(server.path), "%s/socket", server.dir);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", server.path);
	server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(server.fd, 0);
	ck_assert_int_eq(bind(server.fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(server.fd, 1), 0);
}

static void server_end(void)
{
	close(server.fd);
	unlink(server.path);
	rmdir(server.dir);
}

static bool get_all(int fd, char *at, size_t len)
{
	while (len) {
		ssize_t n = read(fd, at, len);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/*
 * A child that answers `answers` requests of one connection with their own
 * payloads, and the next one not at all: it waits for the end of file.
 */
static void server_fork(int answers)
{
	char bytes[WIRE_MESSAGE_MAX];

	server.child = fork();
	ck_assert_int_ge(server.child, 0);
	if (server.child)
		return;
	server.fd = accept(server.fd, NULL, NULL);
	while (get_all(server.fd, bytes, WIRE_HEADER_SIZE)) {
		struct wire_header h = wire_header_get(bytes);
		size_t len = WIRE_HEADER_SIZE + h.len;

		if (!get_all(server.fd, bytes + WIRE_HEADER_SIZE, h.len))
			break;
		if (answers-- > 0 &&
		    write(server.fd, bytes, len) != (ssize_t)len)
			break;
	}
	_exit(0);
}

START_TEST(waiting_calls)
{
	struct rig *rig = rig_new(NULL);
	struct px_transport_unix u;
	struct px_bytes big = { rig->script.in, WIRE_PAYLOAD_MAX };
	char reply[WIRE_PAYLOAD_MAX + 1], small[3];
	int status, never = 0;

	server_listen();
	ck_assert_int_eq(px_transport_unix_init(&u, server.path), 0);
	server_fork(4);
	ck_assert_int_eq(px_client_open(rig->client, &u.base), 0);
	ck_assert_int_eq(px_client_wait_up(rig->client, 5000000), 0);
	ck_assert_int_eq(px_client_call_path(rig->client, WIRE_READ, 0, "/a",
					     reply, sizeof(reply), 5000000),
			 3);
	ck_assert_str_eq(reply, "/a");
	ck_assert_int_eq(px_client_call_path(rig->client, WIRE_READ, 0, "/a",
					     small, sizeof(small), 5000000),
			 -ENOBUFS);
	ck_assert_int_eq(px_client_call(rig->client, WIRE_WRITE, 0, &big, 1,
					reply, sizeof(reply), 5000000),
			 WIRE_PAYLOAD_MAX);
	ck_assert_int_eq(px_client_wait(rig->client, &never, 1000),
			 -ETIMEDOUT);
	ck_assert(px_client_is_up(rig->client));
	ck_assert_int_eq(px_client_call_path(rig->client, WIRE_READ, 0, "/a",
					     reply, sizeof(reply), 20000),
			 -ETIMEDOUT);
	ck_assert(!px_client_is_up(rig->client));
	ck_assert_uint_eq(px_client_pending(rig->client), 0);
	ck_assert_int_eq(waitpid(server.child, &status, 0), server.child);
	ck_assert_int_eq(status, 0);
	server_end();
}
END_TEST

START_TEST(socket_errors)
{
	struct rig *rig = rig_new(NULL);
	struct px_transport_unix u;
	static char too_long[200];

	memset(too_long, 'x', sizeof(too_long) - 1);
	ck_assert_int_eq(px_transport_unix_init(&u, too_long), -ENAMETOOLONG);
	server_listen();
	ck_assert_int_eq(px_transport_unix_init(&u, server.path), 0);
	server_end();
	ck_assert_int_eq(px_client_open(rig->client, &u.base), 0);
	ck_assert_int_eq(px_client_wait_up(rig->client, 1000000), -ENOENT);
	ck_assert_int_eq(px_client_fd(rig->client), -1);
}
END_TEST

START_TEST(socket_paths)
{
	struct px_transport_unix u;

	unsetenv("XENSTORED_PATH");
	unsetenv("XENSTORED_RUNDIR");
	ck_assert_int_eq(px_transport_unix_init(&u, NULL), 0);
	ck_assert_str_eq(u.path, "/var/run/xenstored/socket");
	setenv("XENSTORED_RUNDIR", "/r", 1);
	ck_assert_int_eq(px_transport_unix_init(&u, NULL), 0);
	ck_assert_str_eq(u.path, "/r/socket");
	setenv("XENSTORED_PATH", "/p", 1);
	ck_assert_int_eq(px_transport_unix_init(&u, NULL), 0);
	ck_assert_str_eq(u.path, "/p");
	ck_assert_int_eq(px_transport_unix_init(&u, "/given"), 0);
	ck_assert_str_eq(u.path, "/given");
}
END_TEST

/* A device that is not there, and one that is no xenstore at all. */
START_TEST(device_errors)
{
	struct rig *rig = rig_new(NULL);
	struct px_transport_device d;

	px_transport_device_init(&d, NULL);
	ck_assert_str_eq(d.path, "/dev/xen/xenbus");
	px_transport_device_init(&d, "/nonexistent/xenbus");
	ck_assert_int_eq(px_client_open(rig->client, &d.base), 0);
	ck_assert_int_eq(px_client_wait_up(rig->client, 1000000), -ENOENT);
	px_transport_device_init(&d, "/dev/null");
	ck_assert_int_eq(px_client_open(rig->client, &d.base), 0);
	ck_assert_int_eq(px_client_wait_up(rig->client, 1000000), -ECONNRESET);
	px_transport_device_init(&d, "/dev/zero");
	ck_assert_int_eq(px_client_open(rig->client, &d.base), 0);
	ck_assert_int_eq(px_client_wait_up(rig->client, 1000000), -EPROTO);
	ck_assert_int_eq(px_client_poll(rig->client), 0);
}
END_TEST

Suite *client_transport_suite(void)
{
	Suite *suite = suite_create("client: transports");
	TCase *tc = tcase_create("transports");

	tcase_add_test(tc, one_message_at_a_time);
	tcase_add_test(tc, refused_by_send);
	tcase_add_test(tc, forgotten_ids);
	tcase_add_test(tc, waiting_calls);
	tcase_add_test(tc, socket_errors);
	tcase_add_test(tc, socket_paths);
	tcase_add_test(tc, device_errors);
	suite_add_tcase(suite, tc);
	return suite;
}
