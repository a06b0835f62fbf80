/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics as text or as JSON; see metrics_out.h. */
#include "tools/xs-probe/metrics_out.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "tools/xs-probe/record.h"

#define PREFIX "proxenos_"
#define NAME_BYTES 96
/* What a binary fraction has for certain; more digits are noise. */
#define DIGITS 15

void metrics_out_begin(struct metrics_out *o, FILE *out, bool json)
{
	*o = (struct metrics_out){ .out = out, .json = json };
	if (json)
		o->list = json_array();
	o->failed = json && !o->list;
}

int metrics_out_end(struct metrics_out *o)
{
	json_t *whole;

	if (!o->json)
		return fflush(o->out) || ferror(o->out) ? -errno : 0;
	whole = json_pack("{s:o}", "metrics", o->list);
	o->list = NULL;
	o->samples = NULL;
	if (!whole || o->failed) {
		json_decref(whole);
		return -ENOMEM;
	}
	errno = 0;
	if (json_dumpf(whole, o->out, JSON_INDENT(2) |
		       JSON_REAL_PRECISION(DIGITS)) ||
	    fputc('\n', o->out) == EOF || fflush(o->out)) {
		json_decref(whole);
		return errno ? -errno : -ENOMEM;
	}
	json_decref(whole);
	return 0;
}

/* --------------------------------------------------------------- text -- */

static void text_value(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if (*text >= ' ' && *text <= '~')
			fputc(*text, out);
		else
			fputc('?', out);
	}
}

static void text_sample(FILE *out, const char *name, const char *suffix,
			const struct metrics_label *label, size_t labels,
			uint64_t n, bool us)
{
	fprintf(out, PREFIX "%s%s", name, suffix);
	for (size_t i = 0; i < labels; i++) {
		fprintf(out, "%c%s=\"", i ? ',' : '{', label[i].name);
		text_value(out, label[i].value);
		fputc('"', out);
	}
	if (labels)
		fputc('}', out);
	if (us)
		fprintf(out, " %" PRIu64 ".%06u\n", n / 1000000,
			(unsigned int)(n % 1000000));
	else
		fprintf(out, " %" PRIu64 "\n", n);
}

/* --------------------------------------------------------------- JSON -- */

static json_t *json_labels(const struct metrics_label *label, size_t labels)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < labels; i++) {
		json_t *value = record_json_bytes(label[i].value,
						  strlen(label[i].value));

		if (!value ||
		    json_object_set_new(object, label[i].name, value)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* A counter may be more than JSON's integers are here. */
static json_t *json_value(uint64_t n, bool us)
{
	if (us)
		return json_real((double)n / 1e6);
	return n <= INT64_MAX ? json_integer((json_int_t)n) :
				json_real((double)n);
}

static json_t *json_sample(const char *name, const char *suffix,
			   const struct metrics_label *label, size_t labels,
			   uint64_t n, bool us)
{
	char whole[NAME_BYTES];

	snprintf(whole, sizeof(whole), PREFIX "%s%s", name, suffix);
	return json_pack("{s:s,s:o,s:o}", "name", whole, "labels",
			 json_labels(label, labels), "value",
			 json_value(n, us));
}

static json_t *json_family(const char *name, const char *type,
			   const char *help, json_t *samples)
{
	char whole[NAME_BYTES];

	snprintf(whole, sizeof(whole), PREFIX "%s", name);
	return json_pack("{s:s,s:s,s:s,s:o}", "name", whole, "type", type,
			 "help", help, "samples", samples);
}

/* --------------------------------------------------------------- both -- */

void metrics_head(struct metrics_out *o, const char *name, const char *type,
		  const char *help)
{
	o->name = name;
	if (!o->json) {
		fprintf(o->out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX
			"%s %s\n", name, help, name, type);
		return;
	}
	if (o->failed)
		return;
	o->samples = json_array();
	if (json_array_append_new(o->list, json_family(name, type, help,
						       o->samples)))
		o->failed = true;
}

void metrics_sample(struct metrics_out *o, const char *suffix,
		    const struct metrics_label *label, size_t labels,
		    uint64_t n, bool us)
{
	if (!o->json)
		text_sample(o->out, o->name, suffix, label, labels, n, us);
	else if (!o->failed &&
		 json_array_append_new(o->samples,
				       json_sample(o->name, suffix, label,
						   labels, n, us)))
		o->failed = true;
}
