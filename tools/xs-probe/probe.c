/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connection, messages and JSON for all subcommands; see probe.h. */
#include "tools/xs-probe/probe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <proxenos/client_call.h>

/* The socket's path, or that of the device when it is one. */
static int pick_transport(struct probe *probe)
{
	struct stat st;

	if (probe->socket && !stat(probe->socket, &st) &&
	    S_ISCHR(st.st_mode)) {
		px_transport_device_init(&probe->transport.device,
					 probe->socket);
		return 0;
	}
	return px_transport_unix_init(&probe->transport.socket, probe->socket);
}

const char *probe_where(const struct probe *probe)
{
	if (probe->transport.base.flags & PX_TRANSPORT_KERNEL)
		return probe->transport.device.path;
	return probe->transport.socket.path;
}

int probe_open(struct probe *probe)
{
	size_t size = px_client_size(NULL);
	int ret = pick_transport(probe);

	if (ret)
		return ret;
	probe->memory = malloc(size);
	if (!probe->memory)
		return -ENOMEM;
	ret = px_client_init(probe->memory, size, NULL, &probe->client);
	if (!ret)
		ret = px_client_open(probe->client, &probe->transport.base);
	if (!ret)
		ret = px_client_wait_up(probe->client, probe->timeout);
	return ret;
}

int probe_connect(struct probe *probe)
{
	int ret = probe_open(probe);

	if (!ret)
		return 0;
	/* Nothing was tried: what names the socket is no path. */
	if (!probe->client && ret != -ENOMEM)
		return probe_usage("%s: %s", probe->socket ? probe->socket :
				   "socket path", strerror(-ret));
	fprintf(stderr, "xs-probe: cannot reach the daemon at %s: %s\n",
		probe_where(probe), ret == -ETIMEDOUT ?
		"it accepts the connection but does not answer" :
		strerror(-ret));
	return PROBE_UNREACHED;
}

void probe_free(struct probe *probe)
{
	if (probe->client)
		px_client_close(probe->client);
	free(probe->memory);
}

const char *probe_words(int error)
{
	switch (-error) {
	case ENOENT:
		return "no such node";
	case EACCES:
		return "not allowed";
	case EINVAL:
		return "the daemon calls that invalid";
	case EPROTO:
		return "the daemon broke the protocol (oxenstored does, for "
		       "directories over 4096 bytes)";
	case EBADMSG:
		return "the daemon's reply makes no sense";
	case ETIMEDOUT:
		return "the daemon does not answer";
	case ECONNRESET:
		return "the daemon hung up";
	default:
		return strerror(-error);
	}
}

int probe_failed(const struct probe *probe, const char *what, int error)
{
	fprintf(stderr, "xs-probe: %s: %s\n", what, probe_words(error));
	return px_client_is_up(probe->client) ? PROBE_WRONG : PROBE_UNREACHED;
}

int probe_cannot_tell(const struct probe *probe, const char *what)
{
	fprintf(stderr, "xs-probe: the daemon at %s is not proxenos; it cannot "
		"tell %s\n", probe_where(probe), what);
	return PROBE_UNREACHED;
}

int probe_usage(const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "xs-probe: ");
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, "\nTry `xs-probe --help'.\n");
	return PROBE_USAGE;
}

static int dump(json_t *json, size_t flags)
{
	/* Enough for what is measured; more is noise of the binary form. */
	int ret = json ? json_dumpf(json, stdout, flags |
				    JSON_REAL_PRECISION(12)) : -1;

	if (json)
		json_decref(json);
	if (ret) {
		fprintf(stderr, "xs-probe: out of memory\n");
		return PROBE_WRONG;
	}
	putchar('\n');
	return PROBE_FINE;
}

int probe_json(json_t *json)
{
	return dump(json, JSON_INDENT(2));
}

int probe_json_line(json_t *json)
{
	int ret = dump(json, JSON_COMPACT);

	return fflush(stdout) ? PROBE_WRONG : ret;
}
