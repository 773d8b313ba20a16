// Package program is what postern and postern-agent have in common as programs of a command
// line: they run one command, say what went wrong, and end with an exit code.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/fault"
)

// ErrUsage says that a command was not used as it works.
var ErrUsage = &fault.Error{
	Kind: fault.Invalid, Code: "usageWrong",
	Text: "This is not how the command works.", Remedy: "See: postern help",
}

// ErrSilent ends a command with Failed when all has been said.
var ErrSilent = errors.New("said already")

// usage marks an error as wrong use of a command.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

// Usage marks err as wrong use of a command.
func Usage(err error) error { return usage{err} }

// Usagef is wrong use in words.
func Usagef(format string, args ...any) error { return usage{fmt.Errorf(format, args...)} }

// Root makes c, which has all its commands, a program: alone it shows help, and wrong use of any command
// below it is marked so.
func Root(c *cobra.Command) *cobra.Command {
	c.SilenceUsage, c.SilenceErrors = true, true
	c.Args, c.RunE = known, help
	markUsage(c)
	return c
}

// Noun groups verbs; alone it shows them.
func Noun(name, short string, verbs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: name, Short: short, Args: known, RunE: help}
	c.AddCommand(verbs...)
	return c
}

func help(c *cobra.Command, _ []string) error { return c.Help() }

// known refuses a word that names no command below c.
func known(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return unknown(c, args[0])
	}
	return nil
}

// unknown is the error of a command below c that is not there; it names what is alike.
func unknown(c *cobra.Command, name string) error {
	path := c.CommandPath()
	c.SuggestionsMinimumDistance = 2 // letters
	if alike := c.SuggestionsFor(name); len(alike) > 0 {
		return Usagef("There is no command %q. Did you mean `%s %s`?", path+" "+name, path, strings.Join(alike, "` or `"+path+" "))
	}
	return Usagef("There is no command %q. See `%s --help`.", path+" "+name, path)
}

// markUsage makes wrong flags and arguments of c and all commands below it errors of usage.
func markUsage(c *cobra.Command) {
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if before := c.Flags().Args(); c.HasSubCommands() && len(before) > 0 { // the flag is that of a command which is not there
			return unknown(c, before[0])
		}
		return Usagef("%w; see `%s --help`", err, c.CommandPath())
	})
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return Usage(err)
			}
			return nil
		}
	}
	for _, below := range c.Commands() {
		markUsage(below)
	}
}

// Run runs one command line of the program root and returns its exit code.
func Run(ctx context.Context, root *cobra.Command, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && !errors.Is(err, ErrSilent) {
		fmt.Fprintln(stderr, root.Name()+":", Sentence(err))
	}
	return Code(err)
}

// Sentence is what a person is told of err.
func Sentence(err error) string {
	text, code := err.Error(), ""
	if f, ok := errors.AsType[*fault.Error](err); ok {
		text, code = f.Error(), f.Code
	} else if _, ok := errors.AsType[usage](err); ok {
		code = ErrUsage.Code
	}
	if code != "" {
		text += " (" + code + ")"
	}
	return Printable(strings.ReplaceAll(text, "\n", "; ")) // errors.Join
}

// Printable is what a terminal may be shown of text that others wrote.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// VersionCommand prints the version of the program name.
func VersionCommand(name, version string) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(c *cobra.Command, _ []string) { fmt.Fprintln(c.OutOrStdout(), name, version) },
	}
}
