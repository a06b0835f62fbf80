/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Xen's domain builder wants to know of a PV kernel, and the first
 * instructions.  Linked at 0x100000 with virtual base 0, so that an address
 * is that of the pseudo-physical memory.
 */
#include <xen/elfnote.h>

#define NOTE(type, ...) \
	.pushsection .note.Xen, "a", @note; \
	.balign 4; \
	.long 4, 2f - 1f, type; \
	.asciz "Xen"; \
1:	__VA_ARGS__; \
2:	.balign 4; \
	.popsection

	NOTE(XEN_ELFNOTE_GUEST_OS, .asciz "ring")
	NOTE(XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0")
	NOTE(XEN_ELFNOTE_LOADER, .asciz "generic")
	NOTE(XEN_ELFNOTE_VIRT_BASE, .quad 0)
	NOTE(XEN_ELFNOTE_PADDR_OFFSET, .quad 0)
	NOTE(XEN_ELFNOTE_ENTRY, .quad _start)
	NOTE(XEN_ELFNOTE_HYPERCALL_PAGE, .quad hypercall_page)

	.text
	.globl _start
_start:
	mov	%rsi, %rdi
	lea	stack_end(%rip), %rsp
	xor	%ebp, %ebp
	call	guest_main
1:	jmp	1b

	.balign 4096
	.globl hypercall_page
hypercall_page:
	.skip	4096

	.bss
	.balign 16
	.skip	32768
stack_end:
	.section .note.GNU-stack, "", @progbits
