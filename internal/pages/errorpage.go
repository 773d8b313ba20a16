package pages

// generalCode is the code of a bug or an outage.
const generalCode = "generalException"

// errorPage is errorpage.html: the request ends here. Without a Fault it says that
// something went wrong on this side, and gives the correlation id only.
type errorPage struct {
	frame
	who
	Heading   string // in the page's language; "" is a general one
	RetryHref string // begins again; "" leaves the link out
}

func (errorPage) file() string { return "errorpage.html" }

// ErrorCode is the code of what went wrong; a bug or an outage has a general one.
func (p errorPage) ErrorCode() string {
	if p.Fault == nil {
		return generalCode
	}
	return p.Fault.Code
}
