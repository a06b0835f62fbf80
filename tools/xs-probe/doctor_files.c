/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a daemon shows as files: its socket, its pid file, and what deaths
 * left in its run directory.  All of it can be looked at with no daemon
 * there, and works for any.
 */
#include "config.h"

#include "tools/xs-probe/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "protocol/cursor.h"

#define DEFAULT_SOCKET "/var/run/xenstored/socket"

/* The pid that holds the other end of our socket; 0: not known. */
static pid_t peer_pid(const struct probe *probe)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (!probe->client || !px_client_is_up(probe->client) ||
	    getsockopt(px_client_fd(probe->client), SOL_SOCKET, SO_PEERCRED,
		       &peer, &size))
		return 0;
	return peer.pid;
}

static pid_t pid_in(const char *file)
{
	FILE *in = fopen(file, "re");
	char line[32] = "";
	uint64_t pid = 0;

	if (!in)
		return 0;
	if (fgets(line, sizeof(line), in))
		span_number((struct span){ line, strcspn(line, "\n") },
			    INT_MAX, &pid);
	fclose(in);
	return (pid_t)pid;
}

static const char *is_there(pid_t pid)
{
	return !kill(pid, 0) || errno == EPERM ? "which runs" :
	       "which is not there";
}

static void look_at_pid_file(struct doctor *d, const char *file)
{
	pid_t wanted = peer_pid(d->probe), pid = pid_in(file);

	/* A listening socket that systemd made is pid 1's. */
	if (!pid || wanted <= 1 || pid == wanted)
		return;
	finding_add(d->found, FINDING_PID_FILE, file, NULL,
		    "it says %d (%s); the daemon that answers is %d", (int)pid,
		    is_there(pid), (int)wanted);
}

static void look_at_pid_files(struct doctor *d, const char *socket,
			      const char *dir)
{
	static const char *const usual[] = {
		"/run/xenstored.pid", "/run/xen/xenstored.pid",
	};
	char file[PATH_MAX];

	if (d->pid_file) {
		look_at_pid_file(d, d->pid_file);
		return;
	}
	if (snprintf(file, sizeof(file), "%s/xenstored.pid", dir) > 0)
		look_at_pid_file(d, file);
	for (size_t i = 0; !strcmp(socket, DEFAULT_SOCKET) && i < 2; i++)
		look_at_pid_file(d, usual[i]);
}

static void look_at_socket(struct doctor *d, const char *socket)
{
	struct stat st;

	if (stat(socket, &st) || !S_ISSOCK(st.st_mode))
		return;
	/* Connecting takes the right to write; oxenstored's is 0755. */
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		finding_add(d->found, FINDING_SOCKET_MODE, socket, NULL,
			    "its mode is %04o; it should be 0600",
			    (unsigned int)st.st_mode & 07777);
	if (st.st_uid && st.st_uid != geteuid())
		finding_add(d->found, FINDING_SOCKET_MODE, socket, "owner",
			    "its owner is uid %u, not root",
			    (unsigned int)st.st_uid);
}

static void look_at_directory(struct doctor *d, const char *dir)
{
	struct stat st;
	struct dirent *e;
	DIR *open;

	if (!stat(dir, &st) && st.st_mode & (S_IWGRP | S_IWOTH))
		finding_add(d->found, FINDING_SOCKET_MODE, dir, NULL,
			    "its mode is %04o: others may put another socket "
			    "in this one's place",
			    (unsigned int)st.st_mode & 07777);
	open = opendir(dir);
	while (open && (e = readdir(open))) {
		char path[PATH_MAX];

		if (strncmp(e->d_name, "failed.", 7) ||
		    snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) < 0)
			continue;
		finding_add(d->found, FINDING_DAEMON_DIED, path, NULL,
			    "it left what it was doing there");
	}
	if (open)
		closedir(open);
}

void doctor_files(struct doctor *d)
{
	const char *socket = probe_where(d->probe);
	char copy[PATH_MAX];
	const char *dir;
	struct stat st;

	if (!stat(socket, &st) && S_ISCHR(st.st_mode)) {
		doctor_not_checked(d, "socket, pid file and run directory "
				   "(reached through a device)");
		return;
	}
	snprintf(copy, sizeof(copy), "%s", socket);
	dir = dirname(copy);
	look_at_socket(d, socket);
	look_at_pid_files(d, socket, dir);
	look_at_directory(d, dir);
}

void doctor_unreached(struct doctor *d, int error)
{
	const char *socket = probe_where(d->probe);
	pid_t pid = d->pid_file ? pid_in(d->pid_file) : 0;
	char who[64] = "";

	if (pid)
		snprintf(who, sizeof(who), "; the pid file names %d, %s",
			 (int)pid, is_there(pid));
	if (error == -ETIMEDOUT)
		finding_add(d->found, FINDING_DAEMON_SILENT, socket, NULL,
			    "no answer within %" PRIu64 " ms%s",
			    d->probe->timeout / 1000, who);
	else
		finding_add(d->found, FINDING_DAEMON_UNREACHED, socket, NULL,
			    "cannot reach it: %s%s", error == -ECONNREFUSED ?
			    "nobody listens at the socket that is there" :
			    strerror(-error), who);
}
