package signin

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/token"
)

// Raise begins a sign-in in which the person of a session, which the browser holds, proves what
// t.Require wants beyond the proofs of that session. It ends in the same session: that keeps its
// id, so that what applications got stays with it, and gets another secret, so that whoever
// copied the old one has nothing (docs/sign-in.md, "Step-up").
func (s *Service) Raise(ctx context.Context, t Transaction, to Session, user directory.User, place Place) (Transaction, token.Opaque, error) {
	if to.User != user.ID || t.Device != nil || t.Tenant != "" && t.Tenant != directory.NoTenant && t.Tenant != to.Tenant {
		return t, token.Opaque{}, ErrGone
	}
	t.Raises, t.Stay = to.ID, &to.Persistent
	t.Home, t.Username, t.User, t.DisplayName = to.Tenant, user.UserPrincipalName, user.ID, user.DisplayName
	t.SelectAccount = false
	var err error
	if t.NameHash, err = s.Secrets.MAC(ctx, string(t.Home), labelName, []byte(strings.ToLower(t.Username))); err != nil {
		return t, token.Opaque{}, err
	}
	if t.Last, t.Familiar, err = s.familiar(ctx, t, place); err != nil {
		return t, token.Opaque{}, err
	}
	counted, err := s.At(ctx, to, t.Surface())
	if err != nil {
		return t, token.Opaque{}, err
	}
	t.Earlier = t.Require.Counted(counted)
	return s.Begin(ctx, t, place)
}

// Counted returns the proofs of a session that r counts. Those of a session with a purpose never
// do: only a full proof replaces it (docs/threat-model.md, rule 6). A proof of the very moment
// from which r counts is an old one.
func (r Requirement) Counted(s Session) []Proof {
	if s.Purpose != "" {
		return nil
	}
	var all []Proof
	for _, p := range s.Proofs {
		if p.from(r.Since) && !p.At.Equal(r.Since) {
			all = append(all, p)
		}
	}
	return all
}

// MetBySession reports whether a session shows what r wants, without another question.
func (r Requirement) MetBySession(s Session) bool { return r.Met(r.Counted(s)) }

// own makes t a sign-in by itself, which adds to no session. One factor may be enough beside a
// session, never alone: who goes on under another name shows two.
func (t Transaction) own() Transaction {
	t.Raises, t.Earlier, t.Require.SingleFactor = "", nil, false
	return t
}

// all are the proofs that t counts: those of the session that it adds to, and its own.
func (t Transaction) all() []Proof { return append(slices.Clone(t.Earlier), t.Proofs...) }

// raised returns the session that t adds to and the hash of its secret, if the browser holds it
// still and what it shows is enough together with the proofs of t. When it is not there any
// more, but the new proofs are enough alone, t becomes a sign-in by itself.
func (s *Service) raised(ctx context.Context, t Transaction, held []token.Opaque) (Transaction, Session, string, error) {
	for _, o := range held {
		if o.ID != t.Raises || o.Tenant != string(t.Home) {
			continue
		}
		old, user, err := s.Session(ctx, o)
		if errors.Is(err, ErrGone) {
			break
		}
		if err != nil {
			return t, old, "", err
		}
		counted, err := s.At(ctx, old, t.Surface())
		if err != nil {
			return t, old, "", err
		}
		t.Earlier = t.Require.Counted(counted)
		if user.ID != t.User || !t.Proved() {
			break
		}
		hash, err := s.Secrets.MAC(ctx, o.Tenant, labelSession, o.Secret[:])
		return t, old, hash, err
	}
	// One factor that was asked for beside a session is no sign-in by itself.
	if alone := t.own(); !t.Require.SingleFactor && alone.Proved() {
		return alone, Session{}, "", nil
	}
	return t, Session{}, "", ErrGone
}

// raise returns s with the new proofs of t at now. When they are two factors by themselves they
// replace the passes of before, with their limits, and the session lives as long as a new one.
func (s Session) raise(t Transaction, place Place, now time.Time) Session {
	full := Requirement{}.Met(t.Proofs)
	var kept []Proof
	for _, p := range s.Proofs {
		again := slices.ContainsFunc(t.Proofs, func(n Proof) bool { return n.Method == p.Method })
		if !again && !(full && (p.Pass != nil || p.Purpose != "")) {
			kept = append(kept, p)
		}
	}
	fresh := newSession(t, s.ID, place, now)
	fresh.CreatedAt, fresh.Proofs = s.CreatedAt, slices.Concat(kept, t.Proofs)
	if !full {
		fresh.ExpiresAt = earlier(fresh.ExpiresAt, s.ExpiresAt)
	}
	return fresh.limit()
}
