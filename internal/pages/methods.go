package pages

// methodsPage is methods.html: lists the other ways to sign in. Before the first proof
// the list tells nothing about the person (docs/threat-model.md).
type methodsPage struct {
	frame
	who
	Offers   []offer
	BackHref string // to the page before; "" leaves the link out

	KeyHref     string // adds what an answer about somebody else takes; "" for other sign-ins
	RecoverHref string // asks for help; "" leaves the link out
}

// An offer is one way to sign in that a person may choose.
type offer struct {
	Icon        string // a symbol of icons.svg
	Name        string // in the page's language
	Description string
	Then        string // what is asked for after it; empty when it is enough
	Href        string
}

func (methodsPage) file() string { return "methods.html" }
