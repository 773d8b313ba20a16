package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/server"
)

func backupCommand() *cobra.Command {
	var s settings
	var b server.BackupOptions
	c := &cobra.Command{
		Use: "backup FILE --data DIR --recipient AGE", Short: "Write one moment of the store to an encrypted file",
		Long: "Writes all data as one moment saw it to FILE, beside a running server. The file is\n" +
			"encrypted with age for --recipient (age-keygen makes a pair of keys) or for a passphrase.\n" +
			"The master key is not in it unless --with-key says so: keep master.key elsewhere.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.fill(c); err != nil {
				return err
			}
			if (len(b.Recipients) > 0) == (b.Passphrase != "") {
				return program.Usage(errors.New("say for whom: --recipient age1… or --passphrase-file FILE"))
			}
			b.File = args[0]
			if err := server.Backup(c.Context(), s.options(c), b); err != nil {
				return err
			}
			fmt.Fprintf(c.ErrOrStderr(), "%s is written.\n", b.File)
			return nil
		},
	}
	s.add(c.Flags())
	c.Flags().StringArrayVar(&b.Recipients, "recipient", nil, "public key of age, `AGE`; may be given again")
	c.Flags().StringVar(&b.Passphrase, "passphrase-file", "", "`FILE` with a passphrase of 12 characters or more")
	c.Flags().BoolVar(&b.WithKey, "with-key", false, "put the master key into the file")
	return c
}

func restoreCommand() *cobra.Command {
	var s settings
	var r server.RestoreOptions
	var asJSON bool
	c := &cobra.Command{
		Use: "restore FILE --data DIR --identity FILE", Short: "Make the store from a backup",
		Long: "Makes the store from a backup, or changes nothing. The server must be stopped; on PostgreSQL\n" +
			"the database must be empty. Every pass, session, token and code of before stops working;\n" +
			"postern recover is the way in. What was deleted or revoked after the backup is done again\n" +
			"from a newer export of the log (--since-log), or is back (--accept-loss).",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.fill(c); err != nil {
				return err
			}
			if (r.Identity != "") == (r.Passphrase != "") {
				return program.Usage(errors.New("say what opens it: --identity FILE or --passphrase-file FILE"))
			}
			if r.SinceLog != "" && r.AcceptLoss {
				return program.Usage(errors.New("--since-log and --accept-loss do not go together"))
			}
			r.File = args[0]
			done, err := server.Restore(c.Context(), s.options(c), r)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(c.OutOrStdout()).Encode(done)
			}
			return printRestored(c.ErrOrStderr(), done)
		},
	}
	s.add(c.Flags())
	c.Flags().StringVar(&r.Identity, "identity", "", "`FILE` with the secret key of age that opens it")
	c.Flags().StringVar(&r.Passphrase, "passphrase-file", "", "`FILE` with the passphrase that opens it")
	c.Flags().StringVar(&r.SinceLog, "since-log", "", "`FILE` of a newer `postern log export`, whose removals are done again")
	c.Flags().BoolVar(&r.AcceptLoss, "accept-loss", false, "let what was removed after the backup come back")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

func printRestored(w io.Writer, done server.Restored) error {
	text := fmt.Sprintf("The store is as it was at %s. %d log entries are as they were sealed.\n", done.CreatedAt.Format(time.RFC3339), done.Entries)
	if done.Kept != "" {
		text += fmt.Sprintf("The store that was here before is %s; remove it when you need it no more.\n", done.Kept)
	}
	if done.Until.IsZero() {
		text += fmt.Sprintf("What was deleted or revoked after %s is back.\n", done.CreatedAt.Format(time.RFC3339))
	} else {
		text += fmt.Sprintf("%d removals were done again. What was removed after %s is not known.\n", done.Replayed, done.Until.Format(time.RFC3339))
	}
	for _, line := range done.Unclear {
		text += "Do this by hand: " + line + "\n"
	}
	text += "No pass, session or token of before works. The way in: postern recover --data DIR --upn ADMINISTRATOR\n"
	_, err := io.WriteString(w, text)
	return err
}

func migrateCommand() *cobra.Command {
	var s settings
	var to string
	c := &cobra.Command{
		Use: "migrate --data DIR --to URL", Short: "Move the store from SQLite to PostgreSQL",
		Long: "Copies the SQLite store into an empty PostgreSQL database and compares every row. The server\n" +
			"must be stopped. Passes, sessions and tokens live on. The old file is left as it is, and\n" +
			"is not started again by mistake.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.fill(c); err != nil {
				return err
			}
			if to == "" {
				return program.Usage(errors.New("say where to: --to postgres://…"))
			}
			rows, err := server.Migrate(c.Context(), s.options(c), to)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.ErrOrStderr(), "%d rows were copied and compared. Start with --database from now on.\n", rows)
			return nil
		},
	}
	s.add(c.Flags())
	c.Flags().StringVar(&to, "to", "", "postgres:// `URL` of an empty database")
	return c
}
