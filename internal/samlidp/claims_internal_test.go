package samlidp

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/saml"
	"github.com/postern-id/postern/internal/signin"
)

// places says where a person is: what claims read of a store.
type places struct {
	Store
	appRoles []string
	roles    []directory.RoleID
	groups   map[directory.GroupID]bool
	assigned []directory.GroupID
}

func (p places) AppRolesOfPerson(context.Context, directory.TenantID, directory.UserID, directory.ServicePrincipalID) ([]string, error) {
	return p.appRoles, nil
}

func (p places) RolesOf(context.Context, directory.TenantID, string) ([]directory.RoleID, error) {
	return p.roles, nil
}

func (p places) GroupsOf(context.Context, directory.TenantID, string) (map[directory.GroupID]bool, error) {
	return p.groups, nil
}

func (p places) AssignedGroups(context.Context, directory.TenantID, directory.ServicePrincipalID) ([]directory.GroupID, error) {
	return p.assigned, nil
}

// keyed makes hashes under one key for each tenant and label.
type keyed struct{}

func (keyed) MAC(_ context.Context, tenant, label string, message []byte) (string, error) {
	mac := hmac.New(sha256.New, []byte(tenant+"|"+label))
	mac.Write(message)
	return hex.EncodeToString(mac.Sum(nil)), nil
}

var mira = directory.User{
	Tenant: "t", ID: "u", UserPrincipalName: "mira@contoso.example", DisplayName: "Mira Okafor", GivenName: "Mira", Surname: "Okafor", MailNickname: "mira",
}

func teller(p places) *Server {
	return &Server{Store: p, Secrets: keyed{}, PublicURL: "https://login.example", Now: func() time.Time { return nine }}
}

// told are the claims about mira, by name.
func told(t *testing.T, s *Server, a application, session signin.Session) map[string][]string {
	t.Helper()
	all, err := s.attributes(t.Context(), a, session, mira)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string][]string{}
	for _, x := range all {
		if by[x.Name] != nil {
			t.Errorf("%s is told twice", x.Name)
		}
		by[x.Name] = x.Values
	}
	return by
}

func TestWhatAnApplicationIsToldOfAPerson(t *testing.T) {
	s, session := teller(places{}), shown(signin.Knowledge|signin.Possession, false)
	session.Proofs[0].AMR = []string{"pwd", "otp"}
	usual := told(t, s, orders(nil), session)
	for name, want := range map[string][]string{
		identityClaims + "objectidentifier": {"u"}, identityClaims + "tenantid": {"t"}, identityClaims + "identityprovider": {"https://login.example/t/"},
		soapClaims + "name": {"mira@contoso.example"}, soapClaims + "givenname": {"Mira"}, soapClaims + "emailaddress": nil, roleClaims + "role": nil,
		methodsClaim: {"http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password", "urn:postern:amr:otp", classMultiple},
	} {
		if !slices.Equal(usual[name], want) {
			t.Errorf("%s is %v, want %v", name, usual[name], want)
		}
	}
	own := []directory.SAMLClaim{{Name: "who", Source: "User.MailNickname"}, {Name: soapClaims + "name", Source: "user.displayname"}, {Name: "where", Source: "user.city"}}
	more := told(t, s, orders(&directory.SAMLSettings{Claims: own}), session)
	if !slices.Equal(more["who"], []string{"mira"}) || !slices.Equal(more[soapClaims+"name"], []string{"Mira Okafor"}) || more["where"] != nil || len(more) != len(usual)+1 {
		t.Errorf("with claims of its own: %v", more)
	}
	if only := told(t, s, orders(&directory.SAMLSettings{Claims: own, OnlyThese: true}), session); len(only) != 2 {
		t.Errorf("with these only: %v", only)
	}
	session.Proofs[0].Factors = signin.Knowledge
	if one := told(t, s, orders(nil), session); slices.Contains(one[methodsClaim], classMultiple) {
		t.Error("one factor is told as several")
	}
}

func TestMembershipsAreToldAsFarAsTheApplicationAsks(t *testing.T) {
	p := places{
		appRoles: []string{"r1", "r2", "gone"}, roles: []directory.RoleID{"admin"},
		groups: map[directory.GroupID]bool{"g1": true, "g2": true}, assigned: []directory.GroupID{"g2", "g3"},
	}
	for asked, want := range map[string]struct{ groups, wids []string }{
		"":                                {nil, nil},
		"None":                            {nil, nil},
		"SecurityGroup":                   {[]string{"g1", "g2"}, nil},
		"ApplicationGroup":                {[]string{"g2"}, nil},
		"DirectoryRole":                   {nil, []string{"admin"}},
		"All":                             {[]string{"g1", "g2"}, []string{"admin"}},
		"DirectoryRole, ApplicationGroup": {[]string{"g2"}, []string{"admin"}},
	} {
		a := orders(&directory.SAMLSettings{OnlyThese: true})
		a.app.GroupMembershipClaims = asked
		a.principal.AppRoles = []directory.AppRole{{ID: "r1", Value: "Reader", IsEnabled: true}, {ID: "r2", Value: "Off"}, {ID: "r3", Value: "NotTheirs", IsEnabled: true}}
		got := told(t, teller(p), a, signin.Session{})
		if !slices.Equal(got[roleClaims+"groups"], want.groups) || !slices.Equal(got[roleClaims+"wids"], want.wids) || !slices.Equal(got[roleClaims+"role"], []string{"Reader"}) {
			t.Errorf("%q: %v", asked, got)
		}
	}
}

func TestTooManyGroupsAreALink(t *testing.T) {
	p := places{groups: map[directory.GroupID]bool{}}
	a := orders(&directory.SAMLSettings{OnlyThese: true})
	a.app.GroupMembershipClaims = "SecurityGroup"
	for n := range mostGroups {
		p.groups[directory.GroupID(fmt.Sprintf("g%03d", n))] = true
	}
	if got := told(t, teller(p), a, signin.Session{}); len(got[roleClaims+"groups"]) != mostGroups || got[groupsLink] != nil {
		t.Errorf("of %d: %v", mostGroups, got)
	}
	p.groups["one more"] = true
	if got := told(t, teller(p), a, signin.Session{}); got[roleClaims+"groups"] != nil || !slices.Equal(got[groupsLink], []string{"https://login.example/v1.0/users/u/getMemberObjects"}) {
		t.Errorf("of more: %v", got)
	}
}

func TestWhatAnApplicationCallsAPerson(t *testing.T) {
	name := func(app, tenant, user, format string) saml.NameID {
		t.Helper()
		a, u := orders(nil), mira
		a.app.AppID, u.Tenant, u.ID = directory.AppID(app), directory.TenantID(tenant), directory.UserID(user)
		n, err := teller(places{}).nameOf(t.Context(), a, request{Format: format, Entity: "https://" + app + ".example"}, u)
		if err != nil || n.Value == "" || n.Format != format {
			t.Fatalf("%+v, %v", n, err)
		}
		return n
	}
	if n := name("a", "t", "u", saml.EmailAddress); n != (saml.NameID{Format: saml.EmailAddress, Value: "mira@contoso.example"}) {
		t.Errorf("by address: %+v", n)
	}
	lasting := name("a", "t", "u", saml.Persistent)
	if lasting != name("a", "t", "u", saml.Persistent) || lasting.NameQualifier != "https://login.example/t/" || lasting.SPNameQualifier != "https://a.example" {
		t.Errorf("lasting: %+v", lasting)
	}
	for what, other := range map[string]saml.NameID{
		"another application": name("b", "t", "u", saml.Persistent), "another tenant": name("a", "s", "u", saml.Persistent), "another person": name("a", "t", "v", saml.Persistent),
	} {
		if other.Value == lasting.Value {
			t.Errorf("%s knows the same name", what)
		}
	}
	if once := name("a", "t", "u", saml.Transient).Value; once == name("a", "t", "u", saml.Transient).Value {
		t.Error("a transient name comes twice")
	}
}
