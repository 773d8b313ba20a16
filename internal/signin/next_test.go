package signin

import "testing"

func TestNext(t *testing.T) {
	yes := true
	pass, key := Offer{Method: "accesspass", Yield: Yield{Factors: Knowledge | Possession}}, Offer{Method: "passkey", Yield: Yield{Factors: Possession | Inherence, PhishingResistant: true}}
	password, code := Offer{Method: "password", Yield: Yield{Factors: Knowledge}}, Offer{Method: "otc", Yield: Yield{Factors: Possession}}
	offers := []Offer{pass, key}
	proof := func(o Offer) Proof {
		return Proof{Method: o.Method, Factors: o.Yield.Factors, PhishingResistant: o.Yield.PhishingResistant}
	}
	named := Transaction{Username: "sam@contoso.example"}
	with := func(change func(*Transaction)) Transaction {
		tr := named
		change(&tr)
		return tr
	}
	for _, c := range []struct {
		name string
		t    Transaction
		f    Facts
		want Step
	}{
		{"nothing is known", Transaction{}, Facts{Offers: offers}, StepIdentify},
		{"a method that needs no name was chosen", Transaction{Chosen: "passkey"}, Facts{Nameless: []MethodID{"passkey"}}, "passkey"},
		{"a method that needs a name was chosen before it", Transaction{Chosen: "otc"}, Facts{Nameless: []MethodID{"passkey"}}, StepIdentify},
		{"back from a method that needs no name", Transaction{Chosen: "passkey", OtherWays: true}, Facts{Nameless: []MethodID{"passkey"}}, StepIdentify},
		{"an account is to be chosen", Transaction{SelectAccount: true}, Facts{Accounts: 1}, StepAccount},
		{"an account is to be chosen and there is none", Transaction{SelectAccount: true}, Facts{}, StepIdentify},
		{"accounts are there and nobody asked", Transaction{}, Facts{Accounts: 2}, StepIdentify},
		{"an account was chosen", with(func(t *Transaction) { t.SelectAccount = true }), Facts{Offers: offers, Accounts: 1}, "accesspass"},
		{"a name was typed", named, Facts{Offers: offers}, "accesspass"},
		{"another method was chosen", with(func(t *Transaction) { t.Chosen = "passkey" }), Facts{Offers: offers}, "passkey"},
		{"a method was chosen that is not offered", with(func(t *Transaction) { t.Chosen = "password" }), Facts{Offers: offers}, "accesspass"},
		{"other ways are asked for", with(func(t *Transaction) { t.OtherWays = true }), Facts{Offers: offers}, StepMethods},
		{"there is no method", named, Facts{}, StepMethods},
		{"the proof is there", with(func(t *Transaction) { t.Proofs = []Proof{proof(pass)} }), Facts{}, StepStay},
		{"the proof is there and staying was answered", with(func(t *Transaction) { t.Proofs, t.Stay = []Proof{proof(key)}, &yes }), Facts{}, StepDone},
		{"staying was answered without a proof", with(func(t *Transaction) { t.Stay = &yes }), Facts{Offers: offers}, "accesspass"},
		{"one of two factors is there", with(func(t *Transaction) { t.Proofs = []Proof{proof(password)} }), Facts{Offers: []Offer{password, code}}, "otc"},
		{"both factors are there", with(func(t *Transaction) { t.Proofs = []Proof{proof(password), proof(code)} }), Facts{}, StepStay},
		{"nothing is left for the other factor", with(func(t *Transaction) { t.Proofs = []Proof{proof(password)} }), Facts{Offers: []Offer{password}}, StepBlocked},
		{"what can't be completed is not offered", named, Facts{Offers: []Offer{code, pass}}, "accesspass"},
		{"one factor is enough", with(func(t *Transaction) { t.Require.SingleFactor = true }), Facts{Offers: []Offer{code, pass}}, "otc"},
		{"phishing-resistant is asked for", with(func(t *Transaction) { t.Require.PhishingResistant = true }), Facts{Offers: offers}, "passkey"},
		{"a pass is not phishing-resistant", with(func(t *Transaction) { t.Require.PhishingResistant, t.Proofs = true, []Proof{proof(pass)} }), Facts{Offers: []Offer{pass}}, StepBlocked},
		{"it ended in a session", Transaction{Session: "session"}, Facts{Offers: offers}, StepDone},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Next(c.t, c.f); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
