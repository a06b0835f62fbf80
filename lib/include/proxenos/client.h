/* SPDX-License-Identifier: MIT */
/*
 * libproxenos, the xenstore client: asynchronous and pipelined.
 *
 * IN SHORT
 *	px_client_size() says how much memory a client needs, you provide it,
 *	px_client_init() makes a client in it, px_client_open() names the
 *	transport.  From then on: poll px_client_fd() for px_client_poll(),
 *	at the latest until px_client_deadline(), then px_client_process().
 *	Everything else happens in callbacks, and only inside
 *	px_client_process() and px_client_close().
 *
 * OWNERSHIP	The library allocates nothing.  The memory given to init stays
 *	yours and may be freed after px_client_close().  Paths, values and
 *	part arrays are copied before a request function returns.  A struct
 *	px_client_watch and its path are yours and must stay until
 *	px_client_unwatch() or its last event (see there).
 * THREADS	None, and no locks: one client, one thread at a time.
 * BLOCKING	Never (but see px_transport_device_init).
 * UNITS	Sizes are bytes, times are microseconds of a clock of yours
 *	that does not go backwards, passed in as `now`.
 * ERRORS	0 or more is success, else a negative errno.  A result of a
 *	request is the daemon's own error (-ENOENT, ...; a name this library
 *	does not know is -EINVAL) or -ECONNRESET: the connection ended before
 *	the answer came, and whether the daemon did it is not known.
 *	Every accepted request gets its callback exactly once.
 * BROKEN PEER	A reply over 4096 bytes, one that matches no request or comes
 *	out of order, one before its request was sent, an unknown type, an
 *	error without a name, an event without path and token: the connection
 *	is dropped with -EPROTO.  Transaction ids in replies are not looked
 *	at.  An event for a watch that is no longer there is dropped.
 * CALLBACKS	May call anything here but px_client_process(), which says
 *	-EBUSY; the memory of a client may not be freed inside one.
 */
#ifndef PROXENOS_CLIENT_H
#define PROXENOS_CLIENT_H

#include <proxenos/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

struct px_client;

/* Bytes of yours; a string's NUL counts only where you include it. */
struct px_bytes {
	const void *at;
	size_t len;
};

/*
 * A request has ended.  `result` 0: `data` are the reply's `len` bytes, and
 * data[len] is a NUL that is not counted.  Negative: the error; data is then
 * "" and len 0.  `data` is valid only during the callback.
 */
typedef void px_client_done(void *arg, int result, const char *data,
			    size_t len);

enum px_client_up {
	PX_CLIENT_FIRST,	/* the first connection of this client */
	PX_CLIENT_SAME,		/* again, and the store has kept its word */
	PX_CLIENT_LOST		/* again, but the store may have lost writes */
};

/* All zeroes is a fair choice: the defaults are named beside each. */
struct px_client_options {
	/* Requests given to the daemon and unanswered; 0 means 8.  A guest
	 * is allowed 20 by the daemon, its kernel's own included. */
	unsigned int window;
	/* Requests accepted and unanswered, not less than window; 0 is 32. */
	unsigned int requests;
	/* Watches at a time; 0 means 64.  (A guest's quota is 128.) */
	unsigned int watches;
	/* Room for requests that wait, at least 4112; 0 means 32768. */
	size_t out_bytes;
	/*
	 * After a hang-up, or a failed attempt, connect again after so long,
	 * twice as long each time up to the maximum.  Minimum 0: stay down.
	 */
	uint64_t backoff_min;
	uint64_t backoff_max;
	/*
	 * Connected, and requests are accepted from now on.  Watches are set
	 * again by the library; as WATCH is answered by an event, each gets
	 * one, and what changed meanwhile is seen by reading then.  Whether
	 * the store lost anything is told by /tool/xenstored/generation: a
	 * daemon changes it when it starts without proof that it has every
	 * acknowledged write; a daemon that does not publish it counts as
	 * "0".  Transactions of the old connection are gone in any case.
	 */
	void (*up)(void *arg, enum px_client_up how);
	/*
	 * The connection was up and has ended; all requests have been told.
	 * `reason`: -ECONNRESET for a hang-up, -EPROTO, or the transport's
	 * error.  Not called for px_client_close().
	 */
	void (*down)(void *arg, int reason);
	void *arg;
};

/*
 * Bytes that px_client_init() needs for these options (NULL: defaults); 0 if
 * they are not valid.
 */
size_t px_client_size(const struct px_client_options *options);

/*
 * Make a client in `memory`, which must be aligned like malloc's.  The
 * options are copied.  -ENOBUFS: less than px_client_size(); -EINVAL: limits
 * that contradict each other, or over 65535.
 */
int px_client_init(void *memory, size_t size,
		   const struct px_client_options *options,
		   struct px_client **client);

/*
 * Connect through `transport` at the next px_client_process().  -EISCONN if
 * the client is open already.
 */
int px_client_open(struct px_client *client, struct px_transport *transport);

/*
 * Hang up now.  Unanswered requests end with -ECONNRESET, inside this call.
 * Watches stay known and are set again after another open; to forget them
 * call px_client_unwatch().  Closing what is closed does nothing.
 */
void px_client_close(struct px_client *client);

/* The descriptor to poll; -1 when there is none at the moment. */
int px_client_fd(const struct px_client *client);
/* The poll(2) events to wait for on it. */
short px_client_poll(const struct px_client *client);
/* Call process at this time even if nothing happens; UINT64_MAX: never. */
uint64_t px_client_deadline(const struct px_client *client);
/* True while requests are accepted. */
bool px_client_is_up(const struct px_client *client);
/* Requests accepted and not yet ended, the library's own included. */
unsigned int px_client_pending(const struct px_client *client);
/* Why the last connection, or attempt, ended; 0 if none has. */
int px_client_error(const struct px_client *client);

/*
 * Do what can be done now, a bounded piece of it.  0: poll again; 1: more is
 * ready, call again without waiting; negative: the client is closed, and
 * this is why (only without backoff, or if it never was open: -ENOTCONN).
 */
int px_client_process(struct px_client *client, uint64_t now);

/* ------------------------------------------------------------ requests
 *
 * All return 0 if the request was accepted: `done` (which may be NULL) will
 * be called.  Otherwise it will not be:
 *	-ENOTCONN	not up (during callbacks of a hang-up too)
 *	-EAGAIN		too many requests or bytes wait; try after one ended
 *	-E2BIG		the payload would be over 4096 bytes
 *	-EINVAL		an argument that cannot be sent
 * `tx` is a transaction's id, or 0.
 */

/*
 * Any message type of the protocol, the payload being the parts one after
 * the other.  WATCH, UNWATCH and RESET_WATCHES are -EINVAL: watches belong
 * to the library.
 */
int px_client_request(struct px_client *client, uint32_t type, uint32_t tx,
		      const struct px_bytes *parts, unsigned int count,
		      px_client_done *done, void *arg);

/* data: the value, any bytes. */
int px_client_read(struct px_client *client, uint32_t tx, const char *path,
		   px_client_done *done, void *arg);
int px_client_write(struct px_client *client, uint32_t tx, const char *path,
		    const void *value, size_t len,
		    px_client_done *done, void *arg);
int px_client_mkdir(struct px_client *client, uint32_t tx, const char *path,
		    px_client_done *done, void *arg);
int px_client_rm(struct px_client *client, uint32_t tx, const char *path,
		 px_client_done *done, void *arg);
/* data: names, each with its NUL.  -E2BIG if over 4096; see px_client_list. */
int px_client_directory(struct px_client *client, uint32_t tx,
			const char *path, px_client_done *done, void *arg);

/*
 * One entry of an access list.  Access is 'n' none, 'r' read, 'w' write or
 * 'b' both.  The first entry names the owner, and its access is everybody
 * else's.
 */
struct px_perm {
	uint16_t domid;
	char access;
};

/* data: entries as texts with their NULs; see px_client_parse_perm. */
int px_client_get_perms(struct px_client *client, uint32_t tx,
			const char *path, px_client_done *done, void *arg);
/* -EINVAL: no entry, over 64 entries, or another letter. */
int px_client_set_perms(struct px_client *client, uint32_t tx,
			const char *path, const struct px_perm *perms,
			unsigned int count, px_client_done *done, void *arg);

/* data: the id in decimal; see px_client_parse_number. */
int px_client_transaction_start(struct px_client *client,
				px_client_done *done, void *arg);
/* commit true: result -EAGAIN means conflict, start over; false: forget it. */
int px_client_transaction_end(struct px_client *client, uint32_t tx,
			      bool commit, px_client_done *done, void *arg);

/* The words of a CONTROL command, `count` of them.  data: its text. */
int px_client_control(struct px_client *client, const char *const *words,
		      unsigned int count, px_client_done *done, void *arg);
int px_client_introduce(struct px_client *client, uint16_t domid,
			uint64_t gfn, uint32_t port,
			px_client_done *done, void *arg);
int px_client_release(struct px_client *client, uint16_t domid,
		      px_client_done *done, void *arg);
int px_client_resume(struct px_client *client, uint16_t domid,
		     px_client_done *done, void *arg);
/* data: "/local/domain/<domid>". */
int px_client_get_domain_path(struct px_client *client, uint16_t domid,
			      px_client_done *done, void *arg);
/* data: "T" or "F". */
int px_client_is_introduced(struct px_client *client, uint16_t domid,
			    px_client_done *done, void *arg);
int px_client_set_target(struct px_client *client, uint16_t domid,
			 uint16_t target, px_client_done *done, void *arg);
/* data: the feature bits in decimal. */
int px_client_get_feature(struct px_client *client, uint16_t domid,
			  px_client_done *done, void *arg);
int px_client_set_feature(struct px_client *client, uint16_t domid,
			  uint32_t bits, px_client_done *done, void *arg);
/* `quota` NULL: data is the list of names; otherwise the value, decimal. */
int px_client_get_quota(struct px_client *client, uint16_t domid,
			const char *quota, px_client_done *done, void *arg);
int px_client_set_quota(struct px_client *client, uint16_t domid,
			const char *quota, uint64_t value,
			px_client_done *done, void *arg);

/* ------------------------------------------------- directories, any size */

/*
 * A directory read as a whole, however many requests it takes.  The struct
 * is yours and stays until `done`; its content is the library's.
 */
struct px_client_list {
	struct px_client *client;
	px_client_done *done;
	void *arg;
	char *names;
	size_t size;
	size_t used;
	uint32_t tx;
	unsigned int restarts;
	size_t path_len;
	char path[3073];
	char generation[24];
};

/*
 * Read the names of `path` into `names`, each with its NUL; they stay there
 * after the callback.  First DIRECTORY, and if that is -E2BIG,
 * DIRECTORY_PART until the end, from the start again when the directory
 * changed meanwhile, at most 16 times; then -EAGAIN.  -ENOBUFS: they do not
 * fit `size`.  -EBADMSG: the daemon's parts make no sense.
 */
int px_client_list(struct px_client *client, struct px_client_list *list,
		   uint32_t tx, const char *path, char *names, size_t size,
		   px_client_done *done, void *arg);

/* -------------------------------------------------------------- watches */

/*
 * error 0: `path` is where something changed, or may have: look there.  It
 * is valid during the callback only.  error negative: the daemon refused the
 * watch (-ENOSPC: quota; -EINVAL: path), also when setting it again after a
 * reconnect; path is NULL, the watch is forgotten, and this was its last
 * event.
 */
typedef void px_client_event(void *arg, int error, const char *path);

struct px_client_watch {
	/* Yours to fill in. */
	const char *path;
	int depth;	/* -1: no limit; else as the daemon's feature bit 2 */
	px_client_event *event;
	void *arg;
	/* The library's.  Zero before the first use. */
	uint32_t slot;
	uint32_t set;
};

/*
 * Have a watch, from now until px_client_unwatch(), across reconnects; it
 * may be asked for while the client is not up.  The token is the library's
 * business.  The first event comes at once.  -ENOSPC: more than
 * options.watches; -EEXIST: this struct is in use; -EINVAL: no path or
 * callback, or a path that no message can carry.
 */
int px_client_watch(struct px_client *client, struct px_client_watch *watch);

/*
 * No event comes after this returned 0, and struct and path are yours again.
 * -EAGAIN: no room for the request, the watch stays; try after a request
 * has ended.  -ENOENT: it is not set.
 */
int px_client_unwatch(struct px_client *client, struct px_client_watch *watch);

/* ------------------------------------------------------ reading replies */

/*
 * A decimal number, with or without a NUL at the end, not above `max`.
 * -EINVAL for anything else, the empty text included.
 */
int px_client_parse_number(const char *data, size_t len, uint64_t max,
			   uint64_t *number);
/*
 * Step through NUL-ended strings: *at starts as 0.  NULL at the end, or when
 * what is left has no NUL.
 */
const char *px_client_next_string(const char *data, size_t len, size_t *at);
/* "r5" to an entry; -EINVAL for anything else. */
int px_client_parse_perm(const char *text, struct px_perm *perm);

/* Counters since init; they wrap. */
struct px_client_counters {
	uint64_t requests;	/* accepted */
	uint64_t replies;
	uint64_t events;	/* delivered */
	uint64_t stray_events;	/* for watches no longer there */
	uint64_t connections;
	uint64_t protocol_errors;
};

void px_client_count(const struct px_client *client,
		     struct px_client_counters *counters);

#ifdef __cplusplus
}
#endif
#endif
