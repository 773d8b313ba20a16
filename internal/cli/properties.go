package cli

import (
	"iter"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

// changes reads arguments such as department=Sales. The names are Graph's; nothing after the
// sign clears a property, and what a name means is the server's to check.
func changes(args []string) (graphclient.Object, error) {
	change := graphclient.Object{}
	for _, one := range args {
		name, value, ok := strings.Cut(one, "=")
		switch {
		case !ok || name == "":
			return nil, program.Usagef("Write %.60q as a property with its value, such as department=Sales.", one)
		case change[name] != nil:
			return nil, program.Usagef("The property %.60q comes twice.", name)
		case value == "":
			change[name] = nil
		case value == "true" || value == "false":
			change[name] = value == "true"
		case name == "businessPhones" || name == "otherMails" || name == "groupTypes":
			change[name] = strings.Split(value, ",")
		default:
			change[name] = value
		}
	}
	return change, nil
}

// queryFlags adds what Graph can select a list by.
func queryFlags(c *cobra.Command, q *graphclient.Query, example string) {
	c.Flags().StringVar(&q.Filter, "filter", "", "Graph `FILTER`, as \""+example+"\"")
	c.Flags().StringVar(&q.Search, "search", "", "list those of whom a name begins with these `WORDS`")
}

// asked is q with $search as Graph writes it.
func asked(q graphclient.Query) graphclient.Query {
	if q.Search != "" {
		q.Search = `"displayName:` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(q.Search) + `"`
	}
	return q
}

// deletedOf lists what can be restored.
func deletedOf(short string, all func(*env) iter.Seq2[graphclient.Object, error], columns ...column) *cobra.Command {
	c := &cobra.Command{Use: "deleted", Short: short, Args: cobra.NoArgs}
	return verb(c, func(e *env, _ []string) error {
		return e.table(all(e), 0, append(columns, column{"DELETED", "deletedDateTime"}, column{"ID", "id"})...)
	})
}

// restoreOf brings back what was deleted, by id or by the property name.
func restoreOf(use, short, kind, name string, all func(*env) iter.Seq2[graphclient.Object, error]) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id := args[0]
		if uuid.Validate(id) != nil {
			same := func(yield func(graphclient.Object, error) bool) {
				for one, err := range all(e) {
					if (err != nil || strings.EqualFold(one.Text(name), args[0])) && !yield(one, err) {
						return
					}
				}
			}
			var err error
			if id, err = e.idOf("deleted "+kind, args[0], same); err != nil {
				return err
			}
		}
		if err := e.graph.Restore(c.Context(), id); err != nil {
			return err
		}
		e.say("%s is back.", args[0])
		return nil
	})
}
