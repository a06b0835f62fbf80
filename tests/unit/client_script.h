/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A daemon played by the test: a transport whose two directions are plain
 * arrays.  What the client sends is picked up message by message, what it
 * receives is written here beforehand and handed out in pieces of any size.
 */
#ifndef TESTS_UNIT_CLIENT_SCRIPT_H
#define TESTS_UNIT_CLIENT_SCRIPT_H

#include <proxenos/client.h>

#include "protocol/wire.h"

#define SCRIPT_BYTES (1u << 18)

struct script {
	struct px_transport base;
	int open_result;
	size_t send_max;	/* bytes a send takes; SIZE_MAX: all */
	size_t recv_max;	/* bytes a recv gives */
	size_t send_budget;	/* bytes all sends together take */
	int send_error;		/* once, when the budget is used up */
	bool hung_up;		/* recv says 0 when `in` is empty */
	bool broken;		/* the client broke a transport's rules */
	unsigned int opens;
	unsigned int closes;
	unsigned int sends;
	size_t out_len, out_at;	/* sent by the client, picked up */
	size_t in_len, in_at;	/* for the client, handed out */
	char out[SCRIPT_BYTES];
	char in[SCRIPT_BYTES];
};

/* A fresh one; the caller's static memory. */
void script_init(struct script *s);
/* The next whole request; false if there is none.  Payload NUL-ended. */
bool script_take(struct script *s, struct wire_header *h, char *payload);
/* Queue raw bytes, a message, or the reply to a request. */
void script_feed(struct script *s, const void *bytes, size_t len);
void script_message(struct script *s, uint32_t type, uint32_t id,
		    const void *data, size_t len);
void script_reply(struct script *s, const struct wire_header *h,
		  const void *data, size_t len);
void script_error(struct script *s, const struct wire_header *h,
		  const char *name);

/* What a request ended with. */
struct outcome {
	int calls;
	int result;
	size_t len;
	char data[WIRE_PAYLOAD_MAX + 1];
};

px_client_done outcome_done;

/* A client in static, canaried memory, on the script. */
struct rig {
	struct script script;
	struct px_client *client;
	struct px_client_options options;
	int ups, downs, reason;
	enum px_client_up how;
	uint64_t now;
	char *memory;
	size_t size;
};

/* The one rig; set up afresh.  The options may have been changed before. */
struct rig *rig_new(const struct px_client_options *options);
/* Connect and answer the greeting with this generation (NULL: ENOENT). */
void rig_up(struct rig *rig, const char *generation);
/* Process until nothing moves; the last result. */
int rig_run(struct rig *rig);
/* Fails the test if the memory around the client was touched. */
void rig_check_canaries(struct rig *rig);

/*
 * How often code under test asked the allocator for memory; volatile because
 * a compiler knows that malloc changes no variable.
 */
extern volatile unsigned long wrapped_allocations;

struct Suite *client_request_suite(void);
struct Suite *client_hostile_suite(void);
struct Suite *client_watch_suite(void);
struct Suite *client_list_suite(void);
struct Suite *client_ring_suite(void);
struct Suite *client_transport_suite(void);

#endif
