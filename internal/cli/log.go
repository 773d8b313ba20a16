package cli

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

// A trail is one of the two logs.
type trail struct {
	list    func(*graphclient.Client, context.Context, graphclient.Query) iter.Seq2[graphclient.Object, error]
	time    string // the property that holds when
	user    string // the property that holds who
	columns []column
}

var signIns = trail{
	list: (*graphclient.Client).SignIns, time: "createdDateTime", user: "userId",
	columns: []column{{"TIME", "createdDateTime"}, {"USER", "userPrincipalName"}, {"APPLICATION", "appDisplayName"}, {"ADDRESS", "ipAddress"}, {"ERROR", "status/errorCode"}},
}

var audits = trail{
	list: (*graphclient.Client).DirectoryAudits, time: "activityDateTime", user: "initiatedBy/user/id",
	columns: []column{{"TIME", "activityDateTime"}, {"BY", "initiatedBy/user/userPrincipalName|initiatedBy/app/displayName"}, {"ACTIVITY", "activityDisplayName"}, {"RESULT", "result"}},
}

func logCommand() *cobra.Command {
	return program.Noun("log", "The sign-in and audit log",
		logList(signIns, "signins", "Show sign-ins, the latest first"), logList(audits, "audit", "Show changes, the latest first"), logMail())
}

func logMail() *cobra.Command {
	var top int
	c := &cobra.Command{
		Use: "mail", Short: "Show mail that waits or was given up, the latest first", Args: cobra.NoArgs,
		Long: "Shows mail that waits to be sent, or was given up in the last 30 days, and why.\nWhat was sent is not here.",
	}
	c.Flags().IntVar(&top, "top", 50, "show this `NUMBER` at most; 0 for all")
	return verb(c, func(e *env, _ []string) error {
		return e.table(e.graph.Mails(c.Context(), graphclient.Query{}), top, []column{
			{"TIME", "createdDateTime"}, {"KIND", "kind"}, {"TO", "userPrincipalName|userId"}, {"ABOUT", "aboutUserPrincipalName"}, {"STATE", "state"}, {"TRIES", "attempts"}, {"ERROR", "lastError"},
		}...)
	})
}

func logList(t trail, name, short string) *cobra.Command {
	var follow bool
	var user, since string
	var top int
	c := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		Long: short + ". With --follow it goes on with what happens, each event once and\nthe oldest first, until Ctrl-C; --json then prints one line of JSON for each.",
	}
	c.Flags().BoolVar(&follow, "follow", false, "go on with what happens from now")
	c.Flags().StringVar(&user, "user", "", "only what this `UPN` did")
	c.Flags().StringVar(&since, "since", "", "`TIME` as 2026-03-02T06:00:00Z, or how long ago, as 2h")
	c.Flags().IntVar(&top, "top", 50, "show this `NUMBER` at most; 0 for all")
	return verb(c, func(e *env, _ []string) error {
		from, err := sinceTime(since, time.Now())
		if err != nil {
			return err
		}
		who := user
		if who != "" && uuid.Validate(who) != nil {
			if who, err = e.userID(who); err != nil {
				return err
			}
		}
		if follow {
			start := time.Now().UTC().Truncate(time.Second)
			if from != "" {
				if start, err = time.Parse(time.RFC3339, from); err != nil {
					return err
				}
			}
			return e.follow(t, who, start)
		}
		return e.table(t.list(e.graph, c.Context(), t.query(who, from)), top, t.columns...)
	})
}

// sinceTime returns text as Graph writes times; nothing stays nothing.
func sinceTime(text string, now time.Time) (string, error) {
	if text == "" {
		return "", nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d).UTC().Format(time.RFC3339), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return "", program.Usagef("--since must look like 2026-03-02T06:00:00Z or 2h, not %q.", text)
	}
	return at.UTC().Format(time.RFC3339), nil
}

func (t trail) query(user, from string) graphclient.Query {
	var all []string
	if user != "" {
		all = append(all, t.user+" eq "+graphclient.Quote(user))
	}
	if from != "" {
		all = append(all, t.time+" ge "+from)
	}
	return graphclient.Query{Filter: strings.Join(all, " and ")}
}
