/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What any xenstore daemon tells about its domains: the names under
 * /local/domain, and for each whether it is introduced.
 */
#ifndef XS_PROBE_KNOWN_H
#define XS_PROBE_KNOWN_H

#include "tools/xs-probe/probe.h"

struct known_domain {
	uint16_t domid;
	int introduced;		/* 1, 0, or the negative errno of asking */
	char name[64];		/* of .../name; "" if there is none */
};

struct known {
	struct known_domain *domain;	/* ordered by domid */
	size_t count;
};

/* 0 or a negative errno.  Free it in any case. */
int known_read(struct probe *probe, struct known *known);
void known_free(struct known *known);

/*
 * The names of a directory of any size, NUL-ended, in *names (to be freed);
 * their length, or a negative errno.
 */
ssize_t known_list(struct probe *probe, const char *path, char **names);

#endif
