/* SPDX-License-Identifier: MIT */
/* Path syntax; see path.h. */
#include "protocol/path.h"
#include "protocol/wire.h"

static bool path_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '/' || c == '_' ||
	       c == '@';
}

enum path_kind path_kind(struct span path)
{
	char before = 0;

	if (!path.len || path.len > WIRE_ABS_PATH_MAX)
		return PATH_BAD;
	for (size_t i = 0; i < path.len; i++) {
		char c = path.at[i];

		if (!path_char(c) || (c == '/' && before == '/'))
			return PATH_BAD;
		before = c;
	}
	if (before == '/' && path.len > 1)
		return PATH_BAD;
	if (path.at[0] == '@')
		return path.len > 1 ? PATH_SPECIAL : PATH_BAD;
	return path.at[0] == '/' ? PATH_ABSOLUTE : PATH_RELATIVE;
}

size_t path_quota_length(struct span path)
{
	static const char prefix[] = "/local/domain/";
	size_t n = sizeof(prefix) - 1;
	size_t i;

	if (path.len < n)
		return path.len;
	for (i = 0; i < n; i++)
		if (path.at[i] != prefix[i])
			return path.len;
	while (i < path.len && path.at[i] >= '0' && path.at[i] <= '9')
		i++;
	if (i == n || i == path.len || path.at[i] != '/')
		return path.len;
	return path.len - i - 1;
}

bool path_next(struct span *rest, struct span *name)
{
	size_t i = 0;

	if (rest->len < 2)
		return false;
	name->at = rest->at + 1;
	while (i + 1 < rest->len && name->at[i] != '/')
		i++;
	name->len = i;
	rest->at += i + 1;
	rest->len -= i + 1;
	return true;
}

unsigned int path_depth(struct span path)
{
	unsigned int n = 0;

	if (path.len < 2)
		return 0;
	for (size_t i = 0; i < path.len; i++)
		n += path.at[i] == '/';
	return n;
}

struct span path_parent(struct span path)
{
	size_t n = path.len;

	while (n > 1 && path.at[n - 1] != '/')
		n--;
	path.len = n > 1 ? n - 1 : 1;
	return path;
}

bool path_below(struct span base, struct span path)
{
	if (base.len == 1)
		return true;
	if (path.len < base.len)
		return false;
	for (size_t i = 0; i < base.len; i++)
		if (path.at[i] != base.at[i])
			return false;
	return path.len == base.len || path.at[base.len] == '/';
}
