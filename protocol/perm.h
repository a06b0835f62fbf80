/* SPDX-License-Identifier: MIT */
/*
 * One entry of an access list: a letter and a decimal domid, "r5".  The
 * first entry of a list names the owner, its letter is everybody else's
 * access (behaviour page, "Permissions and ownership").
 */
#ifndef PROTOCOL_PERM_H
#define PROTOCOL_PERM_H

#include "protocol/cursor.h"

enum perm_access {
	PERM_NONE = 0,
	PERM_READ = 1,
	PERM_WRITE = 2,
	PERM_BOTH = 3,
};

struct perm {
	uint16_t domid;
	uint8_t access;		/* enum perm_access */
};

/* The domid that stands for every domain, where feature bit 3 is on. */
#define PERM_ANY_DOMID 32757

/* Longest text of an entry with its NUL: "b65535". */
#define PERM_TEXT_MAX 7

/* "r5" -> entry.  False for any other letter or an impossible domid. */
bool perm_parse(struct span s, struct perm *out);
/* Entry -> text with NUL, into PERM_TEXT_MAX bytes; the length with NUL. */
size_t perm_format(char *out, struct perm p);

#endif
