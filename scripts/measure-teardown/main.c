/* Measures real teardown: one condition, a row a stream on standard output. See README.md. */
#define _GNU_SOURCE
#include "rig.h"

#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct condition condition = { 20, 0, 2, 0, 5, 100, 120, HANDSHAKE, WAITS_FOR_FIN, 3000, 1, false };
struct stream *streams;
volatile bool stopping;
volatile unsigned clients_done, servers_done;
uint16_t stream_of_port[65536];
uint32_t link_lateness[LATENESS];

static struct note *notes;
static atomic_uint note_count;
static unsigned note_room;
static pthread_barrier_t linked, begun;
static int tuns[2];

/* No lock: a thread of real-time priority that waits for one of less would wait for ever. */
struct note *note(struct note n)
{
	if (!note_room)
		return NULL;
	unsigned place = atomic_fetch_add(&note_count, 1);
	if (place >= note_room)
		return NULL;
	notes[place] = n;
	return &notes[place];
}

/* A call of the application, with what the kernel says of the socket at that moment. */
void note_call(enum what what, enum side side, unsigned stream, int64_t value)
{
	int fd = side == CLIENT ? streams[stream].client_fd : streams[stream].server_fd;
	struct tcp_info info = { 0 };
	socklen_t size = sizeof info;
	if (!note_room)
		return;
	if (what != CONNECT)
		must(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0, "TCP_INFO");
	note((struct note){ .at = now(), .value = value, .stream = stream, .side = side, .what = what,
			    .seq = info.tcpi_snd_cwnd, .ack = info.tcpi_rto, .len = info.tcpi_ca_state,
			    .stamp = info.tcpi_snd_ssthresh, .echo = info.tcpi_reordering });
}

void begin(void)
{
	pthread_barrier_wait(&begun);
}

/* A thread in a network namespace of its own, which ends with it. */
static void *in_own_namespace(void *side)
{
	bool is_server = side != NULL;
	const char *addresses[] = { "10.99.0.1", "10.99.0.2" };
	must(unshare(CLONE_NEWNET) == 0, "a network namespace (are you root?)");
	tuns[is_server] = open_tun("teardown");
	own_namespace(tuns[is_server], addresses[is_server], addresses[!is_server]);
	pthread_barrier_wait(&linked);
	is_server ? server() : client();
	return NULL;
}

static unsigned choice(const char *text, const char *const *names)
{
	for (unsigned i = 0; names[i]; i++)
		if (!strcmp(text, names[i]))
			return i;
	fprintf(stderr, "rig: `%s` is unknown; known are", text);
	for (; *names; names++)
		fprintf(stderr, " %s", *names);
	fprintf(stderr, "\n");
	exit(2);
}

static const char *const strategies[] = { "handshake", "timeout-error", NULL };
static const char *const responders[] = { "waits-for-fin", "compliant", "keeps-talking", NULL };
static const char *const outcomes[] = { "undecided", "clean", "timeout", "other" };

static const char *read_options(int count, char **options)
{
	static const struct option known[] = {
		{ "delay-ms", 1, 0, 'd' },    { "loss", 1, 0, 'l' },	  { "rate", 1, 0, 'r' },
		{ "server-rate", 1, 0, 'R' }, { "timeout-s", 1, 0, 't' }, { "strategy", 1, 0, 's' },
		{ "responder", 1, 0, 'p' },   { "streams", 1, 0, 'n' },	  { "arrivals-per-s", 1, 0, 'a' },
		{ "limit-s", 1, 0, 'L' },     { "seed", 1, 0, 'S' },	  { "packets", 1, 0, 'P' },
		{ "no-metrics", 0, 0, 'm' },  { 0 },
	};
	const char *packets = NULL;
	for (int o; (o = getopt_long(count, options, "", known, NULL)) != -1;)
		switch (o) {
		case 'd': condition.delay_ms = atof(optarg); break;
		case 'l': condition.loss = atof(optarg); break;
		case 'r': condition.client_rate = atof(optarg); break;
		case 'R': condition.server_rate = atof(optarg); break;
		case 't': condition.timeout_s = atof(optarg); break;
		case 's': condition.strategy = choice(optarg, strategies); break;
		case 'p': condition.responder = choice(optarg, responders); break;
		case 'n': condition.streams = atoi(optarg); break;
		case 'a': condition.arrivals_per_s = atof(optarg); break;
		case 'L': condition.limit_s = atof(optarg); break;
		case 'S': condition.seed = strtoull(optarg, NULL, 10); break;
		case 'm': condition.no_metrics = true; break;
		case 'P': packets = optarg; break;
		default: exit(2);
		}
	if (condition.streams < 1 || condition.streams > 50000) {
		fprintf(stderr, "rig: --streams must be 1 to 50000, one port each\n");
		exit(2);
	}
	return packets;
}

static void write_time(int64_t from, int64_t to)
{
	if (from && to)
		printf(",%lld", (long long)(to - from));
	else
		printf(",");
}

static void write_streams(void)
{
	printf("stream,outcome,release_us,notice_us,sent,lost,pushed,lost_to_peer,link_late_us,wake_late_us\n");
	for (unsigned i = 0; i < condition.streams; i++) {
		struct stream *s = &streams[i];
		int64_t wake = s->wake_late[0] > s->wake_late[1] ? s->wake_late[0] : s->wake_late[1];
		printf("%u,%s", i, outcomes[s->outcome]);
		write_time(s->decision, s->released);
		write_time(s->decision, s->noticed);
		printf(",%u,%u,%u,%u,%lld,%lld\n", s->sent, s->sent - s->read_by_server, s->pushed,
		       s->pushed - s->read_by_client, (long long)s->link_late, (long long)wake);
	}
}

/* One line a packet or call: time in us, stream, side, what; then of a call the bytes written or read, and the socket's
 * congestion state, window, threshold and timeout; of a packet when it was delivered (0: lost), flags, seq, ack, length,
 * window, timestamp, echo, SACK blocks. */
static void write_notes(const char *path)
{
	static const char *const kinds[] = { "packet", "connect", "write", "close", "read" };
	FILE *file = fopen(path, "w");
	must(file, path);
	for (unsigned i = 0; i < note_count && i < note_room; i++) {
		struct note *n = &notes[i];
		fprintf(file, "%lld %u %s %s", (long long)n->at, n->stream, n->side == CLIENT ? "client" : "server", kinds[n->what]);
		if (n->what == PACKET) {
			fprintf(file, " %lld %02x %u %u %u %u %u %u", (long long)n->value, n->flags, n->seq, n->ack, n->len,
				n->win, n->stamp, n->echo);
			for (int k = 0; k + 1 < n->sacks; k += 2)
				fprintf(file, " %u-%u", n->sack[k], n->sack[k + 1]);
		} else if (n->what != CONNECT) {
			fprintf(file, " %lld %u %u %u %u", (long long)n->value, n->len, n->seq, n->stamp, n->ack);
		}
		fprintf(file, "\n");
	}
	must(fclose(file) == 0, path);
}

static void tell_lateness(void)
{
	static const double shares[] = { 0.5, 0.99, 0.999, 1.0 };
	unsigned long total = 0, seen = 0;
	for (unsigned us = 0; us < LATENESS; us++)
		total += link_lateness[us];
	fprintf(stderr, "link: %lu packets, late by us p50 p99 p99.9 max:", total);
	for (unsigned us = 0, i = 0; us < LATENESS && i < 4; us++)
		for (seen += link_lateness[us]; i < 4 && total && seen >= shares[i] * total; i++)
			fprintf(stderr, " %u", us);
	fprintf(stderr, "\n");
}

/* Real-time threads must not keep others from a machine: all of them share one processor, the kernel ends them if one
 * runs for half a second without waiting, and the alarm ends everything. */
static void bound(double limit_s)
{
	struct rlimit spinning = { 500000, 1000000 };
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &one);
	must(sched_setaffinity(0, sizeof one, &one) == 0, "one processor");
	must(setrlimit(RLIMIT_RTTIME, &spinning) == 0, "RLIMIT_RTTIME");
	alarm((unsigned)limit_s + 20);
}

int main(int count, char **options)
{
	const char *packets = read_options(count, options);
	pthread_t threads[3];
	streams = calloc(condition.streams, sizeof *streams);
	note_room = packets ? 1 << 22 : 0;
	notes = calloc(note_room + 1, sizeof *notes);
	must(streams && notes, "memory");
	for (unsigned i = 0; i < condition.streams; i++) {
		streams[i].client_random = condition.seed * 1000003 + 2 * i;
		streams[i].server_random = condition.seed * 1000003 + 2 * i + 1;
		next(&streams[i].client_random), next(&streams[i].server_random);
	}
	double limit_s = condition.limit_s + condition.streams / condition.arrivals_per_s;
	bound(limit_s);
	mlockall(MCL_CURRENT | MCL_FUTURE);
	pthread_barrier_init(&linked, NULL, 3);
	pthread_barrier_init(&begun, NULL, 2);
	must(pthread_create(&threads[CLIENT], NULL, in_own_namespace, NULL) == 0, "thread");
	must(pthread_create(&threads[SERVER], NULL, in_own_namespace, &condition) == 0, "thread");
	pthread_barrier_wait(&linked);
	must(pthread_create(&threads[2], NULL, link_thread, tuns) == 0, "thread");
	realtime(70);
	int64_t limit = now() + (int64_t)(1e6 * limit_s);
	while (now() < limit && (clients_done < condition.streams || servers_done < condition.streams))
		usleep(100000);
	usleep(200000);
	stopping = true;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	write_streams();
	if (packets)
		write_notes(packets);
	tell_lateness();
	return 0;
}
