package signin

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/fault"
)

// tellGlass says in the event of a sign-in which of its methods only break-glass allowed here.
func (s *Service) tellGlass(ctx context.Context, t Transaction, e *audit.Event) error {
	p, err := s.Policies.SignInPolicy(ctx, t.Home)
	if err != nil {
		return fmt.Errorf("read the sign-in policy: %w", err)
	}
	realm, err := s.realm(ctx, t)
	if err != nil {
		return err
	}
	for i, one := range t.Proofs {
		before := t
		before.Proofs = t.Proofs[:i]
		if m := s.method(one.Method); m != nil && !realm.takes(before, m, false) {
			e.SignIn.AdditionalDetails = strings.TrimPrefix(e.SignIn.AdditionalDetails+"; "+audit.BreakGlass, "; ")
		}
		if _, glass := p.Allows(t.Surface(), one.Method); glass {
			e.SignIn.AdditionalDetails = strings.TrimPrefix(e.SignIn.AdditionalDetails+"; "+audit.BreakGlass, "; ")
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
		AuthenticationRequirement: t.Require.name(), Protocol: cmp.Or(t.Protocol, audit.ProtocolOAuth2), IncomingTokenType: audit.IncomingNone,
	}
	in.Browser, in.OperatingSystem = DescribeAgent(place.UserAgent)
	s.Locate(in)
	t.Device.Describe(in)
	if t.User != "" {
		in.UserID, in.UserPrincipalName, in.UserDisplayName = string(t.User), strings.ToLower(t.Username), t.DisplayName
	} else {
		in.UnknownName = t.NameHash
	}
	if pass := t.Pass(); pass != nil {
		in.PassID = pass.ID
		if pass.issuedFrom(place.Address) {
			in.AdditionalDetails = audit.IssuerAddress
		}
	}
	in.Details = s.details(t)
	t.Verdict.Describe(in)
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

// Locate puts the country of its address into a sign-in event. It is kept, since an address may be
// elsewhere by the time that somebody looks.
func (s *Service) Locate(in *audit.SignIn) {
	if s.Countries == nil {
		return
	}
	if address, err := netip.ParseAddr(in.IPAddress); err == nil {
		in.Country = s.Countries.Country(address)
	}
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
