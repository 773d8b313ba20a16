package pages

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/signin"
)

// passwordPage is password.html: asks for a password, in the field password. What was typed
// is never shown again.
type passwordPage struct {
	frame
	who
	OtherWaysHref string
}

func (passwordPage) file() string { return "password.html" }

func showPassword(base frame, v visit, who who, _ []byte) (page, error) {
	return passwordPage{frame: base, who: who, OtherWaysHref: Address(v.handle) + "&go=methods"}, nil
}

// newPasswordPage is newpassword.html: asks in the middle of a sign-in for a new password in
// the place of one that somebody else has set, in the fields newpassword and repeat.
type newPasswordPage struct {
	frame
	who
	Length string // how many characters it needs
	First  bool   // its fields are the first of the page
}

func (newPasswordPage) file() string { return "newpassword.html" }

// addPasswordPage is addpassword.html: sets a password, changes it (the present one is in the
// field password), or removes it.
type addPasswordPage struct {
	frame
	setup
	Length     string
	First      bool   // the new one is what is typed first
	Has        bool   // the person has one
	Forgot     bool   // and may replace it without typing it
	ForgotHref string // where that is; "" while it is not possible
}

func (addPasswordPage) file() string { return "addpassword.html" }

// passwordLength is how many characters a new password needs.
func (s *Site) passwordLength(r *http.Request, tenant directory.TenantID) (string, error) {
	policy, err := s.Passwords.Method.Policy(r.Context(), tenant)
	return strconv.Itoa(policy.MinimumLength), err
}

// askNewPassword shows the question for a new password.
func (s *Site) askNewPassword(w http.ResponseWriter, r *http.Request, v visit, base frame, status int) error {
	length, err := s.passwordLength(r, v.transaction.Home)
	if err != nil {
		return err
	}
	s.render(w, r, status, newPasswordPage{frame: base, who: s.who(v), Length: length, First: true})
	return nil
}

// takeNewPassword takes the new password of a sign-in that can't go on with the old one.
func (s *Site) takeNewPassword(r *http.Request, v visit) (signin.Transaction, error) {
	t := v.transaction
	if !t.Proved() || t.Renews() != password.MethodID {
		return t, signin.ErrGone
	}
	typed, err := repeated(r)
	if err != nil {
		return t, err
	}
	user, err := s.SignIn.Store.User(r.Context(), t.Home, t.User)
	if err != nil {
		return t, err
	}
	old, err := s.SignIn.MayRenew(r.Context(), t)
	if err != nil {
		return t, err
	}
	here := place(r)
	reg := registration{frame: frame{CorrelationID: t.CorrelationID}, me: knownAccount{user: user}, place: here}
	c, err := s.Passwords.Set(r.Context(), password.Change{
		Tenant: v.tenant, User: user, New: typed, By: reg.actor(), Place: here, Activity: audit.ChangeUserPassword,
		Origin: method.OriginOf(signin.Session{Proofs: t.Proofs}, here), Instead: old,
	})
	if errors.Is(err, method.ErrNone) { // somebody else has set another one, or removed it
		err = signin.ErrGone
	}
	if err != nil {
		return t, err
	}
	return s.SignIn.Renewed(r.Context(), t, password.MethodID, c.ID)
}

// withoutOff leaves out the password of a tenant that turned passwords off: no page mentions
// one there.
func (s *Site) withoutOff(r *http.Request, tenant directory.TenantID, all []method.Credential) ([]method.Credential, error) {
	on, err := s.Passwords.Method.Enabled(r.Context(), tenant)
	if on || err != nil {
		return all, err
	}
	return slices.DeleteFunc(all, func(c method.Credential) bool { return c.Kind == password.MethodID }), nil
}

// repeated is the new password of a form, if it was typed twice.
func repeated(r *http.Request) (string, error) {
	typed := r.PostFormValue("newpassword")
	if typed != r.PostFormValue("repeat") {
		return "", password.ErrRepeat
	}
	return typed, nil
}

// resetWindow is how old a proof may be that stands in for a forgotten password.
const resetWindow = 10 * time.Minute

// mayReset reports whether the person may set a password without the one that they have.
func (s *Site) mayReset(r *http.Request, me knownAccount) (bool, error) {
	policy, err := s.Passwords.Method.Policy(r.Context(), me.session.Tenant)
	if err != nil || !policy.SelfServiceReset {
		return false, err
	}
	now := s.Now()
	return password.MayReset(me.session, func(p signin.Proof) bool { return now.Before(p.At.Add(resetWindow)) }), nil
}

// forgotPath leads to one more proof, for whoever forgot the password.
const forgotPath = "/security-info/forgot"

// showForgot serves GET /security-info/forgot: asks for one more proof, which the session
// keeps beside those that it has.
func (s *Site) showForgot(w http.ResponseWriter, r *http.Request) error {
	me, ok, err := s.signedIn(w, r)
	if err != nil || !ok {
		return err
	}
	if ok, err := s.Passwords.Method.InScope(r.Context(), me.session.Tenant, me.user.ID); err != nil || !ok {
		return errors.Join(err, method.ErrOff)
	}
	return s.prove(w, r, me, "/security-info/add/"+string(password.MethodID), signin.Requirement{SingleFactor: true, Since: s.Now()})
}

func showAddPassword(s *Site, r *http.Request, reg registration) (page, error) {
	ctx, tenant := r.Context(), reg.me.session.Tenant
	if ok, err := s.Passwords.Method.InScope(ctx, tenant, reg.me.user.ID); err != nil || !ok {
		return nil, errors.Join(err, method.ErrOff)
	}
	has, err := s.Passwords.Method.Of(ctx, tenant, reg.me.user.ID)
	if err != nil {
		return nil, err
	}
	may, err := s.mayReset(r, reg.me)
	if err != nil {
		return nil, err
	}
	length, err := s.passwordLength(r, tenant)
	if err != nil {
		return nil, err
	}
	p := addPasswordPage{
		frame: reg.frame, setup: reg.setup, Length: length,
		Has: has != nil, Forgot: may && r.FormValue("forgot") != "",
	}
	p.First, p.ForgotHref = !p.Has || p.Forgot, forgotPath
	if may {
		p.ForgotHref = reg.Action + "?forgot=1"
	}
	policy, err := s.Passwords.Method.Policy(ctx, tenant)
	if !policy.SelfServiceReset {
		p.ForgotHref = ""
	}
	if p.Forgot {
		p.Form = map[string]string{"forgot": "1"}
	}
	return p, err
}

// takeAddPassword sets, changes or removes a password. Whoever has one types it, unless they
// may reset it.
func takeAddPassword(s *Site, r *http.Request, reg registration) (method.Credential, error) {
	ctx, me := r.Context(), reg.me
	old, err := s.Passwords.Method.Of(ctx, me.session.Tenant, me.user.ID)
	if err != nil {
		return method.Credential{}, err
	}
	activity := audit.ChangeUserPassword
	if old != nil {
		forgot := false
		if r.PostFormValue("forgot") != "" && r.PostFormValue("remove") == "" {
			if forgot, err = s.mayReset(r, me); err != nil {
				return *old, err
			}
			activity = audit.ResetOwnPassword
		}
		if !forgot {
			err = s.SignIn.Recheck(ctx, me.session, me.user, signin.App{ID: directory.PagesAppID, DisplayName: ownPagesName},
				reg.CorrelationID, password.MethodID, r.PostFormValue("password"), reg.place)
		}
		if err != nil {
			return *old, err
		}
	}
	if r.PostFormValue("remove") != "" {
		if old == nil {
			return method.Credential{}, password.ErrNone
		}
		return *old, s.Registry.RemoveGuarded(ctx, *old, me.user, reg.actor())
	}
	typed, err := repeated(r)
	if err != nil {
		return method.Credential{}, err
	}
	tenant, err := s.Tenants.Tenant(ctx, me.session.Tenant)
	if err != nil {
		return method.Credential{}, err
	}
	return s.Passwords.Set(ctx, password.Change{
		Tenant: tenant, User: me.user, New: typed, By: reg.actor(), Place: reg.place, Activity: activity,
		Origin: method.OriginOf(me.session, reg.place), Keep: me.session.ID,
	})
}
