package pages

// donePage is done.html: the other device goes on by itself, and this page may be closed.
type donePage struct {
	frame
	Application string // what was signed in to; "" leaves it open
	Denied      bool   // the person said no
}

func (donePage) file() string { return "done.html" }
