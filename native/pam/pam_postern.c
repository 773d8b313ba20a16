/*
 * pam_postern.so: signs people of a Postern tenant in to Linux programs.
 *
 * The module decides nothing about them. It passes on, between the application's
 * conversation and the agent of this device, what docs/linux.md describes: frames of one
 * byte type, four bytes length (big-endian, at most MAX_PAYLOAD) and payload. It runs in
 * programs that are setuid root, so it needs libpam alone, parses no structure, starts no
 * thread and waits for nothing without a limit. rules.c has what it decides alone: accounts
 * that are not its business, and what holds while the agent is gone.
 *
 *   module -> agent   S start, k=v\0 each     r an answer     c the conversation was refused
 *   agent -> module   P ask, hidden   E ask, shown   I say   X say, an error
 *                     U the user's name   T an authentication token   V NAME=value
 *                     R the result, a PAM code in decimal
 */
#define PAM_SM_AUTH
#define PAM_SM_ACCOUNT
#define PAM_SM_SESSION
#define PAM_SM_PASSWORD

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>

#include "rules.h"

/* Who the agent has to be. Only the tests of the module set another one. */
#ifndef POSTERN_AGENT_UID
#define POSTERN_AGENT_UID 0
#endif
#ifndef POSTERN_PASSWD
#define POSTERN_PASSWD "/etc/passwd"
#endif
#ifndef POSTERN_CONF
#define POSTERN_CONF "/etc/postern/pam.conf"
#endif
#define POSTERN_SOCKET "/run/postern/pam.sock"

enum {
	MAX_PAYLOAD = 16384,
	MAX_VALUE = 1024,   /* of one item in S */
	MAX_ANSWER = 2048,  /* of a person */
	MAX_FRAMES = 64,    /* of the agent, in one conversation */
	TIMEOUT = 30,	    /* seconds until the agent's next frame */
	HEADER = 5,
};

enum action { AUTH, ACCOUNT, OPEN_SESSION, CLOSE_SESSION, CHAUTHTOK };

/* names of the actions, and how many hidden and shown questions each may ask. Programs like
 * swaylock give one answer to every question: one secret is asked for, and judged once. */
static const struct {
	const char *name;
	int hidden, shown;
} actions[] = {
	[AUTH] = {"auth", 1, 3},
	[ACCOUNT] = {"account", 0, 0},
	[OPEN_SESSION] = {"open_session", 0, 0},
	[CLOSE_SESSION] = {"close_session", 0, 0},
	[CHAUTHTOK] = {"chauthtok", 3, 0},
};

struct relay {
	pam_handle_t *pamh;
	enum action action;
	int flags;
	int timeout; /* seconds */
	int fd;
	int hidden, shown; /* questions that are left */
	char payload[MAX_PAYLOAD + 1];
};

struct options {
	const char *socket;
	int timeout;
};

/* How asking the agent ended, when it did not end with the agent's result. */
enum { GONE = -1, FAILED = -2 };

static void log_line(pam_handle_t *pamh, int level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void log_line(pam_handle_t *pamh, int level, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	pam_vsyslog(pamh, level, format, args);
	va_end(args);
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ready waits until fd can be read or written. */
static bool ready(int fd, short events, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - now_ms();
		struct pollfd p = {.fd = fd, .events = events};
		if (left <= 0)
			return false;
		int n = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

static bool read_all(int fd, void *to, size_t n, int64_t deadline)
{
	for (char *at = to; n > 0;) {
		if (!ready(fd, POLLIN, deadline))
			return false;
		ssize_t got = recv(fd, at, n, MSG_DONTWAIT);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

static bool write_all(int fd, const void *from, size_t n, int64_t deadline)
{
	for (const char *at = from; n > 0;) {
		if (!ready(fd, POLLOUT, deadline))
			return false;
		ssize_t put = send(fd, at, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (put < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (put < 0)
			return false;
		at += put;
		n -= (size_t)put;
	}
	return true;
}

static int64_t deadline(const struct relay *r)
{
	return now_ms() + (int64_t)r->timeout * 1000;
}

static bool write_frame(const struct relay *r, char type, const char *payload, size_t n)
{
	unsigned char head[HEADER] = {(unsigned char)type, (unsigned char)(n >> 24), (unsigned char)(n >> 16),
				      (unsigned char)(n >> 8), (unsigned char)n};
	int64_t end = deadline(r);
	return n <= MAX_PAYLOAD && write_all(r->fd, head, sizeof head, end) && write_all(r->fd, payload, n, end);
}

/* read_frame reads the agent's next frame. The payload is a string: one with a NUL inside
 * is refused. It returns the type, or 0. */
static char read_frame(struct relay *r)
{
	unsigned char head[HEADER];
	int64_t end = deadline(r);
	if (!read_all(r->fd, head, sizeof head, end))
		return 0;
	uint32_t n = (uint32_t)head[1] << 24 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 8 | head[4];
	if (n > MAX_PAYLOAD || !read_all(r->fd, r->payload, n, end))
		return 0;
	r->payload[n] = '\0';
	if (memchr(r->payload, '\0', n) != NULL)
		return 0;
	return (char)head[0];
}

/* dial connects to the agent. No socket, or nobody who listens, is GONE; all else that goes
 * wrong is FAILED, a queue that is full among it: who can fill it gains nothing. */
static int dial(const struct relay *r, const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = r->timeout};
	struct ucred agent;
	socklen_t n = sizeof agent;

	if (strlen(path) >= sizeof to.sun_path)
		return FAILED;
	strcpy(to.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return FAILED;
	int64_t end = deadline(r);
	int status = setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (status == 0)
		do
			status = connect(fd, (struct sockaddr *)&to, sizeof to);
		while (status < 0 && errno == EINTR && now_ms() < end);
	if (status < 0) {
		int why = errno;
		close(fd);
		return why == ENOENT || why == ECONNREFUSED ? GONE : FAILED;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &agent, &n) < 0 || n != sizeof agent ||
	    agent.uid != POSTERN_AGENT_UID) {
		log_line(r->pamh, LOG_ALERT, "%s is not served by root: refused", path);
		close(fd);
		return FAILED;
	}
	return fd;
}

static const char *item(pam_handle_t *pamh, int which)
{
	const void *value = NULL;
	if (pam_get_item(pamh, which, &value) != PAM_SUCCESS || value == NULL)
		return "";
	return value;
}

/* start sends S. */
static bool start(struct relay *r)
{
	char flags[16];
	snprintf(flags, sizeof flags, "%u", (unsigned)r->flags);
	const char *seat = pam_getenv(r->pamh, "XDG_SEAT");
	const struct {
		const char *key, *value;
	} items[] = {
		{"v", "1"},
		{"action", actions[r->action].name},
		{"flags", flags},
		{"user", item(r->pamh, PAM_USER)},
		{"service", item(r->pamh, PAM_SERVICE)},
		{"rhost", item(r->pamh, PAM_RHOST)},
		{"ruser", item(r->pamh, PAM_RUSER)},
		{"tty", item(r->pamh, PAM_TTY)},
		{"xdisplay", item(r->pamh, PAM_XDISPLAY)},
		{"seat", seat == NULL ? "" : seat},
	};
	size_t n = 0;
	for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
		if (strlen(items[i].value) > MAX_VALUE)
			return false;
		n += (size_t)snprintf(r->payload + n, sizeof r->payload - n, "%s=%s", items[i].key, items[i].value) + 1;
	}
	return write_frame(r, 'S', r->payload, n);
}

/* ask puts a question to the person and sends the answer. */
static int ask(struct relay *r, int style, int *left)
{
	char *text = NULL;
	if ((*left)-- <= 0)
		return PAM_SYSTEM_ERR;
	int status = pam_prompt(r->pamh, style, &text, "%s", r->payload);
	size_t n = text == NULL ? 0 : strlen(text);
	bool sent;
	if (status != PAM_SUCCESS || text == NULL || n > MAX_ANSWER) {
		status = PAM_CONV_ERR;
		sent = write_frame(r, 'c', "", 0);
	} else {
		sent = write_frame(r, 'r', text, n);
	}
	if (text != NULL) {
		explicit_bzero(text, n);
		free(text);
	}
	return status == PAM_SUCCESS && !sent ? PAM_SYSTEM_ERR : status;
}

/* set_user takes the name that the agent found for what was typed. It never becomes a local
 * account's. */
static int set_user(struct relay *r)
{
	if (r->action != AUTH || *r->payload == '\0' || strlen(r->payload) > 255 ||
	    strpbrk(r->payload, "/:\n") != NULL || is_local(POSTERN_PASSWD, r->payload) != 0)
		return PAM_SYSTEM_ERR;
	return pam_set_item(r->pamh, PAM_USER, r->payload);
}

/* set_variable passes on a variable for the session; the agent has a prefix of its own. */
static int set_variable(struct relay *r)
{
	if (strncmp(r->payload, "POSTERN_", 8) != 0 || strchr(r->payload, '=') == NULL)
		return PAM_SYSTEM_ERR;
	return pam_putenv(r->pamh, r->payload);
}

static int set_token(struct relay *r)
{
	if (r->action != AUTH && r->action != CHAUTHTOK)
		return PAM_SYSTEM_ERR;
	return pam_set_item(r->pamh, PAM_AUTHTOK, r->payload);
}

/* say shows a line. Silence, which sudo always asks for, is kept about all but the reason why
 * somebody does not get in: without it people try the same again until nothing works. */
static int say(struct relay *r, int style)
{
	if (style != PAM_ERROR_MSG && ((unsigned)r->flags & PAM_SILENT))
		return PAM_SUCCESS;
	pam_prompt(r->pamh, style, NULL, "%s", r->payload); /* who cannot show it goes on */
	return PAM_SUCCESS;
}

/* result reads a PAM code. */
static int result(const char *text)
{
	size_t n = strspn(text, "0123456789");
	if (n == 0 || n > 2 || text[n] != '\0')
		return FAILED;
	int code = atoi(text);
	return code < _PAM_RETURN_VALUES ? code : FAILED;
}

/* converse passes frames on until the agent's result, which it returns, or FAILED. */
static int converse(struct relay *r)
{
	if (!start(r))
		return FAILED;
	for (int i = 0; i < MAX_FRAMES; i++) {
		int status;
		switch (read_frame(r)) {
		case 'P':
			status = ask(r, PAM_PROMPT_ECHO_OFF, &r->hidden);
			break;
		case 'E':
			status = ask(r, PAM_PROMPT_ECHO_ON, &r->shown);
			break;
		case 'I':
			status = say(r, PAM_TEXT_INFO);
			break;
		case 'X':
			status = say(r, PAM_ERROR_MSG);
			break;
		case 'U':
			status = set_user(r);
			break;
		case 'T':
			status = set_token(r);
			break;
		case 'V':
			status = set_variable(r);
			break;
		case 'R':
			return result(r->payload);
		default:
			return FAILED;
		}
		if (status == PAM_CONV_ERR)
			return PAM_CONV_ERR;
		if (status != PAM_SUCCESS)
			return FAILED;
	}
	return FAILED;
}

/* ask_agent returns the agent's result, GONE or FAILED. */
static int ask_agent(pam_handle_t *pamh, enum action action, int flags, const struct options *o)
{
	struct relay *r = calloc(1, sizeof *r);
	if (r == NULL)
		return FAILED;
	*r = (struct relay){.pamh = pamh,
			    .action = action,
			    .flags = flags,
			    .timeout = o->timeout,
			    .hidden = actions[action].hidden,
			    .shown = actions[action].shown};
	r->fd = dial(r, o->socket);
	int status = r->fd;
	if (r->fd >= 0) {
		status = converse(r);
		close(r->fd);
	}
	explicit_bzero(r, sizeof *r);
	free(r);
	return status;
}

static bool read_options(pam_handle_t *pamh, int argc, const char **argv, struct options *o)
{
	*o = (struct options){.socket = POSTERN_SOCKET, .timeout = TIMEOUT};
	for (int i = 0; i < argc; i++) {
		char *end = NULL;
		if (strncmp(argv[i], "socket=", 7) == 0 && argv[i][7] == '/') {
			o->socket = argv[i] + 7;
			continue;
		}
		if (strncmp(argv[i], "timeout=", 8) == 0) {
			long n = strtol(argv[i] + 8, &end, 10);
			if (end != argv[i] + 8 && *end == '\0' && n >= 1 && n <= 600) {
				o->timeout = (int)n;
				continue;
			}
		}
		log_line(pamh, LOG_ERR, "unknown option: %s", argv[i]);
		return false;
	}
	return true;
}

/* decide does what the five entry points have in common. */
static int decide(pam_handle_t *pamh, enum action action, int flags, int argc, const char **argv)
{
	struct options o;
	const char *user = NULL;
	if (!read_options(pamh, argc, argv, &o))
		return PAM_SERVICE_ERR;
	int status = pam_get_user(pamh, &user, NULL);
	if (status != PAM_SUCCESS)
		return status;
	if (user == NULL || *user == '\0')
		return PAM_USER_UNKNOWN;
	struct place p = {.user = user,
			  .service = item(pamh, PAM_SERVICE),
			  .tty = item(pamh, PAM_TTY),
			  .rhost = item(pamh, PAM_RHOST),
			  .caller = getuid()};
	if (passes_by(POSTERN_PASSWD, POSTERN_CONF, &p))
		return PAM_IGNORE;
	/* The files decide about local accounts in auth and account; sessions and passwords of
	 * theirs are never the agent's. */
	if (action >= OPEN_SESSION && is_local(POSTERN_PASSWD, user) == 1)
		return PAM_IGNORE;
	status = ask_agent(pamh, action, flags, &o);
	if (status >= 0)
		return status;
	log_line(pamh, LOG_ERR, "%s for %s refused: the agent %s", actions[action].name, p.service,
		 status == GONE ? "is not running" : "failed");
	return status == GONE ? PAM_AUTHINFO_UNAVAIL : PAM_SYSTEM_ERR;
}

int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return decide(pamh, AUTH, flags, argc, argv);
}

/* Credentials come with the session. What this returns is not looked at beyond success:
 * libpam follows the path that authentication took. */
int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_SUCCESS;
}

int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return decide(pamh, ACCOUNT, flags, argc, argv);
}

int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return decide(pamh, OPEN_SESSION, flags, argc, argv);
}

int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return decide(pamh, CLOSE_SESSION, flags, argc, argv);
}

/* Nothing is prepared: the agent asks for the present PIN when it changes it. */
int pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	if ((unsigned)flags & PAM_PRELIM_CHECK) {
		const char *user = NULL;
		int status = pam_get_user(pamh, &user, NULL);
		if (status != PAM_SUCCESS)
			return status;
		return is_local(POSTERN_PASSWD, user) == 1 ? PAM_IGNORE : PAM_SUCCESS;
	}
	return decide(pamh, CHAUTHTOK, flags, argc, argv);
}
