/* What the threads of the rig share: the condition, the streams, the clock, the log. See README.md. */
#ifndef RIG_H
#define RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { GREETING = 8, FEATURES = 220, STANZA = 200, TAG = 16, ERROR = 94, PORT = 5222 };
enum side { CLIENT, SERVER };
enum strategy { HANDSHAKE, TIMEOUT_ERROR };
enum responder { WAITS_FOR_FIN, COMPLIANT, KEEPS_TALKING };
enum outcome { UNDECIDED, CLEAN, TIMEOUT, OTHER };

struct condition {
	double delay_ms, loss, client_rate, server_rate, timeout_s;
	double arrivals_per_s, limit_s;
	enum strategy strategy;
	enum responder responder;
	unsigned streams;
	uint64_t seed;
	bool no_metrics; /* streams learn nothing from those before them */
};

/* One end's reader of the byte stream: which unit it is in, and how much of it is missing. */
struct parser {
	char kind;
	unsigned missing;
};

struct stream {
	/* Each written by one thread only; read by main at the end. */
	int64_t connected, featured, decision, released, noticed, gone;
	enum outcome outcome;
	uint32_t sent, read_by_server, pushed, read_by_client;
	int64_t link_late, wake_late[2];
	int64_t delivered[2];
	int client_fd, server_fd;
	struct parser client, server;
	bool talking, server_talking, told;
	uint64_t client_random, server_random;
	uint32_t isn[2];
	bool isn_known[2];
};

struct note {
	int64_t at, value;
	uint32_t stream, seq, ack, stamp, echo, sack[8];
	uint16_t len, win;
	uint8_t side, what, flags, sacks;
};
enum what { PACKET, CONNECT, WRITE, CLOSE, READ };

extern struct condition condition;
extern struct stream *streams;
extern volatile bool stopping;
extern volatile unsigned clients_done, servers_done;
extern uint16_t stream_of_port[65536];

int64_t now(void); /* us, monotonic */
uint64_t next(uint64_t *state);
double uniform(uint64_t *state);
int64_t exponential(uint64_t *state, double per_s); /* us */
void must(bool good, const char *what);

void own_namespace(int tun, const char *address, const char *other);
int open_tun(const char *name);
void realtime(int priority);
int tcp_socket(void);

/* Notes are taken only with --packets. Returns where, or NULL. */
struct note *note(struct note n);
void note_call(enum what what, enum side side, unsigned stream, int64_t value);

/* Timers: a heap of (due, stream, purpose). */
struct timer {
	int64_t due;
	uint32_t stream;
	uint32_t purpose;
};
struct timers {
	struct timer *heap;
	unsigned count, room;
};
void timer_add(struct timers *t, int64_t due, unsigned stream, unsigned purpose);
bool timer_pop(struct timers *t, int64_t at, struct timer *out);
int64_t timer_next(const struct timers *t); /* us, or INT64_MAX */
int wait_events(int epoll, void *events, int room, const struct timers *t);

/* Feeds bytes; calls back for each whole unit ('G', 'F', 'S', 'E', 'T'). */
void parse(struct parser *p, const char *bytes, unsigned count, unsigned stream, void (*unit)(unsigned, char));
bool send_unit(int fd, unsigned stream, enum side side, const char *kinds);
void woken(unsigned stream, enum side side, int64_t at);

/* Packets by how many us late the link delivered them. */
enum { LATENESS = 1 << 20 };
extern uint32_t link_lateness[LATENESS];

void *link_thread(void *tuns);
void client(void);
void server(void);
void begin(void); /* waits until both ends are ready */

#endif
