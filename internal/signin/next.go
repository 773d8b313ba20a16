package signin

import "slices"

// Step is what is asked next; it is the data-step of the page.
type Step string

// The steps that are not methods.
const (
	StepAccount  Step = "account"  // which of the browser's accounts
	StepIdentify Step = "identify" // the name
	StepMethods  Step = "methods"  // other ways to sign in
	StepBlocked  Step = "blocked"  // nothing that is left can meet what is asked for
	StepStay     Step = "stay"     // stay signed in?
	StepDone     Step = "done"
)

// An Offer is a method that a person may use, and what a proof by it shows.
type Offer struct {
	Method MethodID
	Yield  Yield
	First  bool // before all others: a pass that works
	Later  bool // after all others: a pass that works later
	Led    bool // asked for before all others, whether or not they would do without
}

// Facts are what [Next] needs to know beyond the transaction.
type Facts struct {
	// Offers are what may be asked for, best first: for a familiar place the person's own,
	// elsewhere all that policy enables, whoever was named.
	Offers []Offer
	// Accounts is how many accounts the browser is signed in with.
	Accounts int
	// Nameless are the methods whose answer says whose it is, while no name was typed.
	Nameless []MethodID
}

// Next returns what t asks for next. It offers nothing with which the requirement could not
// be met any more, and nothing twice.
func Next(t Transaction, f Facts) Step {
	switch {
	case t.Done():
		return StepDone
	case t.Refused != nil || t.Verdict.Bars():
		return StepBlocked
	case t.Username == "" && t.SelectAccount && f.Accounts > 0:
		return StepAccount
	case t.Username == "" && !t.OtherWays && slices.Contains(f.Nameless, t.Chosen):
		return Step(t.Chosen)
	case t.Username == "":
		return StepIdentify
	case t.Proved() && t.Renews() != "":
		return StepRenew
	case t.Proved() && t.Stay == nil && !t.staySettled():
		return StepStay
	case t.Proved():
		return StepDone
	}
	useful := Useful(t, f.Offers)
	switch {
	case len(useful) == 0 && (len(t.Proofs) > 0 || t.Raises != ""):
		return StepBlocked
	case t.OtherWays || len(useful) == 0:
		return StepMethods
	case among(useful, t.Chosen):
		return Step(t.Chosen)
	}
	return Step(useful[0].Method)
}

// Useful returns the offers, in their order, that can be what is missing: those that, with some
// of the others, meet the requirement which these others alone don't; and where a person is led.
func Useful(t Transaction, offers []Offer) []Offer {
	var left []Offer
	for _, o := range offers {
		if !t.usedMethod(o.Method) {
			left = append(left, o)
		}
	}
	have := t.wants().shown(t.all())
	var all []Offer
	for i, o := range left {
		if o.Led || t.wants().pivotal(have, o.Yield, slices.Delete(slices.Clone(left), i, i+1)) {
			all = append(all, o)
		}
	}
	return all
}

// Partners returns the offers that together with o would be enough for t, when o alone is not.
func Partners(t Transaction, o Offer, offers []Offer) []Offer {
	y := t.wants().shown(t.all()).add(o.Yield)
	if t.wants().metBy(y) {
		return nil
	}
	var all []Offer
	for _, other := range Useful(t, offers) {
		if other.Method != o.Method && t.wants().metBy(y.add(other.Yield)) && !t.wants().metBy(t.wants().shown(t.all()).add(other.Yield)) {
			all = append(all, other)
		}
	}
	return all
}

// pivotal reports whether some of others, with have, meet r only together with y. There are
// about seven methods, so that trying them all is cheap.
func (r Requirement) pivotal(have, y Yield, others []Offer) bool {
	if r.metBy(have) {
		return false
	}
	if r.metBy(have.add(y)) {
		return true
	}
	for i, o := range others {
		if r.pivotal(have.add(o.Yield), y, others[i+1:]) {
			return true
		}
	}
	return false
}

// usedMethod reports whether t has a proof by the method that counts.
func (t Transaction) usedMethod(id MethodID) bool {
	return slices.ContainsFunc(t.all(), func(p Proof) bool { return p.Method == id && t.wants().counts(p) })
}

// Proved reports whether the proofs of t meet what is asked for.
func (t Transaction) Proved() bool { return t.wants().Met(t.all()) }

// staySettled reports whether a rule says whether the browser stays signed in.
func (t Transaction) staySettled() bool {
	return t.Device == nil && t.Verdict != nil && (t.Verdict.NeverPersistent || t.Verdict.AlwaysPersistent)
}
