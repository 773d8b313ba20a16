package pages

// formPostPage is formpost.html: posts the fields of Form to the application at Action
// (OAuth 2.0 Form Post Response Mode, section 2). FormTargets holds Action too.
type formPostPage struct {
	frame
	Application string // "" names no application
}

func (formPostPage) file() string { return "formpost.html" }
