/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table in shared memory that is the machine.
 *
 * Everything lies at fixed places, indexed by domid, by port number or by
 * sink number, so that a stale reader reads a wrong fact but never foreign
 * memory. Structure (who exists, who is bound to whom) changes under the
 * lock only. Sending an event takes no lock: it reads the binding, moves one
 * state word, and a binding that changes meanwhile costs at worst a spurious
 * event, which Xen's users have to bear anyway.
 *
 * The state word of a port end: MASKED says that an event was handed to the
 * owner and not yet taken back into service, PENDING that another came since.
 * An entry is written to the owner's FIFO on each step from unmasked to
 * masked, never otherwise, as the kernel's event device does it.
 *
 * A sink is a party that listens: an open event-channel handle of a daemon
 * (its entries are dom0 port numbers) or a hub of guests (its entries are
 * domids). A sink id carries a generation, so that a reused slot is another.
 */
#ifndef SIMXEN_LAYOUT_H
#define SIMXEN_LAYOUT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "tools/simxen/guest.h"

#define SHM_MAGIC	UINT64_C(0x316e65786d697378)
#define SHM_VERSION	1U

#define SHM_DOMIDS	(SIMXEN_MAX_DOMID + 1)
/* As many as a FIFO of 64 KiB has room for, so that no entry is refused. */
#define SHM_PORTS	16384U
/* Ports below are dom0's kernel's own; a daemon's come after. */
#define SHM_FIRST_PORT	8U
#define SHM_SINKS	4096U
#define SHM_PAGE	4096U

/*
 * The ring page by the public xs_wire.h, with the event-channel port that its
 * newer versions have after the error field. The guest's memory: any value
 * may stand anywhere.
 */
#define SHM_RING	1024U
struct shm_ring_page {
	char req[SHM_RING], rsp[SHM_RING];
	uint32_t req_cons, req_prod, rsp_cons, rsp_prod;
	uint32_t features, connection, error, evtchn_port;
};

#define SHM_MASKED	1U
#define SHM_PENDING	2U

struct shm_fault {
	uint32_t err;
	uint32_t left;		/* 0: for ever */
};

struct shm_domain {
	_Atomic uint64_t instance;	/* 0: there is no such domain */
	_Atomic uint64_t sink;		/* who listens in the guest, 0: none */
	_Atomic uint32_t state;		/* of the guest's end of the channel */
	_Atomic uint32_t port;		/* number of that end, 0: closed */
	_Atomic uint32_t bound;		/* dom0 port at the other end, or 0 */
	uint32_t last_port;		/* numbers are not used twice */
	uint32_t flags;
	uint32_t reason;
	uint8_t handle[16];
	struct shm_fault fault[SIMXEN_FAULT_NR];
} __attribute__((aligned(128)));

enum shm_port_kind { SHM_FREE, SHM_INTERDOMAIN, SHM_VIRQ };

struct shm_port {
	_Atomic uint32_t state;
	_Atomic uint32_t kind;
	_Atomic uint64_t sink;
	_Atomic uint64_t instance;	/* of the domain at the other end */
	_Atomic uint32_t domid;
} __attribute__((aligned(64)));

enum shm_sink_kind { SHM_UNUSED, SHM_HANDLE, SHM_HUB };

struct shm_sink {
	uint32_t kind;
	uint32_t generation;
	uint64_t dev, ino;	/* of its FIFO: tells it again by a descriptor */
} __attribute__((aligned(32)));

struct shm_machine {
	uint64_t magic;
	uint32_t version;
	uint32_t size;
	pthread_mutex_t lock;
	uint64_t last_instance;
	uint32_t last_domid;
	_Atomic uint32_t virq_port;	/* bound to VIRQ_DOM_EXC, 0: none */
	struct shm_fault fault[SIMXEN_FAULT_NR];
	uint64_t domain_map[(SHM_DOMIDS + 63) / 64];
	uint64_t port_map[SHM_PORTS / 64];
	struct shm_sink sink[SHM_SINKS];
	struct shm_port port[SHM_PORTS];
	struct shm_domain domain[SHM_DOMIDS];
};

#endif
