package pages

// identifyPage is identify.html: asks who is signing in, in the field username.
type identifyPage struct {
	frame
	Username    string // as typed, kept when something was wrong with it
	Application string // who asked for the sign-in; "" names the tenant instead
	Example     string // an address that shows the form, such as sam@contoso.example
	Passkey     string // options that let the browser offer passkeys beside the name, as JSON; "" for none
	PasskeyHref string // to the page for passkeys; "" leaves the row out
	HelpHref    string // for people who can't sign in; "" leaves the row out
}

func (identifyPage) file() string { return "identify.html" }
