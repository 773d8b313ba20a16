package oauth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// Continuous access evaluation: an access token for Graph or UserInfo remembers the version of
// the tenant's rules and the address for which it was issued. Where both are still so, nothing
// is asked; else the rules are asked about it once more.

const (
	// rulesAge is how long a replica may go by a version of the rules that it read.
	rulesAge = time.Second
	// answerAge is how long an answer of the rules about one token counts, while they are the same.
	answerAge = 5 * time.Second
	// maxRecent bounds what is remembered.
	maxRecent = 10_000
)

// recent remembers, for a moment, what was read for access tokens.
type recent struct {
	mu       sync.Mutex
	rules    map[directory.TenantID]recentRules
	verdicts map[string]recentVerdict
}

type recentRules struct {
	version int64
	any     bool
	until   time.Time
}

type recentVerdict struct {
	err   error
	until time.Time
}

// StillAllowed says why the rules no longer allow what a genuine access token is used for, or nil.
func (s *Server) StillAllowed(ctx context.Context, a token.Access) error {
	rules, err := s.recentRules(ctx, a.Tenant)
	if err != nil || !rules.any {
		return err
	}
	address := request.From(ctx).Address.String()
	// What a web application sends for a person comes from its server.
	elsewhere := address != a.IPAddress && (a.AppOnly() || a.AppIDACR == "0")
	if rules.version == a.Rules && !elsewhere {
		return nil
	}
	key := fmt.Sprintf("%s|%s|%d|%s", a.Family, a.ID, rules.version, address)
	now := s.Now()
	s.recent.mu.Lock()
	known, ok := s.recent.verdicts[key]
	s.recent.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.err
	}
	err = s.askAbout(ctx, a)
	if err != nil && !told(err) {
		return err // an outage is no answer
	}
	s.recent.mu.Lock()
	defer s.recent.mu.Unlock()
	if s.recent.verdicts == nil || len(s.recent.verdicts) >= maxRecent {
		s.recent.verdicts = map[string]recentVerdict{}
	}
	s.recent.verdicts[key] = recentVerdict{err, now.Add(answerAge)}
	return err
}

// recentRules are the tenant's rules, as they were at most rulesAge ago.
func (s *Server) recentRules(ctx context.Context, tenant directory.TenantID) (recentRules, error) {
	now := s.Now()
	s.recent.mu.Lock()
	known, ok := s.recent.rules[tenant]
	s.recent.mu.Unlock()
	if ok && now.Before(known.until) {
		return known, nil
	}
	version, some, err := s.SignIn.RulesNow(ctx, tenant)
	if err != nil {
		return known, err
	}
	s.recent.mu.Lock()
	defer s.recent.mu.Unlock()
	if s.recent.rules == nil || len(s.recent.rules) >= maxRecent {
		s.recent.rules = map[directory.TenantID]recentRules{}
	}
	known = recentRules{version, some, now.Add(rulesAge)}
	s.recent.rules[tenant] = known
	return known, nil
}

// askAbout asks the rules about a token at the place that ctx comes from.
func (s *Server) askAbout(ctx context.Context, a token.Access) error {
	facts := request.From(ctx)
	place := signin.Place{Address: facts.Address, UserAgent: facts.UserAgent}
	if a.AppOnly() {
		v, err := s.SignIn.Judge(ctx, signin.Question{
			Tenant: a.Tenant, Workload: directory.ServicePrincipalID(a.Object), App: directory.GraphAppID,
			Client: access.NativeClient, Place: place, At: s.Now(),
		})
		if err == nil && v.Bars() {
			err = token.ErrInvalid
		}
		return err
	}
	f, err := s.Store.Family(ctx, a.Tenant, a.Family)
	if err != nil {
		return err
	}
	if a.AppIDACR != "0" && f.Seen.Address != "" {
		place = f.Seen.place()
	}
	v, err := s.judge(ctx, f, a.UPN, place)
	if v != nil && v.NoContinuous {
		return nil
	}
	if told(err) {
		err = token.ErrInvalid.With("", "A rule of the organisation no longer allows what this token is used for.")
	}
	return err
}

// MayRegister says why the rules do not let the person of a token add a way to sign in themselves,
// or nil.
func (s *Server) MayRegister(ctx context.Context, a token.Access) error {
	f, err := s.Store.Family(ctx, a.Tenant, a.Family)
	if err != nil {
		return err
	}
	f.App, f.Resource, f.Contexts = directory.PagesAppID, "", nil
	facts := request.From(ctx)
	_, err = s.judge(ctx, f, a.UPN, signin.Place{Address: facts.Address, UserAgent: facts.UserAgent})
	return err
}

// told reports whether err is what a client may be told, and no outage.
func told(err error) bool {
	_, ok := errors.AsType[*fault.Error](err)
	return ok
}
