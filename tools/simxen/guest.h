/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simxen from the outside: a Xen machine made of processes.
 *
 * A machine is a directory. It holds a table in shared memory (domains and
 * event channels), one page file per domain, one FIFO per party that listens
 * for events, and the few files of /proc/xen that xenstore daemons open. A
 * daemon joins it through the preloaded library; toolstack and guests join it
 * through this interface, from C or, as all types are plain, through ctypes.
 *
 * Conventions: 0 or a positive result is success, -errno is failure. Whatever
 * an open or attach function hands out belongs to the caller until the
 * matching close or detach. A struct simxen may be shared by threads; a hub
 * and the guests on it are read by one thread at a time, while notifying is
 * safe from any thread.
 */
#ifndef SIMXEN_GUEST_H
#define SIMXEN_GUEST_H

#include <stdint.h>

struct simxen;
struct simxen_hub;
struct simxen_guest;

/* Domids as in Xen: 0..32751; 32752 (DOMID_FIRST_RESERVED) and up are not. */
#define SIMXEN_MAX_DOMID 32751

/* The guest frame of every domain's xenstore page, as an HVM builder has it. */
#define SIMXEN_GFN 0xfeffcUL

/* The grant reference of that page (GNTTAB_RESERVED_XENSTORE). */
#define SIMXEN_GRANT 1U

/* Shutdown reasons of xen/sched.h; RESUME clears the shut-down state. */
#define SIMXEN_POWEROFF 0
#define SIMXEN_REBOOT	1
#define SIMXEN_SUSPEND	2
#define SIMXEN_CRASH	3
#define SIMXEN_RESUME	(-1)

struct simxen_domain_info {
	uint32_t domid;
	uint32_t port;		/* the guest's xenstore port, 0: closed */
	uint32_t bound;		/* dom0 port on its other end, 0: unbound */
	uint32_t flags;		/* SIMXEN_DYING and so on */
	uint32_t reason;	/* of the shutdown; only with SIMXEN_SHUTDOWN */
	uint32_t attached;	/* a guest program listens */
	uint64_t gfn;
	uint64_t instance;	/* differs for each domain ever made here */
	uint64_t shared_info_frame;
	uint8_t handle[16];
};

#define SIMXEN_DYING	1U
#define SIMXEN_SHUTDOWN	2U
#define SIMXEN_HIDDEN	4U	/* fault: the hypervisor does not list it */
#define SIMXEN_LINGER	8U	/* fault: killed, it stays dying */

/* What can be made to fail; see simxen_fault(). */
enum simxen_fault {
	SIMXEN_FAULT_GRANT,	/* mapping the ring page, by grant or frame */
	SIMXEN_FAULT_BIND,	/* binding the event channel */
	SIMXEN_FAULT_NR,
};

/*
 * Make a machine in directory dir, which is created if missing. Domain 0
 * exists from then on. -EEXIST: there is one already; -ENAMETOOLONG: the
 * daemon's socket in dir/run would not fit a sockaddr_un.
 */
int simxen_create(const char *dir);

/* Remove the machine and its directory. -ENOENT: it is not a machine. */
int simxen_destroy(const char *dir);

/*
 * Join the machine in dir; NULL means $SIMXEN_DIR. -ENOENT: no machine there;
 * -EPROTO: made by another version of simxen.
 */
int simxen_open(const char *dir, struct simxen **m);
void simxen_close(struct simxen *m);

/* The absolute path of the machine's directory; valid until simxen_close(). */
const char *simxen_dir(const struct simxen *m);

/*
 * The toolstack's and the hypervisor's part.
 *
 * add returns the domid. domid -1 takes the next free one, counting up and
 * wrapping as Xen does; handle NULL draws a random one. -EEXIST, -EINVAL
 * (domid out of range), -ENOSPC. A domain made with the domid of a dead one
 * is a new instance: other handle, other frame, other page, other port state.
 *
 * kill raises VIRQ_DOM_EXC once with the domain dying and once with it gone;
 * with SIMXEN_LINGER as flags it stays dying until killed again without. The
 * page stays valid for whoever has mapped it. -ESRCH; -EPERM for domain 0.
 *
 * shutdown sets the state and raises VIRQ_DOM_EXC; SIMXEN_RESUME clears it
 * and raises nothing.
 *
 * new_port closes the guest's port, as a guest does that comes back from a
 * save or a kexec, and returns the number of a fresh unbound one.
 */
int simxen_domain_add(struct simxen *m, int domid, const uint8_t *handle);
int simxen_domain_kill(struct simxen *m, unsigned int domid,
		       unsigned int flags);
int simxen_domain_shutdown(struct simxen *m, unsigned int domid, int reason);
int simxen_domain_new_port(struct simxen *m, unsigned int domid);
int simxen_domain_info(struct simxen *m, unsigned int domid,
		       struct simxen_domain_info *info);

/* The first domid above after (-1 to start) that exists, or -ENOENT. */
int simxen_domain_next(struct simxen *m, int after);

/* Set or clear SIMXEN_HIDDEN and SIMXEN_LINGER. */
int simxen_domain_flags(struct simxen *m, unsigned int domid,
			unsigned int set, unsigned int clear);

/*
 * Let the next count calls of that kind fail with errno err, for one domain
 * or (domid -1) for all; count 0 means for ever, err 0 ends the fault.
 */
int simxen_fault(struct simxen *m, int domid, enum simxen_fault what, int err,
		 unsigned int count);

/* Free what dead programs left behind; happens by itself where it matters. */
void simxen_reap(struct simxen *m);

/*
 * The guest's part.
 *
 * A hub receives the events of any number of guests through one file
 * descriptor. attach with hub NULL gives the guest a hub of its own. Domain 0
 * is attached in the same way and stands for dom0's kernel. Attaching takes
 * the domain over from whoever had it; an event that nobody took is then
 * delivered to the new one. The instance attached is the one that exists at
 * that moment; when it dies its ring is still there and alive says 0.
 */
int simxen_hub_open(struct simxen *m, struct simxen_hub **hub);
void simxen_hub_close(struct simxen_hub *hub);

/* Readable when next has something to say; only next and wait may read it. */
int simxen_hub_fd(const struct simxen_hub *hub);

/*
 * A domid whose guest has an event (its pending state is cleared by this), or
 * -EAGAIN. Call until -EAGAIN before polling again: it reads ahead.
 */
int simxen_hub_next(struct simxen_hub *hub);

/* Wait until next has something: 1, or 0 after timeout ms (-1: no limit). */
int simxen_hub_wait(struct simxen_hub *hub, int timeout);

int simxen_guest_attach(struct simxen *m, struct simxen_hub *hub,
			unsigned int domid, struct simxen_guest **guest);
void simxen_guest_detach(struct simxen_guest *guest);

/* The 4096 bytes shared with the daemon; valid until detach. */
void *simxen_guest_page(const struct simxen_guest *guest);

unsigned int simxen_guest_domid(const struct simxen_guest *guest);

/* What INTRODUCE wants to know: the event port (0: closed) and the frame. */
unsigned int simxen_guest_port(const struct simxen_guest *guest);
uint64_t simxen_guest_gfn(const struct simxen_guest *guest);

/*
 * Send an event to the other end. 1: sent; 0: nobody is bound, and the event
 * is forgotten, as in Xen; -ESRCH: the domain is dead. A full barrier.
 */
int simxen_guest_notify(struct simxen_guest *guest);

/*
 * Take an event: 1, or 0 when none came in timeout ms (-1: no limit). For
 * guests with a hub of their own; -EINVAL on a shared hub. Death wakes too.
 */
int simxen_guest_wait(struct simxen_guest *guest, int timeout);

/* Readable when wait would return 1 at once. */
int simxen_guest_fd(const struct simxen_guest *guest);

/* 1 while this very instance exists and is not dying. */
int simxen_guest_alive(const struct simxen_guest *guest);

/* 1 while a living program is bound to the other end of the port. */
int simxen_guest_bound(struct simxen_guest *guest);

#endif
