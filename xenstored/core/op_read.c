/* SPDX-License-Identifier: GPL-2.0-or-later */
/* READ, DIRECTORY, DIRECTORY_PART, GET_PERMS. */
#include "xenstored/core/conn.h"
#include "xenstored/core/listing.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/request.h"
#include "xenstored/core/watch.h"

#include <errno.h>

/* The one path of a request, and its node with READ granted. */
static int read_node(struct request *r, unsigned int aspects,
		     struct node **out)
{
	struct span given, path;
	int err = request_one(r, &given);

	if (!err)
		err = request_path(r, given, false, &path, NULL);
	if (!err)
		err = request_node(r, path, PERM_READ, aspects, out);
	return err;
}

int op_read(struct request *r)
{
	struct node *n;
	int err = read_node(r, SEEN_VALUE | SEEN_ACL, &n);

	if (err)
		return err;
	return reply_bytes(r, node_value(n).at, node_value(n).len);
}

static int reply_names(struct request *r, struct node **list, uint32_t count)
{
	int err = 0;

	for (uint32_t i = 0; i < count && !err; i++) {
		struct span name = node_name(list[i]);

		err = reply_bytes(r, name.at, name.len);
		if (!err)
			err = reply_bytes(r, "", 1);
	}
	return err;
}

int op_directory(struct request *r)
{
	struct node *n, **list;
	int err = read_node(r, SEEN_CHILDREN | SEEN_ACL, &n);

	if (err || !dir_count(n->dir))
		return err;
	/* Names are at least a byte and a NUL: no need to list in vain. */
	if (dir_count(n->dir) > WIRE_PAYLOAD_MAX / 2)
		return WIRE_E2BIG;
	list = dir_list(n->dir);
	if (!list)
		return -ENOMEM;
	err = reply_names(r, list, dir_count(n->dir));
	mem_drop(list);
	return err;
}

/* Whole names from `offset` on, as many as fit; the end is marked. */
static int reply_part(struct request *r, struct span names, uint64_t offset)
{
	size_t room = WIRE_PAYLOAD_MAX - r->m->reply_len, len;

	if (offset > names.len)
		offset = names.len;
	names.at += offset;
	names.len -= offset;
	len = names.len < room ? names.len : room;
	while (len < names.len && len && names.at[len - 1])
		len--;
	reply_bytes(r, names.at, len);
	if (len == names.len && len < room)
		reply_bytes(r, "", 1);
	return 0;
}

int op_directory_part(struct request *r)
{
	struct cursor c = request_cursor(r);
	struct span given, number, path, names;
	struct node *n;
	uint64_t offset;
	int err;

	if (!cursor_string(&c, &given) || !cursor_string(&c, &number) ||
	    !span_decimal(number, UINT32_MAX, &offset))
		return WIRE_EINVAL;
	err = request_path(r, given, false, &path, NULL);
	if (!err)
		err = request_node(r, path, PERM_READ,
				   SEEN_CHILDREN | SEEN_ACL, &n);
	if (err)
		return err;
	if (!listing_get(r->m, n, &names))
		return -ENOMEM;
	reply_format(r, "%llu",
		     (unsigned long long)(n->dir ? n->dir->gen : n->seq));
	reply_bytes(r, "", 1);
	err = reply_part(r, names, offset);
	if (names.len > LISTING_MAX)
		listing_drop(r->m);
	return err;
}

static int reply_acl(struct request *r, const struct acl *acl)
{
	char text[PERM_TEXT_MAX];
	int err = 0;

	for (unsigned int i = 0; i < acl->count && !err; i++)
		if (!i || access_valid(r->m, acl, i))
			err = reply_bytes(r, text,
					  perm_format(text, acl->entry[i]));
	return err;
}

int op_get_perms(struct request *r)
{
	struct span given, path;
	struct node *n;
	int err = request_one(r, &given), special;

	if (!err)
		err = request_path(r, given, true, &path, NULL);
	if (err)
		return err;
	if (path.at[0] == '@') {
		special = watch_special_id(path);
		if (special < 0)
			return WIRE_ENOENT;
		if (!(access_of(r->m, &r->who, r->m->special[special]) &
		      PERM_READ))
			return WIRE_EACCES;
		return reply_acl(r, r->m->special[special]);
	}
	err = request_node(r, path, PERM_READ, SEEN_ACL, &n);
	return err ? err : reply_acl(r, n->acl);
}
