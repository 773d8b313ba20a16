package pages

// homePage is home.html: the front door, at the server's root.
type homePage struct {
	frame
	who
	SignInHref       string // "" when somebody is signed in already
	SecurityInfoHref string
	ConsoleHref      string // "" for people who may not use the console
	SignOutHref      string // "" when nobody is signed in
}

func (homePage) file() string { return "home.html" }
