/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Table and dispatcher of requests; see request.h. */
#include "xenstored/core/request.h"
#include "xenstored/core/ask.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/notes.h"
#include "xenstored/core/quota.h"
#include "xenstored/core/watch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct request_row request_table[WIRE_OP_COUNT] = {
	[WIRE_CONTROL] = { op_control, .privileged = true },
	[WIRE_DIRECTORY] = { op_directory },
	[WIRE_READ] = { op_read },
	[WIRE_GET_PERMS] = { op_get_perms },
	[WIRE_WATCH] = { op_watch, .no_transaction = true },
	[WIRE_UNWATCH] = { op_unwatch, .no_transaction = true },
	[WIRE_TRANSACTION_START] = { op_transaction_start },
	[WIRE_TRANSACTION_END] = { op_transaction_end },
	[WIRE_INTRODUCE] = { op_introduce, .privileged = true },
	[WIRE_RELEASE] = { op_release, .privileged = true },
	[WIRE_GET_DOMAIN_PATH] = { op_get_domain_path },
	[WIRE_WRITE] = { op_write },
	[WIRE_MKDIR] = { op_mkdir },
	[WIRE_RM] = { op_rm },
	[WIRE_SET_PERMS] = { op_set_perms },
	[WIRE_IS_DOMAIN_INTRODUCED] = { op_is_domain_introduced,
		.privileged = true },
	[WIRE_RESUME] = { op_resume, .privileged = true },
	[WIRE_SET_TARGET] = { op_set_target, .privileged = true },
	[WIRE_RESET_WATCHES] = { op_reset_watches },
	[WIRE_DIRECTORY_PART] = { op_directory_part },
	[WIRE_GET_FEATURE] = { op_get_feature, .privileged = true },
	[WIRE_SET_FEATURE] = { op_set_feature, .privileged = true },
	[WIRE_GET_QUOTA] = { op_get_quota, .privileged = true },
	[WIRE_SET_QUOTA] = { op_set_quota, .privileged = true },
};

/* What can be judged without the handler; see the page, "Messages". */
static int request_judge(struct request *r)
{
	const struct request_row *row;

	if (r->h.type >= WIRE_OP_COUNT || !request_table[r->h.type].handle)
		return WIRE_ENOSYS;
	row = &request_table[r->h.type];
	if (row->privileged && !r->who.privileged)
		return WIRE_EACCES;
	if (!r->h.tx_id || row->no_transaction)
		return 0;
	r->tx = transaction_find(r->c, r->h.tx_id);
	return r->tx ? 0 : WIRE_ENOENT;
}

static void reply_send(struct request *r, struct wire_header *h,
		       const void *payload)
{
	if (r->m->config.trace)
		r->m->config.trace(r->m->config.arg, false, r->c->id, h,
				   payload);
	if (!conn_reply(r->m, r->c, h, payload))
		conn_violation(r->m, r->c, 3);
}

static void request_error(struct request *r, int err)
{
	const char *name = wire_error_name(err > 0 ? err : WIRE_ENOMEM);
	struct wire_header h = r->h;

	h.type = WIRE_ERROR;
	h.len = (uint32_t)strlen(name) + 1;
	reply_send(r, &h, name);
}

/* A long reply is to a request that only looked: it may turn into ENOMEM. */
static void request_reply(struct request *r, int err)
{
	struct wire_header h = r->h;

	if (r->c->dead || r->c->failed)
		return;
	h.len = (uint32_t)r->m->reply_len;
	if (!err && !conn_has_room(r->c, &h))
		err = -ENOMEM;
	if (err)
		request_error(r, err);
	else
		reply_send(r, &h, r->m->reply);
}

bool request_execute(struct machine *m, struct conn *c,
		     const struct wire_header *h, const void *body)
{
	struct request r;
	int err;

	r.m = m;
	r.c = c;
	r.h = *h;
	r.body = body;
	r.tx = NULL;
	r.who = conn_caller(c);
	r.fire_after = NULL;
	r.room_used = 0;
	m->reply_len = 0;
	m->reply_over = false;
	m->notes->conn = c->id;
	m->notes->op = h->type;
	if (!conn_reserve(c)) {
		conn_violation(m, c, 3);
		return true;
	}
	err = request_judge(&r);
	if (!err)
		err = request_table[h->type].handle(&r);
	if (err == REQUEST_WAITS)
		return false;
	if (!err && m->reply_over)
		err = WIRE_E2BIG;
	m->counts.requests++;
	c->requests++;
	if (m->config.trace)
		m->config.trace(m->config.arg, true, c->id, h, body);
	request_reply(&r, err);
	if (c->dead)
		return true;
	conn_answer_done(c);
	if (r.fire_after && !c->failed)
		conn_event(m, r.fire_after, watch_path(r.fire_after),
			   r.fire_after->special);
	return true;
}

/* ----------------------------------------------------------- helpers -- */

int reply_bytes(struct request *r, const void *bytes, size_t len)
{
	struct machine *m = r->m;

	if (len > sizeof(m->reply) - m->reply_len) {
		m->reply_over = true;
		return WIRE_E2BIG;
	}
	if (len)
		memcpy(m->reply + m->reply_len, bytes, len);
	m->reply_len += len;
	return 0;
}

int reply_string(struct request *r, const char *text)
{
	return reply_bytes(r, text, strlen(text) + 1);
}

int reply_format(struct request *r, const char *format, ...)
{
	struct machine *m = r->m;
	size_t room = sizeof(m->reply) - m->reply_len;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(m->reply + m->reply_len, room, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room) {
		m->reply_over = true;
		return WIRE_E2BIG;
	}
	m->reply_len += (size_t)n;
	return 0;
}

int request_one(const struct request *r, struct span *out)
{
	struct cursor c = request_cursor(r);

	if (!cursor_string(&c, out) || cursor_left(&c))
		return WIRE_EINVAL;
	return 0;
}

static struct span path_absolute(struct request *r, struct span given,
				 uint16_t *prefix)
{
	char *room = r->room + r->room_used;
	size_t left = sizeof(r->room) - r->room_used;
	struct span s = { room, 0 };
	int n;

	n = snprintf(room, left, "/local/domain/%u/", r->who.domid);
	*prefix = (uint16_t)n;
	memcpy(room + n, given.at, given.len);
	s.len = (size_t)n + given.len;
	r->room_used += s.len;
	return s;
}

int request_path(struct request *r, struct span given, bool special,
		 struct span *out, uint16_t *prefix)
{
	enum path_kind kind = path_kind(given);
	const struct domain *d = r->c->domain;
	uint16_t none;

	if (!prefix)
		prefix = &none;
	*prefix = 0;
	if (kind == PATH_BAD || (kind == PATH_SPECIAL && !special))
		return WIRE_EINVAL;
	*out = kind == PATH_RELATIVE ? path_absolute(r, given, prefix) : given;
	if (out->len > WIRE_ABS_PATH_MAX)
		return WIRE_EINVAL;
	if (!r->who.privileged &&
	    !quota_allows(d->limit[QUOTA_PATH_MAX], path_quota_length(*out)))
		return WIRE_EINVAL;
	return 0;
}

struct node *request_root(const struct request *r)
{
	return r->tx ? r->tx->own.root : r->m->root;
}

int request_node(struct request *r, struct span path, unsigned int want,
		 unsigned int aspects, struct node **out)
{
	struct node *root = request_root(r);
	struct node *n = tree_find(&r->m->key, root, path);
	struct span at = path;
	int err = 0, more = 0;

	if (!n) {
		err = change_missing(r->m, root, &r->who, path, want);
		tree_nearest(&r->m->key, root, path, &at);
		aspects = SEEN_ACL;
	} else if (!(access_of(r->m, &r->who, n->acl) & want)) {
		err = WIRE_EACCES;
		aspects = SEEN_ACL;
	}
	if (r->tx)
		more = transaction_saw(r->m, r->tx, at, aspects);
	if (r->tx && !more && !n)
		more = transaction_saw(r->m, r->tx, path, SEEN_EXISTS);
	*out = n;
	return more ? more : err;
}

int request_domid(struct span s, uint32_t *out)
{
	uint64_t v;

	if (!span_decimal(s, 65535, &v))
		return WIRE_EINVAL;
	*out = (uint32_t)v;
	return 0;
}

int request_domain(struct request *r, uint32_t domid, struct domain **out)
{
	struct conn *c = r->c;

	*out = domain_live(r->m, domid);
	if (*out || domid >= MACHINE_DOMID_FIRST_RESERVED)
		return 0;
	for (unsigned int i = 0; i < c->absents; i++)
		if (c->absent[i] == domid)
			return 0;
	if (c->answer.there && c->answer.type == MACHINE_ASK_DOMAIN &&
	    c->answer.domid == domid) {
		c->answer.there = false;
		if (c->answer.error == WIRE_ENOMEM)
			return -ENOMEM;
		return conn_absent(c, domid) ? 0 : -ENOMEM;
	}
	c->answer.ask = ask_domain(r->m, c, domid);
	return c->answer.ask ? REQUEST_WAITS : -ENOMEM;
}
