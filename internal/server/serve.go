package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Listen says where and how a server is reached.
type Listen struct {
	Address  string // host:port
	CertFile string // with KeyFile; empty uses the local CA of the data directory
	KeyFile  string
	Plain    bool   // HTTP without TLS, behind a proxy that has it
	Metrics  string // host:port of /metrics; empty serves none

	listener net.Listener // once open
}

// Open takes the address, so that port 0 becomes a port that is known before anything else
// starts. Serve does it where it was not done.
func (l *Listen) Open(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", l.Address)
	if err != nil {
		return ErrListen.With("", fmt.Sprintf("%s can't be listened on: %v.", l.Address, err))
	}
	if _, port, err := net.SplitHostPort(l.Address); err == nil && port == "0" {
		l.Address = listener.Addr().String()
	}
	l.listener = listener
	return nil
}

// Close lets an open address go, also where Serve ends.
func (l *Listen) Close() error {
	if l.listener == nil {
		return nil
	}
	return l.listener.Close()
}

// drain is how long requests may take to end after SIGTERM.
const drain = 20 * time.Second

// Serve opens the server of o and serves, on the address that l has open or names, until ctx
// ends or SIGTERM or SIGINT comes, then lets requests finish. ready is called once it answers.
func Serve(ctx context.Context, o Options, l Listen, ready func(*Server)) error {
	if _, err := os.Stat(o.Dir); err != nil {
		return errors.Join(ErrNotInitialised.With("", fmt.Sprintf("The data directory can't be used: %v.", err)), l.Close())
	}
	release, err := lock(o)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer release()
	if l.listener == nil {
		if err := l.Open(ctx); err != nil {
			return err
		}
	}
	s, err := Open(ctx, o)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if tenants, err := s.db.Tenants(ctx); err != nil || len(tenants) == 0 {
		return errors.Join(firstError(err, ErrNotInitialised), l.Close(), s.Close())
	}
	if err := s.db.NoteServedURL(ctx, s.options.PublicURL); err != nil { // recover will tell another one
		o.Log.WarnContext(ctx, "the public URL could not be noted", "err", err)
	}
	return errors.Join(s.serve(ctx, l, ready), s.Close())
}

func firstError(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func (s *Server) serve(ctx context.Context, l Listen, ready func(*Server)) error {
	var listener net.Listener = limit(l.listener, maxConnections, s.options.Proxies)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	var reload []func()
	if s.options.Places != nil {
		reload = append(reload, s.readPlaces)
	}
	if !l.Plain {
		certs, err := newCertificates(s.certificate(l), s.options.Log)
		if err != nil {
			return errors.Join(ErrCertificate.With("", fmt.Sprintf("The certificate can't be used: %v.", err)), listener.Close())
		}
		reload = append(reload, certs.reload)
		config := certs.config()
		config.NextProtos = []string{"h2", "http/1.1"}
		listener = tls.NewListener(listener, config)
	}
	again := make(chan os.Signal, 1)
	notifyReload(again)
	defer signal.Stop(again)
	go readAgain(ctx, again, reload)
	if l.Metrics != "" {
		at, err := s.serveMetrics(ctx, l.Metrics)
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		s.options.Log.Info("metrics", "listen", at)
	}
	endTraces, err := beginTraces(ctx)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { _ = endTraces(context.WithoutCancel(ctx)) }() // what can't be sent is lost
	web := webServer(s.handler)
	web.RegisterOnShutdown(s.feed.Close) // streams would never drain
	web.RegisterOnShutdown(s.phoneFeed.Close)
	s.Start()
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(listener) }()
	ready(s)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	return web.Shutdown(deadline)
}

// certificate returns how the certificate is read: from the files that l names, or from the
// local CA.
func (s *Server) certificate(l Listen) func() (*tls.Certificate, error) {
	if l.CertFile != "" {
		return func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(l.CertFile, l.KeyFile)
			if err == nil {
				s.served.set(pair.Leaf.NotAfter)
			}
			return &pair, err
		}
	}
	return func() (*tls.Certificate, error) {
		if err := ensureCA(s.options.Dir, s.now()); err != nil {
			return nil, err
		}
		return localCertificate(s.options.Dir, s.options.PublicURL, s.now())
	}
}
