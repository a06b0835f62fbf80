/* SPDX-License-Identifier: MIT */
/*
 * One function for each kind of request.  They differ only in how arguments
 * become the parts of a payload, so each builds its parts and hands them on;
 * numbers are written by one small formatter into the caller's stack.
 */
#include <errno.h>
#include <string.h>

#include "lib/client_priv.h"
#include "protocol/cursor.h"
#include "protocol/perm.h"

/* A decimal number with its NUL. */
struct number {
	char text[21];
};

static struct px_bytes number_part(struct number *n, uint64_t v)
{
	size_t at = sizeof(n->text);

	n->text[--at] = '\0';
	do {
		n->text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	return (struct px_bytes){ n->text + at, sizeof(n->text) - at };
}

static struct px_bytes string_part(const char *s)
{
	return (struct px_bytes){ s, strlen(s) + 1 };
}

/* While greeting, the connection is the library's alone. */
static int submit(struct px_client *client, uint32_t type, uint32_t tx,
		  const struct px_bytes *parts, unsigned int count,
		  px_client_done *done, void *arg)
{
	if (client->state != CLIENT_UP)
		return -ENOTCONN;
	return client_core_submit(&client->core, type, tx, parts, count,
				  done, arg);
}

int px_client_request(struct px_client *client, uint32_t type, uint32_t tx,
		      const struct px_bytes *parts, unsigned int count,
		      px_client_done *done, void *arg)
{
	if (type == WIRE_WATCH || type == WIRE_UNWATCH ||
	    type == WIRE_RESET_WATCHES || type == WIRE_WATCH_EVENT ||
	    type == WIRE_ERROR || type >= WIRE_OP_COUNT)
		return -EINVAL;
	return submit(client, type, tx, parts, count, done, arg);
}

static int path_request(struct px_client *client, uint32_t type, uint32_t tx,
			const char *path, px_client_done *done, void *arg)
{
	struct px_bytes part = string_part(path);

	return submit(client, type, tx, &part, 1, done, arg);
}

static int domain_request(struct px_client *client, uint32_t type,
			  uint16_t domid, px_client_done *done, void *arg)
{
	struct number n;
	struct px_bytes part = number_part(&n, domid);

	return submit(client, type, 0, &part, 1, done, arg);
}

int px_client_read(struct px_client *client, uint32_t tx, const char *path,
		   px_client_done *done, void *arg)
{
	return path_request(client, WIRE_READ, tx, path, done, arg);
}

int px_client_write(struct px_client *client, uint32_t tx, const char *path,
		    const void *value, size_t len,
		    px_client_done *done, void *arg)
{
	struct px_bytes parts[2] = { string_part(path), { value, len } };

	return submit(client, WIRE_WRITE, tx, parts, 2, done, arg);
}

int px_client_mkdir(struct px_client *client, uint32_t tx, const char *path,
		    px_client_done *done, void *arg)
{
	return path_request(client, WIRE_MKDIR, tx, path, done, arg);
}

int px_client_rm(struct px_client *client, uint32_t tx, const char *path,
		 px_client_done *done, void *arg)
{
	return path_request(client, WIRE_RM, tx, path, done, arg);
}

int px_client_directory(struct px_client *client, uint32_t tx,
			const char *path, px_client_done *done, void *arg)
{
	return path_request(client, WIRE_DIRECTORY, tx, path, done, arg);
}

int px_client_get_perms(struct px_client *client, uint32_t tx,
			const char *path, px_client_done *done, void *arg)
{
	return path_request(client, WIRE_GET_PERMS, tx, path, done, arg);
}

#define PERMS_MAX 64

static bool perm_of(const struct px_perm *in, struct perm *out)
{
	static const char letters[] = "nrwb";
	const char *at = in->access ? strchr(letters, in->access) : NULL;

	if (!at)
		return false;
	out->domid = in->domid;
	out->access = (uint8_t)(at - letters);
	return true;
}

int px_client_set_perms(struct px_client *client, uint32_t tx,
			const char *path, const struct px_perm *perms,
			unsigned int count, px_client_done *done, void *arg)
{
	char texts[PERMS_MAX * PERM_TEXT_MAX];
	struct px_bytes parts[2] = { string_part(path), { texts, 0 } };
	struct perm p;

	if (!count || count > PERMS_MAX)
		return -EINVAL;
	for (unsigned int i = 0; i < count; i++) {
		if (!perm_of(&perms[i], &p))
			return -EINVAL;
		parts[1].len += perm_format(texts + parts[1].len, p);
	}
	return submit(client, WIRE_SET_PERMS, tx, parts, 2, done, arg);
}

int px_client_transaction_start(struct px_client *client,
				px_client_done *done, void *arg)
{
	return path_request(client, WIRE_TRANSACTION_START, 0, "", done, arg);
}

int px_client_transaction_end(struct px_client *client, uint32_t tx,
			      bool commit, px_client_done *done, void *arg)
{
	return path_request(client, WIRE_TRANSACTION_END, tx,
			    commit ? "T" : "F", done, arg);
}

#define CONTROL_WORDS_MAX 16

int px_client_control(struct px_client *client, const char *const *words,
		      unsigned int count, px_client_done *done, void *arg)
{
	struct px_bytes parts[CONTROL_WORDS_MAX];

	if (!count || count > CONTROL_WORDS_MAX)
		return -EINVAL;
	for (unsigned int i = 0; i < count; i++)
		parts[i] = string_part(words[i]);
	return submit(client, WIRE_CONTROL, 0, parts, count, done, arg);
}

int px_client_introduce(struct px_client *client, uint16_t domid,
			uint64_t gfn, uint32_t port,
			px_client_done *done, void *arg)
{
	struct number n[3];
	struct px_bytes parts[3] = {
		number_part(&n[0], domid),
		number_part(&n[1], gfn),
		number_part(&n[2], port),
	};

	return submit(client, WIRE_INTRODUCE, 0, parts, 3, done, arg);
}

int px_client_release(struct px_client *client, uint16_t domid,
		      px_client_done *done, void *arg)
{
	return domain_request(client, WIRE_RELEASE, domid, done, arg);
}

int px_client_resume(struct px_client *client, uint16_t domid,
		     px_client_done *done, void *arg)
{
	return domain_request(client, WIRE_RESUME, domid, done, arg);
}

int px_client_get_domain_path(struct px_client *client, uint16_t domid,
			      px_client_done *done, void *arg)
{
	return domain_request(client, WIRE_GET_DOMAIN_PATH, domid, done, arg);
}

int px_client_is_introduced(struct px_client *client, uint16_t domid,
			    px_client_done *done, void *arg)
{
	return domain_request(client, WIRE_IS_DOMAIN_INTRODUCED, domid, done,
			      arg);
}

int px_client_set_target(struct px_client *client, uint16_t domid,
			 uint16_t target, px_client_done *done, void *arg)
{
	struct number n[2];
	struct px_bytes parts[2] = {
		number_part(&n[0], domid),
		number_part(&n[1], target),
	};

	return submit(client, WIRE_SET_TARGET, 0, parts, 2, done, arg);
}

int px_client_get_feature(struct px_client *client, uint16_t domid,
			  px_client_done *done, void *arg)
{
	return domain_request(client, WIRE_GET_FEATURE, domid, done, arg);
}

int px_client_set_feature(struct px_client *client, uint16_t domid,
			  uint32_t bits, px_client_done *done, void *arg)
{
	struct number n[2];
	struct px_bytes parts[2] = {
		number_part(&n[0], domid),
		number_part(&n[1], bits),
	};

	return submit(client, WIRE_SET_FEATURE, 0, parts, 2, done, arg);
}

int px_client_get_quota(struct px_client *client, uint16_t domid,
			const char *quota, px_client_done *done, void *arg)
{
	struct number n;
	struct px_bytes parts[2] = { number_part(&n, domid), { quota, 0 } };

	/* Without arguments the daemon lists the names it knows. */
	if (!quota)
		return submit(client, WIRE_GET_QUOTA, 0, parts, 0, done, arg);
	parts[1] = string_part(quota);
	return submit(client, WIRE_GET_QUOTA, 0, parts, 2, done, arg);
}

int px_client_set_quota(struct px_client *client, uint16_t domid,
			const char *quota, uint64_t value,
			px_client_done *done, void *arg)
{
	struct number n[2];
	struct px_bytes parts[3] = {
		number_part(&n[0], domid),
		string_part(quota),
		number_part(&n[1], value),
	};

	return submit(client, WIRE_SET_QUOTA, 0, parts, 3, done, arg);
}

int px_client_parse_number(const char *data, size_t len, uint64_t max,
			   uint64_t *number)
{
	struct span s = { data, len };

	if (s.len && !data[s.len - 1])
		s.len--;
	return span_number(s, max, number) ? 0 : -EINVAL;
}

const char *px_client_next_string(const char *data, size_t len, size_t *at)
{
	struct cursor c;
	struct span s;

	if (*at >= len)
		return NULL;
	c = cursor_of(data + *at, len - *at);
	if (!cursor_string(&c, &s))
		return NULL;
	*at += s.len + 1;
	return s.at;
}

int px_client_parse_perm(const char *text, struct px_perm *perm)
{
	struct span s = { text, strlen(text) };
	struct perm p;

	/* perm_parse reads "r" as r0, as the daemons do; a reply says it. */
	if (s.len < 2 || !perm_parse(s, &p))
		return -EINVAL;
	perm->domid = p.domid;
	perm->access = "nrwb"[p.access & 3];
	return 0;
}
