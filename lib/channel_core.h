/* SPDX-License-Identifier: MIT */
/*
 * One end of a channel as a machine without a world: events in, actions out.
 * It knows no store, clock or memory of its own, so that the shell
 * (channel.c), the simulation and the fuzzer run the very same code.
 *
 * channel_step() takes one event.  Then channel_action() is called until it
 * has nothing more: actions are worked out from the state and not queued, so
 * nothing can overflow and none goes stale.  An action of the kind
 * "store operation" is answered by the event of the same name, exactly once,
 * at whatever time; operations of one end reach the store in the order of
 * the actions.  A callback is over when the next action is asked for.
 *
 * The rules R1 to R12 are those of docs/protocol/channel.md.
 */
#ifndef LIB_CHANNEL_CORE_H
#define LIB_CHANNEL_CORE_H

#include <proxenos/channel.h>

#include "lib/channel_text.h"

enum channel_state {
	CHANNEL_HELLO,		/* my epoch is fresh, I am bound to nobody */
	CHANNEL_BOUND,		/* bound to an epoch, not known to be mutual */
	CHANNEL_UP,
	CHANNEL_QUIET,		/* down; the client has not let go yet */
	CHANNEL_PARTING,	/* the same, and there is no way back */
	CHANNEL_CLOSING,	/* left; waits for its release */
	CHANNEL_ENDED,
	CHANNEL_STATES
};

enum channel_event_type {
	/* The world. */
	CHANNEL_EV_TIME,	/* nothing but `now` */
	CHANNEL_EV_BELL_STATUS,	/* the peer's st may have changed */
	CHANNEL_EV_BELL_SLOT,	/* a slot of the peer's may have: slot */
	CHANNEL_EV_BELL_OWN,	/* a node of mine may have */
	CHANNEL_EV_BELL_DOMAIN,	/* a domain has ended, perhaps the peer's */
	CHANNEL_EV_MOVED,	/* my domid changed */
	/* Answers to store operations; result 0 or a negative errno. */
	CHANNEL_EV_WROTE_STATUS,
	CHANNEL_EV_WROTE_SLOT,	/* slot */
	CHANNEL_EV_PEER,	/* text; generation as read after it */
	CHANNEL_EV_OWN,		/* text and generation, the same */
	CHANNEL_EV_SLOT,	/* text */
	CHANNEL_EV_ALIVE,	/* alive: the peer's domain is there */
	/* The client. */
	CHANNEL_EV_COMPLETE,
	CHANNEL_EV_LET_GO,
	CHANNEL_EV_CLOSE,
	CHANNEL_EVENTS
};

struct channel_event {
	enum channel_event_type type;
	int result;
	unsigned int slot;
	struct span text;
	struct span generation;		/* empty counts as "0" */
	bool alive;
};

enum channel_action_type {
	CHANNEL_DO_NOTHING,
	/* Callbacks. */
	CHANNEL_DO_RELEASED,
	CHANNEL_DO_UP,
	CHANNEL_DO_DONE,	/* message, verdict */
	CHANNEL_DO_DOWN,	/* down */
	CHANNEL_DO_MESSAGE,	/* text */
	CHANNEL_DO_ENDED,
	/* Store operations. */
	CHANNEL_DO_WRITE_STATUS,	/* text */
	CHANNEL_DO_WRITE_SLOT,		/* slot, text */
	CHANNEL_DO_READ_PEER,		/* st, then the generation */
	CHANNEL_DO_READ_OWN,		/* the same of mine */
	CHANNEL_DO_READ_SLOT,		/* slot */
	CHANNEL_DO_ASK_ALIVE
};

struct channel_action {
	enum channel_action_type type;
	unsigned int slot;
	struct span text;	/* until the next step or action */
	struct px_channel_message *message;
	enum px_channel_verdict verdict;
	struct px_channel_down down;
	struct channel_epoch epoch;	/* RELEASED: which; UP: mine */
};

/* One of my slots.  The body stays until it is acknowledged. */
struct channel_out {
	uint64_t seq;
	bool used;
	bool due;		/* to be written now */
	bool writing;		/* an answer is awaited */
	bool landed;		/* some write of it may have reached the store */
	bool landed_before;	/* what that was before the write under way */
	enum channel_kind kind;
	unsigned int part, parts;
	size_t len;
	uint64_t rx;		/* what was wanted next when it was filled */
	char *body;		/* CHANNEL_BODY_MAX */
};

/* Reads in a row that showed garbage, and when the last was counted. */
struct channel_bad {
	unsigned int row;
	uint64_t at;
};

/* A store operation of which there is one at a time. */
struct channel_io {
	bool wanted;
	bool busy;
};

struct channel {
	enum channel_state state;
	struct channel_epoch me, you;
	struct channel_epoch held;	/* mine, not yet released; or none */
	struct channel_epoch newest;	/* of the peer's seen, R2 */
	void (*entropy)(void *ctx, uint8_t *random);	/* 16 bytes */
	void *entropy_ctx;
	unsigned int slots;
	uint32_t lease;			/* milliseconds */
	uint32_t peer_lease;

	/* R4, R6: `binding` counts what my st must say; `stored` is the
	 * count that a write known to have succeeded carried. */
	uint64_t binding, stored, writing_binding, read_binding;
	char generation[CHANNEL_GENERATION_MAX + 1];
	bool mute;			/* never write again, R11 */
	bool absent;			/* the peer has no st */
	bool dead;			/* the peer's domain is no more */

	/* Writing st. */
	struct channel_io st;
	uint64_t beat, ack_writing, ack_told, ack_at;
	uint64_t wrote_at, retry_at;
	unsigned int retries;
	char st_text[CHANNEL_STATUS_MAX];
	size_t st_len;
	uint64_t st_serial, own_serial;

	/* Reading. */
	struct channel_io peer, own, slot, alive;
	uint64_t poll_at, answered_at, silence;
	char peer_text[CHANNEL_STATUS_MAX];
	size_t peer_len;
	struct channel_bad bad_peer, bad_slot;
	bool last_look;			/* R12: suspect if this shows nothing */

	/* The data. */
	unsigned int window, peer_slots;
	uint64_t tx, acked, rx;
	uint64_t resend_at, rto;
	struct px_channel_message *queue, **queue_end;	/* unsent, partly */
	struct px_channel_message *sent, **sent_end;	/* wholly in slots */
	struct px_channel_message *done, **done_end;	/* delivered */
	struct px_channel_message *over, **over_end;	/* ended by down */
	struct channel_out out[CHANNEL_SLOTS_MAX];
	char *in;			/* CHANNEL_BODY_MAX: being delivered */
	struct cursor in_rest;
	char *whole;			/* slots * CHANNEL_BODY_MAX */
	size_t whole_len;
	unsigned int parts_had, parts_all;
	bool in_full, in_busy;
	uint32_t rung;		/* slots that rang and were not read since */
	enum channel_kind in_kind;
	char *scratch;			/* CHANNEL_SLOT_MAX */

	/* Callbacks that are due. */
	bool tell_up, tell_down, tell_released, tell_ended, told_ended;
	struct channel_epoch released;
	enum px_channel_reason reason;
	uint64_t count_delivered, count_received;
	unsigned int count_never, count_doubt;
	int error;
	uint64_t ups, downs, status_writes, slot_writes, garbage, stale;
};

/* Bytes of `memory` for an end with so many slots. */
size_t channel_memory(unsigned int slots);

/*
 * R1.  `old` is what my st said before, if anything; boot is the time since
 * boot in milliseconds: finer than a process can die and start again.
 */
void channel_start(struct channel *c, char *memory, unsigned int slots,
		   uint32_t lease, uint64_t boot, struct span old,
		   struct span generation,
		   void (*entropy)(void *ctx, uint8_t *random), void *ctx,
		   uint64_t now);

void channel_step(struct channel *c, const struct channel_event *e,
		  uint64_t now);

/*
 * The next thing to do; `io` false: callbacks only.  An operation that could
 * not be issued is answered at once with -EAGAIN.
 */
void channel_action(struct channel *c, bool io, struct channel_action *a,
		    uint64_t now);
/* When to step with CHANNEL_EV_TIME at the latest. */
uint64_t channel_deadline(const struct channel *c);

/* -ENOTCONN, -EMSGSIZE. */
int channel_submit(struct channel *c, struct px_channel_message *m,
		 uint64_t now);

/* ------------------------------------- between the parts of the machine -- */

enum channel_stimulus {
	CHANNEL_PEER_NEW,	/* an epoch of the peer's that I am not bound to */
	CHANNEL_PEER_BOUND,	/* it is bound to me, and my binding is stored */
	CHANNEL_PEER_LEFT,	/* it is bound to another, or says it is quiet */
	CHANNEL_PEER_ABSENT,	/* it has no st */
	CHANNEL_PEER_DEAD,	/* its domain is no more */
	CHANNEL_PEER_SILENT,	/* R12 */
	CHANNEL_FAULT,		/* what it writes makes no sense */
	CHANNEL_TAKEN,		/* another process has my end */
	CHANNEL_REMOVED,	/* my nodes are gone */
	CHANNEL_DOMID,		/* my domid changed */
	CHANNEL_CLOSE,
	CHANNEL_LET_GO,
	CHANNEL_RELEASED,	/* nothing of mine is held any more */
	CHANNEL_STIMULI
};

/* channel_link.c: the state table. */
void channel_stimulus(struct channel *c, enum channel_stimulus s,
		      const struct channel_status *peer, uint64_t now);
const char *channel_state_name(enum channel_state state);
void channel_fresh(struct channel *c, uint64_t now);
void channel_rebind(struct channel *c);
void channel_free_held(struct channel *c, uint64_t now);
/* channel_read.c: what reads have shown. */
void channel_read_peer(struct channel *c, const struct channel_event *e,
		       uint64_t now);
void channel_read_own(struct channel *c, const struct channel_event *e,
		      uint64_t now);
void channel_read_alive(struct channel *c, const struct channel_event *e,
			uint64_t now);
/* channel_data.c: messages, slots, acknowledgements. */
void channel_data_start(struct channel *c);
void channel_data_end(struct channel *c);
void channel_data_ack(struct channel *c, uint64_t wanted, uint64_t now);
void channel_data_read(struct channel *c, const struct channel_event *e,
		       uint64_t now);
void channel_data_completed(struct channel *c, uint64_t now);
void channel_data_wrote(struct channel *c, const struct channel_event *e,
			uint64_t now);
void channel_data_fill(struct channel *c, uint64_t now);
bool channel_data_action(struct channel *c, struct channel_action *a,
			 uint64_t now);
bool channel_data_message(struct channel *c, struct channel_action *a);
void channel_data_time(struct channel *c, uint64_t now);
void channel_garbage(struct channel *c, struct channel_bad *bad,
		     uint64_t now);

enum {
	CHANNEL_ACK_DELAY = 20000,	/* microseconds, R9 */
	CHANNEL_RTO_MIN = 250000,	/* R10 */
	CHANNEL_RTO_MAX = 8000000,
	CHANNEL_GARBAGE_MAX = 3,	/* bad reads in a row: a fault, */
	CHANNEL_GARBAGE_GAP = 250000	/* this far apart, or lease / 6 */
};

#endif
