package graph

import (
	"errors"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// passwords are the passwords: none or one a person, under the id that Graph gives to
// everybody's. An administrator can remove one, which Graph can't.
// https://learn.microsoft.com/graph/api/resources/passwordauthenticationmethod
var passwords = credentialSet{
	segment: "passwordMethods", kind: password.MethodID, odataType: "passwordAuthenticationMethod", id: password.GraphID,
	read: directory.ReadPassword, remove: directory.DeletePassword, policy: password.PolicyID,
	yield: func(method.Credential, methodPolicy, map[directory.GroupID]bool) signin.Yield {
		return password.Method{}.Yield()
	},
	names: func(method.Credential) []string { return []string{"password"} },
	own: func(method.Credential) (odata.Entity, error) {
		return odata.Entity{{Name: "password", Value: nil}}, nil
	},
}

// passwordPolicy is the policy of passwords. Graph has none: all but the targets is Postern's.
type passwordPolicy struct{ password.Policy }

func freshPasswordPolicy() methodPolicy { return &passwordPolicy{password.DefaultPolicy()} }

func (p *passwordPolicy) shared() *method.Targets { return &p.Targets }

func (p *passwordPolicy) own() odata.Entity {
	return odata.Entity{
		{Name: "postern_minimumLength", Value: p.MinimumLength, OnSelect: true},
		{Name: "postern_bannedWords", Value: list(p.BannedWords), OnSelect: true},
		{Name: "postern_selfServiceReset", Value: p.SelfServiceReset, OnSelect: true},
	}
}

func (p *passwordPolicy) read(body *odata.Object) {
	body.Int("postern_minimumLength", &p.MinimumLength)
	body.Strings("postern_bannedWords", &p.BannedWords)
	body.Bool("postern_selfServiceReset", &p.SelfServiceReset)
}

// ErrResetOther says that only passwords are reset.
var ErrResetOther = &fault.Error{
	Kind: fault.NotFound, Code: "resetOther",
	Text: "This method can't be reset.", Remedy: "The id of everybody's password is " + password.GraphID + ".",
}

// resetPassword serves POST /users/{id}/authentication/methods/{method}/resetPassword, and the
// same under passwordMethods. Without a password in the body one is drawn, and shown here
// alone. Whoever gets it changes it at the next sign-in.
// https://learn.microsoft.com/graph/api/authenticationmethod-resetpassword
func (a *API) resetPassword(c *call) error {
	id, err := objectID(c, "method", ErrResetOther)
	if err != nil {
		return err
	}
	if id != password.GraphID {
		return ErrResetOther
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{AllowEmpty: true})
	if err != nil {
		return err
	}
	change := a.passwordChange(c, c.user)
	body.String("newPassword", &change.New)
	if err := body.Done(); err != nil {
		return err
	}
	_, drawn, err := a.Passwords.Reset(c.ctx(), change)
	if err != nil {
		return err
	}
	answer := odata.Entity{}
	if text := drawn.Reveal(); text != "" {
		answer = append(answer, odata.Property{Name: "newPassword", Value: text})
	}
	c.w.Header().Set("Location", a.root(c).Link("users", string(c.user.ID), "authentication", "operations", change.Event))
	return odata.WriteEntity(c.w, http.StatusAccepted, a.root(c).Collection("microsoft.graph.passwordResetResponse", nil), answer)
}

// passwordChange begins a change of somebody's password by the caller.
func (a *API) passwordChange(c *call, u directory.User) password.Change {
	return password.Change{
		Tenant: c.tenant, User: u, By: a.methodActor(c), Event: uuid.NewString(),
		Place: signin.Place{Address: request.From(c.ctx()).Address}, Origin: method.Origin{By: a.callerID(c)},
	}
}

func (a *API) callerID(c *call) string {
	if c.caller.AppOnly() {
		return string(c.caller.ServicePrincipal)
	}
	return string(c.caller.User)
}

// getOperation serves GET /users/{id}/authentication/operations/{operation}: a reset is done
// when it is answered, and its operation is its entry of the log.
// https://learn.microsoft.com/graph/api/authentication-list-operations
func (a *API) getOperation(c *call) error {
	id, err := objectID(c, "operation", directory.ErrObjectUnknown)
	if err != nil {
		return err
	}
	e, err := a.Store.Event(c.ctx(), c.tenant.ID, audit.KindDirectory, id)
	if err == nil && (e.Change.Activity != audit.ResetUserPassword || len(e.Change.Targets) == 0 || e.Change.Targets[0].ID != string(c.user.ID)) {
		err = directory.ErrObjectUnknown
	}
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, http.StatusOK, a.root(c).Entity(odata.Within("users", string(c.user.ID), "authentication/operations"), nil), odata.Entity{
		{Name: "id", Value: e.ID},
		{Name: "status", Value: "succeeded"},
		{Name: "statusDetail", Value: nil},
		{Name: "createdDateTime", Value: odata.Time(e.At)},
		{Name: "lastActionDateTime", Value: odata.Time(e.At)},
		{Name: "resourceLocation", Value: a.root(c).Link("users", string(c.user.ID), "authentication", "passwordMethods", password.GraphID)},
	})
}

// readProfile takes passwordProfile out of the body of a user: nil when there is none, or
// when passwords are off and the body is that of a new user, which Graph's scripts send with
// one whatever the tenant does.
func (a *API) readProfile(c *call, body *odata.Object, u directory.User, created bool) (*password.Change, error) {
	if created && body.IsNull("passwordProfile") || !body.Has("passwordProfile") {
		return nil, nil
	}
	p := body.Object("passwordProfile")
	if p == nil {
		return nil, nil
	}
	change := a.passwordChange(c, u)
	change.MustChange, change.Activity = true, audit.ResetUserPassword
	p.String("password", &change.New)
	p.Bool("forceChangePasswordNextSignIn", &change.MustChange)
	var withMFA bool // every sign-in with a password is one with another factor
	p.Bool("forceChangePasswordNextSignInWithMfa", &withMFA)
	change.MustChange = change.MustChange || withMFA
	if err := a.Passwords.Check(c.ctx(), change); err != nil {
		if created && errors.Is(err, password.ErrOff) {
			return nil, nil
		}
		return nil, err
	}
	return &change, nil
}

// maySetPassword asks for SetPassword. Scripts from before Graph had the permission for it come as an application that holds
// the role and may make other sensitive changes: that is enough, too.
func maySetPassword(c *call) error {
	err := directory.May(c.caller, directory.SetPassword, c.target)
	if err != nil && c.caller.AppOnly() {
		for _, role := range directory.RolesFor(directory.SetPassword, c.target) {
			if slices.Contains(c.caller.Roles, role) {
				return directory.May(c.caller, directory.UpdateUserSensitive, c.target)
			}
		}
	}
	return err
}
