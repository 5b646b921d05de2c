// Load on an HTTP server over kept connections, from one thread with epoll: as fast as answers
// come, or at a rate that does not wait for them (latency then counts from when a request was due).
// The outcome of each request is recorded.
//
//   cc -O2 -o load load.c -lm
//   load PORT REQUESTS RECORDS connections seconds rate(0: none) even|poisson
//
// REQUESTS: complete HTTP/1.1 requests, each after its length as uint32, sent in turn and repeated.
// RECORDS: one struct record per request.
// Standard output: the monotonic clock at the start, in seconds.
// SIGTERM ends the run early, after the requests in flight.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { IDS = 16, BROKEN = 0, REFUSED = -1, UNANSWERED = -2, MOST_WAITING = 1 << 20 };

struct record {
    double start_s;      // since the start of the run; in a run with a rate: when it was due
    float latency_ms;
    int16_t status;      // of HTTP, or one of the above
    uint8_t incomplete;  // the answer says "complete":false
    uint8_t kept;        // ids among the first IDS that the first answer to this request had too
    uint8_t ids, same, spare[6];  // same: ids and order are those of the first answer
};

struct request {
    char *bytes;
    uint32_t length;
    int answered, ids;
    uint64_t first[IDS];
};

struct connection {
    int socket;  // -1: not connected
    int busy;
    struct request *request;
    double start;
    uint32_t sent;
    size_t held, capacity;
    char *buffer;
};

static struct request *requests;
static uint32_t request_count, next_request;
static struct connection *connections;
static int connection_count, busy_count, epoll;
static struct sockaddr_in server;
static FILE *records;
static double origin, interval;
static int poisson;
static double *waiting, next_due;
static uint64_t waiting_from, waiting_to, random_state = 88172645463325252u;
static volatile sig_atomic_t ended;

static void end_early(int number) { (void)number; ended = 1; }

static void give_up(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec - origin;
}

static double uniform(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return ((double)(random_state >> 11) + 0.5) / 9007199254740992.0;
}

static void read_requests(const char *path) {
    int file = open(path, O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) give_up(path);
    char *all = malloc((size_t)status.st_size);
    for (off_t done = 0; done < status.st_size;) {
        ssize_t piece = read(file, all + done, (size_t)(status.st_size - done));
        if (piece <= 0) give_up(path);
        done += piece;
    }
    close(file);
    for (off_t at = 0; at + 4 <= status.st_size;) {
        uint32_t length;
        memcpy(&length, all + at, 4);
        if (at + 4 + (off_t)length > status.st_size) give_up("a request is longer than its file");
        if ((request_count & (request_count + 1)) == 0 || requests == NULL)
            requests = realloc(requests, 2 * (size_t)(request_count + 1) * sizeof *requests);
        requests[request_count++] = (struct request){.bytes = all + at + 4, .length = length};
        at += 4 + (off_t)length;
    }
    if (request_count == 0) give_up("no requests");
}

static void keep(const struct connection *c, int status, struct record record) {
    record.start_s = c->start;
    record.latency_ms = (float)((now() - c->start) * 1000);
    record.status = (int16_t)status;
    fwrite(&record, sizeof record, 1, records);
}

static void disconnect(struct connection *c) {
    if (c->socket >= 0) close(c->socket);
    c->socket = -1;
}

static void finish(struct connection *c) {
    c->busy = 0;
    c->held = 0;
    busy_count -= 1;
}

static int connect_now(struct connection *c) {
    int one = 1;
    c->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->socket < 0) give_up("socket");
    // Loopback: a connect ends at once, either way.
    if (connect(c->socket, (struct sockaddr *)&server, sizeof server) != 0) {
        disconnect(c);
        return 0;
    }
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->socket, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->socket, &event) != 0) give_up("epoll_ctl");
    return 1;
}

static void watch_writes(struct connection *c, int wanted) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | (wanted ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_MOD, c->socket, &event);
}

static void fail(struct connection *c, int status) {
    keep(c, status, (struct record){0});
    disconnect(c);
    finish(c);
}

static void send_rest(struct connection *c) {
    while (c->sent < c->request->length) {
        ssize_t done = send(c->socket, c->request->bytes + c->sent, c->request->length - c->sent, MSG_NOSIGNAL);
        if (done < 0) {
            if (errno == EAGAIN) return watch_writes(c, 1);
            return fail(c, BROKEN);
        }
        c->sent += (uint32_t)done;
        if (c->sent == c->request->length && done != (ssize_t)c->request->length) watch_writes(c, 0);
    }
}

static void begin(struct connection *c, double start) {
    c->busy = 1;
    busy_count += 1;
    c->request = &requests[next_request];
    next_request = (next_request + 1) % request_count;
    c->start = start;
    c->sent = 0;
    c->held = 0;
    if (c->socket < 0 && !connect_now(c)) {
        fail(c, REFUSED);
        // As a client would: no storm of connects on a server that is not there.
        usleep(2000);
        return;
    }
    send_rest(c);
}

// Hashes of the ids, in their order; how many there are, at most IDS.
static int ids_of(const char *body, size_t length, uint64_t *found) {
    int count = 0;
    const char *at = body, *end = body + length;
    while (count < IDS && (at = memmem(at, (size_t)(end - at), "\"id\":\"", 6)) != NULL) {
        uint64_t hash = 14695981039346656037u;
        for (at += 6; at < end && *at != '"'; at++) hash = (hash ^ (uint8_t)*at) * 1099511628211u;
        found[count++] = hash;
    }
    return count;
}

static struct record compare(struct request *request, const char *body, size_t length) {
    struct record record = {0};
    uint64_t ids[IDS];
    int count = ids_of(body, length, ids);
    record.incomplete = memmem(body, length, "\"complete\":false", 16) != NULL;
    record.ids = (uint8_t)count;
    if (!request->answered && !record.incomplete) {
        request->answered = 1;
        request->ids = count;
        memcpy(request->first, ids, sizeof ids);
    }
    for (int i = 0; i < count; i++)
        for (int j = 0; j < request->ids; j++)
            if (ids[i] == request->first[j]) {
                record.kept++;
                break;
            }
    record.same = count == request->ids && memcmp(ids, request->first, (size_t)count * sizeof *ids) == 0;
    return record;
}

// 1: the answer is whole.
static int take_answer(struct connection *c) {
    char *end = memmem(c->buffer, c->held, "\r\n\r\n", 4);
    if (end == NULL) return 0;
    *end = 0;
    const char *field = strcasestr(c->buffer, "\r\ncontent-length:");
    int closes = strcasestr(c->buffer, "\r\nconnection: close") != NULL, status = atoi(c->buffer + 9);
    size_t head = (size_t)(end - c->buffer) + 4, body = field ? strtoul(field + 17, NULL, 10) : 0;
    *end = '\r';
    if (c->held < head + body) return 0;
    keep(c, status, status == 200 ? compare(c->request, c->buffer + head, body) : (struct record){0});
    if (closes) disconnect(c);
    finish(c);
    return 1;
}

static void receive(struct connection *c) {
    for (;;) {
        if (c->held + 65536 > c->capacity) c->buffer = realloc(c->buffer, c->capacity = 2 * c->capacity + 131072);
        ssize_t done = recv(c->socket, c->buffer + c->held, c->capacity - c->held - 1, 0);
        if (done < 0 && errno == EAGAIN) return;
        if (done <= 0) {
            // Without a request it is the server's right to close.
            if (c->busy) return fail(c, BROKEN);
            return disconnect(c);
        }
        c->held += (size_t)done;
        if (!c->busy) return disconnect(c);
        if (take_answer(c)) return;
    }
}

static struct connection *idle_connection(void) {
    static int from;
    for (int i = 0; i < connection_count; i++) {
        from = (from + 1) % connection_count;
        if (!connections[from].busy) return &connections[from];
    }
    return NULL;
}

// Sends what is due and has a connection; the seconds until something is due again.
static double send_due(double end) {
    struct connection *c;
    if (interval == 0) {
        while (busy_count < connection_count && now() < end && !ended && (c = idle_connection()) != NULL) begin(c, now());
        return end - now();
    }
    for (double time = now(); next_due <= time && next_due < end; next_due += poisson ? -log(uniform()) * interval : interval) {
        if (waiting_to - waiting_from == MOST_WAITING) give_up("the rate is far above what the server does");
        waiting[waiting_to++ % MOST_WAITING] = next_due;
    }
    while (waiting_from < waiting_to && (c = idle_connection()) != NULL) begin(c, waiting[waiting_from++ % MOST_WAITING]);
    return next_due - now();
}

static void run(double seconds) {
    struct epoll_event events[256];
    double end = seconds;
    for (;;) {
        if (ended && now() < end) end = now();
        double left = send_due(end), time = now();
        if (time >= end && busy_count == 0) return;
        if (time >= end + 10) break;
        left = left < 0 ? 0 : left > 0.1 ? 0.1 : left;
        if (time >= end) left = 0.01;
        struct timespec timeout = {.tv_nsec = (long)(left * 1e9)};
        int count = epoll_pwait2(epoll, events, 256, &timeout, NULL);
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->socket >= 0 && (events[i].events & EPOLLOUT) && c->busy) send_rest(c);
            if (c->socket >= 0 && (events[i].events & ~(uint32_t)EPOLLOUT)) receive(c);
        }
    }
    for (int i = 0; i < connection_count; i++)
        if (connections[i].busy) fail(&connections[i], UNANSWERED);
}

int main(int count, char **arguments) {
    if (count != 8) {
        fputs("load PORT REQUESTS RECORDS connections seconds rate even|poisson\n", stderr);
        return 64;
    }
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    read_requests(arguments[2]);
    if ((records = fopen(arguments[3], "wb")) == NULL) give_up(arguments[3]);
    setvbuf(records, NULL, _IOFBF, 1 << 20);
    connection_count = atoi(arguments[4]);
    connections = calloc((size_t)connection_count, sizeof *connections);
    waiting = malloc(MOST_WAITING * sizeof *waiting);
    double rate = atof(arguments[6]);
    interval = rate > 0 ? 1 / rate : 0;
    poisson = strcmp(arguments[7], "poisson") == 0;
    signal(SIGTERM, end_early);
    // Otherwise what is due is sent up to 50 us late, which would count as the server's.
    prctl(PR_SET_TIMERSLACK, 1);
    if ((epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) give_up("epoll_create1");
    for (int i = 0; i < connection_count; i++) {
        connections[i].socket = -1;
        connect_now(&connections[i]);
    }
    origin = now();
    printf("%.6f\n", origin);
    fflush(stdout);
    run(atof(arguments[5]));
    return fclose(records) == 0 ? 0 : 1;
}
