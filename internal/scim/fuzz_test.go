package scim

import (
	"errors"
	"reflect"
	"testing"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

var ida = directory.User{
	UserPrincipalName: "ida@contoso.example", DisplayName: "Ida", MailNickname: "ida", AccountEnabled: true, Mail: "ida@contoso.example",
	OtherMails: []string{"ida@home.example"}, BusinessPhones: []string{"+1"}, MobilePhone: "+2", City: "Rome", Department: "Ward",
	Manager: "00000000-0000-4000-8000-000000000001", ExternalID: "hr-1",
}

// refused fails the test unless err is a fault that SCIM can tell.
func refused(t *testing.T, err error) {
	t.Helper()
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Text == "" {
		t.Errorf("not a fault: %#v", err)
	}
	if code, body := say(err, ""); code >= 500 || body.Detail == "" {
		t.Errorf("%v is answered with %d", err, code)
	}
}

func FuzzPatch(f *testing.F) {
	for _, seed := range []string{
		`{"op":"add","path":"emails[type eq \"work\"].value","value":"x"}`, `{"op":"Replace","value":{"active":"False","name.familyName":"x"}}`,
		`{"op":"remove","path":"emails[value co \"home\"]"}`, `{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":[{"value":"x"}]}`,
		`{"op":"replace","path":"addresses","value":[{"type":"work"},{"type":"other"}]}`, `{"op":"remove","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"}`,
		`{"op":"add","path":"members[value eq \"00000000-0000-4000-8000-000000000001\"]"}`, `{"op":"add","path":"phoneNumbers.value","value":"y"}`,
	} {
		f.Add([]byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + seed + `]}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		body, err := parseBody(data)
		if err != nil {
			refused(t, err)
			return
		}
		operations, err := readPatch(body)
		if err != nil {
			refused(t, err)
			return
		}
		before, d, g, members := userDocument(ida), userDocument(ida), document{}, shift{}
		for _, o := range operations {
			if err := applyGroup(g, &members, o); err != nil {
				refused(t, err)
			}
			if err := users.apply(d, o); err != nil {
				refused(t, err)
				return
			}
		}
		if !reflect.DeepEqual(before, userDocument(ida)) {
			t.Error("a patch changed what it was given")
		}
		u, err := writeUser(ida, d)
		if err != nil {
			refused(t, err)
			return
		}
		if u.ID != ida.ID || u.Source != ida.Source || u.UserType != ida.UserType {
			t.Errorf("a patch reached what is not SCIM's: %+v", u)
		}
		again, err := writeUser(ida, userDocument(u))
		if err != nil || !reflect.DeepEqual(u, again) {
			t.Errorf("what was written reads differently:\n%+v\n%+v (%v)", u, again, err)
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{`emails[type eq "work"].value eq "x"`, `manager eq "x" and active eq "True"`, `not (groups pr)`, `members eq "x"`, `meta.created gt "2026-01-01T00:00:00Z"`} {
		f.Add(seed, "W251bGwsMV0", "name.familyName")
	}
	f.Fuzz(func(t *testing.T, text, cursor, sortBy string) {
		p := parameters{filter: text, cursor: cursor, byCursor: true, sortBy: sortBy, attributes: []string{sortBy}}
		for _, k := range []*kind{users, groups} {
			columns := userColumns
			if k == groups {
				columns = groupColumns
			}
			if _, err := k.query(p, columns); err != nil {
				refused(t, err)
			}
		}
	})
}
