package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/server"
)

// publicURLHelp says what --public-url is for init and serve.
const publicURLHelp = "`URL` by which browsers reach the server; without it the one before, at first " + server.DefaultPublicURL

func initCommand() *cobra.Command {
	var s settings
	var n server.NewTenant
	var asJSON bool
	c := &cobra.Command{
		Use: "init --data DIR --domain DOMAIN", Short: "Create a tenant and its first administrator",
		Long: "Creates a tenant and its first Global Administrator, and prints, once, a pass for them.\n" +
			"With another domain a second tenant is added to the same data directory.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.fill(c); err != nil {
				return err
			}
			if n.Domain == "" {
				return program.Usage(errors.New("say which domain: --domain contoso.example"))
			}
			if err := publicAddress(s.publicURL); err != nil {
				return err
			}
			created, err := server.Init(c.Context(), s.options(c), n)
			if err != nil {
				return err
			}
			return printCreated(c.OutOrStdout(), created, asJSON)
		},
	}
	s.add(c.Flags())
	c.Flags().StringVar(&s.publicURL, "public-url", "", publicURLHelp)
	c.Flags().StringVar(&n.Domain, "domain", "", "DNS `DOMAIN` of the tenant")
	c.Flags().StringVar(&n.Name, "name", "", "display `NAME` of the tenant")
	c.Flags().StringVar(&n.Admin, "admin", "admin", "`NAME` of the administrator, before the @")
	c.Flags().BoolVar(&n.EnableTAP, "enable-tap", false, "let people use Temporary Access Passes")
	c.Flags().StringVar(&n.App, "app", "", "also create an application with this `NAME` and every Graph permission")
	c.Flags().StringVar(&n.TimeZone, "time-zone", "UTC", "IANA `ZONE` in which people are shown times")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

func recoverCommand() *cobra.Command {
	var s settings
	var upn string
	var multi, asJSON bool
	c := &cobra.Command{
		Use: "recover --data DIR --upn UPN", Short: "Give a Global Administrator a new pass",
		Long: "Gives a Global Administrator a new bootstrap pass without a sign-in. It needs the master\n" +
			"key, works beside a running server, and is an event in the log.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.fill(c); err != nil {
				return err
			}
			if upn == "" {
				return program.Usage(errors.New("say who: --upn admin@contoso.example"))
			}
			o := s.options(c)
			if err := publicAddress(s.publicURL); err != nil {
				return err
			}
			created, err := server.Recover(c.Context(), o, upn, multi)
			if err != nil {
				return err
			}
			return printCreated(c.OutOrStdout(), created, asJSON)
		},
	}
	s.add(c.Flags())
	c.Flags().StringVar(&s.publicURL, "public-url", "", "`URL` by which browsers reach the server; without it the one that was served last")
	c.Flags().StringVar(&upn, "upn", "", "`UPN` of the administrator")
	c.Flags().BoolVar(&multi, "multi", false, "make the pass work many times")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// printCreated prints what is told once.
func printCreated(w io.Writer, created server.Created, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(created)
	}
	for _, line := range []struct{ name, value string }{
		{"tenantId", created.TenantID},
		{"domain", created.Domain},
		{"adminUserPrincipalName", created.Administrator},
		{"temporaryAccessPass", created.Pass},
		{"publicUrl", created.PublicURL},
		{"caCertificate", created.CACertificate},
		{"clientId", created.ClientID},
		{"clientSecret", created.ClientSecret},
	} {
		if line.value == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%-24s %s\n", line.name, line.value); err != nil {
			return err
		}
	}
	return nil
}
