/* The peer: greets, then writes stanzas until it knows that the stream has ended, and answers the close as told. */
#define _GNU_SOURCE
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ARRIVE, CHAT };
static struct timers timers;
static int epoll;

static void arrive(unsigned stream)
{
	struct stream *s = &streams[stream];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) }, from = { .sin_family = AF_INET };
	int fd = tcp_socket();
	/* The port says which stream it is to the link and to the server. */
	from.sin_port = htons(10000 + stream);
	stream_of_port[10000 + stream] = stream;
	must(bind(fd, (struct sockaddr *)&from, sizeof from) == 0, "bind");
	inet_pton(AF_INET, "10.99.0.2", &to.sin_addr);
	s->client_fd = fd;
	note_call(CONNECT, CLIENT, stream, 0);
	must(connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS, "connect");
	struct epoll_event e = { .events = EPOLLOUT, .data.u32 = stream };
	must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0, "epoll");
}

static void leave(unsigned stream)
{
	struct stream *s = &streams[stream];
	note_call(CLOSE, CLIENT, stream, 0);
	close(s->client_fd);
	s->client_fd = -1;
	s->gone = now();
	s->talking = false;
	clients_done++;
}

static void chat_later(unsigned stream)
{
	struct stream *s = &streams[stream];
	timer_add(&timers, now() + exponential(&s->client_random, condition.client_rate), stream, CHAT);
}

static void notice(struct stream *s)
{
	if (!s->noticed)
		s->noticed = now();
	s->talking = false;
}

static bool errored;

static void unit(unsigned stream, char kind)
{
	struct stream *s = &streams[stream];
	if (kind == 'F') {
		s->featured = now();
		s->talking = true;
		chat_later(stream);
	} else if (kind == 'S') {
		s->read_by_client++;
	} else if (kind == 'E') {
		errored = true;
	} else if (kind == 'T' && condition.responder != KEEPS_TALKING) {
		notice(s);
		send_unit(s->client_fd, stream, CLIENT, "T");
		if (errored || condition.responder == COMPLIANT)
			leave(stream);
	}
}

static void readable(unsigned stream, int64_t at)
{
	struct stream *s = &streams[stream];
	char bytes[16384];
	ssize_t n;
	woken(stream, CLIENT, at);
	errored = false;
	while (!s->gone && (n = recv(s->client_fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
		note_call(READ, CLIENT, stream, n);
		parse(&s->client, bytes, n, stream, unit);
	}
	if (s->gone || (n < 0 && errno == EAGAIN))
		return;
	notice(s); /* end of file or a reset */
	leave(stream);
}

static void ready_to_write(unsigned stream)
{
	struct stream *s = &streams[stream];
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = stream };
	int error = 0;
	socklen_t len = sizeof error;
	getsockopt(s->client_fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error) {
		leave(stream);
		return;
	}
	s->connected = now();
	send_unit(s->client_fd, stream, CLIENT, "G");
	must(epoll_ctl(epoll, EPOLL_CTL_MOD, s->client_fd, &e) == 0, "epoll");
}

static void expire(struct timer t)
{
	struct stream *s = &streams[t.stream];
	if (t.purpose == ARRIVE) {
		arrive(t.stream);
	} else if (s->talking && !s->gone) {
		if (send_unit(s->client_fd, t.stream, CLIENT, "S"))
			s->sent++;
		chat_later(t.stream);
	}
}

void client(void)
{
	epoll = epoll_create1(0);
	realtime(50);
	begin();
	int64_t start = now() + 100000;
	for (unsigned i = 0; i < condition.streams; i++)
		timer_add(&timers, start + (int64_t)(1e6 * i / condition.arrivals_per_s), i, ARRIVE);
	while (!stopping) {
		struct epoll_event found[64];
		struct timer due;
		int n = wait_events(epoll, found, 64, &timers);
		int64_t at = now();
		for (int i = 0; i < n; i++) {
			struct stream *s = &streams[found[i].data.u32];
			if (s->gone)
				continue;
			if (s->connected)
				readable(found[i].data.u32, at);
			else
				ready_to_write(found[i].data.u32);
		}
		while (timer_pop(&timers, now(), &due))
			expire(due);
	}
}
