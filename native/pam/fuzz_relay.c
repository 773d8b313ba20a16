/*
 * Feeds the module what an agent might send, and ends with a signal when it does what it never
 * should. Standard input has cases: four bytes length (big-endian), one byte action, the
 * frames; each is answered by a byte. The test FuzzModule of internal/agent/pam runs this,
 * built with the sanitizers of gcc. libpam is played by the functions below.
 */
#define POSTERN_PASSWD "/dev/stdin-is-not-a-passwd"
#include "pam_postern.c"

static int hidden, shown, said, tokens;
static enum action doing;

static void never(bool what, const char *why)
{
	if (what) {
		fprintf(stderr, "never: %s\n", why);
		abort();
	}
}

int pam_get_item(const pam_handle_t *pamh, int which, const void **item)
{
	(void)pamh;
	*item = which == PAM_USER ? "ada" : NULL;
	return PAM_SUCCESS;
}

int pam_set_item(pam_handle_t *pamh, int which, const void *item)
{
	(void)pamh;
	never(strlen(item) > MAX_PAYLOAD, "an item without end");
	never(which == PAM_USER && doing != AUTH, "a name outside auth");
	/* There is no passwd here, and who can't be looked up might be local. */
	never(which == PAM_USER, "a name that might be local");
	never(which == PAM_AUTHTOK && doing != AUTH && doing != CHAUTHTOK, "a token elsewhere");
	tokens++;
	return PAM_SUCCESS;
}

const char *pam_getenv(pam_handle_t *pamh, const char *name)
{
	(void)pamh, (void)name;
	return NULL;
}

int pam_putenv(pam_handle_t *pamh, const char *pair)
{
	(void)pamh;
	never(strncmp(pair, "POSTERN_", 8) != 0 || strchr(pair, '=') == NULL, "a variable of somebody else's");
	return PAM_SUCCESS;
}

int pam_get_user(pam_handle_t *pamh, const char **user, const char *prompt)
{
	(void)pamh, (void)prompt;
	*user = "ada";
	return PAM_SUCCESS;
}

void pam_vsyslog(const pam_handle_t *pamh, int level, const char *format, va_list args)
{
	(void)pamh, (void)level, (void)format, (void)args;
}

int pam_prompt(pam_handle_t *pamh, int style, char **answer, const char *format, ...)
{
	va_list args;
	(void)pamh;
	va_start(args, format);
	char *text = NULL;
	never(vasprintf(&text, format, args) < 0, "no text");
	va_end(args);
	size_t n = strlen(text);
	free(text);
	if (style == PAM_TEXT_INFO || style == PAM_ERROR_MSG) {
		said++;
		return PAM_SUCCESS;
	}
	*(style == PAM_PROMPT_ECHO_OFF ? &hidden : &shown) += 1;
	if (n % 7 == 1)
		return PAM_CONV_ERR;
	*answer = n % 7 == 2 ? NULL : calloc(1, n % 7 == 3 ? MAX_ANSWER + 9 : 9);
	if (*answer != NULL)
		memset(*answer, 'x', n % 7 == 3 ? MAX_ANSWER + 8 : 8);
	return PAM_SUCCESS;
}

static void one(const char *data, size_t n, enum action action)
{
	int ends[2];
	doing = action, hidden = shown = said = tokens = 0;
	never(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0, "no sockets");
	int size = 1 << 20;
	setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	never(send(ends[0], data, n, MSG_DONTWAIT) != (ssize_t)n, "the case is too long");
	shutdown(ends[0], SHUT_WR);

	struct relay *r = calloc(1, sizeof *r);
	r->pamh = (pam_handle_t *)r; /* nobody looks inside */
	r->action = action, r->timeout = 5, r->fd = ends[1];
	r->hidden = actions[action].hidden, r->shown = actions[action].shown;
	int status = converse(r);
	free(r);
	close(ends[0]), close(ends[1]);

	never(status < FAILED || status >= _PAM_RETURN_VALUES, "a result that is none");
	never(hidden > actions[action].hidden, "one secret too many");
	never(shown > actions[action].shown, "one question too many");
	never(hidden + shown + said + tokens > MAX_FRAMES, "a conversation without end");
	bool answered = false; /* success comes from a frame that says so, and from nothing else */
	for (size_t i = 0; i + HEADER < n; i++)
		answered = answered || (data[i] == 'R' && data[i + HEADER] == '0');
	never(status == PAM_SUCCESS && !answered, "success that nobody sent");
}

int main(void)
{
	unsigned char head[5];
	while (fread(head, 1, sizeof head, stdin) == sizeof head) {
		size_t n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
		never(n > 1 << 17, "the case is too long");
		char *data = malloc(n + 1);
		never(data == NULL || fread(data, 1, n, stdin) != n, "half a case");
		one(data, n, (enum action)(head[4] % 5));
		free(data);
		putchar('.');
		fflush(stdout);
	}
	return 0;
}
