package main

import (
	"os"

	"github.com/spf13/pflag"

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
	flags.StringVar(&m.From, "smtp-from", "", "`ADDRESS` that mail comes from, such as postern@contoso.example")
}

// withPassword returns m with the password from the environment, if it is there.
func withPassword(m server.Mail) server.Mail {
	m.Password = os.Getenv("POSTERN_SMTP_PASSWORD")
	return m
}
