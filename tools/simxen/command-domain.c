// SPDX-License-Identifier: GPL-2.0-or-later
/* simxen domain ... and simxen fault: the toolstack's and the devil's part. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tools/simxen/command.h"
#include "tools/simxen/domain.h"

static const struct {
	const char *name;
	int value;
} domain_reasons[] = {
	{ "poweroff", SIMXEN_POWEROFF }, { "reboot", SIMXEN_REBOOT },
	{ "suspend", SIMXEN_SUSPEND }, { "crash", SIMXEN_CRASH },
	{ "resume", SIMXEN_RESUME },
};

#define REASONS (sizeof(domain_reasons) / sizeof(domain_reasons[0]))

/* 32 hexadecimal digits, dashes where one likes. */
static bool domain_handle(const char *text, uint8_t handle[16])
{
	unsigned int n = 0;

	for (; *text; text++) {
		const char digits[] = "0123456789abcdef";
		const char *d = strchr(digits, *text | 0x20);

		if (*text == '-')
			continue;
		if (!d || !*d || n == 32)
			return false;
		handle[n / 2] = (uint8_t)(handle[n / 2] << 4 | (d - digits));
		n++;
	}
	return n == 32;
}

static void domain_print_handle(const uint8_t *h)
{
	for (int i = 0; i < 16; i++)
		printf("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ?
		       "-" : "", h[i]);
}

static int domain_show_new(struct simxen *m, int domid)
{
	struct simxen_domain_info info;
	int err = simxen_domain_info(m, (unsigned int)domid, &info);

	if (err)
		return command_fail(err, "domain %d", domid);
	printf("%u gfn 0x%llx port %u handle ", info.domid,
	       (unsigned long long)info.gfn, info.port);
	domain_print_handle(info.handle);
	putchar('\n');
	return 0;
}

static int domain_add_many(struct simxen *m, int domid, unsigned long count,
			   const uint8_t *handle)
{
	for (unsigned long i = 0; i < count; i++) {
		int got = simxen_domain_add(m, domid < 0 ? -1 :
					    domid + (int)i, handle);

		if (got < 0)
			return command_fail(got, "cannot add a domain");
		if (domain_show_new(m, got))
			return 1;
	}
	return 0;
}

static int domain_add(struct simxen *m, int argc, char **argv)
{
	static const struct option opts[] = {
		{ "domid", required_argument, NULL, 'd' },
		{ "handle", required_argument, NULL, 'h' },
		{ "count", required_argument, NULL, 'c' },
		{ 0 },
	};
	uint8_t handle[16] = { 0 };
	bool has_handle = false;
	unsigned long count = 1;
	int c, domid = -1;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) >= 0) {
		if (c == 'd') {
			domid = command_domid(optarg);
			if (domid < 0)
				return 2;
		} else if (c == 'h') {
			has_handle = domain_handle(optarg, handle);
			if (!has_handle)
				return command_misuse("'%s' is not a uuid",
						      optarg);
		} else if (c != 'c' ||
			   !command_number(optarg, SIMXEN_MAX_DOMID,
					   &count)) {
			return command_misuse("bad option or count");
		}
	}
	if (optind != argc)
		return command_misuse("add takes options only");
	return domain_add_many(m, domid, count, has_handle ? handle : NULL);
}

static int domain_kill(struct simxen *m, int argc, char **argv)
{
	static const struct option opts[] = {
		{ "linger", no_argument, NULL, 'l' }, { 0 },
	};
	unsigned int flags = 0;
	int c, domid, err;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) >= 0) {
		if (c != 'l')
			return command_misuse("bad option");
		flags = SIMXEN_LINGER;
	}
	if (optind == argc)
		return command_misuse("kill whom?");
	for (; optind < argc; optind++) {
		domid = command_domid(argv[optind]);
		if (domid < 0)
			return 2;
		err = simxen_domain_kill(m, (unsigned int)domid, flags);
		if (err)
			return command_fail(err, "domain %d", domid);
	}
	return 0;
}

static int domain_shutdown(struct simxen *m, int argc, char **argv)
{
	static const struct option opts[] = {
		{ "reason", required_argument, NULL, 'r' }, { 0 },
	};
	size_t reason = 0;
	int c, domid, err;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) >= 0) {
		if (c != 'r')
			return command_misuse("bad option");
		for (reason = 0; reason < REASONS; reason++)
			if (!strcmp(optarg, domain_reasons[reason].name))
				break;
		if (reason == REASONS)
			return command_misuse("no such reason: %s", optarg);
	}
	if (optind + 1 != argc)
		return command_misuse("shutdown wants one domid");
	domid = command_domid(argv[optind]);
	if (domid < 0)
		return 2;
	err = simxen_domain_shutdown(m, (unsigned int)domid,
				     domain_reasons[reason].value);
	return err ? command_fail(err, "domain %d", domid) : 0;
}

static int domain_port(struct simxen *m, int argc, char **argv)
{
	int domid, port;

	if (argc != 2)
		return command_misuse("port wants one domid");
	domid = command_domid(argv[1]);
	if (domid < 0)
		return 2;
	port = simxen_domain_new_port(m, (unsigned int)domid);
	if (port < 0)
		return command_fail(port, "domain %d", domid);
	printf("%d\n", port);
	return 0;
}

static const char *domain_state(const struct simxen_domain_info *d)
{
	if (d->flags & SIMXEN_DYING)
		return "dying";
	if (!(d->flags & SIMXEN_SHUTDOWN))
		return "running";
	for (size_t i = 0; i < REASONS; i++)
		if ((uint32_t)domain_reasons[i].value == d->reason)
			return domain_reasons[i].name;
	return "shutdown";
}

static void domain_row(const struct simxen_domain_info *d)
{
	printf("%5u %-9s %4u %6u %-8s %8llx ", d->domid, domain_state(d),
	       d->port, d->bound, d->attached ? "yes" : "no",
	       (unsigned long long)d->shared_info_frame);
	domain_print_handle(d->handle);
	printf("%s\n", d->flags & SIMXEN_HIDDEN ? " hidden" : "");
}

static void domain_json(const struct simxen_domain_info *d, bool first)
{
	printf("%s\n  {\"domid\": %u, \"state\": \"%s\", \"port\": %u, "
	       "\"bound\": %u, \"attached\": %s, \"hidden\": %s, "
	       "\"gfn\": %llu, \"instance\": %llu, "
	       "\"shared_info_frame\": %llu, \"handle\": \"",
	       first ? "" : ",", d->domid, domain_state(d), d->port,
	       d->bound, d->attached ? "true" : "false",
	       d->flags & SIMXEN_HIDDEN ? "true" : "false",
	       (unsigned long long)d->gfn, (unsigned long long)d->instance,
	       (unsigned long long)d->shared_info_frame);
	domain_print_handle(d->handle);
	printf("\"}");
}

static int domain_list_all(struct simxen *m, int argc, char **argv)
{
	static const struct option opts[] = {
		{ "json", no_argument, NULL, 'j' }, { 0 },
	};
	struct simxen_domain_info info;
	bool json = false, first = true;
	int c, domid = -1;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) >= 0) {
		if (c != 'j')
			return command_misuse("bad option");
		json = true;
	}
	simxen_reap(m);
	if (json)
		putchar('[');
	else
		puts("domid state     port  bound attached    frame handle");
	while ((domid = simxen_domain_next(m, domid)) >= 0) {
		if (simxen_domain_info(m, (unsigned int)domid, &info))
			continue;
		if (json)
			domain_json(&info, first);
		else
			domain_row(&info);
		first = false;
	}
	if (json)
		puts("\n]");
	return 0;
}

int command_domain(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct simxen *m, int argc, char **argv);
	} table[] = {
		{ "add", domain_add }, { "kill", domain_kill },
		{ "shutdown", domain_shutdown }, { "port", domain_port },
		{ "list", domain_list_all },
	};
	struct simxen *m;
	int status = 1;

	for (size_t i = 0; argc > 1 && i < sizeof(table) / sizeof(table[0]);
	     i++) {
		if (strcmp(argv[1], table[i].name))
			continue;
		m = command_machine();
		if (m)
			status = table[i].run(m, argc - 1, argv + 1);
		simxen_close(m);
		return status;
	}
	return command_misuse("domain add, kill, shutdown, port or list?");
}

struct fault_request {
	int domid;
	int err[SIMXEN_FAULT_NR];	/* -1: not asked for */
	unsigned long count;
	unsigned int set, clear;
	long page_port;			/* -1: not asked for */
};

/* By number, or by the names that the messages of daemons use. */
static int fault_errno(const char *text)
{
	unsigned long n;

	if (command_number(text, 4095, &n))
		return (int)n;
	for (int e = 1; e < 200; e++) {
		const char *name = strerrorname_np(e);

		if (name && !strcmp(name, text))
			return e;
	}
	return -1;
}

static bool fault_switch(const char *text, unsigned int flag,
			 struct fault_request *r)
{
	if (!strcmp(text, "on"))
		r->set |= flag;
	else if (!strcmp(text, "off"))
		r->clear |= flag;
	else
		return false;
	return true;
}

static bool fault_option(int c, const char *arg, struct fault_request *r)
{
	unsigned long n;

	switch (c) {
	case 'd':
		r->domid = command_domid(arg);
		return r->domid >= 0;
	case 'g':
	case 'b':
		r->err[c == 'b' ? SIMXEN_FAULT_BIND : SIMXEN_FAULT_GRANT] =
			fault_errno(arg);
		return fault_errno(arg) >= 0;
	case 'c':
		return command_number(arg, UINT32_MAX, &r->count);
	case 'h':
		return fault_switch(arg, SIMXEN_HIDDEN, r);
	case 'l':
		return fault_switch(arg, SIMXEN_LINGER, r);
	case 'p':
		if (!command_number(arg, UINT32_MAX, &n))
			return false;
		r->page_port = (long)n;
		return true;
	default:
		return false;
	}
}

static int fault_page_port(struct simxen *m, unsigned int domid, long port)
{
	uint64_t instance;
	struct shm_ring_page *page =
		domain_map_page(m, domid, &instance, PROT_READ | PROT_WRITE);

	if (!page)
		return -errno;
	page->evtchn_port = (uint32_t)port;
	munmap(page, SHM_PAGE);
	return 0;
}

static int fault_apply(struct simxen *m, const struct fault_request *r)
{
	int err = 0;

	for (int i = 0; !err && i < SIMXEN_FAULT_NR; i++)
		if (r->err[i] >= 0)
			err = simxen_fault(m, r->domid,
					   (enum simxen_fault)i, r->err[i],
					   (unsigned int)r->count);
	if (!err && (r->set | r->clear))
		err = simxen_domain_flags(m, (unsigned int)r->domid, r->set,
					  r->clear);
	if (!err && r->page_port >= 0)
		err = fault_page_port(m, (unsigned int)r->domid,
				      r->page_port);
	return err ? command_fail(err, "domain %d", r->domid) : 0;
}

int command_fault(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "domid", required_argument, NULL, 'd' },
		{ "grant", required_argument, NULL, 'g' },
		{ "bind", required_argument, NULL, 'b' },
		{ "count", required_argument, NULL, 'c' },
		{ "hidden", required_argument, NULL, 'h' },
		{ "linger", required_argument, NULL, 'l' },
		{ "page-port", required_argument, NULL, 'p' },
		{ 0 },
	};
	struct fault_request r = {
		.domid = -1, .err = { -1, -1 }, .page_port = -1,
	};
	struct simxen *m;
	int c, status = 1;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) >= 0)
		if (!fault_option(c, optarg, &r))
			return command_misuse("bad option or value");
	if (optind != argc || argc == 1)
		return command_misuse("fault wants options");
	if (r.domid < 0 && (r.set | r.clear || r.page_port >= 0))
		return command_misuse("this fault wants --domid");
	m = command_machine();
	if (m)
		status = fault_apply(m, &r);
	simxen_close(m);
	return status;
}
