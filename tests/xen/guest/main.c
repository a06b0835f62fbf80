// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest without an operating system that uses its ring in ways that Linux
 * never does.  Each step is a row; its name goes to data/step when it
 * begins, and data/result says in the end 'passed' or which step was wrong.  A
 * daemon that answers nothing leaves data/result missing.
 */
#include <stdint.h>
#include <xen/xen.h>
#include <xen/io/xs_wire.h>

#include "protocol/ring.h"
#include "tests/xen/guest/xen.h"

#define TRIES 100000u
#define PIPELINED 64u

static struct px_ring ring;
static struct ring_page *page;
static const struct px_ring_ops ops = { xen_notify, xen_wait };
static uint8_t reply[PX_RING_PAYLOAD_MAX];
static uint32_t last_id;
static uint32_t waited, patience = TRIES;
static const char result[] = "data/result";

/* The compiler calls these. */
void *memcpy(void *to, const void *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
	return to;
}

void *memset(void *to, int c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile uint8_t *)to)[i] = (uint8_t)c;
	return to;
}

static bool same(const void *a, const void *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((const uint8_t *)a)[i] != ((const uint8_t *)b)[i])
			return false;
	return true;
}

static bool send(struct px_ring_msg *m)
{
	int ret = px_ring_send(&ring, m);

	for (unsigned int n = 0; ret == PX_RING_EAGAIN && n < TRIES; n++) {
		px_ring_wait(&ring);
		ret = px_ring_send(&ring, m);
	}
	return !ret;
}

static bool receive(struct px_ring_msg *m)
{
	int ret;

	px_ring_msg_init(m, reply, sizeof(reply));
	ret = px_ring_recv(&ring, m);
	for (unsigned int n = 0; ret == PX_RING_EAGAIN && n < patience; n++) {
		px_ring_wait(&ring);
		waited++;
		ret = px_ring_recv(&ring, m);
	}
	return !ret;
}

/* One request; true if the next message is its reply, of the same type. */
static bool call(uint32_t type, uint32_t tx, const void *data, uint32_t len,
		 struct px_ring_msg *answer)
{
	struct px_ring_msg m;

	px_ring_msg_request(&m, type, ++last_id, tx, data, len);
	return send(&m) && receive(answer) && answer->req_id == last_id &&
	       answer->type == type;
}

/* String constants with the zeros that a request wants between and after. */
#define CALL(type, tx, text, answer) \
	call(type, tx, text, sizeof(text) - 1, answer)
#define ANSWERED(answer, text) \
	((answer).len == sizeof(text) - 1 && \
	 same(reply, text, sizeof(text) - 1))

static bool put(uint8_t *bytes, uint32_t len)
{
	unsigned int tries = TRIES;

	for (uint32_t i = 0; i < len;) {
		int n = px_ring_push(&ring, bytes + i, 1);

		if (n == 1)
			i++;
		else if (n != PX_RING_EAGAIN || !tries--)
			return false;
		px_ring_wait(&ring);
	}
	return true;
}

static bool get(uint8_t *bytes, uint32_t len)
{
	unsigned int tries = TRIES;

	for (uint32_t i = 0; i < len;) {
		int n = px_ring_pull(&ring, bytes + i, 1);

		if (n == 1)
			i++;
		else if (n != PX_RING_EAGAIN || !tries--)
			return false;
		px_ring_wait(&ring);
	}
	return true;
}

static bool step_first(void)
{
	struct px_ring_msg a;

	return CALL(XS_WRITE, 0, "data/first\0one", &a) &&
	       CALL(XS_READ, 0, "data/first\0", &a) && ANSWERED(a, "one");
}

/* Every byte is announced by itself, both ways. */
static bool step_bytes(void)
{
	struct {
		struct xsd_sockmsg head;
		char text[11];
	} m = { { XS_READ, 77, 0, 11 }, "data/first" };
	struct {
		struct xsd_sockmsg head;
		char text[3];
	} a;

	return put((uint8_t *)&m, sizeof(m.head) + sizeof(m.text)) &&
	       get((uint8_t *)&a, sizeof(a.head) + sizeof(a.text)) &&
	       a.head.type == XS_READ && a.head.req_id == 77 &&
	       a.head.len == 3 && same(a.text, "one", 3);
}

/* More requests than the ring holds, before the first reply is read. */
static bool step_pipelined(void)
{
	static const char path[] = "data/first";
	struct px_ring_msg m, a;
	uint32_t sent = 0, got = 0, base = last_id + 1;
	unsigned int tries = TRIES;

	last_id += PIPELINED;
	px_ring_msg_request(&m, XS_READ, base, 0, path, sizeof(path));
	px_ring_msg_init(&a, reply, sizeof(reply));
	while (got < PIPELINED && tries--) {
		int to = sent < PIPELINED ? px_ring_send(&ring, &m) :
			 PX_RING_EAGAIN;
		int from = to ? px_ring_recv(&ring, &a) : PX_RING_EAGAIN;

		if ((to && to != PX_RING_EAGAIN) ||
		    (from && from != PX_RING_EAGAIN))
			return false;
		if (!to)
			px_ring_msg_request(&m, XS_READ, base + ++sent, 0,
					    path, sizeof(path));
		if (!from && (a.req_id != base + got++ || a.len != 3))
			return false;
		if (!from)
			px_ring_msg_init(&a, reply, sizeof(reply));
		if (to && from)
			px_ring_wait(&ring);
	}
	return got == PIPELINED;
}

static bool step_transaction(void)
{
	struct px_ring_msg a;
	uint32_t tx = 0;

	if (!CALL(XS_TRANSACTION_START, 0, "\0", &a))
		return false;
	for (uint32_t i = 0; i + 1 < a.len; i++)
		tx = tx * 10 + (reply[i] - '0');
	return CALL(XS_WRITE, tx, "data/tx\0in", &a) &&
	       !CALL(XS_READ, 0, "data/tx\0", &a) && a.type == XS_ERROR &&
	       ANSWERED(a, "ENOENT\0") &&
	       CALL(XS_TRANSACTION_END, tx, "T\0", &a) &&
	       CALL(XS_READ, 0, "data/tx\0", &a) && ANSWERED(a, "in");
}

static bool event(const char *text, uint32_t len)
{
	struct px_ring_msg a;

	return receive(&a) && a.type == XS_WATCH_EVENT && a.len == len &&
	       same(reply, text, len);
}

#define EVENT(text) event(text, sizeof(text) - 1)

static bool step_watch(void)
{
	struct px_ring_msg m, a;
	static const char change[] = "data/w\0x";

	if (!CALL(XS_WATCH, 0, "data/w\0token\0", &a) ||
	    !EVENT("data/w\0token\0"))
		return false;
	px_ring_msg_request(&m, XS_WRITE, ++last_id, 0, change,
			    sizeof(change) - 1);
	/* The reply and the event may come in either order. */
	if (!send(&m) || !receive(&a))
		return false;
	if (a.type == XS_WATCH_EVENT)
		return receive(&a) && a.type == XS_WRITE;
	return a.type == XS_WRITE && EVENT("data/w\0token\0");
}

/* A value that no guest may have is refused, and the next request served. */
static bool step_oversize(void)
{
	static uint8_t value[3011];
	struct px_ring_msg a;

	memcpy(value, "data/large", 11);
	memset(value + 11, 'v', sizeof(value) - 11);
	return !call(XS_WRITE, 0, value, sizeof(value), &a) &&
	       a.type == XS_ERROR && a.req_id == last_id &&
	       CALL(XS_READ, 0, "data/first\0", &a) && ANSWERED(a, "one");
}

/* A reset: what was watched is forgotten, what was written is not. */
static bool step_reconnect(void)
{
	struct px_ring_msg a;

	if (px_ring_reset(&ring) || px_ring_settle(&ring, TRIES))
		return false;
	return CALL(XS_WRITE, 0, "data/w\0y", &a) &&
	       CALL(XS_READ, 0, "data/w\0", &a) && ANSWERED(a, "y");
}

static bool step_close(void)
{
	struct px_ring_msg a;
	unsigned int tries = TRIES;
	int ret = px_ring_close(&ring);

	while (ret == PX_RING_EAGAIN && tries--) {
		xen_wait(NULL);
		ret = px_ring_close(&ring);
	}
	if (ret)
		return false;
	ret = px_ring_open(&ring, page, &ops, NULL, 0);
	if (ret && (ret != PX_RING_EAGAIN || px_ring_settle(&ring, TRIES)))
		return false;
	return CALL(XS_READ, 0, "data/w\0", &a) && ANSWERED(a, "y");
}

/* A length that cannot be: error 3, and a reset mends it. */
static bool step_broken(void)
{
	struct xsd_sockmsg head = { XS_READ, 1, 0, 4097 };
	unsigned int tries = TRIES;
	int ret = 0;

	if (px_ring_push(&ring, &head, sizeof(head)) != sizeof(head))
		return false;
	while (!ret && tries--) {
		px_ring_wait(&ring);
		ret = px_ring_poll(&ring);
	}
	return ret == PX_RING_EIO && ring.error == RING_ERROR_PROTOCOL &&
	       step_reconnect();
}

static const struct {
	const char *name;
	uint32_t len;
	bool (*done)(void);
} steps[] = {
#define STEP(name) { #name, sizeof(#name) - 1, step_##name }
	STEP(first), STEP(bytes), STEP(pipelined), STEP(transaction),
	STEP(watch), STEP(oversize), STEP(reconnect), STEP(close),
	STEP(broken),
};

static void report(const char *path, uint32_t path_len, const char *value,
		   uint32_t len)
{
	static uint8_t text[64];
	struct px_ring_msg a;

	memcpy(text, path, path_len);
	memcpy(text + path_len, value, len);
	call(XS_WRITE, 0, text, path_len + len, &a);
}

/* Decimal, without a NUL; the number of digits. */
static uint32_t digits(uint8_t *to, uint32_t n)
{
	uint8_t reversed[10];
	uint32_t len = 0;

	do
		reversed[len++] = (uint8_t)('0' + n % 10);
	while ((n /= 10));
	for (uint32_t i = 0; i < len; i++)
		to[i] = reversed[len - 1 - i];
	return len;
}

static bool write_number(const char *path, uint32_t path_len, uint32_t n)
{
	uint8_t text[64];
	struct px_ring_msg a;

	memcpy(text, path, path_len);
	return call(XS_WRITE, 0, text, path_len + digits(text + path_len, n),
		    &a);
}

/*
 * One request after the other, without end, so that there always is one under
 * way: each has one reply, and that is its own.  data/longest tells how often
 * the guest gave the processor away before the reply that took longest.
 */
static bool flight(void)
{
	static const char count[] = "data/count", most[] = "data/longest";
	uint32_t longest = 0;

	/* It may have to outlive the daemon's death. */
	patience = UINT32_MAX;
	for (uint32_t n = 1;; n++) {
		waited = 0;
		if (!write_number(count, sizeof(count), n))
			return false;
		if (waited <= longest)
			continue;
		longest = waited;
		if (!write_number(most, sizeof(most), longest))
			return false;
	}
}

static bool all_steps(void)
{
	static const char step[] = "data/step";

	for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		report(step, sizeof(step), steps[i].name, steps[i].len);
		if (!steps[i].done()) {
			report(result, sizeof(result), steps[i].name,
			       steps[i].len);
			return false;
		}
	}
	report(result, sizeof(result), "passed", 6);
	return true;
}

void guest_main(const struct start_info *info);

void guest_main(const struct start_info *info)
{
	static const char features[] = "data/features", job[] = "flight";
	char offered;
	int ret;

	page = xen_start(info);
	ret = px_ring_open(&ring, page, &ops, NULL, PX_RING_ADOPT);
	if (ret == PX_RING_EAGAIN)
		ret = px_ring_settle(&ring, TRIES);
	if (ret)
		xen_end(1);
	/* Bit 0: the ring can be closed and opened; bit 1: errors are told. */
	offered = (char)('0' + (page->features & 7));
	report(features, sizeof(features), &offered, 1);
	if (!same(info->cmd_line, job, sizeof(job)))
		all_steps();
	else if (!flight())
		report(result, sizeof(result), job, sizeof(job) - 1);
	for (;;)
		xen_wait(NULL);
}
