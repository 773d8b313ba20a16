/*
 * What pam_postern.so decides by itself, without the agent: who is not its business, and
 * who gets in when the agent is gone (docs/linux.md has the table).
 */
#ifndef POSTERN_RULES_H
#define POSTERN_RULES_H

#include <stdbool.h>
#include <sys/types.h>

/* A place where somebody signs in, as the application says. No pointer is NULL. */
struct place {
	const char *user;
	const char *service;
	const char *tty;
	const char *rhost;
	uid_t caller; /* real uid of the process */
};

/* What the administrator's file says of a place. */
struct rules {
	bool fresh;	  /* the service demands a fresh proof of everybody */
	bool break_glass; /* the account gets in without the agent */
	bool unsafe;	  /* the file is not to be trusted: nobody is excepted */
};

/* is_local tells whether user has a line in passwd: 1, 0, or -1 if nobody can know. */
int is_local(const char *passwd, const char *user);

/* read_rules reads the administrator's file. One that is missing says nothing; one that
 * others than root can write, or that has a line nobody understands, is unsafe. */
struct rules read_rules(const char *path, const struct place *p);

/* is_console tells whether root sits at the machine itself. */
bool is_console(const struct place *p);

/* passes_by tells whether the module leaves the account to the modules after it. */
bool passes_by(const char *passwd, const char *conf, const struct place *p);

#endif
