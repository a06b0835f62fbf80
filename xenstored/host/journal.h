/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal: every input of the machine, in memory-mapped files that
 * outlive the process (docs/recovery.md).
 *
 * A segment is a file of JOURNAL_SEGMENT bytes, of which the next piece is
 * allocated before it is used, so that a full file system is an errno and
 * never a SIGBUS.  Its header
 * tells where the last whole record ends (`published`) and what was executed.
 * A record counts from the one store that moves `published`; whatever a death
 * leaves behind that is, by construction, unacknowledged.
 *
 * Records are checked by a sum all the same: the file may have been damaged
 * by others.
 */
#ifndef HOST_JOURNAL_H
#define HOST_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "xenstored/core/machine.h"

#define JOURNAL_FORMAT 1u
/* Small where tests want to die at every turn of a segment. */
#ifdef ENABLE_FAULTS
#define JOURNAL_SEGMENT (128u << 10)
#define JOURNAL_CHUNK (32u << 10)
#else
#define JOURNAL_SEGMENT (4u << 20)
/* Its pages are allocated piece by piece, each longer than any record. */
#define JOURNAL_CHUNK (256u << 10)
#endif
#define JOURNAL_HEADER 4096u
/* Longest data of a record: what one turn receives. */
#define JOURNAL_DATA_MAX 16384u

/* Beside the machine's input types: what the host must remember. */
enum journal_type {
	/* A ring stands at these indices now; domid, ports. */
	JOURNAL_RING = 64,
	/* Local port of VIRQ_DOM_EXC. */
	JOURNAL_VIRQ,
};

/* A record taken apart; `in` for the machine's, the rest for the host's. */
struct journal_record {
	uint32_t type;
	struct machine_input in;
	uint32_t domid;
	uint32_t port;		/* local */
	uint32_t remote;
	uint32_t req_cons;
	uint32_t rsp_prod;
};

/* Connections whose socket is in use; 0: none. */
struct journal_doubt {
	uint32_t receiving;
	uint32_t sending;
};

struct journal;

/*
 * Begin writing segment `number` in directory `dir`, replacing a file of
 * that name.  Its header has the doubts of the process before from the
 * start, so that a death before they are dealt with does not hide them.
 * NULL for want of memory.  If the segment cannot be had the journal is
 * broken from the start, and *error says why; journal_cut() tries again.
 */
struct journal *journal_new(const void *parent, const char *dir,
			    uint64_t number, const struct journal_doubt *doubt,
			    int *error);

/*
 * Write and publish one input.  Where its data lies in journal_buffer() it
 * is not copied.  0, or -errno if a new segment was wanted and cannot be
 * had: the journal is broken from then on, which its header tells.
 */
int journal_input(struct journal *j, const struct machine_input *in);
/* The same for a record of the host's own. */
int journal_ring(struct journal *j, uint32_t domid, uint32_t port,
		 uint32_t remote, uint32_t req_cons, uint32_t rsp_prod);
int journal_virq(struct journal *j, uint32_t port);
/*
 * What is recorded does not stand for what is served: a death now is the end
 * of the store, until the next checkpoint.
 */
void journal_break(struct journal *j, int error);
/* The record published last was executed. */
void journal_executed(struct journal *j);
bool journal_broken(const struct journal *j);
/* Why it is broken, -errno, the first time that this is asked; else 0. */
int journal_news(struct journal *j);

/*
 * Where the data of the next record will lie: JOURNAL_DATA_MAX bytes, until
 * the next call of any other function.  NULL if there is none to be had.
 */
void *journal_buffer(struct journal *j);

/*
 * A call on that connection's socket is about to be made; 0: its outcome is
 * recorded (or nothing happened).
 */
void journal_receiving(struct journal *j, uint32_t conn);
void journal_sending(struct journal *j, uint32_t conn);

/*
 * From here on into a segment in which there is nothing yet: the next one, or
 * the present one if that is so of it and it is not broken.  Its number, or 0
 * and *error.  What is before it can be dropped when a checkpoint stands for
 * it.
 */
uint64_t journal_cut(struct journal *j, int *error);
/* One segment a call, as its pages take their time: true if there are more. */
bool journal_drop_before(struct journal *j, uint64_t number);
/*
 * Segments numbered `from` or more and less than `to` are removed from `dir`,
 * or moved to `aside` if that is not NULL.
 */
void journal_clear(const char *dir, const char *aside, uint64_t from,
		   uint64_t to);
/* The highest number of a segment in that directory; 0: there is none. */
uint64_t journal_last(const char *dir);
/* The segment that is written now. */
uint64_t journal_number(const struct journal *j);
/* Bytes published since the segment `number` began. */
uint64_t journal_since(const struct journal *j, uint64_t number);

/* ------------------------------------------------------------ reading -- */

/* What the header of a segment tells of the death of its writer. */
struct journal_death {
	bool broken;		/* not everything is there */
	bool continued;		/* there was a segment after this one */
	struct journal_doubt doubt;
	/* The last record was published and not executed. */
	bool suspect;
	/* It was so before: this many times the daemon died at it. */
	uint32_t deaths;
};

struct journal_reader;

/*
 * Open a segment for reading; NULL and *error: -ENOENT, -EPROTO (damaged),
 * -ESTALE (another format, or inputs of a machine of another version, which
 * goes to *machine if that is not NULL; a segment without any input is of
 * every version).
 */
struct journal_reader *journal_open(const void *parent, const char *dir,
				    uint64_t number, uint32_t *machine,
				    int *error);
/*
 * The same of a file that is not to be touched, for a post-mortem: what is
 * noted in it stays in this process.
 */
struct journal_reader *journal_open_copy(const void *parent, const char *dir,
					 uint64_t number, uint32_t *machine,
					 int *error);
const struct journal_death *journal_death(const struct journal_reader *r);
/* It has no records. */
bool journal_empty(const struct journal_reader *r);
/* Say so in a segment that nobody writes any more: broken, continued. */
void journal_spoil(struct journal_reader *r);
void journal_follows(struct journal_reader *r);
/*
 * The next record: 1 and *out (data points into the mapping), 0 at the end,
 * -EPROTO if it is damaged.
 */
int journal_next(struct journal_reader *r, struct journal_record *out);
/* The record last given is the suspect. */
bool journal_at_suspect(const struct journal_reader *r);
/*
 * Before it is executed again, and after: its deaths are counted in the
 * file, so that the next start knows.
 */
void journal_dare(struct journal_reader *r);
void journal_dared(struct journal_reader *r);

/* Name of a segment's file; false if it does not fit. */
bool journal_name(char *buf, size_t size, const char *dir, uint64_t number);

#endif
