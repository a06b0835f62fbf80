// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "tools/simxen/preload-paths.h"
#include "tools/simxen/preload.h"

static const struct {
	const char *from;
	const char *to;
} path_table[] = {
	{ "/proc/xen", "root/proc/xen" },
	{ "/dev/xen", "root/dev/xen" },
	{ "/var/run/xenstored", "run" },
	{ "/run/xenstored", "run" },
	{ "/var/run/xen", "run-xen" },
	{ "/run/xen", "run-xen" },
	{ "/var/log/xen", "log" },
	{ "/var/lib/xenstored", "lib" },
};

static const char *path_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (strncmp(path, dir, len))
		return NULL;
	path += len;
	return *path == '/' || !*path ? path : NULL;
}

const char *preload_path(const char *path, char buf[PATH_MAX])
{
	const char *rest, *dir;
	int n;

	if (!path || path[0] != '/' || !strchr("dprv", path[1]))
		return path;
	for (size_t i = 0; i < sizeof(path_table) / sizeof(path_table[0]);
	     i++) {
		rest = path_below(path, path_table[i].from);
		if (!rest)
			continue;
		dir = preload_dir();
		n = snprintf(buf, PATH_MAX, "%s/%s%s", dir, path_table[i].to,
			     rest);
		return *dir && n < PATH_MAX ? buf : path;
	}
	return path;
}
