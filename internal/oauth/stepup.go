package oauth

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth/claims"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/signin"
)

// The values of acr and amr that an application can ask for and that say what a sign-in must
// show (docs/sign-in.md, "Step-up").
const (
	valueMFA    = "mfa"    // two factors
	valuePHR    = "phr"    // phishing-resistant (OpenID EAP ACR Values 1.0 section 2)
	valueNGCMFA = "ngcmfa" // two factors, fresh enough to register methods
)

// acrValues are those of the acr_values parameter that are known, best first as the client
// wrote them. Unknown ones are left out: the parameter is a wish (OpenID Connect Core section
// 3.1.2.1), but one that can be met is (RFC 9470 section 5).
func acrValues(text string) claims.AnyOf {
	var all claims.AnyOf
	for v := range strings.FieldsSeq(text) {
		if v == valueMFA || v == valuePHR || v == valueNGCMFA {
			all = append(all, v)
		}
	}
	return all
}

// demands are the lists of values of which q wants one each.
func (q authRequest) demands() []claims.AnyOf {
	all := slices.Concat(q.Claims.AMR, q.Claims.ACR)
	if len(q.ACRValues) > 0 {
		all = append(all, q.ACRValues)
	}
	return all
}

// anew reports whether q wants all proofs again, whatever the browser is signed in with.
func (q authRequest) anew() bool { return q.Prompt == "login" || q.MaxAge == 0 }

// age is how new q wants the proofs, which are two factors.
func (q authRequest) age(now time.Time) signin.Requirement {
	switch {
	case q.anew():
		return signin.Requirement{Since: now}
	case q.MaxAge > 0:
		return signin.Requirement{Since: now.Add(-q.MaxAge)}
	}
	return signin.Requirement{}
}

// require is what a sign-in that answers q at now must show, beyond what session, if there is
// one, shows already. Of several values the first that says anything is what is asked for.
func (q authRequest) require(session *signin.Session, now time.Time) signin.Requirement {
	r := q.age(now)
	for _, any := range q.demands() {
		if session != nil && any.MetBy(shown(*session, now)) {
			continue
		}
		for _, v := range any {
			switch v {
			case valuePHR:
				r.PhishingResistant = true
			case valueNGCMFA:
				r.Since = now
			case valueMFA:
			default:
				continue
			}
			break
		}
	}
	return r
}

// enoughAt reports whether a session shows two factors by methods that may be used where q comes
// from: single sign-on leads around no policy.
func (s *Server) enoughAt(r *http.Request, session signin.Session, q authRequest) error {
	if q.Device != nil { // each sign-in there is a new one
		return nil
	}
	counted, err := s.SignIn.At(r.Context(), session, signin.SurfaceOf(q.Client))
	if err == nil && !(signin.Requirement{}).Met(counted.Proofs) {
		err = oautherr.ErrMFARequired
	}
	return err
}

// shown are the values of amr and acr that are true of a session at now.
func shown(s signin.Session, now time.Time) []string {
	all := s.AMR(now)
	if y := s.Shown(); y.PhishingResistant && y.Factors.Multi() {
		all = append(all, valuePHR)
	}
	return all
}

// shown is as [shown], of what comes from a session by f. Approving another device's code is
// never phishing-resistant (docs/threat-model.md, rule 18).
func (f Family) shown(s signin.Session, now time.Time) []string {
	if f.byDeviceCode() {
		return f.amr(now)
	}
	return shown(s, now)
}

// acr is the value that tokens for q have: the first asked for that is true, empty when none
// was asked for.
func (q authRequest) acr(values []string) string {
	asked := slices.Concat(q.Claims.ACR...)
	for _, v := range slices.Concat(asked, q.ACRValues) {
		if slices.Contains(values, v) {
			return v
		}
	}
	return ""
}

// raisable is the session of the browser that a sign-in for q adds to: the one that the hint
// names, or the only one. Which of several accounts is meant is the person's to say.
func (s *Server) raisable(r *http.Request, tenant directory.Tenant, q authRequest) (signin.Session, directory.User, bool) {
	var found []signin.Session
	var users []directory.User
	if q.Prompt == "select_account" || q.Device != nil {
		return signin.Session{}, directory.User{}, false
	}
	for _, o := range browser.Sessions(r) {
		if tenant.ID != "" && o.Tenant != string(tenant.ID) {
			continue
		}
		session, user, err := s.SignIn.Session(r.Context(), o)
		if err != nil || q.LoginHint != "" && !strings.EqualFold(q.LoginHint, user.UserPrincipalName) {
			continue
		}
		found, users = append(found, session), append(users, user)
	}
	if len(found) != 1 {
		return signin.Session{}, directory.User{}, false
	}
	return found[0], users[0], true
}
