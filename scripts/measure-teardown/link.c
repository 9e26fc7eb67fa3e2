/* The link: two TUN devices, a fixed one-way delay, independent loss of each packet both ways. */
#define _GNU_SOURCE
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { ROOM = 1 << 13, MTU = 1500 };
struct packet {
	int64_t due;
	uint16_t len;
	uint32_t stream;
	struct note *note;
	char bytes[MTU];
};
struct queue {
	struct packet *packets;
	unsigned head, tail;
};

int open_tun(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	must(fd >= 0, "/dev/net/tun");
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	must(ioctl(fd, TUNSETIFF, &request) == 0, "TUNSETIFF");
	return fd;
}

/* Gives this thread's own network namespace, in which the TUN device was opened, its address. */
void own_namespace(int tun, const char *address, const char *other)
{
	struct ifreq request = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&request.ifr_addr;
	must(ioctl(tun, TUNGETIFF, &request) == 0, "TUNGETIFF");
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	in->sin_family = AF_INET;
	inet_pton(AF_INET, address, &in->sin_addr);
	must(ioctl(fd, SIOCSIFADDR, &request) == 0, "SIOCSIFADDR");
	inet_pton(AF_INET, other, &in->sin_addr);
	must(ioctl(fd, SIOCSIFDSTADDR, &request) == 0, "SIOCSIFDSTADDR");
	request.ifr_qlen = 10000;
	must(ioctl(fd, SIOCSIFTXQLEN, &request) == 0, "SIOCSIFTXQLEN");
	request.ifr_flags = IFF_UP | IFF_RUNNING | IFF_POINTOPOINT;
	must(ioctl(fd, SIOCSIFFLAGS, &request) == 0, "SIOCSIFFLAGS");
	close(fd);
	if (condition.no_metrics) {
		fd = open("/proc/sys/net/ipv4/tcp_no_metrics_save", O_WRONLY);
		must(fd >= 0 && write(fd, "1", 1) == 1, "tcp_no_metrics_save");
		close(fd);
	}
}

static void describe(struct note *n, const struct tcphdr *tcp, unsigned payload, struct stream *s, enum side from)
{
	if (!s->isn_known[from] && tcp->syn) {
		s->isn[from] = ntohl(tcp->seq);
		s->isn_known[from] = true;
	}
	n->seq = ntohl(tcp->seq) - s->isn[from];
	n->ack = tcp->ack ? ntohl(tcp->ack_seq) - s->isn[!from] : 0;
	n->len = payload;
	n->win = ntohs(tcp->window);
	n->flags = ((const uint8_t *)tcp)[13];
	const uint8_t *o = (const uint8_t *)(tcp + 1), *end = (const uint8_t *)tcp + tcp->doff * 4;
	while (o < end && *o) {
		if (*o == 1) {
			o++;
			continue;
		}
		if (*o == 8) {
			memcpy(&n->stamp, o + 2, 4);
			memcpy(&n->echo, o + 6, 4);
			n->stamp = ntohl(n->stamp);
			n->echo = ntohl(n->echo);
		}
		if (*o == 5)
			for (int i = 0; i < (o[1] - 2) / 4 && i < 8; i++) {
				uint32_t edge;
				memcpy(&edge, o + 2 + 4 * i, 4);
				n->sack[n->sacks++] = ntohl(edge) - s->isn[!from];
			}
		o += o[1] ? o[1] : 1;
	}
}

/* Takes what one side's kernel has sent: drops it or keeps it until it is due. */
static void take(int tun, enum side from, struct queue *q, uint64_t *random)
{
	for (;;) {
		struct packet *p = &q->packets[q->tail % ROOM];
		ssize_t len = read(tun, p->bytes, MTU);
		if (len < 0)
			return;
		const struct iphdr *ip = (const struct iphdr *)p->bytes;
		if (ip->version != 4 || ip->protocol != IPPROTO_TCP)
			continue;
		const struct tcphdr *tcp = (const struct tcphdr *)(p->bytes + ip->ihl * 4);
		unsigned stream = stream_of_port[ntohs(from == CLIENT ? tcp->source : tcp->dest)];
		bool lost = uniform(random) < condition.loss;
		struct note n = { .at = now(), .stream = stream, .side = from, .what = PACKET };
		describe(&n, tcp, len - ip->ihl * 4 - tcp->doff * 4, &streams[stream], from);
		p->note = note(n);
		if (lost)
			continue;
		p->due = n.at + (int64_t)(condition.delay_ms * 1000);
		p->len = len;
		p->stream = stream;
		q->tail++;
		must(q->tail - q->head < ROOM, "the link's queue is full");
	}
}

static void deliver(int tun, enum side to, struct queue *q)
{
	while (q->head != q->tail) {
		struct packet *p = &q->packets[q->head % ROOM];
		int64_t at = now(), late = at - p->due;
		if (late < 0)
			return;
		struct stream *s = &streams[p->stream];
		if (s->decision && at >= s->decision && (!s->released || !s->noticed) && late > s->link_late)
			s->link_late = late;
		link_lateness[late < LATENESS ? late : LATENESS - 1]++;
		s->delivered[to] = at;
		if (p->note)
			p->note->value = at;
		must(write(tun, p->bytes, p->len) == p->len, "write to TUN");
		q->head++;
	}
}

void *link_thread(void *given)
{
	int *tuns = given;
	struct queue queues[2] = { 0 };
	uint64_t random[2] = { condition.seed * 3 + 1, condition.seed * 5 + 2 };
	next(&random[0]), next(&random[1]);
	int epoll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	for (int i = 0; i < 2; i++) {
		queues[i].packets = calloc(ROOM, sizeof(struct packet));
		must(queues[i].packets, "memory");
		struct epoll_event e = { .events = EPOLLIN, .data.fd = tuns[i] };
		must(epoll_ctl(epoll, EPOLL_CTL_ADD, tuns[i], &e) == 0, "epoll");
	}
	struct epoll_event e = { .events = EPOLLIN, .data.fd = timer };
	must(epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &e) == 0, "epoll");
	realtime(60);
	while (!stopping) {
		struct epoll_event found[4];
		uint64_t expired;
		epoll_wait(epoll, found, 4, 100);
		(void)!read(timer, &expired, sizeof expired);
		take(tuns[CLIENT], CLIENT, &queues[CLIENT], &random[CLIENT]);
		take(tuns[SERVER], SERVER, &queues[SERVER], &random[SERVER]);
		deliver(tuns[SERVER], SERVER, &queues[CLIENT]);
		deliver(tuns[CLIENT], CLIENT, &queues[SERVER]);
		int64_t due = INT64_MAX;
		for (int i = 0; i < 2; i++)
			if (queues[i].head != queues[i].tail && queues[i].packets[queues[i].head % ROOM].due < due)
				due = queues[i].packets[queues[i].head % ROOM].due;
		if (due < INT64_MAX) {
			struct itimerspec at = { .it_value = { due / 1000000, due % 1000000 * 1000 + 999 } };
			must(timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL) == 0, "timerfd");
		}
	}
	return NULL;
}
