package pages

// blockedPage is blocked.html: the proof was right, but Fault stops the sign-in.
type blockedPage struct {
	frame
	who
	RetryHref     string // begins again; "" leaves the link out
	OtherWaysHref string
}

func (blockedPage) file() string { return "blocked.html" }
