/* Clock, random numbers, timers and units: what every thread of the rig uses. */
#define _GNU_SOURCE
#include "rig.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* splitmix64 */
uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

double uniform(uint64_t *state)
{
	return (double)(next(state) >> 11) / 9007199254740992.0;
}

int64_t exponential(uint64_t *state, double per_s)
{
	return (int64_t)(-log(1.0 - uniform(state)) / per_s * 1e6);
}

void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "rig: %s: %s\n", what, strerror(errno));
	exit(1);
}

void realtime(int priority)
{
	struct sched_param p = { .sched_priority = priority };
	must(pthread_setschedparam(pthread_self(), SCHED_FIFO, &p) == 0, "real-time priority");
}

static void swap(struct timer *a, struct timer *b)
{
	struct timer c = *a;
	*a = *b;
	*b = c;
}

void timer_add(struct timers *t, int64_t due, unsigned stream, unsigned purpose)
{
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 4096;
		t->heap = realloc(t->heap, t->room * sizeof *t->heap);
		must(t->heap, "memory");
	}
	unsigned i = t->count++;
	t->heap[i] = (struct timer){ due, stream, purpose };
	for (; i && t->heap[(i - 1) / 2].due > t->heap[i].due; i = (i - 1) / 2)
		swap(&t->heap[(i - 1) / 2], &t->heap[i]);
}

bool timer_pop(struct timers *t, int64_t at, struct timer *out)
{
	if (!t->count || t->heap[0].due > at)
		return false;
	*out = t->heap[0];
	t->heap[0] = t->heap[--t->count];
	for (unsigned i = 0;;) {
		unsigned least = i;
		for (unsigned c = 2 * i + 1; c <= 2 * i + 2; c++)
			if (c < t->count && t->heap[c].due < t->heap[least].due)
				least = c;
		if (least == i)
			return true;
		swap(&t->heap[least], &t->heap[i]);
		i = least;
	}
}

int64_t timer_next(const struct timers *t)
{
	return t->count ? t->heap[0].due : INT64_MAX;
}

int wait_events(int epoll, void *events, int room, const struct timers *t)
{
	int64_t left = 100000;
	if (timer_next(t) - now() < left)
		left = timer_next(t) - now();
	if (left < 0)
		left = 0;
	struct timespec timeout = { .tv_sec = 0, .tv_nsec = left * 1000 };
	int n = epoll_pwait2(epoll, events, room, &timeout, NULL);
	must(n >= 0 || errno == EINTR, "epoll");
	return n < 0 ? 0 : n;
}

static unsigned size_of(char kind)
{
	switch (kind) {
	case 'G': return GREETING;
	case 'F': return FEATURES;
	case 'S': return STANZA;
	case 'E': return ERROR;
	case 'T': return TAG;
	}
	fprintf(stderr, "rig: a unit of kind %d\n", kind);
	exit(1);
}

void parse(struct parser *p, const char *bytes, unsigned count, unsigned stream, void (*unit)(unsigned, char))
{
	while (count) {
		if (!p->missing) {
			p->kind = *bytes;
			p->missing = size_of(p->kind);
		}
		unsigned taken = count < p->missing ? count : p->missing;
		bytes += taken;
		count -= taken;
		p->missing -= taken;
		if (!p->missing)
			unit(stream, p->kind);
	}
}

/* One write of whole units. False if the kernel refuses: the stream has ended. */
bool send_unit(int fd, unsigned stream, enum side side, const char *kinds)
{
	char bytes[512];
	unsigned count = 0;
	for (; *kinds; kinds++) {
		memset(bytes + count, *kinds, size_of(*kinds));
		count += size_of(*kinds);
	}
	note_call(WRITE, side, stream, count);
	ssize_t n = send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
	must(n < 0 || n == (ssize_t)count, "a write was cut short");
	return n > 0;
}

/* How long the application took to read what the link had handed to its kernel. */
void woken(unsigned stream, enum side side, int64_t at)
{
	struct stream *s = &streams[stream];
	int64_t late = at - s->delivered[side];
	if (s->decision && s->delivered[side] && late < 1000000 && late > s->wake_late[side])
		s->wake_late[side] = late;
}

/* No Nagle, and CUBIC whatever the machine's default is. */
int tcp_socket(void)
{
	int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	must(fd >= 0, "socket");
	must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0, "TCP_NODELAY");
	must(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) == 0, "CUBIC");
	return fd;
}
