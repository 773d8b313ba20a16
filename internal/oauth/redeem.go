package oauth

import (
	"cmp"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/oauth/pkce"
	"github.com/postern-id/postern/internal/oauth/scope"
	"github.com/postern-id/postern/internal/token"
)

// authorizationCode redeems a code (RFC 6749 section 4.1.3). All that could be wrong with
// the request is looked at before the code is spent, so that a stranger can't spend it.
func (s *Server) authorizationCode(x *exchange) (tokens, error) {
	g, f, err := s.presented(x, KindCode, "code")
	if err != nil {
		return tokens{}, err
	}
	form := x.r.PostForm
	if form.Get("redirect_uri") != g.RedirectURI {
		return tokens{}, oautherr.ErrInvalidGrant.With("redirect_uri", "The redirect_uri is not the one of the authorization request.")
	}
	if verifier := form.Get("code_verifier"); g.Challenge != "" || verifier != "" {
		if err := pkce.Verify(pkce.Method, g.Challenge, verifier); err != nil {
			return tokens{}, err
		}
	}
	if g.SPA && x.r.Header.Get("Origin") == "" {
		return tokens{}, oautherr.ErrOriginMissing
	}
	thumbprint, err := s.proof(x, g.Thumbprint)
	if err != nil {
		return tokens{}, err
	}
	return s.spend(x, g, f, thumbprint, false)
}

// refreshToken exchanges a refresh token for new tokens (RFC 6749 section 6). Tokens that
// are bound to a key are not rotated (RFC 9700 section 4.14.2); all others work once.
func (s *Server) refreshToken(x *exchange) (tokens, error) {
	g, f, err := s.presented(x, KindRefresh, "refresh_token")
	if err != nil {
		return tokens{}, err
	}
	if g.SPA && x.r.Header.Get("Origin") == "" {
		return tokens{}, oautherr.ErrOriginMissing
	}
	thumbprint, err := s.proof(x, g.Thumbprint)
	if err != nil {
		return tokens{}, err
	}
	if f, err = s.narrowed(x, f); err != nil {
		return tokens{}, err
	}
	if f, err = s.stillGranted(x, f); err != nil {
		return tokens{}, err
	}
	return s.spend(x, g, f, thumbprint, g.Thumbprint != "" || x.client.proof == "2")
}

// narrowed returns f with those of its scopes that the request asks for: all without a scope
// parameter, and never more than there are (RFC 6749 section 6). It is for this answer alone;
// the refresh token keeps all, so that later answers may have them again.
func (s *Server) narrowed(x *exchange, f Family) (Family, error) {
	text := x.r.PostForm.Get("scope")
	if strings.TrimSpace(text) == "" {
		return f, nil
	}
	asked, err := scope.Parse(text, s.PublicURL)
	if err != nil {
		return f, err
	}
	if asked.Resource != "" {
		same, err := s.sameResource(x, f, asked.Resource)
		if err != nil {
			return f, err
		}
		if !same {
			return f, oautherr.ErrWiderScope
		}
	}
	f.OpenID, f.Profile, f.Email = f.OpenID && asked.OpenID, f.Profile && asked.Profile, f.Email && asked.Email
	if asked.Default {
		return f, nil
	}
	had := strings.Fields(f.Scopes)
	names := asked.Names
	if len(names) == 0 && slices.Contains(had, "User.Read") {
		names = []string{"User.Read"} // enough for UserInfo, as at the authorization
	}
	var left []string
	for _, name := range names {
		i := slices.IndexFunc(had, func(h string) bool { return strings.EqualFold(h, name) })
		if i < 0 {
			return f, oautherr.ErrWiderScope
		}
		left = append(left, had[i])
	}
	f.Scopes = strings.Join(left, " ")
	return f, nil
}

// sameResource reports whether asked names the API of f, by whatever of its names.
func (s *Server) sameResource(x *exchange, f Family, asked string) (bool, error) {
	if strings.EqualFold(asked, cmp.Or(f.Resource, scope.Graph)) {
		return true, nil
	}
	mine, _, err := s.resourceOf(x.r, f.Tenant, f.Resource)
	if err != nil {
		return false, err
	}
	other, _, err := s.resourceOf(x.r, f.Tenant, asked)
	return mine.ID == other.ID, err
}

// stillGranted returns f with those of its scopes that are granted to this day. When none is
// left, or the person may no longer use the application, the refresh is refused; what is
// granted again later works again.
func (s *Server) stillGranted(x *exchange, f Family) (Family, error) {
	if err := s.mayUse(x.r, x.client, directory.User{Tenant: f.Tenant, ID: f.User}); err != nil {
		return f, err
	}
	had := strings.Fields(f.Scopes)
	if len(had) == 0 {
		return f, nil
	}
	p, _, err := s.resourceOf(x.r, f.Tenant, f.Resource)
	if err != nil {
		return f, err
	}
	granted, err := s.Store.GrantedScopes(x.r.Context(), f.Tenant, x.client.principal.ID, p.ID, f.User)
	if err != nil {
		return f, err
	}
	left := slices.DeleteFunc(had, func(name string) bool { return !slices.Contains(granted, name) })
	if len(left) == 0 {
		return f, oautherr.ErrConsentRequired
	}
	f.Scopes = strings.Join(left, " ")
	return f, nil
}

// presented returns the grant in the form if it is real, of this client, alive and unspent.
// A second use is let through to the store, which ends the family; so is a refresh token
// whose pass has ended, which the store says and the log then has.
func (s *Server) presented(x *exchange, kind GrantKind, field string) (Grant, Family, error) {
	text := x.r.PostForm.Get(field)
	if text == "" {
		return Grant{}, Family{}, oautherr.ErrMissingParameter.With(field, "The "+field+" is missing.")
	}
	o, err := token.ParseOpaque(text)
	if err != nil || o.Tenant != string(x.tenant.ID) {
		return Grant{}, Family{}, oautherr.ErrInvalidGrant
	}
	g, f, hash, err := s.Store.Grant(x.r.Context(), x.tenant.ID, kind, o.ID)
	if err != nil {
		return g, f, err
	}
	got, err := s.grantHash(x.r, kind, o)
	switch {
	case err != nil:
		return g, f, err
	case subtle.ConstantTimeCompare([]byte(hash), []byte(got)) != 1 || f.App != x.client.app.AppID:
		return g, f, oautherr.ErrInvalidGrant
	case kind == KindCode && g.UsedAt.IsZero() && !s.Now().Before(g.ExpiresAt):
		return g, f, oautherr.ErrCodeExpired
	case kind == KindRefresh && !s.Now().Before(g.ExpiresAt) && (f.PassEnd.IsZero() || s.Now().Before(f.PassEnd)):
		return g, f, oautherr.ErrRefreshExpired
	}
	return g, f, fitsKey(f, g)
}

// proof returns the thumbprint of the key that the request proves by DPoP, which must be
// want unless that is empty; "" without a proof.
func (s *Server) proof(x *exchange, want string) (string, error) {
	if len(x.r.Header.Values("DPoP")) == 0 {
		if want != "" || x.client.app.DPoPBound {
			return "", dpop.ErrInvalid.With("DPoP", "This request needs a DPoP proof.")
		}
		return "", nil
	}
	text, err := dpop.FromHeader(x.r.Header.Values("DPoP"))
	if err != nil {
		return "", err
	}
	p, err := dpop.Verify(text, dpop.Want{
		Method: http.MethodPost, URL: s.PublicURL + x.r.URL.EscapedPath(), Now: s.Now(), Thumbprint: want,
	})
	if err != nil {
		return "", err
	}
	return p.Thumbprint, dpop.Once(x.r.Context(), s.Store, string(x.tenant.ID), p)
}

// spend uses g up and returns the tokens of its family, with a next refresh token where one
// was asked for. keep leaves a bound refresh token as it is.
func (s *Server) spend(x *exchange, g Grant, f Family, thumbprint string, keep bool) (tokens, error) {
	user, err := s.Store.User(x.r.Context(), f.Tenant, f.User)
	if errors.Is(err, directory.ErrUserUnknown) {
		return tokens{}, oautherr.ErrRevoked
	}
	if err != nil {
		return tokens{}, err
	}
	tokenID := uuid.NewString()
	e := s.personEvent(x.r, f, x.client, user, tokenID)
	if g.Kind == KindRefresh {
		e.SignIn.IncomingTokenType = audit.IncomingRefreshToken
	}
	if f.Rules, err = s.ruled(x, f, user, g.Kind, e); err != nil {
		return tokens{}, err
	}
	out, err := s.issue(x, f, user, thumbprint, tokenID)
	if err != nil {
		return tokens{}, err
	}
	var next *Grant
	var nextHash string
	if keep {
		out.Refresh = x.r.PostForm.Get("refresh_token")
	} else if next, nextHash, err = s.refreshGrant(x, f, thumbprint, g.SPA, &out); err != nil {
		return tokens{}, err
	}
	err = s.Store.Spend(x.r.Context(), g, keep, next, nextHash, s.Now(), e)
	if err != nil {
		return tokens{}, s.refused(x, e, g.Kind, err)
	}
	return out, nil
}

// ruled asks the rules about f before its grant is spent, puts what they say into e, and returns
// their version. Who is refused keeps the grant: what is lifted later works again.
func (s *Server) ruled(x *exchange, f Family, user directory.User, kind GrantKind, e audit.Event) (int64, error) {
	v, version, err := s.stillAllowed(x, f, user, kind)
	v.Describe(e.SignIn)
	if err != nil {
		return version, s.refused(x, e, kind, err)
	}
	return version, nil
}

// refreshGrant draws the next refresh token of f, puts it into out and returns what the store
// keeps of it; nil when f has none.
func (s *Server) refreshGrant(x *exchange, f Family, thumbprint string, spa bool, out *tokens) (*Grant, string, error) {
	if !f.Offline {
		return nil, "", nil
	}
	fresh, secret, hash, err := s.newGrant(x.r, f, KindRefresh)
	if err != nil {
		return nil, "", err
	}
	fresh.SPA = spa
	if x.client.public() {
		fresh.Thumbprint = thumbprint // RFC 9449 section 5
	}
	out.Refresh = secret
	return &fresh, hash, nil
}

// refused turns the failure of a grant into what is told, and logs it. When a pass was
// behind the family its end is named as such.
func (s *Server) refused(x *exchange, e audit.Event, kind GrantKind, err error) error {
	told := err
	switch {
	case errors.Is(err, ErrReused) && kind == KindCode:
		told = oautherr.ErrCodeUsed
	case errors.Is(err, ErrReused):
		told = oautherr.ErrInvalidGrant
	}
	var f *fault.Error
	if !errors.As(told, &f) {
		return told
	}
	e.SignIn.ErrorCode, e.SignIn.FailureReason = f.AADSTS, f.Text
	if err := s.Store.RecordTokens(x.r.Context(), e); err != nil {
		return err
	}
	return told
}
