/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of doctor.  Each looks at one thing and adds what it finds; what
 * a daemon cannot tell is named in not_checked.  They return 0, or -errno
 * when the connection ended.
 */
#ifndef XS_PROBE_DOCTOR_H
#define XS_PROBE_DOCTOR_H

#include "protocol/cursor.h"
#include "tools/xs-probe/finding.h"
#include "tools/xs-probe/known.h"
#include "tools/xs-probe/probe.h"
#include "tools/xs-probe/snapshot.h"

#define DOCTOR_NOT_MAX 8

struct doctor {
	struct probe *probe;
	struct findings *found;		/* of this look */
	uint64_t wait;			/* microseconds between two looks */
	uint64_t age;			/* of a transaction that is stuck */
	const char *pid_file;		/* NULL: where it may be */
	bool proxenos;
	const char *not_checked[DOCTOR_NOT_MAX];
	unsigned int not_count;
	struct known known;
	struct snapshot store;		/* of /local/domain, the parts below */
	bool hidden;			/* that could not be read */
	char generation[64];		/* of the store; "0" if not told */
};

/* Once for each text; they are kept, not copied. */
void doctor_not_checked(struct doctor *d, const char *what);
/* Is the domain there?  Dom0 is, and so is what the daemon does not say. */
bool doctor_alive(const struct doctor *d, uint64_t domid);

/* A path of which `part` names the components. */
#define DOCTOR_PARTS 10
struct doctor_path {
	unsigned int count;
	struct span part[DOCTOR_PARTS];
};
/* false: not absolute, or too deep. */
bool doctor_split(const char *path, struct doctor_path *p);
/* Is component `at` this decimal domid?  Another is false. */
bool doctor_domid(const struct doctor_path *p, unsigned int at,
		  uint64_t *domid);

/* The socket, pid file and run directory: as files, connected or not. */
void doctor_files(struct doctor *d);
/* What to say when nothing answers. */
void doctor_unreached(struct doctor *d, int error);
int doctor_daemon(struct doctor *d);
int doctor_domains(struct doctor *d);
/* These two read nothing but d->store. */
void doctor_devices(struct doctor *d);
void doctor_channels(struct doctor *d);

#endif
