package main

import (
	"errors"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/server"
)

func serveCommand() *cobra.Command {
	var s settings
	var l server.Listen
	var trusted, witnesses, applications, pushServices, upstreams []string
	var mail server.Mail
	var newcomers int64
	var countries string
	c := &cobra.Command{
		Use: "serve --data DIR", Short: "Run the server",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.fill(c); err != nil {
				return err
			}
			if err := publicAddress(s.publicURL); err != nil {
				return err
			}
			if (l.CertFile == "") != (l.KeyFile == "") || l.Plain && l.CertFile != "" {
				return program.Usage(errors.New("--tls-cert and --tls-key go together, and not with --http"))
			}
			tuneCollector()
			o := s.options(c)
			o.Mail = withPassword(mail)
			if err := o.Mail.Check(); err != nil {
				return program.Usage(err)
			}
			var err error
			if o.Proxies, err = server.ParseProxies(trusted); err != nil {
				return program.Usage(err)
			}
			if o.LogoutNetworks, err = server.ParseNetworks(applications, server.ErrLogoutNetwork); err != nil {
				return program.Usage(err)
			}
			if o.PushNetworks, err = server.ParseNetworks(pushServices, server.ErrPushNetwork); err != nil {
				return program.Usage(err)
			}
			if o.FederationNetworks, err = server.ParseNetworks(upstreams, server.ErrFederationNetwork); err != nil {
				return program.Usage(err)
			}
			if o.Witnesses, err = server.ParseWitnesses(witnesses); err != nil {
				return program.Usage(err)
			}
			if countries != "" {
				if o.Places, err = server.OpenPlaces(countries); err != nil {
					return program.Usage(err)
				}
			}
			if newcomers < 1 {
				return program.Usage(errors.New("--newcomers must be at least 1"))
			}
			o.Newcomers = newcomers
			if err := l.Open(c.Context()); err != nil {
				return err
			}
			return server.Serve(c.Context(), o, l, func(s *server.Server) {
				o.Log.Info("ready", "listen", l.Address, "public_url", s.PublicURL())
			})
		},
	}
	s.add(c.Flags())
	c.Flags().StringVar(&l.Address, "listen", "127.0.0.1:8443", "`ADDRESS` to listen on")
	c.Flags().StringVar(&s.publicURL, "public-url", "", publicURLHelp)
	addMail(c.Flags(), &mail)
	c.Flags().StringVar(&l.CertFile, "tls-cert", "", "certificate `FILE`, PEM; without it one of the local CA")
	c.Flags().StringVar(&l.KeyFile, "tls-key", "", "key `FILE`, PEM")
	c.Flags().BoolVar(&l.Plain, "http", false, "serve HTTP, behind a proxy that has TLS")
	c.Flags().StringVar(&l.Metrics, "metrics", "", "`ADDRESS` on which Prometheus gets /metrics, such as 127.0.0.1:9464")
	c.Flags().StringArrayVar(&trusted, "trusted-proxy", nil, "`NETWORK` whose X-Forwarded-For is believed; may be given again")
	c.Flags().Int64Var(&newcomers, "newcomers", server.DefaultNewcomers, "`NUMBER` of sign-ins that one network address may begin an hour before it is slowed down")
	c.Flags().StringArrayVar(&applications, "logout-network", nil, "`NETWORK` that is not public, in which applications are told of logouts and webhooks called; may be given again")
	c.Flags().StringArrayVar(&pushServices, "push-network", nil, "`NETWORK` that is not public, in which push services of phones are called; may be given again")
	c.Flags().StringVar(&countries, "places", "", "`FILE` that says which country an address is in, in MaxMind's format")
	c.Flags().StringArrayVar(&upstreams, "federation-network", nil, "`NETWORK` that is not public, in which identity providers of federated domains are called; may be given again")
	c.Flags().StringArrayVar(&witnesses, "witness", nil, "who keeps checkpoints of the log: file:/`PATH`, syslog:, syslog:tcp://host:601 or https://…; may be given again")
	return c
}

// tuneCollector lets more garbage gather before it is collected: what lives is small, a few
// megabytes, so that Go's default collects hundreds of times a second under load. GOGC wins.
func tuneCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
}
