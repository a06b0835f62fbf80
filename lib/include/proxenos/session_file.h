/* SPDX-License-Identifier: MIT */
/*
 * What a session must keep, in one file, and beside it a state of your
 * program: for programs whose state is small enough to be written whole.
 * Others take it as an example of what a `save` has to do, and keep mark and
 * outbox in their own database, in the transaction that has the effect.
 *
 * IN SHORT
 *	px_session_init(), px_session_file_open(), px_session_file_load();
 *	px_session_file_state() gives back the state of the last save.  In
 *	the session's `save`: px_session_file_set_state(), if it has changed,
 *	and return px_session_file_save().
 *
 * THE FILE
 *	A log of groups.  A save appends one, checked by a checksum and a
 *	running number, and waits until it is on the disk (fdatasync): state,
 *	mark and messages of one save are there together or not at all.  What
 *	a death left half written is cut off by the next load.  The first
 *	save, one when the log is longer than eight times the most that there
 *	can be in it (outbox and state_max full), and one after any error of
 *	writing, write all to PATH.new, synchronise it, rename it over PATH,
 *	and synchronise the directory.  So the file is bounded, and a full
 *	disk or a failed write harms nothing that was saved.
 *
 * DAMAGE
 *	A group that is damaged looks as one half written does: it and all
 *	behind it are left out, and px_session_file_torn() tells the bytes.
 *	What that has cost the session says (px_session_trouble) as far as
 *	the peer knows of it: messages in that part that had not reached the
 *	peer are lost, and only the torn bytes tell of it.
 * OWNERSHIP
 *	Memory is yours, aligned like malloc's, and is in use from open to
 *	close.  The path is copied.
 * PROCESSES	One at a time.  Not checked here: give the channel a lock.
 * BLOCKING	load and save wait for the disk.
 */
#ifndef PROXENOS_SESSION_FILE_H
#define PROXENOS_SESSION_FILE_H

#include <proxenos/session.h>

#ifdef __cplusplus
extern "C" {
#endif

struct px_session_file;

enum { PX_SESSION_STATE_MAX = 65536 };

/*
 * Bytes of memory for a file of a session with these options and states of at
 * most state_max bytes; 0 if either is not valid.
 */
size_t px_session_file_size(const struct px_session_options *options,
			    size_t state_max);

/*
 * -EINVAL: state_max over PX_SESSION_STATE_MAX, an empty path or options that
 * are not valid; -ENAMETOOLONG; -ENOBUFS: less than px_session_file_size().
 * Touches no file as yet.
 */
int px_session_file_open(void *memory, size_t size,
			 const struct px_session_options *options,
			 size_t state_max, const char *path,
			 struct px_session_file **file);

/*
 * Read it, if it is there, and restore the session, which must not be open
 * yet.  Makes no file: the first save does.  What it has read is on the disk
 * when it returns, with the file's name.  1: there was something; 0: there
 * was nothing.  Negative: the errno of opening, reading, cutting off or
 * synchronising; -EBADMSG: another kind of file,
 * or of a newer version, which is not touched; -EMSGSIZE: it holds a larger
 * state, or more messages, than there is room for.
 */
int px_session_file_load(struct px_session_file *file,
			 struct px_session *session);
/* Bytes that load has cut off; 0 after an orderly end. */
uint64_t px_session_file_torn(const struct px_session_file *file);

/* The state, of *len bytes; valid until the next call.  NULL: none. */
const void *px_session_file_state(const struct px_session_file *file,
				  size_t *len);
/* What the next save shall store.  -EMSGSIZE: over state_max. */
int px_session_file_set_state(struct px_session_file *file, const void *state,
			      size_t len);

/*
 * To be returned by a session's `save`, with its mark: 0, or the errno of the
 * write, upon which the session tries again.
 */
int px_session_file_save(struct px_session_file *file,
			 const struct px_session *session,
			 const struct px_session_mark *mark);

/* Nothing is written: what save has not been asked for is lost. */
void px_session_file_close(struct px_session_file *file);

#ifdef __cplusplus
}
#endif
#endif
