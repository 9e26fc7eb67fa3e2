/* The closer: answers the greeting with its features, reads stanzas, decides 2 to 3 s later to close. */
#define _GNU_SOURCE
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DECIDE, CHAT, GIVE_UP };
static struct timers timers;

static void release(unsigned stream, enum outcome outcome)
{
	struct stream *s = &streams[stream];
	note_call(CLOSE, SERVER, stream, 0);
	close(s->server_fd);
	s->server_fd = -1;
	s->released = now();
	s->outcome = outcome;
	s->server_talking = false;
	servers_done++;
}

static void chat_later(unsigned stream)
{
	struct stream *s = &streams[stream];
	if (condition.server_rate > 0)
		timer_add(&timers, now() + exponential(&s->server_random, condition.server_rate), stream, CHAT);
}

static void unit(unsigned stream, char kind)
{
	struct stream *s = &streams[stream];
	if (kind == 'G') {
		send_unit(s->server_fd, stream, SERVER, "F");
		s->server_talking = true;
		chat_later(stream);
		timer_add(&timers, now() + 2000000 + (int64_t)(1e6 * uniform(&s->server_random)), stream, DECIDE);
	} else if (kind == 'S') {
		s->read_by_server++;
	} else if (kind == 'T') {
		s->told = true;
	}
}

static void readable(unsigned stream, int64_t at)
{
	struct stream *s = &streams[stream];
	char bytes[16384];
	ssize_t n;
	woken(stream, SERVER, at);
	while ((n = recv(s->server_fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
		note_call(READ, SERVER, stream, n);
		parse(&s->server, bytes, n, stream, unit);
		if (s->told) {
			release(stream, CLEAN);
			return;
		}
	}
	if (n == 0 || errno != EAGAIN)
		release(stream, OTHER); /* end of file or a reset */
}

static void expire(struct timer t)
{
	struct stream *s = &streams[t.stream];
	if (s->released)
		return;
	if (t.purpose == CHAT && s->server_talking) {
		if (send_unit(s->server_fd, t.stream, SERVER, "S"))
			s->pushed++;
		chat_later(t.stream);
	} else if (t.purpose == DECIDE) {
		s->server_talking = false;
		s->decision = now();
		send_unit(s->server_fd, t.stream, SERVER, condition.strategy == HANDSHAKE ? "T" : "ET");
		if (condition.strategy == HANDSHAKE)
			timer_add(&timers, s->decision + (int64_t)(condition.timeout_s * 1e6), t.stream, GIVE_UP);
		else
			release(t.stream, OTHER);
	} else if (t.purpose == GIVE_UP) {
		release(t.stream, TIMEOUT);
	}
}

static void accept_all(int listener, int epoll)
{
	struct sockaddr_in from;
	socklen_t len = sizeof from;
	int fd;
	while ((fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK)) >= 0) {
		unsigned stream = stream_of_port[ntohs(from.sin_port)];
		char congestion[16] = "";
		socklen_t size = sizeof congestion;
		must(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion, &size) == 0 && !strcmp(congestion, "cubic"), "CUBIC");
		streams[stream].server_fd = fd;
		struct epoll_event e = { .events = EPOLLIN, .data.u32 = stream };
		must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0, "epoll");
	}
}

void server(void)
{
	int listener = tcp_socket(), epoll = epoll_create1(0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	must(bind(listener, (struct sockaddr *)&at, sizeof at) == 0, "bind");
	must(listen(listener, 4096) == 0, "listen");
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = UINT32_MAX };
	must(epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e) == 0, "epoll");
	realtime(50);
	begin();
	while (!stopping) {
		struct epoll_event found[64];
		struct timer due;
		int n = wait_events(epoll, found, 64, &timers);
		int64_t at = now();
		for (int i = 0; i < n; i++)
			if (found[i].data.u32 == UINT32_MAX)
				accept_all(listener, epoll);
			else if (!streams[found[i].data.u32].released)
				readable(found[i].data.u32, at);
		while (timer_pop(&timers, now(), &due))
			expire(due);
	}
}
