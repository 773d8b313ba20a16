package design

import "testing"

func TestAnAddressBreaksBehindItsSignsAndHidesNothing(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "<bdi></bdi>",
		"ann.lee@corp.example": "<bdi>ann.<wbr>lee@<wbr>corp.<wbr>example</bdi>",
		"a\u202E<b>@x":         "<bdi>a&lt;b&gt;@<wbr>x</bdi>",
	} {
		if got := Address(in); string(got) != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}
