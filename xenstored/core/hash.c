/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SipHash-1-3 after its public specification, and the table; see hash.h. */
#include "xenstored/core/hash.h"
#include "xenstored/core/mem.h"

#include <string.h>

static inline uint64_t rotate(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

struct sip {
	uint64_t a, b, c, d;
};

static inline void sip_round(struct sip *s)
{
	s->a += s->b;
	s->c += s->d;
	s->b = rotate(s->b, 13) ^ s->a;
	s->d = rotate(s->d, 16) ^ s->c;
	s->a = rotate(s->a, 32);
	s->c += s->b;
	s->a += s->d;
	s->b = rotate(s->b, 17) ^ s->c;
	s->d = rotate(s->d, 21) ^ s->a;
	s->c = rotate(s->c, 32);
}

static inline void sip_word(struct sip *s, uint64_t w)
{
	s->d ^= w;
	sip_round(s);
	s->a ^= w;
}

static uint64_t word_le(const uint8_t *p, size_t n)
{
	uint64_t w = 0;

	for (size_t i = 0; i < n; i++)
		w |= (uint64_t)p[i] << (8 * i);
	return w;
}

uint64_t hash_bytes(const struct hash_key *key, uint64_t number,
		    const void *bytes, size_t len)
{
	struct sip s = {
		key->k0 ^ 0x736f6d6570736575ULL,
		key->k1 ^ 0x646f72616e646f6dULL,
		key->k0 ^ 0x6c7967656e657261ULL,
		key->k1 ^ 0x7465646279746573ULL,
	};
	const uint8_t *p = bytes;
	size_t left = len;

	sip_word(&s, number);
	for (; left >= 8; left -= 8, p += 8)
		sip_word(&s, word_le(p, 8));
	sip_word(&s, word_le(p, left) | (uint64_t)(len + 8) << 56);
	s.c ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}

void hash_table_init(struct hash_table *t)
{
	t->bucket = &t->single;
	t->single = NULL;
	t->mask = 0;
	t->count = 0;
}

void hash_table_fini(struct hash_table *t)
{
	if (t->bucket != &t->single)
		mem_drop(t->bucket);
	hash_table_init(t);
}

static void hash_table_grow(struct hash_table *t)
{
	size_t n = t->mask ? (t->mask + 1) * 2 : 16;
	struct hash_link **bucket = mem_block(n * sizeof(*bucket));

	if (!bucket)
		return;
	memset(bucket, 0, n * sizeof(*bucket));
	for (size_t i = 0; i <= t->mask; i++) {
		struct hash_link *l = t->bucket[i], *next;

		for (; l; l = next) {
			next = l->next;
			l->next = bucket[l->hash & (n - 1)];
			bucket[l->hash & (n - 1)] = l;
		}
	}
	if (t->bucket != &t->single)
		mem_drop(t->bucket);
	t->bucket = bucket;
	t->mask = n - 1;
}

void hash_table_add(struct hash_table *t, struct hash_link *l, uint64_t hash)
{
	struct hash_link **b;

	if (t->count > t->mask)
		hash_table_grow(t);
	b = &t->bucket[hash & t->mask];
	l->hash = hash;
	l->next = *b;
	*b = l;
	t->count++;
}

void hash_table_remove(struct hash_table *t, struct hash_link *l)
{
	struct hash_link **p = &t->bucket[l->hash & t->mask];

	for (; *p; p = &(*p)->next) {
		if (*p != l)
			continue;
		*p = l->next;
		l->next = NULL;
		t->count--;
		return;
	}
}
