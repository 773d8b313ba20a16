package phoneapi

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	webpush "github.com/SherClockHolmes/webpush-go"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/outbound"
)

// Push wakes the apps of people whom a request waits for, and tells them of changed methods. A
// message names the account and, of a change, the kind of method, nothing else: who reads it
// learns no secret, and it need not arrive. Every field but Roots and Networks is required.
type Push struct {
	Store     PushStore
	Keys      PushKeys
	PublicURL string
	Roots     *x509.CertPool // nil: the system's
	Networks  []netip.Prefix // in which push services are, although they are not public
	Log       *slog.Logger

	once   sync.Once
	client *http.Client
	queue  chan errand
}

// PushStore knows where messages go.
type PushStore interface {
	Subscriptions(ctx context.Context, tenant directory.TenantID, user directory.UserID) (map[string]authenticator.Subscription, error)
	PutSubscription(ctx context.Context, tenant directory.TenantID, user directory.UserID, phone string, to authenticator.Subscription) error
}

// PushKeys hands out the key by which push services know a tenant (RFC 8292).
type PushKeys interface {
	PushKey(ctx context.Context, tenant directory.TenantID) (*ecdsa.PrivateKey, error)
}

// An errand is what the phones of a person are to be told: that a request waits, or news.
type errand struct {
	tenant directory.TenantID
	user   directory.UserID
	news   News
}

const (
	pushTimeout = 5 * time.Second
	pushQueue   = 1000 // people whose phones are to be woken; beyond it their apps have the stream
	pushWorkers = 8
)

func (p *Push) begin() {
	p.once.Do(func() {
		p.client = outbound.NewClient(p.Roots, p.Networks, pushTimeout)
		p.queue = make(chan errand, pushQueue)
	})
}

// Send wakes the apps of a person, soon. It never waits.
func (p *Push) Send(tenant directory.TenantID, user directory.UserID) {
	p.begin()
	p.put(errand{tenant: tenant, user: user})
}

func (p *Push) put(e errand) {
	select {
	case p.queue <- e:
	default:
		p.Log.Warn("phones are not woken: too many wait for it", "tenant_id", e.tenant)
	}
}

// Run sends what is to be sent until ctx ends.
func (p *Push) Run(ctx context.Context) {
	p.begin()
	var all sync.WaitGroup
	defer all.Wait()
	for range pushWorkers {
		all.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case who := <-p.queue:
					p.wake(ctx, who)
				}
			}
		})
	}
}

func (p *Push) wake(ctx context.Context, who errand) {
	all, err := p.Store.Subscriptions(ctx, who.tenant, who.user)
	if err != nil {
		p.Log.ErrorContext(ctx, "phones are not woken", "tenant_id", who.tenant, "err", err)
		return
	}
	for phone, to := range all {
		err := p.Message(ctx, who.tenant, Message{Account: phone, News: who.news}, to)
		switch {
		case errors.Is(err, errGone): // RFC 8030 section 7.3: it is never coming back
			err = p.Store.PutSubscription(ctx, who.tenant, who.user, phone, authenticator.Subscription{})
			if errors.Is(err, authenticator.ErrUnknown) {
				err = nil
			}
			p.Log.InfoContext(ctx, "a phone takes no messages any more", "tenant_id", who.tenant, "method_id", phone, "err", err)
		case err != nil:
			p.Log.WarnContext(ctx, "a phone is not woken", "tenant_id", who.tenant, "method_id", phone, "err", err)
		}
	}
}

var errGone = errors.New("the push service does not know the subscription")

// A Message is all that a message says.
type Message struct {
	Account string `json:"account"` // id of the method
	News    News   `json:"news,omitzero"`
}

// Message sends one message. The push service keeps it as long as a request lives, news for a day.
func (p *Push) Message(ctx context.Context, tenant directory.TenantID, m Message, to authenticator.Subscription) error {
	p.begin()
	key, err := p.Keys.PushKey(ctx, tenant)
	if err != nil {
		return err
	}
	public, private, err := vapid(key)
	if err != nil {
		return err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	lifetime, urgency, topic := int(authenticator.RequestLifetime/time.Second), webpush.UrgencyHigh, "sign-in"
	if m.News != (News{}) {
		lifetime, urgency, topic = newsLifetime, webpush.UrgencyNormal, "" // each counts: none takes another's place
	}
	ctx, stop := context.WithTimeout(ctx, pushTimeout)
	defer stop()
	res, err := webpush.SendNotificationWithContext(ctx, text, &webpush.Subscription{
		Endpoint: to.Endpoint, Keys: webpush.Keys{P256dh: to.Keys.P256DH, Auth: to.Keys.Auth},
	}, &webpush.Options{
		HTTPClient: p.client, TTL: lifetime, Urgency: urgency, Topic: topic,
		Subscriber: subscriber(p.PublicURL), VAPIDPublicKey: base64.RawURLEncoding.EncodeToString(public), VAPIDPrivateKey: base64.RawURLEncoding.EncodeToString(private),
	})
	if err != nil {
		return outbound.Cause(err) // who knows the endpoint can send to it (RFC 8030 section 8.3)
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 4096) // so that the connection can be used again
	switch {
	case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone:
		return errGone
	case res.StatusCode < 200 || res.StatusCode > 299:
		return fmt.Errorf("the push service answered %d", res.StatusCode)
	}
	return nil
}

// subscriber is whom push services may turn to (RFC 8292 section 2.1).
func subscriber(publicURL string) string {
	return "https://" + publicURL[strings.Index(publicURL, "://")+3:]
}

// PublicKey is the key that apps subscribe with.
func (p *Push) PublicKey(ctx context.Context, tenant directory.TenantID) ([]byte, error) {
	key, err := p.Keys.PushKey(ctx, tenant)
	if err != nil {
		return nil, err
	}
	public, _, err := vapid(key)
	return public, err
}

// vapid returns a key as RFC 8292 has it: the point uncompressed, the number as it is.
func vapid(key *ecdsa.PrivateKey) (public, private []byte, err error) {
	k, err := key.ECDH()
	if err != nil {
		return nil, nil, err
	}
	return k.PublicKey().Bytes(), k.Bytes(), nil
}
