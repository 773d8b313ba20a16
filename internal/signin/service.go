package signin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/token"
)

// Service runs sign-ins. Every exported field is required.
type Service struct {
	Store    Store
	Policies Policies
	Methods  []Method // of equal strength the better one first
	Secrets  Secrets
	Now      func() time.Time
	Rand     io.Reader
	Log      *slog.Logger
	// Refusals counts what throttles refuse.
	Refusals *Refusals
	// Hold is how long after its arrival every refusal is answered, so that none is told
	// from another by time.
	Hold time.Duration
	// Room says why nothing new can begin, such as a disk that is nearly full, or nil.
	Room func() error
	// Newcomers is how many requests an hour an address may make that cost a row and that
	// nobody signed in for; 0 is DefaultNewcomers.
	Newcomers int64
	// Letters returns the mail that tells of a sign-in with a pass and is queued with it; nil
	// queues none.
	Letters func(ctx context.Context, c Completion) ([]outbox.Item, error)

	shares shares
}

// Secrets returns keyed hashes under keys that are derived from the tenant's own secret.
type Secrets interface {
	MAC(ctx context.Context, tenant, label string, message []byte) (string, error)
}

// Labels of the derived keys.
const (
	labelTransaction = "signin transaction"
	labelSession     = "session"
	labelSecret      = "session secret of a transaction"
	labelName        = "typed name"
	labelPlace       = "familiar place"
	labelDevice      = "familiar device"
	labelChallenge   = "challenge of a transaction"
)

// Begin starts a sign-in from place. The token is the browser's hold on it.
func (s *Service) Begin(ctx context.Context, t Transaction, place Place) (Transaction, token.Opaque, error) {
	if t.Tenant == "" {
		t.Tenant = directory.NoTenant
	}
	if err := s.admit(ctx, t.Tenant, place); err != nil {
		return t, token.Opaque{}, err
	}
	handle, err := token.NewOpaque(s.Rand, string(t.Tenant))
	if err != nil {
		return t, handle, err
	}
	now := s.Now()
	t.ID, t.CreatedAt, t.ExpiresAt = handle.ID, now, now.Add(TransactionLifetime)
	hash, err := s.Secrets.MAC(ctx, string(t.Tenant), labelTransaction, handle.Secret[:])
	if err != nil {
		return t, handle, err
	}
	if err := s.Store.CreateTransaction(ctx, t, hash); err != nil {
		return t, handle, fmt.Errorf("begin a sign-in: %w", err)
	}
	return t, handle, nil
}

// Open returns the transaction that the browser holds, or ErrGone.
func (s *Service) Open(ctx context.Context, handle token.Opaque) (Transaction, error) {
	t, want, err := s.Store.Transaction(ctx, directory.TenantID(handle.Tenant), handle.ID)
	if err != nil {
		return t, err
	}
	got, err := s.Secrets.MAC(ctx, handle.Tenant, labelTransaction, handle.Secret[:])
	if err != nil {
		return t, err
	}
	if !equal(got, want) || !s.Now().Before(t.ExpiresAt) {
		return Transaction{}, ErrGone
	}
	return t, nil
}

// Next returns the next step of t and what it is based on.
func (s *Service) Next(ctx context.Context, t Transaction, accounts int) (Step, Facts, error) {
	f := Facts{Accounts: accounts}
	if t.Username == "" {
		var err error
		if f.Nameless, err = s.nameless(ctx, t); err != nil {
			return "", f, err
		}
	}
	if t.Username != "" && !t.Proved() {
		var err error
		if f.Offers, err = s.offers(ctx, t); err != nil {
			return "", f, err
		}
	}
	return Next(t, f), f, nil
}

// nameless returns the methods that need no name.
func (s *Service) nameless(ctx context.Context, t Transaction) ([]MethodID, error) {
	offers, err := s.enabled(ctx, t)
	var all []MethodID
	for _, o := range offers {
		if _, ok := s.method(o.Method).(Discoverer); ok {
			all = append(all, o.Method)
		}
	}
	return all, err
}

// Prompt returns what the page of a method asks with; nothing for one that only has a field.
func (s *Service) Prompt(ctx context.Context, t Transaction, id MethodID, place Place) ([]byte, error) {
	p, ok := s.method(id).(Prompter)
	if !ok {
		return nil, nil
	}
	a, err := s.attempt(ctx, t, id, "", place, s.Now())
	if err != nil {
		return nil, err
	}
	return p.Prompt(ctx, a)
}

func (s *Service) attempt(ctx context.Context, t Transaction, id MethodID, typed string, place Place, now time.Time) (Attempt, error) {
	challenge, err := s.Secrets.MAC(ctx, string(t.Tenant), labelChallenge, []byte(t.ID+"|"+string(id)))
	if err != nil {
		return Attempt{}, err
	}
	return Attempt{
		Tenant: t.Home, User: t.User, Transaction: t.ID, Challenge: decode(challenge), Chosen: t.Chosen == id, Application: t.Application,
		Device: t.Device, Asked: t.Asked, Proofs: t.all(), Typed: typed, Place: place, Familiar: t.Familiar, At: now,
	}, nil
}

// maxName bounds a typed name, in bytes.
const maxName = 320

// Identify takes the typed name. Whether anybody has it shows nowhere.
func (s *Service) Identify(ctx context.Context, t Transaction, typed string, place Place) (Transaction, error) {
	typed = strings.TrimSpace(typed)
	if t.DomainHint != "" && !strings.Contains(typed, "@") {
		typed += "@" + t.DomainHint
	}
	local, domain, ok := strings.Cut(typed, "@")
	if !ok || local == "" || domain == "" || len(typed) > maxName || strings.ContainsFunc(typed, unprintable) {
		return t, ErrName
	}
	home, err := s.home(ctx, t, domain)
	if err != nil {
		return t, err
	}
	t.Home, t.Username, t.User, t.DisplayName, t.Familiar, t.Last = home, typed, "", "", false, ""
	t = t.own()
	t.Proofs, t.OtherWays, t.Chosen, t.Stay, t.Blocked, t.Asked = nil, false, "", nil, false, t.Asked.over()
	if t.NameHash, err = s.Secrets.MAC(ctx, string(home), labelName, []byte(strings.ToLower(typed))); err != nil {
		return t, err
	}
	user, err := s.Store.UserByName(ctx, home, typed)
	if err == nil {
		t.User, t.DisplayName = user.ID, user.DisplayName
		t.Last, t.Familiar, err = s.familiar(ctx, t, place)
	}
	if err != nil && !errors.Is(err, directory.ErrUserUnknown) {
		return t, fmt.Errorf("look up a name: %w", err)
	}
	return s.save(ctx, t)
}

func unprintable(r rune) bool { return r < 0x20 || r == 0x7f }

// home returns the tenant that the name belongs to. At a tenant's own address it is always
// that tenant; a name of another one is unknown there.
func (s *Service) home(ctx context.Context, t Transaction, domain string) (directory.TenantID, error) {
	if t.Tenant != directory.NoTenant {
		return t.Tenant, nil
	}
	home, err := s.Store.TenantOf(ctx, strings.ToLower(domain))
	if errors.Is(err, directory.ErrTenantUnknown) {
		return "", ErrName.With("username", "No organisation here uses this domain.")
	}
	return home, err
}

// familiar reports whether this person signed in here before, and with which method last. On a
// joined device here is the device: its browser is a new one each time.
func (s *Service) familiar(ctx context.Context, t Transaction, place Place) (MethodID, bool, error) {
	if t.Device != nil {
		return s.Store.SignedInOn(ctx, t.Home, t.Device.ID, t.User)
	}
	hash, err := s.placeHash(ctx, t, place)
	if err != nil || hash == "" {
		return "", false, err
	}
	return s.Store.Familiar(ctx, t.Home, t.User, hash)
}

// placeHash names the place of t: the device, or the browser by its secret.
func (s *Service) placeHash(ctx context.Context, t Transaction, place Place) (string, error) {
	switch {
	case t.Device != nil:
		return s.Secrets.MAC(ctx, string(t.Home), labelDevice, []byte(t.Device.ID))
	case place.Browser == "":
		return "", nil
	}
	return s.Secrets.MAC(ctx, string(t.Home), labelPlace, []byte(place.Browser))
}

// Forget goes back to the name.
func (s *Service) Forget(ctx context.Context, t Transaction) (Transaction, error) {
	if t.Done() {
		return t, nil
	}
	t = t.own()
	t.LoginHint, t.Username, t.User, t.DisplayName, t.Familiar = t.Username, "", "", "", false
	t.Proofs, t.OtherWays, t.Chosen, t.Stay, t.SelectAccount, t.Blocked, t.Asked = nil, false, "", nil, false, false, t.Asked.over()
	return s.save(ctx, t)
}

// ShowOtherWays lists the methods; Choose picks one of them.
func (s *Service) ShowOtherWays(ctx context.Context, t Transaction) (Transaction, error) {
	t.OtherWays = true
	return s.save(ctx, t)
}

// Choose picks the method that is asked for next.
func (s *Service) Choose(ctx context.Context, t Transaction, method MethodID) (Transaction, error) {
	t.OtherWays, t.Chosen = false, method
	return s.save(ctx, t)
}

// Block tells the log, once, that t is at [StepBlocked].
func (s *Service) Block(ctx context.Context, t Transaction, place Place) (Transaction, error) {
	if t.Blocked {
		return t, nil
	}
	t.Blocked = true
	err := s.Store.NoteTransaction(ctx, t, s.event(t, t.lastMethod(), place, ErrCantGoOn, s.Now()))
	if errors.Is(err, ErrChanged) { // another window was told at the same moment
		return t, nil
	}
	t.Version++
	return t, err
}

func (s *Service) save(ctx context.Context, t Transaction) (Transaction, error) {
	if err := s.Store.SaveTransaction(ctx, t); err != nil {
		return t, err
	}
	t.Version++
	return t, nil
}

// Prove takes what the person typed for a method, or their browser answered. Without a typed
// name the answer of a [Discoverer] names the person. A refusal is ErrRefused, whatever the
// reason, and comes no sooner than Hold after the call. A repeat after success changes
// nothing.
func (s *Service) Prove(ctx context.Context, t Transaction, id MethodID, typed string, place Place) (Transaction, error) {
	if t.Done() || t.Proved() || t.usedMethod(id) {
		return t, nil
	}
	deadline := time.NewTimer(s.Hold)
	defer deadline.Stop()
	out, err := s.prove(ctx, t, id, typed, place)
	if err == nil {
		return out, nil
	}
	if !errors.Is(err, ErrRefused) {
		return t, err
	}
	select {
	case <-deadline.C:
	case <-ctx.Done():
	}
	return t, err
}

func (s *Service) prove(ctx context.Context, t Transaction, id MethodID, typed string, place Place) (Transaction, error) {
	method := s.method(id)
	if method == nil {
		return t, ErrGone
	}
	if t.Username == "" {
		found, err := s.discover(ctx, t, method, typed, place)
		if err != nil {
			return t, err
		}
		t = found
	}
	offers, err := s.enabled(ctx, t)
	switch {
	case err != nil:
		return t, err
	case !among(offers, id):
		return t, s.refuse(ctx, t, id, place, errMethodOff, s.Now())
	case !among(Useful(t, offers), id):
		return t, nil // right or wrong, it would not be enough: nothing is tried, and no pass held
	}
	// A wrong try is an event, and a counter for each name that is typed. Whose browser is known
	// for that name is stopped by the counters before it costs much.
	if !t.Familiar {
		if err := s.charge(ctx, t.Home, place); err != nil {
			return t, err
		}
	}
	now := s.Now()
	counters, err := s.buckets(ctx, t, id, place)
	if err != nil {
		return t, err
	}
	wait, err := s.Store.Charge(ctx, t.Home, counters, now)
	if err != nil {
		return t, fmt.Errorf("charge a try: %w", err)
	}
	if wait > 0 {
		return t, s.refuseLocked(ctx, t, id, place, now)
	}
	proof, err := s.verify(ctx, t, method, typed, place, now)
	if err == nil {
		t.Proofs = append(slices.Clone(t.Proofs), proof)
		err = s.Store.Accept(ctx, t, counters, now, now.Add(reservation))
		if err == nil {
			t.Version++
			return t, nil
		}
	}
	return t, s.refuse(ctx, t, id, place, err, now)
}

// reservation is how long a proof holds what it will spend (docs/threat-model.md, rule 1).
const reservation = 10 * time.Minute

// verify asks the method. When there is nobody to ask about, the slow hash is saved; the
// queue before it and the deadline hide that.
func (s *Service) verify(ctx context.Context, t Transaction, method Method, typed string, place Place, now time.Time) (Proof, error) {
	a, err := s.attempt(ctx, t, method.ID(), typed, place, now)
	if err != nil {
		return Proof{}, err
	}
	if err := s.someone(ctx, t); err != nil {
		if busy := method.Queue(ctx, a); busy != nil {
			return Proof{}, busy
		}
		return Proof{}, err
	}
	return method.Verify(ctx, a)
}

// discover returns t with the name of who the answer claims to be of. A claim that nobody can
// have is charged to the network like any other.
func (s *Service) discover(ctx context.Context, t Transaction, method Method, answer string, place Place) (Transaction, error) {
	d, ok := method.(Discoverer)
	if !ok {
		return t, ErrGone
	}
	if err := s.charge(ctx, t.Tenant, place); err != nil {
		return t, err
	}
	now := s.Now()
	a, err := s.attempt(ctx, t, method.ID(), answer, place, now)
	if err != nil {
		return t, err
	}
	tenant, id, err := d.Discover(ctx, a)
	if err == nil && t.Tenant != directory.NoTenant && tenant != t.Tenant {
		err = errUnknownUser
	}
	var user directory.User
	if err == nil {
		user, err = s.Store.User(ctx, tenant, id)
	}
	if errors.Is(err, directory.ErrUserUnknown) || errors.Is(err, directory.ErrTenantUnknown) {
		err = errUnknownUser
	}
	if err != nil {
		if t.Home == "" {
			t.Home = t.Tenant
		}
		return t, s.refuse(ctx, t, method.ID(), place, err, now)
	}
	t.Home, t.Username, t.User, t.DisplayName = tenant, user.UserPrincipalName, id, user.DisplayName
	if t.NameHash, err = s.Secrets.MAC(ctx, string(tenant), labelName, []byte(strings.ToLower(t.Username))); err != nil {
		return t, err
	}
	t.Last, t.Familiar, err = s.familiar(ctx, t, place)
	return t, err
}

// someone reports why there is nobody to verify, or nil.
func (s *Service) someone(ctx context.Context, t Transaction) error {
	if t.User == "" {
		return errUnknownUser
	}
	user, err := s.Store.UserByName(ctx, t.Home, t.Username)
	switch {
	case errors.Is(err, directory.ErrUserUnknown) || err == nil && user.ID != t.User:
		return errUnknownUser
	case err != nil:
		return err
	case !user.AccountEnabled:
		return errDisabled
	}
	return nil
}

// refuse logs why and says only ErrRefused, or NotYet. What is no refusal (an outage, a busy
// gate) is returned as it is.
func (s *Service) refuse(ctx context.Context, t Transaction, id MethodID, place Place, why error, now time.Time) error {
	var f *fault.Error
	told := error(ErrRefused)
	if early, ok := errors.AsType[*NotYet](why); ok {
		f, told = early.Why, early
	} else if said, ok := errors.AsType[*Told](why); ok {
		f, told = said.Why, said
	} else if !errors.As(why, &f) || f.AADSTS == 0 {
		return why
	}
	if err := s.Store.RecordSignIn(ctx, s.event(t, id, place, f, now)); err != nil {
		return fmt.Errorf("record a failed sign-in: %w", err)
	}
	return told
}

func (s *Service) method(id MethodID) Method {
	for _, m := range s.Methods {
		if m.ID() == id {
			return m
		}
	}
	return nil
}

func (s *Service) buckets(ctx context.Context, t Transaction, id MethodID, place Place) ([]Bucket, error) {
	familiar := ""
	if t.Familiar {
		var err error
		if familiar, err = s.placeHash(ctx, t, place); err != nil {
			return nil, err
		}
	}
	return buckets(t.NameHash, accountBucket(t.NameHash, s.method(id), len(t.Proofs) > 0), place, familiar), nil
}

// Stay takes the answer to “stay signed in?” and ends the sign-in in a session. The token is
// the same at every repeat by the same browser; held are the sessions that the browser has, of
// which one is raised if t raises one.
func (s *Service) Stay(ctx context.Context, t Transaction, stay bool, handle token.Opaque, place Place, held []token.Opaque) (Transaction, Session, token.Opaque, error) {
	if (!t.Proved() || t.Renews() != "") && !t.Done() {
		return t, Session{}, token.Opaque{}, ErrGone
	}
	if t.Stay == nil {
		t.Stay = &stay
	}
	now := s.Now()
	done := Completion{At: now}
	if t.Raises != "" && !t.Done() {
		again, old, hash, err := s.raised(ctx, t, held)
		if errors.Is(err, ErrGone) { // perhaps it was raised by this very sign-in, at the same moment
			if t, err = s.Open(ctx, handle); err == nil && !t.Done() {
				err = ErrGone
			}
		} else {
			t, done.Session, done.Raised = again, old, hash
		}
		if err != nil {
			return t, Session{}, token.Opaque{}, err
		}
	}
	if !t.Done() {
		ok, err := s.stillGood(ctx, t)
		if err == nil && !ok {
			// Perhaps it is done, by the same form at the same moment, and a pass is spent.
			again, gone := s.Open(ctx, handle)
			if gone != nil || !again.Done() {
				return t, Session{}, token.Opaque{}, s.refuse(ctx, t, t.lastMethod(), place, errMethodOff, now)
			}
			t, done = again, Completion{At: now}
		}
		if err != nil {
			return t, Session{}, token.Opaque{}, err
		}
	}
	secret, err := s.sessionToken(ctx, t, handle)
	if err != nil {
		return t, Session{}, secret, err
	}
	if done.SecretHash, err = s.Secrets.MAC(ctx, string(t.Home), labelSession, secret.Secret[:]); err != nil {
		return t, Session{}, secret, err
	}
	if t.Device == nil { // the store remembers who signed in on a device by itself
		if done.PlaceHash, err = s.placeHash(ctx, t, place); err != nil {
			return t, Session{}, secret, err
		}
	}
	if done.Raised == "" {
		done.Session = newSession(t, secret.ID, place, now)
	} else {
		done.Session = done.Session.raise(t, place, now)
	}
	done.Transaction, done.Event, done.Method = t, s.event(t, t.lastMethod(), place, nil, now), s.primary(t)
	if err := s.tellGlass(ctx, t, &done.Event); err != nil {
		return t, Session{}, secret, err
	}
	if s.Letters != nil && t.Pass() != nil && !t.Done() {
		if done.Mails, err = s.Letters(ctx, done); err != nil {
			return t, Session{}, secret, fmt.Errorf("write the letters about a sign-in: %w", err)
		}
	}
	session, err := s.Store.Complete(ctx, done)
	switch {
	case errors.Is(err, ErrGone):
		return t, Session{}, secret, err
	case err != nil:
		refused := s.refuse(ctx, t, t.lastMethod(), place, err, now)
		if errors.Is(refused, ErrRefused) && (errors.Is(err, directory.ErrDeviceDisabled) || errors.Is(err, directory.ErrDeviceUnknown)) {
			refused = err // tells nothing about the person
		}
		return t, Session{}, secret, refused
	}
	t.Session, secret.ID = session.ID, session.ID
	return t, session, secret, nil
}

func (t Transaction) lastMethod() MethodID {
	if len(t.Proofs) == 0 {
		return ""
	}
	return t.Proofs[len(t.Proofs)-1].Method
}

// sessionToken derives id and secret of the session from the transaction and the browser's
// hold on it, so that a repeat after a lost answer gets the same session.
func (s *Service) sessionToken(ctx context.Context, t Transaction, handle token.Opaque) (token.Opaque, error) {
	o := token.Opaque{Tenant: string(t.Home), ID: uuid.NewSHA1(uuid.MustParse(t.ID), []byte("session")).String()}
	sum, err := s.Secrets.MAC(ctx, string(t.Home), labelSecret, append([]byte(t.ID), handle.Secret[:]...))
	if err != nil {
		return o, err
	}
	copy(o.Secret[:], decode(sum))
	return o, nil
}

// Session returns the living session behind a token and its user, or ErrGone.
func (s *Service) Session(ctx context.Context, o token.Opaque) (Session, directory.User, error) {
	hash, err := s.Secrets.MAC(ctx, o.Tenant, labelSession, o.Secret[:])
	if err != nil {
		return Session{}, directory.User{}, err
	}
	return s.Store.Session(ctx, directory.TenantID(o.Tenant), o.ID, hash, s.Now())
}

// tellGlass says in the event of a sign-in which of its methods only break-glass allowed here.
func (s *Service) tellGlass(ctx context.Context, t Transaction, e *audit.Event) error {
	p, err := s.Policies.SignInPolicy(ctx, t.Home)
	if err != nil {
		return fmt.Errorf("read the sign-in policy: %w", err)
	}
	for _, one := range t.Proofs {
		if _, glass := p.Allows(t.Surface(), one.Method); glass {
			e.SignIn.AdditionalDetails = audit.BreakGlass
		}
	}
	return nil
}

// event makes the sign-in event of a step; why is nil for success.
func (s *Service) event(t Transaction, id MethodID, place Place, why *fault.Error, now time.Time) audit.Event {
	in := &audit.SignIn{
		AppID: string(t.Application.ID), AppDisplayName: t.Application.DisplayName,
		IPAddress: place.Address.String(), UserAgent: place.UserAgent, ClientAppUsed: audit.ClientBrowser,
		Interactive: true, EventType: audit.InteractiveUser, TransactionID: t.ID,
		AuthenticationRequirement: t.Require.name(), Protocol: audit.ProtocolOAuth2, IncomingTokenType: audit.IncomingNone,
	}
	in.Browser, in.OperatingSystem = DescribeAgent(place.UserAgent)
	t.Device.Describe(in)
	if t.User != "" {
		in.UserID, in.UserPrincipalName, in.UserDisplayName = string(t.User), strings.ToLower(t.Username), t.DisplayName
	} else {
		in.UnknownName = t.NameHash
	}
	if pass := t.Pass(); pass != nil {
		in.PassID = pass.ID
	}
	in.Details = s.details(t)
	if why != nil {
		in.ErrorCode, in.FailureReason = why.AADSTS, why.Text
		failed := audit.AuthenticationDetail{Method: s.nameOf(id), Requirement: audit.StepPrimary, At: now, ResultDetail: why.Text}
		if len(in.Details) > 0 {
			failed.Requirement = audit.StepMFA
		}
		in.Details = append(in.Details, failed)
	}
	return audit.Event{Tenant: string(t.Home), ID: uuid.NewString(), At: now, CorrelationID: t.CorrelationID, SignIn: in}
}

// details are the proofs of t, as the log shows them, those of the session before it first.
func (s *Service) details(t Transaction) []audit.AuthenticationDetail {
	var all []audit.AuthenticationDetail
	for i, p := range t.all() {
		d := audit.AuthenticationDetail{Method: s.nameOf(p.Method), Requirement: audit.StepPrimary, At: p.At, Succeeded: true}
		if i > 0 {
			d.Requirement = audit.StepMFA
		}
		if i < len(t.Earlier) {
			d.ResultDetail = audit.PreviouslySatisfied
		}
		switch {
		case p.Pass != nil && p.Pass.SingleUse:
			d.Detail = audit.PassOneTime
		case p.Pass != nil:
			d.Detail = audit.PassMultiUse
		case p.Credential != nil:
			d.Detail = p.Credential.ID
		}
		all = append(all, d)
	}
	return all
}

func (s *Service) nameOf(id MethodID) string {
	if m := s.method(id); m != nil {
		return m.Name()
	}
	return string(id)
}
