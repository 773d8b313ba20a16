package pages

// chooseAccountPage is chooseaccount.html: asks which of the accounts that this browser
// is signed in with to use. The answer is in the field account; it is "other" for none.
type chooseAccountPage struct {
	frame
	Application string // who asked for the sign-in; "" names the tenant instead
	Accounts    []account
}

// An account is one that a browser is signed in with.
type account struct {
	ID       string // the value of the field account
	Name     string
	Username string
}

func (chooseAccountPage) file() string { return "chooseaccount.html" }
