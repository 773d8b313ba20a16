package oauth

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbound"
	"github.com/postern-id/postern/internal/token"
)

// A LogoutNotice is an application to be told that a session ended (OpenID Connect
// Back-Channel Logout 1.0). The change that ends the session queues it.
type LogoutNotice struct {
	Tenant    directory.TenantID
	Session   string
	App       directory.AppID
	User      directory.UserID
	CreatedAt time.Time
	Attempts  int // this one included
}

// ErrNoNotice says that nobody is to be told anything now.
var ErrNoNotice = errors.New("no logout notice is due")

// Notices keeps what is to be told.
type Notices interface {
	// Tenants returns the ids of all tenants.
	Tenants(ctx context.Context) ([]directory.TenantID, error)
	// LeaseLogoutNotice returns a notice that is due and puts it off until until, so that no
	// other replica has it meanwhile; or ErrNoNotice.
	LeaseLogoutNotice(ctx context.Context, tenant directory.TenantID, now, until time.Time) (LogoutNotice, error)
	// SettleLogoutNotice removes n, or makes it due again at again unless that is zero.
	SettleLogoutNotice(ctx context.Context, n LogoutNotice, again time.Time) error
}

// A Notifier tells applications that sessions ended. Server, Notices and Log are required.
type Notifier struct {
	Server  *Server
	Notices Notices
	Roots   *x509.CertPool // nil: the system's
	// Networks are those in which applications are told although they are not public.
	Networks []netip.Prefix
	Log      *slog.Logger
	// Farewell is what a SAML application is told by SOAP: where, what, and what checks the answer;
	// nowhere if it isn't. Nil tells none.
	Farewell func(ctx context.Context, tenant directory.TenantID, session string, app directory.AppID) (to string, message []byte, answered func([]byte) error, err error)

	once   sync.Once
	client *http.Client
}

const (
	noticeEvery   = time.Second
	noticeTimeout = 5 * time.Second
	noticeLease   = time.Minute
	noticeRound   = 16 // at once, for each tenant
	logoutExpires = 2 * time.Minute
)

// noticePauses are the pauses after each failed try; after the last one it is given up.
// Tokens of the session live an hour at most.
var noticePauses = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute}

// Run tells what is due until ctx ends.
func (n *Notifier) Run(ctx context.Context) {
	tick := time.NewTicker(noticeEvery)
	defer tick.Stop()
	for {
		if err := n.Tell(ctx); err != nil && ctx.Err() == nil {
			n.Log.ErrorContext(ctx, "logout notices failed", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Tell tells what is due now, a bounded number for each tenant.
func (n *Notifier) Tell(ctx context.Context) error {
	n.once.Do(func() { n.client = outbound.NewClient(n.Roots, n.Networks, noticeTimeout) })
	tenants, err := n.Notices.Tenants(ctx)
	if err != nil {
		return fmt.Errorf("list the tenants: %w", err)
	}
	var all sync.WaitGroup
	defer all.Wait()
	for _, tenant := range tenants {
		for range noticeRound {
			now := n.Server.Now()
			notice, err := n.Notices.LeaseLogoutNotice(ctx, tenant, now, now.Add(noticeLease))
			if errors.Is(err, ErrNoNotice) {
				break
			}
			if err != nil {
				return fmt.Errorf("lease a logout notice: %w", err)
			}
			all.Go(func() { n.try(ctx, notice) })
		}
	}
	return nil
}

// try tells once and keeps what came of it.
func (n *Notifier) try(ctx context.Context, notice LogoutNotice) {
	err := n.send(ctx, notice)
	var again time.Time
	switch {
	case err == nil:
		n.Log.InfoContext(ctx, "application told of a logout", "tenant_id", notice.Tenant, "app_id", notice.App)
	case notice.Attempts > len(noticePauses):
		n.Log.ErrorContext(ctx, "application not told of a logout, given up", "tenant_id", notice.Tenant, "app_id", notice.App, "err", err)
	default:
		again = n.Server.Now().Add(noticePauses[max(0, notice.Attempts-1)])
		n.Log.WarnContext(ctx, "application not told of a logout yet", "tenant_id", notice.Tenant, "app_id", notice.App, "due", again, "err", err)
	}
	if err := n.Notices.SettleLogoutNotice(context.WithoutCancel(ctx), notice, again); err != nil {
		n.Log.ErrorContext(ctx, "logout notice not settled", "tenant_id", notice.Tenant, "app_id", notice.App, "err", err)
	}
}

// send tells by whichever ways the application has now.
func (n *Notifier) send(ctx context.Context, notice LogoutNotice) error {
	return errors.Join(n.sendToken(ctx, notice), n.sendSOAP(ctx, notice))
}

// maxFarewell bounds the answer that is read.
const maxFarewell = 256 << 10

// sendSOAP sends a LogoutRequest of SAML.
func (n *Notifier) sendSOAP(ctx context.Context, notice LogoutNotice) error {
	if n.Farewell == nil {
		return nil
	}
	to, message, answered, err := n.Farewell(ctx, notice.Tenant, notice.Session, notice.App)
	if err != nil || to == "" {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, noticeTimeout)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(message))
	if err != nil {
		return outbound.Cause(err)
	}
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	r.Header.Set("SOAPAction", `"http://www.oasis-open.org/committees/security"`)
	res, err := n.call(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxFarewell))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answered %d", res.StatusCode)
	}
	if err != nil {
		return err
	}
	return answered(body)
}

// call sends r. Its errors don't quote the address, whose query may be a secret of the application.
func (n *Notifier) call(r *http.Request) (*http.Response, error) {
	res, err := n.client.Do(r)
	if errors.Is(err, outbound.ErrForbidden) {
		return nil, fmt.Errorf("%w (--logout-network)", outbound.Cause(err))
	}
	return res, outbound.Cause(err)
}

// sendToken posts the logout token to the URI that the application has; without one there is
// nothing to do.
func (n *Notifier) sendToken(ctx context.Context, notice LogoutNotice) error {
	app, _, err := n.Server.Store.ApplicationByAppID(ctx, notice.Tenant, notice.App)
	if errors.Is(err, directory.ErrApplicationUnknown) || err == nil && app.BackchannelLogoutURI == "" {
		return nil
	}
	if err != nil {
		return err
	}
	signed, err := n.Server.logoutToken(ctx, app, notice)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, noticeTimeout)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, app.BackchannelLogoutURI, strings.NewReader(url.Values{"logout_token": {signed}}.Encode()))
	if err != nil {
		return outbound.Cause(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := n.call(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 4096) // so that the connection can be used again
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("it answered %d", res.StatusCode)
	}
	return nil
}

// logoutClaims are those of OpenID Connect Back-Channel Logout 1.0 section 2.4. There is no
// nonce, so that nobody takes the token for an id token.
type logoutClaims struct {
	Issuer   string              `json:"iss"`
	Subject  string              `json:"sub"`
	Audience directory.AppID     `json:"aud"`
	IssuedAt int64               `json:"iat"`
	Expires  int64               `json:"exp"`
	ID       string              `json:"jti"`
	Events   map[string]struct{} `json:"events"`
	Session  string              `json:"sid"`
}

const logoutEventName = "http://schemas.openid.net/event/backchannel-logout"

func (s *Server) logoutToken(ctx context.Context, app directory.Application, n LogoutNotice) (string, error) {
	subject, err := s.subject(ctx, n.Tenant, n.User, n.App)
	if err != nil {
		return "", err
	}
	now := s.Now()
	return s.Keys.Sign(ctx, string(n.Tenant), algorithm(app), token.TypeLogout, logoutClaims{
		Issuer: s.issuer(n.Tenant), Subject: subject, Audience: n.App, IssuedAt: now.Unix(), Expires: now.Add(logoutExpires).Unix(),
		ID: uuid.NewString(), Events: map[string]struct{}{logoutEventName: {}}, Session: n.Session,
	})
}
