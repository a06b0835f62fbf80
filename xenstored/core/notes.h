/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notes: what the machine remembers for who looks at it, and never for
 * itself.  Who wrote a path last, whose writes made whose transactions fail,
 * who was refused what.
 *
 * They are no state.  No answer of the machine depends on them, the digest
 * does not know them and no image carries them: so the host alone may show
 * them, as its answers are recorded (docs/protocol/control.md).  They allocate
 * nothing but themselves, once, and each table is bounded; what gives way when
 * one is full stands beside it.
 *
 * The last writers are found by a keyed hash of the path, 32 bytes for each
 * of 4096 paths.  A field in every node would cost a million-node store four
 * megabytes, and could not tell who removed a node.
 */
#ifndef CORE_NOTES_H
#define CORE_NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/cursor.h"
#include "xenstored/core/machine.h"

struct conn;
struct domain;
struct transaction;

#define NOTES_CONFLICTS 128u
#define NOTES_REFUSALS 128u
/* Sets of places for last writers; in a full one the first to come gives way. */
#define NOTES_SETS 512u		/* a power of two */
#define NOTES_PLACES 8u		/* hashes in a cache line */
#define NOTES_PATH 200u
/* In place of a connection: the daemon itself, and one that is not known. */
#define NOTES_DAEMON UINT32_MAX
#define NOTES_UNKNOWN (UINT32_MAX - 1)

struct note_path {
	uint16_t len;
	bool cut;		/* it was longer */
	char text[NOTES_PATH];
};

/* Times are those of the machine's clock, m->now. */
struct note_conflict {
	uint32_t loser, winner;		/* connections */
	uint64_t count;			/* 0: the entry is free */
	uint64_t first, last;
	struct note_path path;
};

struct note_refusal {
	uint16_t domid;
	enum quota_id row;
	uint64_t count;			/* 0: the entry is free */
	uint64_t first, last;
	struct note_path path;		/* of the last one */
};

struct note_writer {
	uint64_t age;			/* of the machine, when it wrote */
	uint64_t when;
	uint32_t conn;
	uint8_t op;			/* enum wire_op */
	bool removed;
};

/* What connections that are gone had counted. */
struct note_counts {
	uint64_t requests, events, merged, lost, conflicts;
};

struct notes {
	uint32_t conn;			/* who is served now */
	uint32_t op;			/* and with what */
	struct note_counts gone;	/* of sockets */
	struct note_conflict conflict[NOTES_CONFLICTS];
	struct note_refusal refusal[NOTES_REFUSALS];
	uint64_t hash[NOTES_SETS][NOTES_PLACES];	/* 0: free */
	struct note_writer writer[NOTES_SETS][NOTES_PLACES];
	uint8_t next[NOTES_SETS];	/* the place that gives way */
};

/* NULL: no memory. */
struct notes *notes_new(struct machine *m);

/* What of a path is noted apart: the node itself, and what it has below it. */
enum note_kind {
	NOTE_ITSELF,
	NOTE_BELOW,	/* something right below it came or went */
};

/* Whoever is the present writer changed that. */
void notes_wrote(struct machine *m, struct span path, enum note_kind kind,
		 bool removed);
/* It lost a commit because of what was seen at `path`. */
void notes_conflict(struct machine *m, const struct transaction *t,
		    struct span path);
void notes_refused(struct machine *m, const struct domain *d,
		   enum quota_id row, struct span path);
/* A socket's connection ends. */
void notes_gone(struct machine *m, const struct conn *c);

/* Who wrote that very path last; NULL if that is not known any more. */
const struct note_writer *notes_writer(const struct machine *m,
				       struct span path, enum note_kind kind);

/* The domain of a connection; -1 for the daemon, and for nobody known. */
static inline int32_t notes_domid(uint32_t conn)
{
	if (conn == NOTES_DAEMON || conn == NOTES_UNKNOWN)
		return -1;
	return conn < MACHINE_SOCKET_BASE ? (int32_t)conn : 0;
}

#endif
