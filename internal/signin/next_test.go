package signin

import "testing"

func TestNext(t *testing.T) {
	yes := true
	methods := []MethodID{"accesspass", "passkey"}
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
		{"nothing is known", Transaction{}, Facts{Methods: methods}, StepIdentify},
		{"an account is to be chosen", Transaction{SelectAccount: true}, Facts{Accounts: 1}, StepAccount},
		{"an account is to be chosen and there is none", Transaction{SelectAccount: true}, Facts{}, StepIdentify},
		{"accounts are there and nobody asked", Transaction{}, Facts{Accounts: 2}, StepIdentify},
		{"an account was chosen", with(func(t *Transaction) { t.SelectAccount = true }), Facts{Methods: methods, Accounts: 1}, "accesspass"},
		{"a name was typed", named, Facts{Methods: methods}, "accesspass"},
		{"another method was chosen", with(func(t *Transaction) { t.Chosen = "passkey" }), Facts{Methods: methods}, "passkey"},
		{"a method was chosen that is not offered", with(func(t *Transaction) { t.Chosen = "password" }), Facts{Methods: methods}, "accesspass"},
		{"other ways are asked for", with(func(t *Transaction) { t.OtherWays = true }), Facts{Methods: methods}, StepMethods},
		{"there is no method", named, Facts{}, StepMethods},
		{"the proof is there", with(func(t *Transaction) { t.Proofs = []Proof{{}} }), Facts{}, StepStay},
		{"the proof is there and staying was answered", with(func(t *Transaction) { t.Proofs, t.Stay = []Proof{{}}, &yes }), Facts{}, StepDone},
		{"staying was answered without a proof", with(func(t *Transaction) { t.Stay = &yes }), Facts{Methods: methods}, "accesspass"},
		{"it ended in a session", Transaction{Session: "session"}, Facts{Methods: methods}, StepDone},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Next(c.t, c.f); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
