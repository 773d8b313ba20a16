package phoneapi

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/outbound"
)

const (
	tenant = directory.TenantID("00000000-0000-4000-8000-000000000001")
	mira   = directory.UserID("00000000-0000-4000-8000-000000000002")
	pixel  = "00000000-0000-4000-8000-000000000003"
)

// A browser is the end of a subscription: the phone's browser with its keys.
type browser struct {
	key    *ecdh.PrivateKey
	secret []byte
}

func newBrowser(t *testing.T) browser {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := browser{key, make([]byte, 16)}
	_, _ = rand.Read(b.secret)
	return b
}

func (b browser) subscription(endpoint string) authenticator.Subscription {
	encode := base64.RawURLEncoding.EncodeToString
	return authenticator.Subscription{Endpoint: endpoint, Keys: authenticator.SubscriptionKeys{P256DH: encode(b.key.PublicKey().Bytes()), Auth: encode(b.secret)}}
}

// open decrypts a message as RFC 8291 section 3.4 and RFC 8188 section 2 say, with nothing of
// the library that made it.
func (b browser) open(body []byte) ([]byte, error) {
	if len(body) < 21 || len(body) < 21+int(body[20]) {
		return nil, errors.New("no header")
	}
	salt, size, keyID, record := body[:16], binary.BigEndian.Uint32(body[16:20]), body[21:21+int(body[20])], body[21+int(body[20]):]
	server, err := ecdh.P256().NewPublicKey(keyID)
	if err != nil {
		return nil, err
	}
	shared, err := b.key.ECDH(server)
	if err != nil {
		return nil, err
	}
	info := "WebPush: info\x00" + string(b.key.PublicKey().Bytes()) + string(server.Bytes())
	ikm, err := hkdf.Key(sha256.New, shared, b.secret, info, 32)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, err
	}
	nonce, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	if len(record) > int(size) {
		return nil, errors.New("more than one record")
	}
	plain, err := gcm.Open(nil, nonce, record, nil)
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(plain), "\x00")
	if !strings.HasSuffix(text, "\x02") {
		return nil, errors.New("it is not the last record")
	}
	return []byte(text[:len(text)-1]), nil
}

// pushService takes messages.
type pushService struct {
	*httptest.Server
	status int
	header http.Header
	body   []byte
	times  int
}

func newPushService(t *testing.T) *pushService {
	t.Helper()
	s := &pushService{status: http.StatusCreated}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.header, s.times = r.Header, s.times+1
		s.body, _ = io.ReadAll(r.Body)
		w.WriteHeader(s.status)
	}))
	t.Cleanup(s.Close)
	return s
}

// memory is a store of one subscription, and the key of one tenant.
type memory struct {
	to  map[string]authenticator.Subscription
	key *ecdsa.PrivateKey
}

func (m *memory) Subscriptions(context.Context, directory.TenantID, directory.UserID) (map[string]authenticator.Subscription, error) {
	return m.to, nil
}

func (m *memory) PutSubscription(_ context.Context, _ directory.TenantID, _ directory.UserID, phone string, to authenticator.Subscription) error {
	m.to[phone] = to
	if to.Endpoint == "" {
		delete(m.to, phone)
	}
	return nil
}

func (m *memory) PushKey(context.Context, directory.TenantID) (*ecdsa.PrivateKey, error) {
	return m.key, nil
}

func newPush(t *testing.T, s *pushService) (*Push, *memory) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	m := &memory{to: map[string]authenticator.Subscription{}, key: key}
	return &Push{
		Store: m, Keys: m, PublicURL: "https://login.contoso.example", Roots: roots, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Log: slog.New(slog.DiscardHandler),
	}, m
}

func TestAMessageReachesThePhoneAloneAndSaysNothingSecret(t *testing.T) {
	s, b := newPushService(t), newBrowser(t)
	p, m := newPush(t, s)
	if err := p.Message(t.Context(), tenant, Message{Account: pixel}, b.subscription(s.URL+"/send/abc")); err != nil {
		t.Fatal(err)
	}
	plain, err := b.open(s.body)
	if err != nil {
		t.Fatal(err)
	}
	var said map[string]string
	if err := json.Unmarshal(plain, &said); err != nil || len(said) != 1 || said["account"] != pixel {
		t.Errorf("the message says %s, %v", plain, err)
	}
	if _, err := newBrowser(t).open(s.body); err == nil {
		t.Error("another phone reads it")
	}
	for name, want := range map[string]string{"Content-Encoding": "aes128gcm", "Ttl": "60", "Urgency": "high", "Topic": "sign-in"} {
		if got := s.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	checkVAPID(t, s.header.Get("Authorization"), s.URL, &m.key.PublicKey)
}

// checkVAPID checks that the message names its sender (RFC 8292 sections 2 and 3).
func checkVAPID(t *testing.T, header, service string, key *ecdsa.PublicKey) {
	t.Helper()
	fields, ok := strings.CutPrefix(header, "vapid ")
	if !ok {
		t.Fatalf("Authorization is %q", header)
	}
	values := url.Values{}
	for part := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		values.Set(name, value)
	}
	public, err := key.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	if values.Get("k") != base64.RawURLEncoding.EncodeToString(public.Bytes()) {
		t.Errorf("k is %s", values.Get("k"))
	}
	signed, err := jose.ParseSignedCompact(values.Get("t"), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	body, err := signed.Verify(key)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Audience string `json:"aud"`
		Subject  string `json:"sub"`
		Expires  int64  `json:"exp"`
	}
	if err := json.Unmarshal(body, &claims); err != nil || claims.Audience != service || claims.Subject != "https://login.contoso.example" {
		t.Errorf("claims are %s, %v", body, err)
	}
	if ends := time.Until(time.Unix(claims.Expires, 0)); ends <= 0 || ends > 24*time.Hour {
		t.Errorf("it ends in %v", ends)
	}
}

func TestAPhoneThatIsGoneIsForgotten(t *testing.T) {
	s := newPushService(t)
	p, m := newPush(t, s)
	for status, left := range map[int]int{http.StatusCreated: 1, http.StatusTooManyRequests: 1, http.StatusInternalServerError: 1, http.StatusNotFound: 0, http.StatusGone: 0} {
		s.status, s.times = status, 0
		m.to[pixel] = newBrowser(t).subscription(s.URL)
		p.wake(t.Context(), errand{tenant: tenant, user: mira})
		if len(m.to) != left || s.times != 1 {
			t.Errorf("after %d there are %d subscriptions, of %d tries", status, len(m.to), s.times)
		}
		delete(m.to, pixel)
	}
}

func TestMessagesGoOnlyWherePushServicesAre(t *testing.T) {
	s, b := newPushService(t), newBrowser(t)
	p, _ := newPush(t, s)
	p.Networks = nil
	if err := p.Message(t.Context(), tenant, Message{Account: pixel}, b.subscription(s.URL)); !errors.Is(err, outbound.ErrForbidden) || s.times != 0 || strings.Contains(err.Error(), s.URL) {
		t.Errorf("a loopback address is called, or the endpoint is quoted: %v", err)
	}
	away, _ := newPush(t, s)
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.times++
		http.Redirect(w, r, s.URL+"/elsewhere", http.StatusTemporaryRedirect)
	})
	if err := away.Message(t.Context(), tenant, Message{Account: pixel}, b.subscription(s.URL)); err == nil || s.times != 1 {
		t.Errorf("a redirect is followed: %d calls, %v", s.times, err)
	}
}

type waitingFor map[directory.UserID]string

func (w waitingFor) WaitingRequests(context.Context, directory.TenantID, time.Time) (map[directory.UserID]string, error) {
	return w, nil
}

func TestAStreamHearsOfItsPersonsRequestsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waiting := waitingFor{}
		f := &Feed{Store: waiting, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		own, other := f.join(tenant, pixel, mira), f.join(tenant, "b", "nora")
		waiting[mira] = "r1" // before Run begins, so that nobody writes beside it
		go func() { f.Run(ctx); close(done) }()
		if got := <-own.wake; got != "r1" {
			t.Errorf("woken with %q", got)
		}
		second := f.join(tenant, pixel, mira)
		if got := <-second.wake; got != "r1" {
			t.Errorf("another window hears %q", got)
		}
		if got := <-other.wake; got != "" {
			t.Errorf("another person hears %q", got)
		}
		windows := []*stream{own, second}
		for range maxWindows - 1 {
			windows = append(windows, f.join(tenant, pixel, mira))
		}
		if _, open := <-own.end; open || f.streams != maxWindows+1 {
			t.Errorf("%d streams", f.streams)
		}
		for _, s := range windows {
			f.leave(tenant, pixel, s)
		}
		f.leave(tenant, "b", other)
		if all := f.listening(); len(all) != 0 || f.streams != 0 {
			t.Errorf("%v are looked at for nobody, %d streams", all, f.streams)
		}
		stop()
		<-done
		if f.join(tenant, pixel, mira) != nil {
			t.Error("a stream begins after the end")
		}
	})
}

func TestNewsSayWhatChangedAndNothingElse(t *testing.T) {
	s, b := newPushService(t), newBrowser(t)
	p, m := newPush(t, s)
	m.to[pixel] = b.subscription(s.URL)
	p.Tell(tenant, mira, News{Change: "added", Method: "passkey"})
	p.wake(t.Context(), <-p.queue)
	plain, err := b.open(s.body)
	if want := `{"account":"` + pixel + `","news":{"change":"added","method":"passkey"}}`; err != nil || string(plain) != want {
		t.Errorf("the message says %s, %v; want %s", plain, err, want)
	}
	for name, want := range map[string]string{"Ttl": "86400", "Urgency": "normal", "Topic": ""} {
		if got := s.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestNewsLeaveRoomForRequests(t *testing.T) {
	p, _ := newPush(t, newPushService(t))
	for range pushQueue {
		p.Tell(tenant, mira, News{Change: "removed", Method: "passkey"})
	}
	if n := len(p.queue); n != pushQueue/2 {
		t.Errorf("%d news wait", n)
	}
	p.Send(tenant, mira)
	if n := len(p.queue); n != pushQueue/2+1 {
		t.Errorf("a request finds no room: %d wait", n)
	}
}

func TestNewsAreForTheirPersonAloneAndNeverWait(t *testing.T) {
	f := &Feed{Log: slog.New(slog.DiscardHandler)}
	own, other, foreign := f.join(tenant, pixel, mira), f.join(tenant, "b", "nora"), f.join("another", pixel, mira)
	for range 2 * newsKept {
		f.Tell(tenant, mira, News{Change: "frozen", Method: "otc"})
	}
	if len(own.news) != newsKept || len(other.news) != 0 || len(foreign.news) != 0 {
		t.Errorf("%d, %d, %d news wait", len(own.news), len(other.news), len(foreign.news))
	}
	if got := (<-own.news).event(); got != "event: change\ndata: {\"change\":\"frozen\",\"method\":\"otc\"}\n\n" {
		t.Errorf("the stream has %q", got)
	}
}
