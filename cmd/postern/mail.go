package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/postern-id/postern/internal/cli"
	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/server"
)

// addMail adds the flags that say where mail goes. The password has none: flags can be read
// by everybody on the machine.
func addMail(flags *pflag.FlagSet, m *server.Mail) {
	flags.StringVar(&m.Host, "smtp-host", "", "`NAME` of the mail server; without it mail waits, and ends after four days")
	flags.IntVar(&m.Port, "smtp-port", 0, "its `PORT`; without it 587, 465 or 25, as --smtp-tls says")
	flags.StringVar(&m.TLS, "smtp-tls", "starttls", "`HOW` the connection is protected: starttls, implicit or none")
	flags.StringVar(&m.CAFile, "smtp-ca", "", "`FILE` of a CA to trust for it, PEM, beside the system's")
	flags.StringVar(&m.User, "smtp-user", "", "`NAME` to sign in with")
	flags.StringVar(&m.PasswordFile, "smtp-password-file", "", "`FILE` with the password; or set POSTERN_SMTP_PASSWORD")
	flags.StringVar(&m.DKIMSelector, "smtp-dkim-selector", "", "`NAME` of the DKIM key that signs mail; postern mail dkim makes it")
	flags.StringVar(&m.From, "smtp-from", "", "`ADDRESS` that mail comes from, such as postern@contoso.example")
}

// withPassword returns m with the password from the environment, if it is there.
func withPassword(m server.Mail) server.Mail {
	m.Password = os.Getenv("POSTERN_SMTP_PASSWORD")
	return m
}

func mailCommand() *cobra.Command {
	var s settings
	var selector string
	record := &cobra.Command{
		Use: "dkim DOMAIN --data DIR", Short: "Print the DNS record of the key that signs mail", Args: cobra.ExactArgs(1),
		Long: "Prints the TXT record that DOMAIN, that of --smtp-from, publishes so that others can verify mail,\n" +
			"and makes the key where there is none. It is sealed in the data directory. Publish the record,\n" +
			"then start serve with --smtp-dkim-selector.",
		Example: "  postern mail dkim contoso.example --data /var/lib/postern --selector postern1",
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.fill(c); err != nil {
				return err
			}
			name, text, made, err := server.DKIMRecord(s.options(c), args[0], selector)
			if err != nil {
				return err
			}
			if made {
				fmt.Fprintln(c.ErrOrStderr(), "A key was made.")
			}
			fmt.Fprintf(c.OutOrStdout(), "%s. TXT %q\n", name, text)
			return nil
		},
	}
	s.add(record.Flags())
	record.Flags().StringVar(&selector, "selector", "postern1", "`NAME` of the key in the DNS; another one is another key")
	return program.Noun("mail", "Mail that the server sends", record, cli.MailTemplates())
}
