package graph

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/signin"
)

// What is looked at to find out whether an administrator is left.
const (
	mostAdministrators = 50 // one of them who gets in is enough
	mostSpots          = 40 // of the newest sign-ins of each
)

// modesOf are the ways to sign in that a kind of method is.
var modesOf = map[signin.MethodID]access.Modes{
	passkey.MethodID: access.FIDO2, hello.MethodID: access.WindowsHello, totp.MethodID: access.SoftwareOath, password.MethodID: access.Password,
	authenticator.MethodID: access.AuthenticatorPush | access.DeviceBasedPush,
}

// accessMethods are the methods that somebody can sign in with, as authentication strengths name
// them: those that are frozen are left out, and so are passes, which end.
func accessMethods(r method.Registration) access.Methods {
	var m access.Methods
	for _, one := range r.Credentials {
		if !one.Works() {
			continue
		}
		m.Modes |= modesOf[one.Kind]
		if one.Kind == passkey.MethodID {
			if key, err := passkey.Read(one); err == nil {
				m.AAGUIDs = append(m.AAGUIDs, key.Key.AAGUID.String())
			}
		}
	}
	if r.PIN {
		m.Modes |= access.WindowsHello
	}
	return m
}

// guard refuses a change after which no Global Administrator could sign in to the console any
// more, unless the caller insists or none could before.
func (a *API) guard(c *call, force bool) (guard, error) {
	if force {
		return func(access.Rules, access.Change) error { return nil }, nil
	}
	all, err := a.administrators(c)
	if err != nil {
		return nil, err
	}
	return func(there access.Rules, change access.Change) error {
		after, err := a.compile(there.With(change))
		if err != nil {
			return err
		}
		by := after.Lockout(all, a.Now())
		if by == nil {
			return nil
		}
		if before, err := a.compile(there); err == nil && before.Lockout(all, a.Now()) != nil {
			return nil // nothing that this change does
		}
		return access.ErrLockout.With("", "With this no administrator could sign in to the console any more, because of "+by.DisplayName+".")
	}, nil
}

func (a *API) compile(r access.Rules) (*access.Set, error) {
	return access.Compile(r.Policies, r.Locations, r.Strengths, a.Countries)
}

// administrators are the enabled Global Administrators, with what they sign in with and where
// they did. Who has registered nothing comes with a pass: there is no other way for them.
func (a *API) administrators(c *call) ([]access.Administrator, error) {
	ids, err := a.globalAdministrators(c)
	if err != nil {
		return nil, err
	}
	registered, err := a.Store.RegistrationsOf(c.ctx(), c.tenant.ID, ids, a.Now())
	if err != nil {
		return nil, err
	}
	var all []access.Administrator
	for _, id := range ids {
		user, err := a.Store.User(c.ctx(), c.tenant.ID, id)
		if errors.Is(err, directory.ErrUserUnknown) || err == nil && !user.AccountEnabled {
			continue
		}
		if err != nil {
			return nil, err
		}
		own := registered[id]
		one := access.Administrator{
			Subject: access.Subject{User: id, Roles: own.Roles, Guest: user.UserType == "Guest"}, Methods: accessMethods(own),
		}
		for g := range own.Groups {
			one.Subject.Groups = append(one.Subject.Groups, g)
		}
		if one.Methods.Modes == 0 && !own.Unreadable() {
			one.Methods.Modes = access.PassOneTime | access.PassMultiUse
		}
		if len(own.Roles) == 0 { // has nothing registered at all
			if one.Subject.Roles, err = a.Store.RolesOf(c.ctx(), c.tenant.ID, string(id)); err != nil {
				return nil, err
			}
		}
		if one.Spots, err = a.spots(c, id); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// globalAdministrators are people who hold the role, directly or through a group.
func (a *API) globalAdministrators(c *call) ([]directory.UserID, error) {
	assigned, err := a.Store.RoleAssignments(c.ctx(), c.tenant.ID, "", directory.GlobalAdministrator)
	if err != nil {
		return nil, err
	}
	var ids []directory.UserID
	for _, one := range assigned {
		refs := []directory.Ref{one.Principal}
		if one.Principal.Kind == directory.KindGroup {
			if refs, _, err = a.Store.Linked(c.ctx(), c.tenant.ID, one.Principal.ID, "transitiveMember", directory.KindUser, nil, "", mostAdministrators); err != nil {
				return nil, err
			}
		}
		for _, r := range refs {
			if id := directory.UserID(r.ID); r.Kind == directory.KindUser && len(ids) < mostAdministrators && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

// spots are from where somebody signed in last, and a browser anywhere.
func (a *API) spots(c *call, user directory.UserID) ([]access.Spot, error) {
	all := []access.Spot{{Client: access.Browser}}
	events, _, err := a.Store.History(c.ctx(), c.tenant.ID, user, nil, mostSpots)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		if e.SignIn == nil || e.SignIn.ErrorCode != 0 || !e.SignIn.Interactive || e.SignIn.UserID != string(user) {
			continue
		}
		spot := access.Spot{Client: access.Browser, Platform: platformOf(e.SignIn)}
		spot.Address, _ = netip.ParseAddr(e.SignIn.IPAddress)
		if spot.Device, err = a.accessDevice(c, e.SignIn.DeviceID); err != nil {
			return nil, err
		}
		all = append(all, spot)
	}
	for _, system := range []string{"windows", "macOS", "linux", "iOS", "android"} {
		all = append(all, access.Spot{Client: access.Browser, Platform: system})
	}
	return all, nil
}

// platformOf is Graph's word for the operating system of a sign-in.
func platformOf(s *audit.SignIn) string {
	for name, word := range map[string]string{"windows": "windows", "mac": "macOS", "linux": "linux", "ios": "iOS", "ipad": "iOS", "android": "android"} {
		if strings.HasPrefix(strings.ToLower(s.OperatingSystem), name) {
			return word
		}
	}
	return ""
}

// accessDevice is the joined device of a sign-in; nil if there was none or it is gone.
func (a *API) accessDevice(c *call, deviceID string) (*access.Device, error) {
	if deviceID == "" {
		return nil, nil //nolint:nilnil // a browser by itself
	}
	d, err := a.Store.DeviceByDeviceID(c.ctx(), c.tenant.ID, deviceID)
	if errors.Is(err, directory.ErrDeviceUnknown) || err == nil && d.Usable() != nil {
		return nil, nil //nolint:nilerr,nilnil // it is no device any more
	}
	if err != nil {
		return nil, err
	}
	status, at, err := a.Store.DeviceStatus(c.ctx(), c.tenant.ID, d.ID)
	return &access.Device{Device: d, Compliant: status.Compliant(at, a.Now())}, err
}
