// SPDX-License-Identifier: GPL-2.0-or-later
/* The command simxen: options for all subcommands, the table of them. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/simxen/command.h"

static const char *command_dir;

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} command_table[] = {
	{ "create", command_create },
	{ "destroy", command_destroy },
	{ "domain", command_domain },
	{ "fault", command_fault },
	{ "page", command_page },
	{ "run", command_run },
	{ "daemon", command_daemon },
	{ "wait", command_wait },
	{ "supervise", command_supervise },
};

static const char command_help[] =
"simxen: a Xen machine made of processes\n"
"\n"
"  simxen create DIR        make a machine; domain 0 exists from then on\n"
"  simxen destroy DIR       remove it with all its files\n"
"\n"
"The rest work on the machine of -C DIR, else of $SIMXEN_DIR:\n"
"\n"
"  simxen daemon --peer stock|ocaml|PROGRAM [-- ARGS...]\n"
"                           become a xenstore daemon, in the foreground:\n"
"                           Debian's C or OCaml one, or PROGRAM\n"
"  simxen supervise [--restart-delay MS] [--max-restarts N] [--log FILE]\n"
"                   [--fdstore-max N] [--watchdog USEC] [--control SOCKET]\n"
"                   [--] stock|ocaml|PROGRAM [ARGS...]\n"
"                           the same, started again whenever it dies, with\n"
"                           systemd's protocol; see tools/simxen/README.md\n"
"  simxen wait [--timeout SECONDS]\n"
"                           until the daemon's socket answers\n"
"  simxen run [--] PROGRAM [ARGS...]\n"
"                           run a program on the machine: libxenctrl and its\n"
"                           like answer for it, and /proc/xen is there\n"
"  simxen domain add [--domid N] [--handle UUID] [--count K]\n"
"  simxen domain kill N [--linger]\n"
"  simxen domain shutdown N [--reason poweroff|reboot|suspend|crash|resume]\n"
"  simxen domain port N     close the guest's event channel, open a new one\n"
"  simxen domain list [--json]\n"
"  simxen fault --grant ERRNO | --bind ERRNO [--domid N] [--count K]\n"
"                           let mapping the ring page, or binding the event\n"
"                           channel, fail (EINVAL, 22, ...; 0 ends it)\n"
"  simxen fault --domid N [--hidden on|off] [--linger on|off]\n"
"                           a domain that is not listed, or stays dying\n"
"  simxen fault --domid N --page-port PORT\n"
"                           preset the port in the ring page (dom0less)\n"
"  simxen page N            the fields of domain N's ring page\n"
"\n"
"A first session:\n"
"\n"
"  export SIMXEN_DIR=/tmp/machine XENSTORED_PATH=/tmp/machine/run/socket\n"
"  simxen create $SIMXEN_DIR\n"
"  simxen daemon --peer stock & simxen wait\n"
"  xenstore-write /hello world; xenstore-ls\n"
"\n"
"Exit status: 0 done, 1 failed, 2 misused.\n";

int command_fail(int err, const char *fmt, ...)
{
	va_list ap;

	fputs("simxen: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(err < 0 ? -err : err));
	return 1;
}

int command_misuse(const char *fmt, ...)
{
	va_list ap;

	fputs("simxen: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("; see simxen --help\n", stderr);
	return 2;
}

bool command_number(const char *text, unsigned long max, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 0);
	return *text >= '0' && *text <= '9' && !*end && !errno && *out <= max;
}

int command_domid(const char *text)
{
	unsigned long domid;

	if (command_number(text, SIMXEN_MAX_DOMID, &domid))
		return (int)domid;
	command_misuse("'%s' is not a domid (0..%d)", text,
		       SIMXEN_MAX_DOMID);
	return -1;
}

struct simxen *command_machine(void)
{
	const char *dir = command_dir ? command_dir : getenv("SIMXEN_DIR");
	struct simxen *m;
	int err;

	if (!dir || !*dir) {
		command_misuse("which machine? give -C DIR or SIMXEN_DIR");
		return NULL;
	}
	err = simxen_open(dir, &m);
	if (!err)
		return m;
	command_fail(err, "%s: no machine to be had", dir);
	return NULL;
}

int command_create(int argc, char **argv)
{
	int err;

	if (argc != 2)
		return command_misuse("create wants one directory");
	err = simxen_create(argv[1]);
	return err ? command_fail(err, "cannot make a machine in %s",
				  argv[1]) : 0;
}

int command_destroy(int argc, char **argv)
{
	int err;

	if (argc != 2)
		return command_misuse("destroy wants one directory");
	err = simxen_destroy(argv[1]);
	return err ? command_fail(err, "cannot remove the machine in %s",
				  argv[1]) : 0;
}

static int command_dispatch(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(command_table) /
			       sizeof(command_table[0]); i++)
		if (!strcmp(argv[0], command_table[i].name)) {
			optind = 0;
			return command_table[i].run(argc, argv);
		}
	return command_misuse("'%s' is not a subcommand", argv[0]);
}

int main(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "directory", required_argument, NULL, 'C' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "+hC:", opts, NULL)) >= 0) {
		if (c == 'h')
			return fputs(command_help, stdout) < 0;
		if (c != 'C')
			return command_misuse("bad option");
		command_dir = optarg;
	}
	if (optind == argc)
		return command_misuse("what shall be done?");
	return command_dispatch(argc - optind, argv + optind);
}
