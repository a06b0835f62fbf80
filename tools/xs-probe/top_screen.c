/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top on a terminal.  There is one place that waits, for a key or for the next
 * reading, and one that draws everything anew; a key only changes what is to
 * be drawn.  curses leaves the terminal as it was, whatever way top ends.
 */
#include "tools/xs-probe/top.h"

#include <curses.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <string.h>

#include <proxenos/client.h>
#include <proxenos/client_call.h>

#define ESCAPE 27
#define INTERVAL_LEAST 0.1
#define INTERVAL_MOST 60.0

enum page_kind { PAGE_TABLE, PAGE_DETAIL, PAGE_HELP };

struct screen {
	struct top *top;
	enum page_kind page;
	size_t chosen;		/* row of the table */
	bool moved;		/* by the user: it is followed from then on */
	uint32_t domid;		/* of that row, which may move */
	bool sockets;
	size_t from;		/* first row, or line of a page, that is seen */
	bool still;
	bool typing;		/* the filter */
	bool leave;
	uint64_t due;		/* the next reading */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

/* ------------------------------------------------------------- drawing -- */

static attr_t attribute(enum table_mark mark)
{
	static const short pairs[] = {
		[TABLE_WARN] = 1, [TABLE_BAD] = 2, [TABLE_GOOD] = 3,
	};

	if (mark == TABLE_PLAIN)
		return A_NORMAL;
	if (mark == TABLE_HEAD || !has_colors())
		return A_BOLD;
	return (attr_t)COLOR_PAIR(pairs[mark]);
}

static void draw(int y, const struct top_line *line, attr_t more)
{
	if (y < 0 || y >= LINES)
		return;
	attrset((int)(attribute(line->mark) | more));
	move(y, 0);
	clrtoeol();
	addnstr(line->text, COLS);
	/* The bar of a chosen row goes to the edge. */
	if (more & A_REVERSE)
		for (int x = (int)strlen(line->text); x < COLS; x++)
			addch(' ');
	attrset(A_NORMAL);
}

/* How many rows of the table there is room for. */
static size_t room(void)
{
	int left = LINES - (int)TOP_HEAD_LINES - 2;

	return left > 0 ? (size_t)left : 0;
}

static void draw_foot(const struct screen *s)
{
	struct top_line line = { .mark = TABLE_PLAIN };
	const struct top *t = s->top;

	if (s->typing)
		snprintf(line.text, sizeof(line.text), "filter: %s_",
			 t->filter);
	else if (s->page != PAGE_TABLE)
		snprintf(line.text, sizeof(line.text),
			 "escape: back   up, down: more   q: leave");
	else
		snprintf(line.text, sizeof(line.text), "?: help  q: leave  by "
			 "%s%s  every %.1f s%s%s%s  %zu rows",
			 top_columns[t->sort].key, t->reverse ? ", reversed" :
			 "", t->interval, s->still ? ", standing still" : "",
			 *t->filter ? "  with " : "", t->filter, t->rows);
	draw(LINES - 1, &line, A_REVERSE);
}

static void draw_table(struct screen *s)
{
	struct top_line line, head[TOP_HEAD_LINES];
	int y = (int)TOP_HEAD_LINES;

	top_head(s->top, head, COLS);
	for (unsigned int i = 0; i < TOP_HEAD_LINES; i++)
		draw((int)i, &head[i], A_NORMAL);
	top_titles(s->top, &line, COLS);
	draw(y++, &line, A_UNDERLINE);
	for (size_t i = s->from; i < s->top->rows && i < s->from + room();
	     i++) {
		top_row_line(&s->top->row[i], &line, COLS);
		draw(y++, &line, i == s->chosen ? A_REVERSE : A_NORMAL);
	}
}

static void draw_page(struct screen *s)
{
	static struct top_line line[TOP_DETAIL_LINES];
	unsigned int n = 0, seen = LINES > 1 ? (unsigned int)LINES - 1 : 0;

	if (s->page == PAGE_HELP)
		n = top_help(line);
	else if (s->chosen < s->top->rows)
		n = top_detail(s->top, &s->top->row[s->chosen], line);
	if (s->from + seen > n)
		s->from = n > seen ? n - seen : 0;
	for (unsigned int i = 0; i < seen && s->from + i < n; i++)
		draw((int)i, &line[s->from + i], A_NORMAL);
}

static void draw_all(struct screen *s)
{
	erase();
	if (s->page == PAGE_TABLE)
		draw_table(s);
	else
		draw_page(s);
	draw_foot(s);
	refresh();
}

/* ---------------------------------------------------------- the chosen -- */

static void keep_in_sight(struct screen *s)
{
	size_t rows = s->top->rows;

	if (s->chosen >= rows)
		s->chosen = rows ? rows - 1 : 0;
	if (s->page != PAGE_TABLE)
		return;
	if (s->from > s->chosen)
		s->from = s->chosen;
	if (room() && s->chosen >= s->from + room())
		s->from = s->chosen - room() + 1;
}

static void choose(struct screen *s, size_t row)
{
	s->chosen = row;
	keep_in_sight(s);
	if (s->chosen >= s->top->rows)
		return;
	s->domid = s->top->row[s->chosen].now->domid;
	s->sockets = s->top->row[s->chosen].now->kind == LOAD_SOCKETS;
}

/* After a reading or another order: the same domain, wherever it is now. */
static void follow(struct screen *s)
{
	for (size_t i = 0; s->moved && i < s->top->rows; i++) {
		const struct load_row *now = s->top->row[i].now;

		if (now->domid == s->domid &&
		    (now->kind == LOAD_SOCKETS) == s->sockets) {
			s->chosen = i;
			keep_in_sight(s);
			return;
		}
	}
	choose(s, s->chosen);
}

/* ---------------------------------------------------------------- keys -- */

static int arrange(struct screen *s)
{
	int ret = top_arrange(s->top);

	if (!ret)
		follow(s);
	return ret;
}

static void step(struct screen *s, long by)
{
	size_t *at = s->page == PAGE_TABLE ? &s->chosen : &s->from;

	if (by < 0 && (size_t)-by > *at)
		*at = 0;
	else
		*at += (size_t)by;
	if (s->page != PAGE_TABLE)
		return;
	choose(s, s->chosen);
	s->moved = true;
}

static void sort_by(struct screen *s, bool right)
{
	unsigned int n = top_column_count;

	s->top->sort = (s->top->sort + (right ? 1 : n - 1)) % n;
}

static void turn_page(struct screen *s, enum page_kind page)
{
	s->page = s->page == page ? PAGE_TABLE : page;
	s->moved |= page == PAGE_DETAIL;
	s->from = 0;
	keep_in_sight(s);
}

static void set_interval(struct screen *s, double interval)
{
	struct top *t = s->top;

	t->interval = interval < INTERVAL_LEAST ? INTERVAL_LEAST :
		interval > INTERVAL_MOST ? INTERVAL_MOST : interval;
	s->due = px_client_now() + (uint64_t)(t->interval * 1e6);
}

/* A letter of the filter. */
static int type(struct screen *s, int key)
{
	size_t len = strlen(s->top->filter);

	if (key == '\n' || key == KEY_ENTER || key == ESCAPE)
		s->typing = false;
	if (key == ESCAPE)
		s->top->filter[0] = '\0';
	else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && len)
		s->top->filter[len - 1] = '\0';
	else if (key > ' ' && key <= '~' && len + 1 < TOP_NAME_MAX)
		s->top->filter[len] = (char)key, s->top->filter[len + 1] = 0;
	return arrange(s);
}

static int press(struct screen *s, int key)
{
	long page = (long)room();

	if (s->typing)
		return type(s, key);
	switch (key) {
	case 'q':
		s->leave = true;
		return 0;
	case KEY_UP:
	case 'k':
		step(s, -1);
		return 0;
	case KEY_DOWN:
	case 'j':
		step(s, 1);
		return 0;
	case KEY_PPAGE:
		step(s, -page);
		return 0;
	case KEY_NPAGE:
		step(s, page);
		return 0;
	case KEY_HOME:
		step(s, -1000000);
		return 0;
	case KEY_END:
		step(s, 1000000);
		return 0;
	case '\n':
	case KEY_ENTER:
		turn_page(s, PAGE_DETAIL);
		return 0;
	case '?':
	case 'h':
		turn_page(s, PAGE_HELP);
		return 0;
	case ESCAPE:
		s->page = PAGE_TABLE;
		keep_in_sight(s);
		return 0;
	case '<':
	case '>':
		sort_by(s, key == '>');
		return arrange(s);
	case 'r':
		s->top->reverse = !s->top->reverse;
		return arrange(s);
	case '/':
		s->page = PAGE_TABLE;
		s->typing = true;
		s->top->filter[0] = '\0';
		return arrange(s);
	case '+':
		set_interval(s, s->top->interval / 2);
		return 0;
	case '-':
		set_interval(s, s->top->interval * 2);
		return 0;
	case ' ':
		s->still = !s->still;
		return 0;
	default:
		return 0;
	}
}

/* ---------------------------------------------------------------- loop -- */

static int read_again(struct screen *s)
{
	int ret = 0;

	s->due = px_client_now() + (uint64_t)(s->top->interval * 1e6);
	if (!s->still)
		ret = top_read(s->top);
	if (!ret)
		follow(s);
	return ret;
}

static int loop(struct screen *s)
{
	int ret = 0;

	choose(s, 0);
	set_interval(s, s->top->interval);
	while (!ret && !s->leave && !stopped) {
		uint64_t now = px_client_now();
		int key;

		draw_all(s);
		timeout(now >= s->due ? 0 : (int)((s->due - now) / 1000) + 1);
		key = getch();
		if (key == KEY_RESIZE)
			keep_in_sight(s);
		else if (key != ERR)
			ret = press(s, key);
		if (!ret && px_client_now() >= s->due)
			ret = read_again(s);
	}
	return ret;
}

static void colours(bool wanted)
{
	if (!wanted || !has_colors())
		return;
	start_color();
	use_default_colors();
	init_pair(1, COLOR_YELLOW, -1);
	init_pair(2, COLOR_RED, -1);
	init_pair(3, COLOR_GREEN, -1);
}

int top_screen(struct top *top)
{
	struct sigaction action = { .sa_handler = stop };
	struct screen s = { .top = top };
	int ret;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	setlocale(LC_CTYPE, "");
	if (!initscr()) {
		fprintf(stderr, "xs-probe: this terminal cannot do it; use "
			"--batch\n");
		return PROBE_WRONG;
	}
	colours(top->probe->colour);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	ret = loop(&s);
	endwin();
	if (ret == -ENOSYS)
		return probe_cannot_tell(top->probe, "what each domain does");
	if (ret && !px_client_is_up(top->probe->client)) {
		fprintf(stderr, "xs-probe: the daemon hung up\n");
		return PROBE_UNREACHED;
	}
	return ret ? probe_failed(top->probe, "top", ret) : PROBE_FINE;
}
