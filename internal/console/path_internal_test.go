package console

import "testing"

func TestABrowserIsLedBackIntoTheConsoleOnly(t *testing.T) {
	for asked, want := range map[string]string{
		"/console/":                           "/console/",
		"/console/people?q=mira&after=x":      "/console/people?q=mira&after=x",
		"":                                    "/console/",
		"/security-info":                      "/console/",
		"//evil.example/console/":             "/console/",
		"/console//evil.example":              "/console/",
		"https://evil.example/console/":       "/console/",
		`/console/\evil.example`:              "/console/",
		"/console/people\r\nSet-Cookie: a=b":  "/console/",
		"/consoles/people":                    "/console/",
		"/console/people?next=%2F%2Fevil.com": "/console/people?next=%2F%2Fevil.com", // nobody follows it
	} {
		if got := onlyPath(asked); got != want {
			t.Errorf("%q leads to %q, want %q", asked, got, want)
		}
	}
}
