// SPDX-License-Identifier: GPL-2.0-or-later
/* The process's machine, opened on first use and kept until exit. */
#include <errno.h>
#include <stdlib.h>

#include "tools/simxen/preload.h"

static pthread_once_t preload_once = PTHREAD_ONCE_INIT;
static struct simxen *preload_m;
static int preload_err;

static void preload_open(void)
{
	preload_err = -simxen_open(NULL, &preload_m);
}

struct simxen *preload_machine(void)
{
	pthread_once(&preload_once, preload_open);
	if (!preload_m)
		errno = preload_err;
	return preload_m;
}

const char *preload_dir(void)
{
	const char *dir = getenv("SIMXEN_DIR");

	return dir ? dir : "";
}

int preload_errno(int err)
{
	if (err >= 0)
		return err;
	errno = -err;
	return -1;
}
