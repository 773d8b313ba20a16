#include "rules.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* open_file opens a regular file for reading, or returns NULL. */
static FILE *open_file(const char *path, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return NULL;
	FILE *f = NULL;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		f = fdopen(fd, "re");
	if (f == NULL) {
		close(fd);
		errno = EINVAL;
	}
	return f;
}

int is_local(const char *passwd, const char *user)
{
	size_t n = strlen(user);
	struct stat st;
	char *line = NULL;
	size_t size = 0;
	int found = 0;

	if (n == 0 || strpbrk(user, ":\n") != NULL)
		return 0;
	FILE *f = open_file(passwd, &st);
	if (f == NULL)
		return -1;
	/* By hand rather than by fgetpwent, which knows NIS lines and buffers of one size. */
	while (!found && getline(&line, &size, f) > 0)
		found = strncmp(line, user, n) == 0 && line[n] == ':';
	if (ferror(f))
		found = -1;
	free(line);
	fclose(f);
	return found;
}

/* has tells whether word is one of those that spaces separate in list, which it cuts up. */
static bool has(char *list, const char *word)
{
	bool found = false;
	char *rest = NULL;
	for (char *w = strtok_r(list, " \t", &rest); w != NULL; w = strtok_r(NULL, " \t", &rest))
		found = found || strcmp(w, word) == 0;
	return found;
}

/* take reads one line into r. */
static void take(char *line, const struct place *p, struct rules *r)
{
	line[strcspn(line, "#\n")] = '\0';
	char *key = line + strspn(line, " \t");
	if (*key == '\0')
		return;
	char *equals = strchr(key, '=');
	if (equals == NULL) {
		r->unsafe = true;
		return;
	}
	*equals = '\0';
	for (char *end = equals; end > key && isspace((unsigned char)end[-1]); end--)
		end[-1] = '\0';
	if (strcmp(key, "fresh-proof") == 0)
		r->fresh = has(equals + 1, p->service) || r->fresh;
	else if (strcmp(key, "break-glass") == 0)
		r->break_glass = has(equals + 1, p->user) || r->break_glass;
	else
		r->unsafe = true;
}

struct rules read_rules(const char *path, const struct place *p)
{
	struct rules r = {0};
	struct stat st;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	FILE *f = open_file(path, &st);
	if (f == NULL) {
		r.unsafe = errno != ENOENT;
		return r;
	}
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		r.unsafe = true;
	while ((n = getline(&line, &size, f)) > 0) {
		if (memchr(line, '\0', (size_t)n) != NULL)
			r.unsafe = true;
		take(line, p, &r);
	}
	if (ferror(f))
		r.unsafe = true;
	free(line);
	fclose(f);
	return r;
}

/* digits tells whether s is one to three digits and nothing else. */
static bool digits(const char *s)
{
	size_t n = strspn(s, "0123456789");
	return n > 0 && n <= 3 && s[n] == '\0';
}

bool is_console(const struct place *p)
{
	const char *tty = p->tty;
	if (strcmp(p->user, "root") != 0 || p->caller != 0 || *p->rhost != '\0')
		return false;
	if (strncmp(tty, "/dev/", 5) == 0)
		tty += 5;
	if (strcmp(tty, "console") == 0)
		return true;
	if (strncmp(tty, "tty", 3) != 0)
		return false;
	tty += 3;
	return digits(tty) || (*tty == 'S' && digits(tty + 1));
}

bool passes_by(const char *passwd, const char *conf, const struct place *p)
{
	if (is_local(passwd, p->user) != 1)
		return false;
	if (is_console(p))
		return true;
	struct rules r = read_rules(conf, p);
	if (r.unsafe)
		return false;
	return r.break_glass || !r.fresh;
}
