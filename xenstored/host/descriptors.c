// SPDX-License-Identifier: GPL-2.0-or-later
/* The service manager's descriptor store; see descriptors.h. */
#include "xenstored/host/descriptors.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xenstored/host/notify.h"

#define NAME_MAX_LEN 24
#define DESCRIPTORS_FIRST 3
#define DESCRIPTORS_MAX 1048576u

struct descriptor {
	char name[NAME_MAX_LEN];
	int fd;			/* -1: taken */
};

static struct descriptor *kept;
static size_t kept_count;

/* The next of the names, which stand between colons. */
static const char *name_next(const char *names, char out[NAME_MAX_LEN])
{
	size_t n = strcspn(names, ":");
	size_t len = n < NAME_MAX_LEN ? n : 0;

	memcpy(out, names, len);
	out[len] = '\0';
	return names[n] ? names + n + 1 : names + n;
}

void descriptors_receive(void)
{
	const char *names = getenv("LISTEN_FDNAMES");
	uint64_t count = notify_listen_count();

	if (count && count <= DESCRIPTORS_MAX)
		kept = calloc(count, sizeof(*kept));
	kept_count = kept ? count : 0;
	for (size_t i = 0; i < kept_count; i++) {
		kept[i].fd = DESCRIPTORS_FIRST + (int)i;
		fcntl(kept[i].fd, F_SETFD, FD_CLOEXEC);
		if (names)
			names = name_next(names, kept[i].name);
	}
	/*
	 * Said once: after a live update this is still the process that they
	 * are for, and the numbers are those of clients at work.
	 */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

int descriptors_take(const char *name)
{
	for (size_t i = 0; i < kept_count; i++) {
		int fd = kept[i].fd;

		if (fd < 0 || strcmp(kept[i].name, name))
			continue;
		kept[i].fd = -1;
		return fd;
	}
	return -1;
}

static void client_name(uint32_t conn, char out[NAME_MAX_LEN])
{
	snprintf(out, NAME_MAX_LEN, "c%u", conn);
}

int descriptors_take_client(uint32_t conn)
{
	char name[NAME_MAX_LEN];

	client_name(conn, name);
	return descriptors_take(name);
}

int descriptors_take_listener(void)
{
	for (size_t i = 0; i < kept_count; i++) {
		int listening = 0, fd = kept[i].fd;
		socklen_t len = sizeof(listening);

		if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN,
					 &listening, &len) || !listening)
			continue;
		kept[i].fd = -1;
		return fd;
	}
	return -1;
}

void descriptors_drop_rest(void)
{
	for (size_t i = 0; i < kept_count; i++) {
		if (kept[i].fd < 0)
			continue;
		close(kept[i].fd);
		if (kept[i].name[0])
			descriptors_strike(kept[i].name);
	}
	free(kept);
	kept = NULL;
	kept_count = 0;
}

bool descriptors_kept(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && *path;
}

void descriptors_push(const char *name, int fd)
{
	char text[64];

	if (!descriptors_kept())
		return;
	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", name);
	notify_send_fd(text, fd);
}

void descriptors_push_client(uint32_t conn, int fd)
{
	char name[NAME_MAX_LEN];

	client_name(conn, name);
	descriptors_push(name, fd);
}

void descriptors_strike(const char *name)
{
	char text[64];

	if (!descriptors_kept())
		return;
	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	notify_send(text);
}

void descriptors_strike_client(uint32_t conn)
{
	char name[NAME_MAX_LEN];

	client_name(conn, name);
	descriptors_strike(name);
}
