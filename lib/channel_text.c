/* SPDX-License-Identifier: MIT */
/*
 * Both texts are words `key=value` with one blank between them.  A table of
 * keys per text says how each value is read; which keys came is a bit mask,
 * so that one missing or double is seen at once.
 */
#include "config.h"

#include "lib/channel_text.h"

#include <stdio.h>
#include <string.h>

#include "lib/channel_reason.h"

static const char *const words[CHANNEL_WORDS] = {
	[CHANNEL_SAYS_HELLO] = "hello",
	[CHANNEL_SAYS_BOUND] = "bound",
	[CHANNEL_SAYS_UP] = "up",
	[CHANNEL_SAYS_QUIET] = "quiet",
};

static const char *const kinds[CHANNEL_KINDS] = {
	[CHANNEL_ONE] = "m",
	[CHANNEL_MANY] = "b",
	[CHANNEL_PART] = "f",
};

bool channel_epoch_is(const struct channel_epoch *a,
		      const struct channel_epoch *b)
{
	return a->inc == b->inc && a->cnt == b->cnt &&
	       !memcmp(a->random, b->random, sizeof(a->random));
}

int channel_epoch_order(const struct channel_epoch *a,
			const struct channel_epoch *b)
{
	if (a->inc != b->inc)
		return a->inc < b->inc ? -1 : 1;
	if (a->cnt != b->cnt)
		return a->cnt < b->cnt ? -1 : 1;
	return memcmp(a->random, b->random, sizeof(a->random));
}

/* ------------------------------------------------------------- reading -- */

static bool split(struct span s, char at, struct span *left,
		  struct span *right)
{
	const char *p = s.len ? memchr(s.at, at, s.len) : NULL;

	if (!p)
		return false;
	*left = (struct span){ s.at, (size_t)(p - s.at) };
	*right = (struct span){ p + 1, s.len - left->len - 1 };
	return true;
}

/* A number as we write it: no zero in front, so that texts are unique. */
static bool number(struct span s, uint64_t max, uint64_t *out)
{
	if (s.len > 1 && s.at[0] == '0')
		return false;
	return span_number(s, max, out);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool epoch(struct span s, struct channel_epoch *e)
{
	struct span order, random, inc, cnt;
	uint64_t n;

	if (!split(s, '-', &order, &random) ||
	    !split(order, '.', &inc, &cnt) ||
	    !number(inc, CHANNEL_NUMBER_MAX, &e->inc) || !e->inc ||
	    !number(cnt, CHANNEL_COUNT_MAX, &n) || random.len != 32)
		return false;
	e->cnt = (uint32_t)n;
	for (size_t i = 0; i < 16; i++) {
		int high = hex(random.at[2 * i]);
		int low = hex(random.at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		e->random[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static int word(struct span s, const char *const *list, int count)
{
	for (int i = 0; i < count; i++)
		if (span_is(s, list[i]))
			return i;
	return -1;
}

static bool generation(struct span s, char *to)
{
	if (!s.len || s.len > CHANNEL_GENERATION_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~')
			return false;
	memcpy(to, s.at, s.len);
	to[s.len] = 0;
	return true;
}

/* Words in turn; false at the end. */
static bool next_word(struct span *line, char *key, struct span *value)
{
	struct span head, rest = { line->at + line->len, 0 };

	if (!line->len)
		return false;
	if (!split(*line, ' ', &head, &rest))
		head = *line;
	*key = 0;
	*value = head;
	if (head.len >= 2 && head.at[1] == '=') {
		*key = head.at[0];
		*value = (struct span){ head.at + 2, head.len - 2 };
	}
	*line = rest;
	return true;
}

static bool version(struct span *line)
{
	struct span value;
	char key;

	return next_word(line, &key, &value) && key == 'v' &&
	       span_is(value, "1");
}

static bool status_word(struct channel_status *s, char key, struct span v)
{
	uint64_t n = 0;
	bool ok = true;
	int w;

	switch (key) {
	case 'e': return epoch(v, &s->me);
	case 'p': return span_is(v, "-") || epoch(v, &s->you);
	case 'g': return generation(v, s->generation);
	case 't': return number(v, CHANNEL_NUMBER_MAX, &s->next);
	case 'a': return number(v, CHANNEL_NUMBER_MAX, &s->wanted);
	case 'h': return number(v, CHANNEL_NUMBER_MAX, &s->beat);
	case 'f': return number(v, CHANNEL_NUMBER_MAX, &s->features);
	case 's':
		w = word(v, words, CHANNEL_WORDS);
		s->says = w < 0 ? CHANNEL_SAYS_HELLO : (enum channel_word)w;
		return w >= 0;
	case 'w':
		ok = number(v, CHANNEL_SLOTS_MAX, &n) &&
		     n >= CHANNEL_SLOTS_MIN;
		s->window = (unsigned int)n;
		return ok;
	case 'l':
		ok = number(v, UINT32_MAX, &n) && n;
		s->lease = (uint32_t)n;
		return ok;
	case 'r':
		s->reason = channel_reason_of(v);
		return true;
	}
	return true;
}

static bool slot_word(struct channel_slot *s, char key, struct span v,
		      uint64_t *len)
{
	struct span i, n;
	uint64_t part, parts;
	int k;

	switch (key) {
	case 'e': return epoch(v, &s->me);
	case 'n': return number(v, CHANNEL_NUMBER_MAX, &s->seq);
	case 'a': return number(v, CHANNEL_NUMBER_MAX, &s->wanted);
	case 'z': return number(v, CHANNEL_BODY_MAX, len);
	case 'k':
		k = word(v, kinds, CHANNEL_KINDS);
		s->kind = k < 0 ? CHANNEL_ONE : (enum channel_kind)k;
		return k >= 0;
	case 'x':
		if (!split(v, '/', &i, &n) ||
		    !number(n, CHANNEL_SLOTS_MAX, &parts) || !parts ||
		    !number(i, parts - 1, &part))
			return false;
		s->part = (unsigned int)part;
		s->parts = (unsigned int)parts;
		return true;
	}
	return true;
}

/* Bit of a known key; 0 for another, which is passed over. */
static uint32_t key_bit(const char *keys, char key)
{
	const char *p = key ? strchr(keys, key) : NULL;

	return p ? 1u << (p - keys) : 0;
}

bool channel_status_parse(struct span line, struct channel_status *s)
{
	static const char keys[] = "epsgtawhlfr";
	uint32_t seen = 0, bit;
	struct span value;
	char key;

	memset(s, 0, sizeof(*s));
	if (line.len > CHANNEL_STATUS_MAX || !version(&line))
		return false;
	while (next_word(&line, &key, &value)) {
		bit = key_bit(keys, key);
		if (seen & bit || (bit && !status_word(s, key, value)))
			return false;
		seen |= bit;
	}
	return seen == (1u << (sizeof(keys) - 1)) - 1;
}

bool channel_slot_parse(struct span text, struct channel_slot *s)
{
	static const char keys[] = "enakxz";
	uint32_t seen = 0, bit;
	struct span line, value;
	uint64_t len = 0;
	char key;

	memset(s, 0, sizeof(*s));
	if (!split(text, '\n', &line, &s->body) ||
	    line.len >= CHANNEL_HEADER_MAX || !version(&line))
		return false;
	while (next_word(&line, &key, &value)) {
		bit = key_bit(keys, key);
		if (seen & bit || (bit && !slot_word(s, key, value, &len)))
			return false;
		seen |= bit;
	}
	return seen == (1u << (sizeof(keys) - 1)) - 1 &&
	       len == s->body.len && (s->kind == CHANNEL_PART ?
				      s->parts > 1 : s->parts == 1);
}

bool channel_many_next(struct cursor *c, struct span *message)
{
	size_t left = cursor_left(c), len;

	if (left < 2)
		return false;
	len = (size_t)(uint8_t)c->at[0] << 8 | (uint8_t)c->at[1];
	if (len > left - 2)
		return false;
	*message = (struct span){ c->at + 2, len };
	c->at += 2 + len;
	return true;
}

/* ------------------------------------------------------------- writing -- */

enum { EPOCH_TEXT = 20 + 1 + 10 + 1 + 32 + 1 };

static const char *epoch_text(char *to, const struct channel_epoch *e)
{
	int n;

	if (!channel_epoch_set(e))
		return "-";
	n = snprintf(to, EPOCH_TEXT, "%llu.%u-", (unsigned long long)e->inc,
		     e->cnt);
	for (size_t i = 0; i < 16; i++)
		n += snprintf(to + n, 3, "%02x", e->random[i]);
	return to;
}

size_t channel_status_format(char *to, const struct channel_status *s)
{
	char me[EPOCH_TEXT], you[EPOCH_TEXT], line[512];
	int n = snprintf(line, sizeof(line),
			 "v=1 e=%s p=%s s=%s g=%s t=%llu a=%llu w=%u h=%llu "
			 "l=%u f=%llu r=%s", epoch_text(me, &s->me),
			 epoch_text(you, &s->you), words[s->says],
			 s->generation, (unsigned long long)s->next,
			 (unsigned long long)s->wanted, s->window,
			 (unsigned long long)s->beat, s->lease,
			 (unsigned long long)s->features,
			 channel_reason_name(s->reason));
	size_t len = n > 0 ? (size_t)n : 0;

	if (len > CHANNEL_STATUS_MAX)
		return 0;
	memcpy(to, line, len);
	return len;
}

size_t channel_slot_format(char *to, const struct channel_slot *s)
{
	char me[EPOCH_TEXT], line[CHANNEL_HEADER_MAX + 1];
	int n = snprintf(line, sizeof(line),
			 "v=1 e=%s n=%llu a=%llu k=%s x=%u/%u z=%zu\n",
			 epoch_text(me, &s->me), (unsigned long long)s->seq,
			 (unsigned long long)s->wanted, kinds[s->kind],
			 s->part, s->parts, s->body.len);
	size_t len = n > 0 ? (size_t)n : 0;

	if (len > CHANNEL_HEADER_MAX)
		return 0;
	memcpy(to, line, len);
	return len;
}
