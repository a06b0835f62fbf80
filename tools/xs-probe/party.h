/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections and times in words, for the tables of conflicts, who, quota and
 * trace.
 */
#ifndef XS_PROBE_PARTY_H
#define XS_PROBE_PARTY_H

#include "tools/xs-probe/pages.h"

#define PARTY_SOCKET_BASE 65536u
#define PARTY_MAX 96

/*
 * Who a connection is: "domain 5"; "pid 812 (xl)" for a client of the socket
 * that is there (`clients`: the topic of that name, or NULL), else "client
 * 65540"; for -1 `nobody`.
 */
void party_words(char out[PARTY_MAX], const struct pages *clients,
		 int64_t conn, const char *nobody);
/* The signed number of a key; -1 if there is none. */
int64_t party_number(const struct record *record, const char *key);

/* A time in microseconds as "350 us", "12.5 ms", "3.2 s", "2m 5s", "3h 2m". */
void party_time(char out[PARTY_MAX], uint64_t us);

#endif
