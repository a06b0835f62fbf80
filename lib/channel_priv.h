/* SPDX-License-Identifier: MIT */
/*
 * An end with its client: channel.c is the manual's functions, channel_io.c
 * the requests, channel_bell.c the watches.
 */
#ifndef LIB_CHANNEL_PRIV_H
#define LIB_CHANNEL_PRIV_H

#include "lib/channel_core.h"

enum { CHANNEL_NAME_MAX = 32, CHANNEL_PATH_MAX = 128 };

enum channel_phase {
	CHANNEL_READ_OLD,	/* my old st and the generation: R1 */
	CHANNEL_MAKE,		/* my directory and its access list */
	CHANNEL_RUN,
	CHANNEL_OVER
};

/* st of one side, then the generation, then, of mine, the node domid. */
struct channel_read {
	int result;
	size_t len, generation_len;
	char text[CHANNEL_STATUS_MAX];
	char generation[CHANNEL_GENERATION_MAX];
};

struct channel_write {
	struct px_channel *ch;
	unsigned int slot;
};

struct px_channel {
	struct channel core;
	struct px_channel_options options;
	char name[CHANNEL_NAME_MAX + 1];
	char *memory;
	struct px_client *client;
	int lock;
	uint64_t now;
	enum channel_phase phase;
	uint64_t setup_at;
	int setup_error;
	int moved_to;		/* another domid of ours; -1 */
	unsigned int requests;	/* unanswered */
	bool running;		/* the machine has started */
	bool closing;
	bool busy;		/* in process */
	bool full;		/* the client takes no request at the moment */
	bool kick;		/* process is needed now */
	bool in_hand, must_let_go;
	struct channel_read peer, own;
	struct channel_write writes[CHANNEL_SLOTS_MAX];
	unsigned int reading_slot;
	/* Directories, with the slash at the end. */
	char mine[CHANNEL_PATH_MAX], theirs[CHANNEL_PATH_MAX];
	char own_dir[CHANNEL_PATH_MAX];		/* without it */
	char watched_mine[CHANNEL_PATH_MAX], watched_theirs[CHANNEL_PATH_MAX];
	struct px_client_watch watch_mine, watch_theirs, watch_domains;
	int watch_error;	/* one was refused so; 0: all are there */
	uint64_t watch_at;	/* then: when to try it again */
};

/* channel.c */
void channel_begin(struct px_channel *ch);
/* channel_io.c */
void channel_name_nodes(struct px_channel *ch);
void channel_tell(struct px_channel *ch, struct channel_event e);
void channel_read_old(struct px_channel *ch);
void channel_make(struct px_channel *ch);
void channel_ask(struct px_channel *ch, const struct channel_action *a);
/* channel_bell.c */
/* -ENOSPC. */
int channel_watch_nodes(struct px_channel *ch);
/* True when all are gone. */
bool channel_unwatch_nodes(struct px_channel *ch);
/* After a move, the old ones being gone. */
void channel_watch_again(struct px_channel *ch);
/* Those that were refused once more, when it is time. */
void channel_watch_refused(struct px_channel *ch);

#endif
