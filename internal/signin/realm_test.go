package signin

import (
	"context"
	"slices"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

// someVoucher is a [Voucher] of which only the offers matter here.
type someVoucher struct{ *someMethod }

func (someVoucher) Leave(context.Context, Attempt) (string, error) { return "", nil }
func (someVoucher) Vouch(context.Context, Attempt) (directory.User, Proof, error) {
	return directory.User{}, Proof{}, errWrong
}

// someRealms has one federated domain.
type someRealms struct{ realm Realm }

func (r someRealms) Realm(_ context.Context, _ directory.TenantID, domain string) (Realm, error) {
	if domain != "fabrikam.example" {
		return Realm{}, nil
	}
	return r.realm, nil
}

type somePolicies struct{ policy Policy }

func (p somePolicies) SignInPolicy(context.Context, directory.TenantID) (Policy, error) {
	return p.policy, nil
}

func (somePolicies) StrongestFirst(context.Context, directory.TenantID, directory.UserID) (bool, error) {
	return false, nil
}

func TestTheSwitchOfADomainHoldsOnEverySurface(t *testing.T) {
	two := Yield{Factors: Knowledge | Possession}
	has := map[directory.UserID]bool{"sam": false}
	method := func(id MethodID, y Yield) *someMethod {
		return &someMethod{id: id, yield: y, enabled: true, frozen: has}
	}
	methods := []Method{
		priorMethod{method("accesspass", two)},
		method("passkey", Yield{Factors: Possession | Inherence, PhishingResistant: true}),
		method("password", Yield{Factors: Knowledge}), method("otc", Yield{Factors: Possession}),
	}
	glass, none := DefaultPolicy(), DefaultPolicy()
	none.BreakGlass = nil
	surfaces := map[string]Transaction{
		"browser": {}, "console": {Application: App{ID: directory.ConsoleAppID}}, "lock screen": {Device: &Device{ID: "d"}},
		"joining a device": {Application: App{ID: directory.AgentAppID}}, "all proofs anew": {Raises: "s", Familiar: true},
	}
	const other, own = "sam@contoso.example", "sam@fabrikam.example"
	for _, test := range []struct {
		name     string
		typed    string
		realm    Realm
		policy   Policy
		familiar bool
		first    MethodID
		rest     []MethodID // what else may be chosen, in any order
	}{
		{"a domain that is not federated", other, Realm{}, glass, false, "accesspass", []MethodID{"passkey", "password", "otc"}},
		{"pass first", own, Realm{Federated: true, PassFirst: true, Yield: two}, glass, false, "accesspass", []MethodID{"passkey", "federated"}},
		{"pass first, familiar", own, Realm{Federated: true, PassFirst: true, Yield: two}, glass, true, "accesspass", []MethodID{"passkey", "federated"}},
		{"upstream first", own, Realm{Federated: true, Yield: two}, glass, false, "federated", []MethodID{"passkey", "accesspass"}},
		{"upstream first, familiar", own, Realm{Federated: true, Yield: two}, glass, true, "federated", []MethodID{"passkey", "accesspass"}},
		{"upstream first, and no glass to break", own, Realm{Federated: true, Yield: two}, none, false, "federated", []MethodID{"passkey"}},
		{"upstream first, of one factor", own, Realm{Federated: true, Yield: Yield{Factors: Knowledge}}, none, false, "federated", []MethodID{"passkey", "otc"}},
		{"pass first, and one factor upstream", own, Realm{Federated: true, PassFirst: true, Yield: Yield{Factors: Knowledge}}, none, false, "accesspass", []MethodID{"passkey", "otc", "federated"}},
	} {
		for where, at := range surfaces {
			t.Run(test.name+" "+where, func(t *testing.T) {
				upstream := method("federated", test.realm.Yield)
				s := &Service{Methods: append(slices.Clone(methods), someVoucher{upstream}), Policies: somePolicies{test.policy}, Realms: someRealms{test.realm}}
				at.Home, at.User, at.Username = contoso, "sam", test.typed
				at.Familiar = at.Familiar || test.familiar
				_, step, f, err := s.Next(t.Context(), at, 0, Place{})
				if err != nil || step != Step(test.first) {
					t.Errorf("first comes %s, %v; want %s", step, err, test.first)
				}
				var got []MethodID
				for _, o := range Useful(at, f.Offers) {
					if o.Method != test.first {
						got = append(got, o.Method)
					}
				}
				slices.Sort(got)
				slices.Sort(test.rest)
				if !slices.Equal(got, test.rest) {
					t.Errorf("beside it %v, want %v", got, test.rest)
				}
			})
		}
	}
}

func TestATextConsoleLeadsNowhere(t *testing.T) {
	s := &Service{Methods: []Method{someVoucher{&someMethod{id: "federated", enabled: true}}}, Policies: somePolicies{DefaultPolicy()}, Realms: someRealms{Realm{Federated: true}}}
	if _, step, _, err := s.Next(t.Context(), Transaction{Home: contoso, Username: "sam@fabrikam.example", Text: true}, 0, Place{}); err != nil || step != StepMethods {
		t.Errorf("%s, %v", step, err)
	}
}
