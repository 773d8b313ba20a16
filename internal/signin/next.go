package signin

import "slices"

// Step is what is asked next; it is the data-step of the page.
type Step string

// The steps that are not methods.
const (
	StepAccount  Step = "account"  // which of the browser's accounts
	StepIdentify Step = "identify" // the name
	StepMethods  Step = "methods"  // other ways to sign in
	StepStay     Step = "stay"     // stay signed in?
	StepDone     Step = "done"
)

// Facts are what [Next] needs to know beyond the transaction.
type Facts struct {
	// Methods are what may be asked for, best first: for a familiar place the person's own,
	// elsewhere all that policy enables, whoever was named.
	Methods []MethodID
	// Accounts is how many accounts the browser is signed in with.
	Accounts int
}

// Next returns what t asks for next.
func Next(t Transaction, f Facts) Step {
	switch {
	case t.Done():
		return StepDone
	case t.Username == "" && t.SelectAccount && f.Accounts > 0:
		return StepAccount
	case t.Username == "":
		return StepIdentify
	case len(t.Proofs) > 0 && t.Stay == nil:
		return StepStay
	case len(t.Proofs) > 0:
		return StepDone
	case t.OtherWays || len(f.Methods) == 0:
		return StepMethods
	case slices.Contains(f.Methods, t.Chosen):
		return Step(t.Chosen)
	}
	return Step(f.Methods[0])
}
