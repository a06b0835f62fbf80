// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One line is one write, put together in a buffer of fixed size, so that a
 * full disk or a closed standard error costs a line and nothing else.
 */
#include "xenstored/host/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define LOG_LINE_MAX 1024
#define LOG_BURST 10u
#define LOG_INTERVAL 10000000u	/* microseconds for one line */

struct log_row {
	const char *id;
	int level;
};

static const struct log_row rows[LOG_COUNT] = {
	[LOG_READY] =		{ "XSD001", LOG_NOTICE },
	[LOG_ENDING] =		{ "XSD002", LOG_NOTICE },
	[LOG_START_FAILED] =	{ "XSD003", LOG_ERR },
	[LOG_NO_HYPERVISOR] =	{ "XSD004", LOG_ERR },
	[LOG_ALREADY_RUNNING] =	{ "XSD005", LOG_ERR },
	[LOG_PID_FILE] =	{ "XSD006", LOG_ERR },
	[LOG_SOCKET] =		{ "XSD007", LOG_ERR },
	[LOG_NO_FILES] =	{ "XSD008", LOG_WARNING },
	[LOG_MACHINE_FAILED] =	{ "XSD009", LOG_ERR },
	[LOG_MACHINE] =		{ "XSD010", LOG_WARNING },
	[LOG_TRACE] =		{ "XSD011", LOG_WARNING },
	[LOG_NOTIFY] =		{ "XSD012", LOG_WARNING },
	[LOG_OPTION_IGNORED] =	{ "XSD013", LOG_NOTICE },
	[LOG_RING_MAPPED] =	{ "XSD020", LOG_DEBUG },
	[LOG_RING_NOT_MAPPED] =	{ "XSD021", LOG_WARNING },
	[LOG_RING_FAILED] =	{ "XSD022", LOG_WARNING },
	[LOG_RING_RESET] =	{ "XSD023", LOG_DEBUG },
	[LOG_RING_FORGOTTEN] =	{ "XSD024", LOG_INFO },
	[LOG_EVTCHN] =		{ "XSD025", LOG_WARNING },
	[LOG_DOMAINS] =		{ "XSD026", LOG_WARNING },
	[LOG_ADOPT] =		{ "XSD027", LOG_INFO },
	[LOG_CONTROL] =		{ "XSD028", LOG_INFO },
	[LOG_LOOP] =		{ "XSD029", LOG_ERR },
	[LOG_JOURNAL] =		{ "XSD040", LOG_CRIT },
	[LOG_CHECKPOINT] =	{ "XSD041", LOG_ERR },
	[LOG_RECOVERY] =	{ "XSD042", LOG_ERR },
	[LOG_RECOVERED] =	{ "XSD043", LOG_NOTICE },
	[LOG_POISON] =		{ "XSD044", LOG_ALERT },
	[LOG_DOUBT] =		{ "XSD045", LOG_NOTICE },
	[LOG_SETTLE] =		{ "XSD046", LOG_NOTICE },
	[LOG_KEEP] =		{ "XSD047", LOG_WARNING },
	[LOG_LIMIT] =		{ "XSD048", LOG_NOTICE },
	[LOG_UPDATE] =		{ "XSD060", LOG_NOTICE },
	[LOG_UPDATE_FAILED] =	{ "XSD061", LOG_ERR },
};

static bool to_syslog;
static bool verbose;

void log_to_syslog(void)
{
	openlog("xenstored", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	to_syslog = true;
}

void log_verbose(bool on)
{
	verbose = on;
}

const char *log_id_text(enum log_id id)
{
	return rows[id].id;
}

/* Control characters could forge lines or drive a terminal. */
static void log_clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

/* The variable is inherited; only its numbers tell whether it is ours. */
static bool log_to_journal(void)
{
	const char *journal = getenv("JOURNAL_STREAM");
	char numbers[64];
	struct stat st;

	if (!journal || fstat(STDERR_FILENO, &st))
		return false;
	snprintf(numbers, sizeof(numbers), "%llu:%llu",
		 (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	return !strcmp(journal, numbers);
}

static void log_put(const char *id, int level, unsigned int left_out,
		    char *text)
{
	char line[LOG_LINE_MAX + 80], more[64] = "";
	int n;

	if (level == LOG_DEBUG && !verbose)
		return;
	log_clean(text);
	if (left_out)
		snprintf(more, sizeof(more), " (%u lines like this left out)",
			 left_out);
	if (to_syslog) {
		syslog(level, "%s %s%s", id, text, more);
		return;
	}
	n = log_to_journal() ?
	    snprintf(line, sizeof(line), "<%d>%s %s%s\n", level, id, text,
		     more) :
	    snprintf(line, sizeof(line), "xenstored: %s %s%s\n", id, text,
		     more);
	if (n >= (int)sizeof(line)) {
		n = (int)sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	/* Nobody to tell if this fails. */
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

void log_say(enum log_id id, const char *format, ...)
{
	char text[LOG_LINE_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_put(rows[id].id, rows[id].level, 0, text);
}

/* The bucket as a time: each line moves `due` on by one interval. */
static bool log_allowed(struct log_limit *limit, uint64_t now,
			unsigned int *left_out)
{
	uint64_t due = limit->due > now ? limit->due : now;

	if (due - now >= LOG_BURST * (uint64_t)LOG_INTERVAL) {
		limit->left_out++;
		return false;
	}
	limit->due = due + LOG_INTERVAL;
	*left_out = limit->left_out;
	limit->left_out = 0;
	return true;
}

void log_limited(struct log_limit *limit, uint64_t now, enum log_id id,
		 const char *format, ...)
{
	char text[LOG_LINE_MAX];
	unsigned int left_out;
	va_list ap;

	if (rows[id].level == LOG_DEBUG && !verbose)
		return;
	if (!log_allowed(limit, now, &left_out))
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_put(rows[id].id, rows[id].level, left_out, text);
}

void log_machine(const char *id, const char *text)
{
	char copy[LOG_LINE_MAX];

	snprintf(copy, sizeof(copy), "%s", text);
	log_put(id, rows[LOG_MACHINE].level, 0, copy);
}
