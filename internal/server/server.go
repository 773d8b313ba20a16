// Package server puts the parts together: it opens the store, builds what stands on it,
// mounts it under one handler and serves. Nothing imports it but the commands.
package server

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
	_ "time/tzdata" // zones of tenants, also where the system has none

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/clock"
	"github.com/postern-id/postern/internal/deviceapi"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/gate"
	"github.com/postern-id/postern/internal/graph"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/lifecycle"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/oauth"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/pages"
	"github.com/postern-id/postern/internal/phoneapi"
	"github.com/postern-id/postern/internal/places"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/samlidp"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/store"
	"github.com/postern-id/postern/internal/token"
	"github.com/postern-id/postern/internal/webhook"
)

// Options say where a server's data is and how it is reached.
type Options struct {
	Dir       string // data directory
	Database  string // postgres:// URL; empty is SQLite in Dir
	MasterKey string // value of POSTERN_MASTER_KEY; empty reads the file in Dir
	PublicURL string // as browsers and clients know it, without a slash at the end; empty: as it was served last, or as init was told
	Proxies   request.Proxies
	Log       *slog.Logger
	Version   string // of the program
	Mail      Mail   // where mail goes
	// Hold is how long after arrival refusals are answered; 0 is 300 ms.
	Hold time.Duration
	// TPMRoots are certificates, in PEM, of those who are trusted to certify the TPMs of
	// devices. Nil reads tpm-roots.pem in Dir, if it is there.
	TPMRoots []byte

	// Places says which country an address is in; nil: nobody knows.
	Places *places.File
	// Witnesses are told every checkpoint of the log.
	Witnesses []NamedWitness
	// Roots are the CAs whose applications are told of logouts, and whose identity providers are
	// called; nil: the system's.
	Roots *x509.CertPool
	// LogoutNetworks are networks that are not public in which applications are told of logouts.
	LogoutNetworks []netip.Prefix
	// PushNetworks are networks that are not public in which push services of phones are called.
	PushNetworks []netip.Prefix
	// FederationNetworks are networks that are not public in which identity providers of federated
	// domains are called.
	FederationNetworks []netip.Prefix
	// Wall is the machine's clock; nil is time.Now.
	Wall func() time.Time
	// DiskReserve is how many bytes of the data directory's disk are kept for those who are
	// signed in; 0 is 256 MiB, or a twentieth of a small disk.
	DiskReserve uint64
	// Newcomers is how many sign-ins, pushed requests and device codes an address may begin
	// an hour, beyond what is free for whoever proved who they are; 0 is DefaultNewcomers.
	Newcomers int64
}

// Server is an open Postern. Close it.
type Server struct {
	options Options
	db      *store.DB
	ring    *keyring.Ring
	wrapper keyring.Wrapper
	passes  tap.Passes
	cases   recovery.Service
	handler http.Handler
	now     func() time.Time
	watch   watch
	metrics *metrics
	gate    *gate.Gate

	startedAt time.Time

	view      *pages.View
	box       outbox.Box
	notifier  *oauth.Notifier
	feed      *deviceapi.Feed
	push      *phoneapi.Push
	phoneFeed *phoneapi.Feed
	courier   *outbox.Courier
	workflows *lifecycle.Engine
	worker    *jobs.Worker
	hooks     webhook.Sender
	hookWork  *jobs.Worker // of webhooks
	refusals  *signin.Refusals
	sealer    *audit.Sealer
	counting  counting
	served    certificateEnd
	work      sync.WaitGroup
	stop      context.CancelFunc
}

// Loopback are the networks of this machine.
var Loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// ParseProxies reads networks whose X-Forwarded-For is believed, such as 10.0.0.0/8.
func ParseProxies(texts []string) (request.Proxies, error) { return ParseNetworks(texts, ErrProxy) }

// ParseNetworks reads networks such as 10.0.0.0/8, or says that one is none by wrong.
func ParseNetworks(texts []string, wrong error) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, wrong
		}
		all = append(all, p)
	}
	return all, nil
}

// DefaultPublicURL is that of a server for which nobody named one.
const DefaultPublicURL = "https://localhost:8443"

// DefaultNewcomers is how many sign-ins an address may begin an hour.
const DefaultNewcomers = signin.DefaultNewcomers

// PublicURL is where browsers and clients reach s.
func (s *Server) PublicURL() string { return s.options.PublicURL }

const defaultHold = 300 * time.Millisecond

// Open opens the store of o and builds the server. Nothing runs yet but the store's writer.
func Open(ctx context.Context, o Options) (*Server, error) {
	master, err := keyring.LoadMaster(o.Dir, o.MasterKey)
	if err != nil {
		return nil, err
	}
	if err := checkMoved(o); err != nil {
		return nil, err
	}
	counted := newMetrics()
	db, err := store.Open(ctx, store.Config{Dir: o.Dir, Database: o.Database, Observer: counted})
	if err != nil {
		return nil, err
	}
	s, err := on(ctx, o, master, db, counted)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// on builds the server on an open store, which stays the caller's when it fails.
func on(ctx context.Context, o Options, master *keyring.MasterKey, db *store.DB, counted *metrics) (*Server, error) {
	if o.Hold == 0 {
		o.Hold = defaultHold
	}
	if o.Wall == nil {
		o.Wall = time.Now
	}
	if o.PublicURL == "" {
		served, err := db.ServedURL(ctx)
		if err != nil {
			return nil, err
		}
		o.PublicURL = cmp.Or(served, DefaultPublicURL)
	}
	s := &Server{options: o, db: db, wrapper: master, metrics: counted, gate: gate.New(gate.Config{})}
	s.watch.clock = &clock.Guard{Wall: o.Wall}
	s.watch.disk = &disk{dir: o.Dir, reserve: o.DiskReserve, free: freeSpace, spare: func() uint64 { return db.Spare(context.WithoutCancel(ctx)) }}
	s.now = s.watch.clock.Now
	if err := s.openWatch(ctx, db); err != nil {
		return nil, err
	}
	s.startedAt = s.now()
	s.ring = &keyring.Ring{Store: db, Wrapper: master, Now: s.now}
	s.passes = tap.Passes{Store: db, Peppers: peppers{s.ring}, Now: s.now, Rand: rand.Reader, Incarnation: db.Incarnation}
	s.passes.Letters = s.issuedLetters
	s.cases = recovery.Service{Cases: db, People: db, Webhooks: db, Passes: s.passes, Now: s.now, Rand: rand.Reader, Letters: s.caseLetters, Told: s.tellCase}
	s.refusals = &signin.Refusals{Record: db.RecordSignIn, Log: o.Log}
	s.sealer = &audit.Sealer{Store: db.Log(), Key: s.checkpointKey, Now: s.now, Log: o.Log}
	s.box = outbox.Box{Seals: s.ring, Now: s.now}
	var err error
	if s.courier, err = s.newCourier(); err != nil {
		return nil, err
	}
	s.hooks = s.newSender()
	s.hookWork = s.newWebhookWorker()
	s.workflows = s.newWorkflows()
	s.worker = s.newWorker()
	if err := s.checkMaster(ctx); err != nil {
		return nil, err
	}
	if err := s.seedMissing(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.metrics.watched(s)
	s.handler, err = s.build()
	return s, err
}

// checkMaster opens one key, so that a wrong master key is told at the start and not at the
// first sign-in.
func (s *Server) checkMaster(ctx context.Context) error {
	tenants, err := s.db.Tenants(ctx)
	if err != nil || len(tenants) == 0 {
		return err
	}
	_, _, err = s.ring.Secret(ctx, string(tenants[0]), keyring.Derivation, "")
	return err
}

func (s *Server) checkpointKey(ctx context.Context, tenant string) (crypto.Signer, error) {
	_, key, err := s.ring.Signer(ctx, tenant, keyring.Checkpoint)
	return key, err
}

// build makes the parts, from the rules outwards.
func (s *Server) build() (http.Handler, error) {
	o := s.options
	secrets := bound{s.ring, s.db.Incarnation}
	keys := &token.Keys{Ring: s.ring, Now: s.now}
	makers, err := s.makers()
	if err != nil {
		return nil, err
	}
	registry := s.registry()
	s.cases.Registry = registry
	passkeys := passkey.Registrar{Method: s.passkeys(makers), Registry: registry, Secrets: secrets, Now: s.now}
	phones := s.openPhones(registry, passkeys.Method)
	upstreams := s.federated()
	signIn := &signin.Service{
		Store: s.db, Policies: signInPolicies{s.db}, Realms: upstreams, Secrets: secrets, Now: s.now, Rand: rand.Reader, Log: o.Log, Refusals: s.refusals, Hold: o.Hold, Room: s.watch.disk.err, Newcomers: o.Newcomers, Letters: s.redeemedLetters,
		Access: &conditional{db: s.db, now: s.now, places: o.Places}, Practice: s.drills(),
		Methods: []signin.Method{
			tap.Method{Store: s.db, Groups: s.db, Peppers: peppers{s.ring}, Gate: s.gate, Now: s.now, Incarnation: s.db.Incarnation},
			passkeys.Method,
			authenticator.Method{Phones: phones},
			s.codes().Method, s.passwords().Method, upstreams,
		},
	}
	if o.Places != nil {
		signIn.Countries, signIn.Spots = o.Places, o.Places
	}
	if s.view, err = pages.NewView(s.now); err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	site := &pages.Site{ConsolePath: "/console/", View: s.view, SignIn: signIn, Tenants: s.db, Passes: s.db, PINs: s.db, Groups: s.db, Events: s.db, Images: s.db, Registry: registry, Codes: s.codes(), Passkeys: passkeys, Passwords: s.passwords(), Phones: phones, PublicURL: o.PublicURL, Interrupts: s.interrupts(signIn), Campaigns: s.db, Handovers: s.handovers(), Cases: s.cases, Drills: s.drills(), CaseMails: caseMails{s}, Matcher: authenticator.Method{Phones: phones}, Presentations: s.presentations(), Now: s.now, Log: o.Log}
	site.Hooks = s.db
	if o.Mail.Mailbox {
		site.Mailbox = outbox.Reader{Shelf: s.db, Box: s.box}
	}
	authorization := &oauth.Server{
		Store: s.db, SignIn: signIn, Interrupts: s.interrupts(signIn), Keys: keys, Secrets: plain{s.ring}, PINKeys: s.pins().Signer, PublicURL: o.PublicURL,
		Incarnation: s.db.Incarnation, Now: s.now, Rand: rand.Reader, Log: o.Log, Pages: site,
		Upstream: upstreams.Upstream,
	}
	assertions := &samlidp.Server{
		Store: s.db, SignIn: signIn, Interrupts: s.interrupts(signIn), Keys: samlKeys{s}, Secrets: plain{s.ring}, Pages: site, PublicURL: o.PublicURL, Now: s.now,
		Others: authorization.LogoutPages, OthersDeaf: authorization.ByBrowserOnly, Upstream: upstreams.Upstream, Seen: s.db.Seen, Log: o.Log,
	}
	authorization.Others = func(ctx context.Context, session signin.Session) ([]string, error) {
		return assertions.LogoutPages(ctx, session, "")
	}
	site.Upstreams, site.LogoutPages = upstreams, func(ctx context.Context, session signin.Session) ([]string, error) {
		pages, err := authorization.LogoutPages(ctx, session)
		if err != nil {
			return nil, err
		}
		more, err := assertions.LogoutPages(ctx, session, "")
		return append(pages, more...), err
	}
	s.notifier = &oauth.Notifier{Server: authorization, Notices: s.db, Roots: o.Roots, Networks: o.LogoutNetworks, Log: o.Log, Farewell: assertions.Farewell}
	api := &graph.API{
		Store: s.db, Passes: s.passes, Handovers: s.handovers(), Registry: registry, Cases: &s.cases, Drills: s.drills(), Passwords: s.passwords(), Passkeys: passkeys, Tokens: keys, Secrets: s.ring, Sealed: sealedLog{s}, PublicURL: o.PublicURL,
		Proofs: proofs{replay: s.db, publicURL: o.PublicURL, now: s.now}, Resolver: net.DefaultResolver,
		Now: s.now, Rand: rand.Reader, Log: o.Log, Incarnation: s.db.Incarnation, Health: s.health, Machine: machine{s}, Letters: mailWords{s}, Rules: authorization, Workflows: s.workflows,
	}
	if o.Places != nil {
		api.Countries, api.Spots = o.Places, o.Places
	}
	s.counting = s.newCounting(api)
	roots, err := s.tpmRoots()
	if err != nil {
		return nil, err
	}
	s.feed = &deviceapi.Feed{Store: s.db, Log: o.Log}
	agents := &deviceapi.API{
		Feed: s.feed, Spare: spare,
		Roots: roots, SignIn: signIn, SignIns: authorization, PINs: s.pins(), Drills: s.drills(),
		Store: s.db, Tokens: keys, Secrets: s.ring, CA: deviceapi.CA{Keys: s.ring, Now: s.now}, PublicURL: o.PublicURL,
		Incarnation: s.db.Incarnation, Now: s.now, Rand: rand.Reader, Log: o.Log,
	}
	var whole http.Handler
	console, err := s.console(func() http.Handler { return whole })
	if err != nil {
		return nil, fmt.Errorf("read the console's pages: %w", err)
	}
	whole = s.mount(parts{site, authorization, assertions, api, agents, s.phoneAPI(phones, signIn), console, s.people(api)})
	return whole, nil
}

// Start begins the work in the background: sealing, counting, sending mail, cleaning up.
func (s *Server) Start() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	work := []func(context.Context){s.sealer.Run, s.refusals.Run, s.courier.Run, s.worker.Run, s.hookWork.Run, s.workflows.Run, s.notifier.Run, s.feed.Run, s.phoneFeed.Run, s.push.Run, s.cleanUp, s.watchAll, s.followUpstreams, s.counting.follower.Run, s.counting.census.Run, s.counting.sweep.Run}
	for _, c := range s.couriers() {
		work = append(work, c.Run)
	}
	for _, run := range work {
		s.work.Go(func() { run(ctx) })
	}
}

// Handler answers all requests.
func (s *Server) Handler() http.Handler { return s.handler }

// Close ends the work in the background and closes the store.
func (s *Server) Close() error {
	if s.stop != nil {
		s.stop()
	}
	s.work.Wait()
	return s.db.Close()
}

// bound derives keys for one life of the store, so that nothing of an earlier one matches.
type bound struct {
	ring        *keyring.Ring
	incarnation string
}

// MAC implements signin.Secrets.
func (b bound) MAC(ctx context.Context, tenant, label string, message []byte) (string, error) {
	return plain{b.ring}.MAC(ctx, tenant, label+" "+b.incarnation, message)
}

// plain derives keys for every life of the store; who needs them bound to one says so in the
// label.
type plain struct{ ring *keyring.Ring }

// MAC implements oauth.Secrets.
func (p plain) MAC(ctx context.Context, tenant, label string, message []byte) (string, error) {
	if directory.TenantID(tenant) == directory.NoTenant {
		return p.ring.SharedMAC(ctx, label, message)
	}
	return p.ring.MAC(ctx, tenant, label, message)
}

// peppers hands out the peppers of passes.
type peppers struct{ ring *keyring.Ring }

// Pepper implements tap.Peppers.
func (p peppers) Pepper(ctx context.Context, tenant directory.TenantID, id string) ([]byte, string, error) {
	return p.ring.Secret(ctx, string(tenant), keyring.PassPepper, id)
}
