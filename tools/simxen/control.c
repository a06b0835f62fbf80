// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A fixed number of peers, each with the line it is sending. Answers are
 * short and go out at once; a peer that does not read them is dropped.
 */
#include "tools/simxen/control.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/simxen/command.h"

int control_open(struct control *c, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int err;

	for (unsigned int i = 0; i < CONTROL_PEERS; i++)
		c->peer[i].fd = -1;
	c->listener = -1;
	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	memcpy(un.sun_path, path, strlen(path));
	memcpy(c->path, un.sun_path, sizeof(c->path));
	c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
			     SOCK_NONBLOCK, 0);
	if (c->listener < 0)
		return -errno;
	unlink(path);
	if (!bind(c->listener, (const struct sockaddr *)&un, sizeof(un)) &&
	    !listen(c->listener, CONTROL_PEERS))
		return 0;
	err = -errno;
	control_close(c);
	return err;
}

static void peer_close(struct control_peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

void control_close(struct control *c)
{
	for (unsigned int i = 0; i < CONTROL_PEERS; i++)
		peer_close(&c->peer[i]);
	if (c->listener < 0)
		return;
	close(c->listener);
	unlink(c->path);
}

static void __attribute__((format(printf, 2, 3)))
peer_say(struct control_peer *p, const char *fmt, ...)
{
	char *line;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&line, fmt, ap);
	va_end(ap);
	if (n < 0 || send(p->fd, line, (size_t)n, MSG_NOSIGNAL |
			  MSG_DONTWAIT) != n)
		peer_close(p);
	if (n >= 0)
		free(line);
}

static void do_kill(struct control_peer *p, struct service *s, char *arg)
{
	unsigned long sig = SIGKILL;
	pid_t pid = s->pid;

	if (*arg && !command_number(arg, SIGRTMAX, &sig))
		peer_say(p, "error no such signal\n");
	else if (service_signal(s, (int)sig))
		peer_say(p, "error no daemon runs\n");
	else
		peer_say(p, "ok %lu %ld\n", s->starts, (long)pid);
}

static void do_wait(struct control_peer *p, struct service *s, char *arg)
{
	if (!command_number(arg, UINT32_MAX, &p->wait) || !p->wait)
		peer_say(p, "error wait for which start?\n");
}

/* Names of descriptors and STATUS are the daemon's; keep JSON's rules. */
static void text_json(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++)
		if (*text == '"' || *text == '\\' || (signed char)*text < ' ')
			fprintf(out, "\\u%04x", (unsigned char)*text);
		else
			putc(*text, out);
	putc('"', out);
}

static void status_json(FILE *out, const struct service *s)
{
	fprintf(out, "{\"pid\": %ld, \"starts\": %lu, \"deaths\": %lu, "
		"\"ready\": %lu, \"exit_status\": %d, \"status\": ",
		(long)s->pid, s->starts, s->deaths, s->ready, s->exit_status);
	text_json(out, s->status);
	fputs(", \"fds\": [", out);
	for (unsigned int i = 0; i < s->fds.count; i++) {
		fputs(i ? ", " : "", out);
		text_json(out, s->fds.entry[i].name);
	}
	fputs("]}", out);
}

static void do_status(struct control_peer *p, struct service *s, char *arg)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out) {
		status_json(out, s);
		fclose(out);
	}
	peer_say(p, text ? "ok %s\n" : "error no memory%s\n",
		 text ? text : "");
	free(text);
}

static void do_hold(struct control_peer *p, struct service *s, char *arg)
{
	service_hold(s, true);
	peer_say(p, "ok\n");
}

static void do_release(struct control_peer *p, struct service *s, char *arg)
{
	service_hold(s, false);
	peer_say(p, "ok\n");
}

static void do_next(struct control_peer *p, struct service *s, char *arg)
{
	char *copy = strchr(arg, '=') ? strdup(arg) : NULL;

	if (!copy) {
		peer_say(p, "error NAME=VALUE is wanted\n");
		return;
	}
	free(s->next_env);
	s->next_env = copy;
	peer_say(p, "ok\n");
}

static void do_stop(struct control_peer *p, struct service *s, char *arg)
{
	service_stop(s);
	peer_say(p, "ok\n");
}

static const struct {
	const char *name;
	void (*run)(struct control_peer *p, struct service *s, char *arg);
} control_words[] = {
	{ "kill", do_kill },
	{ "wait", do_wait },
	{ "status", do_status },
	{ "hold", do_hold },
	{ "release", do_release },
	{ "next", do_next },
	{ "stop", do_stop },
};

static void peer_line(struct control_peer *p, struct service *s, char *line)
{
	char *arg = strchrnul(line, ' ');

	if (*arg)
		*arg++ = 0;
	for (size_t i = 0; i < sizeof(control_words) /
			       sizeof(control_words[0]); i++)
		if (!strcmp(line, control_words[i].name)) {
			control_words[i].run(p, s, arg);
			return;
		}
	peer_say(p, "error no such command\n");
}

static void peer_read(struct control_peer *p, struct service *s)
{
	ssize_t n = recv(p->fd, p->line + p->len, sizeof(p->line) - p->len,
			 MSG_DONTWAIT);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		peer_close(p);
		return;
	}
	p->len += (size_t)n;
	end = memchr(p->line, '\n', p->len);
	if (!end) {
		if (p->len == sizeof(p->line))
			peer_close(p);
		return;
	}
	*end = 0;
	p->len = 0;
	peer_line(p, s, p->line);
}

static void control_accept(struct control *c)
{
	int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);

	for (unsigned int i = 0; fd >= 0 && i < CONTROL_PEERS; i++)
		if (c->peer[i].fd < 0) {
			c->peer[i] = (struct control_peer){ .fd = fd };
			return;
		}
	if (fd >= 0)
		close(fd);
}

static void peer_answer(struct control_peer *p, const struct service *s)
{
	if (!p->wait)
		return;
	if (s->ready >= p->wait)
		peer_say(p, "ok %lu %ld\n", s->ready, (long)s->pid);
	else if (service_over(s))
		peer_say(p, "error it is over, after %lu starts\n",
			 s->starts);
	else
		return;
	p->wait = 0;
}

void control_poll(const struct control *c, struct pollfd *pfd)
{
	pfd[0] = (struct pollfd){ c->listener, POLLIN, 0 };
	for (unsigned int i = 0; i < CONTROL_PEERS; i++)
		pfd[i + 1] = (struct pollfd){ c->peer[i].fd, POLLIN, 0 };
}

void control_serve(struct control *c, const struct pollfd *pfd,
		   struct service *s)
{
	for (unsigned int i = 0; i < CONTROL_PEERS; i++) {
		struct control_peer *p = &c->peer[i];

		if (p->fd >= 0 && pfd[i + 1].revents)
			peer_read(p, s);
		if (p->fd >= 0)
			peer_answer(p, s);
	}
	if (pfd[0].revents)
		control_accept(c);
}
