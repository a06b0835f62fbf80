// SPDX-License-Identifier: GPL-2.0-or-later
/* Domains, pages, lists, faults and files. */
#define XC_WANT_COMPAT_MAP_FOREIGN_API
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xengnttab.h>

#include "tools/simxen/machine.h"
#include "tools/simxen/test-simxen.h"

void test_virq(void)
{
	xenevtchn_handle *h = xenevtchn_open(NULL, 0);
	xenevtchn_handle *other = xenevtchn_open(NULL, 0);
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	int domid = simxen_domain_add(test_m, -1, NULL), port;
	xc_domaininfo_t info;

	port = xenevtchn_bind_virq(h, VIRQ_DOM_EXC);
	CHECK(port > 0);
	CHECK(!test_readable(h, 0));
	CHECK(xenevtchn_bind_virq(other, VIRQ_DOM_EXC) == -1 &&
	      errno == EEXIST);
	CHECK(xenevtchn_bind_virq(other, VIRQ_TIMER) == -1 &&
	      errno == EINVAL);
	CHECK(!simxen_domain_shutdown(test_m, (unsigned int)domid,
				      SIMXEN_CRASH));
	CHECK(xenevtchn_pending(h) == port);
	CHECK(xc_domain_getinfolist(xch, (uint32_t)domid, 1, &info) == 1);
	CHECK(info.domain == domid && info.flags & XEN_DOMINF_shutdown);
	CHECK((info.flags >> XEN_DOMINF_shutdownshift &
	       XEN_DOMINF_shutdownmask) == SIMXEN_CRASH);
	CHECK(!xenevtchn_unmask(h, (evtchn_port_t)port));
	CHECK(!test_readable(h, 0));
	CHECK(!simxen_domain_kill(test_m, (unsigned int)domid, 0));
	CHECK(xenevtchn_pending(h) == port);
	/* Once dying, once gone; the second came while the first was masked. */
	CHECK(!xenevtchn_unmask(h, (evtchn_port_t)port));
	CHECK(xenevtchn_pending(h) == port);
	CHECK(!xc_domain_getinfolist(xch, (uint32_t)domid, 1, &info));
	/* The owner goes, the interrupt is free. */
	CHECK(!xenevtchn_close(h));
	CHECK(xenevtchn_bind_virq(other, VIRQ_DOM_EXC) > 0);
	xenevtchn_close(other);
	xc_interface_close(xch);
}

void test_domid_reuse(void)
{
	xenevtchn_handle *h = xenevtchn_open(NULL, 0);
	xengnttab_handle *xgt = xengnttab_open(NULL, 0);
	struct simxen_guest *old = test_guest(), *fresh;
	unsigned int domid = simxen_guest_domid(old);
	struct simxen_domain_info was, now;
	char *page, *again;
	int port;

	CHECK(h && xgt);
	CHECK(!simxen_domain_info(test_m, domid, &was));
	page = xengnttab_map_grant_ref(xgt, domid, 1, PROT_READ | PROT_WRITE);
	CHECK(page);
	memcpy(simxen_guest_page(old), "old", 4);
	CHECK(!strcmp(page, "old"));
	port = test_bind(h, old);
	CHECK(!simxen_domain_kill(test_m, domid, 0));
	CHECK(!simxen_guest_alive(old) && !simxen_guest_port(old));
	CHECK(simxen_guest_wait(old, TEST_PATIENCE) == 1);
	CHECK(simxen_guest_notify(old) == -ESRCH);
	CHECK(!xengnttab_map_grant_ref(xgt, domid, 1, PROT_READ) &&
	      errno == EINVAL);
	CHECK(simxen_domain_add(test_m, (int)domid, NULL) == (int)domid);
	CHECK(simxen_domain_add(test_m, (int)domid, NULL) == -EEXIST);
	CHECK(!simxen_domain_info(test_m, domid, &now));
	CHECK(memcmp(was.handle, now.handle, sizeof(now.handle)));
	CHECK(was.shared_info_frame != now.shared_info_frame);
	CHECK(!simxen_guest_attach(test_m, NULL, domid, &fresh));
	/* The dead one's page and port reach nobody, least of all the new. */
	CHECK(!xenevtchn_notify(h, (evtchn_port_t)port));
	CHECK(!simxen_guest_wait(fresh, 0));
	CHECK(simxen_guest_notify(old) == -ESRCH);
	again = xengnttab_map_grant_ref(xgt, domid, 1, PROT_READ);
	CHECK(again && !again[0]);
	memcpy(simxen_guest_page(fresh), "new", 4);
	CHECK(!strcmp(page, "old") && !strcmp(again, "new"));
	CHECK(test_bind(h, fresh) != port);
	CHECK(!xenevtchn_unbind(h, (evtchn_port_t)port));
	CHECK(simxen_guest_bound(fresh));
	CHECK(!xengnttab_unmap(xgt, page, 1));
	CHECK(!xengnttab_unmap(xgt, again, 1));
	CHECK(xengnttab_unmap(xgt, NULL, 1) == -1 && errno == EINVAL);
	simxen_guest_detach(old);
	simxen_guest_detach(fresh);
	xengnttab_close(xgt);
	xenevtchn_close(h);
}

void test_lists(void)
{
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	xc_domaininfo_t info[8];
	xc_dominfo_t one;
	void *page;

	CHECK(simxen_domain_add(test_m, 7, NULL) == 7);
	CHECK(simxen_domain_add(test_m, 32751, NULL) == 32751);
	CHECK(simxen_domain_add(test_m, 32752, NULL) == -EINVAL);
	CHECK(xc_domain_getinfolist(xch, 0, 8, info) == 3);
	CHECK(!info[0].domain && info[1].domain == 7);
	CHECK(info[2].domain == 32751);
	CHECK(xc_domain_getinfolist(xch, 8, 8, info) == 1);
	CHECK(!xc_domain_getinfolist(xch, 32752, 8, info));
	CHECK(xc_domain_getinfo(xch, 5, 1, &one) == 1 && one.domid == 7);
	CHECK(one.running && !one.dying && !one.shutdown);
	/* By frame, as oxenstored does. */
	page = xc_map_foreign_range(xch, 7, 4096, PROT_READ, SIMXEN_GFN);
	CHECK(page && !munmap(page, 4096));
	CHECK(!xc_map_foreign_range(xch, 7, 4096, PROT_READ, 1) &&
	      errno == EINVAL);
	CHECK(simxen_domain_kill(test_m, 0, 0) == -EPERM);
	CHECK(simxen_domain_kill(test_m, 8, 0) == -ESRCH);
	xc_interface_close(xch);
}

void test_faults(void)
{
	xengnttab_handle *xgt = xengnttab_open(NULL, 0);
	xenevtchn_handle *h = xenevtchn_open(NULL, 0);
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	struct simxen_guest *g = test_guest();
	unsigned int domid = simxen_guest_domid(g);
	xc_domaininfo_t info;
	void *page;

	CHECK(!simxen_fault(test_m, (int)domid, SIMXEN_FAULT_GRANT, ENOMEM,
			    1));
	CHECK(!xengnttab_map_grant_ref(xgt, domid, 1, PROT_READ) &&
	      errno == ENOMEM);
	page = xengnttab_map_grant_ref(xgt, domid, 1, PROT_READ);
	CHECK(page && !xengnttab_unmap(xgt, page, 1));
	CHECK(!xengnttab_map_grant_ref(xgt, domid, 2, PROT_READ) &&
	      errno == EINVAL);
	CHECK(!simxen_fault(test_m, -1, SIMXEN_FAULT_BIND, EBUSY, 0));
	for (int i = 0; i < 3; i++)
		CHECK(xenevtchn_bind_interdomain(h, domid, 1) == -1 &&
		      errno == EBUSY);
	CHECK(!simxen_fault(test_m, -1, SIMXEN_FAULT_BIND, 0, 0));
	test_bind(h, g);
	CHECK(!simxen_domain_flags(test_m, domid, SIMXEN_HIDDEN, 0));
	CHECK(!xc_domain_getinfolist(xch, domid, 1, &info));
	CHECK(!simxen_domain_flags(test_m, domid, SIMXEN_LINGER,
				   SIMXEN_HIDDEN));
	CHECK(!simxen_domain_kill(test_m, domid, 0));
	CHECK(xc_domain_getinfolist(xch, domid, 1, &info) == 1);
	CHECK(info.domain == domid && info.flags & XEN_DOMINF_dying);
	CHECK(!xengnttab_map_grant_ref(xgt, domid, 1, PROT_READ));
	CHECK(!simxen_guest_alive(g) && !simxen_guest_notify(g));
	CHECK(!simxen_domain_kill(test_m, domid, 0));
	CHECK(!xc_domain_getinfolist(xch, domid, 1, &info));
	simxen_guest_detach(g);
	xc_interface_close(xch);
	xenevtchn_close(h);
	xengnttab_close(xgt);
}

/* Takes the lock, leaves half a binding behind, and dies. */
static void lock_run(void *arg)
{
	unsigned int domid = *(unsigned int *)arg;

	machine_lock(test_m);
	test_m->shm->domain[domid].bound = 99;
	test_m->shm->virq_port = 100;
	memset(test_m->shm->port_map, 0xff, sizeof(test_m->shm->port_map));
	kill(getpid(), SIGKILL);
}

void test_killed_lock_holder(void)
{
	xenevtchn_handle *h = xenevtchn_open(NULL, 0);
	struct simxen_guest *g = test_guest(), *kept = test_guest();
	unsigned int domid = simxen_guest_domid(g);
	int status, port = test_bind(h, kept);
	pid_t pid = test_child(lock_run, &domid);

	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	test_bind(h, g);
	CHECK(xenevtchn_bind_virq(h, VIRQ_DOM_EXC) > 0);
	/* What was whole is as it was. */
	CHECK(simxen_guest_bound(kept));
	CHECK(simxen_guest_notify(kept) == 1);
	CHECK(xenevtchn_pending(h) == port);
	xenevtchn_close(h);
	simxen_guest_detach(g);
	simxen_guest_detach(kept);
}

static void files_kva(void)
{
	struct simxen_guest *dom0;
	int fd = open("/proc/xen/xsd_kva", O_RDWR);
	char *page;

	CHECK(fd >= 0);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(page != MAP_FAILED);
	close(fd);
	CHECK(!simxen_guest_attach(test_m, NULL, 0, &dom0));
	memcpy(page, "kva", 4);
	CHECK(!strcmp(simxen_guest_page(dom0), "kva"));
	memset(page, 0, 4);
	munmap(page, 4096);
	simxen_guest_detach(dom0);
}

void test_files(void)
{
	char buf[64] = "";
	struct rlimit lim = { 1 << 20, 1 << 20 };
	struct simxen_domain_info info;
	struct stat st;
	FILE *f;
	int fd;

	files_kva();
	fd = openat(AT_FDCWD, "/proc/xen/xsd_port", O_RDONLY);
	CHECK(fd >= 0);
	/* Nothing after the digits: oxenstored takes the whole as a number. */
	CHECK(!simxen_domain_info(test_m, 0, &info));
	CHECK(read(fd, buf, sizeof(buf)) == 1);
	CHECK(strtoul(buf, NULL, 10) == info.port);
	close(fd);
	f = fopen("/proc/xen/capabilities", "r");
	CHECK(f && fgets(buf, sizeof(buf), f));
	CHECK(!strcmp(buf, "control_d\n"));
	fclose(f);
	CHECK(!access("/dev/xen/evtchn", R_OK | W_OK));
	CHECK(!stat("/proc/xen/privcmd", &st));
	CHECK(stat("/proc/xen/xenbus", &st) == -1 && errno == ENOENT);
	CHECK(stat("/proc/xenon", &st) == -1 && errno == ENOENT);
	CHECK(!stat("/proc/self/stat", &st));
	CHECK(!setrlimit(RLIMIT_NOFILE, &lim));
	CHECK(!getrlimit(RLIMIT_NOFILE, &lim));
	CHECK(lim.rlim_cur == lim.rlim_max);
}

void test_guest_attach_twice(void)
{
	xenevtchn_handle *h = xenevtchn_open(NULL, 0);
	struct simxen_guest *a = test_guest(), *b;
	int port = test_bind(h, a);

	CHECK(!xenevtchn_notify(h, (evtchn_port_t)port));
	/* The event that a did not take is b's. */
	CHECK(!simxen_guest_attach(test_m, NULL, simxen_guest_domid(a), &b));
	CHECK(simxen_guest_wait(b, 0) == 1);
	simxen_guest_detach(a);
	CHECK(!xenevtchn_notify(h, (evtchn_port_t)port));
	CHECK(simxen_guest_wait(b, TEST_PATIENCE) == 1);
	simxen_guest_detach(b);
	/* With nobody there it waits. */
	CHECK(!xenevtchn_notify(h, (evtchn_port_t)port));
	CHECK(!simxen_domain_next(test_m, -1));
	xenevtchn_close(h);
}

/* On Xen an event takes no descriptor; a full table must not swallow it. */
void test_descriptor_limit(void)
{
	xenevtchn_handle *h = xenevtchn_open(NULL, 0);
	struct simxen_guest *g[3] = {
		test_guest(), test_guest(), test_guest(),
	};
	const struct rlimit few = { 900, 900 };
	static int spare[1000];
	int port[3], count = 0;

	CHECK(!setrlimit(RLIMIT_NOFILE, &few));
	for (int i = 0; i < 3; i++)
		port[i] = test_bind(h, g[i]);
	while (count < 1000 && (spare[count] = dup(2)) >= 0)
		count++;
	CHECK(count < 1000 && errno == EMFILE);
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 3; i++) {
			CHECK(!xenevtchn_notify(h, (evtchn_port_t)port[i]));
			CHECK(simxen_guest_wait(g[i], TEST_PATIENCE) == 1);
		}
	while (count--)
		close(spare[count]);
	for (int i = 0; i < 3; i++)
		simxen_guest_detach(g[i]);
	xenevtchn_close(h);
}
