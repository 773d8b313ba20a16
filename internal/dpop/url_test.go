package dpop

import "testing"

// FuzzNormal asks that a normal form stays what it is.
func FuzzNormal(f *testing.F) {
	for _, seed := range []string{
		"HTTPS://Host.Example:443/a/./b/../c%7e?x#y", "http://[::1]:80", "https://h//..//%2e%2E/%2f", "https://h/%25%34%31", "http://0%80",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once, ok := normal(s)
		if !ok {
			return
		}
		if twice, ok := normal(once); !ok || twice != once {
			t.Fatalf("normal(%q) = %q, whose normal form is %q, %v", s, once, twice, ok)
		}
	})
}
