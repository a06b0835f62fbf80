/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of records, as docs/protocol/trace.md has them: pcap, so that the
 * tools for such files (mergecap, editcap, wireshark with a dissector) take
 * them, in the byte order of little-endian machines, whatever this one is.
 */
#include "tools/xs-probe/trace.h"

#include <errno.h>
#include <string.h>

#define PCAP_MAGIC 0xa1b2c3d4u	/* times in microseconds */
#define PCAP_HEAD 24u
#define PACKET_HEAD 16u
#define LINKTYPE_USER0 147u
#define PAYLOAD_VERSION 1u
#define PAYLOAD_HEAD 48u

static void put16(uint8_t *to, uint32_t v)
{
	to[0] = (uint8_t)v;
	to[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *to, uint32_t v)
{
	put16(to, v & 0xffff);
	put16(to + 2, v >> 16);
}

static uint32_t get16(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8;
}

static uint32_t get32(const uint8_t *at)
{
	return get16(at) | get16(at + 2) << 16;
}

bool trace_pcap_head(FILE *out)
{
	uint8_t head[PCAP_HEAD] = { 0 };

	put32(head, PCAP_MAGIC);
	put16(head + 4, 2);
	put16(head + 6, 4);
	put32(head + 16, TRACE_PCAP_ROOM);
	put32(head + 20, LINKTYPE_USER0);
	return fwrite(head, sizeof(head), 1, out) == 1;
}

static size_t whole(const struct traced *t)
{
	return PAYLOAD_HEAD + t->path.len + t->request.len + t->reply.len;
}

static bool put_span(FILE *out, struct span s)
{
	return !s.len || fwrite(s.at, s.len, 1, out) == 1;
}

bool trace_pcap_write(FILE *out, const struct traced *t)
{
	uint8_t head[PACKET_HEAD + PAYLOAD_HEAD] = { 0 };
	uint8_t *p = head + PACKET_HEAD;
	uint64_t us = t->latency_us;

	/* The daemon keeps less; then this is no record of its. */
	if (whole(t) > TRACE_PCAP_ROOM)
		return false;
	put32(head, (uint32_t)(t->time_us / 1000000));
	put32(head + 4, (uint32_t)(t->time_us % 1000000));
	put32(head + 8, (uint32_t)whole(t));
	put32(head + 12, (uint32_t)whole(t));
	put16(p, PAYLOAD_VERSION);
	put16(p + 2, PAYLOAD_HEAD);
	put32(p + 4, t->conn);
	put32(p + 8, us < UINT32_MAX ? (uint32_t)us : UINT32_MAX);
	put32(p + 12, t->result);
	put32(p + 16, t->op);
	put32(p + 20, t->req);
	put32(p + 24, t->tx);
	put32(p + 28, t->request_len);
	put32(p + 32, t->reply_len);
	put32(p + 36, (uint32_t)t->path.len);
	put32(p + 40, (uint32_t)t->request.len);
	put32(p + 44, (uint32_t)t->reply.len);
	return fwrite(head, sizeof(head), 1, out) == 1 &&
	       put_span(out, t->path) && put_span(out, t->request) &&
	       put_span(out, t->reply);
}

int trace_pcap_open(FILE *in)
{
	uint8_t head[PCAP_HEAD];

	if (fread(head, sizeof(head), 1, in) != 1)
		return ferror(in) ? -EIO : -EBADMSG;
	return get32(head) == PCAP_MAGIC && get16(head + 4) == 2 &&
	       get32(head + 20) == LINKTYPE_USER0 ? 0 : -EBADMSG;
}

/* The lengths within have to make up the packet. */
static int payload_get(struct traced *t, const uint8_t *p, size_t len)
{
	size_t head, path, request, reply;

	if (len < PAYLOAD_HEAD || get16(p) != PAYLOAD_VERSION)
		return -EBADMSG;
	head = get16(p + 2);
	path = get32(p + 36);
	request = get32(p + 40);
	reply = get32(p + 44);
	if (head < PAYLOAD_HEAD || head > len || path > len ||
	    request > len || reply > len ||
	    head + path + request + reply != len)
		return -EBADMSG;
	t->conn = get32(p + 4);
	t->latency_us = get32(p + 8);
	t->result = get32(p + 12);
	t->op = get32(p + 16);
	t->req = get32(p + 20);
	t->tx = get32(p + 24);
	t->request_len = get32(p + 28);
	t->reply_len = get32(p + 32);
	t->path = (struct span){ (const char *)p + head, path };
	t->request = (struct span){ t->path.at + path, request };
	t->reply = (struct span){ t->request.at + request, reply };
	return 1;
}

int trace_pcap_read(FILE *in, struct traced *t, uint8_t room[TRACE_PCAP_ROOM])
{
	uint8_t head[PACKET_HEAD];
	size_t n = fread(head, 1, sizeof(head), in);
	uint32_t len;

	if (ferror(in))
		return -EIO;
	if (!n)
		return 0;
	len = get32(head + 8);
	if (n < sizeof(head) || len > TRACE_PCAP_ROOM ||
	    get32(head + 12) != len || fread(room, 1, len, in) != len)
		return ferror(in) ? -EIO : -EBADMSG;
	t->time_us = get32(head) * 1000000ull + get32(head + 4);
	return payload_get(t, room, len);
}
