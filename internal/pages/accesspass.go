package pages

// accessPassPage is accesspass.html: asks for a Temporary Access Pass, in the field
// accesspass. What was typed is never shown again.
type accessPassPage struct {
	frame
	who
	OtherWaysHref string
}

func (accessPassPage) file() string { return "accesspass.html" }
