package presentation

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/sdjwt"
)

// Service asks wallets. Every field is required.
type Service struct {
	Store Store
	Cases recovery.Service
	// MAC is keyed for this life of the store, Stable for every one.
	MAC, Stable MAC
	// Lists fetches the status list at an address that a trusted issuer named.
	Lists     func(ctx context.Context, address string) (string, error)
	PublicURL string
	Now       func() time.Time // UTC
	Rand      io.Reader
}

// Lifetime is how long a request waits for its answer, and the answer for its browser.
const Lifetime = 10 * time.Minute

// Offered reports whether a tenant's policy takes credentials at all.
func Offered(p recovery.Policy) bool {
	return len(p.Credentials) > 0 && p.LevelOf(recovery.ProofCredential) != recovery.LevelNone
}

// Ask makes a request for the browser of a case, real or not, and returns the link for a wallet.
func (s Service) Ask(ctx context.Context, tenant directory.TenantID, caseID, holder, from string) (Request, string, error) {
	now := s.Now()
	id, err := draw(s.Rand, 32)
	if err != nil {
		return Request{}, "", err
	}
	r := Request{Tenant: tenant, ID: id, Case: caseID, Holder: holder, From: from, CreatedAt: now, EndsAt: now.Add(Lifetime)}
	by, err := s.identity(ctx, tenant)
	if err != nil {
		return r, "", err
	}
	return r, s.link(by.client(), r), s.Store.PutPresentation(ctx, r)
}

// waiting returns a request that can be answered, and whose credentials it asks for.
func (s Service) waiting(ctx context.Context, tenant directory.TenantID, id string) (Request, []sdjwt.Issuer, error) {
	r, err := s.Store.Presentation(ctx, tenant, id)
	if err != nil {
		return r, nil, err
	}
	policy, err := s.Cases.Cases.RecoveryPolicy(ctx, tenant)
	if err != nil {
		return r, nil, err
	}
	if !r.waits(s.Now()) || !Offered(policy) {
		return r, nil, ErrOver
	}
	return r, policy.Credentials, nil
}

// Answer takes the answer of a wallet and returns where to lead the person. It tells of the
// credential, and never whether it was about the person of the case: whoever posts it may be
// anybody with a credential of their own.
func (s Service) Answer(ctx context.Context, tenant directory.TenantID, id, answer string, by recovery.Actor) (string, error) {
	r, issuers, err := s.waiting(ctx, tenant, id)
	if err != nil {
		return "", err
	}
	c, about, err := s.about(ctx, r)
	if err != nil {
		return "", err
	}
	credential, err := s.verified(ctx, r, answer, issuers)
	if why, told := errors.AsType[*fault.Error](err); told {
		return "", errors.Join(err, s.Store.RefusePresentation(ctx, r, s.Now(), noted(c, by, s.Now(), why)...))
	} else if err != nil {
		return "", err
	}
	code, err := draw(s.Rand, codeLength)
	if err != nil {
		return "", err
	}
	if r.CodeHash, err = s.codeHash(ctx, r, code); err != nil {
		return "", err
	}
	r.Reference, r.About = credential.Reference, about(credential)
	var events []audit.Event
	if !r.About {
		events = noted(c, by, s.Now(), sdjwt.ErrOther)
	}
	if err := s.Store.AnswerPresentation(ctx, r, s.Now(), events...); err != nil {
		return "", err
	}
	return s.back(r, code), nil
}

// about returns the case of r, and what says whether a credential is about its person. A request
// may have no case; nothing is about its person.
func (s Service) about(ctx context.Context, r Request) (recovery.Case, func(sdjwt.Credential) bool, error) {
	nobody := func(sdjwt.Credential) bool { return false }
	c, err := s.Cases.Cases.Case(ctx, r.Tenant, r.Case)
	if errors.Is(err, recovery.ErrUnknown) {
		return recovery.Case{}, nobody, nil
	} else if err != nil {
		return c, nobody, err
	}
	v, err := s.Cases.View(ctx, c)
	return c, func(credential sdjwt.Credential) bool {
		return v.Subject.User.ID != "" && v.State.Waits() && v.Subject.Is(credential, v.Policy, v.At)
	}, err
}

// noted are the events of an answer that counted for nothing: none without a case.
func noted(c recovery.Case, by recovery.Actor, at time.Time, why *fault.Error) []audit.Event {
	if c.ID == "" {
		return nil
	}
	return []audit.Event{c.NotProven(recovery.ProofCredential, by, at, why)}
}

// verified reads and verifies an answer.
func (s Service) verified(ctx context.Context, r Request, answer string, issuers []sdjwt.Issuer) (sdjwt.Credential, error) {
	text, err := s.read(ctx, r, answer, issuers)
	if err != nil {
		return sdjwt.Credential{}, err
	}
	by, err := s.identity(ctx, r.Tenant)
	if err != nil {
		return sdjwt.Credential{}, err
	}
	nonce, err := s.MAC(ctx, string(r.Tenant), nonceLabel, []byte(r.ID))
	if err != nil {
		return sdjwt.Credential{}, err
	}
	c, err := sdjwt.Verify(text, sdjwt.Demand{Issuers: issuers, Audience: by.client(), Nonce: nonce, Since: r.CreatedAt}, s.Now())
	if err != nil || c.Status == nil {
		return c, err
	}
	list, err := s.Lists(ctx, c.Status.URI)
	if err != nil {
		return c, sdjwt.ErrRevoked.With("", "The status of the credential can't be fetched.")
	}
	return c, c.Status.Counts(list, c.Issuer, s.Now())
}

func (s Service) codeHash(ctx context.Context, r Request, code string) (string, error) {
	return s.MAC(ctx, string(r.Tenant), codeLabel, []byte(r.ID+" "+code))
}

// Take takes the answer to a request in the browser that asked, by the code that the wallet was
// led to, and returns the proof. Any other browser, case or code is ErrOver; so is a credential
// about somebody else.
func (s Service) Take(ctx context.Context, tenant directory.TenantID, id, caseID, holder, code string) (recovery.Proof, error) {
	r, err := s.Store.Presentation(ctx, tenant, id)
	if err != nil {
		return recovery.Proof{}, err
	}
	if r.Case != caseID || r.Holder != holder {
		return recovery.Proof{}, ErrOver
	}
	code = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(code))
	if r.CodeHash, err = s.codeHash(ctx, r, code); err != nil {
		return recovery.Proof{}, err
	}
	if err := s.Store.TakePresentation(ctx, r, s.Now()); err != nil {
		return recovery.Proof{}, err
	}
	if !r.About {
		return recovery.Proof{}, ErrOver
	}
	return recovery.Proof{Kind: recovery.ProofCredential, Reference: r.Reference}, nil
}

// Asked returns a request for whoever has its id, and whether it is of that browser.
func (s Service) Asked(ctx context.Context, tenant directory.TenantID, id, holder string) (r Request, own bool, err error) {
	r, err = s.Store.Presentation(ctx, tenant, id)
	return r, err == nil && holder != "" && r.Holder == holder, err
}
