/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One end of a channel for tests: a process that does what it is told on its
 * standard input, a line each, and says what it sees on its output.  Numbers
 * go both ways: within a cycle the n-th message carries n, and whatever does
 * not is "wrong".  The example programs are for people; this one can be held,
 * moved to another domain, and copied while it runs.
 *
 *   end SOCKET|ring OWN-DOMID PEER-DOMID NAME LEASE-MS [LOCK]
 *
 *   send N [LEN]	N messages, now or when up
 *   rate US		one message each US microseconds while up; 0: none
 *   hold, complete	keep the messages that come; be done with them again
 *   keep, let-go	keep the peer's pages at down; give them back
 *   status		a line of it
 *   move DOMID		the domain has become DOMID (rings only)
 *   clone DOMID IN OUT	a copy of the process, in DOMID, with these for its
 *			standard input and output
 *   close
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proxenos/channel.h>

#include "tools/examples/guest.h"

enum { POOL = 64, LEN_MAX = 4096, WORDS = 4 };

struct out {
	struct px_channel_message m;
	uint64_t number;
	bool used;
	char bytes[LEN_MAX];
};

static struct end {
	struct px_client *client;
	struct px_channel *channel;
	struct out out[POOL];
	struct guest *guest;
	struct px_transport_ring ring;
	struct px_transport base;	/* the ring's own functions */
	int moving;			/* to this domid; -1: not */
	/* This cycle. */
	bool up, in_hand;
	uint64_t sent, ended, delivered, received;
	bool undelivered;
	/* What is asked for. */
	uint64_t more, rate, next_at;
	size_t len;
	bool hold, keep, kept, over;
	char line[256];
	size_t line_len;
} end = { .moving = -1, .len = 8 };

static void wrong(const char *what, uint64_t number)
{
	printf("wrong: %s %" PRIu64 "\n", what, number);
	exit(1);
}

/* ------------------------------------------------------------ callbacks -- */

static void done(void *arg, struct px_channel_message *m,
		 enum px_channel_verdict verdict)
{
	struct out *o = arg;

	if (!o->used || o->number != end.ended)
		wrong("verdict for", o->number);
	if (verdict == PX_CHANNEL_DELIVERED && end.undelivered)
		wrong("delivered after one that was not:", o->number);
	end.undelivered |= verdict != PX_CHANNEL_DELIVERED;
	end.delivered += verdict == PX_CHANNEL_DELIVERED;
	end.ended++;
	o->used = false;
}

static bool send_one(void)
{
	struct out *o = end.out;

	while (o < end.out + POOL && o->used)
		o++;
	if (o == end.out + POOL)
		return false;
	memset(o->bytes, '.', end.len);
	snprintf(o->bytes, sizeof(o->bytes), "%07" PRIu64, end.sent);
	o->bytes[7] = ' ';
	o->number = end.sent;
	o->m = (struct px_channel_message){
		.data = o->bytes, .len = end.len, .done = done, .arg = o };
	if (px_channel_send(end.channel, &o->m))
		return false;
	o->used = true;
	end.sent++;
	return true;
}

static void send_more(uint64_t now)
{
	while (end.up && end.more && send_one())
		end.more--;
	if (!end.up || !end.rate || now < end.next_at)
		return;
	send_one();
	end.next_at = now + end.rate;
}

static bool message(void *arg, const void *data, size_t len)
{
	char want[16];

	snprintf(want, sizeof(want), "%07" PRIu64 " ", end.received);
	if (len < 8 || memcmp(want, data, 8))
		wrong("instead of", end.received);
	printf("got %" PRIu64 "\n", end.received++);
	end.in_hand = end.hold;
	return !end.hold;
}

static void up(void *arg)
{
	end.up = true;
	end.sent = end.ended = end.delivered = end.received = 0;
	end.undelivered = end.in_hand = false;
	puts("up");
}

static bool down(void *arg, const struct px_channel_down *d)
{
	end.up = false;
	if (end.ended != end.sent || d->delivered != end.delivered)
		wrong("verdicts at down:", end.ended);
	end.kept = end.keep;
	printf("down %s sent=%" PRIu64 " delivered=%" PRIu64
	       " never=%u doubt=%u\n", px_channel_reason_name(d->reason),
	       end.sent, end.delivered, d->never_sent, d->in_doubt);
	return !end.keep;
}

static void released(void *arg)
{
	puts("released");
}

static void ended(void *arg, enum px_channel_reason reason)
{
	printf("ended %s\n", px_channel_reason_name(reason));
	end.over = true;
}

/* ------------------------------------------------------------- the ring -- */

static int ring_open(struct px_transport *t);
static void ring_close(struct px_transport *t);

/* As a kernel does to what is under way when it wakes up elsewhere. */
static int ring_event(void *ctx)
{
	struct guest *g = ctx;
	int ret = simxen_guest_wait(g->sim, 0);

	if (end.moving >= 0)
		return -ECONNRESET;
	return ret < 0 ? ret : 0;
}

/* The old guest's memory is not given back: a copy of us may use it. */
static void attach(unsigned int domid)
{
	end.guest = calloc(1, sizeof(*end.guest));
	if (!end.guest)
		exit(99);
	guest_attach(end.guest, domid);
	px_transport_ring_init(&end.ring, end.guest->page, &guest_ring_ops,
			       end.guest, 0,
			       simxen_guest_fd(end.guest->sim), ring_event);
	end.base = end.ring.base;
	end.ring.base.open = ring_open;
	end.ring.base.close = ring_close;
}

static int ring_open(struct px_transport *t)
{
	if (end.moving >= 0)
		attach((unsigned int)end.moving);
	end.moving = -1;
	return end.base.open(t);
}

/* The old page is none of our business any more. */
static void ring_close(struct px_transport *t)
{
	if (end.moving < 0)
		end.base.close(t);
}

static void move(const char *domid)
{
	end.moving = (int)strtoul(domid, NULL, 10);
}

static void reopen(const char *path, int flags, int as)
{
	int fd = open(path, flags);

	if (fd < 0 || dup2(fd, as) < 0)
		exit(98);
	close(fd);
}

static void copy(char *const *word)
{
	fflush(stdout);
	if (fork())
		return;
	/* Each waits for its other end, in the order of who made them. */
	reopen(word[3], O_WRONLY, STDOUT_FILENO);
	reopen(word[2], O_RDONLY, STDIN_FILENO);
	puts("cloned");
	move(word[1]);
}

/* ------------------------------------------------------------- commands -- */

static void status(void)
{
	struct px_channel_status s;

	px_channel_status(end.channel, &s);
	printf("status state=%s reason=%s error=%d next=%" PRIu64
	       " acked=%" PRIu64 " wanted=%" PRIu64 " ups=%" PRIu64
	       " downs=%" PRIu64 " garbage=%" PRIu64 " stale=%" PRIu64
	       " writes=%" PRIu64 "\n", s.state,
	       px_channel_reason_name(s.reason), s.error, s.next, s.acked,
	       s.wanted, s.ups, s.downs, s.garbage, s.stale,
	       s.status_writes + s.slot_writes);
}

static void complete(void)
{
	end.hold = false;
	if (end.in_hand)
		px_channel_complete(end.channel);
	end.in_hand = false;
}

static void let_go(void)
{
	end.keep = false;
	if (end.kept)
		px_channel_let_go(end.channel);
	end.kept = false;
}

static void command(char *line)
{
	static char none[1];
	char *word[WORDS] = { none, none, none, none }, *rest = line;

	for (int n = 0; n < WORDS && rest && *rest; n++)
		word[n] = strsep(&rest, " ");
	if (!strcmp(word[0], "send")) {
		end.more += strtoull(word[1], NULL, 10);
		end.len = *word[2] ? strtoull(word[2], NULL, 10) : 8;
		if (end.len < 8 || end.len > LEN_MAX)
			exit(2);
	} else if (!strcmp(word[0], "rate")) {
		end.rate = strtoull(word[1], NULL, 10);
	} else if (!strcmp(word[0], "hold")) {
		end.hold = true;
	} else if (!strcmp(word[0], "complete")) {
		complete();
	} else if (!strcmp(word[0], "keep")) {
		end.keep = true;
	} else if (!strcmp(word[0], "let-go")) {
		let_go();
	} else if (!strcmp(word[0], "status")) {
		status();
	} else if (!strcmp(word[0], "move")) {
		move(word[1]);
	} else if (!strcmp(word[0], "clone")) {
		copy(word);
	} else if (!strcmp(word[0], "close")) {
		px_channel_close(end.channel);
	} else {
		wrong(line, 0);
	}
}

static void commands(void)
{
	ssize_t n = read(STDIN_FILENO, end.line + end.line_len,
			 sizeof(end.line) - end.line_len - 1);
	char *nl;

	if (!n || (n < 0 && errno != EAGAIN && errno != EINTR))
		exit(0);
	end.line_len += n > 0 ? (size_t)n : 0;
	while ((nl = memchr(end.line, '\n', end.line_len))) {
		size_t used = (size_t)(nl - end.line) + 1;
		char line[sizeof(end.line)];

		memcpy(line, end.line, used);
		line[used - 1] = 0;
		end.line_len -= used;
		memmove(end.line, nl + 1, end.line_len);
		command(line);
	}
}

/* ----------------------------------------------------------------- loop -- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void wait_for_work(void)
{
	uint64_t now = px_client_now(), at = now + 1000000;
	struct pollfd p[2] = {
		{ px_client_fd(end.client), px_client_poll(end.client), 0 },
		{ STDIN_FILENO, POLLIN, 0 },
	};

	at = earlier(at, px_client_deadline(end.client));
	at = earlier(at, px_channel_deadline(end.channel));
	if (end.up && end.rate)
		at = earlier(at, end.next_at);
	poll(p, 2, at <= now ? 0 : (int)((at - now + 999) / 1000));
	if (p[1].revents)
		commands();
}

static void *make(size_t size)
{
	void *memory = size ? calloc(1, size) : NULL;

	if (!memory) {
		fputs("end: options are not valid\n", stderr);
		exit(2);
	}
	return memory;
}

static void begin(const char *where, const struct px_channel_options *o)
{
	static struct px_transport_unix socket;
	struct px_client_options options = { .backoff_min = 5000,
					     .backoff_max = 100000 };
	size_t size = px_client_size(&options);
	int err;

	if (!strcmp(where, "ring"))
		attach(o->self);
	else if (px_transport_unix_init(&socket, where))
		exit(2);
	err = px_client_init(make(size), size, &options, &end.client);
	if (!err)
		err = px_client_open(end.client, end.guest ?
				     &end.ring.base : &socket.base);
	size = px_channel_size(o);
	if (!err)
		err = px_channel_init(make(size), size, o, &end.channel);
	if (!err)
		err = px_channel_open(end.channel, end.client);
	if (err) {
		printf("refused %s\n", strerror(-err));
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct px_channel_options o = {
		.on = { up, message, down, released, ended, NULL },
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 6)
		return 2;
	o.self = (uint16_t)strtoul(argv[2], NULL, 10);
	o.peer = (uint16_t)strtoul(argv[3], NULL, 10);
	o.name = argv[4];
	o.lease = (uint32_t)strtoul(argv[5], NULL, 10);
	o.lock = argc > 6 ? argv[6] : NULL;
	begin(argv[1], &o);
	while (!end.over) {
		uint64_t now = px_client_now();
		int more;

		more = px_client_process(end.client, now);
		px_channel_process(end.channel, now);
		send_more(now);
		px_channel_process(end.channel, now);
		if ((more | px_client_process(end.client, now)) <= 0)
			wait_for_work();
	}
	px_client_close(end.client);
	return 0;
}
